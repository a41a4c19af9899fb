"""A submission becomes its records in one pure step that refuses everything it cannot keep."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.money import PPB, allocate
from endcredits.works import Contributor, Party, Permission, Submission, party_id_of
from endcredits.works.submissions import entry_of, merge_parties, with_id

AT = "2026-11-20T12:00:00Z"
PLAIN = Submission(
    title="A  Title",
    content=(("a.txt", "text/plain", b"words"),),
    contributors=(Contributor("A. Smith"), Contributor("B. Jones", "translator")),
    permission="allow",
    permission_reason="because",
    permission_source="works.csv row 1",
    declared_by="the table",
    origin="works.csv row 1",
)
STATEMENT = Permission(WorkId("work:a"), "train", "deny", "no", "a letter", "A. Smith", AT)


def test_a_submission_becomes_a_work_with_people_parts_and_a_statement() -> None:
    entry = entry_of(PLAIN, AT)

    work = entry.work
    assert work.title == "A Title"
    assert work.work_id == f"work:a-title-{entry.content_sha256[:12]}"
    assert [(one.display_credit, one.role, one.position) for one in work.credits] == [
        ("A. Smith", "author", 1),
        ("B. Jones", "translator", 2),
    ]
    assert {one.party_id: one.split_ppb for one in work.splits} == dict.fromkeys(
        [party_id_of("A. Smith"), party_id_of("B. Jones")], PPB // 2
    )
    assert (entry.permission.verb, entry.permission.value, entry.permission.effective_from) == ("train", "allow", AT)
    assert entry_of(PLAIN, AT) == entry


def test_nobody_named_gives_no_splits() -> None:
    work = entry_of(replace(PLAIN, contributors=()), AT).work

    assert (work.credits, work.splits) == ((), ())


def test_the_owners_id_is_kept_and_the_content_decides_any_other() -> None:
    assert entry_of(replace(PLAIN, work_id="pypi:foo@1.0+cpu"), AT).work.work_id == "pypi:foo@1.0+cpu"
    other = entry_of(replace(PLAIN, content=(("b.txt", "text/plain", b"other"),)), AT)
    assert other.work.work_id != entry_of(PLAIN, AT).work.work_id


def test_two_roles_of_one_person_are_paid_together() -> None:
    people = (Contributor("A", "author", 1), Contributor("a", "illustrator", 2), Contributor("B", "author", PPB - 3))

    given_parts = entry_of(replace(PLAIN, contributors=people), AT)
    equal_parts = entry_of(replace(PLAIN, contributors=tuple(replace(one, split_ppb=None) for one in people)), AT)

    assert sorted(one.split_ppb for one in given_parts.work.splits) == [3, PPB - 3]
    assert [one.split_ppb for one in equal_parts.work.splits] == [PPB // 2] * 2
    assert [one.name for one in given_parts.parties] == ["A", "B"]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=8), st.booleans())
def test_portions_always_sum_to_one_whole(weights: list[int], equal: bool) -> None:
    parts = list(allocate(PPB, {str(number): weight for number, weight in enumerate(weights)}).values())
    people = tuple(Contributor(f"N{number}", split_ppb=None if equal else part) for number, part in enumerate(parts))

    splits = entry_of(replace(PLAIN, contributors=people), AT).work.splits

    assert sum(one.split_ppb for one in splits) == PPB
    assert len(splits) == len(parts)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"title": " "}, "has no title"),
        ({"content": ()}, "has no content"),
        ({"content": (("a", "text/plain", b""),)}, "has no content"),
        ({"work_id": "no spaces"}, "cannot be an id"),
        ({"permission": "yes"}, "is not a permission"),
        ({"contributors": (Contributor("a@example.org"),)}, "e-mail address"),
        ({"contributors": (Contributor("A", kind="robot"),)}, "not a kind of party"),
        ({"contributors": (Contributor("A", role=" "),)}, "has no role"),
        ({"contributors": (Contributor("A"), Contributor("a"))}, "named twice as author"),
        ({"contributors": (Contributor("A", split_ppb=PPB), Contributor("B"))}, "is missing"),
        ({"contributors": (Contributor("A", split_ppb=PPB), Contributor("B", split_ppb=0))}, "is 0"),
        ({"contributors": (Contributor("A", split_ppb=PPB - 1),)}, "sum to 999,999,999"),
        ({"contributors": (Contributor("A", identifiers=(("isni", "1"),)),)}, "not an isni"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        entry_of(replace(PLAIN, **changes), AT)  # type: ignore[arg-type]

    assert caught.value.file == "works.csv row 1"


def test_a_statement_has_an_id_of_all_it_says() -> None:
    first = with_id(STATEMENT)

    assert with_id(first) == first
    assert first.permission_id.startswith("perm:")
    assert with_id(replace(STATEMENT, reason="never")).permission_id != first.permission_id


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"verb": "teach"}, "not a verb"),
        ({"value": "perhaps"}, "not a permission"),
        ({"effective_from": "2026-11-20"}, "not a UTC time"),
        ({"effective_to": "soon"}, "not a UTC time"),
        ({"effective_to": AT}, "ends before it begins"),
    ],
)
def test_a_wrong_statement_is_refused(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        with_id(replace(STATEMENT, **changes))  # type: ignore[arg-type]


def test_a_kind_that_is_known_goes_before_one_that_is_not() -> None:
    unknown = Party(party_id_of("A"), "A")
    body = replace(unknown, name="a", kind="body")

    assert merge_parties(unknown, body) == replace(unknown, kind="body")
    assert merge_parties(body, unknown) == body
    with pytest.raises(InputError, match="same id"):
        merge_parties(unknown, replace(unknown, name="B"))

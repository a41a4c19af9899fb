"""Works are found by what people know of them, on both databases, and questions that nobody can keep are no error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import sha256_bytes
from endcredits.errors import InputError
from endcredits.ids import VALIDATORS, WorkId
from endcredits.store import Store
from endcredits.works import (
    Contributor,
    FileMark,
    Permission,
    Submission,
    add_marks,
    party_id_of,
    register,
    state_permission,
    works,
)
from endcredits.works.finding import (
    count_works,
    files_of_type,
    files_with,
    narrowed,
    shared_files,
    shas_and_makers,
    titles,
    with_code,
)
from endcredits.works.finding_people import (
    identifiers_in,
    names_of,
    people_called,
    works_crediting,
    works_of,
)

AT = "2026-01-01T00:00:00Z"
ISNI, ORCID, IPI = "000000012281955X", "0000-0002-1825-0097", "00014107338"
NORA = Contributor("Nora Reed", identifiers=(("isni", ISNI), ("ipi", IPI)))
OLU, PIA = Contributor("Olu Stone", identifiers=(("orcid", ORCID),)), Contributor("Pia")


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> Iterator[Store]:
    """Three works: one file each, and the third holds the first one's file as well."""

    def made(name: str, people: tuple[Contributor, ...], *files: tuple[str, bytes]) -> Submission:
        content = tuple((f"{name} {number}", kind, data) for number, (kind, data) in enumerate(files))
        return Submission(f"Title of {name}", content, people, "allow", "letter", "letter", "Nora", name, name)

    given = [
        made("a", (NORA,), ("text/plain", b"first")),
        made("b", (OLU, PIA), ("image/png", b"second")),
        made("c", (PIA,), ("text/markdown", b"third"), ("text/plain", b"first")),
    ]
    store.write(lambda conn: register(conn, tmp_path, given, AT))
    yield store


def test_files_are_found_by_their_bytes_and_types(filled: Store) -> None:
    first, second = sha256_bytes(b"first"), sha256_bytes(b"second")
    with filled.reading() as conn:
        assert [(one.work_id, one.label) for one in files_with(conn, [first])] == [("a", "a 0"), ("c", "c 1")]
        assert [one.size_bytes for one in files_with(conn, [second, second])] == [6]
        assert files_with(conn, []) == files_with(conn, ["0" * 64]) == []
        assert [one.work_id for one in files_of_type(conn, "text/")] == ["a", "c", "c"]
        assert [one.sha256 for one in files_of_type(conn, "image/")] == [second]
        assert list(files_of_type(conn, "text%")) == list(files_of_type(conn, "_ext/")) == []
        assert count_works(conn) == (3, 4)
        assert shared_files(conn) == {first: ["a", "c"]}


def test_many_questions_at_once_are_asked_in_portions(filled: Store) -> None:
    shas = [sha256_bytes(str(number).encode()) for number in range(1200)]
    with filled.reading() as conn:
        assert [one.work_id for one in files_with(conn, [*shas, sha256_bytes(b"second")])] == ["b"]
        assert titles(conn, [*(f"x{number}" for number in range(1200)), "a"]) == {"a": "Title of a"}


@pytest.mark.parametrize("name", ["\x00", "\ud800", "a\x00", "' OR 1=1", "%", "A", ""])
def test_ids_that_nobody_has_are_not_there(filled: Store, name: str) -> None:
    with filled.reading() as conn:
        assert titles(conn, [name]) == {}
        assert works_of(conn, [name.replace("\x00", "").replace("\ud800", "")]) == set()


def test_shas_and_makers_are_those_of_the_works(filled: Store) -> None:
    with filled.reading() as conn:
        found = shas_and_makers(conn, ["a", "b", "c", "d"])
        assert found == {
            work.work_id: (
                [file.sha256 for file in work.manifestations],
                [credit.party_id for credit in work.credits],
            )
            for work in works(conn)
        }
        nora = party_id_of("Nora Reed", (("ipi", IPI), ("isni", ISNI)))
        assert names_of(conn, [nora, "party:nobody"]) == {nora: "Nora Reed"}


def test_people_are_found_by_id_name_and_identifier(filled: Store) -> None:
    with filled.reading() as conn:
        ((nora, by),) = people_called(conn, " nora  REED")
        assert by == "name" and people_called(conn, nora) == [(nora, "id")]
        for called, scheme in (
            (ISNI.lower(), "isni"),
            ("isni: 0000 0001 2281 955X", "isni"),
            (f"ipi:{IPI}", "ipi"),
            (IPI.lstrip("0").zfill(9), "ipi"),
        ):
            found = people_called(conn, called)
            assert [(party_id, by == scheme) for party_id, by in found] == [(nora, True)], called
        assert [by for _, by in people_called(conn, ORCID.replace("-", ""))] == ["orcid"]
        assert [by for _, by in people_called(conn, f"isni:{ORCID}")] == ["orcid"], "an ORCID iD is an ISNI"
        assert people_called(conn, "Nora") == []
        assert works_of(conn, [nora]) == {"a"}
        assert works_crediting(conn, "PIA") == {WorkId("b"): {party_id_of("Pia")}, WorkId("c"): {party_id_of("Pia")}}
        for wrong in ("", "  ", "0000000122819551", "isni:Nora"):
            with pytest.raises(InputError):
                people_called(conn, wrong)


def test_somebody_may_be_called_like_a_wrong_number(store: Store, tmp_path: Path) -> None:
    made = Submission("t", (("l", "text/plain", b"x"),), (Contributor("123456789"),), "allow", "r", "s", "d", "o", "w")
    store.write(lambda conn: register(conn, tmp_path, [made], AT))
    with store.reading() as conn:
        assert people_called(conn, "123456789") == [(party_id_of("123456789"), "name")]


@given(st.text(max_size=30))
def test_what_is_found_in_a_text_is_a_valid_identifier_or_refused(text: str) -> None:
    try:
        found = identifiers_in(text)
    except InputError:
        return
    for scheme, number in found - {("isni", one) for _, one in found}:
        assert VALIDATORS[scheme](number)


def test_what_was_narrowed_is_told_by_subject(filled: Store) -> None:
    yes = Permission("https://a.example/*", "train", "allow", "r", "s", "Nora", AT, subject_kind="url")
    with filled.reading() as conn:
        assert narrowed(conn) == set()
    filled.write(lambda conn: state_permission(conn, yes))
    with filled.reading() as conn:
        assert narrowed(conn) == set()
    no = Permission("https://a.example/*", "tdm", "deny", "r", "s", "Nora", AT, subject_kind="url")
    filled.write(
        lambda conn: [state_permission(conn, one) for one in (no, Permission("a", "style", "deny", "r", "s", "N", AT))]
    )
    with filled.reading() as conn:
        found = narrowed(conn)
    assert ("work", "a") in found and {kind for kind, _ in found} == {"work", "url"}


def test_a_stated_code_leads_to_its_file(filled: Store) -> None:
    code, sha256 = "ISCC:EAASKDNZNYGUUF5A", sha256_bytes(b"third")
    filled.write(
        lambda conn: add_marks(conn, [FileMark(sha256, "iscc", code), FileMark(sha256, "url", "https://a.example/")])
    )
    with filled.reading() as conn:
        assert with_code(conn, code) == [sha256]
        assert with_code(conn, "https://a.example/") == []

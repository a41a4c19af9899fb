"""Statements about files, codes, addresses and people, contracts, conditions, taking back: a slow reading says the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.ids import PartyId, WorkId
from endcredits.works import Asked, Conditions, Permission, Use, asked_of_person, asked_of_work, decide, revoked_on
from endcredits.works.decide import may_close
from endcredits.works.url_patterns import fits

DAYS = [f"2026-0{month}-01T00:00:00Z" for month in range(1, 7)]
ADA, BEN, HOUSE, STRANGER = "party:ada", "party:ben", "party:house", "party:stranger"
PHOTO = Asked(
    "work:photo",
    (("work", "work:photo"), ("sha256", "a" * 64), ("iscc", "ISCC:EAAW"), ("url", "https://a.example/photos/cat.jpg")),
    (("person", ADA),),
)
SUBJECTS = [
    ("work", "work:photo"),
    ("work", "work:other"),
    ("sha256", "a" * 64),
    ("iscc", "ISCC:EAAW"),
    ("url", "https://a.example/photos/*"),
    ("url", "https://a.example/music/*"),
    ("person", ADA),
    ("person", BEN),
]


def says(
    value: str, verb: str = "train", since: str = DAYS[0], subject: tuple[str, str] = SUBJECTS[0], **more: object
) -> Permission:
    """A statement by Ada."""
    kind, name = subject
    told = Permission(name, verb, value, f"{value}!", "a letter", "Ada", since, subject_kind=kind, party_id=ADA)
    told = replace(told, **more)  # type: ignore[arg-type]
    return replace(told, permission_id=f"perm:{hash(told)}")


@st.composite
def conversations(draw: st.DrawFn) -> list[Permission]:
    """Statements of every kind, some of which take back or replace others."""
    said: list[Permission] = []
    for _ in range(draw(st.integers(0, 7))):
        one = says(
            draw(st.sampled_from(["allow", "deny", "conditional", "unknown"])),
            draw(st.sampled_from(["train", "finetune", "tdm", "retrieve"])),
            draw(st.sampled_from(DAYS[:5])),
            draw(st.sampled_from(SUBJECTS)),
            effective_to=draw(st.none() | st.just("2026-05-15T00:00:00Z")),
            licensee=draw(st.sampled_from(["", "", HOUSE, STRANGER])),
            authority=draw(st.sampled_from(["rightsholder", "host", "unknown"])),
            party_id=draw(st.sampled_from([ADA, BEN, ""])),
        )
        if one.value == "conditional" and draw(st.booleans()):
            one = says("conditional", one.verb, one.effective_from, SUBJECTS[0], conditions=Conditions(territories=("DE",)))
        if said and draw(st.booleans()):
            closed = draw(st.sampled_from(said))
            how = draw(st.sampled_from(["revokes", "supersedes"]))
            same = {"subject": closed.subject, "subject_kind": closed.subject_kind, "verb": closed.verb}
            one = replace(one, permission_id="", **{how: closed.permission_id}, **same)  # type: ignore[arg-type]
            one = replace(one, permission_id=f"perm:{hash(one)}")
        said.append(one)
    return said


def slow_decide(said: list[Permission], verb: str, at: str, by: str, use: Use) -> str:
    """The rules of the module once more, one sentence after the other."""
    mine = []
    for one in said:
        if one.subject_kind == "url":
            names = [url for kind, url in PHOTO.whole if kind == "url" and fits(one.subject, url)]
        else:
            names = [name for kind, name in (*PHOTO.whole, *PHOTO.parts) if (kind, name) == (one.subject_kind, one.subject)]
        if names:
            mine.append(one)
    open_words = []
    for one in mine:
        closed_by = [
            other
            for other in mine
            if one.permission_id in (other.revokes, other.supersedes)
            and other.effective_from <= at
            and may_close(other, one)
        ]
        ended = one.effective_to is not None and one.effective_to <= at
        if one.effective_from <= at and not ended and not closed_by and not one.revokes:
            open_words.append(one)
    heard: list[tuple[str, str, str, bool]] = []
    for one in open_words:
        value = one.value
        if value == "conditional" and one.conditions and use.territory in one.conditions.territories:
            value = "allow"
        if one.licensee not in ("", by) and not (value == "deny" and by == ""):
            continue
        if value == "allow" and one.subject_kind == "person":
            continue
        contract = by != "" and one.licensee == by and one.authority == "rightsholder"
        heard.append((one.verb, value, one.effective_from, contract))
    spoken = [word for word in heard if word[0] == verb]
    if verb == "finetune" and not spoken:
        spoken = [word for word in heard if word[0] == "train"]
    if any(value == "allow" and contract for _, value, _, contract in spoken):
        return "allow"
    if any(value == "deny" for _, value, _, _ in spoken):
        return "deny"
    if verb in ("train", "finetune") and any(word[:2] == ("tdm", "deny") for word in heard):
        return "deny"
    last = {value for _, value, day, _ in spoken if day == max(word[2] for word in spoken)}
    return next((value for value in ("unknown", "conditional", "allow") if value in last), "unknown")


QUESTIONS = st.tuples(
    st.sampled_from(["train", "finetune", "tdm", "retrieve", "style"]),
    st.sampled_from([*DAYS, "2026-05-20T00:00:00Z"]),
    st.sampled_from(["", HOUSE, STRANGER]),
    st.sampled_from([Use(), Use(territory="DE"), Use(territory="FR")]),
)


def answer(said: list[Permission], question: tuple[str, str, str, Use]) -> str:
    """What `decide` says about the photo."""
    verb, at, by, use = question
    return decide(said, PHOTO, verb, at, by=by, use=use).value


@given(conversations(), QUESTIONS)
def test_the_rules_are_those_of_the_slow_reading(said: list[Permission], question: tuple[str, str, str, Use]) -> None:
    assert answer(said, question) == slow_decide(said, *question)


@given(conversations(), QUESTIONS, st.randoms())
def test_the_order_does_not_matter(said: list[Permission], question: tuple[str, str, str, Use], random: object) -> None:
    mixed = list(said)
    random.shuffle(mixed)  # type: ignore[attr-defined]

    verb, at, by, use = question
    assert decide(mixed, PHOTO, verb, at, by=by, use=use) == decide(said, PHOTO, verb, at, by=by, use=use)


@given(conversations(), QUESTIONS, st.sampled_from(SUBJECTS), st.sampled_from(["train", "finetune", "tdm", "retrieve"]))
def test_adding_a_deny_about_anything_never_widens(
    said: list[Permission], question: tuple[str, str, str, Use], subject: tuple[str, str], verb: str
) -> None:
    more = says("deny", verb, DAYS[1], subject, party_id=BEN, declared_by="Ben")

    assert answer([*said, more], question) in (answer(said, question), "deny")


@given(conversations(), QUESTIONS)
def test_taking_a_yes_back_never_widens(said: list[Permission], question: tuple[str, str, str, Use]) -> None:
    for one in [one for one in said if one.value == "allow" and not one.revokes]:
        back = replace(one, value="unknown", licensee="", effective_to=None, supersedes="", revokes=one.permission_id)
        after = answer([*said, replace(back, permission_id="perm:back")], question)

        assert after != "allow" or answer(said, question) == "allow"


@given(conversations(), QUESTIONS)
def test_what_is_said_to_one_licensee_is_no_yes_to_others(
    said: list[Permission], question: tuple[str, str, str, Use]
) -> None:
    verb, at, _, use = question
    for_all = [one for one in said if not one.licensee]

    if decide(said, PHOTO, verb, at, by="party:nobody", use=use).value == "allow":
        kept = {one.revokes or one.supersedes for one in said if one.licensee}
        assert kept - {""} or decide(for_all, PHOTO, verb, at, use=use).value == "allow"


@pytest.mark.parametrize("subject", [SUBJECTS[2], SUBJECTS[3], SUBJECTS[4], SUBJECTS[6]])
def test_a_no_under_any_name_is_a_no(subject: tuple[str, str]) -> None:
    said = [says("allow"), says("deny", since=DAYS[2], subject=subject)]

    assert [decide(said, PHOTO, "train", at).value for at in (DAYS[1], DAYS[3])] == ["allow", "deny"]
    assert "(said about" in decide(said, PHOTO, "train", DAYS[3]).reason


def test_a_yes_to_the_only_file_is_a_yes_and_one_by_a_maker_about_themselves_is_none() -> None:
    assert decide([says("allow", subject=SUBJECTS[2])], PHOTO, "train", DAYS[1]).value == "allow"
    assert decide([says("allow", subject=SUBJECTS[4])], PHOTO, "train", DAYS[1]).value == "allow"
    assert decide([says("allow", subject=SUBJECTS[6])], PHOTO, "train", DAYS[1]).value == "unknown"
    assert (
        decide([says("allow", "style", subject=SUBJECTS[6])], asked_of_person(PartyId(ADA)), "style", DAYS[1]).value
        == "allow"
    )


def test_of_several_files_a_no_counts_and_a_yes_does_not() -> None:
    book = Asked("work:book", (("work", "work:book"),), (("sha256", "a" * 64), ("sha256", "b" * 64)))

    assert decide([says("allow", subject=SUBJECTS[2])], book, "train", DAYS[1]).value == "unknown"
    said = [says("allow", subject=("work", "work:book")), says("deny", subject=SUBJECTS[2])]
    assert decide(said, book, "train", DAYS[1]).value == "deny"


def test_a_contract_goes_before_a_no_for_its_licensee_alone_and_ends_when_it_is_taken_back() -> None:
    contract = says("allow", since=DAYS[1], licensee=HOUSE, authority="rightsholder")
    back = says("unknown", since=DAYS[3], revokes=contract.permission_id)
    said = [says("deny"), contract, back]

    values = [decide(said, PHOTO, "train", at, by=HOUSE).value for at in (DAYS[0], DAYS[2], DAYS[3])]
    assert values == ["deny", "allow", "deny"]
    assert decide(said, PHOTO, "train", DAYS[2], by=STRANGER).value == "deny"
    assert decide(said, PHOTO, "train", DAYS[2]).value == "deny"


@pytest.mark.parametrize("authority", ["unknown", "agent", "host"])
def test_a_contract_that_the_rights_holder_did_not_make_goes_before_no_refusal(authority: str) -> None:
    said = [says("deny"), says("allow", licensee=HOUSE, authority=authority)]

    assert decide(said, PHOTO, "train", DAYS[1], by=HOUSE).value == "deny"
    assert decide(said[1:], PHOTO, "train", DAYS[1], by=HOUSE).value == "allow"


def test_allowed_revoked_and_on_new_terms_are_three_answers_from_one_log() -> None:
    yes = says("allow", since=DAYS[0])
    back = says("unknown", since=DAYS[2], revokes=yes.permission_id)
    terms = says("conditional", since=DAYS[4], conditions=Conditions(territories=("DE",), credit_text="Ada"))
    said = [yes, back, terms]

    values = [decide(said, PHOTO, "train", at).value for at in (DAYS[1], DAYS[3], DAYS[5])]
    assert values == ["allow", "unknown", "conditional"]
    met = decide(said, PHOTO, "train", DAYS[5], use=Use(territory="DE"))
    assert (met.value, met.duties) == ("allow", ("credit: Ada",))


def test_only_the_declarer_closes_and_the_rights_holder_what_nobody_known_said() -> None:
    own = says("deny")
    others = says(
        "unknown", since=DAYS[1], revokes=own.permission_id, party_id=BEN, declared_by="Ben", authority="rightsholder"
    )
    assert decide([own, others], PHOTO, "train", DAYS[2]).value == "deny"

    host = says("deny", party_id="", declared_by="robots.txt of a.example", authority="host")
    holder = says("allow", since=DAYS[1], supersedes=host.permission_id, authority="rightsholder")
    assert decide([host, holder], PHOTO, "train", DAYS[2]).value == "allow"
    assert decide([host, replace(holder, authority="unknown")], PHOTO, "train", DAYS[2]).value == "deny"


def test_nothing_is_closed_backwards() -> None:
    yes = says("allow", since=DAYS[2])
    back = says("unknown", since=DAYS[4], revokes=yes.permission_id)

    assert [decide([yes, back], PHOTO, "train", at).value for at in DAYS[2:5]] == ["allow", "allow", "unknown"]


def test_revoked_is_a_yes_that_was_refused_or_taken_back_and_not_one_that_ended() -> None:
    yes = says("allow")
    assert revoked_on([yes, says("deny", since=DAYS[2])], PHOTO, "train", DAYS[3]) == DAYS[2][:10]
    assert revoked_on([yes, says("deny", since=DAYS[2])], PHOTO, "train", DAYS[1]) == ""
    back = says("unknown", since=DAYS[3], revokes=yes.permission_id)
    assert revoked_on([yes, back], PHOTO, "train", DAYS[4]) == DAYS[3][:10]
    assert revoked_on([yes, back], PHOTO, "finetune", DAYS[4]) == DAYS[3][:10]
    assert revoked_on([replace(yes, effective_to=DAYS[2])], PHOTO, "train", DAYS[4]) == ""
    assert revoked_on([says("deny")], PHOTO, "train", DAYS[4]) == ""


def test_a_work_of_which_only_the_id_is_known() -> None:
    asked = asked_of_work(WorkId("work:photo"))

    assert decide([says("allow"), says("deny", subject=SUBJECTS[2])], asked, "train", DAYS[1]).value == "allow"

"""Models that learnt from works whose yes was taken back or refused since: flagged, by which statement, since when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from endcredits.flows.flags import FLAG, Flag, flag_of, flagged, flags_of_works, notes, told
from endcredits.flows.rights import revoke, say
from endcredits.flows.studio import open_studio
from endcredits.ids import WorkId
from endcredits.store import Store
from endcredits.works import (
    Contributor,
    FileMark,
    Permission,
    Submission,
    add_marks,
    asked_of_work,
    decide,
    permissions,
    register,
    state_permission,
    works,
)
from tests.story.house import LAMP, SALT, TIDE, House

ASKED = asked_of_work(WorkId("w"))
YES = Permission("w", "train", "allow", "licence", "works.csv", "Ada", "2025-01-01T00:00:00Z", permission_id="p:yes")


def taking(permission_id: str, at: str, **fields: str) -> Permission:
    return replace(YES, value="unknown", permission_id=f"p:{at}", effective_from=at, revokes=permission_id, **fields)


def no(at: str, **fields: str) -> Permission:
    return replace(YES, value="deny", permission_id=f"p:no {at}", effective_from=at, reason="no more", **fields)


def test_a_yes_that_stands_is_no_flag() -> None:
    assert flag_of([YES], ASKED, "2026-01-01T00:00:00Z") is None
    assert flag_of([], ASKED, "2026-01-01T00:00:00Z") is None


def test_a_yes_that_ended_by_itself_was_kept() -> None:
    assert flag_of([replace(YES, effective_to="2025-06-01T00:00:00Z")], ASKED, "2026-01-01T00:00:00Z") is None
    late = [replace(YES, effective_to="2025-06-01T00:00:00Z"), taking("p:yes", "2025-07-01T00:00:00Z")]
    assert flag_of(late, ASKED, "2026-01-01T00:00:00Z") is None


def test_a_yes_taken_back_flags_from_its_second_on() -> None:
    said = [YES, taking("p:yes", "2025-03-01T12:00:00Z")]
    assert flag_of(said, ASKED, "2025-03-01T11:59:59Z") is None
    found = flag_of(said, ASKED, "2025-03-01T12:00:00Z")
    assert found == Flag(
        WorkId("w"), "2025-03-01T12:00:00Z", "train", "taken back", "p:2025-03-01T12:00:00Z", "Ada", "licence"
    )
    again = replace(YES, permission_id="p:again", effective_from="2025-04-01T00:00:00Z")
    assert flag_of([*said, again], ASKED, "2025-05-01T00:00:00Z") is None


def test_the_first_no_tells_since_when_though_a_later_one_decides() -> None:
    said = [YES, no("2025-02-01T00:00:00Z"), no("2025-03-01T00:00:00Z", declared_by="Her estate")]
    found = flag_of(said, ASKED, "2026-01-01T00:00:00Z")
    assert found is not None
    assert (found.since, found.permission_id, found.how) == ("2025-02-01T00:00:00Z", "p:no 2025-02-01T00:00:00Z", "denied")


def test_a_no_that_ended_flags_from_the_one_that_holds() -> None:
    said = [
        YES,
        replace(no("2025-02-01T00:00:00Z"), effective_to="2025-02-03T00:00:00Z"),
        no("2025-03-01T00:00:00Z"),
    ]
    assert flag_of(said, ASKED, "2025-02-10T00:00:00Z") is None
    found = flag_of(said, ASKED, "2025-03-10T00:00:00Z")
    assert found is not None and found.since == "2025-03-01T00:00:00Z"


@pytest.mark.parametrize(("verb", "told_as"), [("tdm", "train"), ("finetune", "finetune"), ("index", "index")])
def test_a_no_to_mining_fine_tuning_or_indexing_flags_too(verb: str, told_as: str) -> None:
    found = flag_of([YES, no("2025-02-01T00:00:00Z", verb=verb)], ASKED, "2026-01-01T00:00:00Z")
    assert found is not None and found.verb == told_as


def test_a_no_to_something_else_flags_nothing() -> None:
    assert flag_of([YES, no("2025-02-01T00:00:00Z", verb="style")], ASKED, "2026-01-01T00:00:00Z") is None


def test_a_yes_replaced_by_less_is_flagged_and_one_replaced_by_a_yes_is_not() -> None:
    less = replace(
        YES, value="conditional", permission_id="p:less", effective_from="2025-02-01T00:00:00Z", supersedes="p:yes"
    )
    found = flag_of([YES, less], ASKED, "2026-01-01T00:00:00Z")
    assert found is not None and (found.how, found.permission_id) == ("replaced", "p:less")
    assert flag_of([YES, replace(less, value="allow")], ASKED, "2026-01-01T00:00:00Z") is None


days = st.integers(1, 9).map(lambda day: f"2025-01-{day:02d}T00:00:00Z")


@given(
    st.lists(
        st.tuples(st.sampled_from(["allow", "deny", "revoke"]), days, st.sampled_from(["train", "finetune", "index"])),
        max_size=6,
    ),
    days,
)
def test_a_flag_begins_where_the_answer_turned_and_never_stands_beside_a_whole_yes(
    spoken: list[tuple[str, str, str]], at: str
) -> None:
    said = [YES]
    for number, (value, when, verb) in enumerate(spoken):
        one = replace(YES, verb=verb, effective_from=when, permission_id=f"p:{number}")
        closes = {"revokes": "p:yes", "value": "unknown"} if value == "revoke" and verb == "train" else {"value": "allow"}
        said.append(replace(one, value=value) if value != "revoke" else replace(one, **closes))
    found = flag_of(said, ASKED, at)
    answers = {verb: decide(said, ASKED, verb, at).value for verb in ("train", "finetune", "index")}
    refused = "deny" in answers.values() or not answers["train"] == answers["finetune"] == "allow"
    assert (found is not None) == refused
    if found is not None:
        assert found.since <= at
        before = flag_of(said, ASKED, "2024-12-31T00:00:00Z")
        assert before is None
        assert flag_of(said, ASKED, found.since) is not None
        assert found.permission_id in {one.permission_id for one in said}


def registered(conn: Connection, folder: Path) -> None:
    """Three works; the second holds the first one's file, too."""
    ada = (Contributor("Ada"),)

    def made(name: str, *files: bytes) -> Submission:
        content = tuple((f"{number}.txt", "text/plain", data) for number, data in enumerate(files))
        return Submission(name, content, ada, "allow", "licence", "works.csv", "Ada", name, name)

    given = [made("one", b"first"), made("two", b"first", b"second"), made("three", b"third")]
    register(conn, folder, given, "2025-01-01T00:00:00Z")


def test_a_database_is_asked_under_every_name_of_a_work(store: Store, tmp_path: Path) -> None:
    at, every = "2026-01-01T00:00:00Z", [WorkId("one"), WorkId("two"), WorkId("three"), WorkId("never-there")]
    store.write(lambda conn: registered(conn, tmp_path))
    with store.reading() as conn:
        assert flags_of_works(conn, every, at) == {}
        third = next(work for work in works(conn) if work.work_id == "three").manifestations[0].sha256
    no_to_url = no("2025-05-01T00:00:00Z", subject="https://a.example/*", subject_kind="url")
    store.write(lambda conn: add_marks(conn, [FileMark(third, "url", "https://a.example/third.txt")]))
    store.write(lambda conn: state_permission(conn, no_to_url))
    store.write(lambda conn: state_permission(conn, no("2025-06-01T00:00:00Z", subject="one")))
    with store.reading() as conn:
        found = flags_of_works(conn, every, at)
        assert set(found) == {"one", "two", "three"}
        assert found[WorkId("three")].since == "2025-05-01T00:00:00Z"
        assert "is also a file of 'one'" in found[WorkId("two")].reason
        assert set(flags_of_works(conn, [WorkId("three")], at)) == {"three"}
        assert flags_of_works(conn, every, "2025-01-02T00:00:00Z") == {}


def test_a_studio_tells_its_flags_by_index(house: House, tmp_path: Path) -> None:
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    try:
        (name,) = flagged(studio)
        assert flagged(studio) == {name: ()} and notes(studio) == []
        with studio.store.reading() as conn:
            yes = next(one for one in permissions(conn) if one.subject == TIDE)
        revoke(studio, yes.permission_id, by=yes.declared_by, reason="I \x1b[2J changed my mind")
        say(studio, [Permission(SALT, "train", "deny", "no more", "letter", "Ada Quill", "")])
        say(studio, [Permission(LAMP, "style", "deny", "no more", "letter", "Ben Marl", "")])
        flags = flagged(studio)[name]
        assert [(one.work_id, one.how) for one in flags] == [(SALT, "denied"), (TIDE, "taken back")]
        (first, second) = notes(studio)
        assert first.startswith(f"{FLAG}: index {name} learnt from {told(flags[0])}") and TIDE in second
        corpus = studio.path / "index" / name / "corpus.json"
        corpus.write_bytes(corpus.read_bytes()[:-9])
        assert flagged(studio) == {} and notes(studio) == []
    finally:
        studio.close()

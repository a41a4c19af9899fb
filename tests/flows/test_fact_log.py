"""Facts in the log: one entry each, in the order of recording, and none lost or doubled whatever dies when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import IntegrityError, MachineError
from endcredits.flows import catalogue, fact_log, reporting
from endcredits.flows.checking import check_studio
from endcredits.flows.clock import now
from endcredits.flows.fact_files import counts, fact_line, facts_in, known_in, make_fact, read_line
from endcredits.flows.fact_kinds import CONSENT, INTAKE, MODEL, SPLIT, WORK
from endcredits.flows.studio import Studio, init_studio
from endcredits.ids import WorkId
from endcredits.receipts import Log
from endcredits.receipts.leaf import parse_leaf
from endcredits.royalties.row_log import reports_digest
from endcredits.works import Contributor, Permission, Submission, state_permission
from tests.flows.used import studio, used
from tests.story import house as h

__all__ = ["studio"]


def works(number: int) -> list[Submission]:
    """Works of one author each."""
    ada = (Contributor(h.ADA),)
    files = [((f"{n}.txt", "text/plain", f"text {n}".encode()),) for n in range(number)]
    return [Submission(f"Work {n}", file, ada, "allow", "", "", "", "", f"work:{n}") for n, file in enumerate(files)]


def test_every_fact_has_an_entry_of_its_own(studio: Studio) -> None:
    """By type as many as there are; the log holds each, and says nothing of it in clear."""
    reporting.report(studio, [used(studio, "one", h.SALT, "2025-01-05")])

    assert counts(studio.path) == {WORK: 6, SPLIT: 6, CONSENT: 6, MODEL: 1, INTAKE: 1}
    log = studio.log_to_read()
    for fact in facts_in(studio.path):
        assert log.leaf_at(fact.position) == fact.leaf.encode()
        assert parse_leaf(fact.leaf.encode()).type == fact.type
        assert h.ADA not in fact.leaf and "work:" not in fact.leaf
    assert fact_log.complete(studio) == 0
    assert check_studio(studio) == []


def test_a_hand_in_commits_to_its_rows_and_days(studio: Studio) -> None:
    """One entry a hand-in; the same again adds none."""
    first = [
        used(studio, name, h.SALT, day) for name, day in (("a", "2025-01-05"), ("b", "2025-01-05"), ("c", "2025-02-01"))
    ]
    reporting.report(studio, first)
    reporting.report(studio, first)
    reporting.report(studio, [used(studio, "d", h.LAMP, "2025-01-06", 7)])

    bodies = [fact.body for fact in facts_in(studio.path, INTAKE)]

    with studio.store.reading() as conn:
        digests = [reports_digest(conn, 0, 3), reports_digest(conn, 3, 4)]
    assert [(one["after"], one["to"], one["digest"]) for one in bodies if one] == [(0, 3, digests[0]), (3, 4, digests[1])]
    assert bodies[0] is not None and bodies[0]["days"]["events"] == [
        {"currency": "EUR", "day": "2025-01-05", "micros": "200000000", "rows": 2},
        {"currency": "EUR", "day": "2025-02-01", "micros": "100000000", "rows": 1},
    ]


def test_models_are_logged_after_what_permits_them(studio: Studio) -> None:
    """The state of permissions that training names holds every yes; an output's receipt names the training."""
    (model,) = facts_in(studio.path, MODEL)
    assert model.body is not None
    consents = [fact.position for fact in facts_in(studio.path, CONSENT)]

    assert max(consents) < model.body["permissions"]["size"] <= model.position
    assert studio.log_to_read().root_at(model.body["permissions"]["size"]).hex() == model.body["permissions"]["root"]
    assert fact_log.train_index(studio, model.body["index_digest"]) == model.position
    assert fact_log.train_index(studio, "0" * 64) == -1


def test_the_state_of_permissions_holds_what_was_just_said(studio: Studio) -> None:
    """A no is in the log before the state that is asked for after it."""
    before = fact_log.permission_state(studio)
    no = Permission(WorkId(h.TIDE), "train", "deny", "withdrawn", "letter", h.CLEO, now())
    studio.store.write(lambda conn: state_permission(conn, no))

    state = fact_log.permission_state(studio)

    assert state.size == before.size + 1 and state.root != before.root
    *_, last = facts_in(studio.path, CONSENT)
    assert last.body is not None and last.body["value"] == "deny" and last.position == before.size


WRITES = ("pending", "the log", "the files", "the end")


def stopping(monkeypatch: pytest.MonkeyPatch, where: str, *, kept: bool) -> None:
    """Lets one write fail once: lost, or kept and reported as lost."""
    failed: list[str] = []

    def failing(real: Callable[..., Any], wanted: Callable[..., bool]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            if failed or not wanted(*args):
                return real(*args, **more)
            failed.append(where)
            if kept:
                real(*args, **more)
            raise MachineError("the disk is full")

        return call

    ends = {"pending": "facts/pending", "the files": ".jsonl"}.get(where, "")
    if ends:
        monkeypatch.setattr(
            durable, "write_atomic", failing(durable.write_atomic, lambda path, *_: str(path).endswith(ends))
        )
    elif where == "the log":
        monkeypatch.setattr(Log, "append", failing(Log.append, lambda *_: True))
    else:
        monkeypatch.setattr(durable, "sync_folder", failing(durable.sync_folder, lambda path: path.name == "facts"))


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("where", WRITES)
def test_a_write_that_fails_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, kept: bool
) -> None:
    """What was recorded is logged by the next command, once."""
    place = init_studio(tmp_path / "studio")
    catalogue.add_works(place, works(1))
    with monkeypatch.context() as patch:
        stopping(patch, where, kept=kept)
        with pytest.raises(MachineError):
            catalogue.add_works(place, works(3))

    fact_log.complete(place)

    assert counts(place.path) == {WORK: 3, SPLIT: 3, CONSENT: 3}
    assert sorted(fact.position for fact in facts_in(place.path)) == list(range(place.log_to_read().checkpoint().size))
    assert len({fact.fact_id for fact in facts_in(place.path)}) == 9
    assert check_studio(place) == []
    place.close()


def test_many_are_logged_at_once_in_bounded_appends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few appends for hundreds, whatever the size of one."""
    place = init_studio(tmp_path / "studio")
    monkeypatch.setattr(fact_log, "APPENDED_MAX", 100)

    catalogue.add_works(place, works(120))

    assert counts(place.path) == {WORK: 120, SPLIT: 120, CONSENT: 120}
    assert check_studio(place) == []
    place.close()


def test_known_ids_are_told_fast_and_right(studio: Studio) -> None:
    """The quick look at the lines finds what reading them finds, also where a body tries to look like a key."""
    catalogue.state(
        studio,
        Permission(WorkId(h.TIDE), "train", "deny", 'no ","fact_id":"x","leaf', '\\","fact_id":"y"', h.CLEO, now()),
    )

    for kind in counts(studio.path):
        assert known_in(studio.path, kind) == {fact.known_as for fact in facts_in(studio.path, kind)}


def test_a_changed_fact_is_found(studio: Studio) -> None:
    """In its file, in the books, and where a whole file is gone."""
    path = next((studio.path / "facts").glob("*.consent.state.jsonl"))
    held = path.read_bytes()

    path.write_bytes(held.replace(b'"allow"', b'"denys"', 1))
    assert any("is not what was logged" in one.problem for one in check_studio(studio))
    path.write_bytes(b"\n".join(held.splitlines()[1:]) + b"\n")
    assert any("was written with" in one.problem for one in check_studio(studio))
    path.unlink()
    assert check_studio(studio) != []


def test_a_fact_is_read_as_it_was_written() -> None:
    """And refused when another's salt, body or id stands in it."""
    fact = make_fact("dispute.open", "d-1", {"claimant": 'é "<i>\u202e', "n": 3}, "2026-01-01T00:00:00Z")
    line = fact_line(fact)

    assert read_line(line, 7, Path("x"), 1).body == {"claimant": 'é "<i>\u202e', "n": 3}
    for changed in (line.replace(b'"n":3', b'"n":4'), line.replace(b"open:d-1", b"open:d-2"), line[:-1], b"[]", b"{}"):
        with pytest.raises(IntegrityError, match="not what was logged"):
            read_line(changed, 7, Path("x"), 1)

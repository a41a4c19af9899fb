"""Uses are counted where they are decided: of many who race for the last one exactly one gets it."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.store import Store, open_store
from endcredits.works.likeness import (
    LikenessDecision,
    LikenessUse,
    RecordedUse,
    check_likeness,
    counting,
    find_use,
    grants,
    name_output,
    record_use,
    revoke_grant,
    used_of,
    uses,
)
from tests.works.rules.examples import GRANT

from .made import ADA, AT, request
from .test_book import enrolled, granted

ROOT = Path(__file__).parents[3]


def take(
    store: Store, use_id: str, asked: LikenessUse | None = None, at: str = AT, **more: Any
) -> tuple[LikenessDecision, RecordedUse | None]:
    """One use, decided and counted; every grant stands in the log unless said otherwise."""

    def work(conn: Any) -> tuple[LikenessDecision, RecordedUse | None]:
        logged = more.get("logged", {one.grant_id: 1 for one in grants(conn)})
        return record_use(conn, use_id, asked or request(), at, logged=logged)

    return store.write(work)


@pytest.fixture
def ready(store: Store) -> Store:
    """Ada grants two uses."""
    enrolled(store)
    granted(store)
    return store


def test_a_use_is_counted_until_none_is_left(ready: Store) -> None:
    first, kept = take(ready, "use-1")
    assert (first.value, first.left) == ("allow", 1)
    assert kept is not None and (kept.row, kept.count, kept.kind) == (0, 1, "series")
    assert kept.offer == "likeness day_rate 1,000.00 USD" and kept.output_id == ""
    assert take(ready, "use-2")[0].left == 0
    refused, nothing = take(ready, "use-3")
    assert (refused.rule_id, nothing) == ("count-used-up", None)
    with ready.reading() as conn:
        assert [one.use_id for one in uses(conn, ADA)] == ["use-1", "use-2"]
        assert used_of(conn, ADA) == {(kept.grant_id, 0): 2}
        assert list(check_likeness(conn)) == []


def test_a_count_of_two_takes_both_or_nothing(ready: Store) -> None:
    assert take(ready, "use-1")[1] is not None
    assert take(ready, "use-2", request(count=2))[1] is None
    assert take(ready, "use-3")[1] is not None


def test_the_same_id_counts_once_whatever_became_of_the_grant(ready: Store) -> None:
    _, kept = take(ready, "use-1")
    assert kept is not None
    ready.write(lambda conn: revoke_grant(conn, kept.grant_id, "no more", "Ada", AT))
    again, found = take(ready, "use-1")
    assert again.value == "allow" and found == kept
    assert take(ready, "use-2")[0].rule_id == "revoked"
    with pytest.raises(ConflictError, match="another request"):
        take(ready, "use-1", request(count=2))
    with pytest.raises(InputError):
        take(ready, "not an id")
    with ready.reading() as conn:
        assert len(uses(conn)) == 1


def test_a_grant_that_is_not_logged_is_not_used(ready: Store) -> None:
    assert take(ready, "use-1", logged={})[0].rule_id == "not-logged"


def test_an_output_is_named_once(ready: Store) -> None:
    take(ready, "use-1")
    named = ready.write(lambda conn: name_output(conn, "use-1", "output:1", AT))
    again = ready.write(lambda conn: name_output(conn, "use-1", "output:1", AT))
    assert named == again and named.output_id == "output:1"
    with pytest.raises(ConflictError):
        ready.write(lambda conn: name_output(conn, "use-1", "output:2", AT))
    with pytest.raises(NotFoundError):
        ready.write(lambda conn: name_output(conn, "use-9", "output:1", AT))


def test_threads_that_race_for_the_last_use_leave_one_winner(ready: Store, store_url: str) -> None:
    """Eight at once, two uses in all: two are counted, six refused, whoever was first."""
    gate, answers = threading.Barrier(8), []

    def run(number: int) -> None:
        own = open_store(store_url)
        try:
            gate.wait(timeout=60)
            answers.append(take(own, f"use-{number}")[0])
        finally:
            own.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=120)

    assert sorted(one.rule_id for one in answers) == ["count-used-up"] * 6 + ["granted"] * 2
    with ready.reading() as conn:
        assert len(uses(conn)) == 2 and list(check_likeness(conn)) == []


def test_whoever_slips_in_between_counting_and_adding_is_not_overlooked(
    ready: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction has counted and decided; before it adds its use, another takes the last one, or waits for its turn."""
    take(ready, "before")
    counted, go_on, answers = threading.Event(), threading.Event(), {}
    real = counting.decide_likeness

    def slow(*arguments: Any, **options: Any) -> LikenessDecision:
        decision = real(*arguments, **options)
        if threading.current_thread().name == "slow" and not counted.is_set():
            counted.set()
            assert go_on.wait(timeout=60)
        return decision

    monkeypatch.setattr(counting, "decide_likeness", slow)

    def run(name: str) -> None:
        own = open_store(store_url)
        try:
            answers[name] = take(own, name)[0].rule_id
        finally:
            own.close()

    first = threading.Thread(target=run, args=("slow",), name="slow")
    first.start()
    assert counted.wait(timeout=60)
    second = threading.Thread(target=run, args=("quick",), name="quick")
    second.start()
    second.join(timeout=0.3)  # PostgreSQL lets it through; SQLite lets it wait
    went_through = not second.is_alive()
    go_on.set()
    first.join(timeout=60)
    second.join(timeout=60)

    assert sorted(answers.values()) == ["count-used-up", "granted"]
    assert answers["quick" if went_through else "slow"] == "granted"
    with ready.reading() as conn:
        assert len(uses(conn)) == 2


def test_a_revocation_on_record_counts_whatever_the_clock_says(ready: Store) -> None:
    """The revoking machine's clock is ahead by an hour; the next use is refused all the same."""
    grant_id = granted(ready).grant_id
    ready.write(lambda conn: revoke_grant(conn, grant_id, "no more", "Ada", "2026-11-20T13:00:00Z"))
    assert take(ready, "use-1")[0].rule_id == "revoked"


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 3)), max_size=8))
def test_the_sum_is_that_of_counting_one_by_one(sqlite_store: Store, asked: list[tuple[int, int]]) -> None:
    """Two rows with limits of 4 and 5: what the database adds up is what a person would, and never above the limit."""
    enrolled(sqlite_store)
    series, game = (dict(GRANT["uses"][0], medium=medium, max_uses=most) for medium, most in (("series", 4), ("game", 5)))
    own = granted(sqlite_store, uses=[series, game], signature_ref=f"contracts/{secrets.token_hex(4)}").grant_id
    slowly = {"series": 0, "game": 0}
    for row, count in asked:
        medium = ("series", "game")[row]
        fits = slowly[medium] + count <= (4, 5)[row]
        slowly[medium] += count if fits else 0
        decision, kept = take(
            sqlite_store, f"use-{secrets.token_hex(6)}", request(medium=medium, count=count), logged={own: 1}
        )
        assert (kept is not None) == fits and (decision.value != "deny") == fits
    with sqlite_store.reading() as conn:
        new = [one for one in uses(conn) if one.grant_id == own]
        assert {row: sum(one.count for one in new if one.row == row) for row in (0, 1)} == {
            row: used_of(conn, ADA)[own, row] for row in (0, 1)
        }
        assert [slowly["series"], slowly["game"]] == [used_of(conn, ADA)[own, row] for row in (0, 1)]
        assert list(check_likeness(conn)) == []


RACER = """
import sys
from endcredits.store import open_store
from tests.works.likeness.test_counting import take

store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(take(store, sys.argv[2])[0].rule_id, flush=True)
"""


def test_processes_that_race_for_the_last_use_leave_one_winner(ready: Store, store_url: str) -> None:
    """The same with two processes and one use left, which is what two servers are."""
    take(ready, "before")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, store_url, f"use-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for number in range(2)
    ]
    for one in racers:
        assert one.stdout is not None and one.stdout.readline() == "ready\n", one.communicate()
    for one in racers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = sorted(one.communicate(timeout=120)[0].strip() for one in racers)

    assert said == ["count-used-up", "granted"]
    with ready.reading() as conn:
        assert len(uses(conn)) == 2


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept but reported lost"])
def test_a_commit_that_fails_counts_once_when_it_is_tried_again(
    ready: Store, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    dialect = ready.engine.dialect
    real = dialect.do_commit

    def commit(connection: Any) -> None:
        monkeypatch.setattr(dialect, "do_commit", real)
        if kept:
            real(connection)
        raise dialect.loaded_dbapi.OperationalError("the connection was lost")

    monkeypatch.setattr(dialect, "do_commit", commit)
    with pytest.raises(MachineError):
        take(ready, "use-1")
    with ready.reading() as conn:
        assert (find_use(conn, "use-1") is not None) == kept
    decision, found = take(ready, "use-1")
    assert decision.value == "allow" and found is not None
    with ready.reading() as conn:
        assert len(uses(conn)) == 1 and used_of(conn, ADA) == {(found.grant_id, 0): 1}


def test_the_check_finds_a_use_too_many_and_one_after_the_end(ready: Store) -> None:
    """Rows that a hand has added: the count of the check is its own."""
    from endcredits.works.likeness import insert_use

    _, kept = take(ready, "use-1")
    assert kept is not None
    ready.write(lambda conn: revoke_grant(conn, kept.grant_id, "no more", "Ada", AT))
    more = [replace(kept, use_id=f"use-{number}", used_at="2026-12-01T00:00:00Z") for number in (2, 3)]
    ready.write(lambda conn: [insert_use(conn, one) for one in more])
    ready.write(lambda conn: insert_use(conn, replace(kept, use_id="use-4", row=7)))
    with ready.reading() as conn:
        problems = [one.problem for one in check_likeness(conn)]
    assert any("allows 2 uses, and 3 were counted" in one for one in problems)
    assert sum("after the grant was taken back" in one for one in problems) == 2
    assert any("no row of a grant" in one for one in problems)


def test_the_check_names_changed_rows(sqlite_store: Store) -> None:
    enrolled(sqlite_store)
    granted(sqlite_store)
    with sqlite_store.engine.connect() as hand:
        hand.exec_driver_sql("DROP TRIGGER likeness_grants_no_update")
        hand.execute(sa.text("UPDATE likeness_grants SET document = replace(document, 'DE', 'WORLD') || ' '"))
        hand.commit()
    with sqlite_store.reading() as conn:
        found = [one.problem for one in check_likeness(conn)]
    assert "its document does not fit its id" in found and any("digest" in one for one in found)

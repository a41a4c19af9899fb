"""Whatever is changed behind the books' back is found and named, and a close can be computed again from its inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.ids import OutputId, WorkId
from endcredits.ledger import post
from endcredits.royalties import (
    PeriodClose,
    add_usage,
    check_royalties,
    close_document,
    period_entry,
    replay_close,
    save_close,
)
from endcredits.royalties.tables import period_closes, usage_events
from endcredits.store import Finding, Store, row_digest

from .makers import attribution, event, november, period, split, work


def book(store: Store, close: PeriodClose) -> None:
    """Records the period of `november` and its close as a studio does."""
    entry = period_entry(close)
    assert entry is not None

    def work_of(conn: Connection) -> None:
        add_usage(conn, november().events)
        save_close(conn, close, post(conn, entry).entry_id)

    store.write(work_of)


def tamper(store: Store, table: sa.Table, *statements: sa.Update | sa.Delete) -> None:
    """Changes rows after taking the database's own guard away, as somebody with its file could."""
    with store.engine.begin() as conn:
        if conn.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                conn.exec_driver_sql(f"DROP TRIGGER {table.name}_no_{verb}")
        else:
            conn.exec_driver_sql(f"DROP TRIGGER {table.name}_append_only ON {table.name}")
        for statement in statements:
            conn.execute(statement)


def found(store: Store) -> list[Finding]:
    """What the check finds."""
    with store.reading() as conn:
        return check_royalties(conn)


def test_a_sound_book_has_no_findings(store: Store) -> None:
    """An ordinary period, and one that earned nothing and has no entry."""
    book(store, november().close())
    idle = replace(period([], [], []).close(), period_id="2026-12", starts_on="2026-12-01", ends_on="2026-12-31")
    store.write(lambda conn: save_close(conn, idle, None))

    assert found(store) == []


def test_a_changed_event_is_found(store: Store) -> None:
    """Its row no longer fits its digest, and the period no longer counts what is recorded."""
    book(store, november().close())

    tamper(store, usage_events, sa.update(usage_events).where(usage_events.c.event_id == "e1").values(revenue_micros=1))

    problems = {finding.where: finding.problem for finding in found(store)}
    assert "database table usage_events, row event_id=e1" in problems
    assert "usage events" in problems["period 2026-11"]


def test_a_removed_event_is_found(store: Store) -> None:
    """A missing row has no digest to fail; the period's digest fails instead."""
    book(store, november().close())

    tamper(store, usage_events, sa.delete(usage_events).where(usage_events.c.event_id == "e1"))

    assert [finding.where for finding in found(store)] == ["period 2026-11"]


def rewrite(store: Store, close: PeriodClose) -> None:
    """Forges a close with all digests of the row made to fit."""
    document = close_document(close)
    values = {"document": document, "close_digest": sha256_bytes(document.encode())}
    with store.reading() as conn:
        row = dict(conn.execute(sa.select(period_closes)).mappings().one()) | values
    tamper(store, period_closes, sa.update(period_closes).values(**values, digest=row_digest("period_closes", row)))


def test_a_forged_close_is_found_by_its_sums_or_its_entry(store: Store) -> None:
    """A unit moved to the operator breaks the sums; a whole other close breaks the journal entry."""
    close = november().close()
    pool = close.pools[0]
    greedy = replace(pool, operator_micros=pool.operator_micros + 1, commons_micros=pool.commons_micros - 1)
    book(store, close)

    rewrite(store, replace(close, pools=(greedy, *close.pools[1:])))

    assert {"pool EUR: revenue is not pool plus operator"} <= {finding.problem for finding in found(store)}


def test_another_whole_close_does_not_fit_the_books(store: Store) -> None:
    """A forged close that adds up in itself still names an entry that does not follow from it."""
    one = november()
    book(store, one.close())

    rewrite(store, one.close(works=one.works | {WorkId("w1"): work("w1", split("thief"))}))

    assert [finding.problem for finding in found(store)] == ["the journal entry named is not the one that follows from it"]


def test_a_close_without_its_entry_in_the_ledger_is_found(store: Store) -> None:
    """The entry must be posted, not only named."""
    close = november().close()
    entry = period_entry(close)
    assert entry is not None
    store.write(lambda conn: add_usage(conn, november().events))
    store.write(lambda conn: save_close(conn, close, entry.entry_id))

    assert [finding.problem for finding in found(store)] == [
        f"its journal entry {entry.entry_id} is not in the books as it was made"
    ]


def test_a_damaged_document_is_found(store: Store) -> None:
    """The check goes on and names it."""
    book(store, november().close())

    tamper(store, period_closes, sa.update(period_closes).values(document="{}"))

    problems = [finding.problem for finding in found(store)]
    assert "the document does not fit its digest" in problems
    assert any("not a period's close" in problem for problem in problems)


def test_a_replay_of_the_same_inputs_agrees() -> None:
    """Nothing to report, also with more inputs than the period needs."""
    one = november()
    more = (*one.events, event("later", "o1", 5, at="2026-12-01T00:00:00Z"))

    assert replay_close(one.close(), one.events, one.attributions, one.works) == []
    assert replay_close(one.close(), more, one.attributions, one.works) == []


@pytest.mark.parametrize("what", ["usage events", "attributions", "splits in force", "amounts", "cannot be computed"])
def test_a_replay_names_what_differs(what: str) -> None:
    """Each input that has changed since, by name."""
    one = november()
    changed: dict[str, dict[str, Any]] = {
        "usage events": {"events": one.events[1:]},
        "attributions": {"attributions": one.attributions | {OutputId("o1"): attribution("o1", 10, {"w1": 9})}},
        "splits in force": {"works": one.works | {WorkId("w1"): work("w1", split("thief"))}},
        "cannot be computed": {"attributions": {}},
    }
    inputs = replace(one, **changed.get(what, {}))
    close = one.close()
    if what == "amounts":
        close = replace(close, pools=close.pools[:1])

    findings = replay_close(close, inputs.events, inputs.attributions, inputs.works)

    assert len(findings) == 1
    assert what in findings[0].problem

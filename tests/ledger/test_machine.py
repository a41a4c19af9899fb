"""The book as a machine: whatever happens in whatever order, it says what a plain dictionary says.

Every step may be lost (the commit fails and nothing is kept) or kept but reported lost (the commit succeeds and an error
comes back); whoever is told of a failure runs the step again, as a caller would.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from endcredits.errors import ConflictError, MachineError
from endcredits.ledger import (
    JournalEntry,
    Posting,
    balances,
    check_books,
    check_entries,
    claim,
    confirm,
    find,
    lots,
    make_entry,
    post_many,
    post_pending,
    reverse_entry,
    void,
)
from endcredits.store import Store, open_store

HOLDS = ("Liabilities:Suspense:work:a", "Liabilities:Unclaimed:party:a", "Liabilities:Disputed:work:a")
ACCOUNTS = ("Assets:Bank", "Liabilities:Payable:party:a", "Liabilities:Commons", *HOLDS)
NOW = "2026-12-07T09:00:00Z"
faults = st.sampled_from([None, None, "lost", "kept"])
Totals = dict[tuple[str, str], int]


def add(totals: Totals, entry: JournalEntry, sign: int = 1) -> None:
    for p in entry.postings:
        totals[p.account, p.currency] = totals.get((p.account, p.currency), 0) + sign * p.amount_micros


class Book(RuleBasedStateMachine):
    """A store beside a dictionary."""

    open_one: ClassVar[Callable[[], Store]]

    @initialize()
    def begin(self) -> None:
        self.store = type(self).open_one()
        self.posted: Totals = {}
        self.waiting: dict[str, JournalEntry] = {}
        self.settled: dict[str, str] = {}
        self.entries: list[JournalEntry] = []
        self.undone: set[str] = set()
        self.count = 0

    def write(self, work: Callable[[sa.Connection], object], fault: str | None) -> None:
        """Runs a step under a fault, and again after it."""
        if fault is not None:
            dialect = self.store.engine.dialect
            real = dialect.do_commit

            def commit(connection: object) -> None:
                if fault == "kept":
                    real(connection)
                raise dialect.loaded_dbapi.OperationalError("the connection was lost")

            dialect.do_commit = commit  # type: ignore[method-assign]
            try:
                with pytest.raises(MachineError, match="the connection was lost"):
                    self.store.write(work)
            finally:
                dialect.do_commit = real  # type: ignore[method-assign]
        self.store.write(work)

    def entry(self, moves: list[tuple[str, str, int, str]]) -> JournalEntry | None:
        lines = [
            Posting(account, amount, currency)
            for source, target, micros, currency in moves
            if source != target
            for account, amount in ((source, -micros), (target, micros))
        ]
        totals: Totals = {}
        for p in lines:
            totals[p.account, p.currency] = totals.get((p.account, p.currency), 0) + p.amount_micros
        if not any(totals.values()):
            return None
        self.count += 1
        return make_entry(f"k:{self.count}", "2026-12-01", f"Step {self.count}", lines)

    moves = st.lists(
        st.tuples(
            st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(1, 2**62), st.sampled_from(["EUR", "JPY"])
        ),
        min_size=1,
        max_size=1,
    )

    @rule(batch=st.lists(moves, min_size=1, max_size=4), fault=faults)
    def post(self, batch: list[list[tuple[str, str, int, str]]], fault: str | None) -> None:
        made = [entry for entry in map(self.entry, batch) if entry is not None]
        self.write(lambda conn: post_many(conn, made, NOW), fault)
        for entry in made:
            add(self.posted, entry)
        self.entries += made

    @rule(lines=moves, fault=faults)
    def announce(self, lines: list[tuple[str, str, int, str]], fault: str | None) -> None:
        entry = self.entry(lines)
        if entry is not None:
            self.write(lambda conn: post_pending(conn, entry, NOW, "2026-12-31"), fault)
            self.waiting[entry.idempotency_key] = entry

    @rule(verb=st.sampled_from(["confirm", "void"]), place=st.integers(0), fault=faults)
    def settle(self, verb: str, place: int, fault: str | None) -> None:
        if not self.waiting:
            return
        key = sorted(self.waiting)[place % len(self.waiting)]
        entry = self.waiting.pop(key)
        if verb == "void":
            self.write(lambda conn: void(conn, key, "2026-12-02", NOW, "It came back"), fault)
        else:
            self.write(lambda conn: confirm(conn, key, "2026-12-02", NOW), fault)
            add(self.posted, entry)
            with self.store.reading() as conn:
                confirmed = find(conn, f"confirm:{key}")
            assert confirmed is not None
            self.entries.append(confirmed)
        self.settled[key] = verb

    @rule(place=st.integers(0))
    def settle_again_otherwise(self, place: int) -> None:
        if not self.settled:
            return
        key = sorted(self.settled)[place % len(self.settled)]
        with pytest.raises(ConflictError):
            if self.settled[key] == "confirm":
                self.store.write(lambda conn: void(conn, key, "2026-12-03", NOW, "Too late"))
            else:
                self.store.write(lambda conn: confirm(conn, key, "2026-12-03", NOW))

    @rule(place=st.integers(0), fault=faults)
    def reverse(self, place: int, fault: str | None) -> None:
        if not self.entries:
            return
        entry = self.entries[place % len(self.entries)]
        undo = reverse_entry(entry, f"undo:{entry.idempotency_key}", "2026-12-05", "Wrong")
        if entry.reverses is not None or entry.entry_id in self.undone:
            return
        self.write(lambda conn: post_many(conn, [undo], NOW), fault)
        self.undone.add(entry.entry_id)
        add(self.posted, undo)

    @rule(place=st.integers(0), fault=faults)
    def release(self, place: int, fault: str | None) -> None:
        with self.store.reading() as conn:
            held = [lot for lot in lots(conn) if lot.amount_micros > 0]
        if not held:
            return
        lot = held[place % len(held)]
        self.count += 1
        key = f"claim-{self.count}"
        to = "Liabilities:Payable:party:a"
        self.write(lambda conn: claim(conn, [lot], to, key, "2026-12-06", "Found", NOW), fault)
        for account, sign in ((lot.account, 1), (to, -1)):
            place_of = (account, lot.currency)
            self.posted[place_of] = self.posted.get(place_of, 0) + sign * lot.amount_micros

    @rule()
    def crash(self) -> None:
        url = self.store.engine.url
        self.store.close()
        self.store = open_store(url)

    @invariant()
    def says_what_the_dictionary_says(self) -> None:
        if not hasattr(self, "store"):
            return
        waiting: Totals = {}
        for entry in self.waiting.values():
            add(waiting, entry)
        with self.store.reading() as conn:
            assert balances(conn) == {key: total for key, total in self.posted.items() if total}
            assert balances(conn, pending=True) == {key: total for key, total in waiting.items() if total}
            held: Totals = {}
            for lot in lots(conn):
                held[lot.account, lot.currency] = held.get((lot.account, lot.currency), 0) - lot.amount_micros
            assert held == {key: total for key, total in self.posted.items() if total and key[0] in HOLDS}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            with self.store.reading() as conn:
                assert check_books(conn) == check_entries(conn) == []
            self.store.close()


def run(open_one: Callable[[], Store], examples: int) -> None:
    machine = type("OneBook", (Book,), {"open_one": staticmethod(open_one)})
    chosen = settings(max_examples=examples, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=chosen)


def test_the_book_is_a_dictionary_on_sqlite(sqlite_template: Path) -> None:
    """Each example on a fresh file."""
    with tempfile.TemporaryDirectory() as folder:

        def open_one() -> Store:
            handle, path = tempfile.mkstemp(suffix=".db", dir=folder)
            os.close(handle)
            shutil.copyfile(sqlite_template, path)
            return open_store(f"sqlite:///{path}")

        run(open_one, 20)


def test_the_book_is_a_dictionary_on_postgresql(postgres_server: sa.URL, postgres_template: str) -> None:
    """Each example on a fresh copy of the template."""
    admin = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    made: list[str] = []

    def open_one() -> Store:
        name = f"endcredits_machine_{len(made)}"
        with admin.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
        made.append(name)
        return open_store(postgres_server.set(database=name))

    try:
        run(open_one, 6)
    finally:
        with admin.connect() as conn:
            for name in made:
                conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")

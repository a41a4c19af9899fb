"""Any order of earning, planning, approving, sending, confirming, returning and changing details pays nobody too much."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from endcredits.errors import ConflictError
from endcredits.ids import PartyId
from endcredits.ledger import balances, check_books
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts.paying_checks import check_paying
from endcredits.payouts.payments import Batch, Payment
from endcredits.store import open_store

from .paying_makers import AT, owe, payee, payer, record_plan, w8

PARTIES = st.sampled_from(["ada", "ben", "cleo"])


def machine(template: Path) -> type[RuleBasedStateMachine]:
    """A payer's life on a fresh database."""

    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = tempfile.mkdtemp(prefix="endcredits-paying-")
            shutil.copyfile(template, Path(self.folder) / "studio.db")
            self.store = open_store(f"sqlite:///{self.folder}/studio.db")
            self.earned = dict.fromkeys(["ada", "ben", "cleo"], 0)
            self.entries = self.details = 0
            self.batches: list[Batch] = []

        def teardown(self) -> None:
            self.store.close()
            shutil.rmtree(self.folder)

        @rule(party=PARTIES, micros=st.integers(1, 30_000_000))
        def earn(self, party: str, micros: int) -> None:
            self.entries += 1
            self.earned[party] += micros
            self.store.write(lambda conn: owe(conn, f"earn:{self.entries}", {(party, "EUR"): micros}))

        @rule(party=PARTIES, foreign=st.booleans())
        def give_detail(self, party: str, foreign: bool) -> None:
            self.details += 1
            profile = payee(party, 1000 + self.details, country="BR" if foreign else "DE", tax=w8(None if foreign else 0))
            self.store.write(lambda conn: payee_book.save_profiles(conn, [profile], AT))

        @rule(threshold=st.sampled_from([0, 10_000_000]))
        def plan(self, threshold: int) -> None:
            made = record_plan(self.store, payer=payer("US"), threshold_micros=threshold)
            self.batches += [batch for batch in made.batches if batch not in self.batches]

        @rule(data=st.data(), sending=st.booleans())
        def approve_or_send(self, data: st.DataObject, sending: bool) -> None:
            if not self.batches:
                return
            name = data.draw(st.sampled_from(self.batches)).batch_id
            try:
                if sending:
                    self.store.write(lambda conn: payout_book.begin_sending(conn, name, "q", AT, "0" * 64, "/out"))
                else:
                    self.store.write(lambda conn: payout_book.approve(conn, name, "q", AT))
            except ConflictError:
                return

        @rule(data=st.data(), arrives=st.booleans())
        def bank_says(self, data: st.DataObject, arrives: bool) -> None:
            with self.store.reading() as conn:
                sent = [b for b in payout_book.batches(conn) if "sending" in b.steps]
            if not sent:
                return
            booked = data.draw(st.sampled_from(sent))
            payment: Payment = data.draw(st.sampled_from(booked.batch.payments))
            if arrives and booked.fate(payment.payment_id) == "returned":
                return

            def work(conn: sa.Connection) -> None:
                if arrives:
                    payout_book.confirm(conn, booked, payment, "2026-12-03", "ref", AT)
                else:
                    payout_book.return_payment(conn, booked, payment, "2026-12-04", "AC04", AT)

            self.store.write(work)

        @invariant()
        def nobody_is_paid_too_much(self) -> None:
            with self.store.reading() as conn:
                assert check_books(conn) == []
                assert check_paying(conn) == []
                due = payout_book.owed(conn)
                gone = dict.fromkeys(self.earned, 0)
                for booked in payout_book.batches(conn):
                    for payment in booked.batch.payments:
                        if "sending" in booked.steps and booked.fate(payment.payment_id) != "returned":
                            gone[payment.party_id] += payment.gross_micros
                for party, earned in self.earned.items():
                    rest = due.get((PartyId(party), "EUR"), 0)
                    assert rest >= 0 and rest + gone[party] == earned
                assert sum(balances(conn).values()) == 0

    return Life


@pytest.mark.timeout(120)
def test_any_order_of_steps_keeps_every_sum(sqlite_template: Path) -> None:
    """What was earned is what is owed and what went out, per payee, at every moment."""
    chosen = settings(max_examples=12, stateful_step_count=20, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine(sqlite_template), settings=chosen)

"""A batch walks from planned to sent once, and the books follow every step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, NotFoundError
from endcredits.ledger import balances, check_books
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts import payout_tables as tables
from endcredits.payouts.paying_checks import check_paying
from endcredits.store import Store

from .paying_makers import ADA, AT, BEN, earned, owe, payee, payer, record_plan, send, w8

CLEARING = "Liabilities:Clearing:Payouts"


def books(store: Store, prefix: str = "") -> dict[str, int]:
    """Balances by account, after checking the whole."""
    with store.reading() as conn:
        assert check_books(conn) == []
        assert check_paying(conn) == []
        return {account: micros for (account, _), micros in balances(conn, prefix).items()}


def test_a_batch_is_planned_approved_and_sent(store: Store) -> None:
    """Payable, then clearing, then bank."""
    earned(store, payee(), payee("ben", 2000), ada=12_345_678, ben=5_000_000)
    (batch,) = record_plan(store).batches
    assert books(store, "Liabilities") == {"Liabilities:Payable:ada": -12_345_678, "Liabilities:Payable:ben": -5_000_000}

    send(store, batch)
    assert books(store, "Liabilities") == {
        f"{CLEARING}:{batch.batch_id}": -17_340_000,
        "Liabilities:Payable:ada": -5_678,
    }

    def confirm_all(conn: sa.Connection) -> None:
        booked = payout_book.find_batch(conn, batch.batch_id)
        for payment in batch.payments:
            payout_book.confirm(conn, booked, payment, "2026-12-03", "ref", AT)
            payout_book.confirm(conn, booked, payment, "2026-12-03", "ref", AT)

    store.write(confirm_all)
    assert books(store)["Assets:Bank"] == -17_340_000
    assert not books(store, CLEARING)


def test_tax_and_vat_have_accounts_of_their_own(store: Store) -> None:
    """30 per cent to the tax office, VAT to be claimed back; a return undoes both."""
    profile = payee(country="BR", tax=replace(w8(), vat_id="DE123456789", vat_rate_ppb=190_000_000))
    earned(store, profile, ada=100_000_000)
    (batch,) = record_plan(store, payer=payer("US")).batches
    send(store, batch)

    assert books(store) == {
        "Assets:Receivable:Revenue": 100_000_000,
        "Assets:Receivable:Vat:BR": 19_000_000,
        f"{CLEARING}:{batch.batch_id}": -89_000_000,
        "Liabilities:Withholding:US": -30_000_000,
    }
    (payment,) = batch.payments

    def back(conn: sa.Connection) -> None:
        booked = payout_book.find_batch(conn, batch.batch_id)
        payout_book.confirm(conn, booked, payment, "2026-12-03", "ref", AT)
        for _ in range(2):
            payout_book.return_payment(conn, booked, payment, "2026-12-05", "AC04 account\nclosed", AT)

    store.write(back)
    assert books(store) == {"Assets:Receivable:Revenue": 100_000_000, "Liabilities:Payable:ada": -100_000_000}
    with store.reading() as conn:
        assert payee_book.latest_profiles(conn)[ADA].bank_hold == "returned: AC04 account closed"
        assert payout_book.find_batch(conn, batch.batch_id).fate(payment.payment_id) == "returned"
    again = record_plan(store, payer=payer("US"))
    assert [hold.reason for hold in again.holds] == ["bank"]


def test_a_payee_who_came_back_is_paid_under_another_id(store: Store) -> None:
    """With a corrected detail, the same amount on the same day."""
    earned(store, payee(), ada=5_000_000)
    (batch,) = record_plan(store).batches
    send(store, batch)
    (payment,) = batch.payments

    def back(conn: sa.Connection) -> None:
        booked = payout_book.find_batch(conn, batch.batch_id)
        payout_book.return_payment(conn, booked, payment, "2026-12-03", "AC04", AT)
        payee_book.save_profiles(conn, [payee(number=3000)], AT)

    store.write(back)
    (second,) = record_plan(store).batches
    assert second.payments[0].payment_id != payment.payment_id
    send(store, second)
    assert books(store, "Liabilities") == {f"{CLEARING}:{second.batch_id}": -5_000_000}


def test_a_changed_bank_detail_stops_a_batch_at_every_step(store: Store) -> None:
    """Before and after approval; a new plan goes through."""
    earned(store, payee(), ada=5_000_000)
    (batch,) = record_plan(store).batches
    store.write(lambda conn: payout_book.approve(conn, batch.batch_id, "quentin", AT))
    store.write(lambda conn: payee_book.save_profiles(conn, [payee(number=2000)], AT))

    with pytest.raises(ConflictError, match="changed after") as caught:
        send(store, batch)
    assert "Plan again" in caught.value.remedy
    assert not books(store, CLEARING)

    (second,) = record_plan(store).batches
    store.write(lambda conn: payee_book.save_profiles(conn, [payee(number=4000)], AT))
    with pytest.raises(ConflictError, match="changed after"):
        store.write(lambda conn: payout_book.approve(conn, second.batch_id, "quentin", AT))
    send(store, record_plan(store).batches[0])


def test_two_batches_cannot_pay_the_same_money(store: Store) -> None:
    """The second is not approved while the first waits, and finds nothing owed once the first is sent."""
    earned(store, payee(), ada=5_000_000)
    (one,), (other,) = record_plan(store).batches, record_plan(store, on="2026-12-04").batches
    store.write(lambda conn: payout_book.approve(conn, one.batch_id, "quentin", AT))

    with pytest.raises(ConflictError, match="pays 'ada' the same money"):
        store.write(lambda conn: payout_book.approve(conn, other.batch_id, "quentin", AT))
    send(store, one)
    with pytest.raises(ConflictError, match="less is owed"):
        send(store, other)
    assert books(store, "Liabilities") == {f"{CLEARING}:{one.batch_id}": -5_000_000}


def test_a_cancelled_batch_gives_way_to_another(store: Store) -> None:
    """What it would have paid stays owed; cancelled once, never approved or sent again, and never after sending began."""
    earned(store, payee(), ada=5_000_000)
    (one,), (other,) = record_plan(store).batches, record_plan(store, on="2026-12-04").batches
    store.write(lambda conn: payout_book.approve(conn, one.batch_id, "quentin", AT))
    for by in ("quentin", "rosa"):
        cancelled = store.write(lambda conn, by=by: payout_book.cancel(conn, one.batch_id, by, AT))
        assert (cancelled.state, cancelled.steps["cancelled"].by) == ("cancelled", "quentin")

    with pytest.raises(ConflictError, match="was cancelled"):
        store.write(lambda conn: payout_book.approve(conn, one.batch_id, "quentin", AT))
    with pytest.raises(ConflictError, match="was cancelled"):
        store.write(lambda conn: payout_book.begin_sending(conn, one.batch_id, "q", AT, "0" * 64, "/a"))
    assert books(store, "Liabilities") == {"Liabilities:Payable:ada": -5_000_000}
    send(store, other)
    with pytest.raises(ConflictError, match="being sent since"):
        store.write(lambda conn: payout_book.cancel(conn, other.batch_id, "q", AT))
    assert books(store, "Liabilities") == {f"{CLEARING}:{other.batch_id}": -5_000_000}


def test_four_eyes_are_two_persons(store: Store) -> None:
    """The planner may not approve, under the rule that the plan was made with."""
    earned(store, payee(), ada=5_000_000)
    (batch,) = record_plan(store, four_eyes=True).batches

    for same in ("pia", " PIA", "p ia", "pi\u200ba", "p\u00adia", "", "\u200b"):
        with pytest.raises(ConflictError, match="four eyes"):
            store.write(lambda conn, by=same: payout_book.approve(conn, batch.batch_id, by, AT))
    with pytest.raises(ConflictError, match="other four eyes"):
        record_plan(store, four_eyes=False)
    booked = store.write(lambda conn: payout_book.approve(conn, batch.batch_id, "quentin", AT))
    assert booked.state == "approved"
    assert books(store, CLEARING) == {}


def test_steps_are_taken_once_and_in_order(store: Store) -> None:
    """Sending needs approval; another place or content is refused; the same again changes nothing."""
    earned(store, payee(), ada=5_000_000)
    (batch,) = record_plan(store).batches
    name = batch.batch_id

    with pytest.raises(ConflictError, match="not approved"):
        store.write(lambda conn: payout_book.begin_sending(conn, name, "q", AT, "0" * 64, "/a"))
    with pytest.raises(NotFoundError):
        store.write(lambda conn: payout_book.approve(conn, "payout-none", "q", AT))
    for by in ("q", "r"):
        assert store.write(lambda conn, by=by: payout_book.approve(conn, name, by, AT)).steps["approved"].by == "q"
    for _ in range(2):
        store.write(lambda conn: payout_book.begin_sending(conn, name, "q", AT, "0" * 64, "/a"))
    for sha256, place, problem in (("0" * 64, "/b", "second time"), ("1" * 64, "/a", "not what was begun")):
        with pytest.raises(ConflictError, match=problem):
            store.write(lambda conn, s=sha256, p=place: payout_book.begin_sending(conn, name, "q", AT, s, p))
    for _ in range(2):
        assert store.write(lambda conn: payout_book.finish_sending(conn, name, "q", AT)).state == "sent"
    assert books(store, CLEARING) == {f"{CLEARING}:{name}": -5_000_000}


def test_planning_again_is_the_same_plan(store: Store) -> None:
    """Until something is sent or earned."""
    earned(store, payee(), payee("ben", 2000), ada=5_000_000, ben=7_000_000)
    first = record_plan(store)

    assert record_plan(store, at="2026-12-02T00:00:00Z", by="rita") == first
    with pytest.raises(ConflictError, match="another account"):
        record_plan(store, payer=replace(payer(), bic=""))
    store.write(lambda conn: owe(conn, "more", {("ben", "EUR"): 1_000_000}))
    assert record_plan(store).plan_id != first.plan_id
    with store.reading() as conn:
        assert len(payout_book.plans(conn)) == 2
        assert len(payout_book.batches(conn)) == 2
        assert payout_book.owed(conn) == {(ADA, "EUR"): 5_000_000, (BEN, "EUR"): 8_000_000}


def test_a_changed_row_is_found(sqlite_store: Store) -> None:
    """An amount, a document, a state."""
    store = sqlite_store
    earned(store, payee(), ada=5_000_000)
    (batch,) = record_plan(store).batches
    send(store, batch)
    with store.reading() as conn:
        assert check_paying(conn) == []
    with store.engine.connect() as conn:
        for table in tables.TABLES:
            conn.exec_driver_sql(f"DROP TRIGGER {table.name}_no_update")
        conn.exec_driver_sql("UPDATE payout_payments SET transfer_micros = 6000000")
        conn.exec_driver_sql("UPDATE payout_batches SET document = replace(document, '5000000', '6000000')")
        conn.exec_driver_sql("UPDATE payout_plans SET document = replace(document, 'payout-', 'payouT-')")
        conn.exec_driver_sql("UPDATE payee_profiles SET version = 7")
        conn.exec_driver_sql("UPDATE payout_states SET at = '2026-12-02T00:00:00Z'")
        conn.commit()

    with store.reading() as conn:
        found = [f"{finding.where}: {finding.problem}" for finding in check_paying(conn)]

    for where in ("payee_profiles", "payout_plans", "payout_batches", "payout_payments", "payout_states"):
        assert any(f"table {where}" in one for one in found), where
    assert any(one.startswith("plan-") for one in found)
    assert any("belongs to another id" in one for one in found)
    assert any("the books and its state do not agree" in one for one in found)
    assert any(one.startswith("account Liabilities:Clearing") for one in found)

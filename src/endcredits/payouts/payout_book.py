"""The book of payouts: plans, batches and states, in rows that are only ever added.

A batch walks planned -> approved -> sending -> sent; a payment of it then is confirmed or returned. Until sending begins it
can be cancelled. Each step is a row with a key of its own, so a step that runs twice counts once. *Sending* is the promise
that is made before anything leaves the house: from that row on the books say that the money is on its way, the same bytes
or requests are sent as often as it takes, and no other batch can be planned with the same money.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, IntegrityError, NotFoundError
from endcredits.ids import PartyId, same_person
from endcredits.ledger import balances, post
from endcredits.payouts import payout_tables as tables
from endcredits.payouts.payee_book import hold_bank_detail, latest_profiles
from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Payment, Plan
from endcredits.payouts.payout_documents import document, read_batch, read_payer_document, read_plan
from endcredits.payouts.payout_entries import confirmed_entry, returned_entry, sent_entry
from endcredits.payouts.payout_log import insert_logged
from endcredits.payouts.payout_states import BookedBatch, Fate, Step
from endcredits.royalties import PAYABLE_PREFIX
from endcredits.store import many, one


def owed(conn: Connection) -> dict[tuple[PartyId, str], int]:
    """What every payee is owed now, in micros; the ledger writes it as a negative balance."""
    return {
        (PartyId(account.removeprefix(PAYABLE_PREFIX)), currency): -micros
        for (account, currency), micros in balances(conn, PAYABLE_PREFIX).items()
    }


def sent_before(conn: Connection) -> dict[tuple[PartyId, str], int]:
    """How many payments were sent, by party and currency."""
    payments, states = tables.payout_payments, tables.payout_states
    query = (
        sa.select(payments.c.party_id, payments.c.currency, sa.func.count().label("number"))
        .join(states, sa.and_(states.c.batch_id == payments.c.batch_id, states.c.state == "sending"))
        .group_by(payments.c.party_id, payments.c.currency)
    )
    return {(PartyId(row["party_id"]), row["currency"]): row["number"] for row in many(conn, query)}


def save_plan(conn: Connection, plan: Plan, payer: Payer, at: str, by: str, *, four_eyes: bool) -> bool:
    """Records a plan with its batches; the same plan again changes nothing.

    Returns:
        Whether it was new.

    Raises:
        ConflictError: it is recorded, and asked to be approved in another way or paid by another account.
    """
    known = one(conn, sa.select(tables.payout_plans).where(tables.payout_plans.c.plan_id == plan.plan_id))
    if known is not None:
        if (known["four_eyes"], known["private_payer"]) != (int(four_eyes), document(payer)):
            raise ConflictError(
                f"{plan.plan_id} is recorded with other four eyes, or another account of the payer",
                remedy="Plan it as it was planned first, or for another day.",
            )
        return False
    row = {"plan_id": plan.plan_id, "planned_at": at, "planned_by": by, "four_eyes": int(four_eyes)}
    insert_logged(conn, tables.payout_plans, [{**row, "document": document(plan), "private_payer": document(payer)}])
    ids = set(conn.scalars(sa.select(tables.payout_batches.c.batch_id)))
    new = [batch for batch in plan.batches if batch.batch_id not in ids]
    for batch in plan.batches:
        if batch.batch_id in ids and find_batch(conn, batch.batch_id).payer != payer:
            raise ConflictError(
                f"{batch.batch_id} is recorded with another account of the payer",
                remedy="Plan it with the account of then, or for another day.",
            )
    rows = [{"batch_id": batch.batch_id, "plan_id": plan.plan_id, "document": document(batch)} for batch in new]
    insert_logged(conn, tables.payout_batches, rows)
    taken = set(conn.scalars(sa.select(tables.payout_payments.c.payment_id)))
    insert_logged(
        conn,
        tables.payout_payments,
        [
            {
                "payment_id": payment.payment_id,
                "batch_id": batch.batch_id,
                "party_id": payment.party_id,
                "currency": batch.currency,
                "gross_micros": payment.gross_micros,
                "transfer_micros": payment.transfer_micros,
            }
            for batch in new
            for payment in batch.payments
            if payment.payment_id not in taken
        ],
    )
    return True


def find_batch(conn: Connection, batch_id: str) -> BookedBatch:
    """A batch with its states.

    Raises:
        NotFoundError: there is none of that id.
        IntegrityError: a document is damaged.
    """
    table, plans = tables.payout_batches, tables.payout_plans
    row = one(conn, sa.select(table).where(table.c.batch_id == batch_id))
    if row is None:
        raise NotFoundError(
            f"there is no batch '{batch_id[:60]}'", remedy="See all: endcredits payout status.", field="batch"
        )
    first = one(conn, sa.select(plans).where(plans.c.plan_id == row["plan_id"]))
    if first is None:  # the foreign key forbids it
        raise IntegrityError(f"the plan of {batch_id} is missing", remedy="Restore the database from your last copy.")
    steps = many(conn, sa.select(tables.payout_states).where(tables.payout_states.c.batch_id == batch_id))
    states, payments = tables.payment_states, tables.payout_payments
    query = sa.select(states).join(payments, payments.c.payment_id == states.c.payment_id)
    fates = many(conn, query.where(payments.c.batch_id == batch_id))
    return BookedBatch(
        read_batch(row["document"]),
        read_payer_document(first["private_payer"]),
        row["plan_id"],
        first["planned_at"],
        first["planned_by"],
        bool(first["four_eyes"]),
        {s["state"]: Step(s["state"], s["at"], s["by_whom"], s["sha256"] or "", s["place"] or "") for s in steps},
        {(f["payment_id"], f["state"]): Fate(f["state"], f["at"], f["reference"], f["entry_id"] or "") for f in fates},
    )


def batches(conn: Connection) -> list[BookedBatch]:
    """All batches, by the day and id."""
    found = [find_batch(conn, batch_id) for batch_id in conn.scalars(sa.select(tables.payout_batches.c.batch_id)).all()]
    return sorted(found, key=lambda booked: (booked.batch.on, booked.batch.batch_id))


def plans(conn: Connection) -> list[tuple[str, Plan]]:
    """All plans with their time, in the order of planning."""
    table = tables.payout_plans
    rows = many(conn, sa.select(table).order_by(table.c.planned_at, table.c.plan_id))
    return [(row["planned_at"], read_plan(row["document"])) for row in rows]


def approve(conn: Connection, batch_id: str, by: str, at: str) -> BookedBatch:
    """Approves a batch, once; again changes nothing.

    Raises:
        NotFoundError: no such batch.
        ConflictError: it is cancelled, the planner may not approve, what was planned no longer holds (see `check_standing`),
            or another approved batch pays the same money.
    """
    booked = find_batch(conn, batch_id)
    _not_cancelled(booked)
    if "approved" in booked.steps:
        return booked
    if booked.four_eyes and same_person(by, booked.planned_by):
        raise ConflictError(
            f"'{booked.planned_by}' planned this batch, and four eyes were asked for",
            remedy="Let somebody else look it over and approve it.",
            field="by",
        )
    check_standing(conn, booked)
    _only_one(conn, booked)
    _step(conn, batch_id, Step("approved", at, by))
    return find_batch(conn, batch_id)


def cancel(conn: Connection, batch_id: str, by: str, at: str) -> BookedBatch:
    """Takes a batch back before anything of it is sent, once; what it would have paid stays owed.

    Raises:
        NotFoundError: no such batch.
        ConflictError: sending was begun.
    """
    booked = find_batch(conn, batch_id)
    if "cancelled" in booked.steps:
        return booked
    begun = booked.steps.get("sending")
    if begun is not None:
        raise ConflictError(
            f"{batch_id} is being sent since {begun.at}",
            remedy="What the bank does not execute comes back by its own file: endcredits payout reconcile.",
            field="batch",
        )
    _step(conn, batch_id, Step("cancelled", at, by))
    return find_batch(conn, batch_id)


def _not_cancelled(booked: BookedBatch) -> None:
    if "cancelled" in booked.steps:
        raise ConflictError(
            f"{booked.batch.batch_id} was cancelled at {booked.steps['cancelled'].at}",
            remedy="Plan again for another day: endcredits payout plan --on DAY.",
            field="batch",
        )


def _only_one(conn: Connection, booked: BookedBatch) -> None:
    """Refuses a batch while another one that could still be sent pays somebody the same money."""
    paid = {payment.party_id for payment in booked.batch.payments}
    steps = many(conn, sa.select(tables.payout_states.c.batch_id, tables.payout_states.c.state))
    gone = {step["batch_id"] for step in steps if step["state"] != "approved"}
    for batch_id in sorted({step["batch_id"] for step in steps} - gone):
        other = find_batch(conn, batch_id)
        both = paid & {payment.party_id for payment in other.batch.payments}
        if both and other.batch.currency == booked.batch.currency and _stands(conn, other):
            raise ConflictError(
                f"{other.batch.batch_id}, approved at {other.steps['approved'].at}, pays '{min(both)}' the same money",
                remedy=f"Send that one, or take it back: endcredits payout cancel {other.batch.batch_id}.",
                field="batch",
            )


def check_standing(conn: Connection, booked: BookedBatch) -> None:
    """Refuses a batch that is not what would be paid now: a changed payee, or money that is no longer owed.

    Raises:
        ConflictError: naming the payee.
    """
    profiles = latest_profiles(conn)
    due = owed(conn)
    for payment in booked.batch.payments:
        profile = profiles.get(payment.party_id)
        if profile is None or profile.profile_id != payment.profile_id:
            raise ConflictError(
                f"the payee '{payment.party_id}' changed after {booked.batch.batch_id} was planned "
                f"({payment.profile_id} is no longer in force)",
                remedy="Nothing was sent. Plan again: endcredits payout plan.",
                field="batch",
            )
        if due.get((payment.party_id, booked.batch.currency), 0) < payment.gross_micros:
            raise ConflictError(
                f"less is owed to '{payment.party_id}' now than {booked.batch.batch_id} would pay",
                remedy="It was paid or corrected since. Nothing was sent. Plan again: endcredits payout plan.",
                field="batch",
            )


def _stands(conn: Connection, booked: BookedBatch) -> bool:
    try:
        check_standing(conn, booked)
    except ConflictError:
        return False
    return True


def begin_sending(conn: Connection, batch_id: str, by: str, at: str, sha256: str, place: str) -> BookedBatch:
    """Makes the promise and books the money as on its way, once.

    Args:
        sha256: of what will be sent.
        place: where it will be sent.

    Raises:
        ConflictError: not approved, cancelled, no longer standing, or sending was begun with another content or place.
    """
    booked = find_batch(conn, batch_id)
    _not_cancelled(booked)
    begun = booked.steps.get("sending")
    if begun is not None:
        if begun.place != place:
            raise ConflictError(
                f"{batch_id} is being sent to {begun.place} since {begun.at}, and is not sent a second time",
                remedy=f"To complete it, send it there again: {begun.place}.",
                field="out",
            )
        if begun.sha256 != sha256:
            raise ConflictError(
                f"what {batch_id} would send now is not what was begun at {begun.at}",
                remedy="Use the version of endcredits that began it.",
                field="batch",
            )
        return booked
    if "approved" not in booked.steps:
        raise ConflictError(
            f"{batch_id} is not approved", remedy=f"Approve it: endcredits payout approve {batch_id}.", field="batch"
        )
    check_standing(conn, booked)
    post(conn, sent_entry(booked.batch, at[:10]))
    _step(conn, batch_id, Step("sending", at, by, sha256, place))
    return find_batch(conn, batch_id)


def finish_sending(conn: Connection, batch_id: str, by: str, at: str) -> BookedBatch:
    """Records that all was handed over, once."""
    booked = find_batch(conn, batch_id)
    begun = booked.steps["sending"]
    if "sent" not in booked.steps:
        _step(conn, batch_id, Step("sent", at, by, begun.sha256, begun.place))
    return find_batch(conn, batch_id)


def accept(conn: Connection, payment_id: str, reference: str, at: str) -> None:
    """Records that an HTTP rail took a payment, once."""
    _fate(conn, payment_id, Fate("accepted", at, reference))


def confirm(conn: Connection, booked: BookedBatch, payment: Payment, date: str, reference: str, at: str) -> None:
    """Books a payment that the bank executed, once.

    Raises:
        ConflictError: it is booked with another content.
    """
    entry = post(conn, confirmed_entry(booked.batch, payment, date))
    _fate(conn, payment.payment_id, Fate("confirmed", at, reference, entry.entry_id))


def return_payment(conn: Connection, booked: BookedBatch, payment: Payment, date: str, reason: str, at: str) -> None:
    """Books a payment that came back, once: it is owed again, and the payee's bank detail is put on hold."""
    known = one(conn, _fates_of(payment.payment_id, "returned"))
    if known is not None:
        return
    confirmed = one(conn, _fates_of(payment.payment_id, "confirmed")) is not None
    entry = post(conn, returned_entry(booked.batch, payment, date, reason, confirmed=confirmed))
    _fate(conn, payment.payment_id, Fate("returned", at, reason, entry.entry_id))
    hold_bank_detail(conn, payment.party_id, payment.profile_id, reason, at)


def batch_of_payment(conn: Connection, payment_ids: Iterable[str]) -> dict[str, str]:
    """The batch of each known payment."""
    table = tables.payout_payments
    wanted = set(payment_ids)
    rows = many(conn, sa.select(table.c.payment_id, table.c.batch_id))
    return {row["payment_id"]: row["batch_id"] for row in rows if row["payment_id"] in wanted}


def _fates_of(payment_id: str, state: str) -> sa.Select[tuple[str]]:
    table = tables.payment_states
    return sa.select(table.c.state).where(table.c.payment_id == payment_id, table.c.state == state)


def _step(conn: Connection, batch_id: str, step: Step) -> None:
    row = {"batch_id": batch_id, "state": step.state, "at": step.at, "by_whom": step.by}
    insert_logged(conn, tables.payout_states, [{**row, "sha256": step.sha256 or None, "place": step.place or None}])


def _fate(conn: Connection, payment_id: str, fate: Fate) -> None:
    if one(conn, _fates_of(payment_id, fate.state)) is None:
        row = {"payment_id": payment_id, "state": fate.state, "at": fate.at, "reference": fate.reference}
        insert_logged(conn, tables.payment_states, [{**row, "entry_id": fate.entry_id or None}])

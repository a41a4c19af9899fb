"""Checks of the payouts: rows as written, plans that add up, batches that are what their ids say, and money on its way that
is what the books say is on its way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import IntegrityError
from endcredits.ledger import balances, find
from endcredits.payouts import payout_book
from endcredits.payouts import payout_tables as tables
from endcredits.payouts.payout_entries import clearing_account, sent_entry
from endcredits.payouts.payout_log import check_log_of_rows
from endcredits.payouts.payout_states import BookedBatch
from endcredits.store import Finding, check_rows


def check_paying(conn: Connection) -> list[Finding]:
    """Checks all plans, batches and states.

    Returns:
        What is wrong; empty when everything is as it was written and follows from it.
    """
    findings = [finding for table in (*tables.TABLES, tables.payout_log) for finding in check_rows(conn, table)]
    findings += check_log_of_rows(conn)
    try:
        for _, plan in payout_book.plans(conn):
            if plan.plan_id != f"plan-{digest(replace(plan, plan_id=''))[:24]}":
                findings.append(Finding(plan.plan_id, "its content belongs to another id"))
            for total in plan.totals:
                if total.owed_micros != total.gross_micros + total.rest_micros + total.held_micros:
                    findings.append(Finding(plan.plan_id, f"its totals in {total.currency} do not add up"))
    except IntegrityError as error:
        findings.append(Finding("payout plans", error.message))
    on_the_way: dict[tuple[str, str], int] = defaultdict(int)
    for batch_id in conn.scalars(sa.select(tables.payout_batches.c.batch_id)).all():
        try:
            booked = payout_book.find_batch(conn, batch_id)
        except IntegrityError as error:
            findings.append(Finding(f"payout batch {batch_id}", error.message))
            continue
        findings += [Finding(f"payout batch {batch_id}", problem) for problem in _problems(conn, booked)]
        if "sending" in booked.steps:
            waiting = [p for p in booked.batch.payments if booked.fate(p.payment_id) not in ("confirmed", "returned")]
            key = (clearing_account(batch_id), booked.batch.currency)
            on_the_way[key] = sum(payment.transfer_micros for payment in waiting)
    said = balances(conn, "Liabilities:Clearing:Payouts")
    for key in sorted(on_the_way.keys() | said.keys()):
        if -said.get(key, 0) != on_the_way.get(key, 0):
            findings.append(
                Finding(
                    f"account {key[0]}", f"{-said.get(key, 0)} micros stand there and {on_the_way[key]} are on their way"
                )
            )
    return findings


def _problems(conn: Connection, booked: BookedBatch) -> list[str]:
    batch = booked.batch
    found = []
    if batch.batch_id != f"payout-{digest(replace(batch, batch_id=''))[:24]}":
        found.append("its content belongs to another id")
    if batch.count != len(batch.payments) or batch.transfer_micros != sum(p.transfer_micros for p in batch.payments):
        found.append("its control totals are not those of its payments")
    if any(p.transfer_micros != p.gross_micros - p.withheld_micros + p.vat_micros for p in batch.payments):
        found.append("a payment does not add up")
    steps = booked.steps
    for state, earlier in (("sending", "approved"), ("sent", "sending")):
        if state in steps and earlier not in steps:
            found.append(f"it is {state} and was never {earlier}")
    if "cancelled" in steps and "sending" in steps:
        found.append("it was cancelled and sent")
    if booked.four_eyes and "approved" in steps and steps["approved"].by == booked.planned_by:
        found.append("it was planned and approved by the same person, against its own rule")
    entry = find(conn, f"payout:sent:{batch.batch_id}")
    if (entry is not None) != ("sending" in steps) or (entry and entry != sent_entry(batch, entry.date)):
        found.append("the books and its state do not agree on whether it was sent")
    return found

"""From what is owed to money that arrived: payees come in, a plan is made and approved, and what the bank says is booked.

Between approval and the bank stands `flows.sending`. Every step is one transaction and safe to run again.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.sending import who
from endcredits.flows.studio import Studio
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts.batches import Terms
from endcredits.payouts.batches import plan as make_plan
from endcredits.payouts.payee_files import read_payees
from endcredits.payouts.payees import PayeeProfile
from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Hold, Plan
from endcredits.payouts.payout_states import BookedBatch
from endcredits.payouts.rails.bank_files import read_bank_file
from endcredits.payouts.reconcile import Outcome
from endcredits.payouts.reconcile import reconcile as reconcile_lines
from endcredits.payouts.tax import Rates, read_rates
from endcredits.payouts.year_end import YearEnd
from endcredits.payouts.year_end import year_end as sum_up
from endcredits.royalties import book as royalties_book
from endcredits.works import parties


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import of payees did.

    Attributes:
        new: profiles recorded now.
        unchanged: how many said what was in force already.
        unknown: party ids that no registered work names; they are recorded and wait.
    """

    new: tuple[PayeeProfile, ...]
    unchanged: int
    unknown: tuple[str, ...]


def import_payees(studio: Studio, path: str | os.PathLike[str]) -> Imported:
    """Records payee profiles from a file: all of them, or none when a row is wrong.

    Raises:
        InputError: naming file, row and field.
    """
    moment = now()
    profiles = read_payees(path, moment[:10])

    def work(conn: Connection) -> Imported:
        known = parties(conn)
        new = payee_book.save_profiles(conn, profiles, moment)
        unknown = tuple(sorted(p.party_id for p in profiles if p.party_id not in known))
        return Imported(new, len(profiles) - len(new), unknown)

    return studio.store.write(work)


def plan_payments(
    studio: Studio,
    payer: Payer,
    *,
    on: str = "",
    by: str,
    rates: Rates | None = None,
    threshold_micros: int | None = None,
    without_form: bool = False,
    four_eyes: bool = False,
) -> tuple[Plan, bool]:
    """Plans the payment of everything that is owed, and records the plan.

    Args:
        on: day of execution, YYYY-MM-DD; tomorrow in UTC by default.
        by: who plans.
        threshold_micros: least payment of everybody, in micros of any currency; by default the payout threshold of the
            policy of the period closed last, which its statements name, and 0 where no period is closed.
        without_form: withhold the full rate where a tax form is missing, instead of holding the payment.
        four_eyes: whether somebody else must approve.

    Returns:
        The plan, and whether it was new.

    Raises:
        InputError: the day is none, or over.
        ConflictError: the same plan is recorded with other four eyes or another account.
    """
    moment = now()
    day = on or (datetime.date.fromisoformat(moment[:10]) + datetime.timedelta(days=1)).isoformat()
    table = rates or read_rates()

    def work(conn: Connection) -> tuple[Plan, bool]:
        least = _threshold_micros(conn) if threshold_micros is None else threshold_micros
        terms = Terms(day, payer, table, least, without_form)
        profiles = payee_book.latest_profiles(conn)
        planned = make_plan(payout_book.owed(conn), profiles, payout_book.sent_before(conn), terms)
        if day < moment[:10]:
            raise InputError(f"the day of execution, {day}, is over", remedy="Name today or a later day.", field="on")
        new = payout_book.save_plan(conn, planned, payer, moment, who(by), four_eyes=four_eyes)
        return planned, new

    return fact_log.write(studio, work)


def _threshold_micros(conn: Connection) -> int:
    """What the statements of the period closed last say is the least that is paid."""
    last = royalties_book.last_close(conn)
    return 0 if last is None else last.close.policy.payout_threshold_micros


def approve(studio: Studio, batch_id: str, by: str) -> BookedBatch:
    """Approves a batch, once.

    Raises:
        NotFoundError: no such batch.
        ConflictError: it is cancelled, the planner may not approve, a payee or what is owed changed since it was planned, or
            another approved batch pays the same money.
    """
    moment = now()
    return fact_log.write(studio, lambda conn: payout_book.approve(conn, batch_id, who(by), moment))


def cancel(studio: Studio, batch_id: str, by: str) -> BookedBatch:
    """Takes a batch back that is not being sent, once.

    Raises:
        NotFoundError: no such batch.
        ConflictError: sending was begun.
    """
    moment = now()
    return fact_log.write(studio, lambda conn: payout_book.cancel(conn, batch_id, who(by), moment))


def reconcile(studio: Studio, path: str | os.PathLike[str]) -> tuple[Outcome, ...]:
    """Reads a bank's file and posts what fits, once; all of it in one transaction.

    Raises:
        InputError: the file cannot be read, or is no camt.053 or pain.002.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"the file cannot be read ({error.strerror})", remedy="Check its name and permissions.", file=path
        ) from error
    lines = read_bank_file(data, file=path)
    moment = now()
    return fact_log.write(studio, lambda conn: reconcile_lines(conn, lines, moment))


def year_end(studio: Studio, year: str, rates: Rates | None = None) -> tuple[YearEnd, ...]:
    """What every payee was paid in a year, and on which form it is reported.

    Raises:
        InputError: the year is none.
    """
    if not re.fullmatch(r"[12][0-9]{3}", year):
        raise InputError(f"'{year[:20]}' is not a year", remedy="Write four digits, such as 2026.", field="year")
    with studio.store.reading() as conn:
        return sum_up(payout_book.batches(conn), year, rates or read_rates())


def status(studio: Studio, batch_id: str = "") -> Sequence[BookedBatch]:
    """One batch, or all of them by day.

    Raises:
        NotFoundError: no such batch.
    """
    with studio.store.reading() as conn:
        return [payout_book.find_batch(conn, batch_id)] if batch_id else payout_book.batches(conn)


def payees(studio: Studio) -> Sequence[PayeeProfile]:
    """The profiles in force, by party; they hold bank details and show them masked."""
    with studio.store.reading() as conn:
        return tuple(payee_book.latest_profiles(conn).values())


def latest_holds(studio: Studio) -> tuple[Hold, ...]:
    """What the last plan held back, with amounts and reasons; empty when nothing was planned."""
    with studio.store.reading() as conn:
        found = payout_book.plans(conn)
    return found[-1][1].holds if found else ()

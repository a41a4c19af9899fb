"""From what is owed to money that arrived: plan, approve, send, reconcile; each step safe to run again.

Nothing leaves the house before the database has promised it. `send` first records *sending*, with the digest of what will
be sent and where to, and books the money as on its way; then it writes the file or makes the requests; then it records
*sent*. Whatever dies in between is completed by running `send` again: the same bytes to the same place, the same
idempotency keys to the same server. Another place is refused, because that would be a second payment.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.canonical import sha256_bytes
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts.bank import BankDetail
from endcredits.payouts.batches import Terms
from endcredits.payouts.batches import plan as make_plan
from endcredits.payouts.payee_files import read_payees
from endcredits.payouts.payees import PayeeProfile
from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Plan
from endcredits.payouts.payout_book import BookedBatch
from endcredits.payouts.rails import FILE_RAILS, Order, RailFile, Rewritten
from endcredits.payouts.tax import Rates, read_rates
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


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending a batch did.

    Attributes:
        booked: the batch with its states.
        was_sent: whether it had been sent before this call, and nothing happened now.
        rewritten: texts that stand in the file otherwise than they were given.
    """

    booked: BookedBatch
    was_sent: bool
    rewritten: tuple[Rewritten, ...]


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
    threshold_micros: int = 0,
    without_form: bool = False,
    four_eyes: bool = False,
) -> tuple[Plan, bool]:
    """Plans the payment of everything that is owed, and records the plan.

    Args:
        on: day of execution, YYYY-MM-DD; tomorrow in UTC by default.
        by: who plans.
        threshold_micros: least payment of everybody.
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
    terms = Terms(day, payer, rates or read_rates(), threshold_micros, without_form)

    def work(conn: Connection) -> tuple[Plan, bool]:
        profiles = payee_book.latest_profiles(conn)
        planned = make_plan(payout_book.owed(conn), profiles, payout_book.sent_before(conn), terms)
        if day < moment[:10]:
            raise InputError(f"the day of execution, {day}, is over", remedy="Name today or a later day.", field="on")
        new = payout_book.save_plan(conn, planned, payer, moment, _name(by), four_eyes=four_eyes)
        return planned, new

    return studio.store.write(work)


def approve(studio: Studio, batch_id: str, by: str) -> BookedBatch:
    """Approves a batch, once.

    Raises:
        NotFoundError: no such batch.
        ConflictError: the planner may not approve, or a payee or what is owed changed since it was planned.
    """
    moment = now()
    return studio.store.write(lambda conn: payout_book.approve(conn, batch_id, _name(by), moment))


def send_file(studio: Studio, batch_id: str, out: str | os.PathLike[str], by: str, *, rail: str = "") -> Sent:
    """Sends a batch over a rail that makes a file. Running it again completes it and never sends it twice.

    Args:
        out: where the file goes, for the bank alone (it holds whole account numbers, and only its owner may read it).
        rail: the batch's own by default; another one is refused.

    Raises:
        NotFoundError: no such batch.
        InputError: the batch is for another rail, or a bank would refuse the file; nothing is booked then.
        ConflictError: not approved; changed since it was planned; being sent to another place; or a file of another
            content stands at `out`.
        MachineError: the file could not be written; run the same command again.
    """
    place = Path(os.path.abspath(out))
    with durable.locked(studio.path / "payouts", "the payouts", wait_seconds=30):
        booked, order = _order(studio, batch_id, rail)
        if booked.batch.rail not in FILE_RAILS:
            raise InputError(
                f"{batch_id} is for {booked.batch.rail}, which makes no file", remedy="Send it without --out.", field="rail"
            )
        if "sent" in booked.steps:
            _same_place(booked, str(place))
            return Sent(booked, True, ())
        made = FILE_RAILS[booked.batch.rail](order)
        if "sending" not in booked.steps and place.exists():
            raise ConflictError("a file stands there already", remedy="Choose a new name.", file=place, field="out")
        sha256 = sha256_bytes(made.data)
        moment, who = order.made_at, _name(by)
        studio.store.write(lambda conn: payout_book.begin_sending(conn, batch_id, who, moment, sha256, str(place)))
        _write_once(place, made)
        done = studio.store.write(lambda conn: payout_book.finish_sending(conn, batch_id, who, now()))
    return Sent(done, False, made.rewritten)


def _write_once(place: Path, made: RailFile) -> None:
    """Writes the file unless it stands there already, as after a write that was kept and reported lost."""
    if place.exists() and place.read_bytes() == made.data:
        return
    durable.write_atomic(place, made.data, private=True)


def _same_place(booked: BookedBatch, place: str) -> None:
    sent = booked.steps["sent"]
    if sent.place != place:
        raise ConflictError(
            f"{booked.batch.batch_id} was sent to {sent.place} at {sent.at}, and is not sent a second time",
            remedy="Hand that file to the bank, once.",
            field="out",
        )


def _order(studio: Studio, batch_id: str, rail: str) -> tuple[BookedBatch, Order]:
    """A batch with its bank details, as they were when sending was begun or as they are now."""
    with studio.store.reading() as conn:
        booked = payout_book.find_batch(conn, batch_id)
        banks = _banks(payee_book.profiles_by_id(conn, [p.profile_id for p in booked.batch.payments]), booked)
    if rail and rail != booked.batch.rail:
        raise InputError(
            f"{batch_id} is for {booked.batch.rail}, not for {rail}",
            remedy="Import the payees with another rail and plan again, or send it as it is.",
            field="rail",
        )
    begun = booked.steps.get("sending")
    return booked, Order(booked.batch, booked.payer, banks, begun.at if begun else now())


def _banks(profiles: Mapping[str, PayeeProfile], booked: BookedBatch) -> dict[str, BankDetail]:
    return {payment.payment_id: profiles[payment.profile_id].bank for payment in booked.batch.payments}


def status(studio: Studio, batch_id: str = "") -> Sequence[BookedBatch]:
    """One batch, or all of them by day.

    Raises:
        NotFoundError: no such batch.
    """
    with studio.store.reading() as conn:
        return [payout_book.find_batch(conn, batch_id)] if batch_id else payout_book.batches(conn)


def latest_plan(studio: Studio) -> Plan:
    """The plan that was recorded last.

    Raises:
        NotFoundError: nothing was planned yet.
    """
    with studio.store.reading() as conn:
        found = payout_book.plans(conn)
    if not found:
        raise NotFoundError("nothing is planned", remedy="Plan: endcredits payout plan.", field="plan")
    return found[-1][1]


def _name(by: str) -> str:
    """Who does something, as one visible line.

    Raises:
        InputError: empty, too long or with characters that cannot be seen.
    """
    if not by.strip() or len(by) > 200 or not by.isprintable():
        raise InputError("who does this has no usable name", remedy="Give --by with a name on one line.", field="by")
    return by

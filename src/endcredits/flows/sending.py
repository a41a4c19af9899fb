"""Sending a batch: over a bank's file or a server's requests, once, whatever dies on the way.

Nothing leaves the house before the database has promised it. First *sending* is recorded, with the digest of what will be
sent and where to, and the money is booked as on its way; then the file is written or the requests are made; then *sent* is
recorded. Whatever dies in between is completed by running the same command again: the same bytes to the same place, the
same idempotency keys to the same server. Another place is refused, because that would be a second payment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts.bank import BankDetail
from endcredits.payouts.payees import PayeeProfile
from endcredits.payouts.payout_states import BookedBatch
from endcredits.payouts.rails import FILE_RAILS, Order, RailFile, Rewritten
from endcredits.payouts.rails.http import Answer, Request, Server, deliver
from endcredits.payouts.rails.stripe_connect import requests


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending a batch did.

    Attributes:
        booked: the batch with its states.
        was_sent: whether it had been sent before this call, and nothing was booked or recorded now.
        rewritten: texts that stand in the file otherwise than they were given.
        restored: whether its file was missing and now stands there again, byte for byte.
    """

    booked: BookedBatch
    was_sent: bool
    rewritten: tuple[Rewritten, ...]
    restored: bool = False


def send_file(studio: Studio, batch_id: str, out: str | os.PathLike[str], by: str, *, rail: str = "") -> Sent:
    """Sends a batch over a rail that makes a file. Running it again completes it and never sends it twice.

    A batch that was sent and whose file is gone gets the same file again, at the same place: the digest recorded when
    sending began says that it is the same. Nothing is booked by that.

    Args:
        out: where the file goes, for the bank alone (it holds whole account numbers, and only its owner may read it).
        rail: the batch's own by default; another one is refused.

    Raises:
        NotFoundError: no such batch.
        InputError: the batch is for another rail, or a bank would refuse the file; nothing is booked then.
        ConflictError: not approved; changed since it was planned; being sent to another place; a file of another
            content stands at `out`; or a lost file cannot be made again as it was.
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
            return _restored(booked, order, place)
        made = FILE_RAILS[booked.batch.rail](order)
        if "sending" not in booked.steps and place.exists():
            raise ConflictError("a file stands there already", remedy="Choose a new name.", file=place, field="out")
        sha256 = sha256_bytes(made.data)
        moment, sender = order.made_at, who(by)
        fact_log.write(studio, lambda conn: payout_book.begin_sending(conn, batch_id, sender, moment, sha256, str(place)))
        _write_once(place, made)
        done = fact_log.write(studio, lambda conn: payout_book.finish_sending(conn, batch_id, sender, now()))
    return Sent(done, False, made.rewritten)


def send_requests(studio: Studio, batch_id: str, server: Server, by: str, *, rail: str = "") -> Sent:
    """Sends a batch over a rail that is asked over HTTP. Running it again completes it and pays nobody twice.

    Payments that the server has already, from an earlier attempt, are asked for and not requested again. A payment that the
    server refuses is returned: owed again, its bank detail on hold.

    Raises:
        NotFoundError: no such batch.
        InputError: the batch is for a rail that makes a file, or holds what the server has no unit for; nothing is booked.
        ConflictError: not approved, or changed since it was planned.
        MachineError: the server did not answer for some payments, or refused us; run the same command again.
    """
    with durable.locked(studio.path / "payouts", "the payouts", wait_seconds=30):
        booked, order = _order(studio, batch_id, rail)
        if booked.batch.rail != "stripe":
            raise InputError(
                f"{batch_id} is for {booked.batch.rail}, which makes a file", remedy="Name the file: --out.", field="out"
            )
        if "sent" in booked.steps:
            return Sent(booked, True, ())
        asked = requests(order)
        sha256, moment, sender = digest(asked), order.made_at, who(by)
        resumed = "sending" in booked.steps
        booked = fact_log.write(
            studio, lambda conn: payout_book.begin_sending(conn, batch_id, sender, moment, sha256, "stripe")
        )
        known = server.known(batch_id) if resumed else {}
        stopped = _deliver_all(studio, booked, asked, server, known)
        if stopped:
            raise MachineError(
                f"{len(stopped)} of {len(asked)} payments have no answer ({next(iter(stopped.values()))})",
                remedy="They count as on their way. Run the same command again: nobody is paid twice.",
            )
        done = fact_log.write(studio, lambda conn: payout_book.finish_sending(conn, batch_id, sender, now()))
    return Sent(done, False, ())


def _deliver_all(
    studio: Studio, booked: BookedBatch, asked: Sequence[Request], server: Server, known: Mapping[str, str]
) -> dict[str, str]:
    """Makes the requests that have no answer yet, recording each answer at once; returns those left unknown, with why."""
    answered = ("accepted", "confirmed", "returned")
    waiting = [request for request in asked if booked.fate(request.payment_id) not in answered]
    unknown: dict[str, str] = {}
    for number, request in enumerate(waiting):
        reference = known.get(request.payment_id)
        answer = Answer("accepted", reference) if reference else deliver(server, request)
        if answer.kind in ("accepted", "refused"):
            _record(studio, booked, request.payment_id, answer)
        elif answer.kind == "again":
            unknown[request.payment_id] = answer.reason
        else:
            # The server refuses us, not a payee: it would say the same to all that follow.
            return unknown | {later.payment_id: answer.reason for later in waiting[number:]}
    return unknown


def _record(studio: Studio, booked: BookedBatch, payment_id: str, answer: Answer) -> None:
    """Records an answer, in a transaction of its own: what the server did is never taken back with what follows."""
    payment = next(payment for payment in booked.batch.payments if payment.payment_id == payment_id)
    moment = now()

    def work(conn: Connection) -> None:
        if answer.kind == "accepted":
            # A transfer leaves the balance at once; no bank statement speaks of it later.
            payout_book.accept(conn, payment_id, answer.reference, moment)
            payout_book.confirm(conn, booked, payment, moment[:10], answer.reference, moment)
        else:
            payout_book.return_payment(conn, booked, payment, moment[:10], answer.reason, moment)

    fact_log.write(studio, work)


def _write_once(place: Path, made: RailFile) -> None:
    """Writes the file unless it stands there already, as after a write that was kept and reported lost."""
    if place.exists() and place.read_bytes() == made.data:
        return
    durable.write_atomic(place, made.data, private=True)


def _restored(booked: BookedBatch, order: Order, place: Path) -> Sent:
    """A batch that was sent, after its file, if it is gone, was written again."""
    if place.exists():
        return Sent(booked, True, ())
    made = FILE_RAILS[booked.batch.rail](order)
    if sha256_bytes(made.data) != booked.steps["sent"].sha256:
        raise ConflictError(
            f"the file of {booked.batch.batch_id} is gone, and what would be written now is not what was sent",
            remedy="Use the version of endcredits that sent it, or restore the file from your last copy.",
            file=place,
            field="out",
        )
    _write_once(place, made)
    return Sent(booked, True, made.rewritten, restored=True)


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
    if begun is None and booked.batch.on < now()[:10]:
        raise InputError(
            f"the day of execution, {booked.batch.on}, is over",
            remedy="Nothing was sent. Plan again: endcredits payout plan.",
            field="batch",
        )
    return booked, Order(booked.batch, booked.payer, banks, begun.at if begun else now())


def _banks(profiles: Mapping[str, PayeeProfile], booked: BookedBatch) -> dict[str, BankDetail]:
    return {payment.payment_id: profiles[payment.profile_id].bank for payment in booked.batch.payments}


def who(by: str) -> str:
    """Who does something, as one visible line.

    Raises:
        InputError: without a letter or a digit, too long, or with characters that cannot be seen.
    """
    if not any(letter.isalnum() for letter in by) or len(by) > 200 or not by.isprintable():
        raise InputError("who does this has no usable name", remedy="Give --by with a name on one line.", field="by")
    return by

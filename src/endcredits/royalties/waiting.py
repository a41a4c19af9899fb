"""What keeps a report from being taken although its row is sound: what it names is not there yet, or contradicts it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import EndcreditsError, InputError
from endcredits.ids import WorkId
from endcredits.money import format_micros
from endcredits.royalties import held
from endcredits.royalties.forms import Read
from endcredits.royalties.records import Refund, UsageEvent
from endcredits.royalties.tables import refunds, revenues, usage_events
from endcredits.store import many

Known = Callable[[Sequence[Any]], Collection[Any]]
"""Which of some outputs are attributed, or which of some works are registered."""
Problems = list[tuple[Read[Any], str, EndcreditsError]]
"""Rows with the reason to hold them and what is wrong."""


def waiting_events(reads: list[Read[UsageEvent]], outputs_known: Known, works_known: Known) -> Problems:
    """Events that name an output or a work that is not known yet."""
    events = [(read, read.record) for read in reads if read.record is not None]
    outputs = set(outputs_known(sorted({event.output_id for _, event in events})))
    declared = sorted({work for _, event in events for work in event.declared})
    works = set(works_known(declared)) if declared else set()
    found: Problems = []
    for read, event in events:
        missing = next((work for work in event.declared if work not in works), None)
        if event.output_id not in outputs:
            found.append((read, held.UNKNOWN_OUTPUT, _unknown_output(event)))
        elif missing is not None:
            found.append((read, held.UNKNOWN_WORK, _unknown_work(event, missing)))
    return found


def _unknown_output(event: UsageEvent) -> InputError:
    return InputError(
        f"the usage event '{event.event_id}' names the output '{event.output_id}', which was never attributed",
        remedy="Attribute the output (endcredits attribute); the event is held and taken then.",
        field="output_id",
    )


def _unknown_work(event: UsageEvent, work: WorkId) -> InputError:
    return InputError(
        f"the usage event '{event.event_id}' declares the work '{work}', which is not registered",
        remedy="Register the work; the event is held and taken then.",
        field="declared",
    )


def refund_problems(conn: Connection, reads: list[Read[Refund]]) -> Problems:
    """Refunds of unknown sales, in another currency, dated before the sale, or of more than is left of what was earned."""
    things = sorted({read.record.of_id for read in reads if read.record})
    earned: dict[str, tuple[str, int, str]] = {}
    for key, gross, when, table in (
        ("event_id", "revenue_micros", "used_at", usage_events),
        ("revenue_id", "gross_micros", "earned_on", revenues),
    ):
        for row in many(conn, sa.select(table).where(table.c[key].in_(things))):
            earned[row[key]] = (row["currency"], row[gross], row[when][:10])
    query = sa.select(refunds.c.of_id, refunds.c.refund_micros).where(refunds.c.of_id.in_(things))
    back: dict[str, int] = dict.fromkeys(things, 0)
    for of_id, micros in conn.execute(query):
        back[of_id] += micros
    found: Problems = []
    for read in reads:
        assert read.record is not None
        one = read.record
        currency, gross_micros, day = earned.get(one.of_id, ("", 0, ""))
        if not currency:
            found.append((read, held.UNKNOWN_SALE, _unknown_sale(one)))
        elif currency != one.currency:
            found.append((read, held.UNREADABLE, _other_currency(one, currency)))
        elif one.refunded_at[:10] < day:
            found.append((read, held.UNREADABLE, _too_early(one, day)))
        elif back[one.of_id] + one.refund_micros > gross_micros:
            found.append((read, held.UNREADABLE, _too_much(one, back[one.of_id], gross_micros)))
        else:
            back[one.of_id] += one.refund_micros
    return found


def _unknown_sale(refund: Refund) -> InputError:
    return InputError(
        f"the refund '{refund.refund_id}' gives back '{refund.of_id}', which is no recorded event or revenue",
        remedy="Hand in what it gives back; the refund is held and taken then.",
        field="of_id",
    )


def _other_currency(refund: Refund, currency: str) -> InputError:
    return InputError(
        f"the refund '{refund.refund_id}' is in {refund.currency}, and '{refund.of_id}' was earned in {currency}",
        remedy=f"Give the amount in {currency}.",
        field="currency",
    )


def _too_early(refund: Refund, day: str) -> InputError:
    return InputError(
        f"the refund '{refund.refund_id}' is of {refund.refunded_at[:10]}, before '{refund.of_id}' was earned ({day})",
        remedy="Check both days; money is given back on the day that it was earned or later.",
        field="refunded_at",
    )


def _too_much(refund: Refund, back: int, gross: int) -> InputError:
    return InputError(
        f"the refund '{refund.refund_id}' of {_main(refund, refund.refund_micros)} and {_main(refund, back)} given back "
        f"before are more than the {_main(refund, gross)} that '{refund.of_id}' earned",
        remedy="Check the amounts; more than was earned cannot be given back.",
        field="refund_micros",
    )


def _main(refund: Refund, micros: int) -> str:
    return format_micros(micros, refund.currency)

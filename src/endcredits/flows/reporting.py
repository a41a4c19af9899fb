"""What an operator reports comes in: usage, revenue, refunds, rates; and rows that wait to be mended are looked after.

Each hand-in is one transaction: all of a file or none of it, or with `hold` the good rows, the others set aside and named.
The same file again changes nothing. Files are read anew for every attempt of a transaction, since a busy database asks for
another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.attribution import attributed
from endcredits.errors import InputError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import OutputId
from endcredits.royalties import held as holding
from endcredits.royalties import rates, recording, refunds, revenue, usage
from endcredits.royalties.cells import texts_of
from endcredits.royalties.forms import Read, handed_in
from endcredits.royalties.held import Held
from endcredits.royalties.recorded import SHELVES
from endcredits.royalties.recording import Added
from endcredits.royalties.records import Rate, Refund, Revenue, UsageEvent
from endcredits.works import known_works

Report = UsageEvent | Revenue | Refund | Rate
READERS: dict[str, Callable[..., Iterable[Read[Any]]]] = {
    "events": usage.usage_rows,
    "revenue": revenue.revenue_rows,
    "refunds": refunds.refund_rows,
    "rates": rates.rate_rows,
}
"""How a file of each kind is read."""


def report_file(studio: Studio, kind: str, path: str | os.PathLike[str], *, hold: bool = False) -> Added:
    """Records a file of reports.

    Args:
        studio: whose.
        kind: one of `READERS`.
        path: CSV, JSON Lines or Parquet.
        hold: whether good rows are taken where others are bad; the bad ones are held.

    Raises:
        InputError: the file or, without `hold`, a row cannot be used.
        ConflictError: an id is taken by other content.
    """
    if kind not in READERS:
        raise InputError(f"'{kind}' is no kind of report", remedy=f"Use one of: {', '.join(READERS)}.", field="kind")
    at = now()
    return fact_log.write(studio, lambda conn: _record(conn, kind, READERS[kind](path, now=at), at, hold))


KIND_OF: dict[type, str] = {UsageEvent: "events", Revenue: "revenue", Refund: "refunds", Rate: "rates"}


def report(studio: Studio, records: Sequence[Report], *, hold: bool = False) -> Added:
    """Records reports that a program made, all of one kind; see `report_file`.

    Raises:
        InputError: a record is no report, or they are of several kinds.
        ConflictError: an id is taken by other content.
    """
    at = now()
    kinds = {KIND_OF.get(type(record), "") for record in records} or {"events"}
    if "" in kinds:
        names = ", ".join(one.__name__ for one in KIND_OF)
        raise InputError("what is handed in is no report", remedy=f"Make records of: {names}.", field="records")
    if len(kinds) > 1:
        raise InputError("reports of several kinds are handed in together", remedy="Hand in each kind for itself.")
    (kind,) = kinds
    return fact_log.write(studio, lambda conn: _record(conn, kind, handed_in(records), at, hold))


def _record(conn: Connection, kind: str, rows: Iterable[Read[Any]], at: str, hold: bool) -> Added:
    if kind == "events":
        return recording.record_events(conn, rows, at=at, outputs_known=_outputs(conn), works_known=_works(conn), hold=hold)
    others: dict[str, Callable[..., Added]] = {
        "revenue": recording.record_revenue,
        "refunds": recording.record_refunds,
        "rates": recording.record_rates,
    }
    return others[kind](conn, rows, at=at, hold=hold)


def _outputs(conn: Connection) -> Callable[[Sequence[Any]], Collection[Any]]:
    return lambda ids: attributed(conn, ids)


def _works(conn: Connection) -> Callable[[Sequence[Any]], Collection[Any]]:
    return lambda ids: known_works(conn, ids)


def held_rows(studio: Studio, kind: str = "") -> tuple[Held, ...]:
    """The rows that are held, of one kind or of all."""
    with studio.store.reading() as conn:
        return holding.held(conn, kind)


def retry_held(studio: Studio) -> dict[str, Added]:
    """Tries the held rows again that only wait for something: an output, a work, a sale, a day. Returns by kind."""
    at = now()
    return fact_log.write(
        studio, lambda conn: recording.take_held(conn, at=at, outputs_known=_outputs(conn), works_known=_works(conn))
    )


def outputs_arrived(studio: Studio, output_ids: Collection[OutputId]) -> dict[str, Added]:
    """Takes the usage that waited for outputs which are attributed now, and what was given back of it.

    Called after every attribution; where nothing waits for the outputs, nothing is written, and rows that wait for something
    else are not tried. An attribution that is killed before it asks is asked for again by its caller, and asks then.
    """
    waiting = [row for row in held_rows(studio, "events") if row.cells.get("output_id") in output_ids]
    events = [row for row in waiting if row.reason == holding.UNKNOWN_OUTPUT]
    if not events:
        return {}
    at, sales = now(), {row.record_id for row in events}

    def work(conn: Connection) -> dict[str, Added]:
        taken = _record(conn, "events", map(_again, events), at, True)
        back = [row for row in holding.held(conn, "refunds") if row.reason == holding.UNKNOWN_SALE]
        of_them = [row for row in back if row.cells.get("of_id") in sales]
        return {"events": taken, "refunds": _record(conn, "refunds", map(_again, of_them), at, True)}

    return fact_log.write(studio, work)


def _again(row: Held) -> Read[Any]:
    """A held row as it is handed in again; it names its hold, which ends when it is taken."""
    form = SHELVES[row.kind].form
    record = form.make(texts_of(row.cells, form.known, form.numbers, form.lists), "")
    return Read(row.row, record, None, {**row.cells, "held_id": row.held_id}, row.file)


def drop_held(studio: Studio, held_id: str, reason: str) -> None:
    """Ends a hold for good, with a reason that stays on record.

    Args:
        held_id: the whole id, or so much of its beginning that no other held row has it, such as the 16 characters listed.
        reason: why the row is not taken.

    Raises:
        InputError: no reason, or the beginning is too short or that of several rows.
        NotFoundError: nothing is held under this id.
        ConflictError: the hold was ended otherwise.
    """
    at = now()
    studio.store.write(lambda conn: holding.drop_held(conn, holding.find_held(conn, held_id), reason, at))


def export_held(studio: Studio, kind: str, path: str | os.PathLike[str]) -> int:
    """Writes the held rows of a kind to a file, to be mended and handed in again. Returns how many."""
    return holding.export_held(held_rows(studio, kind), path)

"""The service's own report of its usage against what the operator handed in: uses that never arrived, or were changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from endcredits.errors import EndcreditsError, InputError
from endcredits.flows import pack_files
from endcredits.flows.clock import now
from endcredits.flows.pack_reports import read_reports
from endcredits.money import format_micros
from endcredits.royalties.recorded import event_of, event_row
from endcredits.royalties.records import PeriodClose, UsageEvent
from endcredits.royalties.usage import usage_rows
from endcredits.store import Finding

NAMED_MAX = 10


class GivenError(InputError):
    """What the auditor gave cannot be used: no finding about the operator."""


def compare_usage(folder: Path, report: Path, close: PeriodClose) -> Iterator[Finding]:
    """Holds the uses of the period's days that a service reports against those handed in.

    Args:
        folder: the pack.
        report: a file of usage as for `endcredits usage add`, made by the service and not by the operator.
        close: the period.

    Raises:
        GivenError: the file cannot be read.
    """
    reported = (one for one in _service(report) if close.starts_on <= one.used_at[:10] <= close.ends_on)
    theirs = {one.event_id: one for one in reported}
    ours = {}
    for _, _, row in read_reports(folder / pack_files.REPORTS, "events"):
        if row is not None:
            event = event_of({**row, "digest": ""})
            if close.starts_on <= event.used_at[:10] <= close.ends_on:
                ours[event.event_id] = event
    missing = [one for name, one in theirs.items() if name not in ours]
    strange = [one for name, one in ours.items() if name not in theirs]
    yield from _told(missing, "the service reports it, and it was never handed in: dropped before it was counted")
    if missing:
        portion = f"{len(missing)} of {len(theirs)} uses that the service reports ({100 * len(missing) / len(theirs):.1f} %)"
        yield Finding("usage", f"{portion} are missing")
    yield from _told(strange, "it was handed in, and the service does not report it")
    for name, event in theirs.items():
        if name in ours and ours[name] != event:
            stated, found = event_row(event), event_row(ours[name])
            unlike = [key for key in stated if stated[key] != found[key]]
            told = ", ".join(f"{key} {stated[key]} (handed in: {found[key]})" for key in unlike)
            yield Finding(f"use {name}", f"the service reports {told}")


def _service(report: Path) -> Iterator[UsageEvent]:
    try:
        for read in usage_rows(report, now=now()):
            if read.problem is not None:
                raise read.problem
            assert read.record is not None
            yield read.record
    except EndcreditsError as error:
        raise GivenError(error.message, remedy=error.remedy, file=report, row=error.row, field="--usage") from error


def _told(events: list[UsageEvent], problem: str) -> Iterator[Finding]:
    for event in events[:NAMED_MAX]:
        money = format_micros(event.revenue_micros, event.currency)
        yield Finding(f"use {event.event_id} of {event.used_at[:10]}, {money}", problem)
    if len(events) > NAMED_MAX:
        yield Finding("usage", f"and {len(events) - NAMED_MAX} more: {problem}")

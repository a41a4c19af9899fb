"""`endcredits usage`: what outputs earned, what was earned otherwise, what was given back, and currency rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.royalties import Added

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A .csv, .jsonl or .parquet file.")]
HoldOption = Annotated[bool, typer.Option("--hold", help="Take the good rows and hold the others, to be mended.")]
KINDS = ("events", "revenue", "refunds", "rates")


def add(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .csv, .jsonl or .parquet file; or use the options.")] = "",
    output: Annotated[str, typer.Option(help="Output id of a single event.")] = "",
    revenue: Annotated[str, typer.Option(help="What it earned, such as 0.25.")] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "",
    at: Annotated[str, typer.Option(help="UTC time of use; now by default. Repeat it to record the same use again.")] = "",
    event: Annotated[
        str, typer.Option(help="Your own id of the event; an id counts once, with one content and one time (--at).")
    ] = "",
    service: Annotated[str, typer.Option(help="Product or channel.")] = "default",
    territory: Annotated[str, typer.Option(help="WORLD or a two-letter country code.")] = "WORLD",
    hold: HoldOption = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record usage events: all of a file, or none when a row is wrong. Events of outputs not yet attributed are held.

    Columns: event_id, output_id, used_at, revenue (or revenue_micros), currency; and if you like service, territory, offer,
    payer, uses, use, tax, declared.

    Example: endcredits usage add november.csv
    """
    from endcredits.errors import InputError
    from endcredits.flows import reporting
    from endcredits.flows.clock import now
    from endcredits.money import parse_micros
    from endcredits.royalties import make_event

    if bool(file) == bool(output):
        raise InputError("usage needs a source", remedy="Give a file, or --output with its options.", field="FILE")
    if file:
        with opened(studio) as place:
            _print(reporting.report_file(place, "events", file, hold=hold), "usage event", as_json)
        return
    for name, value in (("--revenue", revenue), ("--currency", currency), ("--event", event)):
        if not value:
            raise InputError("a single event needs this option", remedy="Give it.", field=name)
    micros = parse_micros(revenue, field="--revenue")
    made = make_event(event, output, at or now(), micros, currency, service, territory, now=now())
    with opened(studio) as place:
        _print(reporting.report(place, [made], hold=hold), "usage event", as_json)


def revenue(file: FileArgument, hold: HoldOption = False, studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Record revenue that many uses earned together: subscriptions, advertisements, licences.

    Columns: revenue_id, earned_on, gross, tax, currency; and if you like service, territory, offer, payer.

    Example: endcredits usage revenue subscriptions.csv
    """
    _report("revenue", file, "row of revenue", hold, studio, as_json, "rows of revenue")


def refund(file: FileArgument, hold: HoldOption = False, studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Record money that was given back. Of a closed period it is taken off in the next.

    Columns: refund_id, of_id (of the event or revenue), refunded_at, refund, currency.

    Example: endcredits usage refund refunds.csv
    """
    _report("refunds", file, "refund", hold, studio, as_json)


def rates(file: FileArgument, hold: HoldOption = False, studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Record currency rates, kept exactly, with their day and source.

    Columns: currency, into, rate (0.9213 or 9213/10000), on, source.

    Example: endcredits usage rates ecb.csv
    """
    _report("rates", file, "rate", hold, studio, as_json)


def _report(kind: str, file: str, one: str, hold: bool, studio: str, as_json: bool, many: str = "") -> None:
    from endcredits.flows import reporting

    with opened(studio) as place:
        _print(reporting.report_file(place, kind, file, hold=hold), one, as_json, many)


def _print(done: Added, one: str, as_json: bool, many: str = "") -> None:
    if as_json:
        print_json({"new": done.new, "already_there": done.already_there, "held": done.held})
        return
    say(
        f"Recorded {counted(done.new, one, many)}; {counted(done.already_there, 'was', 'were')} there already; "
        f"{counted(done.held, 'is', 'are')} held."
    )
    if done.held:
        say("See what is held and why: endcredits usage held")


def held(
    kind: Annotated[str, typer.Option(help="events, revenue, refunds or rates; all by default.")] = "",
    out: Annotated[str, typer.Option(help="Write the rows of a kind to this file, to be mended and added again.")] = "",
    retry: Annotated[bool, typer.Option("--retry", help="Try the rows again that only wait for something.")] = False,
    drop: Annotated[str, typer.Option(help="End the hold of the row with this id, for good; needs --reason.")] = "",
    reason: Annotated[str, typer.Option(help="Why a row is dropped.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """List reported rows that could not be taken, each with its reason and remedy; nothing of them is lost.

    Example: endcredits usage held --kind events --out to-mend.jsonl
    """
    from endcredits.canonical import to_plain
    from endcredits.errors import InputError
    from endcredits.flows import reporting

    if kind and kind not in KINDS:
        raise InputError(f"'{kind}' is no kind of report", remedy=f"Use one of: {', '.join(KINDS)}.", field="--kind")
    if out and not kind:
        raise InputError("rows of several kinds do not fit one file", remedy="Name a --kind.", field="--out")
    with opened(studio) as place:
        if drop:
            reporting.drop_held(place, drop, reason)
        taken = {name: done.new for name, done in reporting.retry_held(place).items()} if retry else {}
        written = reporting.export_held(place, kind, out) if out else 0
        found = reporting.held_rows(place, kind)
    if as_json:
        print_json({"held": to_plain(found), "taken": taken, "written": written})
        return
    for row in found:
        where = f"{row.file} row {row.row}" if row.file else "handed in by a program"
        say(f"{row.held_id[:16]}  {row.kind:<8} {row.record_id or '?'}  {where}, {row.field}: {row.problem}. {row.remedy}")
    say(
        f"{counted(len(found), 'row is', 'rows are')} held; {counted(sum(taken.values()), 'was', 'were')} taken now; "
        f"{counted(written, 'was', 'were')} written."
    )

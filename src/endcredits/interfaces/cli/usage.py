"""`endcredits usage`: what outputs earned."""

from __future__ import annotations

from typing import Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, say


def add(
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSONL or CSV of usage events; or use the options.")] = "",
    output: Annotated[str, typer.Option(help="Output id of a single event.")] = "",
    revenue: Annotated[str, typer.Option(help="What it earned, such as 0.25.")] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "",
    at: Annotated[str, typer.Option(help="UTC time of use; now by default. Repeat it to record the same use again.")] = "",
    event: Annotated[
        str, typer.Option(help="Your own id of the event; an id counts once, with one content and one time (--at).")
    ] = "",
    service: Annotated[str, typer.Option(help="Product or channel.")] = "default",
    territory: Annotated[str, typer.Option(help="WORLD or a two-letter country code.")] = "WORLD",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record usage events of attributed outputs: all of a file, or none when a row is wrong.

    Columns: event_id, output_id, used_at, revenue (or revenue_micros), currency, service, territory.

    Example: endcredits usage add november.csv
    """
    from endcredits.errors import EndcreditsError, InputError
    from endcredits.flows.clock import now
    from endcredits.flows.periods import record_usage
    from endcredits.money import parse_micros
    from endcredits.royalties import make_event, read_usage

    if bool(file) == bool(output):
        raise InputError("usage needs a source", remedy="Give a file, or --output with its options.", field="FILE")
    if file:
        events = list(read_usage(file))
    else:
        for name, value in (("--revenue", revenue), ("--currency", currency), ("--event", event)):
            if not value:
                raise InputError("a single event needs this option", remedy="Give it.", field=name)
        micros = parse_micros(revenue, field="--revenue")
        events = [make_event(event, output, at or now(), micros, currency, service, territory)]
    with opened(studio) as place:
        try:
            done = record_usage(place, events)
        except EndcreditsError as error:
            if error.file is not None or not file:
                raise
            # The event is named in the message; this says where it was read.
            raise type(error)(error.message, remedy=error.remedy, file=file, field=error.field) from error
    if as_json:
        print_json({"new": done.new, "already_there": done.already_there})
    else:
        say(f"Recorded {done.new} usage events; {done.already_there} were there already.")

"""`endcredits period` and `endcredits statement`: close a period and read what everybody earned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.flows.periods import ClosedPeriod
    from endcredits.payouts import Statement


def close(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A month (2026-11), or any name with --from and --to.")],
    policy: Annotated[str, typer.Option(help="Policy file (TOML); fifty-fifty by default.")] = "",
    starts_on: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")] = "",
    ends_on: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Close a period: usage and credits become exact money, a journal entry, statements and a receipt. Once.

    Example: endcredits period close 2026-10 --policy fifty-fifty.toml
    """
    from endcredits.flows import periods
    from endcredits.royalties import read_policy

    chosen = read_policy(policy) if policy else None
    with opened(studio) as place:
        closed = periods.close(place, period, starts_on=starts_on, ends_on=ends_on, policy=chosen)
    _print(closed, as_json)


def show(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed period.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show a closed period, and write its files again if some are missing.

    Example: endcredits period show 2026-10 --json
    """
    from endcredits.flows import periods

    with opened(studio) as place:
        closed = periods.find_period(place, period)
    _print(closed, as_json)


def _print(closed: ClosedPeriod, as_json: bool) -> None:
    from endcredits.canonical import to_plain
    from endcredits.money import format_micros

    if as_json:
        document: dict[str, Any] = to_plain(closed.close)
        document.update(
            close_digest=closed.close_digest,
            entry_id=closed.entry_id,
            statements=len(closed.statements),
            receipt=closed.receipt.receipt_id,
            folder=str(closed.folder),
            was_closed=closed.was_closed,
        )
        print_json(document)
        return
    state = "was closed before; nothing changed" if closed.was_closed else "is closed"
    say(f"The period {closed.close.period_id} ({closed.close.starts_on} to {closed.close.ends_on}) {state}.")
    for pool in closed.close.pools:
        rows = [
            ("revenue", pool.revenue_micros, f"{pool.events} usage events"),
            ("operator", pool.operator_micros, ""),
            ("pool", pool.pool_micros, f"policy {closed.close.policy.name}"),
            ("  allocated", pool.allocated_micros, f"{sum(w.amount_micros > 0 for w in pool.works)} works"),
            ("  in suspense", pool.suspense_micros, "of the allocated; payees unknown"),
            ("  commons", pool.commons_micros, "what no work can be credited for"),
            ("  carry", pool.rounding_carry_micros, "pool - allocated - commons"),
        ]
        for name, micros, note in rows:
            say(f"  {name:<14}{format_micros(micros, pool.currency):>22}  {note}")
    say(f"{len(closed.statements)} statements in {closed.folder}; receipt {closed.receipt.receipt_id}.")


def statement(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed period.")],
    payee: Annotated[str, typer.Option(help="Name or party id; all payees by default.")] = "",
    form: Annotated[str, typer.Option("--form", help="md or html; without it and without a payee, a table of all.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Print statements of a closed period: who earned what, and why, line by line.

    Example: endcredits statement 2026-10 --payee "Jane Austen"
    """
    from endcredits.canonical import to_plain
    from endcredits.errors import InputError, NotFoundError
    from endcredits.flows import periods
    from endcredits.payouts import statement_html, statement_markdown

    if form not in ("", "md", "html"):
        raise InputError(f"'{form}' is not a form of a statement", remedy="Write md or html.", field="--form")
    with opened(studio) as place:
        closed = periods.find_period(place, period)
    found = [s for s in closed.statements if not payee or payee in (s.payee, s.party_id)]
    if payee and not found:
        raise NotFoundError(
            f"'{payee}' has no statement in the period '{period}'", remedy="See all: endcredits statement.", field="--payee"
        )
    if as_json:
        print_json([to_plain(s) for s in found])
    elif payee or form:
        render = statement_html if form == "html" else statement_markdown
        for one in found:
            say(render(one))
    else:
        _table(found)
        say(f"The statements themselves are in {closed.folder}.")


def _table(found: list[Statement]) -> None:
    from endcredits.money import format_micros

    say(f"{'earned':>22}  {'payable':>22}  payee")
    for one in sorted(found, key=lambda s: (s.currency, -s.earned_micros, s.payee)):
        earned, payable = (format_micros(m, one.currency) for m in (one.earned_micros, one.payable_micros))
        say(f"{earned:>22}  {payable:>22}  {one.payee}")

"""`endcredits period`: propose, approve and close a period, and look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, progress_bars, say
from endcredits.interfaces.cli.policy import chosen_policy

if TYPE_CHECKING:
    from pathlib import Path

    from endcredits.flows.periods import ClosedPeriod
    from endcredits.royalties import PeriodClose
    from endcredits.royalties.left_out import LeftOut

PeriodArgument = Annotated[
    str, typer.Argument(metavar="PERIOD", help="A month (2026-11), or any name with --from and --to.")
]
PolicyOption = Annotated[str, typer.Option(help="Policy file (TOML) or shipped name; fifty-fifty by default.")]
FromOption = Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")]
ToOption = Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")]
ByOption = Annotated[str, typer.Option(help="Who does it, as you name people.")]


def close(
    period: PeriodArgument,
    policy: PolicyOption = "",
    starts_on: FromOption = "",
    ends_on: ToOption = "",
    by: ByOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute and show it; record and post nothing.")] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Close a period: usage and credits become exact money, journal entries, statements and a receipt. Once.

    Example: endcredits period close 2026-10 --policy pro-rata
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import closing, freezing, periods
    from endcredits.royalties.left_out import left_out

    chosen = chosen_policy(policy)
    with opened(studio) as place, progress_bars() as progress:
        if not dry_run:
            done = periods.close(
                place,
                period,
                starts_on=starts_on,
                ends_on=ends_on,
                policy=chosen,
                by=by,
                progress=progress,
            )
        else:
            found, taken = closing.previewed(
                place,
                period,
                lambda close, folder: (close, left_out(folder)),
                starts_on=starts_on,
                ends_on=ends_on,
                policy=chosen,
            )
        warnings = freezing.unknown_parties(place, found.policy if dry_run else done.close.policy)
    if not dry_run:
        _print_closed(done, as_json, warnings)
    elif as_json:
        told = {"dry_run": True, "warnings": list(warnings), "left_out": to_plain(taken)}
        print_json(_document(found) | told)
    else:
        _print(found, "would close so; nothing was recorded", taken)
        _print_warnings(warnings)


def propose(
    period: PeriodArgument,
    policy: PolicyOption = "",
    starts_on: FromOption = "",
    ends_on: ToOption = "",
    by: ByOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Propose a close: fix days, policy and cut-off, freeze what it follows from, and compute it. Nothing is posted.

    Example: endcredits period propose 2026-10 --policy policy.toml --by ada
    """
    from endcredits.flows import closing, freezing
    from endcredits.flows.clock import now
    from endcredits.royalties.left_out import left_out

    chosen, begun = chosen_policy(policy), now()
    with opened(studio) as place, progress_bars() as progress:
        found = closing.propose(
            place,
            period,
            starts_on=starts_on,
            ends_on=ends_on,
            policy=chosen,
            by=by,
            progress=progress,
        )
        warnings = freezing.unknown_parties(place, found.close.policy)
    if as_json:
        told = {"proposed_at": found.proposed_at, "proposed_by": found.proposed_by, "warnings": list(warnings)}
        print_json(_document(found.close) | _place(found.close_digest, found.folder) | told)
        return
    _print(found.close, f"is proposed by {found.proposed_by or 'nobody named'}", left_out(found.folder))
    _print_warnings(warnings)
    if found.proposed_at < begun:
        say(f"It was proposed before, at {found.proposed_at}; what was reported or disputed since is not in it.")
        say(f"To take it back and propose anew: endcredits period withdraw {period} --reason WHY")
    say(f"Its digest is {found.close_digest}; what it follows from is frozen in {found.folder}.")
    say(f"Next: endcredits period approve {period} --by NAME")


def approve(
    period: PeriodArgument,
    by: ByOption = "",
    expect: Annotated[str, typer.Option(help="Approve this digest only, and refuse any other close.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Approve a proposed close: settle contracts, post entries, keep statements, issue the receipt. Once.

    Example: endcredits period approve 2026-10 --by bob
    """
    from endcredits.flows import freezing, periods

    with opened(studio) as place:
        done = periods.approve(place, period, by=by, expected_digest=expect)
        warnings = freezing.unknown_parties(place, done.close.policy)
    _print_closed(done, as_json, warnings)


def withdraw(
    period: PeriodArgument,
    reason: Annotated[str, typer.Option(help="Why; it stays on record.")],
    by: ByOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Take back a proposed close that is not posted, so that another can be proposed.

    Example: endcredits period withdraw 2026-10 --reason "wrong policy" --by ada
    """
    from endcredits.flows import closing

    with opened(studio) as place:
        step = closing.withdraw(place, period, by=by, reason=reason)
    if as_json:
        print_json({"period": period, "step": step.number, "withdrawn": True})
    else:
        say(f"The proposed close of {period} is withdrawn (step {step.number}); its folder and steps stay.")


def steps(period: PeriodArgument, studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Show who did what and when for the close of a period.

    Example: endcredits period steps 2026-10
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import closing

    with opened(studio) as place:
        found = closing.steps(place, period)
    if as_json:
        print_json(to_plain(found))
        return
    for step in found:
        told = ", ".join(f"{name.replace('_', ' ')} {_told(value)}" for name, value in sorted(step.facts.items()))
        say(f"{step.number:>3}  {step.at}  {step.step:<10} {step.by or '-':<16} {told}")


def _told(fact: Any) -> str:
    """A step's fact in a word or two; --json has all of it."""
    if isinstance(fact, dict):
        if "name" in fact:
            return str(fact["name"])
        return f"{fact['after'] + 1} to {fact['to']}" if {"after", "to"} <= set(fact) else str(len(fact))
    return str(len(fact)) if isinstance(fact, list) else str(fact)


def show(period: PeriodArgument, studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Show a closed period, and write its files again if some are missing.

    Example: endcredits period show 2026-10 --json
    """
    from endcredits.flows import freezing, periods

    with opened(studio) as place:
        closed = periods.find_period(place, period)
        warnings = freezing.unknown_parties(place, closed.close.policy)
    _print_closed(closed, as_json, warnings)


def _print_warnings(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        say(f"Warning: {warning}")


def _print_closed(closed: ClosedPeriod, as_json: bool, warnings: tuple[str, ...]) -> None:
    if as_json:
        document = _document(closed.close) | _place(closed.close_digest, closed.tables)
        document.update(
            entry_id=closed.entry_id,
            statements=len(closed.statements),
            receipt=closed.receipt.receipt_id,
            folder=str(closed.folder),
            was_closed=closed.was_closed,
            warnings=list(warnings),
        )
        print_json(document)
        return
    from endcredits.royalties.left_out import left_out

    state = "was closed before; nothing changed" if closed.was_closed else "is closed"
    _print(closed.close, state, left_out(closed.tables))
    _print_warnings(warnings)
    say(
        f"{counted(len(closed.statements), 'statement')} and pictures in {closed.folder}; "
        f"receipt {closed.receipt.receipt_id}."
    )


def _document(close: PeriodClose) -> dict[str, Any]:
    from endcredits.canonical import to_plain

    document: dict[str, Any] = to_plain(close)
    return document


def _place(close_digest: str, tables: Path) -> dict[str, Any]:
    return {"close_digest": close_digest, "tables": str(tables)}


def _print(close: PeriodClose, state: str, taken: tuple[LeftOut, ...]) -> None:
    from endcredits.money import format_micros
    from endcredits.royalties.left_out import WHY

    say(f"The period {close.period_id} ({close.starts_on} to {close.ends_on}) {state}; policy {close.policy.name}.")
    for total in close.totals:
        rows = [
            ("revenue", total.revenue_micros),
            ("taxes", total.tax_micros),
            ("operator", total.operator_micros),
            ("pools", total.pools_micros),
            ("levies", total.levies_micros),
        ]
        for name, micros in rows:
            if micros or name in ("revenue", "operator", "pools"):
                say(f"  {name:<16}{format_micros(micros, total.currency):>22}")
    for again in close.adjusted:
        rules = again.policies[0].name
        say(f"divided again by its own rules: {again.period_id} ({rules}); pools marked adjusted are what changed")
    for number, pool in enumerate(close.pools):
        key = " ".join(word for word in (pool.usage_period, pool.service, pool.territory, pool.offer) if word)
        kind = "" if pool.kind == "earned" else f"{pool.kind}, "
        say(f"pool {pool.rule} ({kind}{pool.events:,} events{', ' if key else ''}{key})")
        allocated = sum(part.allocated_micros for part in pool.parts)
        commons = pool.rest_micros + sum(part.commons_micros for part in pool.parts)
        rows = [
            ("pool", pool.pool_micros),
            ("  allocated", allocated),
            ("  in suspense", sum(part.suspense_micros for part in pool.parts)),
            ("  disputed", sum(part.disputed_micros for part in pool.parts)),
            ("  commons", commons),
            ("  breakage", pool.breakage_micros),
            ("  carry", pool.pool_micros - allocated - commons - pool.breakage_micros),
        ]
        for name, micros in rows:
            if micros or name in ("pool", "  allocated", "  commons", "  carry"):
                say(f"  {name:<16}{format_micros(micros, pool.currency):>22}")
        for one in taken:
            if one.pool == number:
                part = f" of the part '{pool.parts[one.part].name}'" if len(pool.parts) > 1 else ""
                say(f"    {one.works:,} {'work' if one.works == 1 else 'works'}{part}: {WHY.get(one.reason, one.reason)}")

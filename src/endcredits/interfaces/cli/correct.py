"""`endcredits period correct`: a closed period under the right rules, by entries that undo and stand in."""

from __future__ import annotations

from typing import Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, progress_bars, say
from endcredits.interfaces.cli.policy import chosen_policy


def correct(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed period.")],
    policy: Annotated[str, typer.Option(help="The right rules: a TOML file, or a shipped name.")],
    reason: Annotated[str, typer.Option(help="Why, in one line that stays on record.")],
    by: Annotated[str, typer.Option(help="Who corrects, as you name people.")],
    approved_by: Annotated[str, typer.Option(help="Who approves, where a policy asks for four eyes.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who gains and loses; post nothing.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Payees shown, those with the largest change first.")] = 20,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Correct a closed period: compute it again under other rules from the same frozen inputs, undo what was booked and book
    what is right. Statements that were issued stay; the next ones show the difference. Look at it with --dry-run first.

    Example: endcredits period correct 2026-10 --policy right.toml --reason "Wrong fee" --by ada
    """
    from endcredits.canonical import to_plain
    from endcredits.flows.correcting import correct as correct_period
    from endcredits.money import format_micros

    right = chosen_policy(policy)
    assert right is not None
    with opened(studio) as place, progress_bars() as progress:
        done = correct_period(
            place, period, right, reason=reason, by=by, approved_by=approved_by, dry_run=dry_run, progress=progress
        )
    if as_json:
        print_json(to_plain(done) | {"dry_run": dry_run})
        return
    say(f"{'was':>22}  {'is':>22}  {'difference':>22}  payee")
    for one in done.differences[:limit]:
        columns = (one.micros, one.other_micros, one.other_micros - one.micros)
        amounts = "  ".join(f"{format_micros(micros, one.currency):>22}" for micros in columns)
        say(f"{amounts}  {one.name}")
    if len(done.differences) > limit:
        say(f"and {len(done.differences) - limit} more; --limit or --json shows them.")
    gain = sum(one.other_micros > one.micros for one in done.differences)
    say(f"{gain} gain and {len(done.differences) - gain} lose.")
    if dry_run:
        say("Nothing was posted.")
    elif done.was_done:
        say(f"The period {period} was corrected so before (version {done.version}); nothing changed.")
    else:
        say(f"The period {period} is corrected (version {done.version}), receipt {done.receipt_id}.")

"""`endcredits check`: everything at once."""

from __future__ import annotations

import typer

from endcredits.interfaces.cli.common import (
    FAILED_CHECK,
    JsonOption,
    StudioOption,
    opened,
    print_json,
    progress_bars,
    say,
)


def check(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Re-verify everything: works, credits, books, closes, statements, index, log and receipts, and that they agree.

    Example: endcredits check --studio my-studio
    """
    from endcredits.flows.checking import STAGES, check_studio

    with opened(studio) as place, progress_bars() as progress:
        findings = check_studio(place, progress)
    if as_json:
        print_json(
            {
                "checked": STAGES,
                "fits": not findings,
                "findings": [{"where": f.where, "problem": f.problem} for f in findings],
            }
        )
    else:
        for finding in findings:
            say(f"WRONG  {finding.where}: {finding.problem}")
        say("Everything fits." if not findings else f"{len(findings)} things do not fit.")
    if findings:
        raise typer.Exit(FAILED_CHECK)

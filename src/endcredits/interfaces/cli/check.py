"""`endcredits check`: everything at once."""

from __future__ import annotations

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, progress_bars, report_findings, say


def check(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Re-verify everything: works, credits, books, closes, statements, index, log and receipts, and that they agree.

    Example: endcredits check --studio my-studio
    """
    from endcredits.flows import erasing
    from endcredits.flows.checking import STAGES, check_studio

    with opened(studio) as place, progress_bars() as progress:
        findings = check_studio(place, progress)
        erased = erasing.notes(place)
    if not as_json:
        for note in erased:
            say(note)
    verdict = "Everything fits." if not findings else f"{len(findings)} things do not fit."
    report_findings(findings, {"checked": STAGES, "fits": not findings, "erased": erased}, verdict, as_json)

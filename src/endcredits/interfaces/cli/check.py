"""`endcredits check`: everything at once."""

from __future__ import annotations

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, progress_bars, report_findings, say


def check(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Re-verify everything: works, credits, books, closes, statements, index, log and receipts, and that they agree.

    Beside its findings it tells what was erased, and which models learnt from works whose yes was taken back since.

    Example: endcredits check --studio my-studio
    """
    from endcredits.flows import erasing, flags
    from endcredits.flows.checking import STAGES, check_studio

    with opened(studio) as place, progress_bars() as progress:
        findings = check_studio(place, progress)
        erased, lapsed = erasing.notes(place), flags.notes(place)
    if not as_json:
        for note in (*erased, *lapsed):
            say(note)
    verdict = "Everything fits." if not findings else f"{len(findings)} things do not fit."
    facts = {"checked": STAGES, "fits": not findings, "erased": erased, flags.FLAG: lapsed}
    report_findings(findings, facts, verdict, as_json)

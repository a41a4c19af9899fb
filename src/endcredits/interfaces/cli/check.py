"""`endcredits check`: everything at once."""

from __future__ import annotations

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, progress_bars, report_findings, say


def check(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Re-verify everything: works, credits, books, closes, statements, index, corpora, log, receipts, and that they agree.

    Beside its findings it tells what was erased, which models learnt from a corpus that has no whole manifest, and which
    learnt from works whose yes was taken back since.

    Example: endcredits check --studio my-studio
    """
    from endcredits.flows import checking_corpora, erasing, flags
    from endcredits.flows.checking import STAGES, check_studio

    with opened(studio) as place, progress_bars() as progress:
        findings = check_studio(place, progress)
        erased, lapsed = erasing.notes(place), flags.notes(place)
        corpora = checking_corpora.notes(place)
    if not as_json:
        for note in (*erased, *corpora, *lapsed):
            say(note)
    verdict = "Everything fits." if not findings else f"{counted(len(findings), 'thing does', 'things do')} not fit."
    facts = {"checked": STAGES, "fits": not findings, "erased": erased, "corpora": corpora, flags.FLAG: lapsed}
    report_findings(findings, facts, verdict, as_json)

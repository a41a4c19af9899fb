"""Ten thousand statements as JSON and CSV, and some of them as PDF, out of a real close's written lines."""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.frame import Figure, figure
from benchmarks.settlement.closing import close
from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId
from endcredits.payouts.csv_form import statement_csv
from endcredits.payouts.documents import statement_json
from endcredits.payouts.earned import read_earned_lines
from endcredits.payouts.facts import Facts, Payee, WorkName
from endcredits.payouts.pdf import Printer
from endcredits.payouts.statements import statements
from endcredits.royalties.frozen import Frozen
from endcredits.royalties.lines import read_lines

STATEMENTS = 10_000


def run(frozen: Frozen, runs: int, pdfs: int = 20) -> tuple[list[Figure], dict[str, Any]]:
    """Seconds of 10,000 statements.

    Args:
        frozen: a period; its first 10,000 payees are stated.
        runs: of JSON and CSV.
        pdfs: how many are set as PDF; the figure is for 10,000 at the same rate.
    """
    times: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        into = Path(place) / "close"
        made = close(frozen, into)
        lines = list(read_lines(into))
        facts = Facts(
            "2026-12-05",
            {PartyId(line.party_id): Payee(f"Payee {line.party_id}") for line in lines if line.party_id},
            {WorkId(line.work_id): WorkName(f"Title of {line.work_id}") for line in lines},
        )
        del lines
        for _ in range(runs):
            out = Path(place) / f"out-{len(times)}"
            out.mkdir()
            begin = time.perf_counter()
            earned = read_earned_lines(into)
            kept = []
            for number, one in enumerate(islice(statements(made, digest(made), earned, facts), STATEMENTS)):
                (out / f"{number}.json").write_text(statement_json(one), encoding="utf-8")
                (out / f"{number}.csv").write_text(statement_csv(one), encoding="utf-8")
                if number < pdfs:
                    kept.append(one)
            count = number + 1
            times.append((time.perf_counter() - begin) * STATEMENTS / count)
    found = [figure("statements_s", times, "s", "10,000 as JSON and CSV, read, made and written; must 60, aim 20")]
    facts_found: dict[str, Any] = {"statements made": count}
    try:
        printer = Printer()
        printer.pdf(kept[0])
        begin = time.perf_counter()
        for one in kept:
            printer.pdf(one)
        spent = (time.perf_counter() - begin) * STATEMENTS / len(kept)
        found.append(figure("statements_pdf_s", [spent], "s", f"10,000 as PDF, from {len(kept)}; must 1200, aim 480"))
    except InputError as error:
        facts_found["pdf"] = error.message
    return found, facts_found

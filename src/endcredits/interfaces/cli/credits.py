"""End credits on a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from endcredits.attribution import NANO
from endcredits.interfaces.cli.common import shown
from endcredits.money import PPB

if TYPE_CHECKING:
    from rich.console import Console

    from endcredits.attribution import Attribution
    from endcredits.flows.credit_view import CreditView

NAMES_MAX = 4


def excerpt(text: bytes, limit: int = 300) -> str:
    """The beginning of an output, safe to print."""
    shown = text.decode("utf-8", "replace")
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in shown)
    return shown if len(shown) <= limit else shown[:limit] + " ..."


def people_line(names: tuple[str, ...]) -> str:
    """A few names and how many more."""
    if not names:
        return "nobody named"
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")


def show_credits(
    screen: Console, view: CreditView, label: str, text: bytes, *, top: int = 10, seconds_per_line: float = 0.0
) -> None:
    """Rolls the end credits of one output: rank, share, nats with error, work, people; then the rest and the sums."""
    from rich.text import Text

    attribution = view.attribution
    screen.print(Text(f"\n{label}  {attribution.output_id}", style="bold"))
    screen.print(Text(excerpt(text), style="italic"))
    screen.print(Text("  rank    share        nats   +-     work and people", style="dim"))
    lines = view.lines()
    for line in lines[:top]:
        row = Text(f"  {line.rank:>4}  {line.share_ppb / PPB:>7.2%}  {line.credit_nats:>+10.3f}  {line.error_nats:>6.3f}  ")
        row.append(shown(line.title), style="bold")
        row.append(f"  {shown(people_line(line.people))}")
        screen.print(row)
        if seconds_per_line:
            time.sleep(seconds_per_line)
    rest = lines[top:]
    if rest:
        share, credit = sum(line.share_ppb for line in rest), sum(line.credit_nats for line in rest)
        screen.print(Text(f"        {share / PPB:>7.2%}  {credit:>+10.3f}          {len(rest)} more works"))
    screen.print(Text(f"        {attribution.unattributed_ppb / PPB:>7.2%}                      unattributed"))
    screen.print(
        Text(
            f"  completeness: credits sum to {attribution.credit_sum_nanonats / NANO:+.3f} nats, "
            f"measured log-ratio {attribution.log_ratio_nanonats / NANO:+.3f} nats",
            style="dim",
        )
    )
    warning = caution(attribution)
    if warning:
        screen.print(Text(f"  {warning}", style="yellow"))


def caution(attribution: Attribution) -> str:
    """What a reader should know before believing the shares of this output; empty when there is nothing."""
    measured, credited = attribution.log_ratio_nanonats, attribution.credit_sum_nanonats
    if measured <= 0:
        return "The works made this output no likelier than the base model does, so nothing is owed for it."
    if abs(credited - measured) > measured:
        return (
            f"Caution: credits sum to {credited / measured:.1f} times what was measured. Shares are weak evidence here; "
            "does the index hold exactly the works that the full model learnt from?"
        )
    return ""

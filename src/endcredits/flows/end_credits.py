"""End credits on a terminal: the text coloured by who moved each part, then the works as they roll, unattributed last.

Without colours (a pipe, NO_COLOR) nothing is lost: letters stand behind the parts, and numbers beside the bars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endcredits.attribution import NANO, Attribution
from endcredits.flows.audit_report import trust
from endcredits.flows.palette import AGAINST_COLOUR, FOR_COLOUR, INK, Sign, printable, readable, signs
from endcredits.flows.spans import TextSpans, by_creator, leaders, strip_levels
from endcredits.money import PPB

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from endcredits.flows.credit_view import CreditView

__all__ = ["caution", "coloured", "heat_rows", "key", "named_signs", "roll", "strip", "sums"]

NAMES_MAX = 4
BAR = 20
"""Letters of the longest bar; in the table of works, half of it."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_HEIGHTS = "▁▂▃▄▅▆▇█"


def named_signs(view: CreditView) -> dict[str, Sign]:
    """Letter and colour of every creator who leads a part of the text, those with the largest credit first."""
    if view.spans is None:
        return {}
    portions = view.portions()
    leading = {leader.name for leader in leaders(view.spans, portions)}
    return signs(name for name in by_creator(view.spans, portions) if name in leading)


def sums(attribution: Attribution) -> str:
    """What the credits add up to, and how much of that no work could be told apart for."""
    return (
        f"completeness: credits sum to {attribution.credit_sum_nanonats / NANO:+.3f} nats, "
        f"measured log-ratio {attribution.log_ratio_nanonats / NANO:+.3f} nats; "
        f"{attribution.gap_nanonats / NANO:+.3f} of them are a gap, divided by size"
    )


def caution(attribution: Attribution) -> str:
    """What a reader should know before believing the shares of this output; empty when there is nothing."""
    measured, credited = attribution.log_ratio_nanonats, attribution.credit_sum_nanonats - attribution.gap_nanonats
    if measured <= 0:
        return "The works made this output no likelier than the base model does, so nothing is owed for it."
    if abs(credited - measured) > measured:
        return (
            f"Caution: the works' own credits sum to {credited / measured:.1f} times what was measured. Shares are weak "
            "evidence here; does the index hold exactly the works that the full model learnt from?"
        )
    return ""


def roll(view: CreditView, screen: Console | None = None, *, top: int = 12) -> None:
    """Prints the end credits of one output.

    Args:
        view: with spans or without.
        screen: where to; the terminal by default.
        top: works that are named.
    """
    from rich.console import Console
    from rich.rule import Rule
    from rich.text import Text

    screen = screen or Console(highlight=False)
    screen.print(Rule("E N D   C R E D I T S", style="dim"))
    facts = f"{view.attribution.output_id}  {view.attribution.method}  {trust(view.attribution)}"
    screen.print(Text(facts, style="dim"), justify="center")
    if view.spans is not None:
        screen.print()
        screen.print(coloured(view, view.spans))
        screen.print()
        screen.print(key(view, view.spans))
    screen.print()
    _works(view, screen, top)
    screen.print()
    screen.print(Text(sums(view.attribution), style="dim"))
    if warning := caution(view.attribution):
        screen.print(Text(warning, style="yellow"))


def coloured(view: CreditView, spans: TextSpans) -> Text:
    """The output with each part on the colour of its leading creator, whose letter follows in brackets."""
    from rich.text import Text

    signed = named_signs(view)
    found = Text()
    for span, leader in zip(spans.spans, leaders(spans, view.portions()), strict=True):
        text = readable(span.text)
        body = text.rstrip()
        if leader.name:
            sign = signed[leader.name]
            found.append(body, style=f"{INK} on {sign.colour}")
            found.append(f"[{sign.letter}]", style=f"bold {sign.colour}")
            body = text[len(body) :]
        else:
            body = text
        found.append(body)
    return found


def key(view: CreditView, spans: TextSpans) -> Text:
    """Who the letters are, and by how much each moved the whole text."""
    from rich.text import Text

    totals = by_creator(spans, view.portions())
    found = Text()
    for name, sign in named_signs(view).items():
        found.append(f"[{sign.letter}]", style=f"bold {sign.colour}")
        found.append(f" {printable(name)} {sum(totals[name]):+.2f} nats   ")
    found.append("(no letter: no creator's credit exceeds its standard error)", style="dim")
    return found


def strip(spans: TextSpans, work_id: str) -> Text:
    """Which part of the text one work moved, a letter for each: higher for more nats a token, a red v against it.

    Raises:
        NotFoundError: the index has no such work.
    """
    from rich.text import Text

    rates = [value / span.tokens for value, span in zip(spans.of_work(work_id), spans.spans, strict=True)]
    found = Text()
    for level in strip_levels(rates):
        letter = "·" if not level else _HEIGHTS[level - 1] if level > 0 else "v"
        found.append(letter, style=FOR_COLOUR if level > 0 else AGAINST_COLOUR if level else "dim")
    return found


def heat_rows(spans: TextSpans, work_id: str, screen: Console) -> None:
    """The same at length: every part of the text with its nats and a bar.

    Raises:
        NotFoundError: the index has no such work.
    """
    from rich.text import Text

    values = spans.of_work(work_id)
    largest = max(map(abs, values)) or 1.0
    for number, (span, value) in enumerate(zip(spans.spans, values, strict=True), 1):
        row = Text(f"{number:>4}  {value:>+9.3f}  ")
        row.append(f"{bar(abs(value) / largest):<{BAR}}", style=FOR_COLOUR if value >= 0 else AGAINST_COLOUR)
        row.append(f"  {' '.join(readable(span.text).split())}")
        screen.print(row, overflow="ellipsis", no_wrap=True)


def bar(part: float, length: int = BAR) -> str:
    """A bar of a part from 0 to 1 of a length in letters, to an eighth of a letter.

    >>> bar(0.5), bar(0.31), bar(0.0)
    ('██████████', '██████▏', '')
    """
    eighths = int(8 * length * part)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _works(view: CreditView, screen: Console, top: int) -> None:
    from rich.table import Table
    from rich.text import Text

    lines = view.lines()
    named, others = lines[:top], lines[top:]
    rest, unattributed = sum(line.share_ppb for line in others), view.attribution.unattributed_ppb
    largest = max([unattributed, rest, *(line.share_ppb for line in named)], default=0) or 1
    table = Table(box=None, header_style="dim", pad_edge=False)
    for head, side in (("", "right"), ("work", "right"), ("people", "left"), ("share", "left"), ("nats +- error", "right")):
        table.add_column(head, justify=side, overflow="fold", no_wrap=head in ("share", "nats +- error"))  # type: ignore[arg-type]
    if view.spans is not None:
        table.add_column("moved", no_wrap=True)

    def share(part: int, style: str) -> Text:
        return Text(f"{part / PPB:>7.2%} ").append(bar(part / largest, BAR // 2), style=style)

    for line in named:
        names = ", ".join(line.people[:NAMES_MAX]) or "nobody named"
        names += f" and {len(line.people) - NAMES_MAX} more" if len(line.people) > NAMES_MAX else ""
        table.add_row(
            str(line.rank),
            Text(printable(line.title)),
            Text(printable(names), style="bold"),
            share(line.share_ppb, FOR_COLOUR),
            f"{line.credit_nats:+.2f} +- {line.error_nats:.2f}",
            *([strip(view.spans, line.work_id)] if view.spans is not None else []),
        )
    if others:
        credit = sum(line.credit_nats for line in others)
        table.add_row("", Text(f"{len(others)} more works"), "", share(rest, FOR_COLOUR), f"{credit:+.2f}")
    table.add_row("", Text("unattributed"), "", share(unattributed, "dim"), "")
    screen.print(table)

"""A statement for people: Markdown for mail and terminals, one self-contained HTML page for screen and paper.

Names and titles come from outside and are treated as such: HTML is escaped by Jinja2, Markdown by `markdown_text`, and
text that runs from right to left is kept from turning the numbers beside it around.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from endcredits.payouts.records import Statement
from endcredits.payouts.view import MoneyRow, View, shown, view

if TYPE_CHECKING:
    import jinja2

# What means something anywhere in a line, and what begins a heading, a list or an underline at its start.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&$])")
# A number begins a list only before ". " or ") ", and a sign none before a digit, so that amounts stay as they are.
_LINE_START = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[#=]|[+\-](?!\d)))(.)")
# First Strong Isolate and Pop Directional Isolate: what stands between decides its own direction and nothing else's.
_ISOLATE = "\u2068{}\u2069"
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")


def statement_html(statement: Statement) -> str:
    """A statement as one HTML page without scripts, fonts or pictures from elsewhere; made to be printed."""
    return _template().render(view=view(statement))


@functools.cache
def _template() -> jinja2.Template:
    # Jinja2 is slow to import, and most commands render nothing.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("endcredits.payouts"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("statement.html")


def markdown_text(text: str) -> str:
    """Outside text as Markdown that shows exactly that text, on one line.

    >>> markdown_text("A|B *c*")
    'A\\\\|B \\\\*c\\\\*'
    """
    escaped = _LINE_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", shown(text)))
    return _ISOLATE.format(escaped) if _RIGHT_TO_LEFT.search(escaped) else escaped


def statement_markdown(statement: Statement) -> str:
    """A statement as Markdown (CommonMark with pipe tables)."""
    one = view(statement)
    return "\n".join(_markdown(one)) + "\n"


def _markdown(one: View) -> Iterator[str]:
    text = markdown_text
    yield from (f"# {one.word} for {text(one.payee)}", "")
    if one.mark:
        yield from (f"**{one.mark}**", "")
    yield from (text(one.period), "")
    yield from (*(f"- {label}: {text(value)}" for label, value in one.head), "")
    yield from (f"| | {one.currency} |", "|:--|--:|")
    yield from _money([*one.balance, *one.payment, *one.beside])
    yield ""
    for note in one.notes:
        yield from (text(note), "")
    yield from _table("What contracts did", one.movements)
    yield from _table("Paid and moved since the statement before", one.payments)
    yield from _table("Taken from what is due", one.deductions)
    yield from _table("Levies", one.levies)
    yield from _markdown_lines(one)
    yield from ("## To check and to dispute", "")
    yield from (f"- {label}: {text(value)}" for label, value in one.foot)


def _money(rows: Iterable[MoneyRow]) -> Iterator[str]:
    for row in rows:
        yield f"| **{row.label}** | **{row.amount}** |" if row.strong else f"| {row.label} | {row.amount} |"


def _table(title: str, rows: Iterable[tuple[str, str, str]]) -> list[str]:
    shown_rows = [f"| {markdown_text(first)} | {markdown_text(why)} | {amount} |" for first, why, amount in rows]
    return [f"## {title}", "", "| | | Amount |", "|:--|:--|--:|", *shown_rows, ""] if shown_rows else []


def _markdown_lines(one: View) -> Iterator[str]:
    if not one.lines:
        yield from ("Nothing was earned in this period.", "")
        return
    text = markdown_text
    yield from ("## Earned, work by work", "")
    yield f"| Work | Usage | Where | Pool | Uses | Share of pool | Work earned | Split | {one.currency} |"
    yield "|:--|:--|:--|:--|--:|--:|--:|--:|--:|"
    for line in one.lines:
        yield (
            f"| {text(line.title)} | {line.usage} | {text(line.where)} | {text(line.part)} | {line.uses} "
            f"| {line.share} {line.error} | {line.work} | {line.split} | {line.amount} |"
        )
    yield from (f"| **Control total** | | | | | | | | **{one.total}** |", "")
    yield from (f"- {text(line.title)} ({text(line.identifiers)}): {text(line.reason)}" for line in one.lines)
    yield ""

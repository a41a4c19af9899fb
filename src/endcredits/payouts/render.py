"""A statement for people: Markdown for mail and terminals, one self-contained HTML page for screen and paper.

Names and titles come from outside and are treated as such: HTML is escaped by Jinja2, Markdown by `markdown_text`, and
text that runs from right to left is kept from turning the numbers beside it around.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from endcredits.money import format_micros
from endcredits.payouts.records import Statement
from endcredits.payouts.statements import format_percent

if TYPE_CHECKING:
    import jinja2

# What means something anywhere in a line, and what begins a heading, a list or an underline at its start.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&$])")
_LINE_START = re.compile(r"^(\d*)([#+\-=.)])")
# Control characters, and the marks that override the direction of text (Unicode Standard Annex #9).
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
# First Strong Isolate and Pop Directional Isolate: what stands between decides its own direction and nothing else's.
_ISOLATE = "\u2068{}\u2069"
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")

STANDING = "Payable now includes what earlier statements named payable and the books do not show as paid."
"""Stands beside what is payable wherever something was owed before, so that nobody adds up statements."""


def statement_html(statement: Statement) -> str:
    """A statement as one HTML page without scripts, fonts or pictures from elsewhere; made to be printed."""
    return _template().render(statement=statement, money=format_micros, percent=format_percent, standing=STANDING)


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
    escaped = _LINE_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", _UNSEEN.sub(" ", text)).strip())
    return _ISOLATE.format(escaped) if _RIGHT_TO_LEFT.search(escaped) else escaped


def statement_markdown(statement: Statement) -> str:
    """A statement as Markdown (CommonMark with pipe tables)."""
    currency = statement.currency
    rows = [
        ("Opening balance", statement.opening_balance_micros),
        ("Earned in this period", statement.earned_micros),
        ("**Closing balance**", statement.closing_balance_micros),
        ("**Payable now**", statement.payable_micros),
        ("Carried over", statement.carried_over_micros),
    ]
    text = [
        f"# Statement for {markdown_text(statement.payee)}",
        "",
        f"Period {markdown_text(statement.period_id)}, {statement.starts_on} to {statement.ends_on} (UTC)",
        "",
        f"| | {currency} |",
        "|:--|--:|",
        *(f"| {label} | {format_micros(micros)} |" for label, micros in rows),
        "",
        f"Balances from {format_micros(statement.payout_threshold_micros, currency)} on are paid; smaller ones are "
        "carried over to the next period.",
        "",
        *([STANDING, ""] if statement.opening_balance_micros > 0 else []),
        *_markdown_lines(statement),
        "## To check this statement",
        "",
        f"- Statement: `{statement.statement_id}`",
        f"- Payee: `{statement.party_id}`",
        f"- Policy: {markdown_text(statement.policy_name)}, SHA-256 `{statement.policy_digest}`",
        f"- Period's close, SHA-256: `{statement.close_digest}`",
        f"- Journal entry: `{statement.entry_id}`",
    ]
    return "\n".join(text) + "\n"


def _markdown_lines(statement: Statement) -> list[str]:
    if not statement.lines:
        return ["Nothing was earned in this period.", ""]
    return [
        "## Earned, work by work",
        "",
        f"| Work | Territory | Uses | Share of pool | Work earned | Split | {statement.currency} |",
        "|:--|:--|--:|--:|--:|--:|--:|",
        *(
            f"| {markdown_text(line.title)} | {line.territory} | {line.outputs:,} | {format_percent(line.share_ppb)} "
            f"| {format_micros(line.work_amount_micros)} | {format_percent(line.split_ppb)} "
            f"| {format_micros(line.amount_micros)} |"
            for line in statement.lines
        ),
        f"| **Sum** | | | | | | **{format_micros(statement.earned_micros)}** |",
        "",
        *(f"- {markdown_text(line.title)}: {markdown_text(line.reason)}" for line in statement.lines),
        "",
    ]

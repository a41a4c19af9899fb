"""Payouts: what is owed to whom, explained line by line.

`statements` turns a closed period into one statement per payee and currency: opening balance, earnings work by work,
closing balance, and what of it is payable. `statement_html`, `statement_markdown` and `statement_json` show it;
`save_statements` keeps it, append-only; `check_payouts` compares every statement with the books.
"""

from endcredits.payouts.book import find_statement, save_statements, statements_for_period
from endcredits.payouts.checks import check_payouts
from endcredits.payouts.documents import parse_statement, statement_json
from endcredits.payouts.records import Statement, StatementLine
from endcredits.payouts.render import statement_html, statement_markdown
from endcredits.payouts.statements import format_percent, statement_id, statements

__all__ = [
    "Statement",
    "StatementLine",
    "check_payouts",
    "find_statement",
    "format_percent",
    "parse_statement",
    "save_statements",
    "statement_html",
    "statement_id",
    "statement_json",
    "statement_markdown",
    "statements",
    "statements_for_period",
]

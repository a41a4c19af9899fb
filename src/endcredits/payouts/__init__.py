"""Payouts: what is owed to whom, explained line by line.

`statements` turns a closed period into one statement per payee and currency: opening balance, earnings work by work,
closing balance, and what of it is payable. `statement_html`, `statement_markdown` and `statement_json` show it;
`save_statements` keeps it, append-only; `check_payouts` compares every statement with the books.

Paying has modules of its own: `payee_book` (who is paid how), `batches` (from balances to a plan), `payout_book` (planned,
approved, sending, sent), `rails` (files and requests), `reconcile` (what the bank says), `year_end`. `check_paying` looks
it all over.
"""

from endcredits.payouts.book import find_statement, save_statements, statements_for_period
from endcredits.payouts.checks import check_payouts
from endcredits.payouts.documents import parse_statement, statement_json
from endcredits.payouts.payees import PayeeProfile
from endcredits.payouts.payers import Payer, read_payer
from endcredits.payouts.paying_checks import check_paying
from endcredits.payouts.payments import Batch, Hold, Payment, Plan
from endcredits.payouts.records import Statement, StatementLine
from endcredits.payouts.render import statement_html, statement_markdown
from endcredits.payouts.statements import format_percent, statement_id, statements

__all__ = [
    "Batch",
    "Hold",
    "PayeeProfile",
    "Payer",
    "Payment",
    "Plan",
    "Statement",
    "StatementLine",
    "check_paying",
    "check_payouts",
    "find_statement",
    "format_percent",
    "parse_statement",
    "read_payer",
    "save_statements",
    "statement_html",
    "statement_id",
    "statement_json",
    "statement_markdown",
    "statements",
    "statements_for_period",
]

"""Payouts: what is owed to whom, explained line by line.

`statements` turns a closed period into one statement per payee and currency: opening balance, earnings work by work, what
contracts do, closing balance, and what of it is payable. `statement_json`, `statement_csv`, `statement_markdown`,
`statement_html` and `statement_pdf` show it; `evidence_zip` packs what is needed to check it; `save_statements` keeps it,
append-only; `check_payouts` compares every statement with the books, `check_remade` with itself made again.

Paying has modules of its own: `payee_book` (who is paid how), `batches` (from balances to a plan), `payout_book` (planned,
approved, sending, sent), `rails` (files and requests), `reconcile` (what the bank says), `year_end`. `check_paying` looks
it all over.
"""

from endcredits.payouts.book import (
    documents_for_period,
    find_statement,
    save_statements,
    statements_for_party,
    statements_for_period,
)
from endcredits.payouts.checks import (
    check_payouts,
    check_remade,
)
from endcredits.payouts.csv_form import (
    statement_csv,
)
from endcredits.payouts.documents import (
    parse_statement,
    statement_json,
)
from endcredits.payouts.earned import (
    EarnedLine,
    earned_lines,
    read_earned_lines,
)
from endcredits.payouts.evidence import (
    evidence_problems,
    evidence_zip,
)
from endcredits.payouts.explain import (
    format_percent,
)
from endcredits.payouts.facts import (
    Facts,
    Issuer,
    Measurement,
    Payee,
    Standing,
    WorkName,
)
from endcredits.payouts.payees import (
    PayeeProfile,
)
from endcredits.payouts.payers import (
    Payer,
    read_payer,
)
from endcredits.payouts.paying_checks import (
    check_paying,
)
from endcredits.payouts.payments import (
    Batch,
    Hold,
    Payment,
    Plan,
)
from endcredits.payouts.pdf import (
    statement_pdf,
)
from endcredits.payouts.records import (
    ESTIMATE,
    FINAL,
    Deduction,
    PaidOut,
    Statement,
    StatementLevy,
    StatementLine,
    StatementPart,
    StatementPool,
    Summary,
)
from endcredits.payouts.render import (
    statement_html,
    statement_markdown,
)
from endcredits.payouts.statements import (
    statement_id,
    statements,
)

__all__ = [
    "Batch",
    "Deduction",
    "ESTIMATE",
    "EarnedLine",
    "FINAL",
    "Facts",
    "Hold",
    "Issuer",
    "Measurement",
    "PaidOut",
    "Payee",
    "PayeeProfile",
    "Payer",
    "Payment",
    "Plan",
    "Standing",
    "Statement",
    "StatementLevy",
    "StatementLine",
    "StatementPart",
    "StatementPool",
    "Summary",
    "WorkName",
    "check_paying",
    "check_payouts",
    "check_remade",
    "documents_for_period",
    "earned_lines",
    "evidence_problems",
    "evidence_zip",
    "find_statement",
    "format_percent",
    "parse_statement",
    "read_earned_lines",
    "read_payer",
    "save_statements",
    "statement_csv",
    "statement_html",
    "statement_id",
    "statement_json",
    "statement_markdown",
    "statement_pdf",
    "statements",
    "statements_for_party",
    "statements_for_period",
]

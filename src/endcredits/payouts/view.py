"""A statement as people read it: the same words and numbers for the page, the mail and the paper.

Every form (HTML, Markdown, PDF) lays out this one view, so they cannot say different things. Numbers are texts here,
ready to show. Words from outside are cleaned of what cannot be seen (control characters, marks that turn the direction
of a line); each form escapes them in its own way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from endcredits.money import format_micros
from endcredits.payouts.explain import format_percent
from endcredits.payouts.records import ESTIMATE, Statement, StatementLine, StatementPart, StatementPool

# Control characters, line separators, and the marks that override or isolate direction (Unicode Standard Annex #9).
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff\ufffe\uffff]+")

Rows = tuple[tuple[str, str], ...]


def shown(text: str) -> str:
    """Words from outside on one line, with nothing in them that cannot be seen.

    >>> shown(" two\\nlines\\u202e ")
    'two lines'
    """
    return _UNSEEN.sub(" ", text).strip()


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """A row of the summary.

    Attributes:
        label: what it is.
        amount: how much, with its sign.
        strong: whether it is a sum of what stands above.
    """

    label: str
    amount: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line.

    Attributes:
        title: of the work, or what is paid where there is no work.
        identifiers: standard identifiers and the work's id.
        usage: first and last day of the usage.
        where: service, territory and offer.
        part: pool and part.
        uses: usage events.
        share: of the part.
        error: one standard error of it.
        work: what the work earned.
        split: the payee's.
        amount: the payee's.
        reason: in one sentence.
    """

    title: str
    identifiers: str
    usage: str
    where: str
    part: str
    uses: str
    share: str
    error: str
    work: str
    split: str
    amount: str
    reason: str


@dataclass(frozen=True, slots=True)
class View:
    """A statement, ready to lay out.

    Attributes:
        mark: "" for a final statement, otherwise what it is instead, in one sentence.
        word: "Statement" or "Estimate".
        payee: whose.
        period: the accounting period, in words.
        currency: of all amounts without one.
        head: label and value.
        balance: from what was owed to what is owed.
        payment: from what is owed to what is sent.
        beside: money that is in none of these sums.
        notes: what needs words.
        lines: of the statement.
        total: their control total.
        levies: name, of what, amount.
        payments: day, how, amount.
        movements: kind, why, amount.
        deductions: kind, why, amount.
        foot: label and value.
    """

    mark: str
    word: str
    payee: str
    period: str
    currency: str
    head: Rows
    balance: tuple[MoneyRow, ...]
    payment: tuple[MoneyRow, ...]
    beside: tuple[MoneyRow, ...]
    notes: tuple[str, ...]
    lines: tuple[LineRow, ...]
    total: str
    levies: tuple[tuple[str, str, str], ...]
    payments: tuple[tuple[str, str, str], ...]
    movements: tuple[tuple[str, str, str], ...]
    deductions: tuple[tuple[str, str, str], ...]
    foot: Rows


def view(one: Statement) -> View:
    """What a statement shows."""
    money, estimate = format_micros, one.kind == ESTIMATE
    return View(
        mark=_mark(one) if estimate else "",
        word="Estimate" if estimate else "Statement",
        payee=shown(one.payee),
        period=f"Accounting period {shown(one.period_id)}, {one.starts_on} to {one.ends_on} (UTC), in {one.currency}",
        currency=one.currency,
        head=_head(one),
        balance=_balance(one),
        payment=_payment(one),
        beside=_beside(one),
        notes=_notes(one),
        lines=_lines(one),
        total=money(one.control_micros),
        levies=tuple(
            (shown(levy.name), f"{format_percent(levy.share_ppb)} of {money(levy.base_micros)}", money(levy.amount_micros))
            for levy in one.levies
        ),
        payments=tuple(
            (paid.paid_on, f"{shown(paid.rail)}, {shown(paid.reference)}", money(-paid.amount_micros))
            for paid in one.payments
        ),
        movements=tuple((step.kind.capitalize(), shown(step.reason), money(step.amount_micros)) for step in one.movements),
        deductions=tuple((cut.kind.capitalize(), shown(cut.reason), money(-cut.amount_micros)) for cut in one.deductions),
        foot=_foot(one),
    )


def _mark(one: Statement) -> str:
    return (
        f"ESTIMATE of {one.issued_on}, from usage up to {one.ends_on}: nothing here is owed or payable yet, and the final "
        "statement may differ."
    )


def _head(one: Statement) -> Rows:
    return (
        ("Issued", f"{one.issued_on}{f' by {shown(one.issuer)}' if one.issuer else ''}"),
        ("Statement", f"{shown(one.statement_id)}, version {one.version}"),
        ("Payee", shown(one.party_id)),
        ("Tax status", shown(one.tax_status) or "not stated"),
        ("Contracts", ", ".join(shown(contract) for contract in one.contract_ids) or "none"),
        ("Statement before", shown(one.prior_id) or "none"),
    )


def _balance(one: Statement) -> tuple[MoneyRow, ...]:
    sums, money = one.summary, format_micros
    return (
        MoneyRow("Opening balance", money(sums.opening_micros)),
        MoneyRow("Paid and moved since the statement before", money(-sums.paid_micros)),
        MoneyRow("Earned in this period", money(sums.earned_micros)),
        MoneyRow("Adjustments to earlier periods", money(sums.adjustments_micros)),
        MoneyRow("Added to reach a guaranteed minimum", money(sums.guaranteed_micros)),
        MoneyRow("Recouped against advances", money(-sums.recouped_micros)),
        MoneyRow("Put into reserve", money(-sums.reserved_micros)),
        MoneyRow("Released from reserve", money(sums.released_micros)),
        MoneyRow("Held", money(-sums.held_micros)),
        MoneyRow("Closing balance", money(sums.closing_micros), True),
    )


def _payment(one: Statement) -> tuple[MoneyRow, ...]:
    sums, money = one.summary, format_micros
    return (
        MoneyRow("Due now", money(sums.due_micros)),
        MoneyRow("Tax withheld", money(-sums.withheld_micros)),
        MoneyRow("Fees", money(-sums.fees_micros)),
        MoneyRow("Payable now", money(sums.payable_micros), True),
        MoneyRow("Carried over", money(sums.carried_over_micros)),
        MoneyRow("of it, less than a coin (rounding carry)", money(sums.rounding_micros)),
    )


def _beside(one: Statement) -> tuple[MoneyRow, ...]:
    sums, money = one.summary, format_micros
    return (
        MoneyRow("Disputed, in no sum above", money(sums.disputed_micros)),
        MoneyRow("Unrecouped balance of advances", money(sums.unrecouped_micros)),
        MoneyRow("In reserve", money(sums.in_reserve_micros)),
    )


def _notes(one: Statement) -> tuple[str, ...]:
    threshold = format_micros(one.threshold_micros, one.currency)
    notes = [f"Balances from {threshold} on are paid in whole coins; what is less is carried over and never expires here."]
    if one.kind == ESTIMATE:
        notes = ["An estimate pays nothing: the whole balance is shown as carried over."]
    notes += [f"Nothing can be paid now: {shown(why)}." for why in one.blocked]
    if one.summary.closing_micros < 0:
        notes.append("The balance is below zero; it is worked off by later earnings and never taken from a bank account.")
    parts = {(pool.pool, part.part): part.by for pool in one.pools for part in pool.parts}
    methods = {
        (line.method, line.method_version) for line in one.lines if parts[line.pool, line.part] in ("credits", "units")
    }
    for method, version in sorted(methods):
        name = f"{shown(method)} {shown(version)}".strip()
        notes.append(f"Shares were measured with: {name}." if name else "How some shares were measured is not stated.")
    return tuple(notes)


def _lines(one: Statement) -> tuple[LineRow, ...]:
    parts: dict[tuple[int, int], tuple[StatementPool, StatementPart]] = {
        (pool.pool, part.part): (pool, part) for pool in one.pools for part in pool.parts
    }
    return tuple(_line(line, *parts[line.pool, line.part]) for line in one.lines)


def _line(line: StatementLine, pool: StatementPool, part: StatementPart) -> LineRow:
    measured = part.by in ("credits", "units")
    return LineRow(
        title=shown(line.title) or ("(untitled)" if line.work_id else shown(part.name)),
        identifiers=", ".join([*(f"{shown(name)} {shown(value)}" for name, value in line.identifiers), shown(line.work_id)]),
        usage=f"{pool.usage_from} to {pool.usage_to}",
        where=", ".join(shown(name) for name in (pool.service, pool.territory, pool.offer) if name) or "all",
        part=f"{shown(pool.name)}: {shown(part.name)} ({shown(part.right)})",
        uses=f"{line.outputs:,}",
        share=format_percent(line.share_ppb),
        error=(f"± {format_percent(line.error_ppb)}" if line.error_ppb >= 0 else "error not measured") if measured else "",
        work=format_micros(line.work_micros),
        split=format_percent(line.split_ppb),
        amount=format_micros(line.amount_micros),
        reason=shown(line.reason),
    )


def _foot(one: Statement) -> Rows:
    return (
        ("Lines", f"{one.line_count:,}, control total {format_micros(one.control_micros, one.currency)}"),
        ("Usage counted", f"{one.outputs_counted:,} uses of outputs, once per work and pool"),
        ("Rounding carry", format_micros(one.summary.rounding_micros, one.currency)),
        ("Disputable until", one.audit_until),
        ("How to dispute", shown(one.dispute)),
        ("Contact", shown(one.contact)),
        ("To check", shown(one.verify)),
        ("Lines, SHA-256", one.lines_digest),
        ("Policy", f"{shown(one.policy_name)}, SHA-256 {one.policy_digest}"),
        ("Close, SHA-256", one.close_digest or "none: the period is not closed"),
        ("Journal entries", ", ".join(shown(entry) for entry in one.entry_ids) or "none"),
    )

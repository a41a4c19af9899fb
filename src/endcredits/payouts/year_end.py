"""Year-end summaries: what each payee was paid and what was withheld, per jurisdiction and form, as the rates' data asks.

Payments count in the year in which they were sent, unless they came back. A sum below a form's least amount is listed with
no form. The summary is what an accountant begins with; it is not tax advice and not a form.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from endcredits.ids import PartyId
from endcredits.payouts.payout_states import BookedBatch
from endcredits.payouts.rails.table import harmless
from endcredits.payouts.tax import Rates, Rule, reports_of

COLUMNS = (
    "year",
    "jurisdiction",
    "form",
    "party_id",
    "holder",
    "country",
    "currency",
    "payments",
    "gross_micros",
    "withheld_micros",
    "vat_micros",
    "transfer_micros",
)


@dataclass(frozen=True, slots=True)
class YearEnd:
    """A payee's year in one currency under one jurisdiction.

    Attributes:
        year: calendar year (UTC).
        jurisdiction: whose form it is for, or the payee's country when no jurisdiction asks for one.
        form: "1042-S", "1099-MISC" and the like; "" when none is asked for, or the sum is below its least amount.
        party_id: who.
        holder: the account holder's name at the last payment.
        country: the payee's tax residence at the last payment.
        currency: ISO 4217 code.
        payments: how many.
        gross_micros: royalties settled, before tax.
        withheld_micros: tax kept back.
        vat_micros: VAT paid on top.
        transfer_micros: what arrived.
    """

    year: str
    jurisdiction: str
    form: str
    party_id: PartyId
    holder: str
    country: str
    currency: str
    payments: int
    gross_micros: int
    withheld_micros: int
    vat_micros: int
    transfer_micros: int


def year_end(batches: Iterable[BookedBatch], year: str, rates: Rates) -> tuple[YearEnd, ...]:
    """Sums a year up, by payee and currency.

    Args:
        batches: all batches; those not sent in the year are passed over.
        year: four digits.
        rates: which forms there are, and from how much on.
    """
    sums: dict[tuple[PartyId, str], list[int]] = {}
    last: dict[tuple[PartyId, str], tuple[str, str]] = {}
    abroad: dict[tuple[PartyId, str], bool] = {}
    for booked in batches:
        sent = booked.steps.get("sending")
        if sent is None or sent.at[:4] != year:
            continue
        for payment in booked.batch.payments:
            if booked.fate(payment.payment_id) == "returned":
                continue
            key = (payment.party_id, booked.batch.currency)
            amounts = (1, payment.gross_micros, payment.withheld_micros, payment.vat_micros, payment.transfer_micros)
            sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 5), amounts, strict=True)]
            last[key] = (payment.holder, payment.country)
            abroad[key] = abroad.get(key, False) or booked.payer.us_source_ppb > 0
    found = []
    for (party_id, currency), (count, gross, withheld, vat, transfer) in sorted(sums.items()):
        holder, country = last[party_id, currency]
        report = _report(rates, country, currency, gross, withheld, f"{year}-12-31") if abroad[party_id, currency] else None
        found.append(
            YearEnd(
                year,
                report.jurisdiction if report else country,
                report.rule_id if report else "",
                party_id,
                holder,
                country,
                currency,
                count,
                gross,
                withheld,
                vat,
                transfer,
            )
        )
    return tuple(found)


def _report(rates: Rates, country: str, currency: str, gross: int, withheld: int, day: str) -> Rule | None:
    """The form that a sum is reported on; what tax was withheld from is reported whatever its size."""
    for rule in reports_of(rates, country, day):
        if withheld or (rule.currency == currency and gross >= rule.least_micros) or rule.least_micros == 0:
            return rule
    return None


def year_end_csv(rows: Iterable[YearEnd]) -> str:
    """The summary as CSV (RFC 4180), its names made harmless for spreadsheets."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for row in rows:
        table.writerow([harmless(cell) if isinstance(cell := getattr(row, name), str) else cell for name in COLUMNS])
    return text.getvalue()

"""Revenue that many uses earned together: subscriptions, advertisements, licences. What counts is when it is recognised.

    revenue_id,earned_on,gross,tax,currency,service,territory,offer,payer
    sub-2026-11,2026-11-30,120000.00,19159.66,EUR,web,DE,premium,

`gross` (before taxes are taken off) and `tax` (the taxes within it) are decimal main units, or whole micros as
`gross_micros` and `tax_micros`. CSV, JSON Lines or Parquet. A policy lays such money on the uses of the same service,
territory, offer and payer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from endcredits.ids import plain_id
from endcredits.money import currency_code
from endcredits.royalties import cells
from endcredits.royalties.cells import Texts, amount, check_micros, check_tax, day, not_future
from endcredits.royalties.forms import Form, Read, read_rows, unique
from endcredits.royalties.records import Revenue


def make_revenue(
    revenue_id: str,
    earned_on: str,
    gross_micros: int,
    currency: str,
    *,
    tax_micros: int = 0,
    service: str = "default",
    territory: str = "WORLD",
    offer: str = "",
    payer: str = "",
    now: str = "",
) -> Revenue:
    """Makes a revenue after checking every value.

    Args:
        revenue_id: the operator's own id, 1 to 200 plain characters.
        earned_on: the day it is recognised, YYYY-MM-DD.
        gross_micros: before taxes are taken off, 0 to 2**53 - 1.
        currency: ISO 4217 code.
        tax_micros: the taxes within it, 0 to `gross_micros`.
        service: as on events.
        territory: as on events.
        offer: as on events.
        payer: as on events.
        now: UTC time; a day more than `cells.SKEW_HOURS` later is refused. "" to leave that to the recording.

    Raises:
        InputError: naming the field.
    """
    check_micros(gross_micros, "gross_micros", "a revenue", currency)
    return Revenue(
        revenue_id=plain_id(revenue_id, what="revenue_id"),
        earned_on=not_future(day(earned_on, field="earned_on"), now, field="earned_on"),
        gross_micros=gross_micros,
        tax_micros=check_tax(tax_micros, gross_micros, currency),
        currency=currency_code(currency),
        service=cells.name(service, "service"),
        territory=cells.territory(territory),
        offer=cells.name(offer, "offer", may_be_empty=True),
        payer=cells.name(payer, "payer", may_be_empty=True),
    )


def _make(texts: Texts, now: str) -> Revenue:
    return make_revenue(
        texts["revenue_id"],
        texts["earned_on"],
        amount(texts, "gross"),
        texts["currency"],
        tax_micros=amount(texts, "tax", 0),
        service=texts.get("service", "default"),
        territory=texts.get("territory", "WORLD"),
        offer=texts.get("offer", ""),
        payer=texts.get("payer", ""),
        now=now,
    )


REVENUE: Form[Revenue] = Form(
    kind="revenue",
    id_field="revenue_id",
    needed=("revenue_id", "earned_on", "currency"),
    others=("gross", "gross_micros", "tax", "tax_micros", "service", "territory", "offer", "payer"),
    numbers=frozenset({"gross", "gross_micros", "tax", "tax_micros"}),
    make=_make,
)
"""What a file of revenue looks like."""


def revenue_rows(path: str | os.PathLike[str], *, now: str) -> Iterator[Read[Revenue]]:
    """The rows of a file one by one, good and bad, in bounded memory; see `forms.read_rows`."""
    return read_rows(path, REVENUE, now=now)


def read_revenue(path: str | os.PathLike[str], *, now: str) -> tuple[Revenue, ...]:
    """Reads the revenue of a file, in its order; what stands twice with equal content counts once.

    Raises:
        InputError: naming file, row and field; or one id with two contents.
    """
    return unique(revenue_rows(path, now=now), lambda revenue: revenue.revenue_id, "revenue_id")

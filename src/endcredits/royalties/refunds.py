"""Refunds: money given back to a payer, for a usage event or a revenue.

    refund_id,of_id,refunded_at,refund,currency
    back-1,sale-1,2026-12-02T09:00:00Z,0.25,EUR

`refund` is a decimal number of main units, or whole micros as `refund_micros`. CSV, JSON Lines or Parquet. All refunds of
one thing sum to at most what it earned, and the taxes within it go back in proportion (`tax_back`): a thing refunded in
whole leaves neither revenue nor tax.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from endcredits.ids import plain_id
from endcredits.money import currency_code
from endcredits.royalties.cells import Texts, amount, check_micros, not_future, utc_time
from endcredits.royalties.forms import Form, Read, read_rows, unique
from endcredits.royalties.records import Refund


def make_refund(refund_id: str, of_id: str, refunded_at: str, refund_micros: int, currency: str, *, now: str = "") -> Refund:
    """Makes a refund after checking every value; what it gives back is looked up when it is recorded.

    Args:
        refund_id: the operator's own id, 1 to 200 plain characters.
        of_id: id of the usage event or revenue.
        refunded_at: UTC time as ISO 8601.
        refund_micros: 1 to 2**53 - 1.
        currency: ISO 4217 code, that of what is given back.
        now: UTC time; a time more than `cells.SKEW_HOURS` later is refused. "" to leave that to the recording.

    Raises:
        InputError: naming the field.
    """
    return Refund(
        refund_id=plain_id(refund_id, what="refund_id"),
        of_id=plain_id(of_id, what="of_id"),
        refunded_at=not_future(utc_time(refunded_at, field="refunded_at"), now, field="refunded_at"),
        refund_micros=check_micros(refund_micros, "refund_micros", "a refund", currency, least=1),
        currency=currency_code(currency),
    )


def tax_back(gross_micros: int, tax_micros: int, refunded_micros: int) -> int:
    """What goes back of the taxes within an amount when a part of it is given back, cut off to whole micros.

    With several refunds of one thing, the taxes that go back with one are the difference of this before and after it,
    so that all of them sum to the whole.

    >>> tax_back(119, 19, 0), tax_back(119, 19, 60), tax_back(119, 19, 119)
    (0, 9, 19)

    Args:
        gross_micros: the amount, > 0 when anything was given back.
        tax_micros: the taxes within it.
        refunded_micros: given back so far, at most `gross_micros`.
    """
    return tax_micros * refunded_micros // gross_micros if refunded_micros else 0


def _make(texts: Texts, now: str) -> Refund:
    return make_refund(
        texts["refund_id"], texts["of_id"], texts["refunded_at"], amount(texts, "refund"), texts["currency"], now=now
    )


REFUNDS: Form[Refund] = Form(
    kind="refunds",
    id_field="refund_id",
    needed=("refund_id", "of_id", "refunded_at", "currency"),
    others=("refund", "refund_micros"),
    numbers=frozenset({"refund", "refund_micros"}),
    make=_make,
)
"""What a file of refunds looks like."""


def refund_rows(path: str | os.PathLike[str], *, now: str) -> Iterator[Read[Refund]]:
    """The rows of a file one by one, good and bad, in bounded memory; see `forms.read_rows`."""
    return read_rows(path, REFUNDS, now=now)


def read_refunds(path: str | os.PathLike[str], *, now: str) -> tuple[Refund, ...]:
    """Reads the refunds of a file, in its order; what stands twice with equal content counts once.

    Raises:
        InputError: naming file, row and field; or one id with two contents.
    """
    return unique(refund_rows(path, now=now), lambda refund: refund.refund_id, "refund_id")

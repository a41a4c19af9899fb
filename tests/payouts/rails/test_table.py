"""A CSV that a spreadsheet can open without running it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.payouts.bank import BankDetail
from endcredits.payouts.rails.sample import sample_order
from endcredits.payouts.rails.table import COLUMNS, csv_file, harmless


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])  # noqa: RUF001
def test_a_formula_is_text(name: str) -> None:
    """With an apostrophe in front, and told."""
    order = sample_order(1, rail="csv")
    payment = replace(order.batch.payments[0], holder=name)
    made = csv_file(replace(order, batch=replace(order.batch, payments=(payment,))))

    (row,) = csv.DictReader(io.StringIO(made.data.decode(), newline=""))
    assert row["holder"] == f"'{name}"
    assert [change.original for change in made.rewritten] == [name]


@given(st.text(max_size=30))
def test_no_cell_begins_a_formula(text: str) -> None:
    """And what is harmless stays as it is."""
    written = harmless(text)

    assert written in (text, f"'{text}")
    assert not written.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_rows_are_payments_in_whole_coins() -> None:
    """Quotes and line ends by RFC 4180; names with commas and quotes come back as they were."""
    order = sample_order(2, "JPY", "csv")
    payment = replace(order.batch.payments[0], holder='Ada, "the first"\nof Lovelace')
    made = csv_file(replace(order, batch=replace(order.batch, payments=(payment, order.batch.payments[1]))))
    rows = list(csv.DictReader(io.StringIO(made.data.decode(), newline="")))

    assert tuple(rows[0]) == COLUMNS
    assert [row["amount"] for row in rows] == ["1000", "1037"]
    assert rows[0]["holder"] == payment.holder
    assert made.data.endswith(b"\r\n")


def test_a_payee_without_an_account_is_refused() -> None:
    """By name."""
    order = sample_order(1, rail="csv")
    with pytest.raises(InputError, match="party-000000"):
        csv_file(replace(order, banks=dict.fromkeys(order.banks, BankDetail("Ada"))))

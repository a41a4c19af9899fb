"""Refunds are read like everything else, name one recorded sale, and never give back more than it earned."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.royalties import held
from endcredits.royalties.forms import handed_in
from endcredits.royalties.recording import Added, record_refunds, record_revenue, take_held
from endcredits.royalties.records import Refund
from endcredits.royalties.refunds import make_refund, read_refunds, refund_rows, tax_back
from endcredits.store import Store

from .reporting import NOW, add_events, event, everything, refund, revenue

GOOD = {
    "refund_id": "back",
    "of_id": "sale",
    "refunded_at": "2026-12-01T12:00:00Z",
    "refund": "0.25",
    "currency": "EUR",
}


def test_csv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    """One refund in both forms."""
    csv, lines = tmp_path / "r.csv", tmp_path / "r.jsonl"
    csv.write_text(f"{','.join(GOOD)}\n{','.join(GOOD.values())}\n")
    lines.write_text(json.dumps(GOOD))

    assert read_refunds(csv, now=NOW) == read_refunds(lines, now=NOW)
    assert read_refunds(csv, now=NOW) == (Refund("back", "sale", "2026-12-01T12:00:00Z", 250_000, "EUR"),)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"of_id": ""}, "of_id"),
        ({"of_id": "a b"}, "of_id"),
        ({"refund": "0"}, "refund"),
        ({"refund": "-1"}, "refund"),
        ({"refunded_at": "2026-12-09T12:00:00Z"}, "refunded_at"),
        ({"currency": "EURO"}, "currency"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, str], field: str) -> None:
    """File, row, field and remedy."""
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps(GOOD | change))

    with pytest.raises(InputError) as caught:
        read_refunds(file, now=NOW)

    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), 1, field)
    assert caught.value.remedy


def test_refunds_sum_to_at_most_what_was_earned(store: Store) -> None:
    """Over several hand-ins and inside one; for events and for revenue; to the micro."""
    store.write(lambda conn: add_events(conn, event("sale", micros=10)))
    store.write(lambda conn: record_revenue(conn, handed_in([revenue("sub", micros=10)]), at=NOW))
    store.write(lambda conn: record_refunds(conn, handed_in([refund("r1", "sale", 4), refund("r2", "sub", 10)]), at=NOW))

    for bad in ([refund("r3", "sale", 7)], [refund("r3", "sale", 4), refund("r4", "sale", 3)], [refund("r3", "sub", 1)]):
        with pytest.raises(InputError, match=r"more than the 0\.00001 EUR that") as caught:
            store.write(partial(record_refunds, rows=handed_in(bad), at=NOW))
        assert caught.value.remedy
    rest = [refund("r3", "sale", 6)]

    assert store.write(lambda conn: record_refunds(conn, handed_in(rest), at=NOW)) == Added(1, 0)
    assert store.write(lambda conn: record_refunds(conn, handed_in(rest), at=NOW)) == Added(0, 1)


@pytest.mark.parametrize(("column", "amount"), [("refund", "0.000011"), ("refund_micros", "11")])
def test_too_much_is_named_as_the_file_spells_it(sqlite_store: Store, tmp_path: Path, column: str, amount: str) -> None:
    """Decimal units or whole micros."""
    sqlite_store.write(lambda conn: add_events(conn, event("sale", micros=10)))
    row = {key: value for key, value in GOOD.items() if key != "refund"} | {column: amount}
    (file := tmp_path / "r.jsonl").write_text(json.dumps(row))

    with pytest.raises(InputError) as caught:
        sqlite_store.write(lambda conn: record_refunds(conn, refund_rows(file, now=NOW), at=NOW))

    assert (caught.value.field, caught.value.row) == (column, 1)
    assert "0.000011 EUR and 0.00 EUR given back before are more than the 0.00001 EUR" in caught.value.message


def test_another_currency_is_refused(sqlite_store: Store) -> None:
    """A refund gives back what was paid."""
    sqlite_store.write(lambda conn: add_events(conn, event("sale")))

    with pytest.raises(InputError, match="was earned in EUR") as caught:
        sqlite_store.write(lambda conn: record_refunds(conn, handed_in([refund("r", "sale", 1, currency="USD")]), at=NOW))

    assert caught.value.field == "currency"


def test_money_is_not_given_back_before_it_was_earned(store: Store) -> None:
    """Refused by name, or held to be mended; on the day itself it is taken, at whatever hour."""
    store.write(lambda conn: add_events(conn, event("sale", on="2026-11-03")))
    store.write(lambda conn: record_revenue(conn, handed_in([revenue("sub", on="2026-11-30")]), at=NOW))

    for of_id, when, day in (("sale", "2026-11-02T23:59:59Z", "2026-11-03"), ("sub", "2026-11-29T12:00:00Z", "2026-11-30")):
        early = [make_refund(f"of-{of_id}", of_id, when, 1, "EUR")]
        with pytest.raises(InputError, match=rf"before '{of_id}' was earned \({day}\)") as caught:
            store.write(partial(record_refunds, rows=handed_in(early), at=NOW))
        assert caught.value.field == "refunded_at" and caught.value.remedy
        assert store.write(partial(record_refunds, rows=handed_in(early), at=NOW, hold=True)) == Added(0, 0, 1)
    with store.reading() as conn:
        assert sorted((row.record_id, row.field) for row in held.held(conn)) == [
            ("of-sale", "refunded_at"),
            ("of-sub", "refunded_at"),
        ]
    same_day = [make_refund("r", "sale", "2026-11-03T00:00:00Z", 1, "EUR")]
    assert store.write(partial(record_refunds, rows=handed_in(same_day), at=NOW)) == Added(1, 0)


def test_a_refund_of_an_unknown_sale_waits_for_it(store: Store) -> None:
    """It is held, not lost; when the sale arrives it is taken, once."""
    early = [refund("r", "sale", 5)]
    assert store.write(lambda conn: record_refunds(conn, handed_in(early), at=NOW)) == Added(0, 0, 1)
    assert store.write(lambda conn: record_refunds(conn, handed_in(early), at=NOW)) == Added(0, 0, 1)
    with store.reading() as conn:
        assert [(row.record_id, row.reason) for row in held.held(conn)] == [("r", held.UNKNOWN_SALE)]
    store.write(lambda conn: add_events(conn, event("sale")))

    for expected in (1, 0):
        done = store.write(partial(take_held, at=NOW, outputs_known=everything, works_known=everything))
        assert done["refunds"].new == expected

    with store.reading() as conn:
        assert held.held(conn) == ()


@given(st.integers(1, 2**53 - 1), st.data())
def test_taxes_go_back_with_the_money(gross: int, data: st.DataObject) -> None:
    """Never more than there were, never more than the money, and all of them when all is given back."""
    tax = data.draw(st.integers(0, gross))
    cuts = sorted(data.draw(st.lists(st.integers(0, gross), max_size=5)))
    steps = [tax_back(gross, tax, cut) for cut in [*cuts, gross]]

    assert steps == sorted(steps)
    assert steps[-1] == tax
    for cut, back in zip(cuts, steps, strict=False):
        assert gross - cut - (tax - back) >= 0, "net money is never negative"

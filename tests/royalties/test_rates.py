"""Rates are exact ratios: read without floats, turned round and crossed as fractions, applied toward zero."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError
from endcredits.royalties.forms import handed_in
from endcredits.royalties.rates import convert, in_force, make_rate, parse_ratio, rate_between, read_rates
from endcredits.royalties.recording import Added, record_rates
from endcredits.royalties.records import Rate
from endcredits.store import Store

from .reporting import NOW

GOOD = {"currency": "USD", "into": "EUR", "rate": "0.9213", "on": "2026-11-30", "source": "ECB"}


def rate(currency: str, into: str, ratio: str, on: str = "2026-11-30") -> Rate:
    """A rate of a bank."""
    return make_rate(currency, into, ratio, on, "bank")


def test_a_decimal_and_a_ratio_are_the_same_rate(tmp_path: Path) -> None:
    """In CSV and in JSON, where it may be a number, too."""
    csv, lines = tmp_path / "r.csv", tmp_path / "r.jsonl"
    csv.write_text(f"{','.join(GOOD)}\n{','.join((GOOD | {'rate': '9213/10000'}).values())}\n")
    lines.write_text(json.dumps(GOOD).replace('"0.9213"', "0.9213"))

    assert read_rates(csv, now=NOW) == read_rates(lines, now=NOW)
    assert read_rates(csv, now=NOW) == (Rate("USD", "EUR", 9213, 10000, "2026-11-30", "ECB"),)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rate": "0"}, "rate"),
        ({"rate": "0.0"}, "rate"),
        ({"rate": "1/0"}, "rate"),
        ({"rate": "-1"}, "rate"),
        ({"rate": "1e3"}, "rate"),
        ({"rate": "NaN"}, "rate"),
        ({"rate": "inf"}, "rate"),
        ({"rate": "9" * 17}, "rate"),
        ({"rate": "9007199254740992"}, "rate"),
        ({"rate": "0,92"}, "rate"),
        ({"rate": "٣"}, "rate"),
        ({"into": "USD"}, "into"),
        ({"into": "EURO"}, "into"),
        ({"currency": "usd"}, "currency"),
        ({"on": "2026-12-24"}, "on"),
        ({"on": "30.11.2026"}, "on"),
        ({"source": ""}, "source"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, str], field: str) -> None:
    """File, row, field and remedy."""
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps(GOOD | change))

    with pytest.raises(InputError) as caught:
        read_rates(file, now=NOW)

    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), 1, field)
    assert caught.value.remedy


def test_the_latest_rate_on_or_before_a_day_holds() -> None:
    """Whatever the order of recording."""
    rates = [rate("USD", "EUR", "3", "2026-12-01"), rate("USD", "EUR", "2"), rate("USD", "EUR", "1", "2026-11-01")]

    for order in (rates, rates[::-1]):
        assert in_force(order, "2026-11-30") == {("USD", "EUR"): rates[1]}
        assert in_force(order, "2026-10-31") == {}


def test_a_rate_is_found_directly_turned_round_or_through_one_currency() -> None:
    """In this order, as exact products; nothing is found where nothing leads."""
    known = in_force(
        [rate("EUR", "USD", "1.25"), rate("EUR", "JPY", "160", "2026-11-28"), rate("USD", "CHF", "0.8")], "2026-11-30"
    )

    assert rate_between(known, "EUR", "USD") == rate("EUR", "USD", "1.25")
    turned = rate_between(known, "USD", "EUR")
    crossed = rate_between(known, "USD", "JPY")
    assert turned is not None
    assert crossed is not None
    assert (turned.numerator, turned.denominator) == (4, 5)
    assert (crossed.numerator, crossed.denominator, crossed.on) == (128, 1, "2026-11-28")
    assert "through EUR" in crossed.source
    assert rate_between(known, "USD", "GBP") is None


def test_a_product_that_needs_too_many_digits_is_refused() -> None:
    """Rather than rounded."""
    known = in_force([rate("USD", "EUR", "9007199254740881/2"), rate("EUR", "JPY", "9007199254740847/3")], "2026-11-30")

    with pytest.raises(InputError, match="too many digits"):
        rate_between(known, "USD", "JPY")


RATIO = st.tuples(st.integers(1, 10**7), st.integers(1, 10**7)).map(lambda pair: f"{pair[0]}/{pair[1]}")


@given(RATIO, RATIO, st.integers(-(10**15), 10**15))
def test_a_triangle_makes_no_money(first: str, second: str, micros: int) -> None:
    """USD to EUR to JPY at once is never less than in two steps and less than a rounding step more; and back never more."""
    known = in_force([rate("USD", "EUR", first), rate("EUR", "JPY", second)], "2026-11-30")
    crossed, back = rate_between(known, "USD", "JPY"), rate_between(known, "JPY", "USD")
    assert crossed is not None
    assert back is not None

    at_once = convert(micros, crossed)
    stepwise = convert(convert(micros, known["USD", "EUR"]), known["EUR", "JPY"])

    exact = abs(micros) * parse_ratio(first) * parse_ratio(second)
    assert abs(at_once) <= exact < abs(at_once) + 1
    assert 0 <= abs(at_once) - abs(stepwise) <= parse_ratio(second) + 1
    assert abs(convert(at_once, back)) <= abs(micros)
    assert Fraction(crossed.numerator, crossed.denominator) * Fraction(back.numerator, back.denominator) == 1


def test_a_pair_has_one_rate_a_day(store: Store) -> None:
    """The same again changes nothing; another one is refused."""
    first = [rate("USD", "EUR", "0.9"), rate("USD", "EUR", "0.91", "2026-11-29")]

    assert store.write(lambda conn: record_rates(conn, handed_in(first), at=NOW)) == Added(2, 0)
    assert store.write(lambda conn: record_rates(conn, handed_in(first), at=NOW)) == Added(0, 2)
    with pytest.raises(ConflictError, match="USD/EUR/2026-11-30"):
        store.write(lambda conn: record_rates(conn, handed_in([rate("USD", "EUR", "0.8")]), at=NOW))

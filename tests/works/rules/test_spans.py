"""Spans of ISO 8601, and where they end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works.rules.spans import is_span, moment_of, shift


@pytest.mark.parametrize("text", ["P10Y", "P6M", "P30D", "PT48H", "P0D"])
def test_spans(text: str) -> None:
    assert is_span(text)


@pytest.mark.parametrize(
    "text", ["", "10Y", "P", "P1Y6M", "PT1M", "P-1Y", "P1.5Y", "P10Y\n", "P\u0661Y", "P12345Y", 10, None]
)
def test_no_spans(text: object) -> None:
    assert not is_span(text)


def test_shift_refuses_another_shape() -> None:
    with pytest.raises(ValueError):
        shift(datetime(2026, 1, 1), "1Y")


@pytest.mark.parametrize(
    ("day", "span", "then"),
    [
        ("2026-11-20", "P10Y", "2036-11-20"),
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2026-08-31", "P6M", "2027-02-28"),
        ("2026-12-31", "P1M", "2027-01-31"),
        ("2026-11-20", "P30D", "2026-12-20"),
        ("2026-11-20", "PT48H", "2026-11-22"),
    ],
)
def test_where_they_end(day: str, span: str, then: str) -> None:
    assert shift(moment_of(day), span) == moment_of(then)


def test_backwards_and_the_ends_of_time() -> None:
    assert shift(moment_of("2026-01-31"), "P11M", back=True) == moment_of("2025-02-28")
    assert shift(moment_of("2026-01-02"), "PT48H", back=True) == moment_of("2025-12-31")
    assert shift(moment_of("9999-12-31"), "P1D") == moment_of("9999-12-31")
    assert shift(moment_of("9000-01-01"), "P9999Y") == moment_of("9999-12-31")
    assert shift(moment_of("0002-01-01"), "P5Y", back=True) == moment_of("0001-01-01")


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from("YMD"), st.integers(0, 9999), st.booleans())
def test_later_is_never_earlier(moment: datetime, unit: str, number: int, back: bool) -> None:
    then = shift(moment, f"P{number}{unit}", back=back)

    assert (then <= moment) if back else (then >= moment or moment.year == 9999)


def test_moments() -> None:
    assert moment_of("2026-11-20") == datetime(2026, 11, 20, tzinfo=UTC)
    assert moment_of("2026-11-20T01:02:03Z") == datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)
    with pytest.raises(ValueError):
        moment_of("yesterday")

"""Currency rates as exact ratios, each with its day and who published it.

    currency,into,rate,on,source
    USD,EUR,0.9213,2026-11-30,ECB euro reference rates
    JPY,EUR,1/163,2026-11-30,ECB euro reference rates

A rate is written as a decimal number or as a ratio of whole numbers and kept as a fraction in lowest terms, so no
conversion depends on how a float is printed. Banks publish most rates from one currency only: `rate_between` also finds a
rate by turning one round, or through one currency in between (USD to EUR to JPY), as an exact product. `convert` cuts off
toward zero, so that a pool never pays out more than it was worth.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.money import currency_code
from endcredits.royalties import cells
from endcredits.royalties.cells import Texts, day, not_future, shown
from endcredits.royalties.forms import Form, Read, read_rows, unique
from endcredits.royalties.records import Rate

_RATE = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,15}))?|([0-9]{1,16})/([0-9]{1,16})")
INT64_MAX = 2**63 - 1


def make_rate(currency: str, into: str, rate: str, on: str, source: str, *, now: str = "") -> Rate:
    """Makes a rate after checking every value.

    >>> one = make_rate("USD", "EUR", "0.9200", "2026-11-30", "ECB")
    >>> one.numerator, one.denominator
    (23, 25)

    Args:
        currency: from; ISO 4217 code.
        into: to, another one.
        rate: "0.9213" or "9213/10000": how many units of `into` one unit of `currency` is.
        on: the day it was fixed, YYYY-MM-DD.
        source: who published it, 1 to 200 printable characters.
        now: UTC time; a day more than `cells.SKEW_HOURS` later is refused. "" to leave that to the recording.

    Raises:
        InputError: naming the field.
    """
    value = parse_ratio(rate)
    if currency_code(currency) == into:
        raise InputError(f"a rate from {currency} to itself", remedy="Name two currencies.", field="into")
    try:
        currency_code(into)
    except InputError as error:
        raise InputError(error.message, remedy=error.remedy, field="into") from error
    return Rate(
        currency=currency,
        into=into,
        numerator=value.numerator,
        denominator=value.denominator,
        on=not_future(day(on, field="on"), now, field="on"),
        source=cells.name(source, "source"),
    )


def parse_ratio(text: str) -> Fraction:
    """A decimal number or a ratio of whole numbers, exactly.

    >>> parse_ratio("0.9213"), parse_ratio("9213/10000") == parse_ratio("0.92130")
    (Fraction(9213, 10000), True)

    Raises:
        InputError: another form, zero, or terms beyond 2**53 - 1.
    """
    match = _RATE.fullmatch(text)
    value = Fraction(0)
    if match and match[3] is None:
        decimals = match[2] or ""
        value = Fraction(int(match[1] + decimals), 10 ** len(decimals))
    elif match and int(match[4]):
        value = Fraction(int(match[3]), int(match[4]))
    if not value or max(value.numerator, value.denominator) > INTEGER_MAX:
        raise InputError(
            f"'{shown(text, 40)}' is not a rate",
            remedy="Write it like 0.9213 or 9213/10000, greater than 0, with at most 15 digits.",
            field="rate",
        )
    return value


def convert(amount_micros: int, rate: Rate) -> int:
    """An amount in `rate.into`, cut off toward zero; exact before that.

    >>> convert(-1_000_001, make_rate("USD", "EUR", "1/2", "2026-11-30", "ECB"))
    -500000
    """
    size = abs(amount_micros) * rate.numerator // rate.denominator
    return size if amount_micros >= 0 else -size


def in_force(rates: Iterable[Rate], on: str) -> dict[tuple[str, str], Rate]:
    """The latest rate of every pair that was fixed on or before a day, by (currency, into)."""
    found: dict[tuple[str, str], Rate] = {}
    for rate in rates:
        if rate.on <= on and ((rate.currency, rate.into) not in found or found[rate.currency, rate.into].on < rate.on):
            found[rate.currency, rate.into] = rate
    return found


def rate_between(known: dict[tuple[str, str], Rate], currency: str, into: str) -> Rate | None:
    """The rate from one currency to another: as published, else turned round, else through one currency in between.

    Among several currencies in between the one whose code comes first is taken, so that the answer does not depend on the
    order of recording. The day of a rate made of two is the earlier of the two.

    Args:
        known: rates in force, by (currency, into).
        currency: from.
        into: to.

    Returns:
        The rate, whose source says how it was made; None when there is none.

    Raises:
        InputError: the product of two rates needs more than 63 bits.
    """
    direct = _either_way(known, currency, into)
    if direct is not None:
        return direct
    for between in sorted({code for pair in known for code in pair} - {currency, into}):
        first, second = _either_way(known, currency, between), _either_way(known, between, into)
        if first is not None and second is not None:
            value = Fraction(first.numerator, first.denominator) * Fraction(second.numerator, second.denominator)
            if max(value.numerator, value.denominator) > INT64_MAX:
                raise InputError(
                    f"the rate from {currency} to {into} through {between} has too many digits",
                    remedy=f"Record a rate from {currency} to {into}.",
                    field="rate",
                )
            source = f"{first.source}; {second.source}; through {between}"
            return Rate(currency, into, value.numerator, value.denominator, min(first.on, second.on), source)
    return None


def _either_way(known: dict[tuple[str, str], Rate], currency: str, into: str) -> Rate | None:
    if (currency, into) in known:
        return known[currency, into]
    turned = known.get((into, currency))
    if turned is None:
        return None
    return Rate(currency, into, turned.denominator, turned.numerator, turned.on, f"{turned.source}; turned round")


def _make(texts: Texts, now: str) -> Rate:
    return make_rate(texts["currency"], texts["into"], texts["rate"], texts["on"], texts["source"], now=now)


RATES: Form[Rate] = Form(
    kind="rates",
    id_field="",
    needed=("currency", "into", "rate", "on", "source"),
    others=(),
    numbers=frozenset({"rate"}),
    make=_make,
)
"""What a file of rates looks like."""


def rate_rows(path: str | os.PathLike[str], *, now: str) -> Iterator[Read[Rate]]:
    """The rows of a file one by one, good and bad, in bounded memory; see `forms.read_rows`."""
    return read_rows(path, RATES, now=now)


def read_rates(path: str | os.PathLike[str], *, now: str) -> tuple[Rate, ...]:
    """Reads the rates of a file, in its order; what stands twice with equal content counts once.

    Raises:
        InputError: naming file, row and field; or one pair and day with two contents.
    """
    return unique(rate_rows(path, now=now), lambda rate: f"{rate.currency} to {rate.into} on {rate.on}", "on")

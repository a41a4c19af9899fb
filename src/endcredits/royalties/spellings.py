"""How names, portions and amounts are spelt in files that people write: read exactly, or refused by their field."""

from __future__ import annotations

import re

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.money import PPB, currency_code, parse_micros

PPB_PER_PERCENT = PPB // 100
NAME_LENGTH_MAX = 200
"""Characters in a name that people read."""

_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,7}))? ?%")
_FACTOR = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,9}))? ?x")
_AMOUNT_LENGTH_MAX = 20  # holds every amount in range and keeps absurd ones out of the arithmetic


def readable(text: str, field: str) -> str:
    """Returns a name that people read as it is.

    Raises:
        InputError: empty, more than 200 characters, more than one line, or invisible characters.
    """
    if not text.strip() or text != text.strip() or len(text) > NAME_LENGTH_MAX or not text.isprintable():
        raise InputError(
            f"{text[:60]!r} cannot be a name",
            remedy=f"Use one line of 1 to {NAME_LENGTH_MAX} visible characters, without blanks at its ends.",
            field=field,
        )
    return text


def chosen(text: str, choices: tuple[str, ...], field: str) -> str:
    """Returns a word as it is.

    Raises:
        InputError: it is not one of `choices`.
    """
    if text not in choices:
        raise InputError(
            f"'{text[:40]}' is not known here", remedy=f"Write one of: {', '.join(map(repr, choices))}.", field=field
        )
    return text


def percent_ppb(text: str, field: str) -> int:
    """Parts per billion of a percentage such as "12.5%", from 0 to 100 %, exactly.

    >>> percent_ppb("12.5%", "share")
    125000000

    Raises:
        InputError: another form, more than seven decimals, or more than the whole.
    """
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise InputError(
            f"'{text[:40]}' is not a percentage",
            remedy='Write it like "50%" or "12.5%", with at most 7 decimals.',
            field=field,
        )
    ppb = int(match[1]) * PPB_PER_PERCENT + int((match[2] or "").ljust(7, "0"))
    if ppb > PPB:
        raise InputError(f"{text} is more than the whole", remedy="Give at most 100%.", field=field)
    return ppb


def amount_micros(text: str, field: str) -> int:
    """Micros of an amount that is not negative, exactly.

    Raises:
        InputError: not a decimal number, negative, finer than a micro, or beyond what a document holds.
    """
    micros = parse_micros(text[:_AMOUNT_LENGTH_MAX], field=field)
    if len(text) > _AMOUNT_LENGTH_MAX or not 0 <= micros <= INTEGER_MAX:
        raise InputError(f"'{text[:40]}' is out of range", remedy="Give an amount from 0 to 9007199254.", field=field)
    return micros


def checked_currency(code: str, field: str) -> str:
    """Returns an ISO 4217 code as it is.

    Raises:
        InputError: not an active code.
    """
    try:
        return currency_code(code)
    except InputError as error:
        raise InputError(error.message, remedy=error.remedy, field=field) from error


def factor_ppb(text: str, field: str) -> int:
    """Parts per billion of a factor, exactly.

    >>> factor_ppb("1.5x", "trailer")
    1500000000

    Raises:
        InputError: another form, or more than nine decimals.
    """
    match = _FACTOR.fullmatch(text)
    if match is None:
        raise InputError(f"'{text[:40]}' is not a factor", remedy='Write it like "1.5x" or "2x".', field=field)
    return int(match[1]) * PPB + int((match[2] or "").ljust(9, "0"))

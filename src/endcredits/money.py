"""Money is an integer number of micros with a currency, and dividing it is always an allocation that adds up.

A micro is a millionth of the currency's main unit (1 EUR = 1,000,000 micros), whatever its smallest coin. Nothing is
ever rounded on its own: `allocate` splits a whole by integer weights with the largest-remainder method (Hamilton's
method), so that the parts sum to the whole, a weight of zero gets zero, equal remainders are decided by id, and the
order in which the parts are written never matters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from endcredits.errors import InputError

PPB = 1_000_000_000
"""Parts per billion in one whole: splits and shares are integers out of this."""

MICROS = 1_000_000
"""Micros in one main unit of any currency."""

# ISO 4217 active currencies with the number of decimals of their smallest coin (list one, amendment 176).
_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG "
    "YER ZAR ZMW ZWG",
}
EXPONENT_OF_CURRENCY = {code: exponent for exponent, codes in _EXPONENTS.items() for code in codes.split()}
"""Decimals of a currency's smallest coin, by ISO 4217 code."""


def currency_code(text: str) -> str:
    """Returns an ISO 4217 code as it is.

    >>> currency_code("EUR")
    'EUR'

    Raises:
        InputError: not an active code.
    """
    if text not in EXPONENT_OF_CURRENCY:
        raise InputError(
            f"'{text}' is not a currency of ISO 4217",
            remedy="Use a three-letter code in capitals such as USD, EUR or JPY.",
            field="currency",
        )
    return text


@dataclass(frozen=True, slots=True, order=True)
class Amount:
    """A sum of money.

    Attributes:
        micros: millionths of the main unit; may be negative.
        currency: ISO 4217 code.
    """

    micros: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.micros, bool) or not isinstance(self.micros, int):
            raise InputError(
                f"an amount of {self.micros!r} micros is not a whole number",
                remedy="Give whole micros: 1 main unit = 1000000 micros.",
                field="micros",
            )
        currency_code(self.currency)

    def __str__(self) -> str:
        return format_micros(self.micros, self.currency)


def format_micros(micros: int, currency: str = "") -> str:
    """An amount as people read it, with all six decimals that are not trailing zeros past the second.

    >>> format_micros(1_234_500_000, "EUR"), format_micros(-1, "EUR"), format_micros(250_000)
    ('1,234.50 EUR', '-0.000001 EUR', '0.25')
    """
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), MICROS)
    decimals = f"{part:06d}"
    while len(decimals) > 2 and decimals.endswith("0"):
        decimals = decimals[:-1]
    return f"{sign}{whole:,}.{decimals}{' ' + currency if currency else ''}"


_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_LENGTH_MAX = 100  # Python itself refuses to read numbers of thousands of digits, with an error of its own


def parse_micros(text: str, *, field: str = "amount") -> int:
    """Reads a decimal number of main units as micros, exactly.

    >>> parse_micros("12.5"), parse_micros("-0.000001")
    (12500000, -1)

    Raises:
        InputError: not a plain decimal number, more than six decimals, or longer than any amount.
    """
    if len(text) > _LENGTH_MAX:
        raise InputError(f"'{text[:30]}...' is too long for an amount", remedy="Check the number.", field=field)
    if not _DECIMAL.fullmatch(text):
        raise InputError(f"'{text}' is not an amount", remedy="Write it like 12.50, with a point.", field=field)
    whole, _, part = text.lstrip("-").partition(".")
    if len(part) > 6:
        raise InputError(f"'{text}' is finer than a micro (a millionth)", remedy="Give at most six decimals.", field=field)
    micros = int(whole) * MICROS + int(part.ljust(6, "0"))
    return -micros if text.startswith("-") else micros


def allocate(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Splits a whole by integer weights, to the unit, with the largest-remainder method.

    Each part first gets the floor of its exact due, total * weight / sum of weights; the units left over go one each to
    the largest remainders, equal remainders in the order of their ids. A negative total is split like its absolute
    value.

    >>> allocate(100, {"b": 1, "a": 1, "c": 1})
    {'b': 33, 'a': 34, 'c': 33}
    >>> allocate(5, {"a": 0, "b": 3})
    {'a': 0, 'b': 5}

    Args:
        total: the whole, in any integer unit.
        weights: one weight per id, each >= 0.

    Returns:
        One part per id, in the order of `weights`; the parts sum to `total`.

    Raises:
        InputError: a weight is negative or not a whole number, or all weights are zero and the total is not.
    """
    for key, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int) or weight < 0:
            raise InputError(f"the weight of '{key}' is {weight!r}", remedy="Weights are whole numbers >= 0.")
    if isinstance(total, bool) or not isinstance(total, int):
        raise InputError(f"the total {total!r} is not a whole number")
    whole = sum(weights.values())
    if whole == 0:
        if total == 0:
            return dict.fromkeys(weights, 0)
        raise InputError(f"{total} cannot be allocated: every weight is zero")
    size = abs(total)
    parts = {key: size * weight // whole for key, weight in weights.items()}
    remainders = {key: size * weight % whole for key, weight in weights.items()}
    left = size - sum(parts.values())
    for key in sorted(weights, key=lambda key: (-remainders[key], key))[:left]:
        parts[key] += 1
    return parts if total >= 0 else {key: -part for key, part in parts.items()}

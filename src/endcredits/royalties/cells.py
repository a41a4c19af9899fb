"""Reading single cells: texts, exact amounts, whole numbers, days and times, each error naming its field and a remedy.

Amounts are read digit by digit and never pass through a float; a float in a Parquet column is refused, since 0.1 as a float
is another number. Names that people see (services, offers, payers) may hold any script but no control, direction or
half characters, so that a row cannot forge another line of a statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import EndcreditsError, InputError
from endcredits.money import format_micros, parse_micros
from endcredits.royalties.tabular import Digits

SKEW_HOURS = 24
"""How far after "now" a time may lie: clocks and time zones differ, and no period closes before its last day is over."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,30}")
_TERRITORY = re.compile(r"[A-Z]{2}|WORLD")
_HELD = re.compile(r"held_(id|file|row|field|problem|remedy)")

Texts = dict[str, str]
"""Cells that are filled in, as texts; numbers as `Digits`; a list as its items joined by ";"."""


def shown(text: object, limit: int = 60) -> str:
    """A value for an error message: cut short, and nothing in it that a terminal or a page would obey.

    >>> shown("a" + chr(27) + "[2J")
    'a\\\\x1b[2J'
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(text)[:limit])


def is_ours(column: str) -> bool:
    """Whether a column is one that we wrote beside held rows; it is passed over when they come back mended."""
    return bool(_HELD.fullmatch(column))


def texts_of(cells: Mapping[str, object], known: frozenset[str], numbers: frozenset[str], lists: frozenset[str]) -> Texts:
    """The cells that are filled in.

    Args:
        cells: of one row.
        known: columns that may be there.
        numbers: those that may be numbers.
        lists: those that may be lists of texts.

    Raises:
        InputError: an unknown column, or a value of another type.
    """
    texts: Texts = {}
    for key, value in cells.items():
        if key not in known:
            if is_ours(key):
                continue
            names = ", ".join(sorted(known))
            raise InputError(f"there is no field '{shown(key)}'", remedy=f"Known fields: {names}.", field=shown(key))
        if value is None or value == "":
            continue
        if type(value) is str or (isinstance(value, Digits) and key in numbers):
            texts[key] = value
        else:
            texts[key] = _converted(key, value, lists)
    return texts


def _converted(key: str, value: object, lists: frozenset[str]) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise InputError("the text is not UTF-8", remedy="Save it as UTF-8.", field=key) from error
    if isinstance(value, list) and key in lists:
        if not all(type(item) is str and ";" not in item for item in value):
            raise InputError("the list holds something that is no id", remedy='Write ["work-a", "work-b"].', field=key)
        return ";".join(value)
    if isinstance(value, Digits):
        raise InputError(f"{shown(value)} is a number, not a text", remedy="Give it as a text.", field=key)
    if isinstance(value, float):
        raise InputError(
            f"{value!r} is a binary fraction, which does not hold amounts exactly",
            remedy="Give decimal numbers, texts, or whole micros in the column that ends in _micros.",
            field=key,
        )
    raise InputError(
        f"{shown(repr(value))} is not a text", remedy="Give a text or, for amounts, a decimal number.", field=key
    )


def required(texts: Mapping[str, str], *keys: str) -> None:
    """Demands cells.

    Raises:
        InputError: one is missing or empty.
    """
    for key in keys:
        if key not in texts:
            raise InputError(f"'{key}' is missing", remedy=f"Fill in {key}.", field=key)


def amount(texts: Mapping[str, str], name: str, default: int | None = None) -> int:
    """An amount that stands either as decimal main units (`name`) or as whole micros (`name_micros`).

    Raises:
        InputError: both or (without a default) none are there, or not a number.
    """
    unit, micros = texts.get(name), texts.get(f"{name}_micros")
    if (unit is None) == (micros is None):
        if unit is None and default is not None:
            return default
        raise InputError(
            f"a row gives either '{name}' or '{name}_micros'", remedy="Fill in exactly one of them.", field=name
        )
    if unit is not None:
        if len(unit) > 30:
            raise InputError(f"'{shown(unit, 30)}...' is too long for an amount", remedy="Check the row.", field=name)
        try:
            return parse_micros(unit, field=name)
        except InputError as error:
            raise InputError(shown(error.message, 100), remedy=error.remedy, field=name) from error
    return whole(texts, f"{name}_micros")


def whole(texts: Mapping[str, str], key: str, default: int | None = None) -> int:
    """A whole number >= 0.

    Raises:
        InputError: it is missing and has no default, or is not made of digits alone.
    """
    text = texts.get(key)
    if text is None and default is not None:
        return default
    if text is None or not _WHOLE.fullmatch(text):
        raise InputError(
            f"'{shown(text, 30)}' is not a whole number >= 0",
            remedy="Give digits only" + ("; 1 main unit = 1000000 micros." if key.endswith("_micros") else "."),
            field=key,
        )
    return int(text)


def as_spelled(error: EndcreditsError, cells: Mapping[str, object]) -> EndcreditsError:
    """The same error naming its amount as the row does: `revenue` where that is filled in and not `revenue_micros`."""
    unit = (error.field or "").removesuffix("_micros")
    if unit == error.field or cells.get(unit) in (None, ""):
        return error
    return type(error)(error.message, remedy=error.remedy, file=error.file, row=error.row, field=unit)


def check_micros(value: int, field: str, what: str, currency: str = "", *, least: int = 0) -> int:
    """Demands whole micros that every JSON reader keeps. `currency` is for the words alone.

    Raises:
        InputError: another type, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(
            f"{what} of {shown(repr(value))} micros is not a whole number",
            remedy="Give whole micros: 1 main unit = 1000000 micros.",
            field=field,
        )
    if not least <= value <= INTEGER_MAX:
        raise InputError(
            f"{what} of {shown(format_micros(value, currency))} is out of range",
            remedy=f"Give {format_micros(least)} to {format_micros(INTEGER_MAX)}; "
            + ("what is given back has no sign." if least else "money that goes back is a refund."),
            field=field,
        )
    return value


def check_tax(tax_micros: int, of_micros: int, currency: str = "") -> int:
    """Demands taxes that are part of an amount. `currency` is for the words alone.

    Raises:
        InputError: out of range, or more than the amount.
    """
    if check_micros(tax_micros, "tax_micros", "a tax", currency) > of_micros:
        taxes, whole_amount = (shown(format_micros(micros, currency)) for micros in (tax_micros, of_micros))
        raise InputError(
            f"the taxes of {taxes} are more than the {whole_amount} that they are part of",
            remedy="Give the amount before taxes are taken off, and the taxes within it.",
            field="tax_micros",
        )
    return tax_micros


@lru_cache(4096)
def territory(text: str) -> str:
    """Returns WORLD or a two-letter code as it is.

    Raises:
        InputError: neither.
    """
    if not _TERRITORY.fullmatch(text):
        raise InputError(
            f"'{shown(text)}' is not a territory",
            remedy="Write WORLD or a two-letter ISO 3166-1 code in capitals such as DE.",
            field="territory",
        )
    return text


@lru_cache(4096)
def name(text: str, field: str, *, may_be_empty: bool = False) -> str:
    """Returns a name of one line as it is.

    Raises:
        InputError: empty, longer than 200 characters, or a character that does not print.
    """
    if (not text and may_be_empty) or (text.strip() and len(text) <= 200 and text.isprintable()):
        return text
    raise InputError(f"'{shown(text)}' cannot name it", remedy="Use 1 to 200 printable characters.", field=field)


def utc_time(text: str, *, field: str) -> str:
    """Reads a UTC time in ISO 8601 and writes it with "Z" and whole seconds (a fraction is cut off).

    >>> utc_time("2026-11-03T12:00:00.9+00:00", field="used_at")
    '2026-11-03T12:00:00Z'

    Raises:
        InputError: another form, no such time, no time zone, or a zone that is not UTC.
    """
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() != timedelta(0):
            raise ValueError(text)
    except ValueError as error:
        raise InputError(
            f"'{shown(text)}' is not a time in UTC",
            remedy="Write it like 2026-11-03T12:00:00Z, converted to UTC.",
            field=field,
        ) from error
    return text if len(text) == 20 else moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def day(text: str, *, field: str) -> str:
    """Returns a day YYYY-MM-DD as it is.

    Raises:
        InputError: another form, or no such day.
    """
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"'{shown(text)}' is not a day", remedy="Write it like 2026-11-30.", field=field) from error
    return text


@lru_cache(64)
def latest(now: str) -> str:
    """The last moment that is not in the future, seen at `now`: `SKEW_HOURS` later.

    >>> latest("2026-11-03T12:00:00Z")
    '2026-11-04T12:00:00Z'
    """
    moment = datetime.fromisoformat(utc_time(now, field="now")).replace(tzinfo=None)
    try:
        return (moment + timedelta(hours=SKEW_HOURS)).isoformat(timespec="seconds") + "Z"
    except OverflowError:
        return "9999-12-31T23:59:59Z"


def not_future(moment: str, now: str, *, field: str) -> str:
    """Returns a time or day as it is unless it lies in the future; `now` of "" lets everything pass.

    Raises:
        InputError: it is more than `SKEW_HOURS` after `now`.
    """
    if now and moment > latest(now)[: len(moment)]:
        raise InputError(
            f"{moment} is in the future (it is {now})",
            remedy=f"Check the clock and the time zone; up to {SKEW_HOURS} hours ahead are taken.",
            field=field,
        )
    return moment

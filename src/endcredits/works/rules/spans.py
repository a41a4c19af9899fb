"""Spans of time in ISO 8601 (`P10Y`, `P6M`, `P30D`, `PT48H`), and moments that they are added to.

A day counts as its first second in UTC, so that days and times can be compared. A span of years or months that ends on a
day which does not exist (29 February) ends on the last day of that month: a limit is never longer than it says.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"P(?:([0-9]{1,4})([YMD])|T([0-9]{1,6})H)", re.ASCII)
_END = datetime(9999, 12, 31, tzinfo=UTC)
_BEGIN = datetime(1, 1, 1, tzinfo=UTC)


def is_span(text: object) -> bool:
    """Whether a value is one number of years, months, days or hours in ISO 8601."""
    return isinstance(text, str) and _SPAN.fullmatch(text) is not None


def shift(moment: datetime, span: str, *, back: bool = False) -> datetime:
    """A moment later by a span, or earlier; years 1 and 9999 are the ends of time.

    >>> shift(datetime(2024, 2, 29), "P1Y")
    datetime.datetime(2025, 2, 28, 0, 0)

    Raises:
        ValueError: not such a span.
    """
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError(f"{span!a} is not a span")
    number, unit, hours = found.groups()
    sign = -1 if back else 1
    try:
        if unit in ("Y", "M"):
            months = moment.year * 12 + moment.month - 1 + sign * int(number) * (12 if unit == "Y" else 1)
            year, month = divmod(months, 12)
            return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))
        return moment + sign * (timedelta(days=int(number)) if unit else timedelta(hours=int(hours)))
    except (ValueError, OverflowError):
        return (_BEGIN if back else _END).replace(tzinfo=moment.tzinfo)


def moment_of(text: str) -> datetime:
    """A day or a UTC time as a moment.

    Raises:
        ValueError: neither.
    """
    if len(text) == 10:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

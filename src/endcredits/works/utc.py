"""UTC times and calendar days as texts of one shape, so that comparing texts is comparing times.

The shape is RFC 3339 in whole seconds with a capital T and Z: `2026-11-20T12:00:00Z`.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from endcredits.errors import InputError

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check_time(text: str, *, field: str = "at") -> str:
    """Returns a UTC time as it is.

    >>> check_time("2026-11-20T12:00:00Z")
    '2026-11-20T12:00:00Z'

    Raises:
        InputError: another shape, or no such time.
    """
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError as error:
        raise InputError(f"'{text}' is not a UTC time", remedy="Write it like 2026-11-20T12:00:00Z.", field=field) from error
    return text


def check_day(text: str, *, field: str = "valid_from") -> str:
    """Returns a calendar day as it is.

    Raises:
        InputError: not YYYY-MM-DD, or no such day.
    """
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"'{text}' is not a day", remedy="Write it like 2026-11-20.", field=field) from error
    return text

"""The days of a period: a month by its name, or days of one's own."""

from __future__ import annotations

import calendar
import datetime
import re

from endcredits.errors import InputError
from endcredits.ids import plain_id

PERIOD_LENGTH_MAX = 100
"""Longest name of a period, in characters; "statement:<period>:<currency>:..." must still be an id."""


def checked_period(period_id: str) -> str:
    """Returns a period's name as it is.

    Raises:
        InputError: it is no plain id, or too long.
    """
    if len(plain_id(period_id, what="period")) > PERIOD_LENGTH_MAX:
        raise InputError(
            f"the period's name '{period_id[:40]}...' is too long",
            remedy=f"Use at most {PERIOD_LENGTH_MAX} characters: other ids are made from it.",
            field="period",
        )
    return period_id


def days_of(period_id: str, starts_on: str = "", ends_on: str = "") -> tuple[str, str]:
    """First and last day of a period; a period named YYYY-MM is that month.

    >>> days_of("2026-02")
    ('2026-02-01', '2026-02-28')

    Raises:
        InputError: another name and no days, one day without the other, days that are none, or a month with other days.
    """
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", period_id)
    if starts_on or ends_on:
        days = _own_days(starts_on, ends_on)
        if match and days != days_of(period_id):
            raise InputError(
                f"'{period_id}' names a month, and {days[0]} to {days[1]} are other days",
                remedy="Give the period another name, such as spring, or leave out --from and --to.",
                field="period",
            )
        return days
    if not match or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise InputError(
            f"'{period_id}' is not a month",
            remedy="Name a month (2026-11), or give the first and the last day with --from and --to.",
            field="period",
        )
    last = calendar.monthrange(int(match[1]), int(match[2]))[1]
    return f"{period_id}-01", f"{period_id}-{last:02d}"


def _own_days(starts_on: str, ends_on: str) -> tuple[str, str]:
    for option, day in (("--from", starts_on), ("--to", ends_on)):
        try:
            # fromisoformat also reads 20261120, which would sort wrongly as a text.
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
                raise ValueError(day)
            datetime.date.fromisoformat(day)
        except ValueError as error:
            raise InputError(
                f"'{day}' is not a day" if day else "a period of your own needs its first and its last day",
                remedy="Give both --from and --to, written YYYY-MM-DD.",
                field=option,
            ) from error
    if starts_on > ends_on:
        raise InputError(
            f"the period ends on {ends_on}, before it starts on {starts_on}", remedy="Exchange the two days.", field="--to"
        )
    return starts_on, ends_on

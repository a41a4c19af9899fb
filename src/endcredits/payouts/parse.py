"""Reading small numbers that people write: percentages as parts per billion, exactly."""

from __future__ import annotations

import re

from endcredits.errors import InputError
from endcredits.money import PPB


def percent_ppb(text: str, *, field: str) -> int:
    """A percentage from 0 to 100 as parts per billion, exact.

    >>> percent_ppb("15.825", field="rate"), percent_ppb("0", field="rate")
    (158250000, 0)

    Raises:
        InputError: not a plain decimal number from 0 to 100 with at most seven decimals.
    """
    match = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,7}))?", text.removesuffix("%").strip())
    ppb = int(match[1]) * 10_000_000 + int((match[2] or "").ljust(7, "0")) if match else -1
    if not 0 <= ppb <= PPB:
        raise InputError(f"'{text[:30]}' is not a percentage from 0 to 100", remedy="Write it like 15 or 24.5.", field=field)
    return ppb

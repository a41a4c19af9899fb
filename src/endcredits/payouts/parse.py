"""Reading what people write for paying: days, percentages as parts per billion, and files, with errors they can act on."""

from __future__ import annotations

import datetime
import json
import os
import re
from pathlib import Path
from typing import Any

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


def check_day(text: str, *, field: str) -> str:
    """Returns a day as it is.

    Raises:
        InputError: not a day of the calendar written YYYY-MM-DD.
    """
    try:
        # fromisoformat also reads 20261203, which would sort wrongly as a text.
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        datetime.date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"'{text[:30]}' is not a day", remedy="Write it as YYYY-MM-DD, such as 2026-12-03.", field=field
        ) from error
    return text


def read_text(path: str | os.PathLike[str]) -> str:
    """The whole text of a UTF-8 file; a byte order mark at its beginning is dropped.

    Raises:
        InputError: no such file, a folder, no permission, or not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start} is not UTF-8", remedy="Save the file as UTF-8.", file=path) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"the file cannot be read ({why})", remedy="Check its name and permissions.", file=path) from error


def read_texts(line: str) -> dict[str, str]:
    """A JSON object of texts, every key once.

    Raises:
        ValueError: not JSON, another value, a value that is no text, a key twice, or half a character (a lone surrogate).
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key stands there twice")
        return dict(pairs)

    try:
        row = json.loads(line, object_pairs_hook=once)
        json.dumps(row, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise ValueError("half a character, or nested too deeply") from error
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise ValueError('not an object of texts such as {"minimum": "10"}')
    return row

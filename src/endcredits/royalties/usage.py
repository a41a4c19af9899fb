"""Usage events: which output was used when, and what it earned.

Files are CSV (with a header) or JSON Lines, one event a row:

    event_id,output_id,used_at,revenue,currency,service,territory
    sale-1,output:4f2a,2026-11-03T12:00:00Z,0.25,EUR,web,DE

`revenue` is a decimal number of main units and `revenue_micros` a whole number of micros; a row has one of the two.
`service` and `territory` may be left out. Amounts are read digit by digit and never pass through a float. A row that
cannot be used is named and nothing of the file is taken.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.ids import OutputId, plain_id
from endcredits.money import currency_code, parse_micros
from endcredits.royalties.records import UsageEvent
from endcredits.royalties.sources import read_text

REQUIRED = ("event_id", "output_id", "used_at", "currency")
OPTIONAL = ("revenue", "revenue_micros", "service", "territory")

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,20}")
_TERRITORY = re.compile(r"[A-Z]{2}|WORLD")


def make_event(
    event_id: str,
    output_id: str,
    used_at: str,
    revenue_micros: int,
    currency: str,
    service: str = "default",
    territory: str = "WORLD",
) -> UsageEvent:
    """Makes a usage event after checking every value.

    Args:
        event_id: the operator's own id, 1 to 200 plain characters.
        output_id: of the attributed output.
        used_at: UTC time as ISO 8601 ("2026-11-03T12:00:00Z" or "+00:00"); kept with "Z", whole seconds.
        revenue_micros: what it earned, 0 to 2**53 - 1.
        currency: ISO 4217 code.
        service: product or channel, one line of at most 200 characters.
        territory: "WORLD" or an ISO 3166-1 alpha-2 code.

    Raises:
        InputError: naming the field.
    """
    if isinstance(revenue_micros, bool) or not isinstance(revenue_micros, int):
        raise InputError(
            f"a revenue of {revenue_micros!r} micros is not a whole number",
            remedy="Give whole micros: 1 main unit = 1000000 micros.",
            field="revenue_micros",
        )
    if not 0 <= revenue_micros <= INTEGER_MAX:
        raise InputError(
            f"a revenue of {revenue_micros} micros is out of range",
            remedy=f"Give 0 to {INTEGER_MAX}; refunds are booked as adjustments, not as usage.",
            field="revenue_micros",
        )
    if not _TERRITORY.fullmatch(territory):
        raise InputError(
            f"'{territory[:60]}' is not a territory",
            remedy="Write WORLD or a two-letter ISO 3166-1 code in capitals such as DE.",
            field="territory",
        )
    if not service.strip() or len(service) > 200 or not service.isprintable():
        raise InputError(
            f"'{service[:60]}' cannot name a service", remedy="Use 1 to 200 printable characters.", field="service"
        )
    return UsageEvent(
        event_id=plain_id(event_id, what="event_id"),
        output_id=OutputId(plain_id(output_id, what="output_id")),
        used_at=utc_time(used_at, field="used_at"),
        revenue_micros=revenue_micros,
        currency=currency_code(currency),
        service=service,
        territory=territory,
    )


def utc_time(text: str, *, field: str) -> str:
    """Reads a UTC time in ISO 8601 and writes it with "Z" and whole seconds (a fraction is cut off).

    >>> utc_time("2026-11-03T12:00:00.9+00:00", field="used_at")
    '2026-11-03T12:00:00Z'

    Raises:
        InputError: another form, no such time, no time zone, or a zone that is not UTC.
    """
    problem = InputError(
        f"'{text[:60]}' is not a time in UTC",
        remedy="Write it like 2026-11-03T12:00:00Z, converted to UTC.",
        field=field,
    )
    if not _TIME.fullmatch(text):
        raise problem
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise problem from error
    if moment.utcoffset() != timedelta(0):
        raise problem
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def day(text: str, *, field: str) -> str:
    """Returns a day YYYY-MM-DD as it is.

    Raises:
        InputError: another form, or no such day.
    """
    problem = InputError(f"'{text[:60]}' is not a day", remedy="Write it like 2026-11-30.", field=field)
    if not _DAY.fullmatch(text):
        raise problem
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise problem from error
    return text


def read_usage(path: str | os.PathLike[str]) -> tuple[UsageEvent, ...]:
    """Reads the usage events of a file, in its order; an event that stands twice with equal content counts once.

    Args:
        path: a CSV file (`.csv`) or JSON Lines (`.jsonl`, `.ndjson`), UTF-8.

    Raises:
        InputError: naming file, row and field; or one id with two contents.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        rows = _csv_rows(read_text(path), path)
    elif suffix in (".jsonl", ".ndjson"):
        rows = _json_rows(read_text(path), path)
    else:
        raise InputError(f"files ending in '{suffix}' are not read", remedy="Hand in a .csv or a .jsonl file.", file=path)
    return _events(rows, path)


def _events(rows: Iterable[tuple[int, Mapping[str, object]]], path: object) -> tuple[UsageEvent, ...]:
    found: dict[str, UsageEvent] = {}
    for number, row in rows:
        try:
            event = _event(row)
        except InputError as error:
            raise InputError(error.message, remedy=error.remedy, file=path, row=number, field=error.field) from error
        known = found.setdefault(event.event_id, event)
        if known != event:
            raise InputError(
                f"the event '{event.event_id}' stands twice in this file, with different content",
                remedy="Give every use its own event_id, or delete the wrong row.",
                file=path,
                row=number,
                field="event_id",
            )
    return tuple(found.values())


def _event(row: Mapping[str, object]) -> UsageEvent:
    for key in row:
        if key not in REQUIRED + OPTIONAL:
            known = ", ".join(REQUIRED + OPTIONAL)
            raise InputError(f"there is no field '{key}'", remedy=f"Known fields: {known}.", field=str(key))
    texts = {key: _text(value, key) for key, value in row.items() if value is not None and value != ""}
    for key in REQUIRED:
        if key not in texts:
            raise InputError(f"'{key}' is missing", remedy=f"Fill in {key}.", field=key)
    return make_event(
        texts["event_id"],
        texts["output_id"],
        texts["used_at"],
        _revenue_micros(texts),
        texts["currency"],
        texts.get("service", "default"),
        texts.get("territory", "WORLD"),
    )


def _text(value: object, key: str) -> str:
    # Numbers reach us as the digits that stand in the file (see `_json_rows`), so nothing was rounded on the way.
    if isinstance(value, _Digits) and key not in ("revenue", "revenue_micros"):
        raise InputError(f"{value} is a number, not a text", remedy="Put it in quotation marks.", field=key)
    if not isinstance(value, str):
        raise InputError(f"{value!r} is not a text", remedy="Give a text or, for revenue, a number.", field=key)
    return value


def _revenue_micros(texts: Mapping[str, str]) -> int:
    if ("revenue" in texts) == ("revenue_micros" in texts):
        raise InputError(
            "a row gives either 'revenue' or 'revenue_micros'", remedy="Fill in exactly one of them.", field="revenue"
        )
    if "revenue" in texts:
        text = texts["revenue"]
        if len(text) > 30:
            raise InputError(f"'{text[:30]}...' is too long for an amount", remedy="Check the row.", field="revenue")
        return parse_micros(text, field="revenue")
    text = texts["revenue_micros"]
    if not _WHOLE.fullmatch(text):
        raise InputError(
            f"'{text[:30]}' is not a whole number of micros >= 0",
            remedy="Give digits only; 1 main unit = 1000000 micros.",
            field="revenue_micros",
        )
    return int(text)


class _Digits(str):
    """A JSON number as it stands in the file."""

    __slots__ = ()


def _csv_rows(text: str, path: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise InputError("the file has no header", remedy=f"Begin it with {','.join(REQUIRED)},revenue.", file=path)
        if len(set(header)) != len(header):
            raise InputError("a column stands twice in the header", remedy="Keep one of the two.", file=path)
        for key in REQUIRED:
            if key not in header:
                raise InputError(f"the column '{key}' is missing", remedy=f"Add {key}.", file=path, field=key)
        for number, cells in enumerate(filter(None, reader), start=1):
            if len(cells) != len(header):
                raise InputError(
                    f"there are {len(cells)} cells under {len(header)} columns",
                    remedy="Put cells that hold a comma in quotation marks.",
                    file=path,
                    row=number,
                )
            yield number, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise InputError(
            f"the file is not CSV ({error})", remedy="Check its quotation marks.", file=path, row=reader.line_num
        ) from error


def _json_rows(text: str, path: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_float=_Digits, parse_int=_Digits, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"the line is not JSON ({error})", remedy="Write one object a line.", file=path, row=number
            ) from error
        if not isinstance(row, dict):
            raise InputError("the line is not an object", remedy="Write one {...} a line.", file=path, row=number)
        yield number, row


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a key stands twice")
    return row

"""A record read field by field against the fields that the pack knows.

What the pack does not know, and what is not of its type, is a finding and counts as unreadable from there on; it never
helps a record. A field that is left away is *silent*, which is neither yes nor no; null, where it is allowed, is a
statement that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from endcredits.errors import InputError
from endcredits.works.rules.records import Field
from endcredits.works.rules.spans import moment_of
from endcredits.works.rules.territories import is_place
from endcredits.works.utc import check_day, check_time

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)


class _Silence(Enum):
    SILENT = "silent"


SILENT = _Silence.SILENT
"""What stands for a field that the record leaves away, or that cannot be read."""


def _day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(check_day(value))
    except InputError:
        return False


def _time(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(check_time(value))
    except InputError:
        return False


def _text(value: object) -> bool:
    return isinstance(value, str)


def _each(of_one: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list | tuple) and all(of_one(one) for one in value)


TYPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "text": (_text, "a text"),
    "texts": (_each(_text), "a list of texts"),
    "yes-no": (lambda value: isinstance(value, bool), "true or false"),
    "count": (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63,
        "a whole number of at least 0",
    ),
    "decimal": (
        lambda value: isinstance(value, str) and _DECIMAL.fullmatch(value) is not None,
        'a decimal number as a text ("1.5")',
    ),
    "digest": (lambda value: isinstance(value, str) and _DIGEST.fullmatch(value) is not None, "64 small hex digits"),
    "day": (_day, "a day (2026-11-20)"),
    "days": (_each(_day), "a list of days"),
    "time": (_time, "a UTC time (2026-11-20T12:00:00Z)"),
    "place": (lambda value: isinstance(value, str) and is_place(value), "a place (WORLD, EU, DE, US-CA)"),
    "places": (_each(lambda value: isinstance(value, str) and is_place(value)), "a list of places"),
    "group": (lambda value: isinstance(value, Mapping), "an object"),
    "rows": (lambda value: isinstance(value, list | tuple), "a list of objects"),
}
"""The types of fields: whether a value is of it, and its name in words."""

LISTS = frozenset(("texts", "days", "places", "rows"))
MOMENTS = frozenset(("day", "time"))


def row_list(path: str) -> str:
    """The list whose rows a path goes through, "" for none.

    >>> row_list("uses[].description"), row_list("pay.basis")
    ('uses', '')
    """
    return path.partition("[]")[0] if "[]" in path else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A record as it can be compared.

    Attributes:
        values: by path, outside of lists of rows; moments as `datetime`, lists as tuples.
        rows: by path of the list, the same per row.
        problems: (field, condition id, words) of what is unknown or of a wrong type.
    """

    values: Mapping[str, Any]
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]
    problems: tuple[tuple[str, str, str], ...]


def read_record(record: Mapping[str, Any], fields: Mapping[str, Field]) -> Reading:
    """Reads a record; never raises for what stands in it.

    Raises:
        InputError: it is no object at all.
    """
    if not isinstance(record, Mapping):
        raise InputError("the record is not an object of fields", remedy='Write {"person_id": ...}.', field="record")
    values: dict[str, Any] = {}
    rows: dict[str, tuple[Mapping[str, Any], ...]] = {}
    problems: list[tuple[str, str, str]] = []

    def read(object_: Mapping[str, Any], prefix: str, shown: str, into: dict[str, Any]) -> None:
        for key, value in object_.items():
            path, place = f"{prefix}{key}", f"{shown}{key}"
            field = fields.get(path) if isinstance(key, str) and "." not in key and "[" not in key else None
            if field is None:
                problems.append(
                    (_shown(place), "unknown-field", "no rule knows this field, so nobody can tell what it means")
                )
            elif value is None and field.may_be_null:
                into.update((below, None) for below in _at_and_below(path, fields))
                if field.kind_of_value == "rows":
                    rows[path] = ()
            elif not TYPES[field.kind_of_value][0](value):
                problems.append((place, "wrong-type", f"it must be {TYPES[field.kind_of_value][1]}{_or_null(field)}"))
            elif field.kind_of_value == "group":
                into[path] = value
                read(value, f"{path}.", f"{place}.", into)
            elif field.kind_of_value == "rows":
                into[path] = tuple(value)
                read_rows(value, path, place)
            elif wrong := _not_allowed(value, field):
                problems.append((place, "unknown-value", f"{_shown(wrong)} is none of {', '.join(field.values)}"))
            else:
                into[path] = _comparable(value, field)

    def read_rows(items: Any, path: str, place: str) -> None:
        found = []
        for number, item in enumerate(items):
            row: dict[str, Any] = {}
            if isinstance(item, Mapping):
                read(item, f"{path}[].", f"{place}[{number}].", row)
            else:
                problems.append((f"{place}[{number}]", "wrong-type", "it must be an object"))
            found.append(row)
        rows[path] = tuple(found)

    read(record, "", "", values)
    return Reading(values, rows, tuple(problems))


def _at_and_below(path: str, fields: Mapping[str, Field]) -> Iterator[str]:
    """A field and all fields in it: null for a group says that there is none of them."""
    return (one for one in fields if one == path or one.startswith(f"{path}."))


def _or_null(field: Field) -> str:
    return ", or null for none" if field.may_be_null else ""


def _not_allowed(value: Any, field: Field) -> str:
    """The first text that is none of the allowed values, "" for none."""
    if not field.values:
        return ""
    return next(
        (one or "''" for one in (value if isinstance(value, list | tuple) else [value]) if one not in field.values), ""
    )


def _comparable(value: Any, field: Field) -> Any:
    if field.kind_of_value in MOMENTS:
        return moment_of(value)
    return tuple(value) if isinstance(value, list | tuple) else value


def _shown(place: str) -> str:
    """A name from outside, short and in visible characters."""
    return ascii(place)[1:-1][:80]

"""The operator's declared facts: read from TOML or JSON, checked field by field, and asked for by path.

A fact that is left away is silent: the documents then say that it is missing. The word "none" (null in JSON) says that there
is none, where that is possible (`cleaning = "none"`). Unknown fields and wrong types are refused, since a misspelt fact
would be missing in every document without anybody seeing why.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.errors import InputError, NotFoundError
from endcredits.works.disclosure.fact_fields import declared_types
from endcredits.works.rules.fields import read_record
from endcredits.works.strict_json import read_json

NONE = "none"
"""What says in TOML that there is none: TOML knows no null."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was declared.

    Attributes:
        values: plain JSON values by field, without empty tables.
        file: where they were read, for people; "" for nowhere.
    """

    values: Mapping[str, Any]
    file: str = ""

    def has(self, path: str) -> bool:
        """Whether something is declared there, if only that there is none."""
        return look(self.values, path) is not ...

    def get(self, path: str, default: Any = None) -> Any:
        """What is declared there; `default` when nothing is."""
        found = look(self.values, path)
        return default if found is ... else found

    def text(self, path: str) -> str:
        """The text declared there; "" when nothing is."""
        found = self.get(path)
        return found if isinstance(found, str) else ""

    @property
    def datasets(self) -> tuple[Mapping[str, Any], ...]:
        """The declared data sets, in their order."""
        return tuple(self.get("datasets", ()))


def look(values: Any, path: str) -> Any:
    """The value at a path such as "crawl.from" or "datasets[0].cleaning.what"; `...` when there is none.

    >>> look({"datasets": [{"name": "a"}]}, "datasets[0].name")
    'a'
    """
    for step in path.replace("]", "").replace("[", ".").split("."):
        if isinstance(values, Mapping) and step in values:
            values = values[step]
        elif isinstance(values, list | tuple) and step.isdigit() and int(step) < len(values):
            values = values[int(step)]
        else:
            return ...
    return values


def read_facts(path: str | Path) -> Facts:
    """Reads declared facts from a file: TOML, or JSON where its name ends in .json.

    Raises:
        NotFoundError: there is no such file.
        InputError: it cannot be read; a field is unknown, of another type, or has a value that it may not have.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", remedy="Make one: endcredits disclose facts.", file=file) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the facts cannot be read ({error})", remedy="Write them as UTF-8.", file=file) from error
    try:
        plain = read_json(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        form = "JSON" if file.suffix.lower() == ".json" else "TOML"
        raise InputError(f"the facts are not {form} ({error})", remedy="Correct the line named.", file=file) from error
    return parse_facts(plain, str(file))


def parse_facts(plain: Any, file: str = "") -> Facts:
    """Checked facts from plain data.

    Raises:
        InputError: see `read_facts`.
    """
    if not isinstance(plain, Mapping):
        raise InputError("the facts are not a table of fields", remedy="See: endcredits disclose facts.", file=file or None)
    types = declared_types()
    values = _pruned(_plain(plain, "", types))
    # TOML and JSON hold nothing but what the reader of records knows, and it says what is wrong with each field.
    for field, _, words in read_record(values, types).problems:
        raise InputError(
            f"the fact '{field}' cannot be used: {words}",
            remedy="See the form for its unit: endcredits disclose facts.",
            file=file or None,
            field=field,
        )
    return Facts(values, file)


def _plain(value: Any, path: str, types: Mapping[str, Any]) -> Any:
    """Dates as texts, and "none" as null where there may be none."""
    if isinstance(value, Mapping):
        return {key: _plain(one, f"{path}.{key}".removeprefix("."), types) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, f"{path}[]", types) for one in value]
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)
        return aware.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if value == NONE and path in types and types[path].may_be_null:
        return None
    return value


def _pruned(value: Any) -> Any:
    """Without tables that say nothing, since a form's headings stand there whether or not a line below them is filled in;
    by name, so that the order in a file changes no document."""
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for key, one in sorted(value.items(), key=lambda item: str(item[0])):
        if isinstance(one, Mapping):
            below = _pruned(one)
            if below:
                kept[key] = below
        elif isinstance(one, list) and one and all(isinstance(row, Mapping) for row in one):
            rows = [row for row in (_pruned(row) for row in one) if row]
            if rows:
                kept[key] = rows
        else:
            kept[key] = one
    return kept

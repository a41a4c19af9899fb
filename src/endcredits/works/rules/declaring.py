"""What a pack declares besides rules: the fields of records, and which countries are members of a union."""

from __future__ import annotations

import re

from endcredits.works.rules.fields import TYPES, row_list
from endcredits.works.rules.keyed import Keyed
from endcredits.works.rules.records import KINDS, Field
from endcredits.works.rules.territories import is_place

_PATH = re.compile(r"[a-z][a-z0-9_]{0,39}((\[\])?\.[a-z][a-z0-9_]{0,39}){0,4}", re.ASCII)


def read_fields(file: Keyed, fields: dict[str, dict[str, Field]]) -> None:
    """Adds the fields that a file declares to those of earlier files.

    Raises:
        InputError: a kind or type that is not known, a path of another shape, a part of something that is not declared as a
            group or list, rows in rows, or a field that an earlier file declares with another type.
    """
    for kind, declared in file.object("fields").items():
        if kind not in KINDS:
            file.fail("fields", f"{kind[:40]!a} is not a kind of record", f"Use: {', '.join(KINDS)}.")
        known = fields[kind]
        for path, item in Keyed(declared, f"fields of {kind}", file.file).left.items():
            field = _field(path, Keyed(item, f"field '{path[:60]}' of {kind}", file.file))
            _check_parents(file, field, known)
            known[path] = _joined(file, known[path], field) if path in known else field


def _field(path: str, keyed: Keyed) -> Field:
    if not _PATH.fullmatch(path):
        keyed.fail("fields", f"{path[:60]!a} is not a path", "Write small letters and _, as in pay.basis or uses[].medium.")
    if path.count("[]") > 1:
        keyed.fail("fields", "rows inside of rows cannot be checked", "Write a list of texts, or a list of its own.")
    kind_of_value = keyed.text("type", one_of=tuple(TYPES))
    if kind_of_value == "rows" and "." in path:
        keyed.fail("type", "a list of rows stands at the top of a record", "Move it there.")
    values = keyed.texts("values", ())
    if values and kind_of_value not in ("text", "texts"):
        keyed.fail("values", "only a text, or a list of texts, has values to choose from", "Leave 'values' away.")
    field = Field(path, kind_of_value, keyed.text("about"), values, keyed.truth("null", False))
    keyed.end()
    return field


def _check_parents(file: Keyed, field: Field, known: dict[str, Field]) -> None:
    """A path's beginnings must be groups, or the list whose rows it goes through."""
    steps = field.path.split(".")[:-1]
    for count in range(1, len(steps) + 1):
        start = ".".join(steps[:count])
        wanted = "rows" if start.endswith("[]") else "group"
        parent = known.get(start.removesuffix("[]"))
        if parent is None or parent.kind_of_value != wanted:
            kind = "a list of rows" if wanted == "rows" else "a group"
            file.fail(
                "fields",
                f"'{field.path}' lies in '{start}', which is not declared as {kind}",
                f"Declare it before: type {wanted}.",
            )
    if row_list(field.path) and field.kind_of_value == "rows":
        file.fail("fields", f"'{field.path}' would be rows inside of rows", "Write a list of texts.")


def _joined(file: Keyed, before: Field, now: Field) -> Field:
    """A field that two files declare: they must mean the same; values to choose from are joined."""
    if before.kind_of_value != now.kind_of_value or before.may_be_null != now.may_be_null:
        file.fail(
            "fields",
            f"an earlier file declares '{now.path}' otherwise",
            f"Write type {before.kind_of_value} and the same 'null'.",
        )
    if bool(before.values) != bool(now.values):
        file.fail(
            "values", f"an earlier file declares '{now.path}' otherwise", "Give values to choose from in both or in none."
        )
    values = tuple(dict.fromkeys((*before.values, *now.values)))
    return Field(before.path, before.kind_of_value, before.about, values, before.may_be_null)


def read_places(file: Keyed, places: dict[str, frozenset[str]]) -> None:
    """Adds the unions of countries that a file declares.

    Raises:
        InputError: not a list of countries, or a union that an earlier file declares.
    """
    declared = Keyed(file.object("places"), "places", file.file)
    for name in list(declared.left):
        members = declared.texts(name)
        if name in places or not is_place(name) or not all(is_place(one) and len(one) == 2 for one in members):
            declared.fail(
                "places",
                f"{name[:40]!a} is declared already, or holds something else than countries",
                'Write "EU": ["AT", ...].',
            )
        places[name] = frozenset(members)

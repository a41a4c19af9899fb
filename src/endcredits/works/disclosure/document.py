"""A document before it has a form: sections of lines and tables, on what it stands, and what is missing.

One model serves Markdown, HTML and JSON, so no form says what another leaves out. A line has an origin: counted, declared,
missing (somebody requires it), or not stated (nobody does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from endcredits.works.disclosure.records import Missing, Standing

COUNTED, DECLARED, MISSING, UNSAID = "counted", "declared", "missing", "not stated"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is said.

    Attributes:
        label: what, for people.
        field: its place in the record or format; "" for none.
        texts: the value, a text an item; () when there is none.
        origin: `COUNTED`, `DECLARED`, `MISSING` or `UNSAID`.
    """

    label: str
    field: str
    texts: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts.

    Attributes:
        columns: headings.
        rows: as many texts a row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section.

    Attributes:
        title: with its number.
        words: what stands before the lines, ours and not data; "" for nothing.
        lines: what is said.
        tables: after the lines.
        depth: 2 for a section, 3 for one inside of it.
    """

    title: str
    words: str = ""
    lines: tuple[Line, ...] = ()
    tables: tuple[Table, ...] = ()
    depth: int = 2


@dataclass(frozen=True, slots=True)
class Document:
    """A document.

    Attributes:
        kind: the word of its command.
        title: its title, ours.
        about: what it is and which text asks for it, ours.
        standing: on what it stands.
        sections: in order.
        missing: what it should say and cannot.
        notes: rules that do not reach it, or hold on other days; ours.
        notice: that it is no legal advice; "" for formats.
        record: the record that was checked, for programs.
    """

    kind: str
    title: str
    about: str
    standing: Standing
    sections: tuple[Section, ...]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]
    notice: str
    record: Mapping[str, Any]


class Writer:
    """Makes lines from a record: the value with its origin, or that it is missing.

    Args:
        values: by path; `...` when nothing is known.
        origins: by path.
        missing: what is lacking.
    """

    def __init__(self, values: Mapping[str, Any], origins: Mapping[str, str], missing: Sequence[Missing]) -> None:
        self._values = values
        self._origins = origins
        self._lacking = {one.field for one in missing}

    def line(self, label: str, path: str) -> Line:
        """The line of a field."""
        from endcredits.works.disclosure.facts import look

        value = look(self._values, path)
        if value is ...:
            return Line(label, path, (), MISSING if path in self._lacking else UNSAID)
        return Line(label, path, texts_of(value), self._origin(path))

    def _origin(self, path: str) -> str:
        while path not in self._origins and "." in path:
            path = path.rpartition(".")[0]
        return self._origins.get(path, DECLARED)


def texts_of(value: Any) -> tuple[str, ...]:
    """A value as texts.

    >>> texts_of(True), texts_of(None), texts_of(["a", "b"]), texts_of(12000), texts_of({"what": "x"})
    (('yes',), ('none',), ('a', 'b'), ('12,000',), ('what: x',))
    """
    if value is None or value == [] or value == ():
        return ("none",)
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, int):
        return (f"{value:,}",)
    if isinstance(value, Mapping):
        return tuple(f"{key}: {'; '.join(texts_of(one))}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return tuple("; ".join(texts_of(one)) for one in value)
    return (str(value),)


def said(label: str, field: str, value: Any, origin: str) -> Line:
    """A line whose value is at hand; not stated when it is None or empty."""
    if value is None or value == "":
        return Line(label, field, (), UNSAID)
    return Line(label, field, texts_of(value), origin)

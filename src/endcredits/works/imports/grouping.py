"""Which rows of a table are of one work, however they call it.

Rows that name the same registered work, or have the same standard number, are of one work; how the number is spelt makes no
difference. A row may leave the number out: then its title says which work it is of, and where several have that title,
the people. Two works of one title whose numbers differ are two works. Where it cannot be told, nobody guesses: the shares of
all that it may be are held back, because a share that is missing is somebody's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from endcredits.errors import InputError
from endcredits.ids import VALIDATORS
from endcredits.works.names import party_key

TELLS_WORKS = ("iswc", "isbn", "eidr")
"""Numbers that one work has alone; a recording's (ISRC) may stand for several."""


@dataclass(slots=True)
class _Group:
    """Rows of one work.

    Attributes:
        rows: their places.
        numbers: (scheme, value): "work_id", or a standard number whose check digit is right.
        titles: as they are compared.
        people: keys of names.
        gone: whether it was joined with another.
    """

    rows: list[int] = field(default_factory=list)
    numbers: set[tuple[str, str]] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    gone: bool = False

    def contradicts(self, other: _Group, schemes: Sequence[str]) -> bool:
        """Whether both have a number of one kind, and it is not the same."""
        for scheme in schemes:
            own, theirs = ({value for name, value in one.numbers if name == scheme} for one in (self, other))
            if own and theirs and not own & theirs:
                return True
        return False

    def take(self, other: _Group) -> None:
        self.rows += other.rows
        self.numbers |= other.numbers
        self.titles |= other.titles
        self.people |= other.people


def works_of_rows(rows: Sequence[Mapping[str, str]]) -> tuple[list[int], dict[int, str]]:
    """The work of every row, as the place of that work's first row, and why the shares of some works cannot be taken."""
    groups: list[_Group] = []
    by_number: dict[tuple[str, str], _Group] = {}
    by_title: dict[str, _Group] = {}
    clashes: list[tuple[_Group, _Group]] = []
    for place, row in enumerate(rows):
        own = _Group([place], _numbers(row), {_title(row)}, {party_key(row.get("contributor", ""))})
        if not own.numbers:  # rows that have nothing but a title
            group = by_title.setdefault(_title(row), own)
            if group is own:
                groups.append(own)
            else:
                group.take(own)
            continue
        groups.append(own)
        for number in sorted(own.numbers):
            other = by_number.get(number)
            if other is None or other is own:
                continue
            if own.contradicts(other, ("work_id",)):
                clashes.append((own, other))
                continue
            own = _joined(by_number, other, own)
        by_number |= {number: own for number in own.numbers if number not in by_number}
    unclear = _by_titles(groups, by_number, by_title)
    work_of = [0] * len(rows)
    for group in (one for one in groups if not one.gone):
        first = min(group.rows)
        for place in group.rows:
            work_of[place] = first
    held = {work_of[one.rows[0]]: "one number stands in rows of two works" for pair in clashes for one in pair}
    return work_of, {work_of[one.rows[0]]: why for one, why in unclear} | held


def _by_titles(
    groups: list[_Group], by_number: dict[tuple[str, str], _Group], by_title: Mapping[str, _Group]
) -> list[tuple[_Group, str]]:
    """Joins works of one title with people in common, and rows that have only a title with the work that they are of."""
    of_title: dict[str, list[_Group]] = {}
    for group in [one for one in groups if one.numbers and not one.gone]:
        kept = group
        for title in sorted(group.titles):
            for other in of_title.get(title, []):
                all_kinds = ("work_id", *TELLS_WORKS)
                if other is not kept and other.people & kept.people and not kept.contradicts(other, all_kinds):
                    kept = _joined(by_number, other, kept)
                    break
        for title in sorted(kept.titles):
            alike = [one for one in of_title.get(title, []) if not one.gone and one is not kept]
            of_title[title] = [*alike, kept]
    unclear = []
    for title, bare in by_title.items():
        alike = [one for one in of_title.get(title, []) if not one.gone]
        known = [one for one in alike if one.people & bare.people] if len(alike) > 1 else alike
        if len(known) == 1:
            _joined(by_number, known[0], bare)
        elif alike:
            why = "several works of the file have this title, and rows without a number may be of any of them"
            unclear += [(one, why) for one in (bare, *alike)]
    return unclear


def _joined(by_number: dict[tuple[str, str], _Group], into: _Group, other: _Group) -> _Group:
    into.take(other)
    other.gone = True
    by_number |= dict.fromkeys(other.numbers, into)
    return into


def _title(row: Mapping[str, str]) -> str:
    return " ".join(unicodedata.normalize("NFC", row.get("title", "")).casefold().split())


def _numbers(row: Mapping[str, str]) -> set[tuple[str, str]]:
    found = {("work_id", row["work_id"])} if row.get("work_id") else set()
    for scheme in TELLS_WORKS:
        try:
            found |= {(scheme, VALIDATORS[scheme](row[scheme]))} if row.get(scheme) else set()
        except InputError:
            continue  # told where the row is read; such a number tells nothing
    return found

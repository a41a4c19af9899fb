"""The works of a corpus, divided into the data sets that the operator names.

A registered work belongs to the first declared data set whose patterns fit its id; what fits none is a data set of its own,
of which nothing is declared, so that no work disappears between two names. A declared data set without patterns lies outside
of the registry: nothing of it can be counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from endcredits.works.disclosure.counting import Tally, tally
from endcredits.works.disclosure.facts import Facts
from endcredits.works.disclosure.records import Collected, CorpusWork

REST = "registered works"
"""Name of the works that no declared data set names."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set.

    Attributes:
        number: its place in the record, from 0: `datasets[number]`.
        name: as declared, or `REST`.
        declared: what the facts say of it.
        works: its registered works, by id.
        counted: what they come to.
        outside: it lies outside of the registry.
        kind: one of `fact_fields.DATASET_KINDS`; "" when nobody said.
        kind_counted: the kind was not declared, and follows from the grounds of all its works.
    """

    number: int
    name: str
    declared: Mapping[str, Any]
    works: tuple[CorpusWork, ...]
    counted: Tally
    outside: bool
    kind: str
    kind_counted: bool


def divide(collected: Collected, facts: Facts) -> tuple[DataSet, ...]:
    """The declared data sets in their order, and what is left over; without any works and declarations, nothing."""
    declared = facts.datasets
    parts: list[list[CorpusWork]] = [[] for _ in declared]
    rest: list[CorpusWork] = []
    for work in collected.works:
        place = next((number for number, one in enumerate(declared) if _fits(one, work.work_id)), None)
        (rest if place is None else parts[place]).append(work)
    found = [_dataset(number, one, parts[number]) for number, one in enumerate(declared)]
    if rest:
        found.append(_dataset(len(declared), {}, rest, outside=False))
    return tuple(found)


def _fits(declared: Mapping[str, Any], work_id: str) -> bool:
    return any(fnmatchcase(work_id, pattern) for pattern in declared.get("works", ()))


def _dataset(number: int, declared: Mapping[str, Any], works: list[CorpusWork], outside: bool | None = None) -> DataSet:
    kind = str(declared.get("kind", ""))
    # A contract makes a private data set under licence; every other ground says nothing of where the files are from.
    contracts = bool(works) and all(work.ground == "contract" for work in works)
    return DataSet(
        number,
        str(declared.get("name", "")) or (f"data set {number + 1}" if declared else REST),
        declared,
        tuple(works),
        tally(works),
        not declared.get("works") if outside is None else outside,
        kind or ("licensed" if contracts else ""),
        not kind and contracts,
    )

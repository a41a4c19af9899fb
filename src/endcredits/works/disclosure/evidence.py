"""Evidence for a certifier: for each work where it is from, on what ground it was used, since when, where it is logged.

Certifications of fairly trained models ask, work by work, for a contract with somebody who has the rights, an open licence,
the public domain, or the model maker's own work, and for records that can be looked at. The pack answers from the statement
that admitted each work. The log proves that the statement was recorded, and when; it does not prove that it is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from endcredits.canonical import canonical_bytes
from endcredits.works.disclosure.document import COUNTED, DECLARED, Document, Section, Table, said
from endcredits.works.disclosure.eu import STANDARD_COLUMNS, standard_row
from endcredits.works.disclosure.facts import Facts
from endcredits.works.disclosure.records import Collected, CorpusWork, Missing
from endcredits.works.disclosure.training import TrainingRecord
from endcredits.works.stated import plain_of

FORMAT = "evidence per work"
ACCEPTED = ("own", "contract", "public domain", "open licence")
"""Grounds that certifiers of fairly trained models know."""
IDS_SHOWN = 20
_ASKED: tuple[tuple[str, str, str, Callable[[CorpusWork], bool]], ...] = (
    (
        "ground",
        "a contract, an open licence, the public domain or the maker's own work",
        "record the contract or licence: endcredits rights grant, or register the work with its licence",
        lambda work: work.ground not in ACCEPTED,
    ),
    (
        "permission_id",
        "the statement that admitted the work",
        "it was erased, or is not in this database; restore it or leave the work out",
        lambda work: work.permission is None,
    ),
    (
        "log_position",
        "the statement's place in the log",
        "it was erased, or waits to be logged: run a command that writes to the log, then make the pack again",
        lambda work: work.permission is not None and work.permission_position < 0,
    ),
    (
        "taken_back",
        "a permission that was not taken back since",
        "leave the work out of the next model; this one was trained before",
        lambda work: work.taken_back,
    ),
)


def statement_file(permission_id: str) -> str:
    """The name of a statement's file in the pack.

    >>> statement_file("perm:1f0c")
    'statements/perm-1f0c.json'
    """
    kept = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "-" for one in permission_id)
    return f"statements/{kept}.json"


def work_line(work: CorpusWork) -> bytes:
    """A work's line of the pack: canonical JSON."""
    permission = plain_of(work.permission) if work.permission is not None else None
    return canonical_bytes(
        {
            "work_id": work.work_id,
            "title": work.title,
            "names": list(work.names),
            "registered_at": work.registered_at,
            "files": [
                {"sha256": one.sha256, "media_type": one.media_type, "size_bytes": one.size_bytes, "label": one.label}
                for one in work.files
            ],
            "ground": work.ground,
            "licences": list(work.licences),
            "permission_id": work.permission_id,
            "permission": permission,
            "log_position": work.permission_position,
            "statement_file": statement_file(work.permission_id) if work.permission_position >= 0 else "",
            "taken_back": work.taken_back,
        }
    )


def missing_of(works: Iterable[CorpusWork]) -> tuple[Missing, ...]:
    """What works lack, one row a thing with how many works and which."""
    found = list(works)
    return tuple(_missing(found))


def _missing(works: list[CorpusWork]) -> Iterator[Missing]:
    for field, what, how, lacks in _ASKED:
        lacking = [work.work_id for work in works if lacks(work)]
        if lacking:
            more = f" and {len(lacking) - IDS_SHOWN:,} more" if len(lacking) > IDS_SHOWN else ""
            which = ", ".join(lacking[:IDS_SHOWN])
            yield Missing(field, FORMAT, "required", f"{what}; {len(lacking):,} works lack it: {which}{more}", how)
    if not works:
        yield Missing("works", FORMAT, "required", "works that were admitted", "register works with a permission")


def evidence_document(collected: Collected, facts: Facts, record: TrainingRecord) -> Document:
    """The pack's summary."""
    one = record.counted
    by_ground: Mapping[str, Any] = dict(one.grounds)
    return Document(
        "evidence",
        "Evidence of permission, work by work",
        "For each work its source, the contract, licence or other ground on which it was used, the statement's date and id, "
        "and its place in a signed log. works.jsonl holds a line for each work, statements/ each statement with its proof.",
        collected.standing,
        (
            Section(
                "What was used",
                lines=(
                    said("Provider", "provider", facts.text("provider"), DECLARED),
                    said("Model", "model", facts.text("model"), DECLARED),
                    said("Works", "", one.works, COUNTED),
                    said("Files", "", one.files, COUNTED),
                    said("Bytes", "", one.size_bytes, COUNTED),
                    said("Works kept out", "", len(collected.refused), COUNTED),
                ),
            ),
            Section(
                "Grounds",
                tables=(
                    Table(("ground", "works"), tuple((name, f"{number:,}") for name, number in by_ground.items())),
                    Table(("licence", "works"), tuple((name, f"{number:,}") for name, number in one.licences)),
                    Table(STANDARD_COLUMNS, tuple(standard_row(row) for row in collected.standards)),
                ),
            ),
        ),
        missing_of(collected.works),
        ("The log proves that a statement was recorded and is unchanged. It does not prove that the statement is true.",),
        "",
        {"works": one.works, "grounds": dict(one.grounds)},
    )

"""One question about one registered work, answered from the database in well under a millisecond.

The same as `decide` over `permissions_about`, in two queries that are written once: what a work is called (its files, their
other names, its makers), and what was said about any of that which bears on the verb.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.errors import NotFoundError
from endcredits.ids import WorkId
from endcredits.works import tables
from endcredits.works.asked import Asked, Name, asked_of
from endcredits.works.conditions import NO_USE, Use
from endcredits.works.decide import DENIED_BY, INHERITS, check_question, decide
from endcredits.works.present import decide_now
from endcredits.works.records import SUBJECTS, Decision
from endcredits.works.statements import permission_of_row
from endcredits.works.url_patterns import site_of

_FILES, _MARKS, _MAKERS, _SAID = tables.manifestations, tables.file_marks, tables.credits, tables.permissions
_NEEDED = [column for column in _SAID.c if column.name not in ("digest", "site", "provenance")]
"""Where a statement was read is long, and decides nothing."""
_WORK: sa.BindParameter[str] = sa.bindparam("work")
_VERBS: sa.BindParameter[list[str]] = sa.bindparam("verbs", expanding=True)


def _names() -> sa.CompoundSelect[Any]:
    """(kind, position, name) of files, of their other names and of makers."""
    files = sa.select(sa.literal("sha256"), _FILES.c.position, _FILES.c.sha256).where(_FILES.c.work_id == _WORK)
    marks = (
        sa.select(_MARKS.c.kind, _FILES.c.position, _MARKS.c.value)
        .join(_FILES, _FILES.c.sha256 == _MARKS.c.sha256)
        .where(_FILES.c.work_id == _WORK, _MARKS.c.kind.in_(SUBJECTS))
    )
    makers = sa.select(sa.literal("person"), _MAKERS.c.position, _MAKERS.c.party_id).where(_MAKERS.c.work_id == _WORK)
    return sa.union_all(files, marks, makers)


@lru_cache
def _said(kinds: tuple[str, ...]) -> sa.CompoundSelect[Any]:
    """What was said about subjects of some kinds; each branch finds its rows by an index, whatever the database knows."""

    def about(kind: str) -> sa.Select[Any]:
        names: sa.BindParameter[list[str]] = sa.bindparam(kind, expanding=True)
        named = (_SAID.c.site.in_(names),) if kind == "url" else (_SAID.c.subject_kind == kind, _SAID.c.subject.in_(names))
        return sa.select(*_NEEDED).where(*named, _SAID.c.verb.in_(_VERBS))

    return sa.union_all(*map(about, kinds))


_NAMES_OF = _names()
_KNOWN = sa.select(tables.works.c.work_id).where(tables.works.c.work_id == _WORK)


def decide_work(
    conn: Connection, work_id: WorkId, verb: str, at: str, *, by: str = "", use: Use = NO_USE, present: bool = False
) -> Decision:
    """Answers whether something may be done with a work at a time; see `decide`, or of the `present` see `decide_now`.

    Raises:
        NotFoundError: no such work.
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    check_question(verb, at)
    shas: dict[int, str] = {}
    others: list[tuple[int, Name]] = []
    makers: list[str] = []
    for kind, position, name in conn.execute(_NAMES_OF, {"work": work_id}):
        if kind == "sha256":
            shas[position] = name
        elif kind == "person":
            makers.append(name)
        else:
            others.append((position, (kind, name)))
    if not shas and conn.execute(_KNOWN, {"work": work_id}).first() is None:  # some works have no files
        raise NotFoundError(f"there is no work '{work_id}'", remedy="List the works to see their ids.", field="work_id")
    marks: dict[str, tuple[Name, ...]] = {}
    for position, mark in others:
        marks[shas[position]] = (*marks.get(shas[position], ()), mark)
    asked: Asked = asked_of(work_id, list(shas.values()), makers, marks)
    verbs = [verb, *filter(None, [INHERITS.get(verb)]), *DENIED_BY.get(verb, ())]
    subjects: dict[str, list[str]] = {}
    for kind, name in (*asked.whole, *asked.parts):
        subjects.setdefault(kind, []).append(site_of(name) if kind == "url" else name)
    rows = conn.execute(_said(tuple(sorted(subjects))), {**subjects, "verbs": verbs}).mappings()
    said = {row["permission_id"]: {**row, "provenance": ""} for row in rows}
    answer = decide_now if present else decide
    return answer([permission_of_row(row) for row in said.values()], asked, verb, at, by=by, use=use)

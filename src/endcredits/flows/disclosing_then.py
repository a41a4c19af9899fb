"""What there was when a corpus was made: its works, every work and statement then known, and where the log stood.

An index keeps the extent of the catalogue that it was built from, and a signed manifest the size of the log; both are enough
to cut today's registry, which only grows, back to what it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import IntegrityError, NotFoundError
from endcredits.flows import catalogue
from endcredits.flows.admissions import all_corpora, current_digest, read_admission
from endcredits.flows.clock import now
from endcredits.flows.fact_files import Fact, fact_id_of, facts_in
from endcredits.flows.fact_kinds import CONSENT, FILE_MARK, MODEL, WORK
from endcredits.flows.index_files import index_folders, read_corpus, read_current
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.influence import read_manifest
from endcredits.receipts.leaf import parse_leaf
from endcredits.works import Marks, Permission, Work
from endcredits.works.disclosure import Standing

REGISTRY, PRESENT = "registry", "current"
"""Instead of a digest: the corpus that the registry would admit on the day; the one that was admitted last."""
_DIGITS_MIN = 8
"""Digits by which an index or a corpus may be named."""


@dataclass(frozen=True, slots=True)
class Then:
    """What there was when a corpus was made.

    Attributes:
        at: UTC time.
        rows: the admitted works: work_id and permission_id.
        registered: every work.
        stated: every statement.
        names: other names of files.
        operator: whose contracts counted.
        standing: without the log.
    """

    at: str
    rows: Sequence[Mapping[str, Any]]
    registered: tuple[Work, ...]
    stated: tuple[Permission, ...]
    names: Marks
    operator: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Books:
    """The registry as it is today.

    Attributes:
        registered: every work, by id.
        stated: every statement.
        names: other names of files.
        times: when each work was registered, UTC.
    """

    registered: tuple[Work, ...]
    stated: tuple[Permission, ...]
    names: Marks
    times: Mapping[WorkId, str]


def of_index(studio: Studio, books: Books, wanted: str, day: str) -> Then:
    """What an index was built from; see `disclosing.collect`."""
    folder = _index_folder(studio, wanted)
    manifest, index_digest = read_manifest(folder)
    record = read_corpus(folder)
    extent = record["catalogue"]
    known, said = set(extent["works"]), set(extent["permissions"])
    fact = _model_fact(studio, index_digest)
    size, root, at = -1, "", f"{day}T23:59:59Z"
    names = books.names
    if fact is not None and fact.body is not None:
        size, root = int(fact.body["permissions"]["size"]), str(fact.body["permissions"]["root"])
        at = parse_leaf(fact.leaf.encode()).time
        names = _marks_before(studio, size)
    corpus_digest = digest(record["manifest"])
    admission = read_admission(studio, corpus_digest)
    standing = Standing(
        corpus_digest=corpus_digest,
        on=day,
        log_origin="",
        log_size=0,
        log_root="",
        index_digest=index_digest,
        models=tuple((name.removesuffix("_sha256"), str(manifest.facts[name])) for name in ("base_sha256", "full_sha256")),
        trained_size=size,
        trained_root=root,
        trained_at=at if fact is not None else "",
        admission=admission.state,
        admitted_at=str(admission.document.get("made_at", "")),
        max_bytes_per_work=int(record["manifest"]["max_bytes_per_work"]),
    )
    return Then(
        at,
        record["manifest"]["works"],
        tuple(work for work in books.registered if work.work_id in known),
        tuple(one for one in books.stated if one.permission_id in said),
        names,
        str(record["manifest"].get("operator", "")),
        standing,
    )


def _index_folder(studio: Studio, wanted: str) -> Path:
    if not wanted:
        try:
            return studio.path / "index" / str(read_current(studio)["name"])
        except NotFoundError as error:
            remedy = f"{error.remedy}; or document a corpus that was admitted: --corpus current"
            raise NotFoundError(error.message, remedy=remedy, file=error.file) from error
    found = [
        folder
        for folder in index_folders(studio)
        if folder.name == wanted
        or (len(wanted) >= _DIGITS_MIN and (folder.name.startswith(wanted) or read_manifest(folder)[1].startswith(wanted)))
    ]
    return found[0] if len(found) == 1 else _none(wanted, "index", [folder.name for folder in index_folders(studio)])


def _none(wanted: str, what: str, known: Sequence[str]) -> Any:
    raise NotFoundError(
        f"there is no {what} '{wanted[:70]}', or more than one begins so",
        remedy=f"Known: {', '.join(known[:10]) or 'none'}.",
        field=f"--{what}",
    )


def _model_fact(studio: Studio, index_digest: str) -> Fact | None:
    wanted = fact_id_of(MODEL, index_digest)
    return next((fact for fact in facts_in(studio.path, MODEL) if fact.fact_id == wanted), None)


def of_corpus(studio: Studio, books: Books, wanted: str, day: str) -> Then:
    """What a signed manifest names, or what the registry would admit; see `disclosing.collect`."""
    if wanted == REGISTRY:
        return _of_registry(studio, books, day)
    known = all_corpora(studio)
    wanted = current_digest(studio) or wanted if wanted == PRESENT else wanted
    found = [one for one in known if one == wanted or (len(wanted) >= _DIGITS_MIN and one.startswith(wanted))]
    name = found[0] if len(found) == 1 else _none(wanted, "corpus", known)
    admission = read_admission(studio, name)
    if admission.state != "whole":
        raise IntegrityError(
            f"the manifest of the corpus is {admission.state} ({admission.problem})",
            remedy="Restore it, or admit the corpus again: endcredits corpus admit.",
            file=studio.path / "corpora" / f"{name}.json",
        )
    document = admission.document
    size = int(document["log"]["size"])
    before = {kind: _known_before(studio, kind, size) for kind in (WORK, CONSENT)}
    standing = Standing(
        corpus_digest=name,
        on=day,
        log_origin="",
        log_size=0,
        log_root="",
        trained_size=-1,
        admission="whole",
        admitted_at=str(document["made_at"]),
        max_bytes_per_work=int(document["max_bytes_per_work"]),
    )
    return Then(
        str(document["made_at"]),
        document["works"],
        tuple(work for work in books.registered if _known_as(WORK, work.work_id) in before[WORK]),
        tuple(one for one in books.stated if _known_as(CONSENT, one.permission_id) in before[CONSENT]),
        _marks_before(studio, size),
        str(document["operator"]),
        standing,
    )


def _of_registry(studio: Studio, books: Books, day: str) -> Then:
    at = min(now(), f"{day}T23:59:59Z")
    found = catalogue.corpus(studio, at=at)
    there = tuple(work for work in books.registered if books.times[work.work_id] <= at)
    kept = [
        (work, yes) for work, yes in zip(found.admitted, found.decisions, strict=True) if books.times[work.work_id] <= at
    ]
    found = replace(found, admitted=tuple(work for work, _ in kept), decisions=tuple(yes for _, yes in kept))
    rows = [{"work_id": work.work_id, "permission_id": yes.permission_id} for work, yes in kept]
    corpus_digest = found.digest()
    standing = Standing(corpus_digest, day, "", 0, "", admission=read_admission(studio, corpus_digest).state)
    stated = tuple(one for one in books.stated if one.effective_from <= at)
    return Then(at, rows, there, stated, books.names, studio.operator, standing)


def _known_before(studio: Studio, kind: str, size: int) -> set[str]:
    """By what the facts of a type were known when the log had a size; an erased one still is."""
    return {fact.known_as for fact in facts_in(studio.path, kind) if fact.position < size}


def _known_as(kind: str, key: str) -> str:
    return sha256_bytes(fact_id_of(kind, key).encode())


def _marks_before(studio: Studio, size: int) -> dict[str, tuple[tuple[str, str], ...]]:
    """Other names of files that were known when the log had a size."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for fact in facts_in(studio.path, FILE_MARK):
        if fact.position < size and fact.body is not None:
            found[fact.body["sha256"]].append((fact.body["kind"], fact.body["value"]))
    return {sha256: tuple(sorted(names)) for sha256, names in found.items()}

"""Which models learnt from which works, since when, and under which statement: read from what the indexes were built from.

Each index keeps the list of works that it was built from (`corpus.json`), and the log has an entry about its models
(`model.train`) with a time that nobody can change later. Where a list is lost, the gate's signed manifest of the same works
stands in for it. Where there is none, the model is named: of it nobody can say what it learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import EndcreditsError, IntegrityError, NotFoundError
from endcredits.flows.admissions import Admission, read_admission
from endcredits.flows.fact_files import Fact, facts_in
from endcredits.flows.fact_kinds import MODEL
from endcredits.flows.flags import Flag
from endcredits.flows.index_files import read_corpus, read_current
from endcredits.flows.studio import Studio
from endcredits.flows.trained_on_records import Trained
from endcredits.ids import WorkId
from endcredits.influence import read_manifest
from endcredits.influence.gradient.manifest import IndexManifest
from endcredits.receipts.leaf import parse_leaf
from endcredits.works import Permission, statement


@dataclass(frozen=True, slots=True)
class Model:
    """A model and what it learnt from.

    Attributes:
        index: the name of its index; empty where that is gone.
        index_digest: of the index.
        current: whether the studio answers by it now.
        facts: what the index's manifest, or else the log's entry, says of the models.
        corpus_digest: of the list of works.
        works: for each work the statement that let it in.
        never_read: works that the training run never read.
        bytes_max: how much of each work counted; 0 for all of it.
        log_entry: position of the log's entry; -1 where there is none.
        logged_at: UTC time of it.
    """

    index: str
    index_digest: str
    current: bool
    facts: Mapping[str, Any]
    corpus_digest: str
    works: Mapping[WorkId, str]
    never_read: frozenset[WorkId]
    bytes_max: int
    log_entry: int
    logged_at: str


@dataclass(frozen=True, slots=True)
class Models:
    """What is known of all models.

    Attributes:
        models: those of which it can be told what they learnt from, the first logged first.
        unread: what stands in the way of telling it of others, in words.
        damaged: what else is damaged, in words; it hides no work.
    """

    models: tuple[Model, ...]
    unread: tuple[str, ...]
    damaged: tuple[str, ...]


Logged = dict[str, tuple[int, str, Mapping[str, Any]]]
"""(position, time, body) of the log's entries about models, by the digests of their indexes."""

_OF_MODEL = f'"type":"{MODEL}"'.encode()
"""How an entry about a model is spelt; entries are canonical, and no other text of theirs holds a quote."""


def read_models(studio: Studio) -> Models:
    """Every model with what it learnt from, by its index's own list, or by the gate's manifest where that is lost."""
    unread: list[str] = []
    damaged: list[str] = []
    logged, current, found = _logged(studio, unread), _current(studio), []
    for folder in sorted({path.parent for name in ("manifest.json", "corpus.json") for path in _files(studio, name)}):
        manifest, index_digest = _manifest(folder, damaged)
        try:
            record = read_corpus(folder)
            corpus, index_digest = record["manifest"], record["index_digest"]
            corpus_digest = _as_logged(corpus, logged.get(index_digest), folder)
            if index_digest not in logged:
                unread.append(f"index {folder.name}: no readable entry of the log says that its list of works is whole")
        except EndcreditsError as error:
            missing = isinstance(error, NotFoundError)
            why = "it is missing, or the building was not finished" if missing else error.message
            if index_digest not in logged or (corpus := _let_in(studio, logged[index_digest])) is None:
                unread.append(f"index {folder.name}: its list of works ({why})")
                continue
            corpus_digest = str(corpus["corpus_digest"])
            damaged.append(f"index {folder.name}: its list of works ({why}); the gate's manifest has it")
        entry = logged.pop(index_digest, (-1, "", {}))
        found.append(_model(folder.name, index_digest, folder.name == current, corpus, corpus_digest, entry, manifest))
    for index_digest, entry in logged.items():
        name = f"the model of entry {entry[0]} of the log (index {index_digest[:16]})"
        if (let_in := _let_in(studio, entry)) is None:
            unread.append(f"{name}: its index is gone or unreadable, so nobody can say from it what it learnt from")
        else:
            damaged.append(f"{name}: its index is gone or unreadable; the gate's manifest has its list of works")
            found.append(_model("", index_digest, False, let_in, str(let_in["corpus_digest"]), entry, None))
    # What is not logged yet was built last.
    ordered = sorted(found, key=lambda one: (one.log_entry < 0, one.log_entry, one.index))
    return Models(tuple(ordered), tuple(unread), tuple(damaged))


def _as_logged(corpus: Mapping[str, Any], entry: tuple[int, str, Mapping[str, Any]] | None, folder: Path) -> str:
    """The digest of a list of works, which must be the one that the log names: a work cannot be dropped from it later.

    Raises:
        IntegrityError: it is another.
    """
    found = digest(corpus)
    if entry is not None and entry[2].get("corpus_digest") != found:
        raise IntegrityError(
            f"it is not the list that entry {entry[0]} of the log names",
            remedy="Restore corpus.json from your last copy.",
            file=folder,
        )
    return found


def _manifest(folder: Path, damaged: list[str]) -> tuple[IndexManifest | None, str]:
    try:
        return read_manifest(folder)
    except EndcreditsError as error:
        damaged.append(f"index {folder.name}: its manifest ({error.message})")
        return None, ""


def _let_in(studio: Studio, entry: tuple[int, str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The list of works of a logged model as the gate signed it; None where it did not go through the gate."""
    admission = read_admission(studio, str(entry[2].get("corpus_digest", "")))
    return admission.document if admission.state == "whole" else None


def _model(
    name: str,
    index_digest: str,
    current: bool,
    corpus: Mapping[str, Any],
    corpus_digest: str,
    entry: tuple[int, str, Mapping[str, Any]],
    manifest: IndexManifest | None,
) -> Model:
    position, at, said = entry
    return Model(
        name,
        index_digest,
        current,
        manifest.facts if manifest is not None else said,
        corpus_digest,
        {WorkId(work["work_id"]): str(work["permission_id"] or "") for work in corpus["works"]},
        frozenset(work_id for work_id, size in manifest.work_sizes.items() if size == 0) if manifest else frozenset(),
        int(corpus["max_bytes_per_work"]),
        position,
        at,
    )


def _files(studio: Studio, name: str) -> Iterator[Path]:
    return (studio.path / "index").glob(f"*/{name}")


def _logged(studio: Studio, unread: list[str]) -> Logged:
    """The log's entries about models; one whose facts are missing, erased or others than were signed is named."""
    found: dict[int, Fact] = {}
    try:
        found = {fact.position: fact for fact in facts_in(studio.path, MODEL) if fact.body is not None}
    except EndcreditsError as error:
        unread.append(f"what the log says of models: {error.message}")
    logged: Logged = {}
    try:
        for position, entry in enumerate(studio.log_to_read().entries()):
            if _OF_MODEL not in entry:
                continue
            fact = found.get(position)
            if fact is None or fact.body is None or fact.leaf.encode() != entry or "index_digest" not in fact.body:
                unread.append(f"entry {position} of the log tells of a model whose facts are missing")
            else:
                logged[str(fact.body["index_digest"])] = (position, parse_leaf(entry).time, dict(fact.body))
    except EndcreditsError as error:
        unread.append(f"which models the log tells of: {error.message}")
    return logged


def _current(studio: Studio) -> str:
    try:
        return str(read_current(studio)["name"])
    except EndcreditsError:
        return ""


def trained(
    models: Sequence[Model],
    work_id: WorkId,
    statements: Mapping[str, Permission],
    flag: Flag | None,
    admissions: Mapping[str, Admission],
) -> tuple[Trained, ...]:
    """The models that learnt from a work.

    Args:
        models: as read.
        work_id: the work.
        statements: by id, as far as the books have them; see `statements_of`.
        flag: what became of the yes to the work.
        admissions: the gate's signed manifest of each corpus, by the corpus's digest.
    """
    return tuple(
        Trained(
            model.index,
            model.index_digest,
            model.current,
            str(model.facts.get("base_sha256", "")),
            str(model.facts.get("full_sha256", "")),
            model.corpus_digest,
            admissions[model.corpus_digest].state,
            admissions[model.corpus_digest].digest,
            model.log_entry,
            model.logged_at,
            model.works[work_id],
            statements.get(model.works[work_id]),
            work_id in model.never_read,
            model.bytes_max,
            flag,
        )
        for model in models
        if work_id in model.works
    )


def statements_of(conn: Connection, models: Sequence[Model], work_ids: Sequence[WorkId]) -> dict[str, Permission]:
    """The statements by which some works were let in, by id."""
    found = {}
    for permission_id in {model.works[one] for model in models for one in work_ids if one in model.works} - {""}:
        try:
            found[permission_id] = statement(conn, permission_id)
        except NotFoundError:
            continue  # a check names it
    return found

"""Which models learnt from which works, since when, and under which statement: read from what the indexes were built from.

Each index keeps the list of works that it was built from (`corpus.json`), and the log has an entry about its models
(`model.train`) with a time that nobody can change later. A model whose list is lost or damaged is named: of it nobody can
say what it learnt from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import EndcreditsError, NotFoundError
from endcredits.flows.admissions import Admission
from endcredits.flows.fact_files import facts_in
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
        index: the name of its index.
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


def read_models(studio: Studio) -> tuple[tuple[Model, ...], tuple[str, ...]]:
    """Every model whose list of works can be read, the first logged first, and in words what could not be read."""
    unread: list[str] = []
    logged = _logged(studio, unread)
    current, found = _current(studio), []
    for folder in sorted({path.parent for name in ("manifest.json", "corpus.json") for path in _files(studio, name)}):
        try:
            record = read_corpus(folder)
        except NotFoundError:
            unread.append(f"index {folder.name}: its list of works is missing, or its building was not finished")
            continue
        except EndcreditsError as error:
            unread.append(f"index {folder.name}: its list of works ({error.message})")
            continue
        position, at, said = logged.pop(record["index_digest"], (-1, "", {}))
        facts: Mapping[str, Any] = said
        never_read: frozenset[WorkId] = frozenset()
        try:
            manifest, _ = read_manifest(folder)
            facts, never_read = manifest.facts, _never_read(manifest)
        except EndcreditsError as error:
            unread.append(f"index {folder.name}: its manifest ({error.message}); its list of works was read")
        works = record["manifest"]["works"]
        found.append(
            Model(
                folder.name,
                record["index_digest"],
                folder.name == current,
                facts,
                digest(record["manifest"]),
                {WorkId(work["work_id"]): str(work["permission_id"] or "") for work in works},
                never_read,
                int(record["manifest"]["max_bytes_per_work"]),
                position,
                at,
            )
        )
    for index_digest, (position, _, _) in logged.items():
        unread.append(
            f"the model of entry {position} of the log (index {index_digest[:16]}): its index is gone or unreadable, "
            "so nobody can say from it what it learnt from"
        )
    # What is not logged yet was built last.
    return tuple(sorted(found, key=lambda one: (one.log_entry < 0, one.log_entry, one.index))), tuple(unread)


def _files(studio: Studio, name: str) -> Any:
    return (studio.path / "index").glob(f"*/{name}")


def _logged(studio: Studio, unread: list[str]) -> dict[str, tuple[int, str, Mapping[str, Any]]]:
    """(position, time, body) of the log's entries about models, by the digests of their indexes."""
    found: dict[str, tuple[int, str, Mapping[str, Any]]] = {}
    try:
        for fact in facts_in(studio.path, MODEL):
            if fact.body is not None:
                body = dict(fact.body)
                found[str(body["index_digest"])] = (fact.position, parse_leaf(fact.leaf.encode()).time, body)
    except (EndcreditsError, KeyError) as error:
        unread.append(f"what the log says of models: {error.message if isinstance(error, EndcreditsError) else error}")
    return found


def _current(studio: Studio) -> str:
    try:
        return str(read_current(studio)["name"])
    except EndcreditsError:
        return ""


def _never_read(manifest: IndexManifest) -> frozenset[WorkId]:
    """Works that the manifest says were never read: told by the trainer, or as it looks from the weights."""
    return frozenset(work_id for work_id, size in manifest.work_sizes.items() if size == 0)


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

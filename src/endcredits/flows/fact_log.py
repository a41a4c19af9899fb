"""Recorded facts into the log: works, splits, permissions, models, reports, contracts, disputes, steps and payments.

A log that holds receipts alone proves what was decided, and not what was known when it was decided. So every fact that a
decision follows from gets an entry of its own, in the order in which it was recorded: a permission that is dated back stands
after the training that it claims to have allowed, and a row of usage that vanished is missing under its hand-in's digest.

Facts are logged after the transaction that records them. What a crash kept from being logged is found by the next command
that asks (`complete`): it counts, which costs milliseconds, and reads only what differs. A hundred thousand works are logged
in one append.

    state = permission_state(studio)         # a log size and root: all that was known then stands before it
    number = train_index(studio, digest)     # the entry that says what a model was trained on
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes, digest, sha256_bytes, to_plain
from endcredits.errors import EndcreditsError
from endcredits.flows.clock import now
from endcredits.flows.fact_files import (
    Fact,
    add_facts,
    counts,
    fact_id_of,
    facts_in,
    is_pending,
    known_in,
    last_fact,
    make_fact,
    places_in,
    settle,
)
from endcredits.flows.fact_kinds import INTAKE, KINDS, MODEL, SAMPLED, SAMPLES, Item, counted, intake
from endcredits.flows.index_files import index_folders, read_corpus
from endcredits.flows.studio import Studio
from endcredits.influence import read_manifest
from endcredits.receipts import Log
from endcredits.royalties.recording import cut_off
from endcredits.store import Finding

T = TypeVar("T")
APPENDED_MAX = 20_000
"""Facts that are added to the log at once; what stays in memory."""


@dataclass(frozen=True, slots=True)
class PermissionState:
    """How far the log reached: all that was stated before stands in its first `size` entries.

    Attributes:
        size: number of entries.
        root: of the log then, 64 hex digits.
    """

    size: int
    root: str


def complete(studio: Studio) -> int:
    """Logs every recorded fact that has no entry yet. Returns how many; 0 where all have one, without asking for the key.

    Raises:
        IntegrityError: the log is missing or damaged, or a file of facts is.
        ConflictError: another process kept writing to the log for longer than a writer waits.
        MachineError: the disk is full; the same again continues.
    """
    if not _anything_waits(studio):
        return 0
    log, added = studio.log(), 0
    with log.writing():
        settle(studio.path, log)
        moment = now()
        # In chunks, each from one look at the books: rows are only ever added, so a later look misses nothing.
        with studio.store.reading() as conn:
            waiting = _of_books(studio, conn)
            while chunk := list(islice(waiting, APPENDED_MAX)):
                add_facts(studio.path, log, [make_fact(kind, key, body, moment) for kind, (key, body) in chunk])
                added += len(chunk)
        # Models last: what they were allowed to learn from is in the log before them.
        last = [*((MODEL, item) for item in _models(studio, log)), *((SAMPLED, item) for item in _samples(studio))]
        add_facts(studio.path, log, [make_fact(kind, key, body, moment) for kind, (key, body) in last])
    return added + len(last)


def write(studio: Studio, work: Callable[[Connection], T]) -> T:
    """Runs a walk's transaction (`Store.write`), and logs what it recorded.

    Raises:
        IntegrityError: the log is missing or damaged: what was recorded stays, and is logged by the next command after the
            log was restored.
    """
    done = studio.store.write(work)
    complete(studio)
    return done


def _anything_waits(studio: Studio) -> bool:
    if is_pending(studio.path):
        return True
    logged = counts(studio.path)
    with studio.store.reading() as conn:
        there = counted(conn)
        if any(there[kind.type] > logged[kind.type] for kind in KINDS) or cut_off(conn) > _reported_to(studio):
            return True
    return len(index_folders(studio)) > logged[MODEL] or len(_reports(studio)) > logged[SAMPLED]


def _reported_to(studio: Studio) -> int:
    last = last_fact(studio.path, INTAKE)
    return 0 if last is None or last.body is None else int(last.body["to"])


def _of_books(studio: Studio, conn: Connection) -> Iterator[tuple[str, Item]]:
    logged, there = counts(studio.path), counted(conn)
    for kind in KINDS:
        if there[kind.type] > logged[kind.type]:
            known = known_in(studio.path, kind.type)
            yield from ((kind.type, item) for item in _new(kind.type, kind.items(conn), known))
    reported = intake(conn, _reported_to(studio))
    if reported is not None:
        yield INTAKE, reported


def _new(kind: str, items: Iterable[Item], known: set[str]) -> Iterator[Item]:
    return (item for item in items if sha256_bytes(fact_id_of(kind, item[0]).encode()) not in known)


def _models(studio: Studio, log: Log) -> Iterator[Item]:
    """What every index measures: the models, what they learnt from, and what was permitted when the entry was made."""
    if len(index_folders(studio)) <= counts(studio.path)[MODEL]:
        return
    known = known_in(studio.path, MODEL)
    state = log.checkpoint()
    for folder in index_folders(studio):
        try:
            manifest, manifest_digest = read_manifest(folder)
            record = read_corpus(folder)
        except EndcreditsError:
            continue  # its building was interrupted, or a check names what is damaged
        if next(_new(MODEL, [(manifest_digest, None)], known), None) is not None:
            yield (
                manifest_digest,
                {
                    "index_digest": manifest_digest,
                    **{name: manifest.facts[name] for name in ("base_sha256", "full_sha256", "code_sha256")},
                    "corpus_digest": digest(record["manifest"]),
                    "catalogue_digest": record["catalogue_digest"],
                    "permissions": {"size": state.size, "root": state.root},
                },
            )


def _reports(studio: Studio) -> list[Path]:
    return sorted((studio.path / SAMPLES).glob("*.json"))


def _samples(studio: Studio) -> Iterator[Item]:
    """The reports of samples that are not logged yet."""
    known = known_in(studio.path, SAMPLED)
    for path in _reports(studio):
        if next(_new(SAMPLED, [(path.stem, None)], known), None) is not None:
            yield path.stem, json.loads(path.read_bytes())


def permission_state(studio: Studio) -> PermissionState:
    """How far the log reaches once everything that was recorded stands in it.

    Raises:
        IntegrityError: the log is missing or damaged.
    """
    complete(studio)
    state = studio.log_to_read().checkpoint()
    return PermissionState(state.size, state.root)


def train_index(studio: Studio, index_digest: str) -> int:
    """The position of the log's entry about the models of an index; -1 where there is none."""
    wanted = fact_id_of(MODEL, index_digest)
    return next((fact.position for fact in facts_in(studio.path, MODEL) if fact.fact_id == wanted), -1)


def check_facts(studio: Studio) -> Iterator[Finding]:
    """That every fact is the one that was logged, that the log has it, and that the books still say the same.

    Facts that wait to be logged are none: the next command logs them.
    """
    log = studio.log_to_read()
    said: dict[str, Any] = {}
    for kind in KINDS:
        with studio.store.reading() as conn:
            said.update({fact_id_of(kind.type, key): body for key, body in kind.items(conn)})
    reported = 0
    for fact in facts_in(studio.path):
        where = f"fact {fact.fact_id or fact.known_as}"
        if log.find(_commit(fact)) != fact.position:
            yield Finding(where, f"the log has no such entry at {fact.position}")
        if fact.body is None or fact.type in (MODEL, SAMPLED):
            continue
        if fact.type == INTAKE:
            with studio.store.reading() as conn:
                body = intake_of(conn, fact)
            if int(fact.body["after"]) != reported:
                yield Finding(where, f"it begins after report {fact.body['after']}, and the one before ended at {reported}")
            reported = int(fact.body["to"])
        else:
            body = said.get(fact.fact_id)
        if body is None:
            yield Finding(where, "it was logged, and the books know nothing of it")
        elif canonical_bytes(to_plain(body)) != canonical_bytes(fact.body):
            yield Finding(where, "the books say something else than what was logged")


def intake_of(conn: Connection, fact: Fact) -> Any:
    """What the books say today about the reports that a hand-in logged."""
    assert fact.body is not None
    item = intake(conn, int(fact.body["after"]), to=int(fact.body["to"]))
    return None if item is None else item[1]


def _commit(fact: Fact) -> str:
    commit: str = json.loads(fact.leaf)["commit"]
    return commit


def places(studio: Studio) -> Iterator[int]:
    """The positions of all facts in the log, told from the files' names."""
    return places_in(studio.path)

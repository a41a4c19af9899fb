"""From the registry, the log and an index to what disclosures are made from: works, grounds, refusals, reservations.

Three corpora can be disclosed: what an index was built from, what a signed manifest of an admission names, and what the
registry would admit on a day. Of the first two the statements of their time count and no later ones, so the same document
can be made again years later; only whether a permission was taken back since is asked of the day of the document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from endcredits.errors import InputError, IntegrityError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.disclosing_then import PRESENT, REGISTRY, Books, Then, of_corpus, of_index
from endcredits.flows.fact_files import fact_id_of, facts_in, last_fact
from endcredits.flows.fact_kinds import CONSENT, FILE_MARK, MODEL, WORK
from endcredits.flows.looking import answers_of
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import Marks, Permission, Said, Work, asked_about, marks, permissions, registration_times, revoked_on
from endcredits.works import works as works_in
from endcredits.works.asked import speaks_of
from endcredits.works.disclosure import (
    Collected,
    CorpusWork,
    RefusedWork,
    StandardCount,
    Standing,
    WorkFile,
    count_standards,
    ground_of,
    licences_of,
    raw_digest,
    standard_of,
)
from endcredits.works.utc import check_day

__all__ = ["PRESENT", "REGISTRY", "collect"]

_SPOKEN = ("tdm", "train", "finetune", "retrieve", "index")
"""Verbs that reservations speak of; style and likeness are no matter of training data."""


def collect(studio: Studio, *, on: str = "", index: str = "", corpus: str = "", positions: bool = False) -> Collected:
    """Gathers what is known of a corpus.

    Args:
        studio: whose.
        on: the day of the document; today by default.
        index: an index by its folder's name or its digest, or the beginning of one; the current one by default.
        corpus: instead of an index the digest of a corpus with a manifest, or the beginning of one, or `PRESENT`, or
            `REGISTRY`.
        positions: look up the place in the log of every statement and work, which reads all of them.

    Raises:
        InputError: not a day, or both an index and a corpus.
        NotFoundError: no such index or corpus, or none was built yet.
        IntegrityError: a file of the index, the corpus or the log is damaged.
    """
    if index and corpus:
        raise InputError("an index is built from one corpus", remedy="Give --index or --corpus.", field="--corpus")
    fact_log.complete(studio)
    day = check_day(on or now()[:10], field="on")
    with studio.store.reading() as conn:
        books = Books(works_in(conn), permissions(conn), marks(conn), registration_times(conn))
    then = of_corpus(studio, books, corpus, day) if corpus else of_index(studio, books, index, day)
    places = _places(studio) if positions else {}
    admitted = _admitted(books, then, day, places)
    return _counted(studio, books, then, admitted)


def _places(studio: Studio) -> dict[str, int]:
    return {fact.fact_id: fact.position for kind in (WORK, CONSENT) for fact in facts_in(studio.path, kind) if fact.fact_id}


def _admitted(books: Books, then: Then, day: str, places: Mapping[str, int]) -> tuple[CorpusWork, ...]:
    by_id = {work.work_id: work for work in books.registered}
    statements = {one.permission_id: one for one in books.stated}
    today = Said(books.stated)
    evening = f"{day}T23:59:59Z"

    def taken_back(work: Work) -> bool:
        asked = asked_about(work, books.names)
        said = today.about(asked)
        return any(revoked_on(said, asked, verb, evening, by=then.operator) for verb in ("train", "finetune"))

    found = []
    for row in sorted(then.rows, key=lambda row: str(row["work_id"])):
        work_id, permission_id = WorkId(row["work_id"]), str(row["permission_id"] or "")
        work = by_id.get(work_id)
        if work is None:
            raise IntegrityError(
                f"the corpus names the work '{work_id}', and the registry does not know it",
                remedy="Restore the database from your last copy.",
            )
        permission = statements.get(permission_id)
        found.append(
            CorpusWork(
                work_id=work_id,
                title=work.title,
                names=tuple(dict.fromkeys(credit.display_credit for credit in work.credits)),
                files=tuple(
                    _file(one.sha256, one.media_type, one.size_bytes, one.label, then.names) for one in work.manifestations
                ),
                registered_at=books.times.get(work_id, ""),
                permission_id=permission_id,
                permission=permission,
                ground=ground_of(permission, (credit.party_id for credit in work.credits), then.operator),
                licences=tuple(name for name, _ in licences_of(permission)),
                permission_position=places.get(fact_id_of(CONSENT, permission_id), -1),
                work_position=places.get(fact_id_of(WORK, work_id), -1),
                taken_back=taken_back(work),
            )
        )
    return tuple(found)


def _file(sha256: str, media_type: str, size_bytes: int, label: str, names: Marks) -> WorkFile:
    urls = tuple(sorted(value for kind, value in names.get(sha256, ()) if kind == "url"))
    return WorkFile(sha256, media_type, size_bytes, label, urls)


def _counted(studio: Studio, books: Books, then: Then, admitted: tuple[CorpusWork, ...]) -> Collected:
    used = {work.work_id for work in admitted}
    statements = {one.permission_id: one for one in then.stated}
    spoken = [one for one in then.stated if one.verb in _SPOKEN]
    answers = answers_of(then.registered, then.stated, then.names, then.at, then.operator)
    refused = tuple(
        RefusedWork(
            work.work_id,
            # A yes of itself that was kept out all the same, such as a work that waits for a person.
            answers[work.work_id].value if answers[work.work_id].value != "allow" else "unknown",
            answers[work.work_id].permission_id or "",
            standard_of(statements.get(answers[work.work_id].permission_id or "")),
        )
        for work in then.registered
        if work.work_id not in used
    )
    under_contract = {one.work_id for one in admitted if one.ground == "contract"}
    contracted = [work for work in then.registered if work.work_id in under_contract]
    others = answers_of(contracted, then.stated, then.names, then.at, "")
    despite = {
        str(work.work_id): standard_of(statements.get(others[work.work_id].permission_id or ""))
        for work in contracted
        if others[work.work_id].value == "deny"
    }
    kept_out = {one.work_id: one.standard for one in refused if one.permission_id}
    standards: tuple[StandardCount, ...] = count_standards(spoken, _concerned(then, spoken), kept_out, despite)
    return Collected(
        _standing(studio, replace(then.standing, operator=then.operator)),
        admitted,
        refused,
        standards,
        raw_digest(spoken),
        tuple(sorted({one.permission_id for one in admitted if one.work_id in despite})),
    )


def _concerned(then: Then, spoken: Iterable[Permission]) -> dict[str, list[str]]:
    """The works that a statement speaks of, by its id."""
    said, found = Said(spoken), defaultdict(list)
    for work in then.registered:
        asked = asked_about(work, then.names)
        for one in said.about(asked):
            if speaks_of(one, asked):
                found[one.permission_id].append(str(work.work_id))
    return found


def _standing(studio: Studio, standing: Standing) -> Standing:
    """With the shortest log that holds everything counted: entries of other kinds that follow do not change a document."""
    lasts = [last_fact(studio.path, kind) for kind in (WORK, CONSENT, FILE_MARK, MODEL)]
    size = 1 + max((one.position for one in lasts if one is not None), default=-1)
    log = studio.log_to_read()
    root = log.root_at(size).hex() if size else ""
    return replace(standing, log_origin=log.origin, log_size=size, log_root=root)

"""The gate: candidates come in, and each is admitted, refused, or waits for a person, with its reason and whose word it was.

1. What every file says about its use is read before anything else is done with it, and recorded as statements about it.
2. The work is registered, whatever was said.
3. What it is recognised by is made: letters and content codes.
4. All statements are asked. A deny refuses. A condition that nobody has met, or silence, waits for a person.
5. What looks like a refused work waits too, until a person has looked (`reviewing`). That is a statement in the registry.
6. The manifest is signed (`admissions`); indexes and receipts name it.

Work is recorded in batches, so a gate that was killed goes on where it stopped, and a file that has not changed is not read
again (`seen`). Every candidate has an outcome, whatever is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from endcredits import durable
from endcredits.errors import InputError
from endcredits.flows import admissions, fact_log
from endcredits.flows.admissions import FOLDER, Admission
from endcredits.flows.catalogue import Corpus, corpus_of
from endcredits.flows.clock import now
from endcredits.flows.holds import Hold, excluded, holds_of, likenesses, settle
from endcredits.flows.looking import VERB, Look, look
from endcredits.flows.prints import CODES, codes_of, means
from endcredits.flows.seen import FILE, Cache
from endcredits.flows.sources import Source
from endcredits.flows.studio import Studio
from endcredits.flows.taking_in import Taken, take_in
from endcredits.ids import WorkId
from endcredits.progress import Progress, silent
from endcredits.works import Work
from endcredits.works.utc import check_time

ADMITTED, REFUSED, WAITING = "admitted", "refused", "waiting"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one candidate.

    Attributes:
        name: for people ("photos/cat.jpg").
        work_id: the work that it is; empty where nothing could be registered.
        outcome: `ADMITTED`, `REFUSED` or `WAITING`.
        value: of the decision: one of `works.VALUES`.
        verb: what the decision is about.
        reason: why, in words.
        permission_id: the statement that decided; empty for none.
        files: SHA-256 of its files, in order.
        holds: what it looks like, where that is why it waits.
    """

    name: str
    work_id: str
    outcome: str
    value: str
    verb: str
    reason: str
    permission_id: str
    files: tuple[str, ...]
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the gate did.

    Attributes:
        outcomes: one per candidate, in their order.
        admission: the manifest.
        corpus_digest: of the admitted works.
        read: number of files that were read now.
        known: candidates that were known and not read again.
        compared_by: by what refused works were looked for: "sha256", "letters" and, with the extra `media`, "iscc".
    """

    outcomes: tuple[Outcome, ...]
    admission: Admission = field(repr=False)
    corpus_digest: str
    read: int
    known: int
    compared_by: tuple[str, ...]

    def having(self, outcome: str) -> tuple[Outcome, ...]:
        """The outcomes of one kind."""
        return tuple(one for one in self.outcomes if one.outcome == outcome)


def admit(
    studio: Studio,
    sources: Sequence[Source],
    *,
    at: str = "",
    recheck: bool = False,
    progress: Progress = silent,
) -> Admitted:
    """Lets candidates through the gate, and makes the corpus of those that are admitted the current one.

    Args:
        studio: whose corpus it is.
        sources: where candidates come from; see `sources`. All of them together are the corpus.
        at: UTC time from which what is read and said holds; now by default. The decision is always of now.
        recheck: whether to read files again that have not changed.
        progress: told about the stages.

    Raises:
        InputError: `at` is no time, or lies in the future, or a source cannot be read as a whole.
        NotFoundError: there is no such source.
        ConflictError: another gate is at work in this studio.
        IntegrityError: the log, or the content of a registered work, is missing or damaged.
        MachineError: the disk is full; the same again continues.
    """
    begin = now()
    moment = check_time(at or begin)
    if moment > begin:
        raise InputError(f"{at} lies in the future", remedy="Leave it away for now.", field="at")
    made_with = means()
    with durable.locked(studio.path / FOLDER, "the corpora"):
        cache = Cache(studio.path / FOLDER / FILE)
        try:
            candidates = [one for source in sources for one in source(studio, cache, recheck)]
            intake = take_in(studio, candidates, cache, moment, made_with, recheck=recheck, progress=progress)
            seen = look(studio)
            ids = {one.seen.work_id for one in intake.taken if one.seen.work_id}
            wanted = [work for work in seen.registered if work.work_id in ids and seen.answers[work.work_id].value != "deny"]
            out = excluded(studio, seen, cache, made_with, progress)
            alike = likenesses(studio, seen, wanted, out, cache, made_with, progress)
            if any(settle(studio, seen, wanted, alike, made_with)):
                seen = look(studio)
        finally:
            cache.close()
        outcomes = _outcomes(intake.taken, seen)
        chosen = frozenset(one.work_id for one in outcomes if one.outcome == ADMITTED)
        corpus = corpus_of(studio, seen, chosen=chosen)
        compared_by = ("sha256", "letters", *([CODES] if made_with.endswith(CODES) else []))
        document = _document(studio, corpus, outcomes, seen, compared_by, begin)
        admission = admissions.write_manifest(studio, document)
        admissions.set_current(studio, corpus.digest())
    return Admitted(outcomes, admission, corpus.digest(), intake.read, intake.known, compared_by)


def _outcomes(taken: Sequence[Taken], seen: Look) -> tuple[Outcome, ...]:
    works = {work.work_id: work for work in seen.registered}
    holds: dict[str, list[Hold]] = {}
    for (work_id, _), hold in sorted(holds_of(seen).items()):
        if not hold.answered:
            holds.setdefault(work_id, []).append(hold)
    return tuple(_outcome(one, works, seen, tuple(holds.get(one.seen.work_id, ()))) for one in taken)


def _outcome(one: Taken, works: Mapping[WorkId, Work], seen: Look, holds: tuple[Hold, ...]) -> Outcome:
    if not one.seen.work_id:
        return Outcome(one.name, "", REFUSED, "unknown", VERB, one.seen.problem, "", one.seen.files)
    work = works[WorkId(one.seen.work_id)]
    answer = seen.answers[work.work_id]
    files = tuple(file.sha256 for file in work.manifestations)
    said = Outcome(
        one.name, work.work_id, ADMITTED, answer.value, answer.verb, answer.reason, answer.permission_id or "", files
    )
    if answer.value == "deny":
        return replace(said, outcome=REFUSED)
    if holds:
        first = holds[0].permission
        return replace(
            said, outcome=WAITING, value="unknown", reason=first.reason, permission_id=first.permission_id, holds=holds
        )
    return said if answer.value == "allow" else replace(said, outcome=WAITING)


def _document(
    studio: Studio, corpus: Corpus, outcomes: Sequence[Outcome], seen: Look, compared_by: Sequence[str], at: str
) -> dict[str, Any]:
    """What the manifest says; each work once, whatever it was called in the sources."""
    state = fact_log.permission_state(studio)
    own = {one.permission_id: one.value for one in seen.stated}
    rows = [
        {
            "work_id": work.work_id,
            "files": [file.sha256 for file in work.manifestations],
            "iscc": [code for file in work.manifestations for code in codes_of(seen.names.get(file.sha256, ()))],
            "permission_id": decision.permission_id,
            "value": own.get(decision.permission_id or "", decision.value),
        }
        for work, decision in zip(corpus.admitted, corpus.decisions, strict=True)
    ]
    return {
        "format": admissions.FORMAT,
        "corpus_digest": corpus.digest(),
        "made_at": at,
        "verb": VERB,
        "operator": studio.operator,
        "max_bytes_per_work": 0,
        "compared_by": list(compared_by),
        "works": rows,
        "refused": _rows(outcomes, REFUSED),
        "waiting": _rows(outcomes, WAITING),
        "log": {"size": state.size, "root": state.root},
    }


def _rows(outcomes: Sequence[Outcome], kind: str) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in sorted(outcomes, key=lambda one: (one.work_id, one.name)):
        if one.outcome == kind:
            alike = [
                {"to": hold.likeness.owner, "by": hold.likeness.by, "distance_bits": hold.likeness.distance_bits}
                for hold in one.holds
            ]
            found.setdefault(
                one.work_id or f"?{one.name}",
                {
                    "name": one.name,
                    "work_id": one.work_id,
                    "files": list(one.files),
                    "value": one.value,
                    "verb": one.verb,
                    "reason": one.reason,
                    "permission_id": one.permission_id,
                    **({"looks_like": alike} if alike else {}),
                },
            )
    return list(found.values())

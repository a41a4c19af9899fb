"""Works that look like a refused one wait: the gate says so in the registry, and a person's word ends it.

A *hold* is a statement by the gate, "unknown, because it looks like that work, which is refused". It keeps the work out of
every corpus, with a manifest or without. Whoever reviews it answers by a statement of their own that names the hold
(`reviewing`), so a later yes from another source does not pass for an answer. When the other work is refused no longer, the
gate takes its hold back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.looking import VERB, Look
from endcredits.flows.prints import CODES, LETTERS, code_print, prints_of
from endcredits.flows.seen import Cache
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.progress import Progress
from endcredits.works import Asked, Permission, Provenance, Work, add_marks, state_permissions
from endcredits.works.decide import closings, in_force
from endcredits.works.looks_alike import Excluded, Likeness, Print
from endcredits.works.present import decide_now

GATE = "the gate"
"""Who declares a hold."""

STANDARD = "endcredits likeness"
REVIEW = "review of "
"""Beginning of the source of a person's answer; the ids of the holds follow."""

VERBS = (VERB, "finetune", "index", "tdm")
"""A no to any of these excludes what it is about."""


@dataclass(frozen=True, slots=True)
class Hold:
    """That a work waits because it looks like a refused one.

    Attributes:
        permission: the gate's statement.
        likeness: to what, and how near.
        answered: whether a person has reviewed it.
    """

    permission: Permission
    likeness: Likeness
    answered: bool


def excluded(studio: Studio, seen: Look, cache: Cache, made_with: str, progress: Progress) -> Excluded:
    """What refused works, files and codes are recognised by.

    Raises:
        IntegrityError: the content of a refused work is missing or damaged.
    """
    denied = [work for work in seen.registered if seen.answers[work.work_id].value == "deny"]
    prints: list[Print] = []
    for number, work in enumerate(denied, 1):
        prints += _prints_of(studio, seen, cache, work, made_with)
        progress("refused works", number, len(denied))
    names = {("sha256", one.sha256) for one in prints}
    for name in _denied_names(studio, seen) - names:
        kind, subject = name
        found = Print(subject, owner=f"sha256:{subject}") if kind == "sha256" else code_print(subject, subject)
        prints += [found] if found is not None else []
    return Excluded(prints)


def _prints_of(studio: Studio, seen: Look, cache: Cache, work: Work, made_with: str) -> list[Print]:
    """What a work's files are recognised by; what the registry does not know of that yet is added to it."""
    types = {file.sha256: file.media_type for file in work.manifestations}
    found, marks = prints_of(studio, cache, types, {}, made_with, registered=seen.names)
    if marks:
        fact_log.write(studio, lambda conn: add_marks(conn, marks))
    return [Print(sha256, found[sha256].letters_sha256, found[sha256].codes, work.work_id) for sha256 in types]


def _denied_names(studio: Studio, seen: Look) -> set[tuple[str, str]]:
    """Files and codes that somebody has denied by name, whether a work is registered for them or not."""
    about: dict[tuple[str, str], list[Permission]] = {}
    for one in seen.stated:
        if one.subject_kind in ("sha256", "iscc"):
            about.setdefault((one.subject_kind, one.subject), []).append(one)
    return {
        name
        for name, said in about.items()
        if any(
            decide_now(said, Asked(name[1], (name,)), verb, seen.at, by=studio.operator).value == "deny" for verb in VERBS
        )
    }


def likenesses(
    studio: Studio, seen: Look, wanted: Sequence[Work], out: Excluded, cache: Cache, made_with: str, progress: Progress
) -> dict[WorkId, tuple[Likeness, ...]]:
    """How works look like excluded ones, by what; equal bytes are left to the permissions, which know of them."""
    found: dict[WorkId, tuple[Likeness, ...]] = {}
    if not len(out):
        return found
    step = 200
    for start in range(0, len(wanted), step):
        prints = [
            (work.work_id, one)
            for work in wanted[start : start + step]
            for one in _prints_of(studio, seen, cache, work, made_with)
        ]
        for (work_id, _), likes in zip(prints, out.alike([one for _, one in prints]), strict=True):
            others = (one for one in likes if one.owner != work_id and one.by != "bytes")
            best = {one.owner: one for one in reversed([*found.get(work_id, ()), *others])}
            found[work_id] = tuple(
                sorted(best.values(), key=lambda one: (one.by != "letters", one.distance_bits, one.owner))
            )
        progress("likeness", min(start + step, len(wanted)), len(wanted))
    return {work_id: likes for work_id, likes in found.items() if likes}


def _nearness(one: Likeness) -> tuple[bool, int, str]:
    return one.by != "letters", one.distance_bits, one.owner


def holds_of(seen: Look) -> dict[tuple[str, str], Hold]:
    """The holds in force, by work and what it looks like."""
    closed = closings(seen.stated)
    answered = {
        hold_id
        for one in seen.stated
        if one.value == "allow" and one.source.startswith(REVIEW) and in_force(one, seen.at)
        if one.permission_id not in closed or closed[one.permission_id].effective_from > seen.at
        for hold_id in one.source.removeprefix(REVIEW).split()
    }
    found = {}
    for one in seen.stated:
        where = one.provenance
        if one.declared_by != GATE or where is None or where.standard != STANDARD or one.revokes:
            continue
        if one.permission_id not in closed:
            by, _, bits = where.carrier.partition(" ")
            likeness = Likeness(where.url, where.raw_sha256, by, int(bits or 0))
            found[one.subject, where.url] = Hold(one, likeness, one.permission_id in answered)
    return found


def settle(
    studio: Studio, seen: Look, wanted: Iterable[Work], alike: Mapping[WorkId, tuple[Likeness, ...]], made_with: str
) -> tuple[int, int]:
    """Holds what looks like something excluded, and takes holds back whose reason is gone.

    A hold by content code stands where no codes can be compared: nobody has seen that its reason is gone.

    Returns:
        How many holds were made, and how many taken back.
    """
    held, moment = holds_of(seen), now()
    made: list[Permission] = []
    back: list[Permission] = []
    for work in wanted:
        likes = {one.owner: one for one in alike.get(work.work_id, ())}
        made += [_hold(work.work_id, one, moment) for owner, one in likes.items() if (work.work_id, owner) not in held]
        back += [
            _taken_back(hold.permission, moment)
            for (work_id, owner), hold in held.items()
            if work_id == work.work_id and owner not in likes
            if hold.likeness.by == LETTERS or made_with.endswith(CODES)
        ]
    if made or back:
        fact_log.write(studio, lambda conn: state_permissions(conn, [*made, *back]))
    return len(made), len(back)


def _hold(work_id: WorkId, likeness: Likeness, moment: str) -> Permission:
    return Permission(
        work_id,
        VERB,
        "unknown",
        f"it looks like '{likeness.owner}', which is refused: {likeness.words()}; a person must look at both",
        "endcredits corpus admit",
        GATE,
        moment,
        provenance=Provenance(
            STANDARD, "1", f"{likeness.by} {likeness.distance_bits}", likeness.owner, raw_sha256=likeness.sha256
        ),
        observed_at=moment,
    )


def _taken_back(hold: Permission, moment: str) -> Permission:
    reason = "what it looks like is refused no longer, or it looks like it no longer"
    return Permission(
        hold.subject, VERB, "unknown", reason, "endcredits corpus admit", GATE, moment, revokes=hold.permission_id
    )

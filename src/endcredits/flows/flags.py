"""Which models were trained on works whose yes was taken back or refused since: lawful history, and a duty that stays.

Taking a yes back closes forward: it cannot untrain a model. So the model keeps paying for what it learnt, and whoever looks
at it is told: `trained_under_revoked`, by work, since when, and by which statement. A yes that ended on its own last day was
kept, and flags nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from endcredits.errors import EndcreditsError
from endcredits.flows.clock import now
from endcredits.flows.index_files import index_folders, read_corpus
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import Asked, Permission, decide, marks_of, permissions_about
from endcredits.works.asked import asked_of, speaks_of
from endcredits.works.decide import closings
from endcredits.works.finding import narrowed, shared_files, shas_and_makers
from endcredits.works.url_patterns import site_of

FLAG = "trained_under_revoked"
"""What the flag is called wherever it is told."""
VERBS = ("train", "finetune", "index")
"""What building an index asks; see `catalogue.corpus`."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A work on which a model was trained, and may not be trained today.

    Attributes:
        work_id: the work.
        since: UTC time from which it has been a no.
        verb: what was refused: one of `VERBS`.
        how: "denied", "taken back", or "replaced" by a statement that is no yes.
        permission_id: the statement that did it.
        declared_by: who made that statement.
        reason: why, in their words.
    """

    work_id: WorkId
    since: str
    verb: str
    how: str
    permission_id: str
    declared_by: str
    reason: str


def flags_of_works(conn: Connection, work_ids: Iterable[WorkId], at: str, *, by: str = "") -> dict[WorkId, Flag]:
    """What became of the yes to some works; those whose yes stands are left out.

    Only works about which somebody has said a no, or taken something back, are looked at closely.

    Args:
        conn: any connection.
        work_ids: works on which a model was trained.
        at: UTC time asked about.
        by: the operator.
    """
    against = narrowed(conn)
    if not against:
        return {}
    wanted = set(work_ids)
    shared = shared_files(conn)
    everybody = shas_and_makers(conn, {*wanted, *(work_id for works in shared.values() for work_id in works)})
    names = marks_of(conn, {sha256 for shas, _ in everybody.values() for sha256 in shas})
    standing: dict[WorkId, Flag | None] = {}

    def standing_of(work_id: WorkId) -> Flag | None:
        if work_id not in standing:
            shas, makers = everybody[work_id]
            asked = asked_of(work_id, shas, makers, names)
            all_names = ((kind, site_of(name) if kind == "url" else name) for kind, name in (*asked.whole, *asked.parts))
            touched = not against.isdisjoint(all_names)
            standing[work_id] = flag_of(permissions_about(conn, asked), asked, at, by=by) if touched else None
        return standing[work_id]

    found = {}
    for work_id in sorted(wanted & set(everybody)):
        flag = standing_of(work_id)
        for sha256 in everybody[work_id][0] if flag is None else ():
            flag = flag or _of_copy(work_id, [standing_of(one) for one in shared.get(sha256, ()) if one != work_id])
        if flag is not None:
            found[work_id] = flag
    return found


def _of_copy(work_id: WorkId, others: Iterable[Flag | None]) -> Flag | None:
    """The flag of a work that holds the very bytes of a file of a denied one."""
    for other in others:
        if other is not None and other.how == "denied":
            reason = f"one of its files is also a file of '{other.work_id}', which is denied: {other.reason}"
            return replace(other, work_id=work_id, reason=reason)
    return None


def flag_of(said: Sequence[Permission], asked: Asked, at: str, *, by: str = "") -> Flag | None:
    """What became of the yes to a work on which a model was trained; None where it stands, or ended by itself.

    Args:
        said: statements about the work.
        asked: the work.
        at: UTC time asked about.
        by: the operator, whose contracts count.
    """
    about = [one for one in said if speaks_of(one, asked)]
    now_said = _against(about, asked, at, by)
    if now_said is None:
        return None
    # The no may have begun with another statement than the one that decides today: go back to where it has been one since.
    since, first = at, now_said
    for moment in sorted(_moments(about, at), reverse=True):
        then = _against(about, asked, moment, by)
        if then is None:
            break
        since, first = moment, then
    verb, how, one = first
    return Flag(WorkId(asked.subject), since, verb, how, one.permission_id, one.declared_by, one.reason)


def flagged(studio: Studio, at: str = "") -> dict[str, tuple[Flag, ...]]:
    """The flags of every index that can be read, by the name of its folder; an index without flags has none.

    Args:
        studio: whose.
        at: UTC time asked about; now by default.
    """
    learnt: dict[str, set[WorkId]] = {}
    for folder in index_folders(studio):
        try:
            works = read_corpus(folder)["manifest"]["works"]
        except EndcreditsError:
            continue  # a check names it
        learnt[folder.name] = {WorkId(work["work_id"]) for work in works}
    with studio.store.reading() as conn:
        flags = flags_of_works(conn, {one for works in learnt.values() for one in works}, at or now(), by=studio.operator)
    return {name: tuple(flags[one] for one in sorted(works & set(flags))) for name, works in learnt.items()}


def told(flag: Flag) -> str:
    """A flag in one line, for people."""
    what = {"denied": "refused", "taken back": "taken back", "replaced": "replaced by less than a yes"}[flag.how]
    return (
        f"{flag.work_id}: {flag.verb} was {what} from {flag.since} on, by {flag.declared_by} "
        f"({flag.permission_id}: {flag.reason})"
    )


def notes(studio: Studio) -> list[str]:
    """What a check says of models that were trained on works whose yes is gone: no fault, and not to be forgotten.

    A studio too damaged to be asked has findings, and no notes.
    """
    try:
        found = flagged(studio)
    except Exception:  # a damaged value may be of any type, and what is wrong with it is told by the check itself
        return []
    return [
        f"{FLAG}: index {name} learnt from {told(flag)}; it keeps paying" for name in sorted(found) for flag in found[name]
    ]


def _against(about: Sequence[Permission], asked: Asked, at: str, by: str) -> tuple[str, str, Permission] | None:
    """(verb, how, statement) of what stands against training at a time."""
    by_id = {one.permission_id: one for one in about}
    answers = {verb: decide(about, asked, verb, at, by=by) for verb in VERBS}
    for verb, answer in answers.items():
        if answer.value == "deny" and answer.permission_id in by_id:
            return verb, "denied", by_id[answer.permission_id]
    closed = closings(about)
    for verb in VERBS[:2]:
        if answers[verb].value == "allow":
            continue
        ended = [
            closed[one.permission_id]
            for one in about
            if one.value in ("allow", "conditional")
            and one.verb in (verb, "train")
            and one.permission_id in closed
            and closed[one.permission_id].effective_from <= at
            and (one.effective_to is None or closed[one.permission_id].effective_from < one.effective_to)
        ]
        if ended:
            last = max(ended, key=lambda one: (one.effective_from, one.permission_id))
            return verb, "taken back" if last.revokes else "replaced", last
    return None


def _moments(about: Sequence[Permission], at: str) -> set[str]:
    """When what is said of a work changed, up to a time."""
    times = {one.effective_from for one in about} | {one.effective_to for one in about if one.effective_to}
    return {one for one in times if one is not None and one <= at}

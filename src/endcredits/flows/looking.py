"""One look at all works: whether each may be trained on, as of a moment.

A work needs a yes to training and to fine-tuning, and no denial of being kept in an index. Whatever stands against it is
the answer, a deny before anything that is merely not a yes. A work that holds the very bytes of a file of a denied one is
denied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import Asked, Decision, Marks, Permission, Said, Work, asked_about, decide, marks, permissions, works
from endcredits.works.present import decide_now

VERB = "train"
"""The verb whose yes admits a work."""


@dataclass(frozen=True, slots=True)
class Look:
    """All works, and whether each may be trained on, as of a moment.

    Attributes:
        at: UTC time asked about.
        registered: every work, by id.
        stated: every statement.
        names: other names of files.
        answers: the yes to each work, or what stands against it.
    """

    at: str
    registered: tuple[Work, ...]
    stated: tuple[Permission, ...]
    names: Marks
    answers: Mapping[WorkId, Decision]


def look(studio: Studio, at: str = "") -> Look:
    """Asks the registry about every work at a moment (now by default)."""
    moment = at or now()
    with studio.store.reading() as conn:
        registered, stated, names = works(conn), permissions(conn), marks(conn)
    answers = answers_of(registered, stated, names, moment, studio.operator, present=not at)
    return Look(moment, registered, stated, names, answers)


def answers_of(
    registered: Sequence[Work],
    stated: Sequence[Permission],
    names: Marks,
    at: str,
    operator: str,
    *,
    present: bool = False,
) -> dict[WorkId, Decision]:
    """The yes to each work, or what stands against it, from these statements alone: today's, or those of an earlier day.

    Args:
        registered: the works asked about.
        stated: every statement that counts.
        names: other names of files.
        at: UTC time asked about.
        operator: the party whose contracts count; empty for none.
        present: whether `at` is the clock's time of now; see `works.present`.
    """
    said, own = Said(stated), {}
    for work in registered:
        asked = asked_about(work, names)
        own[work.work_id] = _answer(said.about(asked), asked, at, operator, decide_now if present else decide)
    denied: dict[str, Decision] = {}
    for work in registered:
        if own[work.work_id].value == "deny":
            for file in work.manifestations:
                denied.setdefault(file.sha256, own[work.work_id])
    return {work.work_id: _answer_of_files(work, denied, own[work.work_id]) for work in registered}


def _answer(said: Sequence[Permission], asked: Asked, at: str, by: str, answer: Callable[..., Decision]) -> Decision:
    """The yes to training, or what stands against it: a deny before anything that is merely not a yes."""
    train, finetune, index = (answer(said, asked, verb, at, by=by) for verb in (VERB, "finetune", "index"))
    for one in (train, finetune, index):
        if one.value == "deny":
            return one
    return train if train.value != "allow" else finetune if finetune.value != "allow" else train


def _answer_of_files(work: Work, denied: Mapping[str, Decision], answer: Decision) -> Decision:
    """The work's own answer, unless it is a yes and one of its files belongs to a denied work as well."""
    for file in work.manifestations:
        other = denied.get(file.sha256)
        if answer.value == "allow" and other is not None:
            reason = f"'{file.label}' is also a file of '{other.subject}', which is denied: {other.reason}"
            return replace(answer, value="deny", reason=reason, permission_id=other.permission_id)
    return answer

"""A person looks at what waits: the two side by side, and a word that is recorded as a statement.

A yes answers the holds that stand at that moment and no later ones. It is a statement like any other: dated, logged, and
never stronger than a no. What is denied is not admitted by a review; whoever said no takes it back, or nobody does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from endcredits.errors import ConflictError, EndcreditsError, InputError, NotFoundError
from endcredits.flows import rights
from endcredits.flows.clock import now
from endcredits.flows.holds import REVIEW, Hold, holds_of
from endcredits.flows.looking import VERB, Look, look
from endcredits.flows.studio import Studio
from endcredits.works import Decision, Permission, Work, asked_about, get_content
from endcredits.works.asked import speaks_of
from endcredits.works.content import path_of
from endcredits.works.decide import in_force
from endcredits.works.plain_text import text_of

EXCERPT = 600
"""Letters of a text that are shown."""

LEARNT = (VERB, "finetune")
"""What a yes to a work permits."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two works that are looked at together.

    Attributes:
        work_id: the work, or what was excluded by name where no work is registered.
        title: as published; empty for none.
        people: who made it, in words.
        file: where its bytes lie; None where nobody has them.
        media_type: of the file.
        size_bytes: of the file.
        excerpt: the beginning of its text; empty for no text.
    """

    work_id: str
    title: str = ""
    people: tuple[str, ...] = ()
    file: Path | None = None
    media_type: str = ""
    size_bytes: int = 0
    excerpt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A work that waits for a person, with all that they need to look at.

    Attributes:
        work: the work.
        decision: what the statements come to now.
        own: the work's own side.
        likes: each hold, with the refused side.
    """

    work: Work
    decision: Decision
    own: Side
    likes: tuple[tuple[Hold, Side], ...]


def waiting(studio: Studio, work_id: str) -> Waiting:
    """What a person looks at before they say a word about a work.

    Raises:
        NotFoundError: there is no such work.
    """
    seen = look(studio)
    works = {str(work.work_id): work for work in seen.registered}
    work = _work(works, work_id)
    holds = [hold for (owner, _), hold in sorted(holds_of(seen).items()) if owner == work_id]
    likes = tuple((hold, _side(studio, works, hold.likeness.owner, hold.likeness.sha256)) for hold in holds)
    return Waiting(work, seen.answers[work.work_id], _side(studio, works, work_id, ""), likes)


def _work(works: dict[str, Work], work_id: str) -> Work:
    if work_id not in works:
        raise NotFoundError(f"there is no work '{work_id}'", remedy="See what waits: endcredits corpus show", field="WORK")
    return works[work_id]


def _side(studio: Studio, works: dict[str, Work], owner: str, sha256: str) -> Side:
    work = works.get(owner)
    if work is None:
        return Side(owner)
    file = next((one for one in work.manifestations if one.sha256 == sha256), work.manifestations[0])
    people = tuple(dict.fromkeys(credit.display_credit for credit in work.credits))
    excerpt = ""
    with contextlib.suppress(EndcreditsError):  # a check names it; the rest can be shown
        excerpt = text_of(get_content(studio.content, file.sha256), file.media_type)[:EXCERPT]
    where = path_of(studio.content, file.sha256)
    return Side(owner, work.title, people, where, file.media_type, file.size_bytes, excerpt)


def review(studio: Studio, work_id: str, *, admit: bool, by: str, reason: str) -> tuple[Permission, ...]:
    """Records what a person says about a work that waits; it counts when the corpus goes through the gate again.

    Args:
        studio: whose.
        work_id: the work.
        admit: yes, it may be learnt from; or no, it is refused from now on.
        by: who says so.
        reason: why, in words.

    Returns:
        The statements that were made.

    Raises:
        NotFoundError: there is no such work.
        InputError: nobody says so, or there is no reason.
        ConflictError: it does not wait: it is denied, or permitted already.
    """
    if not by.strip() or not reason.strip():
        raise InputError(
            "a review has a reason and somebody who says so", remedy="Give --reason and --by.", field="--reason"
        )
    seen = look(studio)
    work = _work({str(one.work_id): one for one in seen.registered}, work_id)
    answer = seen.answers[work.work_id]
    open_holds = [
        hold.permission.permission_id
        for (owner, _), hold in holds_of(seen).items()
        if owner == work_id and not hold.answered
    ]
    if answer.value == "deny":
        raise ConflictError(
            f"'{work_id}' is denied: {answer.reason}",
            remedy="A review never overrides a no. Whoever said it may take it back: endcredits rights revoke "
            f"{answer.permission_id}",
            field="WORK",
        )
    if not admit:
        return rights.say(studio, [Permission(work_id, VERB, "deny", reason, "endcredits corpus review", by, "")])
    if answer.value == "allow" and not open_holds:
        raise ConflictError(f"'{work_id}' does not wait: {answer.reason}", remedy="Nothing is left to do.", field="WORK")
    _after_what_was_said(seen, work)
    source = f"{REVIEW}{' '.join(sorted(open_holds))}" if open_holds else "endcredits corpus review"
    return rights.say(studio, [Permission(work_id, verb, "allow", reason, source, by, "") for verb in _lacking(seen, work)])


def _lacking(seen: Look, work: Work) -> Sequence[str]:
    """The verbs that a yes must name: fine-tuning follows training where nobody spoke of it."""
    asked = asked_about(work, seen.names)
    own = any(one.verb == "finetune" and speaks_of(one, asked) for one in seen.stated)
    return LEARNT if own else LEARNT[:1]


def _after_what_was_said(seen: Look, work: Work) -> None:
    """Waits for the next second where something was said in this one: of statements of one second the strictest decides."""
    asked = asked_about(work, seen.names)
    about = [one.effective_from for one in seen.stated if speaks_of(one, asked) and in_force(one, seen.at)]
    while max(about, default="") >= now():
        time.sleep(0.05)

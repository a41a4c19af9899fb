"""Why an answer is what it is: every statement that speaks of the subject, and what became of it in this answer.

The list is the same one that `decide` reads, in the order in which the statements came into force. What it notes beside a
statement (dated back, contradicted in the same second, ahead of its own reading) changes nothing; it is what a person would
ask about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from endcredits.works.asked import Asked, speaks_of
from endcredits.works.conditions import NO_USE, Use
from endcredits.works.decide import DENIED_BY, INHERITS, closings, decide, hear
from endcredits.works.records import Decision, Permission


@dataclass(frozen=True, slots=True)
class Weighed:
    """A statement and what became of it in an answer.

    Attributes:
        permission: the statement.
        standing: "decides", "counts" (in force, and outweighed), "closed", "ended", "not yet", "closes" (it takes another
            back), "another verb", "another licensee" or "a part's yes".
        words: the same in a sentence.
        notes: what a person should know, such as that it was dated back.
    """

    permission: Permission
    standing: str
    words: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer with all that was said.

    Attributes:
        decision: the answer.
        history: every statement about the subject, by the time from which it holds.
    """

    decision: Decision
    history: tuple[Weighed, ...]


def explain(
    permissions: Iterable[Permission], asked: Asked, verb: str, at: str, *, by: str = "", use: Use = NO_USE
) -> Explained:
    """Answers as `decide` does, and says of every statement what became of it.

    Raises:
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    about = [one for one in permissions if speaks_of(one, asked)]
    decision = decide(about, asked, verb, at, by=by, use=use)
    closed = closings(about)
    ordered = sorted(about, key=lambda one: (one.effective_from, one.permission_id))
    weighed = []
    for one in ordered:
        standing, words = _standing(one, asked, verb, at, by, use, closed, decision)
        weighed.append(Weighed(one, standing, words, tuple(_notes(one, about))))
    return Explained(decision, tuple(weighed))


def _standing(
    one: Permission,
    asked: Asked,
    verb: str,
    at: str,
    by: str,
    use: Use,
    closed: dict[str, Permission],
    decision: Decision,
) -> tuple[str, str]:
    if one.permission_id == decision.permission_id:
        return "decides", "it decides"
    closing = closed.get(one.permission_id)
    if one.effective_from > at:
        return "not yet", f"it holds only from {one.effective_from}"
    if one.revokes:
        return "closes", f"it takes back {one.revokes}"
    if closing is not None and closing.effective_from <= at:
        how = "taken back" if closing.revokes else "replaced"
        return "closed", f"{how} from {closing.effective_from} by {closing.permission_id}"
    if one.effective_to is not None and one.effective_to <= at:
        return "ended", f"it ended on {one.effective_to}"
    if one.verb not in (verb, INHERITS.get(verb)) and not (one.verb in DENIED_BY.get(verb, ()) and one.value == "deny"):
        return "another verb", f"it is about {one.verb}"
    heard = hear(one, asked, by, use)
    if heard is None:
        if one.licensee and one.licensee != by:
            return "another licensee", f"it is said to {one.licensee} alone"
        return "a part's yes", "it is a yes to a part, and not to the whole"
    return "counts", "it holds, and another statement goes before it"


def _notes(one: Permission, about: Sequence[Permission]) -> Iterable[str]:
    if one.observed_at and one.effective_from < one.observed_at:
        yield f"dated back: it was told on {one.observed_at}"
    if not one.revokes and any(_contradicts(one, other) for other in about):
        yield "somebody says something else from the same second on; the stricter word counts"


def _contradicts(one: Permission, other: Permission) -> bool:
    same = (one.verb, one.effective_from) == (other.verb, other.effective_from)
    return same and not other.revokes and {one.value, other.value} >= {"allow"} and one.value != other.value

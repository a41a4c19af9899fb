"""May this be done with that at that time? A pure reading of dated statements.

Statements are never changed; a refusal is one more statement, in force from its moment on, and so is taking one back. So the
same question asked about three moments may have three answers, and each answer can be found again years later.

How statements are weighed, among those in force (effective_from <= at < effective_to) that nobody has closed:

1. A contract with the one who asks (`licensee`), by a rights holder, about the whole, whose conditions are met.
2. Else any deny decides. No allow overrides it; it ends where it says so itself, or where whoever said it takes it back.
3. Else the statement that came into force last decides, whoever made it: a condition ("the GPL is fine for us") is met
   by a later allow, and a yes is narrowed by a later conditional or unknown. Of several that came into force in the
   same second, the most restrictive decides: unknown before conditional before allow. A conditional yes whose conditions
   are all met is a yes.
4. Else the answer is unknown, and unknown is never a yes.

What is said about a part (one of several files, somebody who made it) counts unless it is a yes. What is said to one
licensee is no yes to others, and a no to one licensee is a no to whoever does not say who asks.

A statement that `revokes` or `supersedes` another closes it from its own beginning on, never backwards and for good; only
whoever made the other may do that, or the rights holder where the other was a host's, an agent's or of nobody known.

Fine-tuning is a kind of training: when nothing is said about `finetune` itself, what is said about `train` holds for
it; never the other way round. Text and data mining (`tdm`, Directive (EU) 2019/790 article 4) covers both, so a
reservation against it denies both, while allowing it allows neither. Adding a deny can therefore never turn a no into
a yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.works.asked import Asked, speaks_of, speaks_of_whole
from endcredits.works.conditions import NO_USE, Use, duties_of, unmet
from endcredits.works.records import VERBS, Decision, Permission
from endcredits.works.utc import check_time

DENIED_BY: dict[str, tuple[str, ...]] = {"train": ("tdm",), "finetune": ("tdm",)}
"""Verbs whose deny also denies the verb."""

INHERITS: dict[str, str] = {"finetune": "train"}
"""The verb whose statements hold when nothing is said about the verb itself."""

_RESTRICTION = {"allow": 0, "conditional": 1, "unknown": 2}

NAMES = {"tdm": "text and data mining", "train": "training", "finetune": "fine-tuning"}


@dataclass(frozen=True, slots=True)
class Heard:
    """A statement as it counts for a question.

    Attributes:
        permission: the statement.
        value: what it comes to: a conditional yes whose conditions are met is "allow".
        lacking: conditions that are not met, in words.
    """

    permission: Permission
    value: str
    lacking: tuple[str, ...]


def in_force(permission: Permission, at: str) -> bool:
    """Whether a statement holds at a UTC time, as far as it says so itself; see also `closings`."""
    return permission.effective_from <= at and (permission.effective_to is None or at < permission.effective_to)


def may_close(closing: Permission, closed: Permission) -> bool:
    """Whether one statement may take back or replace another: it is by the same declarer, or by the rights holder where
    the other was not, and about the same subject and verb."""
    if (closing.subject_kind, closing.subject, closing.verb) != (closed.subject_kind, closed.subject, closed.verb):
        return False
    if closing.party_id and closed.party_id:
        same = closing.party_id == closed.party_id
    else:
        same = closing.declared_by == closed.declared_by
    return same or (closing.authority == "rightsholder" and closed.authority != "rightsholder" and not closed.party_id)


def closings(permissions: Sequence[Permission]) -> dict[str, Permission]:
    """Which statement closes which, by the id of the closed one: of several the first to come into force."""
    by_id = {one.permission_id: one for one in permissions}
    found: dict[str, Permission] = {}
    for one in sorted(permissions, key=lambda one: (one.effective_from, one.permission_id)):
        closed = by_id.get(one.revokes or one.supersedes)
        if closed is not None and may_close(one, closed):
            found.setdefault(closed.permission_id, one)
    return found


def decide(
    permissions: Iterable[Permission], asked: Asked, verb: str, at: str, *, by: str = "", use: Use = NO_USE
) -> Decision:
    """Answers from all statements whether something may be done at a time.

    Args:
        permissions: any statements; those about other things and times are passed over. Their order does not matter.
        asked: what is asked about.
        verb: one of `records.VERBS`.
        at: UTC time asked about, as `2026-11-20T12:00:00Z`.
        by: the party that asks, whose contracts count; empty for anybody.
        use: what is known of the use, by which conditions are met; what is not known meets none.

    Returns:
        The decision, with the statement that made it: of several denies the last to come into force, and of equal
        statements the one whose id comes first.

    Raises:
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    check_question(verb, at)
    about = [one for one in permissions if speaks_of(one, asked)]
    closed = closings(about)
    holding = [one for one in about if in_force(one, at) and not one.revokes and not _is_closed(one, closed, at)]
    heard = [one for one in (hear(one, asked, by, use) for one in holding) if one is not None]
    own = [one for one in heard if one.permission.verb == verb]
    spoken = own
    if not own and verb in INHERITS:
        spoken = [one for one in heard if one.permission.verb == INHERITS[verb]]
    covering = [one for one in heard if one.permission.verb in DENIED_BY.get(verb, ()) and one.value == "deny"]

    contracts = [one for one in spoken if one.value == "allow" and is_contract(one.permission, by)]
    said = contracts or [one for one in spoken if one.value == "deny"] or covering or spoken
    if said:
        return _decision(_foremost(said), asked, verb, at)
    what = "this person" if asked.whole[0][0] == "person" else "this work"
    return Decision(asked.subject, verb, at, "unknown", f"nobody has said anything about {NAMES.get(verb, verb)} on {what}")


def check_question(verb: str, at: str) -> None:
    """Refuses a question that nobody can answer.

    Raises:
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    if verb not in VERBS:
        raise InputError(f"'{verb}' is not a verb of permissions", remedy=f"Use one of: {', '.join(VERBS)}.", field="verb")
    check_time(at)


def is_contract(permission: Permission, by: str) -> bool:
    """Whether a statement is a contract with the one who asks."""
    return bool(by) and permission.licensee == by and permission.authority == "rightsholder"


def hear(permission: Permission, asked: Asked, by: str, use: Use) -> Heard | None:
    """What a statement comes to for a question; None where it says nothing to the one who asks."""
    value = permission.value
    lacking: tuple[str, ...] = ()
    if permission.value == "conditional":
        lacking = unmet(permission, use)
        value = "conditional" if lacking else "allow"
    meant = not permission.licensee or permission.licensee == by or (value == "deny" and not by)
    if not meant or (value == "allow" and not speaks_of_whole(permission, asked)):
        return None
    return Heard(permission, value, lacking)


def revoked_on(permissions: Iterable[Permission], asked: Asked, verb: str, at: str, *, by: str = "") -> str:
    """The day from which a yes that there had been was a no, or was taken back; empty where that is not so.

    A yes that ended by its own date was kept, and is not revoked.
    """
    about = [one for one in permissions if speaks_of(one, asked)]
    yes = [one for one in about if one.value in ("allow", "conditional")]
    if not any(one.value == "allow" or one.licensee for one in yes):
        return ""
    decision = decide(about, asked, verb, at, by=by)
    if decision.value == "deny":
        return next(one.effective_from[:10] for one in about if one.permission_id == decision.permission_id)
    closed = closings(about)
    taken = [closed[one.permission_id] for one in yes if in_force(one, at) and _is_closed(one, closed, at)]
    if decision.value == "allow":
        return ""
    return max((one.effective_from[:10] for one in taken if one.verb in (verb, INHERITS.get(verb))), default="")


def _is_closed(one: Permission, closed: dict[str, Permission], at: str) -> bool:
    closing = closed.get(one.permission_id)
    return closing is not None and closing.effective_from <= at


def _foremost(said: Sequence[Heard]) -> Heard:
    """The statement in force last; of equal ones the most restrictive, then by id, so that their order does not matter."""
    latest = max(one.permission.effective_from for one in said)
    return min(
        (one for one in said if one.permission.effective_from == latest),
        key=lambda one: (
            -_RESTRICTION.get(one.value, 3),
            one.permission.permission_id,
            one.permission.reason,
            one.permission.source,
        ),
    )


def _decision(heard: Heard, asked: Asked, verb: str, at: str) -> Decision:
    one = heard.permission
    reason = one.reason
    if heard.lacking and one.conditions is not None:
        reason = f"{reason} (it asks for {'; '.join(heard.lacking)})"
    if one.verb != verb:
        reason = f"{reason} (said about {NAMES.get(one.verb, one.verb)})"
    if (one.subject_kind, one.subject) != asked.whole[0]:
        reason = f"{reason} (said about {SUBJECT_WORDS[one.subject_kind]} {one.subject})"
    duties = duties_of(one) if heard.value == "allow" else ()
    return Decision(asked.subject, verb, at, heard.value, reason, one.permission_id or None, duties)


SUBJECT_WORDS = {
    "work": "the work",
    "sha256": "the file with SHA-256",
    "iscc": "the content with code",
    "url": "the addresses",
    "person": "the works of",
}

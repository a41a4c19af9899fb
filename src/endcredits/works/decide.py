"""May this be done with that work at that time? A pure reading of dated statements.

Statements are never changed or taken back; a refusal is one more statement, in force from its moment on. So the same
question asked about three moments may have three answers, and each answer can be found again years later.

How statements are weighed, among those in force (effective_from <= at < effective_to):

1. Any deny decides. A deny ends only where it says so itself (`effective_to`); no allow overrides it.
2. Else the statement that came into force last decides, whoever made it: a condition ("the GPL is fine for us") is met
   by a later allow, and a yes is narrowed by a later conditional or unknown. Of several that came into force in the
   same second, the most restrictive decides: unknown before conditional before allow.
3. Else the answer is unknown, and unknown is never a yes.

Fine-tuning is a kind of training: when nothing is said about `finetune` itself, what is said about `train` holds for
it; never the other way round. Text and data mining (`tdm`, Directive (EU) 2019/790 article 4) covers both, so a
reservation against it denies both, while allowing it allows neither. Adding a deny can therefore never turn a no into
a yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.works.records import VERBS, Decision, Permission
from endcredits.works.utc import check_time

DENIED_BY: dict[str, tuple[str, ...]] = {"train": ("tdm",), "finetune": ("tdm",)}
"""Verbs whose deny also denies the verb."""

INHERITS: dict[str, str] = {"finetune": "train"}
"""The verb whose statements hold when nothing is said about the verb itself."""

_RESTRICTION = {"allow": 0, "conditional": 1, "unknown": 2}

NAMES = {"tdm": "text and data mining", "train": "training", "finetune": "fine-tuning"}


def in_force(permission: Permission, at: str) -> bool:
    """Whether a statement holds at a UTC time."""
    return permission.effective_from <= at and (permission.effective_to is None or at < permission.effective_to)


def decide(permissions: Iterable[Permission], work_id: WorkId, verb: str, at: str) -> Decision:
    """Answers from all statements whether something may be done with a work at a time.

    Args:
        permissions: any statements; those about other works and times are passed over. Their order does not matter.
        work_id: the work asked about.
        verb: one of `records.VERBS`.
        at: UTC time asked about, as `2026-11-20T12:00:00Z`.

    Returns:
        The decision, with the statement that made it: of several denies the last to come into force, and of equal
        statements the one whose id comes first.

    Raises:
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    if verb not in VERBS:
        raise InputError(f"'{verb}' is not a verb of permissions", remedy=f"Use one of: {', '.join(VERBS)}.", field="verb")
    check_time(at)
    about = [one for one in permissions if one.work_id == work_id and in_force(one, at)]
    own = [one for one in about if one.verb == verb]
    spoken = own
    if not own and verb in INHERITS:
        spoken = [one for one in about if one.verb == INHERITS[verb]]
    covering = [one for one in about if one.verb in DENIED_BY.get(verb, ()) and one.value == "deny"]

    said = [one for one in spoken if one.value == "deny"] or covering or spoken
    if said:
        return _decision(_foremost(said), work_id, verb, at)
    return Decision(work_id, verb, at, "unknown", f"nobody has said anything about {NAMES.get(verb, verb)} on this work")


def _foremost(said: Sequence[Permission]) -> Permission:
    """The statement in force last; of equal ones the most restrictive, then by id, so that their order does not matter."""
    latest = max(one.effective_from for one in said)
    return min(
        (one for one in said if one.effective_from == latest),
        key=lambda one: (-_RESTRICTION.get(one.value, 3), one.permission_id, one.reason, one.source),
    )


def _decision(one: Permission, work_id: WorkId, verb: str, at: str) -> Decision:
    reason = one.reason
    if one.verb != verb:
        reason = f"{reason} (said about {NAMES.get(one.verb, one.verb)})"
    return Decision(work_id, verb, at, one.value, reason, one.permission_id or None)

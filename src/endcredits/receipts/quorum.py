"""Whether the witnesses who cosigned a checkpoint are enough, by a policy of the one who asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from endcredits.errors import IntegrityError
from endcredits.receipts.cosignature import Cosignature, Statement, read_statement, signed_by
from endcredits.receipts.cosigner import Key
from endcredits.receipts.policy import Policy


@dataclass(frozen=True, slots=True)
class Weighed:
    """A checkpoint, weighed by a policy.

    Attributes:
        statement: what the checkpoint says.
        log: the key of the policy by which it is signed.
        cosignatures: name in the policy -> the verified cosignature, in the order of the file.
        reached: whether the quorum is reached.
        lacking: what the quorum lacks, in words; "" when it is reached.
    """

    statement: Statement
    log: Key
    cosignatures: dict[str, Cosignature]
    reached: bool
    lacking: str


def reached(policy: Policy, cosigned: Iterable[str]) -> bool:
    """Whether these witnesses (by their names in the policy) are enough."""
    return policy.quorum == "none" or policy.quorum in _seen(policy, cosigned)


def _seen(policy: Policy, cosigned: Iterable[str]) -> set[str]:
    """The witnesses who cosigned and the groups that count as having done so."""
    seen = set(cosigned) & {witness.name for witness in policy.witnesses}
    # Members stand above their group, so one pass from top to bottom decides every group.
    for group in policy.groups:
        if sum(member in seen for member in group.members) >= group.threshold:
            seen.add(group.name)
    return seen


def lacking(policy: Policy, cosigned: Iterable[str]) -> str:
    """What the quorum lacks, in words; "" when it is reached."""
    names = set(cosigned)
    if reached(policy, names):
        return ""
    groups = {group.name: group for group in policy.groups}
    if policy.quorum not in groups:
        return f"the quorum is the witness '{policy.quorum}', which has not cosigned"
    seen = _seen(policy, names)
    # From the quorum down to the groups that are short of members; every group is member of one other at most.
    told, waiting = [], [groups[policy.quorum]]
    while waiting:
        group = waiting.pop(0)
        absent = [member for member in group.members if member not in seen]
        have = len(group.members) - len(absent)
        of = f"{group.threshold} of {len(group.members)}"
        told.append(f"'{group.name}' asks for {of} and has {have}, without {', '.join(absent)}")
        waiting += [groups[member] for member in absent if member in groups]
    return "; ".join(told)


def weigh(policy: Policy, note: str) -> Weighed:
    """Verifies a checkpoint's signatures and weighs them.

    Args:
        policy: it must list at least one log.
        note: the checkpoint with all its signature lines.

    Raises:
        IntegrityError: it is not a checkpoint, none of the policy's logs signed it, or a line in the name and id of one
            of its keys is wrong.
    """
    statement = read_statement(note)
    keys = [log.key for log in policy.logs if log.key.name == statement.origin]
    if not keys:
        raise IntegrityError(f"the checkpoint is of '{statement.origin[:120]}', which the policy does not list as a log")
    log = next((key for key in keys if signed_by(statement, key) is not None), None)
    if log is None:
        raise IntegrityError(f"the checkpoint is not signed by the key of '{statement.origin[:120]}' in the policy")
    found = {witness.name: signed_by(statement, witness.key) for witness in policy.witnesses}
    good = {name: cosignature for name, cosignature in found.items() if cosignature is not None}
    return Weighed(statement, log, good, reached(policy, good), lacking(policy, good))

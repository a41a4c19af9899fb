"""The audit of a published period: everything computed again from the pack, without the operator and without a studio.

Checks run in the order in which the data walked: the log and its key, facts and receipts against it, reports against the
entries of their hand-ins, the frozen inputs from reports, catalogue and credits, the close from its inputs, statements from
the close, sums and receipts from all of it. Each runs for itself: one that cannot go on is a finding, not the end of the
walk. What was not checked, and why, is told as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from endcredits.errors import EndcreditsError
from endcredits.flows import pack_files
from endcredits.flows.audit_given import Given
from endcredits.flows.audit_walk import STAGES, Walk
from endcredits.flows.pack_usage import GivenError
from endcredits.progress import Progress, silent
from endcredits.store import Finding

__all__ = ["Given", "PeriodAudit", "audit_period"]


@dataclass(frozen=True, slots=True)
class PeriodAudit:
    """What an audit of a period found.

    Attributes:
        period_id: the period.
        origin: the log's name.
        log_size: entries of the log in the pack.
        log_root: its root, 64 hex digits.
        findings: what does not follow, in words; empty when everything does.
        checked: what was computed again and agrees or not, a sentence each.
        not_checked: what was not, and what it would take.
    """

    period_id: str
    origin: str
    log_size: int
    log_root: str
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    not_checked: tuple[str, ...]


def audit_period(folder: Path, given: Given, *, progress: Progress = silent) -> PeriodAudit:
    """Audits a published period.

    Args:
        folder: the pack.
        given: the log's key, and whatever else the auditor has.
        progress: told about the stages.

    Raises:
        NotFoundError: there is no pack in the folder.
        IntegrityError: its manifest cannot be read.
        GivenError: something that the auditor gave cannot be used.
    """
    about, files = pack_files.read_manifest(folder)
    walk = Walk(folder, given, about)
    walk.note(pack_files.check_files(folder, files))
    for number, stage in enumerate(STAGES):
        progress("audit", number, len(STAGES))
        try:
            stage(walk)
        except GivenError:
            raise
        except Exception as error:
            message = error.message if isinstance(error, EndcreditsError) else f"{type(error).__name__}: {error}"
            where = str(getattr(error, "file", None) or (stage.__doc__ or "").partition(".")[0].lower())
            walk.note([Finding(where, f"it cannot be checked ({message})")])
        if walk.entries is None:
            break  # everything else is held against the log
    progress("audit", len(STAGES), len(STAGES))
    findings = tuple(dict.fromkeys(walk.findings))
    return PeriodAudit(
        about.period_id,
        about.origin,
        about.log_size,
        about.log_root,
        findings,
        tuple(walk.checked),
        tuple(_not_checked(walk)),
    )


def _not_checked(walk: Walk) -> Iterator[str]:
    given = walk.given
    if not given.older:
        yield "Whether others are shown the same log: give a checkpoint that somebody else kept (--older), or ask witnesses."
    if given.usage is None:
        yield "Whether all usage was handed in: give the service's own report (--usage)."
    if given.policy is None:
        yield "Whether the policy is the agreed one: give it as it was agreed (--policy)."
    if not given.before:
        yield "Whether opening balances are what the period before closed with: give its pack (--before)."
    number = walk.entries.erased.total() if walk.entries is not None else 0
    if number:
        yield f"What {number} erased facts and receipts said, and the inputs that follow from such facts: nobody can."
    yield "Whether the measurement behind the credits is right: 'endcredits audit sample' measures some again."
    yield "Which works are copies of each other: that needs their texts; the clusters are taken as they were frozen."
    if walk.close is not None and walk.close.adjusted:
        yield "The inputs of the closed periods that were divided again: what came out of them was computed again."

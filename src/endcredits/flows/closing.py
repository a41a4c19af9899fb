"""A period closes, in steps that can each be killed and run again: propose, compute, approve, post.

*Proposing* fixes the days, the policy and the cut-off: what was reported until then counts, and what comes later is an
adjustment in the next period. *Computing* freezes everything that the money follows from into a folder of its own, and
divides the pools exactly; a second, simple program computes the same and must agree to the unit. *Approving* settles
contracts, posts the journal entries and keeps the close and its statements, all in one database transaction: it is all
there, or none of it. Where the policy asks for four eyes, whoever proposed may not approve. Files and the receipt follow,
and are written again where a crash kept them from being written (`periods.publish`).

    periods/<period>/close-<n>/frozen/*.parquet     what the close follows from (n: the step that proposed it)
    periods/<period>/close-<n>/adjusted/<period>/   closed periods that are divided again, and what was booked of them
    periods/<period>/close-<n>/lines.parquet        who gets what, with work_lines.parquet and close.json beside it
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.canonical import sha256_bytes, to_plain
from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.flows import fact_log, freezing
from endcredits.flows.adjusting import adjust
from endcredits.flows.booking import LAST_ENTRY, book_close
from endcredits.flows.clock import now
from endcredits.flows.close_files import (
    TWIN_CREDITS_MAX,
    close_folder,
    digests_of_files,
    must_be_unchanged,
    period_name,
    proposed_step,
)
from endcredits.flows.days import checked_period, days_of
from endcredits.flows.studio import Studio
from endcredits.flows.sums import must_be_provable
from endcredits.ids import person_key, same_person
from endcredits.progress import Progress, silent
from endcredits.royalties import (
    FIFTY_FIFTY,
    Frozen,
    PeriodClose,
    Policy,
    Step,
    add_step,
    check_close_folder,
    close_document,
    cut_off,
    find_close,
    must_follow,
    open_proposals,
    parse_close,
    read_frozen,
    record_of,
    replay_close,
    standing,
    steps_of,
)
from endcredits.royalties.adjustments import ADJUSTED_FOLDER, CLOSE, read_adjustments
from endcredits.royalties.columns import close_period

__all__ = [
    "TWIN_CREDITS_MAX",
    "Proposal",
    "approve",
    "close_folder",
    "compute",
    "period_name",
    "previewed",
    "propose",
    "proposed_step",
    "read_proposal",
    "replayed",
    "steps",
    "withdraw",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A computed close that is not posted yet.

    Attributes:
        close: the allocation.
        close_digest: SHA-256 of its document; what is approved.
        folder: where its tables are.
        proposed_by: who proposed it.
        proposed_at: when; what was reported, disputed or agreed since is not in it.
    """

    close: PeriodClose
    close_digest: str
    folder: Path
    proposed_by: str
    proposed_at: str


def propose(
    studio: Studio,
    period_id: str,
    *,
    starts_on: str = "",
    ends_on: str = "",
    policy: Policy | None = None,
    by: str = "",
    progress: Progress = silent,
) -> Proposal:
    """Proposes and computes a close; asking again for the same goes on where it stopped.

    What cannot be computed (a rate is missing) takes its proposal back, so that what is mended or reported afterwards counts
    when it is proposed again.

    Raises:
        InputError: the name, the days or the policy cannot be used, the period is not over, or there is nothing in it.
        ConflictError: it is closed, another close of it is proposed, a later period is closed, or another process won.
        IntegrityError: the fast and the simple computation differ.
    """
    checked_period(period_id)
    first, last = days_of(period_id, starts_on, ends_on)
    if policy is not None and policy.four_eyes and not person_key(by):
        raise InputError(
            f"the policy '{policy.name}' asks for four eyes, and nobody is named who proposes",
            remedy="Name who proposes: --by NAME. Somebody else approves it then.",
            field="--by",
        )
    if last >= now()[:10]:
        raise InputError(
            f"the period '{period_id}' ends on {last}, which is not over in UTC",
            remedy="Close the days up to yesterday with --from and --to, or wait.",
            field="period",
        )
    studio.log()  # without it nothing could be proven, so nothing is proposed
    facts = {"starts_on": first, "ends_on": last, "policy": to_plain(policy or FIFTY_FIFTY)}
    step = fact_log.write(studio, lambda conn: _begun(conn, period_id, facts, by, freezing.operator_of(studio)))
    return compute(studio, step, progress=progress)


def _begun(conn: Connection, period_id: str, facts: dict[str, Any], by: str, operator: dict[str, str]) -> Step:
    before = steps_of(conn, period_id)
    open_step = standing(before, "proposed")
    if open_step is not None:
        if any(open_step.facts.get(name) != value for name, value in facts.items()):
            state = "closed" if standing(before, "approved") else "proposed"
            raise ConflictError(
                f"a close of the period '{period_id}' is {state} already, from {open_step.facts['starts_on']} to "
                f"{open_step.facts['ends_on']} under the policy '{open_step.facts['policy']['name']}'",
                remedy="A closed period is never reopened; book a correction in the next one."
                if state == "closed"
                else f"Approve it, or withdraw it first: endcredits period withdraw {period_id}.",
                field="period",
            )
        return open_step
    must_follow(conn, facts["starts_on"], facts["ends_on"])
    for other in open_proposals(conn):  # both would adjust the same closed periods, and what came late would be booked twice
        if other != period_id:
            raise ConflictError(
                f"a close of the period '{other}' is proposed, and a close begins where the one before it ended",
                remedy=f"Approve it first, or withdraw it: endcredits period withdraw {other}.",
                field="period",
            )
    proposal = {**facts, "cut_off": cut_off(conn), **operator}
    freezing.must_have_usage(conn, proposal)
    freezing.must_know_rights(conn, record_of(Policy, proposal["policy"]))
    return add_step(conn, Step(period_id, len(before) + 1, "proposed", by, now(), proposal))


def compute(studio: Studio, proposed: Step, *, progress: Progress = silent) -> Proposal:
    """Freezes and computes a proposed close, or finds it computed."""
    folder = close_folder(studio, proposed)
    with studio.store.reading() as conn:
        computed = standing(steps_of(conn, proposed.period_id), "computed")
    if computed is None:
        try:
            close = _computed(studio, proposed, folder, progress)
        except InputError as error:
            _take_back(studio, proposed, error.message)
            raise
        text = close_document(close).encode()
        durable.write_atomic(folder / CLOSE, text)
        facts = {
            "close_digest": sha256_bytes(text),
            "files": digests_of_files(folder),
            "reports": freezing.reports_of(studio, proposed),
        }
        step = Step(proposed.period_id, proposed.number + 1, "computed", proposed.by, now(), facts)
        fact_log.write(studio, lambda conn: _add_unless_there(conn, step))
    return read_proposal(studio, proposed.period_id)


def _add_unless_there(conn: Connection, step: Step) -> Step:
    """Two closers of the same proposal compute the same; the second finds it recorded."""
    found = standing(steps_of(conn, step.period_id), step.step)
    if found is not None and found.facts == step.facts:
        return found
    return add_step(conn, step)


def _take_back(studio: Studio, proposed: Step, why: str) -> None:
    """Withdraws a proposal that cannot be computed; one that somebody took further in the meantime stays."""

    def work(conn: Connection) -> None:
        before = steps_of(conn, proposed.period_id)
        if before[-1] == proposed:
            reason = {"reason": f"it could not be computed: {why}"}
            add_step(conn, Step(proposed.period_id, len(before) + 1, "withdrawn", proposed.by, now(), reason))

    fact_log.write(studio, work)


def _computed(studio: Studio, proposed: Step, folder: Path, progress: Progress) -> PeriodClose:
    progress("period", 0, 3)
    frozen = freezing.freeze_period(studio, proposed, folder / "frozen")
    progress("period", 1, 3)
    adjust(studio, proposed, folder)
    close = _divided(frozen, proposed, folder)
    must_be_provable(close, folder)
    progress("period", 2, 3)
    findings = replay_close(frozen, close, folder, credits_max=TWIN_CREDITS_MAX)
    if findings:
        raise IntegrityError(
            f"two computations of the period '{proposed.period_id}' differ: {findings[0].problem}",
            remedy="This is a bug, and nothing was posted; please report it with the folder named.",
            file=folder,
        )
    progress("period", 3, 3)
    return close


def _divided(frozen: Frozen, proposed: Step, folder: Path) -> PeriodClose:
    facts = proposed.facts
    return close_period(
        frozen,
        proposed.period_id,
        facts["starts_on"],
        facts["ends_on"],
        record_of(Policy, facts["policy"]),
        into=folder,
        adjustments=read_adjustments(folder / ADJUSTED_FOLDER),
    )


def read_proposal(studio: Studio, period_id: str) -> Proposal:
    """The computed close of a period, posted or not, as its folder holds it.

    Raises:
        NotFoundError: none is computed.
        IntegrityError: its files are not what was computed.
    """
    with studio.store.reading() as conn:
        steps = steps_of(conn, period_id)
    proposed, computed = standing(steps, "proposed"), standing(steps, "computed")
    if proposed is None or computed is None:
        raise NotFoundError(
            f"no close of the period '{period_id}' is proposed", remedy=f"Propose it: endcredits period propose {period_id}."
        )
    folder = close_folder(studio, proposed)
    try:
        text = (folder / CLOSE).read_bytes()
    except OSError as error:
        raise durable.machine_error(error, folder / CLOSE) from error
    if sha256_bytes(text) != computed.facts["close_digest"]:
        raise IntegrityError(
            "the close is not what was computed", remedy="Restore it from your last copy.", file=folder / CLOSE
        )
    must_be_unchanged(folder, computed)
    return Proposal(parse_close(text), computed.facts["close_digest"], folder, proposed.by, proposed.at)


def approve(studio: Studio, period_id: str, *, by: str = "", expected_digest: str = "") -> bool:
    """Approves a computed close and posts it, once.

    Args:
        studio: whose period.
        period_id: the period.
        by: who approves.
        expected_digest: refuse any other close than this one; "" approves what is computed.

    Returns:
        Whether it was posted before.

    Raises:
        NotFoundError: none is computed.
        ConflictError: another digest than expected, or the policy asks for four eyes and these are the same two.
        IntegrityError: its files are not what was computed.
    """
    proposal = read_proposal(studio, period_id)
    if expected_digest not in ("", proposal.close_digest):
        raise ConflictError(
            f"the close computed is {proposal.close_digest[:16]}, not the one expected ({expected_digest[:16]})",
            remedy="Look at it again before you approve it.",
            field="--expect",
        )
    _must_be_another(proposal, by)
    _must_be_intact(proposal)
    return fact_log.write(studio, lambda conn: _posted(conn, proposal, by))


def _must_be_another(proposal: Proposal, by: str) -> None:
    if proposal.close.policy.four_eyes and same_person(by, proposal.proposed_by):
        raise ConflictError(
            f"the policy '{proposal.close.policy.name}' asks for four eyes, and '{proposal.proposed_by}' proposed it",
            remedy="Somebody else approves it: --by NAME.",
            field="--by",
        )


def _must_be_intact(proposal: Proposal) -> Frozen:
    """The frozen inputs of a computed close, after checking that its folder still holds what was computed."""
    frozen = read_frozen(proposal.folder / "frozen")
    findings = check_close_folder(proposal.close, proposal.folder)
    problem = findings[0].problem if findings else ""
    if frozen.digests != proposal.close.frozen:
        problem = "the frozen inputs are not those of the close"
    if problem:
        raise IntegrityError(problem, remedy="Restore the folder from your last copy.", file=proposal.folder)
    return frozen


def _posted(conn: Connection, proposal: Proposal, by: str) -> bool:
    period_id = proposal.close.period_id
    if find_close(conn, period_id) is not None:
        return True
    steps = steps_of(conn, period_id)
    proposed, computed = standing(steps, "proposed"), standing(steps, "computed")
    if proposed is None or computed is None or computed.facts["close_digest"] != proposal.close_digest:
        raise ConflictError(
            f"the close of the period '{period_id}' was withdrawn while it was being approved",
            remedy=f"See what was done: endcredits period steps {period_id}.",
            field="period",
        )
    must_follow(conn, proposal.close.starts_on, proposal.close.ends_on)
    last_entry = book_close(
        conn, proposal.close, proposal.close_digest, proposal.folder, cut_off=proposed.facts["cut_off"], at=now()
    )
    facts = {"close_digest": proposal.close_digest, LAST_ENTRY: last_entry}
    add_step(conn, Step(period_id, len(steps) + 1, "approved", by, now(), facts))
    return False


def steps(studio: Studio, period_id: str) -> tuple[Step, ...]:
    """What was done for the close of a period, in order.

    Raises:
        NotFoundError: nothing was.
    """
    with studio.store.reading() as conn:
        found = steps_of(conn, period_id)
    if not found:
        raise NotFoundError(
            f"no close of the period '{period_id}' was ever proposed", remedy="Propose it: endcredits period propose."
        )
    return found


def withdraw(studio: Studio, period_id: str, *, by: str, reason: str) -> Step:
    """Takes a proposed close back, so that another can be proposed. Its folder stays, and so do its steps.

    Raises:
        ConflictError: it is posted, or none is proposed.
    """

    def work(conn: Connection) -> Step:
        before = steps_of(conn, period_id)
        return add_step(conn, Step(period_id, len(before) + 1, "withdrawn", by, now(), {"reason": reason}))

    return fact_log.write(studio, work)


def previewed(
    studio: Studio,
    period_id: str,
    look: Callable[[PeriodClose, Path], Any],
    *,
    starts_on: str = "",
    ends_on: str = "",
    policy: Policy | None = None,
) -> Any:
    """Computes a close in a folder that is thrown away, records nothing, and lets `look` see it: a dry run."""
    checked_period(period_id)
    first, last = days_of(period_id, starts_on, ends_on)
    chosen = policy or FIFTY_FIFTY
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with studio.store.reading() as conn:
            facts = {"starts_on": first, "ends_on": last, "policy": to_plain(chosen), "cut_off": cut_off(conn)}
            facts |= freezing.operator_of(studio)
            freezing.must_have_usage(conn, facts)
            freezing.must_know_rights(conn, chosen)
        step = Step(period_id, 1, "proposed", "", now(), facts)
        frozen = freezing.freeze_period(studio, step, folder / "frozen")
        adjust(studio, step, folder)
        return look(_divided(frozen, step, folder), folder)


def replayed(studio: Studio, period_id: str, policy: Policy, look: Callable[[PeriodClose, Path], Any]) -> Any:
    """Computes a closed or proposed period once more under another policy, without posting anything.

    Raises:
        NotFoundError: no close of it is computed.
        IntegrityError: what was frozen is not what it was.
    """
    proposal = read_proposal(studio, period_id)
    frozen = _must_be_intact(proposal)
    with tempfile.TemporaryDirectory() as scratch:
        close = close_period(
            frozen,
            period_id,
            proposal.close.starts_on,
            proposal.close.ends_on,
            policy,
            into=Path(scratch),
            adjustments=read_adjustments(proposal.folder / ADJUSTED_FOLDER),
        )
        return look(close, Path(scratch))

"""A closed period was divided by the wrong rules: it is computed again from the same frozen inputs, and the books follow.

Nothing that is booked is edited. The entries of the wrong close are reversed and those of the right one posted, each naming
the other; the statements that were issued stay, and the next ones show the difference. What was computed lies beside the
close, in a folder that is named after its content, and a step of the period says who corrected it, why, and by which digest.

    periods/<period>/correct-<version>-<digest>/close.json, lines.parquet, work_lines.parquet

Files come first and the transaction after them: a crash between the two leaves a folder that nobody names, and the same
command writes it again and goes on. The receipt comes last, and the same command issues it where a crash kept it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.canonical import sha256_bytes, sha256_file
from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.flows import closing, fact_log
from endcredits.flows.clock import now
from endcredits.flows.close_files import TWIN_CREDITS_MAX
from endcredits.flows.comparing import Difference, earned_by_payee
from endcredits.flows.kept_sums import keep_sums
from endcredits.flows.studio import Studio
from endcredits.flows.sums import expected_leaves, must_be_provable
from endcredits.flows.versions import (
    FILES,
    Version,
    correction_body,
    correction_entries,
    correction_id,
    standing_version,
    version_folder,
    versions,
)
from endcredits.ids import same_person
from endcredits.ledger import HOLD_PREFIXES, JournalEntry, balances, post
from endcredits.money import format_micros
from endcredits.progress import Progress, silent
from endcredits.receipts import Item, issue, receipt_path
from endcredits.royalties import (
    PeriodClose,
    Policy,
    Step,
    add_step,
    close_document,
    read_frozen,
    replay_close,
    standing_of,
    steps_of,
)
from endcredits.royalties.adjustments import ADJUSTED_FOLDER, CLOSE, read_adjustments
from endcredits.royalties.columns import close_period
from endcredits.works import parties

REASON_LENGTH_MAX = 200
WAITING_PREFIXES = tuple(HOLD_PREFIXES.values())


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction changes, or would.

    Attributes:
        period_id: the period.
        version: its number.
        close_digest: of the close that holds now.
        differences: what everybody has by the close before and by this one, those with the largest change first; whoever
            loses and gains nothing is left out.
        entry_ids: of what was posted, reversals first; empty for a dry run.
        receipt_id: "" for a dry run.
        was_done: whether it was corrected so before this call.
    """

    period_id: str
    version: int
    close_digest: str
    differences: tuple[Difference, ...]
    entry_ids: tuple[str, ...] = ()
    receipt_id: str = ""
    was_done: bool = False


def correct(
    studio: Studio,
    period_id: str,
    policy: Policy,
    *,
    reason: str,
    by: str,
    approved_by: str = "",
    dry_run: bool = False,
    progress: Progress = silent,
) -> Corrected:
    """Corrects a closed period to other rules, once. The same policy again finds it done.

    Args:
        studio: whose.
        period_id: a closed period.
        policy: the right rules.
        reason: why, in one line of at most 200 characters.
        by: who corrects.
        approved_by: somebody else, where the old or the new policy asks for four eyes; a dry run needs nobody.
        dry_run: compute and compare only; nothing is kept.

    Raises:
        NotFoundError: the period is not closed.
        InputError: the reason or name cannot be used, or other rules change nothing.
        ConflictError: four eyes are asked for, another correction came first, or what was corrected has been built upon in a
            way that cannot be undone (an advance recouped or a reserve released by a later close, or money that waited on a
            work or party released since); a dry run finds it too.
        IntegrityError: what was frozen is not what it was, or two computations differ.
    """
    _check_words(reason, by)
    with studio.store.reading() as conn:
        now_holds = standing_version(studio, conn, period_id)
    if not dry_run:
        _must_be_two(now_holds.close.policy, policy, by, approved_by)
    if now_holds.number > 1 and now_holds.close.policy == policy:
        return _done(studio, now_holds)

    def look(close: PeriodClose, scratch: Path) -> Corrected | Version:
        found = _differences(studio, now_holds, close, scratch)
        if not found:
            raise InputError(
                f"the period {period_id} is divided the same by the policy '{policy.name}'",
                remedy="Leave it as it is; nothing would change.",
                field="--policy",
            )
        text = close_document(close).encode()
        if dry_run:
            planned = Version(now_holds.number + 1, close, sha256_bytes(text), scratch)
            with studio.store.reading() as conn:
                _must_not_be_built_upon(conn, list(correction_entries(conn, planned, on=now()[:10], why=reason)))
            return Corrected(period_id, now_holds.number + 1, sha256_bytes(text), found)
        return Version(now_holds.number + 1, close, sha256_bytes(text), scratch)

    if dry_run:
        preview: Corrected = closing.replayed(studio, period_id, policy, look)
        return preview
    progress("correction", 0, 3)
    computed: Version = closing.replayed(studio, period_id, policy, look)
    progress("correction", 1, 3)
    version = _written(studio, now_holds, computed)
    progress("correction", 2, 3)
    studio.log()  # without it nothing could be proven, so nothing is posted
    at = now()
    fact_log.write(studio, lambda conn: _posted(studio, conn, now_holds, version, reason, by, approved_by, at))
    done = _done(studio, None, version=version.number, period_id=period_id)
    progress("correction", 3, 3)
    return done


def _check_words(reason: str, by: str) -> None:
    for field, text in (("--reason", reason), ("--by", by)):
        if not text.strip() or len(text) > REASON_LENGTH_MAX or not text.isprintable():
            raise InputError(
                f"{text[:60]!r} cannot stand on record",
                remedy=f"Use one line of 1 to {REASON_LENGTH_MAX} visible characters.",
                field=field,
            )


def _must_be_two(old: Policy, new: Policy, by: str, approved_by: str) -> None:
    if (old.four_eyes or new.four_eyes) and same_person(approved_by, by):
        raise ConflictError(
            "the policy asks for four eyes, so one corrects and another approves",
            remedy="Name somebody else: --approved-by NAME.",
            field="--approved-by",
        )


def _differences(studio: Studio, before: Version, close: PeriodClose, folder: Path) -> tuple[Difference, ...]:
    old, new = earned_by_payee(before.close, before.folder), earned_by_payee(close, folder)
    with studio.store.reading() as conn:
        names = {party_id: party.name for party_id, party in parties(conn).items()}
    found = [
        Difference(payee, names.get(payee, str(payee)), currency, old.get(key, 0), new.get(key, 0))
        for key in {*old, *new}
        for payee, currency in [key]
        if old.get(key, 0) != new.get(key, 0)
    ]
    return tuple(sorted(found, key=lambda one: (one.currency, -abs(one.other_micros - one.micros), one.party_id)))


def _written(studio: Studio, before: Version, computed: Version) -> Version:
    """Computes the close into its folder and checks it by the simple program."""
    period_id = computed.close.period_id
    folder = version_folder(studio, period_id, computed.number, computed.close_digest)
    with studio.store.reading() as conn:
        first = next(versions(studio, conn, period_id))
    frozen = read_frozen(first.folder / "frozen")
    close = close_period(
        frozen,
        period_id,
        computed.close.starts_on,
        computed.close.ends_on,
        computed.close.policy,
        into=folder,
        adjustments=read_adjustments(first.folder / ADJUSTED_FOLDER),
    )
    must_be_provable(close, folder)
    text = close_document(close).encode()
    findings = replay_close(frozen, close, folder, credits_max=TWIN_CREDITS_MAX)
    if findings or sha256_bytes(text) != computed.close_digest:
        problem = findings[0].problem if findings else "it came out otherwise the second time"
        raise IntegrityError(
            f"two computations of the correction of '{period_id}' differ: {problem}",
            remedy="This is a bug, and nothing was posted; please report it with the folder named.",
            file=folder,
        )
    durable.write_atomic(folder / CLOSE, text)
    return Version(computed.number, close, computed.close_digest, folder)


def _posted(
    studio: Studio,
    conn: Connection,
    before: Version,
    version: Version,
    reason: str,
    by: str,
    approved_by: str,
    at: str,
) -> None:
    period_id = version.close.period_id
    steps = steps_of(conn, period_id)
    if standing_version(studio, conn, period_id).close_digest != before.close_digest:
        raise ConflictError(
            f"the period '{period_id}' was corrected by somebody else meanwhile",
            remedy="Look at it again before you correct it: endcredits period steps.",
            field="period",
        )
    made = list(correction_entries(conn, version, on=at[:10], why=reason))
    _must_not_be_built_upon(conn, made)
    for entry in made:
        post(conn, entry, at)
    facts = {
        "version": version.number,
        "close_digest": version.close_digest,
        "corrects": before.close_digest,
        "policy": version.close.policy.name,
        "reason": reason,
        "approved_by": approved_by,
        "files": {name: sha256_file(version.folder / name) for name in FILES},
        "entry_ids": [entry.entry_id for entry in made],
    }
    add_step(conn, Step(period_id, len(steps) + 1, "corrected", by, at, facts))


def _must_not_be_built_upon(conn: Connection, made: Sequence[JournalEntry]) -> None:
    """Refuses entries that would take from an account what has gone on from it: recouped, or released to somebody."""
    stood = balances(conn)
    after = Counter(stood)
    for entry in made:
        for posting in entry.postings:
            after[posting.account, posting.currency] += posting.amount_micros
    try:
        standing_of(after)
    except IntegrityError as error:
        raise ConflictError(
            f"a later close has recouped or released what this would undo: {error.message}",
            remedy="Nothing was posted. Agree on the difference with the payee, and book it under a contract of its own.",
            field="period",
        ) from error
    for (account, currency), micros in sorted(after.items()):
        # What stood on the wrong side before is another's fault; a correction may lessen it, never add to it.
        if account.startswith(WAITING_PREFIXES) and micros > max(0, stood.get((account, currency), 0)):
            raise ConflictError(
                f"what waited on {account} was released since, and this would take {format_micros(micros, currency)} "
                "more from it than it holds",
                remedy="Nothing was posted. Agree on the difference with those to whom it was released, and book it under a "
                "contract of their own.",
                field="period",
            )


def _done(studio: Studio, known: Version | None, *, version: int = 0, period_id: str = "") -> Corrected:
    """What a recorded correction did, with its receipt, which is issued where a crash kept it back."""
    with studio.store.reading() as conn:
        found = list(versions(studio, conn, known.close.period_id if known else period_id))
    mine = known or next(one for one in found if one.number == version)
    before = next(one for one in found if one.number == mine.number - 1)
    assert mine.step is not None
    name = correction_id(mine)
    log, was_issued = studio.log(), receipt_path(studio.receipts, name).exists()
    with studio.store.reading() as conn:
        leaves = expected_leaves(conn, mine.close, mine.folder)
    keep_sums(mine.folder, leaves, issued=was_issued or log.find_name(name) is not None)
    issue(log, studio.receipts, [Item(name, "period.correction", correction_body(mine))], now())
    return Corrected(
        mine.close.period_id,
        mine.number,
        mine.close_digest,
        _differences(studio, before, mine.close, mine.folder),
        tuple(mine.step.facts["entry_ids"]),
        name,
        known is not None,
    )

"""The versions of a closed period: the close that was approved, and those that corrected it.

Which version holds follows from the period's steps alone. What a version books can be made again from its files and from the
books as they were before the period was closed, so a check needs nothing but what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.canonical import digest, sha256_bytes, sha256_file
from endcredits.errors import IntegrityError, NotFoundError
from endcredits.flows.booking import gathered
from endcredits.flows.close_files import TWIN_CREDITS_MAX, close_folder, period_name, proposed_step
from endcredits.flows.kept_sums import kept_roots
from endcredits.flows.studio import Studio
from endcredits.ledger import JournalEntry, entries, find
from endcredits.royalties import (
    PeriodClose,
    Step,
    close_entry,
    find_close,
    line_sums,
    lines_of,
    parse_close,
    read_frozen,
    replay_close,
    settle_entry,
    steps_of,
)
from endcredits.royalties.adjustments import CLOSE
from endcredits.royalties.corrections import correct as make_correction
from endcredits.royalties.lines import LINES, WORK_LINES
from endcredits.royalties.posting import entry_key
from endcredits.store import Finding

ENTRIES = ("close", "settle")
"""What a close books, in this order."""
FILES = (CLOSE, f"{LINES}.parquet", f"{WORK_LINES}.parquet")
"""What the folder of a correction holds."""


@dataclass(frozen=True, slots=True)
class Version:
    """A computed close of a period: the one that was approved, or one that corrected it.

    Attributes:
        number: 1 for the approved close, 2 for its first correction.
        close: the close.
        close_digest: of its document.
        folder: where its tables are; the frozen inputs are those of version 1.
        step: that recorded a correction; None for version 1.
    """

    number: int
    close: PeriodClose
    close_digest: str
    folder: Path
    step: Step | None = None


def versions(studio: Studio, conn: Connection, period_id: str) -> Iterator[Version]:
    """The approved close of a period and its corrections, in order, as their files hold them.

    Raises:
        NotFoundError: the period is not closed.
        IntegrityError: a file is not what was recorded.
    """
    booked = find_close(conn, period_id)
    if booked is None:
        raise NotFoundError(
            f"the period '{period_id}' is not closed", remedy="Close it: endcredits period close.", field="period"
        )
    steps = steps_of(conn, period_id)
    yield Version(1, booked.close, booked.close_digest, close_folder(studio, proposed_step(steps)))
    for step in steps:
        if step.step == "corrected":
            folder = version_folder(studio, period_id, step.facts["version"], step.facts["close_digest"])
            text = _bytes(folder / CLOSE)
            if sha256_bytes(text) != step.facts["close_digest"]:
                raise IntegrityError(
                    "the corrected close is not what was computed",
                    remedy="Restore it from your last copy.",
                    file=folder / CLOSE,
                )
            yield Version(step.facts["version"], parse_close(text), step.facts["close_digest"], folder, step)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise durable.machine_error(error, path) from error


def standing_version(studio: Studio, conn: Connection, period_id: str) -> Version:
    """The version of a period that holds: the approved close, or its last correction."""
    *_, last = versions(studio, conn, period_id)
    return last


def version_folder(studio: Studio, period_id: str, version: int, close_digest: str) -> Path:
    """Where a correction lies: named after its content, so that two who correct differently never write into one folder."""
    name = f"correct-{version}-{close_digest[:12]}"
    return studio.path / "periods" / period_name(period_id) / name


def correction_entries(conn: Connection, version: Version, *, on: str, why: str) -> Iterator[JournalEntry]:
    """The entries of a correction: for close and settlement, what is undone and what stands in for it.

    The same before and after they are posted, since what a version replaces is looked for among the versions before it.
    """
    close = version.close
    settlements = gathered(conn, close, version.folder).settlements
    for what in ENTRIES:
        wrong = _standing_entry(conn, what, close.period_id, version.number)
        instead = wrong.entry_id if wrong is not None else ""
        if what == "close":
            sums = line_sums(lines_of(version.folder))
            right = close_entry(close, sums, version=version.number, on=on, instead_of=instead)
        else:
            right = settle_entry(close.period_id, settlements, on, version=version.number, instead_of=instead)
        if wrong is None:
            if right is not None:
                yield right
        elif right is None or right.postings != wrong.postings:
            made = make_correction(wrong, right, on, why)
            yield made.reversal
            if made.entry is not None:
                yield made.entry


def _standing_entry(conn: Connection, what: str, period_id: str, before: int) -> JournalEntry | None:
    """The entry that holds before a version: of the latest one that booked this and was not undone by one between."""
    for number in range(before - 1, 0, -1):
        key = entry_key(what, period_id, number)
        found = find(conn, key)
        if found is not None:
            undone = find(conn, f"reverse:{key}")
            # Undone by a version between, which booked nothing in its place; its own reversal is this version's.
            return None if undone is not None and _undone_before(conn, undone, period_id, before) else found
    return None


def _undone_before(conn: Connection, undone: JournalEntry, period_id: str, before: int) -> bool:
    corrected = [step for step in steps_of(conn, period_id) if step.step == "corrected" and step.facts["version"] < before]
    return any(undone.entry_id in step.facts["entry_ids"] for step in corrected)


def correction_id(version: Version) -> str:
    """The id of a correction's receipt."""
    return f"correction:{version.close.period_id}:{version.number}"


def correction_body(version: Version) -> dict[str, Any]:
    """What a correction's receipt says: sums and digests; who did it and why are given as a digest."""
    assert version.step is not None
    close, facts = version.close, version.step.facts
    return {
        "period_id": close.period_id,
        "version": version.number,
        "close_digest": version.close_digest,
        "corrects": facts["corrects"],
        "corrected_at": version.step.at,
        "step_digest": digest({"by": version.step.by, **facts}),
        "policy": close.policy,
        "policy_digest": close.policy_digest,
        "frozen": dict(close.frozen),
        "lines_digest": close.lines_digest,
        "sums": kept_roots(version.folder),
        "work_lines_digest": close.work_lines_digest,
        "entry_ids": list(facts["entry_ids"]),
        "totals": close.totals,
        "pools": close.pools,
        "adjusted": close.adjusted,
    }


def expected_corrections(studio: Studio, conn: Connection, period_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Type and body of the receipts of a period's corrections, by their ids."""
    found = [one for one in versions(studio, conn, period_id) if one.step is not None]
    return {correction_id(one): ("period.correction", correction_body(one)) for one in found}


def check_corrections(studio: Studio, conn: Connection, period_id: str) -> Iterator[Finding]:
    """That every correction follows from the frozen inputs and is booked as it says, and that none is booked besides."""
    where = f"correction of {period_id}"
    found = list(versions(studio, conn, period_id))
    frozen = read_frozen(found[0].folder / "frozen")
    named: set[str] = set()
    for before, version in pairwise(found):
        assert version.step is not None
        facts: Mapping[str, Any] = version.step.facts
        if version.number != before.number + 1 or facts["corrects"] != before.close_digest:
            yield Finding(where, f"version {version.number} does not follow the close before it")
        for name, stated in facts["files"].items():
            if sha256_file(version.folder / name) != stated:
                yield Finding(str(version.folder / name), "it is not what it was when the period was corrected")
        yield from replay_close(frozen, version.close, version.folder, credits_max=TWIN_CREDITS_MAX)
        made = list(correction_entries(conn, version, on=version.step.at[:10], why=facts["reason"]))
        if [entry.entry_id for entry in made] != list(facts["entry_ids"]):
            yield Finding(where, f"the entries of version {version.number} are not those that its step names")
        for entry in made:
            if find(conn, entry.idempotency_key) != entry:
                yield Finding(where, f"the entry {entry.idempotency_key} is not booked as the correction says")
        named |= {entry.idempotency_key for entry in made}
    for entry in entries(conn):
        key = entry.idempotency_key
        if key.rpartition(":")[2] == period_id and _corrects(key) and key not in named:
            yield Finding(where, f"the entry {key} is booked, and no step says who corrected what")


def _corrects(key: str) -> bool:
    first, _, rest = key.partition(":")
    return first.startswith(("close.", "settle.")) or (
        first == "reverse" and rest.partition(":")[0].split(".")[0] in ENTRIES
    )

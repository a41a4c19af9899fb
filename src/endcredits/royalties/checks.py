"""Checks of the recorded closes: that rows are what was written, that sums hold, that computing again agrees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.errors import InputError, IntegrityError
from endcredits.royalties.adjusting import changed_problems
from endcredits.royalties.adjustments import ADJUSTED_FOLDER, Adjustment, Term, read_adjustments
from endcredits.royalties.close import close_period
from endcredits.royalties.contract_tables import contracts, dispute_ends, disputes
from endcredits.royalties.documents import parse_close
from endcredits.royalties.freeze import frozen_digest, read_frozen
from endcredits.royalties.frozen import Frozen, table_digest, table_path
from endcredits.royalties.invariants import document_problems, problems
from endcredits.royalties.lines import LINES, WORK_LINES, read_lines, read_work_lines
from endcredits.royalties.recording import check_numbers
from endcredits.royalties.records import Line, PeriodClose, WorkLine
from endcredits.royalties.row_log import check_row_log
from endcredits.royalties.sampling import sample_problems
from endcredits.royalties.step_tables import close_steps, crew_units
from endcredits.royalties.tables import (
    currency_rates,
    held_ends,
    held_rows,
    period_closes,
    refunds,
    revenues,
    royalty_log,
    usage_events,
)
from endcredits.store import Finding, check_rows, many

TABLES = (
    usage_events,
    revenues,
    refunds,
    currency_rates,
    held_rows,
    held_ends,
    contracts,
    disputes,
    dispute_ends,
    close_steps,
    crew_units,
    period_closes,
    royalty_log,
)
"""The tables of this room."""


def check_royalties(conn: Connection) -> list[Finding]:
    """Checks everything recorded about usage and closes, as far as the database alone can tell.

    Every row fits its digest; reports are numbered without a gap, and other rows are those of the log; every close's
    document fits its digest and its row, and adds up. What lies in a close's folder is checked by `check_close_folder`
    and `replay_close`.
    """
    findings = [finding for table in TABLES for finding in check_rows(conn, table)]
    findings += [*check_numbers(conn), *check_row_log(conn)]
    for row in many(conn, sa.select(period_closes).order_by(period_closes.c.starts_on)):
        findings += [Finding(f"period {row['period_id']}", problem) for problem in _of_row(row)]
    return findings


def _of_row(row: Mapping[str, Any]) -> Iterator[str]:
    if sha256_bytes(row["document"].encode()) != row["close_digest"]:
        yield "the document does not fit its digest"
    try:
        close = parse_close(row["document"])
    except IntegrityError as error:
        yield error.message
        return
    if any(getattr(close, name) != row[name] for name in ("period_id", "starts_on", "ends_on")):
        yield "the document and its row name different periods"
    if frozen_digest(close.frozen) != row["frozen_digest"]:
        yield "the document and its row name different frozen inputs"
    yield from document_problems(close)


def check_close_folder(close: PeriodClose, folder: Path) -> list[Finding]:
    """Checks the tables of a close's folder against its document: digests, numbers of rows, and all sums.

    Args:
        close: as recorded.
        folder: holds `work_lines.parquet` and `lines.parquet`.
    """
    where = f"period {close.period_id}"
    try:
        found = [
            f"the table {name} is not the one that was closed"
            for name, stated in ((WORK_LINES, close.work_lines_digest), (LINES, close.lines_digest))
            if _digest(folder, name) != stated
        ]
        found = found or problems(close, read_work_lines(folder), read_lines(folder))
    except IntegrityError as error:
        found = [error.message]
    return [Finding(where, problem) for problem in found]


def replay_close(frozen: Frozen, close: PeriodClose, folder: Path, *, credits_max: int | None = None) -> list[Finding]:
    """Computes a close again from its frozen inputs with the simple arithmetic of `close.py`, and compares the bytes.

    Closed periods that it adjusts are computed again, too, from what lies beside its frozen inputs.

    Args:
        frozen: the inputs, checked against their own digests (`read_frozen`); adjustments lie beside them.
        close: as recorded.
        folder: holds its `work_lines.parquet` and `lines.parquet`.
        credits_max: with more credits than this, all totals, every pool's base and a sample of works are computed again
            instead of everything, in bounded memory; None to compute everything.

    Returns:
        Empty when the folder holds what the document states and the result is the same; otherwise what differs, in words.
    """
    where = f"period {close.period_id}"
    stated, given = dict(close.frozen), dict(frozen.digests)
    changed = [name for name in sorted(stated.keys() | given.keys()) if stated.get(name) != given.get(name)]
    if changed:
        return [Finding(where, f"the frozen inputs are not those that were closed: {', '.join(changed)} differ")]
    findings = check_close_folder(close, folder)
    if findings:
        return findings
    try:
        adjustments = read_adjustments(frozen.folder.parent / ADJUSTED_FOLDER)
        for one in adjustments:
            findings += _again(one.terms[0], credits_max)
        if findings:
            return findings
        if credits_max is not None and pq.read_metadata(table_path(frozen.folder, "credits")).num_rows > credits_max:
            found: Iterable[str] = chain(
                sample_problems(frozen, close, folder), changed_problems(close, folder, adjustments)
            )
        else:
            found = _differences(frozen, close, folder, adjustments)
        return [Finding(where, problem) for problem in found]
    except (InputError, IntegrityError) as error:
        return [Finding(where, f"it cannot be computed again: {error}")]


def _again(term: Term, credits_max: int | None) -> list[Finding]:
    """What is wrong with a closed period that was divided again."""
    return replay_close(read_frozen(term.folder / "frozen"), term.close, term.folder, credits_max=credits_max)


def _differences(frozen: Frozen, close: PeriodClose, folder: Path, adjustments: Sequence[Adjustment]) -> Iterator[str]:
    again = close_period(frozen, close.period_id, close.starts_on, close.ends_on, close.policy, adjustments)
    if canonical_bytes(again.close) == canonical_bytes(close):
        return
    names = {
        "policy_digest": "the policy's digest",
        "adjusted": "the adjusted periods",
        "totals": "the totals",
        "pools": "the pools",
        "work_lines_digest": "the works' lines",
        "lines_digest": "the parties' lines",
    }
    changed = [words for name, words in names.items() if getattr(again.close, name) != getattr(close, name)]
    yield f"computing it again gives another result: {', '.join(changed) or 'the number of lines'} differ"
    yield from _first_difference(again.work_lines, read_work_lines(folder), lambda one: f"{one.work_id} {one.amount_micros}")
    yield from _first_difference(
        again.lines, read_lines(folder), lambda one: f"{one.work_id} {one.party_id or 'nobody'} {one.amount_micros}"
    )


def _first_difference(
    again: Iterable[WorkLine] | Iterable[Line], recorded: Iterable[WorkLine] | Iterable[Line], said: Callable[[Any], str]
) -> Iterator[str]:
    pairs: Iterable[tuple[Any, Any]] = zip_longest(again, recorded)
    for ours, theirs in pairs:
        if ours != theirs:
            here, there = (said(one) if one else "nothing" for one in (ours, theirs))
            line = ours or theirs
            place = f"pool {line.pool}, part {line.part}" if line else ""
            yield f"the first line that differs stands in {place}: recorded is {there}, computed {here}"
            return


def _digest(folder: Path, name: str) -> str:
    path = table_path(folder, name)
    try:
        return table_digest(name, path)
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"the table {name} cannot be read ({error})", remedy="Restore it from your last copy.", file=path
        ) from error

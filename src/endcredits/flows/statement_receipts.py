"""Every statement gets a receipt, and each receipt counts on from the payee's last one (`receipts.chain`).

The chain needs no record of its own: which statements a payee has stands in the books, and where their receipts are entered
stands in the log. A statement's number is its rank among these places, so a crash anywhere changes no number: what is in the
log keeps its place, and what is not counts on from what is. Places are looked up and given under the log's lock, some
hundreds of statements to one entry of the log's history, each payee at most once in such a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.canonical import to_plain
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.payouts.heads import StatementHead, all_heads, heads_for_period, heads_of_payees
from endcredits.progress import Progress, silent
from endcredits.receipts import Item, Log, find_tombstone, issue, load_receipt, receipt_path
from endcredits.receipts.chain import FIRST, TYPE, Link, receipt_id_of
from endcredits.royalties import closes

BATCH = 1_000
"""Receipts of one log append; other writers get their turn between two."""

Account = tuple[str, str]
"""A payee and a currency."""


def issue_statements(studio: Studio, period_id: str, *, progress: Progress = silent) -> int:
    """Issues the receipts of a period's statements, and of earlier ones of the same payees that a crash left without.

    Safe to run again after any failure; what was issued stays as it is.

    Returns:
        How many were issued by this call.

    Raises:
        IntegrityError: the log or a receipt is damaged.
        ConflictError: another process keeps writing to the log for too long.
        MachineError: writing failed; run the same again.
    """
    if not without_receipt(studio, period_id):
        return 0
    with studio.store.reading() as conn:
        heads = heads_of_payees(conn, period_id)
        order = {booked.close.period_id: number for number, booked in enumerate(closes(conn))}
    log, folder = studio.log(), studio.receipts
    of_account = _by_account(heads)
    waiting = [one for one in heads if order[one.period_id] <= order[period_id] and _lacks(log, folder, one)]
    waiting.sort(key=lambda one: (order[one.period_id], one.version, one.party_id, one.currency))
    done = 0
    for batch in _batches(waiting):
        progress("receipts", done, len(waiting))
        with log.writing():
            items = [_item(log, folder, of_account[one.party_id, one.currency], one) for one in batch]
            issue(log, folder, items, now())
        done += len(batch)
    progress("receipts", done, len(waiting))
    return done


def without_receipt(studio: Studio, period_id: str) -> list[StatementHead]:
    """The statements of a period that have no receipt here; needs the log only where a file is missing."""
    with studio.store.reading() as conn:
        heads = heads_for_period(conn, period_id)
    missing = [one for one in heads if not _path(studio.receipts, one).exists()]
    if not missing:
        return []
    log = studio.log_to_read()
    return [one for one in missing if _lacks(log, studio.receipts, one)]


def _path(folder: Path, head: StatementHead) -> Path:
    return receipt_path(folder, receipt_id_of(head.statement_id))


def _lacks(log: Log, folder: Path, head: StatementHead) -> bool:
    """Whether a statement's receipt is still to be issued: it is not there, and was not erased."""
    return not _path(folder, head).exists() and find_tombstone(log, folder, receipt_id_of(head.statement_id)) is None


def _by_account(heads: Iterable[StatementHead]) -> dict[Account, list[StatementHead]]:
    found: dict[Account, list[StatementHead]] = defaultdict(list)
    for head in heads:
        found[head.party_id, head.currency].append(head)
    return found


def _batches(waiting: Sequence[StatementHead]) -> Iterator[list[StatementHead]]:
    """In order, no account twice in a batch: a link names the place of the one before, which must be known."""
    rounds: dict[int, list[StatementHead]] = defaultdict(list)
    seen: dict[Account, int] = defaultdict(int)
    for head in waiting:
        account = head.party_id, head.currency
        rounds[seen[account]].append(head)
        seen[account] += 1
    for _, of_round in sorted(rounds.items()):
        for start in range(0, len(of_round), BATCH):
            yield of_round[start : start + BATCH]


def _item(log: Log, folder: Path, of_account: Sequence[StatementHead], head: StatementHead) -> Item:
    (link,) = _links(log, folder, of_account, [head])
    return Item(receipt_id_of(head.statement_id), TYPE, link)


def _links(log: Log, folder: Path, of_account: Sequence[StatementHead], wanted: Iterable[StatementHead]) -> Iterator[Link]:
    """The links of some statements of one account, by their places in the log; without a place, next after the last."""
    places = {one.statement_id: _place(log, folder, one) for one in of_account}
    taken = sorted(place for place in places.values() if place is not None)
    for head in wanted:
        place = places[head.statement_id]
        number = len(taken) if place is None else taken.index(place)
        previous = taken[number - 1] if number else FIRST
        yield Link(head.statement_id, head.sha256, head.party_id, head.currency, head.period_id, number + 1, previous)


def _place(log: Log, folder: Path, head: StatementHead) -> int | None:
    """Where a statement's receipt is entered in the log; None where it is not."""
    found = log.find_name(receipt_id_of(head.statement_id))
    if found is None and _path(folder, head).exists():
        # The log's index of names is private and may have been lost; the receipt knows its place too.
        return load_receipt(_path(folder, head)).proof.leaf_index
    return found


def expected_statements(studio: Studio, conn: Connection) -> Mapping[str, tuple[str, dict[str, Any]]]:
    """Type and body of the receipts that there must be of statements, by their ids.

    A statement that was never issued is among them with the body that it would get, so that it is missed.
    """
    log, folder = studio.log_to_read(), studio.receipts
    expected: dict[str, tuple[str, dict[str, Any]]] = {}
    for of_account in _by_account(all_heads(conn)).values():
        for link in _links(log, folder, of_account, of_account):
            expected[receipt_id_of(link.statement_id)] = (TYPE, to_plain(link))
    return expected

"""Correcting what is booked: reverse the wrong entry, post the right one, and let each name the other.

A booked entry is never edited. The reversal is its mirror image and carries its id; the new entry has a key of its own
("close.2:2026-11") and says which entry it stands in for. Whoever reads the books sees the mistake, its end and the truth,
in this order, and the balances are those of the truth alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.ledger import JournalEntry, post, reverse_entry

WHY_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class Correction:
    """What undoes a wrong entry and takes its place.

    Attributes:
        reversal: the mirror image of the wrong entry; `reverses` is its id.
        entry: the right one; None where nothing should have been booked.
    """

    reversal: JournalEntry
    entry: JournalEntry | None


def correct(wrong: JournalEntry, right: JournalEntry | None, on: str, why: str) -> Correction:
    """Makes the entries of a correction.

    Args:
        wrong: as it is booked.
        right: made with `version` and `instead_of` (see `posting.py`); None to undo only.
        on: accounting day of both, not before the wrong entry's.
        why: in one line.

    Raises:
        InputError: the two book the same, the right one has the wrong one's key or does not name it, or the day or the
            reason cannot be used.
    """
    if len(why) > WHY_LENGTH_MAX:
        raise InputError("the reason is too long", remedy=f"Use at most {WHY_LENGTH_MAX} characters.", field="why")
    if right is not None:
        _check_right(wrong, right, on)
    reversal = reverse_entry(wrong, f"reverse:{wrong.idempotency_key}", on, f"Undoes {wrong.entry_id}: {why}")
    return Correction(reversal, right)


def post_correction(conn: Connection, correction: Correction) -> None:
    """Posts both entries of a correction; again, it changes nothing.

    Args:
        conn: inside `Store.write`, so that both are there or none is.

    Raises:
        ConflictError: the wrong entry is not in the books or was undone by another one.
    """
    post(conn, correction.reversal)
    if correction.entry is not None:
        post(conn, correction.entry)


def _check_right(wrong: JournalEntry, right: JournalEntry, on: str) -> None:
    if right.postings == wrong.postings:
        raise InputError(f"the new entry books the same as {wrong.entry_id}", remedy="Leave it as it is.", field="postings")
    if right.idempotency_key == wrong.idempotency_key or wrong.entry_id not in right.narrative:
        raise InputError(
            f"the new entry '{right.idempotency_key}' does not say that it replaces {wrong.entry_id}",
            remedy="Make it with version=2 (or more) and instead_of.",
            field="idempotency_key",
        )
    if right.date != on:
        raise InputError(
            f"the new entry is dated {right.date} and the reversal {on}", remedy="Give both the same day.", field="date"
        )

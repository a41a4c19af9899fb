"""Money that waits for its owner: unmatched, unclaimed, disputed or held back, how long already, and its release.

Each waits on an account of its own, so that the balance sheet shows it as owed and nobody mistakes it for income:

    Liabilities:Suspense:<work>         unmatched: nobody is known for the work
    Liabilities:Unclaimed:<party>       the payee is known, and cannot be reached or never claimed
    Liabilities:Disputed:<work>         two claim it
    Liabilities:Held:<reason>:<party>   a form, a bank detail or a check is missing

A *lot* is one sum that was put on such an account by one entry and still stands there. A release names the entry whose
lot it takes (`release_entries` writes that into its key; a reversal names it anyway); what names none takes the oldest
first. Lots are computed from the journal each time and stored nowhere. After how long a sum may go elsewhere is law and
contract of a place, so it is a parameter.
"""

from __future__ import annotations

import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError
from endcredits.ledger.book import find_booked, post_many
from endcredits.ledger.entry import check_date, check_stamp, make_entry
from endcredits.ledger.ranges import ENTRY_OF_POSTING
from endcredits.ledger.records import JournalEntry, Posting
from endcredits.money import format_micros

HOLD_PREFIXES = {
    "unmatched": "Liabilities:Suspense:",
    "unclaimed": "Liabilities:Unclaimed:",
    "disputed": "Liabilities:Disputed:",
    "held": "Liabilities:Held:",
}
"""What the accounts of each kind of hold begin with."""

AGE_BOUNDS_DAYS = (30, 90, 365, 1095)
"""Usual bounds between ages: a month, a quarter, a year, three years."""


@dataclass(frozen=True, slots=True)
class Lot:
    """A sum that one entry put on a hold account and that still stands there.

    Attributes:
        kind: "unmatched", "unclaimed", "disputed" or "held".
        account: the hold account.
        currency: ISO 4217 code.
        amount_micros: what is left of it, > 0; < 0 where more was released than stood there.
        since: accounting date of the entry that put it there.
        entry_id: that entry.
    """

    kind: str
    account: str
    currency: str
    amount_micros: int
    since: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class Age:
    """What of one kind and currency is of one age.

    Attributes:
        kind: of the lots.
        currency: ISO 4217 code.
        from_days: youngest age counted here, in days.
        to_days: age at which the next one begins; None for the oldest.
        lots: how many.
        amount_micros: their sum.
    """

    kind: str
    currency: str
    from_days: int
    to_days: int | None
    lots: int
    amount_micros: int


def lots(conn: Connection, until: str | None = None, known_at: str | None = None) -> list[Lot]:
    """Every lot that is still held, oldest first.

    Args:
        conn: any connection.
        until: as of the end of this accounting day; None: with everything that is recorded.
        known_at: as known at this time (UTC); None: as known now.
    """
    conditions, parameters = ["e.kind IN ('posted', 'confirmed')"], list[str]()
    if until is not None:
        conditions.append("e.date <= ?")
        parameters.append(check_date(until))
    if known_at is not None:
        conditions.append("g.recorded_at <= ?")
        parameters.append(check_stamp(known_at))
    beginnings = " OR ".join(f"substr(a.path, 1, {len(prefix)}) = '{prefix}'" for prefix in HOLD_PREFIXES.values())
    query = (
        "SELECT a.path, a.currency, p.amount_micros, e.date, e.entry_id, e.idempotency_key, e.reverses "
        "FROM accounts a CROSS JOIN postings p CROSS JOIN journal_entries e "
        "JOIN journal_pages g ON g.page = e.page AND +p.posting_id BETWEEN g.first_posting AND g.last_posting "
        f"WHERE p.account_id = a.account_id AND {ENTRY_OF_POSTING} "
        f"AND ({beginnings}) AND {' AND '.join(conditions)} ORDER BY e.date, e.number"
    )
    if conn.dialect.name == "postgresql":
        query = query.replace("?", "%s")
    standing: dict[tuple[str, str], list[Lot]] = defaultdict(list)
    for path, currency, amount, date, entry_id, key, reverses in conn.exec_driver_sql(query, tuple(parameters)):
        added = Lot(_kind(path), path, currency, -amount, date, entry_id)
        standing[path, currency] = _after(standing[path, currency], added, reverses or released_entry(key))
    return sorted(
        (lot for queue in standing.values() for lot in queue), key=lambda lot: (lot.since, lot.account, lot.currency)
    )


def released_entry(idempotency_key: str) -> str | None:
    """The entry whose lot a release takes, as its key says; None when the key is of something else."""
    parts = idempotency_key.split(":")
    return ":".join(parts[1:3]) if parts[0] == "release" and len(parts) > 3 and parts[1] == "entry" else None


def _after(queue: Sequence[Lot], added: Lot, linked: str | None) -> list[Lot]:
    """What stands on an account after one more posting: opposite sums take each other, the linked lot first."""
    left = added.amount_micros
    taken = dict[int, int]()
    order = sorted(range(len(queue)), key=lambda place: queue[place].entry_id != linked)
    for place in order:
        lot = queue[place].amount_micros
        if (lot > 0) == (left > 0) or not left:
            continue
        part = min(abs(lot), abs(left)) * (1 if lot > 0 else -1)
        taken[place] = lot - part
        left += part
    kept = [
        replace(lot, amount_micros=taken.get(place, lot.amount_micros))
        for place, lot in enumerate(queue)
        if taken.get(place, lot.amount_micros)
    ]
    return [*kept, replace(added, amount_micros=left)] if left else kept


def _kind(path: str) -> str:
    return next(kind for kind, prefix in HOLD_PREFIXES.items() if path.startswith(prefix))


def search(held: Iterable[Lot], *, name: str = "", kind: str = "") -> list[Lot]:
    """Lots of a work or party (its id, as the account's last part) and of a kind; "" leaves a condition out."""
    found = [lot for lot in held if not kind or lot.kind == kind]
    return [lot for lot in found if not name or lot.account.endswith(f":{name}")]


def ageing(held: Iterable[Lot], on: str, bounds_days: Sequence[int] = AGE_BOUNDS_DAYS) -> list[Age]:
    """How much of each kind and currency has waited for how long on a day.

    Args:
        held: as `lots` gives them.
        on: YYYY-MM-DD; lots of later days are of age 0.
        bounds_days: ages in days at which the next bucket begins, rising, each > 0.

    Raises:
        InputError: the bounds do not rise, or `on` is not a date.
    """
    if list(bounds_days) != sorted(set(bounds_days)) or any(bound <= 0 for bound in bounds_days):
        raise InputError("ages must rise", remedy="Give bounds such as 30, 90, 365.", field="bounds_days")
    today = datetime.date.fromisoformat(check_date(on))
    sums: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for lot in held:
        age = max(0, (today - datetime.date.fromisoformat(lot.since)).days)
        bucket = sum(bound <= age for bound in bounds_days)
        sums[lot.kind, lot.currency, bucket].append(lot.amount_micros)
    edges: list[int | None] = [0, *bounds_days, None]
    return [
        Age(kind, currency, edges[bucket] or 0, edges[bucket + 1], len(amounts), sum(amounts))
        for (kind, currency, bucket), amounts in sorted(sums.items())
    ]


def free_on(lot: Lot, years: int) -> str:
    """The first day on which a lot may go elsewhere when it must be held for so many years.

    29 February becomes 1 March where there is no such day.
    """
    since = datetime.date.fromisoformat(lot.since)
    try:
        return since.replace(year=since.year + years).isoformat()
    except ValueError:
        return datetime.date(since.year + years, 3, 1).isoformat()


def may_leave(held: Iterable[Lot], on: str, years: int) -> list[Lot]:
    """The lots that were held for the stated years on a day."""
    check_date(on)
    return [lot for lot in held if lot.amount_micros > 0 and free_on(lot, years) <= on]


def release_entries(held: Iterable[Lot], to_account: str, key: str, date: str, narrative: str) -> list[JournalEntry]:
    """Makes one balanced entry per lot that moves it to another account, linked to the entry that put it there.

    Args:
        held: the lots that go.
        to_account: "Liabilities:Payable:<party>", another hold account, or the commons.
        key: what the release is about ("claim-17"), part of every entry's key; at most 140 characters.
        date: accounting date, not before a lot's own.
        narrative: why.

    Raises:
        InputError: a lot with nothing left, a date before its own, or a value that cannot be used.
    """
    made = []
    for lot in held:
        if lot.amount_micros <= 0 or check_date(date) < lot.since:
            raise InputError(
                f"{format_micros(lot.amount_micros, lot.currency)} on {lot.account} since {lot.since} cannot be released "
                f"on {date}",
                remedy="Release what is held, on a day on which it was.",
                field="date",
            )
        mark = hashlib.sha256(f"{lot.account} {lot.currency}".encode()).hexdigest()[:12]
        postings = [
            Posting(lot.account, lot.amount_micros, lot.currency),
            Posting(to_account, -lot.amount_micros, lot.currency),
        ]
        made.append(make_entry(f"release:{lot.entry_id}:{mark}:{key}", date, narrative, postings))
    return made


def claim(
    conn: Connection, held: Sequence[Lot], to_account: str, key: str, date: str, narrative: str, recorded_at: str
) -> int:
    """Releases lots to who claims them: all of them or none, each once.

    Returns:
        How many entries were recorded now; 0 when the same claim was recorded before.

    Raises:
        ConflictError: one of them is no longer held as stated: it was released or changed meanwhile.
        InputError: see `release_entries`.
    """
    entries = release_entries(held, to_account, key, date, narrative)
    standing = {(lot.account, lot.currency, lot.entry_id): lot.amount_micros for lot in lots(conn)}
    for lot, entry in zip(held, entries, strict=True):
        if find_booked(conn, entry.idempotency_key) is not None:
            continue  # post_many tells whether it is the same
        if standing.get((lot.account, lot.currency, lot.entry_id), 0) < lot.amount_micros:
            raise ConflictError(
                f"{format_micros(lot.amount_micros, lot.currency)} of {lot.entry_id} no longer stands on {lot.account}",
                remedy="Look up what is held now.",
                field="held",
            )
    return post_many(conn, entries, recorded_at)

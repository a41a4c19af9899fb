"""Claims to a work: what people say is theirs. More than the whole is claimed by somebody who is wrong, so all of it waits.

The registry takes agreed splits only, which sum to one whole. Claims are what arrives before an agreement, from split sheets
and counter-claims; no claim changes who is paid. Where the claims to one right of a work in one territory pass the whole,
`dispute_over_claims` opens a dispute, and the work's money is held until somebody has decided.

    work_id,party_id,claimed,right,territory,source
    work:song,party:ada,60%,train,WORLD,split sheet of 2026-03-01
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId, plain_id
from endcredits.money import PPB
from endcredits.royalties.cells import required, territory, texts_of
from endcredits.royalties.disputes import Dispute, find_dispute, open_dispute
from endcredits.royalties.policy_text import percent
from endcredits.royalties.spellings import percent_ppb, readable
from endcredits.royalties.tabular import RawRow, raw_rows
from endcredits.works.party_ids import checked_party_id

REQUIRED = ("work_id", "party_id", "claimed")
COLUMNS = frozenset({*REQUIRED, "right", "territory", "source"})
NAMED_MAX = 8
"""Claimants named in a dispute; more are counted."""


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What a party claims of a work.

    Attributes:
        work_id: the work.
        right: which right ("train").
        territory: "WORLD" or ISO 3166-1 alpha-2.
        party_id: who claims.
        claimed_ppb: how much, 1 to 1,000,000,000.
        source: where that is written.
    """

    work_id: WorkId
    right: str
    territory: str
    party_id: PartyId
    claimed_ppb: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class OverClaim:
    """Claims to one right of a work in one territory that are more than the whole.

    Attributes:
        work_id: the work.
        right: the right.
        territory: the territory.
        total_ppb: their sum.
        claims: them, sorted.
    """

    work_id: WorkId
    right: str
    territory: str
    total_ppb: int
    claims: tuple[Claim, ...]


def read_claims(path: str | os.PathLike[str]) -> tuple[Claim, ...]:
    """Reads the claims of a table, in its order.

    Args:
        path: ends in `.csv`, `.jsonl`, `.ndjson` or `.parquet`; left out, right is "train" and territory WORLD.

    Raises:
        InputError: naming file, row and field.
    """
    file = Path(path)
    columns, rows = raw_rows(file)
    for key in REQUIRED:
        if columns is not None and key not in columns:
            raise InputError(f"the column '{key}' is missing", remedy=f"Add {key}.", file=file, field=key)
    claims = []
    for raw in rows:
        try:
            claims.append(_claim(raw))
        except InputError as error:
            raise InputError(error.message, remedy=error.remedy, file=file, row=raw.number, field=error.field) from error
    return tuple(claims)


def over_claims(claims: Iterable[Claim]) -> tuple[OverClaim, ...]:
    """The rights that are claimed more than once over, by work, right and territory.

    A party that claims the same right twice counts with its largest claim.
    """
    largest: dict[tuple[WorkId, str, str], dict[PartyId, Claim]] = {}
    for claim in sorted(claims, key=lambda one: (one, one.claimed_ppb)):
        of_right = largest.setdefault((claim.work_id, claim.right, claim.territory), {})
        known = of_right.get(claim.party_id)
        if known is None or known.claimed_ppb < claim.claimed_ppb:
            of_right[claim.party_id] = claim
    found = []
    for key, of_right in sorted(largest.items()):
        total = sum(claim.claimed_ppb for claim in of_right.values())
        if total > PPB:
            found.append(OverClaim(*key, total, tuple(sorted(of_right.values()))))
    return tuple(found)


def dispute_over_claims(conn: Connection, claims: Iterable[Claim], at: str) -> tuple[Dispute, ...]:
    """Opens a dispute for everything that is over-claimed; the same claims again open nothing new.

    Args:
        conn: inside `Store.write`.
        claims: all that are known.
        at: UTC time.

    Returns:
        The disputes, old and new.
    """
    return tuple(_dispute(conn, over, at) for over in over_claims(claims))


def _dispute(conn: Connection, over: OverClaim, at: str) -> Dispute:
    dispute_id = f"over-claim:{digest([[one.party_id, one.claimed_ppb] for one in over.claims] + [_key(over)])[:24]}"
    known = find_dispute(conn, dispute_id)
    if known is not None:
        return known
    named = [f"{one.party_id} {percent(one.claimed_ppb)[1:-1]}" for one in over.claims[:NAMED_MAX]]
    more = f" and {len(over.claims) - NAMED_MAX} others" if len(over.claims) > NAMED_MAX else ""
    total = percent(over.total_ppb)[1:-1]
    reason = f"{total} of the right {over.right} in {over.territory} are claimed: {', '.join(named)}{more}."
    return open_dispute(conn, dispute_id, over.work_id, "over-claim", reason, at)


def _key(over: OverClaim) -> list[str]:
    return [over.work_id, over.right, over.territory]


def _claim(raw: RawRow) -> Claim:
    if raw.problem is not None:
        raise raw.problem
    texts = texts_of(raw.cells, COLUMNS, frozenset(), frozenset())
    required(texts, *REQUIRED)
    claimed_ppb = percent_ppb(texts["claimed"], "claimed")
    if not claimed_ppb:
        raise InputError("nothing is claimed", remedy="Leave the row out, or claim more than 0%.", field="claimed")
    return Claim(
        WorkId(plain_id(texts["work_id"], what="work_id")),
        plain_id(texts.get("right", "train"), what="right"),
        territory(texts.get("territory", "WORLD")),
        checked_party_id(texts["party_id"]),
        claimed_ppb,
        readable(texts["source"], "source") if "source" in texts else "",
    )

"""Disputes about a work are opened and ended, and what waited goes to those who were found to be right.

While a dispute is open, every close books the work's money on an account of its own. Ending the last dispute of a work
releases what gathered there, in the transaction that records the decision: no decision without its money, and no money
without its decision. What is released lies on the payees' accounts and is in the opening of their next statements.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.parties import party_called
from endcredits.flows.portions import portions_of, registered_portions
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import JournalEntry, balances, post
from endcredits.royalties import (
    Dispute,
    disputed_account,
    disputes,
    end_dispute,
    open_dispute,
    release_disputed,
)
from endcredits.royalties.claims import dispute_over_claims, read_claims
from endcredits.royalties.disputes import find_dispute
from endcredits.works import known_works, works

KEEPS_SPLITS = ("rejected", "withdrawn")
"""Outcomes after which the registered splits hold; after the others, who is paid has to be said."""


@dataclass(frozen=True, slots=True)
class StandingDispute:
    """A dispute and what waits for its end.

    Attributes:
        dispute: as recorded.
        title: the work's title, "" when it is not registered.
        waiting: micros by currency on the work's disputed account, of all its disputes together.
    """

    dispute: Dispute
    title: str
    waiting: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ended:
    """What the end of a dispute did.

    Attributes:
        dispute: with its outcome.
        entry: what released the money; None when nothing waited, or another dispute of the work is open.
        still_open: ids of the work's other disputes that are open.
    """

    dispute: Dispute
    entry: JournalEntry | None
    still_open: tuple[str, ...]


def open_for(studio: Studio, work_id: str, claimant: str, reason: str, *, dispute_id: str = "") -> Dispute:
    """Opens a dispute about a work. The same again finds it open.

    Args:
        studio: whose.
        work_id: a registered work.
        claimant: id or name of a party, or the name of somebody who is not registered.
        reason: in their words, one line.
        dispute_id: the operator's own id; "" makes one from the other three.

    Raises:
        InputError: a value cannot be used.
        NotFoundError: no such work.
        ConflictError: it has ended, or the id is taken by another dispute.
    """
    made = dispute_id or f"dispute:{digest([work_id, claimant, reason])[:16]}"
    at = now()

    def work(conn: Connection) -> Dispute:
        if not known_works(conn, [WorkId(work_id)]):
            raise NotFoundError(f"there is no work '{work_id[:60]}'", remedy="See: endcredits works list.", field="work_id")
        who = _claimant(conn, claimant)
        known = find_dispute(conn, made)
        if known is not None and known.closed_at:
            raise ConflictError(
                f"the dispute '{made}' has ended ({known.outcome} at {known.closed_at})",
                remedy="Open another one with an id of its own: --id.",
                field="--id",
            )
        return open_dispute(conn, made, WorkId(work_id), who, reason, known.opened_at if known else at)

    return fact_log.write(studio, work)


def _claimant(conn: Connection, called: str) -> str:
    try:
        return party_called(conn, called)
    except NotFoundError:
        return called  # people whom no work names dispute, too; open_dispute checks the name


def all_disputes(studio: Studio) -> tuple[StandingDispute, ...]:
    """Every dispute by the time of opening, with what waits for it."""
    with studio.store.reading() as conn:
        titles = {work.work_id: work.title for work in works(conn)}
        stands = balances(conn, disputed_account(WorkId("")))
        waiting: dict[str, dict[str, int]] = {}
        for (account, currency), micros in stands.items():
            if micros:
                waiting.setdefault(account, {})[currency] = -micros
        return tuple(
            StandingDispute(one, titles.get(one.work_id, ""), waiting.get(disputed_account(one.work_id), {}))
            for one in disputes(conn)
        )


def end(
    studio: Studio, dispute_id: str, outcome: str, decision: str, *, to: Sequence[tuple[str, int]] = (), on: str = ""
) -> Ended:
    """Ends a dispute and, when it is the work's last one, releases what waited.

    Args:
        studio: whose.
        dispute_id: as listed.
        outcome: "upheld", "rejected", "settled" or "withdrawn".
        decision: why, in words.
        to: (id or name of a party, ppb) of those who get what waited, one whole together; empty for the registered splits,
            which is possible where the claim was rejected or withdrawn.
        on: accounting day; today by default.

    Returns:
        The dispute and the entry. Ended before in the same way, it releases what has gathered since.

    Raises:
        NotFoundError: no such dispute or party.
        InputError: a value cannot be used, or nobody says who gets the money.
        ConflictError: it ended otherwise, or money is to be released while another dispute of the work is open.
    """
    at = now()

    def work(conn: Connection) -> Ended:
        known = find_dispute(conn, dispute_id)
        same = known is not None and (known.outcome, known.decision) == (outcome, decision)
        ended = end_dispute(conn, dispute_id, outcome, decision, known.closed_at if known and same else at)
        others = [one.dispute_id for one in disputes(conn, ended.work_id) if not one.closed_at]
        if others:
            if to:
                raise ConflictError(
                    f"the dispute '{others[0]}' about {ended.work_id} is open, so its money waits on",
                    remedy="End this one without --to; whoever ends the last one says who is paid.",
                    field="--to",
                )
            return Ended(ended, None, tuple(others))
        return Ended(ended, _released(conn, ended, to, on or at[:10], at), ())

    return fact_log.write(studio, work)


def _released(conn: Connection, ended: Dispute, to: Sequence[tuple[str, int]], on: str, at: str) -> JournalEntry | None:
    account = disputed_account(ended.work_id)
    named = portions_of(conn, to) if to else None  # a name that cannot be used is refused even where nothing waits
    if not any(micros for (path, _), micros in balances(conn, account).items() if path == account):
        return None
    if named is not None:
        right: Mapping[PartyId, int] = named
    elif ended.outcome in KEEPS_SPLITS:
        right = registered_portions(conn, ended.work_id, on)
    else:
        raise InputError(
            f"the dispute is {ended.outcome}, and nobody says who gets what waited",
            remedy='Name them: --to "NAME=60%", repeated; and record the new splits for later closes (works split).',
            field="--to",
        )
    entry = release_disputed(conn, ended.work_id, right, on, f"dispute {ended.dispute_id} {ended.outcome}")
    return post(conn, entry, at) if entry is not None else None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a file of claims led to.

    Attributes:
        claims: how many the file holds.
        disputes: of what is claimed more than once over, old and new.
        opened: how many of them are new.
    """

    claims: int
    disputes: tuple[Dispute, ...]
    opened: int


def claim_file(studio: Studio, path: str | os.PathLike[str]) -> Claimed:
    """Reads claims, and disputes every right that is claimed more than once over. The same file again opens nothing new.

    Raises:
        InputError: the file or a row cannot be used.
        NotFoundError: a work that is not registered.
    """
    claims = read_claims(path)
    at = now()

    def work(conn: Connection) -> Claimed:
        named = {claim.work_id for claim in claims}
        missing = named - known_works(conn, named)
        if missing:
            raise NotFoundError(
                f"there is no work '{min(missing)}'",
                remedy="Register it first (endcredits works add).",
                file=path,
                field="work_id",
            )
        before = {one.dispute_id for one in disputes(conn)}
        found = dispute_over_claims(conn, claims, at)
        return Claimed(len(claims), found, len({one.dispute_id for one in found} - before))

    return fact_log.write(studio, work)

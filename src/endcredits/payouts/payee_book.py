"""The book of payee profiles: numbered, added and never changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.ids import PartyId
from endcredits.payouts import payout_tables as tables
from endcredits.payouts.payees import PayeeProfile, same_content
from endcredits.payouts.payout_documents import document, read_profile
from endcredits.payouts.payout_log import insert_logged
from endcredits.store import many, one

_TABLE = tables.payee_profiles


def save_profiles(conn: Connection, profiles: Iterable[PayeeProfile], at: str) -> tuple[PayeeProfile, ...]:
    """Records profiles that say something new, each with its party's next number.

    Args:
        profiles: at most one per party; their own numbers are not read.
        at: UTC time of recording.

    Returns:
        Those that were new. A profile that says what is in force already is left out.
    """
    standing = latest_profiles(conn)
    new = []
    for profile in profiles:
        before = standing.get(profile.party_id)
        if before is not None and same_content(before, profile):
            continue
        new.append(dataclasses.replace(profile, version=before.version + 1 if before else 1))
    _add(conn, new, at)
    return tuple(new)


def _add(conn: Connection, profiles: Iterable[PayeeProfile], at: str) -> None:
    rows = [
        {
            "profile_id": profile.profile_id,
            "party_id": profile.party_id,
            "version": profile.version,
            "recorded_at": at,
            "private_document": document(profile),
        }
        for profile in profiles
    ]
    insert_logged(conn, _TABLE, rows)


def latest_profiles(conn: Connection) -> dict[PartyId, PayeeProfile]:
    """The profile in force per party: the last one recorded.

    Raises:
        IntegrityError: a document is damaged.
    """
    rows = many(conn, sa.select(_TABLE.c.party_id, _TABLE.c.private_document).order_by(_TABLE.c.version))
    texts = {PartyId(row["party_id"]): row["private_document"] for row in rows}
    return {party_id: read_profile(text) for party_id, text in sorted(texts.items())}


def profiles_by_id(conn: Connection, profile_ids: Iterable[str]) -> dict[str, PayeeProfile]:
    """Profiles by their ids, in force or not; an id that is unknown is left out.

    Raises:
        IntegrityError: a document is damaged.
    """
    wanted = set(profile_ids)
    rows = many(conn, sa.select(_TABLE.c.profile_id, _TABLE.c.private_document))
    return {row["profile_id"]: read_profile(row["private_document"]) for row in rows if row["profile_id"] in wanted}


def hold_bank_detail(conn: Connection, party_id: PartyId, profile_id: str, reason: str, at: str) -> None:
    """Stops a bank detail after a payment came back, unless the payee has given another since."""
    query = sa.select(_TABLE.c.private_document).where(_TABLE.c.party_id == party_id).order_by(_TABLE.c.version.desc())
    row = one(conn, query.limit(1))
    profile = read_profile(row["private_document"]) if row is not None else None
    if profile is not None and profile.profile_id == profile_id:
        shown = "".join(mark if mark.isprintable() else " " for mark in reason)[:150]
        _add(conn, [dataclasses.replace(profile, version=profile.version + 1, bank_hold=f"returned: {shown}")], at)

"""When a stored replica has no reason left to be kept: its day has come, its grant was taken back, or the grant has ended.

A replica that another standing grant of the same person still needs may stay for that one. Deleting happens where the
replica lies, which the grant says in words.
"""

from __future__ import annotations

from collections.abc import Iterable

from endcredits.works.likeness.records import LikenessGrant, Revocation


def to_delete(grant: LikenessGrant, revocations: Iterable[Revocation], at: str) -> str:
    """Why the replica made under a grant has to be deleted by a UTC time, in words; "" where it may be kept.

    Args:
        grant: the grant.
        revocations: of any grants.
        at: UTC time asked about.
    """
    taken = [one.revoked_at for one in revocations if one.grant_id == grant.grant_id and one.revoked_at <= at]
    taken += [grant.revoked_at] if grant.revoked_at and grant.revoked_at <= at else []
    if taken:
        return f"the grant was taken back on {min(taken)}"
    day = at[:10]
    if grant.storage.delete_by and grant.storage.delete_by < day:
        return f"the grant says that it is deleted by {grant.storage.delete_by}"
    return f"the grant ended on {grant.term_to}" if grant.term_to and grant.term_to < day else ""

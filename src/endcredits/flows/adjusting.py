"""Adjustments of closed periods that a close cannot divide as the money was divided: told, and taken only when accepted.

A close divides late usage and refunds of earlier periods by its own policy, splits and rates. Where the closed period was
divided by the same rules, that is what was meant. Where it was not, a refund would take from people what others were paid,
so the close stops and says so, unless somebody accepts it by name of the option. The same holds for money of many uses that
comes late or is given back: its uses are in the closed period, so it would be the commons' alone; and for refunds under
gates, which see the few uses given back and not those of the period.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow.parquet as pq
from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.royalties import Frozen, Gate, Policy, find_close, steps_of
from endcredits.royalties.frozen import table_path

ACCEPTS = "accepts_adjustments"
"""The fact of a proposal that says so."""


def check_adjustments(conn: Connection, frozen: Frozen, policy: Policy) -> None:
    """Refuses a close whose adjustments would be divided by other rules than the money was.

    Raises:
        InputError: names the closed period and why.
    """
    for period_id, why in _unlike(conn, frozen, policy):
        raise InputError(
            f"there is late money or a refund of the closed period '{period_id}', and {why}",
            remedy="Close under the rules of that period, or accept that this close divides it: --accept-adjustments.",
            field="policy",
        )


def _unlike(conn: Connection, frozen: Frozen, policy: Policy) -> Iterator[tuple[str, str]]:
    events, revenue = (_adjusted(frozen, name) for name in ("events", "revenue"))
    for kind, period_id in sorted(events | revenue):
        booked = find_close(conn, period_id)
        if kind == "refund" and booked is not None and _rules(booked.close.policy) != _rules(policy):
            yield period_id, f"it was divided by other rules (policy '{booked.close.policy.name}') than '{policy.name}'"
        elif kind == "refund" and any(step.step == "corrected" for step in steps_of(conn, period_id)):
            yield period_id, "that period was corrected since"
        elif (kind, period_id) in revenue - events:
            yield period_id, "it is money of many uses, which are not in this period: all of it would be the commons'"
        elif kind == "refund" and any(part.gate != Gate() for pool in policy.pools for part in pool.parts):
            yield period_id, f"the gates of '{policy.name}' would judge a refund by its own few uses"


def _adjusted(frozen: Frozen, table: str) -> set[tuple[str, str]]:
    """(kind, closed period) of the rows that belong to closed periods."""
    found = pq.read_table(table_path(frozen.folder, table), columns=["kind", "usage_period"])
    pairs = found.group_by(["kind", "usage_period"]).aggregate([]).to_pylist()
    return {(row["kind"], row["usage_period"]) for row in pairs if row["kind"] != "earned"}


def _rules(policy: Policy) -> Policy:
    """A policy without what divides nothing."""
    plain = replace(policy, name="", payout_threshold_micros=0, holds_anomalies=False, four_eyes=False)
    return replace(plain, audit_window_days=0, levies=policy.levies)

"""Closed periods for tests of statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from endcredits.canonical import digest
from endcredits.ids import PartyId
from endcredits.money import PPB
from endcredits.payouts import Statement, statements
from endcredits.royalties import PeriodClose, Policy, period_entry

from ..royalties.makers import attribution, event, november, period, split, work

NAMES = {PartyId("ada"): "Ada Lovelace", PartyId("bob"): "Bob", PartyId("cyd"): "Cyd", PartyId("dee"): "Dee"}
NAMES |= {PartyId("eve"): "Eve"}


def issue(
    close: PeriodClose,
    opening: Mapping[tuple[PartyId, str], int] | None = None,
    names: Mapping[PartyId, str] = NAMES,
) -> tuple[Statement, ...]:
    """The statements of a close, with a title for every work."""
    titles = {line.work_id: f"Title of {line.work_id}" for pool in close.pools for line in pool.works}
    entry = period_entry(close)
    return statements(close, digest(close), entry.entry_id if entry else "", titles, names, opening or {})


def earning(micros: int, threshold_micros: int, month: int = 11) -> PeriodClose:
    """A month in which Ada earned exactly so much."""
    policy = Policy("all", PPB, payout_threshold_micros=threshold_micros)
    close = period([event("e", "o", micros)], [attribution("o", 1, {"w1": 1})], [work("w1", split("ada"))], policy).close()
    return replace(close, period_id=f"2026-{month}", starts_on=f"2026-{month}-01", ends_on=f"2026-{month}-30")


def ordinary() -> tuple[Statement, ...]:
    """The statements of a small, ordinary period."""
    return issue(november().close(), {(PartyId("bob"), "EUR"): 9_000_000})

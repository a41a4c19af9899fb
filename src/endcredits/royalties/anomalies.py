"""Earnings that a person should look at before they are paid: sudden, bought by one payer, or made of many copies.

None of these proves anything, so nothing is taken: where the policy says so (`holds_anomalies`), the payee's money of the
period waits on a hold account until somebody releases it, and the reason stands on the statement. The rules are plain and
public:

- *jump*: a payee earned at least `jump_factor` times the median of its earlier periods;
- *one payer*: at least `payer_ppb` of what a payee earned came from uses that one payer paid for, and as much of that
  payer's money went to this payee: what buying one's own outputs looks like;
- *copies*: a payee holds at least `copies_min` works in one cluster of duplicates.

Only payees who earned `floor_micros` or more are looked at; below, holding costs more than it saves.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from endcredits.ids import PartyId
from endcredits.money import PPB, format_micros
from endcredits.royalties.frozen import Frozen, table_path


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on earnings are anomalous.

    Attributes:
        floor_micros: payees who earned less are not looked at.
        jump_factor: times the median of earlier periods.
        history_min: earlier periods that are needed before a jump can be told.
        payer_ppb: portion of a payee's money from one payer, and of that payer's money to this payee.
        copies_min: works of one payee in one cluster.
    """

    floor_micros: int = 100_000_000
    jump_factor: int = 10
    history_min: int = 3
    payer_ppb: int = 500_000_000
    copies_min: int = 5


@dataclass(frozen=True, slots=True, order=True)
class Anomaly:
    """A payee to be looked at.

    Attributes:
        party_id: the payee.
        currency: of what was earned.
        kind: "jump", "one payer" or "copies".
        reason: in one sentence with its numbers.
    """

    party_id: PartyId
    currency: str
    kind: str
    reason: str


def anomalies(
    frozen: Frozen,
    earned: Mapping[tuple[PartyId, str], int],
    history: Mapping[tuple[PartyId, str], Sequence[int]],
    limits: Limits | None = None,
) -> tuple[Anomaly, ...]:
    """Looks over what a period's payees earned.

    Args:
        frozen: what the close follows from.
        earned: micros by payee and currency.
        history: what they earned in earlier periods, in any order.
        limits: from where on something is anomalous.

    Returns:
        By payee, currency and kind.
    """
    limits = limits or Limits()
    large = {payee: micros for payee, micros in earned.items() if micros >= limits.floor_micros}
    if not large:
        return ()
    found = [*_jumps(large, history, limits)]
    washed, copied = _washed(frozen, limits), _copied(frozen, limits)
    for party_id, currency in large:
        for kind, reasons in (("one payer", washed), ("copies", copied)):
            if party_id in reasons:
                found.append(Anomaly(party_id, currency, kind, reasons[party_id]))
    return tuple(sorted(found))


def _jumps(
    large: Mapping[tuple[PartyId, str], int], history: Mapping[tuple[PartyId, str], Sequence[int]], limits: Limits
) -> Iterator[Anomaly]:
    for (party_id, currency), micros in large.items():
        before = history.get((party_id, currency), ())
        if len(before) < limits.history_min:
            continue
        median = statistics.median_low(before)
        if micros >= limits.jump_factor * max(median, 1):
            reason = (
                f"earned {format_micros(micros, currency)}, at least {limits.jump_factor} times the "
                f"{format_micros(median, currency)} that the middle one of {len(before)} earlier periods brought"
            )
            yield Anomaly(party_id, currency, "jump", reason)


def _washed(frozen: Frozen, limits: Limits) -> dict[PartyId, str]:
    """Payees most of whose money one payer paid, who paid for little else.

    Positive shares only, in floats: an approximation that decides no amount.
    """
    query = f"""
        WITH paid AS (
            SELECT party_id, payer, sum(gross_micros * (share_ppb / {PPB}) * (split_ppb / {PPB})) AS micros
            FROM events JOIN credits USING (output) JOIN splits USING (work) JOIN parties ON parties.file_row_number = party
            WHERE payer <> '' AND share_ppb > 0 GROUP BY ALL
        )
        SELECT party_id, micros / sum(micros) OVER (PARTITION BY party_id) AS of_party,
               micros / sum(micros) OVER (PARTITION BY payer) AS of_payer
        FROM paid QUALIFY of_party >= ? AND of_payer >= ? ORDER BY party_id, payer
    """
    return {
        PartyId(party): f"{of_party:.0%} of its money came from one payer, who paid {of_payer:.0%} of their own to it"
        for party, of_party, of_payer in _asked(frozen, query, [limits.payer_ppb / PPB, limits.payer_ppb / PPB])
    }


def _copied(frozen: Frozen, limits: Limits) -> dict[PartyId, str]:
    """Payees with many works in one cluster of duplicates."""
    query = """
        WITH copied AS (
            SELECT party, cluster, count(DISTINCT work) AS copies
            FROM splits JOIN works ON works.file_row_number = work GROUP BY ALL HAVING copies >= ?
        )
        SELECT party_id, max(copies) FROM copied JOIN parties ON parties.file_row_number = party GROUP BY ALL
    """
    return {
        PartyId(party): f"{copies} of its works are duplicates of one another"
        for party, copies in _asked(frozen, query, [limits.copies_min])
    }


def _asked(frozen: Frozen, query: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        for name in ("works", "parties", "splits", "credits", "events"):
            database.read_parquet(str(table_path(frozen.folder, name)), file_row_number=True).create_view(name)
        return database.execute(query, values).fetchall()

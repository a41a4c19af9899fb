"""Who would have earned what under another policy: a closed period computed once more, and nothing posted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from endcredits.flows.closing import read_proposal, replayed
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId
from endcredits.royalties import PeriodClose, Policy, levies_of
from endcredits.royalties.frozen import table_path
from endcredits.royalties.lines import LINES
from endcredits.works import parties

COMMONS, SUSPENSE, DISPUTED, BREAKAGE, OPERATOR, TAXES = (
    "~commons",
    "~suspense",
    "~disputed",
    "~breakage",
    "~operator",
    "~taxes",
)
"""Stand beside payees in a comparison; no id begins with ~."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one payee earned, and would have earned.

    Attributes:
        party_id: the payee, or one of the words beginning with ~.
        name: for people.
        currency: ISO 4217 code.
        micros: under the policy that was applied.
        other_micros: under the other.
    """

    party_id: PartyId
    name: str
    currency: str
    micros: int
    other_micros: int


def compare_policies(studio: Studio, period_id: str, policy: Policy) -> tuple[Difference, ...]:
    """Holds a computed period against another policy, over the same frozen usage, credits and splits.

    Returns:
        By currency, then what changes most first. Sums per currency are the revenue on both sides, unless the policies
        convert into different currencies.

    Raises:
        NotFoundError: no close of the period is computed.
        IntegrityError: what was frozen is not what it was.
    """
    proposal = read_proposal(studio, period_id)
    applied = earned_by_payee(proposal.close, proposal.folder)
    other = replayed(studio, period_id, policy, earned_by_payee)
    with studio.store.reading() as conn:
        names = {party_id: party.name for party_id, party in parties(conn).items()}
    found = [
        Difference(payee, names.get(payee, str(payee)), currency, applied.get(key, 0), other.get(key, 0))
        for key in {*applied, *other}
        for payee, currency in [key]
    ]
    return tuple(sorted(found, key=lambda one: (one.currency, -abs(one.other_micros - one.micros), one.party_id)))


def earned_by_payee(close: PeriodClose, folder: Path) -> dict[tuple[PartyId, str], int]:
    """What a close gives to every payee, to funds, to the commons, to nobody yet, the operator and the state, in micros."""
    found: dict[tuple[PartyId, str], int] = {}

    def add(payee: str, currency: str, micros: int) -> None:
        key = (PartyId(payee), currency)
        found[key] = found.get(key, 0) + micros

    table = pq.read_table(table_path(folder, LINES), columns=["pool", "party_id", "state", "amount_micros"])
    sums = table.group_by(["pool", "party_id", "state"]).aggregate([("amount_micros", "sum")])
    for row in sums.sort_by([("pool", "ascending"), ("party_id", "ascending"), ("state", "ascending")]).to_pylist():
        payee = row["party_id"] if row["state"] == "payable" else f"~{row['state']}"
        add(payee, close.pools[row["pool"]].currency, row["amount_micros_sum"])
    for pool in close.pools:
        add(COMMONS, pool.currency, pool.rest_micros + sum(part.commons_micros for part in pool.parts))
        add(BREAKAGE, pool.currency, pool.breakage_micros)
    for total in close.totals:
        add(OPERATOR, total.currency, total.operator_micros)
        add(TAXES, total.currency, total.tax_micros)
    for levy in levies_of(close):
        add(levy.party_id, levy.currency, levy.amount_micros)
    return {key: micros for key, micros in found.items() if micros}

"""From usage and revenue to exact money: the records of a period and its close.

The close is a pure function of stored integers, so two closes of the same period are the same bytes and anybody can
replay them. Numbers that may pass 2**53 (weights) are decimal strings in documents.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import OutputId, PartyId, WorkId


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """An output was used and earned something.

    Attributes:
        event_id: the operator's own id; an id counts once.
        output_id: the attributed output.
        used_at: UTC time.
        revenue_micros: what it earned, >= 0.
        currency: ISO 4217 code.
        service: product or channel, for the statement.
        territory: "WORLD" or ISO 3166-1 alpha-2.
    """

    event_id: str
    output_id: OutputId
    used_at: str
    revenue_micros: int
    currency: str
    service: str = "default"
    territory: str = "WORLD"


@dataclass(frozen=True, slots=True)
class Policy:
    """How much of the revenue goes to the works, and how it is divided. Data, not code: read from TOML.

    Attributes:
        name: for people ("fifty-fifty").
        pool_ppb: the works' part of revenue, in parts per billion.
        weighting: "revenue": each output divides what it earned by its own credits; "nats": the period's credits are
            summed in nats, whatever each output earned. Either way, what outputs that the works made no likelier
            earned for the pool is the commons'.
        right: the right whose splits apply ("train").
        payout_threshold_micros: balances below it are carried over, per currency.
    """

    name: str
    pool_ppb: int
    weighting: str = "revenue"
    right: str = "train"
    payout_threshold_micros: int = 0


@dataclass(frozen=True, slots=True)
class WorkAllocation:
    """What one work earned in one pool.

    Attributes:
        work_id: the work.
        outputs: how many usage events credited it (positively or negatively).
        weight: its signed weight, a decimal string; see `Policy.weighting` for the unit.
        share_ppb: weight over the pool's denominator, rounded down, for people; money uses the exact ratio.
        amount_micros: its exact part of the pool.
    """

    work_id: WorkId
    outputs: int
    weight: str
    share_ppb: int
    amount_micros: int


@dataclass(frozen=True, slots=True)
class PartyAllocation:
    """One party's part of one work's amount.

    Attributes:
        work_id: the work.
        party_id: who is paid; None while nobody is known, and then the money waits in suspense.
        territory: the territory whose splits applied.
        split_ppb: the agreed portion (1,000,000,000 for suspense).
        amount_micros: exact.
    """

    work_id: WorkId
    party_id: PartyId | None
    territory: str
    split_ppb: int
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The money of one currency in one period.

    pool_micros == allocated_micros + commons_micros, to the unit, and revenue_micros == pool_micros + operator_micros.

    Attributes:
        currency: ISO 4217 code.
        events: usage events counted.
        revenue_micros: all they earned.
        operator_micros: the part that stays with the operator.
        pool_micros: the part for works.
        denominator: what the weights are divided by, a decimal string.
        commons_micros: the part of the pool that no work can be credited for; owed to the commons, not the operator's.
        allocated_micros: the part allocated to works, suspense included.
        suspense_micros: the part of `allocated_micros` whose payees are unknown.
        rounding_carry_micros: pool - allocated - commons; always 0, printed because people check it.
        works: by work id.
        parties: by work id and party id.
    """

    currency: str
    events: int
    revenue_micros: int
    operator_micros: int
    pool_micros: int
    denominator: str
    commons_micros: int
    allocated_micros: int
    suspense_micros: int
    rounding_carry_micros: int
    works: tuple[WorkAllocation, ...]
    parties: tuple[PartyAllocation, ...]


@dataclass(frozen=True, slots=True)
class PeriodClose:
    """A closed period.

    Attributes:
        period_id: such as "2026-11".
        starts_on: first day, YYYY-MM-DD.
        ends_on: last day, YYYY-MM-DD.
        policy: the policy applied.
        policy_digest: of it.
        events_digest: of all usage events counted, in order.
        attributions_digest: of all attributions they refer to.
        splits_digest: of all splits applied.
        pools: one per currency, by code.
    """

    period_id: str
    starts_on: str
    ends_on: str
    policy: Policy
    policy_digest: str
    events_digest: str
    attributions_digest: str
    splits_digest: str
    pools: tuple[Pool, ...]

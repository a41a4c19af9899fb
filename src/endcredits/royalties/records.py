"""From usage and revenue to exact money: the records of a period and its close.

What an operator reports are `UsageEvent`, `Revenue`, `Refund` and `Rate`. A close freezes them with the credits, works and
splits they refer to (`frozen.py`), divides every pool exactly (`close.py`, and `columns/` for millions of rows), and leaves
a `PeriodClose`: sums and digests, small enough for a document, over tables of `WorkLine` and `Line` rows that may be large
(`lines.py`). All of it is a pure function of stored integers, so two closes of the same period are the same bytes and
anybody can replay them. Numbers that may pass 2**53 (weights) are decimal strings in documents.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import OutputId, PartyId, WorkId
from endcredits.royalties.rules import Policy

KINDS = ("earned", "late", "refund")
"""Why a frozen row stands in a close: usage of its own days; usage of closed days that arrived later; money given back."""

ADJUSTED = "adjusted"
"""The kind of a pool that is a difference: what a closed period gives now, less what was booked of it before."""

STATES = ("payable", "suspense", "disputed")
"""What becomes of a line's money: owed to its party; nobody is known; who is entitled is disputed."""


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """An output was used and earned something.

    Attributes:
        event_id: the operator's own id; an id counts once.
        output_id: the attributed output.
        used_at: UTC time.
        revenue_micros: what it earned before taxes, >= 0.
        currency: ISO 4217 code.
        service: product or channel, for the statement.
        territory: "WORLD" or ISO 3166-1 alpha-2.
        offer: tariff or plan ("premium"), "" where there is one only.
        payer: who paid, as the operator names them (a pseudonym), "" where that is not told apart.
        uses: how many uses the event stands for, >= 1.
        use: kind of use ("generation", "likeness", "trailer").
        tax_micros: the taxes within `revenue_micros`.
        declared: works that the operator states were used (retrieved, cleared, performed), sorted; empty for none.
    """

    event_id: str
    output_id: OutputId
    used_at: str
    revenue_micros: int
    currency: str
    service: str = "default"
    territory: str = "WORLD"
    offer: str = ""
    payer: str = ""
    uses: int = 1
    use: str = "generation"
    tax_micros: int = 0
    declared: tuple[WorkId, ...] = ()


@dataclass(frozen=True, slots=True)
class Revenue:
    """Money that was earned by many uses together: a subscription, an advertisement, a licence.

    Attributes:
        revenue_id: the operator's own id; an id counts once.
        earned_on: the day it is recognised, YYYY-MM-DD.
        gross_micros: before taxes, >= 0.
        tax_micros: the taxes within it.
        currency: ISO 4217 code.
        service: as on events.
        territory: as on events.
        offer: as on events.
        payer: as on events.
    """

    revenue_id: str
    earned_on: str
    gross_micros: int
    tax_micros: int
    currency: str
    service: str = "default"
    territory: str = "WORLD"
    offer: str = ""
    payer: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back to a payer.

    Attributes:
        refund_id: the operator's own id; an id counts once.
        of_id: the usage event or revenue that it gives back.
        refunded_at: UTC time.
        refund_micros: > 0; all refunds of one thing sum to at most what it earned.
        currency: that of the thing.
    """

    refund_id: str
    of_id: str
    refunded_at: str
    refund_micros: int
    currency: str


@dataclass(frozen=True, slots=True)
class Rate:
    """A currency rate, exact: one unit of `currency` is numerator/denominator units of `into`.

    Attributes:
        currency: from.
        into: to.
        numerator: > 0.
        denominator: > 0.
        on: the day it was fixed, YYYY-MM-DD; the latest on or before a period's last day applies.
        source: who published it ("ECB euro reference rates").
    """

    currency: str
    into: str
    numerator: int
    denominator: int
    on: str
    source: str


@dataclass(frozen=True, slots=True)
class WorkLine:
    """What one work earned in one part of one pool.

    Attributes:
        pool: number of the pool in the close, from 0.
        part: number of the part in its rule, from 0.
        work_id: the work.
        outputs: usage events that credited it (positively or negatively).
        weight: its signed weight before clipping; unit micros * ppb, or nano-nats * micros where the policy weighs by nats.
        share_ppb: its portion of the part behind the gates, rounded toward zero, for people; money uses the exact ratio.
        amount_micros: its exact amount; negative in refund pools. In adjusted pools this and `outputs` are differences,
            while weight, share and `taken` are those of the period as it was divided again.
        taken: why a gate left it nothing or less: "", "clipped", "cluster", "not significant", "uses", "cap", "floor",
            "unreliable", "revoked".
    """

    pool: int
    part: int
    work_id: WorkId
    outputs: int
    weight: int
    share_ppb: int
    amount_micros: int
    taken: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One party's part of one work's amount, or of a part that goes to one party.

    Attributes:
        pool: number of the pool in the close.
        part: number of the part in its rule.
        work_id: the work; "" for parts that are divided by "party".
        party_id: who is paid; None in suspense.
        territory: the territory whose splits applied.
        split_ppb: the agreed portion (1,000,000,000 for suspense and "party").
        amount_micros: exact, never zero; negative in refund pools.
        state: one of `STATES`.
    """

    pool: int
    part: int
    work_id: WorkId
    party_id: PartyId | None
    territory: str
    split_ppb: int
    amount_micros: int
    state: str = "payable"


@dataclass(frozen=True, slots=True)
class PartSum:
    """The sums of one part of one pool.

    amount_micros == allocated_micros + commons_micros, to the unit.

    Attributes:
        name: of the part.
        amount_micros: the part's money.
        denominator: what weights are divided by, a decimal string.
        allocated_micros: given to works or a party, whatever their state.
        suspense_micros: of it, money whose payees are unknown.
        disputed_micros: of it, money whose payees are disputed.
        commons_micros: what no work can be credited for, and what gates took.
    """

    name: str
    amount_micros: int
    denominator: str
    allocated_micros: int
    suspense_micros: int
    disputed_micros: int
    commons_micros: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The money of one pool key in one period.

    pool_micros == breakage_micros + sum of the parts' amounts + rest_micros, to the unit; everything in `currency`, which is
    the policy's `settle_in` after conversion.

    Attributes:
        rule: name of the pool rule.
        kind: one of `KINDS`, or `ADJUSTED`; the amounts and counts of an adjusted pool are differences of either sign.
        usage_period: "" for the period's own usage, else the closed period (its id) that was divided again.
        service: the key's service, "" where pools are not told apart by it.
        territory: the same.
        offer: the same.
        events: usage events counted.
        uses: uses counted.
        revenue_micros: base revenue, in `earned_currency`.
        source_micros: the pool before conversion, in `earned_currency`.
        earned_currency: of the revenue.
        currency: of everything below.
        rate: "1/1", or the exact rate "numerator/denominator on YYYY-MM-DD from SOURCE".
        pool_micros: the pool.
        breakage_micros: the part of it whose payers used nothing.
        rest_micros: what the waterfall's parts leave; the commons'.
        parts: the waterfall.
    """

    rule: str
    kind: str
    usage_period: str
    service: str
    territory: str
    offer: str
    events: int
    uses: int
    revenue_micros: int
    source_micros: int
    earned_currency: str
    currency: str
    rate: str
    pool_micros: int
    breakage_micros: int
    rest_micros: int
    parts: tuple[PartSum, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """The sums of one currency in which revenue was earned, over all pools.

    revenue_micros == tax_micros + operator_micros + pools_micros + levies_micros, to the unit; operator_micros may be
    negative where fixed fees are more than the revenue.

    Attributes:
        currency: ISO 4217 code, of the revenue.
        revenue_micros: all revenue, less refunds.
        tax_micros: the taxes within it.
        operator_micros: what stays with the operator.
        pools_micros: all pools, before conversion.
        levies_micros: on top.
    """

    currency: str
    revenue_micros: int
    tax_micros: int
    operator_micros: int
    pools_micros: int
    levies_micros: int


@dataclass(frozen=True, slots=True)
class LevyDue:
    """What a levy adds on top of the pools of one currency, or changes where a closed period was divided again.

    Attributes:
        name: of the levy.
        party_id: the fund.
        currency: ISO 4217 code.
        share_ppb: portion of the pools.
        base_micros: the pools.
        amount_micros: exact.
    """

    name: str
    party_id: str
    currency: str
    share_ppb: int
    base_micros: int
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A closed period that was divided again by its own rules, because usage or refunds of it came later.

    The difference to what was booked of it before stands in the close that counts them, in pools of the kind `ADJUSTED`.

    Attributes:
        period_id: the closed period.
        starts_on: its first day.
        ends_on: its last day.
        version: digest of the close of it that held (the approved one, or its last correction), whose policy was used.
        again_digest: digest of the close that came out now; it names its frozen inputs.
        booked: (sign, digest) of the closes whose sum was booked of it before.
        policies: of all these closes, the one used now first; the rules that its pools name.
        totals: the differences by currency.
        levies: the differences by name, party and currency.
    """

    period_id: str
    starts_on: str
    ends_on: str
    version: str
    again_digest: str
    booked: tuple[tuple[int, str], ...]
    policies: tuple[Policy, ...]
    totals: tuple[Total, ...]
    levies: tuple[LevyDue, ...]


@dataclass(frozen=True, slots=True)
class PeriodClose:
    """A closed period: sums, and the digests of everything that they follow from.

    Attributes:
        period_id: such as "2026-11".
        starts_on: first day, YYYY-MM-DD.
        ends_on: last day, YYYY-MM-DD.
        policy: the policy applied.
        policy_digest: of it.
        frozen: (table, digest) pairs of the frozen inputs, by table; see `frozen.py`.
        totals: one per currency of revenue, by code; adjustments of closed periods included.
        pools: by rule, kind, usage period, service, territory, offer, currency; then those of adjusted periods.
        work_lines: number of work lines.
        work_lines_digest: of them.
        lines: number of lines.
        lines_digest: of them.
        adjusted: closed periods that were divided again, by their days.
    """

    period_id: str
    starts_on: str
    ends_on: str
    policy: Policy
    policy_digest: str
    frozen: tuple[tuple[str, str], ...]
    totals: tuple[Total, ...]
    pools: tuple[Pool, ...]
    work_lines: int
    work_lines_digest: str
    lines: int
    lines_digest: str
    adjusted: tuple[Adjusted, ...] = ()

"""The statement: what a payee earned in a period, each line explained from the pool to the amount."""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import PartyId, WorkId


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One work's contribution to one payee's earnings: pool -> share -> split -> amount.

    Attributes:
        work_id: the work.
        title: its title.
        territory: where the usage was, as far as the splits tell territories apart.
        outputs: usage events that credited the work.
        pool_micros: the period's pool in this currency.
        share_ppb: the work's share of the pool, rounded down for reading.
        work_amount_micros: the work's exact amount in this territory.
        split_ppb: the payee's portion of the work.
        amount_micros: the payee's exact amount.
        reason: the same in one sentence.
    """

    work_id: WorkId
    title: str
    territory: str
    outputs: int
    pool_micros: int
    share_ppb: int
    work_amount_micros: int
    split_ppb: int
    amount_micros: int
    reason: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What one payee earned in one period in one currency.

    Attributes:
        statement_id: made from period, party and currency.
        period_id: the period.
        starts_on: its first day.
        ends_on: its last day.
        party_id: the payee.
        payee: the payee's name.
        currency: ISO 4217 code.
        opening_balance_micros: owed before this period.
        earned_micros: sum of the lines.
        closing_balance_micros: opening + earned.
        payable_micros: the closing balance if it reaches the threshold, else 0.
        carried_over_micros: the closing balance if it does not.
        payout_threshold_micros: the policy's threshold.
        policy_name: the policy.
        policy_digest: of it.
        close_digest: of the period's close, which the log commits to.
        entry_id: the journal entry that booked it.
        lines: by amount, largest first, then work id.
    """

    statement_id: str
    period_id: str
    starts_on: str
    ends_on: str
    party_id: PartyId
    payee: str
    currency: str
    opening_balance_micros: int
    earned_micros: int
    closing_balance_micros: int
    payable_micros: int
    carried_over_micros: int
    payout_threshold_micros: int
    policy_name: str
    policy_digest: str
    close_digest: str
    entry_id: str
    lines: tuple[StatementLine, ...]

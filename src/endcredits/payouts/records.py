"""The statement: what a payee earned and is owed, each line explained from the pool to the amount.

A statement has a head (who, when, under which policy), a summary of money that adds up, the pools that its lines drew
on, the lines, and a foot (control total, how long and how to dispute). Everything is a whole number or a text, so that
a statement has one spelling and one digest. There are two kinds and they never mix: a *final* statement follows from a
closed period and is kept for good; an *estimate* is made before the close, says so everywhere, and pays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import PartyId, WorkId
from endcredits.royalties.contract_records import Movement

FINAL, ESTIMATE = "final", "estimate"
KINDS = (FINAL, ESTIMATE)
"""What a statement follows from: a closed period, or the days so far."""


@dataclass(frozen=True, slots=True)
class StatementPart:
    """One step of a pool's waterfall.

    Attributes:
        part: its number in the pool, from 0.
        name: such as "featured artists".
        by: how it is divided, one of `royalties.rules.BASES_OF_DIVISION`.
        right: whose splits divide a work's amount.
        rule: what the part is of the pool, in words.
        amount_micros: its money.
        denominator: what weights are divided by, a decimal string.
        commons_micros: of the part, what no work could be credited for and what limits took.
    """

    part: int
    name: str
    by: str
    right: str
    rule: str
    amount_micros: int
    denominator: str
    commons_micros: int


@dataclass(frozen=True, slots=True)
class StatementPool:
    """A pool that lines of the statement drew on.

    Attributes:
        pool: its number in the period's close, from 0.
        name: such as "subscriptions".
        kind: "earned", or "adjusted": a closed period divided again, whose counts and amounts here are the differences to
            what was booked of it before.
        usage_period: the period in which the usage was.
        usage_from: first day of it, YYYY-MM-DD.
        usage_to: last day of it.
        service: product or channel and its version, "" for all.
        territory: where the usage was, "" for all.
        offer: tariff, "" for all.
        events: usage events counted.
        uses: uses counted.
        rule: what the pool is of the revenue, in words.
        revenue_micros: the base revenue, in `earned_currency`.
        source_micros: the pool before conversion, in `earned_currency`.
        earned_currency: ISO 4217 code.
        rate: "1/1", or the exact rate with its day and source.
        pool_micros: the pool in the statement's currency.
        breakage_micros: the part of it whose payers used nothing.
        parts: those that lines drew on.
    """

    pool: int
    name: str
    kind: str
    usage_period: str
    usage_from: str
    usage_to: str
    service: str
    territory: str
    offer: str
    events: int
    uses: int
    rule: str
    revenue_micros: int
    source_micros: int
    earned_currency: str
    rate: str
    pool_micros: int
    breakage_micros: int
    parts: tuple[StatementPart, ...]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One work's contribution to one payee's earnings: pool -> part -> share -> split -> amount.

    Attributes:
        pool: number of the pool.
        part: number of the part.
        work_id: the work; "" where a part goes to a party directly.
        title: its title.
        identifiers: (scheme, value) pairs (ISRC, ISWC, ...), sorted.
        outputs: usage events that credited the work; in an adjusted pool how many more.
        weight: its signed weight over the part's `denominator`, a decimal string.
        share_ppb: its measured share of the part, rounded toward zero for reading.
        work_micros: the work's exact amount of the part; in an adjusted pool by how much it changed.
        territory: the territory whose splits applied.
        claim_micros: what of the work's amount fell under these splits.
        split_ppb: the payee's agreed portion.
        amount_micros: the payee's exact amount; negative where money was given back.
        state: "payable" or "disputed"; disputed money is held and in no sum of earnings.
        taken: which limit left the work less, "" for none.
        method: how the share was measured, "" where that was not stated.
        method_version: of it.
        error_ppb: one standard error of the share, -1 where it was not measured.
        reason: the line in one sentence.
    """

    pool: int
    part: int
    work_id: WorkId
    title: str
    identifiers: tuple[tuple[str, str], ...]
    outputs: int
    weight: str
    share_ppb: int
    work_micros: int
    territory: str
    claim_micros: int
    split_ppb: int
    amount_micros: int
    state: str
    taken: str
    method: str
    method_version: str
    error_ppb: int
    reason: str


@dataclass(frozen=True, slots=True)
class StatementLevy:
    """A contribution on top of the pools, where the payee is its fund.

    Attributes:
        name: of the levy.
        base_micros: what it was taken of.
        share_ppb: portion of that.
        amount_micros: exact.
    """

    name: str
    base_micros: int
    share_ppb: int
    amount_micros: int


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payment that was made since the statement before.

    Attributes:
        paid_on: YYYY-MM-DD.
        rail: how ("SEPA credit transfer").
        reference: what the bank statement shows.
        amount_micros: gross: what it took off the balance owed; negative where it added to it (came back, released,
            advanced, corrected).
    """

    paid_on: str
    rail: str
    reference: str
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Deduction:
    """What is taken from money that is due before it is sent.

    Attributes:
        kind: "withholding" or "fee".
        amount_micros: > 0.
        reason: in words with its rate and its source.
    """

    kind: str
    amount_micros: int
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A statement's money, in micros of its currency.

    closing == opening - paid + earned + adjustments + guaranteed - recouped - reserved + released - held, and
    closing == due + carried_over, and due == payable + withheld + fees, to the unit.

    Attributes:
        opening_micros: owed when the statement before was issued.
        paid_micros: paid out since.
        earned_micros: of the period's own usage, levies included.
        adjustments_micros: of late usage and refunds of earlier periods.
        guaranteed_micros: what the operator adds to reach a guaranteed minimum.
        recouped_micros: worked off against advances.
        reserved_micros: put into reserve in this period.
        released_micros: given back from reserve in this period.
        held_micros: held for a stated reason.
        closing_micros: owed now.
        due_micros: of it, what is due: nothing below the threshold or while something blocks it, and never part of a coin.
        withheld_micros: of what is due, tax that is withheld.
        fees_micros: of what is due, fees.
        payable_micros: what will be sent.
        carried_over_micros: what of the closing balance is not due.
        rounding_micros: what of that is less than the smallest coin of the currency.
        disputed_micros: in the lines, but held because it is disputed who is entitled.
        unrecouped_micros: of advances, still to be worked off.
        in_reserve_micros: standing in reserve now.
    """

    opening_micros: int
    paid_micros: int
    earned_micros: int
    adjustments_micros: int
    guaranteed_micros: int
    recouped_micros: int
    reserved_micros: int
    released_micros: int
    held_micros: int
    closing_micros: int
    due_micros: int
    withheld_micros: int
    fees_micros: int
    payable_micros: int
    carried_over_micros: int
    rounding_micros: int
    disputed_micros: int
    unrecouped_micros: int
    in_reserve_micros: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What one payee earned in one period in one currency, and what is owed after it.

    Attributes:
        statement_id: made from kind, period, party, currency and version.
        version: from 1; a later version corrects words and never money.
        kind: one of `KINDS`.
        period_id: the accounting period.
        starts_on: its first day, YYYY-MM-DD.
        ends_on: its last day; for an estimate the last day counted.
        issued_on: the day of issue.
        issuer: who issues it.
        party_id: the payee.
        payee: the payee's name.
        tax_status: the payee's, in words ("W-8BEN, valid to 2029-12-31"), "" where none is known.
        currency: ISO 4217 code.
        contract_ids: the contracts applied, sorted.
        policy_name: the policy.
        policy_digest: of it: its exact version.
        prior_id: id of the statement before, "" for none.
        threshold_micros: balances below it are carried over.
        blocked: why nothing can be paid now, in words; empty for nothing.
        summary: the money.
        payments: made since the statement before.
        movements: from what was earned to what is owed, in the order of their application.
        deductions: from what is due.
        pools: those that lines drew on, by number.
        lines: largest first, then by pool, part, work, territory and state.
        levies: by name.
        outputs_counted: usage events that credited the payee's works, once per work and pool.
        lines_digest: SHA-256 of the canonical `lines`.
        close_digest: of the period's close, to which the log commits; "" for an estimate.
        entry_ids: the journal entries that booked it, in order; empty for an estimate.
        verify: where and how to check it.
        line_count: number of lines.
        control_micros: sum of all lines and levies, whatever their state.
        audit_until: last day on which it may be disputed.
        dispute: how to dispute it.
        contact: whom to ask.
    """

    statement_id: str
    version: int
    kind: str
    period_id: str
    starts_on: str
    ends_on: str
    issued_on: str
    issuer: str
    party_id: PartyId
    payee: str
    tax_status: str
    currency: str
    contract_ids: tuple[str, ...]
    policy_name: str
    policy_digest: str
    prior_id: str
    threshold_micros: int
    blocked: tuple[str, ...]
    summary: Summary
    payments: tuple[PaidOut, ...]
    movements: tuple[Movement, ...]
    deductions: tuple[Deduction, ...]
    pools: tuple[StatementPool, ...]
    lines: tuple[StatementLine, ...]
    levies: tuple[StatementLevy, ...]
    outputs_counted: int
    lines_digest: str
    close_digest: str
    entry_ids: tuple[str, ...]
    verify: str
    line_count: int
    control_micros: int
    audit_until: str
    dispute: str
    contact: str

"""From a closed period to one statement per payee and currency: pure, in integers, sorted.

A statement opens with what was owed, adds what was earned line by line, and closes with what is owed now. What reaches
the policy's threshold is payable; what does not is carried over and never lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId
from endcredits.money import format_micros
from endcredits.payouts.records import Statement, StatementLine
from endcredits.royalties import PartyAllocation, PeriodClose, Pool, WorkAllocation

PPB_PER_PERCENT = 10_000_000


def statements(
    close: PeriodClose,
    close_digest: str,
    entry_id: str,
    titles: Mapping[WorkId, str],
    names: Mapping[PartyId, str],
    opening: Mapping[tuple[PartyId, str], int],
) -> tuple[Statement, ...]:
    """Makes the statements of a closed period.

    Args:
        close: the period.
        close_digest: of it.
        entry_id: the journal entry that booked it.
        titles: of every work that paid somebody.
        names: of every payee.
        opening: micros owed before the period by (party, currency), positive when owed to the party; missing is 0.

    Returns:
        By party and currency: one for everybody who earned something or had an opening balance that is not zero.

    Raises:
        InputError: a title or a name is missing.
    """
    earned: dict[tuple[PartyId, str], list[StatementLine]] = defaultdict(list)
    for pool in close.pools:
        for party_id, line in _lines(pool, titles):
            earned[party_id, pool.currency].append(line)
    payees = set(earned) | {payee for payee, micros in opening.items() if micros}
    return tuple(
        _statement(close, close_digest, entry_id, payee, names, opening.get(payee, 0), earned.get(payee, []))
        for payee in sorted(payees)
    )


def statement_id(period_id: str, party_id: PartyId, currency: str) -> str:
    """The id of a statement, made from what it is about."""
    return f"statement:{period_id}:{currency}:{digest([period_id, party_id, currency])[:16]}"


def payable_micros(closing_micros: int, threshold_micros: int) -> int:
    """What of a closing balance is payable: all of it from the threshold on, otherwise nothing.

    >>> payable_micros(9_999_999, 10_000_000), payable_micros(10_000_000, 10_000_000), payable_micros(-5, 0)
    (0, 10000000, 0)
    """
    return closing_micros if closing_micros >= max(threshold_micros, 0) else 0


def format_percent(ppb: int) -> str:
    """Parts per billion as a percentage, exact, with at least one decimal.

    >>> format_percent(500_000_000), format_percent(333_333_333), format_percent(1)
    ('50.0 %', '33.3333333 %', '0.0000001 %')
    """
    whole, part = divmod(ppb, PPB_PER_PERCENT)
    decimals = f"{part:07d}".rstrip("0") or "0"
    return f"{whole}.{decimals} %"


def _statement(
    close: PeriodClose,
    close_digest: str,
    entry_id: str,
    payee: tuple[PartyId, str],
    names: Mapping[PartyId, str],
    opening_micros: int,
    lines: list[StatementLine],
) -> Statement:
    party_id, currency = payee
    if party_id not in names:
        raise InputError(f"the payee '{party_id}' has no name", remedy="Register the party.", field="party_id")
    earned = sum(line.amount_micros for line in lines)
    closing = opening_micros + earned
    payable = payable_micros(closing, close.policy.payout_threshold_micros)
    return Statement(
        statement_id=statement_id(close.period_id, party_id, currency),
        period_id=close.period_id,
        starts_on=close.starts_on,
        ends_on=close.ends_on,
        party_id=party_id,
        payee=names[party_id],
        currency=currency,
        opening_balance_micros=opening_micros,
        earned_micros=earned,
        closing_balance_micros=closing,
        payable_micros=payable,
        carried_over_micros=closing - payable,
        payout_threshold_micros=close.policy.payout_threshold_micros,
        policy_name=close.policy.name,
        policy_digest=close.policy_digest,
        close_digest=close_digest,
        entry_id=entry_id,
        lines=tuple(sorted(lines, key=lambda line: (-line.amount_micros, line.work_id, line.territory))),
    )


def _lines(pool: Pool, titles: Mapping[WorkId, str]) -> list[tuple[PartyId, StatementLine]]:
    works = {work.work_id: work for work in pool.works}
    in_territory: Counter[tuple[WorkId, str]] = Counter()
    for party in pool.parties:
        in_territory[party.work_id, party.territory] += party.amount_micros
    lines = []
    for party in pool.parties:
        if party.party_id is not None:
            amount = in_territory[party.work_id, party.territory]
            lines.append((party.party_id, _line(pool, works[party.work_id], party, amount, titles)))
    return lines


def _line(
    pool: Pool, work: WorkAllocation, party: PartyAllocation, work_amount_micros: int, titles: Mapping[WorkId, str]
) -> StatementLine:
    if work.work_id not in titles:
        raise InputError(f"the work '{work.work_id}' has no title", remedy="Register the work.", field="work_id")
    line = StatementLine(
        work_id=work.work_id,
        title=titles[work.work_id],
        territory=party.territory,
        outputs=work.outputs,
        pool_micros=pool.pool_micros,
        share_ppb=work.share_ppb,
        work_amount_micros=work_amount_micros,
        split_ppb=party.split_ppb,
        amount_micros=party.amount_micros,
        reason="",
    )
    return replace(line, reason=reason(line, work.amount_micros, pool.currency))


def reason(line: StatementLine, work_total_micros: int, currency: str) -> str:
    """One line of a statement in one sentence, with its numbers and without any words from outside.

    Args:
        line: its own `reason` is not read.
        work_total_micros: what the work earned in all territories.
        currency: ISO 4217 code.
    """
    uses = "1 use of an output" if line.outputs == 1 else f"{line.outputs:,} uses of outputs"
    share = f"{format_percent(line.share_ppb)} of the pool of {format_micros(line.pool_micros, currency)}"
    earned = f"the work earned {format_micros(work_total_micros, currency)}"
    if line.work_amount_micros != work_total_micros:
        earned += f", of which {format_micros(line.work_amount_micros, currency)} under the splits for {line.territory}"
    split = f"the agreed split of {format_percent(line.split_ppb)} of that is {format_micros(line.amount_micros, currency)}"
    return f"{uses} counted for or against it: with {share}, {earned}, and {split}."

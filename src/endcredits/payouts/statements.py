"""From a closed period to one statement per payee and currency: pure, in integers, streamed.

A statement opens with what was owed, takes off what was paid since, adds what was earned line by line, applies what
contracts say, and closes with what is owed now. What reaches the policy's threshold is due; what does not, and what is
less than the smallest coin, is carried over and never lost. Payees come in their order, one at a time, so a period with
two hundred thousand of them needs no more memory than its largest statement.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from endcredits.canonical import digest
from endcredits.errors import InputError, IntegrityError
from endcredits.ids import PartyId
from endcredits.money import EXPONENT_OF_CURRENCY
from endcredits.payouts.earned import EarnedLine
from endcredits.payouts.explained import Explained
from endcredits.payouts.facts import Facts, Standing
from endcredits.payouts.records import ESTIMATE, FINAL, Statement, StatementLine
from endcredits.payouts.sums import summary
from endcredits.royalties.records import PeriodClose


def statements(
    close: PeriodClose, close_digest: str, earned: Iterable[EarnedLine], facts: Facts, *, kind: str = FINAL
) -> Iterator[Statement]:
    """Makes the statements of a period.

    Args:
        close: the period; for an estimate, a dry run of the days so far.
        close_digest: of it; "" for an estimate.
        earned: its lines by party, as `earned_lines` and `read_earned_lines` give them.
        facts: everything else.
        kind: `FINAL` or `ESTIMATE`.

    Yields:
        By party and currency: one for everybody with a line, a levy, a settlement, a payment or an opening balance that
        is not zero.

    Raises:
        InputError: a name or a title is missing, the days of an earlier period are not known, or an estimate was given what
            only a close has.
        IntegrityError: lines are not in the order of their parties, or a settlement does not fit them.
    """
    if kind not in (FINAL, ESTIMATE):
        raise InputError(f"'{kind}' is no kind of statement", remedy=f"Use '{FINAL}' or '{ESTIMATE}'.", field="kind")
    if kind == ESTIMATE and (close_digest or facts.entry_ids):
        raise InputError(
            "an estimate follows from no close and is booked nowhere", remedy="Leave out the digest and the entries."
        )
    make = _Maker(close, close_digest, facts, kind)
    others = {account for account, standing in facts.standings.items() if standing.opening_micros or standing.payments}
    others |= set(facts.settlements) | set(facts.levies)
    waiting: dict[PartyId, set[str]] = defaultdict(set)
    for party_id, currency in others:
        waiting[party_id].add(currency)
    left = sorted(waiting, reverse=True)
    last: PartyId | None = None
    for party_id, of_party in groupby(earned, key=_party):
        if last is not None and party_id <= last:
            raise IntegrityError(
                f"the lines of '{party_id}' come after those of '{last}'", remedy="Sort the lines by party."
            )
        last = party_id
        while left and left[-1] < party_id:
            yield from make.of_party(left[-1], waiting[left.pop()], ())
        if left and left[-1] == party_id:
            left.pop()
        yield from make.of_party(party_id, waiting.get(party_id, set()), of_party)
    while left:
        yield from make.of_party(left[-1], waiting[left.pop()], ())


def statement_id(kind: str, period_id: str, party_id: PartyId, currency: str, version: int = 1) -> str:
    """The id of a statement, made from what it is about.

    >>> statement_id("final", "2026-11", "ada", "EUR")
    'statement:2026-11:EUR:5cd944f4276458c8'
    """
    word = "statement" if kind == FINAL else kind
    later = [] if version == 1 else [version]
    return f"{word}:{period_id}:{currency}:{digest([period_id, party_id, currency, *later])[:16]}"


def audit_until(issued_on: str, days: int) -> str:
    """The last day on which a statement may be disputed.

    >>> audit_until("2026-12-01", 31)
    '2027-01-01'
    """
    return (datetime.date.fromisoformat(issued_on) + datetime.timedelta(days=days)).isoformat()


def coin_micros(currency: str) -> int:
    """The smallest coin of a currency in micros.

    >>> coin_micros("EUR"), coin_micros("JPY"), coin_micros("KWD")
    (10000, 1000000, 1000)
    """
    # A currency without a known coin is paid in whole micros; the ledger knows no other codes anyway.
    return int(10 ** (6 - EXPONENT_OF_CURRENCY.get(currency, 6)))


def line_order(line: StatementLine) -> tuple[int, int, int, str, str, str]:
    """What lines are sorted by."""
    return -line.amount_micros, line.pool, line.part, line.work_id, line.territory, line.state


def _party(earned: EarnedLine) -> PartyId:
    if earned.line.party_id is None:
        raise IntegrityError("a line of nobody cannot stand in a statement", remedy="Leave out the lines in suspense.")
    return earned.line.party_id


class _Maker:
    """Makes a party's statements; keeps what is the same for all parties."""

    def __init__(self, close: PeriodClose, close_digest: str, facts: Facts, kind: str) -> None:
        self.close, self.close_digest, self.facts, self.kind = close, close_digest, facts, kind
        self.audit_until = audit_until(facts.issued_on, close.policy.audit_window_days)
        self.explained = Explained(close, facts)

    def of_party(self, party_id: PartyId, currencies: set[str], earned: Iterable[EarnedLine]) -> Iterator[Statement]:
        """A party's statements, by currency."""
        lines: dict[str, list[StatementLine]] = {currency: [] for currency in currencies}
        for one in earned:
            lines.setdefault(self.explained.currency(one), []).append(self.explained.line(one))
        for currency in sorted(lines):
            yield self._statement(party_id, currency, sorted(lines[currency], key=line_order))

    def _statement(self, party_id: PartyId, currency: str, lines: list[StatementLine]) -> Statement:
        facts, close, account = self.facts, self.close, (party_id, currency)
        payee = facts.payees.get(party_id)
        if payee is None:
            raise InputError(f"the payee '{party_id}' has no name", remedy="Register the party.", field="party_id")
        settlement = facts.settlements.get(account)
        standing = facts.standings.get(account, Standing())
        levies = tuple(sorted(facts.levies.get(account, ()), key=lambda levy: levy.name))
        drawn = {(line.pool, line.part) for line in lines}
        late = {pool.pool for pool in self.explained.pools if pool.kind != "earned"}
        final = self.kind == FINAL
        threshold = close.policy.payout_threshold_micros
        money, deductions = summary(
            lines,
            late,
            levies,
            settlement,
            standing,
            threshold_micros=threshold,
            coin_micros=coin_micros(currency),
            pays=final,
            deduct=lambda due: facts.deductions(party_id, currency, due),
        )
        moved = settlement.movements if settlement else ()
        contracts = {one.contract_id for one in moved if one.contract_id} | set(standing.contract_ids)
        return Statement(
            statement_id=statement_id(self.kind, close.period_id, party_id, currency, facts.version),
            version=facts.version,
            kind=self.kind,
            period_id=close.period_id,
            starts_on=close.starts_on,
            ends_on=close.ends_on,
            issued_on=facts.issued_on,
            issuer=facts.issuer.name,
            party_id=party_id,
            payee=payee.name,
            tax_status=payee.tax_status,
            currency=currency,
            contract_ids=tuple(sorted(contracts)),
            policy_name=close.policy.name,
            policy_digest=close.policy_digest,
            prior_id=standing.prior_id,
            threshold_micros=threshold,
            blocked=standing.blocked,
            summary=money,
            payments=standing.payments,
            movements=moved,
            deductions=deductions,
            pools=tuple(self.explained.drawn(pool, drawn) for pool in sorted({pool for pool, _ in drawn})),
            lines=tuple(lines),
            levies=levies,
            outputs_counted=outputs_counted(lines),
            lines_digest=digest(lines),
            close_digest=self.close_digest,
            entry_ids=facts.entry_ids,
            verify=facts.issuer.verify,
            line_count=len(lines),
            control_micros=sum(line.amount_micros for line in lines) + sum(levy.amount_micros for levy in levies),
            audit_until=self.audit_until,
            dispute=facts.issuer.dispute,
            contact=facts.issuer.contact,
        )


def outputs_counted(lines: Iterable[StatementLine]) -> int:
    """Usage events that credited the works of these lines, once per work and pool."""
    most: dict[tuple[int, str], int] = {}
    for line in lines:
        key = line.pool, line.work_id
        most[key] = max(most.get(key, 0), line.outputs)
    return sum(most.values())

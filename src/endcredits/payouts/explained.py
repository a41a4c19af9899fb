"""A close's pools and lines in a statement's words: the same pool for everybody, each line with its reason."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.payouts.earned import EarnedLine
from endcredits.payouts.explain import part_rule, pool_rule, pool_words, reason
from endcredits.payouts.facts import Facts, WorkName
from endcredits.payouts.records import StatementLine, StatementPart, StatementPool
from endcredits.royalties.records import ADJUSTED, PeriodClose, Pool
from endcredits.royalties.rules import PoolRule

_NOBODY = WorkName("")


class Explained:
    """The pools of a close as statements show them, made once, and the lines that draw on them.

    Args:
        close: the period.
        facts: titles, methods, days of earlier periods.

    Raises:
        InputError: the days of an earlier period are not known.
        IntegrityError: a pool names a rule that the policy does not have.
    """

    def __init__(self, close: PeriodClose, facts: Facts) -> None:
        self.close, self.facts = close, facts
        self.adjusted = {one.period_id: one for one in close.adjusted}
        self.pools = [self._pool(number, pool) for number, pool in enumerate(close.pools)]
        # What a sentence says of its pool is the same for all lines of a part, and there are many lines.
        self.words = [
            [pool_words(pool, part, of.currency) for part in pool.parts]
            for pool, of in zip(self.pools, close.pools, strict=True)
        ]

    def _rule(self, pool: Pool) -> PoolRule | None:
        """The rule that a pool was divided by: the close's, or that of the closed period which was divided again."""
        adjusted = self.adjusted.get(pool.usage_period) if pool.kind == ADJUSTED else None
        policies = adjusted.policies if adjusted else (self.close.policy,)
        names = [part.name for part in pool.parts]
        rules = (rule for policy in policies for rule in policy.pools if rule.name == pool.rule)
        return next((rule for rule in rules if [part.name for part in rule.parts] == names), None)

    def _pool(self, number: int, pool: Pool) -> StatementPool:
        rule = self._rule(pool)
        if rule is None:
            raise IntegrityError(
                f"the pool {number} names the rule '{pool.rule}', and the policy has no such rule with its parts",
                remedy="Restore the close from your last copy.",
            )
        first, last = self._days(pool.usage_period)
        parts = tuple(
            StatementPart(
                part=place,
                name=of_rule.name,
                by=of_rule.by,
                right=of_rule.right,
                rule=part_rule(of_rule),
                amount_micros=sums.amount_micros,
                denominator=sums.denominator,
                commons_micros=sums.commons_micros,
            )
            for place, (of_rule, sums) in enumerate(zip(rule.parts, pool.parts, strict=True))
        )
        return StatementPool(
            pool=number,
            name=pool.rule,
            kind=pool.kind,
            usage_period=pool.usage_period or self.close.period_id,
            usage_from=first,
            usage_to=last,
            service=pool.service,
            territory=pool.territory,
            offer=pool.offer,
            events=pool.events,
            uses=pool.uses,
            rule=pool_rule(rule),
            revenue_micros=pool.revenue_micros,
            source_micros=pool.source_micros,
            earned_currency=pool.earned_currency,
            rate=pool.rate,
            pool_micros=pool.pool_micros,
            breakage_micros=pool.breakage_micros,
            parts=parts,
        )

    def _days(self, usage_period: str) -> tuple[str, str]:
        if not usage_period:
            return self.close.starts_on, self.close.ends_on
        adjusted = self.adjusted.get(usage_period)
        days = (adjusted.starts_on, adjusted.ends_on) if adjusted else self.facts.days.get(usage_period)
        if days is None:
            raise InputError(
                f"the days of the period '{usage_period}' are not known",
                remedy="Give the first and last day of every earlier period that late usage or refunds belong to.",
                field="days",
            )
        return days

    def currency(self, earned: EarnedLine) -> str:
        """The currency of a line."""
        return self.close.pools[earned.line.pool].currency

    def line(self, earned: EarnedLine) -> StatementLine:
        """A line of the close as a statement shows it.

        Raises:
            InputError: its work has no title.
        """
        line, work = earned.line, earned.work
        pool, currency = self.pools[line.pool], self.currency(earned)
        part = pool.parts[line.part]
        name = self.facts.works.get(line.work_id) if line.work_id else _NOBODY
        if name is None:
            raise InputError(f"the work '{line.work_id}' has no title", remedy="Register the work.", field="work_id")
        # Only measured shares have a method; equal and declared ones are what they are.
        measured = self.facts.measured(line.pool, WorkId(line.work_id)) if part.by in ("credits", "units") else None
        made = StatementLine(
            pool=line.pool,
            part=line.part,
            work_id=line.work_id,
            title=name.title,
            identifiers=name.identifiers,
            outputs=work.outputs if work else 0,
            weight=str(work.weight) if work else "0",
            share_ppb=work.share_ppb if work else 0,
            work_micros=work.amount_micros if work else earned.claim_micros,
            territory=line.territory,
            claim_micros=earned.claim_micros,
            split_ppb=line.split_ppb,
            amount_micros=line.amount_micros,
            state=line.state,
            taken=work.taken if work else "",
            method=measured.method if measured else "",
            method_version=measured.version if measured else "",
            error_ppb=measured.error_ppb if measured else -1,
            reason="",
        )
        # A frozen record is made once more with its sentence; `replace` would be slower for millions of lines.
        object.__setattr__(made, "reason", reason(made, pool, part, currency, self.words[line.pool][line.part]))
        return made

    def drawn(self, number: int, drawn: Set[tuple[int, int]]) -> StatementPool:
        """A pool with those of its parts that are among the drawn (pool, part) pairs."""
        pool = self.pools[number]
        parts = tuple(part for part in pool.parts if (number, part.part) in drawn)
        if parts == pool.parts:
            return pool
        return replace(pool, parts=parts)

"""A line of a statement in one sentence, from the revenue to the cent, with its numbers and without any words from outside.

The sentence follows from the line, its pool and its part alone, so whoever has the statement can make it again.
"""

from __future__ import annotations

from endcredits.money import format_micros
from endcredits.payouts.records import StatementLine, StatementPart, StatementPool
from endcredits.royalties.records import ADJUSTED
from endcredits.royalties.rules import Part, PoolRule

PPB_PER_PERCENT = 10_000_000

TAKEN = {
    "clipped": "Credit against the outputs outweighed credit for them.",
    "cluster": "It shares its money with its near duplicates, or they take it.",
    "not significant": "Its credit could not be told apart from chance.",
    "uses": "It was used too few times.",
    "cap": "A limit on what one work may take applied.",
    "floor": "A least amount for every work applied.",
    "unreliable": "Where credit was measured too unreliably the money went to the commons.",
    "revoked": "Its permission was revoked, and it earns the agreed tail.",
}
"""What a limit did to a work, by its word in the close."""


def format_percent(ppb: int) -> str:
    """Parts per billion as a percentage, exact, with at least one decimal.

    >>> format_percent(500_000_000), format_percent(333_333_333), format_percent(1), format_percent(-1)
    ('50.0 %', '33.3333333 %', '0.0000001 %', '-0.0000001 %')
    """
    whole, part = divmod(abs(ppb), PPB_PER_PERCENT)
    decimals = f"{part:07d}".rstrip("0") or "0"
    return f"{'-' if ppb < 0 else ''}{whole}.{decimals} %"


def pool_rule(rule: PoolRule) -> str:
    """What a pool is of the revenue, in words.

    >>> pool_rule(PoolRule("all", share_ppb=500_000_000))
    '50.0 % of gross revenue'
    """
    if rule.base == "fixed":
        return f"{format_micros(rule.amount_micros, rule.currency)} for the period"
    if rule.base == "per-use":
        times = ", by kind of use" if rule.multipliers else ""
        return f"{format_micros(rule.amount_micros, rule.currency)} for every use{times}"
    return f"{format_percent(rule.share_ppb)} of {rule.base} revenue"


def part_rule(part: Part) -> str:
    """What a part is of its pool, in words.

    >>> part_rule(Part("works"))
    '100.0 % of the pool'
    """
    of = "what earlier parts left" if part.of_rest else "the pool"
    equal = ""
    if part.fixed_by_reliability:
        equal = ", of which one minus the measured reliability goes to all works equally"
    elif part.fixed_ppb:
        equal = f", of which {format_percent(part.fixed_ppb)} goes to all works equally"
    return f"{format_percent(part.share_ppb)} of {of}{equal}"


def reason(line: StatementLine, pool: StatementPool, part: StatementPart, currency: str, beginning: str = "") -> str:
    """A line in one sentence, or two where something unusual happened.

    Args:
        line: its own `reason` is not read.
        pool: the line's.
        part: the line's.
        currency: ISO 4217 code of the statement.
        beginning: `pool_words` of the pool and the part, where they are at hand.
    """
    if pool.kind == ADJUSTED:
        return " ".join(
            [f"{beginning or pool_words(pool, part, currency)}; {_change(line, part, currency)}", *_unusual(line, pool)]
        )
    sentence = f"{beginning or pool_words(pool, part, currency)}; {_work(line, part, currency)}"
    if line.claim_micros != line.work_micros and line.work_id:
        sentence += f", of which {format_micros(line.claim_micros, currency)} falls under the splits for {line.territory}"
    amount = format_micros(line.amount_micros, currency)
    if part.by == "party":
        sentence += f", and all of it is the payee's: {amount}."
    else:
        split = format_percent(line.split_ppb)
        agreed = f"{split} of that by time and salary units" if part.by == "units" else f"agreed split of {split} of that"
        sentence += f", and the {agreed} is {amount}."
    return " ".join([sentence, *_unusual(line, pool)])


def pool_words(pool: StatementPool, part: StatementPart, currency: str) -> str:
    """How a sentence begins: from the revenue to the part."""
    if pool.kind == ADJUSTED:
        return _change_words(pool, part, currency)
    source = format_micros(pool.source_micros, pool.earned_currency)
    if "use" in pool.rule.split() or "period" in pool.rule.split():
        text = f"The pool is {pool.rule}, {source}"
    else:
        text = f"The pool is {pool.rule} of {format_micros(pool.revenue_micros, pool.earned_currency)}, {source}"
    if pool.rate != "1/1":
        # The source of a rate is somebody's words; it stands with the pool and not in the sentence.
        text += f", converted at {pool.rate.partition(' from ')[0]} to {format_micros(pool.pool_micros, currency)}"
    if part.amount_micros != pool.pool_micros:
        text += f", of which this part is {format_micros(part.amount_micros, currency)} ({part.rule})"
    return text


def _change_words(pool: StatementPool, part: StatementPart, currency: str) -> str:
    text = (
        f"The period from {pool.usage_from} to {pool.usage_to} was divided again by its own rules, with what was reported "
        f"or refunded since; its pool ({pool.rule}) changed by {format_micros(pool.pool_micros, currency)}"
    )
    if part.amount_micros != pool.pool_micros:
        text += f", and this part of it ({part.rule}) by {format_micros(part.amount_micros, currency)}"
    return text


def _change(line: StatementLine, part: StatementPart, currency: str) -> str:
    amount = format_micros(line.amount_micros, currency)
    if part.by == "party":
        return f"this part is not divided, and all of the difference is the payee's: {amount}."
    now, changed = format_percent(line.share_ppb), format_micros(line.work_micros, currency)
    sentence = f"the work's share of it is {now} now, and what it earned changed by {changed}"
    if line.claim_micros != line.work_micros:
        sentence += f", of which {format_micros(line.claim_micros, currency)} falls under the splits for {line.territory}"
    split = format_percent(line.split_ppb)
    agreed = f"{split} of that by time and salary units" if part.by == "units" else f"agreed split of {split} of that"
    return f"{sentence}, and the {agreed} is {amount}."


def _work(line: StatementLine, part: StatementPart, currency: str) -> str:
    share, earned = format_percent(line.share_ppb), format_micros(line.work_micros, currency)
    uses = "1 use of an output" if line.outputs == 1 else f"{line.outputs:,} uses of outputs"
    if part.by == "party":
        return f"this part, {earned}, is not divided"
    if part.by == "equal":
        return f"divided equally over the works of the catalogue, each share is {share}, and the work earned {earned}"
    if part.by == "declared":
        return f"{uses} declared the work as used, which is a share of {share}, and the work earned {earned}"
    error = f" (one standard error {format_percent(line.error_ppb)})" if line.error_ppb >= 0 else " (error not measured)"
    return f"{uses} counted for or against the work, a measured share of {share}{error}, and it earned {earned}"


def _unusual(line: StatementLine, pool: StatementPool) -> list[str]:
    days = f"{pool.usage_from} to {pool.usage_to}"
    said = []
    if pool.kind == "late":
        said.append(f"This usage of {days} arrived after that period was closed.")
    elif pool.kind == "refund":
        said.append(f"This is money given back to payers for usage of {days}.")
    if line.taken:
        said.append(TAKEN.get(line.taken, "A limit of the policy applied."))
    if line.state == "disputed":
        said.append("It is held, and in no sum above, because it is disputed who is entitled.")
    return said

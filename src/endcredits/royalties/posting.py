"""A close and its settlements as journal entries: what came in, and to whom it belongs now.

One entry books a period's close, and it balances in every currency:

    debit   Assets:Receivable:Revenue        all revenue, less refunds
    credit  Liabilities:Tax                  the taxes within it
    credit  Income:Operator                  the operator's part
    credit  Liabilities:Payable:<party>      owed to a rights holder, or to the fund of a levy
    credit  Liabilities:Suspense:<work>      owed to somebody who is not known yet
    credit  Liabilities:Disputed:<work>      owed, and disputed to whom
    credit  Liabilities:Commons              what no work can be credited for
    credit  Liabilities:Breakage             what came from payers who used nothing

A pool that was converted leaves its own currency through `Equity:Conversion` and enters the other one there. Pools are each
cut off to whole micros; what their sum thereby misses of the converted sum stands on `Equity:FxRounding`.

A second entry books what contracts make of it: every movement of every settlement between the payee's account and the
account that the movement names. The keys "close:<period>" and "settle:<period>" let each be booked once, however often it is
tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from endcredits.errors import IntegrityError
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import JournalEntry, Posting, make_entry
from endcredits.money import format_micros
from endcredits.royalties.accounts import (
    BREAKAGE_ACCOUNT,
    COMMONS_ACCOUNT,
    CONVERSION_ACCOUNT,
    FX_ROUNDING_ACCOUNT,
    OPERATOR_ACCOUNT,
    RECEIVABLE_ACCOUNT,
    TAX_ACCOUNT,
    disputed_account,
    payable_account,
    suspense_account,
)
from endcredits.royalties.contract_records import Settlement
from endcredits.royalties.levies import levies_of
from endcredits.royalties.line_sums import Key
from endcredits.royalties.records import PeriodClose, Pool
from endcredits.royalties.shares import toward_zero


def close_entry(
    close: PeriodClose, sums: Mapping[Key, int], *, version: int = 1, on: str = "", instead_of: str = ""
) -> JournalEntry | None:
    """The journal entry of a close.

    Args:
        close: the close.
        sums: of its lines, from `line_sums`.
        version: 1, or more for a close that replaces a wrong one (see `corrections.py`).
        on: accounting day; "" for the period's last day.
        instead_of: id of the entry that this one replaces.

    Returns:
        The entry; None when nothing was earned: double entry has no posting of zero.

    Raises:
        IntegrityError: the lines or the totals are not those of the close.
    """
    _check_lines(close, sums)
    _check_totals(close)
    postings = [*_revenue(close), *_pools(close, sums), *_conversions(close.pools)]
    if not any(posting.amount_micros for posting in postings):
        return None
    return make_entry(
        entry_key("close", close.period_id, version),
        on or close.ends_on,
        f"Period {close.period_id} closed: revenue divided by the policy {close.policy.name}{_instead(instead_of)}",
        postings,
    )


def settle_entry(
    period_id: str, settlements: Iterable[Settlement], on: str, *, version: int = 1, instead_of: str = ""
) -> JournalEntry | None:
    """The journal entry of a period's settlements.

    Args:
        period_id: the period.
        settlements: of it.
        on: accounting day, the period's last.
        version: as for `close_entry`.
        instead_of: as for `close_entry`.

    Returns:
        The entry; None when no contract moved anything.
    """
    postings = [
        posting
        for settlement in settlements
        for step in settlement.movements
        for posting in (
            Posting(payable_account(settlement.party_id), -step.amount_micros, settlement.currency),
            Posting(step.account, step.amount_micros, settlement.currency),
        )
    ]
    if not any(posting.amount_micros for posting in postings):
        return None
    narrative = f"Period {period_id} settled: guarantees, advances, reserves and holds{_instead(instead_of)}"
    return make_entry(entry_key("settle", period_id, version), on, narrative, postings)


def entry_key(what: str, period_id: str, version: int = 1) -> str:
    """The idempotency key of a period's entry: "close:2026-11", and "close.2:2026-11" for one that replaces it.

    >>> entry_key("close", "2026-11"), entry_key("close", "2026-11", 2)
    ('close:2026-11', 'close.2:2026-11')
    """
    return f"{what}{f'.{version}' if version > 1 else ''}:{period_id}"


def _revenue(close: PeriodClose) -> Iterator[Posting]:
    for total in close.totals:
        yield Posting(RECEIVABLE_ACCOUNT, total.revenue_micros, total.currency)
        yield Posting(TAX_ACCOUNT, -total.tax_micros, total.currency)
        yield Posting(OPERATOR_ACCOUNT, -total.operator_micros, total.currency)
    for levy in levies_of(close):
        yield Posting(payable_account(PartyId(levy.party_id)), -levy.amount_micros, levy.currency)


def _pools(close: PeriodClose, sums: Mapping[Key, int]) -> Iterator[Posting]:
    for pool in close.pools:
        commons = pool.rest_micros + sum(part.commons_micros for part in pool.parts)
        yield Posting(COMMONS_ACCOUNT, -commons, pool.currency)
        yield Posting(BREAKAGE_ACCOUNT, -pool.breakage_micros, pool.currency)
    # Millions of lines have far fewer accounts; the entry takes one posting for each.
    owed: Counter[tuple[str, str]] = Counter()
    for (number, state, whose), micros in sums.items():
        owed[_account(state, whose), close.pools[number].currency] += micros
    for (account, currency), micros in owed.items():
        yield Posting(account, -micros, currency)


def _account(state: str, whose: str) -> str:
    if state == "payable":
        return payable_account(PartyId(whose))
    return suspense_account(WorkId(whose)) if state == "suspense" else disputed_account(WorkId(whose))


def _conversions(pools: Iterable[Pool]) -> Iterator[Posting]:
    """Both legs of what was converted, and what cutting off single pools left of the whole."""
    sources: Counter[tuple[str, str, str]] = Counter()
    arrived: Counter[tuple[str, str, str]] = Counter()
    for pool in pools:
        if pool.currency != pool.earned_currency:
            key = (pool.earned_currency, pool.currency, pool.rate)
            sources[key] += pool.source_micros
            arrived[key] += pool.pool_micros
    for (currency, into, stated), micros in sources.items():
        rate = _rate(stated)
        whole = toward_zero(micros * rate.numerator, rate.denominator)
        yield Posting(CONVERSION_ACCOUNT, -micros, currency)
        yield Posting(CONVERSION_ACCOUNT, whole, into)
        yield Posting(FX_ROUNDING_ACCOUNT, arrived[currency, into, stated] - whole, into)


def _rate(stated: str) -> Fraction:
    number = stated.partition(" ")[0]
    try:
        rate = Fraction(number)
    except (ValueError, ZeroDivisionError) as error:
        raise _broken(f"'{stated[:60]}' is not a rate") from error
    if rate <= 0:
        raise _broken(f"'{stated[:60]}' is not a rate")
    return rate


def _check_lines(close: PeriodClose, sums: Mapping[Key, int]) -> None:
    """The lines of every pool and state are what its parts say."""
    found: Counter[tuple[int, str]] = Counter()
    for (number, state, whose), micros in sums.items():
        if not 0 <= number < len(close.pools) or state not in ("payable", "suspense", "disputed") or not whose:
            raise _broken(f"a line of pool {number} is {state} for '{whose}'")
        found[number, state] += micros
    for number, pool in enumerate(close.pools):
        suspense = sum(part.suspense_micros for part in pool.parts)
        disputed = sum(part.disputed_micros for part in pool.parts)
        payable = sum(part.allocated_micros for part in pool.parts) - suspense - disputed
        for state, stated in (("payable", payable), ("suspense", suspense), ("disputed", disputed)):
            if found[number, state] != stated:
                raise _broken(
                    f"the {state} lines of pool {number} sum to {format_micros(found[number, state], pool.currency)}, "
                    f"and its parts to {format_micros(stated, pool.currency)}"
                )


def _check_totals(close: PeriodClose) -> None:
    """Revenue is divided without a rest, pools are their parts, and totals are of these pools."""
    sources: Counter[str] = Counter()
    for number, pool in enumerate(close.pools):
        sources[pool.earned_currency] += pool.source_micros
        paid = sum(part.allocated_micros + part.commons_micros for part in pool.parts)
        if pool.pool_micros != pool.breakage_micros + pool.rest_micros + paid:
            raise _broken(f"pool {number} is not the sum of its parts")
    levies: Counter[str] = Counter()
    for levy in levies_of(close):
        levies[levy.currency] += levy.amount_micros
    for total in close.totals:
        if total.pools_micros != sources.pop(total.currency, 0) or total.levies_micros != levies[total.currency]:
            raise _broken(f"the pools or levies in {total.currency} are not what the totals say")
        parts = total.tax_micros + total.operator_micros + total.pools_micros + total.levies_micros
        if total.revenue_micros != parts:
            raise _broken(f"the revenue in {total.currency} is not the sum of what it was divided into")
    # What an adjustment moves from one pool to another may come to nothing in its currency, which then has no total.
    missing = sorted(currency for currency, micros in sources.items() if micros)
    if missing:
        raise _broken(f"there is no total of {', '.join(missing)}")


def _broken(problem: str) -> IntegrityError:
    return IntegrityError(problem, remedy="The close or its lines were changed: restore them from your last copy.")


def _instead(entry_id: str) -> str:
    return f", instead of {entry_id}" if entry_id else ""

"""Every single number of a close that is changed by one unit is found, in its document or in its tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties.close import Closed
from endcredits.royalties.invariants import document_problems, problems
from endcredits.royalties.records import Line, PartSum, PeriodClose, Pool, Total, WorkLine
from endcredits.royalties.rules import Levy, Part, Policy, PoolRule

from .makers import HALF, RATES, Event, Given, Income, event, november, output, song


def rich() -> Closed:
    """A close with a waterfall, a fund, breakage, a refund, a conversion, a levy and every state of a line."""
    steps = (
        Part("fund", PPB // 10, by="party", party_id="fund"),
        Part("works", 900_000_000, of_rest=True),
    )
    policy = Policy(
        "rich",
        (PoolRule("all", "net", HALF, spread="uses", by=("territory", "payer"), parts=steps),),
        levies=(Levy("pension", 50_000_000, "pension"),),
        settle_in="EUR",
    )
    return Given(
        songs=(song("a", ada=HALF, bob=HALF), replace(song("b", bob=PPB), state="disputed"), song("c")),
        outputs=(output("o1", 10, a=4, b=2, c=1), output("o2", 10, a=-1, c=5)),
        events=(
            event("e1", "o1", 10_000, payer="p1", tax_micros=500),
            event("e2", "o2", 7_000, payer="p2", territory="DE"),
            Event("e3", "o1", 900_000, currency="JPY"),
            Event("e4", "o1", 3_000, "refund", "2026-10", payer="p1"),
        ),
        revenue=(Income("r1", 5_000, payer="p3"),),
        rates=RATES,
        policy=policy,
    ).close()


def found(closed: Closed) -> list[str]:
    """What is wrong with a close and its lines."""
    return problems(closed.close, closed.work_lines, closed.lines)


def with_pool(closed: Closed, number: int, change: Callable[[Pool], Pool]) -> Closed:
    """A close with one pool changed."""
    pools = tuple(change(pool) if at == number else pool for at, pool in enumerate(closed.close.pools))
    return replace(closed, close=replace(closed.close, pools=pools))


def numbers(kind: type) -> list[str]:
    """The fields of a record that hold money."""
    return [field.name for field in fields(kind) if field.name.endswith("_micros")]


def test_a_close_as_computed_has_no_problems() -> None:
    """Nothing is found where nothing is wrong, and the rich one is as rich as it says."""
    closed = rich()

    assert found(closed) == found(november().close()) == []
    assert {line.state for line in closed.lines} == {"payable", "suspense", "disputed"}
    assert {pool.kind for pool in closed.close.pools} == {"earned", "refund"}
    assert any(pool.breakage_micros for pool in closed.close.pools)
    assert any(pool.rate != "1/1" and pool.pool_micros for pool in closed.close.pools)
    assert all(pool.rest_micros for pool in closed.close.pools)


@pytest.mark.parametrize("name", numbers(Pool))
@pytest.mark.parametrize("by", [-1, 1, -(10**9)])
def test_a_changed_sum_of_a_pool_is_found(name: str, by: int) -> None:
    """Each of a pool's sums is tied to another, by more than its rounding for the revenue behind it."""
    closed = rich()
    step = 3 * by if name == "revenue_micros" else by  # half of three units is more than one

    for number in range(len(closed.close.pools)):
        changed = with_pool(closed, number, lambda pool: replace(pool, **{name: getattr(pool, name) + step}))
        assert found(changed), (number, name)


@pytest.mark.parametrize("name", numbers(PartSum))
@pytest.mark.parametrize("by", [-1, 1])
def test_a_changed_sum_of_a_part_is_found(name: str, by: int) -> None:
    """In the fund's part and in the works'."""
    closed = rich()

    def change(pool: Pool, at: int) -> Pool:
        parts = [replace(p, **{name: getattr(p, name) + by}) if n == at else p for n, p in enumerate(pool.parts)]
        return replace(pool, parts=tuple(parts))

    for number in range(len(closed.close.pools)):
        for at in range(2):
            assert found(with_pool(closed, number, lambda pool, at=at: change(pool, at))), (number, at)  # type: ignore[misc]


@pytest.mark.parametrize("name", numbers(Total))
@pytest.mark.parametrize("by", [-1, 1])
def test_a_changed_total_is_found(name: str, by: int) -> None:
    """Revenue is taxes, operator, pools and levies, and the last two follow from the rest."""
    closed = rich()
    for at in range(len(closed.close.totals)):
        totals = [replace(t, **{name: getattr(t, name) + by}) if n == at else t for n, t in enumerate(closed.close.totals)]
        assert list(document_problems(replace(closed.close, totals=tuple(totals))))


def test_money_moved_between_levies_and_the_operator_is_found() -> None:
    """Even where the total's own sum still holds."""
    close = rich().close
    first, *rest = close.totals
    greedy = replace(first, operator_micros=first.operator_micros + 1, levies_micros=first.levies_micros - 1)

    assert any("levies" in problem for problem in document_problems(replace(close, totals=(greedy, *rest))))


@pytest.mark.parametrize("by", [-1, 1])
def test_a_changed_line_is_found(by: int) -> None:
    """Every amount of every line, of works and of parties."""
    closed = rich()
    for at, work in enumerate(closed.work_lines):
        changed = list(closed.work_lines)
        changed[at] = replace(work, amount_micros=work.amount_micros + by)
        assert found(replace(closed, work_lines=tuple(changed)))
    for at, line in enumerate(closed.lines):
        moved = list(closed.lines)
        moved[at] = replace(line, amount_micros=line.amount_micros + by)
        assert found(replace(closed, lines=tuple(moved)))


def changes() -> dict[str, Closed]:
    """Closes that are each wrong in one way that keeps many sums."""
    closed = rich()
    close, works, lines = closed.close, closed.work_lines, closed.lines
    payable = next(at for at, line in enumerate(lines) if line.party_id == "ada")
    fund = next(at for at, line in enumerate(lines) if line.party_id == "fund")

    def line(at: int, **more: Any) -> Closed:
        return replace(closed, lines=tuple(replace(one, **more) if n == at else one for n, one in enumerate(lines)))

    def work(**more: Any) -> Closed:
        return replace(closed, work_lines=(replace(works[0], **more), *works[1:]))

    def document(**more: Any) -> Closed:
        return replace(closed, close=replace(close, **more))

    def pool(**more: Any) -> Closed:
        return with_pool(closed, 0, lambda one: replace(one, **more))

    def part(**more: Any) -> Closed:
        return with_pool(closed, 0, lambda one: replace(one, parts=(one.parts[0], replace(one.parts[1], **more))))

    return {
        "pools in another order": document(pools=close.pools[::-1]),
        "a pool twice": document(pools=(close.pools[0], *close.pools)),
        "a pool of no rule": pool(rule="other"),
        "a kind that is none": pool(kind="gift"),
        "a period that is not its own": pool(usage_period="2026-10"),
        "another currency": pool(currency="USD"),
        "a rate where there is none": pool(rate="2/1 on 2026-11-30 from us"),
        "a rate that is none": with_pool(closed, 2, lambda one: replace(one, rate="much")),
        "another rate": with_pool(closed, 2, lambda one: replace(one, rate="1/1000 on 2026-11-30 from us")),
        "a part of another name": part(name="others"),
        "a part less": pool(parts=close.pools[0].parts[:1]),
        "no denominator": part(denominator="many"),
        "a denominator past 128 bits": part(denominator=str(2**127)),
        "another policy": document(policy=replace(close.policy, name="other")),
        "a total less": document(totals=close.totals[:1]),
        "totals in another order": document(totals=close.totals[::-1]),
        "another number of lines": document(lines=close.lines + 1),
        "another number of work lines": document(work_lines=close.work_lines + 1),
        "lines in another order": replace(closed, lines=lines[::-1]),
        "a line twice": replace(closed, lines=(lines[0], *lines)),
        "works in another order": replace(closed, work_lines=works[::-1]),
        "a work twice": replace(closed, work_lines=(*works, works[-1])),
        "a work less": replace(closed, work_lines=works[1:]),
        "a line less": replace(closed, lines=lines[1:]),
        "a line of a pool that is not there": line(payable, pool=99),
        "a line of nothing": replace(closed, lines=(*lines, replace(lines[-1], territory="ZZ", amount_micros=0))),
        "a payee where nobody is known": line(payable, party_id=None),
        "a payable line in suspense": line(payable, state="suspense"),
        "a state that is none": line(payable, state="lost"),
        "a split above the whole": line(payable, split_ppb=PPB + 1),
        "another fund": line(fund, party_id=PartyId("me")),
        "a fund with a work": line(fund, work_id=WorkId("a")),
        "a share above the whole": work(share_ppb=PPB + 1),
        "shares above the whole": work(share_ppb=PPB),
        "a share below zero": work(share_ppb=-1),
        "a count below zero": work(outputs=-1),
        "a weight past 128 bits": work(weight=2**127),
    }


@pytest.mark.parametrize("name", sorted(changes()))
def test_every_other_change_is_found(name: str) -> None:
    """Order, doubles, states, names, rates, counts."""
    assert found(changes()[name])


def test_money_moved_between_two_works_is_found_in_both() -> None:
    """Even where every sum of the pool still holds."""
    closed = november().close()
    first, second, *rest = closed.work_lines
    works = (
        replace(first, amount_micros=first.amount_micros - 1),
        replace(second, amount_micros=second.amount_micros + 1),
        *rest,
    )

    told = found(replace(closed, work_lines=works))

    assert any("'w1'" in problem for problem in told)
    assert any("'w2'" in problem for problem in told)


def test_lines_are_read_once_and_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Iterators are enough: a table larger than memory is checked as it is read."""
    closed = rich()

    def works() -> Any:
        yield from closed.work_lines

    def lines() -> Any:
        yield from closed.lines

    assert problems(closed.close, works(), lines()) == []


def test_records_without_money_are_covered_by_no_test_of_money() -> None:
    """Every field in micros of the records is in one of the tests above."""
    of_lines = [numbers(kind) for kind in (WorkLine, Line)]
    assert of_lines == [["amount_micros"], ["amount_micros"]]
    assert numbers(PeriodClose) == []

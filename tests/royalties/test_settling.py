"""A settlement adds up, takes no more than was agreed, and gives every reserve back once."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError, IntegrityError
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import Posting, make_entry, post
from endcredits.money import PPB
from endcredits.royalties.contract_records import ORDER, Contract, Settlement
from endcredits.royalties.line_sums import Earning
from endcredits.royalties.settling import Hold, settle
from endcredits.royalties.standing import StandingBalances, standing_balances
from endcredits.store import Store

ADA = PartyId("party:ada")
LAST = "2026-11-30"
EUR = 1_000_000


def contract(name: str = "c1", **terms: object) -> Contract:
    return Contract(name, ADA, "EUR", "2026-01-01", **terms)  # type: ignore[arg-type]


def earned(micros: int, adjustments: int = 0, name: str = "c1") -> Earning:
    return Earning(ADA, "EUR", name, micros, adjustments)


def standing(unrecouped: dict[str, int] | None = None, reserved: dict[str, int] | None = None) -> StandingBalances:
    return StandingBalances(
        {(ADA, "EUR", name): micros for name, micros in (unrecouped or {}).items()},
        {(ADA, "EUR", day): micros for day, micros in (reserved or {}).items()},
    )


def only(settlements: tuple[Settlement, ...]) -> Settlement:
    (found,) = settlements
    return found


def moved(settlement: Settlement) -> list[tuple[str, int, str]]:
    return [(step.kind, step.amount_micros, step.account) for step in settlement.movements]


def test_without_contracts_what_is_earned_is_owed() -> None:
    """Earnings and adjustments add up; refunds may leave a debt."""
    assert only(settle([earned(10, -3, "")], [], standing(), LAST)) == Settlement(ADA, "EUR", 10, -3, (), 7, 0, 0)
    assert only(settle([earned(1, -3, "")], [], standing(), LAST)).owed_micros == -2
    assert settle([], [contract()], standing(), LAST) == ()


def test_every_term_in_the_usual_order() -> None:
    """100 earned of 120 guaranteed, half recouped, a tenth of the rest reserved for 90 days, an old reserve released."""
    terms = contract(
        guarantee_micros=120 * EUR, recoup_ppb=PPB // 2, reserve_ppb=PPB // 10, reserve_days=90, advance_micros=500 * EUR
    )

    found = only(settle([earned(100 * EUR)], [terms], standing({"c1": 500 * EUR}, {"2026-11-30": 7 * EUR}), LAST))

    assert moved(found) == [
        ("guarantee", 20 * EUR, "Expenses:Guarantee"),
        ("recoup", -60 * EUR, "Assets:Advance:party:ada:c1"),
        ("reserve", -6 * EUR, "Liabilities:Reserve:party:ada:2027-02-28"),
        ("release", 7 * EUR, "Liabilities:Reserve:party:ada:2026-11-30"),
    ]
    assert (found.owed_micros, found.unrecouped_micros, found.reserved_micros) == (61 * EUR, 440 * EUR, 6 * EUR)
    assert [step.reason for step in found.movements] == [
        "120.00 EUR are guaranteed for a period and 100.00 EUR were earned.",
        "60.00 EUR go against the advance; up to 50% of 120.00 EUR may, and 440.00 EUR are still to be earned.",
        "10% of 60.00 EUR are held against refunds until 2027-02-28.",
        "7.00 EUR held in reserve until 2026-11-30 is released.",
    ]


def test_the_order_of_the_contract_decides() -> None:
    """A reserve before recoupment is larger; what is released first is recouped too, and never reserved again."""
    terms = contract(recoup_ppb=PPB // 2, reserve_ppb=PPB // 10, reserve_days=1)
    balances = standing({"c1": 500}, {"2026-11-01": 40})

    reserve_first = settle(
        [earned(100)], [replace(terms, order=("reserve", "recoup", "release", "guarantee"))], balances, LAST
    )
    release_first = settle(
        [earned(100)], [replace(terms, order=("release", "reserve", "recoup", "guarantee"))], balances, LAST
    )

    assert [step[:2] for step in moved(only(reserve_first))] == [("reserve", -10), ("recoup", -45), ("release", 40)]
    assert [step[:2] for step in moved(only(release_first))] == [("release", 40), ("reserve", -10), ("recoup", -65)]


def test_an_advance_is_recouped_once_and_no_further() -> None:
    """30 are left: 30 are taken of 100, and nothing the next time."""
    found = only(settle([earned(100)], [contract()], standing({"c1": 30}), LAST))

    assert (found.owed_micros, found.unrecouped_micros) == (70, 0)
    assert only(settle([earned(100)], [contract()], standing(), LAST)).owed_micros == 100


def test_contracts_of_a_group_recoup_each_others_advances() -> None:
    """What one has earned beyond its own advance goes against the other's; without a group it does not."""
    first, second = contract("a", cross_group="albums"), contract("b", cross_group="albums", works=(WorkId("w"),))
    earnings, balances = [earned(100, name="a"), earned(5, name="b")], standing({"a": 30, "b": 50})

    together = only(settle(earnings, [first, second], balances, LAST))
    alone = only(settle(earnings, [replace(first, cross_group=""), replace(second, cross_group="")], balances, LAST))

    assert moved(together) == [
        ("recoup", -30, "Assets:Advance:party:ada:a"),
        ("recoup", -45, "Assets:Advance:party:ada:b"),
        ("recoup", -5, "Assets:Advance:party:ada:b"),
    ]
    assert "of contract b, which shares advances with contract a" in together.movements[1].reason
    assert (together.owed_micros, together.unrecouped_micros) == (25, 0)
    assert (alone.owed_micros, alone.unrecouped_micros) == (70, 45)


def test_one_contract_pays_for_the_refunds_of_another_before_anything_is_recouped() -> None:
    """100 of refunds under one contract and 60 earned under the other: 40 are missing, and no advance is touched."""
    found = only(
        settle(
            [earned(0, -100, "a"), earned(60, name="b")],
            [contract("a"), contract("b", works=(WorkId("w"),))],
            standing({"b": 50}),
            LAST,
        )
    )

    assert (found.movements, found.owed_micros, found.unrecouped_micros) == ((), -40, 50)


def test_a_guarantee_is_paid_without_any_use_and_not_for_refunds() -> None:
    """The minimum is of the period's own usage; what earlier periods gave back stays given back."""
    terms = contract(guarantee_micros=100)

    assert only(settle([], [terms], standing(), LAST)).owed_micros == 100
    assert only(settle([earned(40, -70)], [terms], standing(), LAST)).owed_micros == 30
    assert only(settle([earned(40, 500)], [terms], standing(), LAST)).owed_micros == 600


def test_reserves_wait_for_their_day() -> None:
    """The day itself counts, the day after does not; a payee without earnings or contract gets them too."""
    balances = standing({}, {"2026-11-30": 5, "2026-12-01": 7})

    found = only(settle([], [], balances, LAST))

    assert moved(found) == [("release", 5, "Liabilities:Reserve:party:ada:2026-11-30")]
    assert (found.owed_micros, found.reserved_micros) == (5, 7)
    assert settle([], [], standing({}, {"2026-12-01": 7}), LAST) == ()


def test_a_held_payee_waits() -> None:
    """What would be owed goes to a hold account; a debt is not held."""
    hold = {(ADA, "EUR"): Hold("anomaly", "12 times the median of earlier periods.")}

    found = only(settle([earned(100)], [contract()], standing({"c1": 30}), LAST, hold))

    assert moved(found)[-1] == ("hold", -70, "Liabilities:Held:anomaly:party:ada")
    assert found.movements[-1].reason == "12 times the median of earlier periods."
    assert found.owed_micros == 0
    assert only(settle([earned(0, -5)], [contract()], standing(), LAST, hold)).movements == ()


@pytest.mark.parametrize(
    "earnings",
    [[earned(1), earned(1)], [earned(1, name="c2")], [Earning(PartyId("party:bob"), "EUR", "c1", 1, 0)]],
    ids=["twice", "unknown contract", "another's contract"],
)
def test_earnings_that_do_not_fit_are_refused(earnings: list[Earning]) -> None:
    """Nothing is settled twice or under a contract that is not the payee's."""
    with pytest.raises(InputError):
        settle(earnings, [contract()], standing(), LAST)


MICROS = st.one_of(st.integers(0, 50), st.integers(0, 10**12))
PORTIONS = st.one_of(st.sampled_from([0, PPB // 3, PPB]), st.integers(0, PPB))
DAYS = st.dates(datetime.date(2026, 10, 1), datetime.date(2027, 1, 31)).map(str)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Earning], list[Contract], StandingBalances]:
    """One payee with up to four contracts, in groups or not, in any order of terms."""
    names = ["c1", "c2", "c3", "c4"][: draw(st.integers(0, 4))]
    contracts = [
        contract(
            name,
            recoup_ppb=draw(PORTIONS),
            cross_group=draw(st.sampled_from(["", "g", "h"])),
            reserve_ppb=draw(PORTIONS),
            reserve_days=draw(st.integers(1, 90)),
            guarantee_micros=draw(MICROS),
            order=tuple(draw(st.permutations(ORDER))),
            works=(WorkId(name),),
        )
        for name in names
    ]
    with_earnings = draw(st.sets(st.sampled_from(["", *names])))
    earnings = [earned(draw(MICROS), draw(MICROS) - draw(MICROS), name) for name in sorted(with_earnings)]
    unrecouped = draw(st.dictionaries(st.sampled_from(["c1", "c2", "c3", "gone"]), MICROS.map(lambda m: m + 1)))
    return earnings, contracts, standing(unrecouped, draw(st.dictionaries(DAYS, MICROS.map(lambda m: m + 1), max_size=3)))


@given(cases(), st.booleans())
def test_a_settlement_adds_up_and_keeps_to_the_terms(
    case: tuple[list[Earning], list[Contract], StandingBalances], is_held: bool
) -> None:
    """Exact sums; no advance is recouped beyond itself; no reserve leaves early, late or twice; debts only by refunds."""
    earnings, contracts, before = case
    hold = {(ADA, "EUR"): Hold("anomaly", "Looks odd.")} if is_held else None
    found = settle(earnings, contracts, before, LAST, hold)
    if not found:
        assert not any(one.earned_micros or one.adjustments_micros for one in earnings)
        assert not any(one.guarantee_micros for one in contracts)
        assert not any(day <= LAST for _, _, day in before.reserved)
        return
    one = only(found)
    by_kind: Counter[str] = Counter()
    for step in one.movements:
        by_kind[step.kind] += step.amount_micros
        assert step.reason
        assert (step.amount_micros > 0) == (step.kind in ("guarantee", "release"))

    assert one.owed_micros == one.earned_micros + one.adjustments_micros + sum(step.amount_micros for step in one.movements)
    assert one.earned_micros == sum(earning.earned_micros for earning in earnings)
    assert one.adjustments_micros == sum(earning.adjustments_micros for earning in earnings)
    if one.owed_micros < 0:
        assert one.adjustments_micros < 0
        assert one.owed_micros >= one.earned_micros + one.adjustments_micros

    # Advances: each account stays a debit, and their sum is what is stated.
    left = {f"Assets:Advance:{ADA}:{name}": micros for (_, _, name), micros in before.unrecouped.items()}
    for step in one.movements:
        if step.kind == "recoup":
            left[step.account] += step.amount_micros
            assert left[step.account] >= 0
    assert one.unrecouped_micros == sum(left.values())

    # Reserves: what was due is released whole and once, nothing else is.
    due = {f"Liabilities:Reserve:{ADA}:{day}": micros for (_, _, day), micros in before.reserved.items() if day <= LAST}
    released = [(step.account, step.amount_micros) for step in one.movements if step.kind == "release"]
    assert sorted(released) == sorted(due.items())
    assert one.reserved_micros == sum(before.reserved.values()) - by_kind["release"] - by_kind["reserve"]
    assert all(step.account > f"Liabilities:Reserve:{ADA}:{LAST}" for step in one.movements if step.kind == "reserve")

    # A hold takes all that is left, and only then.
    if is_held:
        assert one.owed_micros <= 0
    else:
        assert not by_kind["hold"]


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    case: tuple[list[Earning], list[Contract], StandingBalances], random: object
) -> None:
    """Earnings, contracts and balances may come in any order."""
    earnings, contracts, before = case
    turned = StandingBalances(dict(reversed(before.unrecouped.items())), dict(reversed(before.reserved.items())))
    mixed_earnings, mixed_contracts = list(earnings), list(contracts)
    random.shuffle(mixed_earnings)  # type: ignore[attr-defined]
    random.shuffle(mixed_contracts)  # type: ignore[attr-defined]

    assert settle(mixed_earnings, mixed_contracts, turned, LAST) == settle(earnings, contracts, before, LAST)


@given(MICROS, MICROS, PORTIONS)
def test_more_earnings_never_leave_less(micros: int, more: int, recoup_ppb: int) -> None:
    """Monotone: with the same terms, whoever earns more is not owed less."""
    terms = contract(recoup_ppb=recoup_ppb, reserve_ppb=PPB // 10, reserve_days=30)
    owed = [
        sum(one.owed_micros for one in settle([earned(amount)], [terms], standing({"c1": 10**9}), LAST))
        for amount in (micros, micros + more)
    ]

    assert owed[0] <= owed[1]


@st.composite
def careers(draw: st.DrawFn) -> tuple[list[Contract], dict[str, int], list[dict[str, tuple[int, int]]]]:
    """Two contracts with their advances, and earnings and adjustments of six months."""
    group = draw(st.sampled_from(["", "albums"]))
    contracts = [
        contract(
            name,
            recoup_ppb=draw(PORTIONS),
            cross_group=group,
            reserve_ppb=draw(PORTIONS),
            reserve_days=draw(st.integers(1, 70)),
            guarantee_micros=draw(st.sampled_from([0, 0, 30])),
            order=tuple(draw(st.permutations(ORDER))),
            works=(WorkId(name),),
        )
        for name in ("c1", "c2")
    ]
    advances = {name: draw(MICROS) for name in ("c1", "c2")}
    amounts = st.tuples(MICROS, st.one_of(st.just(0), MICROS.map(lambda micros: -micros)))
    return contracts, advances, [{name: draw(amounts) for name in ("c1", "c2")} for _ in range(6)]


MONTHS = ("2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30", "2026-12-31")


@given(careers())
def test_over_months_nothing_is_lost_and_nothing_taken_twice(
    career: tuple[list[Contract], dict[str, int], list[dict[str, tuple[int, int]]]],
) -> None:
    """Each month opens with the balances that the movements before left, as the books would hold them.

    In the end every reserve is back, once and not before its day, and all that was earned or guaranteed was either owed or
    went against an advance, none of which was recouped beyond itself.
    """
    contracts, advances, months = career
    balances: Counter[str] = Counter()
    for name, micros in advances.items():
        balances[f"Assets:Advance:{ADA}:{name}"] = micros
    owed = earnings = 0
    by_kind: Counter[str] = Counter()
    for last, month in [*zip(MONTHS, months, strict=True), ("2027-12-31", {})]:
        before = standing(
            {name: micros for name in advances if (micros := balances[f"Assets:Advance:{ADA}:{name}"])},
            {
                account.rpartition(":")[2]: -micros
                for account, micros in balances.items()
                if account.startswith("Liabilities:Reserve") and micros
            },
        )
        in_force = contracts if month else []
        for one in settle([earned(*amounts, name) for name, amounts in month.items()], in_force, before, last):
            owed += one.owed_micros
            earnings += one.earned_micros + one.adjustments_micros
            for step in one.movements:
                balances[step.account] += step.amount_micros
                by_kind[step.kind] += step.amount_micros
                if step.kind == "release":
                    assert step.account.rpartition(":")[2] <= last
            assert one.unrecouped_micros == sum(micros for key, micros in balances.items() if key.startswith("Assets:"))
            assert one.reserved_micros == -sum(micros for key, micros in balances.items() if "Reserve" in key)

    assert by_kind["release"] == -by_kind["reserve"]
    assert all(0 <= balances[f"Assets:Advance:{ADA}:{name}"] <= micros for name, micros in advances.items())
    assert owed == earnings + by_kind["guarantee"] + by_kind["recoup"]


def test_standing_balances_come_from_the_books(store: Store) -> None:
    """Advances by contract, reserves by day, for parties whose ids hold colons; entries after the day do not count."""
    accounts = [
        Posting("Assets:Advance:party:ada:c1", 5, "EUR"),
        Posting("Liabilities:Reserve:party:ada:2026-12-31", -3, "EUR"),
        Posting("Equity:Opening", -2, "EUR"),
    ]
    store.write(lambda conn: post(conn, make_entry("a", "2026-11-01", "One", accounts)))
    store.write(lambda conn: post(conn, make_entry("b", "2026-12-01", "Two", accounts)))

    with store.reading() as conn:
        assert standing_balances(conn, "2026-11-30") == standing({"c1": 5}, {"2026-12-31": 3})
        assert standing_balances(conn) == standing({"c1": 10}, {"2026-12-31": 6})


@pytest.mark.parametrize(
    ("account", "micros"),
    [("Assets:Advance:x", 5), ("Liabilities:Reserve:ada:soon", -5), ("Assets:Advance:ada:c1", -5)],
)
def test_an_account_that_nobody_understands_stops_the_settlement(sqlite_store: Store, account: str, micros: int) -> None:
    """A misspelt path or a balance on the wrong side is named, not passed over."""
    entry = make_entry("a", "2026-11-01", "One", [Posting(account, micros, "EUR"), Posting("Assets:Bank", -micros, "EUR")])
    sqlite_store.write(lambda conn: post(conn, entry))

    with sqlite_store.reading() as conn, pytest.raises(IntegrityError, match=account):
        standing_balances(conn)

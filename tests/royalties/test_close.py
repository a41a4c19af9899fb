"""What every rule of a policy pays, by hand: small periods whose right answer fits in a line of arithmetic.

The properties that hold for all periods stand in `test_properties.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits.canonical import canonical_bytes
from endcredits.errors import InputError, IntegrityError
from endcredits.money import PPB
from endcredits.royalties.close import Closed, close_period, close_rows
from endcredits.royalties.records import Pool
from endcredits.royalties.rules import Gate, Levy, Part, Policy, PoolRule

from .makers import ALL, FIFTY, HALF, Event, Given, Income, Output, Song, event, freeze_tables, november, output, song

TENTH = PPB // 10


def policy(*parts: Part, **rule: Any) -> Policy:
    """One pool of all revenue."""
    terms = {"share_ppb": PPB, "parts": parts or (Part("works"),), **rule}
    return Policy("one", (PoolRule("one", **terms),))


def works(closed: Closed, pool: int = 0) -> dict[str, int]:
    """What each work earned in a pool."""
    return {line.work_id: line.amount_micros for line in closed.work_lines if line.pool == pool}


def paid(closed: Closed) -> dict[tuple[str, str | None, str], int]:
    """What each party earned over all pools, by work, party and territory."""
    found: dict[tuple[str, str | None, str], int] = {}
    for line in closed.lines:
        key = line.work_id, line.party_id, line.territory
        found[key] = found.get(key, 0) + line.amount_micros
    return found


def taken(closed: Closed) -> dict[str, str]:
    """What left works nothing or less."""
    return {line.work_id: line.taken for line in closed.work_lines if line.taken}


def one_pool(closed: Closed) -> Pool:
    """The only pool."""
    (pool,) = closed.close.pools
    return pool


A_AND_B = (song("a", ada=PPB), song("b", bob=PPB))


# --- decision 0004: signed, summed, clipped once ---


def test_half_of_the_revenue_is_divided_by_credit_and_the_rest_is_the_commons() -> None:
    """100 earned, 50 in the pool; credits 6 and 2 of 10 give 30 and 10; 10 are explained by nobody."""
    closed = Given(
        (song("a"), song("b", ada=PPB)), (output("o", 10, a=6, b=2),), (event("e", "o", 100),), policy=FIFTY
    ).close()

    pool = one_pool(closed)
    assert (pool.revenue_micros, pool.source_micros, pool.pool_micros) == (100, 50, 50)
    assert works(closed) == {"a": 30, "b": 10}
    assert [(part.commons_micros, part.allocated_micros, part.suspense_micros) for part in pool.parts] == [(10, 40, 30)]
    assert paid(closed) == {("a", None, "WORLD"): 30, ("b", "ada", "WORLD"): 10}
    assert [line.share_ppb for line in closed.work_lines] == [600_000_000, 200_000_000]
    (total,) = closed.close.totals
    assert (total.revenue_micros, total.operator_micros, total.pools_micros) == (100, 50, 50)


def test_a_work_pays_for_harm_within_the_period_and_never_beyond() -> None:
    """+6 and -2 of 10 each on equal revenue settle at 4 of 20; a work that is negative on balance gets nothing."""
    closed = Given(
        tuple(song(name, ada=PPB) for name in "abc"),
        (output("o1", 10, a=6, b=1), output("o2", 10, a=-2, b=-3, c=5)),
        (event("e1", "o1", 100), event("e2", "o2", 100)),
    ).close()

    assert works(closed) == {"a": 40, "b": 0, "c": 50}
    assert one_pool(closed).parts[0].commons_micros == 110
    assert [(line.outputs, line.weight // PPB, line.taken) for line in closed.work_lines] == [
        (2, 40, ""),
        (2, -20, "clipped"),
        (1, 50, ""),
    ]


def test_one_strange_output_cannot_wipe_out_a_work() -> None:
    """An event of one cent, hardly credited to one work and strongly against another, moves at most a cent."""
    closed = Given(
        A_AND_B,
        (output("o1", 10, a=10), output("o2", 1, a=-(10**12), b=1)),
        (event("e1", "o1", 10_000_000), event("e2", "o2", 10_000)),
    ).close()

    assert works(closed) == {"a": 10_000_000 - 10_000, "b": 0}


def test_nats_weigh_outputs_by_uses_whatever_they_earned() -> None:
    """By revenue the dear output decides; by nats each use counts the same."""
    given = Given(
        A_AND_B,
        (output("o1", 10, a=10), output("o2", 10, b=10)),
        (event("e1", "o1", 900), event("e2", "o2", 100, uses=4)),
    )

    assert works(given.close()) == {"a": 900, "b": 100}
    assert works(given.close(policy=replace(ALL, weighting="nats"))) == {"a": 200, "b": 800}


def test_nats_beyond_the_log_ratios_raise_the_denominator() -> None:
    """Credits of 30 where the log-ratios sum to 10 share the pool among themselves."""
    closed = Given(
        A_AND_B, (output("o", 10, a=20, b=10),), (event("e", "o", 90),), policy=replace(ALL, weighting="nats")
    ).close()

    (part,) = one_pool(closed).parts
    assert (works(closed), part.commons_micros, part.denominator) == ({"a": 60, "b": 30}, 0, str(30 * 90))


@pytest.mark.parametrize("weighting", ["revenue", "nats"])
def test_what_unattributed_outputs_earned_is_the_commons(weighting: str) -> None:
    """70 of 100 were earned by an output made no likelier: the works share the 30, and the shares say so."""
    closed = Given(
        A_AND_B,
        (output("o1", 10, a=6, b=4), output("o2", -10, a=-6)),
        (event("e1", "o1", 30), event("e2", "o2", 70)),
        policy=replace(ALL, weighting=weighting),
    ).close()

    assert (works(closed), one_pool(closed).parts[0].commons_micros) == ({"a": 18, "b": 12}, 70)
    assert [(line.share_ppb, line.outputs) for line in closed.work_lines] == [(180_000_000, 1), (120_000_000, 1)]


def test_a_period_without_use_and_an_event_without_revenue_close_to_nothing() -> None:
    """No events: no pools. An event that earned nothing: a pool of nothing."""
    idle = Given().close().close
    assert (idle.pools, idle.totals) == ((), ())

    free = Given(A_AND_B, (output("o", 10, a=6),), (event("e", "o", 0),)).close()
    assert (one_pool(free).pool_micros, free.lines, works(free)) == (0, (), {"a": 0})


def test_in_a_tie_works_come_before_the_commons_and_by_id() -> None:
    """One unit between a work and the commons, and between two works."""
    for credits, expected in (({"b": 5}, {"b": 1}), ({"a": 5, "b": 5}, {"a": 1, "b": 0})):
        closed = Given(A_AND_B, (output("o", 10, **credits),), (event("e", "o", 1),)).close()
        assert works(closed) == expected


# --- territories and splits ---


def test_splits_follow_the_territory() -> None:
    """Germany has its own splits; everybody else shares WORLD's."""
    a = Song("a", {("train", "WORLD"): {"bob": PPB}, ("train", "DE"): {"dee": PPB}})
    closed = Given(
        (a,),
        (output("o", 10, a=10),),
        (event("e1", "o", 10, territory="DE"), event("e2", "o", 20, territory="FR"), event("e3", "o", 30)),
    ).close()

    assert paid(closed) == {("a", "bob", "WORLD"): 50, ("a", "dee", "DE"): 10}


def test_harm_in_one_territory_is_borne_by_the_others_in_proportion() -> None:
    """+60 in WORLD, +30 in JP, -30 in DE: the work gets 60, of which WORLD 40 and JP 20."""
    a = Song("a", {("train", place): {party: PPB} for place, party in (("WORLD", "ada"), ("DE", "dee"), ("JP", "jin"))})
    closed = Given(
        (a,),
        (output("o1", 10, a=10), output("o2", 10, a=-10)),
        (event("e1", "o1", 60), event("e2", "o1", 30, territory="JP"), event("e3", "o2", 30, territory="DE")),
    ).close()

    assert paid(closed) == {("a", "ada", "WORLD"): 40, ("a", "jin", "JP"): 20}
    assert one_pool(closed).parts[0].commons_micros == 60


def test_another_right_has_other_splits() -> None:
    """The part's right decides; without splits of that right the money waits in suspense."""
    a = Song("a", {("train", "WORLD"): {"ada": PPB}, ("master", "WORLD"): {"label": PPB}})
    given = Given((a,), (output("o", 1, a=1),), (event("e", "o", 8),))

    assert paid(given.close(policy=policy(Part("p", right="master")))) == {("a", "label", "WORLD"): 8}
    assert paid(given.close(policy=policy(Part("p", right="sync")))) == {("a", None, "WORLD"): 8}


# --- which money, and how it lies on uses ---

TWO = (output("o1", 10, a=10), output("o2", 10, b=10))


def test_direct_keeps_what_a_use_earned_and_shares_what_all_earned_by_uses() -> None:
    """40 and 10 of their own, 100 of subscriptions over 1 and 3 uses."""
    given = Given(A_AND_B, TWO, (event("e1", "o1", 40), event("e2", "o2", 10, uses=3)), (Income("r", 100),))

    assert works(given.close()) == {"a": 65, "b": 85}
    assert works(given.close(policy=policy(spread="uses"))) == {"a": 38, "b": 112}


def test_user_centric_money_stays_with_what_its_payer_used() -> None:
    """p1 paid 90 and used a once, p2 paid 10 and used b nine times; p3 paid 50 and used nothing."""
    given = Given(
        A_AND_B,
        TWO,
        (event("e1", "o1", 0, payer="p1"), event("e2", "o2", 0, payer="p2", uses=9)),
        (Income("r1", 90, payer="p1"), Income("r2", 10, payer="p2"), Income("r3", 50, payer="p3")),
    )

    closed = given.close(policy=policy(spread="uses", by=("payer",)))
    assert works(closed) == {"a": 90, "b": 10}
    assert (one_pool(closed).pool_micros, one_pool(closed).breakage_micros) == (150, 50)
    assert works(given.close(policy=policy(spread="uses"))) == {"a": 15, "b": 135}


def test_revenue_that_nobody_used_is_not_the_operators() -> None:
    """Without payers it stays in the pool: credits give it to the commons, a party still gets its part."""
    fund = (Part("fund", TENTH, by="party", party_id="fund"), Part("works", PPB, of_rest=True))
    closed = Given((), (), (), (Income("r", 100),), policy=policy(*fund)).close()

    assert paid(closed) == {("", "fund", "WORLD"): 10}
    assert one_pool(closed).parts[1].commons_micros == 90


def test_pools_are_told_apart_by_their_keys() -> None:
    """Each territory's and service's revenue stays there; names come back on the pool."""
    closed = Given(
        A_AND_B,
        TWO,
        (event("e1", "o1", 5, territory="DE"), event("e2", "o2", 7, service="radio"), event("e3", "o2", 1, currency="JPY")),
        policy=policy(by=("service", "territory")),
    ).close()

    assert [(pool.service, pool.territory, pool.earned_currency, pool.pool_micros) for pool in closed.close.pools] == [
        ("default", "DE", "EUR", 5),
        ("default", "WORLD", "JPY", 1),
        ("radio", "WORLD", "EUR", 7),
    ]
    assert [works(closed, pool) for pool in range(3)] == [{"a": 5}, {"b": 1}, {"b": 7}]


def test_a_rule_takes_only_what_fits_it() -> None:
    """By service, offer and kind of use; revenue of many uses has no kind of use."""
    given = Given(
        A_AND_B,
        TWO,
        (event("e1", "o1", 5, use="likeness", offer="premium"), event("e2", "o2", 7, service="radio")),
        (Income("r", 100),),
    )

    assert one_pool(given.close(policy=policy(use="likeness"))).pool_micros == 5
    assert one_pool(given.close(policy=policy(service="radio"))).pool_micros == 7
    assert one_pool(given.close(policy=policy(offer="premium"))).pool_micros == 5
    assert given.close(policy=policy(use="trailer")).close.pools == ()
    assert given.close(policy=policy(use="trailer")).close.totals[0].operator_micros == 112


def test_net_is_less_taxes_and_refunds_and_gross_is_not() -> None:
    """120 with 20 of taxes, half of it given back: 60 with 10 of taxes remain."""
    given = Given(A_AND_B, TWO, (event("e", "o1", 120, tax_micros=20, refunded_micros=60),))

    net = given.close(policy=policy(base="net", share_ppb=HALF))
    assert (works(net), net.close.totals[0].revenue_micros, net.close.totals[0].tax_micros) == ({"a": 25}, 60, 10)
    gross = given.close(policy=policy(base="gross", share_ppb=HALF))
    assert (works(gross), gross.close.totals[0].operator_micros) == ({"a": 60}, 60 - 10 - 60)


def test_a_fee_for_every_use_is_multiplied_by_its_kind() -> None:
    """0.05 a use; a likeness counts one and a half times; the operator pays what revenue does not cover."""
    fee = policy(
        base="per-use", share_ppb=0, amount_micros=50_000, currency="USD", multipliers=(("likeness", 1_500_000_000),)
    )
    closed = Given(A_AND_B, TWO, (event("e1", "o1", 7, uses=2, use="likeness"), event("e2", "o2", 0)), policy=fee).close()

    assert works(closed) == {"a": 150_000, "b": 50_000}
    assert [(total.currency, total.operator_micros) for total in closed.close.totals] == [("EUR", 7), ("USD", -200_000)]


def test_a_fixed_sum_lies_on_all_uses_late_ones_too() -> None:
    """1,000 over three uses of this period and one that came late; a pool also where nothing was used."""
    flat = policy(base="fixed", share_ppb=0, amount_micros=1_000, currency="EUR", spread="uses")
    late = Event("e2", "o2", 5, "late", "2026-10")
    closed = Given(A_AND_B, TWO, (event("e1", "o1", 9, uses=3), late), policy=flat).close()

    assert works(closed) == {"a": 750, "b": 250}
    assert (one_pool(closed).kind, one_pool(closed).usage_period, one_pool(closed).events) == ("earned", "", 2)
    idle = Given(A_AND_B, policy=flat).close()
    assert (one_pool(idle).pool_micros, one_pool(idle).parts[0].commons_micros) == (1_000, 1_000)


# --- late, refunds, conversion, levies ---


def test_late_usage_keeps_its_period_and_a_refund_is_the_same_money_negated() -> None:
    """Earned, late and given back are pools of their own; the three sum as if all had come in time."""
    given = Given(
        A_AND_B,
        (output("o", 10, a=6, b=2),),
        (
            event("e1", "o", 100),
            Event("e2", "o", 50, "late", "2026-10"),
            Event("e3", "o", 101, "refund", "2026-09", tax_micros=1),
        ),
        policy=FIFTY,
    )

    closed = given.close()

    assert [(pool.kind, pool.usage_period, pool.pool_micros) for pool in closed.close.pools] == [
        ("earned", "", 50),
        ("late", "2026-10", 25),
        ("refund", "2026-09", -50),
    ]
    assert [works(closed, pool) for pool in range(3)] == [{"a": 30, "b": 10}, {"a": 15, "b": 5}, {"a": -30, "b": -10}]
    assert closed.close.pools[2].parts[0].commons_micros == -10
    (total,) = closed.close.totals
    assert (total.revenue_micros, total.tax_micros, total.pools_micros, total.operator_micros) == (49, -1, 25, 25)


def test_a_pool_is_converted_once_at_the_stored_rate() -> None:
    """1,000 JPY micros at 613/100,000 are 6; the rate, its day and its source stand on the pool."""
    settled = replace(ALL, settle_in="EUR")
    given = Given(
        A_AND_B, TWO, (event("e1", "o1", 1_000, currency="JPY"), event("e2", "o2", 3)), rates=(("JPY", "EUR", 613, 100_000),)
    )

    closed = given.close(policy=settled)

    assert [(pool.source_micros, pool.pool_micros, pool.currency, pool.rate) for pool in closed.close.pools] == [
        (3, 3, "EUR", "1/1"),
        (1_000, 6, "EUR", "613/100000 on 2026-11-30 from tests"),
    ]
    with pytest.raises(InputError, match=r"from JPY into EUR on or before 2026-11-30"):
        given.close(policy=settled, rates=())


def test_levies_come_on_top_and_from_the_operator() -> None:
    """4 % and 1 % of a pool of 50."""
    levied = replace(FIFTY, levies=(Levy("pension", 40_000_000, "fund"), Levy("health", 10_000_000, "fund")))
    closed = Given(A_AND_B, TWO, (event("e", "o1", 1_000),), policy=levied).close()

    (total,) = closed.close.totals
    assert (total.pools_micros, total.levies_micros, total.operator_micros) == (500, 25, 475)


# --- parts ---


def test_a_waterfall_of_the_pool_and_of_the_rest() -> None:
    """10 off the top, then half of what is left, then half of that; the last rest is the commons'."""
    steps = (
        Part("fee", TENTH, by="party", party_id="society"),
        Part("works", HALF, of_rest=True),
        Part("band", HALF, of_rest=True, right="master"),
    )
    closed = Given(A_AND_B, TWO, (event("e", "o1", 100),), policy=policy(*steps)).close()

    pool = one_pool(closed)
    assert ([part.amount_micros for part in pool.parts], pool.rest_micros) == ([10, 45, 23 - 1], 23)
    assert closed.lines[0].party_id == "society"
    assert (closed.lines[0].work_id, closed.lines[0].split_ppb) == ("", PPB)


def test_parts_that_ask_for_more_than_the_pool_are_refused() -> None:
    """By portion of the pool, and after a portion of the rest."""
    for steps in ((Part("x", HALF), Part("y", HALF + 1)), (Part("x", PPB, of_rest=True), Part("y", HALF))):
        with pytest.raises(InputError, match="x, y are more than their pool"):
            Given(A_AND_B, TWO, (event("e", "o1", 100),), policy=policy(*steps)).close()


def test_declared_works_share_an_event_equally_and_silence_is_the_commons() -> None:
    """Two works share 11, one gets 5, and 7 declare nothing."""
    closed = Given(
        A_AND_B,
        (output("o", -1),),
        (event("e1", "o", 11, declared=("b", "a")), event("e2", "o", 5, declared=("b",)), event("e3", "o", 7)),
        policy=policy(Part("p", by="declared")),
    ).close()

    assert (works(closed), one_pool(closed).parts[0].commons_micros) == ({"a": 6, "b": 10}, 7)
    assert [line.outputs for line in closed.work_lines] == [1, 2]


def test_equal_counts_works_in_good_standing_once_per_cluster() -> None:
    """Of seven works two are copies of one, one is disputed, one revoked and one has nobody to pay: three portions."""
    catalogue = (
        song("a", ada=PPB),
        replace(song("b", bob=PPB), cluster="c"),
        replace(song("c", bob=PPB), cluster="c"),
        replace(song("d", dee=PPB), state="disputed"),
        replace(song("e", eve=PPB), paid_ppb=HALF),
        song("f"),
        song("g", gus=PPB),
    )
    closed = Given(catalogue, (output("o", 1),), (event("x", "o", 12),), policy=policy(Part("p", by="equal"))).close()

    assert works(closed) == {"a": 4, "b": 2, "c": 2, "g": 4}


def test_units_divide_a_work_by_time_and_salary() -> None:
    """Ten days and 30,000 of pay against one of each kind; no units, nobody known."""
    film = Song("a", {("train", "WORLD"): {"studio": PPB}}, units={("train", "ada"): (10, 20), ("train", "bob"): (4, 6)})
    closed = Given(
        (film, song("b", bob=PPB)), TWO, (event("e1", "o1", 40), event("e2", "o2", 5)), policy=policy(Part("p", by="units"))
    ).close()

    assert paid(closed) == {("a", "ada", "WORLD"): 30, ("a", "bob", "WORLD"): 10, ("b", None, "WORLD"): 5}
    assert closed.lines[0].split_ppb == 750_000_000


def test_a_fixed_portion_is_shared_equally_whatever_the_credits_say() -> None:
    """Half of 100 by credits, half equally; a work that nobody used has its part."""
    closed = Given(
        (*A_AND_B, song("c", cyd=PPB)), TWO, (event("e", "o1", 90),), policy=policy(Part("p", fixed_ppb=PPB * 2 // 3))
    ).close()

    assert works(closed) == {"a": 50, "b": 20, "c": 20}
    assert [(line.outputs, line.share_ppb) for line in closed.work_lines] == [(1, PPB), (0, 0), (0, 0)]


def test_the_noisier_the_measurement_the_larger_the_flat_part() -> None:
    """Reliabilities of 80 % on 30 and none on 10 make 60 %: 40 % of the pool is shared equally."""
    outputs = (Output("o1", 10, {"a": 10}, reliability_ppb=800_000_000), Output("o2", 10, {"a": 10}))
    closed = Given(
        A_AND_B, outputs, (event("e1", "o1", 30), event("e2", "o2", 10)), policy=policy(Part("p", fixed_by_reliability=True))
    ).close()

    assert works(closed) == {"a": 24 + 8, "b": 8}


# --- clusters ---


def copies(**more: Any) -> tuple[Song, ...]:
    """A work of Ada's and a later registration of the same by Bob, beside another work."""
    return (
        replace(song("a", ada=PPB), cluster="x"),
        replace(song("b", bob=PPB), cluster="x", registered_at="2026-02-01T00:00:00Z", **more),
        song("c", cyd=PPB),
    )


OF_THREE = (output("o", 10, a=3, b=5, c=2),)


def test_a_later_copy_of_anothers_work_takes_nothing() -> None:
    """The first registrant takes the cluster's 8, also where its own work has no credit at all."""
    closed = Given(copies(), OF_THREE, (event("e", "o", 10),)).close()

    assert (works(closed), taken(closed)) == ({"a": 8, "b": 0, "c": 2}, {"b": "cluster"})
    unseen = Given(copies(), (output("o", 10, b=8),), (event("e", "o", 10),)).close()
    assert paid(unseen) == {("a", "ada", "WORLD"): 8}


def test_copies_of_ones_own_share_what_one_would_get() -> None:
    """The same owner's two registrations divide the cluster's money by their credits; a negative one only lowers it."""
    own = tuple(replace(one, splits={("train", "WORLD"): {"ada": PPB}}) for one in copies())

    assert works(Given(own, OF_THREE, (event("e", "o", 10),)).close()) == {"a": 3, "b": 5, "c": 2}
    closed = Given(own, (output("o", 10, a=-3, b=9),), (event("e", "o", 10),)).close()
    assert (works(closed), taken(closed)) == ({"a": 0, "b": 6}, {"a": "clipped"})


def test_a_cluster_is_clipped_as_a_whole() -> None:
    """+3 and -5 are less than nothing, and the good piece is not kept."""
    own = tuple(replace(one, splits={("train", "WORLD"): {"ada": PPB}}) for one in copies())
    closed = Given(own, (output("o", 10, a=3, b=-5),), (event("e", "o", 10),)).close()

    assert (works(closed), taken(closed)) == ({"a": 0, "b": 0}, {"a": "cluster", "b": "clipped"})


@pytest.mark.parametrize("registered_at", ["2026-01-01T00:00:00Z", ""])
def test_where_nobody_can_tell_who_was_first_the_money_is_held(registered_at: str) -> None:
    """The same second, or an unknown one, with different owners: disputed on the first id."""
    first, second, _ = copies()
    two = (first, replace(second, registered_at=registered_at))
    held = Given(two, (output("o", 10, a=3, b=5),), (event("e", "o", 10),)).close()

    assert [(line.work_id, line.state, line.amount_micros) for line in held.lines] == [("a", "disputed", 8)]
    assert one_pool(held).parts[0].disputed_micros == 8


def test_works_of_nobody_known_are_not_known_to_be_one_owners() -> None:
    """Two works without splits in a cluster: the first registered waits in suspense for all of it."""
    strangers = tuple(replace(one, splits={}) for one in copies())

    assert paid(Given(strangers, OF_THREE, (event("e", "o", 10),)).close()) == {
        ("a", None, "WORLD"): 8,
        ("c", None, "WORLD"): 2,
    }


def test_a_disputed_work_is_held_whoever_is_known() -> None:
    """Its lines say disputed, with a payee and without."""
    two = (replace(song("a", ada=PPB), state="disputed"), replace(song("b"), state="disputed"))
    closed = Given(two, (output("o", 10, a=6, b=2),), (event("e", "o", 10),)).close()

    assert [(line.party_id, line.state) for line in closed.lines] == [("ada", "disputed"), (None, "disputed")]
    (part,) = one_pool(closed).parts
    assert (part.disputed_micros, part.suspense_micros) == (8, 0)


# --- gates ---

MANY = (output("o1", 10, a=5, b=3, c=1), output("o2", 10, a=10))
THREE = (song("a", ada=PPB), song("b", bob=PPB), song("c", cyd=PPB))


def gated(gate: Gate, **changes: Any) -> Closed:
    """999 uses of three works and one of the first alone; 90 micros, all credited but 10."""
    given = Given(THREE, MANY, (event("e1", "o1", 100, uses=999), event("e2", "o2", 0)), policy=policy(Part("p", gate=gate)))
    return replace(given, **changes).close()


@pytest.mark.parametrize(("uses_min", "expected"), [(999, {"a": 50, "b": 30, "c": 10}), (1_000, {"a": 50, "b": 0, "c": 0})])
def test_works_used_too_rarely_leave_their_money_to_the_commons(uses_min: int, expected: dict[str, int]) -> None:
    """999 uses pass a threshold of 999 and not one of 1,000; the first work was used 1,000 times."""
    closed = gated(Gate(uses_min=uses_min))

    assert works(closed) == expected
    assert set(taken(closed).values()) <= {"uses"}
    assert one_pool(closed).parts[0].commons_micros == 100 - sum(expected.values())


def test_or_to_the_others_and_never_to_the_commons() -> None:
    """What b and c leave goes to a: 90 of 100, the commons' 10 stays."""
    closed = gated(Gate(uses_min=1_000, to="others"))

    assert (works(closed), one_pool(closed).parts[0].commons_micros) == ({"a": 90, "b": 0, "c": 0}, 10)
    assert works(gated(Gate(uses_min=5_000, to="others"))) == {"a": 0, "b": 0, "c": 0}


def test_an_event_counts_once_for_a_cluster() -> None:
    """Two copies used in the same 999 uses were not used 1,998 times."""
    own = tuple(replace(one, splits={("train", "WORLD"): {"ada": PPB}}, cluster="x") for one in THREE)

    assert sum(works(gated(Gate(uses_min=1_001), songs=own)).values()) == 0
    assert sum(works(gated(Gate(uses_min=1_000), songs=own)).values()) == 90


def test_a_cap_takes_for_the_commons_or_for_the_others() -> None:
    """a is cut to 40; to the others it passes on 10 to b and c, 3 to 1, and b then is at 37.5."""
    assert works(gated(Gate(cap_ppb=400_000_000))) == {"a": 40, "b": 30, "c": 10}
    assert works(gated(Gate(cap_ppb=400_000_000, to="others"))) == {"a": 40, "b": 38, "c": 12}
    assert taken(gated(Gate(cap_ppb=400_000_000, to="others"))) == {"a": "cap"}


def test_what_is_passed_on_can_reach_the_cap_itself() -> None:
    """At 35 a and b are both cut, and c takes the rest up to its own limit; at 20 all are."""
    assert works(gated(Gate(cap_ppb=350_000_000, to="others"))) == {"a": 35, "b": 35, "c": 20}
    assert works(gated(Gate(cap_ppb=200_000_000, to="others"))) == {"a": 20, "b": 20, "c": 20}
    assert one_pool(gated(Gate(cap_ppb=200_000_000, to="others"))).parts[0].commons_micros == 40


def test_a_floor_is_paid_by_the_others_in_proportion() -> None:
    """c is raised from 10 to 18; a and b share the 72 that are left, 5 to 3. More than there is: all alike."""
    closed = gated(Gate(floor_micros=18))

    assert (works(closed), taken(closed)) == ({"a": 45, "b": 27, "c": 18}, {"a": "floor", "b": "floor"})
    assert works(gated(Gate(floor_micros=100))) == {"a": 30, "b": 30, "c": 30}
    assert works(gated(Gate(floor_micros=10))) == {"a": 50, "b": 30, "c": 10}
    assert taken(gated(Gate(floor_micros=10))) == {}


def test_paying_for_a_floor_can_bring_a_work_down_to_it() -> None:
    """Raising c to 28 would leave b 23.25 of its 30: b stands on the floor too, and a pays for both."""
    closed = gated(Gate(floor_micros=28))

    assert (works(closed), taken(closed)) == ({"a": 34, "b": 28, "c": 28}, {"a": "floor"})


def test_a_refund_knows_no_floor() -> None:
    """Nobody gives back more than the share of what was given back."""
    back = replace(event("e1", "o1", 100, uses=999), kind="refund", usage_period="2026-10")
    closed = gated(Gate(floor_micros=18), events=(back,), policy=policy(Part("p", gate=Gate(floor_micros=18)), base="net"))

    assert works(closed) == {"a": -50, "b": -30, "c": -10}


def test_credit_within_its_noise_is_the_commons() -> None:
    """a at z = 5 passes, b at z = 1 does not; using one output a hundred times is no more evidence."""
    noisy = Output("o", 1_000, {"a": 500, "b": 100}, {"a": 100, "b": 100})
    tested = replace(ALL, significance_ppb=TENTH)

    for uses in (1, 100):
        closed = Given(A_AND_B, (noisy,), (event("e", "o", 1_000, uses=uses),), policy=tested).close()
        assert (works(closed), taken(closed)) == ({"a": 500, "b": 0}, {"b": "not significant"})


def test_many_outputs_are_more_evidence_than_one() -> None:
    """Sixteen outputs at z = 1 each are z = 4 together."""
    outputs = tuple(Output(f"o{number}", 1_000, {"a": 100}, {"a": 100}) for number in range(16))
    events = tuple(event(f"e{number}", f"o{number}", 100) for number in range(16))
    tested = replace(ALL, significance_ppb=TENTH)

    assert works(Given(A_AND_B, outputs, events, policy=tested).close()) == {"a": 160}
    assert works(Given(A_AND_B, outputs[:1], events[:1], policy=tested).close()) == {"a": 0}


def test_each_currency_is_tested_for_itself() -> None:
    """z = 2 in euros and z = 2 in yen are not z = 2.8: of ten works tested together one of them needs 2.33."""
    noise = {f"n{number}": 1 for number in range(9)}
    outputs = tuple(Output(f"o{n}", 1_000, {"a": 200, **noise}, {"a": 100, **dict.fromkeys(noise, 100)}) for n in range(2))
    catalogue = (*A_AND_B, *(song(name, cyd=PPB) for name in noise))
    tested = replace(ALL, significance_ppb=TENTH)
    apart = (event("e0", "o0", 1_000), event("e1", "o1", 1_000, currency="JPY"))
    together = tuple(replace(one, currency="EUR") for one in apart)

    assert sum(works(Given(catalogue, outputs, apart, policy=tested).close()).values()) == 0
    assert works(Given(catalogue, outputs, together, policy=tested).close())["a"] == 400


def test_what_is_measured_too_unreliably_pays_the_commons() -> None:
    """Half demanded: 60 % is believed, 40 % and unmeasured are not; without a demand all are."""
    outputs = tuple(
        Output(name, 10, {name: 10}, reliability_ppb=ppb)
        for name, ppb in (("a", 600_000_000), ("b", 400_000_000), ("c", -1))
    )
    given = Given(THREE, outputs, tuple(event(f"e{name}", name, 10) for name in "abc"))

    closed = given.close(policy=replace(ALL, reliability_min_ppb=HALF))
    assert (works(closed), taken(closed)) == ({"a": 10, "b": 0, "c": 0}, {"b": "unreliable", "c": "unreliable"})
    assert works(given.close()) == {"a": 10, "b": 10, "c": 10}


def test_a_revoked_work_keeps_its_tail_and_the_rest_is_the_commons() -> None:
    """A quarter of 60."""
    two = (replace(song("a", ada=PPB), paid_ppb=250_000_000), song("b", bob=PPB))
    closed = Given(two, (output("o", 10, a=6, b=2),), (event("e", "o", 100),)).close()

    assert (works(closed), taken(closed)) == ({"a": 15, "b": 20}, {"a": "revoked"})
    assert one_pool(closed).parts[0].commons_micros == 65


# --- from a folder, and what is refused ---


def test_a_frozen_folder_closes_like_its_rows(tmp_path: Path) -> None:
    """The digests of its tables stand in the close."""
    frozen = november().freeze(tmp_path)

    closed = close_period(frozen, "2026-11", "2026-11-01", "2026-11-30", FIFTY)

    assert closed.close == replace(november().close().close, frozen=frozen.digests)
    assert [name for name, _ in closed.close.frozen] == sorted(name for name, _ in closed.close.frozen)
    assert canonical_bytes(closed.close) == canonical_bytes(
        close_period(frozen, "2026-11", "2026-11-01", "2026-11-30", FIFTY).close
    )


@pytest.mark.parametrize(
    ("name", "starts_on", "ends_on"),
    [("a b", "2026-11-01", "2026-11-30"), ("p", "2026-11-30", "2026-11-01"), ("p", "2026-11", "2026-12-01")],
)
def test_a_bad_period_is_refused(name: str, starts_on: str, ends_on: str) -> None:
    """A bad id, days the wrong way round, no day at all."""
    with pytest.raises(InputError):
        close_rows(Given().rows(), (), name, starts_on, ends_on, ALL)


@pytest.mark.parametrize(
    ("table", "row", "field", "value"),
    [
        ("events", 1, "output", 7),
        ("events", 0, "output", -1),
        ("events", 2, "gross_micros", -1),
        ("events", 0, "tax_micros", 10_000_001),
        ("events", 0, "refunded_micros", -1),
        ("events", 0, "uses", 0),
        ("events", 0, "kind", "gift"),
        ("events", 0, "usage_period", "2026-10"),
        ("splits", 0, "party", 9),
        ("splits", 1, "split_ppb", HALF - 1),
        ("credits", 3, "work", 3),
        ("credits", 0, "share_ppb", PPB),
        ("credits", 0, "error_nanonats", -1),
        ("works", 0, "cluster", 5),
        ("works", 2, "paid_ppb", -1),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, table: str, row: int, field: str, value: Any) -> None:
    """Its table, its row and its field, before any money is divided."""
    tables = november().tables()
    tables[table][row][field] = value

    with pytest.raises(InputError) as caught:
        close_period(freeze_tables(tmp_path, tables), "2026-11", "2026-11-01", "2026-11-30", FIFTY)

    error = caught.value
    assert error.file == f"{table}.parquet"
    assert error.remedy
    if (table, field) != ("credits", "share_ppb"):  # the row at which the sum passes the whole
        assert (error.row, error.field) == (row + 1, field)


def test_a_missing_or_damaged_table_is_named(tmp_path: Path) -> None:
    """Gone, and no Parquet."""
    frozen = november().freeze(tmp_path)
    (tmp_path / "events.parquet").write_bytes(b"no")
    with pytest.raises(IntegrityError, match=r"events\.parquet"):
        close_period(frozen, "2026-11", "2026-11-01", "2026-11-30", FIFTY)
    (tmp_path / "events.parquet").unlink()
    with pytest.raises(IntegrityError, match=r"events\.parquet"):
        close_period(frozen, "2026-11", "2026-11-01", "2026-11-30", FIFTY)


def test_more_than_a_document_keeps_is_refused() -> None:
    """Sums past 2**53 micros are not quietly written as something else."""
    events = tuple(event(f"e{number}", "o", 2**53 - 1) for number in range(2))

    with pytest.raises(InputError, match="shorter period"):
        Given(A_AND_B, (output("o", 1, a=1),), events).close()
    with pytest.raises(InputError, match="the total of EUR"):
        Given(A_AND_B, (output("o", 1, a=1),), events, policy=policy(service="none")).close()


def test_weights_past_128_bits_are_refused() -> None:
    """Nats times uses times micros have a limit, and it is named."""
    huge = Given(
        A_AND_B,
        (output("o", 2**62, a=2**62),),
        (event("e", "o", 2**40, uses=2**40),),
        policy=replace(ALL, weighting="nats"),
    )

    with pytest.raises(InputError, match=r"2\*\*127"):
        huge.close()

"""What tricks gain on small frozen periods, each with a bound: P7 to P12 of a payment rule.

`test_properties.py` holds what is true of the close whatever it is given. Here the whole defence is played: credits as a
model that read copies would give them, the copies undone (`copies.py`), the period frozen and closed. Every defence is also
played without itself, so that no test passes because the trick is harmless.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties.anomalies import Limits, anomalies
from endcredits.royalties.close import Closed
from endcredits.royalties.copies import shared_without_copies
from endcredits.royalties.rules import Part, Policy, PoolRule

from .makers import HALF, Event, Given, Output, Song, event

NANO = 10**9
EARLY = "2026-01-01T00:00:00Z"
MARKET = ("ada", "bob", "cyd", "dee")


def work(name: str, owner: str, cluster: str = "", registered_at: str = EARLY, state: str = "payable") -> Song:
    return Song(name, {("train", "WORLD"): {owner: PPB}}, cluster, registered_at, state)


def market(
    songs: tuple[Song, ...],
    weights: tuple[dict[str, int], ...],
    *,
    undone: bool = True,
    error: float = 0.0,
    seed: int = 0,
    policy: Policy | None = None,
) -> Given:
    """Outputs divided among works in proportion to weights, as a softmax does; a weight of 100 is nobody's.

    Args:
        songs: all works.
        weights: by output and work.
        undone: whether copies are undone.
        error: standard error of a credit, as a part of the log-ratio.
        seed: of the errors.
        policy: of the close; all revenue by credits where None.
    """
    draw = random.Random(seed)
    sizes = Counter(one.cluster for one in songs if one.cluster)
    families = {WorkId(one.work_id): one.cluster for one in songs if sizes[one.cluster] > 1}
    dates = {WorkId(one.work_id): one.registered_at for one in songs}
    outputs = []
    for number, each in enumerate(weights):
        whole = sum(each.values()) + 100
        credits = {WorkId(w): NANO * weight // whole + round(error * NANO * draw.gauss(0, 1)) for w, weight in each.items()}
        seen = shared_without_copies(credits, NANO, families, dates) if undone else credits
        errors = {str(w): round(error * NANO * abs(seen[w]) / abs(credit)) for w, credit in credits.items() if credit}
        outputs.append(Output(f"o{number:04d}", NANO, {str(w): credit for w, credit in seen.items()}, errors))
    uses = tuple(event(f"e{number:04d}", one.output_id, 1_000_000) for number, one in enumerate(outputs))
    made = Given(songs, tuple(outputs), uses)
    return replace(made, policy=policy) if policy else made


def earned(closed: Closed, state: str = "payable") -> Counter[str]:
    found: Counter[str] = Counter()
    for line in closed.lines:
        if line.state == state:
            found[str(line.party_id)] += line.amount_micros
    return found


HONEST = tuple(work(f"w-{name}", name) for name in MARKET)
WEIGHTS = tuple(
    {f"w-{name}": weight for name, weight in zip(MARKET, row, strict=True)}
    for row in ((900, 30, 50, 20), (20, 800, 100, 80), (10, 10, 700, 280), (300, 300, 200, 200), (5, 45, 50, 900))
)


def copied(
    of: str, owners: tuple[str, ...], count: int, groups: int = 1
) -> tuple[tuple[Song, ...], tuple[dict[str, int], ...]]:
    """The market with copies of a work, as many weights more; the detector tells them apart in so many groups."""
    again = tuple(
        work(
            f"z{n:03d}",
            owners[n % len(owners)],
            of if n % groups == 0 else f"group-{n % groups}",
            f"2026-02-01T{n // 60:02d}:{n % 60:02d}:00Z",
        )
        for n in range(count)
    )
    songs = tuple(replace(one, cluster=of) if one.work_id == of else one for one in HONEST)
    weights = tuple(each | {one.work_id: each[of] for one in again} for each in WEIGHTS)
    return (*songs, *again), weights


@pytest.mark.parametrize("count", [1, 5, 20, 100])
def test_p7_copies_of_ones_own_pay_within_five_percent_of_one(count):
    before = earned(market(HONEST, WEIGHTS).close())
    after = earned(market(*copied("w-ada", ("ada",), count)).close())
    bare = earned(market(*copied("w-ada", ("ada",), count), undone=False).close())

    assert all(0.95 * before[name] <= after[name] <= 1.05 * before[name] for name in MARKET)
    assert bare["ada"] > 1.2 * before["ada"]


def test_p7_measured_with_errors_copies_gain_at_most_five_percent_over_many_outputs():
    many = WEIGHTS * 60
    songs, weights = copied("w-ada", ("ada",), 20)
    before = earned(market(HONEST, many, error=0.02).close())
    after = earned(market(songs, weights * 60, error=0.02).close())

    assert 0.6 * before["ada"] < after["ada"] <= 1.05 * before["ada"]


@pytest.mark.parametrize("accounts", [1, 3, 20])
def test_p8_copies_over_accounts_pay_what_one_pays(accounts):
    names = tuple(f"sybil-{n}" for n in range(accounts))
    before = earned(market(HONEST, WEIGHTS).close())
    after = earned(market(*copied("w-ada", names, 20)).close())

    assert all(after[name] == 0 for name in names)
    assert 0.95 * before["ada"] <= after["ada"] <= 1.05 * before["ada"]


@pytest.mark.parametrize("groups", [2, 3, 6])
def test_p8_what_the_detector_does_not_join_gains_at_most_an_income_a_group(groups):
    """The bound that the clustering leaves: g groups of copies earn at most what g honest works would."""
    names = tuple(f"sybil-{n}" for n in range(6))
    before = earned(market(HONEST, WEIGHTS).close())["ada"]
    after = earned(market(*copied("w-ada", names, 24, groups)).close())
    together = after["ada"] + sum(after[name] for name in names)

    assert before * 1.05 < together <= groups * before * 1.05


@pytest.mark.parametrize("count", [1, 20])
def test_p9_later_copies_take_nothing_from_the_first_registrant_nor_from_others(count):
    before = earned(market(HONEST, WEIGHTS).close())
    after = earned(market(*copied("w-bob", ("thief",), count)).close())
    songs, weights = copied("w-bob", ("thief",), count)
    bare = earned(market(tuple(replace(one, cluster="") for one in songs), weights, undone=False).close())

    assert after["thief"] == 0
    assert all(0.95 * before[name] <= after[name] <= 1.05 * before[name] for name in MARKET)
    assert bare["thief"] > 0 and bare["bob"] < 0.9 * before["bob"]


def test_p9_registering_anothers_work_first_pays_until_it_is_disputed_and_then_nobody():
    songs, weights = copied("w-bob", ("squatter",), 1)
    early = tuple(replace(one, registered_at="2025-12-01T00:00:00Z") if one.work_id == "z000" else one for one in songs)
    disputed = tuple(replace(one, state="disputed") if one.cluster == "w-bob" else one for one in early)

    undisputed, held = market(early, weights).close(), market(disputed, weights).close()

    assert earned(undisputed)["squatter"] > 0 and earned(undisputed)["bob"] == 0
    assert earned(held)["squatter"] == earned(held)["bob"] == 0
    assert sum(earned(held, "disputed").values()) == earned(undisputed)["squatter"]


def test_p9_copies_registered_in_the_same_second_are_held():
    songs, weights = copied("w-bob", ("twin",), 1)
    closed = market(tuple(replace(one, registered_at=EARLY) for one in songs), weights).close()

    assert earned(closed)["twin"] == earned(closed)["bob"] == 0
    assert sum(earned(closed, "disputed").values()) > 0


@settings(max_examples=30)
@given(st.lists(st.integers(0, NANO), min_size=1, max_size=20), st.integers(0, NANO))
def test_p10_nobody_loses_more_than_what_the_new_works_were_measured_to_give(spam, own):
    """Whoever adds N works lowers another by at most the measured influence of the N."""
    credits = {"w-ada": own, "w-bob": NANO - own}
    added = {f"z{n:02d}": credit for n, credit in enumerate(spam)}
    songs = (*HONEST[:2], *(work(name, "spammer") for name in added))
    uses = (event("e", "o", 1_000_000),)
    before = earned(Given(HONEST[:2], (Output("o", NANO, credits),), uses).close())
    after = earned(Given(songs, (Output("o", NANO, credits | added),), uses).close())

    for name in ("ada", "bob"):
        assert before[name] - after[name] <= 1_000_000 * sum(spam) // NANO + 2


def test_p10_a_flood_of_noise_is_kept_from_the_pool_by_significance():
    draw = random.Random(3)
    spam = tuple(work(f"z{n:03d}", "spammer") for n in range(200))
    outputs, uses = [], []
    for number in range(20):
        credits = {"w-ada": 6 * NANO, "w-bob": 3 * NANO} | {one.work_id: round(draw.gauss(0, NANO // 5)) for one in spam}
        outputs.append(Output(f"o{number}", 10 * NANO, credits, dict.fromkeys(credits, NANO // 5)))
        uses.append(event(f"e{number}", f"o{number}", 1_000_000))
    flooded = Given((*HONEST[:2], *spam), tuple(outputs), tuple(uses))
    tested = replace(flooded.policy, significance_ppb=100_000_000)

    bare, guarded = earned(flooded.close()), earned(flooded.close(policy=tested))

    assert bare["spammer"] > 0.05 * sum(bare.values())
    assert guarded["spammer"] < 0.2 * bare["spammer"]
    assert guarded["ada"] == bare["ada"] and guarded["bob"] == bare["bob"]


@pytest.mark.parametrize(("error", "label"), [(NANO // 10, ""), (4 * NANO, "not significant")])
def test_p11_the_same_score_with_a_larger_error_is_not_paid_and_says_so(error, label):
    one = Given(HONEST[:1], (Output("o", 10 * NANO, {"w-ada": 4 * NANO}, {"w-ada": error}),), (event("e", "o", 1_000_000),))
    closed = one.close(policy=replace(one.policy, significance_ppb=100_000_000))

    assert earned(closed)["ada"] == (0 if label else 400_000)
    assert [line.taken for line in closed.work_lines] == [label]
    assert closed.close.pools[0].parts[0].commons_micros == (1_000_000 if label else 600_000)


@pytest.mark.parametrize(("reliability", "paid"), [(PPB, 400_000), (HALF, 400_000), (HALF - 1, 0), (-1, 0)])
def test_p11_an_output_below_the_reliability_that_a_policy_demands_pays_the_commons(reliability, paid):
    one = Given(HONEST[:1], (Output("o", 10, {"w-ada": 4}, {}, reliability),), (event("e", "o", 1_000_000),))
    closed = one.close(policy=replace(one.policy, reliability_min_ppb=HALF))

    assert earned(closed)["ada"] == paid
    assert [line.taken for line in closed.work_lines] == ["" if paid else "unreliable"]


@pytest.mark.parametrize("reliability", [0, 250_000_000, HALF, PPB])
def test_p11_the_equal_portion_is_what_reliability_leaves(reliability):
    """Half the credits' money at reliability one half; the other half is everybody's alike."""
    mixed = Policy("mixed", (PoolRule("all", share_ppb=PPB, parts=(Part("works", fixed_by_reliability=True),)),))
    one = Given(HONEST, (Output("o", 10, {"w-ada": 10}, {}, reliability),), (event("e", "o", 1_000_000),), policy=mixed)
    found = earned(one.close())

    equal = (PPB - reliability) * 1_000_000 // PPB // len(MARKET)
    assert all(abs(found[name] - equal) <= 1 for name in MARKET[1:])
    assert abs(found["ada"] - equal - reliability * 1_000_000 // PPB) <= 1


FEE = 10_000_000


def washing(uses: int, *by: str) -> Given:
    """Twenty listeners pay ten each and use ten outputs; a washer pays the same and has made many with its own work."""
    rule = PoolRule("fees", "gross", PPB, spread="uses", by=by)
    outputs = (Output("o", 10, {"w-bob": 9, "w-ada": 1}), Output("own", 10, {"w-ada": 10}))
    made: list[Event] = []
    for payer in range(20):
        made += [event(f"e{payer:02d}-{n}", "o", FEE // 10, payer=f"payer-{payer}") for n in range(10)]
    made += [event(f"wash-{n:04d}", "own", FEE // uses, payer="washer") for n in range(uses)]
    return Given(HONEST[:2], outputs, tuple(made), policy=Policy("fees", (rule,)))


@pytest.mark.parametrize("uses", [10, 100, 1_000])
def test_p12_a_washer_gets_back_at_most_what_it_paid(uses):
    honest = earned(replace(washing(uses), events=washing(uses).events[:200]).close())["ada"]
    back = earned(washing(uses, "payer").close())["ada"] - honest
    pro_rata = earned(washing(uses).close())["ada"] - honest

    assert back <= FEE
    assert (pro_rata > 2 * FEE) == (uses >= 100)  # what the rule without payers would have paid


def test_p12_a_washer_is_held_for_a_person_and_its_listeners_choice_is_not(tmp_path):
    washed = washing(1_000, "payer")
    frozen = washed.freeze(tmp_path)
    income = {(PartyId(name), "EUR"): micros for name, micros in earned(washed.close()).items()}
    limits = Limits(floor_micros=1_000_000, payer_ppb=300_000_000)

    assert [(one.party_id, one.kind) for one in anomalies(frozen, income, {}, limits)] == [("ada", "one payer")]

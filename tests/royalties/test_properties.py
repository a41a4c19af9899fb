"""The properties of a payment rule, over whole random periods. Numbered as payment rules are usually judged.

P1 exact, P2 null player, P3 symmetry, P4 order, P5 monotone, P6 additivity over pools, P7 duplicates, P9 theft,
P10 dilution, P12 self-dealing, P13 replay, P14 revocation.

Gates break some of them on purpose, and what holds instead is tested beside them: a significance test makes works depend on
one another (a further significant work lowers the bar for others, so raising one credit never loses *its own*
significance, but what others get may rise or fall by more than a unit); a threshold and a cap refuse where shares alone
would pay; a floor takes from the larger.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from endcredits.canonical import canonical_bytes
from endcredits.money import PPB
from endcredits.royalties.close import Closed
from endcredits.royalties.invariants import problems
from endcredits.royalties.lines import line_key, work_line_key
from endcredits.royalties.rules import Gate, Part, PoolRule

from .makers import HALF, NAMES, PORTIONS, Given, Output, Song, event, givens, plain_givens

ALL_RULES = settings(max_examples=30)


def by_work(closed: Closed) -> Counter[tuple[str, str]]:
    """What each work earned, by currency of the pool and work."""
    found: Counter[tuple[str, str]] = Counter()
    for line in closed.work_lines:
        found[closed.close.pools[line.pool].earned_currency, line.work_id] += line.amount_micros
    return found


# --- P1 ---


@ALL_RULES
@given(givens())
def test_p1_everything_adds_up_to_the_unit(inputs: Given) -> None:
    """From lines to works, parts, pools and all revenue, for any policy, any period."""
    closed = inputs.close()

    assert problems(closed.close, closed.work_lines, closed.lines) == []
    rows = [*inputs.events, *inputs.revenue]
    for total in closed.close.totals:
        own = [row for row in rows if row.currency == total.currency]
        earned = sum(row.gross_micros - row.refunded_micros for row in own if row.kind != "refund")
        assert total.revenue_micros == earned - sum(row.gross_micros for row in own if row.kind == "refund")
    if not inputs.policy.settle_in:
        for total in closed.close.totals:
            numbers = {n for n, pool in enumerate(closed.close.pools) if pool.earned_currency == total.currency}
            kept = sum(
                pool.breakage_micros + pool.rest_micros + sum(part.commons_micros for part in pool.parts)
                for pool in closed.close.pools
                if pool.earned_currency == total.currency
            )
            paid = sum(line.amount_micros for line in closed.lines if line.pool in numbers)
            assert total.pools_micros == kept + paid


# --- the slow twin: fractions, without cutting anything off ---


def exact_shares(inputs: Given, currency: str) -> dict[str, Fraction]:
    """Every work's share of a plain pool."""
    weight: Counter[str] = Counter()
    whole = Fraction(0)
    nats = inputs.policy.weighting == "nats"
    own = [one for one in inputs.events if one.currency == currency]
    outputs = {one.output_id: one for one in inputs.outputs}
    likelier = [one for one in own if outputs[one.output].log_ratio > 0]
    for one in own:
        whole += max(outputs[one.output].log_ratio, 0) * one.uses if nats else one.gross_micros
    for one in likelier:
        credits = outputs[one.output].credits
        gains, harms = sum(max(each, 0) for each in credits.values()), sum(max(-each, 0) for each in credits.values())
        for work, credit in credits.items():
            of_output = Fraction(credit, max(outputs[one.output].log_ratio, gains, harms, 1))
            weight[work] += credit * one.uses if nats else one.gross_micros * of_output  # type: ignore[assignment]
    whole = max(whole, sum((Fraction(max(each, 0)) for each in weight.values()), Fraction(0)))
    revenue = sum(one.gross_micros for one in own)
    part = Fraction(sum(one.gross_micros for one in likelier), revenue) if nats and revenue else Fraction(1)
    return {work: part * max(Fraction(each), Fraction(0)) / whole if whole else Fraction(0) for work, each in weight.items()}


@settings(max_examples=40)
@given(plain_givens())
def test_every_amount_is_within_its_rounding_of_the_exact_one(inputs: Given) -> None:
    """A work is off by less than a unit, whatever its territories; shares cut off to ppb cost a ppb of the pool at most."""
    closed = inputs.close()
    for number, pool in enumerate(closed.close.pools):
        shares = exact_shares(inputs, pool.earned_currency)
        # A share loses less than one ppb of what its uses carry, so that a work loses less than that of the pool.
        slack = 1 + Fraction(pool.pool_micros + 1, PPB)
        for line in closed.work_lines:
            if line.pool == number:
                assert abs(line.amount_micros - shares[line.work_id] * pool.pool_micros) < slack
        rest = (1 - sum(shares.values(), Fraction(0))) * pool.pool_micros
        assert abs(pool.parts[0].commons_micros - rest) < 1 + len(shares) * slack


@settings(max_examples=40)
@given(plain_givens())
def test_every_party_is_within_a_unit_of_its_split(inputs: Given) -> None:
    """A payee's part of a work in a territory is off by less than one unit; only agreed parties are paid."""
    closed = inputs.close()
    in_place: Counter[tuple[Any, ...]] = Counter()
    for line in closed.lines:
        in_place[line.pool, line.work_id, line.territory] += line.amount_micros
    splits = {one.work_id: one.splits for one in inputs.songs}
    for line in closed.lines:
        agreed = splits[line.work_id].get(("train", line.territory), {})
        assert agreed.get(str(line.party_id), PPB if not agreed else 0) == line.split_ppb
        due = Fraction(in_place[line.pool, line.work_id, line.territory] * line.split_ppb, PPB)
        assert abs(line.amount_micros - due) < 1


# --- P2, P3 ---


@ALL_RULES
@given(givens(), st.sampled_from(NAMES))
def test_p2_a_work_without_credit_gets_nothing_by_credits(inputs: Given, name: str) -> None:
    """No work of a cluster has ever a positive credit: nothing, whatever the gates; floors and caps give it nothing."""
    songs = {one.work_id: one for one in inputs.songs}
    family = {one.work_id for one in inputs.songs if one.cluster and one.cluster == songs[name].cluster} | {name}
    outputs = tuple(
        replace(one, credits={work: min(credit, 0) if work in family else credit for work, credit in one.credits.items()})
        for one in inputs.outputs
    )
    by_credits = tuple(
        replace(rule, parts=tuple(replace(p, by="credits", fixed_ppb=0, fixed_by_reliability=False) for p in rule.parts))
        for rule in inputs.policy.pools
    )

    closed = replace(inputs, outputs=outputs, policy=replace(inputs.policy, pools=by_credits)).close()

    assert [line for line in closed.lines if line.work_id in family] == []


@settings(max_examples=30)
@given(plain_givens(), st.sampled_from(["revenue", "nats"]))
def test_p3_works_with_equal_evidence_differ_by_a_unit_and_the_first_id_has_it(inputs: Given, weighting: str) -> None:
    """w1 and w2 get the same credits: amounts differ by at most one, in w1's favour."""
    outputs = tuple(
        replace(one, credits={work: credit for work, credit in one.credits.items() if work != "w2"})
        for one in inputs.outputs
    )
    outputs = tuple(
        replace(one, credits={**one.credits, "w2": one.credits["w1"]}) if "w1" in one.credits else one for one in outputs
    )
    closed = replace(inputs, outputs=tuple(outputs), policy=replace(inputs.policy, weighting=weighting)).close()

    for number in range(len(closed.close.pools)):
        earned = {line.work_id: line.amount_micros for line in closed.work_lines if line.pool == number}
        assert 0 <= earned.get("w1", 0) - earned.get("w2", 0) <= 1


# --- P4, P13 ---


@ALL_RULES
@given(givens(), st.randoms())
def test_p4_p13_order_makes_no_difference_and_a_replay_gives_the_same_bytes(inputs: Given, dice: random.Random) -> None:
    """Reports, works and outputs in any order: the same bytes, lines and all."""

    def mixed(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dice.sample(items, len(items)))

    other = replace(
        inputs, events=mixed(inputs.events), revenue=mixed(inputs.revenue), outputs=mixed(inputs.outputs),
        rates=mixed(inputs.rates),
    )  # fmt: skip
    one, again = inputs.close(), other.close()

    assert canonical_bytes(one.close) == canonical_bytes(again.close)
    assert (one.work_lines, one.lines) == (again.work_lines, again.lines)


@settings(max_examples=30)
@given(plain_givens(weighting="revenue", territories=False), st.integers(1, 4))
def test_p4_reporting_a_use_in_pieces_changes_nothing(inputs: Given, pieces: int) -> None:
    """An event of 12 uses and 120 micros may come as several that sum to it."""
    split = tuple(
        replace(one, event_id=f"{one.event_id}-{n}", gross_micros=one.gross_micros, tax_micros=0, refunded_micros=0)
        for one in inputs.events
        for n in range(pieces)
    )
    whole = tuple(
        replace(one, gross_micros=one.gross_micros * pieces, tax_micros=0, refunded_micros=0) for one in inputs.events
    )

    assert by_work(replace(inputs, events=split).close()) == by_work(replace(inputs, events=whole).close())


# --- P5 ---


@settings(max_examples=40)
@given(plain_givens(weighting="revenue"), st.sampled_from(NAMES), st.integers(1, 10**13))
def test_p5_a_larger_credit_never_earns_less(inputs: Given, name: str, more: int) -> None:
    """Raising a work's credit in one output, the log-ratio with it, costs it at most a unit of rounding a pool."""
    first = inputs.outputs[0]
    assume(first.log_ratio > 0)
    raised = replace(
        first, log_ratio=first.log_ratio + more, credits={**first.credits, name: first.credits.get(name, 0) + more}
    )
    # Where credits pass the log-ratio the whole grows with them and a large work's portion of another output's shrinks no
    # more than its own grows; cutting shares to ppb is the only loss.
    before = by_work(inputs.close())
    after = by_work(replace(inputs, outputs=(raised, *inputs.outputs[1:])).close())

    for pool in inputs.close().close.pools:
        key = pool.earned_currency, name
        assert after[key] >= before[key] - 1 - pool.pool_micros // PPB


@settings(max_examples=30)
@given(plain_givens(weighting="revenue"), st.integers(1, 10**12), st.data())
def test_p5_more_revenue_never_earns_a_credited_work_less(inputs: Given, more: int, data: st.DataObject) -> None:
    """Adding a use that credits a work positively never lowers what it earns in that currency by more than a unit."""
    name = data.draw(st.sampled_from(NAMES))
    extra = replace(event("zz", "zz", more), currency="EUR")
    given_more = replace(inputs, events=(*inputs.events, extra), outputs=(*inputs.outputs, Output("zz", 10, {name: 5})))

    assert by_work(given_more.close())["EUR", name] >= by_work(inputs.close())["EUR", name] - 1


@settings(max_examples=30)
@given(plain_givens(weighting="revenue"), st.sampled_from([Gate(cap_ppb=HALF), Gate(cap_ppb=100_000_000)]))
def test_a_cap_for_the_commons_never_pays_anybody_more(inputs: Given, gate: Gate) -> None:
    """What holds of capped parts instead of P5: nobody is above the limit, nobody above what shares alone would pay."""
    (rule,) = inputs.policy.pools
    capped = replace(inputs, policy=replace(inputs.policy, pools=(replace(rule, parts=(Part("p", gate=gate),)),))).close()

    free = {(line.pool, line.work_id): line.amount_micros for line in inputs.close().work_lines}
    for line in capped.work_lines:
        limit = capped.close.pools[line.pool].pool_micros * gate.cap_ppb // PPB
        assert line.amount_micros <= min(free[line.pool, line.work_id], limit) + 1


@settings(max_examples=30)
@given(plain_givens(weighting="revenue"), st.sampled_from(["uses", "cap"]), st.integers(1, 3))
def test_what_goes_to_the_others_never_reaches_the_commons(inputs: Given, what: str, size: int) -> None:
    """With `to = "others"` the works together get what they would have got, as long as one of them may take it."""
    (rule,) = inputs.policy.pools
    gate = Gate(uses_min=size, to="others") if what == "uses" else Gate(cap_ppb=PPB // (size + 1), to="others")
    gated = replace(inputs, policy=replace(inputs.policy, pools=(replace(rule, parts=(Part("p", gate=gate),)),))).close()

    free = inputs.close()
    for number, (one, other) in enumerate(zip(gated.close.pools, free.close.pools, strict=True)):
        open_to = [line for line in gated.work_lines if line.pool == number and line.share_ppb and line.taken == ""]
        if open_to:
            assert abs(one.parts[0].commons_micros - other.parts[0].commons_micros) <= 1


# --- P6 ---


@settings(max_examples=40)
@given(plain_givens(weighting="revenue"), st.integers(0, PPB))
def test_p6_dividing_a_pool_in_two_changes_each_work_by_a_unit_a_pool(inputs: Given, first_ppb: int) -> None:
    """One rule of a portion, or two rules that take it together."""
    (rule,) = inputs.policy.pools
    first = first_ppb * rule.share_ppb // PPB
    two = (
        PoolRule("first", "gross", first, parts=rule.parts),
        PoolRule("second", "gross", rule.share_ppb - first, parts=rule.parts),
    )

    together, apart = by_work(inputs.close()), by_work(replace(inputs, policy=replace(inputs.policy, pools=two)).close())

    for key in together.keys() | apart.keys():
        assert abs(together[key] - apart[key]) <= 3  # two pools and the portion itself


@settings(max_examples=40)
@given(plain_givens(weighting="revenue", territories=False), st.booleans())
def test_p6_pools_by_territory_pay_what_one_pool_pays_where_nothing_is_clipped(inputs: Given, whole: bool) -> None:
    """Without negative credits, telling territories apart moves each work by a unit a pool at most."""
    (rule,) = inputs.policy.pools
    outputs = tuple(
        replace(one, credits={work: max(each, 0) for work, each in one.credits.items()}) for one in inputs.outputs
    )
    share = PPB if whole else rule.share_ppb
    one = replace(inputs, outputs=outputs, policy=replace(inputs.policy, pools=(replace(rule, share_ppb=share),)))
    many = replace(one, policy=replace(one.policy, pools=(replace(rule, share_ppb=share, by=("territory",)),)))

    together, apart = by_work(one.close()), by_work(many.close())

    for key in together.keys() | apart.keys():
        assert abs(together[key] - apart[key]) <= 2 * len({event.territory for event in one.events}) + 1


# --- P7, P9 ---


@settings(max_examples=40)
@given(plain_givens(weighting="revenue"), st.integers(2, 4), st.data())
def test_p7_copies_in_a_cluster_earn_their_owner_nothing_more(inputs: Given, copies: int, data: st.DataObject) -> None:
    """A work's credit torn over copies of it: the owner gets the same, and so does everybody else."""
    name = data.draw(st.sampled_from(NAMES))
    (torn,) = [one for one in inputs.songs if one.work_id == name]
    assume(torn.splits)
    family = tuple(replace(torn, work_id=f"{name}{n}" if n else name, cluster="family") for n in range(copies))
    outputs = []
    for one in inputs.outputs:
        credits = dict(one.credits)
        if name in credits:
            cuts = [data.draw(st.integers(0, abs(credits[name]))) for _ in range(copies - 1)]
            ends = [0, *sorted(cuts), abs(credits[name])]
            sign = 1 if credits[name] > 0 else -1
            credits |= {one.work_id: sign * (ends[n + 1] - ends[n]) for n, one in enumerate(family)}
        outputs.append(replace(one, credits=credits))
    songs = tuple(one for one in inputs.songs if one.work_id != name)
    copied = replace(inputs, songs=(*songs, *family), outputs=tuple(outputs)).close()

    def owners(closed: Closed) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for line in closed.work_lines:
            own = name if line.work_id.startswith(name) else line.work_id
            found[closed.close.pools[line.pool].earned_currency, own] += line.amount_micros
        return found

    single = inputs.close()
    before, after = owners(single), owners(copied)
    money = max((pool.pool_micros for pool in single.close.pools), default=0)
    for key in before.keys() | after.keys():
        # Shares of pieces are cut off one by one, each by less than a ppb.
        assert abs(before[key] - after[key]) <= 1 + copies * (1 + money // PPB)


@settings(max_examples=30)
@given(plain_givens(weighting="revenue"), st.sampled_from(NAMES), st.integers(1, 10**13))
def test_p9_a_later_copy_of_anothers_work_takes_nothing_from_it(inputs: Given, name: str, stolen: int) -> None:
    """A squatter's copy that draws credit to itself earns nothing, and the first owner gets the credit too."""
    first = Song(name, {("train", "WORLD"): {"ada": PPB}}, "family", "2026-01-01T00:00:00Z")
    thief = Song("zz", {("train", "WORLD"): {"thief": PPB}}, "family", "2026-02-01T00:00:00Z")
    songs = (*(one for one in inputs.songs if one.work_id != name), first, thief)
    outputs = tuple(replace(one, credits={**one.credits, "zz": stolen}) for one in inputs.outputs)

    closed = replace(inputs, songs=songs, outputs=outputs).close()

    assert all(line.party_id != "thief" for line in closed.lines)


# --- P10, P12, P14 ---


@settings(max_examples=30)
@given(givens(), st.integers(1, 6))
def test_p10_works_without_credit_dilute_nobody(inputs: Given, count: int) -> None:
    """Any number of new works that nothing is credited to change no line, where no portion is shared equally."""
    parts = {rule.name: tuple(replace(p, by="credits", fixed_ppb=0, fixed_by_reliability=False) for p in rule.parts)
             for rule in inputs.policy.pools}  # fmt: skip
    rules = tuple(replace(rule, parts=parts[rule.name]) for rule in inputs.policy.pools)
    plain = replace(inputs, policy=replace(inputs.policy, pools=rules))
    spam = tuple(
        Song(f"{name}{n}", {("train", "WORLD"): {"spam": PPB}}) for n in range(count) for name in ("a", "w3x", "zz")
    )

    one, other = plain.close(), replace(plain, songs=(*plain.songs, *spam)).close()

    assert (one.lines, one.work_lines, one.close.pools) == (other.lines, other.work_lines, other.close.pools)


@settings(max_examples=30)
@given(plain_givens(weighting="revenue"), st.integers(1, 10**9), st.integers(1, 10**6))
def test_p12_a_payer_never_gets_back_more_than_it_paid(inputs: Given, paid: int, uses: int) -> None:
    """User-centric: whoever uses only its own work, however often, moves at most its own money there."""
    rule = PoolRule("user", "gross", PPB, spread="uses", by=("payer",))
    own = Song("washed", {("train", "WORLD"): {"washer": PPB}})
    wash = replace(event("wash", "wash", paid, payer="washer", uses=uses), currency="EUR")
    rest = tuple(replace(one, payer=one.payer or "others") for one in inputs.events)
    given_wash = Given(
        (*inputs.songs, own),
        (*inputs.outputs, Output("wash", 5, {"washed": 9})),
        (*rest, wash),
        policy=replace(inputs.policy, pools=(rule,)),
    )

    got = sum(line.amount_micros for line in given_wash.close().lines if line.party_id == "washer")

    assert got <= paid + 1


@settings(max_examples=30)
@given(plain_givens(), st.sampled_from(NAMES), PORTIONS)
def test_p14_a_revoked_work_earns_its_tail_and_nobody_else_the_rest(inputs: Given, name: str, tail_ppb: int) -> None:
    """The tail to the nearest unit; every other work as before; the difference is the commons'."""
    songs = tuple(replace(one, paid_ppb=tail_ppb) if one.work_id == name else one for one in inputs.songs)

    before, after = by_work(inputs.close()), by_work(replace(inputs, songs=songs).close())

    for (currency, work), amount in before.items():
        due = Fraction(amount * tail_ppb, PPB) if work == name else Fraction(amount)
        assert abs(after[currency, work] - due) <= (Fraction(1, 2) if work == name else 0)


# --- what lines are ---


@ALL_RULES
@given(givens())
def test_nothing_is_paid_twice_and_no_line_is_empty(inputs: Given) -> None:
    """One line per key, in order, never zero; refunds negative and everything else positive."""
    closed = inputs.close()

    for rows, key in ((closed.work_lines, work_line_key), (closed.lines, line_key)):
        keys: list[Any] = [key(row) for row in rows]  # type: ignore[arg-type]
        assert keys == sorted(set(keys))
    for line in closed.lines:
        assert (line.amount_micros < 0) == (closed.close.pools[line.pool].kind == "refund")
        assert line.amount_micros != 0

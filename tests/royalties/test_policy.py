"""A policy is read exactly, and whatever cannot be read exactly is refused by its file and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.royalties.policy import FIFTY_FIFTY, parse_policy, policy_digest, read_policy
from endcredits.royalties.policy_rules import WEIGHTINGS, check_policy
from endcredits.royalties.policy_text import policy_toml
from endcredits.royalties.rules import BASES, KEYS, Gate, Levy, Part, Policy, PoolRule
from endcredits.royalties.spellings import percent_ppb


def toml(**rules: str) -> str:
    """A policy file in the short form, valid where nothing else is said."""
    lines = {"name": '"p"', "pool": '"50%"'} | rules
    return "[policy]\n" + "\n".join(f"{key} = {value}" for key, value in lines.items() if value)


def pools(*tables: str, levies: str = "") -> str:
    """A policy file with tables [[pool]]."""
    return '[policy]\nname = "p"\n' + "\n".join(f"[[pool]]\n{table}" for table in tables) + f"\n{levies}\n"


def refusal(text: str) -> InputError:
    """How a text is refused."""
    with pytest.raises(InputError) as caught:
        parse_policy(text, file="rules.toml")
    assert caught.value.file == "rules.toml"
    assert caught.value.remedy
    return caught.value


def short(ppb: int, name: str = "p", right: str = "train", **more: object) -> Policy:
    """What the short form means."""
    return Policy(name, (PoolRule("works", "net", ppb, parts=(Part("works", right=right),)),), **more)  # type: ignore[arg-type]


def test_the_default_policy_is_half_by_revenue_from_ten_on() -> None:
    """The packaged file says fifty per cent, by revenue, right to train, threshold 10.00."""
    assert short(500_000_000, "fifty-fifty", payout_threshold_micros=10_000_000) == FIFTY_FIFTY


def test_a_policy_is_read_from_a_file_or_from_text(tmp_path: Path) -> None:
    """A path, a path as text and the TOML text itself give the same policy."""
    text = toml(weighting='"nats"', right='"performance"', payout_threshold='"2.5"')
    file = tmp_path / "policy.toml"
    file.write_text(text)

    found = {read_policy(file), read_policy(str(file)), read_policy(text)}

    assert found == {short(500_000_000, right="performance", weighting="nats", payout_threshold_micros=2_500_000)}


def test_every_key_is_read() -> None:
    """One file that sets everything, against the record it means."""
    text = """
        [policy]
        name = "all"
        settle_in = "EUR"
        significance = "10%"
        reliability_min = "50%"
        tail_ppb = 250000000
        payout_threshold_micros = 7
        holds_anomalies = true
        four_eyes = true
        audit_window_days = 30
        [[pool]]
        name = "streams"
        base = "net"
        share_ppb = 1
        spread = "uses"
        by = ["payer", "service"]
        service = "web"
        offer = "premium"
        use = "generation"
        [[pool.part]]
        name = "cost"
        share = "5%"
        by = "party"
        party = "party:society"
        [[pool.part]]
        name = "works"
        share = "100%"
        of_rest = true
        fixed = "by reliability"
        right = "performance"
        gate = { uses_min = 3, cap = "10%", floor = "0.01", to = "others" }
        [[pool]]
        name = "voices"
        base = "per-use"
        amount = "0.05 USD"
        multipliers = { trailer = "1.5x", advertisement = "2x" }
        [[levy]]
        name = "fund"
        share = "4%"
        party = "party:fund"
        """
    streams = PoolRule(
        "streams",
        base="net",
        share_ppb=1,
        spread="uses",
        by=("service", "payer"),
        service="web",
        offer="premium",
        use="generation",
        parts=(
            Part("cost", 50_000_000, by="party", party_id="party:society"),
            Part(
                "works",
                of_rest=True,
                right="performance",
                fixed_by_reliability=True,
                gate=Gate(3, 100_000_000, 10_000, "others"),
            ),
        ),
    )
    voices = PoolRule(
        "voices",
        base="per-use",
        amount_micros=50_000,
        currency="USD",
        multipliers=(("advertisement", 2 * PPB), ("trailer", 1_500_000_000)),
    )

    assert read_policy(text) == Policy(
        "all",
        (streams, voices),
        (Levy("fund", 40_000_000, "party:fund"),),
        settle_in="EUR",
        significance_ppb=100_000_000,
        reliability_min_ppb=500_000_000,
        tail_ppb=250_000_000,
        payout_threshold_micros=7,
        holds_anomalies=True,
        four_eyes=True,
        audit_window_days=30,
    )


@pytest.mark.parametrize(
    ("rules", "pool_ppb"),
    [
        ({"pool": '"0%"'}, 0),
        ({"pool": '"12.5%"'}, 125_000_000),
        ({"pool": '"33.3333333 %"'}, 333_333_333),
        ({"pool": '"0.0000001%"'}, 1),
        ({"pool": '"100%"'}, PPB),
        ({"pool": "", "pool_ppb": "7"}, 7),
    ],
)
def test_the_pool_is_exact(rules: dict[str, str], pool_ppb: int) -> None:
    """A percentage of up to seven decimals, or parts per billion, without rounding."""
    assert parse_policy(toml(**rules)) == short(pool_ppb)


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"pool": ""}, "policy.pool"),
        ({"pool": "", "right": '"train"'}, "policy.pool"),
        ({"name": ""}, "policy.name"),
        ({"name": '"two words"'}, "policy.name"),
        ({"name": "7"}, "policy.name"),
        ({"pool": "50"}, "policy.pool"),
        ({"pool": "0.5"}, "policy.pool"),
        ({"pool": '"50"'}, "policy.pool"),
        ({"pool": '"-1%"'}, "policy.pool"),
        ({"pool": '"100.0000001%"'}, "policy.pool"),
        ({"pool": '"1.00000001%"'}, "policy.pool"),
        ({"pool": '"\\u0665%"'}, "policy.pool"),
        ({"pool_ppb": "5"}, "policy.pool_ppb"),
        ({"pool": "", "pool_ppb": "true"}, "policy.pool_ppb"),
        ({"pool": "", "pool_ppb": "1.0"}, "policy.pool_ppb"),
        ({"pool": "", "pool_ppb": "-1"}, "policy.pool_ppb"),
        ({"pool": "", "pool_ppb": "1000000001"}, "policy.pool_ppb"),
        ({"weighting": '"equal"'}, "policy.weighting"),
        ({"weighting": "1"}, "policy.weighting"),
        ({"right": '""'}, "policy.right"),
        ({"settle_in": '"EURO"'}, "policy.settle_in"),
        ({"significance": '"100%"'}, "policy.significance"),
        ({"four_eyes": '"yes"'}, "policy.four_eyes"),
        ({"audit_window_days": "36501"}, "policy.audit_window_days"),
        ({"payout_threshold": "10"}, "policy.payout_threshold"),
        ({"payout_threshold": "nan"}, "policy.payout_threshold"),
        ({"payout_threshold": '"-0.01"'}, "policy.payout_threshold"),
        ({"payout_threshold": '"ten"'}, "policy.payout_threshold"),
        ({"payout_threshold": '"0.0000001"'}, "policy.payout_threshold"),
        ({"payout_threshold": '"99999999999999999999999999"'}, "policy.payout_threshold"),
        ({"payout_threshold_micros": "-1"}, "policy.payout_threshold_micros"),
        ({"payout_threshold": '"1"', "payout_threshold_micros": "1"}, "policy.payout_threshold_micros"),
        ({"poool": '"50%"'}, "policy.poool"),
    ],
)
def test_a_wrong_rule_is_refused_by_name(rules: dict[str, str], field: str) -> None:
    """Unknown, missing, doubled, mistyped and out of range: the key path and a remedy are named."""
    assert refusal(toml(**rules)).field == field


PART = '[[pool.part]]\nname = "a"\n'


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ('share = "5%"', "pool[1].name"),
        ('name = "a"', "pool[1].share"),
        ('name = "a\\u202eb"\nshare = "5%"', "pool[1].name"),
        ('name = "a\\nb"\nshare = "5%"', "pool[1].name"),
        ('name = "a"\nshare = "5%"\nshares = "5%"', "pool[1].shares"),
        ('name = "a"\nshare = "5%"\nbase = "profit"', "pool[1].base"),
        ('name = "a"\nshare = "5%"\namount = "1 EUR"', "pool[1].amount"),
        ('name = "a"\nbase = "fixed"', "pool[1].amount"),
        ('name = "a"\nbase = "fixed"\namount = "1"', "pool[1].amount"),
        ('name = "a"\nbase = "fixed"\namount = "1 EUROS"', "pool[1].amount"),
        ('name = "a"\nbase = "fixed"\namount = "0.00 EUR"', "pool[1].amount"),
        ('name = "a"\nbase = "fixed"\namount_micros = 5', "pool[1].currency"),
        ('name = "a"\nbase = "fixed"\namount = "1 EUR"\nshare = "5%"', "pool[1].share"),
        ('name = "a"\nbase = "fixed"\namount = "1 EUR"\nspread = "direct"', "pool[1].spread"),
        ('name = "a"\nbase = "fixed"\namount = "1 EUR"\nby = ["service"]', "pool[1].by"),
        ('name = "a"\nbase = "per-use"\namount = "1 EUR"\nspread = "uses"', "pool[1].spread"),
        ('name = "a"\nshare = "5%"\nby = "service"', "pool[1].by"),
        ('name = "a"\nshare = "5%"\nby = ["country"]', "pool[1].by"),
        ('name = "a"\nshare = "5%"\nby = ["service", "service"]', "pool[1].by"),
        ('name = "a"\nshare = "5%"\nby = ["payer"]', "pool[1].by"),
        ('name = "a"\nshare = "5%"\nmultipliers = { trailer = "2x" }', "pool[1].multipliers"),
        ('name = "a"\nbase = "per-use"\namount = "1 EUR"\nmultipliers = { trailer = 2 }', "pool[1].multipliers.trailer"),
        ('name = "a"\nbase = "per-use"\namount = "1 EUR"\nmultipliers = { trailer = "two" }', "pool[1].multipliers.trailer"),
        ('name = "a"\nbase = "per-use"\namount = "1 EUR"\nuse = "ad"\nmultipliers = { t = "2x" }', "pool[1].multipliers.t"),
        ('name = "a"\nshare = "5%"\npart = 3', "pool[1].part"),
        ('name = "a"\nshare = "5%"\n[[pool.part]]\nshare = "5%"', "pool[1].part[1].name"),
        (f'name = "a"\nshare = "5%"\n{PART}share = "5"', "pool[1].part[1].share"),
        (f'name = "a"\nshare = "5%"\n{PART}by = "luck"', "pool[1].part[1].by"),
        (f'name = "a"\nshare = "5%"\n{PART}by = "party"', "pool[1].part[1].party"),
        (f'name = "a"\nshare = "5%"\n{PART}party = "party:x"', "pool[1].part[1].party"),
        (f'name = "a"\nshare = "5%"\n{PART}gate = {{ uses_min = -1 }}', "pool[1].part[1].gate.uses_min"),
        (f'name = "a"\nshare = "5%"\n{PART}gate = {{ cap = "200%" }}', "pool[1].part[1].gate.cap"),
        (f'name = "a"\nshare = "5%"\n{PART}gate = {{ to = "us" }}', "pool[1].part[1].gate.to"),
        (f'name = "a"\nshare = "5%"\n{PART}gate = {{ top = 1 }}', "pool[1].part[1].gate.top"),
        (f'name = "a"\nshare = "5%"\n{PART}by = "equal"\ngate = {{ uses_min = 1 }}', "pool[1].part[1].gate"),
        (f'name = "a"\nshare = "5%"\n{PART}by = "party"\nparty = "x"\nfixed = "1%"', "pool[1].part[1].fixed"),
        (f'name = "a"\nshare = "5%"\n{PART}share = "50%"\n{PART}share = "1%"', "pool[1].part[2].name"),
    ],
)
def test_a_wrong_pool_is_refused_by_its_path(table: str, field: str) -> None:
    """The number of the pool and of its part are named, counted from 1."""
    assert refusal(pools(table)).field == field


def test_the_path_counts_pools_and_parts() -> None:
    """The second pool's first part is pool[2].part[1]."""
    second = 'name = "b"\nshare = "5%"\n[[pool.part]]\nname = "x"\nshare = "101%"'

    assert refusal(pools('name = "a"\nshare = "5%"', second)).field == "pool[2].part[1].share"


@pytest.mark.parametrize(
    ("shares", "problem"),
    [
        (["60%", "40%"], ""),
        (["60%", "40.0000001%"], r"take 100\.0000001% of the pool"),
        (["100%", "100% of rest"], ""),
        (["25%", "50% of rest", "100% of rest"], ""),
        (["50% of rest", "25%"], "comes after 'part 0'"),
    ],
)
def test_parts_take_at_most_the_pool(shares: list[str], problem: str) -> None:
    """Portions of the pool are added up exactly, and come before those of the rest, which never take more than there is."""
    parts = [
        Part(f"part {number}", percent_ppb(one.removesuffix(" of rest"), "share"), "rest" in one)
        for number, one in enumerate(shares)
    ]
    policy = Policy("p", (PoolRule("a", share_ppb=PPB, parts=tuple(parts)),))

    if not problem:
        assert check_policy(policy) == policy
        return
    with pytest.raises(InputError, match=problem) as caught:
        check_policy(policy)
    assert caught.value.field == f"pool[1].part[{len(shares)}].share"


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ([{}, {}], False),
        ([{"service": "web"}, {"service": "app"}], True),
        ([{"service": "web"}, {}], False),
        ([{"service": "web", "offer": "a"}, {"service": "web", "offer": "b"}], True),
        ([{"service": "web"}, {"offer": "a"}], False),
        ([{"service": "web", "use": "x"}, {"offer": "a", "use": "y"}], True),
        ([{"use": "x"}, {"use": "x"}], False),
    ],
)
def test_pools_take_at_most_the_revenue_that_they_share(filters: list[dict[str, str]], fits: bool) -> None:
    """Two pools of 60 % go together only where no use is in both."""
    rules = tuple(PoolRule(f"pool {n}", share_ppb=600_000_000, **one) for n, one in enumerate(filters))

    if fits:
        check_policy(Policy("p", rules))
        return
    with pytest.raises(InputError, match="take 120% of the same revenue") as caught:
        check_policy(Policy("p", rules))
    assert caught.value.field == "pool[2].share"


def test_levies_come_out_of_the_operators_part() -> None:
    """A pool of everything leaves nothing for a levy; half leaves enough to double it."""
    pool = 'name = "a"\nshare = "{}"'
    levy = '[[levy]]\nname = "fund"\nshare = "{}"\nparty = "party:fund"'

    assert refusal(pools(pool.format("100%"), levies=levy.format("0.0000001%"))).field == "levy[1].share"
    assert refusal(pools(pool.format("50.0000001%"), levies=levy.format("100%"))).field == "levy[1].share"
    assert read_policy(pools(pool.format("50%"), levies=levy.format("100%"))).levies[0].share_ppb == PPB


def test_short_and_long_forms_do_not_mix() -> None:
    """Whose pool is the policy's when both are there?"""
    assert refusal(toml() + '\n[[pool]]\nname = "a"\nshare = "5%"').field == "policy.pool"


@pytest.mark.parametrize(
    "text", ["[policy\n", "name = 1\n", "policy = 3\n", "[other]\n", "[policy]\n[other]\n", toml() + "\n[x]\n"]
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    """Broken TOML, no table [policy], or a table beside it."""
    refusal(text)


def test_the_digest_follows_the_content() -> None:
    """Equal policies have equal digests, different ones different digests."""
    same = parse_policy(toml(name='"fifty-fifty"', payout_threshold='"10"'))
    other = parse_policy(toml(name='"fifty-fifty"', payout_threshold='"10.000001"'))

    assert policy_digest(same) == policy_digest(FIFTY_FIFTY) != policy_digest(other)


PRINTABLE = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
NAMES = st.builds(
    lambda first, middle, last: first + middle + last, PRINTABLE, st.text(PRINTABLE | st.just(" "), max_size=6), PRINTABLE
)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,8}", fullmatch=True)
PORTIONS = st.integers(0, PPB)
MICROS = st.integers(1, 2**53 - 1)
GATES = st.builds(Gate, st.integers(0, 10**6), PORTIONS, st.integers(0, 10**9), st.sampled_from(["commons", "others"]))


@st.composite
def parts(draw: st.DrawFn, share_ppb: int) -> Part:
    """One part of a pool."""
    by = draw(st.sampled_from(["credits", "declared", "equal", "units", "party"]))
    reliable = by in ("credits", "declared", "units") and draw(st.booleans())
    return Part(
        draw(NAMES),
        share_ppb,
        False,
        by,
        draw(IDS),
        draw(IDS) if by == "party" else "",
        0 if reliable or by in ("party", "equal") else draw(PORTIONS),
        reliable,
        Gate() if by in ("party", "equal") else draw(GATES),
    )


@st.composite
def rules(draw: st.DrawFn, share_ppb: int) -> PoolRule:
    """One pool."""
    base = draw(st.sampled_from(BASES))
    of_revenue = base in ("gross", "net")
    spread = {"fixed": "uses", "per-use": "direct"}.get(base) or draw(st.sampled_from(["direct", "uses"]))
    keys = [key for key in KEYS if base != "fixed" and (key != "payer" or spread == "uses")]
    cut = draw(PORTIONS)
    steps = [draw(parts(cut)), replace(draw(parts(draw(PORTIONS))), of_rest=True)]
    return PoolRule(
        draw(NAMES),
        base,
        share_ppb if of_revenue else 0,
        0 if of_revenue else draw(MICROS),
        "" if of_revenue else draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        spread,
        tuple(key for key in keys if draw(st.booleans())),
        draw(st.just("") | NAMES),
        draw(st.just("") | NAMES),
        "",
        tuple(sorted(draw(st.dictionaries(NAMES, st.integers(0, 10**12), max_size=3)).items())) if base == "per-use" else (),
        tuple(steps if steps[0].name != steps[1].name else steps[:1]),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy that passes."""
    found = [draw(rules(draw(st.integers(0, PPB // 4)))) for _ in range(draw(st.integers(1, 3)))]
    pools = {rule.name: rule for rule in found}
    levies = draw(
        st.lists(st.builds(Levy, NAMES, st.integers(0, PPB // 10), IDS), max_size=2, unique_by=lambda one: one.name)
    )
    return Policy(
        draw(IDS),
        tuple(pools.values()),
        tuple(levies),
        draw(st.sampled_from(WEIGHTINGS)),
        draw(st.sampled_from(["", "EUR"])),
        draw(st.integers(0, PPB - 1)),
        draw(PORTIONS),
        draw(PORTIONS),
        draw(st.integers(0, 2**53 - 1)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.integers(0, 36_500)),
    )


@given(policies())
def test_what_is_written_is_read_back(policy: Policy) -> None:
    """Policy to TOML to policy: nothing is lost, whatever the names hold."""
    assert read_policy(policy_toml(policy)) == policy


def test_a_policy_made_in_a_program_is_checked_too() -> None:
    """The rules do not depend on where a policy comes from, and a broken one is not written."""
    wrong = replace(FIFTY_FIFTY, pools=(replace(FIFTY_FIFTY.pools[0], share_ppb=PPB + 1),))

    with pytest.raises(InputError) as caught:
        policy_toml(wrong)
    assert caught.value.field == "pool[1].share"

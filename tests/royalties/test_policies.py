"""The examples that come with the package say what their comments promise."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.errors import NotFoundError
from endcredits.money import PPB
from endcredits.royalties import columns
from endcredits.royalties.close import close_period
from endcredits.royalties.line_sums import line_sums, lines_of
from endcredits.royalties.policy import read_policy, shipped_policies, shipped_policy, shipped_text
from endcredits.royalties.policy_text import policy_toml
from endcredits.royalties.posting import close_entry

from .makers import Given, Income, Song, event, output, song

EXPECTED = (
    "fifty-fifty",
    "flat-licence",
    "likeness-per-appearance",
    "pro-rata",
    "residuals-by-units",
    "user-centric",
    "waterfall",
)


def test_the_examples_are_all_there() -> None:
    """They are found by name, and another name is refused with the list."""
    assert shipped_policies() == EXPECTED
    with pytest.raises(NotFoundError, match="fifty") as caught:
        shipped_policy("../fifty-fifty")
    assert "waterfall" in caught.value.remedy


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_teaches_and_reads(name: str) -> None:
    """It is named like its file, says where its convention comes from, and is read back as written."""
    policy = shipped_policy(name)

    assert policy.name == name
    assert shipped_text(name).startswith("#")
    assert "# Convention: " in shipped_text(name)
    assert read_policy(policy_toml(policy)) == policy


def test_the_examples_are_in_the_package() -> None:
    """The wheel takes in everything below the package that git knows, so nothing has to list the files."""
    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(root))

    packed = {file.distribution_path for file in builder.recurse_included_files()}

    assert wheel["packages"] == ["src/endcredits"]
    assert {f"endcredits/royalties/policies/{name}.toml" for name in EXPECTED} <= packed


def test_pools_are_told_apart_as_named() -> None:
    """Pro rata pools whole tariffs, user-centric pools single payers, fifty-fifty single uses."""
    keys = {name: (shipped_policy(name).pools[0].spread, shipped_policy(name).pools[0].by) for name in EXPECTED}

    assert keys["fifty-fifty"] == ("direct", ())
    assert keys["pro-rata"] == ("uses", ("service", "territory", "offer"))
    assert keys["user-centric"] == ("uses", ("service", "payer"))


def test_the_waterfall_leaves_nothing_and_keeps_its_ratio() -> None:
    """Of 1,000 after 46 of cost: 477 to owners, 429.3 to featured artists, 47.7 to the fund; 50 : 45 : 5."""
    (pool,) = shipped_policy("waterfall").pools
    left, taken = 1_000_000_000, []
    for part in pool.parts:
        taken.append((left if part.of_rest else 1_000_000_000) * part.share_ppb // PPB)
        left -= taken[-1]

    assert taken == [46_000_000, 477_000_000, 429_300_000, 47_700_000]
    assert left == 0
    assert [part.right for part in pool.parts if part.by == "credits"] == ["train", "performance"]


def test_fees_and_funds() -> None:
    """An advertisement pays one and a half times 0.05 USD; pension and health come on top of it."""
    likeness = shipped_policy("likeness-per-appearance")
    (pool,) = likeness.pools

    assert dict(pool.multipliers)["advertisement"] * pool.amount_micros // PPB == 75_000
    assert (pool.currency, pool.parts[0].by, pool.parts[0].right) == ("USD", "declared", "likeness")
    assert likeness.levies[0].share_ppb == 200_000_000
    assert shipped_policy("residuals-by-units").pools[0].parts[0].by == "units"
    assert shipped_policy("flat-licence").pools[0].parts[0].fixed_ppb == 300_000_000


def paid(name: str, given: Given) -> dict[str, int]:
    """What everybody gets under an example, in micros; "commons" and "operator" too."""
    closed = replace(given, policy=shipped_policy(name)).close()
    found: Counter[str] = Counter()
    for line in closed.lines:
        found[line.party_id or "nobody"] += line.amount_micros
    for pool in closed.close.pools:
        found["breakage"] += pool.breakage_micros
        found["commons"] += pool.rest_micros + sum(part.commons_micros for part in pool.parts)
    for total in closed.close.totals:
        found["operator"] += total.operator_micros
        found["levies"] += total.levies_micros
    return {key: micros for key, micros in sorted(found.items()) if micros}


def test_fifty_fifty_pays_each_uses_own_sources() -> None:
    """The expensive use drew on ada alone, the cheap one on bob alone; a refund of ada's is taken off again."""
    given = Given(
        songs=(song("a", ada=PPB), song("b", bob=PPB)),
        outputs=(output("o1", 1, a=1), output("o2", 1, b=1)),
        events=(
            event("e1", "o1", 9_000_000),
            event("e2", "o2", 1_000_000),
            event("e3", "o1", 2_000_000, kind="refund", usage_period="2026-10"),
        ),
    )

    assert paid("fifty-fifty", given) == {"ada": 3_500_000, "bob": 500_000, "operator": 4_000_000}


def test_pro_rata_pays_by_uses_and_passes_small_parts_on() -> None:
    """3,000 uses of ada's, 1,000 of bob's, 999 of cyd's: of 65 net, cyd's part goes to the others, 3 : 1."""
    given = Given(
        songs=(song("a", ada=PPB), song("b", bob=PPB), song("c", cyd=PPB)),
        outputs=(output("o1", 1, a=1), output("o2", 1, b=1), output("o3", 1, c=1)),
        events=(
            event("e1", "o1", 0, uses=3_000),
            event("e2", "o2", 0, uses=1_000),
            event("e3", "o3", 0, uses=999),
        ),
        revenue=(Income("r", 120_000_000, tax_micros=20_000_000),),
    )

    assert paid("pro-rata", given) == {"ada": 48_750_000, "bob": 16_250_000, "operator": 35_000_000}


def test_user_centric_keeps_money_with_what_its_payer_used() -> None:
    """A machine with 999 uses moves only its own subscription; who used nothing leaves breakage."""
    given = Given(
        songs=(song("a", ada=PPB), song("b", bob=PPB)),
        outputs=(output("o1", 1, a=1), output("o2", 1, b=1)),
        events=(event("e1", "o1", 0, payer="fan"), event("e2", "o2", 0, payer="machine", uses=999)),
        revenue=tuple(Income(f"r-{payer}", 10_000_000, payer=payer) for payer in ("fan", "idle", "machine")),
    )

    assert paid("user-centric", given) == {
        "ada": 6_500_000,
        "bob": 6_500_000,
        "breakage": 6_500_000,
        "operator": 10_500_000,
    }


def test_the_waterfall_pays_cost_owners_artists_and_fund() -> None:
    """Of 1,000 the licence takes 300: 13.80 of cost, then 50 : 45 : 5 of 286.20."""
    given = Given(
        songs=(Song("a", {("train", "WORLD"): {"label": PPB}, ("performance", "WORLD"): {"singer": PPB}}),),
        outputs=(output("o", 1, a=1),),
        events=(event("e", "o", 1_000_000_000),),
    )

    assert paid("waterfall", given) == {
        "label": 143_100_000,
        "operator": 700_000_000,
        "party:collecting-society": 13_800_000,
        "party:performers-fund": 14_310_000,
        "singer": 128_790_000,
    }


def test_residuals_are_divided_by_units_with_a_levy_on_top() -> None:
    """3.6 % of 1,000; 3 + 7 units against 2 + 8 and 5 + 5; 21 % of it go to the plans from the operator's part."""
    units = {("residual", "ada"): (3, 7), ("residual", "bob"): (2, 8), ("residual", "cyd"): (5, 15)}
    given = Given(
        songs=(Song("film", {("residual", "WORLD"): {"ada": PPB}}, units=units),),
        outputs=(output("o", 1, film=1),),
        events=(event("e", "o", 1_000_000_000),),
    )

    assert paid("residuals-by-units", given) == {
        "ada": 9_000_000,
        "bob": 9_000_000,
        "cyd": 18_000_000,
        "levies": 7_560_000,
        "operator": 1_000_000_000 - 36_000_000 - 7_560_000,
    }


def test_an_appearance_pays_a_fee_whatever_it_earned() -> None:
    """Ten plain uses, two advertisements and a test of ada's voice: 0.05 times 10 + 3 + 0, and a fifth on top."""
    given = Given(
        songs=(Song("voice", {("likeness", "WORLD"): {"ada": PPB}}),),
        outputs=(output("o", 1, voice=1),),
        events=(
            event("e1", "o", 0, uses=10, use="likeness", currency="USD", declared=("voice",)),
            event("e2", "o", 1_000_000, uses=2, use="advertisement", currency="USD", declared=("voice",)),
            event("e3", "o", 0, uses=5, use="test", currency="USD", declared=("voice",)),
        ),
    )

    assert paid("likeness-per-appearance", given) == {"ada": 650_000, "levies": 130_000, "operator": 220_000}


def test_a_flat_licence_divides_a_part_equally_and_the_rest_by_significant_credit() -> None:
    """30 % of 10,000 over all twenty works alike; of the rest no work draws more than a tenth of the licence."""
    names = [f"w{number:02d}" for number in range(20)]
    given = Given(
        songs=tuple(song(name, **{f"p{name}": PPB}) for name in names),
        outputs=(output("o", 200, **{name: 20 if name == "w00" else 10 for name in names[:19]}),),
        events=(event("e", "o", 0),),
    )

    found = paid("flat-licence", given)

    equal = 3_000_000_000 // 20
    assert found["pw19"] == equal
    assert found["pw00"] == equal + 700_000_000
    assert found["operator"] == -10_000_000_000
    assert sum(found.values()) == 0
    assert {found[f"p{name}"] for name in names[1:19]} == {equal + 350_000_000}


@pytest.mark.parametrize("name", EXPECTED)
def test_both_ways_of_closing_agree_on_every_example(name: str, tmp_path: Path) -> None:
    """Rows in plain Python and columns in NumPy and DuckDB give the same document under each example."""
    crew = {("residual", "ada"): (3, 7), ("residual", "bob"): (2, 9)}
    splits = {
        (right, "WORLD"): {"ada": PPB // 3, "bob": PPB - PPB // 3}
        for right in ("likeness", "performance", "residual", "train")
    }
    given = Given(
        songs=(Song("w1", splits, units=crew), Song("w2", splits, state="disputed"), song("w3")),
        outputs=(output("o1", 10, w1=6, w2=2, w3=-1), output("o2", 4, w1=-1, w2=3, w3=2)),
        events=(
            event("e1", "o1", 10_000_001, payer="p1", uses=1_500, declared=("w1", "w2")),
            event("e2", "o2", 5_000_001, territory="DE", payer="p2", uses=700, use="advertisement", declared=("w3",)),
            event("e3", "o1", 3_333_333, currency="USD", tax_micros=333_333),
            event("e4", "o2", 777_777, kind="refund", usage_period="2026-10"),
        ),
        revenue=(Income("r1", 99_999_999, payer="p1", tax_micros=9_999_999), Income("r2", 1_000_003, payer="idle")),
        policy=shipped_policy(name),
    )
    frozen = given.freeze(tmp_path / "frozen")

    simple = close_period(frozen, "2026-11", "2026-11-01", "2026-11-30", given.policy)
    fast = columns.close_period(frozen, "2026-11", "2026-11-01", "2026-11-30", given.policy, tmp_path / "close")

    assert fast == simple.close
    entry = close_entry(fast, line_sums(lines_of(tmp_path / "close")))
    assert entry == close_entry(simple.close, line_sums(simple.lines))
    assert entry is not None

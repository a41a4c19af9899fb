"""The examples that come with the package say what their comments promise."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from endcredits.errors import NotFoundError
from endcredits.money import PPB
from endcredits.royalties.policy import read_policy, shipped_policies, shipped_policy, shipped_text
from endcredits.royalties.policy_text import policy_toml

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

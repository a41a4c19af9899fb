"""A policy is read exactly, and whatever cannot be read exactly is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.royalties import FIFTY_FIFTY, Policy, parse_policy, policy_digest, read_policy


def toml(**rules: str) -> str:
    """A policy file with the given lines, valid where nothing else is said."""
    lines = {"name": '"p"', "pool": '"50%"'} | rules
    return "[policy]\n" + "\n".join(f"{key} = {value}" for key, value in lines.items() if value)


def test_the_default_policy_is_half_by_revenue_from_ten_on() -> None:
    """The packaged file says fifty per cent, by revenue, right to train, threshold 10.00."""
    expected = Policy("fifty-fifty", 500_000_000, "revenue", "train", 10_000_000)

    assert expected == FIFTY_FIFTY


def test_a_policy_is_read_from_a_file_or_from_text(tmp_path: Path) -> None:
    """A path, a path as text and the TOML text itself give the same policy."""
    text = toml(weighting='"nats"', right='"performance"', payout_threshold='"2.5"')
    file = tmp_path / "policy.toml"
    file.write_text(text)

    found = {read_policy(file), read_policy(str(file)), read_policy(text)}

    assert found == {Policy("p", 500_000_000, "nats", "performance", 2_500_000)}


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
    assert parse_policy(toml(**rules)).pool_ppb == pool_ppb


@given(st.integers(0, PPB))
def test_every_share_can_be_written_as_a_percentage(ppb: int) -> None:
    """Percent with seven decimals and parts per billion are the same number."""
    text = f"{ppb // 10_000_000}.{ppb % 10_000_000:07d}%"

    assert parse_policy(toml(pool=f'"{text}"')).pool_ppb == ppb


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"pool": ""}, "pool"),
        ({"name": ""}, "name"),
        ({"name": '"two words"'}, "name"),
        ({"name": "7"}, "name"),
        ({"pool": "50"}, "pool"),
        ({"pool": "0.5"}, "pool"),
        ({"pool": '"50"'}, "pool"),
        ({"pool": '"-1%"'}, "pool"),
        ({"pool": '"100.0000001%"'}, "pool"),
        ({"pool": '"1.00000001%"'}, "pool"),
        ({"pool_ppb": "5"}, "pool_ppb"),
        ({"pool": "", "pool_ppb": "true"}, "pool_ppb"),
        ({"pool": "", "pool_ppb": "1.0"}, "pool_ppb"),
        ({"pool": "", "pool_ppb": "-1"}, "pool_ppb"),
        ({"pool": "", "pool_ppb": "1000000001"}, "pool_ppb"),
        ({"weighting": '"equal"'}, "weighting"),
        ({"weighting": "1"}, "weighting"),
        ({"right": '""'}, "right"),
        ({"payout_threshold": "10"}, "payout_threshold"),
        ({"payout_threshold": '"-0.01"'}, "payout_threshold"),
        ({"payout_threshold": '"ten"'}, "payout_threshold"),
        ({"payout_threshold": '"0.0000001"'}, "payout_threshold"),
        ({"payout_threshold": '"99999999999999999999999999"'}, "payout_threshold"),
        ({"payout_threshold_micros": "-1"}, "payout_threshold_micros"),
        ({"payout_threshold": '"1"', "payout_threshold_micros": "1"}, "payout_threshold_micros"),
        ({"poool": '"50%"'}, "poool"),
    ],
)
def test_a_wrong_rule_is_refused_by_name(rules: dict[str, str], field: str, tmp_path: Path) -> None:
    """Unknown, missing, doubled, mistyped and out of range: the file, the key and a remedy are named."""
    file = tmp_path / "policy.toml"
    file.write_text(toml(**rules))

    with pytest.raises(InputError) as caught:
        read_policy(file)

    assert (caught.value.file, caught.value.field) == (str(file), field)
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["[policy\n", "name = 1\n", "policy = 3\n", "[other]\n", "[policy]\n[other]\n"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    """Broken TOML, no table [policy], or a table beside it."""
    with pytest.raises(InputError) as caught:
        read_policy(text)

    assert caught.value.remedy


def test_the_digest_follows_the_content() -> None:
    """Equal policies have equal digests, different ones different digests."""
    same = parse_policy(toml(name='"fifty-fifty"', payout_threshold='"10"'))
    other = parse_policy(toml(name='"fifty-fifty"', payout_threshold='"10.000001"'))

    assert policy_digest(same) == policy_digest(FIFTY_FIFTY) != policy_digest(other)

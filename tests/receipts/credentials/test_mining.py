"""A no is carried on and never becomes a yes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError
from endcredits.receipts.credentials.mining import (
    USES,
    Entries,
    assertion_data,
    carried_on,
    doubts,
    entries_of,
    said_before,
    stated,
    strictest,
)

ORDER = ("allowed", "constrained", "notAllowed")
NO = {name: {"use": "notAllowed"} for name in USES}


def entry(value: str) -> dict[str, str]:
    return {"use": value, "constraint_info": "ask"} if value == "constrained" else {"use": value}


some = st.dictionaries(st.sampled_from(USES), st.sampled_from(ORDER).map(entry))


@given(some)
def test_what_is_written_is_what_is_read(entries: Entries) -> None:
    if entries:
        assert entries_of(assertion_data(entries)) == entries
        assert list(doubts(assertion_data(entries))) == []


@given(some, some)
def test_together_means_the_stricter(left: Entries, right: Entries) -> None:
    both = strictest(left, right)
    for name in USES:
        words = [side[name]["use"] for side in (left, right) if name in side]
        assert (both[name]["use"] if name in both else None) == (max(words, key=ORDER.index) if words else None)


@given(some, some)
def test_nothing_widens(before: Entries, now: Entries) -> None:
    weaker = [n for n in now if n in before and ORDER.index(now[n]["use"]) < ORDER.index(before[n]["use"])]
    if weaker:
        with pytest.raises(ConflictError, match="already"):
            carried_on(before, now, "a.png")
        return
    after = carried_on(before, now, "a.png")
    assert set(after) == set(before) | set(now)
    assert all(ORDER.index(after[name]["use"]) >= ORDER.index(before[name]["use"]) for name in before)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"entries": {}},
        {"entries": []},
        {"entries": {"cawg.data_mining": {"use": "maybe"}}},
        {"entries": {"cawg.data_mining": "no"}},
        {"entries": {"cawg.data_mining": {"use": ["allowed"]}}},
    ],
)
def test_unknown_words_are_a_no(data: Any) -> None:
    assert entries_of(data)["data_mining"] == {"use": "notAllowed"}
    assert list(doubts(data))


def test_an_unknown_use_is_a_no_to_all_and_its_yes_is_nothing() -> None:
    assert entries_of({"entries": {"cawg.singing": {"use": "notAllowed"}}}) == NO
    assert entries_of({"entries": {"cawg.singing": {"use": "allowed"}}}) == {}


def test_constrained_without_saying_how_is_a_no() -> None:
    said = {"entries": {"c2pa.ai_training": {"use": "constrained"}, "c2pa.data_mining": entry("constrained")}}
    assert entries_of(said) == {"ai_training": {"use": "notAllowed"}, "data_mining": entry("constrained")}


def test_every_manifest_of_a_store_counts() -> None:
    store = {
        "manifests": {
            "one": {
                "assertions": [{"label": "cawg.training-mining", "data": assertion_data({"ai_training": entry("allowed")})}]
            },
            "two": {
                "assertions": [{"label": "c2pa.training-mining", "data": {"entries": {"c2pa.ai_training": {"use": "no"}}}}]
            },
            "three": {"assertions": "none"},
            "four": None,
        }
    }
    assert said_before(store) == {"ai_training": {"use": "notAllowed"}}
    assert said_before({}) == said_before({"manifests": []}) == {}


def test_what_the_operator_says() -> None:
    assert stated(["no"]) == NO
    assert stated(["yes", "ai_inference=constrained:with credit"])["ai_inference"]["constraint_info"] == "with credit"
    assert stated(["cawg.data_mining=allowed"]) == {"data_mining": {"use": "allowed"}}
    for wrong in (
        "maybe",
        "ai_training",
        "ai_training=no",
        "singing=allowed",
        "ai_training=constrained",
        "ai_training=allowed:x",
    ):
        with pytest.raises(InputError, match="no statement"):
            stated([wrong])

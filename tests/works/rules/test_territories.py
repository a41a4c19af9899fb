"""Places and what lies in them."""

from __future__ import annotations

import pytest

from endcredits.errors import InputError
from endcredits.works.rules.territories import check_place, is_place, lies_in, meet

UNIONS = {"EU": frozenset(("DE", "FR"))}


@pytest.mark.parametrize("text", ["WORLD", "EU", "DE", "US-CA", "GB-ENG", "FR-75"])
def test_places(text: str) -> None:
    assert is_place(text) and check_place(text) == text


@pytest.mark.parametrize("text", ["", "us", "USA", "US-", "US-CALI", "US-CA ", "World", "US_CA", "\uff35\uff33", "US-CA\n"])
def test_no_places(text: str) -> None:
    with pytest.raises(InputError) as error:
        check_place(text, field="territory")
    assert error.value.field == "territory"


@pytest.mark.parametrize(
    ("place", "other", "within"),
    [
        ("US-CA", "US", True),
        ("US-CA", "US-CA", True),
        ("US-CA", "US-NY", False),
        ("US", "US-CA", False),
        ("DE", "EU", True),
        ("DE-BY", "EU", True),
        ("EU", "DE", False),
        ("GB", "EU", False),
        ("JP", "WORLD", True),
        ("WORLD", "JP", False),
        ("WORLD", "WORLD", True),
    ],
)
def test_lying_in(place: str, other: str, within: bool) -> None:
    assert lies_in(place, other, UNIONS) is within
    assert not within or (meet(place, other, UNIONS) and meet(other, place, UNIONS))


def test_neighbours_do_not_meet() -> None:
    assert not meet("US-CA", "US-NY", UNIONS) and not meet("DE", "FR", UNIONS) and not meet("EU", "US", UNIONS)

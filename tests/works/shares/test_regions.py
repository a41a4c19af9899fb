"""Regions are sets of places: adding and taking out does what sets do, for every country and for the world besides."""

from __future__ import annotations

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works.shares import EVERYWHERE, Region, region_of
from endcredits.works.shares.countries import COUNTRIES, COUNTRY_OF_NUMBER, GROUPS
from endcredits.works.shares.regions import NOWHERE, place_of, told_apart

PLACES = ("WORLD", "DE", "FR", "US", "BR")
REGIONS = st.builds(Region, st.booleans(), st.frozensets(st.sampled_from(PLACES[1:])))


@given(REGIONS, REGIONS)
def test_regions_are_sets(one: Region, two: Region) -> None:
    for place in PLACES:
        assert one.joined(two).covers(place) == (one.covers(place) or two.covers(place))
        assert one.without(two).covers(place) == (one.covers(place) and not two.covers(place))
    assert one.meets(two) == any(one.covers(place) and two.covers(place) for place in PLACES)
    assert one == NOWHERE or region_of(str(one)) == one


def test_countries_are_those_of_the_standard() -> None:
    """Numbers and letters as the list of ISO 3166-1 has them; groups hold countries."""
    assert {int(one.numeric): one.alpha_2 for one in pycountry.countries} == COUNTRY_OF_NUMBER
    assert all(members and members <= COUNTRIES for members in GROUPS.values())
    assert GROUPS[2131] < GROUPS[2127] < GROUPS[2120] and not GROUPS[2100] & GROUPS[2120]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("world", "WORLD"),
        ("de, at;ch", "AT CH DE"),
        ("DE + FR", "DE FR"),
        ("2136 -0840", "WORLD -US"),
        ("0276", "DE"),
        ("2110", "BE LU NL"),
        ("WORLD -2131 NO", "WORLD -DK -SE"),
        ("WORLD -US +US", "WORLD"),
    ],
)
def test_how_a_region_is_written(text: str, meant: str) -> None:
    assert str(region_of(text)) == meant


@pytest.mark.parametrize("text", ["", " ", "XX", "2106", "9999", "EUROPE", "-DE", "DE -DE", "D E", "٢٧٦", "DE--FR", "=1+1"])
def test_what_is_no_region(text: str) -> None:
    with pytest.raises(InputError):
        region_of(text)


def test_what_is_told_apart() -> None:
    assert told_apart([EVERYWHERE, region_of("WORLD -US"), region_of("DE")]) == ("DE", "US")
    assert place_of("de") == Region(False, frozenset({"DE"}))

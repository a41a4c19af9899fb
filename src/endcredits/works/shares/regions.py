"""Where a share holds: some countries, or the whole world but some countries.

"WORLD -US -CA" is the world without two countries, "2120 -FR" a group without one. What is meant is kept as a set that
either lists its places or lists what it leaves out, so that the world never has to be written as 249 countries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.works.records import WORLD
from endcredits.works.shares.countries import COUNTRIES, COUNTRY_OF_NUMBER, GROUPS, TIS_WORLD

_TOKEN = re.compile(r"([+-]?)([A-Za-z]{2}|[Ww][Oo][Rr][Ll][Dd]|[0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Region:
    """A set of places.

    Attributes:
        elsewhere: whether it holds everywhere but in `places`; otherwise it holds in `places` alone.
        places: ISO 3166-1 alpha-2 codes.
    """

    elsewhere: bool
    places: frozenset[str]

    def covers(self, place: str) -> bool:
        """Whether a country lies in it; WORLD stands for every place that nobody tells apart.

        >>> Region(True, frozenset({"US"})).covers("US"), Region(True, frozenset({"US"})).covers("WORLD")
        (False, True)
        """
        return self.elsewhere if place == WORLD else (place in self.places) != self.elsewhere

    def joined(self, other: Region) -> Region:
        """Both together."""
        if self.elsewhere and other.elsewhere:
            return Region(True, self.places & other.places)
        if self.elsewhere or other.elsewhere:
            world, few = (self, other) if self.elsewhere else (other, self)
            return Region(True, world.places - few.places)
        return Region(False, self.places | other.places)

    def without(self, other: Region) -> Region:
        """What is left of it where the other is taken out."""
        if self.elsewhere and other.elsewhere:
            return Region(False, other.places - self.places)
        if self.elsewhere:
            return Region(True, self.places | other.places)
        return Region(False, frozenset(one for one in self.places if not other.covers(one)))

    def meets(self, other: Region) -> bool:
        """Whether any place lies in both."""
        return self.without(self.without(other)) != NOWHERE

    def __str__(self) -> str:
        if not self.elsewhere:
            return " ".join(sorted(self.places))
        return " ".join([WORLD, *(f"-{place}" for place in sorted(self.places))])


EVERYWHERE = Region(True, frozenset())
NOWHERE = Region(False, frozenset())


def place_of(code: str, *, field: str = "territory") -> Region:
    """The region of one code: WORLD, a country as letters or number, or a group by its TIS number.

    >>> str(place_of("840")), str(place_of("2131")), str(place_of("2136"))
    ('US', 'DK NO SE', 'WORLD')

    Raises:
        InputError: nobody knows it; a group whose members are not sure is not known.
    """
    text = code.strip().upper()
    if text == WORLD or (text.isdecimal() and int(text) == TIS_WORLD):
        return EVERYWHERE
    if text in COUNTRIES:
        return Region(False, frozenset({text}))
    if text.isascii() and text.isdecimal() and len(text) <= 4:
        number = int(text)
        if number in COUNTRY_OF_NUMBER:
            return Region(False, frozenset({COUNTRY_OF_NUMBER[number]}))
        if number in GROUPS:
            return Region(False, GROUPS[number])
    raise InputError(
        f"'{code.strip()[:20]}' is not a territory that we know",
        remedy="Use WORLD, a country of ISO 3166-1 (DE or 276), or name the countries of a group one by one.",
        field=field,
    )


def region_of(text: str, *, field: str = "territory") -> Region:
    """The region that a text means: codes in their order, each added, or taken out again after a minus.

    >>> str(region_of("WORLD -US -CA")), str(region_of("DE+AT")), str(region_of("2120 -250").covers("FR"))
    ('WORLD -CA -US', 'AT DE', 'False')

    Raises:
        InputError: an unknown code, another shape, or nothing left.
    """
    plain = re.sub(r"[\s,;]+", " ", re.sub(r"\s*\+\s*", " +", text)).strip()
    found = NOWHERE
    for token in plain.split(" ") if plain else ():
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise InputError(
                f"'{text[:60]}' is not a territory",
                remedy="Write it like WORLD, DE, 'DE AT CH' or 'WORLD -US'.",
                field=field,
            )
        place = place_of(match[2], field=field)
        found = found.without(place) if match[1] == "-" else found.joined(place)
    if found == NOWHERE:
        raise InputError(
            f"nothing is left of the territory '{text[:60]}'", remedy="Begin with WORLD or a country.", field=field
        )
    return found


def told_apart(regions: Iterable[Region]) -> tuple[str, ...]:
    """The countries that regions tell apart from everywhere else, sorted."""
    return tuple(sorted({place for region in regions for place in region.places}))

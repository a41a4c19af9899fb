"""Which places lie in which: a country's parts in the country, members in their union, everything in WORLD.

A question about a place is answered with the rules of the place, of what it lies in and of what lies in it: whoever asks
about "US" reaches California as well, so California's rules are part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from endcredits.errors import InputError
from endcredits.works.rules.records import WORLD

_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?|WORLD", re.ASCII)


def is_place(text: str) -> bool:
    """Whether a text has the shape of a place: WORLD, EU, a country (DE) or a part of one (US-CA)."""
    return _PLACE.fullmatch(text) is not None


def check_place(text: str, *, field: str = "jurisdiction") -> str:
    """Returns a place as it is.

    >>> check_place("US-CA")
    'US-CA'

    Raises:
        InputError: another shape.
    """
    if not isinstance(text, str) or not is_place(text):
        raise InputError(
            f"{str(text)[:40]!a} is not a jurisdiction",
            remedy="Write WORLD, EU, a country of ISO 3166 (DE), or a part of one (US-CA).",
            field=field,
        )
    return text


def lies_in(place: str, other: str, unions: Mapping[str, frozenset[str]]) -> bool:
    """Whether a place is another, or a part of it.

    >>> lies_in("US-CA", "US", {}), lies_in("US", "US-CA", {}), lies_in("DE", "EU", {"EU": frozenset(["DE"])})
    (True, False, True)
    """
    country = place.partition("-")[0]
    return other in (WORLD, place, country) or country in unions.get(other, ())


def meet(place: str, other: str, unions: Mapping[str, frozenset[str]]) -> bool:
    """Whether one of two places lies in the other."""
    return lies_in(place, other, unions) or lies_in(other, place, unions)

"""A request that makes sense: every word of it is checked before anything is decided or counted."""

from __future__ import annotations

from endcredits.errors import InputError
from endcredits.works.likeness.questions import POSTURES, PURPOSES, LikenessUse
from endcredits.works.likeness.records import MODALITIES
from endcredits.works.party_ids import checked_party_id
from endcredits.works.rules.records import WORLD
from endcredits.works.rules.territories import check_place
from endcredits.works.shares.countries import COUNTRIES

COUNT_MAX = 1_000_000
TEXT_MAX = 2_000


def check_use(use: LikenessUse) -> LikenessUse:
    """Returns a request as it is.

    Raises:
        InputError: an id, place, modality, purpose, posture or count that is none; a text that is not one line; lists that
            are not sorted or name something twice.
    """
    checked_party_id(use.person_id, field="person_id")
    _known(use.territory, "territory")
    for place in use.jurisdictions:
        _known(place, "jurisdiction")
    if not use.modalities:
        raise InputError(
            "the request does not say what of the person is replicated",
            remedy=f"Name at least one of: {', '.join(MODALITIES)}.",
            field="modality",
        )
    for field, values, known in (
        ("modality", use.modalities, MODALITIES),
        ("purpose", (use.purpose,), PURPOSES),
        ("posture", use.postures, POSTURES),
    ):
        for one in values:
            if one not in known:
                raise InputError(f"{one[:40]!a} is no {field}", remedy=f"Use one of: {', '.join(known)}.", field=field)
    if isinstance(use.count, bool) or not isinstance(use.count, int) or not 1 <= use.count <= COUNT_MAX:
        raise InputError(
            f"{str(use.count)[:40]} is not a number of uses",
            remedy=f"Give a whole number from 1 to {COUNT_MAX}.",
            field="count",
        )
    for field in ("project", "medium", "description", "script_ref", "advertiser", "product_line", "sublicensee"):
        _line(getattr(use, field), field, may_be_empty=field not in ("project", "medium", "description"))
    for context in use.contexts:
        _line(context, "context")
    for field in ("modalities", "contexts", "jurisdictions", "postures"):
        values = getattr(use, field)
        if list(values) != sorted(set(values)):
            raise InputError("a list is not sorted, or names something twice", remedy="Name each thing once.", field=field)
    return use


def _known(place: str, field: str) -> None:
    """A country that there is: about one that there is not, no rule has anything to say, and nothing would block."""
    country = check_place(place, field=field).partition("-")[0]
    if country not in COUNTRIES and place not in ("EU", WORLD):
        raise InputError(
            f"'{place}' is no country of ISO 3166-1, nor a part of one", remedy="Write DE, US-CA, EU or WORLD.", field=field
        )


def _line(text: str, field: str, *, may_be_empty: bool = False) -> None:
    if not text.strip() and not may_be_empty:
        raise InputError(
            f"the {field} is empty", remedy="Say it: consent is given for something in particular.", field=field
        )
    if len(text) > TEXT_MAX:
        raise InputError(f"the {field} has {len(text)} characters", remedy=f"Use at most {TEXT_MAX}.", field=field)
    if any(not letter.isprintable() for letter in text):
        raise InputError(f"the {field} holds a character that cannot be seen", remedy="Retype it on one line.", field=field)

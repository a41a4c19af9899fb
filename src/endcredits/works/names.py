"""Names of parties: how they are kept, how an id is made from one, and that no e-mail address is ever kept as one.

The same name is the same party. That is a limit as well as a rule: two people of one name share an id unless a standard
identifier (ISNI, ORCID, IPI) tells them apart, and one person under two spellings is two parties. Case, spaces and
Unicode's several ways of writing one letter (NFC, Unicode Standard Annex 15) make no difference.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from endcredits.errors import InputError
from endcredits.ids import VALIDATORS, PartyId, slug

ADDRESS = re.compile(r"[^\s<>(),;:\"\[\]]+@[^\s<>(),;:\"\[\]]+")
"""Anything that could be an e-mail address: text, @, text."""

NAME_LENGTH_MAX = 200

Identifiers = tuple[tuple[str, str], ...]


def clean_name(text: str) -> str:
    """A name as it is kept: NFC, one kind of space.

    Raises:
        InputError: empty, too long, an unprintable character, or an e-mail address in it.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise InputError("a name is empty", remedy="Write the name as it shall be shown.", field="creator")
    if len(name) > NAME_LENGTH_MAX:
        raise InputError(
            f"the name '{name[:40]}...' is longer than {NAME_LENGTH_MAX} characters",
            remedy="Separate several names with ';'.",
            field="creator",
        )
    if not name.isprintable():
        raise InputError(f"the name {name!r} holds an unprintable character", remedy="Retype it.", field="creator")
    if ADDRESS.search(name):
        # The address itself is not repeated here: errors are printed and logged.
        raise InputError(
            "a name holds an e-mail address", remedy="Write the name alone; addresses are never kept.", field="creator"
        )
    return name


def party_key(name: str) -> str:
    """What decides whether two names are the same: NFC without case, one kind of space."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(folded.split())


def clean_identifiers(identifiers: Identifiers) -> Identifiers:
    """Standard identifiers, checked and sorted.

    Raises:
        InputError: an unknown scheme, or a number that its check digit refuses.
    """
    for scheme, _ in identifiers:
        if scheme not in VALIDATORS:
            raise InputError(
                f"'{scheme}' is not an identifier that we know",
                remedy=f"Use one of: {', '.join(VALIDATORS)}.",
                field="identifiers",
            )
    return tuple(sorted({(scheme, VALIDATORS[scheme](value)) for scheme, value in identifiers}))


def party_id_of(name: str, identifiers: Identifiers = ()) -> PartyId:
    """The id of the party with a name and, where known, its (checked) identifiers.

    >>> party_id_of("Emily Bronte") == party_id_of("  emily   BRONTE ")
    True

    Returns:
        "party:<slug of the name>-<8 hex digits of the SHA-256 of what decides sameness>".
    """
    key = "\n".join([party_key(name), *(f"{scheme}:{value}" for scheme, value in identifiers)])
    return PartyId(f"party:{slug(party_key(name))}-{hashlib.sha256(key.encode()).hexdigest()[:8]}")

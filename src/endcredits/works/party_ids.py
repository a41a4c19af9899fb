"""The id of a party as files of payees, contracts and claims give it; who writes a name there is told where ids are."""

from __future__ import annotations

from endcredits.errors import InputError
from endcredits.ids import PartyId, plain_id


def checked_party_id(text: str, *, field: str = "party_id") -> PartyId:
    """Returns the id of a party as it is; whether a party has it is not asked here.

    Raises:
        InputError: it cannot be an id, as a name with a space cannot; the remedy says where ids are listed.
    """
    try:
        return PartyId(plain_id(text, what=field))
    except InputError as error:
        raise InputError(
            error.message,
            remedy="Give the party's id, not its name; 'endcredits works parties' lists the ids of all names.",
            field=field,
        ) from error

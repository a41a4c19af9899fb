"""Who the registered works name, and finding a party by what people call it: its id, or its name."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from endcredits.errors import InputError, NotFoundError
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId
from endcredits.works import Party, parties

NAMES_SHOWN = 5


def all_parties(studio: Studio) -> tuple[Party, ...]:
    """Everybody whom a registered work names, by name, then by id."""
    with studio.store.reading() as conn:
        return tuple(sorted(parties(conn).values(), key=lambda party: (party.name.casefold(), party.party_id)))


def party_called(conn: Connection, called: str) -> PartyId:
    """The party with this id or name.

    Raises:
        NotFoundError: no registered work names it; the remedy says a few that are.
        InputError: several parties have the name.
    """
    known = parties(conn)
    if called in known:
        return PartyId(called)
    found = [party_id for party_id, party in known.items() if party.name == called]
    if len(found) > 1:
        raise InputError(
            f"{len(found)} parties are called '{called}'", remedy=f"Give an id: {', '.join(sorted(found))}.", field="party"
        )
    if not found:
        names = sorted({party.name for party in known.values()})
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        raise NotFoundError(
            f"there is no party '{called}'",
            remedy=f"Name a party of a registered work, as it is written there: {', '.join(names[:NAMES_SHOWN])}{more}.",
            field="party",
        )
    return found[0]

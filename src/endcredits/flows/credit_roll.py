"""The credits of one work, as a screen shows them, with its numbers and with who is paid for which right where."""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.works import Credit, Party, parties, splits_at
from endcredits.works.shares.book import credits_of, work_of
from endcredits.works.shares.known_as import WorkIdentifier, identifiers, other_titles, parties_by_number


@dataclass(frozen=True, slots=True)
class Credited:
    """A credit with whoever has it.

    Attributes:
        credit: role, words, position.
        party: who.
        numbers: (scheme, value) pairs by which the party is known, sorted.
    """

    credit: Credit
    party: Party
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Paid:
    """Who is paid for one right in one place.

    Attributes:
        right: such as "train".
        territory: WORLD or a country.
        portions: parts per billion by the party's name, largest first.
    """

    right: str
    territory: str
    portions: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class CreditRoll:
    """A work and everybody on it.

    Attributes:
        work_id: the work.
        title: its title.
        other_titles: others by which files call it.
        files: how many files it has; one that only a file of a society knows has none.
        identifiers: its numbers and who says so.
        credits: in display order, as registered and as added since.
        paid: on the day asked about, by right and place.
    """

    work_id: WorkId
    title: str
    other_titles: tuple[str, ...]
    files: int
    identifiers: tuple[WorkIdentifier, ...]
    credits: tuple[Credited, ...]
    paid: tuple[Paid, ...]


def credit_roll(studio: Studio, work_id: WorkId, on: str = "") -> CreditRoll:
    """The credits of a work.

    Args:
        studio: whose catalogue it is.
        work_id: the work.
        on: the day whose splits are told, YYYY-MM-DD; today by default.

    Raises:
        NotFoundError: no such work.
        InputError: `on` is no day.
    """
    day = on or now()[:10]
    with studio.store.reading() as conn:
        work = work_of(conn, work_id)
        people, numbers = parties(conn), parties_by_number(conn)
        known = [one for one in identifiers(conn) if one.work_id == work_id]
        titles = other_titles(conn).get(work_id, ())
        credits = credits_of(conn, work_id)
    of_party: dict[str, list[tuple[str, str]]] = {}
    for pair, party_id in sorted(numbers.items()):
        of_party.setdefault(party_id, []).append(pair)
    paid = []
    for right, place in sorted({(split.right, split.territory) for split in work.splits}):
        portions = [(people[one.party_id].name, one.split_ppb) for one in splits_at(work, right, place, day)]
        if portions:
            paid.append(Paid(right, place, tuple(sorted(portions, key=lambda one: (-one[1], one[0])))))
    return CreditRoll(
        work_id,
        work.title,
        titles,
        len(work.manifestations),
        tuple(known),
        tuple(Credited(one, people[one.party_id], tuple(of_party.get(one.party_id, ()))) for one in credits),
        tuple(paid),
    )

"""From shares as people write them down to sets of splits that sum to one whole, place by place and day by day.

People agree on a *holding*: who has how much of a right, where, and from when to when. Money is divided by *sets*: for one
right, one place and from one day on, portions that sum to exactly the whole. `agree` makes sets of holdings:

- a country gets a set of its own only where it differs from everywhere else;
- what nobody holds there is laid on `NOT_AGREED`: that part of the money waits in suspense, and the others are paid;
- more than the whole is claimed by somebody who is wrong. It is never averaged: the right gets no set at all, and the claims
  are returned so that a dispute can be opened;
- the same share of the same person stated twice for the same days and places is a mistake, and so gets no set either.

A day is a text like 2026-11-20. A set holds until another begins, so a holding that ends makes one in which its part waits.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.ids import PartyId
from endcredits.money import PPB
from endcredits.works.names import party_id_of
from endcredits.works.records import WORLD, Split
from endcredits.works.shares.regions import EVERYWHERE, Region, told_apart
from endcredits.works.utc import check_day

NOT_AGREED_NAME = "Not agreed yet"
NOT_AGREED = party_id_of(NOT_AGREED_NAME)
"""Stands in a set of splits for the part that nobody is agreed to own; it is never paid, its money waits in suspense."""
FIRST_DAY = "0001-01-01"


@dataclass(frozen=True, slots=True)
class Holding:
    """Somebody's share of a right.

    Attributes:
        party_id: who holds it; `NOT_AGREED` for a share that is known and whose owner is not.
        share_ppb: how much, in parts per billion of the whole right, > 0; more than the whole is an over-claim, no error.
        right: such as "performance".
        region: where.
        valid_from: first day.
        valid_to: last day, "" for no end.
        role: as what, a role code; one party may hold a share as composer and another as publisher.
        source: where it is written, for people ("record 12").
    """

    party_id: PartyId
    share_ppb: int
    right: str
    region: Region = EVERYWHERE
    valid_from: str = FIRST_DAY
    valid_to: str = ""
    role: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class OverHeld:
    """A right of which more than the whole is held.

    Attributes:
        right: which.
        place: WORLD or a country: the first one where it is so.
        day: the first day on which it is so.
        total_ppb: how much is held.
        held: by party, sorted.
    """

    right: str
    place: str
    day: str
    total_ppb: int
    held: tuple[tuple[PartyId, int], ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """The same share stated twice for the same days.

    Attributes:
        first: one.
        second: the other, which begins no earlier.
    """

    first: Holding
    second: Holding


@dataclass(frozen=True, slots=True)
class Agreed:
    """What holdings come to.

    Attributes:
        splits: sets that sum to one whole, by right, place, day and party.
        over: rights that are held more than once over; they have no splits here.
        overlaps: shares stated twice; their rights have no splits here.
        waiting: (right, place, first day, parts per billion) of what nobody holds.
    """

    splits: tuple[Split, ...]
    over: tuple[OverHeld, ...]
    overlaps: tuple[Overlap, ...]
    waiting: tuple[tuple[str, str, str, int], ...]


def agree(holdings: Iterable[Holding], before: Iterable[Split] = ()) -> Agreed:
    """Makes sets of splits of the holdings of one work.

    Args:
        holdings: all of them.
        before: sets that the work has already. They go on where the holdings say nothing; and a country that one of them
            tells apart is told apart again, because its own set goes before the world's, however old it is.

    Raises:
        InputError: a share that is not a whole number above 0, a day that is none, or an end before its beginning.
    """
    of_right: dict[str, list[Holding]] = {}
    for holding in holdings:
        of_right.setdefault(_checked(holding).right, []).append(holding)
    standing: defaultdict[str, list[Split]] = defaultdict(list)
    for split in before:
        standing[split.right].append(split)
    splits: list[Split] = []
    over: list[OverHeld] = []
    overlaps: list[Overlap] = []
    waiting: list[tuple[str, str, str, int]] = []
    for right, own in sorted(of_right.items()):
        twice = overlapping(own)
        sets, too_much = _sets(right, own, standing[right])
        overlaps += twice
        over += too_much
        if not twice and not too_much:
            for (place, day), portions in sorted(sets.items()):
                splits += [Split(PartyId(one), ppb, right, place, day) for one, ppb in sorted(portions.items())]
                if NOT_AGREED in portions:
                    waiting.append((right, place, day, portions[NOT_AGREED]))
    return Agreed(tuple(splits), tuple(over), tuple(overlaps), tuple(waiting))


def _checked(holding: Holding) -> Holding:
    if isinstance(holding.share_ppb, bool) or not isinstance(holding.share_ppb, int) or holding.share_ppb <= 0:
        raise InputError(
            f"the share of {holding.party_id} is {holding.share_ppb!r}",
            remedy="A share is a whole number of parts per billion greater than 0.",
            field="share",
        )
    if not holding.right.strip():
        raise InputError(f"the share of {holding.party_id} names no right", remedy="Use 'train'.", field="right")
    check_day(holding.valid_from)
    if holding.valid_to:
        check_day(holding.valid_to, field="valid_to")
        if holding.valid_to < holding.valid_from:
            raise InputError(
                f"the share of {holding.party_id} ends on {holding.valid_to}, before it begins on {holding.valid_from}",
                remedy="Swap the two days.",
                field="valid_to",
            )
    return holding


def overlapping(holdings: Sequence[Holding]) -> list[Overlap]:
    """Pairs of holdings of the same party in the same role and right that hold on the same day in the same place."""
    alike: dict[tuple[PartyId, str, str], list[Holding]] = {}
    for holding in holdings:
        if holding.party_id != NOT_AGREED:
            alike.setdefault((holding.party_id, holding.role, holding.right), []).append(holding)
    found = []
    for same in alike.values():
        in_order = sorted(same, key=lambda one: (one.valid_from, one.valid_to or "~", str(one.region), one.source))
        for number, first in enumerate(in_order):
            for second in in_order[number + 1 :]:
                if first.valid_to and second.valid_from > first.valid_to:
                    break
                if first.region.meets(second.region):
                    found.append(Overlap(first, second))
    return found


def _sets(
    right: str, holdings: Sequence[Holding], before: Sequence[Split]
) -> tuple[dict[tuple[str, str], dict[str, int]], list[OverHeld]]:
    """The sets of one right by (place, first day), and the first place and day at which too much is held."""
    days = sorted({one.valid_from for one in holdings} | {_after(one.valid_to) for one in holdings if one.valid_to})
    apart = {one.territory for one in before} - {WORLD}
    places = (WORLD, *sorted({*told_apart(one.region for one in holdings), *apart}))
    sets: dict[tuple[str, str], dict[str, int]] = {}
    over: list[OverHeld] = []
    last: dict[str, dict[str, int]] = {}  # the set that holds in a place, where it has one of its own
    spoken_of: set[str] = set()  # places that the holdings say something about, on this day or before
    for day in days:
        now = [one for one in holdings if one.valid_from <= day and (not one.valid_to or day <= one.valid_to)]
        for place in places:
            held: Counter[PartyId] = Counter()
            for one in now:
                if one.region.covers(place):
                    held[one.party_id] += one.share_ppb
            total = sum(held.values())
            if total > PPB:
                over.append(OverHeld(right, place, day, total, tuple(sorted(held.items()))))
                continue
            portions: dict[str, int] = {party: ppb for party, ppb in held.items()}
            spoken_of |= {place} if held else set()
            shown = last.get(place, last.get(WORLD, {}) if place not in apart else {})
            if place not in spoken_of:
                # What is agreed elsewhere says nothing here: what held goes on, in a set of its own where the world's ended.
                if place in apart or WORLD not in last:
                    continue
                portions = dict(in_force(before, right, place, day))
            if (total := sum(portions.values())) < PPB:
                portions[NOT_AGREED] = portions.get(NOT_AGREED, 0) + PPB - total
            if portions != shown:
                sets[place, day] = last[place] = portions
    return sets, over[:1]


def _after(day: str) -> str:
    if day == "9999-12-31":
        return day
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()


def in_force(splits: Iterable[Split], right: str, place: str, day: str) -> Mapping[str, int]:
    """The portions that hold in a place on a day: its own set's or the world's; {} where there is none."""
    begun: dict[str, str] = {}
    own = [one for one in splits if one.right == right and one.valid_from <= day and one.territory in (place, WORLD)]
    for split in own:
        begun[split.territory] = max(begun.get(split.territory, ""), split.valid_from)
    where = place if place in begun else WORLD
    return {one.party_id: one.split_ppb for one in own if (one.territory, one.valid_from) == (where, begun.get(where))}


def news(agreed: Sequence[Split], before: Sequence[Split]) -> tuple[Split, ...]:
    """Those sets that say something new: one that repeats what its own place has on its first day is left out.

    What a country shares with the world is said for the country nevertheless, so that it stays when the world's changes.
    """
    kept: list[Split] = []
    groups: dict[tuple[str, str, str], list[Split]] = {}
    for split in agreed:
        place = "" if split.territory == WORLD else split.territory  # the world first, since it holds for countries, too
        groups.setdefault((split.valid_from, place, split.right), []).append(split)
    for (day, place, right), group in sorted(groups.items()):
        portions = {split.party_id: split.split_ppb for split in group}
        here = place or WORLD
        own = [one for one in (*before, *kept) if one.territory == here]
        if in_force(own, right, here, day) != portions:
            kept += group
    return tuple(sorted(kept, key=lambda one: (one.right, one.territory, one.valid_from, one.party_id)))

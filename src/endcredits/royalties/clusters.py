"""Duplicates are paid once: the rule inside a cluster of works, and who is entitled to a work's money.

Works that are copies of one another form a cluster; a work alone is its own. A cluster's weight is the sum of its
members' signed weights over all territories, clipped at zero here and nowhere else: a work pays for the uses it made less
likely with those it made more likely, and so does a family of copies. Then

- members that are owned alike (the same parties and portions everywhere) share the cluster's money by their positive
  weights, so that registering copies of one's own work changes nothing;
- otherwise the member registered first takes all of it: a later copy of another's work earns nothing;
- where it cannot be told who was first, the money is laid on the first candidate by id and is *disputed*.

A territory counts as far as a work's splits tell it apart. A set of splits for the territory itself goes before one for
WORLD. Territories in which a work's weight is negative drop out, and the others share its money in proportion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from endcredits.royalties.frozen_rows import FrozenRows
from endcredits.royalties.rules import Part
from endcredits.works import WORLD

Portions = dict[str, int]
"""Party id -> portion, in any unit."""

Entitled = Mapping[int, Mapping[str, Portions]]
"""Work -> territory -> who is paid."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a cluster claims of a pool, and which of its works are paid.

    Attributes:
        weight: of the cluster, > 0.
        members: positive weights by work; they divide the cluster's money.
        places: by work, its positive weights by territory of the splits that apply; they divide the work's money.
        disputed: whether nobody can tell which member was first.
    """

    weight: int
    members: dict[int, int]
    places: dict[int, dict[str, int]]
    disputed: bool


def entitled_to(rows: FrozenRows, part: Part) -> Entitled:
    """Who is paid for each work: by the splits of the part's right, or by time and salary units."""
    found: defaultdict[int, defaultdict[str, Portions]] = defaultdict(lambda: defaultdict(dict))
    if part.by == "units":
        for row in rows.units:
            units = row["time_units"] + row["salary_units"]
            if row["right"] == part.right and units > 0:
                found[row["work"]][WORLD][rows.parties[row["party"]]] = units
        return found
    for row in rows.splits:
        if row["right"] == part.right:
            found[row["work"]][row["territory"]][rows.parties[row["party"]]] = row["split_ppb"]
    return found


def payees_at(entitled: Entitled, work: int, territory: str) -> tuple[str, Portions]:
    """The territory whose splits apply, and who is paid there; nobody where there are none."""
    places = entitled.get(work, {})
    for place in (territory, WORLD):
        if place in places:
            return place, places[place]
    return WORLD, {}


def claims_of(signed: Mapping[int, Counter[str]], rows: FrozenRows, entitled: Entitled) -> dict[int, Claim]:
    """Clips and settles every cluster.

    Args:
        signed: weights by work and territory of use.
        rows: the frozen period.
        entitled: who is paid.

    Returns:
        The clusters whose weight is above zero, by cluster.
    """
    weighed: defaultdict[int, list[int]] = defaultdict(list)
    for work in signed:
        weighed[rows.works[work]["cluster"]].append(work)
    claims = {}
    for cluster in sorted(weighed):
        weight = sum(sum(signed[work].values()) for work in weighed[cluster])
        if weight > 0:
            claims[cluster] = _claim(weight, weighed[cluster], rows.members[cluster], signed, rows, entitled)
    return claims


def _claim(
    weight: int,
    weighed: list[int],
    members: list[int],
    signed: Mapping[int, Counter[str]],
    rows: FrozenRows,
    entitled: Entitled,
) -> Claim:
    if len(members) == 1 or _owned_alike(members, entitled):
        positive = {work: sum(signed[work].values()) for work in sorted(weighed) if sum(signed[work].values()) > 0}
        return Claim(weight, positive, {work: _folded(work, signed[work], entitled) for work in positive}, False)
    taker, disputed = _first(members, rows, entitled)
    together: Counter[str] = Counter()
    for work in weighed:
        for territory, part in signed[work].items():
            together[territory] += part
    return Claim(weight, {taker: weight}, {taker: _folded(taker, together, entitled)}, disputed)


def _owned_alike(works: list[int], entitled: Entitled) -> bool:
    """Whether works have the same splits everywhere; works of nobody known are not known to be owned alike."""
    first = entitled.get(works[0], {})
    return bool(first) and all(entitled.get(work, {}) == first for work in works)


def _first(members: list[int], rows: FrozenRows, entitled: Entitled) -> tuple[int, bool]:
    """Who was registered first, and whether that is disputed: an unknown time may be the earliest."""
    known = [rows.works[work]["registered_at"] for work in members if rows.works[work]["registered_at"]]
    candidates = [work for work in members if rows.works[work]["registered_at"] in ("", min(known, default=""))]
    return candidates[0], len(candidates) > 1 and not _owned_alike(candidates, entitled)


def _folded(work: int, places: Mapping[str, int], entitled: Entitled) -> dict[str, int]:
    folded: Counter[str] = Counter()
    for territory, weight in places.items():
        folded[payees_at(entitled, work, territory)[0]] += weight
    return {place: folded[place] for place in sorted(folded) if folded[place] > 0}

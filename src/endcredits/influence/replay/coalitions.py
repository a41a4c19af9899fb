"""Which retraining runs an audit makes: coalitions of catalogues, in complement pairs.

A coalition says which catalogues a run may read; a catalogue is any group of works, usually one creator's. The Shapley
value of a catalogue is an average over all 2^K coalitions, so an audit draws some. Three things make few of them enough:

- *sizes from the Shapley kernel* (Lundberg & Lee 2017, arXiv 1705.07874): a size s of K has mass proportional to
  1 / (s (K - s)), so the telling coalitions, nearly empty and nearly full, are drawn most;
- *complement pairs* (Covert & Lee 2021, arXiv 2012.01536): S is always run with everything that is not in S. All that is
  even under the exchange of the two, which is most of what coalitions differ in, cancels exactly;
- *the outermost sizes whole*: all K single catalogues and all K leave-one-outs are K pairs; taken together they are exact.

Fewer than K pairs still give an answer when there are credits to begin with; see `shapley`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from endcredits.errors import InputError
from endcredits.ids import WorkId

MOST_ENUMERATED = 12
"""Largest number of catalogues of which all coalitions are listed on request (4,094 runs)."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A group of works that is in a run or out of it as one.

    Attributes:
        name: how tables and calibrations call it.
        work_ids: its works, sorted; no work is in two catalogues.
    """

    name: str
    work_ids: tuple[WorkId, ...]


@dataclass(frozen=True, slots=True)
class Coalition:
    """One run of a design.

    Attributes:
        members: per catalogue of the design, whether the run reads it.
        kernel_weight: the run's part of the Shapley kernel's mass; all of a design add up to 1.
    """

    members: tuple[bool, ...]
    kernel_weight: float

    @property
    def size(self) -> int:
        """How many catalogues the run reads."""
        return sum(self.members)

    @property
    def name(self) -> str:
        """Its members as ones and zeros, in the order of the catalogues."""
        return "".join("01"[member] for member in self.members)


@dataclass(frozen=True, slots=True)
class Design:
    """The runs of an audit besides the full and the base run.

    Attributes:
        catalogues: K of them; their order is the order of every table's columns.
        coalitions: M different ones, neither empty nor full.
    """

    catalogues: tuple[Catalogue, ...]
    coalitions: tuple[Coalition, ...]

    @property
    def masks(self) -> np.ndarray:
        """The coalitions as an array ``[M, K]`` of bool."""
        return np.array([coalition.members for coalition in self.coalitions], dtype=bool).reshape(-1, len(self.catalogues))

    @property
    def kernel_weights(self) -> np.ndarray:
        """``[M]``."""
        return np.array([coalition.kernel_weight for coalition in self.coalitions])

    def work_weights(self, members: Sequence[bool]) -> dict[WorkId, float]:
        """The loss weight 0 of every work that a coalition leaves out; works in no catalogue are always in."""
        return {
            work_id: 0.0
            for catalogue, member in zip(self.catalogues, members, strict=True)
            if not member
            for work_id in catalogue.work_ids
        }


def catalogues_of(groups: Mapping[str, Sequence[WorkId]]) -> tuple[Catalogue, ...]:
    """Catalogues from names and their works, in the mapping's order.

    Raises:
        InputError: there is none, one is empty, or a work is in two.
    """
    if not groups:
        raise InputError("an audit needs at least one catalogue", field="catalogues")
    owner: dict[WorkId, str] = {}
    for name, work_ids in groups.items():
        if not work_ids:
            raise InputError(f"catalogue '{name}' has no works", remedy="Leave it out.", field="catalogues")
        for work_id in work_ids:
            if owner.setdefault(work_id, name) != name:
                raise InputError(
                    f"work '{work_id}' is in the catalogues '{owner[work_id]}' and '{name}'",
                    remedy="A run reads a work or does not: put it into one.",
                    field="catalogues",
                )
    return tuple(Catalogue(name, tuple(sorted(set(work_ids)))) for name, work_ids in groups.items())


def kernel_mass(catalogues: int) -> np.ndarray:
    """Mass of the Shapley kernel on each size 1 to K - 1: ``[K - 1]``, adding up to 1."""
    sizes = np.arange(1, catalogues)
    mass = 1.0 / (sizes * (catalogues - sizes))
    return np.asarray(mass / mass.sum())


def pair_design(
    catalogues: Sequence[Catalogue], *, pairs: int, outermost: bool = True, leave_one_out: bool = False, seed: int = 0
) -> Design:
    """Draws a design.

    Args:
        catalogues: K of them.
        pairs: complement pairs to draw, two runs each. Where so few coalitions exist, all are taken instead.
        outermost: run all single catalogues and all leave-one-outs besides (2 K runs), and draw among the other sizes.
        leave_one_out: run all leave-one-outs besides (K runs); nothing more where `outermost` has them already.
        seed: of the draws.

    Returns:
        The outermost runs first, then the drawn pairs, each coalition beside its complement.

    Raises:
        InputError: fewer than 0 pairs, or nothing to run.
    """
    count = len(catalogues)
    if pairs < 0:
        raise InputError(f"{pairs} pairs cannot be drawn", remedy="Give 0 or more.", field="pairs")
    singles = [tuple(k == j for j in range(count)) for k in range(count)] if count > 1 else []
    chosen: list[tuple[bool, ...]] = []
    if outermost:
        chosen += dict.fromkeys([*singles, *(_complement(single) for single in singles)])
    elif leave_one_out:
        chosen += [_complement(single) for single in singles]
    first = 2 if outermost else 1  # the smallest size that is drawn
    drawn = _drawn(count, pairs, first, set(chosen), np.random.default_rng(seed))
    outer_mass = float(kernel_mass(count)[[0, -1]].sum()) if count > 2 else 1.0
    outer_mass = outer_mass if outermost else (outer_mass / 2 if leave_one_out else 0.0)
    if not drawn:
        outer_mass = 1.0
    elif not chosen:
        outer_mass = 0.0
    weights = [outer_mass / len(chosen)] * len(chosen) if chosen else []
    weights += [(1 - outer_mass) / len(drawn)] * len(drawn) if drawn else []
    coalitions = tuple(Coalition(members, weight) for members, weight in zip([*chosen, *drawn], weights, strict=True))
    return Design(tuple(catalogues), coalitions)


def every_coalition(catalogues: Sequence[Catalogue]) -> Design:
    """All 2^K - 2 coalitions: the slow, obvious twin of `pair_design`.

    Raises:
        InputError: more catalogues than can be enumerated.
    """
    count = len(catalogues)
    if count > MOST_ENUMERATED:
        raise InputError(
            f"{count} catalogues have {2**count - 2} coalitions",
            remedy=f"Draw some (`pair_design`); up to {MOST_ENUMERATED} catalogues can be listed whole.",
            field="catalogues",
        )
    mass = kernel_mass(count)
    return Design(
        tuple(catalogues),
        tuple(
            Coalition(tuple(k in members for k in range(count)), float(mass[size - 1]) / math.comb(count, size))
            for size in range(1, count)
            for members in combinations(range(count), size)
        ),
    )


def _complement(members: tuple[bool, ...]) -> tuple[bool, ...]:
    return tuple(not member for member in members)


def _drawn(
    count: int, pairs: int, first: int, taken: set[tuple[bool, ...]], generator: np.random.Generator
) -> list[tuple[bool, ...]]:
    """Different coalitions of sizes `first` to K - `first`, each followed by its complement where that is not taken yet."""
    sizes = np.arange(first, count - first + 1)
    if not pairs or not len(sizes):
        return []
    available = sum(math.comb(count, int(size)) for size in sizes)
    found: dict[tuple[bool, ...], None] = {}
    if available <= 2 * pairs:
        for some in sizes.tolist():
            for members in combinations(range(count), some):
                one = tuple(k in members for k in range(count))
                found.update(dict.fromkeys([one, _complement(one)]))
        return [one for one in found if one not in taken]
    mass = kernel_mass(count)[sizes - 1]
    while len(found) < 2 * pairs:
        size = int(generator.choice(sizes, p=mass / mass.sum()))
        inside = set(generator.choice(count, size, replace=False).tolist())
        one = tuple(k in inside for k in range(count))
        found.update(dict.fromkeys([one, _complement(one)]))
    return [one for one in found if one not in taken]

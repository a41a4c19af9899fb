"""Does it pay to play? What a creator gains by registering the same texts in another way.

Three tricks, each played by one creator while the others stay as they are: *split*, the examples under four names;
*re-chunk*, every example cut into five; *duplicate*, every example registered three times though it was trained once. A gain
is the share of the statement that the creator's names get with the trick over the share without, 1 for a method that cannot
be played. The statement follows the product's rule: signed scores are summed over the outputs, then clipped once per name.

A method whose scores are sums over examples needs no index per trick: splitting moves no score but its own, and a triple is
three times one. `gains` uses that; `gains_rebuilt` plays every trick on an index of its own and holds for any method.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.payout.panel import Panel, Scored, Trained

Registered = tuple[str, tuple[int, ...]]
"""A name and the token ids of one example registered under it."""

Builder = Callable[[Sequence[Registered]], np.ndarray]
"""Scores ``[Q, names]``, the names in the order in which they first appear in the list."""

PARTS, PIECES, COPIES = 4, 5, 3
"""Names of a split, pieces of a re-cut example, copies of a duplicated one."""


@dataclass(frozen=True, slots=True)
class Gains:
    """Mean share with the trick over mean share without, over the creators that were tried; NaN where they earn nothing.

    Attributes:
        split: under `PARTS` names, consecutive runs of examples each.
        rechunk: with every example cut into `PIECES`.
        duplicate: with every example registered `COPIES` times.
    """

    split: float
    rechunk: float
    duplicate: float


def registered(panel: Panel) -> list[Registered]:
    """The panel's examples as they stand."""
    return [(example.creator, example.ids) for example in panel.examples]


def builder_of(method: Callable[[Panel], Scored], panel: Panel) -> Builder:
    """A method of the bench as a builder over the panel's models and outputs."""

    def build(examples: Sequence[Registered]) -> np.ndarray:
        names = tuple(dict.fromkeys(name for name, _ in examples))
        trained = tuple(Trained(name, ids, -1, -1) for name, ids in examples)
        return method(dataclasses.replace(panel, creators=names, examples=trained)).scores

    return build


def chosen_creators(panel: Panel, count: int = 3, seed: int = 0) -> list[str]:
    """Some paid creators, drawn without replacement."""
    drawn = np.random.default_rng(seed).choice(panel.paid, min(count, panel.paid), replace=False)
    return [panel.creators[number] for number in sorted(drawn)]


def split(examples: Sequence[Registered], names: Sequence[str], parts: int = PARTS) -> list[Registered]:
    """Registers consecutive runs of each named creator's examples under names of their own: "name~1", "name~2", ..."""
    counts = {name: sum(owner == name for owner, _ in examples) for name in names}
    seen = dict.fromkeys(names, 0)
    found = []
    for owner, ids in examples:
        if owner not in counts:
            found.append((owner, ids))
            continue
        found.append((f"{owner}~{seen[owner] * parts // counts[owner] + 1}", ids))
        seen[owner] += 1
    return found


def rechunk(examples: Sequence[Registered], name: str, pieces: int = PIECES) -> list[Registered]:
    """Cuts each of a creator's examples into pieces of nearly the same length, in their order."""
    found: list[Registered] = []
    for owner, ids in examples:
        number = min(pieces, len(ids)) if owner == name else 1
        cuts = [len(ids) * k // number for k in range(number + 1)]
        found.extend((owner, ids[start:stop]) for start, stop in pairwise(cuts))
    return found


def duplicate(examples: Sequence[Registered], name: str, copies: int = COPIES) -> list[Registered]:
    """Registers each of a creator's examples several times under the same name."""
    return [entry for entry in examples for _ in range(copies if entry[0] == name else 1)]


def gains(
    build: Builder, examples: Sequence[Registered], names: Sequence[str], outputs: Mapping[str, np.ndarray]
) -> dict[str, Gains]:
    """The gains of an additive method from two indexes: all works split; all works, and the tried ones re-cut as well.

    Args:
        build: the method.
        examples: the honest register.
        names: the creators who try, one at a time.
        outputs: per kind of output, which ones are in its statement, ``[Q]`` bool.
    """
    creators = list(dict.fromkeys(name for name, _ in examples))
    parted = split(examples, creators)
    order = list(dict.fromkeys(name for name, _ in parted))
    by_part = build(parted)  # (Q, C * parts)
    owners = {part: name for (part, _), (name, _) in zip(parted, examples, strict=True)}
    columns = {name: [number for number, part in enumerate(order) if owners[part] == name] for name in creators}
    recut = [(f"{name}~recut", ids) for name in names for owner, ids in rechunk(examples, name) if owner == name]
    both = build([*examples, *recut])  # (Q, C + tried)
    found = {}
    for kind, chosen in outputs.items():
        parts, sums = by_part[chosen].sum(0), both[chosen].sum(0)
        plain = np.array([parts[columns[name]].sum() for name in creators])
        before, after = [], []
        for number, name in enumerate(names):
            own = creators.index(name)
            before.append((_share(plain, own), _share(sums[: len(creators)], own)))
            after.append(
                (
                    _share(plain, own, np.clip(parts[columns[name]], 0, None).sum()),
                    _share(sums[: len(creators)], own, sums[len(creators) + number]),
                    _share(plain, own, COPIES * plain[own]),
                )
            )
        (honest, honest_both), (parted_share, recut_share, tripled) = np.mean(before, 0), np.mean(after, 0)
        found[kind] = Gains(_ratio(parted_share, honest), _ratio(recut_share, honest_both), _ratio(tripled, honest))
    return found


def gains_rebuilt(
    build: Builder, examples: Sequence[Registered], names: Sequence[str], outputs: Mapping[str, np.ndarray]
) -> dict[str, Gains]:
    """The same from one index per trick and creator, without assuming anything of the method."""
    honest = _paid(build, examples, outputs)
    found: dict[str, list[float]] = {kind: [] for kind in outputs}
    tricks: Sequence[Callable[[str], list[Registered]]] = (
        lambda name: split(examples, [name]),
        partial(rechunk, examples),
        partial(duplicate, examples),
    )
    for trick in tricks:
        after = {name: _paid(build, trick(name), outputs) for name in names}
        for kind in outputs:
            paid = np.mean([after[name][kind].get(name, 0.0) for name in names])
            found[kind].append(_ratio(float(paid), float(np.mean([honest[kind][name] for name in names]))))
    return {kind: Gains(*values) for kind, values in found.items()}


def _paid(build: Builder, examples: Sequence[Registered], outputs: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Per kind, each creator's share of the statement: clipped by registered name, summed over a creator's names."""
    names = list(dict.fromkeys(name for name, _ in examples))
    scores = build(examples)
    found = {}
    for kind, chosen in outputs.items():
        positive = np.clip(scores[chosen].sum(0), 0, None)
        found[kind] = dict.fromkeys((_creator(name) for name in names), 0.0)
        for name, value in zip(names, positive / (positive.sum() or 1.0), strict=True):
            found[kind][_creator(name)] += float(value)
    return found


def _creator(name: str) -> str:
    """Whose registered name this is."""
    return name.partition("~")[0]


def _share(sums: np.ndarray, own: int, replaced: float | None = None) -> float:
    """Share of one name after clipping, with its own sum replaced by another."""
    positive = np.clip(sums, 0, None)
    if replaced is not None:
        positive[own] = max(0.0, float(replaced))
    return float(positive[own] / (positive.sum() or 1.0))


def _ratio(after: float, before: float) -> float:
    return float(after / before) if before > 0 else float("nan")

"""Gates: limits on what one cluster of works may claim of a part, and where the money goes that they take.

Gates act on whole clusters, so that nobody gains by registering copies. They work on claims, which are integers over a
denominator; what the claims leave of it is the commons'. To give what was taken to "the
others" in proportion and without rounding, claims and denominator are multiplied by the same number first.

In order: significance, fewest uses, cap; then, on money, the floor. Each remembers what it took from whom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from endcredits.money import PPB, allocate
from endcredits.royalties.rules import Gate


@dataclass(slots=True)
class Gated:
    """Claims behind the gates.

    Attributes:
        claims: by cluster, > 0; they sum to at most the denominator.
        denominator: what claims are divided by.
        taken: the last gate that took from a cluster, by cluster: "not significant", "uses" or "cap".
    """

    claims: dict[int, int]
    denominator: int
    taken: dict[int, str] = field(default_factory=dict)


def through_gates(
    claims: Mapping[int, int],
    denominator: int,
    gate: Gate,
    significant: Collection[int] | None,
    uses: Mapping[int, int],
) -> Gated:
    """Applies significance, the fewest uses and the cap.

    Args:
        claims: by cluster, > 0.
        denominator: at least their sum.
        gate: the part's limits.
        significant: the clusters that pass the test; None for no test.
        uses: uses in the period by cluster.
    """
    gated = Gated(dict(claims), denominator)
    if significant is not None:
        for cluster in [cluster for cluster in gated.claims if cluster not in significant]:
            del gated.claims[cluster]
            gated.taken[cluster] = "not significant"
    _refuse_few_uses(gated, gate, uses)
    _cap(gated, gate)
    return gated


def _refuse_few_uses(gated: Gated, gate: Gate, uses: Mapping[int, int]) -> None:
    refused = [cluster for cluster in gated.claims if uses.get(cluster, 0) < gate.uses_min]
    pot = sum(gated.claims.pop(cluster) for cluster in refused)
    gated.taken |= dict.fromkeys(refused, "uses")
    left = sum(gated.claims.values())
    if refused and gate.to == "others" and left:
        gated.claims = {cluster: claim * (left + pot) for cluster, claim in gated.claims.items()}
        gated.denominator *= left


def _cap(gated: Gated, gate: Gate) -> None:
    limit = gated.denominator * gate.cap_ppb // PPB
    over = [cluster for cluster, claim in gated.claims.items() if claim > limit]
    if not over:
        return
    if gate.to == "commons":
        gated.claims |= dict.fromkeys(over, limit)
        gated.taken |= dict.fromkeys(over, "cap")
        return
    # The largest claims are capped, as few as possible: with k of them at the limit the others share the rest in proportion,
    # and none of the others may be above the limit.
    ordered = sorted(gated.claims, key=lambda cluster: (-gated.claims[cluster], cluster))
    rest, others = sum(gated.claims.values()), sum(gated.claims.values())
    capped = 0
    while capped < len(ordered) and gated.claims[ordered[capped]] * rest > limit * others:
        rest -= limit
        others -= gated.claims[ordered[capped]]
        capped += 1
    scale = others or 1
    at_limit = dict.fromkeys(ordered[:capped], limit * scale)
    gated.claims = at_limit | {cluster: gated.claims[cluster] * rest for cluster in ordered[capped:]}
    gated.denominator *= scale
    gated.taken |= dict.fromkeys(ordered[:capped], "cap")


def raised_to_floor(
    amounts: Mapping[int, int], claims: Mapping[int, int], floor_micros: int
) -> tuple[dict[int, int], set[int]]:
    """Raises small amounts to the floor at the cost of the others, in proportion to their claims.

    Where there is less money than all floors together, everybody gets the same.

    Args:
        amounts: micros by cluster.
        claims: by the same clusters, > 0.
        floor_micros: the least that each gets; 0 for none.

    Returns:
        The new amounts, with the same sum, and the clusters that paid for them.
    """
    ordered = sorted(claims, key=lambda cluster: (claims[cluster], cluster))
    total = sum(amounts.values())
    rest, others = total, sum(claims.values())
    raised = 0
    while raised < len(ordered) and claims[ordered[raised]] * rest < floor_micros * others:
        rest -= floor_micros
        others -= claims[ordered[raised]]
        raised += 1
    if not raised:
        return dict(amounts), set()
    if raised == len(ordered):
        return _allocated(total, dict.fromkeys(ordered, 1)), set()
    payers = ordered[raised:]
    paid = _allocated(rest, {cluster: claims[cluster] for cluster in payers})
    return dict.fromkeys(ordered[:raised], floor_micros) | paid, set(payers)


def _allocated(total: int, weights: Mapping[int, int]) -> dict[int, int]:
    # Rows stand by work id, so that the padded number orders ties as the id does.
    parts = allocate(total, {f"{cluster:012d}": weight for cluster, weight in weights.items()})
    return {int(name): part for name, part in parts.items()}

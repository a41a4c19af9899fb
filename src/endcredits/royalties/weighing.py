"""From money on uses to weights: how much each work counts in a pool, and what the weights are divided by.

*revenue* (the default): an event that carries M micros adds M * share to the weight of every work its output credits, in
micros * ppb, and M * 1,000,000,000 to the denominator. What the shares leave of an event belongs to the commons.

*nats*: credits are summed as they are, uses * credit, whatever each use earned, and divided by the sum of uses *
log-ratio, or by the sum of the clusters' positive credits where that is larger. All of it counts for the part of the
money that outputs with a positive log-ratio carry: weights are multiplied by that money and the denominator by all of it
(nano-nats * micros).

*declared*: an event's money is divided equally over the works that it declares; one that declares nothing is the commons'.

*equal*: every cluster of works in good standing weighs one whole: payable, not revoked, with somebody to pay. A work of
which ten copies are registered weighs as much as a work of which there is one.

An output with a log-ratio that is not positive credits nobody, and one whose measurement is less reliable than the policy
demands is not believed: what their uses carry stands in the denominator alone and so falls to the commons.

Weights are signed and kept by territory of use. They are summed over the whole pool; clipping comes afterwards, once per
cluster (`clusters.py`). Sums do not care for order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from endcredits.errors import InputError
from endcredits.money import PPB, allocate
from endcredits.royalties.clusters import Entitled, payees_at
from endcredits.royalties.frozen_rows import FrozenRows
from endcredits.royalties.laying import Laid

WEIGHT_MAX = 2**127 - 1
"""Weights and denominators fit a signed integer of 128 bits, in which databases sum."""

ByTerritory = Counter[str]


@dataclass(slots=True)
class Weights:
    """The weights of one pool for one way of dividing it.

    Attributes:
        signed: by work and territory of use.
        outputs: events that credited (or declared) a work.
        denominator: what weights are divided by; never less than the sum of the clusters' positive weights.
        unreliable: works that were credited by outputs which are not believed.
    """

    signed: defaultdict[int, ByTerritory] = field(default_factory=lambda: defaultdict(Counter))
    outputs: Counter[int] = field(default_factory=Counter)
    denominator: int = 0
    unreliable: set[int] = field(default_factory=set)

    def of(self, work: int) -> int:
        """A work's weight over all territories."""
        return sum(self.signed[work].values()) if work in self.signed else 0


def is_believed(rows: FrozenRows, output: int, reliability_min_ppb: int) -> bool:
    """Whether an output's credits are reliable enough to pay by; unmeasured ones only where nothing is demanded."""
    return bool(max(rows.outputs[output]["reliability_ppb"], 0) >= reliability_min_ppb)


def credits_somebody(rows: FrozenRows, output: int) -> bool:
    """Whether the works made an output likelier, so that it owes them something."""
    return bool(rows.outputs[output]["log_ratio_nanonats"] > 0)


def by_revenue(laid: Laid, rows: FrozenRows, reliability_min_ppb: int) -> Weights:
    """Weights by signed shares of the money that each event carries."""
    found = Weights(denominator=sum(laid.money.values()) * PPB)
    for event, micros in laid.money.items():
        row = rows.events[event]
        if not credits_somebody(rows, row["output"]):
            continue
        believed = is_believed(rows, row["output"], reliability_min_ppb)
        for credit in rows.credits_of.get(row["output"], ()):
            work = credit["work"]
            found.outputs[work] += 1
            if believed:
                found.signed[work][row["territory"]] += micros * credit["share_ppb"]
            else:
                found.unreliable.add(work)
    return found


def by_nats(laid: Laid, rows: FrozenRows, reliability_min_ppb: int) -> Weights:
    """Weights by credits alone, for the part of the money that believed outputs with a positive log-ratio carry."""
    found = Weights()
    log_ratios = attributed = 0
    for event, micros in laid.money.items():
        row = rows.events[event]
        if not credits_somebody(rows, row["output"]):
            continue
        believed = is_believed(rows, row["output"], reliability_min_ppb)
        if believed:
            log_ratios += row["uses"] * rows.outputs[row["output"]]["log_ratio_nanonats"]
            attributed += micros
        for credit in rows.credits_of.get(row["output"], ()):
            work = credit["work"]
            found.outputs[work] += 1
            if believed:
                found.signed[work][row["territory"]] += row["uses"] * credit["credit_nanonats"]
            else:
                found.unreliable.add(work)
    clusters: Counter[int] = Counter()
    for work in found.signed:
        clusters[rows.works[work]["cluster"]] += found.of(work)
    claimed = sum(max(weight, 0) for weight in clusters.values())
    for places in found.signed.values():
        for territory in places:
            places[territory] *= attributed
    found.denominator = max(log_ratios, claimed) * sum(laid.money.values())
    return found


def by_declaration(laid: Laid, rows: FrozenRows) -> Weights:
    """Weights by the works that events declare as used."""
    found = Weights(denominator=sum(laid.money.values()) * PPB)
    for event, micros in laid.money.items():
        declared = rows.declared_of.get(event, ())
        # Work rows stand by work id, so that the padded number orders ties as the id does.
        for work, part in allocate(micros, {f"{work:012d}": 1 for work in declared}).items() if declared else ():
            found.signed[int(work)][rows.events[event]["territory"]] += part * PPB
            found.outputs[int(work)] += 1
    return found


def equally(place: str, rows: FrozenRows, entitled: Entitled) -> Weights:
    """One whole for every cluster in good standing, shared equally by its members in good standing.

    Args:
        place: the territory of the pool, whose splits must name somebody.
        rows: the frozen period.
        entitled: who is paid.
    """
    found = Weights()
    for members in rows.members.values():
        standing = [work for work in members if _in_good_standing(rows, work) and payees_at(entitled, work, place)[1]]
        for work, part in allocate(PPB, {f"{work:012d}": 1 for work in standing}).items() if standing else ():
            found.signed[int(work)][place] = part
        found.denominator += PPB if standing else 0
    return found


def _in_good_standing(rows: FrozenRows, work: int) -> bool:
    return bool(rows.works[work]["state"] == "payable" and rows.works[work]["paid_ppb"] == PPB)


def check_size(weights: Weights, pool: str) -> None:
    """Refuses sums that other readers of a close could not hold.

    Raises:
        InputError: a weight or the denominator is 2**127 or more.
    """
    for size in (weights.denominator, *(abs(weights.of(work)) for work in weights.signed)):
        if size > WEIGHT_MAX:
            raise InputError(
                f"the weights of {pool} pass 2**127",
                remedy="Close a shorter period, or tell more pools apart.",
                field="weight",
            )

"""Dividing a part of a pool in columns: `royalties.dividing` for half a million works and a million lines.

A part that is divided by credits and has no gates is *plain*; so are the parts that most policies have. Its regular works
are divided as columns, and its irregular ones (see `catalogue.py`) through the simple close's own functions: both stand in
one largest-remainder division and their lines are sorted into one another. Every other part is divided by the simple
close's functions altogether, from weights that came out of columns; that holds the catalogue, never the credits, in Python
objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties import dividing as simple
from endcredits.royalties.clusters import Claim, Entitled, claims_of, entitled_to
from endcredits.royalties.columns.catalogue import Catalogue, Splits
from endcredits.royalties.columns.lines import Names, PartyRows, WorkRows, of_lines, of_work_lines
from endcredits.royalties.columns.remainders import divide, divide_groups, floors
from endcredits.royalties.columns.weighing import PoolWeights
from endcredits.royalties.columns.wide import Ints, Wide, add, of_ints
from endcredits.royalties.frozen_rows import FrozenRows
from endcredits.royalties.gates import Gated, raised_to_floor, through_gates
from endcredits.royalties.portions import portion_micros
from endcredits.royalties.records import Line, PartSum
from endcredits.royalties.rules import Gate, Part, Policy
from endcredits.royalties.weighing import WEIGHT_MAX, Weights, check_size, equally
from endcredits.works import WORLD

Divided = tuple[PartSum, WorkRows, PartyRows]


@dataclass(frozen=True, slots=True)
class Dividing:
    """One part of one pool.

    Attributes:
        place: numbers of the pool and of the part.
        part: the rule.
        amount_micros: >= 0.
        sign: -1 in refund pools.
        where: the pool's territory, or WORLD.
    """

    place: tuple[int, int]
    part: Part
    amount_micros: int
    sign: int
    where: str


def is_plain(part: Part, policy: Policy) -> bool:
    """Whether columns can divide a part."""
    open_gate = part.gate.uses_min == 0 and part.gate.cap_ppb == Gate().cap_ppb and part.gate.floor_micros == 0
    flat = part.fixed_ppb or part.fixed_by_reliability
    return part.by == "credits" and policy.weighting == "revenue" and open_gate and not flat and not policy.significance_ppb


def divide_party(one: Dividing, names: Names) -> Divided:
    """A part that goes to one party."""
    amount = one.sign * one.amount_micros
    line = Line(*one.place, WorkId(""), PartyId(one.part.party_id), one.where, PPB, amount)
    return (
        PartSum(one.part.name, amount, "1", amount, 0, 0, 0),
        of_work_lines(one.place, [], [], names),
        of_lines(one.place, [line] if amount else [], names),
    )


def divide_plain(
    one: Dividing, pool: PoolWeights, denominator: int, catalogue: Catalogue, splits: Splits, rows: FrozenRows, names: Names
) -> Divided:
    """A plain part.

    Args:
        one: the part.
        pool: weights.
        denominator: of them.
        catalogue: works and parties.
        splits: of the part's right.
        rows: the irregular works.
        names: of the lines.

    Raises:
        InputError: a weight or the denominator is 2**127 or more.
    """
    if denominator > WEIGHT_MAX:
        check_size(Weights(denominator=denominator), f"pool {one.place[0]}, part '{one.part.name}'")
    weight = _over_territories(pool.weights)
    entitled = entitled_to(rows, one.part)
    few = _weights_of(pool, np.flatnonzero(~splits.regular), catalogue.territories)
    claims = claims_of(few.signed, rows, entitled)
    # Both kinds of claims in the order of clusters, which are work rows, the commons last.
    regular = np.flatnonzero(splits.regular & (weight.hi >= 0) & ((weight.hi > 0) | (weight.lo > 0)))
    clusters = np.concatenate([regular, np.fromiter(claims, np.int64, len(claims))])
    order = np.argsort(clusters, kind="stable")
    others = of_ints([claim.weight for claim in claims.values()])
    own = weight.take(regular)
    claimed = own.total() + others.total()
    whole = max(denominator, claimed)
    rest = of_ints([whole - claimed])
    hi = np.concatenate([np.concatenate([own.hi, others.hi])[order], rest.hi])
    lo = np.concatenate([np.concatenate([own.lo, others.lo])[order], rest.lo])
    money = np.zeros(len(clusters), np.int64)
    if whole:
        money[order] = divide(one.amount_micros, Wide(hi, lo), whole)[:-1]
    due, of_others = money[: len(regular)], money[len(regular) :]
    paid = simple.Paid()
    simple.pay(paid, dict(zip(claims, of_others.tolist(), strict=True)), claims, rows, entitled)
    gated = Gated({cluster: claim.weight for cluster, claim in claims.items()}, denominator)
    few_lines = simple.work_lines_of(one.place, one.sign, few, claims, gated, paid, rows)
    amount = _paid_portion(due, catalogue.paid_ppb[regular])
    work_rows = _work_rows(one, pool, weight, denominator, regular, amount, catalogue, splits, names)
    found = {rows.works[work]["work_id"]: work for work in few.outputs.keys() | few.signed.keys() | paid.works.keys()}
    work_rows = _merged_work_rows(
        work_rows, of_work_lines(one.place, few_lines, [found[line.work_id] for line in few_lines], names)
    )
    party_rows = _merged_party_rows(
        _party_rows(one, regular, amount, catalogue, splits, names), _paid_rows(one, paid, names)
    )
    return _part_sum(one, denominator, party_rows, names), work_rows, party_rows


def divide_by_rows(
    one: Dividing,
    weights: Weights,
    fixed_ppb: int,
    significant: set[int] | None,
    uses: Mapping[int, int],
    rows: FrozenRows,
    entitled: Entitled,
    names: Names,
) -> Divided:
    """Any other part, as `royalties.dividing.divide_part` does once weights are known.

    Args:
        one: the part.
        weights: of the pool.
        fixed_ppb: what is divided equally.
        significant: clusters that pass the test; None where there is none.
        uses: by cluster, for the gate.
        rows: the whole catalogue.
        entitled: who is paid.
        names: of the lines.
    """
    check_size(weights, f"pool {one.place[0]}, part '{one.part.name}'")
    claims = claims_of(weights.signed, rows, entitled)
    by_weight = {cluster: claim.weight for cluster, claim in claims.items()}
    gated = through_gates(by_weight, weights.denominator, one.part.gate, significant, uses)
    flat = portion_micros(one.amount_micros, fixed_ppb)
    paid = simple.Paid()
    amounts = simple.divided(one.amount_micros - flat, gated.claims, gated.denominator)
    if one.sign > 0:
        amounts, payers = raised_to_floor(amounts, gated.claims, one.part.gate.floor_micros)
        gated.taken |= dict.fromkeys(payers, "floor")
    simple.pay(paid, amounts, claims, rows, entitled)
    if flat:
        equal = claims_of(equally(one.where, rows, entitled).signed, rows, entitled)
        simple.pay(paid, _flat(flat, equal), equal, rows, entitled)
    lines = simple.work_lines_of(one.place, one.sign, weights, claims, gated, paid, rows)
    found = {
        rows.works[work]["work_id"]: work for work in weights.outputs.keys() | weights.signed.keys() | paid.works.keys()
    }
    work_rows = of_work_lines(one.place, lines, [found[line.work_id] for line in lines], names)
    party_rows = _paid_rows(one, paid, names)
    return _part_sum(one, weights.denominator, party_rows, names), work_rows, party_rows


def weights_of_pool(pool: PoolWeights, denominator: int, territories: tuple[str, ...], factor: int = 1) -> Weights:
    """A pool's weights as the simple close holds them.

    Args:
        pool: out of columns.
        denominator: of them.
        territories: told apart.
        factor: weights are multiplied by it ("nats").
    """
    found = _weights_of(pool, np.flatnonzero((pool.outputs > 0) | (pool.unreliable > 0)), territories)
    found.denominator = denominator
    if factor != 1:
        for places in found.signed.values():
            for territory in places:
                places[territory] *= factor
    return found


def _flat(flat: int, equal: Mapping[int, Claim]) -> dict[int, int]:
    return simple.divided(flat, {cluster: claim.weight for cluster, claim in equal.items()}, 0)


def _weights_of(pool: PoolWeights, works: Ints, territories: tuple[str, ...]) -> Weights:
    found = Weights()
    credited = works[(pool.outputs[works] > 0) | (pool.unreliable[works] > 0)]
    for place, territory in enumerate(territories):
        for work, weight in zip(credited.tolist(), pool.weights[place].take(credited).ints(), strict=True):
            if weight or pool.outputs[work]:
                found.signed[work][territory] += weight
    for work in credited.tolist():
        found.outputs[work] = int(pool.outputs[work] + pool.unreliable[work])
        if pool.unreliable[work]:
            found.unreliable.add(work)
    return found


def _over_territories(weights: list[Wide]) -> Wide:
    total = weights[0]
    for one in weights[1:]:
        total = add(total, one)
    return total


def _paid_portion(due: Ints, paid_ppb: Ints) -> Ints:
    amount = due.copy()
    for row in np.flatnonzero(paid_ppb != PPB).tolist():  # revoked works are few
        amount[row] = portion_micros(int(due[row]), int(paid_ppb[row]))
    return amount


def _work_rows(
    one: Dividing,
    pool: PoolWeights,
    weight: Wide,
    denominator: int,
    paid: Ints,
    amount: Ints,
    catalogue: Catalogue,
    splits: Splits,
    names: Names,
) -> WorkRows:
    outputs = pool.outputs + pool.unreliable
    shown = np.flatnonzero(splits.regular & (outputs > 0))
    shares = np.zeros(len(weight), np.int64)
    amounts = np.zeros(len(weight), np.int64)
    if len(paid):
        own = weight.take(paid)
        shares[paid] = floors(PPB, own, denominator)[0]
        amounts[paid] = one.sign * amount
    taken = np.full(len(weight), names.others.number(""), np.int32)
    zero = (weight.hi == 0) & (weight.lo == 0)
    taken[zero & (pool.unreliable > 0)] = names.others.number("unreliable")
    taken[weight.hi < 0] = names.others.number("clipped")
    revoked = paid[catalogue.paid_ppb[paid] < PPB]
    taken[revoked] = names.others.number("revoked")
    work = shown.astype(np.int32)
    return WorkRows(one.place, work, outputs[shown], weight.take(shown), shares[shown], amounts[shown], taken[shown])


def _party_rows(one: Dividing, works: Ints, amount: Ints, catalogue: Catalogue, splits: Splits, names: Names) -> PartyRows:
    """Lines of regular works, still by work and party."""
    by_work = np.zeros(len(catalogue.cluster), np.int64)
    by_work[works] = amount
    totals = by_work[splits.work]
    parts = divide_groups(totals, splits.split_ppb, splits.starts)
    sizes = np.diff(splits.starts, append=len(parts))
    work = np.repeat(splits.work.astype(np.int32), sizes)
    by_work[splits.work] = 0
    unknown = np.flatnonzero(by_work)
    kept = np.flatnonzero(parts)
    payable, suspense, disputed = (names.others.number(state) for state in ("payable", "suspense", "disputed"))
    row, party, split = work[kept], splits.party.astype(np.int32, copy=False)[kept], splits.split_ppb[kept]
    micros = parts[kept]
    state = np.full(len(kept), payable, np.int32)
    if len(unknown):
        places = np.searchsorted(row, unknown)  # no work has splits and none
        row = np.insert(row, places, unknown)
        party = np.insert(party, places, names.parties.number(""))
        split = np.insert(split, places, PPB)
        micros = np.insert(micros, places, by_work[unknown])
        state = np.insert(state, places, suspense)
    if one.sign < 0:
        micros = -micros
    if catalogue.disputed.any():
        state[catalogue.disputed[row]] = disputed
    return PartyRows(one.place, row, party, np.full(len(row), names.others.number(WORLD), np.int32), split, micros, state)


def _paid_rows(one: Dividing, paid: simple.Paid, names: Names) -> PartyRows:
    """Lines of the simple close's functions as columns, in their order."""
    keys = sorted((key for key, micros in paid.lines.items() if micros), key=lambda key: (key[0], key[1], key[2], key[4]))
    rows = [
        (
            work,
            names.parties.number(party),
            names.others.number(territory),
            ppb,
            one.sign * paid.lines[key],
            names.others.number(state),
        )
        for key in keys
        for work, party, territory, ppb, state in [key]
    ]
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    work, party, territory, state = (columns[place].astype(np.int32) for place in (0, 1, 2, 5))
    return PartyRows(one.place, work, party, territory, columns[3], columns[4], state)


def _merged_work_rows(regular: WorkRows, others: WorkRows) -> WorkRows:
    if not len(others.work):
        return regular
    places = np.searchsorted(regular.work, others.work)

    def both(name: str) -> Any:
        return np.insert(getattr(regular, name), places, getattr(others, name))

    weight = Wide(
        np.insert(regular.weight.hi, places, others.weight.hi), np.insert(regular.weight.lo, places, others.weight.lo)
    )
    return WorkRows(
        regular.place, both("work"), both("outputs"), weight, both("share_ppb"), both("amount_micros"), both("taken")
    )


def _merged_party_rows(regular: PartyRows, others: PartyRows) -> PartyRows:
    """Both by work; no work has lines of both kinds, so that those of a work stay together."""
    if not len(others.work):
        return regular
    places = np.searchsorted(regular.work, others.work)
    columns = (
        np.insert(getattr(regular, name), places, getattr(others, name))
        for name in ("work", "party", "territory", "split_ppb", "amount_micros", "state")
    )
    return PartyRows(regular.place, *columns)


def _part_sum(one: Dividing, denominator: int, lines: PartyRows, names: Names) -> PartSum:
    by_state: Counter[str] = Counter()
    for state in ("payable", "suspense", "disputed"):
        chosen = lines.amount_micros[lines.state == names.others.number(state)]
        by_state[state] = int(chosen.sum())  # pools stay below 2**53
    allocated = sum(by_state.values())
    amount = one.sign * one.amount_micros
    return PartSum(
        one.part.name, amount, str(denominator), allocated, by_state["suspense"], by_state["disputed"], amount - allocated
    )

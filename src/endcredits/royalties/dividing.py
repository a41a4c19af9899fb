"""Dividing one part of a pool: weights become claims, claims become money, money becomes lines.

    weights  --clip, clusters-->  claims  --gates-->  claims  --largest remainder-->  money of clusters and the commons
    money of a cluster  -->  its works  -->  their territories  -->  the parties of the splits there

The commons stands beside the clusters in the same division and holds the rest of the denominator: what credits do not
explain and what gates took belongs to everybody and never to the operator. Each further step divides what the step before
it gave, so that a work's amount does not depend on how its owners tell territories apart. Ties are decided by id; the
commons comes last.

A portion may be set aside first and divided equally over the catalogue (`fixed_ppb`), no matter what the credits say and
past all gates. With `fixed_by_reliability` that portion is what the measurement leaves unsure: one minus the reliability
of the pool's outputs, each weighed by the money it carries, unmeasured ones as zero.

A work whose permission was revoked keeps the tail that the policy grants of its amount; the rest is the commons'. Money
whose payee nobody knows waits in suspense, as does the part of a split that nobody is agreed to own (`NOT_AGREED`), and
money whose owner is disputed is held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB, allocate
from endcredits.royalties.clusters import Claim, Entitled, claims_of, payees_at
from endcredits.royalties.frozen_rows import FrozenRows
from endcredits.royalties.gates import Gated, raised_to_floor, through_gates
from endcredits.royalties.laying import Laid
from endcredits.royalties.portions import portion_micros
from endcredits.royalties.records import Line, PartSum, WorkLine
from endcredits.royalties.rules import Part
from endcredits.royalties.weighing import Weights, by_declaration, by_nats, by_revenue, check_size, equally
from endcredits.works import WORLD
from endcredits.works.shares import NOT_AGREED

COMMONS = "~commons"
"""Stands beside clusters in one allocation; it sorts after the digits of every row, so that it comes last in a tie."""

LineKey = tuple[int, str, str, int, str]
"""Work, party, territory, split in ppb, state."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a part is divided under.

    Attributes:
        rows: the frozen period.
        entitled: who is paid for each work.
        weighting: of the policy.
        reliability_min_ppb: of the policy.
        significant: clusters that pass the test; None where there is none.
        uses: uses by cluster, for the part's gate.
    """

    rows: FrozenRows
    entitled: Entitled
    weighting: str
    reliability_min_ppb: int
    significant: set[int] | None
    uses: Mapping[int, int]


@dataclass(slots=True)
class Paid:
    """Money on its way to lines.

    Attributes:
        works: micros by work.
        lines: micros by line.
    """

    works: Counter[int] = field(default_factory=Counter)
    lines: Counter[LineKey] = field(default_factory=Counter)


def divide_part(
    place: tuple[int, int], part: Part, amount_micros: int, laid: Laid, setting: Setting
) -> tuple[PartSum, list[WorkLine], list[Line]]:
    """Divides a part's money.

    Args:
        place: numbers of the pool and of the part.
        part: the rule.
        amount_micros: >= 0 (in refund pools the absolute amount, with everything that comes back negative).
        laid: the pool.
        setting: the rest of what counts.

    Returns:
        The part's sums, its work lines by work and its lines by work, party, territory and state.
    """
    sign = -1 if laid.key.kind == "refund" else 1
    where = laid.key.territory or WORLD
    if part.by == "party":
        line = Line(*place, WorkId(""), PartyId(part.party_id), where, PPB, sign * amount_micros)
        return (
            PartSum(part.name, sign * amount_micros, "1", sign * amount_micros, 0, 0, 0),
            [],
            [line] if amount_micros else [],
        )
    rows, entitled = setting.rows, setting.entitled
    weights = _weights(part, laid, setting)
    check_size(weights, f"pool {place[0]}, part '{part.name}'")
    claims = claims_of(weights.signed, rows, entitled)
    significant = setting.significant if part.by in ("credits", "units") else None
    by_weight = {cluster: claim.weight for cluster, claim in claims.items()}
    gated = through_gates(by_weight, weights.denominator, part.gate, significant, setting.uses)
    flat = portion_micros(amount_micros, _fixed_ppb(part, laid, rows))
    paid = Paid()
    amounts = divided(amount_micros - flat, gated.claims, gated.denominator)
    if sign > 0:
        amounts, payers = raised_to_floor(amounts, gated.claims, part.gate.floor_micros)
        gated.taken |= dict.fromkeys(payers, "floor")
    pay(paid, amounts, claims, rows, entitled)
    if flat:
        alike = equally(where, rows, entitled)
        equal = claims_of(alike.signed, rows, entitled)
        pay(paid, divided(flat, {cluster: one.weight for cluster, one in equal.items()}, 0), equal, rows, entitled)
    lines = [
        Line(*place, rows.works[work]["work_id"], PartyId(party) if party else None, territory, ppb, sign * micros, state)
        for (work, party, territory, ppb, state), micros in sorted(paid.lines.items())
        if micros
    ]
    work_lines = work_lines_of(place, sign, weights, claims, gated, paid, rows)
    return _sum(part, sign * amount_micros, weights, lines), work_lines, lines


def _weights(part: Part, laid: Laid, setting: Setting) -> Weights:
    if part.by == "declared":
        return by_declaration(laid, setting.rows)
    if part.by == "equal":
        return equally(laid.key.territory or WORLD, setting.rows, setting.entitled)
    by = by_nats if setting.weighting == "nats" else by_revenue
    return by(laid, setting.rows, setting.reliability_min_ppb)


def _fixed_ppb(part: Part, laid: Laid, rows: FrozenRows) -> int:
    if not part.fixed_by_reliability:
        return part.fixed_ppb
    carried = sum(laid.money.values())
    reliable = sum(
        micros * max(rows.outputs[rows.events[event]["output"]]["reliability_ppb"], 0)
        for event, micros in laid.money.items()
    )
    return PPB - (reliable // carried if carried else 0)


def divided(amount: int, claims: Mapping[int, int], denominator: int) -> dict[int, int]:
    """Money by cluster.

    Args:
        amount: micros, >= 0.
        claims: by cluster, each >= 0.
        denominator: what the claims are parts of; where they are more together, their sum stands in its place.

    Returns:
        Micros by cluster; what the claims leave of the denominator, or everything without claims, is the commons' and not
        in it.
    """
    weights = {f"{cluster:012d}": claim for cluster, claim in claims.items()}
    weights[COMMONS] = max(denominator - sum(weights.values()), 0)
    if not any(weights.values()):
        return dict.fromkeys(claims, 0)
    amounts = allocate(amount, weights)
    return {cluster: amounts[f"{cluster:012d}"] for cluster in claims}


def pay(paid: Paid, amounts: Mapping[int, int], claims: Mapping[int, Claim], rows: FrozenRows, entitled: Entitled) -> None:
    """Divides the money of clusters over works, territories and parties.

    Args:
        paid: gets the micros of each work and line.
        amounts: micros by cluster.
        claims: of these clusters.
        rows: the frozen period.
        entitled: who is paid for each work.
    """
    for cluster, money in amounts.items():
        claim = claims[cluster]
        for work, due in _over_rows(money, claim.members).items():
            amount = portion_micros(due, rows.works[work]["paid_ppb"])
            paid.works[work] += amount
            held = claim.disputed or rows.works[work]["state"] == "disputed"
            for territory, part in allocate(amount, claim.places[work]).items():
                place, payees = payees_at(entitled, work, territory)
                whole = sum(payees.values())
                if not payees:
                    paid.lines[work, "", place, PPB, "disputed" if held else "suspense"] += part
                for party, micros in allocate(part, payees).items() if payees else ():
                    split_ppb = payees[party] * PPB // whole
                    known = party != NOT_AGREED
                    state = "disputed" if held else "payable" if known else "suspense"
                    paid.lines[work, party if known else "", place, split_ppb, state] += micros


def _over_rows(money: int, weights: Mapping[int, int]) -> dict[int, int]:
    # Rows stand by id, so that a padded number orders ties as the id does.
    return {
        int(name): part for name, part in allocate(money, {f"{row:012d}": each for row, each in weights.items()}).items()
    }


def work_lines_of(
    place: tuple[int, int],
    sign: int,
    weights: Weights,
    claims: Mapping[int, Claim],
    gated: Gated,
    paid: Paid,
    rows: FrozenRows,
) -> list[WorkLine]:
    """What a part gave each work, and why one got nothing.

    Args:
        place: numbers of the pool and of the part.
        sign: -1 in refund pools.
        weights: of the pool.
        claims: by cluster.
        gated: what gates left of the claims.
        paid: micros by work.
        rows: the frozen period.

    Returns:
        Lines by work; works that neither count nor earn have none.
    """
    found = []
    for work in sorted(weights.outputs.keys() | weights.signed.keys() | paid.works.keys()):
        cluster = rows.works[work]["cluster"]
        claim = claims.get(cluster)
        share_ppb, taken = 0, _left_out(work, weights)
        if claim and work in claim.members:
            within = sum(claim.members.values())
            share_ppb = gated.claims.get(cluster, 0) * claim.members[work] * PPB // (gated.denominator * within)
            taken = "revoked" if rows.works[work]["paid_ppb"] < PPB else gated.taken.get(cluster, "")
        earned, weight, outputs = paid.works[work], weights.of(work), weights.outputs[work]
        if earned or weight or outputs:
            found.append(WorkLine(*place, rows.works[work]["work_id"], outputs, weight, share_ppb, sign * earned, taken))
    return found


def _left_out(work: int, weights: Weights) -> str:
    """Why a work has no claim of its own."""
    weight = weights.of(work)
    if weight:
        return "clipped" if weight < 0 else "cluster"
    return "unreliable" if work in weights.unreliable else ""


def _sum(part: Part, amount: int, weights: Weights, lines: Iterable[Line]) -> PartSum:
    by_state: Counter[str] = Counter()
    for line in lines:
        by_state[line.state] += line.amount_micros
    allocated = sum(by_state.values())
    return PartSum(
        name=part.name,
        amount_micros=amount,
        denominator=str(weights.denominator),
        allocated_micros=allocated,
        suspense_micros=by_state["suspense"],
        disputed_micros=by_state["disputed"],
        commons_micros=amount - allocated,
    )

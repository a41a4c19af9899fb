"""Where a period's money went, as a graph: revenue -> pools -> parts -> works -> people; pure sums, nothing drawn yet.

Every unit of the revenue is in the picture. What is not divided over works has its own end: tax, the operator's part,
the commons (with what limits took), breakage, and money whose payees are unknown or disputed. A picture cannot show ten
thousand works, so the largest are named and the others stand together as one; the sums stay exact. Refunds make a
column's flows smaller than what was earned; they are shown as what came in after them, and where a whole sum is below
zero it is left out and named in `left_out`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.ids import PartyId, WorkId
from endcredits.payouts.facts import Payee, WorkName
from endcredits.royalties.records import Line, PeriodClose

REVENUE, POOL, PART, WORK, PERSON = range(5)
COLUMNS = ("Revenue", "Pools", "Parts", "Works", "People")


@dataclass(frozen=True, slots=True)
class Node:
    """A place where money arrives or from where it goes on.

    Attributes:
        key: unique in the flow.
        column: 0 to 4, one of `COLUMNS`.
        label: for people.
        kind: "money", or what is special: "commons" (nobody can be credited), "held" (unknown or disputed), "other" (several
            together), "kept" (tax and the operator).
        amount_micros: that passes through, >= 0.
    """

    key: str
    column: int
    label: str
    kind: str
    amount_micros: int


@dataclass(frozen=True, slots=True)
class Flow:
    """A period's money as a graph.

    Attributes:
        title: of the picture.
        currency: ISO 4217 code.
        nodes: by column, largest first, special ones last.
        links: (from, to, micros > 0), by nodes' order.
        left_out: sums below zero that cannot be drawn, in words with their amounts in micros.
    """

    title: str
    currency: str
    nodes: tuple[Node, ...]
    links: tuple[tuple[str, str, int], ...]
    left_out: tuple[tuple[str, int], ...]


def money_flow(
    close: PeriodClose,
    lines: Iterable[Line],
    works: Mapping[WorkId, WorkName],
    payees: Mapping[PartyId, Payee],
    currency: str,
    *,
    named_max: int = 12,
) -> Flow:
    """A close as a graph, in one currency.

    Args:
        close: the period.
        lines: of the close, streamed.
        works: titles; a work without one is shown by its id.
        payees: names; the same.
        currency: whose pools are shown. Revenue of another currency that was converted begins at its pools.
        named_max: how many works and how many people are named.

    Raises:
        InputError: the close has no pools in that currency.
    """
    if not any(pool.currency == currency for pool in close.pools):
        raise InputError(f"the period '{close.period_id}' has no money in {currency}", field="currency")
    sums = _Sums()
    _revenue(close, currency, sums)
    works_of, people_of = _divided(close, lines, currency)
    top_works = _top(works_of, named_max)
    top_people = _top(people_of, named_max)
    other_works = len({key[2] for key in works_of} - top_works - {""})
    other_people = len({key[2] for key in people_of} - top_people)
    for (pool, part, work_id, party_id, state), micros in works_of.items():
        start = _part_key(close, pool, part)
        if not work_id:
            place = f"direct:{start}"
            sums.label[place] = WORK, f"{close.pools[pool].parts[part].name}, direct", "money"
        elif work_id in top_works:
            place = f"work:{work_id}"
            name = works.get(WorkId(work_id))
            sums.label[place] = WORK, name.title if name and name.title else work_id, "money"
        else:
            place = "works:other"
            sums.label[place] = WORK, f"{other_works:,} other works", "other"
        sums.add(start, place, micros)
        sums.add(place, _person(sums, party_id, state, top_people, payees, other_people), micros)
    return sums.flow(f"Where the money of {close.period_id} went", currency)


_Key = tuple[int, int, str, str, str]


class _Sums:
    def __init__(self) -> None:
        self.links: Counter[tuple[str, str]] = Counter()
        self.label: dict[str, tuple[int, str, str]] = {}

    def add(self, start: str, end: str, micros: int) -> None:
        self.links[start, end] += micros

    def flow(self, title: str, currency: str) -> Flow:
        drawn = {link: micros for link, micros in self.links.items() if micros > 0}
        into: Counter[str] = Counter()
        out: Counter[str] = Counter()
        for (start, end), micros in drawn.items():
            out[start] += micros
            into[end] += micros
        special = ("money", "other", "commons", "held", "kept")
        nodes = [Node(key, *self.label[key], max(into[key], out[key])) for key in self.label if max(into[key], out[key]) > 0]
        nodes.sort(key=lambda node: (node.column, special.index(node.kind), -node.amount_micros, node.key))
        place = {node.key: number for number, node in enumerate(nodes)}
        links = sorted(((*link, micros) for link, micros in drawn.items()), key=lambda one: (place[one[0]], place[one[1]]))
        below = [
            (f"{self.label[start][1]} to {self.label[end][1]}", micros)
            for (start, end), micros in sorted(self.links.items())
            if micros < 0
        ]
        return Flow(title, currency, tuple(nodes), tuple(links), tuple(below))


def _revenue(close: PeriodClose, currency: str, sums: _Sums) -> None:
    """Revenue to pools, and pools to their parts."""
    sums.label["revenue"] = REVENUE, "Revenue less refunds", "money"
    sums.label["commons"] = PERSON, "Commons: nobody can be credited", "commons"
    for total in close.totals:
        if total.currency == currency:
            sums.label["operator"] = POOL, "The operator's part", "kept"
            sums.label["tax"] = POOL, "Taxes", "kept"
            sums.add("revenue", "operator", total.operator_micros)
            sums.add("revenue", "tax", total.tax_micros)
            sums.label["levies"] = POOL, "Levies on top", "kept"
            sums.add("revenue", "levies", total.levies_micros)
    for pool in close.pools:
        if pool.earned_currency == currency != pool.currency:
            away = f"converted:{pool.currency}"
            sums.label[away] = POOL, f"Converted to {pool.currency}", "kept"
            sums.add("revenue", away, pool.source_micros)
        if pool.currency != currency:
            continue
        key = f"pool:{pool.rule}"
        sums.label[key] = POOL, pool.rule, "money"
        if pool.earned_currency == currency:
            sums.add("revenue", key, pool.pool_micros)
        else:
            source = f"revenue:{pool.earned_currency}"
            sums.label[source] = REVENUE, f"Pools converted from {pool.earned_currency}", "money"
            sums.add(source, key, pool.pool_micros)
        sums.label["breakage"] = PART, "Breakage: payers who used nothing", "kept"
        sums.add(key, "breakage", pool.breakage_micros)
        sums.add(key, "commons", pool.rest_micros)
        for part in pool.parts:
            start = f"part:{pool.rule}:{part.name}"
            sums.label[start] = PART, part.name, "money"
            sums.add(key, start, part.amount_micros)
            sums.add(start, "commons", part.commons_micros)


def _divided(close: PeriodClose, lines: Iterable[Line], currency: str) -> tuple[Counter[_Key], Counter[_Key]]:
    """Sums of the lines, twice the same: by work first, and by person first."""
    wanted = {number for number, pool in enumerate(close.pools) if pool.currency == currency}
    works: Counter[_Key] = Counter()
    people: Counter[_Key] = Counter()
    for line in lines:
        if line.pool in wanted:
            party = line.party_id or ""
            works[line.pool, line.part, line.work_id, party, line.state] += line.amount_micros
            if line.state == "payable":
                people[0, 0, party, "", ""] += line.amount_micros
    return works, people


def _top(sums: Counter[_Key], named_max: int) -> set[str]:
    of: dict[str, int] = defaultdict(int)
    for key, micros in sums.items():
        of[key[2]] += micros
    of.pop("", None)
    return set(sorted(of, key=lambda name: (-of[name], name))[:named_max])


def _person(sums: _Sums, party_id: str, state: str, top: set[str], payees: Mapping[PartyId, Payee], others: int) -> str:
    if state != "payable":
        held = {"suspense": "Suspense: payees unknown", "disputed": "Held: disputed"}
        sums.label[state] = PERSON, held.get(state, state), "held"
        return state
    if party_id not in top:
        sums.label["people:other"] = PERSON, f"{others:,} other people", "other"
        return "people:other"
    name = payees.get(PartyId(party_id))
    sums.label[f"party:{party_id}"] = PERSON, name.name if name and name.name else party_id, "money"
    return f"party:{party_id}"


def _part_key(close: PeriodClose, pool: int, part: int) -> str:
    of = close.pools[pool]
    return f"part:{of.rule}:{of.parts[part].name}"

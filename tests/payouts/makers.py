"""Closed periods for tests of statements: small, whole and exact, made by hand and not by the close that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from endcredits.canonical import digest
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB, allocate
from endcredits.payouts import EarnedLine, Facts, Issuer, Measurement, Payee, Standing, Statement, WorkName, earned_lines
from endcredits.payouts.statements import statements as make_statements
from endcredits.royalties.lines import lines_digest, work_lines_digest
from endcredits.royalties.records import Line, PartSum, PeriodClose, Pool, Total, WorkLine
from endcredits.royalties.rules import Part, Policy, PoolRule

HALF = PPB // 2
PARTIES = ("ada", "bob", "cyd", "dee")
PAYEES = {PartyId(party): Payee(party.title()) for party in (*PARTIES, "eve", "fund")}
PAYEES |= {PartyId("ada"): Payee("Ada Lovelace", "W-8BEN, valid to 2029-12-31")}
ISSUER = Issuer("A studio", "royalties@example.org")

RULE = PoolRule(
    "subscriptions",
    share_ppb=HALF,
    parts=(
        Part("works", 700_000_000),
        Part("declared", 100_000_000, by="declared"),
        Part("equal", 50_000_000, by="equal"),
        Part("units", 100_000_000, by="units"),
        Part("fund", PPB, of_rest=True, by="party", party_id="fund"),
    ),
)
POLICY = Policy("mixed", (RULE,), payout_threshold_micros=10_000_000)


@dataclass(frozen=True)
class Closed:
    """A close with its tables."""

    close: PeriodClose
    lines: tuple[Line, ...]
    work_lines: tuple[WorkLine, ...]

    def earned(self) -> list[EarnedLine]:
        """The lines by party."""
        return list(earned_lines(self.lines, self.work_lines))


@dataclass(frozen=True)
class PoolSpec:
    """What a pool is made of: work -> (uses, weight), and work -> (party, territory) -> split."""

    revenue_micros: int
    works: Mapping[str, tuple[int, int]]
    splits: Mapping[str, Mapping[tuple[str, str], int]]
    kind: str = "earned"
    usage_period: str = ""
    currency: str = "EUR"
    earned_currency: str = "EUR"
    rate: str = "1/1"
    service: str = "web"
    disputed: tuple[str, ...] = ()


def closed(specs: Sequence[PoolSpec], policy: Policy = POLICY, period_id: str = "2026-11") -> Closed:
    """Divides every pool as its rule says, in a few plain lines."""
    pools, lines, work_lines = [], [], []
    for number, spec in enumerate(specs):
        sign = -1 if spec.kind == "refund" else 1
        pool = sign * (spec.revenue_micros // 2)
        sums, left = [], pool
        for place, part in enumerate(policy.pools[0].parts):
            of = left if part.of_rest else pool
            amount = sign * (abs(of) * part.share_ppb // PPB)
            left -= amount
            made, made_works, part_sum = _part(number, place, part, amount, spec)
            lines += made
            work_lines += made_works
            sums.append(part_sum)
        pools.append(
            Pool(
                *(policy.pools[0].name, spec.kind, spec.usage_period, spec.service, "", "", 3, 7),
                *(sign * spec.revenue_micros, pool, spec.earned_currency, spec.currency, spec.rate, pool, 0, left),
                tuple(sums),
            )
        )
    first = f"{period_id}-01"
    lines.sort(key=lambda one: (one.pool, one.part, one.work_id, one.party_id or "", one.territory, one.state))
    work_lines.sort(key=lambda one: (one.pool, one.part, one.work_id))
    close = PeriodClose(
        *(period_id, first, f"{period_id}-30", policy, digest(policy), (("events", "0" * 64),), _totals(pools)),
        *(tuple(pools), len(work_lines), work_lines_digest(work_lines), len(lines), lines_digest(lines)),
    )
    return Closed(close, tuple(lines), tuple(work_lines))


def _totals(pools: Sequence[Pool]) -> tuple[Total, ...]:
    totals: dict[str, tuple[int, int]] = {}
    for pool in pools:
        revenue, paid = totals.get(pool.earned_currency, (0, 0))
        totals[pool.earned_currency] = revenue + pool.revenue_micros, paid + pool.source_micros
    return tuple(Total(code, revenue, 0, revenue - paid, paid, 0) for code, (revenue, paid) in sorted(totals.items()))


def _part(number: int, place: int, part: Part, amount: int, spec: PoolSpec) -> tuple[list[Line], list[WorkLine], PartSum]:
    if part.by == "party":
        line = [Line(number, place, WorkId(""), PartyId(part.party_id), "WORLD", PPB, amount)] if amount else []
        return line, [], PartSum(part.name, amount, "1", amount, 0, 0, 0)
    weights = {work: 1 if part.by == "equal" else max(0, weight) for work, (_, weight) in spec.works.items()}
    whole = sum(weights.values())
    if not whole:
        return [], [], PartSum(part.name, amount, "0", 0, 0, 0, amount)
    lines, work_lines = [], []
    suspense = disputed = 0
    for work, claim in allocate(amount, weights).items():
        outputs, weight = spec.works[work]
        share = PPB * weights[work] // whole
        taken = "clipped" if weight < 0 and part.by != "equal" else ""
        work_lines.append(WorkLine(number, place, WorkId(work), outputs, weight, share, claim, taken))
        shares = {f"{territory}|{party}": ppb for (party, territory), ppb in spec.splits[work].items()}
        for key, micros in allocate(claim, shares).items():
            territory, _, party = key.partition("|")
            if micros:
                state = "disputed" if work in spec.disputed else "payable" if party else "suspense"
                suspense += micros if state == "suspense" else 0
                disputed += micros if state == "disputed" else 0
                lines.append(
                    Line(
                        number, place, WorkId(work), PartyId(party) if party else None, territory, shares[key], micros, state
                    )
                )
    return lines, work_lines, PartSum(part.name, amount, str(whole), amount, suspense, disputed, 0)


def facts(made: Closed, **more: object) -> Facts:
    """Names for everybody and everything, and a method."""
    works = {
        WorkId(line.work_id): WorkName(f"Title of {line.work_id}", (("ISRC", "USRC17607839"),)) for line in made.work_lines
    }
    plain = Facts(
        "2026-12-05",
        PAYEES,
        works,
        ISSUER,
        days={"2026-10": ("2026-10-01", "2026-10-31")},
        measured=lambda pool, work: Measurement("response index", "0.1", 12_500_000),
        entry_ids=("entry:1",),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def issue(made: Closed, **more: object) -> tuple[Statement, ...]:
    """The statements of a close."""
    return tuple(make_statements(made.close, digest(made.close), made.earned(), facts(made, **more)))


SPLITS = {
    "w1": {("ada", "WORLD"): HALF, ("bob", "WORLD"): HALF},
    "w2": {("ada", "WORLD"): PPB},
    "w3": {("", "WORLD"): PPB},
    "w4": {("cyd", "WORLD"): PPB},
}


def november(policy: Policy = POLICY) -> Closed:
    """An ordinary month: usage of its own, late usage, a refund, another currency, a dispute and a work of nobody."""
    works = {"w1": (3, 600), "w2": (2, 250), "w3": (1, 100), "w4": (1, 50)}
    return closed(
        [
            PoolSpec(100_000_000, works, SPLITS, disputed=("w4",)),
            PoolSpec(10_000_000, {"w1": (1, 5), "w2": (1, -3)}, SPLITS, "late", "2026-10"),
            PoolSpec(4_000_001, {"w1": (1, 5)}, SPLITS, "refund", "2026-10"),
            PoolSpec(
                *(7_000_000, {"w2": (2, 9)}, SPLITS),
                currency="JPY",
                earned_currency="USD",
                rate="1/1 on 2026-11-30 from a bank <b>",
            ),
        ],
        policy,
    )


def ordinary(**more: object) -> tuple[Statement, ...]:
    """The statements of that month; Bob opens with something."""
    standings = {(PartyId("bob"), "EUR"): Standing(9_000_000, prior_id="statement:2026-10:EUR:0")}
    return issue(november(), **({"standings": standings} | more))


def earning(micros: int, threshold_micros: int, period_id: str = "2026-11", currency: str = "EUR") -> Closed:
    """A month in which Ada earned exactly so much."""
    rule = PoolRule("all", share_ppb=HALF, parts=(Part("works"),))
    policy = Policy("all", (rule,), payout_threshold_micros=threshold_micros)
    spec = PoolSpec(2 * micros, {"w2": (1, 1)}, SPLITS, currency=currency, earned_currency=currency)
    return closed([spec], policy, period_id)


@st.composite
def closes(draw: st.DrawFn) -> Closed:
    """Any small close."""
    specs = []
    for _ in range(draw(st.integers(1, 3))):
        works = draw(st.dictionaries(st.sampled_from(["w1", "w2", "w3", "w4"]), weights, min_size=1))
        kind = draw(st.sampled_from(["earned", "late", "refund"]))
        currency = draw(st.sampled_from(["EUR", "JPY"]))
        splits = {work: draw(splits_of) for work in works}
        disputed = tuple(sorted(draw(st.sets(st.sampled_from(sorted(works))))))
        specs.append(
            PoolSpec(
                *(draw(st.integers(0, 10**12)), works, splits, kind, "" if kind == "earned" else "2026-10"),
                *(currency, currency, "1/1", "web", disputed),
            )
        )
    return closed(specs)


weights = st.tuples(st.integers(1, 9), st.integers(-(10**20), 10**20))
splits_of = st.dictionaries(
    st.tuples(st.sampled_from([*PARTIES, ""]), st.sampled_from(["WORLD", "DE"])), st.integers(1, 9), min_size=1
).map(lambda shares: allocate_territories(shares))


def allocate_territories(shares: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Splits of one territory alone that sum to one whole: the first territory that was drawn."""
    territory = next(iter(shares))[1]
    kept = {party: weight for (party, where), weight in shares.items() if where == territory}
    return {(party, territory): ppb for party, ppb in allocate(PPB, kept).items() if ppb}

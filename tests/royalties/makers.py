"""Small frozen periods for tests, written like a story, and Hypothesis strategies that make whole ones.

    given = Given(songs=(song("a", ada=PPB),), outputs=(output("o", 10, a=6),), events=(event("e", "o", 100),))
    given.close()            # the simple close, in memory
    given.freeze(folder)     # the same as a frozen folder, for whoever closes from there

`givens()` makes whole periods: several pools and territories, clusters, refunds, late usage, payers, conversion, gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from endcredits.attribution import Attribution
from endcredits.attribution import Line as Credited
from endcredits.ids import OutputId, WorkId
from endcredits.money import PPB
from endcredits.royalties.close import Closed, close_rows
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_digest, table_path, table_schema
from endcredits.royalties.frozen_rows import FrozenRows, checked_rows
from endcredits.royalties.rules import Gate, Levy, Part, Policy, PoolRule
from endcredits.royalties.shares import signed_shares

HALF = PPB // 2
ALL = Policy("all", (PoolRule("all", share_ppb=PPB),))
FIFTY = Policy("fifty", (PoolRule("half", "net", HALF),))

Portions = Mapping[str, int]


@dataclass(frozen=True)
class Song:
    """A work; splits by (right, territory), units by (right, party)."""

    work_id: str
    splits: Mapping[tuple[str, str], Portions] = field(default_factory=dict)
    cluster: str = ""
    registered_at: str = "2026-01-01T00:00:00Z"
    state: str = "payable"
    paid_ppb: int = PPB
    units: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """An attributed output."""

    output_id: str
    log_ratio: int
    credits: Mapping[str, int]
    errors: Mapping[str, int] = field(default_factory=dict)
    reliability_ppb: int = -1


@dataclass(frozen=True)
class Event:
    """A usage event as it is frozen."""

    event_id: str
    output: str
    gross_micros: int
    kind: str = "earned"
    usage_period: str = ""
    service: str = "default"
    territory: str = "WORLD"
    offer: str = ""
    payer: str = ""
    use: str = "generation"
    currency: str = "EUR"
    uses: int = 1
    tax_micros: int = 0
    refunded_micros: int = 0
    declared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Income:
    """A revenue as it is frozen."""

    revenue_id: str
    gross_micros: int
    kind: str = "earned"
    usage_period: str = ""
    service: str = "default"
    territory: str = "WORLD"
    offer: str = ""
    payer: str = ""
    currency: str = "EUR"
    tax_micros: int = 0
    refunded_micros: int = 0


def song(name: str, **parties: int) -> Song:
    """A work whose right to train is split everywhere alike."""
    return Song(name, {("train", "WORLD"): parties} if parties else {})


def output(name: str, log_ratio: int, **credits: int) -> Output:
    """An output with credits in nano-nats."""
    return Output(name, log_ratio, credits)


def event(name: str, of: str, micros: int, **more: Any) -> Event:
    """A usage event in euros."""
    return Event(name, of, micros, **more)


def attribution(one: Output) -> Attribution:
    """The attribution of an output."""
    ranked = sorted(one.credits.items(), key=lambda item: (-item[1], item[0]))
    lines = (Credited(rank, WorkId(work), credit, 0, 0) for rank, (work, credit) in enumerate(ranked, 1))
    return Attribution(
        output_id=OutputId(one.output_id),
        output_sha256="0" * 64,
        prompt_sha256="1" * 64,
        output_bytes=10,
        method="test/1",
        index_digest="2" * 64,
        log_ratio_nanonats=one.log_ratio,
        credit_sum_nanonats=sum(one.credits.values()),
        unattributed_ppb=0,
        lines=tuple(lines),
    )


@dataclass(frozen=True)
class Given:
    """Everything that a close follows from."""

    songs: tuple[Song, ...] = ()
    outputs: tuple[Output, ...] = ()
    events: tuple[Event, ...] = ()
    revenue: tuple[Income, ...] = ()
    rates: tuple[tuple[str, str, int, int], ...] = ()
    policy: Policy = ALL

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The frozen tables as rows, in their order, whatever the order here."""
        songs = sorted(self.songs, key=lambda one: one.work_id)
        outputs = sorted(self.outputs, key=lambda one: one.output_id)
        events = sorted(self.events, key=lambda one: (one.event_id, one.kind))
        work_at = {one.work_id: number for number, one in enumerate(songs)}
        output_at = {one.output_id: number for number, one in enumerate(outputs)}
        names = sorted(
            {party for one in songs for parties in one.splits.values() for party in parties}
            | {party for one in songs for _right, party in one.units}
        )
        party_at = {name: number for number, name in enumerate(names)}
        first_of: dict[str, int] = {}
        for one in songs:
            first_of.setdefault(one.cluster or one.work_id, work_at[one.work_id])
        return {
            "works": [
                {
                    "work_id": one.work_id,
                    "cluster": first_of[one.cluster or one.work_id],
                    "registered_at": one.registered_at,
                    "state": one.state,
                    "paid_ppb": one.paid_ppb,
                }
                for one in songs
            ],
            "parties": [{"party_id": name} for name in names],
            "splits": [
                {"work": work_at[one.work_id], "right": right, "territory": place, "party": party_at[name], "split_ppb": ppb}
                for one in songs
                for (right, place), parties in sorted(one.splits.items())
                for name, ppb in sorted(parties.items())
            ],
            "units": [
                {
                    "work": work_at[one.work_id],
                    "right": right,
                    "party": party_at[name],
                    "time_units": time,
                    "salary_units": pay,
                }
                for one in songs
                for (right, name), (time, pay) in sorted(one.units.items())
            ],
            "outputs": [
                {
                    "output_id": one.output_id,
                    "attribution_digest": "3" * 64,
                    "log_ratio_nanonats": one.log_ratio,
                    "reliability_ppb": one.reliability_ppb,
                }
                for one in outputs
            ],
            "credits": [
                {
                    "output": output_at[one.output_id],
                    "work": work_at[work],
                    "share_ppb": share,
                    "credit_nanonats": one.credits[work],
                    "error_nanonats": one.errors.get(work, 0),
                }
                for one in outputs
                for work, share in sorted(signed_shares(attribution(one)).items())
            ],
            "events": [
                {name: value for name, value in asdict(one).items() if name != "declared"}
                | {"output": output_at[one.output]}
                for one in events
            ],
            "declared": [
                {"event": number, "work": work_at[work]}
                for number, one in enumerate(events)
                for work in sorted(one.declared)
            ],
            "revenue": [asdict(one) for one in sorted(self.revenue, key=lambda one: (one.revenue_id, one.kind))],
            "rates": [
                {"currency": a, "into": b, "numerator": up, "denominator": down, "fixed_on": "2026-11-30", "source": "tests"}
                for a, b, up, down in sorted(self.rates)
            ],
        }

    def rows(self) -> FrozenRows:
        """The rows, checked."""
        return checked_rows(self.tables())

    def freeze(self, folder: Path) -> Frozen:
        """Writes the frozen folder."""
        return freeze_tables(folder, self.tables())

    def close(self, **changes: Any) -> Closed:
        """The period closed as November 2026, in memory."""
        now = replace(self, **changes)
        return close_rows(now.rows(), (), "2026-11", "2026-11-01", "2026-11-30", now.policy)


def freeze_tables(folder: Path, tables: Mapping[str, list[dict[str, Any]]]) -> Frozen:
    """Writes rows as a frozen folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        pq.write_table(pa.Table.from_pylist(tables[name], table_schema(name)), table_path(folder, name))
    return Frozen(folder, tuple((name, table_digest(name, table_path(folder, name))) for name in sorted(SCHEMAS)))


def november(policy: Policy = FIFTY) -> Given:
    """A small, ordinary period: two works, three parties, one stranger, two currencies."""
    return Given(
        songs=(
            song("w1", ada=HALF, bob=HALF),
            Song("w2", {("train", "WORLD"): {"ada": PPB}, ("train", "DE"): {"cyd": PPB}}),
            song("w3"),
        ),
        outputs=(output("o1", 10, w1=6, w2=2, w3=-1), output("o2", 4, w1=-1, w2=3, w3=2)),
        events=(
            event("e1", "o1", 10_000_000),
            event("e2", "o2", 5_000_001, territory="DE"),
            event("e3", "o1", 3_333_333, currency="USD"),
        ),
        policy=policy,
    )


# --- strategies ---

NAMES = ("w1", "w2", "w3", "w4", "w5")
PARTIES = ("ada", "bob", "cyd", "dee")
CREDITS = st.one_of(st.integers(-20, 20), st.integers(-(10**13), 10**13))
MICROS = st.one_of(st.integers(0, 30), st.integers(0, 10**12))
PORTIONS = st.one_of(st.sampled_from([0, HALF, PPB]), st.integers(0, PPB))
PLACES = st.sampled_from(["WORLD", "DE", "FR"])


@st.composite
def portions(draw: st.DrawFn) -> dict[str, int]:
    """One set of splits that sums to a whole."""
    parties = draw(st.lists(st.sampled_from(PARTIES), min_size=1, max_size=3, unique=True))
    cuts = sorted(draw(st.lists(st.integers(1, PPB - 1), min_size=len(parties) - 1, max_size=len(parties) - 1, unique=True)))
    ends = [0, *cuts, PPB]
    return {party: ends[i + 1] - ends[i] for i, party in enumerate(parties)}


@st.composite
def songs(draw: st.DrawFn, *, clusters: bool = True, territories: bool = True) -> tuple[Song, ...]:
    """Works: alone or in clusters owned alike or not, disputed, revoked, told apart by territory, with nobody known."""
    known = draw(st.lists(portions(), min_size=1, max_size=2))
    made = []
    for name in NAMES:
        splits: dict[tuple[str, str], Portions] = {}
        if draw(st.integers(0, 4)):
            splits["train", "WORLD"] = draw(st.sampled_from(known))
        if territories and draw(st.booleans()):
            splits["train", "DE"] = draw(st.sampled_from(known))
        if draw(st.booleans()):
            splits["sync", "WORLD"] = draw(portions())
        crew = draw(st.lists(st.sampled_from(PARTIES), max_size=2, unique=True))
        made.append(
            Song(
                name,
                splits,
                cluster=draw(st.sampled_from(["", "", "c1", "c2"])) if clusters else "",
                registered_at=draw(
                    st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"])
                ),
                state=draw(st.sampled_from(["payable", "payable", "payable", "disputed"])),
                paid_ppb=draw(st.sampled_from([PPB, PPB, PPB, HALF, 0])),
                units={("train", party): (draw(st.integers(0, 5)), draw(st.integers(0, 900))) for party in crew},
            )
        )
    return tuple(made)


@st.composite
def outputs(draw: st.DrawFn) -> tuple[Output, ...]:
    """Attributed outputs with signed credits, errors and reliabilities, some made no likelier."""
    return tuple(
        Output(
            f"o{number}",
            draw(CREDITS),
            draw(st.dictionaries(st.sampled_from(NAMES), CREDITS, max_size=5)),
            draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10**13), max_size=5)),
            draw(st.sampled_from([-1, 0, HALF, 900_000_000, PPB])),
        )
        for number in range(draw(st.integers(1, 4)))
    )


@st.composite
def amounts(draw: st.DrawFn, kind: str) -> dict[str, int]:
    """What a row earned, the taxes within it, and what of it was given back."""
    gross = draw(MICROS)
    tax = draw(st.integers(0, gross // 4))
    refunded = draw(st.sampled_from([0, 0, gross // 3, gross])) if kind != "refund" else 0
    return {"gross_micros": gross, "tax_micros": tax, "refunded_micros": refunded}


@st.composite
def places_in_time(draw: st.DrawFn) -> dict[str, str]:
    """The kind of a row and the period it belongs to, and what pools may be told apart by."""
    kind = draw(st.sampled_from(["earned", "earned", "earned", "late", "refund"]))
    return {
        "kind": kind,
        "usage_period": "" if kind == "earned" else draw(st.sampled_from(["2026-09", "2026-10"])),
        "service": draw(st.sampled_from(["default", "radio"])),
        "territory": draw(PLACES),
        "offer": draw(st.sampled_from(["", "premium"])),
        "payer": draw(st.sampled_from(["", "p1", "p2"])),
        "currency": draw(st.sampled_from(["EUR", "JPY"])),
    }


@st.composite
def events(draw: st.DrawFn, of: tuple[Output, ...]) -> tuple[Event, ...]:
    """Usage events of every kind."""
    made = []
    for number in range(draw(st.integers(0, 8))):
        where = draw(places_in_time())
        made.append(
            Event(
                f"e{number}",
                draw(st.sampled_from(of)).output_id,
                **where,
                **draw(amounts(where["kind"])),
                use=draw(st.sampled_from(["generation", "likeness"])),
                uses=draw(st.one_of(st.just(1), st.integers(1, 5_000))),
                declared=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))),
            )
        )
    return tuple(made)


@st.composite
def incomes(draw: st.DrawFn) -> tuple[Income, ...]:
    """Revenue of many uses together, of every kind."""
    made = []
    for number in range(draw(st.integers(0, 3))):
        where = draw(places_in_time())
        made.append(Income(f"r{number}", **where, **draw(amounts(where["kind"]))))
    return tuple(made)


@st.composite
def gates(draw: st.DrawFn) -> Gate:
    """No limits, or several."""
    if draw(st.booleans()):
        return Gate()
    return Gate(
        uses_min=draw(st.sampled_from([0, 1, 2, 1_000])),
        cap_ppb=draw(st.sampled_from([PPB, PPB, HALF, 100_000_000, 0])),
        floor_micros=draw(st.sampled_from([0, 0, 1, 7, 10**6])),
        to=draw(st.sampled_from(["commons", "others"])),
    )


@st.composite
def parts(draw: st.DrawFn, *, bases: Iterable[str] = ("credits", "declared", "equal", "units", "party")) -> tuple[Part, ...]:
    """A waterfall that never asks for more than its pool."""
    made: list[Part] = []
    left = PPB
    for number in range(draw(st.integers(1, 3))):
        by = draw(st.sampled_from(list(bases)))
        of_rest = bool(made) and draw(st.booleans()) and all(part.of_rest for part in made[1:])
        share = draw(PORTIONS) if of_rest else draw(st.integers(0, left))
        left -= 0 if of_rest else share
        # A portion of the pool behind one of the rest may ask for what is gone; such waterfalls have one kind of tail.
        if not of_rest and any(part.of_rest for part in made):
            of_rest = True
        made.append(
            Part(
                f"part {number}",
                share,
                of_rest,
                by,
                right=draw(st.sampled_from(["train", "train", "sync"])),
                party_id="fund" if by == "party" else "",
                fixed_ppb=draw(st.sampled_from([0, 0, HALF, 1])),
                fixed_by_reliability=draw(st.integers(0, 4)) == 0,
                gate=draw(gates()),
            )
        )
    return tuple(made)


@st.composite
def pool_rules(draw: st.DrawFn, number: int, share_max: int) -> PoolRule:
    """A pool rule of any base."""
    base = draw(st.sampled_from(["gross", "net", "net", "fixed", "per-use"]))
    fixed = base in ("fixed", "per-use")
    return PoolRule(
        f"rule {number}",
        base,
        share_ppb=0 if fixed else draw(st.integers(0, share_max)),
        amount_micros=draw(st.integers(0, 10**9)) if fixed else 0,
        currency=draw(st.sampled_from(["EUR", "USD"])) if fixed else "",
        spread=draw(st.sampled_from(["direct", "uses"])),
        by=tuple(
            draw(st.lists(st.sampled_from(["service", "territory", "offer", "payer"]), max_size=3, unique=True).map(sorted))
        ),
        service=draw(st.sampled_from(["", "", "radio"])),
        offer=draw(st.sampled_from(["", "", "premium"])),
        use=draw(st.sampled_from(["", "", "likeness"])),
        multipliers=(("likeness", draw(st.integers(0, 3 * PPB))),) if base == "per-use" and draw(st.booleans()) else (),
        parts=draw(parts()),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A policy of one or two pool rules, with everything that a policy can say about money."""
    rules = draw(st.integers(1, 2))
    return Policy(
        "any",
        tuple(draw(pool_rules(number, PPB // rules)) for number in range(rules)),
        levies=tuple(Levy(f"levy {number}", draw(PORTIONS), "fund") for number in range(draw(st.integers(0, 2)))),
        weighting=draw(st.sampled_from(["revenue", "revenue", "nats"])),
        settle_in=draw(st.sampled_from(["", "", "EUR"])),
        significance_ppb=draw(st.sampled_from([0, 0, 100_000_000, HALF])),
        reliability_min_ppb=draw(st.sampled_from([0, 0, HALF])),
    )


RATES = (("JPY", "EUR", 613, 100_000), ("USD", "EUR", 10_000, 10_861))


@st.composite
def givens(draw: st.DrawFn) -> Given:
    """Whole frozen periods."""
    of = draw(outputs())
    return Given(draw(songs()), of, draw(events(of)), draw(incomes()), RATES, draw(policies()))


@st.composite
def plain_givens(draw: st.DrawFn, *, weighting: str = "", territories: bool = True) -> Given:
    """Periods without gates, clusters, revoked or disputed works: one pool per currency, divided by credits."""
    of = draw(outputs())
    works = draw(songs(clusters=False, territories=territories))
    uses = draw(events(of))
    policy = Policy(
        "plain",
        (PoolRule("plain", "gross", draw(PORTIONS)),),
        weighting=weighting or draw(st.sampled_from(["revenue", "nats"])),
    )
    return Given(
        tuple(replace(one, state="payable", paid_ppb=PPB) for one in works),
        of,
        tuple(replace(one, kind="earned", usage_period="") for one in uses),
        policy=policy,
    )

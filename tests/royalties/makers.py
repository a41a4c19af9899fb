"""Small works, attributions and periods for tests, and Hypothesis strategies that make whole periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from endcredits.attribution import Attribution, Line
from endcredits.ids import OutputId, PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties import FIFTY_FIFTY, PeriodClose, Policy, UsageEvent, close_period, make_event
from endcredits.works import Split, Work

HALF = PPB // 2


def attribution(output: str, log_ratio: int, credits: Mapping[str, int]) -> Attribution:
    """An attribution with the given credits in nano-nats."""
    ranked = sorted(credits.items(), key=lambda item: (-item[1], item[0]))
    return Attribution(
        output_id=OutputId(output),
        output_sha256="0" * 64,
        prompt_sha256="1" * 64,
        output_bytes=10,
        method="test/1",
        index_digest="2" * 64,
        log_ratio_nanonats=log_ratio,
        credit_sum_nanonats=sum(credits.values()),
        unattributed_ppb=0,
        lines=tuple(Line(rank, WorkId(work), credit, 0, 0) for rank, (work, credit) in enumerate(ranked, 1)),
    )


def split(party: str, ppb: int = PPB, territory: str = "WORLD", valid_from: str = "0001-01-01") -> Split:
    """A split of the right to train."""
    return Split(PartyId(party), ppb, "train", territory, valid_from)


def work(name: str, *splits: Split) -> Work:
    """A work without files and credits."""
    return Work(WorkId(name), f"Title of {name}", (), (), splits)


def event(name: str, output: str, micros: int, *, at: str = "2026-11-03T12:00:00Z", **more: str) -> UsageEvent:
    """A usage event in euros."""
    return make_event(name, output, at, micros, more.pop("currency", "EUR"), **more)


@dataclass(frozen=True)
class Period:
    """The inputs of a close."""

    events: tuple[UsageEvent, ...]
    attributions: dict[OutputId, Attribution]
    works: dict[WorkId, Work]
    policy: Policy = FIFTY_FIFTY

    def close(self, **changes: object) -> PeriodClose:
        """The period closed as November 2026."""
        now = replace(self, **changes)  # type: ignore[arg-type]
        return close_period("2026-11", "2026-11-01", "2026-11-30", now.events, now.attributions, now.works, now.policy)


def period(
    events: list[UsageEvent], attributions: list[Attribution], works: list[Work], policy: Policy = FIFTY_FIFTY
) -> Period:
    """A period from lists."""
    return Period(tuple(events), {one.output_id: one for one in attributions}, {one.work_id: one for one in works}, policy)


def november() -> Period:
    """A small, ordinary period: two works, three parties, one stranger, two currencies."""
    return period(
        [
            event("e1", "o1", 10_000_000),
            event("e2", "o2", 5_000_001, territory="DE"),
            event("e3", "o1", 3_333_333, currency="USD"),
        ],
        [attribution("o1", 10, {"w1": 6, "w2": 2, "w3": -1}), attribution("o2", 4, {"w1": -1, "w2": 3, "w3": 2})],
        [
            work("w1", split("ada", HALF), split("bob", HALF)),
            work("w2", split("ada"), split("cyd", PPB, "DE")),
            work("w3"),
        ],
    )


NAMES = ("w1", "w2", "w3", "w4", "w5")
CREDITS = st.one_of(st.integers(-20, 20), st.integers(-(10**13), 10**13))
TERRITORIES = st.sampled_from(["WORLD", "DE", "FR", "JP"])


@st.composite
def split_sets(draw: st.DrawFn, territory: str) -> list[Split]:
    """One set of splits that sums to a whole."""
    parties = draw(st.lists(st.sampled_from(["ada", "bob", "cyd", "dee"]), min_size=1, max_size=3, unique=True))
    cuts = sorted(draw(st.lists(st.integers(1, PPB - 1), min_size=len(parties) - 1, max_size=len(parties) - 1, unique=True)))
    ends = [0, *cuts, PPB]
    return [split(party, ends[i + 1] - ends[i], territory) for i, party in enumerate(parties)]


@st.composite
def periods(draw: st.DrawFn, *, territories: bool = True) -> Period:
    """A period with signed credits, several currencies and territories, unknown payees, revenue from none to much."""
    works = []
    for name in NAMES:
        sets = draw(split_sets("WORLD")) if draw(st.booleans()) else []
        if territories and draw(st.booleans()):
            sets += draw(split_sets("DE"))
        works.append(work(name, *sets))
    attributions = [
        attribution(f"o{number}", draw(CREDITS), draw(st.dictionaries(st.sampled_from(NAMES), CREDITS, max_size=5)))
        for number in range(draw(st.integers(1, 4)))
    ]
    events = [
        event(
            f"e{number}",
            draw(st.sampled_from(attributions)).output_id,
            draw(st.one_of(st.integers(0, 30), st.integers(0, 10**12))),
            currency=draw(st.sampled_from(["EUR", "JPY"])),
            territory=draw(TERRITORIES) if territories else "WORLD",
        )
        for number in range(draw(st.integers(0, 8)))
    ]
    policy = Policy("any", draw(st.integers(0, PPB)), draw(st.sampled_from(["revenue", "nats"])))
    return period(events, attributions, works, policy)

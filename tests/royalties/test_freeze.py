"""A frozen period holds exactly what its close may look at, sorted, whole or not at all, and any change of it is named."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from endcredits.attribution import document_of
from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties import freeze_writing, recording
from endcredits.royalties.close import close_period
from endcredits.royalties.forms import handed_in
from endcredits.royalties.freeze import FACTS, freeze, frozen_digest, read_frozen
from endcredits.royalties.freeze_again import CATALOGUE, freeze_again
from endcredits.royalties.freeze_catalogue import splits_on
from endcredits.royalties.freeze_credits import attribution_digest
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_digest, table_path
from endcredits.royalties.rates import make_rate
from endcredits.royalties.rules import Policy
from endcredits.royalties.units import Units
from endcredits.store import Store
from endcredits.works import splits_at

from .reporting import (
    NOW,
    POLICY,
    add_events,
    attributed,
    attribution,
    close_days,
    event,
    naive_digest,
    refund,
    revenue,
    split,
    work,
)

# The package gives the function this name, too.
freezing = import_module("endcredits.royalties.freeze")

WORKS = (work("w2", split("bob", PPB // 2), split("ada", PPB // 2)), work("w1", split("ada")), work("w3"))
CREDITS = attributed(attribution("o1", {"w1": 6, "w2": -2, "w3": 0}), attribution("o2", {"w3": 4}, log_ratio=-1))


def frozen(conn: Connection, into: Path, **changes: Any) -> Frozen:
    """November frozen with everything recorded so far."""
    given: dict[str, Any] = {
        "period_id": "2026-11",
        "starts_on": "2026-11-01",
        "ends_on": "2026-11-30",
        "cut_off": recording.cut_off(conn),
        "policy": POLICY,
        "works": WORKS,
        "attributions_of": CREDITS,
    }
    return freeze(conn, into, **given | changes)


def december(conn: Connection, into: Path, **changes: Any) -> Frozen:
    """The month after it."""
    return frozen(conn, into, period_id="2026-12", starts_on="2026-12-01", ends_on="2026-12-31", **changes)


def rows(made: Frozen, name: str) -> list[dict[str, Any]]:
    """The rows of a frozen table."""
    found: list[dict[str, Any]] = pq.read_table(table_path(made.folder, name)).to_pylist()
    return found


def column(made: Frozen, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of a frozen table."""
    return [tuple(row[one] for one in columns) for row in rows(made, name)]


def test_every_table_says_what_the_books_say(store: Store, tmp_path: Path) -> None:
    """Works, parties, splits, outputs and credits by row numbers; events in the order of their ids; digests by the rule."""

    def work_(conn: Connection) -> Frozen:
        add_events(
            conn,
            event("b", output="o2", uses=3, service="web", territory="DE", offer="premium", payer="p", use="trailer"),
            event("a", tax_micros=160_000, declared=["w3", "w1"]),
            event("Z", micros=0),
        )
        return frozen(conn, tmp_path / "f")

    made = store.write(work_)

    assert column(made, "works", "work_id", "cluster", "registered_at", "state", "paid_ppb") == [
        ("w1", 0, "", "payable", PPB),
        ("w2", 1, "", "payable", PPB),
        ("w3", 2, "", "payable", PPB),
    ]
    assert column(made, "parties", "party_id") == [("ada",), ("bob",)]
    assert column(made, "splits", "work", "right", "territory", "party", "split_ppb") == [
        (0, "train", "WORLD", 0, PPB),
        (1, "train", "WORLD", 0, PPB // 2),
        (1, "train", "WORLD", 1, PPB // 2),
    ]
    assert column(made, "outputs", "output_id", "log_ratio_nanonats", "reliability_ppb") == [("o1", 10, -1), ("o2", -1, -1)]
    assert column(made, "credits", "output", "work", "share_ppb", "credit_nanonats") == [
        (0, 0, 600_000_000, 6),
        (0, 1, -200_000_000, -2),
        (1, 2, 0, 4),
    ]
    assert column(made, "events", "event_id", "output", "uses", "gross_micros", "tax_micros", "kind", "usage_period") == [
        ("Z", 0, 1, 0, 0, "earned", ""),
        ("a", 0, 1, 1_000_000, 160_000, "earned", ""),
        ("b", 1, 3, 1_000_000, 0, "earned", ""),
    ]
    assert column(made, "events", "service", "territory", "offer", "payer", "use", "currency")[2] == (
        "web", "DE", "premium", "p", "trailer", "EUR",
    )  # fmt: skip
    assert column(made, "declared", "event", "work") == [(1, 0), (1, 2)]
    for name, columns in SCHEMAS.items():
        found = rows(made, name)
        values = {one: [row[one] for row in found] for one in columns}
        assert dict(made.digests)[name] == naive_digest(name, values)
        assert dict(made.digests)[name] == table_digest(name, table_path(made.folder, name), batch_rows=1)


def test_what_comes_after_the_cut_off_or_the_last_day_is_not_there(store: Store, tmp_path: Path) -> None:
    """Both edges of the days and the edge of the numbers."""

    def work_(conn: Connection) -> list[Frozen]:
        add_events(conn, event("first", on="2026-11-01"), event("last", on="2026-11-30"), event("next", on="2026-12-01"))
        cut_off = recording.cut_off(conn)
        add_events(conn, event("late"))
        return [frozen(conn, tmp_path / "f", cut_off=cut_off), frozen(conn, tmp_path / "g", cut_off=cut_off - 2)]

    at_cut_off, before = store.write(work_)

    assert column(at_cut_off, "events", "event_id") == [("first",), ("last",)]
    assert column(before, "events", "event_id") == [("first",)]


def test_late_usage_and_refunds_stand_in_their_own_period(store: Store, tmp_path: Path) -> None:
    """The next close has its own rows alone; the closed period frozen again has all of its own, and refunds lower them."""

    def work_(conn: Connection) -> tuple[Frozen, Frozen, Frozen]:
        add_events(conn, event("sale", micros=1_190_000, tax_micros=190_000), event("other"))
        recording.record_refunds(conn, handed_in([refund("r1", "sale", 590_000)]), at=NOW)
        first = frozen(conn, tmp_path / "f")
        close_days(conn, "2026-11", "2026-11-01", "2026-11-30")
        add_events(conn, event("own", on="2026-12-01"), event("late"), event("gap", on="2026-10-03"))
        recording.record_revenue(conn, handed_in([revenue("sub", on="2026-11-30")]), at=NOW)
        again = [
            refund("r2", "sale", 500_000),
            refund("r3", "sale", 100_000),
            refund("r4", "late", 1),
            refund("r5", "sub", 7),
        ]
        recording.record_refunds(conn, handed_in(again), at=NOW)
        again_ = freeze_again(
            conn,
            tmp_path / "a",
            base=first,
            cut_off=recording.cut_off(conn),
            policy=POLICY,
            works=WORKS,
            attributions_of=CREDITS,
        )
        return first, again_, december(conn, tmp_path / "g")

    first, again, second = store.write(work_)

    facts = ("event_id", "kind", "usage_period", "gross_micros", "tax_micros", "refunded_micros")
    assert column(first, "events", *facts) == [
        ("other", "earned", "", 1_000_000, 0, 0),
        ("sale", "earned", "", 1_190_000, 190_000, 590_000),
    ]
    assert column(again, "events", *facts) == [
        ("gap", "earned", "", 1_000_000, 0, 0),
        ("late", "earned", "", 1_000_000, 0, 1),
        ("other", "earned", "", 1_000_000, 0, 0),
        ("sale", "earned", "", 1_190_000, 190_000, 1_190_000),
    ]
    assert column(again, "revenue", "revenue_id", "kind", "usage_period", "gross_micros", "refunded_micros") == [
        ("sub", "earned", "", 5_000_000, 7)
    ]
    assert column(second, "events", *facts) == [("own", "earned", "", 1_000_000, 0, 0)]
    assert column(second, "revenue", "revenue_id") == []
    same = dict(first.digests)
    assert {name for name, digest_ in again.digests if digest_ == same[name]} >= {*CATALOGUE, *("outputs", "credits")}
    assert read_frozen(again.folder) == again


def test_a_period_frozen_again_is_one_frozen_late(store: Store, tmp_path: Path) -> None:
    """Slow twin: with works that were registered since, first in order and in the middle, it is the freeze that would have
    been made had everybody waited; new splits of works that were there, new rates and new disputes change nothing."""
    known = (work("w2", split("bob", PPB // 2), split("ada", PPB // 2)), work("w4", split("ada")), work("w3"))
    since = (work("w1", split("zoe", PPB // 4), split("ada", PPB * 3 // 4)), work("w31"), work("w5", split("bob")))
    agreed = (work("w2", split("eve"), split("bob", since="0002-01-01")), *known[1:], *since)
    crew = (Units(WorkId("w4"), "train", PartyId("eve"), 1, 2),)
    times = {WorkId(f"w{n}"): f"2026-01-0{n}T00:00:00Z" for n in (1, 2, 3, 4, 5)}
    credits = attributed(
        attribution("o1", {"w2": 6, "w3": -2, "w4": 1}),
        attribution("o2", {"w1": 4, "w3": 3, "w31": 3}),
        attribution("o9", {"w4": 5, "w2": 5}),
    )
    old: dict[str, Any] = {"attributions_of": credits, "units": crew, "registered_at": times}
    old |= {"clusters": [{WorkId("w2"), WorkId("w4")}], "disputed": {WorkId("w3")}}
    new: dict[str, Any] = {"policy": POLICY, "works": agreed, "attributions_of": credits, "registered_at": times}
    new["clusters"] = [{WorkId("w1"), WorkId("w4")}, {WorkId("w3"), WorkId("w5")}]

    def work_(conn: Connection) -> None:
        add_events(conn, event("sale", output="o1", declared=["w4"]), event("yen", output="o9", currency="JPY"))
        recording.record_rates(conn, handed_in([make_rate("JPY", "EUR", "1/160", "2026-11-01", "bank")]), at=NOW)
        into = Policy(POLICY.name, POLICY.pools, settle_in="EUR")
        first = frozen(conn, tmp_path / "first", works=known, policy=into, **old)
        close_days(conn, "2026-11", "2026-11-01", "2026-11-30")
        add_events(conn, event("late", output="o2", declared=["w2", "w31"]))
        recording.record_rates(conn, handed_in([make_rate("JPY", "EUR", "1/150", "2026-11-30", "bank")]), at=NOW)
        cut_off = recording.cut_off(conn)

        again = freeze_again(conn, tmp_path / "again", base=first, cut_off=cut_off, **new)
        more = freeze_again(conn, tmp_path / "more", base=again, cut_off=cut_off, **new)

        assert read_frozen(again.folder) == again and more.digests == again.digests
        waited = [{WorkId("w2"), WorkId("w4"), WorkId("w1")}]
        late_ = frozen(conn, tmp_path / "late", works=(*known, *since[:2]), policy=into, **old | {"clusters": waited})
        assert {name for name in SCHEMAS if dict(again.digests)[name] != dict(late_.digests)[name]} == {"rates"}
        assert rows(again, "rates") == rows(first, "rates") != rows(late_, "rates")
        assert again == freeze_again(conn, tmp_path / "again", base=first, cut_off=cut_off, **new), "found made"
        with pytest.raises(ConflictError, match="another freeze"):
            freeze_again(conn, tmp_path / "again", base=first, cut_off=cut_off - 1, **new)
        with pytest.raises(InputError, match="not registered"):
            freeze_again(conn, tmp_path / "none", base=first, cut_off=cut_off, **new | {"works": known})

    store.write(work_)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("event"), st.integers(1, 6)),
            st.tuples(st.just("refund"), st.integers(0, 30)),
            st.tuples(st.just("close"), st.just(0)),
        ),
        max_size=25,
    )
)
def test_every_report_is_counted_exactly_once(sqlite_store: Store, steps: list[tuple[str, int]]) -> None:
    """In whatever order days close and reports arrive: money counted over all closes, each as it stands after the last time
    that it was divided again, is money earned less money given back.

    Works directly on the queries that a freeze writes from, without a folder.
    """
    from endcredits.royalties.counting import adjusted_periods, counted_events, refund_sums, window
    from endcredits.royalties.tables import usage_events

    class Undo(Exception):
        pass

    def run(conn: Connection) -> None:
        sold: list[str] = []
        returned = closed = 0
        counted: dict[str, dict[str, int]] = {}
        days: dict[str, tuple[str, str]] = {}

        def count(period_id: str, cut_off: int) -> None:
            seen = window(conn, *days[period_id], cut_off)
            back = refund_sums(seen)
            query = (
                sa.select(usage_events.c.event_id, 10 - sa.func.coalesce(back.c.refunded_micros, 0))
                .select_from(usage_events.outerjoin(back, back.c.of_id == usage_events.c.event_id))
                .where(counted_events(seen))
            )
            counted[period_id] = {row[0]: row[1] for row in conn.execute(query)}

        for number, (what, value) in enumerate([*steps, *[("close", 0)] * 7]):
            if what == "event":
                sold.append(f"e{number}")
                add_events(conn, event(sold[-1], on=f"2026-0{value}-15", micros=10))
            elif what == "refund" and sold:
                of = sold[value % len(sold)]
                done = recording.record_refunds(conn, handed_in([refund(f"r{number}", of, 4)]), at=NOW, hold=True)
                returned += 4 * done.new
            elif what == "close" and closed < (7 if number >= len(steps) else 6):
                closed += 1
                first, last = f"2026-0{closed}-01", f"2026-0{closed}-28"
                days[f"p{closed}"] = (first, last)
                cut_off = recording.cut_off(conn)
                for period_id in (*adjusted_periods(conn, window(conn, first, last, cut_off)), f"p{closed}"):
                    count(period_id, cut_off)
                close_days(conn, f"p{closed}", first, last)
        assert closed == 7
        assert sorted(name for rows_ in counted.values() for name in rows_) == sorted(sold)
        assert sum(money for rows_ in counted.values() for money in rows_.values()) == 10 * len(sold) - returned
        raise Undo

    with pytest.raises(Undo):
        sqlite_store.write(run)


def test_rates_are_those_of_the_last_day_and_missing_ones_are_named(store: Store, tmp_path: Path) -> None:
    """The latest on or before it, crossed where nobody published a direct one."""
    into_yen = Policy(POLICY.name, POLICY.pools, settle_in="JPY")

    def work_(conn: Connection) -> Frozen:
        add_events(conn, event("a", currency="USD"), event("b"))
        with pytest.raises(InputError, match="from EUR to JPY on or before 2026-11-30"):
            frozen(conn, tmp_path / "f", policy=into_yen)
        published = [
            make_rate("EUR", "JPY", "160", "2026-11-29", "bank"),
            make_rate("EUR", "JPY", "170", "2026-12-01", "bank"),
            make_rate("EUR", "USD", "1.25", "2026-11-30", "bank"),
        ]
        recording.record_rates(conn, handed_in(published), at=NOW)
        return frozen(conn, tmp_path / "f", policy=into_yen)

    made = store.write(work_)

    assert [tuple(row.values()) for row in rows(made, "rates")] == [
        ("EUR", "JPY", 160, 1, "2026-11-29", "bank"),
        ("EUR", "USD", 5, 4, "2026-11-30", "bank"),
        ("USD", "JPY", 128, 1, "2026-11-29", "bank; turned round; bank; through EUR"),
    ]


def test_clusters_disputes_tails_and_units(sqlite_store: Store, tmp_path: Path) -> None:
    """What the gathering says of works stands beside them."""
    policy = Policy(POLICY.name, POLICY.pools, tail_ppb=PPB // 4)
    crew = (Units(WorkId("w3"), "residual", PartyId("eve"), 12, 40), Units(WorkId("w1"), "residual", PartyId("ada"), 1, 2))

    with sqlite_store.reading() as conn:
        made = frozen(
            conn,
            tmp_path / "f",
            policy=policy,
            clusters=[{WorkId("w3"), WorkId("w2")}],
            disputed={WorkId("w1")},
            revoked={WorkId("w2")},
            registered_at={WorkId("w1"): "2026-01-01T00:00:00Z"},
            units=crew,
        )

    assert column(made, "works", "cluster", "registered_at", "state", "paid_ppb") == [
        (0, "2026-01-01T00:00:00Z", "disputed", PPB),
        (1, "", "payable", PPB // 4),
        (1, "", "payable", PPB),
    ]
    assert column(made, "parties", "party_id") == [("ada",), ("bob",), ("eve",)]
    assert [tuple(row.values()) for row in rows(made, "units")] == [(0, "residual", 0, 1, 2), (2, "residual", 2, 12, 40)]


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("an unregistered work", {"works": WORKS[:1]}, "the output 'o1' credits the work 'w1'"),
    (
        "a declared stranger",
        {"works": (*WORKS[:2],), "attributions_of": attributed(attribution("o1", {"w1": 1}))},
        "declares",
    ),
    ("no attribution", {"attributions_of": attributed()}, "the output 'o1' was used"),
    ("a work twice", {"works": (*WORKS, WORKS[0])}, "given twice"),
    ("clusters that overlap", {"clusters": [{"w1", "w2"}, {"w2", "w3"}]}, "overlap at 'w2'"),
    ("a cluster of strangers", {"clusters": [{"w1", "w9"}]}, "'w9'"),
    ("units of a stranger", {"units": [Units(WorkId("w9"), "r", PartyId("a"), 1, 1)]}, "'w9'"),
    ("days the wrong way round", {"ends_on": "2026-10-31"}, "before it starts"),
    ("no day", {"ends_on": "2026-11-31"}, "is not a day"),
    ("no id", {"period_id": "../up"}, "cannot be an id"),
]


@pytest.mark.parametrize(("change", "message"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_what_cannot_be_frozen_is_named_and_leaves_nothing(
    sqlite_store: Store, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    """Each a finding with a remedy; no folder and no half of one."""
    sqlite_store.write(lambda conn: add_events(conn, event("a", declared=["w3"])))

    with sqlite_store.reading() as conn, pytest.raises(InputError) as caught:
        frozen(conn, tmp_path / "f", **change)

    assert message in caught.value.message
    assert caught.value.remedy
    assert {path.name for path in tmp_path.iterdir()} <= {".lock", "studio.db", "studio.db-wal", "studio.db-shm"}


def test_a_work_without_splits_has_no_split_rows(sqlite_store: Store, tmp_path: Path) -> None:
    """Its money goes to suspense: splits that begin after the last day do not count, and later ones replace earlier ones."""
    works = (
        work("w1", split("ada", since="2026-12-01")),
        work("w2", split("ada"), split("bob", since="2026-11-30"), split("cyd", territory="DE"), split("eve", right="x")),
        work("w3"),
    )
    with sqlite_store.reading() as conn:
        made = frozen(conn, tmp_path / "f", works=works)

    assert column(made, "parties", "party_id") == [("bob",), ("cyd",), ("eve",)]
    assert column(made, "splits", "work", "right", "territory", "party") == [
        (1, "train", "DE", 1),
        (1, "train", "WORLD", 0),
        (1, "x", "WORLD", 2),
    ]


SINCE = st.sampled_from(["0001-01-01", "2026-10-01", "2026-11-30", "2026-12-01"])


@given(
    st.lists(st.tuples(st.sampled_from(["train", "x"]), st.sampled_from(["WORLD", "DE"]), SINCE), unique=True, max_size=8)
)
def test_splits_in_force_are_what_the_registry_answers(sets: list[tuple[str, str, str]]) -> None:
    """The quick selection of all sets against the registry's own answer for each right and place."""
    one = work("w", *(split("ada", territory=place, since=since, right=right) for right, place, since in sets))

    found = splits_on(one, "2026-11-30")

    for right in ("train", "x"):
        for place in ("WORLD", "DE"):
            own = [each for each in found if (each.right, each.territory) == (right, place)]
            expected = splits_at(one, right, place, "2026-11-30")
            fallback = [each for each in found if (each.right, each.territory) == (right, "WORLD")]
            assert tuple(own or fallback) == expected


def test_splits_that_are_no_whole_are_refused() -> None:
    """Nobody is paid by a damaged set."""
    with pytest.raises(IntegrityError, match="sum to 999,999,999"):
        splits_on(work("w", split("ada", PPB - 1)), "2026-11-30")


@given(
    st.dictionaries(st.sampled_from(["w1", "w2", "work:é"]), st.integers(-(10**15), 10**15)),
    st.text(),
    st.sampled_from(["", "uncalibrated", "slope/1"]),
    st.one_of(st.none(), st.integers(0, PPB)),
    st.one_of(st.none(), st.integers(-9, 9)),
)
def test_the_quick_digest_of_an_attribution_is_the_canonical_one(
    credits: dict[str, int], method: str, calibration: str, reliability: int | None, raw: int | None
) -> None:
    """For any text in it, calibrated or not."""
    one = attribution("o1", credits)
    lines = tuple(replace(line, raw_credit_nanonats=raw, raw_error_nanonats=raw) for line in one.lines)
    one = replace(one, method=method, calibration_method=calibration, reliability_ppb=reliability, lines=lines)

    assert attribution_digest(one) == digest(document_of(one))


def test_reliability_is_frozen_as_it_was_measured(sqlite_store: Store, tmp_path: Path) -> None:
    """-1 stands for never."""
    sqlite_store.write(lambda conn: add_events(conn, event("a"), event("b", output="o2")))
    measured = attributed(replace(attribution("o1", {}), reliability_ppb=0), attribution("o2", {}))

    with sqlite_store.reading() as conn:
        made = frozen(conn, tmp_path / "f", attributions_of=measured)

    assert column(made, "outputs", "reliability_ppb") == [(0,), (-1,)]


def test_freezing_again_is_skipped_and_gives_the_same(store: Store, tmp_path: Path) -> None:
    """Same facts: the folder stands, checked and unwritten; other facts: refused; elsewhere: the same digests."""

    def work_(conn: Connection) -> None:
        add_events(conn, event("a"), event("b"))
        made = frozen(conn, tmp_path / "f")
        before = {path.name: path.stat().st_mtime_ns for path in made.folder.iterdir()}

        assert frozen(conn, tmp_path / "f", works=()) == made == read_frozen(tmp_path / "f")
        assert {path.name: path.stat().st_mtime_ns for path in made.folder.iterdir()} == before
        with pytest.raises(ConflictError, match="its cut_off is 2, not 1") as caught:
            frozen(conn, tmp_path / "f", cut_off=1)
        assert caught.value.field == "cut_off"
        elsewhere = frozen(conn, tmp_path / "g", works=WORKS[::-1])
        assert elsewhere.digests == made.digests
        assert frozen_digest(elsewhere.digests) == frozen_digest(made.digests)

    store.write(work_)


def damage_value(path: Path) -> None:
    """One micro more, in a file that is a sound Parquet file."""
    table = pq.read_table(path)
    index = table.schema.names.index("gross_micros")
    values = pa.array([value + 1 for value in table.column(index).to_pylist()], pa.int64())
    pq.write_table(table.set_column(index, table.schema.field(index), values), path)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a value": damage_value,
    "a byte": lambda path: path.write_bytes(path.read_bytes()[:-9] + b"X" + path.read_bytes()[-8:]),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "emptied": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "another table": lambda path: shutil.copy(path.with_name("works.parquet"), path),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_any_change_of_a_frozen_table_is_named(
    sqlite_store: Store, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """Reading it back and freezing again both say which table."""
    sqlite_store.write(lambda conn: add_events(conn, event("a")))
    with sqlite_store.reading() as conn:
        made = frozen(conn, tmp_path / "f")
        damage(table_path(made.folder, "events"))

        for again in (lambda: read_frozen(made.folder), lambda: frozen(conn, tmp_path / "f")):
            with pytest.raises(IntegrityError, match="'events'"):
                again()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b"null", b"[" * 100_000])
def test_facts_that_were_changed_are_refused(sqlite_store: Store, tmp_path: Path, content: bytes) -> None:
    """Whatever stands in their place."""
    with sqlite_store.reading() as conn:
        made = frozen(conn, tmp_path / "f")
    (made.folder / FACTS).write_bytes(content)

    with pytest.raises(IntegrityError, match="facts"):
        read_frozen(made.folder)


def test_a_full_disk_leaves_nothing_and_the_next_freeze_is_whole(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table cannot be flushed; then there is room again."""
    sqlite_store.write(lambda conn: add_events(conn, event("a")))

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with sqlite_store.reading() as conn:
        with monkeypatch.context() as patch:
            patch.setattr(freeze_writing.os, "fsync", full)
            with pytest.raises(MachineError, match="the disk is full"):
                frozen(conn, tmp_path / "f")
        assert not (tmp_path / "f").exists()
        assert not list(tmp_path.glob(".f.*"))
        assert column(frozen(conn, tmp_path / "f"), "events", "event_id") == [("a",)]


def test_a_freeze_killed_in_between_leaves_nothing_that_counts(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder has another name; the next freeze removes it."""

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    sqlite_store.write(lambda conn: add_events(conn, event("a")))
    with sqlite_store.reading() as conn:
        with monkeypatch.context() as patch:
            patch.setattr(freezing.os, "rename", kill)
            patch.setattr(freezing.shutil, "rmtree", lambda *_, **__: None)
            with pytest.raises(Killed):
                frozen(conn, tmp_path / "f")
        assert len(list(tmp_path.glob(".f.*"))) == 1
        assert not (tmp_path / "f").exists()

        made = frozen(conn, tmp_path / "f")

    assert column(made, "events", "event_id") == [("a",)]
    assert not list(tmp_path.glob(".f.*"))


def test_a_freeze_that_is_kept_but_reported_lost_is_found_whole(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rename succeeds and the flush of the parent folder fails: freezing again finds it, and it is whole."""
    sqlite_store.write(lambda conn: add_events(conn, event("a")))

    def lost(folder: Path) -> None:
        if folder == tmp_path:
            raise OSError(errno.EIO, "Input/output error")

    with sqlite_store.reading() as conn:
        with monkeypatch.context() as patch:
            patch.setattr(freezing, "sync_folder", lost)
            with pytest.raises(MachineError):
                frozen(conn, tmp_path / "f")
        made = frozen(conn, tmp_path / "f")

    assert column(made, "events", "event_id") == [("a",)]


def test_more_rows_than_one_batch_stand_in_order(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tiny batches everywhere the folder is the same as with large ones."""
    from endcredits.royalties import freeze_usage

    names = [f"e{number}" for number in range(60)]
    outputs = attributed(*(attribution(f"o{number}", {"w1": number + 1, "w2": -1}) for number in range(17)))

    def work_(conn: Connection) -> None:
        add_events(conn, *(event(name, output=f"o{place % 17}", declared=["w1"]) for place, name in enumerate(names)))
        whole = frozen(conn, tmp_path / "f", attributions_of=outputs)
        monkeypatch.setattr(freeze_usage, "OUTPUTS_AT_ONCE", 3)
        monkeypatch.setattr(freeze_usage, "ROWS_AT_ONCE", 7)
        monkeypatch.setattr(freeze_writing, "GROUP_ROWS", 5)
        assert frozen(conn, tmp_path / "g", attributions_of=outputs).digests == whole.digests
        assert [row["event_id"] for row in rows(whole, "events")] == sorted(names)
        assert pq.ParquetFile(table_path(tmp_path / "g", "events")).num_row_groups > 5

    sqlite_store.write(work_)


def test_the_folder_holds_only_flushed_files(sqlite_store: Store, tmp_path: Path) -> None:
    """Every table and the facts, and nothing else."""
    with sqlite_store.reading() as conn:
        made = frozen(conn, tmp_path / "f")

    assert {path.name for path in made.folder.iterdir()} == {FACTS, *(f"{name}.parquet" for name in SCHEMAS)}
    assert os.access(made.folder, os.R_OK)


def test_a_freeze_is_what_the_simple_close_reads(store: Store, tmp_path: Path) -> None:
    """Its own checks pass over usage, refunds and revenue, and every micro of its days is in its totals."""
    works = (work("w1", split("ada")), work("w2", split("bob")), work("w3"))

    def work_(conn: Connection) -> Frozen:
        add_events(conn, event("sale", micros=1_190_000, tax_micros=190_000), event("other", output="o2"))
        close_days(conn, "2026-11", "2026-11-01", "2026-11-30")
        add_events(conn, event("own", on="2026-12-01"), event("late", declared=["w1"]))
        recording.record_revenue(conn, handed_in([revenue("sub", on="2026-12-01")]), at=NOW)
        recording.record_refunds(conn, handed_in([refund("r", "sale", 595_000), refund("s", "own", 400_000)]), at=NOW)
        return december(conn, tmp_path / "f", works=works)

    closed = close_period(store.write(work_), "2026-12", "2026-12-01", "2026-12-31", POLICY)

    (total,) = closed.close.totals
    assert (total.revenue_micros, total.tax_micros) == (1_000_000 - 400_000 + 5_000_000, 0)
    kinds = {(pool.kind, pool.usage_period): pool.pool_micros for pool in closed.close.pools}
    assert kinds == {("earned", ""): (600_000 + 5_000_000) // 2}

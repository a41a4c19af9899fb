"""The fast close is the obvious one, byte for byte: on any period, in any cut, through dense columns and through DuckDB."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcredits.compute import Ray
from endcredits.errors import InputError, IntegrityError, MachineError
from endcredits.money import PPB
from endcredits.royalties.close import Closed
from endcredits.royalties.close import close_period as simple_close
from endcredits.royalties.columns import close, close_period, credits, events, laid, weighing
from endcredits.royalties.frozen import Frozen, table_digest, table_path
from endcredits.royalties.lines import read_lines, read_work_lines
from endcredits.royalties.rules import Gate
from tests.royalties.makers import Given, event, freeze_tables, givens, november, output, plain_givens, song

DAYS = ("2026-11", "2026-11-01", "2026-11-30")


def plain(one: Given) -> Given:
    """The same period under a policy that columns divide alone: works, clusters, kinds and pools stay as odd as they are."""
    pools = tuple(
        replace(
            rule,
            parts=tuple(
                replace(
                    part,
                    by="party" if part.by == "party" else "credits",
                    fixed_ppb=0,
                    fixed_by_reliability=False,
                    gate=Gate(),
                )
                for part in rule.parts
            ),
        )
        for rule in one.policy.pools
    )
    return replace(one, policy=replace(one.policy, pools=pools, weighting="revenue", significance_ppb=0))


def outcome(close_it: Any, *given_: Any) -> Any:
    """What a close gives, or the kind of error that refuses the period."""
    try:
        return close_it(*given_)
    except InputError as error:
        return type(error), error.message


def assert_same(one: Given, **how: Any) -> None:
    with TemporaryDirectory() as place:
        frozen = one.freeze(Path(place) / "frozen")
        into = Path(place) / "close"
        wanted = outcome(simple_close, frozen, *DAYS, one.policy)
        found = outcome(lambda *these: close_period(*these, into, **how), frozen, *DAYS, one.policy)
        if not isinstance(wanted, Closed):
            assert isinstance(found, tuple)
            return
        assert not isinstance(found, tuple), found
        assert tuple(read_work_lines(into)) == wanted.work_lines
        assert tuple(read_lines(into)) == wanted.lines
        assert found == wanted.close
        for name, digest in (("work_lines", found.work_lines_digest), ("lines", found.lines_digest)):
            assert table_digest(name, table_path(into, name)) == digest
        assert sorted(path.name for path in into.iterdir()) == [".lock", "lines.parquet", "work_lines.parquet"]


quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(givens())
def test_any_period(one: Given) -> None:
    assert_same(one)


@quick
@given(st.one_of(plain_givens(weighting="revenue"), givens().map(plain)))
def test_periods_divided_in_columns(one: Given) -> None:
    assert_same(one)


@settings(quick, max_examples=15, suppress_health_check=[*HealthCheck])
@given(givens(), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_any_cut_into_ranges_and_batches(one: Given, outputs: int, rows: int, grouped: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (laid, weighing):
            patch.setattr(module, "OUTPUTS_PER_FILE", outputs)
        patch.setattr(credits, "BATCH_ROWS", rows)
        patch.setattr(events, "BATCH_ROWS", rows)
        patch.setattr(close, "DENSE_CELLS", 0 if grouped else 1 << 23)
        assert_same(one)


def rich() -> Given:
    """Money that passes 2**63 in products and needs limbs and carries."""
    works = tuple(song(f"w{number}", ada=PPB // 3, bob=PPB - PPB // 3) for number in range(4))
    outputs = tuple(output(f"o{number}", 10**13, w0=6 * 10**12, w1=3 * 10**12, w2=-(10**12), w3=7) for number in range(40))
    uses = tuple(event(f"e{number:02d}", f"o{number % 40}", 10**14 + number) for number in range(80))
    return Given(works, outputs, uses, policy=november().policy)


def test_sums_beyond_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credits, "BATCH_ROWS", 16)
    one = rich()
    with TemporaryDirectory() as place:
        work_lines = simple_close(one.freeze(Path(place)), *DAYS, one.policy).work_lines
    assert max(line.weight for line in work_lines) > 2**80, "the test must leave 64 bits behind"
    assert_same(one)


@pytest.mark.parametrize("weighting", ["revenue", "nats"])
def test_several_processes_give_the_same_bytes(weighting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (laid, weighing):
        monkeypatch.setattr(module, "OUTPUTS_PER_FILE", 1)
    one = november()
    assert_same(replace(one, policy=replace(one.policy, weighting=weighting)), processes=2)


def test_ray_gives_the_same_bytes() -> None:
    pytest.importorskip("ray", reason="ray is not installed: the close on Ray is NOT tested here (pip install ray)")
    assert_same(november(), processes=2, backend=Ray())


def _die(shard: weighing.Shard) -> str:
    """A worker that is killed in the second shard, as by a full memory, once the first shard's sums are on the disk."""
    if "sums-0000" not in shard.result:
        first = Path(shard.result.replace("sums-0001", "sums-0000"))
        while not first.exists():
            pass
        os._exit(9)
    return weighing.sum_to_file(shard)


def test_a_killed_worker_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (laid, weighing):
        monkeypatch.setattr(module, "OUTPUTS_PER_FILE", 1)
    one = november()
    frozen = one.freeze(tmp_path / "frozen")
    wanted = simple_close(frozen, *DAYS, one.policy).close
    into = tmp_path / "close"
    with monkeypatch.context() as patch:
        patch.setattr(weighing, "sum_to_file", _die)
        with pytest.raises(MachineError, match="died"):
            close_period(frozen, *DAYS, one.policy, into, processes=2)
    left = sorted(path.name for path in into.rglob("*.npz"))
    assert left == ["sums-0000-of-0002.npz"], "the finished shard is kept, and no lines are"
    assert not list(into.glob("*.parquet"))
    (first,) = into.rglob("*.npz")
    written = first.stat().st_mtime_ns
    summed: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(weighing, "map_shards", lambda work, shards, **_: [summed.append(s.result) or work(s) for s in shards])
        patch.setattr(Path, "exists", _watched(first, written))
        assert close_period(frozen, *DAYS, one.policy, into, processes=2) == wanted
    assert len(summed) == 2
    assert list(into.rglob("*.npz")) == []


def _watched(first: Path, written: int) -> Any:
    """`Path.exists`, which makes sure that the finished shard is read and not written again."""
    real = Path.exists

    def exists(self: Path, **more: Any) -> bool:
        if self == first:
            assert self.stat().st_mtime_ns == written
        return real(self, **more)

    return exists


def test_credits_out_of_order_are_refused(tmp_path: Path) -> None:
    one = november()
    frozen = one.freeze(tmp_path / "frozen")
    path = table_path(frozen.folder, "credits")
    table = pq.read_table(path)
    pq.write_table(table.take(list(reversed(range(len(table))))), path)
    with pytest.raises(IntegrityError, match="order"):
        close_period(frozen, *DAYS, one.policy, tmp_path / "close")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("events", "gross_micros", -1),
        ("events", "uses", 0),
        ("events", "kind", "gift"),
        ("events", "output", 99),
        ("splits", "split_ppb", 1),
        ("splits", "party", 99),
        ("works", "paid_ppb", PPB + 1),
        ("credits", "share_ppb", 2 * PPB),
        ("credits", "share_ppb", PPB),
        ("credits", "error_nanonats", -1),
        ("credits", "work", 99),
    ],
)
def test_rows_that_make_no_sense_are_refused_by_both(table: str, column: str, value: object, tmp_path: Path) -> None:
    one = november()
    one = replace(one, policy=replace(one.policy, significance_ppb=PPB // 20 if column == "error_nanonats" else 0))
    tables = one.tables()
    tables[table][0][column] = value
    frozen: Frozen = freeze_tables(tmp_path / "frozen", tables)
    with pytest.raises((InputError, IntegrityError)):
        simple_close(frozen, *DAYS, one.policy)
    with pytest.raises((InputError, IntegrityError)):
        close_period(frozen, *DAYS, one.policy, tmp_path / "close")
    assert not list((tmp_path / "close").glob("*.parquet"))

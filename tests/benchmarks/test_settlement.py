"""The settlement benchmark's parts on a period of two hundred outputs: that they run, agree and refuse, not how fast."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("duckdb")

from benchmarks.settlement import __main__ as settlement
from benchmarks.settlement import bank, books, closing, floats, journal, papers
from benchmarks.settlement.data import Size, frozen_period
from endcredits.royalties.close import close_period as simple_close
from endcredits.royalties.frozen import Frozen, table_digest, table_path

TINY = Size(outputs=200, works_per_output=5, works=120, splits_per_work=2, payees=40)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    return frozen_period(tmp_path_factory.mktemp("cache"), TINY)


def test_a_period_is_made_once_and_is_what_its_digests_say(frozen: Frozen) -> None:
    written = {path.name: path.stat().st_mtime_ns for path in frozen.folder.iterdir()}
    assert frozen_period(frozen.folder.parent, TINY) == frozen
    assert {path.name: path.stat().st_mtime_ns for path in frozen.folder.iterdir()} == written
    for name, digest in frozen.digests:
        assert table_digest(name, table_path(frozen.folder, name)) == digest


def test_the_timed_close_is_the_exact_one(frozen: Frozen, tmp_path: Path) -> None:
    assert closing.close(frozen, tmp_path) == simple_close(frozen, *closing.DAYS, closing.HALF).close


def test_every_reference_holds_the_same_credits(frozen: Frozen) -> None:
    files = [closing.packed(frozen.folder), closing.by_duckdb(frozen.folder), closing.by_zstd(frozen.folder)]
    assert len({file.read_bytes() for file in files}) == 3, "each in a layout of its own"
    assert len({table_digest("credits", file) for file in files}) == 1


def test_ratios_come_with_their_references(frozen: Frozen) -> None:
    figures, facts = closing.run(frozen, 1)
    named = {one.name: one.value for one in figures}
    assert {"close_over_scan", "close_over_scan_same_file", "close_over_scan_snappy"} <= named.keys()
    assert named["close_over_scan_same_file"] == pytest.approx(named["close_cpu_s"] / named["scan_same_file_cpu_s"])
    assert facts["lines"] > 0


def test_the_postings_are_the_pool(frozen: Frozen, tmp_path: Path) -> None:
    made, entry = journal.booked(frozen, tmp_path)
    assert journal.pool_minus_postings(made, entry) == 0
    assert sum(pool.pool_micros for pool in made.pools) > 0
    assert all(sum(posting.amount_micros for posting in pair.postings) == 0 for pair in journal.pairs_of(entry))


def test_floats_and_exact_integers_both_run(frozen: Frozen) -> None:
    figures, facts = floats.run(frozen, 1)
    assert {"duckdb_float_over_scan", "duckdb_exact_over_scan"} <= {one.name for one in figures}
    assert facts["exact_rows"][0] == facts["float_rows"][0]
    assert facts["exact_rows"][1] == pytest.approx(facts["float_rows"][1], rel=1e-6)


def test_books_bank_and_papers(frozen: Frozen) -> None:
    named = {one.name: one.value for part in (books.run(80, 1), bank.run(1), papers.run(frozen, 1, 1)) for one in part[0]}
    assert {"postings_per_s", "check_books_per_s", "pain001_s", "statements_s"} <= named.keys()
    assert all(value > 0 for value in named.values())


def test_growth_closes_periods_of_other_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "MILLION", 1_000)
    figures = settlement.growth(tmp_path, TINY, (2,))
    assert [one.name for one in figures] == ["close_cpu_s_2m", "peak_mb_2m"]
    assert all(one.value > 0 for one in figures)

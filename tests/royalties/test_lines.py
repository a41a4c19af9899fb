"""The tables of a close: written whole or not at all, in order, and one digest for rows in memory and on disk."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from endcredits import durable
from endcredits.errors import IntegrityError, MachineError
from endcredits.ids import PartyId, WorkId
from endcredits.royalties import lines as tables
from endcredits.royalties.frozen import table_digest
from endcredits.royalties.lines import (
    lines_digest,
    read_lines,
    read_work_lines,
    work_lines_digest,
    write_lines,
    write_table,
    write_work_lines,
)
from endcredits.royalties.records import Line, WorkLine

from .makers import Given, givens, november

HOSTILE = "=cmd|'/c'!A1 <b>\u202eé\n"


def work_line(work: str, **more: Any) -> WorkLine:
    """A work line of the first part of the first pool."""
    return replace(WorkLine(0, 0, WorkId(work), 1, 5, 0, 0), **more)


def line(party: str | None, **more: Any) -> Line:
    """A line of one work."""
    return replace(Line(0, 0, WorkId("w"), PartyId(party) if party else None, "WORLD", 1, 1), **more)


@settings(max_examples=25)
@given(givens())
def test_a_table_reads_back_and_has_the_digest_of_its_rows(tmp_path_factory: pytest.TempPathFactory, inputs: Given) -> None:
    """The quick digest of the file and the obvious one of the rows agree, and so does the close."""
    folder = tmp_path_factory.mktemp("lines")
    closed = inputs.close()

    digests = (
        write_work_lines(folder / "work_lines.parquet", closed.work_lines),
        write_lines(folder / "lines.parquet", closed.lines),
    )

    assert digests == (work_lines_digest(closed.work_lines), lines_digest(closed.lines))
    assert digests == (closed.close.work_lines_digest, closed.close.lines_digest)
    assert tuple(read_work_lines(folder)) == closed.work_lines
    assert tuple(read_lines(folder)) == closed.lines


def test_weights_beyond_64_bits_nobody_and_hostile_texts_survive(tmp_path: Path) -> None:
    """A table holds what a row holds."""
    works = [work_line("a", weight=-(2**126)), work_line(HOSTILE, weight=2**126)]
    parties = [line(None), line(HOSTILE, state="disputed"), line(HOSTILE, state="payable", amount_micros=-(2**53))]

    write_work_lines(tmp_path / "work_lines.parquet", reversed(works) if works[0].work_id > works[1].work_id else works)
    write_lines(tmp_path / "lines.parquet", sorted(parties, key=tables.line_key))

    assert {one.weight for one in read_work_lines(tmp_path)} == {-(2**126), 2**126}
    assert sorted(read_lines(tmp_path), key=tables.line_key) == sorted(parties, key=tables.line_key)


def test_one_changed_value_changes_the_digest() -> None:
    """Every column counts, and moving a letter from one text to the next does not go unseen."""
    one = line("ab", territory="DE")
    changes: list[dict[str, Any]] = [
        {"pool": 1},
        {"part": 1},
        {"work_id": "v"},
        {"party_id": "abD", "territory": "E"},
        {"split_ppb": 2},
        {"amount_micros": -1},
        {"state": "disputed"},
    ]

    digests = {lines_digest([replace(one, **change)]) for change in [{}, *changes]}

    assert len(digests) == len(changes) + 1


def test_rows_can_be_asked_for(tmp_path: Path) -> None:
    """By party, nobody, work and pool."""
    closed = november().close()
    write_work_lines(tmp_path / "work_lines.parquet", closed.work_lines)
    write_lines(tmp_path / "lines.parquet", closed.lines)

    assert {one.party_id for one in read_lines(tmp_path, party_id="ada")} == {"ada"}
    assert [one.work_id for one in read_lines(tmp_path, party_id="")] == ["w3"]
    assert list(read_lines(tmp_path, work_id="w2", pool=1)) == [
        one for one in closed.lines if (one.work_id, one.pool) == ("w2", 1)
    ]
    assert [one.pool for one in read_work_lines(tmp_path, work_id="w1")] == [0, 1]
    assert {one.pool for one in read_work_lines(tmp_path, pool=1)} == {1}


def test_batches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and digests are the same however few are held at once."""
    closed = november().close()
    monkeypatch.setattr(tables, "BATCH_ROWS", 2)

    assert write_lines(tmp_path / "lines.parquet", closed.lines) == closed.close.lines_digest
    assert tuple(read_lines(tmp_path)) == closed.lines


@pytest.mark.parametrize("rows", [[line("b"), line("a")], [line("a"), line("a")]])
def test_rows_out_of_order_or_twice_are_refused_and_leave_nothing(tmp_path: Path, rows: list[Line]) -> None:
    """Two rows of one key would be two amounts for one thing."""
    with pytest.raises(IntegrityError, match="not in order"):
        write_lines(tmp_path / "lines.parquet", rows)

    assert list(tmp_path.iterdir()) == []


def test_a_write_that_is_lost_leaves_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while the new file is flushed."""
    write_lines(tmp_path / "lines.parquet", [line("a")])

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="disk is full"):
        write_lines(tmp_path / "lines.parquet", [line("b")])

    assert [one.party_id for one in read_lines(tmp_path)] == ["a"]
    assert [one.name for one in tmp_path.iterdir()] == ["lines.parquet"]


def test_a_write_that_is_kept_but_reported_lost_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rename took place and the folder's flush failed: the new table stands whole, and writing again is right."""

    def lost(_folder: Path) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(durable, "sync_folder", lost)
        with pytest.raises(MachineError):
            write_lines(tmp_path / "lines.parquet", [line("b")])
    assert [one.party_id for one in read_lines(tmp_path)] == ["b"]

    write_lines(tmp_path / "lines.parquet", [line("b")])
    assert [one.party_id for one in read_lines(tmp_path)] == ["b"]


def test_a_table_that_is_missing_damaged_or_another_is_named(tmp_path: Path) -> None:
    """Reading says which file and what to do."""
    with pytest.raises(IntegrityError, match=r"lines\.parquet"):
        list(read_lines(tmp_path))
    (tmp_path / "lines.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(IntegrityError, match=r"lines\.parquet"):
        list(read_lines(tmp_path))
    pq.write_table(pa.table({"pool": [1]}), tmp_path / "lines.parquet")
    with pytest.raises(IntegrityError, match="other columns"):
        list(read_lines(tmp_path))


def test_ready_batches_are_written_as_they_come(tmp_path: Path) -> None:
    """What a columnar close writes has the digest of the same rows."""
    closed = november().close()
    write_lines(tmp_path / "a.parquet", closed.lines)
    table = pq.read_table(tmp_path / "a.parquet")

    digest = write_table(tmp_path / "b.parquet", tables.LINES, table.to_batches(max_chunksize=3))

    assert digest == closed.close.lines_digest == table_digest(tables.LINES, tmp_path / "b.parquet")

"""The index finds what was added, in whatever order rows were moved, and forgets what no checkpoint covers."""

import hashlib
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.errors import IntegrityError, MachineError
from endcredits.receipts import log_index
from endcredits.receipts.log_index import LogIndex, open_index, remove_index, temporary_index

ORIGIN = "studio.example/endcredits/log"


def commit(number: int) -> bytes:
    """A commitment."""
    return hashlib.sha256(str(number).encode()).digest()


def index_at(path: Path) -> LogIndex:
    """An index for writing."""
    found = open_index(path, ORIGIN, writing=True)
    assert found is not None
    return found


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 8), st.integers(1, 12))
def test_what_was_added_is_found(batches: list[int], dropped: int, recent_max: int) -> None:
    """Against a dictionary, with rows moved early or late, and the last batch dropped in between and added otherwise."""
    before = log_index.RECENT_MAX
    log_index.RECENT_MAX = recent_max
    try:
        index = temporary_index(ORIGIN)
        expected: dict[bytes, int] = {}
        for number, count in enumerate(batches):
            size = index.size
            if number == dropped:
                index.add(size, [commit(10_000 + row) for row in range(count)], [f"lost-{row}" for row in range(count)])
                assert index.drop_from(size)
            index.add(size, [commit(size + row) for row in range(count)], [f"out-{size + row}" for row in range(count)])
            expected |= {commit(size + row): size + row for row in range(count)}
        assert index.size == len(expected)
        for key, position in expected.items():
            assert index.find(key) == [position]
            assert index.find_name(f"out-{position}") == position
        assert index.find(commit(10_000)) == []
        assert index.find_name("lost-0") is None
        assert list(index.problems()) == []
    finally:
        log_index.RECENT_MAX = before


def test_commitments_that_begin_alike_are_both_given(tmp_path: Path) -> None:
    """The key is 8 bytes; the entry decides."""
    index = index_at(tmp_path / "i.sqlite")
    index.add(0, [commit(1), commit(1)[:8] + bytes(24)], [])

    assert index.find(commit(1)) == [0, 1]


def test_another_process_sees_what_was_added_and_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader looks again when the file has changed."""
    monkeypatch.setattr(log_index, "RECENT_MAX", 3)
    writer = index_at(tmp_path / "i.sqlite")
    writer.add(0, [commit(0)], ["a"])
    reader = open_index(tmp_path / "i.sqlite", ORIGIN, writing=False)
    assert reader is not None

    writer.add(1, [commit(1), commit(2)], ["b", ""])
    writer.add(3, [commit(3)], [])
    reader.refresh()

    assert [reader.find(commit(number)) for number in range(5)] == [[0], [1], [2], [3], []]
    assert [reader.find_name(name) for name in "abc"] == [0, 1, None]
    assert writer.drop_from(3)
    reader.refresh()
    assert (reader.size, reader.find(commit(3))) == (3, [])
    assert not writer.drop_from(1), "rows that were moved cannot be dropped"


def test_the_first_entry_for_a_name_is_given() -> None:
    """However often a name comes."""
    index = temporary_index(ORIGIN)
    index.add(0, [commit(0), commit(1)], ["a", "a"])

    assert index.find_name("a") == 0


def test_another_logs_index_is_refused(tmp_path: Path) -> None:
    """So is what is no database, and a folder that is none."""
    index_at(tmp_path / "i.sqlite").close()
    (tmp_path / "j.sqlite").write_bytes(b"no database" * 100)

    with pytest.raises(IntegrityError, match="not one of the log"):
        open_index(tmp_path / "i.sqlite", "another.example/log", writing=False)
    with pytest.raises(IntegrityError, match="damaged"):
        open_index(tmp_path / "j.sqlite", ORIGIN, writing=True)
    with pytest.raises(MachineError, match=r"i\.sqlite"):
        open_index(tmp_path / "j.sqlite" / "i.sqlite", ORIGIN, writing=True)
    assert open_index(tmp_path / "none.sqlite", ORIGIN, writing=False) is None


def test_a_batch_that_cannot_be_written_is_not_there(tmp_path: Path) -> None:
    """All rows of a batch or none, also for whoever goes on with the same object."""
    index = index_at(tmp_path / "i.sqlite")
    index.add(0, [commit(0)], ["a"])
    with sqlite3.connect(tmp_path / "i.sqlite") as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON recent WHEN new.position = 2 BEGIN SELECT RAISE(ABORT, 'full'); END"
        )

    with pytest.raises(IntegrityError, match="full"):
        index.add(1, [commit(1), commit(2)], ["b", "c"])
    index.refresh()

    assert (index.size, index.find(commit(1)), index.find_name("b")) == (1, [], None)
    assert list(index.problems()) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM recent WHERE position = 1", "2 commitments and says that it has 3"),
        ("UPDATE about SET value = '4' WHERE name = 'size'", "3 commitments and says that it has 4"),
        ("UPDATE about SET value = '7' WHERE name = 'names'", "2 names and says that it has 7"),
        ("UPDATE recent SET name = x'00' WHERE position = 0", "a name at position 0 was changed"),
        ("UPDATE recent SET position = 9 WHERE position = 0", "a name at position 9 was changed"),
    ],
)
def test_changed_rows_are_found(tmp_path: Path, change: str, problem: str) -> None:
    """What the index can know by itself; the rest is found against the entries."""
    index = index_at(tmp_path / "i.sqlite")
    index.add(0, [commit(number) for number in range(3)], ["a", "", "c"])
    with sqlite3.connect(tmp_path / "i.sqlite") as other:
        other.execute(change)
    index.refresh()

    assert any(problem in one for one in index.problems())


def test_an_index_is_removed_whole(tmp_path: Path) -> None:
    """With what SQLite keeps beside it."""
    index = index_at(tmp_path / "i.sqlite")
    index.add(0, [commit(0)], [])

    remove_index(tmp_path / "i.sqlite")

    assert list(tmp_path.iterdir()) == []
    remove_index(tmp_path / "i.sqlite")

"""The cache of what the gate has seen: kept, found again, begun anew when it is damaged, and never believed alone."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import MachineError
from endcredits.flows.seen import FILE, RACE_NS, Cache, Seen, settled, stamp_of
from endcredits.works.looks_alike import Print

ONE = Seen("work:a", ("f1", "f2"), ("perm:1",))


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    """By another process, too; newer notes replace older ones, and unknown keys have none."""
    cache = Cache(tmp_path / FILE)
    cache.keep([("k", "old", ONE), ("k", "new", ONE), ("p", "s", Seen("", (), problem="it is empty"))])
    cache.keep_listing("table", "stamp", [["row", "file", "said"]])
    prints = {"f1": Print("f1", "ab" * 32, (("text", b"\x01" * 32),)), "f2": Print("f2")}
    cache.keep_prints(prints, "1+iscc")
    cache.close()

    cache = Cache(tmp_path / FILE)
    assert cache.candidates(["k", "p", "none"]) == {"k": ("new", ONE), "p": ("s", Seen("", (), problem="it is empty"))}
    assert cache.listing("table", "stamp") == [["row", "file", "said"]]
    assert cache.listing("table", "other") is None is cache.listing("none", "stamp")
    assert cache.prints(["f1", "f2", "f3"], "1+iscc") == prints and cache.prints(["f1"], "1") == {}
    cache.close()


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text("ab", max_size=5), max_size=8)
)
def test_any_keys(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> None:
    """Quotes, NULs and semicolons are names of files like others."""
    cache = Cache(tmp_path_factory.mktemp("seen") / FILE)
    cache.keep([(key, stamp, ONE) for key, stamp in keys.items()])
    assert cache.candidates(list(keys)) == {key: (stamp, ONE) for key, stamp in keys.items()}
    cache.close()


@pytest.mark.parametrize("damage", [b"", b"garbage " * 200, None])
def test_a_damaged_cache_is_begun_anew(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / FILE
    cache = Cache(path)
    cache.keep([("k", "s", ONE)])
    cache.close()
    if damage is None:
        with sqlite3.connect(path) as conn:
            conn.execute("UPDATE candidates SET seen = 'no JSON'")
        conn.close()
    else:
        path.write_bytes(damage)

    cache = Cache(path)
    assert cache.candidates(["k"]) == {}
    cache.keep([("k", "s", ONE)])
    assert cache.candidates(["k"]) == {"k": ("s", ONE)}
    cache.close()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(MachineError, match="cache of what was seen"):
        Cache(tmp_path / "file" / FILE)


def test_times_tell_a_file_only_when_it_was_left_alone(tmp_path: Path) -> None:
    """Every change that the operating system notes is another stamp; what is not there has one of its own."""
    file = tmp_path / "a.txt"
    missing = stamp_of(file)
    file.write_text("one")
    first = stamp_of(file)
    assert missing != first and not settled(file) and settled(tmp_path / "none")

    past = time.time_ns() - RACE_NS - 10**9
    os.utime(file, ns=(past, past))
    assert stamp_of(file) != first and settled(file)
    before = stamp_of(file)
    time.sleep(0.02)  # longer than the clock of the file system takes for a step
    file.write_text("two")
    os.utime(file, ns=(past, past))
    assert stamp_of(file) != before, "the same size and time of change, and another time of the inode"
    os.replace(file, tmp_path / "b.txt")
    assert stamp_of(tmp_path / "b.txt")[1:] != before[1:]


@pytest.mark.parametrize(
    "row",
    [
        "1",
        "[]",
        "null",
        "{}",
        '["", [["text", "00"]]]',
        '["x", []]',
        "[1, []]",
        '["", [["film", "%s"]]]',
        '["", [[[], "%s"]]]',
        '["", 5]',
        '["", [["text", 5]]]',
        "[" * 100_000,
        '[["a"], ["b"], [], ""]',
        '["w", [1], [], ""]',
        '["w", "f", [], ""]',
    ],
)
def test_an_edited_row_counts_as_none(tmp_path: Path, row: str) -> None:
    """Wrong types, lengths and kinds are read again instead of stopping the gate."""
    path = tmp_path / FILE
    cache = Cache(path)
    cache.keep([("k", "s", ONE)])
    cache.keep_listing("l", "s", ["a"])
    cache.keep_prints({"f": Print("f")}, "1")
    cache.close()
    with sqlite3.connect(path) as conn:
        for table, column in (("candidates", "seen"), ("listings", "entries"), ("prints", "print")):
            conn.execute(f"UPDATE {table} SET {column} = ?", [row.replace("%s", "00" * 32)])
    conn.close()

    cache = Cache(path)
    assert cache.candidates(["k"]) == {} == cache.prints(["f"], "1")
    assert cache.listing("l", "s") in (None, [])
    cache.close()

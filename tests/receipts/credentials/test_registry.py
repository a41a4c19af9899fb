"""The register keeps what it was given, finds copies, forgets for good, and says when it is damaged."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from endcredits.errors import IntegrityError, MachineError
from endcredits.receipts.credentials import ATTRIBUTED, SIGNED, Codes, Entry, add, codes_of_text, forget, lookup, registry
from endcredits.receipts.credentials.codes import code_bytes, distance_bits
from endcredits.receipts.credentials.registry import ALIKE_BITS
from tests.receipts.credentials import files

AT = "2026-11-20T12:00:00Z"


def texts(number: int) -> bytes:
    """Another text for every number, a little like its neighbours."""
    line = "salt road mule sand sun dune cart well dust caravan lamp wick oil night page ink hush stair moth window"
    words = line.split(" ")
    draw = np.random.default_rng(number // 4)
    chosen = [words[index] for index in draw.integers(len(words), size=60)]
    chosen[number % 4 * 7] = f"changed{number}"
    return " ".join(chosen).encode()


def entry(number: int, taken_of: str = ATTRIBUTED) -> Entry:
    return Entry(f"out-{number}", taken_of, AT, codes_of_text(texts(number)))


def test_what_is_added_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "media" / "codes.sqlite"
    rows = [entry(number) for number in range(5)]
    assert (add(path, rows), add(path, rows), add(path, [entry(0, SIGNED)])) == (5, 0, 1)
    assert registry.entries(path) == [*rows, entry(0, SIGNED)]
    assert (registry.count(path), registry.check(path)) == (6, [])
    later = replace(entry(1), at="2027-01-01T00:00:00Z")
    assert add(path, [later]) == 0  # the first time stands


def test_no_register_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "codes.sqlite"
    assert (registry.count(path), registry.entries(path), lookup(path, entry(0).codes)) == (0, [], [])
    assert (registry.check(path), forget(path, ["out-0"])) == ([], 0)
    assert not path.exists()


def test_equal_bytes_come_first(tmp_path: Path) -> None:
    path = tmp_path / "codes.sqlite"
    add(path, [entry(number) for number in range(8)])
    first, *others = lookup(path, entry(5).codes)
    assert (first.entry.output_id, first.by, first.distance_bits, first.verdict) == ("out-5", "sha256", 0, "same bytes")
    assert {one.entry.output_id for one in others} <= {"out-4", "out-6", "out-7"}
    assert all(one.by != "sha256" for one in others)


def test_the_fast_lookup_is_the_slow_one(tmp_path: Path) -> None:
    """Against every pair, compared bit by bit."""
    path = tmp_path / "codes.sqlite"
    rows = [entry(number) for number in range(40)]
    add(path, rows)
    for asked in (rows[0].codes, rows[21].codes, codes_of_text(texts(22).replace(b"salt", b"pepper"))):
        slow: dict[str, int] = {}
        for row in rows:
            pairs = [("text", row.codes.content, asked.content), ("data", row.codes.data, asked.data)]
            near = [
                bits
                for kind, left, right in pairs
                if (bits := distance_bits(code_bytes(left)[1], code_bytes(right)[1])) <= ALIKE_BITS[kind]
            ]
            if row.codes.sha256 == asked.sha256:
                slow[row.output_id] = 0
            elif near:
                slow[row.output_id] = min(near)
        fast = {one.entry.output_id: one.distance_bits for one in lookup(path, asked, most=100)}
        assert fast == slow and slow


def test_codes_of_other_kinds_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "codes.sqlite"
    codes = entry(1).codes
    add(path, [Entry("out-1", ATTRIBUTED, AT, codes)])
    picture = "ISCC:EEDQ" + codes.content.removeprefix("ISCC:")[4:]
    asked = Codes("0" * 64, 1, "image/png", "ISCC:" + "I" * 55, codes_of_text(b"else" * 900).data, picture)
    assert lookup(path, asked) == []


def test_verdicts_by_distance(tmp_path: Path) -> None:
    path = tmp_path / "codes.sqlite"
    add(path, [Entry("out-1", ATTRIBUTED, AT, codes_of_text(files.TEXT.encode()))])
    (close,) = lookup(path, codes_of_text(files.TEXT.replace("lamp", "torch", 1).encode()))
    assert (close.by, close.verdict) == ("text", "close") and 0 < close.distance_bits <= 24
    half = files.TEXT[: len(files.TEXT) // 3] + "And then it rained, and all that was written in the sand was gone. " * 2
    (similar,) = lookup(path, codes_of_text(half.encode()))
    assert similar.verdict == "similar" and 24 < similar.distance_bits <= 72


def test_forgetting_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "codes.sqlite"
    add(path, [entry(1), entry(1, SIGNED), entry(9)])
    gone = entry(1).codes
    assert gone.sha256.encode() in path.read_bytes()
    assert (forget(path, ["out-1", "out-none"]), forget(path, ["out-1"])) == (2, 0)
    left = b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert gone.sha256.encode() not in left and gone.instance.encode() not in left and b"out-1" not in left
    assert registry.entries(path) == [entry(9)]


def test_rows_are_never_changed(tmp_path: Path) -> None:
    path = tmp_path / "codes.sqlite"
    add(path, [entry(1)])
    with sqlite3.connect(path) as conn, pytest.raises(sqlite3.IntegrityError, match="only added"):
        conn.execute("UPDATE codes SET at = 'yesterday'")
    conn.close()


def test_a_changed_row_is_told(tmp_path: Path) -> None:
    path = tmp_path / "codes.sqlite"
    add(path, [entry(1), entry(2)])
    with sqlite3.connect(path) as conn:
        conn.execute("DROP TRIGGER codes_are_never_changed")
        conn.execute("UPDATE codes SET output_id = 'out-7' WHERE output_id = 'out-2'")
    conn.close()
    (finding,) = registry.check(path)
    assert finding.where.startswith("row 2")
    with pytest.raises(IntegrityError, match="out-7"):
        lookup(path, entry(2).codes)


@pytest.mark.parametrize(
    "damage", [b"not a database, but long enough to be taken for one" * 40, b"SQLite format 3\0" + bytes(3000)]
)
def test_a_damaged_file_is_told(tmp_path: Path, damage: bytes) -> None:
    path = files.put(tmp_path, "codes.sqlite", damage)
    with pytest.raises((IntegrityError, MachineError), match="register of content codes"):
        lookup(path, entry(1).codes)
    assert path.read_bytes() == damage


def test_a_lost_write_adds_nothing_and_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "codes.sqlite"
    add(path, [entry(1)])
    real = registry.digest

    def lost(document: object) -> str:
        if isinstance(document, dict) and document["output_id"] == "out-3":
            raise OSError(28, "No space left on device")
        return real(document)

    monkeypatch.setattr(registry, "digest", lost)
    with pytest.raises(OSError):
        add(path, [entry(2), entry(3)])
    monkeypatch.undo()
    assert registry.entries(path) == [entry(1)]
    assert add(path, [entry(2), entry(3)]) == 2


class Failing(sqlite3.Connection):
    """Fails at the end of a transaction that added rows: before it is kept, or after."""

    before = True

    def __exit__(self, *error: object) -> bool:  # type: ignore[override]
        if self.total_changes and not self.before:
            self.commit()
        if self.total_changes:
            self.rollback()
            raise sqlite3.OperationalError("disk I/O error")
        return bool(super().__exit__(*error))  # type: ignore[func-returns-value,arg-type]


@pytest.mark.parametrize("before", [True, False])
def test_a_commit_that_fails_or_is_reported_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    path = tmp_path / "codes.sqlite"
    real = sqlite3.connect
    monkeypatch.setattr(Failing, "before", before)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", lambda *given, **stated: real(*given, factory=Failing, **stated))
        with pytest.raises(MachineError, match="disk I/O error"):
            add(path, [entry(1), entry(2)])
    assert registry.entries(path) == ([] if before else [entry(1), entry(2)])
    add(path, [entry(1), entry(2)])
    assert registry.entries(path) == [entry(1), entry(2)] and registry.check(path) == []


def test_no_personal_data_in_a_row() -> None:
    """Digests, codes, sizes and times; nothing that names or quotes."""
    from dataclasses import fields

    assert {one.name for one in fields(Entry)} == {"output_id", "taken_of", "at", "codes"}
    assert {one.name for one in fields(Codes)} == {
        *("sha256", "size_bytes", "media_type", "instance", "data", "content", "why_not")
    }

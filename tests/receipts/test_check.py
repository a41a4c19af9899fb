"""The check finds every change to the log's files and names the line where that can be told."""

from pathlib import Path

import pytest

from endcredits.receipts.check import NAMED_MAX, check_log
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash, root
from endcredits.receipts.note import sign_checkpoint
from tests.receipts.helpers import KEY, OTHER_KEY, leaf, new_log


def change(path: Path, place: int, bit: int = 1) -> None:
    """Flips bits of one byte."""
    data = bytearray(path.read_bytes())
    data[place] ^= bit
    path.write_bytes(data)


def test_a_whole_log_has_no_findings(tmp_path: Path) -> None:
    """Nothing is wrong with an empty log, one that grew, or one with a killed writer's tail."""
    log = new_log(tmp_path)
    assert check_log(log) == []

    log.append([leaf(number) for number in range(9)])
    assert check_log(log) == []

    (tmp_path / "entries").write_bytes((tmp_path / "entries").read_bytes() + b"half a li")
    (tmp_path / "hashes").write_bytes((tmp_path / "hashes").read_bytes() + b"half a hash")
    assert check_log(log) == []


def test_every_changed_byte_of_every_file_is_found(tmp_path: Path) -> None:
    """No byte of entries, hashes, checkpoint or public key can change."""
    log = new_log(tmp_path, 5)
    assert check_log(log) == []

    for name in ("entries", "hashes", "checkpoint", "log.vkey"):
        for place in range((tmp_path / name).stat().st_size):
            change(tmp_path / name, place)
            assert check_log(log), (name, place)
            change(tmp_path / name, place)
    assert check_log(log) == []


@pytest.mark.parametrize("row", range(1, 6))
def test_a_changed_entry_is_named_by_its_line(tmp_path: Path, row: int) -> None:
    """The signed root confirms the hashes, so the line that does not fit was changed."""
    log = new_log(tmp_path, 5)
    change(tmp_path / "entries", sum(len(leaf(number)) + 1 for number in range(row - 1)) + 15)

    findings = check_log(log)

    assert [finding.where for finding in findings] == [f"log file entries, line {row}"]
    assert "its hash is the signed one" in findings[0].problem


@pytest.mark.parametrize("row", range(1, 6))
def test_a_changed_hash_is_told_from_a_changed_entry(tmp_path: Path, row: int) -> None:
    """The signed root confirms the entries, so the hash was changed."""
    log = new_log(tmp_path, 5)
    change(tmp_path / "hashes", (row - 1) * 32 + 7)

    findings = check_log(log)

    assert [finding.where for finding in findings] == [f"log file hashes, hash {row}"]
    assert "the entry is the signed one" in findings[0].problem


def test_an_entry_changed_with_its_hash_is_found_though_not_named(tmp_path: Path) -> None:
    """Whoever rewrites both cannot rewrite the signature."""
    log = new_log(tmp_path, 3)
    (tmp_path / "entries").write_bytes(b"".join(leaf(number) + b"\n" for number in (0, 7, 2)))
    (tmp_path / "hashes").write_bytes(b"".join(leaf_hash(leaf(number)) for number in (0, 7, 2)))

    findings = check_log(log)

    assert ["agree with each other but not with the signed root" in finding.problem for finding in findings] == [True]


def test_a_line_that_is_no_entry_is_named_even_if_signed(tmp_path: Path) -> None:
    """The operator's signature does not make a malformed line an entry."""
    log = new_log(tmp_path, 1)
    (tmp_path / "entries").write_bytes(b'{"name": "Emily"}\n')
    (tmp_path / "hashes").write_bytes(leaf_hash(b'{"name": "Emily"}'))
    signed = sign_checkpoint(1, leaf_hash(b'{"name": "Emily"}'), KEY)
    (tmp_path / "checkpoint").write_text(signed.note)

    findings = check_log(log)

    assert [finding.where for finding in findings] == ["log file entries, line 1"]
    assert "canonical" in findings[0].problem


def test_a_removed_line_is_found(tmp_path: Path) -> None:
    """What was signed must be there."""
    log = new_log(tmp_path, 4)
    (tmp_path / "entries").write_bytes(b"".join(leaf(number) + b"\n" for number in (0, 1, 3)))

    findings = check_log(log)

    assert "3 whole lines of the 4" in findings[0].problem
    assert findings[1].where == "log file entries, line 3"


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    """Each of the four files is needed."""
    log = new_log(tmp_path, 2)

    for name in ("entries", "hashes", "checkpoint", "log.vkey"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        assert any(name in finding.where for finding in check_log(log))
        (tmp_path / name).write_bytes(data)


def test_a_checkpoint_by_another_key_is_found(tmp_path: Path) -> None:
    """Re-signing everything with another key does not pass."""
    log = new_log(tmp_path, 2)
    forged = sign_checkpoint(2, root([leaf_hash(leaf(0)), leaf_hash(leaf(1))]), OTHER_KEY)
    (tmp_path / "checkpoint").write_text(forged.note)

    assert [finding.where for finding in check_log(log)] == ["log file checkpoint"]


def test_growth_is_held_against_older_checkpoints(tmp_path: Path) -> None:
    """An older checkpoint kept elsewhere finds removed and rewritten history, signed as it may be."""
    log = new_log(tmp_path / "honest", 3)
    older = log.checkpoint().note
    log.append([leaf(3)])
    forked = new_log(tmp_path / "forked")
    forked.append([leaf(number) for number in (0, 9, 2, 3)])
    short = new_log(tmp_path / "short", 2)

    assert check_log(log, [older]) == []
    assert check_log(forked) == []
    assert "history was rewritten" in check_log(forked, [older])[0].problem
    assert "entries were removed" in check_log(short, [older])[0].problem
    assert "signature" in check_log(log, [older.replace("\n3\n", "\n2\n")])[0].problem


def test_many_changed_lines_are_summed_up(tmp_path: Path) -> None:
    """A lost line end shifts all that follow; the first lines are named and the rest counted."""
    log = new_log(tmp_path, 40)
    change(tmp_path / "entries", len(leaf(0)))

    findings = check_log(log)

    assert findings[1].where == "log file entries, line 1"
    assert len(findings) == NAMED_MAX + 2
    assert "more findings" in findings[-1].problem


def test_five_thousand_entries_are_built_and_checked(tmp_path: Path) -> None:
    """A log of 5,000 in batches, and one changed byte in it."""
    log = new_log(tmp_path)
    for start in range(0, 5000, 250):
        log.append([leaf(number) for number in range(start, start + 250)])
    halfway = log.root_at(2500)

    assert Log.open(tmp_path).checkpoint().size == 5000
    assert log.root_at(2500) == halfway == root([leaf_hash(leaf(number)) for number in range(2500)])
    assert check_log(log) == []

    change(tmp_path / "entries", sum(len(leaf(number)) + 1 for number in range(4321)) + 20)
    assert [finding.where for finding in check_log(log)] == ["log file entries, line 4322"]

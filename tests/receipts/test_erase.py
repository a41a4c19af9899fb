"""What is erased is gone for good, nobody else's proof changes by one byte, and no erasure is silent."""

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest

from endcredits import durable
from endcredits.errors import ConflictError, IntegrityError, MachineError
from endcredits.receipts import erase as erase_module
from endcredits.receipts.check import check_log
from endcredits.receipts.erase import (
    Erasure,
    all_erased,
    carry_out,
    entry_of,
    erasure_body,
    erasures,
    parse_erasure,
    record_erasure,
)
from endcredits.receipts.issuing import issue
from endcredits.receipts.lines import lines_path, load_lines
from endcredits.receipts.log import Log
from endcredits.receipts.names import receipt_path
from endcredits.receipts.receipt import load_receipt
from endcredits.receipts.receipt_check import check_receipts
from endcredits.receipts.tombstone import find_tombstone, load_tombstone, tombstone_files
from endcredits.receipts.verify import verify_receipt
from tests.receipts.helpers import AT, KEY, LATER, items, new_log
from tests.receipts.test_receipt_faults import Faults, disk_full, half_atomic, killed


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A log with three outputs."""
    issue(new_log(tmp_path / "log"), tmp_path / "receipts", items(1, 2, 3), AT)
    return tmp_path


def writer(place: Path) -> Log:
    return Log.open(place / "log", KEY)


def planned(place: Path) -> Erasure:
    """Output 1 whole, and the first line of output 2."""
    one, two = (load_receipt(receipt_path(place / "receipts", f"out-{n}")) for n in (1, 2))
    return Erasure(frozenset([entry_of(one)]), {entry_of(two): frozenset([0])})


def snapshot(place: Path) -> dict[str, bytes]:
    """Every file by name."""
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def erase(place: Path) -> None:
    log = writer(place)
    record_erasure(log, place / "receipts", planned(place), LATER)
    carry_out(log, place / "receipts")


def test_body_id_and_salt_are_gone_and_all_else_stands(place: Path) -> None:
    """Nowhere in any file is the salt or the body; every other file is the same to the byte, and everything verifies."""
    one, two, three = (load_receipt(receipt_path(place / "receipts", f"out-{n}")) for n in (1, 2, 3))
    lines = [load_lines(lines_path(place / "receipts", name), name) for name in ("out-1", "out-2", "out-3")]
    older, before = writer(place).checkpoint().note, snapshot(place)

    erase(place)

    after = snapshot(place)
    whole = b"".join(after.values())
    for secret in (one.salt, one.body["lines_root"], *(line.salt for line in lines[0]), lines[1][0].salt):
        assert secret.encode() not in whole
    assert not any("out-1" in name for name in after) and b"out-1" not in whole
    same = {name for name in before if after.get(name) == before[name]}
    assert {"receipts/out-2.json", "receipts/out-3.json", "receipts/lines/out-3.json"} <= same
    assert [line.hash for line in load_lines(lines_path(place / "receipts", "out-2"), "out-2")] == [
        line.hash for line in lines[1]
    ]
    for receipt in (two, three):
        data = receipt_path(place / "receipts", receipt.receipt_id).read_bytes()
        assert verify_receipt(data, KEY.vkey).verified
    log = Log.open(place / "log")
    assert check_log(log, [older]) == check_receipts(place / "receipts", log, ["out-1", "out-2", "out-3"]) == []


def test_what_is_left_is_a_date_and_a_proof(place: Path) -> None:
    """A tombstone holds the entry, its proof and when it was erased; the entry confirms no guess without the salt."""
    receipt = load_receipt(receipt_path(place / "receipts", "out-1"))
    erase(place)

    (path,) = tombstone_files(place / "receipts")
    stone = load_tombstone(path)

    assert set(json.loads(path.read_bytes())) == {"erased_at", "leaf", "proof", "v"}
    assert (stone.erased_at, stone.leaf, stone.proof) == (LATER, receipt.leaf, receipt.proof)
    assert path.stem == hashlib.sha256(b"\x00" + stone.leaf.encode()).hexdigest()
    assert find_tombstone(Log.open(place / "log"), place / "receipts", "out-1") == stone
    assert find_tombstone(Log.open(place / "log"), place / "receipts", "out-2") is None


def test_an_erased_id_is_not_issued_again(place: Path) -> None:
    """Not even when the log's own list of ids is lost."""
    erase(place)

    for lost in (False, True):
        for path in place.glob("log.*") if lost else ():
            path.unlink()
        with pytest.raises(ConflictError, match="was erased on 2026-11-21"):
            issue(writer(place), place / "receipts", items(1), LATER)
    [again] = issue(writer(place), place / "receipts", items(2), LATER)
    assert again.receipt_id == "out-2", "a receipt with an erased line is the same receipt"


def test_an_erasure_is_an_entry_that_names_nobody(place: Path) -> None:
    """Its receipt verifies and holds hashes, places and a time, and nothing else."""
    plan = planned(place)
    [first, second] = record_erasure(writer(place), place / "receipts", plan, LATER)

    assert [one.receipt_id for one in erasures(place / "receipts")] == sorted([first.receipt_id, second.receipt_id])
    assert all_erased(place / "receipts") == plan
    for receipt in (first, second):
        assert verify_receipt(receipt_path(place / "receipts", receipt.receipt_id).read_bytes(), KEY.vkey).verified
        assert "out-" not in json.dumps(receipt.body) and set(receipt.body) == {"entries", "erased_at", "lines", "sums"}


def test_erasing_again_changes_nothing(place: Path) -> None:
    """Neither the same plan nor carrying it out once more."""
    plan = planned(place)
    record_erasure(writer(place), place / "receipts", plan, LATER)
    carry_out(writer(place), place / "receipts", ["out-1", "out-2"])
    before = snapshot(place)

    record_erasure(writer(place), place / "receipts", plan, LATER)
    assert carry_out(writer(place), place / "receipts") == 0

    assert snapshot(place) == before


def test_many_lines_are_several_entries(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No entry's body grows without bound, and together they say the same."""
    monkeypatch.setattr(erase_module, "AT_ONCE", 2)
    entries = [hashlib.sha256(bytes([n])).hexdigest() for n in range(5)]
    plan = Erasure(frozenset(entries[:3]), {entries[3]: frozenset(range(5))}, frozenset(entries[4:]))

    receipts = record_erasure(writer(place), place / "receipts", plan, LATER)

    assert len(receipts) == 2 + 3 + 1 and all_erased(place / "receipts") == plan
    assert not Erasure() and plan


def test_what_is_taken_away_without_an_erasure_is_found(place: Path) -> None:
    """A tombstone or an erased line that no erasure in the log names is no erasure."""
    copy = snapshot(place)
    erase(place)
    done = snapshot(place)
    forged = new_log(place / "forged-log")
    issue(forged, place / "forged", items(1, 2, 3), AT)

    for name in [name for name in done if "erasure" in name]:
        (place / name).unlink()
    found = {one.where: one.problem for one in check_receipts(place / "receipts", writer(place))}

    (stone,) = tombstone_files(place / "receipts")
    assert "no erasure in the log says so" in found[f"erased receipt {stone.name}"]
    assert "line 0 (counted from 0) was taken away, and no erasure" in found["receipt out-2.json"]
    assert len([where for where in found if where.startswith("entry ")]) == 2, "the erasures' own entries"
    for name, data in {**done, **{name: copy[name] for name in copy if "out-1" in name}}.items():
        durable.write_atomic(place / name, data)
    found = {one.where: one.problem for one in check_receipts(place / "receipts", writer(place))}
    assert set(found) == {"receipt out-1.json"} and "not finished" in found["receipt out-1.json"]
    carry_out(writer(place), place / "receipts")
    assert check_receipts(place / "receipts", writer(place)) == []


@pytest.mark.parametrize("place_of_bit", range(0, 1400, 61))
def test_a_damaged_tombstone_is_found(place: Path, place_of_bit: int) -> None:
    """Every changed bit of it."""
    erase(place)
    (path,) = tombstone_files(place / "receipts")
    data = bytearray(path.read_bytes())
    data[place_of_bit % len(data)] ^= 1
    path.write_bytes(data)

    assert check_receipts(place / "receipts", writer(place))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"entries": ["ab"], "lines": [], "sums": []},
        {"entries": [], "lines": [{"entry": "ab" * 32, "places": [-1]}], "sums": []},
        {"entries": [], "lines": [{"entry": "ab" * 32, "places": [True]}], "sums": []},
        {"entries": [], "lines": [{"entry": 3, "places": []}], "sums": []},
        {"entries": 3, "lines": [], "sums": []},
        {"entries": [], "lines": [[]], "sums": []},
    ],
)
def test_what_is_no_erasure_is_refused(body: dict[str, object]) -> None:
    """Only hashes and places."""
    with pytest.raises(IntegrityError, match="erasure cannot be read"):
        parse_erasure(body)


def test_an_erasure_reads_back() -> None:
    """Body and record are the same."""
    plan = Erasure(frozenset(["ab" * 32]), {"cd" * 32: frozenset([3, 1])}, frozenset(["ef" * 32]))

    assert erasure_body(plan, AT)["lines"] == [{"entry": "cd" * 32, "places": [1, 3]}]
    assert parse_erasure(erasure_body(plan, AT)) == plan


def half_removal(paths: list[Path]) -> None:
    """Nothing of it is done: each removes one file."""


def install(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    monkeypatch.setattr(durable, "write_atomic", faults.around(durable.write_atomic, half_atomic))
    monkeypatch.setattr(erase_module, "remove", faults.around(erase_module.remove, half_removal))


STEPS = 6
"""Old drafts removed, the note of the id, the tombstone, lines and receipt removed, and the other output's lines written."""


def assert_erased(place: Path) -> None:
    log = Log.open(place / "log")
    assert check_log(log) == check_receipts(place / "receipts", log, ["out-1", "out-2", "out-3"]) == []
    assert not [name for name in snapshot(place) if "out-1" in name]
    assert load_lines(lines_path(place / "receipts", "out-2"), "out-2")[0].line is None


@pytest.mark.parametrize("mode", ["lost", "half", "kept"])
@pytest.mark.parametrize("step", range(STEPS))
def test_a_write_that_fails_twice(place: Path, monkeypatch: pytest.MonkeyPatch, step: int, mode: str) -> None:
    """Lost, half done, or kept but reported lost: the entry is accounted for at every moment, and the third try ends it."""
    record_erasure(writer(place), place / "receipts", planned(place), LATER)
    with monkeypatch.context() as patch:
        faults = Faults(disk_full)
        faults.at = {step: mode}
        install(patch, faults)
        for _ in range(2):
            faults.count = 0
            with FullDisk():
                carry_out(writer(place), place / "receipts")
            found = check_receipts(place / "receipts", Log.open(place / "log"), ["out-1", "out-2"])
            assert all("not finished" in one.problem or "no receipt that they belong" in one.problem for one in found)

    carry_out(writer(place), place / "receipts")

    assert_erased(place)


class FullDisk:
    """Lets a full disk pass."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> bool:
        return kind is not None and issubclass(kind, MachineError)


def test_the_steps(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without faults it takes the writes that the tests let fail one by one."""
    record_erasure(writer(place), place / "receipts", planned(place), LATER)
    faults = Faults(disk_full)
    install(monkeypatch, faults)

    carry_out(writer(place), place / "receipts")

    assert faults.count == STEPS


@pytest.mark.parametrize("step", range(STEPS))
def test_a_process_killed_at_every_write(place: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """SIGKILL before each: carrying it out again ends it."""
    record_erasure(writer(place), place / "receipts", planned(place), LATER)
    child = os.fork()
    if child == 0:
        faults = Faults(killed)
        faults.at = {step: "lost"}
        install(monkeypatch, faults)
        try:
            carry_out(writer(place), place / "receipts")
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL

    carry_out(writer(place), place / "receipts")

    assert_erased(place)

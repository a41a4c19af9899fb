"""One id, one entry, one receipt: issuing is repeatable, refuses contradictions, and its files verify."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits import durable
from endcredits.attribution.records import Attribution, Line
from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import ConflictError, EndcreditsError, InputError, IntegrityError, NotFoundError
from endcredits.ids import OutputId, WorkId
from endcredits.receipts import log as log_module
from endcredits.receipts.check import check_log
from endcredits.receipts.issuing import finish, issue
from endcredits.receipts.leaf import parse_leaf, subject_of
from endcredits.receipts.lines import lines_path
from endcredits.receipts.log import Log
from endcredits.receipts.names import receipt_name, receipt_path
from endcredits.receipts.note import open_checkpoint
from endcredits.receipts.receipt import load_receipt, receipt_bytes, receipts_in
from endcredits.receipts.receipt_check import check_receipts
from endcredits.receipts.verify import verify_receipt
from tests.receipts.helpers import AT, KEY, LATER, items, leaf, new_log, run_body, run_lines

OTHER = {**run_body(1), "method": "bm25"}
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,199}", fullmatch=True)


def test_a_batch_is_proven_by_one_new_checkpoint(tmp_path: Path) -> None:
    """Each receipt verifies, and all of them name the log's latest checkpoint."""
    log = new_log(tmp_path / "log", 4)

    receipts = issue(log, tmp_path / "receipts", items(0, 1, 2), LATER)

    assert [receipt.receipt_id for receipt in receipts] == ["out-0", "out-1", "out-2"]
    assert {receipt.proof.checkpoint for receipt in receipts} == {log.checkpoint().note}
    assert [receipt.proof.leaf_index for receipt in receipts] == [4, 5, 6]
    for receipt in receipts:
        data = receipt_path(tmp_path / "receipts", receipt.receipt_id).read_bytes()
        assert data == receipt_bytes(receipt)
        assert verify_receipt(data, log.vkey).verified
    assert sorted(path.name for path in (tmp_path / "receipts").iterdir()) == [
        "lines",
        "out-0.json",
        "out-1.json",
        "out-2.json",
        "pending",
    ]
    assert list((tmp_path / "receipts" / "pending").iterdir()) == []


def test_records_are_bodies_too(tmp_path: Path) -> None:
    """An attribution is issued as it is and reads back as its canonical document."""
    lines = (Line(1, WorkId("w-1"), 5, 1, 700_000_000), Line(2, WorkId("w-2"), -3, 1, 0))
    record = Attribution(OutputId("out-1"), "a" * 64, "b" * 64, 10, "m/1", "c" * 64, 7, 2, 300_000_000, lines)
    log = new_log(tmp_path / "log")

    [receipt] = issue(log, tmp_path, [("out-1", "disclosure", record)], AT)

    assert receipt.body["lines"][1]["credit_nanonats"] == -3
    assert load_receipt(tmp_path / "out-1.json") == receipt
    assert verify_receipt((tmp_path / "out-1.json").read_bytes(), log.vkey).verified


def test_issuing_again_returns_what_was_issued(tmp_path: Path) -> None:
    """Same id, same body: the same receipt, salt and time included, and no new entry."""
    log = new_log(tmp_path / "log")
    first = issue(log, tmp_path, items(0, 1), AT)

    again = issue(log, tmp_path, items(1, 0), LATER)

    assert again == first[::-1]
    assert log.checkpoint().size == 2
    assert receipts_in(tmp_path) == first


def test_an_id_twice_in_a_batch_gets_one_entry(tmp_path: Path) -> None:
    """The same document twice is one receipt; two documents under one id are refused."""
    log = new_log(tmp_path / "log")

    receipts = issue(log, tmp_path, [*items(0), *items(0)], AT)

    assert receipts[0] == receipts[1]
    assert log.checkpoint().size == 1
    with pytest.raises(ConflictError, match="twice"):
        issue(log, tmp_path, [*items(1), ("out-1", "run.receipt", {})], AT)


@pytest.mark.parametrize(
    "item",
    [
        ("out-0", "run.receipt", {**run_body(0), "method": "bm25"}, run_lines(0)),
        ("out-0", "disclosure", run_body(0), run_lines(0)),
        ("out-0", "run.receipt", run_body(0), run_lines(1)),
        ("out-0", "run.receipt", run_body(0), run_lines(0)[:1]),
        ("out-0", "run.receipt", run_body(0), run_lines(0)[::-1]),
        ("out-0", "run.receipt", run_body(0)),
    ],
)
def test_an_issued_id_cannot_say_something_else(tmp_path: Path, item: tuple[Any, ...]) -> None:
    """Another body, other lines or another type is refused, and nothing else of the batch is written."""
    log = new_log(tmp_path / "log")
    issue(log, tmp_path / "receipts", items(0), AT)
    before = sorted(path.name for path in tmp_path.rglob("*"))

    with pytest.raises(ConflictError, match="another content"):
        issue(log, tmp_path / "receipts", [*items(5), item], LATER)

    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    assert log.checkpoint().size == 1


def test_a_lost_receipt_is_not_issued_again(tmp_path: Path) -> None:
    """When the file is gone, the log's private index still knows that the id was used, and the check names the entry."""
    log = new_log(tmp_path / "log")
    issue(log, tmp_path, [*items(0), ("period:2026-11", "disclosure", {"pools": []})], AT)
    (tmp_path / "out-0.json").unlink()
    receipt_path(tmp_path, "period:2026-11").unlink()

    with pytest.raises(ConflictError, match="not here"):
        issue(log, tmp_path, items(0), LATER)
    with pytest.raises(ConflictError, match="not here"):
        issue(log, tmp_path, [("period:2026-11", "disclosure", {"pools": []})], LATER)

    assert check_log(log) == []
    assert [(one.where, one.problem[:13]) for one in check_receipts(tmp_path, log, ["out-0", "out-5"])] == [
        ("lines out-0.json", "there is no r"),
        ("receipt out-0", "it was issued"),
        ("receipt out-5", "it was never "),
        ("entry 1 (counted from 0) of the log", "it was issued"),
    ]
    assert [one.where for one in check_receipts(tmp_path, log, accounted=[0, 1, 7])] == ["lines out-0.json"]


def test_the_log_names_nobody(tmp_path: Path) -> None:
    """Neither an id nor its plain digest is in the log, and nothing of the body or of a line."""
    log = new_log(tmp_path / "log")

    [receipt] = issue(
        log, tmp_path, [("dispute:emily@example.org", "dispute.open", {"payee": "Emily"}, [{"work_id": "heights"}])], AT
    )

    public = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file()).decode("latin-1")
    secrets = [receipt.receipt_id, hashlib.sha256(receipt.receipt_id.encode()).hexdigest(), receipt.salt, "emily", "heights"]
    assert not [secret for secret in secrets if secret in public.lower()]
    assert parse_leaf(receipt.leaf.encode()).subject == subject_of(bytes.fromhex(receipt.salt), receipt.receipt_id)
    assert verify_receipt(receipt_bytes(receipt), log.vkey).verified


def test_equal_bodies_have_different_commitments(tmp_path: Path) -> None:
    """Salts are random, so a guessed body cannot be found in the log."""
    log = new_log(tmp_path / "log")

    one, two = issue(log, tmp_path, [("a", "disclosure", {"x": 1}), ("b", "disclosure", {"x": 1})], AT)

    assert len(one.salt) == 64
    assert one.salt != two.salt
    assert parse_leaf(one.leaf.encode()).commit != parse_leaf(two.leaf.encode()).commit


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (("two words", "run.receipt", {}), "receipt_id"),
        (("a\u0430", "run.receipt", {}), "receipt_id"),
        (("a\u202e", "run.receipt", {}), "receipt_id"),
        (("a", "Run Receipt", {}), "type"),
        (("a", "run.receipt", {"x": 0.5}), None),
        (("a", "run.receipt", {"x": 2**53}), None),
        (("a", "run.receipt", {"x": "\ud800"}), None),
        (("a", "run.receipt", [1]), "body"),
        (("a", "run.receipt", {"lines_root": ""}, []), "body"),
        (("a", "run.receipt", {}, [1]), "lines"),
    ],
)
def test_what_is_no_receipt_is_refused(tmp_path: Path, item: tuple[Any, ...], field: str | None) -> None:
    """The error names the field, and nothing is written."""
    log = new_log(tmp_path / "log")

    with pytest.raises(InputError) as caught:
        issue(log, tmp_path / "receipts", [*items(0), item], AT)

    assert caught.value.field == field
    assert field or "the body of 'a'.x" in caught.value.message
    assert not (tmp_path / "receipts").exists()
    assert log.checkpoint().size == 0


def test_a_time_must_be_utc(tmp_path: Path) -> None:
    """Local times and dates are refused."""
    with pytest.raises(InputError) as caught:
        issue(new_log(tmp_path / "log"), tmp_path / "receipts", items(0), "2026-11-20 12:00")

    assert caught.value.field == "time"


def test_a_reader_cannot_issue(tmp_path: Path) -> None:
    """Issuing needs the log's key."""
    new_log(tmp_path / "log")

    with pytest.raises(InputError, match="for reading"):
        issue(Log.open(tmp_path / "log"), tmp_path, items(0), AT)


@given(IDS, IDS)
def test_every_id_has_a_file_name_of_its_own(one: str, two: str) -> None:
    """Names are safe, short, and differ between ids even where case is ignored."""
    names = [receipt_name(one), receipt_name(two)]

    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-%~")
        assert len(name) <= 180
        assert not name.startswith(".")
    assert (names[0] == names[1]) == (one == two)


@pytest.mark.parametrize("receipt_id", ["period:2026-11", "a/b@c", "A+b~C", "a" * 200, "/".join("A" * 100) + "B"])
def test_awkward_ids_are_issued_and_found(tmp_path: Path, receipt_id: str) -> None:
    """Whatever an id holds, its receipt is one file directly in the folder."""
    log = new_log(tmp_path / "log")

    [receipt] = issue(log, tmp_path / "receipts", [(receipt_id, "disclosure", {})], AT)

    assert receipt_path(tmp_path / "receipts", receipt_id).parent == tmp_path / "receipts"
    assert receipts_in(tmp_path / "receipts") == [receipt]
    assert check_receipts(tmp_path / "receipts", log) == []


def test_a_draft_that_the_log_does_not_know_may_be_replaced(tmp_path: Path) -> None:
    """Killed before the log had it: nobody holds it, so a corrected body is issued without a conflict."""
    log = new_log(tmp_path / "log")
    issue(log, tmp_path / "elsewhere", items(0), AT)
    pending = tmp_path / "receipts" / "pending" / "out-1.json"
    _leave_pending(tmp_path, "out-1")

    assert "interrupted" in check_receipts(tmp_path / "receipts", log)[0].problem
    [receipt] = issue(log, tmp_path / "receipts", [("out-1", "run.receipt", OTHER, run_lines(1))], AT)

    assert receipt.body["method"] == "bm25"
    assert not pending.exists()
    assert check_receipts(tmp_path / "receipts", log, accounted=[0]) == []


def test_a_draft_that_the_log_knows_may_not(tmp_path: Path) -> None:
    """Killed after the log had it: only the same body gets its receipt."""
    log = new_log(tmp_path / "log")
    document = _leave_pending(tmp_path, "out-1")
    log.append([document["leaf"].encode()])

    with pytest.raises(ConflictError, match="another content"):
        issue(log, tmp_path / "receipts", [("out-1", "run.receipt", OTHER, run_lines(1))], LATER)
    [receipt] = issue(log, tmp_path / "receipts", items(1), LATER)

    assert (receipt.salt, receipt.leaf, log.checkpoint().size) == (document["salt"], document["leaf"], 1)


def _leave_pending(tmp_path: Path, receipt_id: str) -> dict[str, Any]:
    """Makes the pending file of a receipt as a killed process would leave it."""
    spare = new_log(tmp_path / "spare-log")
    [receipt] = issue(spare, tmp_path / "spare", items(int(receipt_id.removeprefix("out-"))), AT)
    document = json.loads(receipt_bytes(receipt))
    del document["proof"]
    document["lines"] = json.loads(lines_path(tmp_path / "spare", receipt_id).read_bytes())["lines"]
    durable.write_atomic(
        tmp_path / "receipts" / "pending" / f"{receipt_id}.json",
        canonical_bytes({**document, "sha256": digest(document)}) + b"\n",
    )
    return dict(document)


def test_what_a_crash_left_is_finished(tmp_path: Path) -> None:
    """A draft whose entry is in the log gets its receipt and lines; one that is not stays as it is."""
    log = new_log(tmp_path / "log")
    assert finish(log, tmp_path / "receipts") == []
    document = _leave_pending(tmp_path, "out-1")
    assert finish(log, tmp_path / "receipts") == []
    log.append([document["leaf"].encode()])

    [receipt] = finish(log, tmp_path / "receipts")

    assert (receipt.receipt_id, receipt.salt) == ("out-1", document["salt"])
    assert check_receipts(tmp_path / "receipts", log) == []
    assert not list((tmp_path / "receipts" / "pending").iterdir())
    assert finish(log, tmp_path / "receipts") == []


@pytest.mark.parametrize("place", range(0, 1100, 37))
def test_a_damaged_draft_is_not_issued(tmp_path: Path, place: int) -> None:
    """A pending file that changed is named instead of being logged."""
    log = new_log(tmp_path / "log")
    _leave_pending(tmp_path, "out-1")
    path = tmp_path / "receipts" / "pending" / "out-1.json"
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.write_bytes(data)

    assert check_receipts(tmp_path / "receipts", log)
    with pytest.raises(IntegrityError, match=r"out-1\.json"):
        issue(log, tmp_path / "receipts", items(1), AT)
    assert log.checkpoint().size == 0


def test_a_damaged_receipt_is_named_everywhere(tmp_path: Path) -> None:
    """Reading, listing, issuing again and checking all name the file."""
    log = new_log(tmp_path / "log")
    issue(log, tmp_path, items(0, 1), AT)
    path = tmp_path / "out-1.json"
    path.write_bytes(path.read_bytes().replace(b"midpoint", b"midpaint"))

    for look in (lambda: load_receipt(path), lambda: receipts_in(tmp_path), lambda: issue(log, tmp_path, items(1), AT)):
        with pytest.raises(IntegrityError, match=r"out-1\.json"):
            look()
    assert [finding.where for finding in check_receipts(tmp_path, log)] == ["receipt out-1.json"]
    with pytest.raises(NotFoundError):
        load_receipt(tmp_path / "out-9.json")


def test_a_receipt_under_anothers_name_is_found(tmp_path: Path) -> None:
    """Copying a receipt over another does not pass."""
    log = new_log(tmp_path / "log")
    issue(log, tmp_path, items(0, 1), AT)
    (tmp_path / "out-1.json").write_bytes((tmp_path / "out-0.json").read_bytes())

    assert "another's file name" in check_receipts(tmp_path, log)[0].problem
    assert check_receipts(tmp_path, log)[1].where == "entry 1 (counted from 0) of the log"
    with pytest.raises(IntegrityError, match="file name"):
        issue(log, tmp_path, items(1), AT)


def test_receipts_find_out_a_rewritten_log(tmp_path: Path) -> None:
    """A log cut back, or rewritten and signed again, does not continue what old receipts prove."""
    log = new_log(tmp_path / "log", 1)
    issue(log, tmp_path, items(7), AT)
    short = new_log(tmp_path / "short", 1)
    rewritten = new_log(tmp_path / "rewritten", 5)
    assert check_receipts(tmp_path, log, accounted=[0]) == []

    assert check_log(short) == check_log(rewritten) == []
    assert "entries are missing" in check_receipts(tmp_path, short)[0].problem
    assert "history was rewritten" in check_receipts(tmp_path, rewritten)[0].problem
    with pytest.raises(IntegrityError, match="not in this log"):
        issue(rewritten, tmp_path, items(7), AT)


def test_a_damaged_log_is_told_and_receipts_are_checked_all_the_same(tmp_path: Path) -> None:
    """Receipts verify without the log."""
    log = new_log(tmp_path / "log")
    issue(log, tmp_path, items(0, 1), AT)
    (tmp_path / "out-0.json").write_bytes(b"{}\n")
    (tmp_path / "log" / "checkpoint").write_bytes(b"")

    findings = check_receipts(tmp_path, Log.open(tmp_path / "log"))

    assert [finding.where for finding in findings] == ["the receipt log", "receipt out-0.json"]


def test_old_receipts_stay_true_while_the_log_grows(tmp_path: Path) -> None:
    """A receipt proves its entry with its own checkpoint, which every later log continues."""
    log = new_log(tmp_path / "log")
    receipts = [issue(log, tmp_path, items(number), AT)[0] for number in range(9)]

    assert [open_checkpoint(receipt.proof.checkpoint, log.vkey).size for receipt in receipts] == list(range(1, 10))
    assert check_receipts(tmp_path, log) == []


ISSUER = """
import sys, time
from pathlib import Path
from endcredits.receipts.log import Log
from endcredits.receipts.issuing import issue
from tests.receipts.helpers import AT, KEY, items

place, start = Path(sys.argv[1]), float(sys.argv[2])
time.sleep(max(0.0, start - time.time()))
for number in range(12):
    log = Log.open(place / "log", KEY)
    issue(log, place / "receipts", items(number, number + 1), AT)
"""


def test_two_processes_issuing_at_once_share_one_log(tmp_path: Path) -> None:
    """Overlapping batches from two processes, log and folder new: one entry per id, every receipt proven."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", ISSUER, str(tmp_path), str(time.time() + 3)]

    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    codes = [process.wait(timeout=120) for process in processes]

    log = Log.open(tmp_path / "log")
    assert codes == [0, 0]
    assert log.checkpoint().size == 13
    assert sorted(receipt.receipt_id for receipt in receipts_in(tmp_path / "receipts")) == sorted(
        f"out-{number}" for number in range(13)
    )
    assert check_log(log) == check_receipts(tmp_path / "receipts", log) == []


def test_somebody_elses_turn_is_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one writes for too long, another is told to come back, and has written nothing."""
    monkeypatch.setattr(log_module, "WAIT_SECONDS", 0.1)
    one = new_log(tmp_path / "log", 1)

    with one.writing(), pytest.raises(ConflictError) as caught:
        issue(Log.open(tmp_path / "log", KEY), tmp_path / "receipts", items(0), AT)

    assert isinstance(caught.value, EndcreditsError)
    assert not (tmp_path / "receipts").exists()
    assert one.append([leaf(1)]) == 1

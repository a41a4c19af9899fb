"""Processes that die, disks that fill, two hands at once: the books hold, and running the same again completes the rest."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.attribution import Attribution
from endcredits.errors import ConflictError, IntegrityError, MachineError
from endcredits.flows import attributing, catalogue, closing, indexing, pairs, periods, reporting
from endcredits.flows.books import check_ledger
from endcredits.flows.checking import check_studio
from endcredits.flows.close_files import FILES
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.receipts import log as log_module
from endcredits.receipts import receipts_in
from endcredits.royalties import FIFTY_FIFTY, steps_of
from tests.interfaces.terminal import start, type_in, type_well

from . import house as h
from .house import House, some

KILL = "import os, signal\n\ndef die(*args, **options):\n    os.kill(os.getpid(), signal.SIGKILL)\n\n"

CLOSE_TOGETHER = """
import pathlib, sys, time
from endcredits.flows import closing
from endcredits.interfaces.cli import main

ready, go = pathlib.Path(sys.argv.pop()), pathlib.Path(sys.argv.pop())
real = closing.book_close

def slowly(*args, **options):
    time.sleep(0.5)  # so that both are in the middle at once, where the database allows it
    return real(*args, **options)

closing.book_close = slowly
ready.touch()
while not go.exists():
    time.sleep(0.005)
main.run()
"""


@pytest.fixture
def open_period(tmp_path: Path, store_url: str, house: House) -> Iterator[Studio]:
    """January is attributed and used, and still open; on each kind of database."""
    studio = init_studio(tmp_path / "studio", database=store_url)
    found = attributing.attribute(studio, h.fill(studio, house.models), h.outputs())
    reporting.report(studio, h.january(found))
    yield studio
    studio.close()


@pytest.fixture
def january(tmp_path: Path, house: House) -> Iterator[Studio]:
    """The same on SQLite, quicker."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    reporting.report(studio, h.january(found))
    yield studio
    studio.close()


def test_two_processes_close_one_period(open_period: Studio, tmp_path: Path) -> None:
    """One journal entry, whoever is first; the other finds it done, or is told to wait."""
    go = tmp_path / "go"
    ready = [tmp_path / "ready-1", tmp_path / "ready-2"]
    words = ("period", "close", h.JANUARY, "--json", "-s", open_period.path)
    processes = [start(*words, go, mark, program=CLOSE_TOGETHER) for mark in ready]
    deadline = time.monotonic() + 60
    while not all(mark.exists() for mark in ready):
        assert all(process.poll() is None for process in processes) and time.monotonic() < deadline
        time.sleep(0.01)

    go.touch()
    said = [process.communicate(timeout=60) for process in processes]

    codes = sorted(process.returncode for process in processes)
    assert codes in ([0, 0], [0, 4]), said
    if codes == [0, 4]:
        (refusal,) = (json.loads(err) for (_, err), process in zip(said, processes, strict=True) if process.returncode)
        assert refusal["error"] == "ConflictError" and "another process is writing" in refusal["message"]
        assert "run the same command again" in refusal["remedy"]
    else:
        assert sorted(json.loads(out)["was_closed"] for out, _ in said) == [False, True]
    assert check_ledger(open_period) == (1, [])
    assert periods.close(open_period, h.JANUARY).was_closed
    assert check_studio(open_period) == []


def test_two_hands_attribute_one_output(
    tmp_path: Path, store_url: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both get the same recorded answer, or one is told to wait; one row and one receipt remain."""
    studio = init_studio(tmp_path / "studio", database=store_url)
    h.fill(studio, house.models)
    hands = [open_studio(studio.path) for _ in range(2)]
    indexes = [indexing.current_index(hand) for hand in hands]
    together = threading.Barrier(2)
    real = attributing.record

    def record_together(conn: Connection, attributions: list[Attribution], at: str) -> list[Attribution]:
        attributing.find_attribution(conn, attributions[0].output_id)
        # SQLite lets one writer in at a time, and a retry comes alone.
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(timeout=0.5)
        return real(conn, attributions, at)

    monkeypatch.setattr(attributing, "record", record_together)
    answers: list[object] = [None, None]

    def work(number: int) -> None:
        try:
            answers[number] = attributing.attribute(hands[number], indexes[number], h.outputs()[:1])
        except ConflictError as error:
            answers[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    given = [answer for answer in answers if not isinstance(answer, ConflictError)]
    assert given and all(answer == given[0] for answer in given), answers
    assert all("writing to the receipt log" in str(a) for a in answers if isinstance(a, ConflictError))
    assert len(attributing.all_attributions(studio)) == 1
    assert check_studio(studio) == []
    for one in (studio, *hands):
        one.close()


@pytest.mark.parametrize(
    ("place", "hook"),
    [
        ("between the books and the first file", "periods.period_files = die"),
        ("between the statements and the receipt", "periods.issue = die"),
        (
            "in the middle of the statements",
            "count = iter(range(9))\n"
            "real = durable.write_atomic\n"
            "asked = lambda path: '/statements/' in str(path) and next(count) == 4\n"
            "durable.write_atomic = lambda *a, **o: die() if asked(a[0]) else real(*a, **o)",
        ),
        (
            "between the log and the receipt's file",
            "from endcredits.receipts import issuing\nissuing._complete = die",
        ),
    ],
    ids=lambda value: value.replace(" ", "-") if value.startswith(("between", "in the")) else "",
)
def test_a_process_killed_while_closing(january: Studio, place: str, hook: str) -> None:
    """What the database committed stands; closing again writes the files and the receipt, and books nothing twice."""
    program = (
        f"{KILL}from endcredits import durable\nfrom endcredits.flows import periods\n{hook}\n"
        "from endcredits.interfaces.cli import main\nmain.run()\n"
    )
    process = start("period", "close", h.JANUARY, "-s", january.path, program=program)

    assert process.wait(timeout=60) == -signal.SIGKILL, process.communicate()
    assert check_ledger(january) == (1, [])
    found = check_studio(january)
    assert any("period" in finding.where or "statement" in finding.where for finding in found), f"killed {place}"
    said = type_well("period", "close", h.JANUARY, "-s", january.path)

    assert "was closed before; nothing changed" in said.out
    assert check_ledger(january) == (1, [])
    assert check_studio(january) == []
    receipts = receipts_in(january.receipts)
    statements = periods.find_period(january, h.JANUARY).statements
    assert len(receipts) == 6 + len(statements) and len(statements) > 1


KILLED_BEFORE = {
    "proposing": ("closing._begun = die", ()),
    "freezing": ("closing.compute = die", ("proposed",)),
    "the frozen folder is whole": (
        # The room exports the function of that name, so the module is asked for by its path.
        "import importlib\nimportlib.import_module('endcredits.royalties.freeze')._seal = die",
        ("proposed",),
    ),
    "dividing": ("closing._divided = die", ("proposed",)),
    "the document": ("closing.close_document = die", ("proposed",)),
    "computed is recorded": ("closing._add_unless_there = die", ("proposed",)),
    "approving": ("closing.approve = die", ("proposed", "computed")),
    "the entries": ("closing.book_close = die", ("proposed", "computed")),
    "the statements": ("from endcredits.flows import booking\nbooking.save_statements = die", ("proposed", "computed")),
    "approved is recorded": (
        "real = closing.add_step\n"
        "closing.add_step = lambda conn, step: die() if step.step == 'approved' else real(conn, step)",
        ("proposed", "computed"),
    ),
    "the files": ("from endcredits.flows import periods\nperiods.publish = die", ("proposed", "computed", "approved")),
}
"""Before what a process is killed: how, and the steps that are recorded by then."""


@pytest.fixture(scope="module")
def undisturbed(house: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What lies in a period's folders when nobody is killed."""
    studio = open_studio(house.copy(house.indexed, tmp_path_factory.mktemp("undisturbed") / "studio"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    reporting.report(studio, h.january(found))
    periods.close(studio, h.JANUARY)
    studio.close()
    return closed_files(studio.path)


def closed_files(path: Path) -> dict[str, bytes]:
    """Everything of the close but its statements, which name the day of their issue, and its sum trees, which have salts."""
    return {name: data for name, data in h.files(path).items() if name.startswith("periods/") and "/sums/" not in name}


@pytest.mark.parametrize("before", some(list(KILLED_BEFORE), 6, "steps"), ids=lambda before: before.replace(" ", "-"))
def test_a_process_killed_at_each_step_of_closing(january: Studio, undisturbed: dict[str, bytes], before: str) -> None:
    """What was done stands, nothing is half done, and the same command goes on to the same bytes."""
    hook, done = KILLED_BEFORE[before]
    program = f"{KILL}from endcredits.flows import closing\n{hook}\nfrom endcredits.interfaces.cli import main\nmain.run()\n"

    process = start("period", "close", h.JANUARY, "-s", january.path, program=program)

    assert process.wait(timeout=60) == -signal.SIGKILL, process.communicate()
    with january.store.reading() as conn:
        assert tuple(step.step for step in steps_of(conn, h.JANUARY)) == done
    assert check_ledger(january) == ((1, []) if "approved" in done else (0, []))
    type_well("period", "close", h.JANUARY, "-s", january.path)
    assert closed_files(january.path) == undisturbed
    assert check_ledger(january) == (1, [])
    assert check_studio(january) == []


def test_four_eyes_are_two_people(january: Studio) -> None:
    """Nobody approves what they proposed, and nobody without a name does; nothing is posted then."""
    careful = replace(FIFTY_FIFTY, name="careful", four_eyes=True)
    proposal = closing.propose(january, h.JANUARY, policy=careful, by="ada")

    for nobody_else in ("ada", ""):
        with pytest.raises(ConflictError, match="asks for four eyes"):
            periods.approve(january, h.JANUARY, by=nobody_else)
    with pytest.raises(ConflictError, match="not the one expected"):
        periods.approve(january, h.JANUARY, by="bob", expected_digest="0" * 64)

    assert check_ledger(january) == (0, [])
    closed = periods.approve(january, h.JANUARY, by="bob", expected_digest=proposal.close_digest)
    assert closed.close_digest == proposal.close_digest and not closed.was_closed
    assert check_studio(january) == []


@pytest.mark.parametrize("name", some(FILES, 4, "files"))
def test_an_approval_of_a_folder_that_was_tampered_with(january: Studio, name: str) -> None:
    """One bit of any file of a computed close: refused with the file's name, and nothing is posted until it is put back."""
    file = closing.propose(january, h.JANUARY, by="ada").folder / name
    held = file.read_bytes()
    file.write_bytes(held[:-20] + bytes([held[-20] ^ 1]) + held[-19:])

    with pytest.raises(IntegrityError) as caught:
        periods.approve(january, h.JANUARY, by="bob")

    assert name.partition("/")[0] in str(caught.value)
    assert check_ledger(january) == (0, [])
    file.write_bytes(held)
    periods.approve(january, h.JANUARY, by="bob")
    assert check_studio(january) == []


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_a_full_disk_at_each_durable_write_of_closing(
    january: Studio, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Every rename may fail, before it is done or after: the same call goes on, and the close is the same bytes."""
    refused: set[str] = set()

    def failing(real: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        def move(source: Path, target: Path) -> None:
            if str(target) in refused:
                return real(source, target)
            refused.add(str(target))
            if kept:
                real(source, target)
            raise OSError(errno.ENOSPC, "No space left on device")

        return move

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing(os.replace))
        patch.setattr(os, "rename", failing(os.rename))
        for _ in range(200):
            try:
                periods.close(january, h.JANUARY)
            except MachineError as error:
                assert "disk is full" in error.message
            else:
                break

    names = {Path(one).relative_to(january.path).as_posix() for one in refused}
    frozen = f"periods/{h.JANUARY}/close-1"
    assert {f"{frozen}/{name}" for name in ("frozen", "lines.parquet", "work_lines.parquet", "close.json")} <= names
    assert {name for name in h.files(january.path) if name.startswith("statements/")} <= names
    assert closed_files(january.path) == undisturbed
    assert check_ledger(january) == (1, [])
    assert check_studio(january) == []


def test_a_process_killed_while_attributing(tmp_path: Path, house: House) -> None:
    """The batches that were recorded stand, the rest is measured again, and every output gets its one receipt."""
    path = house.copy(house.indexed, tmp_path / "studio")
    rows = tmp_path / "outputs.jsonl"
    lines = [{"output": given.text.decode(), "prompt": given.prompt.decode()} for given in h.outputs()]
    rows.write_text("\n".join(json.dumps(line) for line in lines))
    program = (
        f"{KILL}from endcredits.flows import attributing\nattributing.BATCH = 2\n"
        "real, calls = attributing.issue, iter(range(9))\n"
        "attributing.issue = lambda *a: die() if next(calls) == 1 else real(*a)\n"
        "from endcredits.interfaces.cli import main\nmain.run()\n"
    )

    process = start("attribute", rows, "-s", path, program=program)

    assert process.wait(timeout=120) == -signal.SIGKILL, process.communicate()
    studio = open_studio(path)
    before = attributing.all_attributions(studio)
    assert (len(before), len(receipts_in(studio.receipts))) == (4, 2)
    assert [finding.problem for finding in check_studio(studio)] == [
        "it was never issued; run the command again that records it"
    ] * 2
    done = type_well("attribute", rows, "-s", path, "--json").json
    assert len(done) == 5 and {one.output_id for one in before} < {row["output_id"] for row in done}
    assert check_studio(studio) == []
    assert len(receipts_in(studio.receipts)) == 5
    studio.close()


def test_two_processes_attribute_at_once(tmp_path: Path, house: House) -> None:
    """Whoever finds the log in another's hands waits for its turn: both are done, and every output has its receipt."""
    path = house.copy(house.indexed, tmp_path / "studio")
    # Each holds the log for a while, so that the other comes in the middle of it.
    program = (
        "import time\nfrom endcredits.receipts import issuing\nreal = issuing._complete\n"
        "issuing._complete = lambda *a: time.sleep(1.5) or real(*a)\n"
        "from endcredits.interfaces.cli import main\nmain.run()\n"
    )
    words = [("attribute", "--text", given.text.decode(), "-s", path) for given in h.outputs()[:2]]

    processes = [start(*line, program=program) for line in words]
    said = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], said
    studio = open_studio(path)
    assert len(receipts_in(studio.receipts)) == len(attributing.all_attributions(studio)) == 2
    assert check_studio(studio) == []
    studio.close()


def test_a_full_disk_while_statements_are_written(january: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 5 and what to do; the books are whole, no file is half-written, and the same command completes."""
    real = os.replace
    written: list[Path] = []

    def full(source: Path, target: Path) -> None:
        if "statements" in Path(target).parts:
            if len(written) == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
            written.append(Path(target))
        real(source, target)

    monkeypatch.setattr(durable.os, "replace", full)

    said = type_in("period", "close", h.JANUARY, "-s", january.path)

    assert said.code == 5 and "the disk is full" in said.err and "run the same command again" in said.err
    assert sorted(january.path.glob("statements/*/*")) == sorted(written)
    assert check_ledger(january) == (1, [])
    monkeypatch.undo()
    type_well("period", "close", h.JANUARY, "-s", january.path)
    assert check_studio(january) == []


def test_an_index_whose_last_files_could_not_be_written(
    tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Building again writes what is missing or damaged, and the index is the same."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    whole = h.files(studio.path)
    (corpus_file,) = studio.path.glob("index/*/corpus.json")
    corpus_file.unlink()

    def full(path: Path, data: bytes) -> None:
        raise MachineError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(MachineError):
        patch.setattr(durable, "write_atomic", full)
        indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
    assert [finding.where for finding in check_studio(studio)] == [str(corpus_file)]
    indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
    assert h.files(studio.path) == whole

    (studio.path / "index" / "current.json").write_bytes(b"{}")
    corpus_file.write_bytes(b"{}")
    assert {Path(finding.where).name for finding in check_studio(studio)} == {"current.json", "corpus.json"}
    indexing.build(studio, pairs.folders(*house.models), catalogue.corpus(studio))
    assert h.files(studio.path) == whole
    studio.close()


def test_a_log_that_is_gone_is_never_begun_anew(tmp_path: Path, house: House) -> None:
    """A second log under the same name would contradict every receipt that was handed out."""
    path = house.copy(house.finished, tmp_path / "studio")
    shutil.rmtree(path / "log")
    kept, rows = h.files(path), h.dump_of(path)

    said = type_in("attribute", "--text", "something new", "-s", path)
    closed = type_in("period", "close", h.JANUARY, "-s", path)
    checked = type_in("check", "-s", path)

    assert said.code == 3 and "log of receipts" in said.err and "Restore the folder" in said.err
    assert (closed.code, closed.err) == (said.code, said.err)
    assert checked.code == 3 and "there is no receipt log" in checked.out
    assert (h.files(path), h.dump_of(path)) == (kept, rows)


def test_reading_needs_neither_the_key_nor_a_turn(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An auditor's copy without the private key checks and shows everything, even while the original is being written."""
    path = house.copy(house.finished, tmp_path / "studio")
    kept = h.files(path)
    monkeypatch.setattr(log_module, "WAIT_SECONDS", 0.1)

    with durable.locked(path / "log", "the receipt log"):
        assert "is closed" not in type_well("period", "show", h.JANUARY, "-s", path).err
        assert type_in("period", "close", h.JANUARY, "-s", path).code == 4
    shutil.rmtree(path / "keys")
    words = [("check",), ("statement", h.JANUARY), ("period", "show", h.FEBRUARY), ("receipt", "list"), ("ledger", "check")]
    for command in words:
        type_well(*command, "-s", path)

    assert h.files(path) == {name: data for name, data in kept.items() if not name.startswith("keys/")}
    rows = h.dump_of(path)
    refused = type_in("attribute", "--text", "something new", "-s", path)
    assert h.dump_of(path) == rows
    assert refused.code == 2 and "log.key: the log's private key is not here. Copy it back from your backup" in refused.err


def test_a_key_of_another_log(tmp_path: Path, house: House) -> None:
    """The check tells when log, name and private key do not belong together."""
    studio, other = house.copy(house.finished, tmp_path / "studio"), tmp_path / "other"
    type_well("init", other, "--name", "Story House")
    shutil.copyfile(other / "keys" / "log.key", studio / "keys" / "log.key")

    mixed = type_in("check", "-s", studio)
    configuration = (studio / "studio.toml").read_text()
    shutil.copyfile(house.finished / "keys" / "log.key", studio / "keys" / "log.key")
    (studio / "studio.toml").write_text(configuration.replace("story-house.example", "story-horse.example"))
    renamed = type_in("check", "-s", studio)

    assert mixed.code == 3 and "the key is not the one of the log" in mixed.out
    assert renamed.code == 3 and "it is the key of another log than 'story-horse.example" in renamed.out

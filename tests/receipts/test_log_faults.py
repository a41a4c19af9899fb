"""Killed at any line, or with any write lost or kept and reported lost: the log is valid, and the next writer goes on.

The batch crosses a tile, so that every kind of file is written: a full bundle and tile, partial ones, a tile of level 1, the
index, the checkpoint, and the removal of partial files that are not needed any more.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import MachineError
from endcredits.receipts import log as log_module
from endcredits.receipts.check import check_log
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.log import Log
from endcredits.receipts.log_index import LogIndex, index_path
from endcredits.receipts.storage import FolderStorage
from tests.receipts.helpers import KEY, leaf

BEFORE, BATCH = 250, [leaf(number) for number in range(250, 263)]
NAMES = [f"out-{number}" for number in range(250, 263)]
PACKAGE = str(Path(log_module.__file__).parent)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 250 entries, in two steps."""
    folder = tmp_path_factory.mktemp("faults") / "log"
    log = Log.open(folder, KEY)
    log.append([leaf(number) for number in range(200)])
    log.append([leaf(number) for number in range(200, BEFORE)])
    log.close()
    return folder


@pytest.fixture
def folder(grown: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(grown, tmp_path / "log")
    shutil.copy(index_path(grown), index_path(tmp_path / "log"))
    return tmp_path / "log"


def assert_valid(folder: Path, before: str) -> int:
    """The log is whole, with the batch or without it, and has grown from what it was."""
    log = Log.open(folder)
    assert check_log(log, [before], index=True) == []
    size = log.checkpoint().size
    assert size in (BEFORE, BEFORE + len(BATCH))
    assert list(log.entries(BEFORE)) == BATCH[: size - BEFORE]
    commit = parse_leaf(BATCH[-1]).commit
    expected = BEFORE + len(BATCH) - 1 if size > BEFORE else None
    assert log.find(commit) == log.find_name(NAMES[-1]) == expected
    log.close()
    return size


def assert_goes_on(folder: Path, before: str) -> None:
    """Another batch under the old names takes the place of a lost one; the next fills the tile."""
    size = assert_valid(folder, before)
    log = Log.open(folder, KEY)
    others = [leaf(number) for number in range(5000, 5040)]
    assert log.append(others) == size
    assert list(log.entries(BEFORE)) == [*BATCH[: size - BEFORE], *others]
    assert check_log(log, [before], index=True) == []
    assert not list((folder / "tile/0").glob("000.p")), "partial files went when the full one was covered"


def killed_child(work: Callable[[], None]) -> bool:
    """Runs something in a child; whether it was killed before it ended."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("part", range(4))
def test_a_process_killed_at_any_line(folder: Path, grown: Path, part: int) -> None:
    """SIGKILL at lines spread over all that appending runs through in this room and in the writing of files."""
    before = Log.open(folder).checkpoint().note
    mine = (PACKAGE, durable.__file__)

    def dying(line: int) -> Callable[[], None]:
        def work() -> None:
            count = 0

            def trace(frame: Any, event: str, argument: Any) -> Any:
                nonlocal count
                if not frame.f_code.co_filename.startswith(mine):
                    return None
                count += event == "line"
                if count == line:
                    os.kill(os.getpid(), signal.SIGKILL)
                return trace

            sys.settrace(trace)
            Log.open(folder, KEY).append(BATCH, NAMES)

        return work

    # Most lines only compute; every 97th of the run-through is tried, each part begins at another one.
    line, kills = 1 + 97 * part, 0
    while killed_child(dying(line)):
        kills += 1
        assert_goes_on(folder, before) if kills % 4 == 0 else assert_valid(folder, before)
        shutil.rmtree(folder)
        shutil.copytree(grown, folder)
        shutil.copy(index_path(grown), index_path(folder))
        line += 97 * 4
    assert kills > 2
    assert assert_valid(folder, before) == BEFORE + len(BATCH)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["replace", "fsync", "unlink", "rmdir"])
def test_a_process_killed_at_every_call_of_the_system(folder: Path, grown: Path, call: str, after: bool) -> None:
    """Before and after each of them."""
    before = Log.open(folder).checkpoint().note
    number, sizes = 0, set()

    def work() -> None:
        real, count = getattr(os, call), 0

        def dying(*arguments: Any, **options: Any) -> None:
            nonlocal count
            count += 1
            if count > number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*arguments, **options)
            if count > number:
                os.kill(os.getpid(), signal.SIGKILL)

        setattr(os, call, dying)
        Log.open(folder, KEY).append(BATCH, NAMES)

    while killed_child(work):
        sizes.add(assert_valid(folder, before))
        if number % 3 == 0:
            assert_goes_on(folder, before)
        shutil.rmtree(folder)
        shutil.copytree(grown, folder)
        shutil.copy(index_path(grown), index_path(folder))
        number += 2
    assert number >= 2
    assert assert_valid(folder, before) == BEFORE + len(BATCH)


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize("step", ["put", "add", "swap", "remove"])
def test_a_write_that_fails_twice(folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, kept: bool) -> None:
    """In one process that goes on, and in a new one: the log is as before or has the whole batch, and never half of it."""
    before = Log.open(folder).checkpoint().note
    log = Log.open(folder, KEY)
    owner: Any = LogIndex if step == "add" else FolderStorage
    real = getattr(owner, step)

    def failing(*arguments: Any) -> None:
        if kept:
            real(*arguments)
        raise MachineError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, failing)
        for again in range(2):
            try:
                if log.checkpoint().size == BEFORE:
                    log.append(BATCH, NAMES)
            except MachineError:
                assert step != "remove", "what is only tidying up fails in silence"
            size = assert_valid(folder, before)
            assert size == (BEFORE + len(BATCH) if step == "remove" or (step, kept) == ("swap", True) else BEFORE), again
            log = Log.open(folder, KEY) if again else log

    if log.checkpoint().size == BEFORE:
        log.append(BATCH, NAMES)
    assert_goes_on(folder, before)

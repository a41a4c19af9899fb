"""The same inputs give the same bytes, and a build survives whatever interrupts it."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from endcredits import durable
from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.influence import open_index
from endcredits.influence.gradient.build import BuildInputs
from tests.influence.helpers import EMPIRICAL, ROOT, SAMPLED, SETTINGS, Case, case, files_of

# Builds the case in the folder argv[1]; with a stage and a number it says so and waits there to be killed.
SCRIPT = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.influence.helpers import SAMPLED, case

def progress(stage, done, total):
    if [stage, str(done)] == sys.argv[2:]:
        print("here", flush=True)
        sys.stdin.read()

case().build(Path(sys.argv[1]), task=SAMPLED, progress=progress)
"""


def begin(folder: Path, *where: str, seed: str = "0") -> subprocess.Popen[bytes]:
    """Starts a build in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), *where],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": seed},
    )


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every finished file."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.safetensors")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an uninterrupted build."""
    folder = tmp_path_factory.mktemp("whole")
    case().build(folder, task=SAMPLED)
    return files_of(folder)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Collects processes and ends those that still run."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_two_builds_give_the_same_bytes(whole: dict[str, bytes], tmp_path: Path) -> None:
    """In one process, into folders of different names."""
    case().build(tmp_path / "again", task=SAMPLED)

    assert files_of(tmp_path / "again") == whole


def test_another_process_gives_the_same_bytes(
    whole: dict[str, bytes], tmp_path: Path, processes: list[subprocess.Popen[bytes]]
) -> None:
    """Whatever order a process keeps its sets and dictionaries in."""
    processes.append(begin(tmp_path, seed="1"))

    processes[0].communicate(timeout=120)

    assert processes[0].returncode == 0
    assert files_of(tmp_path) == whole


@pytest.mark.parametrize(
    "where,finished",
    [
        (("curvature", "7"), []),
        (("works", "26"), ["curvature", "works-00000", "works-00001"]),
        (("calibration", "3"), ["curvature", "works-00000", "works-00001", "works-00002", "works-00003"]),
    ],
)
def test_a_killed_build_continues(
    whole: dict[str, bytes],
    tmp_path: Path,
    processes: list[subprocess.Popen[bytes]],
    where: tuple[str, str],
    finished: list[str],
) -> None:
    """While it runs nobody else may build; after SIGKILL finished shards stay untouched, and the end is the same."""
    process = begin(tmp_path, *where)
    processes.append(process)
    assert process.stdout is not None and process.stdout.readline() == b"here\n"
    with pytest.raises(ConflictError, match="another process is writing to this index"):
        case().build(tmp_path, task=SAMPLED)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    kept = stamps(tmp_path)
    assert sorted(kept) == [f"{name}.safetensors" for name in finished]
    with pytest.raises(NotFoundError, match="finished shards are kept"):
        open_index(tmp_path, base=case().base, full=case().full, task=SAMPLED)

    told: list[tuple[str, int]] = []
    case().build(tmp_path, task=SAMPLED, progress=lambda stage, done, total: told.append((stage, done)))

    assert files_of(tmp_path) == whole
    assert {name: stamp for name, stamp in stamps(tmp_path).items() if name in kept} == kept
    assert ("curvature" in [stage for stage, _ in told]) == ("curvature" not in finished)


def failing_on(number: int, call: Callable[..., Any], error: OSError, *, after: bool = False) -> Callable[..., Any]:
    """A function of the operating system whose n-th call fails, before or after it did its work."""
    calls = 0

    def replacement(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and not after:
            raise error
        result = call(*given, **named)
        if calls == number:
            raise error
        return result

    return replacement


WRITES = 7
"""build.json, the curvature, four shards, manifest.json."""


@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_full_disk_leaves_nothing_half_written(
    whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """At whichever file it happens: what stands is whole, and the same call continues."""
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    # Every atomic write flushes its file, then its folder.
    monkeypatch.setattr(durable.os, "fsync", failing_on(2 * number - 1, os.fsync, error))

    with pytest.raises(MachineError, match="the disk is full") as caught:
        case().build(tmp_path, task=SAMPLED)
    monkeypatch.undo()

    standing = files_of(tmp_path)
    assert len(standing) == number - 1
    assert standing == {name: whole[name] for name in standing}
    assert caught.value.file is not None and Path(caught.value.file).name in whole.keys() - standing.keys()
    case().build(tmp_path, task=SAMPLED)
    assert files_of(tmp_path) == whole


@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_a_write_that_was_kept_but_reported_lost(
    whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The file stands whole, so it is used and not written again."""
    error = OSError(errno.EIO, os.strerror(errno.EIO))
    monkeypatch.setattr(durable.os, "replace", failing_on(number, os.replace, error, after=True))

    with pytest.raises(MachineError):
        case().build(tmp_path, task=SAMPLED)
    monkeypatch.undo()

    assert len(files_of(tmp_path)) == number
    kept = stamps(tmp_path)
    case().build(tmp_path, task=SAMPLED)
    assert files_of(tmp_path) == whole
    assert kept.items() <= stamps(tmp_path).items()


def stopped(given: Case, folder: Path, stage: str, done: int) -> None:
    """Builds until a moment, as if somebody had pressed Ctrl-C."""

    def progress(now: str, count: int, total: int) -> None:
        if (now, count) == (stage, done):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        given.build(folder, task=SAMPLED, progress=progress)


def test_an_interrupted_build_gives_the_folder_free(whole: dict[str, bytes], tmp_path: Path) -> None:
    """The same process can go on at once; remains of unfinished writes are swept away."""
    stopped(case(), tmp_path, "works", 21)
    (tmp_path / "works-00001.safetensors.1234.partial").write_bytes(b"half")

    case().build(tmp_path, task=SAMPLED)

    assert files_of(tmp_path) == whole


@pytest.mark.parametrize("name", ["curvature", "works-00000"])
def test_damage_between_two_runs_is_repaired(whole: dict[str, bytes], tmp_path: Path, name: str) -> None:
    """A finished file that no longer is what it was is made again, wherever in it a bit fell over."""
    stopped(case(), tmp_path, "works", 21)
    path = tmp_path / f"{name}.safetensors"
    data = path.read_bytes()

    for position in (0, 9, 40, 120, data.index(b'"build"') + 12, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        stopped(case(), tmp_path, "works", 21)
        assert path.read_bytes() == data, position
    case().build(tmp_path, task=SAMPLED)

    assert files_of(tmp_path) == whole


def test_shards_of_an_older_build_are_not_taken(tmp_path: Path) -> None:
    """They name the build they belong to: only what this one made is used."""
    case().build(tmp_path / "old", task=EMPIRICAL, settings=dataclasses.replace(SETTINGS, damping=0.5))
    case().build(tmp_path / "new", task=EMPIRICAL)
    expected = files_of(tmp_path / "new")
    for name in ("curvature.safetensors", "works-00000.safetensors"):
        (tmp_path / "new" / name).write_bytes((tmp_path / "old" / name).read_bytes())
    (tmp_path / "new" / "manifest.json").unlink()

    case().build(tmp_path / "new", task=EMPIRICAL)

    assert files_of(tmp_path / "new") == expected


def the_case() -> BuildInputs:
    """What another process builds from."""
    given = case()
    return BuildInputs(given.base, given.full, SAMPLED, given.examples)


def another_case() -> BuildInputs:
    """Not what the build was begun with."""
    given = case()
    return BuildInputs(given.base, given.full, SAMPLED, given.examples[:-1])


def dying_case() -> BuildInputs:
    """Kills the process that asks for it, as the kernel does when memory is full; the next one is served."""
    mark = Path(os.environ["ENDCREDITS_TEST_MARK"])
    if not mark.exists():
        mark.write_bytes(b"")
        os.kill(os.getpid(), signal.SIGKILL)
    return the_case()


def test_several_processes_give_the_same_bytes(whole: dict[str, bytes], tmp_path: Path) -> None:
    """Each takes shards; nobody can tell afterwards."""
    case().build(tmp_path, task=SAMPLED, processes=2, loader=the_case)

    assert files_of(tmp_path) == whole


def test_a_worker_killed_in_the_middle(whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build says so, the folder is free at once, and the same call ends with the same bytes."""
    monkeypatch.setenv("ENDCREDITS_TEST_MARK", str(tmp_path / "mark"))
    folder = tmp_path / "index"
    with pytest.raises(MachineError, match="processes died while working on works"):
        case().build(folder, task=SAMPLED, processes=2, loader=dying_case)

    case().build(folder, task=SAMPLED, processes=2, loader=dying_case)

    assert files_of(folder) == whole


def test_a_loader_that_gives_something_else(tmp_path: Path) -> None:
    """Is refused by what differs; so is none at all."""
    with pytest.raises(InputError, match=r"other inputs than the build was begun with .corpus_sha256, examples differ"):
        case().build(tmp_path / "other", task=SAMPLED, processes=2, loader=another_case)
    with pytest.raises(InputError, match="several processes cannot share the models"):
        case().build(tmp_path / "none", task=SAMPLED, processes=2)

"""A folder of a log's files: whole files or none, one writer, and nothing that makes a reader wait."""

import os
import stat
import threading
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, IntegrityError, MachineError
from endcredits.receipts.storage import FolderStorage


def test_files_are_written_read_listed_and_removed(tmp_path: Path) -> None:
    """In folders that are made when needed, and gone when nothing is left in them."""
    storage = FolderStorage(tmp_path / "log")
    storage.put([("tile/0/000.p/1", b"one"), ("tile/0/000.p/2", b"two"), ("checkpoint", b"note")])

    assert storage.get("tile/0/000.p/2", 10) == b"two"
    assert storage.names("tile/0/000.p") == ["tile/0/000.p/1", "tile/0/000.p/2"]
    assert storage.names("") == ["checkpoint"]
    assert storage.names("tile/9") == []
    storage.put([("tile/0/000.p/2", b"other")])
    assert storage.get("tile/0/000.p/2", 10) == b"other"
    storage.remove(["tile/0/000.p/1", "tile/0/000.p/2", "tile/0/000.p/9"])
    assert storage.get("tile/0/000.p/2", 10) is None
    assert not (tmp_path / "log/tile/0/000.p").exists()
    assert storage.where("checkpoint") == str(tmp_path / "log/checkpoint")


def test_only_what_was_seen_is_replaced(tmp_path: Path) -> None:
    """A writer who missed something is told."""
    storage = FolderStorage(tmp_path)
    storage.swap("checkpoint", None, b"first")
    storage.swap("checkpoint", b"first", b"second")

    for old in (None, b"first"):
        with pytest.raises(ConflictError, match="somebody else"):
            storage.swap("checkpoint", old, b"third")
    assert storage.get("checkpoint", 10) == b"second"


def test_everything_is_flushed_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files first, then names in the order given, then the folders, new ones and those above them."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def flushed(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        steps.append(kind)
        fsync(handle)

    def named(source: Path, target: Path) -> None:
        steps.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", named)

    FolderStorage(tmp_path / "log").put([("a/b/1", b"1"), ("a/c/2", b"2"), ("3", b"3")])

    # log, log/a, log/a/b, log/a/c, and the folder that log was made in.
    assert steps == [*["file"] * 3, "1", "2", "3", *["folder"] * 5]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_write_that_fails_leaves_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Old or new, no half ones, and nothing lies about."""
    storage = FolderStorage(tmp_path)
    storage.put([("a", b"old"), ("b", b"old")])
    real, count = getattr(os, call), 0

    def failing(*arguments: object, **options: object) -> object:
        nonlocal count
        count += 1
        if count == 2:
            raise OSError(28, "No space left on device")
        return real(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(MachineError, match="disk is full"):
        patch.setattr(os, call, failing)
        storage.put([("a", b"new"), ("b", b"new")])

    assert {storage.get(name, 10) for name in ("a", "b")} <= {b"old", b"new"}
    assert storage.get("b", 10) == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_pipe_a_folder_and_a_large_file_are_refused_at_once(tmp_path: Path) -> None:
    """A pipe would keep a reader waiting for ever."""
    storage = FolderStorage(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(bytes(100))

    for name, problem in (
        ("pipe", "not a plain file"),
        ("folder", "not a plain file"),
        ("large", "100 bytes and may have 99"),
    ):
        with pytest.raises(IntegrityError, match=problem):
            storage.get(name, 99)
    assert storage.get("large", 100) == bytes(100)
    assert storage.get("large/below", 100) is None
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(MachineError, match="cannot be read"):
        storage.get("loop", 99)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """Another one waits, and is let in when the first is done."""
    storage, order = FolderStorage(tmp_path), []

    def second() -> None:
        with FolderStorage(tmp_path).writing(10):
            order.append("second")

    with storage.writing(0):
        with pytest.raises(ConflictError, match="another process"), FolderStorage(tmp_path).writing(0.05):
            pass
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join()

    assert order == ["first", "second"]

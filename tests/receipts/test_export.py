"""A copy of a log is the log: byte by byte, brought up to date again and again, and never another's."""

from pathlib import Path

import pytest

from endcredits.errors import ConflictError, IntegrityError, MachineError
from endcredits.receipts import export
from endcredits.receipts.check import check_log
from endcredits.receipts.export import export_log
from endcredits.receipts.log import Log
from endcredits.receipts.storage import FolderStorage
from tests.receipts.helpers import KEY, OTHER_KEY, leaf, new_log


def files(folder: Path) -> dict[str, bytes]:
    """All files but the lock."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def latest_only(found: dict[str, bytes]) -> dict[str, bytes]:
    """Without the partial files of earlier checkpoints, which a copy never had."""
    widest: dict[str, int] = {}
    for name in found:
        stem, partial, width = name.partition(".p/")
        if partial:
            widest[stem] = max(widest.get(stem, 0), int(width))
    return {n: d for n, d in found.items() if ".p/" not in n or int(n.partition(".p/")[2]) == widest[n.partition(".p/")[0]]}


def test_a_copy_is_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New, grown, grown over tiles, and unchanged."""
    monkeypatch.setattr(export, "CHUNK_ENTRIES", 256)
    log = new_log(tmp_path / "log")
    target = FolderStorage(tmp_path / "copy")

    for size, added in ((0, 0), (5, 5), (5, 0), (300, 295), (1100, 800), (1101, 1)):
        log.append([leaf(number) for number in range(log.checkpoint().size, size)])
        assert export_log(log, target) == added
        copy = Log.open(tmp_path / "copy")
        assert check_log(copy) == []
        assert copy.checkpoint() == log.checkpoint()
        assert latest_only(files(tmp_path / "copy")) == latest_only(files(tmp_path / "log"))


def test_new_signatures_are_copied_too(tmp_path: Path) -> None:
    """The checkpoint is the same, and was cosigned since."""
    log = new_log(tmp_path / "log", 3)
    export_log(log, FolderStorage(tmp_path / "copy"))
    log.adopt(log.vkeys, [KEY])
    note = log.add_signatures([log.checkpoint().note.splitlines()[-1].replace(KEY.name, "witness.example/w1")]).note

    assert export_log(log, FolderStorage(tmp_path / "copy")) == 0
    assert (tmp_path / "copy/checkpoint").read_text() == note


def test_another_log_is_never_overwritten(tmp_path: Path) -> None:
    """One by another key, one that ours does not continue, and one that is longer."""
    log = new_log(tmp_path / "log", 3)
    Log.open(tmp_path / "other", OTHER_KEY)
    with pytest.raises(ConflictError, match="another log"):
        export_log(log, FolderStorage(tmp_path / "other"))
    forked = new_log(tmp_path / "forked")
    forked.append([leaf(7), leaf(8)])
    longer = new_log(tmp_path / "longer", 4)
    for place in (forked, longer):
        before = files(place.folder)
        with pytest.raises(ConflictError, match="not a beginning"):
            export_log(log, FolderStorage(place.folder))
        assert files(place.folder) == before


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_nothing_damaged_is_handed_on(tmp_path: Path, name: str) -> None:
    """The copy stays what it was."""
    log = new_log(tmp_path / "log", 5)
    export_log(log, FolderStorage(tmp_path / "copy"))
    log.append([leaf(number) for number in range(5, 300)])
    path = tmp_path / "log" / name
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)

    with pytest.raises(IntegrityError):
        export_log(Log.open(tmp_path / "log"), FolderStorage(tmp_path / "copy"))

    assert Log.open(tmp_path / "copy").checkpoint().size == 5
    assert check_log(Log.open(tmp_path / "copy")) == []


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize("step", range(4))
def test_a_write_that_fails_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, kept: bool) -> None:
    """The copy is a whole log after every failure, and the third try completes it."""
    log = new_log(tmp_path / "log", 5)
    target = FolderStorage(tmp_path / "copy")
    export_log(log, target)
    log.append([leaf(number) for number in range(5, 300)])
    log.add_signatures([])
    count = 0

    def failing(real: object) -> object:
        def work(*arguments: object) -> None:
            nonlocal count
            count += 1
            if count - 1 != step or kept:
                real(*arguments)  # type: ignore[operator]
            if count - 1 == step:
                raise MachineError("the disk is full")

        return work

    with monkeypatch.context() as patch:
        for name in ("put", "swap", "remove"):
            patch.setattr(FolderStorage, name, failing(getattr(FolderStorage, name)))
        for _ in range(2):
            count = 0
            try:
                export_log(log, target)
            except MachineError:
                assert check_log(Log.open(tmp_path / "copy")) == []

    export_log(log, target)
    assert check_log(Log.open(tmp_path / "copy")) == []
    assert Log.open(tmp_path / "copy").checkpoint() == log.checkpoint()

"""A log in an object store: the same log, one writer, no fork, and whole whatever operation fails."""

import contextlib
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import ConflictError, EndcreditsError, InputError, IntegrityError, MachineError
from endcredits.receipts import log as log_module
from endcredits.receipts import object_storage
from endcredits.receipts.check import check_log
from endcredits.receipts.log import Log
from endcredits.receipts.object_storage import LOCK, ObjectStorage, open_objects
from tests.receipts.helpers import KEY, leaf

obstore = pytest.importorskip("obstore")
stores = pytest.importorskip("obstore.store")


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store in memory, which can replace conditionally, and one of files, which cannot."""
    if request.param == "memory":
        return stores.MemoryStore()
    return stores.LocalStore(tmp_path / "store", mkdir=True)


def at(store: Any, **options: Any) -> ObjectStorage:
    """A place in it."""
    return ObjectStorage(store, "memory://log", **options)


def grown(store: Any, index: Path, *batches: int) -> Log:
    """A log that grew by these batches."""
    log = Log.open(at(store), KEY, index=index)
    for batch in batches:
        size = log.checkpoint().size
        log.append([leaf(number) for number in range(size, size + batch)])
    return log


def test_the_log_is_the_same_as_in_a_folder(store: Any, tmp_path: Path) -> None:
    """Byte by byte, with the same partial tiles gone."""
    log = grown(store, tmp_path / "index.sqlite", 3, 300, 1)
    folder = Log.open(tmp_path / "folder", KEY)
    for start, stop in ((0, 3), (3, 303), (303, 304)):
        folder.append([leaf(number) for number in range(start, stop)])

    objects = {
        item["path"]: bytes(obstore.get(store, item["path"]).bytes()) for page in obstore.list(store) for item in page
    }

    root = tmp_path / "folder"
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    files.pop(".lock")
    assert objects == files
    assert check_log(Log.open(at(store))) == []
    assert log.proof(5).path == folder.proof(5).path
    assert Log.open(at(store)).leaf_at(303) == leaf(303)


def test_writing_needs_a_place_for_the_index(store: Any) -> None:
    """Nothing of the index goes into the store, which is public."""
    with pytest.raises(InputError, match="place for its index"):
        Log.open(at(store), KEY)


def test_two_writers_take_turns(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one holds the lock, another is told so after its wait."""
    monkeypatch.setattr(log_module, "WAIT_SECONDS", 0.05)
    one, two = grown(store, tmp_path / "a.sqlite", 1), grown(store, tmp_path / "b.sqlite")

    with one.writing(), pytest.raises(ConflictError, match="another process"):
        two.append([leaf(1)])

    assert two.append([leaf(1)]) == 1
    assert one.append([leaf(2)]) == 2
    assert at(store).get(LOCK, 1000) is None


def test_many_writers_at_once_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four threads, each with a log of its own on one store: every entry is there once."""
    monkeypatch.setattr(object_storage, "POLL_SECONDS", 0.002)
    store = stores.MemoryStore()
    grown(store, tmp_path / "i.sqlite")
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            log = Log.open(at(store), KEY, index=tmp_path / f"{writer}.sqlite")
            for number in range(5):
                log.append([leaf(100 * writer + number)])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    expected = sorted(leaf(100 * writer + number) for writer in range(4) for number in range(5))
    assert sorted(Log.open(at(store)).entries()) == expected
    assert check_log(Log.open(at(store))) == []


def test_a_dead_writer_is_succeeded_when_its_lease_is_over(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And when it turns out to have slept, it publishes nothing any more."""
    monkeypatch.setattr(log_module, "WAIT_SECONDS", 0.05)
    grown(store, tmp_path / "i.sqlite", 2)
    sleeper = Log.open(at(store, lease_seconds=0.2), KEY, index=tmp_path / "i.sqlite")
    with pytest.raises(ConflictError, match="in the meantime"), sleeper.writing():
        sleeper.checkpoint()
        monkeypatch.setattr(log_module, "WAIT_SECONDS", 5)
        successor = Log.open(at(store), KEY, index=tmp_path / "j.sqlite")
        assert successor.append([leaf(2)]) == 2
        sleeper.append([leaf(9)])

    assert list(Log.open(at(store)).entries()) == [leaf(0), leaf(1), leaf(2)]
    assert sleeper.append([leaf(3)]) == 3
    assert check_log(Log.open(at(store))) == []


def test_a_checkpoint_that_changed_is_not_replaced(store: Any, tmp_path: Path) -> None:
    """Even without any lock, two histories cannot come from one checkpoint."""
    grown(store, tmp_path / "i.sqlite", 1)
    place = at(store)
    seen = place.get("checkpoint", 10_000)
    place.swap("checkpoint", seen, b"first")

    for old in (seen, None):
        with pytest.raises(ConflictError):
            place.swap("checkpoint", old, b"second")
    assert place.get("checkpoint", 100) == b"first"


class Failing(ObjectStorage):
    """A store of which one operation fails: it is lost, or it is done and reported lost."""

    def __init__(self, store: Any, at_operation: int, kept: bool) -> None:
        super().__init__(store, "memory://log")
        self.left = at_operation
        self.kept = kept

    def _fail(self, work: Callable[[], None]) -> None:
        self.left -= 1
        if self.left != -1:
            work()
            return
        if self.kept:
            work()
        raise MachineError("the object store failed")

    def _put(self, name: str, data: bytes) -> None:
        self._fail(lambda: super(Failing, self)._put(name, data))

    def swap(self, name: str, old: bytes | None, new: bytes) -> None:
        self._fail(lambda: super(Failing, self).swap(name, old, new))

    def remove(self, names: Any) -> None:
        self._fail(lambda: super(Failing, self).remove(list(names)))


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize("operation", range(14))
def test_an_operation_that_fails_twice(tmp_path: Path, operation: int, kept: bool) -> None:
    """The log stays whole after each failure, and the third try adds the batch once."""
    store = stores.MemoryStore()
    older = grown(store, tmp_path / "i.sqlite", 250).checkpoint().note
    batch = [leaf(number) for number in range(1000, 1300)]

    for _ in range(2):
        with contextlib.suppress(MachineError, ConflictError):
            Log.open(Failing(store, operation, kept), KEY, index=tmp_path / "i.sqlite").append(batch)
        assert check_log(Log.open(at(store)), [older]) == []
    log = Log.open(at(store), KEY, index=tmp_path / "i.sqlite")
    if log.checkpoint().size == 250:
        log.append(batch)

    assert list(log.entries(250)) == batch
    assert check_log(log, [older], index=False) == []
    assert log.find(leaf(1299).decode().split('"')[3]) == 549


def test_a_huge_object_is_not_downloaded(tmp_path: Path) -> None:
    """Its size is read first."""
    store = stores.MemoryStore()
    log = grown(store, tmp_path / "i.sqlite", 3)
    obstore.put(store, "tile/0/000.p/3", bytes(10_000))

    with pytest.raises(IntegrityError, match="10000 bytes and may have"):
        Log.open(at(store)).proof(0)
    assert any("tile/0/000.p/3" in one.where for one in check_log(log, index=False))


def test_what_a_store_says_becomes_an_error_with_an_address(tmp_path: Path) -> None:
    """A store that is gone, an address that is none, and the package missing."""
    store = stores.LocalStore(tmp_path / "store", mkdir=True)
    place = ObjectStorage(store, "file://store")
    shutil.rmtree(tmp_path / "store")
    (tmp_path / "store").write_text("a file in its place")
    with pytest.raises(EndcreditsError, match="file://store/checkpoint"):
        place.put([("checkpoint", b"x")])
    with pytest.raises(InputError, match="no object store"):
        open_objects("nonsense://x")
    assert open_objects("memory:///").get("checkpoint", 10) is None


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core goes without it."""
    monkeypatch.setitem(__import__("sys").modules, "obstore", None)

    with pytest.raises(InputError, match=r"endcredits\[objects\]"):
        open_objects("memory:///")

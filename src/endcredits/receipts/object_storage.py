"""A log in an object store (S3, Google, Azure, R2...), served from there as it is. Needs the extra `objects`.

A store has no lock of its own, so one object, `.lock`, is it: who creates it (a conditional put, which only one can win)
writes, renews it while working, and deletes it. It says until when it holds; a writer that died is succeeded after that.
Nobody puts anything after the own lease has run out, by a clock that never goes back.

The lock keeps honest writers apart; what makes a fork impossible is the checkpoint, which is only ever replaced while it is
the one that the writer began from (If-Match). A writer that slept through its lease between looking at the clock and putting
a tile could at worst leave a wrong tile behind, which `check_log` names, never a second history.

A store of files on a disk cannot replace conditionally; there the object is compared and then replaced, and only the lock
keeps others away. For a disk use the folder itself.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError

LOCK = ".lock"
LEASE_SECONDS = 60.0
POLL_SECONDS = 0.1
PUTS = 16
"""How many objects are put at once."""


def _obstore() -> Any:
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError as error:
        raise InputError(
            "logs in object stores need another package", remedy="Run: pip install 'endcredits[objects]'"
        ) from error
    return obstore


@dataclass(slots=True)
class _Lease:
    """The lock as we hold it.

    Attributes:
        holder: random, ours.
        tag: the store's tag of the lock object as we wrote it last.
        renewed: when that was, by the monotonic clock.
    """

    holder: str
    tag: str | None
    renewed: float


class ObjectStorage:
    """A prefix in an object store."""

    def __init__(self, store: Any, place: str, *, lease_seconds: float = LEASE_SECONDS) -> None:
        """
        Args:
            store: an `obstore` store.
            place: what to call it in errors, without secrets, such as "s3://bucket/log".
            lease_seconds: how long a writer that is not heard of keeps others out.
        """
        self._obstore = _obstore()
        self._store = store
        self._place = place
        self._lease_seconds = lease_seconds
        self._lease: _Lease | None = None

    def where(self, name: str = "") -> str:
        """The object's address."""
        return f"{self._place}/{name}" if name else self._place

    def get(self, name: str, bytes_max: int) -> bytes | None:
        """An object's bytes; one that says that it is larger than asked for is not downloaded."""
        found = self._found(name, bytes_max)
        return None if found is None else found[0]

    def _found(self, name: str, bytes_max: int) -> tuple[bytes, str | None] | None:
        """Bytes and tag."""
        with self._told(name):
            try:
                answer = self._obstore.get(self._store, name)
            except FileNotFoundError:
                return None
            if answer.meta["size"] > bytes_max:
                problem = f"the object has {answer.meta['size']} bytes and may have {bytes_max}"
                raise IntegrityError(problem, file=self.where(name))
            return bytes(answer.bytes()), answer.meta["e_tag"]

    def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Puts objects, several at once; the store has them all when it returns."""
        self._renew()
        with ThreadPoolExecutor(min(PUTS, len(files) or 1)) as pool:
            for _ in pool.map(lambda file: self._put(*file), files):
                pass

    def _put(self, name: str, data: bytes) -> None:
        with self._told(name):
            self._obstore.put(self._store, name, data, use_multipart=False)

    def swap(self, name: str, old: bytes | None, new: bytes) -> None:
        """Replaces an object if it is still the one that was seen."""
        self._renew()
        found = self._found(name, 2**20)
        if (None if found is None else found[0]) != old:
            raise self._conflict(name)
        self._replace(name, None if found is None else found[1], new)

    def _replace(self, name: str, tag: str | None, new: bytes) -> str | None:
        """Puts an object that is not there yet (no tag), or is the tagged one; returns the new tag."""
        mode: Any = "create" if tag is None else {"e_tag": tag}
        errors = self._obstore.exceptions
        with self._told(name):
            try:
                answer = self._obstore.put(self._store, name, new, mode=mode, use_multipart=False)
            except (errors.AlreadyExistsError, errors.PreconditionError) as error:
                raise self._conflict(name) from error
            except NotImplementedError:
                now = self._obstore.head(self._store, name)
                if now["e_tag"] != tag:
                    raise self._conflict(name) from None
                answer = self._obstore.put(self._store, name, new, use_multipart=False)
        return str(answer["e_tag"])

    def names(self, folder: str) -> list[str]:
        """The objects directly under a prefix."""
        with self._told(folder):
            listed = self._obstore.list_with_delimiter(self._store, prefix=folder or None)
            return sorted(item["path"] for item in listed["objects"])

    def remove(self, names: Iterable[str]) -> None:
        """Deletes objects; stores that tell of missing ones are not listened to."""
        self._renew()
        for name in names:
            with self._told(name), contextlib.suppress(FileNotFoundError):
                self._obstore.delete(self._store, name)

    @contextlib.contextmanager
    def writing(self, wait_seconds: float) -> Iterator[None]:
        """Creates the lock object, keeps it while needed, and deletes it."""
        deadline = time.monotonic() + wait_seconds
        while not self._take():
            if time.monotonic() >= deadline:
                raise ConflictError(
                    "another process is writing to the receipt log",
                    remedy="Wait until it has finished, then run the same command again.",
                    file=self.where(LOCK),
                )
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            self._release()

    def _note(self, holder: str) -> bytes:
        return json.dumps({"holder": holder, "until": time.time() + self._lease_seconds}).encode()

    def _take(self) -> bool:
        """Whether the lock is ours now."""
        holder, begun = secrets.token_hex(16), time.monotonic()
        found = self._found(LOCK, 1000)
        if found is not None and time.time() < _until(found[0]):
            return False
        try:
            tag = self._replace(LOCK, None if found is None else found[1], self._note(holder))
        except ConflictError:
            return False
        self._lease = _Lease(holder, tag, begun)
        return True

    def _renew(self) -> None:
        """Makes sure that the lock is ours for a while longer; outside of `writing` nothing is asked.

        Raises:
            ConflictError: the lease has run out, or somebody else took it.
        """
        lease = self._lease
        if lease is None:
            return
        begun = time.monotonic()
        if begun - lease.renewed >= self._lease_seconds:
            raise self._conflict(LOCK)
        if begun - lease.renewed > self._lease_seconds / 3:
            lease.tag = self._replace(LOCK, lease.tag, self._note(lease.holder))
            lease.renewed = begun

    def _release(self) -> None:
        """Deletes the lock when it is still ours; one that cannot be deleted runs out by itself."""
        lease, self._lease = self._lease, None
        with contextlib.suppress(MachineError, IntegrityError):
            found = self._found(LOCK, 1000)
            if lease is not None and found is not None and found[1] == lease.tag:
                with self._told(LOCK), contextlib.suppress(FileNotFoundError):
                    self._obstore.delete(self._store, LOCK)

    def _conflict(self, name: str) -> ConflictError:
        return ConflictError(
            "somebody else has written to it in the meantime", remedy="Run the same again.", file=self.where(name)
        )

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Turns what the store says into errors that name the object."""
        try:
            yield
        except (FileNotFoundError, NotImplementedError):
            raise
        except (self._obstore.exceptions.BaseError, OSError) as error:
            told = str(error).partition("\n")[0][:200]
            raise MachineError(
                f"the object store failed ({told})", remedy="Run the same again.", file=self.where(name)
            ) from error


def _until(lock: bytes) -> float:
    """Until when a lock holds, seconds since 1970; what cannot be read holds for ever, so that a person looks at it."""
    try:
        return float(json.loads(lock)["until"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def open_objects(url: str) -> ObjectStorage:
    """A place by its URL, such as s3://bucket/log; who may write there is for the environment to say (AWS_... and so on).

    Raises:
        InputError: the extra is missing, or it is no URL of a store.
    """
    obstore = _obstore()
    try:
        store = obstore.store.from_url(url)
    except (obstore.exceptions.BaseError, ValueError) as error:
        told = str(error).partition("\n")[0][:200]
        raise InputError(
            f"'{url[:100]}' is no object store ({told})", remedy="Such as s3://bucket/log.", field="to"
        ) from error
    return ObjectStorage(store, url.partition("?")[0])

"""What a witness remembers: for every log that it watches, the latest checkpoint that it cosigned.

    witness.vkey           its public key, one line (two with an ML-DSA-44 key)
    keys/ed25519.key       the private key; keys/mldsa44.key when it has one
    logs/<origin's hash>/  one folder for each log that it watches
        log.vkey           the log's public keys, one a line
        latest             the latest cosigned checkpoint, and when
        forks/             checkpoints that contradict it, kept as evidence, at most 16

`latest` is made together with `log.vkey`, so a log whose `latest` has gone missing is noticed and never cosigned again:
a witness that has forgotten can be shown another past. For the same reason a witness's folder is never restored from an
old copy; begin a new witness with a new key instead.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from endcredits import durable
from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.receipts.cosignature import Statement, read_statement
from endcredits.receipts.cosigner import ED25519, MLDSA44, Key, read_key
from endcredits.receipts.merkle import EMPTY_ROOT

VKEY, KEYS, LOGS, LOG_VKEY, LATEST, FORKS = "witness.vkey", "keys", "logs", "log.vkey", "latest", "forks"
KEY_FILES = {ED25519: "ed25519.key", MLDSA44: "mldsa44.key"}
FORKS_MAX = 16
WAIT_SECONDS = 5.0
"""How long a request waits while another one about the same log is decided."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest checkpoint of one log that a witness cosigned.

    Attributes:
        size: number of entries, 0 before the first.
        root: 32 bytes.
        time_s: when it was cosigned, seconds since 1970; 0 before the first.
        note: the log's signed checkpoint; "" before the first.
    """

    size: int
    root: bytes
    time_s: int
    note: str


NOTHING_YET = Latest(0, EMPTY_ROOT, 0, "")


@dataclass(frozen=True, slots=True)
class Watched:
    """A log that a witness watches.

    Attributes:
        origin: the log's name.
        keys: its public keys; any of them may have signed.
        latest: what was cosigned last.
        forks: how many contradicting checkpoints are kept as evidence.
    """

    origin: str
    keys: tuple[Key, ...]
    latest: Latest
    forks: int


def read_keys(path: Path) -> tuple[Key, ...]:
    """The public keys of a file, one a line: the witness's own, or those of a log.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: a line of it is not a key.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        return tuple(read_key(line) for line in lines if line)
    except FileNotFoundError as error:
        remedy = "Make one: endcredits witness init FOLDER --name NAME"
        raise NotFoundError("this folder is not a witness", remedy=remedy, file=path.parent) from error
    except (InputError, UnicodeDecodeError) as error:
        raise IntegrityError(f"its keys cannot be read ({error})", remedy="Restore the file.", file=path) from error
    except OSError as error:
        raise durable.machine_error(error, path) from error


def log_place(folder: Path, origin: str) -> Path:
    """Where a witness keeps what it knows of a log."""
    return folder / LOGS / hashlib.sha256(origin.encode()).hexdigest()


def watched(folder: str | os.PathLike[str]) -> list[Watched]:
    """The logs that a witness watches, by origin.

    Raises:
        NotFoundError: the folder is not a witness.
        IntegrityError: what it remembers of one of them cannot be read.
    """
    place = Path(folder)
    read_keys(place / VKEY)
    found = [read_watched(path.parent) for path in (place / LOGS).glob(f"*/{LOG_VKEY}")]
    return sorted(found, key=lambda log: log.origin)


def is_watched(here: Path) -> bool:
    """Whether a log's folder is one of a log that is watched."""
    return (here / LOG_VKEY).exists()


def read_watched(here: Path) -> Watched:
    """What a witness knows of the log of this folder."""
    keys = read_keys(here / LOG_VKEY)
    forks = len(list((here / FORKS).glob("*.txt")))
    return Watched(keys[0].name if keys else "", keys, read_latest(here), forks)


@contextlib.contextmanager
def deciding(here: Path) -> Iterator[None]:
    """Lets one request at a time, of all threads and processes, decide about a log.

    Raises:
        ConflictError: others held it for longer than `WAIT_SECONDS`.
    """
    with durable.locked(here, "this log of the witness", wait_seconds=WAIT_SECONDS):
        yield


def read_latest(here: Path) -> Latest:
    """The latest cosigned checkpoint.

    Raises:
        IntegrityError: it is missing or was changed. The witness must not go on: it may have cosigned what it forgot.
    """
    path = here / LATEST
    remedy = "Do not cosign this log with this key again; begin a new witness with a new key."
    try:
        data = path.read_bytes()
        head, _, rest = data.partition(b"\n")
        match = re.fullmatch(r"time (0|[1-9][0-9]{0,18})\n(.*)", rest.decode("utf-8"), re.DOTALL)
        if match is None or head.decode() != f"sha256 {hashlib.sha256(rest).hexdigest()}":
            raise ValueError("it was changed")
        if not match[2]:
            return NOTHING_YET
        said = read_statement(match[2])
    except (OSError, ValueError, IntegrityError) as error:
        raise IntegrityError("what the witness cosigned last cannot be read", remedy=remedy, file=path) from error
    return Latest(said.size, said.root, int(match[1]), match[2])


def write_latest(here: Path, latest: Latest) -> None:
    """Remembers a checkpoint, on the disk, before it is cosigned.

    Raises:
        MachineError: it may not be remembered; nothing may be signed.
    """
    rest = f"time {latest.time_s}\n{latest.note}".encode()
    durable.write_atomic(here / LATEST, f"sha256 {hashlib.sha256(rest).hexdigest()}\n".encode() + rest)


def keep_fork(here: Path, statement: Statement, note: str) -> None:
    """Keeps a checkpoint that the log signed and that contradicts what was cosigned, as evidence; at most 16."""
    path = here / FORKS / f"{statement.size}-{hashlib.sha256(statement.text.encode()).hexdigest()}.txt"
    if not path.exists() and len(list((here / FORKS).glob("*.txt"))) < FORKS_MAX:
        durable.write_atomic(path, note.encode())

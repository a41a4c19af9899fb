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
from endcredits.errors import ConflictError, InputError, IntegrityError, NotFoundError
from endcredits.receipts.cosignature import Statement, read_statement
from endcredits.receipts.cosigner import (
    ED25519,
    MLDSA44,
    PLAIN_ED25519,
    CosigningKey,
    Key,
    check_name,
    load_cosigning_key,
    make_cosigning_key,
    read_key,
)
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


def init_witness(folder: str | os.PathLike[str], name: str, *, mldsa: bool = False) -> tuple[Key, ...]:
    """Makes a witness that watches no log yet, or goes on where one that was killed stopped.

    Args:
        folder: a new or empty folder.
        name: the witness's name, such as "witness.example/w1".
        mldsa: with an ML-DSA-44 key beside the Ed25519 key; it then signs with both.

    Returns:
        Its public keys.

    Raises:
        ConflictError: it is a witness already.
        InputError: not a name for a witness.
        MachineError: the folder cannot be written.
    """
    place = Path(folder)
    check_name(name)
    if (place / VKEY).exists():
        raise ConflictError("this folder is a witness already", remedy="Use it, or choose another folder.", file=place)
    made = []
    for kind in (ED25519, MLDSA44) if mldsa else (ED25519,):
        path = place / KEYS / KEY_FILES[kind]
        made.append(load_cosigning_key(path, name) if path.exists() else make_cosigning_key(path, name, kind))
    keys = tuple(key.key for key in made)
    durable.write_atomic(place / VKEY, "".join(f"{key.vkey}\n" for key in keys).encode())
    return keys


def load_keys(folder: Path) -> tuple[CosigningKey, ...]:
    """A witness's private keys, each held against its public line.

    Raises:
        NotFoundError: the folder is not a witness, or a key is gone.
        IntegrityError: a private key is not the one of its public line.
    """
    keys = []
    for public in _read_keys(folder / VKEY):
        key = load_cosigning_key(folder / KEYS / KEY_FILES.get(public.kind, "?"), public.name)
        if key.key != public:
            raise IntegrityError("the private key is not the one of witness.vkey", remedy="Restore it.", file=folder)
        keys.append(key)
    return tuple(keys)


def _read_keys(path: Path) -> tuple[Key, ...]:
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


def watch(folder: str | os.PathLike[str], vkey: str) -> Watched:
    """Adds a log to those that a witness watches, or a further key to one of them (when a log changes its key).

    Args:
        folder: the witness; it may be serving.
        vkey: the log's public key (Ed25519, type 1, or ML-DSA-44, type 6); its name is the log's origin.

    Raises:
        NotFoundError: the folder is not a witness.
        InputError: it is not the key of a log.
        ConflictError: this key is watched already.
        IntegrityError: what was remembered of this log is gone.
    """
    place = Path(folder)
    _read_keys(place / VKEY)
    key = read_key(vkey)
    if key.kind not in (PLAIN_ED25519, MLDSA44):
        raise InputError("it is a witness's key", remedy="Give the log's public key, its log.vkey.", field="vkey")
    here = log_place(place, key.name)
    with durable.locked(here, "this log of the witness", wait_seconds=WAIT_SECONDS):
        keys: tuple[Key, ...] = ()
        if is_watched(here):
            keys = read_watched(here).keys
        elif not (here / LATEST).exists():
            write_latest(here, NOTHING_YET)  # before the key, which is what makes it known
        if key in keys:
            raise ConflictError("the witness watches this log already", file=here)
        durable.write_atomic(here / LOG_VKEY, "".join(f"{known.vkey}\n" for known in (key, *keys)).encode())
    return read_watched(here)


def watched(folder: str | os.PathLike[str]) -> list[Watched]:
    """The logs that a witness watches, by origin.

    Raises:
        NotFoundError: the folder is not a witness.
        IntegrityError: what it remembers of one of them cannot be read.
    """
    place = Path(folder)
    _read_keys(place / VKEY)
    found = [read_watched(path.parent) for path in (place / LOGS).glob(f"*/{LOG_VKEY}")]
    return sorted(found, key=lambda log: log.origin)


def is_watched(here: Path) -> bool:
    """Whether a log's folder is one of a log that is watched."""
    return (here / LOG_VKEY).exists()


def read_watched(here: Path) -> Watched:
    """What a witness knows of the log of this folder."""
    keys = _read_keys(here / LOG_VKEY)
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

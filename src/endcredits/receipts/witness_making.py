"""Making a witness, and telling it which logs to watch. Both can be run again where they were killed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError
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
from endcredits.receipts.witness_state import (
    KEY_FILES,
    KEYS,
    LATEST,
    LOG_VKEY,
    NOTHING_YET,
    VKEY,
    Watched,
    deciding,
    is_watched,
    log_place,
    read_keys,
    read_watched,
    write_latest,
)


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
    for public in read_keys(folder / VKEY):
        key = load_cosigning_key(folder / KEYS / KEY_FILES.get(public.kind, "?"), public.name)
        if key.key != public:
            raise IntegrityError("the private key is not the one of witness.vkey", remedy="Restore it.", file=folder)
        keys.append(key)
    return tuple(keys)


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
    read_keys(place / VKEY)
    key = read_key(vkey)
    if key.kind not in (PLAIN_ED25519, MLDSA44):
        raise InputError("it is a witness's key", remedy="Give the log's public key, its log.vkey.", field="vkey")
    here = log_place(place, key.name)
    with deciding(here):
        keys: tuple[Key, ...] = ()
        if is_watched(here):
            keys = read_watched(here).keys
        elif not (here / LATEST).exists():
            write_latest(here, NOTHING_YET)  # before the key, which is what makes it known
        if key in keys:
            raise ConflictError("the witness watches this log already", file=here)
        durable.write_atomic(here / LOG_VKEY, "".join(f"{known.vkey}\n" for known in (key, *keys)).encode())
    return read_watched(here)


def watch_all(folder: str | os.PathLike[str], vkeys: Sequence[str]) -> list[Watched]:
    """Adds the lines of a log's `log.vkey`, of which a witness may know some: the newest stands beside older ones.

    Returns:
        The logs that they are of.

    Raises:
        ConflictError: it knows all of them.
        NotFoundError, InputError, IntegrityError: as `watch`.
    """
    found: dict[str, Watched] = {}
    known: ConflictError | None = None
    for vkey in vkeys:
        try:
            log = watch(folder, vkey)
        except ConflictError as error:
            known = error
        else:
            found[log.origin] = log
    if known is not None and not found:
        raise known
    return list(found.values())

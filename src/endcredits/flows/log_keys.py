"""Changing the log's key, so that whoever trusted the old one can follow: the old key says which key comes next.

1. A new key is made (`keys/log.next.key`).
2. A `key.rotate` entry with its receipt says so, in a checkpoint that the old key alone signs.
3. The new public key becomes the first line of `log.vkey`, and from now on both keys sign every checkpoint.
4. The files change names: the old private key is `keys/log.old.key`, the new one `keys/log.key`.

Verifiers take over the new line in their own time. When they have, the old key is retired: its file is removed, and only
the new one signs. Its public line stays in `log.vkey`, since receipts of that time are signed by it; whoever gets the key's
old file in his hands could still sign in its name, so a verifier who has taken over the new line should strike out the old
one and ask for receipts with a fresh proof.

Each step can be done again: whatever was killed, the same command goes on where it stopped.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.errors import ConflictError, InputError
from endcredits.flows import clock
from endcredits.flows.studio import KEY, Studio
from endcredits.receipts import Item, Log, SigningKey, issue, load_key, make_keypair, readable_receipts
from endcredits.receipts.keys import ED25519, MLDSA44, MLDSA_KEY, NEXT_KEY, OLD_KEY, read_vkey
from endcredits.receipts.leaf import parse_leaf

TYPE = "key.rotate"


def _folder(studio: Studio) -> Path:
    return (studio.path / KEY).parent


def rotate(studio: Studio) -> Log:
    """Changes the log's Ed25519 key, or goes on with a change that was interrupted.

    Raises:
        ConflictError: the key before is not retired yet, or somebody else is writing.
        NotFoundError: the private key is not here.
        MachineError: something could not be written; run it again.
    """
    folder = _folder(studio)
    if (folder / OLD_KEY).exists() and not (folder / NEXT_KEY).exists() and (studio.path / KEY).exists():
        raise ConflictError(
            "the key before this one still signs",
            remedy="Retire it first: endcredits log rotate --retire",
            file=folder / OLD_KEY,
        )
    log = studio.log()
    with log.writing():
        new = _next_key(studio)
        if new.vkey not in log.vkeys:
            issue(log, studio.receipts, [_item(new.vkey, log.vkey)], clock.now())
        others = [key for key in log.keys if key.vkey != new.vkey]
        log.adopt([new.vkey, *(vkey for vkey in log.vkeys if vkey != new.vkey)], [new, *others])
        _rename(studio.path / KEY, folder / OLD_KEY, wanted=(folder / NEXT_KEY).exists())
        _rename(folder / NEXT_KEY, studio.path / KEY, wanted=True)
    return studio.log()


def _next_key(studio: Studio) -> SigningKey:
    path = _folder(studio) / NEXT_KEY
    if path.exists():
        return load_key(path, studio.origin)
    return make_keypair(path, studio.origin)


def _rename(source: Path, target: Path, *, wanted: bool) -> None:
    if not wanted or not source.exists() or target.exists():
        return
    try:
        os.replace(source, target)
        durable.sync_folder(target.parent)
    except OSError as error:
        raise durable.machine_error(error, source) from error


def retire(studio: Studio) -> Log:
    """Ends the time of two keys: the checkpoint is signed by the newest alone, and the old private key is removed.

    Raises:
        InputError: there is no old key.
    """
    path = _folder(studio) / OLD_KEY
    if not path.exists() or (_folder(studio) / NEXT_KEY).exists():
        raise InputError("there is no old key to retire", remedy="Change the key first: endcredits log rotate", file=path)
    log = studio.log()
    old = load_key(path, studio.origin).vkey
    log.adopt(log.vkeys, [key for key in log.keys if key.vkey != old])
    try:
        path.unlink()
        durable.sync_folder(path.parent)
    except OSError as error:
        raise durable.machine_error(error, path) from error
    return studio.log()


def add_post_quantum(studio: Studio) -> Log:
    """Lets an ML-DSA-44 key sign every checkpoint with a second line, from now on.

    Raises:
        ConflictError: the log has such a key already.
    """
    log, path = studio.log(), _folder(studio) / MLDSA_KEY
    if any(read_vkey(vkey).kind == MLDSA44 for vkey in log.vkeys):
        raise ConflictError("the log has an ML-DSA-44 key already", file=studio.vkey_file)
    key = load_key(path, studio.origin) if path.exists() else make_keypair(path, studio.origin, MLDSA44)
    log.adopt([*log.vkeys, key.vkey], [*log.keys, key])
    return studio.log()


def rebuild_index(studio: Studio) -> int:
    """Makes the log's index again from its entries, and notes for which receipt each was issued, as far as they are here.

    Returns:
        How many receipts were found; what was erased leaves no name behind.
    """
    log = studio.log()
    with log.writing():
        log.rebuild_index()
        index, count = log.writers_index(), 0
        for receipt in readable_receipts(studio.receipts):
            if log.find(parse_leaf(receipt.leaf.encode()).commit) == receipt.proof.leaf_index:
                index.name(receipt.receipt_id, receipt.proof.leaf_index)
                count += 1
    return count


def _item(new: str, old: str) -> Item:
    """The receipt of one change: which key says so, and which comes next."""
    body = {"new_vkey": new, "old_vkey": old, "origin": read_vkey(new).name}
    return Item(f"key:{read_vkey(new).key_id.hex()}", TYPE, body)


def expected_rotations(vkeys: Sequence[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """The receipts that there must be for the keys of a log, by receipt id: (type, body)."""
    signing = [vkey for vkey in vkeys if read_vkey(vkey).kind == ED25519]
    items = [_item(new, old) for new, old in itertools.pairwise(signing)]
    return {item.receipt_id: (item.type, dict(item.body)) for item in items}

"""What is left of a receipt that was erased: its entry in the log, the proof of it, and when it was erased.

Body, id and salt are gone, so nothing tells any more what the entry commits to. The file lies in `erased/` under the hash of
its entry (SHA-256(0x00 || leaf), the hash in the log's tree), since a name made from the id would keep the id. It is a proof
still: that the log holds an entry there, which nobody needs to suspect of being hidden.

So that no id is issued a second time, the operator keeps the SHA-256 of the erased id, in `erased/known/` and in the log's
own index. Both are private; whoever has them and knows an id can tell that something of this name was erased, and not what.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.errors import InputError, IntegrityError
from endcredits.receipts.leaf import VERSION, is_utc, parse_leaf
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash
from endcredits.receipts.receipt import read_bytes
from endcredits.receipts.records import InclusionProof
from endcredits.receipts.strict import is_hash, read_strict
from endcredits.receipts.tlog_proof import parse_proof, proof_text

ERASED, KNOWN = "erased", "known"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An erased receipt.

    Attributes:
        erased_at: UTC time.
        leaf: the log entry's canonical JSON, as text.
        proof: that the leaf is in the log.
    """

    erased_at: str
    leaf: str
    proof: InclusionProof


def tombstone_path(folder: str | os.PathLike[str], entry_hash: bytes) -> Path:
    """Where the tombstone of an entry is, or would be; `entry_hash` is the entry's hash in the log's tree."""
    return Path(folder) / ERASED / f"{entry_hash.hex()}.json"


def tombstone_bytes(stone: Tombstone) -> bytes:
    """The bytes of the file: canonical JSON and a newline."""
    document = {"erased_at": stone.erased_at, "leaf": stone.leaf, "proof": proof_text(stone.proof), "v": VERSION}
    return canonical_bytes(document) + b"\n"


def load_tombstone(path: str | os.PathLike[str]) -> Tombstone:
    """Reads a tombstone.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: it is not as it was written, or lies under another's name.
    """
    target = Path(path)
    data = read_bytes(target)
    try:
        if not data.endswith(b"\n"):
            raise InputError("the file ends without a newline")
        document = read_strict(data[:-1], "the file")
        if not isinstance(document, dict) or set(document) != {"erased_at", "leaf", "proof", "v"}:
            raise InputError("the file has not exactly the keys erased_at, leaf, proof, v")
        if document["v"] is True or document["v"] != VERSION:
            raise InputError("the file is of a version that is not known here")
        erased_at, leaf, proof = document["erased_at"], document["leaf"], document["proof"]
        if not (isinstance(erased_at, str) and isinstance(leaf, str) and isinstance(proof, str) and is_utc(erased_at)):
            raise InputError("a value is of the wrong kind")
        parse_leaf(leaf.encode("utf-8", "surrogatepass"))
        if target.stem != leaf_hash(leaf.encode()).hex():
            raise InputError("it is the tombstone of another entry than its name says")
        return Tombstone(erased_at, leaf, parse_proof(proof))
    except InputError as error:
        raise IntegrityError(
            f"what is left of an erased receipt is damaged: {error.message}",
            remedy="Restore it from your last copy.",
            file=target,
        ) from error


def tombstone_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The files of a folder's tombstones, by name."""
    return sorted((Path(folder) / ERASED).glob("*.json"))


def tombstones(folder: str | os.PathLike[str]) -> Iterator[Tombstone]:
    """The tombstones of a folder one by one.

    Raises:
        IntegrityError: one of them is damaged.
    """
    for path in tombstone_files(folder):
        yield load_tombstone(path)


def known_path(folder: str | os.PathLike[str], receipt_id: str) -> Path:
    """Where the entry of an erased id is noted, or would be."""
    return Path(folder) / ERASED / KNOWN / sha256_bytes(receipt_id.encode())


def find_tombstone(log: Log, folder: str | os.PathLike[str], receipt_id: str) -> Tombstone | None:
    """The tombstone of a receipt that was erased; None when it was never issued, or stands.

    Raises:
        IntegrityError: what is left of it is damaged.
    """
    note = known_path(folder, receipt_id)
    if note.exists():
        text = note.read_text(encoding="ascii", errors="replace").removesuffix("\n")
        entry = bytes.fromhex(text) if is_hash(text) else b""
    else:
        index = log.find_name(receipt_id)
        entry = b"" if index is None else log.leaf_hash_at(index)
    path = tombstone_path(folder, entry)
    return load_tombstone(path) if entry and path.exists() else None

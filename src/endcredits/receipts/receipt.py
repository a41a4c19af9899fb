"""A receipt's file: canonical JSON and a final newline, so that a verifier finds every changed byte.

    {"body": ..., "leaf": "<entry>", "proof": "<tlog-proof text>", "receipt_id": ..., "salt": ..., "type": ..., "v": 2}

A file that is handed to somebody may hold one thing more, an attachment: `line` (one line of an output with its path),
`lines` (all of them), or `sum` (a payee's place in a period). What it attaches is committed to by the body, so it changes
nothing of the receipt; in the folder of receipts files stand without.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes
from endcredits.errors import EndcreditsError, InputError, IntegrityError, NotFoundError
from endcredits.ids import plain_id
from endcredits.receipts.leaf import VERSION, Leaf, commitment, parse_leaf, subject_of
from endcredits.receipts.log import Log
from endcredits.receipts.records import Receipt
from endcredits.receipts.strict import is_hash, read_strict
from endcredits.receipts.tlog_proof import parse_proof, proof_text

KEYS = frozenset({"body", "leaf", "proof", "receipt_id", "salt", "type", "v"})
ATTACHMENTS = ("line", "lines", "sum")


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """A receipt as it stands in its file."""
    return {
        "body": dict(receipt.body),
        "leaf": receipt.leaf,
        "proof": proof_text(receipt.proof),
        "receipt_id": receipt.receipt_id,
        "salt": receipt.salt,
        "type": receipt.type,
        "v": receipt.v,
    }


def receipt_bytes(receipt: Receipt, **attachment: Any) -> bytes:
    """The bytes of a receipt's file: canonical JSON and a newline.

    Args:
        receipt: the receipt.
        attachment: at most one of `line`, `lines` and `sum`, as plain data.
    """
    if len(attachment) > 1 or set(attachment) - set(ATTACHMENTS):
        raise ValueError("a receipt's file holds at most one attachment: line, lines or sum")
    return canonical_bytes({**receipt_document(receipt), **attachment}) + b"\n"


def committed_leaf(leaf: str, receipt_id: Any, kind: Any, salt: Any, body: Any) -> Leaf:
    """The log's entry, after seeing that it commits to this body and speaks of this receipt.

    Raises:
        InputError: it does not, or something is not of the right form.
    """
    parsed = parse_leaf(leaf.encode("utf-8", "surrogatepass"))
    if not is_hash(salt):
        raise InputError("the salt has not 64 hex digits", field="salt")
    if not isinstance(body, dict) or not isinstance(receipt_id, str):
        raise InputError("the body or the receipt's id is of the wrong kind")
    plain_id(receipt_id, what="receipt_id")
    if commitment(bytes.fromhex(salt), canonical_bytes(body)) != parsed.commit:
        raise InputError("the body is not the one that the log's entry commits to", field="body")
    if subject_of(bytes.fromhex(salt), receipt_id) != parsed.subject:
        raise InputError("the receipt's id is not the one that the log's entry commits to", field="receipt_id")
    if kind != parsed.type:
        raise InputError("the receipt's type is not the one in the log's entry", field="type")
    return parsed


def parse_receipt(data: bytes) -> tuple[Receipt, dict[str, Any]]:
    """Reads a receipt's file: the receipt, and its attachment by name (empty where it has none).

    Whether it is proven, and what an attachment is worth, is for the verifier to say.

    Raises:
        InputError: it is not a receipt in its one spelling.
    """
    if not data.endswith(b"\n"):
        raise InputError("the file ends without a newline")
    document = read_strict(data[:-1], "the file")
    if not isinstance(document, dict) or not set(document) >= KEYS:
        raise InputError(f"the file has not the keys {', '.join(sorted(KEYS))}")
    extra = {name: document.pop(name) for name in sorted(set(document) - KEYS)}
    if len(extra) > 1 or set(extra) - set(ATTACHMENTS):
        raise InputError("the file holds something that is no part of a receipt")
    if document["v"] is True or document["v"] != VERSION:
        raise InputError("the receipt is of a version that is not known here", field="v")
    if not isinstance(document["leaf"], str) or not isinstance(document["proof"], str):
        raise InputError("the log's entry or the proof is not text")
    committed_leaf(*(document[name] for name in ("leaf", "receipt_id", "type", "salt", "body")))
    return Receipt(**{**document, "proof": parse_proof(document["proof"])}), extra


def read_bytes(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        NotFoundError: there is no such file.
        MachineError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", file=path) from error
    except OSError as error:
        raise durable.machine_error(error, path) from error


def load_receipt(path: str | os.PathLike[str]) -> Receipt:
    """Reads a receipt's file; whether it is proven is for `verify.verify_receipt` to say.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: it is not a receipt in its one spelling, or one with an attachment.
    """
    target = Path(path)
    data = read_bytes(target)
    try:
        receipt, extra = parse_receipt(data)
        if extra:
            raise InputError(f"it holds the attachment '{next(iter(extra))}'")
    except InputError as error:
        raise IntegrityError(
            f"the receipt is damaged: {error.message}", remedy="Restore it from your last copy.", file=target
        ) from error
    return receipt


def receipt_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The files of a folder's receipts, by name."""
    return sorted(Path(folder).glob("*.json"))


def each_receipt(folder: str | os.PathLike[str]) -> Iterator[Receipt]:
    """The receipts of a folder one by one, by file name.

    Raises:
        IntegrityError: one of them is damaged.
    """
    for path in receipt_files(folder):
        yield load_receipt(path)


def receipts_in(folder: str | os.PathLike[str]) -> list[Receipt]:
    """All receipts of a folder, by file name; for many, take `each_receipt`.

    Raises:
        IntegrityError: one of them is damaged.
    """
    return list(each_receipt(folder))


def readable_receipts(folder: str | os.PathLike[str]) -> Iterator[Receipt]:
    """The receipts of a folder one by one; what cannot be read is passed over, since a check names it."""
    for path in receipt_files(folder):
        try:
            yield load_receipt(path)
        except EndcreditsError:
            continue


def fresh(log: Log, receipt: Receipt) -> Receipt:
    """The same receipt with a proof under the log's checkpoint of today, with the signatures of today's witnesses.

    Raises:
        IntegrityError: the log does not hold its entry at the place that the receipt names.
    """
    commit = parse_leaf(receipt.leaf.encode()).commit
    index = log.find(commit)
    if index is None or index != receipt.proof.leaf_index:
        raise IntegrityError(
            f"the entry of '{receipt.receipt_id}' is not in this log",
            remedy="Restore the log that it was issued from.",
            file=log.folder,
        )
    return Receipt(receipt.v, receipt.receipt_id, receipt.type, receipt.body, receipt.salt, receipt.leaf, log.proof(index))

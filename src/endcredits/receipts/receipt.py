"""Issuing receipts so that each id gets exactly one entry in the log, whatever is killed and whenever.

The order of writing is the whole idea. First the body, its random salt and the finished leaf are written to
`pending/<name>.json`. Then all leaves of the batch are added to the log, which signs one new checkpoint. Then each
`<name>.json` is written with its proof, and last the pending files are removed. Issuing the same again picks up
wherever it stopped: a receipt that is there is returned, a pending leaf that is in the log gets its proof, one that is
not is added as it was written, salt and time included. Only a body that the log does not know may still be replaced.

A receipt file is canonical JSON and a final newline: it has one spelling, so `verify` finds every changed byte. Its
name is its id with everything but small letters, digits and . _ - written as %xx, so that no two ids share a file, not
even where file names ignore case.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import rfc8785

from endcredits import durable
from endcredits.canonical import canonical_bytes, sha256_bytes, to_plain
from endcredits.errors import ConflictError, EndcreditsError, InputError, IntegrityError, NotFoundError
from endcredits.ids import plain_id
from endcredits.receipts import verify
from endcredits.receipts.leaf import HASHED, SALT_BYTES, Leaf, commitment, leaf_bytes, parse_leaf, subject_of
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash
from endcredits.receipts.note import open_checkpoint
from endcredits.receipts.records import InclusionProof, Receipt
from endcredits.store import Finding

PENDING = "pending"
NAME_MAX = 180
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_PENDING_KEYS = {"body", "leaf", "receipt_id", "salt", "type", "v"}


class Item(NamedTuple):
    """What a receipt is to be issued for; a plain tuple in this order will do.

    Attributes:
        receipt_id: an id as in `endcredits.ids.plain_id`, once per document.
        type: small letters, digits and . _ -, such as "run.receipt".
        subject: what the public log shows of the id: the id itself when it is opaque, or "" to show only its SHA-256.
        body: the document; a mapping or a record of text and integers.
    """

    receipt_id: str
    type: str
    subject: str
    body: Any


@dataclass(frozen=True, slots=True)
class _Draft:
    """An item on its way: `salt` and `leaf` are as in the receipt."""

    receipt_id: str
    type: str
    body: Mapping[str, Any]
    salt: str
    leaf: str

    @property
    def commit(self) -> str:
        return parse_leaf(self.leaf.encode()).commit


def receipt_name(receipt_id: str) -> str:
    """A receipt's file name without `.json`: at most 180 small letters, digits and . _ - % ~, different for every id.

    >>> receipt_name("period:2026-11"), receipt_name("A@b")
    ('period%3a2026-11', '%41%40b')
    """
    name = "".join(letter if letter in _SAFE else f"%{ord(letter):02x}" for letter in receipt_id)
    return name if len(name) <= NAME_MAX else f"{name[:100]}~{sha256_bytes(receipt_id.encode())}"


def receipt_path(folder: str | os.PathLike[str], receipt_id: str) -> Path:
    """Where a receipt's file is, or would be."""
    return Path(folder) / f"{receipt_name(plain_id(receipt_id, what='receipt_id'))}.json"


def receipt_bytes(receipt: Receipt) -> bytes:
    """The bytes of a receipt's file: canonical JSON and a newline."""
    return canonical_bytes(receipt) + b"\n"


def issue(log: Log, folder: str | os.PathLike[str], items: Sequence[tuple[str, str, str, Any]], at: str) -> list[Receipt]:
    """Issues receipts: one log entry each, one new checkpoint for all of them.

    Safe to run again with the same items after any failure, at any time `at`; what was issued is returned as it is.

    Args:
        log: the log, open for writing.
        folder: where receipts are kept; one log, one folder.
        items: see `Item`.
        at: UTC time for the entries, such as 2026-11-20T12:00:00Z.

    Returns:
        One receipt per item, in their order; all new ones prove their entries with the same checkpoint.

    Raises:
        InputError: an item cannot be a receipt; nothing is written.
        ConflictError: an id was issued with another body, type or subject, or its receipt is lost; nothing is written.
            Or another process keeps writing for too long.
        IntegrityError: the log or a file of the folder is damaged.
        MachineError: writing failed; run the same again.
    """
    place = Path(folder)
    drafts = _distinct([_draft(Item(*item), at) for item in items])
    with log.writing():
        done: dict[str, Receipt] = {}
        fresh: list[_Draft] = []
        to_do: list[_Draft] = []
        for draft in drafts.values():
            receipt, pending = _existing(log, place, draft)
            if receipt is not None:
                done[draft.receipt_id] = receipt
            elif pending is not None:
                to_do.append(pending)
            else:
                fresh.append(draft)
        for draft in fresh:
            durable.write_atomic(_pending_path(place, draft.receipt_id), _pending_bytes(draft))
        to_do += fresh
        log.append([draft.leaf.encode() for draft in to_do if log.find(draft.commit) is None])
        for draft in to_do:
            receipt = _with_proof(log, draft)
            durable.write_atomic(receipt_path(place, draft.receipt_id), receipt_bytes(receipt))
            done[draft.receipt_id] = receipt
        _remove([_pending_path(place, receipt_id) for receipt_id in drafts])
    return [done[item[0]] for item in items]


def _draft(item: Item, at: str) -> _Draft:
    """Checks an item and makes its leaf with a new salt."""
    receipt_id = plain_id(item.receipt_id, what="receipt_id")
    if receipt_id.startswith(HASHED):
        raise InputError(f"a receipt's id may not begin with '{HASHED}'", field="receipt_id")
    subject = item.subject or subject_of(receipt_id)
    if subject not in (receipt_id, subject_of(receipt_id)):
        raise InputError(
            f"'{subject[:60]}' cannot be the subject of the receipt '{receipt_id}'",
            remedy="Give the receipt's id itself, when it is opaque, or nothing to show only its SHA-256.",
            field="subject",
        )
    try:
        body_bytes = canonical_bytes(to_plain(item.body, where=f"the body of '{receipt_id}'"))
        body = verify.read_json(body_bytes)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError, verify.Refused) as error:
        raise InputError(f"the body of '{receipt_id}' has no canonical spelling ({error})", field="body") from error
    if not isinstance(body, dict):
        raise InputError(f"the body of '{receipt_id}' is not a record or a mapping", field="body")
    salt = secrets.token_bytes(SALT_BYTES)
    leaf = leaf_bytes(Leaf(commitment(salt, body_bytes), subject, at, item.type))
    parse_leaf(leaf)
    return _Draft(receipt_id, item.type, body, salt.hex(), leaf.decode())


def _distinct(drafts: Sequence[_Draft]) -> dict[str, _Draft]:
    """The drafts by id; an id that stands twice must stand for the same document."""
    distinct: dict[str, _Draft] = {}
    for draft in drafts:
        first = distinct.setdefault(draft.receipt_id, draft)
        if first is not draft and not _same(first, draft):
            raise ConflictError(f"the receipt '{draft.receipt_id}' is asked for twice with different contents")
    return distinct


def _same(left: _Draft | Receipt, right: _Draft | Receipt) -> bool:
    """Whether two stand for the same document; salt and time may differ."""
    subjects = [parse_leaf(side.leaf.encode()).subject for side in (left, right)]
    bodies = [canonical_bytes(side.body) for side in (left, right)]
    return left.type == right.type and subjects[0] == subjects[1] and bodies[0] == bodies[1]


def _existing(log: Log, folder: Path, draft: _Draft) -> tuple[Receipt | None, _Draft | None]:
    """What is there of a receipt: the whole of it, a pending draft to finish, or nothing."""
    path = receipt_path(folder, draft.receipt_id)
    taken = f"the receipt '{draft.receipt_id}' was issued with another content"
    remedy = "A receipt is never changed; issue the correction under another id."
    if path.exists():
        receipt = load_receipt(path)
        if receipt.receipt_id != draft.receipt_id:
            raise IntegrityError("the receipt's id does not fit its file name", file=path, field="receipt_id")
        if not _same(receipt, draft):
            raise ConflictError(taken, remedy=remedy, file=path)
        if log.find(parse_leaf(receipt.leaf.encode()).commit) is None:
            raise IntegrityError(
                "the receipt's entry is not in this log", remedy="Restore the log that it was issued from.", file=path
            )
        return receipt, None
    pending_path = _pending_path(folder, draft.receipt_id)
    pending = _load_pending(pending_path) if pending_path.exists() else None
    if pending is not None and log.find(pending.commit) is not None:
        if not _same(pending, draft):
            raise ConflictError(taken, remedy=remedy, file=pending_path)
        return None, pending
    if any(log.find_subject(subject) is not None for subject in (draft.receipt_id, subject_of(draft.receipt_id))):
        raise ConflictError(
            f"the log has an entry for '{draft.receipt_id}', but its receipt is not here",
            remedy="Restore the receipt from your last copy; if it was erased, issue under another id.",
            file=path,
        )
    return None, pending if pending is not None and _same(pending, draft) else None


def _with_proof(log: Log, draft: _Draft) -> Receipt:
    index = log.find(draft.commit)
    assert index is not None, "the leaf was added before its proof is asked for"
    return Receipt(1, draft.receipt_id, draft.type, draft.body, draft.salt, draft.leaf, log.proof(index))


def _pending_path(folder: Path, receipt_id: str) -> Path:
    return folder / PENDING / f"{receipt_name(receipt_id)}.json"


def _pending_bytes(draft: _Draft) -> bytes:
    fields = ("body", "leaf", "receipt_id", "salt", "type")
    return canonical_bytes({"v": 1, **{name: getattr(draft, name) for name in fields}}) + b"\n"


def _load_pending(path: Path) -> _Draft:
    document = _read_document(path, _PENDING_KEYS)
    draft = _Draft(document["receipt_id"], document["type"], document["body"], document["salt"], document["leaf"])
    try:
        verify.check_leaf(draft.leaf, draft.receipt_id, draft.type, draft.salt, document["body"])
    except (verify.Refused, TypeError, AttributeError) as error:
        raise IntegrityError(f"the pending receipt is damaged: {error}", remedy="Restore it.", file=path) from error
    return draft


def _remove(paths: Sequence[Path]) -> None:
    """Removes pending files that are there, and flushes their folder once."""
    present = [path for path in paths if path.exists()]
    try:
        for path in present:
            path.unlink(missing_ok=True)
        if present:
            durable.sync_folder(present[0].parent)
    except OSError as error:
        raise durable.machine_error(error, present[0].parent) from error


def _read_document(path: Path, keys: set[str]) -> dict[str, Any]:
    """A canonical JSON object with exactly these keys, and a final newline."""
    remedy = "Restore it from your last copy."
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", file=path) from error
    except OSError as error:
        raise durable.machine_error(error, path) from error
    try:
        document = verify.read_json(data)
        spelling = verify.canonical(document) + b"\n"
    except verify.Refused as error:
        raise IntegrityError(f"the file is damaged: {error}", remedy=remedy, file=path) from error
    if spelling != data or not isinstance(document, dict) or set(document) != keys:
        raise IntegrityError("the file is not as it was written", remedy=remedy, file=path)
    if document["v"] is True or document["v"] != 1:
        raise IntegrityError("the file is of a version that is not known here", remedy="Update endcredits.", file=path)
    return document


def load_receipt(path: str | os.PathLike[str]) -> Receipt:
    """Reads a receipt's file; whether it is proven is for `verify.verify_receipt` to say.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: it is not a receipt in its one spelling.
    """
    target = Path(path)
    document = _read_document(target, {"v", "receipt_id", "type", "body", "salt", "leaf", "proof"})
    kinds: dict[str, type] = {"leaf_index": int, "path": list, "checkpoint": str}
    try:
        index, hashes, checkpoint = verify.fields(document["proof"], kinds, "the proof")
        verify.check_leaf(*(document[name] for name in ("leaf", "receipt_id", "type", "salt", "body")))
        return Receipt(**{**document, "proof": InclusionProof(index, tuple(hashes), checkpoint)})
    except (verify.Refused, TypeError, AttributeError, ValueError) as error:
        raise IntegrityError(
            f"the receipt is damaged: {error}", remedy="Restore it from your last copy.", file=target
        ) from error


def receipts_in(folder: str | os.PathLike[str]) -> list[Receipt]:
    """All receipts of a folder, by file name.

    Raises:
        IntegrityError: one of them is damaged.
    """
    return [load_receipt(path) for path in sorted(Path(folder).glob("*.json"))]


def check_receipts(folder: str | os.PathLike[str], log: Log) -> list[Finding]:
    """Verifies every receipt of a folder, and that the log of today still holds and continues what it proves."""
    place = Path(folder)
    findings: list[Finding] = []
    try:
        log.checkpoint()
        whole = True
    except EndcreditsError as error:
        findings.append(Finding("the receipt log", f"receipts cannot be looked up in it: {error}"))
        whole = False
    for path in sorted(place.glob("*.json")):
        problem = _receipt_problem(path, log, whole)
        if problem:
            findings.append(Finding(f"receipt {path.name}", problem))
    for path in sorted((place / PENDING).glob("*.json")):
        problem = _pending_problem(path, place)
        if problem:
            findings.append(Finding(f"pending receipt {path.name}", problem))
    return findings


def _receipt_problem(path: Path, log: Log, whole: bool) -> str:
    try:
        verdict = verify.verify_receipt(path.read_bytes(), log.vkey)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if not verdict.verified:
        return verdict.problem
    if f"{receipt_name(verdict.receipt_id)}.json" != path.name:
        return f"it is the receipt of '{verdict.receipt_id}', under another's file name"
    if not whole:
        return ""
    receipt = load_receipt(path)
    checkpoint = open_checkpoint(receipt.proof.checkpoint, log.vkey)
    if checkpoint.size > log.checkpoint().size:
        return f"it was issued when the log had {checkpoint.size} entries; now entries are missing"
    if log.root_at(checkpoint.size).hex() != checkpoint.root:
        return "the log does not continue the one that it was issued from: history was rewritten"
    if log.leaf_hash_at(receipt.proof.leaf_index) != leaf_hash(receipt.leaf.encode()):
        return "the log holds another entry in its place"
    return ""


def _pending_problem(path: Path, folder: Path) -> str:
    try:
        pending = _load_pending(path)
        finished = receipt_path(folder, pending.receipt_id)
        if finished.exists() and load_receipt(finished).leaf == pending.leaf:
            return ""  # the last step, removing it, was interrupted; issuing again does that
    except EndcreditsError as error:
        return error.message
    return f"issuing '{pending.receipt_id}' was interrupted; issue it again"

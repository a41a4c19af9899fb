"""Issuing receipts so that each id gets exactly one entry in the log, whatever is killed and whenever.

The order of writing is the whole idea. First the body, its random salt, its salted lines and the finished leaf are written
to `pending/<name>.json`. Then all leaves of the batch are added to the log, which signs one new checkpoint. Then the lines
are written to `lines/`, each `<name>.json` with its proof, and last the pending files are removed. Issuing the same again
picks up wherever it stopped: a receipt that is there is returned, a pending leaf that is in the log gets its proof, one
that is not is added as it was written, salt and time included. Only a body that the log does not know may still be
replaced.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from endcredits import durable
from endcredits.canonical import canonical_bytes, digest, to_plain
from endcredits.errors import ConflictError, InputError, IntegrityError
from endcredits.ids import plain_id
from endcredits.receipts.leaf import SALT_BYTES, VERSION, Leaf, commitment, leaf_bytes, parse_leaf, subject_of
from endcredits.receipts.lines import (
    COUNT,
    ROOT,
    KeptLine,
    belong_to,
    lines_bytes,
    lines_path,
    lines_root,
    load_lines,
    parse_lines,
    plain_lines,
    salted,
)
from endcredits.receipts.log import Log
from endcredits.receipts.names import PENDING, pending_path, receipt_path
from endcredits.receipts.receipt import committed_leaf, load_receipt, read_bytes, receipt_bytes
from endcredits.receipts.records import Receipt
from endcredits.receipts.strict import read_strict
from endcredits.receipts.tombstone import find_tombstone

_KEYS = {"body", "leaf", "lines", "receipt_id", "salt", "sha256", "type", "v"}


class Item(NamedTuple):
    """What a receipt is to be issued for; a plain tuple in this order will do.

    Attributes:
        receipt_id: an id as in `endcredits.ids.plain_id`, once per document.
        type: small letters, digits and . _ -, such as "run.receipt".
        body: the document; a mapping or a record of text and integers.
        lines: mappings or records that are committed to one by one (see `lines`); the body gets their count and root. None
            for a document without lines.
    """

    receipt_id: str
    type: str
    body: Any
    lines: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An item on its way.

    Attributes:
        receipt_id: as in the item.
        type: as in the item.
        body: as in the receipt.
        salt: as in the receipt.
        leaf: as in the receipt.
        lines: with their salts; None for a document without.
    """

    receipt_id: str
    type: str
    body: Mapping[str, Any]
    salt: str
    leaf: str
    lines: tuple[KeptLine, ...] | None

    @property
    def commit(self) -> str:
        """The entry's commitment."""
        return parse_leaf(self.leaf.encode()).commit


def issue(log: Log, folder: str | os.PathLike[str], items: Sequence[Item | tuple[Any, ...]], at: str) -> list[Receipt]:
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
        ConflictError: an id was issued with another body, lines or type, was erased, or its receipt is lost; nothing is
            written. Or another process keeps writing for too long.
        IntegrityError: the log or a file of the folder is damaged.
        MachineError: writing failed; run the same again.
    """
    place = Path(folder)
    drafts = _distinct([_draft(Item(*item), at) for item in items])
    with log.writing():
        done: dict[str, Receipt] = {}
        to_do: list[Draft] = []
        new: list[Draft] = []
        for draft in drafts.values():
            receipt, pending = _existing(log, place, draft)
            if receipt is not None:
                done[draft.receipt_id] = receipt
            elif pending is not None:
                to_do.append(pending)
            else:
                new.append(draft)
        for draft in new:
            durable.write_atomic(pending_path(place, draft.receipt_id), _pending_bytes(draft), flush_folder=False)
        durable.flush_folders(pending_path(place, draft.receipt_id) for draft in new)
        to_do += new
        missing = [draft for draft in to_do if log.find(draft.commit) is None]
        log.append([draft.leaf.encode() for draft in missing], [draft.receipt_id for draft in missing])
        done.update({draft.receipt_id: _complete(log, place, draft) for draft in to_do})
        _flush(place, to_do)
        remove([pending_path(place, receipt_id) for receipt_id in drafts])
    return [done[item[0]] for item in items]


def finish(log: Log, folder: str | os.PathLike[str]) -> list[Receipt]:
    """Completes what a crash left: drafts whose entry is in the log get their receipts. Other drafts stay as they are.

    Raises:
        IntegrityError: the log or a draft is damaged.
        ConflictError: another process keeps writing for too long.
        MachineError: writing failed; run the same again.
    """
    place = Path(folder)
    if not any((place / PENDING).glob("*.json")):
        return []
    with log.writing():
        drafts = [load_draft(path) for path in sorted((place / PENDING).glob("*.json"))]
        entered = [draft for draft in drafts if log.find(draft.commit) is not None]
        done = [_complete(log, place, draft) for draft in entered]
        _flush(place, entered)
        remove([pending_path(place, draft.receipt_id) for draft in entered])
    return done


def _draft(item: Item, at: str) -> Draft:
    """Checks an item and makes its leaf with a new salt."""
    receipt_id = plain_id(item.receipt_id, what="receipt_id")
    body = _plain(item.body, f"the body of '{receipt_id}'", "body")
    lines = None
    if item.lines is not None:
        if {COUNT, ROOT} & set(body):
            raise InputError(f"the body of '{receipt_id}' names its lines itself", field="body")
        lines = salted([_plain(line, f"line {n} of '{receipt_id}' (from 0)", "lines") for n, line in enumerate(item.lines)])
        body = {**body, COUNT: len(lines), ROOT: lines_root(lines)}
    salt = secrets.token_bytes(SALT_BYTES)
    leaf = Leaf(commitment(salt, canonical_bytes(body)), subject_of(salt, receipt_id), at, item.type)
    parse_leaf(leaf_bytes(leaf))
    return Draft(receipt_id, item.type, body, salt.hex(), leaf_bytes(leaf).decode(), lines)


def _plain(value: Any, what: str, field: str) -> dict[str, Any]:
    try:
        plain = read_strict(canonical_bytes(to_plain(value, where=what)), what)
    except RecursionError as error:
        raise InputError(f"{what} is nested too deeply", field=field) from error
    if not isinstance(plain, dict):
        raise InputError(f"{what} is not a record or a mapping", field=field)
    return plain


def _distinct(drafts: Sequence[Draft]) -> dict[str, Draft]:
    """The drafts by id; an id that stands twice must stand for the same document."""
    distinct: dict[str, Draft] = {}
    for draft in drafts:
        first = distinct.setdefault(draft.receipt_id, draft)
        if first is not draft and not _same(first, first.lines, draft):
            raise ConflictError(f"the receipt '{draft.receipt_id}' is asked for twice with different contents")
    return distinct


def _same(left: Draft | Receipt, kept: Sequence[KeptLine] | None, draft: Draft) -> bool:
    """Whether two stand for the same document; salts and time may differ, and erased lines are taken for the same."""
    bodies = [{name: value for name, value in one.body.items() if name != ROOT} for one in (left, draft)]
    if left.type != draft.type or canonical_bytes(bodies[0]) != canonical_bytes(bodies[1]):
        return False
    if kept is None or draft.lines is None:
        return kept is None and draft.lines is None
    return len(kept) == len(draft.lines) and all(
        one.line is None or canonical_bytes(one.line) == canonical_bytes(other.line)
        for one, other in zip(kept, draft.lines, strict=True)
    )


def _existing(log: Log, folder: Path, draft: Draft) -> tuple[Receipt | None, Draft | None]:
    """What is there of a receipt: the whole of it, a pending draft to finish, or nothing."""
    path = receipt_path(folder, draft.receipt_id)
    taken = f"the receipt '{draft.receipt_id}' was issued with another content"
    remedy = "A receipt is never changed; issue the correction under another id."
    if path.exists():
        receipt = load_receipt(path)
        if receipt.receipt_id != draft.receipt_id:
            raise IntegrityError("the receipt's id does not fit its file name", file=path, field="receipt_id")
        if not _same(receipt, _lines_of(folder, receipt), draft):
            raise ConflictError(taken, remedy=remedy, file=path)
        if log.find(parse_leaf(receipt.leaf.encode()).commit) is None:
            raise IntegrityError(
                "the receipt's entry is not in this log", remedy="Restore the log that it was issued from.", file=path
            )
        return receipt, None
    waits = pending_path(folder, draft.receipt_id)
    pending = load_draft(waits) if waits.exists() else None
    if pending is not None and log.find(pending.commit) is not None:
        if not _same(pending, pending.lines, draft):
            raise ConflictError(taken, remedy=remedy, file=waits)
        return None, pending
    if (stone := find_tombstone(log, folder, draft.receipt_id)) is not None:
        raise ConflictError(
            f"the receipt '{draft.receipt_id}' was erased on {stone.erased_at[:10]}", remedy="Issue under another id."
        )
    if log.find_name(draft.receipt_id) is not None:
        raise ConflictError(
            f"the log has an entry for '{draft.receipt_id}', but its receipt is not here",
            remedy="Restore the receipt from your last copy.",
            file=path,
        )
    return None, pending if pending is not None and _same(pending, pending.lines, draft) else None


def _lines_of(folder: Path, receipt: Receipt) -> tuple[KeptLine, ...] | None:
    return load_lines(lines_path(folder, receipt.receipt_id), receipt.receipt_id) if COUNT in receipt.body else None


def _complete(log: Log, folder: Path, draft: Draft) -> Receipt:
    """Writes the lines and the receipt of a draft whose entry is in the log; `_flush` follows for the batch."""
    index = log.find(draft.commit)
    assert index is not None, "the leaf was added before its proof is asked for"
    receipt = Receipt(VERSION, draft.receipt_id, draft.type, draft.body, draft.salt, draft.leaf, log.proof(index))
    if draft.lines is not None:
        data = lines_bytes(draft.receipt_id, draft.lines)
        durable.write_atomic(lines_path(folder, draft.receipt_id), data, flush_folder=False)
    durable.write_atomic(receipt_path(folder, draft.receipt_id), receipt_bytes(receipt), flush_folder=False)
    return receipt


def _flush(folder: Path, drafts: Sequence[Draft]) -> None:
    """What was completed is on the disk by name, before the drafts go."""
    durable.flush_folders(receipt_path(folder, draft.receipt_id) for draft in drafts)
    durable.flush_folders(lines_path(folder, draft.receipt_id) for draft in drafts if draft.lines is not None)


def _pending_bytes(draft: Draft) -> bytes:
    fields = {name: getattr(draft, name) for name in ("body", "leaf", "receipt_id", "salt", "type")}
    document = {**fields, "lines": None if draft.lines is None else plain_lines(draft.lines), "v": VERSION}
    # No log commits to a draft yet, so it carries its own digest.
    return canonical_bytes({**document, "sha256": digest(document)}) + b"\n"


def load_draft(path: Path) -> Draft:
    """Reads a pending draft.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: it is not as it was written.
    """
    data = read_bytes(path)
    try:
        if not data.endswith(b"\n"):
            raise InputError("the file ends without a newline")
        document = read_strict(data[:-1], "the file")
        if not isinstance(document, dict) or set(document) != _KEYS or not isinstance(document["leaf"], str):
            raise InputError("the file is not as it was written")
        if document.pop("sha256") != digest(document):
            raise InputError("it does not fit its own digest")
        if document.pop("v") != VERSION:
            raise InputError("the file is of a version that is not known here")
        lines = None if document["lines"] is None else parse_lines(document["lines"])
        draft = Draft(**{**document, "lines": lines})
        committed_leaf(draft.leaf, draft.receipt_id, draft.type, draft.salt, document["body"])
        problem = belong_to(lines, draft.body) if lines is not None else ""
        if problem:
            raise InputError(problem)
    except InputError as error:
        raise IntegrityError(
            f"the pending receipt is damaged: {error.message}", remedy="Restore it from your last copy.", file=path
        ) from error
    return draft


def remove(paths: Sequence[Path]) -> None:
    """Removes files that are there, and flushes their folder once.

    Raises:
        MachineError: one could not be removed.
    """
    present = [path for path in paths if path.exists()]
    try:
        for path in present:
            path.unlink(missing_ok=True)
        if present:
            durable.sync_folder(present[0].parent)
    except OSError as error:
        raise durable.machine_error(error, present[0].parent) from error

"""What is handed out of a studio's receipts: the own line, all lines, a proof of today, the proof for other programs.

Commands and services ask here; each answer is the bytes of one file that proves itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from endcredits import durable
from endcredits.errors import InputError
from endcredits.flows.studio import KEY, Studio
from endcredits.receipts import Log, Receipt, fresh, load_key, load_receipt, readable_receipts, receipt_bytes, receipt_path
from endcredits.receipts.cosignature import read_statement
from endcredits.receipts.erase import parse_erasure
from endcredits.receipts.handing_out import line_receipt, lines_receipt, proof_file, with_lines
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.lines import COUNT
from endcredits.receipts.note import open_checkpoint
from endcredits.receipts.tombstone import tombstones

FORMS = ("receipt", "tlog-proof", "cose", "leaf")
"""What `export` writes: the receipt's file, the proof as text, the proof as COSE, the log's entry that both prove."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A receipt's place in the log, for people.

    Attributes:
        leaf_index: position of its entry, from 0.
        type: such as "run.receipt".
        receipt_id: its id; "" for one that was erased.
        time: when it was entered, by the operator's clock.
        file: where it is.
        erased_at: UTC time; "" while it stands.
    """

    leaf_index: int
    type: str
    receipt_id: str
    time: str
    file: str
    erased_at: str = ""


def entered(studio: Studio, *, erased: bool = False) -> list[Entered]:
    """The studio's receipts by their place in the log, or what is left of the erased ones."""
    if erased:
        found = []
        for stone in tombstones(studio.receipts):
            leaf = parse_leaf(stone.leaf.encode())
            found.append(Entered(stone.proof.leaf_index, leaf.type, "", leaf.time, "", stone.erased_at))
        return sorted(found, key=lambda one: one.leaf_index)
    rows = []
    for one in readable_receipts(studio.receipts):
        time = parse_leaf(one.leaf.encode()).time
        path = str(receipt_path(studio.receipts, one.receipt_id))
        rows.append(Entered(one.proof.leaf_index, one.type, one.receipt_id, time, path))
    return sorted(rows, key=lambda one: one.leaf_index)


def described(studio: Studio, receipt_id: str, *, lines: bool = False) -> dict[str, Any]:
    """A receipt as a document for people: what it says, where it stands in the log, and its lines when asked for.

    Raises:
        NotFoundError: there is no such receipt.
        IntegrityError: it or its lines are damaged.
    """
    receipt = load_receipt(receipt_path(studio.receipts, receipt_id))
    checkpoint = open_checkpoint(receipt.proof.checkpoint, studio.log_to_read().vkeys)
    document: dict[str, Any] = {
        "receipt_id": receipt.receipt_id,
        "type": receipt.type,
        "time": parse_leaf(receipt.leaf.encode()).time,
        "leaf_index": receipt.proof.leaf_index,
        "log_size": checkpoint.size,
        "origin": checkpoint.origin,
        "file": str(receipt_path(studio.receipts, receipt_id)),
        "body": json.loads(receipt_bytes(receipt))["body"],
    }
    if receipt.type == "erasure":
        parse_erasure(receipt.body)
    if lines and COUNT in receipt.body:
        _, kept = with_lines(studio.receipts, receipt_id)
        document["lines"] = [{"erased": True} if one.line is None else dict(one.line) for one in kept]
    return document


def own_line(studio: Studio, receipt_id: str, work_id: str) -> bytes:
    """The file for the creator of one work, with a proof of today; see `receipts.handing_out.line_receipt`."""
    return line_receipt(studio.receipts, receipt_id, work_id, studio.log_to_read())


def all_lines(studio: Studio, receipt_id: str) -> bytes:
    """The file for an auditor, with a proof of today; see `receipts.handing_out.lines_receipt`."""
    return lines_receipt(studio.receipts, receipt_id, studio.log_to_read())


def refreshed(studio: Studio, receipt_id: str) -> Receipt:
    """The receipt with a proof under the log's checkpoint of today; as it is where its own has more signatures.

    A checkpoint that witnesses signed says more than a later one that they have not seen yet.
    """
    return _renewed(studio.log_to_read(), load_receipt(receipt_path(studio.receipts, receipt_id)))


def _renewed(log: Log, receipt: Receipt) -> Receipt:
    renewed = fresh(log, receipt)
    signed, before = (len(read_statement(one.proof.checkpoint).lines) for one in (renewed, receipt))
    return receipt if signed < before else renewed


def is_of_today(studio: Studio, receipt: Receipt) -> bool:
    """Whether a receipt's proof is under the log's checkpoint of today."""
    return receipt.proof.checkpoint == studio.log_to_read().checkpoint().note


def refresh_all(studio: Studio) -> tuple[int, int]:
    """Gives every receipt of the studio a proof of today (see `refreshed`), in its own file.

    Returns:
        How many have one now, and how many kept one that more signatures stand under.

    Raises:
        IntegrityError: a receipt is damaged, or not in the log.
        MachineError: writing failed; each file is as before or new, whole.
    """
    log, done, kept = studio.log_to_read(), 0, 0
    for receipt in readable_receipts(studio.receipts):
        renewed = _renewed(log, receipt)
        durable.write_atomic(receipt_path(studio.receipts, receipt.receipt_id), receipt_bytes(renewed))
        done += renewed.proof.checkpoint == log.checkpoint().note
        kept += renewed.proof.checkpoint != log.checkpoint().note
    return done, kept


def exported(studio: Studio, receipt_id: str, form: str) -> bytes:
    """A receipt in one of `FORMS`, with a proof of today. COSE takes the log's private key.

    Raises:
        InputError: another form, or a package is missing for it.
        NotFoundError: there is no such receipt, or no key.
    """
    if form not in FORMS:
        raise InputError(f"'{form}' is no form of a receipt", remedy=f"Use {', '.join(FORMS)}.", field="--form")
    receipt = refreshed(studio, receipt_id)
    if form == "receipt":
        return receipt_bytes(receipt)
    if form == "leaf":
        return receipt.leaf.encode()
    if form == "tlog-proof":
        return proof_file(receipt)
    from endcredits.receipts.cose import cose_receipt

    return cose_receipt(receipt, load_key(studio.path / KEY, studio.origin))

"""What proof is made of: a receipt that anybody can check with one small program and one public key.

The log is a Merkle tree (RFC 6962 section 2.1) over leaves that are salted commitments (`leaf`). It holds no content;
erasing a body and its salt erases what it said, and leaves every other proof as it was. A checkpoint is a C2SP
tlog-checkpoint in a signed note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log's extent and summary, signed.

    Attributes:
        origin: the log's name, first line of the note.
        size: number of leaves.
        root: root hash, 64 hex digits.
        note: the whole signed note, as published.
    """

    origin: str
    size: int
    root: str
    note: str


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That a leaf stands in the tree of a checkpoint.

    Attributes:
        leaf_index: position, from 0.
        path: sibling hashes from the leaf to the root, 64 hex digits each.
        checkpoint: the signed note of the tree.
    """

    leaf_index: int
    path: tuple[str, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A document with its proof; saved as one JSON file, which is all that a verifier needs beside the log's key.

    Attributes:
        v: format version, 2.
        receipt_id: its name, e.g. an output id or "period:2026-11".
        type: "run.receipt" for an output, "period.receipt" for a period, "audit.report" for an audit.
        body: the document that is proven (text and integers only).
        salt: 64 hex digits.
        leaf: the log entry's canonical JSON, as text.
        proof: that the leaf is in the log.
    """

    v: int
    receipt_id: str
    type: str
    body: Mapping[str, Any]
    salt: str
    leaf: str
    proof: InclusionProof

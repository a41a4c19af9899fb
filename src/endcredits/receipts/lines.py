"""The lines of an output's receipt: one per work, each under a salt of its own, so that one can be shown without the others.

A receipt's body does not hold its lines. It holds how many there are (`lines_count`) and the root of a Merkle tree over them
(`lines_root`, the tree of RFC 6962). A leaf of that tree is SHA-256(0x00 || 32-byte random salt || canonical line). So a
creator who is given the own line, its salt and its path proves that the operator committed to exactly this line, and learns
of the others nothing but how many there are: without its salt no guess of another's line can be confirmed. An auditor is
given all lines and salts. Erasing a line leaves its hash, and every other line's proof stays the same to the byte.

The lines are kept beside the receipts, in `lines/<name of the receipt>.json`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes
from endcredits.errors import EndcreditsError, InputError, IntegrityError, NotFoundError
from endcredits.ids import plain_id
from endcredits.receipts.leaf import SALT_BYTES, VERSION
from endcredits.receipts.merkle import inclusion_path, root
from endcredits.receipts.names import receipt_name
from endcredits.receipts.strict import is_hash, read_strict

LINES = "lines"
COUNT, ROOT = "lines_count", "lines_root"
"""The names of the two fields in a receipt's body."""


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line as it is kept.

    Attributes:
        hash: of the leaf, 64 hex digits.
        line: the record; None where it was erased.
        salt: 64 hex digits; "" where it was erased.
    """

    hash: str
    line: Mapping[str, Any] | None = None
    salt: str = ""


def line_hash(salt: bytes, line: bytes) -> str:
    """SHA-256(0x00 || salt || canonical line), 64 hex digits."""
    return hashlib.sha256(b"\x00" + salt + line).hexdigest()


def salted(lines: Iterable[Mapping[str, Any]]) -> tuple[KeptLine, ...]:
    """Lines with a new random salt each."""
    kept = []
    for line in lines:
        salt = secrets.token_bytes(SALT_BYTES)
        kept.append(KeptLine(line_hash(salt, canonical_bytes(line)), line, salt.hex()))
    return tuple(kept)


def erased(line: KeptLine) -> KeptLine:
    """What is left of a line: its place in the tree, and nothing that tells what it said."""
    return KeptLine(line.hash)


def lines_root(kept: Sequence[KeptLine]) -> str:
    """The root over lines, 64 hex digits; of no lines, that of the empty tree."""
    return root([bytes.fromhex(line.hash) for line in kept]).hex()


def line_path(kept: Sequence[KeptLine], index: int) -> list[str]:
    """The path of one line up to the root, 64 hex digits each."""
    return [node.hex() for node in inclusion_path([bytes.fromhex(line.hash) for line in kept], index)]


def plain_lines(kept: Iterable[KeptLine]) -> list[dict[str, Any]]:
    """Lines as they stand in files: {"line", "salt"} each, or {"hash"} where one was erased."""
    return [{"hash": one.hash} if one.line is None else {"line": one.line, "salt": one.salt} for one in kept]


def parse_lines(value: Any) -> tuple[KeptLine, ...]:
    """Reads what `plain_lines` wrote.

    Raises:
        InputError: something else.
    """
    if not isinstance(value, list):
        raise InputError("the lines are not a list", field=LINES)
    kept = []
    for number, item in enumerate(value):
        if isinstance(item, dict) and set(item) == {"hash"} and is_hash(item["hash"]):
            kept.append(KeptLine(item["hash"]))
        elif (
            isinstance(item, dict)
            and set(item) == {"line", "salt"}
            and isinstance(item["line"], dict)
            and is_hash(item["salt"])
        ):
            hashed = line_hash(bytes.fromhex(item["salt"]), canonical_bytes(item["line"]))
            kept.append(KeptLine(hashed, item["line"], item["salt"]))
        else:
            raise InputError(f"line {number} (counted from 0) is neither a line with its salt nor a hash", field=LINES)
    return tuple(kept)


def lines_path(folder: str | os.PathLike[str], receipt_id: str) -> Path:
    """Where the lines of a receipt are, or would be."""
    return Path(folder) / LINES / f"{receipt_name(plain_id(receipt_id, what='receipt_id'))}.json"


def lines_bytes(receipt_id: str, kept: Sequence[KeptLine]) -> bytes:
    """The bytes of the file: canonical JSON and a newline."""
    return canonical_bytes({"lines": plain_lines(kept), "receipt_id": receipt_id, "v": VERSION}) + b"\n"


def load_lines(path: str | os.PathLike[str], receipt_id: str) -> tuple[KeptLine, ...]:
    """Reads the lines of a receipt; whether they are the ones that it commits to is for `belong_to` to say.

    Raises:
        NotFoundError: there is no such file.
        IntegrityError: it is not as it was written, or another receipt's.
    """
    target = Path(path)
    try:
        data = target.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", file=target) from error
    except OSError as error:
        raise durable.machine_error(error, target) from error
    try:
        if not data.endswith(b"\n"):
            raise InputError("the lines end without a newline")
        document = read_strict(data[:-1], "the file of lines")
        if not isinstance(document, dict) or set(document) != {"lines", "receipt_id", "v"}:
            raise InputError("the file of lines has not exactly the keys lines, receipt_id, v")
        if document["v"] is True or document["v"] != VERSION:
            raise InputError("the file of lines is of a version that is not known here")
        if document["receipt_id"] != receipt_id:
            raise InputError("the file holds the lines of another receipt")
        return parse_lines(document["lines"])
    except EndcreditsError as error:
        raise IntegrityError(
            f"the lines are damaged: {error.message}", remedy="Restore them from your last copy.", file=target
        ) from error


def belong_to(kept: Sequence[KeptLine], body: Mapping[str, Any]) -> str:
    """Why these are not the lines that a receipt's body commits to; "" when they are."""
    if body.get(COUNT) != len(kept) or body[COUNT] is True:
        return f"there are {len(kept)} lines, and the receipt commits to {body.get(COUNT)}"
    if body.get(ROOT) != lines_root(kept):
        return "the lines are not the ones that the receipt commits to"
    return ""

"""What the tests of this room share: a key, leaves, bodies, a log."""

import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from endcredits.receipts.issuing import Item
from endcredits.receipts.leaf import Leaf, leaf_bytes
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import EMPTY_ROOT
from endcredits.receipts.note import SigningKey

AT = "2026-11-20T12:00:00Z"
LATER = "2026-11-21T12:00:00Z"
KEY = SigningKey("studio.example/endcredits/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = SigningKey("studio.example/endcredits/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def leaf(number: int) -> bytes:
    """A well-formed entry."""
    commit, subject = (hashlib.sha256(f"{what}{number}".encode()).hexdigest() for what in ("", "entry-"))
    return leaf_bytes(Leaf(commit, subject, AT, "run.receipt"))


def run_lines(number: int = 0) -> list[dict[str, Any]]:
    """An output's lines, cut down to what matters here."""
    first = 600_000_000 + number
    return [{"rank": 1, "share_ppb": first, "work_id": "wuthering"}, {"rank": 2, "share_ppb": 300, "work_id": "w-ü"}]


def run_body(number: int = 0) -> dict[str, Any]:
    """An output's document without its lines, cut down likewise."""
    rest = 1_000_000_000 - sum(line["share_ppb"] for line in run_lines(number))
    return {
        "method": "ek-fac-midpoint/2",
        "model": {"manifest": "missing", "train_index": -1},
        "output_id": f"out-{number}",
        "permissions": {"root": EMPTY_ROOT.hex(), "size": 0},
        "unattributed_ppb": rest,
    }


def items(*numbers: int) -> list[Item]:
    """Receipts to be issued."""
    return [Item(f"out-{number}", "run.receipt", run_body(number), run_lines(number)) for number in numbers]


def new_log(folder: Path, size: int = 0) -> Log:
    """A log of `size` entries."""
    log = Log.open(folder, KEY)
    log.append([leaf(number) for number in range(size)])
    return log

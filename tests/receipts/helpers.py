"""What the tests of this room share: a key, leaves, bodies, a log."""

import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from endcredits.receipts.leaf import Leaf, leaf_bytes
from endcredits.receipts.log import Log
from endcredits.receipts.note import SigningKey

AT = "2026-11-20T12:00:00Z"
LATER = "2026-11-21T12:00:00Z"
KEY = SigningKey("studio.example/endcredits/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = SigningKey("studio.example/endcredits/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))


def leaf(number: int) -> bytes:
    """A well-formed entry."""
    return leaf_bytes(Leaf(hashlib.sha256(str(number).encode()).hexdigest(), f"entry-{number}", AT, "run.receipt"))


def run_body(number: int = 0) -> dict[str, Any]:
    """An output's attribution, cut down to what matters here."""
    first = 600_000_000 + number
    lines = [{"rank": 1, "share_ppb": first, "work_id": "wuthering"}, {"rank": 2, "share_ppb": 300, "work_id": "w-ü"}]
    return {"lines": lines, "method": "ek-fac-midpoint/2", "unattributed_ppb": 1_000_000_000 - first - 300}


def items(*numbers: int) -> list[tuple[str, str, str, Any]]:
    """Receipts to be issued."""
    return [(f"out-{number}", "run.receipt", f"out-{number}", run_body(number)) for number in numbers]


def new_log(folder: Path, size: int = 0) -> Log:
    """A log of `size` entries."""
    log = Log.open(folder, KEY)
    log.append([leaf(number) for number in range(size)])
    return log

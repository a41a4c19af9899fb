"""Whether a file's credentials say what a receipt proves.

A manifest is signed by whoever made the file, a receipt is committed in a log: only together do they say that the works
named in the file were what the operator had committed to, at that place in that log, and not a list made up later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from endcredits.receipts.credentials.reading import INVALID, NONE, Reading
from endcredits.receipts.verify import verify_receipt


def disagreements(found: Reading, receipt: bytes, vkey: str) -> tuple[str, ...]:
    """What speaks against a file's credentials and a receipt belonging together; nothing, when they do.

    Args:
        found: what was read from the file.
        receipt: the bytes of the receipt's file.
        vkey: the log's public key.

    Raises:
        ValueError: the key is not one.
    """
    verdict = verify_receipt(receipt, vkey)
    if not verdict.verified:
        return (f"the receipt does not verify: {verdict.problem}",)
    if found.state in (INVALID, NONE) or found.attribution is None:
        return ("the file has no valid credentials that name a receipt",)
    said = found.attribution
    pointer = said.get("receipt")
    body: Mapping[str, Any] = json.loads(receipt)["body"]
    output = body.get("output")
    proven = {
        "output_id": body.get("output_id"),
        "output_sha256": output.get("sha256") if isinstance(output, Mapping) else None,
        "attribution_sha256": body.get("attribution_sha256"),
        "lines_count": body.get("lines_count"),
        "lines_root": body.get("lines_root"),
    }
    stated = {name: said.get(name) for name in proven}
    places = {"receipt_id": verdict.receipt_id, "log_origin": verdict.origin, "log_index": verdict.leaf_index}
    proven |= places
    stated |= {name: pointer.get(name) if isinstance(pointer, Mapping) else None for name in places}
    wrong = [name for name in proven if proven[name] is None or json.dumps(stated[name]) != json.dumps(proven[name])]
    return tuple(f"the file's {name.replace('_', ' ')} is not the receipt's" for name in wrong)

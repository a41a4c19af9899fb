"""A proof as text: that an entry stands in a log, in the form that other programs read too (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    index 73894
    <one base64 hash a line, from the leaf up to the root>
    <an empty line>
    <the signed checkpoint, with every signature line that it has>

The text of a proof stands in the receipt's file under `proof`; alone in a file it is a `.tlog-proof`. The standard lets a
line `extra <base64>` stand before the index, for data that nothing signs. In a receipt it may not stand: it would be a
part of the file that anybody can change unseen.
"""

from __future__ import annotations

import base64
import binascii
import re

from endcredits.errors import InputError
from endcredits.receipts.records import InclusionProof

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
PATH_MAX = 63
"""Hashes in a path: no log has 2**63 entries."""
PROOF_BYTES_MAX = 405_000
"""Longest proof that is read: a full path, and a checkpoint with a hundred of the longest signatures."""
_HASH_BYTES = 32


def proof_text(proof: InclusionProof, extra: bytes | None = None) -> str:
    """A proof as tlog-proof text.

    Args:
        proof: the position, the path and the signed checkpoint.
        extra: data that travels with the proof and that nothing signs; None leaves the line out.
    """
    lines = [HEADER]
    if extra is not None:
        lines.append(f"extra {base64.b64encode(extra).decode()}")
    lines.append(f"index {proof.leaf_index}")
    lines += [base64.b64encode(bytes.fromhex(node)).decode() for node in proof.path]
    return "\n".join(lines) + f"\n\n{proof.checkpoint}"


def parse_proof(text: str) -> InclusionProof:
    """Reads the proof of a receipt, which has no extra line. Whether it is true is for the verifier to say.

    Raises:
        InputError: it is not in the one spelling of tlog-proof.
    """
    proof, extra = parse_tlog_proof(text)
    if extra is not None:
        raise InputError("the proof has an extra line, which nothing signs", field="proof")
    return proof


def parse_tlog_proof(text: str) -> tuple[InclusionProof, bytes | None]:
    """Reads a `.tlog-proof`: the proof and its extra data, None where it has none.

    Raises:
        InputError: it is not in the one spelling of tlog-proof, or longer than `PROOF_BYTES_MAX`.
    """
    if len(text.encode("utf-8", "surrogatepass")) > PROOF_BYTES_MAX:
        raise InputError(f"the proof has more than {PROOF_BYTES_MAX} bytes", field="proof")
    head, gap, checkpoint = text.partition("\n\n")
    if not gap or not checkpoint:
        raise InputError("the proof has no checkpoint", field="proof")
    header, *lines = head.split("\n")
    if header != HEADER:
        raise InputError(f"the proof does not begin with the line {HEADER}", field="proof")
    extra: bytes | None = None
    if lines and lines[0].startswith("extra "):
        extra = _unbase64(lines.pop(0).removeprefix("extra "), "the extra line")
    index = re.fullmatch(r"index (0|[1-9][0-9]{0,15})", lines[0]) if lines else None
    if index is None or int(index[1]) >= 2**53:
        raise InputError("the proof has no line with the entry's index", field="proof")
    if len(lines) - 1 > PATH_MAX:
        raise InputError(f"the proof's path has more than {PATH_MAX} hashes", field="proof")
    path = [_unbase64(line, "a hash of the path") for line in lines[1:]]
    if any(len(node) != _HASH_BYTES for node in path):
        raise InputError("a hash of the path has not 32 bytes", field="proof")
    return InclusionProof(int(index[1]), tuple(node.hex() for node in path), checkpoint), extra


def _unbase64(text: str, what: str) -> bytes:
    """Decodes the one standard spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{what} of the proof is not base64", field="proof") from error
    if base64.b64encode(data).decode() != text:
        raise InputError(f"{what} of the proof is not the standard spelling of base64", field="proof")
    return data

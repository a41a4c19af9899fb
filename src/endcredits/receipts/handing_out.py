"""What is handed to whom: a creator's own line, an auditor's whole list, a bare proof for other programs.

    line_receipt(folder, "output:1f0c", "work:heights")     the receipt with one line: its salt and path, nobody else's
    lines_receipt(folder, "output:1f0c")                    the receipt with all lines
    proof_file(receipt)                                     the proof alone, as `.tlog-proof`

Each is one file that proves itself. What a receipt's body says beside its lines (the output's digests, how much of it is
attributed to anybody at all) everybody sees who is given one of them.
"""

from __future__ import annotations

import os

from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.receipts.lines import COUNT, KeptLine, belong_to, line_path, lines_path, load_lines, plain_lines
from endcredits.receipts.log import Log
from endcredits.receipts.names import receipt_path
from endcredits.receipts.receipt import fresh, load_receipt, receipt_bytes
from endcredits.receipts.records import Receipt
from endcredits.receipts.tlog_proof import proof_text


def with_lines(folder: str | os.PathLike[str], receipt_id: str) -> tuple[Receipt, tuple[KeptLine, ...]]:
    """A receipt and its lines, after seeing that they belong together.

    Raises:
        NotFoundError: there is no such receipt.
        InputError: it has no lines.
        IntegrityError: a file is damaged, or the lines are not those that the receipt commits to.
    """
    receipt = load_receipt(receipt_path(folder, receipt_id))
    if COUNT not in receipt.body:
        raise InputError(f"the receipt '{receipt_id}' has no lines", remedy="Receipts of outputs have.", field="receipt_id")
    path = lines_path(folder, receipt_id)
    kept = load_lines(path, receipt_id)
    if problem := belong_to(kept, receipt.body):
        raise IntegrityError(problem, remedy="Restore them from your last copy.", file=path)
    return receipt, kept


def line_receipt(folder: str | os.PathLike[str], receipt_id: str, work_id: str, log: Log | None = None) -> bytes:
    """The file for the creator of one work: the receipt, and of all its lines only this work's, with its path.

    Args:
        folder: of the receipts.
        receipt_id: an output's.
        work_id: the work.
        log: gives the file a proof under its checkpoint of today; None leaves the proof that the receipt was issued with.

    Raises:
        NotFoundError: there is no such receipt, or no line of this work stands in it any more.
        InputError: the receipt has no lines.
        IntegrityError: a file is damaged, or the receipt is not in this log.
    """
    receipt, kept = with_lines(folder, receipt_id)
    for index, one in enumerate(kept):
        if one.line is not None and one.line.get("work_id") == work_id:
            line = {"index": index, "line": one.line, "path": line_path(kept, index), "salt": one.salt}
            return receipt_bytes(receipt if log is None else fresh(log, receipt), line=line)
    gone = sum(one.line is None for one in kept)
    raise NotFoundError(
        f"the receipt '{receipt_id}' has no line of the work '{work_id}'"
        + (f"; {gone} of its lines were erased" if gone else ""),
        remedy="See which works it has: endcredits receipt show ID --lines.",
        field="work_id",
    )


def lines_receipt(folder: str | os.PathLike[str], receipt_id: str, log: Log | None = None) -> bytes:
    """The file for an auditor: the receipt with all its lines; of one that was erased its hash.

    Raises:
        NotFoundError: there is no such receipt.
        InputError: it has no lines.
        IntegrityError: a file is damaged, or the receipt is not in this log.
    """
    receipt, kept = with_lines(folder, receipt_id)
    return receipt_bytes(receipt if log is None else fresh(log, receipt), lines=plain_lines(kept))


def proof_file(receipt: Receipt) -> bytes:
    """The bytes of a `.tlog-proof`: the proof alone. It proves the entry, whose bytes are the receipt's `leaf`."""
    return proof_text(receipt.proof).encode()

"""Receipts: proof of what was decided, which anybody can check with one small program and one public key.

A receipt binds a document (how an output's credit was shared, how a period was paid) to a place in an append-only log.
The log is a Merkle tree whose root is signed, so the operator cannot change, drop or backdate an entry without being
found out by whoever kept an earlier receipt. The log's entries are salted commitments: they hold no name and no price,
and erasing a receipt erases what it said while all other proofs stand (what an id can still confirm is said in `leaf`).

    key = make_keypair(private / "log.pem", "studio.example/endcredits/log")
    log = Log.open(studio / "log", key)
    receipts = issue(log, studio / "receipts", [("out-1", "run.receipt", "out-1", attribution)], at)
    findings = check_log(log) + check_receipts(studio / "receipts", log)

`merkle` is the tree, `note` the signature, `leaf` an entry, `log` the files, `check` the log's check, `receipt` the
issuing, and `verify` the one file to hand to people who do not trust us; it imports nothing of ours.
"""

from endcredits.receipts.check import check_log
from endcredits.receipts.leaf import subject_of
from endcredits.receipts.log import Log
from endcredits.receipts.note import SigningKey, load_key, make_keypair, open_checkpoint
from endcredits.receipts.receipt import (
    Item,
    check_receipts,
    issue,
    load_receipt,
    receipt_bytes,
    receipt_path,
    receipts_in,
)
from endcredits.receipts.records import Checkpoint, InclusionProof, Receipt
from endcredits.receipts.verify import Verdict, verify_receipt

__all__ = [
    "Checkpoint",
    "InclusionProof",
    "Item",
    "Log",
    "Receipt",
    "SigningKey",
    "Verdict",
    "check_log",
    "check_receipts",
    "issue",
    "load_key",
    "load_receipt",
    "make_keypair",
    "open_checkpoint",
    "receipt_bytes",
    "receipt_path",
    "receipts_in",
    "subject_of",
    "verify_receipt",
]

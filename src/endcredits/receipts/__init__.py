"""Receipts: proof of what was decided, which anybody can check with one small program and one public key.

A receipt binds a document (how an output's credit was shared, how a period was paid) to a place in an append-only log.
The log is a Merkle tree whose root is signed, so the operator cannot change, drop or backdate an entry without being
found out by whoever kept an earlier receipt. The log's entries are salted commitments: they hold no name and no price,
and erasing a receipt erases what it said while all other proofs stand.

    key = make_keypair(private / "log.pem", "studio.example/endcredits/log")
    log = Log.open(studio / "log", key)
    receipts = issue(log, studio / "receipts", [Item("out-1", "run.receipt", body, lines)], at)
    findings = check_log(log) + check_receipts(studio / "receipts", log)

`merkle` is the tree, `note` the signature, `leaf` an entry, `log` the files, `check` the log's check, `lines` what is
committed to line by line, `issuing` how receipts come about, `receipt` their files, `tlog_proof` a proof as text,
`tombstone` what is left of an erased one, `receipt_check` the check of a folder, and `verify` the one file to hand to
people who do not trust us; it imports nothing of ours.
"""

from endcredits.receipts.check import check_log
from endcredits.receipts.issuing import Item, finish, issue
from endcredits.receipts.lines import load_lines
from endcredits.receipts.log import Log
from endcredits.receipts.names import receipt_path
from endcredits.receipts.note import SigningKey, load_key, make_keypair, open_checkpoint
from endcredits.receipts.receipt import each_receipt, fresh, load_receipt, readable_receipts, receipt_bytes, receipts_in
from endcredits.receipts.receipt_check import check_receipts
from endcredits.receipts.records import Checkpoint, InclusionProof, Receipt
from endcredits.receipts.tombstone import Tombstone, find_tombstone
from endcredits.receipts.verify import Verdict, verify_receipt

__all__ = [
    "Checkpoint",
    "InclusionProof",
    "Item",
    "Log",
    "Receipt",
    "SigningKey",
    "Tombstone",
    "Verdict",
    "check_log",
    "check_receipts",
    "each_receipt",
    "find_tombstone",
    "finish",
    "fresh",
    "issue",
    "load_key",
    "load_lines",
    "load_receipt",
    "make_keypair",
    "open_checkpoint",
    "readable_receipts",
    "receipt_bytes",
    "receipt_path",
    "receipts_in",
    "verify_receipt",
]

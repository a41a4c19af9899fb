"""Checks receipts of an endcredits log, offline, without trusting whoever issued them.

    python verify.py RECEIPT.json [...] --vkey FILE_OR_TEXT [--json]

This is the whole verifier: one file, Python 3.11 or later, and the package `cryptography` for one Ed25519 signature.
You need the receipt and the log's public key (the line in its file log.vkey), which you should have got in another way
than the receipt. Exit code 0: every receipt is verified; 3: one is not; 2: something could not be read.

A receipt holds a document (`body`), a random `salt`, the log's entry about it (`leaf`), and a proof. Checked, in order:

1. The file is strict JSON in its one canonical spelling (RFC 8785) and a final newline: no duplicate keys, no floats,
   no unknown fields, not one more space. So every changed byte is found, blanks and line ends included.
2. SHA-256(salt || canonical body) is the `commit` in the leaf, SHA-256(salt || receipt id) its `subject`, types agree.
3. The leaf stands in the log's Merkle tree: hashing it with the path gives the root (RFC 6962, RFC 9162 2.1.3.2).
4. The root is signed by the key that you gave, in the name of that log (C2SP signed-note and tlog-checkpoint).
5. The body is about what the receipt's id names, and adds up: a period's pools to the micro.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WHOLE_PPB = 1_000_000_000
TOTAL = ("revenue", "tax", "operator", "pools", "levies")
POOL = ("source", "pool", "breakage", "rest")
PART = ("amount", "allocated", "commons", "suspense", "disputed")
NOT_PROVEN = (
    "That the attribution is right: the log proves commitment, not that the attribution is right.",
    "The time in the entry: it is the operator's own clock.",
    "That everybody is shown the same log: unwitnessed, only the operator signed. Compare roots with somebody else.",
)


class Refused(Exception):
    """Why a receipt is not verified."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of checking one receipt; `problem` is empty when it is verified."""

    verified: bool
    problem: str
    proven: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()
    receipt_id: str = ""
    type: str = ""
    origin: str = ""
    leaf_index: int = -1
    log_size: int = -1
    root: str = ""
    stated_time: str = ""


def require(condition: bool, problem: str) -> None:
    if not condition:
        raise Refused(problem)


# 1. Strict JSON in one spelling
def read_json(data: bytes) -> Any:
    """Reads JSON without duplicate keys, floats, NaN or invalid UTF-8."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        require(len(dict(pairs)) == len(pairs), "a key stands twice in one object")
        return dict(pairs)

    def no_float(text: str) -> Any:
        raise Refused("it holds a number that is not a whole number")

    try:
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=unique, parse_float=no_float, parse_constant=no_float)
    except (ValueError, RecursionError) as error:
        raise Refused("it is not JSON in UTF-8") from error


def canonical(value: Any) -> bytes:
    """The RFC 8785 spelling: keys by UTF-16 code units, no blanks, whole numbers within +-(2**53 - 1)."""

    def spell(value: Any) -> str:
        if isinstance(value, dict):
            require(all(isinstance(key, str) for key in value), "a key is not text")
            keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
            return "{" + ",".join(f"{spell(key)}:{spell(value[key])}" for key in keys) + "}"
        if isinstance(value, (list, tuple)):
            return "[" + ",".join(map(spell, value)) + "]"
        require(value is None or isinstance(value, (bool, int, str)), "it holds something else than text and integers")
        require(not isinstance(value, int) or abs(value) < 2**53, "it holds a number beyond 2**53 - 1")
        return json.dumps(value, ensure_ascii=False)

    try:
        return spell(value).encode("utf-8")
    except (UnicodeEncodeError, RecursionError) as error:
        raise Refused("it holds half a character, or is nested too deeply") from error


def fields(value: Any, kinds: dict[str, type], what: str) -> list[Any]:
    """The values of an object that must have exactly these fields, of these types."""
    exact = isinstance(value, dict) and set(value) == set(kinds)
    require(exact, f"{what} has not exactly the fields {', '.join(kinds)}")
    for name, kind in kinds.items():
        require(type(value[name]) is kind, f"the field '{name}' of {what} is of the wrong kind")
    return [value[name] for name in kinds]


# 2. The document and the log's entry about it
def check_leaf(leaf_text: str, receipt_id: str, kind: str, salt_hex: str, body: dict[str, Any]) -> str:
    """The leaf commits to this body and speaks of this receipt; returns the time that it states."""
    leaf = read_json(leaf_text.encode())
    names = {"commit": str, "subject": str, "time": str, "type": str, "v": int}
    commit, subject, time, leaf_kind, version = fields(leaf, names, "the log's entry")
    require(canonical(leaf) == leaf_text.encode(), "the log's entry is not canonical JSON")
    require(version == 2, "the log's entry is of a version that this verifier does not know")
    require(re.fullmatch(r"[0-9a-f]{64}", salt_hex) is not None, "the salt has not 64 hex digits")
    committed = hashlib.sha256(bytes.fromhex(salt_hex) + canonical(body)).hexdigest()
    require(committed == commit, "the body is not the one that the log's entry commits to")
    require(leaf_kind == kind, "the receipt's type is not the one in the log's entry")
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,199}", receipt_id) is not None
    require(plain, "the receipt's id is not a plain id")
    named = hashlib.sha256(bytes.fromhex(salt_hex) + receipt_id.encode()).hexdigest()
    require(subject == named, "the receipt's id is not the subject of the log's entry")
    require(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", time) is not None, "the entry's time is not a UTC time")
    return str(time)


# 3. The entry and the log's root
def root_from_path(leaf: bytes, index: int, size: int, path: list[Any]) -> bytes:
    """The root that a leaf at `index` of `size` and its sibling hashes lead to (RFC 9162 2.1.3.2)."""
    require(0 <= index < size, "the entry's position lies outside the log")
    node, place, last = hashlib.sha256(b"\x00" + leaf).digest(), index, size - 1
    for text in path:
        good = isinstance(text, str) and re.fullmatch(r"[0-9a-f]{64}", text) is not None
        require(good and last > 0, "the path does not fit the entry's position")
        sibling = bytes.fromhex(text)
        if place % 2 == 1 or place == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while place % 2 == 0 and place > 0:
                place, last = place // 2, last // 2
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        place, last = place // 2, last // 2
    require(last == 0, "the path does not fit the entry's position")
    return node


def read_proof(text: str) -> tuple[int, list[str], str]:
    """Position, path and checkpoint of a proof in the text form of C2SP tlog-proof, without an extra line."""
    head, _, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    require(header == "c2sp.org/tlog-proof@v1", "the proof does not begin as a proof does")
    index = re.fullmatch(r"index (0|[1-9][0-9]{0,15})", lines[0]) if lines else None
    require(index is not None and len(lines) <= 64, "the proof has no line with the entry's index, or a path too long")
    path = [unbase64(line).hex() for line in lines[1:]]
    return int(index[1]) if index else -1, path, checkpoint


# 4. The root and the signature
def unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused("something is not base64") from error
    require(base64.b64encode(data).decode() == text, "something is not standard base64")
    return data


def read_vkey(vkey: str) -> tuple[str, bytes, bytes]:
    """Name, key id and Ed25519 key of a vkey line; ValueError when it is not one."""
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        key = unbase64(encoded)
    except Refused as error:
        raise ValueError("the key's text is not base64") from error
    expected = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    if not name or re.search(r"[\s\x00-\x1f]", name) or len(key) != 33 or key[:1] != b"\x01" or key_id != expected:
        raise ValueError("it is not a vkey of an Ed25519 key (name+key id+base64)")
    return name, bytes.fromhex(key_id), key[1:]


def open_checkpoint(note: str, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that this key signed, for the log of the key's name."""
    name, key_id, key = read_vkey(vkey)
    text, gap, signatures = note.rpartition("\n\n")
    require(bool(gap) and signatures.endswith("\n"), "the checkpoint is not a signed note")
    signed = False
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        require(match is not None, "a signature line of the checkpoint is malformed")
        signature = unbase64(match[2]) if match else b""
        if match is None or match[1] != name or signature[:4] != key_id:
            continue  # by another key, which the standard says to pass over
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], f"{text}\n".encode())
        except InvalidSignature as error:
            raise Refused("the signature on the checkpoint is wrong") from error
        signed = True
    require(signed, "the checkpoint is not signed by the key that you gave")
    lines = text.split("\n")
    require(len(lines) >= 3 and "" not in lines, "the checkpoint has not three lines")
    require(lines[0] == name, "the checkpoint is of another log than the key")
    require(re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]) is not None, "the checkpoint's size is not a number")
    return int(lines[1]), unbase64(lines[2])


# 5. The numbers
def whole(value: Any, what: str) -> int:
    require(type(value) is int, f"{what} is not a whole number")
    return int(value)


def rows(record: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = record.get(name)
    require(isinstance(found, list) and all(isinstance(row, dict) for row in found), f"the {name} are missing")
    return list(found or [])


def micros(record: dict[str, Any], names: tuple[str, ...], what: str) -> list[int]:
    return [whole(record.get(f"{name}_micros"), f"{what}'s {name}_micros") for name in names]


def check_numbers(kind: str, receipt_id: str, body: dict[str, Any]) -> list[str]:
    """What the id and the sums in the body show; other types of receipts have no sums that are known here."""
    if kind == "run.receipt":
        require(body.get("output_id", receipt_id) == receipt_id, "the body is about another output than the receipt's id")
        unattributed = whole(body.get("unattributed_ppb"), "the unattributed part")
        require(0 <= unattributed <= WHOLE_PPB, "the unattributed part is no part of one whole")
        count, root = whole(body.get("lines_count"), "the number of lines"), body.get("lines_root")
        good = isinstance(root, str) and re.fullmatch(r"[0-9a-f]{64}", root) is not None
        require(count >= 0 and good, "the root of the lines is missing")
        return [f"It commits to {count} lines, one a work, of which each can be proven without the others."]
    if kind == "period.receipt":
        about = isinstance(body.get("period_id"), str) and f"period:{body['period_id']}" == receipt_id
        require(about, "the body is about another period than the receipt's id")
        totals, pools = rows(body, "totals"), rows(body, "pools")
        taken: dict[str, int] = {}
        for pool in pools:
            source, amount, breakage, rest = micros(pool, POOL, "a pool")
            sign = {"refund": -1, "adjusted": 0}.get(str(pool.get("kind")), 1)  # differences may have either sign
            parts = [micros(part, PART, "a part") for part in rows(pool, "parts")]
            for whole_part, allocated, commons, suspense, disputed in parts:
                require(allocated + commons == whole_part, "a part is not the sum of allocated and commons")
                held = min(sign * n for n in (allocated - suspense - disputed, commons, suspense, disputed))
                require(held >= 0, "a part has a number of the wrong sign, or too much in suspense or dispute")
            require(min(sign * n for n in (source, amount, breakage, rest)) >= 0, "a pool has a number of the wrong sign")
            require(breakage + rest + sum(part[0] for part in parts) == amount, "a pool is not the sum of its parts")
            currency = pool.get("earned_currency")
            same = currency != pool.get("currency") or source == amount
            require(same, "a pool that was not converted has two amounts")
            taken[str(currency)] = taken.get(str(currency), 0) + source
        for total in totals:
            revenue, tax, operator, in_pools, levies = micros(total, TOTAL, "a total")
            require(tax + operator + in_pools + levies == revenue, "a total's revenue is not the sum of what it became")
            require(taken.pop(str(total.get("currency")), 0) == in_pools, "the pools do not sum to the total")
        require(not any(taken.values()), "a pool is of a currency that no total has")
        told = "revenue = taxes + operator + pools + levies; pool = parts + rest + breakage; part = allocated + commons"
        return [f"In the {len(totals)} totals and {len(pools)} pools of this period, to the micro: {told}."]
    return []


def verify_receipt(document: dict[str, Any] | bytes, vkey: str) -> Verdict:
    """Checks one receipt: the bytes of its file, or its JSON already read (then check 1 cannot see the spelling).

    Raises ValueError when the vkey is not one; everything that is wrong with the receipt is told in the verdict.
    """
    origin = read_vkey(vkey)[0]
    try:
        receipt = read_json(document) if isinstance(document, bytes) else document
        spelling = canonical(receipt) + b"\n"
        same = not isinstance(document, bytes) or spelling == document
        require(same, "the file is not canonical JSON and one final newline: something was added or spelt differently")
        kinds = {"v": int, "receipt_id": str, "type": str, "body": dict, "salt": str, "leaf": str, "proof": str}
        version, receipt_id, kind, body, salt, leaf, proof = fields(receipt, kinds, "the receipt")
        require(version == 2, "the receipt is of a version that this verifier does not know")
        index, path, note = read_proof(proof)
        time = check_leaf(leaf, receipt_id, kind, salt, body)
        size, root = open_checkpoint(note, vkey)
        found = root_from_path(leaf.encode(), index, size, path)
        require(found == root, "the entry is not in the log that was signed: its path leads to another root")
        sums = check_numbers(kind, receipt_id, body)
    except Refused as refused:
        return Verdict(False, str(refused), origin=origin)
    committed = f"The holder of the key of '{origin}' committed to exactly this document, as entry {index} (counted from 0)"
    proven = (f"{committed} of a log of {size} entries. Nothing in it was changed since.", *sums)
    return Verdict(True, "", proven, NOT_PROVEN, receipt_id, kind, origin, index, size, root.hex(), time)


def in_words(file: str, verdict: Verdict) -> str:
    if not verdict.verified:
        return f"NOT VERIFIED  {file}\n  Problem: {verdict.problem}."
    lines = [f"VERIFIED  {file}: {verdict.type} {verdict.receipt_id}"]
    lines += [f"  Proven: {text}" for text in verdict.proven]
    lines += [f"  Stated by the operator: the time {verdict.stated_time}.", f"  Root: {verdict.root}"]
    return "\n".join(lines + [f"  Not proven: {text}" for text in verdict.not_proven])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks receipts of an endcredits log, offline.")
    parser.add_argument("receipts", nargs="+", metavar="RECEIPT.json")
    parser.add_argument("--vkey", required=True, metavar="FILE_OR_TEXT", help="the log's public key, or a file with it")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    options = parser.parse_args(arguments)
    try:
        vkey = options.vkey if options.vkey.count("+") > 1 else Path(options.vkey).read_text().strip()
        read_vkey(vkey)
    except (OSError, ValueError) as error:
        print(f"The key cannot be used: {error}.", file=sys.stderr)
        return 2
    verdicts, unreadable = [], False
    for file in options.receipts:
        try:
            verdicts.append((file, verify_receipt(Path(file).read_bytes(), vkey)))
        except OSError as error:
            unreadable = True
            print(f"UNREADABLE  {file}: {error.strerror}", file=sys.stderr)
    rows = [{"file": file, **dataclasses.asdict(verdict)} for file, verdict in verdicts]
    print(json.dumps(rows, indent=2) if options.json else "\n".join(in_words(file, verdict) for file, verdict in verdicts))
    return 3 if not all(verdict.verified for _, verdict in verdicts) else 2 if unreadable else 0


if __name__ == "__main__":
    sys.exit(main())

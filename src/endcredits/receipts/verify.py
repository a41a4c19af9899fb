"""Checks receipts of an endcredits log, offline, without trusting whoever issued them: python verify.py --help

This is the whole verifier: one file, Python 3.11 or later, and the package `cryptography` for Ed25519. Get the log's public
key (the line in its file log.vkey) in another way than the receipts. docs/verify.md tells the formats. Checked:

1. The file is strict JSON in its one canonical spelling (RFC 8785) and a final newline: so every changed byte is found.
2. The log's entry (`leaf`) commits to this body and this id, both hashed behind a random salt.
3. The entry stands in the log's Merkle tree (RFC 9162), whose root is signed by the key that you gave in the name of that
   log (C2SP tlog-proof, tlog-checkpoint, signed-note), and cosigned by as many witnesses as your policy asks for.
4. The body is about what its id names, its numbers add up, and an attached line or place in a period's sums belongs to it.
5. Files given together do not contradict each other: they show one log and not two, and statements without gaps.
"""

# fmt: off
import argparse
import base64
import hashlib
import json
import re
import sys
import time
from collections import namedtuple
from itertools import accumulate, pairwise
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILE_BYTES_MAX, PROOF_BYTES_MAX, LEAF_BYTES_MAX, VALUES_MAX, DEPTH_MAX = 2**25, 2**18, 2**12, 4 * 10**6, 64
WHOLE_PPB, MOST, SIGNATURES_MAX, YEAR_10000, ED25519, COSIGNATURE = 10**9, 2**53 - 1, 99, 253_402_300_800, 1, 4
ERASED = {"v": int, "erased_at": str, "leaf": str, "proof": str}
RECEIPT = {"v": int, "receipt_id": str, "type": str, "body": dict, "salt": bytes, "leaf": str, "proof": str}
LEAF = {"commit": bytes, "subject": bytes, "type": str, "time": str, "v": int}
LINE = {"line": dict, "salt": bytes, "index": int, "path": list}
SUM = {"currency": str, "index": int, "leaf": dict, "path": list, "salt": bytes}
STEP = {"paid_micros": int, "taken_micros": int, "hash": bytes}
ROOT = {"paid_micros": int, "taken_micros": int, "count": int, "root": bytes, "currency": str}
PAYEE = {"paid_micros": int, "taken_micros": int, "currency": str, "kind": str, "party_id": str, "statement_sha256": str}
UTC = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
PARTS = "amount allocated commons suspense disputed"
NOT_RIGHT = "That the attribution is right: the log proves commitment, not that the attribution is right."
CLOCK = "The time in the entry: it is the operator's own clock."
ALONE = "That everybody is shown the same log: unwitnessed, only the operator signed. Compare roots with somebody else."
# What came of checking one receipt; `problem` is "" when it is verified.
Verdict = namedtuple("Verdict", (
    "verified", "problem", "proven", "not_proven", "receipt_id", "type", "origin", "leaf_index", "log_size", "root",
    "stated_time", "witnesses"), defaults=((), (), "", "", "", -1, -1, "", "", ()))
# Whom you trust: by key name and id, the witness's name ("" for a log) and public key; groups: how many of whom; the quorum.
Policy = namedtuple("Policy", ("keys", "groups", "quorum"))

class Refused(ValueError):
    """Why something is not verified."""
def require(condition: Any, problem: str) -> None:
    if not condition:
        raise Refused(problem)
def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()

# 1. Strict JSON in one spelling
def read_json(data: bytes) -> Any:
    """Reads JSON with bounds on everything and whole numbers only; sorts keys as RFC 8785 does, by UTF-16 code units."""
    require(len(data) <= FILE_BYTES_MAX, f"it has more than {FILE_BYTES_MAX} bytes")
    try:
        text = data.decode()
        bare = re.sub('"[^"]*"?', "", re.sub(r"\\.", "", text, flags=re.DOTALL))  # what does not stand in quotes
        require(sum(map(bare.count, "[{,")) < VALUES_MAX, f"it holds more than {VALUES_MAX} values")
        depths = accumulate(1 if bracket[0] in "[{" else -1 for bracket in re.finditer(r"[\[\]{}]", bare))
        require(max(depths, default=0) <= DEPTH_MAX, f"it is nested more than {DEPTH_MAX} deep")
        hooks: dict[str, Any] = {"parse_int": counted, "parse_float": counted, "parse_constant": int}  # int("NaN") fails
        hooks["object_pairs_hook"] = lambda pairs: dict(sorted(pairs, key=lambda one: one[0].encode("utf-16-be", "replace")))
        return json.loads(text, **hooks)
    except ValueError as error:
        raise error if isinstance(error, Refused) else Refused("it is not JSON in UTF-8") from error

def canonical(value: Any) -> bytes:  # the RFC 8785 spelling of what `read_json` read
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
def counted(text: str, problem: str = "it holds a number that is not whole, or beyond 2**53 - 1") -> int:
    require(re.fullmatch("0|-?[1-9][0-9]{0,15}", text) and abs(int(text)) <= MOST, problem)
    return int(text)

def get(record: Any, what: str, name: str, kind: Any = int, least: int = 0, most: int = MOST) -> Any:
    """A field of a record: a number within bounds, 32 bytes in hex (`bytes`), or something else of one type."""
    value: Any = record.get(name) if isinstance(record, dict) else None
    value = bytes.fromhex(value) if kind is bytes and re.fullmatch("[0-9a-f]{64}", str(value)) else value
    require(type(value) is kind and (kind is not int or least <= value <= most), f"{what} has no right '{name}'")
    return value

def fields(record: Any, what: str, kinds: dict[str, Any]) -> list[Any]:
    """The values of a record that must have exactly these fields."""
    require(isinstance(record, dict) and set(record) == set(kinds), f"{what} has not exactly the fields {', '.join(kinds)}")
    return [get(record, what, name, kind) for name, kind in kinds.items()]

def micros(record: Any, what: str, names: str, least: int = -MOST) -> list[int]:
    return [get(record, what, f"{name}_micros", int, least) for name in names.split()]
def decimal(number: int, places: int) -> str:
    return f"{number // 10**places}.{number % 10**places:0{places}d}"

def unbase64(text: str, size: int = 0) -> bytes:
    well = re.fullmatch("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text)
    data = base64.b64decode(text) if well else b""
    require(base64.b64encode(data).decode() == text and len(data) == (size or len(data)), "something is not right base64")
    return data

# 2. and 3. The log's entry about the document, the log's root, and who signed it
def join(left: Any, right: Any) -> Any:
    """The node above two: of bare hashes (RFC 6962), or of [paid, taken, hash], whose sums it adds up and hashes too."""
    if isinstance(left, bytes):
        return sha(b"\x01", left, right)
    sealed = [node[0].to_bytes(16, "big") + node[1].to_bytes(16, "big") + node[2] for node in (left, right)]
    return [left[0] + right[0], left[1] + right[1], sha(b"\x11", *sealed)]

def climb(node: Any, index: int, size: int, path: list[Any], end: int = MOST) -> Any:
    """The root that a leaf leads to (RFC 9162 2.1.3.2); with the `end` of a subtree around it, the root at that size."""
    place, last, level = index, size - 1, 0
    for sibling in path:
        require(0 <= index < size and last > 0, "a path does not fit its position")
        left = place % 2 == 1 or place == last
        while left and place % 2 == 0:  # at the right edge: carried up without a sibling
            place, last, level = place // 2, last // 2, level + 1
        place, last, level = place // 2, last // 2, level + 1
        if left:
            node = join(sibling, node)
        elif min(size, (place + 1) << level) <= end:
            node = join(node, sibling)
    require(0 <= index < size and last == 0, "a path does not fit its position")
    return node

def read_policy(text: str = "quorum none", vkeys: str = "") -> Policy:
    """Reads a policy (C2SP tlog-policy), and beside it vkeys of logs. Kinds of keys that are not known are passed over."""
    policy, quorum, grouped = Policy({}, {"none": (0, [])}, []), "", {"none"}
    for line in [*(f"log {vkey}" for vkey in re.findall(r"[^ \t\r\n]+", vkeys) if vkey not in text), *text.split("\n")]:
        what, *words = re.findall(r"[^ \t\r]+", line) or ["#"]
        own, members, wrong = what == "witness", words[2:], f"the policy's line '{line[:60]}' is wrong"
        if what in ("log", "witness") and own < len(words) < own + 3:
            name, key_id, encoded = [*words[own].split("+", 2), "", ""][:3]
            key = unbase64(encoded)
            fit = re.fullmatch("[^\x00-\x20\x7f]+", name) and sha(name.encode(), b"\n", key).hex()[:8] == key_id
            require(fit and len(key) > 32, "it is not a vkey (name+key id+base64), or something in it was changed")
            new = all(key[1:] != other for _, other in policy.keys.values()) and not (own and words[0] in policy.groups)
            require(new, f"{wrong}: its name or key stands twice")
            if key[0] == (COSIGNATURE if own else ED25519) and len(key) == 33:
                policy.keys[name, bytes.fromhex(key_id)] = (words[0] if own else "", key[1:])
            policy.groups.update({words[0]: (0, [])} if own else {})
        elif what == "group" and members and words[0] not in policy.groups:
            least = counted({"any": "1", "all": str(len(members))}.get(words[1], words[1]), wrong)
            known = policy.groups.keys() >= {*members} and len({*members, *grouped}) == len(members) + len(grouped)
            require(known and 1 <= least <= len(members), wrong)
            grouped, policy.groups[words[0]] = grouped | {*members}, (least, members)
        elif what[0] != "#":
            require(what == "quorum" and len(words) == 1 and not quorum and words[0] in policy.groups, wrong)
            quorum = words[0]
    require(quorum and not all(witness for witness, _ in policy.keys.values()), "there is no quorum line, or no log's key")
    return policy._replace(quorum=quorum)

def open_checkpoint(note: str, policy: Policy) -> tuple[str, int, bytes, dict[str, int]]:
    """Origin, size and root of a checkpoint that a key of that log signed, and when which witnesses cosigned it."""
    text, gap, block = note.rpartition("\n\n")
    lines, signatures, logs, witnesses = text.split("\n"), block.split("\n"), dict[str, int](), dict[str, int]()
    well = gap and signatures.pop() == "" and not re.search("[\x00-\x09\x0b-\x1f]", note)
    require(well and len(signatures) <= SIGNATURES_MAX, "the checkpoint is not a signed note")
    for line in signatures:
        found = re.fullmatch("— ([^ +]+) ([^ ]+)", line) or ("", "", "?")
        signature = unbase64(found[2])
        witness, key = policy.keys.get((found[1], signature[:4]), (None, b""))
        if witness is None:
            continue  # by a key that you did not give, which the standard says to pass over
        stamp = int.from_bytes(signature[4:12], "big") if witness else 0
        head, signature = (f"cosignature/v1\ntime {stamp}\n", signature[12:]) if witness else ("", signature[4:])
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, f"{head}{text}\n".encode())
        except InvalidSignature as error:
            raise Refused(f"the signature of '{found[1]}' on the checkpoint is wrong") from error
        require(stamp < YEAR_10000, f"the time of the witness '{witness}' is impossible")
        (witnesses if witness else logs)[witness or found[1]] = stamp
    require(logs, "the checkpoint is not signed by a key that you gave")
    require(lines[0] in logs, "the checkpoint is of another log than the key")
    require(len(lines) >= 3 and "" not in lines, "the checkpoint has not three lines")
    return lines[0], counted(lines[1], "the checkpoint's size is not a number"), unbase64(lines[2], 32), witnesses

# 4. The numbers in the body
def check_run(body: Any, index: int, unknown: list[str]) -> str:
    """An output's receipt: how much of it is credited, by what, and in which state of the permissions."""
    size, _ = fields(get(body, "the body", "permissions", dict), "the permissions", {"size": int, "root": bytes})
    require(size <= index and get(body, "the body", "lines_root", bytes), "the permissions are those of a later log")
    if get(body.get("model"), "the model", "train_index", int, -1, index - 1) < 0:
        unknown.append("Which works the model was trained on: its training manifest is missing.")
    count, part = get(body, "the body", "lines_count"), get(body, "the body", "unattributed_ppb", int, 0, WHOLE_PPB)
    return f"It credits {count} works; {decimal(part, 7)} % of the output is credited to none."

def check_statement(body: Any, index: int, unknown: list[str]) -> str:
    """A statement's receipt: its number among those of one payee and currency."""
    party, currency, _ = (get(body, "the body", *one) for one in (("party_id", str), ("currency", str), ("sha256", bytes)))
    number, before = get(body, "the body", "count", int, 1), get(body, "the body", "previous", int, -1, index - 1)
    require((number == 1) == (before == -1), "the statement's number and the place of the one before it do not agree")
    unknown += [f"That you have all {number - 1} statements before it: give their receipts together."] if number > 1 else []
    return f"It is statement number {number} of '{party}' in {currency}."

def check_period(body: Any, index: int, unknown: list[str]) -> str:
    """A period's receipt: where its money went, to the micro."""
    totals, pools, sums = (get(body, "the body", name, list) for name in ("totals", "pools", "sums"))
    taken, given = dict[str, int](), dict[str, int]()
    for pool in pools:
        source, amount, breakage, rest = micros(pool, "a pool", "source pool breakage rest")
        earned, currency = (get(pool, "a pool", name, str) for name in ("earned_currency", "currency"))
        parts = [micros(row, "a part", PARTS) for row in get(pool, "a pool", "parts", list)]
        held = [part[1] - part[3] - part[4] for part in parts] + [number for part in parts for number in part[2:]]
        sign = {"refund": -1, "adjusted": 0}.get(str(pool.get("kind")), 1)  # differences may have either sign
        fit = all(sign * number >= 0 for number in (source, amount, breakage, rest, *held))
        require(fit, "a pool has a number of the wrong sign, or too much in suspense or dispute")
        require(all(part[0] == part[1] + part[2] for part in parts), "a part is not the sum of allocated and commons")
        require(breakage + rest + sum(part[0] for part in parts) == amount, "a pool is not the sum of its parts")
        require(currency != earned or source == amount, "a pool that was not converted has two amounts")
        taken[earned], given[currency] = taken.get(earned, 0) + source, given.get(currency, 0) + amount
    for total in totals:
        revenue, tax, operator, in_pools, levies = micros(total, "a total", "revenue tax operator pools levies")
        require(tax + operator + in_pools + levies == revenue, "a total's revenue is not the sum of what it became")
        require(taken.pop(get(total, "a total", "currency", str), 0) == in_pools, "the pools do not sum to the total")
    require(not any(taken.values()), "a pool is of a currency that no total has")
    for row in sums:
        paid, back, of, _, currency = fields(row, "a sum", ROOT)
        require(given.pop(currency, 0) == paid - back and (of or not paid + back), "the sums over payees are not the pools")
    require(not any(given.values()), "a pool is of a currency that no sum over payees has")
    told = "revenue = taxes + operator + pools + levies; pool = parts + rest + breakage; sums over payees = pools"
    return f"In its {len(totals)} totals, {len(pools)} pools and {len(sums)} sums over payees, to the micro: {told}."

# 4. What is attached
def check_lines(given: Any, body: Any) -> str:
    """A creator's own line of an output, or all its lines, of which some may be erased to their hashes."""
    nodes, shares, count, own, told = list[Any](), list[int](), body["lines_count"], isinstance(given, dict), ""
    for row in [given] if own else given:
        if not own and isinstance(row, dict) and "hash" in row:
            nodes += fields(row, "an erased line", {"hash": bytes})
            continue
        line, salt, *place = fields(row, "a line", LINE if own else {"line": dict, "salt": bytes})
        nodes.append(sha(b"\x00", salt, canonical(line)))
        shares.append(get(line, "a line", "share_ppb", int, 0, WHOLE_PPB))
        if own:
            nodes = [climb(nodes[0], place[0], count, [get({"hash": one}, "a path", "hash", bytes) for one in place[1]])]
            told = f": '{get(line, 'a line', 'work_id', str)}' has {decimal(shares[0], 7)} % of the output"
    require(own or len(nodes) == count, "there are not as many lines as the receipt commits to")
    while len(nodes) > 1:
        nodes = [join(*nodes[at : at + 2]) if at + 1 < len(nodes) else nodes[at] for at in range(0, len(nodes), 2)]
    require((*nodes, sha())[0].hex() == body["lines_root"], "the lines are not those that the receipt commits to")
    total = body["unattributed_ppb"] + sum(shares)
    require(total == WHOLE_PPB or (len(shares) < count and total < WHOLE_PPB), "the shares do not sum to one whole")
    return f"It shows {len(shares)} of its {count} lines{told}."

def check_sum(place: Any, body: Any) -> str:
    """A payee's own place in a period's sums."""
    currency, index, leaf, path, salt = fields(place, "the place in the sums", SUM)
    paid, back, own, kind, party, _ = fields(leaf, "the leaf", PAYEE)
    row: Any = next((row for row in body["sums"] if row["currency"] == currency == own), None)
    require(row, "the period has no sums in the currency of the leaf")
    node = sha(b"\x10", paid.to_bytes(8, "big"), back.to_bytes(8, "big"), salt, canonical(leaf))
    root = climb([paid, back, node], index, row["count"], [fields(step, "a step", STEP) for step in path])
    same = root == [row["paid_micros"], row["taken_micros"], bytes.fromhex(row["root"])]
    require(same, "the place in the sums leads to other sums than the period's, or to another root")
    return f"They count '{party or kind}' with {decimal(paid, 6)} {currency} given and {decimal(back, 6)} taken back."

KINDS: dict[str, tuple[str, dict[str, Any], Any, dict[str, Any]]] = {
    "run.receipt": ("", {"output_id": str}, check_run, {"line": (dict, check_lines), "lines": (list, check_lines)}),
    "period.receipt": ("period", {"period_id": str}, check_period, {"sum": (dict, check_sum)}),
    "period.correction": ("correction", {"period_id": str, "version": int}, check_period, {"sum": (dict, check_sum)}),
    "statement": ("statement", {"statement_id": str}, check_statement, {}),
}

# One file, 1. to 4.
def check(data: bytes, policy: Policy) -> tuple[Verdict, dict[str, Any]]:
    """Checks one file; what is wrong with it is told in the verdict. Beside the verdict: what `compare` needs."""
    unknown, proven = [NOT_RIGHT, CLOCK], list[str]()
    try:
        receipt = read_json(data)
        spelt = isinstance(receipt, dict) and canonical(receipt) + b"\n" == data
        require(spelt, "the file is not canonical JSON and one final newline: something was added or spelt differently")
        prefix, named, check_body, attachable = KINDS.get(str(receipt.get("type")), ("", {}, None, {}))
        attached, erased = {name: attachable[name] for name in attachable if name in receipt}, "erased_at" in receipt
        fields(receipt, "the receipt", ERASED if erased else RECEIPT | {name: one[0] for name, one in attached.items()})
        leaf, body, receipt_id = receipt["leaf"].encode(), receipt.get("body"), receipt.get("receipt_id", "")
        commit, subject, kind, stated, version = fields(read_json(leaf), "the log's entry", LEAF)
        require(version == receipt["v"] == 2, "the receipt is of a version that this verifier does not know")
        require(canonical(read_json(leaf)) == leaf and len(leaf) <= LEAF_BYTES_MAX, "the log's entry is not canonical JSON")
        require(re.fullmatch(UTC, stated) and re.fullmatch(UTC, receipt.get("erased_at", stated)), "a time is not in UTC")
        head, _, note = receipt["proof"].partition("\n\n")
        hashes = head.split("\n") if len(receipt["proof"].encode()) <= PROOF_BYTES_MAX else [""]
        well = hashes.pop(0) == "c2sp.org/tlog-proof@v1" and hashes and hashes[0][:6] == "index "
        require(well, "the proof is not a tlog-proof, or has an extra line, which nothing would sign")
        index, path = counted(hashes[0][6:], "the proof's index is not a number"), [unbase64(one, 32) for one in hashes[1:]]
        (origin, size, root, witnesses), entry = open_checkpoint(note, policy), sha(b"\x00", leaf)
        require(climb(entry, index, size, path) == root, "the entry is not in the signed log: it leads to another root")
        reached = dict.fromkeys(["none", *witnesses], True)
        for group, (least, members) in policy.groups.items():
            reached[group] = sum(reached[one] for one in members) >= least if members else group in reached
        require(reached[policy.quorum], "not as many witnesses cosigned the checkpoint as the policy asks for")
        if not erased:
            salt = bytes.fromhex(receipt["salt"])
            require(sha(salt, canonical(body)) == commit, "the body is not the one that the log's entry commits to")
            require(receipt["type"] == kind, "the receipt's type is not the one in the log's entry")
            require(re.fullmatch("[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,199}", receipt_id), "the receipt's id is not a plain id")
            require(sha(salt, receipt_id.encode()) == subject, "the receipt's id is not the subject of the log's entry")
        if check_body:
            names = [str(get(body, "the body", name, one)) for name, one in named.items()]
            require(receipt_id == ":".join([prefix] * (prefix > "") + names), "the body is about something else than the id")
            proven = [check_body(body, index, unknown), *(run(receipt[name], body) for name, (_, run) in attached.items())]
    except Refused as refused:
        return Verdict(False, str(refused)), {}
    what = "a document (erased, says this file)" if erased else "exactly this document, of which nothing was changed since,"
    told = f"The holder of the key of '{origin}' committed to {what} as entry {index} (from 0) of a log of {size} entries."
    times = [(one, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(witnesses[one]))) for one in sorted(witnesses)]
    seen = [f"The witness '{witness}' saw this log, and no other in its place, by {at}." for witness, at in times]
    found = (receipt_id, kind, origin, index, size, root.hex(), stated, tuple(sorted(witnesses)))
    verdict = Verdict(True, "", (told, *proven, *seen), (*unknown, *(() if seen else (ALONE,))), *found)
    return verdict, {**receipt, "place": (entry, index, size, path)}

def verify_receipt(data: bytes, vkey: str) -> Verdict:
    """Checks the bytes of one receipt by one or more vkeys of a log. Raises ValueError when they are none."""
    return check(data, read_policy(vkeys=vkey))[0]

# 5. Files together
def compare(checked: list[Any], older: list[Any], statements: list[Any]) -> dict[str, list[str]]:
    """What files show together: one log or two, statements that are missing, statements that are not the right ones."""
    problems, shown, agreed = list[str](), dict[Any, tuple[str, str]](), dict[str, str]()
    chains, digests = dict[Any, list[Any]](), dict[Any, str]()
    states = [(file, origin, {size: root.hex()}) for file, (origin, size, root, _) in older]
    unknown = {file: f"That {file} is of the same log: no receipt here shows it at that size." for file, _, _ in states}
    for file, verdict, facts in checked:
        (entry, index, size, path), body = facts["place"], facts.get("body") or {}
        ends = sorted({min(size, ((index >> level) + 1) << level) for level in range(size.bit_length() + 1)})
        states.append((file, verdict.origin, {end: climb(entry, index, size, path, end).hex() for end in ends}))
        if body and verdict.type == "run.receipt":
            states.append((file, verdict.origin, {body["permissions"]["size"]: body["permissions"]["root"]}))
        if body and verdict.type == "statement":
            chain = chains.setdefault((verdict.origin, body["party_id"], body["currency"]), [])
            chain.append((body["count"], index, body["previous"], file))
            digests[body["sha256"]] = file
        digests[facts.get("sum", {}).get("leaf", {}).get("statement_sha256")] = file
    for file, origin, state in states:
        for size, root in state.items():
            first, other = shown.setdefault((origin, size), (root, file))
            if root != first:
                problems.append(f"FORK: {other} and {file} show two logs '{origin}' of {size} entries. Keep both: a proof.")
                break
            if other != file and unknown.pop(other, unknown.pop(file, "")):
                agreed[file] = f"{other} and {file} show one and the same log of {size} entries."
    proven = list(agreed.values())
    for (_, party, currency), chain in chains.items():
        for (number, place, _, file), (later, spot, before, other) in pairwise(sorted(chain)):
            if later > number + 1:
                problems.append(f"Statements {number + 1} to {later - 1} of '{party}' in {currency} are missing.")
            elif spot != place if later == number else before != place:
                problems.append(f"{file} and {other} do not belong to one chain of statements of '{party}' in {currency}.")
    for file, data in statements:
        holder = digests.get(sha(data.removesuffix(b"\n")).hex())
        told = f"the statement whose digest {holder} holds" if holder else "no statement that these receipts are about"
        (proven if holder else problems).append(f"{file} is {told}.")
    return {"proven": proven, "not_proven": list(unknown.values()), "problems": problems}

def in_words(rows: list[Any], together: dict[str, list[str]]) -> str:
    """What was found, for people, without characters that move the cursor or turn the line around."""
    lines, unknown = list[str](), dict[str, None]()
    for file, row, _ in rows:
        lines.append(f"VERIFIED  {file}: {row.type} {row.receipt_id}" if row.verified else f"NOT VERIFIED  {file}")
        lines += [f"  Proven: {text}" for text in row.proven] if row.verified else [f"  Problem: {row.problem}."]
        lines += [f"  Stated by the operator: the time {row.stated_time}.\n  Root: {row.root}"] if row.verified else []
        unknown |= dict.fromkeys(row.not_proven)
    lines += [f"PROBLEM  {text}" for text in together["problems"]] + [f"Proven: {text}" for text in together["proven"]]
    lines += [f"Not proven: {text}" for text in [*unknown, *together["not_proven"]]]
    return re.sub("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", "\ufffd", "\n".join(lines))

def given(file: str) -> tuple[str, bytes]:  # never more bytes than can be checked
    try:
        with open(file, "rb") as opened:
            return file, opened.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"UNREADABLE  {file}: {error}") from error

def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Exit code 0: all is verified; 3: something is not; 2: bad input.")
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("receipts", nargs="+", type=given, metavar="RECEIPT.json")
    parser.add_argument("--vkey", **several, metavar="FILE_OR_TEXT", help="the log's public key; may be repeated")
    parser.add_argument("--policy", type=given, metavar="FILE", help="keys of logs and witnesses, and who must cosign")
    parser.add_argument("--older", **several, type=given, metavar="CHECKPOINT", help="a checkpoint that you kept")
    parser.add_argument("--statement", **several, type=given, metavar="FILE", help="a statement (JSON) to check too")
    parser.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    options = parser.parse_args(arguments)
    try:
        vkeys = "\n".join(one if one.count("+") > 1 else given(one)[1].decode("utf-8-sig") for one in options.vkey)
        policy = read_policy(options.policy[1].decode("utf-8-sig") if options.policy else "quorum none", vkeys)
        older = [(file, open_checkpoint(data.decode(), policy)) for file, data in options.older]
    except (ValueError, argparse.ArgumentTypeError) as error:
        parser.error(f"the key, the policy or the older checkpoint cannot be used: {error}")
    rows = [(file, *check(data, policy)) for file, data in options.receipts]
    together = compare([row for row in rows if row[1].verified], older, options.statement)
    shown = {"receipts": [{"file": file, **row._asdict()} for file, row, _ in rows], "together": together}
    print(json.dumps(shown, indent=2) if options.json else in_words(rows, together))
    return 3 if together["problems"] or not all(row[1].verified for row in rows) else 0

if __name__ == "__main__":
    sys.exit(main())

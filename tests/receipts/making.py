"""A second, slow reading of the formats: receipts made from the words of docs/verify.md alone, with fixed keys and salts.

Nothing here comes from the package. Trees are cut in two as RFC 9162 2.1 defines them, by recursion; JSON is spelt by the
standard library (the documents here have plain keys). What this makes and `verify` accepts, two readings agree on.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "studio.example/endcredits/vectors"
AT = "2026-11-20T12:00:00Z"
WHOLE = 1_000_000_000
NO_POLICY = "quorum none"


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def jcs(value: Any) -> bytes:
    """RFC 8785, for documents whose keys are plain ASCII."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def salt_of(name: str) -> bytes:
    """Not random at all: these are examples."""
    return sha(b"salt of ", name.encode())


# Keys and notes
class Signer:
    """An Ed25519 key under a name; kind 1 signs logs, kind 4 cosigns as a witness."""

    def __init__(self, name: str, seed: str = "", kind: int = 1) -> None:
        self.name, self.kind = name, kind
        self.private = Ed25519PrivateKey.from_private_bytes(sha(b"key of ", (seed or name).encode()))
        self.public = bytes([kind]) + self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = sha(name.encode(), b"\n", self.public)[:4]
        self.vkey = f"{name}+{self.key_id.hex()}+{b64(self.public)}"

    def line(self, text: str, stamp: int = 1_763_640_000) -> str:
        """The signature line under a note's text."""
        if self.kind == 1:
            signature = self.private.sign(text.encode())
        else:
            signature = stamp.to_bytes(8, "big") + self.private.sign(f"cosignature/v1\ntime {stamp}\n{text}".encode())
        return f"\N{EM DASH} {self.name} {b64(self.key_id + signature)}\n"


LOG = Signer(ORIGIN)
NEXT = Signer(ORIGIN, "the key after the first")
OTHER_LOG = Signer("elsewhere.example/endcredits/vectors")
WITNESSES = [Signer(f"witness{number}.example/w", kind=4) for number in (1, 2, 3)]
POLICY = "\n".join(
    [
        "# two of three must have seen the log",
        f"log {LOG.vkey}",
        *(f"witness w{number} {signer.vkey} https://witness{number}.example/" for number, signer in enumerate(WITNESSES, 1)),
        "group three 2 w1 w2 w3",
        "quorum three",
        "",
    ]
)


# Trees
def split_at(count: int) -> int:
    """The largest power of two below a count."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_root(nodes: Sequence[Any], join: Callable[[Any, Any], Any], empty: Any = b"") -> Any:
    """MTH of RFC 9162 2.1.1 over hashed leaves."""
    if not nodes:
        return empty
    if len(nodes) == 1:
        return nodes[0]
    cut = split_at(len(nodes))
    return join(tree_root(nodes[:cut], join), tree_root(nodes[cut:], join))


def tree_path(nodes: Sequence[Any], index: int, join: Callable[[Any, Any], Any]) -> list[Any]:
    """PATH of RFC 9162 2.1.3.1."""
    if len(nodes) < 2:
        return []
    cut = split_at(len(nodes))
    if index < cut:
        return [*tree_path(nodes[:cut], index, join), tree_root(nodes[cut:], join)]
    return [*tree_path(nodes[cut:], index - cut, join), tree_root(nodes[:cut], join)]


def join_hashes(left: bytes, right: bytes) -> bytes:
    return sha(b"\x01", left, right)


def join_sums(left: tuple[int, int, bytes], right: tuple[int, int, bytes]) -> tuple[int, int, bytes]:
    """The node above two of a sum tree."""
    sealed = b"".join(side[0].to_bytes(16, "big") + side[1].to_bytes(16, "big") + side[2] for side in (left, right))
    return left[0] + right[0], left[1] + right[1], sha(b"\x11", sealed)


# The log
def entry(kind: str, receipt_id: str, body: Any, at: str = AT, **more: Any) -> str:
    """The log's entry about a document."""
    salt = salt_of(receipt_id)
    subject = sha(salt, receipt_id.encode()).hex()
    return jcs({"commit": sha(salt, jcs(body)).hex(), "subject": subject, "time": at, "type": kind, "v": 2, **more}).decode()


def fillers(size: int, world: str = "") -> list[str]:
    """Entries about things that do not matter here."""
    return [entry("disclosure", f"filler-{world}{number}", {"number": number}) for number in range(size)]


def checkpoint(entries: Sequence[str], signers: Sequence[Signer] = (LOG,), origin: str = ORIGIN, extra: str = "") -> str:
    """The signed note over a log."""
    root = tree_root([sha(b"\x00", one.encode()) for one in entries], join_hashes, sha())
    text = f"{origin}\n{len(entries)}\n{b64(root)}\n{extra}"
    return f"{text}\n" + "".join(signer.line(text) for signer in signers)


def proof(entries: Sequence[str], index: int, note: str) -> str:
    """A tlog-proof."""
    hashes = [sha(b"\x00", one.encode()) for one in entries]
    path = "".join(f"{b64(node)}\n" for node in tree_path(hashes, index, join_hashes))
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{note}"


def file_of(document: Any) -> bytes:
    return jcs(document) + b"\n"


def receipt(
    kind: str,
    receipt_id: str,
    body: Any,
    *,
    before: int = 6,
    after: int = 0,
    signers: Sequence[Signer] = (LOG,),
    world: str = "",
    origin: str = ORIGIN,
    extra: str = "",
    leaf: str = "",
    **attached: Any,
) -> dict[str, Any]:
    """A receipt with `before` entries before its own and `after` after it."""
    leaf = leaf or entry(kind, receipt_id, body)
    rest = fillers(before + after, world)
    entries = [*rest[:before], leaf, *rest[before:]]
    text = proof(entries, before, checkpoint(entries, signers, origin, extra))
    salt = salt_of(receipt_id).hex()
    return {
        "body": body, "leaf": leaf, "proof": text, "receipt_id": receipt_id, "salt": salt, "type": kind, "v": 2, **attached
    }  # fmt: skip


# An output
LINES = [
    {"credit_nanonats": 700_000_000, "rank": 1, "share_ppb": 600_000_000, "work_id": "wuthering"},
    {"credit_nanonats": 300_000_000, "rank": 2, "share_ppb": 250_000_000, "work_id": "w-ü"},
    {"credit_nanonats": 12_000_000, "rank": 3, "share_ppb": 1, "work_id": "=cmd|' /C calc'!A0 \u202eevil<b>"},
]


def line_salt(number: int) -> bytes:
    return salt_of(f"line {number}")


def line_nodes(lines: Sequence[Any] = LINES) -> list[bytes]:
    return [sha(b"\x00", line_salt(number), jcs(line)) for number, line in enumerate(lines)]


def run_body(lines: Sequence[Any] = LINES, **changes: Any) -> dict[str, Any]:
    """An output's document, whose lines are committed to one by one."""
    return {
        "attribution_sha256": sha(jcs(list(lines))).hex(),
        "lines_count": len(lines),
        "lines_root": tree_root(line_nodes(lines), join_hashes, sha()).hex(),
        "method": {"code_sha256": "ab" * 32, "id": "ek-fac-midpoint", "seed": 7, "version": "2"},
        "model": {"base_sha256": "cd" * 32, "full_sha256": "ef" * 32, "train_index": 2},
        "output_id": "output:1",
        "permissions": {"root": tree_root([sha(b"\x00", one.encode()) for one in fillers(4)], join_hashes).hex(), "size": 4},
        "unattributed_ppb": WHOLE - sum(int(line["share_ppb"]) for line in lines),
        **changes,
    }


def own_line(index: int, lines: Sequence[Any] = LINES) -> dict[str, Any]:
    """The attachment that one creator is given."""
    path = [node.hex() for node in tree_path(line_nodes(lines), index, join_hashes)]
    return {"index": index, "line": lines[index], "path": path, "salt": line_salt(index).hex()}


def all_lines(erased: Sequence[int] = (), lines: Sequence[Any] = LINES) -> list[Any]:
    """The attachment that an auditor is given."""
    nodes = line_nodes(lines)
    whole = [{"line": line, "salt": line_salt(number).hex()} for number, line in enumerate(lines)]
    return [{"hash": nodes[number].hex()} if number in erased else one for number, one in enumerate(whole)]


# A period
PART = {
    "allocated_micros": 800_000, "amount_micros": 900_000, "commons_micros": 100_000, "disputed_micros": 1,
    "suspense_micros": 300_000,
}  # fmt: skip
EUROS = {
    "breakage_micros": 60_000, "currency": "EUR", "earned_currency": "EUR", "kind": "earned", "parts": [PART],
    "pool_micros": 1_000_000, "rest_micros": 40_000, "source_micros": 1_000_000,
}  # fmt: skip
REFUND = {
    "breakage_micros": 0, "currency": "EUR", "earned_currency": "EUR", "kind": "refund", "parts": [], "pool_micros": -5,
    "rest_micros": -5, "source_micros": -5,
}  # fmt: skip
TOTAL = {
    "currency": "EUR", "levies_micros": 7, "operator_micros": 999_984, "pools_micros": 999_995, "revenue_micros": 1_999_996,
    "tax_micros": 10,
}  # fmt: skip


def place(kind: str, party: str, paid: int, taken: int, currency: str = "EUR", statement: str = "") -> dict[str, Any]:
    """One allocation of a period."""
    return {
        "currency": currency, "kind": kind, "paid_micros": paid, "party_id": party, "statement_sha256": statement,
        "taken_micros": taken,
    }  # fmt: skip


STATEMENT = b'{"statement_id":"2026-11:EUR:ada","total":"0.70"}'
PLACES = [
    place("payee", "ada", 700_000, 5, statement=hashlib.sha256(STATEMENT).hexdigest()),
    place("payee", "ben", 100_000, 0, statement="12" * 32),
    place("commons", "", 100_000, 0),
    place("breakage", "", 60_000, 0),
    place("rest", "", 40_000, 0),
]


def sum_nodes(places: Sequence[Any]) -> list[tuple[tuple[int, int, bytes], Any, bytes]]:
    """Leaves of the sum tree with their records and salts, in the order of their hashes."""
    made = []
    for one in places:
        salt = salt_of(f"{one['kind']} {one['party_id']}")
        amounts = one["paid_micros"].to_bytes(8, "big") + one["taken_micros"].to_bytes(8, "big")
        made.append(((one["paid_micros"], one["taken_micros"], sha(b"\x10", amounts, salt, jcs(one))), one, salt))
    return sorted(made, key=lambda leaf: leaf[0][2])


def sum_row(places: Sequence[Any] = PLACES, currency: str = "EUR") -> dict[str, Any]:
    """What the period's receipt says of one currency's sum tree."""
    paid, taken, root = tree_root([node for node, _, _ in sum_nodes(places)], join_sums, (0, 0, sha()))
    return {"count": len(places), "currency": currency, "paid_micros": paid, "root": root.hex(), "taken_micros": taken}


def own_sum(kind: str, party: str, places: Sequence[Any] = PLACES) -> dict[str, Any]:
    """The attachment that one payee is given."""
    nodes = sum_nodes(places)
    index = next(number for number, (_, one, _) in enumerate(nodes) if (one["kind"], one["party_id"]) == (kind, party))
    path = tree_path([node for node, _, _ in nodes], index, join_sums)
    steps = [{"hash": node[2].hex(), "paid_micros": node[0], "taken_micros": node[1]} for node in path]
    return {"currency": "EUR", "index": index, "leaf": nodes[index][1], "path": steps, "salt": nodes[index][2].hex()}


def period_body(part: Any = (), total: Any = (), **changes: Any) -> dict[str, Any]:
    """A period's close, cut down to what matters here, with something else in its first part, pool or total."""
    pools = [{**EUROS, "parts": [{**PART, **dict(part)}], **changes}, REFUND]
    body = {"period_id": "2026-11", "pools": pools, "statements_count": 2, "sums": [sum_row()]}
    return {**body, "totals": [{**TOTAL, **dict(total)}]}


# A payee's chain of statements
def statement_body(number: int, previous: int, **changes: Any) -> dict[str, Any]:
    """What the log is told of one statement."""
    return {
        "count": number, "currency": "EUR", "party_id": "ada", "period_id": f"2026-{number:02}", "previous": previous,
        "sha256": hashlib.sha256(STATEMENT).hexdigest(), "statement_id": f"2026-{number:02}:EUR:ada", **changes,
    }  # fmt: skip


def chain(*numbers: int) -> list[dict[str, Any]]:
    """One payee's statements under these numbers, in one log of twice as many entries, each naming the one before it."""
    entries: list[str] = []
    bodies = []
    for month, number in enumerate(numbers, 1):
        entries += fillers(1, f"{month}-")
        changes = {"statement_id": f"2026-{month:02}:EUR:ada"}
        body = statement_body(number, len(entries) - 2 if month > 1 else -1, **changes)
        entries.append(entry("statement", f"statement:{body['statement_id']}", body))
        bodies.append((len(entries) - 1, body))
    note = checkpoint(entries)
    made = []
    for index, body in bodies:
        one = receipt("statement", f"statement:{body['statement_id']}", body, before=0)
        made.append({**one, "proof": proof(entries, index, note)})
    return made

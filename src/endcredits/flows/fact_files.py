"""Facts as files: what the log's entries about recorded facts commit to, in files of many, one fact a line.

A receipt is handed to somebody, so each is a file of its own. A fact (a yes, a split, a registered work) is looked up by
whoever audits, and there are hundreds of thousands: one file holds what was added to the log together, of one type.

    facts/<position of the first, 12 digits>-<how many>.<type>.jsonl      line k is entry (first + k) of the log
    facts/pending                                                         what was about to be added when a process died

A line is canonical JSON (RFC 8785) with exactly the keys `body`, `fact_id`, `leaf`, `salt`; the leaf commits to the salt and
the body, and its subject to the salt and the id. Whatever is personal stands in the body, so erasing body and salt erases
it: such a line keeps `erased_at`, `known_as` (SHA-256 of the id, so that the fact is not logged anew) and `leaf`.

The order of writing is that of receipts: first `pending`, then the log's entries, then the files, then `pending` goes.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes, sha256_bytes, to_plain
from endcredits.errors import EndcreditsError, IntegrityError
from endcredits.ids import plain_id
from endcredits.receipts import Log
from endcredits.receipts.leaf import SALT_BYTES, Leaf, commitment, leaf_bytes, parse_leaf, subject_of

FOLDER = "facts"
PENDING = "pending"
_NAME = re.compile(r"([0-9]{12})-([0-9]+)\.([a-z0-9][a-z0-9._-]*)\.jsonl")


@dataclass(frozen=True, slots=True)
class Fact:
    """A recorded fact and the log's entry about it.

    Attributes:
        fact_id: type and key, such as "consent.state:permission:1f0c".
        type: such as "consent.state".
        body: the fact; None once it was erased.
        salt: 64 hex digits; "" once it was erased.
        leaf: the log's entry, canonical JSON.
        position: of the entry in the log, from 0; -1 before it is added.
        known_as: SHA-256 of the id, 64 hex digits.
    """

    fact_id: str
    type: str
    body: Mapping[str, Any] | None
    salt: str
    leaf: str
    position: int
    known_as: str


def make_fact(kind: str, key: str, body: Any, at: str) -> Fact:
    """A fact with a new salt and its leaf.

    Args:
        kind: the type.
        key: what tells it from all others of its type.
        body: a mapping or record of texts and whole numbers.
        at: UTC time for the entry.
    """
    fact_id = fact_id_of(kind, key)
    plain = to_plain(body, where=f"the fact '{fact_id}'")
    salt = secrets.token_bytes(SALT_BYTES)
    leaf = leaf_bytes(Leaf(commitment(salt, canonical_bytes(plain)), subject_of(salt, fact_id), at, kind))
    return Fact(fact_id, kind, plain, salt.hex(), leaf.decode(), -1, sha256_bytes(fact_id.encode()))


def fact_id_of(kind: str, key: str) -> str:
    """The id of a fact: a plain id of its type and key; a key that is none, or too long, stands as its SHA-256.

    >>> fact_id_of("work.register", "work:salt-road")
    'work.register:work:salt-road'
    """
    try:
        return plain_id(f"{kind}:{key}")
    except EndcreditsError:
        return f"{kind}:sha256/{sha256_bytes(key.encode())}"


def fact_line(fact: Fact) -> bytes:
    """A fact as a line of its file, without the line's end."""
    return canonical_bytes({"body": fact.body, "fact_id": fact.fact_id, "leaf": fact.leaf, "salt": fact.salt})


def read_line(data: bytes, position: int, where: Path, row: int) -> Fact:
    """A fact from its line, after checking that leaf, salt, body and id belong together.

    Raises:
        IntegrityError: it is not what was written.
    """
    try:
        plain = json.loads(data)
        if canonical_bytes(plain) != data:
            raise ValueError("it is not canonical JSON")
        leaf = parse_leaf(plain["leaf"].encode())
        if set(plain) == {"erased_at", "known_as", "leaf"}:
            return Fact("", leaf.type, None, "", plain["leaf"], position, plain["known_as"])
        if set(plain) != {"body", "fact_id", "leaf", "salt"}:
            raise ValueError("it has other fields")
        salt, fact_id = bytes.fromhex(plain["salt"]), plain["fact_id"]
        if commitment(salt, canonical_bytes(plain["body"])) != leaf.commit:
            raise ValueError("the log's entry commits to another body")
        if subject_of(salt, fact_id) != leaf.subject or not fact_id.startswith(f"{leaf.type}:"):
            raise ValueError("the log's entry is of another fact")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, EndcreditsError) as error:
        raise IntegrityError(
            f"the fact is not what was logged ({error})", remedy="Restore the file from your last copy.", file=where, row=row
        ) from error
    known_as = sha256_bytes(fact_id.encode())
    return Fact(fact_id, leaf.type, plain["body"], plain["salt"], plain["leaf"], position, known_as)


def counts(folder: Path) -> Counter[str]:
    """How many facts there are by type, told from the files' names."""
    found: Counter[str] = Counter()
    for _, number, kind, _ in _files(folder):
        found[kind] += number
    return found


def places_in(folder: Path) -> Iterator[int]:
    """The positions of all facts in the log, told from the files' names."""
    return (first + row for first, number, _, _ in _files(folder) for row in range(number))


def facts_in(folder: Path, kind: str = "") -> Iterator[Fact]:
    """All facts, or those of a type, by position.

    Raises:
        IntegrityError: a line is not what was written, or a file has not as many lines as its name says.
    """
    for first, number, of_kind, path in _files(folder):
        if kind in ("", of_kind):
            yield from _facts_of(path, first, number)


def facts_naming(folder: Path, kind: str, texts: Collection[str]) -> Iterator[Fact]:
    """The facts of a type in whose lines one of some texts stands, by position; other lines are not even parsed.

    Args:
        folder: the studio's.
        kind: the type.
        texts: plain ids, which no line spells in another way.

    Raises:
        IntegrityError: a line that holds one is not what was written.
    """
    wanted = [text.encode() for text in texts]
    for first, _, of_kind, path in _files(folder):
        if of_kind == kind and wanted:
            for row, line in enumerate(path.read_bytes().splitlines()):
                if any(text in line for text in wanted):
                    yield read_line(line, first + row, path, row + 1)


_ID = b',"fact_id":"'


def known_in(folder: Path, kind: str) -> set[str]:
    """By what the facts of a type are known (SHA-256 of their ids), without checking them: many times as fast as reading.

    In a line the id stands behind the body, and nothing behind it holds an unescaped quote, so its last place is the key's.
    """
    found = set()
    for _, _, of_kind, path in _files(folder):
        if of_kind == kind:
            for line in path.read_bytes().splitlines():
                start = line.rfind(_ID)
                if start < 0:
                    found.add(str(json.loads(line)["known_as"]))
                else:
                    start += len(_ID)
                    found.add(hashlib.sha256(line[start : line.index(b'"', start)]).hexdigest())
    return found


def last_fact(folder: Path, kind: str) -> Fact | None:
    """The fact of a type that was logged last; None when there is none."""
    own = [one for one in _files(folder) if one[2] == kind]
    if not own:
        return None
    first, number, _, path = own[-1]
    *_, last = _facts_of(path, first, number)
    return last


def _facts_of(path: Path, first: int, number: int) -> Iterator[Fact]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise durable.machine_error(error, path) from error
    if len(lines) != number:
        raise IntegrityError(
            f"the file has {len(lines)} facts and was written with {number}", remedy="Restore it.", file=path
        )
    for row, line in enumerate(lines):
        yield read_line(line, first + row, path, row + 1)


def _files(folder: Path) -> list[tuple[int, int, str, Path]]:
    """Position of the first, number, type and path of every file, by position."""
    found = []
    for path in (folder / FOLDER).glob("*.jsonl"):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append((int(match[1]), int(match[2]), match[3], path))
    return sorted(found)


def is_pending(folder: Path) -> bool:
    """Whether a process died between writing facts down and filing them."""
    return (folder / FOLDER / PENDING).exists()


def add_facts(folder: Path, log: Log, facts: Sequence[Fact]) -> None:
    """Adds facts to the log in one append, and files them; the caller holds the log for writing (`Log.writing`)."""
    if facts:
        lines = b"".join(fact_line(fact) + b"\n" for fact in facts)
        durable.write_atomic(folder / FOLDER / PENDING, lines)
        first = log.append([fact.leaf.encode() for fact in facts])
        _file(folder, first, facts)


def settle(folder: Path, log: Log) -> None:
    """Files what a killed process had added to the log, and forgets what it had not; the caller holds the log."""
    path = folder / FOLDER / PENDING
    if not path.exists():
        return
    facts = [read_line(line, -1, path, row) for row, line in enumerate(path.read_bytes().splitlines(), 1)]
    first = log.find(parse_leaf(facts[0].leaf.encode()).commit) if facts else None
    if first is not None:
        _file(folder, first, facts)
    else:
        path.unlink()


def _file(folder: Path, first: int, facts: Iterable[Fact]) -> None:
    for kind, group in groupby(facts, key=lambda fact: fact.type):
        own = list(group)
        name = f"{first:012d}-{len(own)}.{kind}.jsonl"
        durable.write_atomic(folder / FOLDER / name, b"".join(fact_line(fact) + b"\n" for fact in own))
        first += len(own)
    try:
        (folder / FOLDER / PENDING).unlink()
        durable.sync_folder(folder / FOLDER)
    except OSError as error:
        raise durable.machine_error(error, folder / FOLDER) from error

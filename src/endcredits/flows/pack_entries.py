"""The log of a published period against what the pack shows: every fact, every receipt, and that none is left out.

Every entry of the log names its type in clear. So whoever has the log can count: an entry about a hand-in of usage, a
permission or a split that the pack does not show was left out, and an entry about an output that is neither shown nor named
may be a second receipt for the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endcredits.canonical import canonical_bytes
from endcredits.errors import EndcreditsError, IntegrityError
from endcredits.flows import pack_files
from endcredits.flows.erasing_facts import KEPT_TYPES
from endcredits.flows.fact_files import Fact, read_line
from endcredits.flows.fact_kinds import INTAKE, KINDS, MODEL
from endcredits.flows.pack_files import PackOf, read_lines
from endcredits.receipts import Log, check_log, verify_receipt
from endcredits.receipts.erase import TYPE as ERASURE
from endcredits.receipts.erase import Erasure, parse_erasure
from endcredits.receipts.leaf import parse_leaf, subject_of
from endcredits.receipts.merkle import leaf_hash
from endcredits.receipts.note import open_checkpoint
from endcredits.receipts.receipt import parse_receipt
from endcredits.receipts.records import Receipt
from endcredits.receipts.sum_file import read_tree
from endcredits.receipts.sum_tree import SumNode
from endcredits.store import Finding

FACT_TYPES = frozenset({*(kind.type for kind in KINDS), INTAKE, MODEL})
RUN, PERIOD, STATEMENT = "run.receipt", "period.receipt", "statement"


@dataclass(slots=True)
class Entries:
    """What the entries of a pack's log are about, as far as the pack shows them.

    Attributes:
        log: the log.
        about: what the pack is of.
        vkey: the log's public key as the auditor has it; several lines after a change of keys.
        facts: by type, by position.
        outputs: positions of the receipts of outputs, by output.
        shown: one byte for every entry: 1 where the pack shows or names what it is about.
        erased: how many entries of a type are about something that was erased since.
        gone: these entries' hashes, with their types and where the pack says so.
    """

    log: Log
    about: PackOf
    vkey: str
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    shown: bytearray = field(default_factory=bytearray)
    erased: Counter[str] = field(default_factory=Counter)
    gone: list[tuple[str, str, str]] = field(default_factory=list)

    def erase(self, leaf: str, kind: str, where: str) -> None:
        """Notes an entry of which the pack says that what it was about was erased."""
        self.erased[kind] += 1
        self.gone.append((leaf_hash(leaf.encode()).hex(), kind, where))

    def holds(self, position: Any, leaf: str) -> bool:
        """Whether the log has this entry at a position."""
        if type(position) is not int or not 0 <= position < len(self.shown):
            return False
        return self.log.leaf_hash_at(position) == leaf_hash(leaf.encode())

    def of(self, kind: str) -> list[Fact]:
        """The facts of a type that have a body, by position."""
        return [fact for fact in self.facts.get(kind, []) if fact.body is not None]


def open_entries(folder: Path, about: PackOf, vkey: str) -> tuple[Entries | None, list[Finding]]:
    """Opens and checks the log of a pack.

    Args:
        folder: the pack.
        about: what it is of.
        vkey: the log's public key, as the auditor has it; several lines after a change of keys.
    """
    try:
        log = Log.open(folder / pack_files.LOG)
        checkpoint = log.checkpoint()
        try:
            open_checkpoint(checkpoint.note, vkey.split())  # the keys in the pack are the operator's word
        except IntegrityError:
            problem = "it is not signed by the key given: another log, a forged one, or one whose key was changed since"
            return None, [Finding("log", problem)]
        found = check_log(log)
        # The log may have grown between the beginning of publishing and the copy.
        if checkpoint.size < about.log_size or log.root_at(about.log_size).hex() != about.log_root:
            found.append(Finding("log", "it is not the log that the manifest names"))
        return Entries(log, about, vkey, shown=bytearray(checkpoint.size)), found
    except EndcreditsError as error:
        return None, [Finding(f"log {error.file or ''}".strip(), error.message)]


def check_older(entries: Entries, older: Sequence[str]) -> Iterator[Finding]:
    """That the log has grown from checkpoints that others kept; a log that was forked has not."""
    for note in older:
        for finding in check_log(entries.log, [note]):
            if "older checkpoint" in finding.where:
                yield Finding(finding.where, f"{finding.problem}: another log was shown to whoever kept it")


def read_facts(folder: Path, entries: Entries) -> Iterator[Finding]:
    """Reads the facts of a pack, and checks each against its entry, and all for one that is left out."""
    path = folder / pack_files.FACTS
    ids: dict[str, int] = {}
    for row, _, plain in read_lines(path):
        where = f"{pack_files.FACTS}, line {row}"
        try:
            position, leaf = plain.pop("position"), plain["leaf"]
            if plain.get("erased") is True:
                fact = Fact("", parse_leaf(leaf.encode()).type, None, "", leaf, position, "")
            else:
                fact = read_line(canonical_bytes(plain), position, path, row)
        except (EndcreditsError, KeyError, TypeError, AttributeError) as error:
            message = error.message if isinstance(error, EndcreditsError) else "it is not a fact"
            yield Finding(where, f"{_named(plain)}{message}")
            continue
        if not entries.holds(position, leaf):
            yield Finding(where, f"{_named(plain)}the log has no such entry at {position}")
            continue
        entries.shown[position] = 1
        if fact.body is None:
            entries.erase(leaf, fact.type, where)
        entries.facts.setdefault(fact.type, []).append(fact)
        if fact.fact_id and ids.setdefault(fact.fact_id, position) != position:
            yield Finding(where, f"'{fact.fact_id}' was logged twice, as entries {ids[fact.fact_id]} and {position}")
    for facts in entries.facts.values():
        facts.sort(key=lambda fact: fact.position)


def _named(plain: Any) -> str:
    name = plain.get("fact_id", "") if isinstance(plain, dict) else ""
    return f"'{name}': " if name else ""


def read_receipts(folder: Path, entries: Entries) -> Iterator[tuple[Receipt, dict[str, Any]] | Finding]:
    """The receipts of a pack that verify and stand in its log, each with its attachment; findings about the others."""
    for row, line, _ in read_lines(folder / pack_files.RECEIPTS):
        where = f"{pack_files.RECEIPTS}, line {row}"
        verdict = verify_receipt(line + b"\n", entries.vkey)
        if not verdict.verified:
            yield Finding(where, f"the receipt does not verify: {verdict.problem}")
            continue
        receipt, attached = parse_receipt(line + b"\n")
        place = f"receipt {receipt.receipt_id}"
        position = receipt.proof.leaf_index
        if not entries.holds(position, receipt.leaf):
            yield Finding(place, f"the log has no such entry at {position}: it is a receipt of another log")
            continue
        yield from _mark(entries, receipt.type, receipt.receipt_id, position, place)
        yield receipt, attached


def _mark(entries: Entries, kind: str, receipt_id: str, position: int, where: str) -> Iterator[Finding]:
    entries.shown[position] = 1
    if kind == RUN:
        first = entries.outputs.setdefault(receipt_id, position)
        if first != position:
            yield Finding(
                where, f"the log has two receipts for this output, entries {first} and {position}: one was re-issued"
            )


def read_others(folder: Path, entries: Entries) -> Iterator[Finding]:
    """Which outputs all other receipts are for; none may be for an output that has one already."""
    for row, _, plain in read_lines(folder / pack_files.OTHERS):
        where = f"{pack_files.OTHERS}, line {row}"
        try:
            position, leaf = plain["position"], plain["leaf"]
            parsed = parse_leaf(leaf.encode())
            named = not plain.get("erased")
            if named and subject_of(bytes.fromhex(plain["salt"]), plain["receipt_id"]) != parsed.subject:
                yield Finding(where, f"entry {position} is not about '{plain['receipt_id']}'")
                continue
        except (EndcreditsError, KeyError, TypeError, ValueError, AttributeError):
            yield Finding(where, "it names no entry of the log")
            continue
        if not entries.holds(position, leaf):
            yield Finding(where, f"the log has no such entry at {position}")
        elif named:
            yield from _mark(entries, parsed.type, plain["receipt_id"], position, f"receipt {plain['receipt_id']}")
        else:
            entries.shown[position] = 1
            entries.erase(leaf, parsed.type, where)


def check_erased(folder: Path, entries: Entries, receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """That the log has an erasure of everything that the pack calls erased: else it was left out under that name.

    Args:
        folder: the pack.
        entries: of its log, after reading facts, receipts and others.
        receipts: of the pack, erasures among them.
    """
    told: list[Erasure] = []
    for receipt in receipts:
        if receipt.type == ERASURE:
            try:
                told.append(parse_erasure(receipt.body))
            except EndcreditsError as error:
                yield Finding(f"receipt {receipt.receipt_id}", error.message)
    named, sums = {name for one in told for name in one.entries}, {name for one in told for name in one.sums}
    unnamed = "it is called erased here, and no erasure in the log names it: it was left out"
    for entry, kind, where in entries.gone:
        if kind in KEPT_TYPES:
            yield Finding(where, f"it is called erased here, and a '{kind}' is of the books, which nobody erases: left out")
        elif entry not in named:
            yield Finding(where, f"{unnamed} ('{kind}')")
    for path in sorted((folder / pack_files.CLOSE).rglob("sums/*.jsonl")):
        for number, row in enumerate(read_tree(path).rows, 1):
            if isinstance(row, SumNode) and row.hash not in sums:
                yield Finding(f"{path.relative_to(folder).as_posix()}, line {number}", unnamed)


def left_out(entries: Entries) -> Iterator[Finding]:
    """Entries that the pack should show and does not: facts up to the approval, and receipts of outputs."""
    for position, is_shown in enumerate(entries.shown):
        if not is_shown:
            kind = parse_leaf(entries.log.leaf_at(position)).type
            if kind in FACT_TYPES and position <= entries.about.approved_at:
                yield Finding(
                    f"entry {position} of the log", f"it is a '{kind}' from before the approval, and was left out here"
                )
            elif kind == RUN and position < entries.about.log_size:
                yield Finding(
                    f"entry {position} of the log", "it is an output's receipt that is neither shown nor named here"
                )


def steps_in_order(entries: Entries, steps: Sequence[Fact]) -> Iterator[Finding]:
    """That the steps of a period were logged in the order of their numbers, without a gap."""
    before = -1
    for number, fact in enumerate(sorted(steps, key=lambda one: one.body["number"] if one.body else 0), 1):
        assert fact.body is not None
        where = f"step {fact.body['number']} ({fact.body['step']}) of the period"
        if fact.body["number"] != number:
            yield Finding(where, f"the step {number} before it is not in the log")
            return
        if fact.position < before:
            yield Finding(
                where, f"it was logged as entry {fact.position}, before the step that it follows (entry {before}): reordered"
            )
        before = fact.position


def held_by_others(entries: Entries, folder: Path, receipts: Sequence[bytes]) -> Iterator[Finding]:
    """That receipts which others hold are the ones of the pack, or at least entries of the same log.

    Args:
        entries: of the pack's log, after reading receipts.
        folder: the pack.
        receipts: bytes of receipt files.
    """
    if not receipts:
        return
    ours = {plain.get("receipt_id"): plain for _, _, plain in read_lines(folder / pack_files.RECEIPTS)}
    for number, data in enumerate(receipts, 1):
        verdict = verify_receipt(data, entries.vkey)
        if not verdict.verified:
            yield Finding(f"receipt {number} that was given", f"it does not verify: {verdict.problem}")
            continue
        receipt, _ = parse_receipt(data)
        where, index = f"receipt {receipt.receipt_id}", receipt.proof.leaf_index
        if not entries.holds(index, receipt.leaf):
            problem = f"somebody holds it as entry {index} of the log, and the log here has another entry there"
            yield Finding(where, f"{problem}: two logs were shown")
        same = ours.get(receipt.receipt_id)
        if same is not None and canonical_bytes(same["body"]) != canonical_bytes(receipt.body):
            yield Finding(where, "somebody holds one of another content than the one here: it was re-issued")

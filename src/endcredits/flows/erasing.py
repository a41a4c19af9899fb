"""Somebody asks to be forgotten: what can be erased is, at once and for good, and what must stay is said in words.

An output's erasure takes its whole receipt with all its lines, and what disclosed it. A person's takes every line of the
works that are theirs alone, the receipts of their statements, the facts that are about them alone, and their places in the
periods' sum trees. In all of these body, id and salt go, so that the log's entries become noise; log and all other proofs
stand to the byte.

The books stay. Money was divided and paid by what stands in them, and the law asks to keep them for years; rows are only
ever added here. Whoever erases sees in the plan what goes and what remains, and why.

    plan = plan_party(studio, "party:1f0c...")     looks only
    erase(studio, plan)                            enters the erasure into the log, then carries it out
    resume(studio)                                 goes on where a crash stopped it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from endcredits.errors import ConflictError, NotFoundError
from endcredits.flows.clock import now
from endcredits.flows.erasing_facts import (
    entry_of_fact,
    erase_facts,
    erase_proof_files,
    erase_sums,
    erased_facts,
    erased_sums,
    facts_of,
    sums_of,
)
from endcredits.flows.media_codes import disclosures_of, forget_erased
from endcredits.flows.studio import Studio
from endcredits.receipts import Receipt, find_tombstone, load_lines, load_receipt, readable_receipts, receipt_path
from endcredits.receipts.chain import TYPE as STATEMENT
from endcredits.receipts.erase import Erasure, all_erased, carry_out, entry_of, erasures, record_erasure
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.lines import COUNT, lines_path
from endcredits.receipts.log import Log
from endcredits.receipts.tombstone import tombstone_path, tombstones
from endcredits.store import Finding
from endcredits.works import Work, parties, works

HANDED_OUT = "Receipts and proofs that were handed out before, and your own backups: no program can call them back."
OUTPUT_BOOKS = (
    "The row of its attribution in the books (digests of output and prompt, credits by work): money is divided by it, and "
    "books are kept as long as the law asks."
)
PARTY_BOOKS = (
    "The person's name, splits, statements, journal entries and payments in the books, and the files of closed periods: "
    "they are kept as long as the law on books asks, often six to ten years."
)
SHARED = "Lines and facts of works in which others have a part: they are the others' proof, too. Works: {}."
MANY = "Facts that name several people at once, such as batches of payments and steps of a period."


@dataclass(frozen=True, slots=True)
class Plan:
    """What an erasure would take, and what it would leave.

    Attributes:
        about: the output's or the person's id.
        receipts: ids of receipts that go whole.
        lines: places of lines that go, by the id of their receipt.
        facts: hashes of the entries of facts that go.
        sums: hashes of leaves in sum trees that go.
        remains: what stays, in words.
    """

    about: str
    receipts: tuple[str, ...] = ()
    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()

    @property
    def lines_count(self) -> int:
        """How many lines go."""
        return sum(map(len, self.lines.values()))


def plan_output(studio: Studio, output_id: str) -> Plan:
    """What erasing an output would take.

    Raises:
        NotFoundError: it has no receipt.
        ConflictError: it was erased.
        IntegrityError: its receipt is damaged.
    """
    path = receipt_path(studio.receipts, output_id)
    if not path.exists():
        if (stone := find_tombstone(studio.log_to_read(), studio.receipts, output_id)) is not None:
            raise ConflictError(f"'{output_id}' was erased on {stone.erased_at[:10]}", remedy="Nothing is left to do.")
        raise NotFoundError(f"there is no receipt '{output_id}'", remedy="See: endcredits receipt list", field="receipt_id")
    receipt = load_receipt(path)
    if receipt.type != "run.receipt":
        raise ConflictError(
            f"'{output_id}' is a receipt of the type {receipt.type}, which many people's proofs hang on",
            remedy="Erase an output, or a person: endcredits receipt erase --party ID.",
        )
    return Plan(output_id, (output_id, *disclosures_of(studio, output_id)), remains=(OUTPUT_BOOKS, HANDED_OUT))


def plan_party(studio: Studio, party_id: str) -> Plan:
    """What erasing a person would take.

    Raises:
        NotFoundError: there is no such party.
        IntegrityError: a receipt or a file is damaged.
    """
    with studio.store.reading() as conn:
        people, catalogue = frozenset(parties(conn)), works(conn)
    if party_id not in people:
        raise NotFoundError(
            f"there is no party '{party_id}'", remedy="See their ids: endcredits works parties", field="--party"
        )
    parts = {
        work.work_id: {credit.party_id for credit in work.credits} | {split.party_id for split in work.splits}
        for work in catalogue
    }
    own = frozenset(str(work_id) for work_id, named in parts.items() if named == {party_id})
    files = _files(work for work in catalogue if work.work_id in own)
    files -= _files(work for work in catalogue if work.work_id not in own)
    shared = sorted(work_id for work_id, named in parts.items() if party_id in named and len(named) > 1)
    statements: list[str] = []
    lines: dict[str, frozenset[int]] = {}
    for receipt in readable_receipts(studio.receipts):
        if receipt.type == STATEMENT and receipt.body.get("party_id") == party_id:
            statements.append(receipt.receipt_id)
        elif COUNT in receipt.body and (places := _places(studio, receipt, own)):
            lines[receipt.receipt_id] = places
    facts = [entry_of_fact(fact) for fact in facts_of(studio, party_id, own, files, frozenset(map(str, people)))]
    remains = [PARTY_BOOKS, *([SHARED.format(", ".join(shared))] if shared else []), MANY, HANDED_OUT]
    return Plan(
        party_id, tuple(statements), lines, tuple(facts), tuple(dict.fromkeys(sums_of(studio, party_id))), tuple(remains)
    )


def _files(works: Iterable[Work]) -> frozenset[str]:
    return frozenset(file.sha256 for work in works for file in work.manifestations)


def _places(studio: Studio, receipt: Receipt, own: frozenset[str]) -> frozenset[int]:
    kept = load_lines(lines_path(studio.receipts, receipt.receipt_id), receipt.receipt_id)
    found = (place for place, one in enumerate(kept) if one.line is not None and one.line.get("work_id") in own)
    return frozenset(found)


def erase(studio: Studio, plan: Plan) -> tuple[str, ...]:
    """Erases, after entering the erasure into the log. Returns the ids of its receipts; none where nothing is left.

    Raises:
        IntegrityError: the log or a file is damaged.
        ConflictError: another process keeps writing to the log for too long.
        MachineError: writing failed; `resume` goes on.
    """
    log = studio.log()
    with log.writing():
        entries = {entry_of(_receipt(studio, one)) for one in plan.receipts}
        lines = {entry_of(_receipt(studio, one)): places for one, places in plan.lines.items()}
        erasure = Erasure(frozenset(entries | set(plan.facts)), lines, frozenset(plan.sums))
        receipts = record_erasure(log, studio.receipts, erasure, now()) if erasure else []
        _carry_out(studio, log, [*plan.receipts, *plan.lines])
    return tuple(receipt.receipt_id for receipt in receipts)


def _receipt(studio: Studio, receipt_id: str) -> Receipt:
    return load_receipt(receipt_path(studio.receipts, receipt_id))


def resume(studio: Studio) -> int:
    """Finishes what a crash kept from being erased. Returns how many files were changed or removed."""
    log = studio.log()
    with log.writing():
        return _carry_out(studio, log, None)


def _carry_out(studio: Studio, log: Log, known: Iterable[str] | None) -> int:
    changed = carry_out(log, studio.receipts, known)
    times = {entry: one.body["erased_at"] for one in erasures(studio.receipts) for entry in one.body["entries"]}
    facts = {entry: at for entry, at in times.items() if not tombstone_path(studio.receipts, bytes.fromhex(entry)).exists()}
    changed += erase_facts(studio, facts) if facts else 0
    gone = all_erased(studio.receipts)
    changed += erase_sums(studio, gone.sums)
    if gone.sums or any(parse_leaf(stone.leaf.encode()).type == STATEMENT for stone in tombstones(studio.receipts)):
        changed += erase_proof_files(studio, gone.entries, gone.sums)
    return changed + bool(forget_erased(studio))


def check_erasures(studio: Studio) -> Iterator[Finding]:
    """That facts and places in sum trees are gone where an erasure names them, and nowhere else."""
    named = all_erased(studio.receipts)
    for what, (gone, stand), told in (
        ("fact", erased_facts(studio), named.entries),
        ("place in a sum tree", erased_sums(studio), named.sums),
    ):
        for one in sorted(gone - told):
            yield Finding(f"{what} {one[:16]}", "it was taken away, and no erasure in the log says so")
        for one in sorted(stand & told):
            yield Finding(f"{what} {one[:16]}", "its erasure is not finished; finish it: endcredits receipt erase --resume")


def notes(studio: Studio) -> list[str]:
    """What was erased on which day, in words: it is missing, and not damaged. A damaged receipt is for the check to name."""
    days: dict[str, Counter[str]] = {}
    for receipt in erasures(studio.receipts, readable=True):
        day, body = days.setdefault(receipt.body["erased_at"][:10], Counter()), receipt.body
        day["entries"] += len(body["entries"])
        day["lines"] += sum(len(row["places"]) for row in body["lines"])
        day["places in sum trees"] += len(body["sums"])
    one = {"entries": "entry", "lines": "line", "places in sum trees": "place in sum trees"}
    return [
        f"Erased on {day}: "
        + ", ".join(f"{number} {what if number > 1 else one[what]}" for what, number in sorted(found.items()) if number)
        + "."
        for day, found in sorted(days.items())
    ]

"""The money of a published period, computed again: the close, every statement to the byte, the sums and the receipts.

The close is divided again by the simple program (`royalties.close`; above a size, a sample of works by it). Statements are
made again from the close, from names that the log commits to, and from what stood in the books, and compared as bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from endcredits.canonical import canonical_bytes, digest, sha256_bytes, to_plain
from endcredits.errors import EndcreditsError
from endcredits.flows import pack_files
from endcredits.flows.booking import Names, entries_of, statements_of
from endcredits.flows.kept_sums import check_sums, published, read_sums
from endcredits.flows.pack_entries import STATEMENT, Entries
from endcredits.flows.stood import before_of
from endcredits.flows.stood_records import Stood
from endcredits.flows.sums import leaves_of, signed_sums
from endcredits.ledger import JournalEntry
from endcredits.money import format_micros
from endcredits.payouts import Statement, parse_statement, statement_json
from endcredits.payouts.earned import earned_lines
from endcredits.receipts.chain import link_of
from endcredits.receipts.leaf import parse_leaf
from endcredits.receipts.records import Receipt
from endcredits.royalties import PeriodClose
from endcredits.royalties.documents import record_of
from endcredits.royalties.lines import read_lines, read_work_lines
from endcredits.store import Finding

NAMED_MAX = 5


def read_stood(folder: Path) -> tuple[Stood, str]:
    """What stood in the books before the close, and the day on which statements were issued.

    Raises:
        IntegrityError: it is not what was written.
    """
    path = folder / pack_files.STOOD
    plain = pack_files.read_plain(path.read_bytes(), path)
    try:
        return record_of(Stood, plain["stood"]), str(plain["issued_on"])
    except (KeyError, TypeError) as error:
        raise EndcreditsError(f"what stood in the books cannot be read ({error})", file=path) from error


def made_again(
    close: PeriodClose, close_digest: str, folder: Path, stood: Stood, issued_on: str, names: Names
) -> tuple[dict[str, Statement], list[JournalEntry]]:
    """The statements of a period by id, and the journal entries of the close, both computed again.

    Args:
        close: the close.
        close_digest: of its document.
        folder: holds its tables.
        stood: in the books before it.
        issued_on: day of issue.
        names: of parties and works.

    Raises:
        EndcreditsError: something that a statement needs is missing or does not fit.
    """
    before = before_of(stood, close, folder)
    entries = entries_of(close, folder, before)
    earned = earned_lines(read_lines(folder), read_work_lines(folder))
    made = statements_of(close, close_digest, folder, before, entries, issued_on, names, earned)
    return {one.statement_id: one for one in made}, [one for one in entries if one is not None]


def check_statements(folder: Path, made: Mapping[str, Statement]) -> tuple[dict[str, Statement], list[Finding]]:
    """Holds the statements of a pack against those made again; returns those of the pack by id."""
    found: dict[str, Statement] = {}
    findings: list[Finding] = []
    for path in sorted((folder / pack_files.STATEMENTS).glob("*.json")):
        where = f"{pack_files.STATEMENTS}/{path.name}"
        data = path.read_bytes()
        try:
            statement = parse_statement(data)
        except (EndcreditsError, UnicodeDecodeError) as error:
            findings.append(Finding(where, str(getattr(error, "message", error))))
            continue
        if statement.statement_id in found:
            findings.append(Finding(where, f"'{statement.statement_id}' stands here twice"))
        found[statement.statement_id] = statement
        right = made.get(statement.statement_id)
        if statement.version > 1:
            findings += _later(where, statement, found)
        elif right is None:
            problem = f"nothing is owed to '{statement.payee}' in {statement.currency}: an invented payee or statement"
            findings.append(Finding(where, problem))
        elif statement_json(right).encode() != data:
            findings += [Finding(where, problem) for problem in _differences(statement, right)]
    for statement_id, right in made.items():
        if statement_id not in found:
            money = format_micros(right.summary.closing_micros, right.currency)
            problem = f"it follows from the close ('{right.payee}', closing {money}) and is not here: withheld"
            findings.append(Finding(f"statement {statement_id}", problem))
    return found, findings


def _later(where: str, statement: Statement, found: Mapping[str, Statement]) -> Iterator[Finding]:
    """A later version corrects words, and no money."""
    same = [
        one
        for one in found.values()
        if (one.party_id, one.currency, one.version) == (statement.party_id, statement.currency, statement.version - 1)
    ]
    if same and (same[0].summary, same[0].control_micros) != (statement.summary, statement.control_micros):
        yield Finding(where, f"version {statement.version} says other money than version {statement.version - 1}")


def _differences(statement: Statement, right: Statement) -> Iterator[str]:
    """What a statement says otherwise than it should, by field; of lines the first few."""
    theirs, ours = to_plain(statement), to_plain(right)
    for number, (where, stated, computed) in enumerate(_unlike("", theirs, ours)):
        if number == NAMED_MAX:
            yield "and more of it differs"
            return
        yield f"it says {where} {_short(stated)}, and what it follows from gives {_short(computed)}"


def _unlike(where: str, stated: Any, computed: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(stated, dict) and isinstance(computed, dict) and set(stated) == set(computed):
        for key in sorted(stated):
            yield from _unlike(f"{where}.{key}" if where else key, stated[key], computed[key])
    elif isinstance(stated, list) and isinstance(computed, list) and len(stated) == len(computed):
        for number, (one, other) in enumerate(zip(stated, computed, strict=True)):
            yield from _unlike(f"{where}[{number}]", one, other)
    elif stated != computed:
        yield where, stated, computed


def _short(value: Any) -> str:
    text = canonical_bytes(value).decode()
    return text if len(text) <= 100 else f"{text[:97]}..."


def check_period_receipt(
    receipt: Receipt,
    close: PeriodClose,
    close_digest: str,
    folder: Path,
    entries: Iterable[JournalEntry],
    statements: Mapping[str, Statement],
) -> Iterator[Finding]:
    """That the receipt of the period says what was computed, and that its sum trees are over all of it."""
    digests = {(str(one.party_id), one.currency): sha256_bytes(statement_json(one).encode()) for one in _first(statements)}
    leaves = leaves_of(close, signed_sums(folder), digests)
    yield from check_sums(folder, leaves)
    expected = {
        "period_id": close.period_id,
        "starts_on": close.starts_on,
        "ends_on": close.ends_on,
        "close_digest": close_digest,
        "policy": close.policy,
        "policy_digest": close.policy_digest,
        "frozen": dict(close.frozen),
        "lines_digest": close.lines_digest,
        "work_lines_digest": close.work_lines_digest,
        "entry_digests": [digest(entry) for entry in entries],
        "totals": close.totals,
        "pools": close.pools,
        "adjusted": close.adjusted,
        "statements_count": len(digests),
        "sums": published(read_sums(folder, leaves)),
    }
    for name in sorted({*expected, *receipt.body}):
        if name not in expected or name not in receipt.body:
            yield Finding(f"receipt {receipt.receipt_id}", f"it has other fields than the receipt of a period ({name})")
        elif canonical_bytes(receipt.body[name]) != canonical_bytes(to_plain(expected[name])):
            words = name.replace("_", " ")
            yield Finding(f"receipt {receipt.receipt_id}", f"it says another {words} than what was computed from the pack")


def _first(statements: Mapping[str, Statement]) -> Iterator[Statement]:
    return (one for one in statements.values() if one.version == 1)


def check_chain(
    entries: Entries, receipts: Iterable[Receipt], statements: Mapping[str, Statement], before: Mapping[tuple[str, str], int]
) -> Iterator[Finding]:
    """That every statement has a receipt of its own bytes, and follows the payee's one before.

    Args:
        entries: of the log.
        receipts: of statements.
        statements: of the pack, by id.
        before: position of the last receipt in the pack before, by party and currency; empty where that is not given.
    """
    seen = set()
    for receipt in receipts:
        where = f"receipt {receipt.receipt_id}"
        try:
            link = link_of(receipt.body)
        except EndcreditsError as error:
            yield Finding(where, error.message)
            continue
        seen.add(link.statement_id)
        statement = statements.get(link.statement_id)
        if statement is None:
            yield Finding(where, f"'{link.statement_id}' was issued and is not here: withheld")
        elif sha256_bytes(statement_json(statement).encode()) != link.sha256:
            yield Finding(where, "it is of other bytes than the statement here, which was changed after it was issued")
        elif (statement.party_id, statement.currency, statement.period_id) != (link.party_id, link.currency, link.period_id):
            yield Finding(where, "it is of another payee, currency or period than the statement")
        position = receipt.proof.leaf_index
        if link.previous >= 0 and (
            link.previous >= position or parse_leaf(entries.log.leaf_at(link.previous)).type != STATEMENT
        ):
            yield Finding(where, f"the entry {link.previous} that it names as the one before is no statement before it")
        last = before.get((link.party_id, link.currency))
        if last is not None and link.previous != last:
            yield Finding(where, f"it follows entry {link.previous}, and the statement of the period before is entry {last}")
    missing = sorted(set(statements) - seen)
    for statement_id in missing if len(missing) > entries.erased[STATEMENT] else ():
        yield Finding(f"statement {statement_id}", "the log has no receipt of it")

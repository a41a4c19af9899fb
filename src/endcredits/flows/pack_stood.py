"""What a published period says stood in the books before it, held against the log and against the period before.

Balances and payments are the operator's word. Contracts and batches of payments have entries in the log; and a balance that
is carried over must be what the period before closed with, which its pack shows to whoever kept it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from endcredits.canonical import canonical_bytes
from endcredits.flows import pack_files
from endcredits.flows.fact_kinds import BATCH, SETTLED
from endcredits.flows.pack_catalogue import Told
from endcredits.flows.pack_entries import STATEMENT, Entries
from endcredits.flows.stood import PAYMENTS
from endcredits.flows.stood_records import Stood
from endcredits.ids import PartyId, WorkId
from endcredits.money import format_micros
from endcredits.payouts import parse_statement
from endcredits.receipts.chain import link_of
from endcredits.receipts.receipt import parse_receipt
from endcredits.royalties import PAYABLE_PREFIX
from endcredits.store import Finding


def names(folder: Path, told: Told, *, erased: bool) -> tuple[dict[PartyId, str], dict[WorkId, str]]:
    """The names of parties and the titles of works as the log's facts tell them.

    Where facts were erased, those that are missing are taken from the statements themselves: nobody can check them any more.

    Args:
        folder: the pack.
        told: by the facts.
        erased: whether any were.
    """
    people: dict[PartyId, str] = {}
    titles: dict[WorkId, str] = {}
    for path in sorted((folder / pack_files.STATEMENTS).glob("*.json")) if erased else ():
        statement = parse_statement(path.read_bytes())
        people[statement.party_id] = statement.payee
        titles.update({line.work_id: line.title for line in statement.lines})
    return people | dict(told.parties), titles | {work_id: work.title for work_id, work in told.works.items()}


def check_stood(stood: Stood, told: Told) -> Iterator[Finding]:
    """That the contracts are those that the log commits to."""
    if canonical_bytes(stood.contracts) != canonical_bytes(told.contracts):
        named = sorted({one.contract_id for one in (*stood.contracts, *told.contracts)})
        yield Finding("contracts", f"those applied are not those in the log ({', '.join(named)[:200]})")


def check_payments(stood: Stood, entries: Entries) -> Iterator[Finding]:
    """That every payment by a batch is one that the log has: of this payee, in this amount, in a batch that was sent."""
    batches = {fact.body["batch_id"]: fact.body["payments"] for fact in entries.of(BATCH) if fact.body is not None}
    sent = {
        fact.body["batch_id"] for fact in entries.of(SETTLED) if fact.body is not None and fact.body.get("state") == "sent"
    }
    for one in stood.moved:
        payment, where = one.payment, f"payment to {one.party_id}"
        if payment.rail == PAYMENTS["payout:sent:"]:
            money = format_micros(payment.amount_micros, one.currency)
            own = [
                each["gross_micros"]
                for each in batches.get(payment.reference, ())
                if (each["party_id"], each["currency"]) == (one.party_id, one.currency)
            ]
            if sum(own) != payment.amount_micros or payment.reference not in sent:
                problem = f"{money} of {payment.paid_on} by '{payment.reference}' is not what the log has of that batch"
                yield Finding(where, problem)


def carried(folders: Iterable[Path], stood: Stood, note: Callable[[Iterable[Finding]], None]) -> dict[tuple[str, str], int]:
    """Holds the opening balances against what the period before closed with, where its pack is given.

    Args:
        folders: packs of earlier periods.
        stood: in the books before this close.
        note: told about findings.

    Returns:
        The position of every payee's last statement in the pack of the period before, by party and currency.
    """
    last = stood.days[-1].period_id if stood.days else ""
    for folder in folders:
        about, _ = pack_files.read_manifest(folder)
        if about.period_id == last:
            note(_openings(folder, stood))
            return _last_links(folder)
    return {}


def _openings(folder: Path, stood: Stood) -> Iterator[Finding]:
    moved: Counter[tuple[str, str]] = Counter()
    for one in stood.moved:
        moved[one.party_id, one.currency] += one.payment.amount_micros
    opening = Counter(moved)
    for balance in stood.balances:
        if balance.account.startswith(PAYABLE_PREFIX):
            opening[balance.account.removeprefix(PAYABLE_PREFIX), balance.currency] -= balance.amount_micros
    closed: dict[tuple[str, str], int] = {}
    for path in sorted((folder / pack_files.STATEMENTS).glob("*.json")):
        statement = parse_statement(path.read_bytes())
        closed[statement.party_id, statement.currency] = statement.summary.closing_micros
    for party_id, currency in sorted({*opening, *closed}):
        before, now = closed.get((party_id, currency), 0), opening[party_id, currency]
        if before != now:
            told = f"the period before closed with {format_micros(before, currency)}"
            yield Finding(f"balance of {party_id}", f"{told}, and this one opens with {format_micros(now, currency)}")


def _last_links(folder: Path) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for _, line, plain in pack_files.read_lines(folder / pack_files.RECEIPTS):
        if plain.get("type") == STATEMENT:
            receipt, _ = parse_receipt(line + b"\n")
            link = link_of(receipt.body)
            key = (link.party_id, link.currency)
            found[key] = max(found.get(key, (0, -1)), (link.count, receipt.proof.leaf_index))
    return {key: position for key, (_, position) in found.items()}

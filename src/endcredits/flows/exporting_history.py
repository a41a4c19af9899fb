"""Models, outputs and money on the desk of an archive: what is the creator's own of each, and what proves it.

Of an output's lines only the creator's own leave, each in the output's receipt with its salt and its path, or, where the
creator has many lines in one output, all of them in one receipt in which everybody else's are bare hashes. A statement of
money leaves to the byte as it was issued, with its receipt. A payee's place in a period's sums stays: its path shows sums
that may be one other payee's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from itertools import islice
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution, attributions_of
from endcredits.attribution.book import attributed_ids
from endcredits.attribution.records import Line
from endcredits.canonical import sha256_bytes
from endcredits.errors import NotFoundError
from endcredits.flows.exporting_desk import Desk
from endcredits.flows.studio import Studio
from endcredits.flows.trained_on_models import read_models
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import balances
from endcredits.payouts import Statement, statement_csv, statement_json, statements_for_party
from endcredits.receipts import Log, fresh, load_receipt, receipt_bytes, receipt_path
from endcredits.receipts.chain import receipt_id_of
from endcredits.receipts.handing_out import with_lines
from endcredits.receipts.lines import KeptLine, erased, line_path, plain_lines
from endcredits.receipts.names import receipt_name
from endcredits.royalties.accounts import payable_account
from endcredits.royalties.contracts import all_contracts
from endcredits.royalties.disputes import disputes
from endcredits.works import Party

OUTPUTS_AT_ONCE = 20
"""An output may have a line for each of ten thousand works."""
LINES_ALONE = 8
"""Own lines in one output up to which each gets a file of its own."""
OUTPUT_COLUMNS = (
    "output_id", "work_id", "rank", "share_ppb", "credit_nanonats", "error_nanonats", "output_sha256", "method",
    "index_digest", "reliability_ppb", "receipt",
)  # fmt: skip
MONEY_COLUMNS = (
    "statement_id", "period_id", "starts_on", "ends_on", "currency", "version", "opening_micros", "paid_micros",
    "earned_micros", "adjustments_micros", "held_micros", "closing_micros", "payable_micros", "statement", "receipt",
)  # fmt: skip


def lay_out_models(desk: Desk, studio: Studio, work_ids: AbstractSet[WorkId]) -> tuple[set[str], list[str]]:
    """Lays out which models learnt from which of some works, since when, and by which statement.

    Returns:
        The models' indexes, for their proofs, and what nobody can say any more, in words.
    """
    rows, found = desk.rows("history/trained-on.json"), set[str]()
    known = read_models(studio)
    for model in known.models:
        for work_id in sorted(work_ids & model.works.keys()):
            found.add(model.index_digest)
            rows.add(
                {
                    "work_id": work_id,
                    "index_digest": model.index_digest,
                    "model_sha256": model.facts.get("full_sha256", ""),
                    "corpus_digest": model.corpus_digest,
                    "permission_id": model.works[work_id],
                    "was_read": work_id not in model.never_read,
                    "bytes_max": model.bytes_max,
                    "log_entry": model.log_entry,
                    "logged_at": model.logged_at,
                }
            )
    return found, [f"whether a model learnt from your works: {words}" for words in known.unread]


def lay_out_outputs(conn: Connection, desk: Desk, studio: Studio, log: Log, work_ids: Collection[str]) -> list[str]:
    """Lays out every output that credited one of some works: the own lines, and the receipts that prove them.

    Returns:
        What proves nothing any more, or not yet, in words.
    """
    missing = []
    rows, flat = desk.rows("history/outputs.json"), desk.table("history/outputs.csv", OUTPUT_COLUMNS)
    for one in _each_attribution(conn):
        own = [line for line in one.lines if line.share_ppb > 0 and line.work_id in work_ids]
        if not own:
            continue
        try:
            proven = _lay_out_receipts(desk, studio, log, one, {line.work_id for line in own})
        except NotFoundError as error:
            missing.append(f"the receipt of {one.output_id}: {error.message}")
            proven = {}
        for line in own:
            record = _output_row(one, line, proven.get(line.work_id, ""))
            if not record["receipt"] and proven:
                missing.append(f"the line of {line.work_id} in {one.output_id}: it was erased")
            rows.add(record)
            flat.add(record)
    return missing


def _each_attribution(conn: Connection) -> Iterator[Attribution]:
    """Everything that was ever attributed, by output id, few at a time."""
    left = attributed_ids(conn)
    while chosen := list(islice(left, OUTPUTS_AT_ONCE)):
        found = attributions_of(conn, chosen)
        yield from (found[output_id] for output_id in chosen)


def _output_row(one: Attribution, line: Line, receipt: str) -> dict[str, Any]:
    return {
        "output_id": one.output_id,
        "work_id": line.work_id,
        "rank": line.rank,
        "share_ppb": line.share_ppb,
        "credit_nanonats": line.credit_nanonats,
        "error_nanonats": line.error_nanonats,
        "output_sha256": one.output_sha256,
        "method": one.method,
        "index_digest": one.index_digest,
        "reliability_ppb": one.reliability_ppb,
        "receipt": receipt,
    }


def _lay_out_receipts(desk: Desk, studio: Studio, log: Log, one: Attribution, own: set[str]) -> dict[str, str]:
    """The receipts of an output with own lines alone: name of the entry by work.

    Raises:
        NotFoundError: there is no receipt, or no lines of it.
    """
    receipt, kept = with_lines(studio.receipts, one.output_id)
    receipt = fresh(log, receipt)
    places = {str(line.line["work_id"]): at for at, line in enumerate(kept) if line.line is not None}
    places = {work_id: at for work_id, at in places.items() if work_id in own}
    named = f"history/receipts/{receipt_name(one.output_id)}"
    if len(places) > LINES_ALONE:
        shown: list[KeptLine] = [line if at in places.values() else erased(line) for at, line in enumerate(kept)]
        desk.put(f"{named}.lines.json", receipt_bytes(receipt, lines=plain_lines(shown)))
        return dict.fromkeys(places, f"{named}.lines.json")
    found = {}
    for work_id, at in sorted(places.items()):
        line = {"index": at, "line": kept[at].line, "path": line_path(kept, at), "salt": kept[at].salt}
        found[work_id] = f"{named}.{sha256_bytes(work_id.encode())[:16]}.json"
        desk.put(found[work_id], receipt_bytes(receipt, line=line))
    return found


def lay_out_money(conn: Connection, desk: Desk, studio: Studio, log: Log, party_id: PartyId) -> list[str]:
    """Lays out a payee's statements, to the byte as they were issued, their receipts, and the payee's contracts.

    Returns:
        Proofs that are not here any more, or not yet, in words.
    """
    missing = []
    rows, flat = desk.rows("money/statements.json"), desk.table("money/statements.csv", MONEY_COLUMNS)
    for one in statements_for_party(conn, party_id):
        named = f"{receipt_name(one.period_id)}-{one.currency.lower()}-v{one.version}"
        desk.put(f"money/statements/{named}.json", statement_json(one).encode())
        desk.put(f"money/statements/{named}.tsv", statement_csv(one).encode())
        proof = ""
        try:
            receipt = fresh(log, load_receipt(receipt_path(studio.receipts, receipt_id_of(one.statement_id))))
            proof = f"money/receipts/{named}.json"
            desk.put(proof, receipt_bytes(receipt))
        except NotFoundError:
            missing.append(f"the receipt of {one.statement_id}: it was erased, or never issued")
        record = {**_money_row(one), "statement": f"money/statements/{named}.json", "receipt": proof}
        rows.add(record)
        flat.add(record)
    contracts = desk.rows("money/contracts.json")
    for contract in all_contracts(conn):
        if contract.party_id == party_id:
            contracts.add(contract)
    owed = desk.rows("money/balances.json")
    account = payable_account(party_id)
    for (name, currency), micros in balances(conn, account).items():
        if name == account:
            owed.add({"currency": currency, "owed_micros": -micros})
    return missing


def lay_out_disputes(conn: Connection, desk: Desk, party: Party, work_ids: Collection[str]) -> None:
    """Lays out disputes about some works: the creator's own with their words, others' with their days and outcome."""
    rows = desk.rows("money/disputes.json")
    for one in disputes(conn):
        own = one.claimant in (party.party_id, party.name)
        if own:
            rows.add({**asdict(one), "own": True})
        elif one.work_id in work_ids:
            days = {"opened_at": one.opened_at, "closed_at": one.closed_at, "outcome": one.outcome}
            rows.add({"dispute_id": one.dispute_id, "work_id": one.work_id, **days, "own": False})


def _money_row(one: Statement) -> dict[str, Any]:
    names = [name for name in MONEY_COLUMNS if name.endswith("_micros")]
    about = {
        name: getattr(one, name) for name in ("statement_id", "period_id", "starts_on", "ends_on", "currency", "version")
    }
    return {**about, **{name: getattr(one.summary, name) for name in names}}

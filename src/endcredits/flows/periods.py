"""A closed period shows itself to the world: statements in every form, the journal, pictures, and the period's receipt.

Closing itself is `closing`. Here files are written from what is recorded, and written again when some are missing: they hold
nothing that is not in the books or in the close's folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.attribution import attributions_of
from endcredits.canonical import digest
from endcredits.errors import NotFoundError
from endcredits.flows import closing
from endcredits.flows.attributing import complete_receipts
from endcredits.flows.clock import now
from endcredits.flows.kept_sums import keep_sums, published
from endcredits.flows.period_proofs import PROOF_FILES_MAX, must_be_whole, places, proofs
from endcredits.flows.statement_receipts import issue_statements
from endcredits.flows.studio import Studio
from endcredits.flows.sums import expected_leaves
from endcredits.flows.versions import correction_id, versions
from endcredits.ids import OutputId, slug
from endcredits.ledger import JournalEntry, entries, export_beancount, export_hledger
from endcredits.payouts import (
    Payee,
    Statement,
    WorkName,
    statement_csv,
    statement_json,
    statements_for_period,
)
from endcredits.payouts.heads import heads_for_period
from endcredits.payouts.pictures.flow import money_flow
from endcredits.payouts.pictures.flow_svg import flow_html
from endcredits.payouts.render import statement_html, statement_markdown
from endcredits.progress import Progress, silent
from endcredits.receipts import Item, Receipt, finish, issue, load_receipt, receipt_path
from endcredits.receipts.sum_tree import SumRoot
from endcredits.royalties import BookedClose, PeriodClose, Policy, find_close, steps_of
from endcredits.royalties.frozen import table_path
from endcredits.royalties.lines import read_lines
from endcredits.works import parties, works

OUTPUTS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A closed period with what followed from it.

    Attributes:
        close: the allocation.
        close_digest: of it.
        entry_id: the journal entry, "" when nothing was earned.
        statements: one per payee and currency.
        receipt: of the period.
        folder: where the statements' files are.
        tables: where the close's tables and its frozen inputs are.
        was_closed: whether it had been closed before this call.
    """

    close: PeriodClose
    close_digest: str
    entry_id: str
    statements: tuple[Statement, ...]
    receipt: Receipt
    folder: Path
    tables: Path
    was_closed: bool


def close(
    studio: Studio,
    period_id: str,
    *,
    starts_on: str = "",
    ends_on: str = "",
    policy: Policy | None = None,
    by: str = "",
    progress: Progress = silent,
) -> ClosedPeriod:
    """Proposes, computes, approves and publishes a period, once. Asking again with the same policy returns the same close.

    Raises:
        InputError: the name or the days cannot be used, there is no usage in the period, or its last day is not over.
        ConflictError: it is closed under another policy or other days, a later period is closed, another process won, or the
            policy asks for four eyes: then one proposes and another approves.
        IntegrityError: the log of receipts is missing, or two computations differ.
    """
    closing.propose(
        studio,
        period_id,
        starts_on=starts_on,
        ends_on=ends_on,
        policy=policy,
        by=by,
        progress=progress,
    )
    was_closed = closing.approve(studio, period_id, by=by)
    return publish(studio, period_id, was_closed=was_closed)


def approve(studio: Studio, period_id: str, *, by: str = "", expected_digest: str = "") -> ClosedPeriod:
    """Approves a proposed close and publishes it; see `closing.approve`."""
    was_closed = closing.approve(studio, period_id, by=by, expected_digest=expected_digest)
    return publish(studio, period_id, was_closed=was_closed)


def publish(studio: Studio, period_id: str, *, was_closed: bool, only_missing: bool = False) -> ClosedPeriod:
    """Writes what a closed period shows to the world: statements, journal exports, pictures, receipt.

    With `only_missing` a receipt that is there is not asked for again, so that readers need neither the log's key nor
    their turn at writing to it.
    """
    with studio.store.reading() as conn:
        booked = find_close(conn, period_id)
        assert booked is not None
        issued = statements_for_period(conn, period_id)
        journal = entries(conn)
        tables = closing.close_folder(studio, closing.proposed_step(steps_of(conn, period_id)))
        pictures = list(picture_files(studio, conn, booked.close, tables))
    for path, data in [*period_files(studio, booked, issued, journal), *pictures]:
        _write(path, data)
    folder = period_folder(studio, period_id)
    if not only_missing:
        _complete(studio, tables)  # a period's receipt comes after those of its outputs
    receipt = _receipt(studio, booked, tables, journal, only_missing=only_missing)
    issue_statements(studio, period_id)
    if not only_missing:
        finish(studio.log(), studio.receipts)  # drafts whose receipts a crash kept from being tidied up
    if len(issued) <= PROOF_FILES_MAX:
        for name, data in proofs(studio.receipts, tables, receipt.receipt_id, issued, statement_name):
            _write(folder / name, data)
    return ClosedPeriod(
        booked.close, booked.close_digest, booked.entry_id or "", issued, receipt, folder, tables, was_closed
    )


def _receipt(
    studio: Studio, booked: BookedClose, tables: Path, journal: Sequence[JournalEntry], *, only_missing: bool
) -> Receipt:
    """The period's receipt, issued where it is not there. Its sum trees are kept before it is drafted, and never after."""
    name = receipt_id_of(booked.close.period_id)
    path = receipt_path(studio.receipts, name)
    if only_missing and path.exists():
        return load_receipt(path)
    log = studio.log()
    with studio.store.reading() as conn:
        leaves = expected_leaves(conn, booked.close, tables)
        count = statements_count(conn, booked.close.period_id)
    trees = keep_sums(tables, leaves, issued=path.exists() or log.find_name(name) is not None)
    item = Item(name, "period.receipt", period_body(booked, count, published(trees), journal))
    (receipt,) = issue(log, studio.receipts, [item], now())
    return receipt


def statements_count(conn: Connection, period_id: str) -> int:
    """How many payees have a statement for a period, once per currency; later versions of one are not counted again."""
    return sum(head.version == 1 for head in heads_for_period(conn, period_id))


def _write(path: Path, data: bytes) -> None:
    if not path.exists() or path.read_bytes() != data:
        durable.write_atomic(path, data)


def _complete(studio: Studio, tables: Path) -> None:
    """Issues receipts of the period's outputs that a crash kept from being issued."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(table_path(tables / "frozen", "outputs")) as source:
        for batch in source.iter_batches(OUTPUTS_AT_ONCE, columns=["output_id"]):
            ids = [OutputId(one) for one in batch.column(0).to_pylist()]
            missing = [one for one in ids if not receipt_path(studio.receipts, one).exists()]
            if missing:
                with studio.store.reading() as conn:
                    found = attributions_of(conn, missing)
                complete_receipts(studio, found.values())


def period_folder(studio: Studio, period_id: str) -> Path:
    """Where a period's files are; two periods never share a folder."""
    return studio.path / "statements" / closing.period_name(period_id)


def period_files(
    studio: Studio, booked: BookedClose, issued: Iterable[Statement], journal: Sequence[JournalEntry]
) -> Iterator[tuple[Path, bytes]]:
    """A closed period's files: its statements in four forms, and the journal as it stood when it was booked.

    Args:
        studio: whose folder they lie in.
        booked: the close.
        issued: its statements.
        journal: all entries, in the order of posting; those after the period's own are left out, so that later periods
            change nothing here. A period that earned nothing booked nothing and has no journal.
    """
    folder = period_folder(studio, booked.close.period_id)
    for statement in issued:
        name = statement_name(statement)
        yield folder / f"{name}.json", statement_json(statement).encode()
        yield folder / f"{name}.csv", statement_csv(statement).encode()
        yield folder / f"{name}.md", statement_markdown(statement).encode()
        yield folder / f"{name}.html", statement_html(statement).encode()
    keys = (f"close:{booked.close.period_id}", f"settle:{booked.close.period_id}")
    position = max((number for number, entry in enumerate(journal) if entry.idempotency_key in keys), default=None)
    if position is not None:
        yield folder / "journal.hledger", export_hledger(journal[: position + 1]).encode()
        yield folder / "journal.beancount", export_beancount(journal[: position + 1]).encode()


def picture_files(studio: Studio, conn: Connection, close: PeriodClose, tables: Path) -> Iterator[tuple[Path, bytes]]:
    """Where a closed period's money went, as one page per currency.

    Args:
        studio: whose folder they lie in.
        conn: for the names of parties and works.
        close: what was closed.
        tables: the folder of its lines.
    """
    names = {party_id: Payee(party.name) for party_id, party in parties(conn).items()}
    titles = {work.work_id: WorkName(work.title) for work in works(conn)}
    for currency in sorted({pool.currency for pool in close.pools}):
        flow = money_flow(close, read_lines(tables), titles, names, currency)
        yield period_folder(studio, close.period_id) / f"money-flow-{currency}.html", flow_html(flow).encode()


def period_body(booked: BookedClose, count: int, sums: Sequence[SumRoot], journal: Sequence[JournalEntry]) -> dict[str, Any]:
    """What a period's receipt says: sums and digests, and no name in plain words.

    Args:
        booked: the close.
        count: of its statements, without later versions.
        sums: roots of its sum trees, by currency, under which every statement's digest stands.
        journal: holds the entries that booked it.
    """
    close = booked.close
    posted = {entry.idempotency_key: entry for entry in journal}
    keys = [f"{what}:{close.period_id}" for what in ("close", "settle")]
    return {
        "period_id": close.period_id,
        "starts_on": close.starts_on,
        "ends_on": close.ends_on,
        "close_digest": booked.close_digest,
        "policy": close.policy,
        "policy_digest": close.policy_digest,
        "frozen": dict(close.frozen),
        "lines_digest": close.lines_digest,
        "work_lines_digest": close.work_lines_digest,
        "entry_digests": [digest(posted[key]) for key in keys if key in posted],
        "totals": close.totals,
        "pools": close.pools,
        "adjusted": close.adjusted,
        "statements_count": count,
        "sums": list(sums),
    }


def proofs_of(studio: Studio, period_id: str, issued: Sequence[Statement]) -> Iterator[tuple[str, bytes]]:
    """What proves some statements of a closed period, by file name, made when it is asked for.

    Each gets its receipt and its payee's place in the period, and one more in every correction of the period. What is there
    is given out before what is missing is named.

    Raises:
        NotFoundError: a statement's proof was erased.
        IntegrityError: a receipt or a sum tree is not what was written.
    """
    with studio.store.reading() as conn:
        first, *corrections = versions(studio, conn, period_id)
    names = set()
    for name, data in proofs(studio.receipts, first.folder, receipt_id_of(period_id), issued, statement_name):
        names.add(name)
        yield name, data
    firsts = [one for one in issued if one.version == 1]
    for version in corrections:
        for one, data in places(studio.receipts, version.folder, correction_id(version), firsts):
            yield f"{statement_name(one)}.correction-{version.number}.json", data
    must_be_whole(names, issued, statement_name)


def receipt_id_of(period_id: str) -> str:
    """The id of a period's receipt."""
    return f"period:{period_id}"


def find_period(studio: Studio, period_id: str) -> ClosedPeriod:
    """A closed period, with its files and receipt complete.

    Raises:
        NotFoundError: it is not closed.
    """
    with studio.store.reading() as conn:
        _must_be_closed(conn, period_id)
    return publish(studio, period_id, was_closed=True, only_missing=True)


def _must_be_closed(conn: Connection, period_id: str) -> None:
    if find_close(conn, period_id) is None:
        raise NotFoundError(
            f"the period '{period_id}' is not closed", remedy="Close it: endcredits period close.", field="period"
        )


def statement_name(statement: Statement) -> str:
    """File name of a statement, without its suffix: readable, and different for different payees."""
    return f"{slug(statement.payee)}-{statement.currency}-{digest(statement.party_id)[:8]}"

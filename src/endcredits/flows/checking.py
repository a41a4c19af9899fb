"""Checking everything: the books, the works, the attributions, the index, the log, the receipts, and that they agree.

Each room re-verifies its own tables and files. This walk adds what no room can see alone: that receipts say what the
books say, that closes can be computed again from their inputs to the same bytes, and that statements' files are the
recorded ones. Any one changed byte that matters is found here and named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution import Attribution, attributions, check_attributions
from endcredits.canonical import canonical_bytes, digest, to_plain
from endcredits.errors import EndcreditsError
from endcredits.flows.indexing import CORPUS, index_folders
from endcredits.flows.periods import statement_name
from endcredits.flows.studio import Studio
from endcredits.ids import slug
from endcredits.influence import check_index
from endcredits.ledger import check_books, find_by_id
from endcredits.payouts import (
    Statement,
    check_payouts,
    statement_html,
    statement_json,
    statement_markdown,
    statements_for_period,
)
from endcredits.progress import Progress, silent
from endcredits.receipts import Receipt, check_log, check_receipts, load_receipt, receipt_path, receipts_in
from endcredits.royalties import BookedClose, check_royalties, closes, replay_close, usage
from endcredits.store import Finding
from endcredits.works import check_works, works

STAGES = ("database file", "works", "attributions", "books", "royalties", "statements", "index", "log", "receipts")


def check_studio(studio: Studio, progress: Progress = silent) -> list[Finding]:
    """Re-verifies a studio; an empty list means that everything fits."""
    findings: list[Finding] = []
    for number, stage in enumerate(STAGES):
        progress("check", number, len(STAGES))
        try:
            findings.extend(_stage(studio, stage))
        except EndcreditsError as error:
            findings.append(Finding(error.file or stage, error.message))
    progress("check", len(STAGES), len(STAGES))
    return list(dict.fromkeys(findings))


def _stage(studio: Studio, stage: str) -> list[Finding]:
    if stage == "index":
        return list(_indexes(studio))
    if stage == "log":
        return check_log(studio.log())
    if stage == "receipts":
        return check_receipts(studio.receipts, studio.log()) + list(_receipts_agree(studio))
    with studio.store.reading() as conn:
        if stage == "database file":
            return list(_database_file(studio, conn))
        if stage == "works":
            return check_works(conn, studio.content)
        if stage == "attributions":
            return check_attributions(conn)
        if stage == "books":
            return check_books(conn)
        if stage == "royalties":
            return check_royalties(conn) + list(_replays(conn))
        return check_payouts(conn) + list(_statement_files(studio, conn))


def _database_file(studio: Studio, conn: Connection) -> Iterator[Finding]:
    """What SQLite itself says of its file; a server keeps page checksums of its own."""
    if conn.dialect.name != "sqlite":
        return
    for problem in conn.scalars(sa.text("PRAGMA integrity_check(20)")):
        if problem != "ok":
            yield Finding(f"database file {studio.store.url}", str(problem))


def _replays(conn: Connection) -> Iterator[Finding]:
    by_output = {attribution.output_id: attribution for attribution in attributions(conn)}
    registered = {work.work_id: work for work in works(conn)}
    for booked in closes(conn):
        events = usage(conn, booked.close.starts_on, booked.close.ends_on)
        yield from replay_close(booked.close, events, by_output, registered)


def _statement_files(studio: Studio, conn: Connection) -> Iterator[Finding]:
    for booked in closes(conn):
        folder = studio.path / "statements" / slug(booked.close.period_id)
        for statement in statements_for_period(conn, booked.close.period_id):
            for suffix, text in _statement_texts(statement):
                path = folder / f"{statement_name(statement)}.{suffix}"
                if not path.exists():
                    yield Finding(f"statement {path}", "the file is missing; close the period again to write it")
                elif path.read_bytes() != text.encode():
                    yield Finding(f"statement {path}", "the file is not what was recorded")


def _statement_texts(statement: Statement) -> Sequence[tuple[str, str]]:
    return (
        ("json", statement_json(statement)),
        ("md", statement_markdown(statement)),
        ("html", statement_html(statement)),
    )


def _indexes(studio: Studio) -> Iterator[Finding]:
    for folder in index_folders(studio):
        for problem in check_index(folder):
            yield Finding(f"influence index {folder.name}", problem)
        try:
            json.loads((folder / CORPUS).read_bytes())
        except (OSError, ValueError) as error:
            yield Finding(f"influence index {folder.name}", f"{CORPUS} cannot be read ({error})")


def _receipts_agree(studio: Studio) -> Iterator[Finding]:
    """That every recorded output and close has its receipt, and every receipt says what is recorded."""
    with studio.store.reading() as conn:
        recorded = {attribution.output_id: attribution for attribution in attributions(conn)}
        booked = {f"period:{close.close.period_id}": close for close in closes(conn)}
        for name in [*recorded, *booked]:
            if not receipt_path(studio.receipts, name).exists():
                yield Finding(f"receipt {name}", "it was never issued; run the command again that records it")
        for receipt in _readable(studio.receipts):
            attribution = recorded.get(receipt.receipt_id)  # type: ignore[call-overload]
            if receipt.type == "run.receipt":
                yield from _output_agrees(studio, receipt, attribution)
            elif receipt.receipt_id in booked:
                yield from _period_agrees(conn, receipt, booked[receipt.receipt_id])
            else:
                yield Finding(f"receipt {receipt.receipt_id}", "there is no close of this period in the books")


def _readable(folder: Path) -> Iterator[Receipt]:
    for path in sorted(folder.glob("*.json")):
        try:
            yield load_receipt(path)
        except EndcreditsError:
            continue  # check_receipts names it


def _output_agrees(studio: Studio, receipt: Receipt, attribution: Attribution | None) -> Iterator[Finding]:
    where = f"receipt {receipt.receipt_id}"
    if attribution is None:
        yield Finding(where, "there is no attribution of this output in the books")
        return
    if canonical_bytes(receipt.body["attribution"]) != canonical_bytes(attribution):
        yield Finding(where, "the books say something else about this output")
    corpora = {}
    for folder in index_folders(studio):
        try:
            record = json.loads((folder / CORPUS).read_bytes())
            corpora[digest(record["manifest"])] = record["catalogue_digest"]
        except (OSError, ValueError, KeyError, EndcreditsError):
            continue  # _indexes names it
    if corpora.get(receipt.body["corpus_digest"]) != receipt.body["catalogue_digest"]:
        yield Finding(where, "no index here was built from the corpus that it names")


def _period_agrees(conn: Connection, receipt: Receipt, booked: BookedClose) -> Iterator[Finding]:
    where = f"receipt {receipt.receipt_id}"
    entry = find_by_id(conn, booked.entry_id) if booked.entry_id else None
    issued = statements_for_period(conn, booked.close.period_id)
    expected = {
        "close_digest": booked.close_digest,
        "policy": to_plain(booked.close.policy),
        "entry_digest": digest(entry) if entry is not None else "",
        "statements": [{"statement_id": s.statement_id, "sha256": digest(s)} for s in issued],
    }
    for name, value in expected.items():
        if receipt.body.get(name) != value:
            yield Finding(where, f"the books say something else about its {name.replace('_', ' ')}")


def count_receipts(studio: Studio) -> int:
    """How many receipts the studio holds."""
    return len(receipts_in(studio.receipts))

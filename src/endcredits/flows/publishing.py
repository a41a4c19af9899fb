"""Publishing a closed period: everything that an auditor needs to compute it again, in one folder, and nothing else.

What is in the folder is listed in `pack_files`; `auditing_period` is the other side. Nothing is computed here that the close
had not computed: inputs, tables, documents and receipts are copied, and what stood in the books is asked as it was then. The
pack names payees and amounts, so it is for auditors under a duty of confidence, and not for the public: the log is public.

Publishing may be killed and run again. It fixes how far the log reaches at its beginning, writes every file whole or not at
all, passes over those that are there, and lists them last.
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from endcredits import durable
from endcredits.attribution import attributions_of, document_of
from endcredits.canonical import canonical_bytes, to_plain
from endcredits.errors import ConflictError, IntegrityError, NotFoundError
from endcredits.flows import closing, fact_log, pack_files
from endcredits.flows.fact_files import Fact, facts_in
from endcredits.flows.fact_kinds import STEP
from endcredits.flows.index_files import index_folders, read_corpus
from endcredits.flows.pack_files import BEGUN, FORMAT, PackOf, write_lines, write_manifest
from endcredits.flows.pack_readme import readme
from endcredits.flows.pack_reports import write_reports
from endcredits.flows.periods import receipt_id_of, statement_name
from endcredits.flows.stood import stood_before
from endcredits.flows.studio import Studio
from endcredits.ids import OutputId
from endcredits.influence import read_manifest as read_index
from endcredits.payouts import documents_for_period, parse_statement
from endcredits.progress import Progress, silent
from endcredits.receipts import each_receipt, load_lines, load_receipt, receipt_bytes, receipt_path
from endcredits.receipts.erase import erasures
from endcredits.receipts.lines import lines_path, plain_lines
from endcredits.receipts.tombstone import tombstones
from endcredits.royalties import BookedClose, find_close, standing, steps_of
from endcredits.royalties.frozen import table_path

OUTPUTS_AT_ONCE = 500
STAGES = ("log", "facts", "close", "books", "reports", "attributions", "receipts", "statements")


def publish_period(studio: Studio, period_id: str, into: Path, *, progress: Progress = silent) -> PackOf:
    """Writes a closed period's pack, or finishes one that was begun, or finds it finished.

    Args:
        studio: whose.
        period_id: a closed period.
        into: a new or empty folder, or the same pack's.
        progress: told about the stages.

    Raises:
        NotFoundError: the period is not closed.
        ConflictError: the folder holds something else.
        IntegrityError: something of the period is damaged or missing.
        MachineError: the disk is full; run the same again.
    """
    with studio.store.reading() as conn:
        booked = find_close(conn, period_id)
    if booked is None:
        raise NotFoundError(
            f"the period '{period_id}' is not closed", remedy="Close it: endcredits period close.", field="PERIOD"
        )
    fact_log.complete(studio)
    about, finished = _about(studio, booked, into)
    if finished:
        return about
    stages = [_log, _facts, _close, _books, _reports, _attributions, _receipts, _statements]
    for number, stage in enumerate(stages):
        progress("publish", number, len(stages))
        stage(studio, booked, about, into)
    durable.write_atomic(into / pack_files.README, readme(about, booked.close).encode())
    write_manifest(into, about)
    (into / BEGUN).unlink(missing_ok=True)
    progress("publish", len(stages), len(stages))
    return about


def _about(studio: Studio, booked: BookedClose, into: Path) -> tuple[PackOf, bool]:
    """What the pack in a folder is of, as fixed when it was begun, and whether it is finished."""
    if (into / pack_files.MANIFEST).exists():
        found, _ = pack_files.read_manifest(into)
        if (found.period_id, found.close_digest) == (booked.close.period_id, booked.close_digest):
            return found, True
    elif (into / BEGUN).exists():
        path = into / BEGUN
        found = PackOf(**pack_files.read_plain(path.read_bytes(), path))
        if (found.period_id, found.close_digest) == (booked.close.period_id, booked.close_digest):
            return found, False
    elif not into.exists() or not any(into.iterdir()):
        checkpoint = studio.log_to_read().checkpoint()
        approved = _approved_at(studio, booked.close.period_id)
        about = PackOf(
            FORMAT, booked.close.period_id, studio.origin, checkpoint.size, checkpoint.root, approved, booked.close_digest
        )
        durable.write_atomic(into / BEGUN, canonical_bytes(asdict(about)))
        return about, False
    raise ConflictError("the folder holds something else", remedy="Name a new or empty folder.", file=into, field="--out")


def _approved_at(studio: Studio, period_id: str) -> int:
    """The position of the last entry about the steps that led to the approval; entries up to it are published."""
    steps = [one for one in facts_in(studio.path, STEP) if one.body is not None and one.body["period_id"] == period_id]
    for fact in steps:
        assert fact.body is not None
        if fact.body["step"] == "approved":
            number = fact.body["number"]
            return max(one.position for one in steps if one.body is not None and one.body["number"] <= number)
    raise IntegrityError(f"the log has no entry about the approval of '{period_id}'", remedy="Restore the folder facts/.")


def _log(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    """The log's static files. Its writer waits meanwhile, so that they are of one moment."""
    log = studio.log()
    with log.writing():
        for path in sorted(log.folder.rglob("*")):
            if path.is_file() and path.name != ".lock" and not path.name.endswith(durable.PARTIAL):
                _copy(path, into / pack_files.LOG / path.relative_to(log.folder))
    durable.write_atomic(into / pack_files.VKEY, "".join(f"{vkey}\n" for vkey in log.vkeys).encode())


def _copy(path: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}{durable.PARTIAL}")
        shutil.copyfile(path, partial)
        partial.replace(target)
    except OSError as error:
        raise durable.machine_error(error, target) from error


def _facts(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    write_lines(
        into / pack_files.FACTS, (_fact_line(one) for one in facts_in(studio.path) if one.position <= about.approved_at)
    )


def _fact_line(fact: Fact) -> dict[str, Any]:
    if fact.body is None:
        return {"erased": True, "leaf": fact.leaf, "position": fact.position}
    body = fact.body
    return {"body": body, "fact_id": fact.fact_id, "leaf": fact.leaf, "position": fact.position, "salt": fact.salt}


def _close(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    folder = _tables(studio, booked)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != ".lock" and not path.name.endswith(durable.PARTIAL):
            _copy(path, into / pack_files.CLOSE / path.relative_to(folder))


def _tables(studio: Studio, booked: BookedClose) -> Path:
    with studio.store.reading() as conn:
        return closing.close_folder(studio, closing.proposed_step(steps_of(conn, booked.close.period_id)))


def _books(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    with studio.store.reading() as conn:
        stood = stood_before(conn, booked.close)
        approved = standing(steps_of(conn, booked.close.period_id), "approved")
        assert approved is not None
    document = {"issued_on": approved.at[:10], "stood": to_plain(stood)}
    durable.write_atomic(into / pack_files.STOOD, canonical_bytes(document))


def _reports(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    write_reports(studio, booked, into / pack_files.REPORTS)


def _output_ids(close: Path) -> Iterator[str]:
    """The outputs that a close depends on, each once, in order: its own, and those of closed periods that it adjusts."""
    folders = [close / "frozen", *sorted(close.glob("adjusted/*/frozen"))]
    last = ""
    for output_id in heapq.merge(*map(_outputs_of, folders)):
        if output_id != last:
            yield output_id
        last = output_id


def _outputs_of(folder: Path) -> Iterator[str]:
    with pq.ParquetFile(table_path(folder, "outputs")) as source:
        for batch in source.iter_batches(OUTPUTS_AT_ONCE, columns=["output_id"]):
            yield from batch.column(0).to_pylist()


def _attributions(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    indexes: set[str] = set()

    def documents() -> Iterator[dict[str, Any]]:
        ids = _output_ids(into / pack_files.CLOSE)
        with studio.store.reading() as conn:
            while chunk := [OutputId(one) for one in islice(ids, OUTPUTS_AT_ONCE)]:
                found = attributions_of(conn, chunk)
                for output_id in chunk:
                    indexes.add(found[output_id].index_digest)
                    yield document_of(found[output_id])

    write_lines(into / pack_files.ATTRIBUTIONS, documents())
    for folder in index_folders(studio):
        manifest, manifest_digest = read_index(folder)
        if manifest_digest in indexes:
            record = read_corpus(folder)
            models = {name: manifest.facts[name] for name in ("base_sha256", "full_sha256", "code_sha256")}
            document = {"index_digest": manifest_digest, "manifest": record["manifest"], **models}
            durable.write_atomic(into / pack_files.INDEXES / f"{manifest_digest}.json", canonical_bytes(document))


def _receipts(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    own = [*_of_period(studio, booked)]
    erased = [one.receipt_id for one in erasures(studio.receipts)]
    write_lines(into / pack_files.RECEIPTS, _receipt_lines(studio, [*own, *erased], into))
    shown = {*own, *_output_ids(into / pack_files.CLOSE)}
    write_lines(into / pack_files.OTHERS, _other_lines(studio, shown))


def _of_period(studio: Studio, booked: BookedClose) -> Iterator[str]:
    """The ids of the receipts of a period and of its statements, as far as there are any."""
    with studio.store.reading() as conn:
        documents = [parse_statement(one) for one in documents_for_period(conn, booked.close.period_id)]
    for name in [receipt_id_of(booked.close.period_id), *(f"statement:{one.statement_id}" for one in documents)]:
        if receipt_path(studio.receipts, name).exists():
            yield name


def _receipt_lines(studio: Studio, own: Iterable[str], into: Path) -> Iterator[bytes]:
    for name in own:
        yield receipt_bytes(load_receipt(receipt_path(studio.receipts, name))).removesuffix(b"\n")
    for output_id in _output_ids(into / pack_files.CLOSE):
        path = receipt_path(studio.receipts, output_id)
        if path.exists():  # one that was erased is told in others.jsonl
            lines = plain_lines(load_lines(lines_path(studio.receipts, output_id), output_id))
            yield receipt_bytes(load_receipt(path), lines=lines).removesuffix(b"\n")


def _other_lines(studio: Studio, shown: set[str]) -> Iterator[dict[str, Any]]:
    for receipt in each_receipt(studio.receipts):
        if receipt.type == "run.receipt" and receipt.receipt_id not in shown:
            index = receipt.proof.leaf_index
            yield {"leaf": receipt.leaf, "position": index, "receipt_id": receipt.receipt_id, "salt": receipt.salt}
    for stone in tombstones(studio.receipts):
        yield {"erased": True, "leaf": stone.leaf, "position": stone.proof.leaf_index}


def _statements(studio: Studio, booked: BookedClose, about: PackOf, into: Path) -> None:
    with studio.store.reading() as conn:
        for document in documents_for_period(conn, booked.close.period_id):
            statement = parse_statement(document)
            later = "" if statement.version == 1 else f"-v{statement.version}"
            path = into / pack_files.STATEMENTS / f"{statement_name(statement)}{later}.json"
            durable.write_atomic(path, document.encode())

"""An output arrives and its end credits roll: measure, record, issue a receipt.

Outputs are taken in small batches; each batch is recorded before the next is measured, so a killed run resumes where it
stopped, and an output that was attributed before is not measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from endcredits.attribution import (
    Attribution,
    attribution_of,
    attributions,
    document_of,
    find_attribution,
    output_id_of,
    record,
)
from endcredits.errors import IntegrityError
from endcredits.flows import fact_log, reporting
from endcredits.flows.admissions import read_admission
from endcredits.flows.audit_log import latest_calibration
from endcredits.flows.clock import now
from endcredits.flows.index_files import IndexFacts, intact_indexes
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.media_codes import keep_codes
from endcredits.flows.output_bodies import Stands, output_body
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.influence.replay.calibration import Calibration
from endcredits.progress import Progress, silent
from endcredits.receipts import Item, Log, Receipt, find_tombstone, finish, issue, receipt_path
from endcredits.works import Party, Work, parties, works

BATCH = 32


@dataclass(frozen=True, slots=True)
class GivenOutput:
    """An output to be attributed.

    Attributes:
        text: its bytes.
        prompt: the bytes before it, which are not attributed.
        label: what the caller calls it ("line 3"), for people.
    """

    text: bytes
    prompt: bytes = b""
    label: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """The names behind the ids, to show an attribution to people."""

    works: dict[WorkId, Work]
    parties: dict[PartyId, Party]


def attribute(
    studio: Studio, index: OpenIndex, outputs: Sequence[GivenOutput], *, progress: Progress = silent
) -> list[Attribution]:
    """Attributes outputs, records them and issues their receipts.

    Credits are corrected by the calibration of the index that stands in the log; what was attributed before stays as it is.
    Usage that was reported earlier and waits for one of these outputs is taken now.

    Returns:
        One attribution per output, in their order.

    Raises:
        InputError: an output cannot be measured.
        IntegrityError: the log of receipts is missing or damaged.
        ConflictError: another process kept issuing receipts for longer than a writer waits; run the same again.
    """
    done: list[Attribution] = []
    log = studio.log()  # first of all: without it nothing could be proven, so nothing is recorded
    calibration = latest_calibration(studio, index.index.digest)
    for start in range(0, len(outputs), BATCH):
        batch = outputs[start : start + BATCH]
        measured = []
        for output in batch:
            measured.append(_known(studio, index, output) or _measure(index, output, calibration))
            progress("attribution", len(done) + len(measured), len(outputs))
        moment = now()
        recorded = studio.store.write(lambda conn, m=measured, at=moment: record(conn, m, at))  # type: ignore[misc]
        _issue(studio, log, {index.index.digest: index.known}, recorded, moment)
        keep_codes(studio, [(one.output_id, given.text) for one, given in zip(recorded, batch, strict=True)], moment)
        done.extend(recorded)
    reporting.outputs_arrived(studio, {one.output_id for one in done})
    return done


def _known(studio: Studio, index: OpenIndex, output: GivenOutput) -> Attribution | None:
    with studio.store.reading() as conn:
        return find_attribution(conn, output_id_of(output.text, output.prompt, index.index.digest))


def _measure(index: OpenIndex, output: GivenOutput, calibration: Calibration | None) -> Attribution:
    (credits,) = index.index.attribute([index.pair.output(output.text, output.prompt)])
    return attribution_of(
        credits,
        output=output.text,
        prompt=output.prompt,
        method=index.index.method,
        index_digest=index.index.digest,
        calibration=calibration,
    )


def _issue(
    studio: Studio, log: Log, indexes: Mapping[str, IndexFacts], recorded: Iterable[Attribution], at: str
) -> list[Receipt]:
    """Issues the receipts that recorded attributions have not got yet, one checkpoint for all."""
    fact_log.complete(studio)  # what was known and permitted stands in the log before what is credited
    with log.writing():
        finish(log, studio.receipts)
        missing = {one.output_id: one for one in recorded if not _has_receipt(studio, log, one.output_id)}
        if not missing:
            return []
        stands = Stands.of(log)
        trained = {one.index_digest: fact_log.train_index(studio, one.index_digest) for one in missing.values()}
        gates = {name: read_admission(studio, indexes[name].corpus_digest).facts for name in trained}
        bodies = [
            (
                one,
                output_body(
                    one,
                    indexes[one.index_digest],
                    replace(stands, train_index=trained[one.index_digest], admission=gates[one.index_digest]),
                ),
            )
            for one in missing.values()
        ]
        items = [Item(one.output_id, "run.receipt", body, document_of(one)["lines"]) for one, body in bodies]
        return issue(log, studio.receipts, items, at)


def _has_receipt(studio: Studio, log: Log, receipt_id: str) -> bool:
    """Whether a receipt was issued; one that was erased is not issued again."""
    stands = receipt_path(studio.receipts, receipt_id).exists()
    return stands or find_tombstone(log, studio.receipts, receipt_id) is not None


def complete_receipts(studio: Studio, recorded: Iterable[Attribution]) -> list[Receipt]:
    """Issues the receipts that a crash kept from being issued after their attributions were recorded.

    Raises:
        IntegrityError: the index that an output was attributed by is gone or damaged.
    """
    missing = [one for one in recorded if not receipt_path(studio.receipts, one.output_id).exists()]
    if not missing:
        return []
    indexes = intact_indexes(studio)
    for attribution in missing:
        if attribution.index_digest not in indexes:
            raise IntegrityError(
                f"the receipt of {attribution.output_id} was never issued, and the index that it names is not intact",
                remedy="Restore the folder index/ from your last copy.",
                file=studio.path / "index",
            )
    return _issue(studio, studio.log(), indexes, missing, now())


def people(studio: Studio) -> People:
    """All names of the studio."""
    with studio.store.reading() as conn:
        return People({work.work_id: work for work in works(conn)}, parties(conn))


def all_attributions(studio: Studio) -> tuple[Attribution, ...]:
    """Everything that was ever attributed."""
    with studio.store.reading() as conn:
        return attributions(conn)

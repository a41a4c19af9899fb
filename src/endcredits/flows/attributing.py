"""An output arrives and its end credits roll: measure, record, issue a receipt.

Outputs are taken in small batches; each batch is recorded before the next is measured, so a killed run resumes where it
stopped, and an output that was attributed before is not measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
from endcredits.flows import reporting
from endcredits.flows.audit_log import latest_calibration
from endcredits.flows.clock import now
from endcredits.flows.index_files import IndexFacts, intact_indexes
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.influence.replay.calibration import Calibration
from endcredits.progress import Progress, silent
from endcredits.receipts import Item, Receipt, issue, receipt_path
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
        issue(log, studio.receipts, [_item(index.known, attribution) for attribution in recorded], moment)
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


def _item(index: IndexFacts, attribution: Attribution) -> Item:
    return Item(attribution.output_id, "run.receipt", attribution.output_id, output_body(attribution, index))


def output_body(attribution: Attribution, index: IndexFacts) -> dict[str, Any]:
    """What an output's receipt says: the whole attribution, and the models, corpus, code and permissions behind it."""
    return {
        "attribution": document_of(attribution),
        "model": {name: index.facts[name] for name in ("base_sha256", "full_sha256")},
        "corpus_digest": index.corpus_digest,
        "catalogue_digest": index.catalogue_digest,
        "code_sha256": index.facts["code_sha256"],
        "seed": index.facts["settings"]["seed"],
    }


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
    return issue(studio.log(), studio.receipts, [_item(indexes[one.index_digest], one) for one in missing], now())


def people(studio: Studio) -> People:
    """All names of the studio."""
    with studio.store.reading() as conn:
        return People({work.work_id: work for work in works(conn)}, parties(conn))


def all_attributions(studio: Studio) -> tuple[Attribution, ...]:
    """Everything that was ever attributed."""
    with studio.store.reading() as conn:
        return attributions(conn)

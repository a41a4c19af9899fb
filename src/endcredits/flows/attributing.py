"""An output arrives and its end credits roll: measure, record, issue a receipt.

Outputs are taken in small batches; each batch is recorded before the next is measured, so a killed run resumes where it
stopped, and an output that was attributed before is not measured again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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
from endcredits.canonical import canonical_bytes, digest, to_plain
from endcredits.errors import IntegrityError
from endcredits.flows import fact_log, reporting
from endcredits.flows.audit_log import latest_calibration
from endcredits.flows.clock import now
from endcredits.flows.index_files import IndexFacts, intact_indexes
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.media_codes import keep_codes
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.influence.replay.calibration import Calibration
from endcredits.progress import Progress, silent
from endcredits.receipts import Item, Log, Receipt, find_tombstone, finish, issue, load_lines, receipt_path
from endcredits.receipts.lines import COUNT, ROOT, lines_path
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
        bodies = [
            (one, output_body(one, indexes[one.index_digest], replace(stands, train_index=trained[one.index_digest])))
            for one in missing.values()
        ]
        items = [Item(one.output_id, "run.receipt", body, document_of(one)["lines"]) for one, body in bodies]
        return issue(log, studio.receipts, items, at)


def _has_receipt(studio: Studio, log: Log, receipt_id: str) -> bool:
    """Whether a receipt was issued; one that was erased is not issued again."""
    stands = receipt_path(studio.receipts, receipt_id).exists()
    return stands or find_tombstone(log, studio.receipts, receipt_id) is not None


@dataclass(frozen=True, slots=True)
class Stands:
    """Where the log stood when outputs were attributed: what was permitted then was stated before it.

    Attributes:
        size: number of entries.
        root: of the log then, 64 hex digits.
        train_index: position of the entry about the models; -1 where there is none.
    """

    size: int
    root: str
    train_index: int = -1

    @classmethod
    def of(cls, log: Log) -> Stands:
        """Where a log stands now."""
        now_stands = log.checkpoint()
        return cls(now_stands.size, now_stands.root)


def output_body(attribution: Attribution, index: IndexFacts, stands: Stands) -> dict[str, Any]:
    """What an output's receipt says: everything of its attribution but the lines, which are committed to one by one.

    The models, the corpus, the code with its settings and seed, and how far the log reached stand beside it, so that an
    auditor with the models can measure the output again, and see what was permitted at the time.
    """
    document = document_of(attribution)
    facts = index.facts
    name, _, version = attribution.method.partition("/")
    model = {name: facts[name] for name in ("base_sha256", "full_sha256")}
    return {
        "output_id": attribution.output_id,
        "output": {
            "bytes": attribution.output_bytes,
            "sha256": attribution.output_sha256,
            "prompt_sha256": attribution.prompt_sha256,
        },
        "index_digest": attribution.index_digest,
        "model": {
            **model,
            "train_index": stands.train_index,
            **({} if stands.train_index >= 0 else {"manifest": "missing"}),
        },
        "corpus_digest": index.corpus_digest,
        "catalogue_digest": index.catalogue_digest,
        "method": {
            "id": name,
            "version": version,
            "code_sha256": facts["code_sha256"],
            "params_sha256": digest(facts["settings"]),
            "seed": facts["settings"]["seed"],
        },
        "calibration": {"digest": attribution.calibration_digest, "method": attribution.calibration_method},
        "reliability_ppb": attribution.reliability_ppb,
        "permissions": {"size": stands.size, "root": stands.root},
        "log_ratio_nanonats": attribution.log_ratio_nanonats,
        "credit_sum_nanonats": attribution.credit_sum_nanonats,
        "gap_nanonats": attribution.gap_nanonats,
        # Standard errors may hang together in any way: that of the sum is never larger than their sum.
        "error_bound_nanonats": sum(line.error_nanonats for line in attribution.lines),
        "unattributed_ppb": attribution.unattributed_ppb,
        "attribution_sha256": digest(document),
    }


def output_problem(receipt: Receipt, attribution: Attribution, index: IndexFacts, log: Log, folder: Path) -> str:
    """Why an output's receipt does not say what the books say of it; "" when it does.

    What it says of the log is held against the log: how far it reached, and what the entry about the models is.
    """
    size, root, train_index = _stated(receipt.body)
    if not 0 <= size <= receipt.proof.leaf_index or log.root_at(size).hex() != root:
        return "the log was never as it says that it was when the output was attributed"
    if not -1 <= train_index < receipt.proof.leaf_index:
        return "its entry about the models stands after itself"
    expected = to_plain(output_body(attribution, index, Stands(size, root, train_index)))
    stated = {name: value for name, value in receipt.body.items() if name not in (COUNT, ROOT)}
    if receipt.type != "run.receipt" or set(stated) != set(expected):
        return "the books say something else about it"
    for key in expected:
        if canonical_bytes(stated[key]) != canonical_bytes(expected[key]):
            return f"the books say something else about its {key.replace('_', ' ')}"
    lines = document_of(attribution)["lines"]
    kept = load_lines(lines_path(folder, receipt.receipt_id), receipt.receipt_id)
    same = [
        one.line is None or canonical_bytes(one.line) == canonical_bytes(line)
        for one, line in zip(kept, lines, strict=False)
    ]
    if len(kept) != len(lines) or not all(same):
        return "the books say something else about its lines"
    return ""


def _stated(body: Mapping[str, Any]) -> tuple[int, str, int]:
    """What a receipt says of the log; -2 where it says nothing that can be read."""
    stated, model = body.get("permissions"), body.get("model")
    size = stated.get("size") if isinstance(stated, dict) else None
    root = stated.get("root") if isinstance(stated, dict) else None
    train_index = model.get("train_index") if isinstance(model, dict) else None
    return (
        size if type(size) is int else -2,
        root if isinstance(root, str) else "",
        train_index if type(train_index) is int else -2,
    )


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

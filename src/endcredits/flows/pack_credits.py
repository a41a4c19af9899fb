"""The credits of a published period: that receipts, attributions and frozen inputs say the same, and what was permitted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.attribution import Attribution, document_of
from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import EndcreditsError
from endcredits.flows import pack_files
from endcredits.flows.catalogue import VERB
from endcredits.flows.fact_kinds import MODEL
from endcredits.flows.pack_catalogue import Told, names_before
from endcredits.flows.pack_entries import RUN, Entries
from endcredits.flows.pack_files import read_lines
from endcredits.ids import OutputId, WorkId
from endcredits.receipts.lines import belong_to, parse_lines
from endcredits.receipts.records import Receipt
from endcredits.royalties.documents import record_of
from endcredits.store import Finding
from endcredits.works import Marks, Permission, Said, Work, asked_about, asked_of_work, decide

LATE = ("calibration_digest", "calibration_method", "reliability_ppb")
"""Fields that old documents leave out."""


def read_attributions(folder: Path) -> dict[OutputId, Attribution]:
    """The attributions of a pack by output.

    Raises:
        IntegrityError: a line is no attribution.
    """
    found = {}
    for _, _, plain in read_lines(folder / pack_files.ATTRIBUTIONS):
        attribution = attribution_from(plain)
        found[attribution.output_id] = attribution
    return found


def attribution_from(plain: Mapping[str, Any]) -> Attribution:
    """An attribution from its document.

    Raises:
        IntegrityError: it is none.
    """
    whole = {"calibration_digest": "", "calibration_method": "", "reliability_ppb": None, **plain}
    try:
        lines = [{"raw_credit_nanonats": None, "raw_error_nanonats": None, **line} for line in whole["lines"]]
        attribution = record_of(Attribution, {**whole, "lines": lines})
        if canonical_bytes(document_of(attribution)) != canonical_bytes(plain):
            raise TypeError("its spelling is another")
    except (KeyError, TypeError) as error:
        raise EndcreditsError(f"an attribution cannot be read ({error})") from error
    return attribution


def check_run(
    receipt: Receipt, attached: Mapping[str, Any], entries: Entries, attributions: Mapping[OutputId, Attribution]
) -> Iterator[Finding]:
    """That an output's receipt is of the attribution that was paid by, line by line, and of a state that the log had."""
    where = f"receipt {receipt.receipt_id}"
    attribution = attributions.get(OutputId(receipt.receipt_id))
    if attribution is None:
        yield Finding(where, "no attribution of this output is here")
        return
    document = document_of(attribution)
    if receipt.body.get("attribution_sha256") != digest(document):
        yield from _edited(where, document, attached)
    kept = parse_lines(attached.get("lines", []))
    if problem := belong_to(kept, receipt.body):
        yield Finding(where, problem)
    state, model = receipt.body.get("permissions"), receipt.body.get("model")
    if not isinstance(state, dict) or not isinstance(model, dict):
        yield Finding(where, "it does not say what was permitted, or by which models it was measured")
        return
    size = state.get("size", -1)
    if not 0 <= size <= receipt.proof.leaf_index or entries.log.root_at(size).hex() != state.get("root"):
        yield Finding(where, "the log was never as it says that it was when the output was attributed")
    position = model.get("train_index", -1)
    fact = next((one for one in entries.of(MODEL) if one.position == position), None)
    if fact is None or fact.body is None:
        yield Finding(where, "it names no entry of the log about the models that measured it (no training manifest)")
    elif any(fact.body[name] != model.get(name) for name in ("base_sha256", "full_sha256")):
        yield Finding(where, f"it names other models than entry {position} of the log")


def _edited(where: str, document: Mapping[str, Any], attached: Mapping[str, Any]) -> Iterator[Finding]:
    """Which credit differs from what was committed to, where the lines tell."""
    shown = [item["line"] for item in attached.get("lines", []) if isinstance(item, dict) and "line" in item]
    committed = {line["work_id"]: line for line in shown}
    told = False
    for line in document["lines"]:
        before = committed.get(line["work_id"])
        if before is None or canonical_bytes(before) == canonical_bytes(line):
            continue
        told = True
        yield Finding(
            where,
            f"the credit of '{line['work_id']}' was {before.get('credit_nanonats')} nano-nats when it was committed to, and "
            f"is {line['credit_nanonats']} in what was paid by: it was edited",
        )
    if not told:
        yield Finding(where, "the attribution that was paid by is not the one that it commits to: it was edited")


def check_receipts_complete(entries: Entries, outputs: Mapping[OutputId, Attribution]) -> Iterator[Finding]:
    """That every output that was paid by has a receipt."""
    missing = [output_id for output_id in outputs if output_id not in entries.outputs]
    if len(missing) > entries.erased[RUN]:  # of an erased receipt nothing tells any more which it was
        for output_id in missing:
            yield Finding(f"output {output_id}", "it was paid by, and no receipt of it is here")


@dataclass(frozen=True, slots=True)
class Known:
    """What the log said before an entry.

    Attributes:
        said: all statements before it.
        names: other names of files before it.
        operator: the party whose contracts counted; empty for none.
    """

    said: Said
    names: Marks
    operator: str


def check_permissions(folder: Path, entries: Entries, told: Told) -> Iterator[Finding]:
    """That every work of every index had a yes in the log before the entry about its training."""
    by_id = {one.permission_id: (position, one) for position, one in told.permissions}
    times = {fact.position: json.loads(fact.leaf)["time"] for fact in entries.of(MODEL)}
    for fact in entries.of(MODEL):
        assert fact.body is not None
        path = folder / pack_files.INDEXES / f"{fact.body['index_digest']}.json"
        if not path.exists():
            continue  # no output of this period was measured by it
        record = pack_files.read_plain(path.read_bytes(), path)
        where = f"index {fact.body['index_digest'][:12]} (entry {fact.position} of the log)"
        if digest(record["manifest"]) != fact.body["corpus_digest"]:
            yield Finding(where, f"{pack_files.INDEXES}/{path.name} is not the list of works that the entry commits to")
            continue
        stated = [one for position, one in told.permissions if position < fact.position]
        known = Known(Said(stated), names_before(told.marks, fact.position), record["manifest"].get("operator", ""))
        for work in record["manifest"]["works"]:
            yield from _permitted(where, work, told.works, (fact.position, times[fact.position]), by_id, known)


def _permitted(
    where: str,
    work: Mapping[str, Any],
    works: Mapping[WorkId, Work],
    training: tuple[int, str],
    by_id: Mapping[str, tuple[int, Permission]],
    known: Known,
) -> Iterator[Finding]:
    work_id, permission_id = work["work_id"], work["permission_id"]
    trained, at = training
    if permission_id not in by_id:
        yield Finding(where, f"the permission '{permission_id}' by which '{work_id}' was trained on is not in the log")
        return
    position, permission = by_id[permission_id]
    if position > trained:
        yield Finding(
            where,
            f"the permission '{permission_id}' of '{work_id}' says that it holds from {permission.effective_from}, and was "
            f"logged as entry {position}, after the model was trained on it (entry {trained}): it was dated back",
        )
        return
    there = works.get(WorkId(work_id))
    asked = asked_of_work(WorkId(work_id)) if there is None else asked_about(there, known.names)
    decision = decide(known.said.about(asked), asked, VERB, at, by=known.operator)
    if decision.value != "allow":
        yield Finding(where, f"'{work_id}' was trained on, and the log said '{decision.value}' then: {decision.reason}")

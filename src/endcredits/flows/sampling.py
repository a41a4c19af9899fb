"""A random sample of a period's attributions, measured again with the models: do the credits that were paid by come out?

Nobody may choose which are measured: not the operator, who could have computed those honestly, and not the auditor. So the
list of outputs is the one that the period's receipt commits to, and the draw hangs on a *beacon*: a text that nobody could
know when that receipt was logged, such as a round of a public randomness service, or a lottery's numbers of a later day.

    seed = SHA-256(RFC 8785 of {"beacon", "entry": hash of the receipt's log entry, "outputs": digest of the list})
    sampled are the outputs with the smallest SHA-256(seed || output id in UTF-8)

What cannot be checked here: that the beacon was published when it is said to be, and by nobody's choice; ask its source. The
time in the log is the operator's clock, so a beacon counts as later only as far as that clock (or a witness's) is right.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.attribution import Attribution, attribution_of, document_of, output_id_of
from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import InputError, IntegrityError
from endcredits.flows import fact_log, pack_files
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.audit_log import find_calibration
from endcredits.flows.clock import now
from endcredits.flows.fact_kinds import SAMPLES
from endcredits.flows.indexing import OpenIndex, current_index
from endcredits.flows.pack_credits import read_attributions
from endcredits.flows.periods import receipt_id_of
from endcredits.flows.sample_bound import wrong_at_most
from endcredits.flows.studio import Studio
from endcredits.ids import OutputId
from endcredits.money import PPB
from endcredits.progress import Progress, silent
from endcredits.receipts import verify_receipt
from endcredits.receipts.leaf import is_utc, parse_leaf
from endcredits.receipts.merkle import leaf_hash
from endcredits.receipts.receipt import parse_receipt
from endcredits.receipts.records import Receipt
from endcredits.royalties import read_frozen

FORMAT = "sample/1"
BEACON_LENGTH_MIN = 16
"""Shorter texts could be tried through: whoever knows the few that can come knows the few samples that can be drawn."""
UNCHECKED = (
    "That the beacon was published at the time given, and that nobody could choose it: ask its source.",
    "That the period was in the log before: its entry's time is the operator's clock, or a witness's where one signed.",
    "That the texts are what the model said: only their digests were committed to.",
    "Outputs that were never reported as used: they are in no period's list.",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One sampled output, measured again.

    Attributes:
        output_id: the output.
        verdict: "equal" (to the nano-nat), "within" (every credit within its stated standard error), "wrong", or "missing"
            (its text was not given, or its models are not here), which counts as wrong.
        largest_nanonats: the largest difference of a credit; -1 where it was not measured.
        work_id: of the work with that difference, "" for none.
        reason: in words, "" where it is equal.
    """

    output_id: str
    verdict: str
    largest_nanonats: int
    work_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What a sample of a period's attributions showed.

    Attributes:
        format: `FORMAT`.
        period_id: the period.
        beacon: the later public value.
        published_at: UTC time at which it is said to have been published.
        logged_at: UTC time that the period's entry in the log states.
        seed: of the draw, 64 hex digits.
        outputs: how many the period's list has.
        sampled: how many were drawn.
        equal: came out to the nano-nat.
        within: came out within their stated errors.
        wrong: did not, or could not be measured.
        confidence_ppb: of the bound.
        wrong_at_most: outputs of the period that can be wrong, at that confidence.
        wrong_at_most_ppb: the same as a part of all.
        measured: one by one, in the order of the draw.
        unchecked: what this cannot show, in words.
        dated: UTC time of the report.
    """

    format: str
    period_id: str
    beacon: str
    published_at: str
    logged_at: str
    seed: str
    outputs: int
    sampled: int
    equal: int
    within: int
    wrong: int
    confidence_ppb: int
    wrong_at_most: int
    wrong_at_most_ppb: int
    measured: tuple[Measured, ...]
    unchecked: tuple[str, ...]
    dated: str


def audit_sample(
    studio: Studio,
    folder: Path,
    given: Sequence[GivenOutput],
    *,
    vkey: str,
    beacon: str,
    published_at: str,
    size: int,
    confidence_ppb: int = 950_000_000,
    progress: Progress = silent,
) -> tuple[SampleReport, Path]:
    """Measures a random sample of a period again, keeps the report and logs it; returns it and its file.

    Args:
        studio: that has the models and the index.
        folder: the published period.
        given: texts of outputs, those sampled among them.
        vkey: the log's public key.
        beacon: a text that nobody could know when the period was logged.
        published_at: UTC time of its publication.
        size: how many are sampled, at most all.
        confidence_ppb: of the bound.
        progress: told about the outputs.

    Raises:
        InputError: the beacon could have been known, or nothing can be sampled.
        IntegrityError: the pack's list is not the one that the period's receipt commits to.
    """
    receipt = _period_receipt(folder, vkey)
    logged_at = parse_leaf(receipt.leaf.encode()).time
    check_beacon(beacon, published_at, logged_at)
    attributions = read_attributions(folder)
    listed = _committed(folder, receipt, attributions)
    seed = seed_of(beacon, receipt)
    chosen = draw(seed, listed, size)
    index = current_index(studio)
    texts = {output_id_of(one.text, one.prompt, index.index.digest): one for one in given}
    measured = []
    for number, output_id in enumerate(chosen):
        progress("sample", number, len(chosen))
        measured.append(_measured(studio, index, attributions[output_id], texts.get(output_id)))
    progress("sample", len(chosen), len(chosen))
    verdicts = [one.verdict for one in measured]
    wrong = sum(one in ("wrong", "missing") for one in verdicts)
    most = wrong_at_most(len(listed), len(chosen), wrong, confidence_ppb)
    report = SampleReport(
        format=FORMAT,
        period_id=str(receipt.body["period_id"]),
        beacon=beacon,
        published_at=published_at,
        logged_at=logged_at,
        seed=seed,
        outputs=len(listed),
        sampled=len(chosen),
        equal=verdicts.count("equal"),
        within=verdicts.count("within"),
        wrong=wrong,
        confidence_ppb=confidence_ppb,
        wrong_at_most=most,
        wrong_at_most_ppb=-(-most * PPB // len(listed)),
        measured=tuple(measured),
        unchecked=UNCHECKED,
        dated=now(),
    )
    return report, _keep(studio, report)


def check_beacon(beacon: str, published_at: str, logged_at: str) -> None:
    """Refuses a beacon that could have been known when the period was logged.

    Raises:
        InputError: it is short enough to be tried through, or was published before.
    """
    if len(beacon.strip()) < BEACON_LENGTH_MIN or len(set(beacon)) < 6 or not re.search(r"[0-9]", beacon):
        raise InputError(
            "the beacon is a text that could have been guessed",
            remedy="Give a public random value of after the period was logged, such as a round of a randomness beacon.",
            field="--beacon",
        )
    if not is_utc(published_at):
        raise InputError(
            f"'{published_at[:40]}' is not a UTC time", remedy="Write it like 2026-11-20T12:00:00Z.", field="--published"
        )
    if published_at <= logged_at:
        raise InputError(
            f"the beacon was published at {published_at}, and the period stands in the log since {logged_at}: "
            "whoever closed it could have known which outputs would be measured",
            remedy="Take a beacon of after that time.",
            field="--published",
        )
    if published_at > now():
        raise InputError(f"the beacon is of {published_at}, which is not over", remedy="Wait for it.", field="--published")


def seed_of(beacon: str, receipt: Receipt) -> str:
    """The seed of the draw, 64 hex digits; see the module's head."""
    entry = leaf_hash(receipt.leaf.encode()).hex()
    return digest({"beacon": beacon, "entry": entry, "outputs": receipt.body["frozen"]["outputs"]})


def draw(seed: str, listed: Sequence[OutputId], size: int) -> list[OutputId]:
    """Which outputs are sampled, in order.

    Raises:
        InputError: none.
    """
    if size < 1 or not listed:
        raise InputError("nothing would be sampled", remedy="Ask for at least one output.", field="--size")
    start = bytes.fromhex(seed)
    return heapq.nsmallest(size, listed, key=lambda one: hashlib.sha256(start + one.encode()).digest())


def _period_receipt(folder: Path, vkey: str) -> Receipt:
    about, _ = pack_files.read_manifest(folder)
    wanted = receipt_id_of(about.period_id)
    for _, line, plain in pack_files.read_lines(folder / pack_files.RECEIPTS):
        if plain.get("receipt_id") == wanted:
            verdict = verify_receipt(line + b"\n", vkey)
            if not verdict.verified:
                raise IntegrityError(f"the period's receipt does not verify: {verdict.problem}", file=folder)
            return parse_receipt(line + b"\n")[0]
    raise IntegrityError("the period's receipt is not in the pack", remedy="Ask for a complete one.", file=folder)


def _committed(folder: Path, receipt: Receipt, attributions: Mapping[OutputId, Attribution]) -> list[OutputId]:
    """The outputs of the period, after seeing that receipt, frozen list and attributions are of one another."""
    import pyarrow.parquet as pq

    frozen = read_frozen(folder / pack_files.CLOSE / "frozen")
    if dict(frozen.digests)["outputs"] != receipt.body["frozen"]["outputs"]:
        raise IntegrityError("the list of outputs is not the one that the period's receipt commits to", file=frozen.folder)
    table = pq.read_table(frozen.folder / "outputs.parquet", columns=["output_id", "attribution_digest"])
    found = []
    for output_id, stated in zip(*(column.to_pylist() for column in table.columns), strict=True):
        one = attributions.get(OutputId(output_id))
        if one is None or digest(document_of(one)) != stated:
            raise IntegrityError(f"the attribution of '{output_id}' is not the one that was paid by", file=folder)
        found.append(OutputId(output_id))
    return found


def _measured(studio: Studio, index: OpenIndex, stated: Attribution, text: GivenOutput | None) -> Measured:
    if stated.index_digest != index.index.digest:
        return Measured(stated.output_id, "missing", -1, "", "it was measured by another index than the current one")
    if text is None:
        return Measured(stated.output_id, "missing", -1, "", "its text was not given")
    (credits,) = index.index.attribute([index.pair.output(text.text, text.prompt)])
    calibration = find_calibration(studio.path, stated.calibration_digest) if stated.calibration_digest else None
    again = attribution_of(
        credits,
        output=text.text,
        prompt=text.prompt,
        method=index.index.method,
        index_digest=index.index.digest,
        calibration=calibration,
    )
    return compare(stated, again)


def compare(stated: Attribution, again: Attribution) -> Measured:
    """Holds an attribution against the same measured again."""
    if document_of(stated) == document_of(again):
        return Measured(stated.output_id, "equal", 0, "", "")
    theirs = {line.work_id: line for line in stated.lines}
    ours = {line.work_id: line for line in again.lines}
    if set(theirs) != set(ours) or stated.method != again.method:
        return Measured(stated.output_id, "wrong", -1, "", "it is of other works, or was measured by another method")
    apart = {one: abs(theirs[one].credit_nanonats - ours[one].credit_nanonats) for one in theirs}
    work_id = max(sorted(apart), key=lambda one: apart[one], default=None)
    if work_id is None:
        return Measured(stated.output_id, "wrong", -1, "", "what is said of the whole output differs")
    beyond = [one for one in sorted(apart) if apart[one] > theirs[one].error_nanonats]
    told = f"the credit of '{work_id}' is {theirs[work_id].credit_nanonats}, measured again {ours[work_id].credit_nanonats}"
    verdict = "wrong" if beyond else "within"
    return Measured(stated.output_id, verdict, apart[work_id], work_id, f"{told} nano-nats")


def _keep(studio: Studio, report: SampleReport) -> Path:
    body = asdict(report)
    path = studio.path / SAMPLES / f"{digest(body)[:24]}.json"
    durable.write_atomic(path, canonical_bytes(body))
    fact_log.complete(studio)
    return path


def read_sample(path: Path) -> dict[str, Any]:
    """A kept report as plain data.

    Raises:
        IntegrityError: it is not what was written.
    """
    plain: dict[str, Any] = pack_files.read_plain(path.read_bytes(), path)
    if not path.stem == digest(plain)[:24]:
        raise IntegrityError("the report does not fit the digest in its name", remedy="Restore it.", file=path)
    return plain

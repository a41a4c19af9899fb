"""Where audits are kept, and which calibration of an index stands.

A report is a dated file in `audits/`, with the calibration that the audit left, if it left one. The log has an entry for it
as for an output or a period: whoever is paid by calibrated credits can ask for the audit's receipt, and see that the
correction was fixed before the credits were. So a calibration counts from the moment of its receipt on. The file is written
first and its receipt issued after; what a crash left without one is issued by the next audit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.attribution import Attribution, calibrated
from endcredits.canonical import canonical_bytes, digest, to_plain
from endcredits.errors import EndcreditsError, IntegrityError
from endcredits.flows.audit_report import AuditReport
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import OutputId, slug
from endcredits.influence.replay.calibration import Calibration, calibration_of
from endcredits.receipts import Item, issue, receipt_path
from endcredits.store import Finding

FORMAT = "audit/2"
EARLIER = ("audit/1", "calibration/1")
"""Documents of before audits were in the log: they stay readable for people, and correct nothing."""
TYPE = "audit.report"
AUDITS = "audits"


@dataclass(frozen=True, slots=True)
class KeptAudit:
    """A recorded audit.

    Attributes:
        audit_id: "audit:" and the beginning of the document's digest; also its receipt's id.
        body: the document, which the receipt proves.
        file: where it is.
        calibration: that it left; None for an audit of too few outputs.
    """

    audit_id: str
    body: Mapping[str, Any]
    file: Path
    calibration: Calibration | None


def keep(studio: Studio, report: AuditReport, calibration: Calibration | None) -> Path:
    """Writes an audit's document and issues its receipt; returns the file.

    Raises:
        IntegrityError: the log of receipts is missing or damaged.
        MachineError: the disk is full. A document that was written counts once its receipt is issued.
    """
    body = to_plain({"format": FORMAT, "report": report, "calibration": calibration})
    path = studio.path / AUDITS / f"{slug(report.subject)}-{slug(report.dated)}-{digest(body)[:8]}.json"
    durable.write_atomic(path, canonical_bytes(body))
    complete(studio)
    return path


def complete(studio: Studio) -> None:
    """Issues the receipts of recorded audits that have none yet."""
    missing = [one for one in kept(studio) if not receipt_path(studio.receipts, one.audit_id).exists()]
    if missing:
        items = [Item(one.audit_id, TYPE, one.body) for one in missing]
        issue(studio.log(), studio.receipts, items, now())


def kept(studio: Studio) -> list[KeptAudit]:
    """Every recorded audit, by file name.

    Raises:
        IntegrityError: a file is damaged.
    """
    found = (_read(path) for path in _files(studio.path))
    return [one for one in found if one is not None]


def _files(folder: Path) -> list[Path]:
    return sorted((folder / AUDITS).glob("*.json"))


def _read(path: Path) -> KeptAudit | None:
    """One audit; None for a document of earlier."""
    data = path.read_bytes()
    try:
        body = json.loads(data)
        if body["format"] in EARLIER:
            return None
        if body["format"] != FORMAT or canonical_bytes(body) != data:
            raise ValueError("it is not spelt as it was written")
        name = digest(body)
        if not path.stem.endswith(name[:8]):
            raise ValueError("it does not fit the digest in its name")
        calibration = calibration_of(body["calibration"]) if body["calibration"] is not None else None
    except (ValueError, KeyError, TypeError, EndcreditsError) as error:
        raise IntegrityError(
            f"this is not an audit's document ({error})",
            remedy="Restore it from your last copy, or run the audit again; finished runs are kept.",
            file=path,
        ) from error
    return KeptAudit(f"audit:{name[:24]}", body, path, calibration)


def calibrations(studio: Studio) -> dict[str, Calibration]:
    """Every calibration that the log holds, by its digest.

    Raises:
        IntegrityError: an audit's file is damaged.
    """
    return {
        one.calibration.digest: one.calibration
        for one in kept(studio)
        if one.calibration is not None and receipt_path(studio.receipts, one.audit_id).exists()
    }


def latest_calibration(studio: Studio, index_digest: str) -> Calibration | None:
    """The newest calibration of an index that the log holds; None while its credits are uncalibrated.

    Raises:
        IntegrityError: an audit's file is damaged.
    """
    found = (one for one in calibrations(studio).values() if one.index_digest == index_digest)
    return max(found, key=lambda one: (one.dated, one.digest), default=None)


def find_calibration(folder: Path, calibration_digest: str) -> Calibration:
    """The calibration that an attribution names.

    Args:
        folder: the studio's.
        calibration_digest: of the calibration.

    Raises:
        IntegrityError: it is not here, or an audit's file is damaged.
    """
    found = (_read(path) for path in _files(folder))
    for one in found:
        if one is not None and one.calibration is not None and one.calibration.digest == calibration_digest:
            return one.calibration
    raise IntegrityError(
        f"the audit that left the calibration {calibration_digest[:12]} is not here",
        remedy="Restore the folder audits/ from your last copy.",
        file=folder / AUDITS,
    )


def expected_receipts(studio: Studio) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the receipts of audits must say, by their id: (type, body). Damaged files are for `check_audits` to name."""
    found = {}
    for path in _files(studio.path):
        try:
            one = _read(path)
        except EndcreditsError:
            continue
        if one is not None:
            found[one.audit_id] = (TYPE, dict(one.body))
    return found


def check_audits(studio: Studio, recorded: Mapping[OutputId, Attribution]) -> Iterator[Finding]:
    """That audits are as they were written, and that calibrated credits follow from the raw ones by the audit they name.

    Args:
        studio: of the audits.
        recorded: its attributions, by output.
    """
    standing: dict[str, Calibration] = {}
    for path in _files(studio.path):
        try:
            one = _read(path)
        except IntegrityError as error:
            yield Finding(f"audit {path.name}", error.message)
            continue
        if one is not None and one.calibration is not None:
            standing[one.calibration.digest] = one.calibration
    for output_id, attribution in recorded.items():
        if attribution.calibration_digest and (problem := _problem(attribution, standing)):
            yield Finding(f"attribution {output_id}", problem)


def _problem(attribution: Attribution, standing: Mapping[str, Calibration]) -> str:
    calibration = standing.get(attribution.calibration_digest)
    if calibration is None:
        return f"the calibration {attribution.calibration_digest} that it names is not here"
    if calibration.index_digest != attribution.index_digest:
        return "the calibration that it names is of another index"
    if (attribution.calibration_method, attribution.reliability_ppb) != (calibration.method, calibration.reliability_ppb):
        return "its method of calibration or its reliability is not what the audit says"
    raw = {line.work_id: line.index_credit_nanonats for line in attribution.lines}
    errors = {line.work_id: line.raw_error_nanonats or 0 for line in attribution.lines}
    stated = {line.work_id: (line.credit_nanonats, line.error_nanonats) for line in attribution.lines}
    try:
        credits, spread = calibrated(calibration, raw, errors)
    except EndcreditsError as error:
        return error.message
    if stated != {work_id: (credits[work_id], spread[work_id]) for work_id in credits}:
        return "its credits do not follow from its raw credits by the calibration that it names"
    return ""

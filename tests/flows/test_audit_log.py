"""An audit's document is kept once, counts from its receipt on, and every failed write is made good by the next audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits import durable
from endcredits.errors import IntegrityError, MachineError
from endcredits.flows import audit_log
from endcredits.flows.audit_report import AuditReport, calibration_text, reliability_of, trust
from endcredits.flows.studio import Studio, init_studio
from endcredits.ids import WorkId
from endcredits.influence.replay.calibration import Calibration, Level, Part
from endcredits.money import PPB
from endcredits.receipts import check_receipts, receipt_path
from tests.royalties.reporting import attribution

DATED = "2026-01-01T00:00:00Z"
INDEX = "2" * 64
CALIBRATION = Calibration(
    PPB, 0, (Level("a", 0, 0, 0, 0, (Part(WorkId("w"), PPB),)),), 5, 8, DATED, "1" * 64, INDEX, 640_000_000, 50_000_000
)
REPORT = AuditReport("period:2026-01", (), 0, 0, (), 8, -1, DATED, "1" * 64, INDEX, CALIBRATION.digest, 640_000_000)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    opened = init_studio(tmp_path / "studio")
    yield opened
    opened.close()


def test_the_newest_calibration_of_an_index_stands(studio: Studio) -> None:
    """Of that index alone; an audit without a calibration changes nothing."""
    later = replace(CALIBRATION, rho_ppb=PPB // 2, dated="2026-02-01T00:00:00Z")
    audit_log.keep(studio, REPORT, later)
    audit_log.keep(studio, REPORT, CALIBRATION)
    audit_log.keep(studio, replace(REPORT, index_digest="3" * 64), replace(CALIBRATION, index_digest="3" * 64))
    audit_log.keep(studio, replace(REPORT, dated="2026-03-01T00:00:00Z"), None)

    assert audit_log.latest_calibration(studio, INDEX) == later
    assert audit_log.latest_calibration(studio, "4" * 64) is None
    assert set(audit_log.calibrations(studio)) >= {later.digest, CALIBRATION.digest}
    assert audit_log.find_calibration(studio.path, CALIBRATION.digest) == CALIBRATION
    with pytest.raises(IntegrityError, match="the audit that left the calibration 000000000000 is not here"):
        audit_log.find_calibration(studio.path, "0" * 64)
    assert len(audit_log.kept(studio)) == 4 and check_receipts(studio.receipts, studio.log_to_read()) == []


@pytest.mark.parametrize("kept", [False, True])
def test_a_write_that_fails(studio: Studio, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """The document is lost, or it is there and reported lost: it counts for nothing before the next audit."""
    write = durable.write_atomic

    def fails(path: Path, data: bytes) -> None:
        if kept:
            write(path, data)
        raise MachineError("the disk is full", file=path)

    with monkeypatch.context() as patched:
        patched.setattr(audit_log.durable, "write_atomic", fails)
        with pytest.raises(MachineError):
            audit_log.keep(studio, REPORT, CALIBRATION)
    assert audit_log.latest_calibration(studio, INDEX) is None
    assert len(audit_log.kept(studio)) == kept and studio.log_to_read().checkpoint().size == 0

    audit_log.keep(studio, REPORT, CALIBRATION)

    assert audit_log.latest_calibration(studio, INDEX) == CALIBRATION
    (one,) = audit_log.kept(studio)
    assert receipt_path(studio.receipts, one.audit_id).exists() and studio.log_to_read().checkpoint().size == 1
    audit_log.complete(studio)
    assert studio.log_to_read().checkpoint().size == 1


def test_what_is_said_of_an_output() -> None:
    plain = attribution("output:1", {"w": 5})
    assert reliability_of(plain) is None and trust(plain) == "uncalibrated, reliability unmeasured"
    told = replace(plain, calibration_digest="ab" * 32, reliability_ppb=0)
    assert reliability_of(told) == 0 and trust(told) == "calibrated by audit (abababababab), reliability 0%"
    assert calibration_text("", None) == "uncalibrated, reliability unmeasured"

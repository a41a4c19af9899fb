"""An audit of the small house: a trainer that repeats its fine-tune, reports, calibrations, and what does not fit."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from endcredits.attribution import NANO, attribution_of
from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.flows import attributing, audit_log, auditing, catalogue, checking, indexing, periods, reporting
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.audit_log import latest_calibration
from endcredits.flows.audit_report import reliability_of, trust
from endcredits.flows.auditing import Plan
from endcredits.flows.credit_view import CreditView
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.ids import WorkId
from endcredits.influence import load_text_models
from endcredits.influence.text.finetune import Recipe, TextFineTune
from endcredits.money import PPB
from endcredits.progress import silent
from endcredits.receipts import issue, receipt_path, verify_receipt
from tests.story import house as h
from tests.story.house import House

WORKS = (h.LAMP, h.RHYME, h.SALT, h.TIDE)
TRAINER = """
from tests.flows.test_auditing import fine_tune


def trainer():
    return fine_tune({base!r}, {record!r})


def another():
    return fine_tune({base!r}, {record!r}, rate=1e-4)


def fewer():
    return fine_tune({base!r}, {record!r}, works=2)


nothing = object()
"""


def fine_tune(base: str, record: str, *, rate: float = 1e-2, works: int = 4) -> TextFineTune:
    """Three passes over the house's works."""
    h.use_one_thread()
    models = load_text_models(base, base)
    examples = [e for name in WORKS[:works] for e in models.examples(WorkId(name), h.prose(name, 700).encode())]
    order = np.random.default_rng(0).permutation(len(examples)).tolist() * 3
    batches = tuple(tuple(order[start : start + 8]) for start in range(0, len(order), 8))
    return TextFineTune(Path(base), tuple(examples), batches, Recipe(rate, warm_up_steps=2, batch_tokens=256), Path(record))


@dataclass(frozen=True, slots=True)
class Audited:
    """A studio whose full model a trainer can repeat, its five outputs used in January, and the trainer's module."""

    studio: Path
    module: str
    folder: Path


@pytest.fixture(scope="session")
def template(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests copy it."""
    place = tmp_path_factory.mktemp("audited")
    trainer = fine_tune(str(house.base), str(place / "record"))
    trainer.model(trainer.train({}, 0)).save_pretrained(place / "full")  # type: ignore[operator]
    (place / "my_fine_tune.py").write_text(TRAINER.format(base=str(house.base), record=str(place / "record")))
    studio = init_studio(place / "studio", name="Audited")
    h.fill(studio, (house.base, place / "full"))
    found = attributing.attribute(studio, indexing.current_index(studio), h.outputs())
    reporting.report(studio, h.january(found))
    periods.close(studio, h.JANUARY)
    studio.close()
    return place


@pytest.fixture
def audited(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audited]:
    shutil.copytree(template / "studio", tmp_path / "studio")
    monkeypatch.syspath_prepend(str(template))
    yield Audited(tmp_path / "studio", "my_fine_tune", template)
    sys.modules.pop("my_fine_tune", None)
    importlib.invalidate_caches()


def ids(studio: Studio) -> list[str]:
    """The outputs' ids in the order of `outputs`."""
    index = indexing.current_index(studio)
    return [attributing.output_id_of(o.text, o.prompt, index.index.digest) for o in h.outputs()]


def test_an_output_is_audited(audited: Audited) -> None:
    """The work it sounds like leads, shares are whole, and what it says is what was measured; nothing is calibrated."""
    studio = open_studio(audited.studio)
    salt = ids(studio)[0]

    report, path = auditing.audit_output(studio, salt, h.outputs(), Plan(f"{audited.module}:trainer", repeats=2))

    assert report.lines[0].catalogue == f"{h.ADA}, {h.BEN}"
    assert report.lines[0].work_ids == (h.SALT,)
    assert (
        sum(line.audited_share_ppb for line in report.lines) == sum(line.credited_share_ppb for line in report.lines) == PPB
    )
    assert sum(line.audited_nanonats for line in report.lines) == pytest.approx(report.log_ratio_nanonats, abs=10)
    assert all(line.low_share_ppb <= line.audited_share_ppb <= line.high_share_ppb for line in report.lines)
    assert all(line.error_nanonats >= 0 for line in report.lines)
    assert 0 <= report.payout_error_ppb <= PPB
    assert (report.runs, report.calibration_digest) == (8, "")
    assert report.seed_noise_nanonats > 0.001 * NANO
    assert json.loads(path.read_bytes())["report"]["subject"] == salt
    assert latest_calibration(studio, report.index_digest) is None
    studio.close()


def test_a_period_calibrates(audited: Audited) -> None:
    """Its audit leaves a calibration of this index that later audits name; the second audit trains nothing again."""
    studio = open_studio(audited.studio)
    plan = Plan(f"{audited.module}:trainer", runs_per_catalogue=6, by="work")

    few, _ = auditing._audit(studio, "few", ids(studio)[:4], h.outputs(), plan, silent)  # type: ignore[arg-type]
    assert (few.calibration_digest, few.reliability_ppb) == ("", None)  # too few to test what they would correct by
    report, _ = auditing.audit_period(studio, h.JANUARY, h.outputs(), plan)
    runs = sorted((audited.studio / "audits" / "runs").iterdir())
    one, _ = auditing.audit_output(studio, ids(studio)[1], h.outputs(), plan)

    found = latest_calibration(studio, report.index_digest)
    assert found is not None and found.digest == report.calibration_digest == one.calibration_digest
    assert (found.outputs, found.runs, found.catalogues) == (5, 14, WORKS)
    assert 0 < found.rho <= 1.5
    assert len(report.outputs) == 5 and report.seed_noise_nanonats == -1
    snapshots = [path for path in runs if "-" not in path.stem]
    assert len(snapshots) == 16  # all 14 coalitions of four works, full and base
    assert {path for path in (audited.studio / "audits" / "runs").iterdir() if "-" not in path.stem} == set(snapshots)
    assert latest_calibration(studio, "another") is None
    studio.close()


def test_what_is_attributed_after_an_audit_is_calibrated(audited: Audited) -> None:
    """By the calibration that the log holds; what was attributed before stays, spans add up, and a check replays it all."""
    studio = open_studio(audited.studio)
    index = indexing.current_index(studio)
    before = attributing.all_attributions(studio)
    new = GivenOutput(h.prose(h.TIDE, 50, seed=7).encode(), b"once upon a ", "new")

    report, path = auditing.audit_period(studio, h.JANUARY, h.outputs(), Plan(f"{audited.module}:trainer"))
    (found,) = attributing.attribute(studio, index, [new])

    assert found.calibration_digest == report.calibration_digest != ""
    assert reliability_of(found) == report.reliability_ppb is not None and 0 <= report.reliability_ppb <= PPB
    raw = attribution_of(
        index.index.attribute([index.pair.output(new.text, new.prompt)])[0],
        output=new.text,
        prompt=new.prompt,
        method=index.index.method,
        index_digest=index.index.digest,
    )
    assert {line.work_id: line.credit_nanonats for line in raw.lines} == {
        line.work_id: line.raw_credit_nanonats for line in found.lines
    }
    assert found.credit_sum_nanonats == raw.credit_sum_nanonats and found.gap_nanonats == raw.gap_nanonats
    assert [line.credit_nanonats for line in found.lines] != [line.credit_nanonats for line in raw.lines]
    assert attributing.attribute(studio, index, h.outputs()) == sorted(before, key=lambda a: ids(studio).index(a.output_id))
    assert {a.calibration_method for a in before} == {"uncalibrated"}

    view = CreditView(found, attributing.people(studio))
    spans = view.with_spans(index, new.text, new.prompt).spans
    assert spans is not None
    for line in found.lines:
        assert sum(spans.of_work(line.work_id)) == pytest.approx(line.credit_nanonats / NANO, abs=1e-3)
    assert trust(found) in view.html() and "calibrated by audit" in repr(view)
    assert view.as_dict()["reliability_ppb"] == report.reliability_ppb

    (one,) = audit_log.kept(studio)
    verdict = verify_receipt(receipt_path(studio.receipts, one.audit_id).read_bytes(), studio.vkey_file.read_text().strip())
    assert verdict.verified and verdict.type == "audit.report" and one.file == path
    assert checking.check_studio(studio) == []
    assert report.null_outputs == 5 and all(line.null_nanonats >= 0 for line in report.lines)

    first = replace(found.lines[0], credit_nanonats=found.lines[0].credit_nanonats + 1)
    forged = replace(found, lines=(first, *found.lines[1:]))
    for wrong, said in (
        (replace(found, lines=found.lines[1:]), "which the index does not hold"),
        (forged, "do not follow from its raw credits"),
        (replace(found, reliability_ppb=PPB + 1), "its method of calibration or its reliability"),
        (replace(found, calibration_digest="0" * 64), "is not here"),
        (replace(found, index_digest="0" * 64), "is of another index"),
    ):
        (finding,) = audit_log.check_audits(studio, {wrong.output_id: wrong})
        assert said in finding.problem
    path.write_bytes(path.read_bytes().replace(b'"runs":8', b'"runs":9'))
    assert any("does not fit the digest in its name" in finding.problem for finding in checking.check_studio(studio))
    with pytest.raises(IntegrityError, match="does not fit the digest in its name"):
        attributing.attribute(studio, index, [GivenOutput(b"one more")])
    studio.close()


@pytest.mark.parametrize("kept", [False, True])
def test_a_calibration_counts_from_its_receipt_on(audited: Audited, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """A crash while the receipt is issued, before or after it was kept: nothing is lost, and the next audit finishes it."""
    studio = open_studio(audited.studio)
    plan = Plan(f"{audited.module}:trainer")
    index_digest = indexing.current_index(studio).index.digest

    def crash(*given: Any) -> None:
        if kept:
            issue(*given)
        raise OSError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(audit_log, "issue", crash)
        with pytest.raises(OSError, match="the power went"):
            auditing.audit_period(studio, h.JANUARY, h.outputs(), plan)
    standing = latest_calibration(studio, index_digest)
    assert (standing is not None) == kept
    assert (checking.check_studio(studio) == []) == kept

    auditing.audit_output(studio, ids(studio)[0], h.outputs(), plan)

    found = latest_calibration(studio, index_digest)
    assert found is not None and standing in (None, found)
    assert len(audit_log.kept(studio)) == 2 and checking.check_studio(studio) == []
    studio.close()


def test_damaged_and_earlier_documents(audited: Audited) -> None:
    """What is damaged is seen; a calibration of before audits were in the log corrects nothing and harms nothing."""
    studio = open_studio(audited.studio)
    (audited.studio / "audits").mkdir()
    (audited.studio / "audits" / "calibration-x.json").write_text('{"calibration":{},"format":"calibration/1"}')
    assert latest_calibration(studio, "any") is None and checking.check_studio(studio) == []

    (audited.studio / "audits" / "calibration-y.json").write_text("{}")
    with pytest.raises(IntegrityError, match="not an audit's document"):
        latest_calibration(studio, "any")
    assert [finding.where for finding in checking.check_studio(studio)] == ["audit calibration-y.json"]
    studio.close()


def test_what_does_not_fit_is_named(audited: Audited, house: House) -> None:
    studio = open_studio(audited.studio)
    salt, given = ids(studio)[0], h.outputs()
    plan = Plan(f"{audited.module}:trainer")

    def refused(pattern: str, *, output_id: str = salt, texts: int = 5, **changed: str) -> None:
        with pytest.raises(InputError, match=pattern):
            auditing.audit_output(studio, output_id, given[:texts], replace(plan, **changed))

    with pytest.raises(NotFoundError, match="never attributed"):
        auditing.audit_output(studio, "output:0", given, plan)
    with pytest.raises(NotFoundError):
        auditing.audit_period(studio, "2031-01", given, plan)
    refused("is not among the 0 given", texts=0)
    refused("is not an import path", trainer="nowhere")
    refused("cannot be imported", trainer="nowhere:trainer")
    refused("lacks digest, work_ids", trainer=f"{audited.module}:nothing")
    refused(f"the trainer does not read the work '{h.SALT}'", trainer=f"{audited.module}:fewer")
    refused("full run gives .* a log-ratio of", trainer=f"{audited.module}:another")
    refused("catalogues by 'genre'", by="genre")
    studio.close()


def test_an_output_of_an_older_index_is_refused(audited: Audited, house: House) -> None:
    studio = open_studio(audited.studio)
    salt = ids(studio)[0]
    indexing.build(studio, {"base": str(house.base), "full": str(house.full)}, catalogue.corpus(studio))

    with pytest.raises(InputError, match="another index than the current one"):
        auditing.audit_output(studio, salt, h.outputs(), Plan(f"{audited.module}:trainer"))
    studio.close()

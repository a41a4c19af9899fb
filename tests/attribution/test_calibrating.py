"""Calibrated credits keep their sum to the nano-nat, follow the audit's formula, and come nearer to the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.attribution import NANO, UNCALIBRATED, Attribution, attribution_of, calibrated, document_of
from endcredits.attribution.book import parse_attribution
from endcredits.canonical import canonical_bytes
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Credits
from endcredits.influence.replay.calibrate import fit_calibration
from endcredits.influence.replay.calibration import Calibration, Level, Part, apply_calibration, calibrated_errors
from endcredits.money import PPB, allocate

INDEX = "ab" * 32
CREDIT = st.integers(-(10**13), 10**13)


def calibration_with(levels: tuple[Level, ...], rho_ppb: int, rho_error_ppb: int = 0) -> Calibration:
    return Calibration(rho_ppb, rho_error_ppb, levels, 9, 9, "2026-01-01T00:00:00Z", "t" * 64, INDEX, 600_000_000, 10**7)


@st.composite
def panel(draw: st.DrawFn) -> tuple[Calibration, dict[WorkId, int], dict[WorkId, int]]:
    """A calibration of two to five catalogues of one to four works each, and an output's raw credits and errors; perhaps a
    work of no catalogue."""
    raw: dict[WorkId, int] = {WorkId("unread"): draw(CREDIT)} if draw(st.booleans()) else {}
    levels = []
    for k in range(draw(st.integers(2, 5))):
        works = [WorkId(f"w{k}-{number}") for number in range(draw(st.integers(1, 4)))]
        weights = [draw(st.integers(0, 1000)) for _ in works]
        parts = allocate(PPB, dict(zip(works, weights if any(weights) else [1] * len(works), strict=True)))
        raw |= {work: draw(CREDIT) for work in works}
        level, error = draw(st.integers(-(10**10), 10**10)), draw(st.integers(0, 10**9))
        levels.append(Level(f"k{k}", level, error, 0, 0, tuple(Part(work, parts[work]) for work in works)))
    errors = {work: draw(st.integers(0, 10**12)) for work in raw}
    rho, rho_error = draw(st.integers(0, 1_500_000_000)), draw(st.integers(0, 10**9))
    return calibration_with(tuple(levels), rho, rho_error), raw, errors


def slowly(calibration: Calibration, raw: Mapping[WorkId, int]) -> dict[WorkId, Fraction]:
    """The formula as it is written, in exact fractions: catalogues first, then what each adds, by size."""
    rho, count = Fraction(calibration.rho_ppb, PPB), len(calibration.levels)
    sums = {level.catalogue: sum(raw[part.work_id] for part in level.parts) for level in calibration.levels}
    mean = Fraction(sum(sums.values()), count)
    mean_level = Fraction(sum(level.level_nanonats for level in calibration.levels), count)
    found = {work: Fraction(credit) for work, credit in raw.items()}
    for level in calibration.levels:
        whole = mean + rho * (sums[level.catalogue] - mean) + level.level_nanonats - mean_level
        for part in level.parts:
            own = rho * raw[part.work_id]
            found[part.work_id] = own + (whole - rho * sums[level.catalogue]) * Fraction(part.part_ppb, PPB)
    return found


@given(panel())
def test_the_fast_way_is_the_formula(given_panel: tuple[Calibration, dict[WorkId, int], dict[WorkId, int]]) -> None:
    """Within one nano-nat, and in the sum exactly: completeness is what it was."""
    calibration, raw, errors = given_panel

    found, _ = calibrated(calibration, raw, errors)

    exact = slowly(calibration, raw)
    assert sum(found.values()) == sum(raw.values()) == sum(exact.values())
    assert all(abs(found[work] - exact[work]) < 1 for work in raw)
    assert found.get(WorkId("unread")) == raw.get(WorkId("unread"))


@given(panel())
def test_catalogues_are_those_of_the_floating_twin(
    given_panel: tuple[Calibration, dict[WorkId, int], dict[WorkId, int]],
) -> None:
    """`apply_calibration`, which fits and benches use, says the same of whole catalogues; so do errors of lone works."""
    calibration, raw, errors = given_panel
    found, spread = calibrated(calibration, raw, errors)

    def sums(values: Mapping[WorkId, int]) -> np.ndarray:
        return np.array([sum(values[part.work_id] for part in level.parts) for level in calibration.levels]) / NANO

    slow = apply_calibration(calibration, calibration.catalogues, sums(raw)[None], sums(raw).sum()[None])[0]
    np.testing.assert_allclose(sums(found), slow, atol=1e-6, rtol=1e-9)
    slow_errors = calibrated_errors(calibration, calibration.catalogues, sums(raw)[None], sums(errors)[None])[0]
    for level, error in zip(calibration.levels, slow_errors, strict=True):
        if len(level.parts) == 1:
            assert spread[level.parts[0].work_id] / NANO == pytest.approx(error, abs=1e-6, rel=1e-9)
    assert all(error >= 0 for error in spread.values())


def test_a_work_cut_in_two_earns_what_it_earned_whole() -> None:
    whole = calibration_with(
        (Level("a", 300, 0, 0, 0, (Part(WorkId("a"), PPB),)), Level("b", -300, 0, 0, 0, (Part(WorkId("b"), PPB),))),
        700_000_000,
    )
    halves = (Part(WorkId("a1"), PPB // 2), Part(WorkId("a2"), PPB // 2))
    cut = replace(whole, levels=(replace(whole.levels[0], parts=halves), whole.levels[1]))
    nothing = dict.fromkeys(map(WorkId, ("a", "a1", "a2", "b")), 0)

    one, _ = calibrated(whole, {WorkId("a"): 1000, WorkId("b"): 500}, nothing)
    two, _ = calibrated(cut, {WorkId("a1"): 900, WorkId("a2"): 100, WorkId("b"): 500}, nothing)

    assert two[WorkId("a1")] + two[WorkId("a2")] == one[WorkId("a")] == 1225
    assert two[WorkId("b")] == one[WorkId("b")] == 275


def shares(credits: np.ndarray) -> np.ndarray:
    positive = np.clip(credits, 0, None)
    return np.asarray(positive / positive.sum(-1, keepdims=True))


def test_calibrated_shares_are_nearer_the_truth() -> None:
    """A synthetic index that overstates contrasts and favours the same catalogue every time: an audit of forty outputs
    mends forty others, in the shares that receipts state."""
    draw = np.random.default_rng(5)
    names = tuple("abcde")
    truth = draw.gamma(2.0, 1.0, size=(80, 5))
    slant = np.array([0.9, -0.6, 0.3, -0.2, -0.4])
    noise = draw.normal(size=truth.shape) * 0.2
    raw = 1.6 * (truth - truth.mean(1, keepdims=True)) + truth.mean(1, keepdims=True) + slant
    raw += noise - noise.mean(1, keepdims=True)
    parts = {name: (Part(WorkId(name), PPB),) for name in names}
    fitted = fit_calibration(names, raw[:40], truth[:40], parts=parts, index_digest=INDEX)

    def stated(row: int, calibration: Calibration | None) -> np.ndarray:
        credits = Credits(float(raw[row].sum()), tuple(map(WorkId, names)), tuple(raw[row].tolist()), (0.1,) * 5)
        document = attribution_of(credits, output=b"%d" % row, method="m/1", index_digest=INDEX, calibration=calibration)
        found = {line.work_id: line.share_ppb for line in document.lines}
        return np.array([found[WorkId(name)] for name in names]) / PPB

    true = shares(truth)
    before = np.mean([np.abs(stated(row, None) - true[row]).sum() / 2 for row in range(40, 80)])
    after = np.mean([np.abs(stated(row, fitted) - true[row]).sum() / 2 for row in range(40, 80)])
    assert after < 0.4 * before


def example(calibration: Calibration | None) -> Attribution:
    credits = Credits(10.0, tuple(map(WorkId, "ab")), (7.0, 3.0), (0.5, 0.25), 1.0)
    return attribution_of(credits, output=b"out", method="m/1", index_digest=INDEX, calibration=calibration)


def two_works(level: int = 250_000_000) -> Calibration:
    levels = tuple(
        Level(name, sign * level, 30_000_000, 0, 0, (Part(WorkId(name), PPB),)) for name, sign in (("a", -1), ("b", 1))
    )
    return calibration_with(levels, 500_000_000, 100_000_000)


def test_a_document_names_its_calibration_and_keeps_the_raw_credits() -> None:
    calibration = two_works()

    found = example(calibration)

    assert (found.calibration_digest, found.calibration_method) == (calibration.digest, "slope-and-levels/1")
    assert (found.reliability_ppb, found.gap_nanonats) == (600_000_000, NANO)
    assert [(line.work_id, line.credit_nanonats, line.raw_credit_nanonats) for line in found.lines] == [
        ("a", 5_750_000_000, 7_000_000_000),
        ("b", 4_250_000_000, 3_000_000_000),
    ]
    # (0.5 * 0.5)^2 + (0.1 * 2)^2 + 0.03^2
    assert found.lines[0].error_nanonats == pytest.approx(0.32156 * NANO, rel=1e-4)
    assert found.lines[0].raw_error_nanonats == 500_000_000
    assert parse_attribution(canonical_bytes(document_of(found)).decode()) == found


def test_without_one_it_says_uncalibrated() -> None:
    found = example(None)

    assert (found.calibration_digest, found.calibration_method, found.reliability_ppb) == ("", UNCALIBRATED, None)
    document = document_of(found)
    assert document["calibration_method"] == "uncalibrated" and "raw_credit_nanonats" not in document["lines"][0]
    assert parse_attribution(canonical_bytes(document).decode()) == found


def test_a_document_of_before_calibrations_reads_and_is_spelt_as_it_was() -> None:
    document = document_of(example(None))
    for name in ("calibration_digest", "calibration_method", "reliability_ppb"):
        del document[name]
    old = canonical_bytes(document).decode()

    found = parse_attribution(old)

    assert found.calibration_method == "" and found.reliability_ppb is None
    assert canonical_bytes(document_of(found)).decode() == old
    del document["gap_nanonats"]  # older still
    assert parse_attribution(json.dumps(document)) == replace(found, gap_nanonats=0)


def test_a_calibration_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="the calibration is of the index"):
        example(replace(two_works(), index_digest="cd" * 32))
    strange = replace(two_works().levels[1], parts=(Part(WorkId("z"), PPB),))
    with pytest.raises(InputError, match="names 'z', which the index does not hold"):
        example(replace(two_works(), levels=(two_works().levels[0], strange)))
    with pytest.raises(InputError, match="names no work of a catalogue"):
        example(replace(two_works(), levels=(two_works().levels[0], replace(strange, parts=()))))

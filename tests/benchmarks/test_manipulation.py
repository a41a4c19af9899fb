"""The manipulation benchmark on a market small enough for a test: what it plays is what it says, and figures add up."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from benchmarks.manipulation import attacks
from benchmarks.manipulation.__main__ import RULES, cell, play_world, show, summed
from benchmarks.manipulation.attacks import ATTACKER, ATTACKS, VICTIM, Attack
from benchmarks.manipulation.detector import THRESHOLDS_PPB, curve
from benchmarks.manipulation.pay import freeze, measured, paid
from benchmarks.manipulation.refusals import refusals
from benchmarks.manipulation.world import NATS, World, credits_of, honest_world


@pytest.fixture(scope="module")
def small() -> World:
    return honest_world(payees=12, works_each=2, outputs=80, payers=8, seed=3)


def attack(name: str, strength: float) -> Attack:
    (found,) = [one for one in ATTACKS if one.name == name]
    return replace(found, strengths=(strength,))


def test_all_money_of_a_world_is_somebodys(small, tmp_path):
    frozen = freeze(measured(small), tmp_path, clustered=True)
    for rule in RULES:
        earned = paid(frozen, rule.policy).earned
        assert sum(earned.values()) == 40_000_000  # half of 80 uses at 1.00


def test_noise_is_standard_normal_and_an_attack_changes_no_other_works_noise(small):
    quiet, loud = (credits_of(replace(small, noise=noise)) for noise in (0.0, 0.02))
    drawn = (loud[1] - quiet[1]) / (0.02 * NATS)
    assert abs(drawn.mean()) < 0.1
    assert abs(drawn.std() - 1) < 0.1
    copied = attacks.own_copies(replace(small, noise=0.02), 0.0)
    silent = credits_of(replace(copied, noise=0.0))
    listed, nats = credits_of(copied)
    names = [work.work_id for work in copied.works]
    before = {(row, small.works[n].work_id): drawn[row, at] for row, each in enumerate(loud[0]) for at, n in enumerate(each)}
    common = 0
    for row, each in enumerate(listed):
        for at, n in enumerate(each):
            if (row, names[n]) in before:
                common += 1
                noise = (nats[row, at] - silent[1][row, at]) / (0.02 * NATS)
                assert np.isclose(noise, before[row, names[n]], atol=1e-6)
    assert common > 80


def test_exact_copies_are_undone_where_nothing_is_measured_wrongly():
    rows = play_world(3, payees=12, outputs=200, attacks=[attack("exact copies, by measuring error", 0.0)])
    by_rule = {row.rule: row for row in rows}
    assert by_rule["bare"].gain is not None and by_rule["bare"].gain > 1.1
    for rule in RULES[1:]:
        row = by_rule[rule.name]
        assert row.gain is not None
        assert row.gain == 0 if row.held else 0.95 < row.gain < 1.05


def test_thieves_get_nothing_and_claimed_works_are_held():
    tried = [attack("copies of another's, by error", 0.0), attack("squatting, claimed", 0.0)]
    for row in play_world(3, payees=12, outputs=200, attacks=tried):
        if row.rule == "bare":
            assert row.pool_part > 0
        else:
            assert row.pool_part == 0
            assert row.attack.startswith("squatting") or row.victim_kept > 0.95


def test_a_payer_gets_no_more_back_than_it_spent_where_money_stays_with_its_payer():
    rows = play_world(3, payees=12, outputs=80, attacks=[attack("washing on a flat fee of 10.00", 300)])
    back = {row.rule: row.back for row in rows}
    assert back["pro rata"] is not None and back["pro rata"] > 1
    for rule in ("bare", "guarded", "payer", "held"):
        assert back[rule] is not None and back[rule] <= 1


def test_an_outlier_stands_in_every_list_and_nobody_elses_credit_moves(small):
    listed, nats = credits_of(attacks.outliers(small, 0.2))
    own = [n for n, work in enumerate(small.works) if work.owner == ATTACKER]
    assert all(set(own) <= set(row.tolist()) for row in listed)
    plain_listed, plain = credits_of(small)
    assert np.array_equal(listed, plain_listed)  # 24 works: all are listed either way
    others = ~np.isin(listed, own)
    assert np.allclose(nats[others], plain[others])
    assert not np.allclose(nats[~others], plain[~others])


def test_crops_and_dropped_uses_are_what_they_say(small):
    cropped = attacks.crops(small, 0.5)
    (original, *_) = [work for work in cropped.works if work.owner == ATTACKER]
    made = [work for work in cropped.works if work.work_id.startswith(f"zz-crop-{original.work_id}")]
    assert len(made) == 20
    assert all(original.text.startswith(work.text) and len(work.text.split()) == 120 for work in made)
    assert len(attacks.dropped(small, 0.1).outputs) == 72


def test_tricks_that_are_refused_are_refused(small):
    found = refusals(measured(replace(small, outputs=honest_world(payees=12, works_each=2, outputs=120).outputs)))
    assert "sum to 1,500,000,000 ppb" in found["splits over 100 %"]
    assert "digest" in found["uses taken out after freezing"]


def test_the_detectors_curve_falls_with_rewriting_and_tells_no_stranger():
    seen = {one.change: one for one in curve(8)}
    replaced = [one.resemblance for change, one in seen.items() if change.startswith("words replaced")]
    assert replaced == sorted(replaced, reverse=True)
    assert seen["words replaced 0.01"].found == (1.0,) * len(THRESHOLDS_PPB)
    assert seen["translated"].found == seen["another text"].found == (0.0,) * len(THRESHOLDS_PPB)
    assert all(list(one.found) == sorted(one.found, reverse=True) for one in seen.values())


def test_the_table_shows_every_attack(capsys):
    rows = [
        row
        for row in play_world(3, payees=12, outputs=40, attacks=[attack("hubs", 5), attack("operator leaves uses out", 0.1)])
    ]
    document = {
        "machine": "a machine",
        "worlds": 1,
        "rules": {rule.name: rule.says for rule in RULES},
        "rows": [summed([row]) for row in rows],
        "refusals": {"splits over 100 %": "refused"},
        "detector": [asdict(one) for one in curve(2)],
    }
    show(json.loads(json.dumps(document)))
    printed = capsys.readouterr().out
    assert "hubs" in printed and "operator leaves uses out" in printed and "splits over 100 %: refused" in printed
    assert cell(document["rows"][0]) in printed
    assert VICTIM != ATTACKER

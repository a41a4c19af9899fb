"""An audit from end to end: what to run for a budget, what the runs say of each output, and what they say of the index.

With two runs a catalogue the whole budget goes into the outermost sizes: every catalogue alone, and everybody without it.
They need no draw, so nothing depends on luck, and the index's credits stand for the middle (`shapley.centre_from`). Every
further run goes into drawn pairs, which test the middle. docs/decisions/0011 has the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from endcredits.ids import WorkId
from endcredits.influence.replay.calibrate import fit_calibration
from endcredits.influence.replay.calibration import PPB, Calibration, Part, contrast
from endcredits.influence.replay.coalitions import Catalogue, Design, pair_design
from endcredits.influence.replay.games import Game, complement_pairs, whole_sizes
from endcredits.influence.replay.reliability import reliability
from endcredits.influence.replay.run import Scores
from endcredits.influence.replay.shapley import Audited, centre_from, choose_ridge, mean_errors, stratified
from endcredits.money import allocate

SIZE_UNIT = 1_000_000
"""Sizes are divided in millionths of a token."""
UNTESTED_PART = 0.25
"""Where no pair was drawn: the error as a part of the distance between the middle's slope and the ends' mean slope, pooled
half and half with the output's other catalogues. Picked among .25, .35 and .5 on the literature truth, where bands of 1.645
such errors and the truth's own hold 92 to 98 % of the credits with a response tier's middle, and 77 to 80 % with the
curvature tier's: draw pairs for that one."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found.

    Attributes:
        catalogues: K names.
        audited: credits and errors ``[Q, K]`` in nats.
        alone: what the runs show without the index's credits as their centre, ``[Q, K]``; less exact, and independent of
            the index, as measuring its reliability must be.
        level_errors: error ``[K]`` of each catalogue's mean credit over the outputs.
        log_ratio: ``[Q]``.
        seed_noise: standard deviation of each output's log-likelihood over orders of the examples ``[Q]``; NaN when no run
            was repeated.
        runs: training runs besides full and base, repeats not counted.
    """

    catalogues: tuple[str, ...]
    audited: Audited
    alone: np.ndarray
    level_errors: np.ndarray
    log_ratio: np.ndarray
    seed_noise: np.ndarray
    runs: int


def budget_design(catalogues: Sequence[Catalogue], *, runs_per_catalogue: float = 2.0, seed: int = 0) -> Design:
    """The design for a budget of training runs.

    Args:
        catalogues: K of them.
        runs_per_catalogue: from 2 on, the outermost sizes and as many drawn pairs as the rest pays for; below 2, drawn pairs
            alone.
        seed: of the draws.
    """
    runs = int(runs_per_catalogue * len(catalogues))
    if runs_per_catalogue >= 2:
        return pair_design(catalogues, pairs=(runs - 2 * len(catalogues)) // 2, seed=seed)
    return pair_design(catalogues, pairs=max(1, runs // 2), outermost=False, seed=seed)


def solve_audit(scores: Scores, estimated: np.ndarray | None = None) -> AuditResult:
    """Credits that the runs show.

    Args:
        scores: of the design's runs.
        estimated: the index's credits of the same outputs ``[Q, K]`` in nats, as the centre; None to let the runs speak
            alone, which takes 4 to 6 runs a catalogue to say much.
    """
    game = scores.game
    names = tuple(catalogue.name for catalogue in scores.design.catalogues)
    alone = stratified(game)
    if estimated is None:
        audited, level_errors = alone, mean_errors(game)
    else:
        centre = centre_from(game, estimated)
        whole = set(whole_sizes(game.masks))
        drawn = sum(int(game.masks[first].sum()) not in whole for first, _ in complement_pairs(game.masks))
        fraction, ridge = choose_ridge(game, centre=centre) if drawn >= 4 else (1.0, 1.0)
        audited = stratified(game, centre=centre, fraction=fraction, ridge=ridge)
        level_errors = mean_errors(game, centre=centre, fraction=fraction, ridge=ridge)
        if np.isnan(audited.errors).any():
            distance = _untested(game, estimated)
            pooled = np.sqrt((distance**2 + (distance**2).mean(1, keepdims=True)) / 2)
            audited = Audited(audited.credits, pooled)
            level_errors = np.abs(distance.mean(0))
    return AuditResult(names, audited, alone.credits, level_errors, game.log_ratio, scores.seed_noise, len(game.masks))


def calibration_from(
    result: AuditResult,
    estimated: np.ndarray,
    *,
    dated: str,
    trainer_digest: str,
    index_digest: str,
    sizes: Mapping[str, Mapping[WorkId, float]],
) -> Calibration:
    """The calibration of an index by an audit of at least two outputs, with its reliability; see `calibrate`.

    Args:
        result: what the runs say.
        estimated: the index's own credits ``[Q, K]`` in nats, before any calibration.
        dated: when, UTC.
        trainer_digest: who trained.
        index_digest: whose credits they are.
        sizes: how much the run read of each work, by catalogue and work.
    """
    fitted = fit_calibration(
        result.catalogues,
        estimated,
        result.audited.credits,
        level_errors=result.level_errors,
        parts={name: _parts(sizes[name]) for name in result.catalogues},
        runs=result.runs,
        dated=dated,
        trainer_digest=trainer_digest,
        index_digest=index_digest,
    )
    measured = reliability(estimated, result.alone)
    if measured is None:
        return fitted
    value, error = (round(number * PPB) for number in measured)
    return replace(fitted, reliability_ppb=value, reliability_error_ppb=error)


def _parts(sizes: Mapping[WorkId, float]) -> tuple[Part, ...]:
    """A catalogue's works by size; equal parts where none has any."""
    weights = {str(work_id): round(size * SIZE_UNIT) for work_id, size in sizes.items()}
    divided = allocate(PPB, weights if any(weights.values()) else dict.fromkeys(weights, 1))
    return tuple(Part(work_id, divided[work_id]) for work_id in sorted(sizes))


def _untested(game: Game, estimated: np.ndarray) -> np.ndarray:
    """How far a middle that no pair tested may be off ``[Q, K]``, signed, so that it can be averaged over outputs."""
    count = game.masks.shape[1]
    ends = stratified(game, fraction=1.0).credits  # the ends' slopes carried through the middle
    missing = (count - 1 - len(whole_sizes(game.masks))) / (count - 1)
    return np.asarray(UNTESTED_PART * missing * (contrast(ends) - contrast(estimated)))

"""Correcting a tier's credits by an audit: one slope, and one level per catalogue.

An estimate is right about an output's total (it is measured) and mostly right about who moved it more than others; it is
wrong in how far the parts lie apart, and wrong in the same direction for the same catalogue again and again. So for
output y of K catalogues, with T the measured log-ratio and "contrast" a credit less the mean of its output's credits,

    phi_k(y) = T(y) / K + rho * contrast_k(y) + m_k

- rho, the slope: covariance of audited and estimated contrasts over the variance of the estimated, pooled over outputs and
  catalogues and kept in [0, 1.5]. Where the estimate says nothing it goes to 0, and what is left is the flat part. It is a
  slope on estimates as they come, noise included, because as such it is applied: the audit's noise does not bias it, and
  dividing the estimate's own noise out of it would overstate every contrast (arXiv 2607.00641 calls it informativeness).
- m_k, the level: the catalogue's mean residual over the outputs, shrunk towards 0 by its own error (empirical Bayes,
  James & Stein 1961; Morris 1983): m_k * tau^2 / (tau^2 + error_k^2), tau^2 the variance of levels beyond their errors.
  Levels add up to 0, so calibrated credits add up to T as exactly as before.

Levels matter for statements, where an error that repeats does not average out; slopes matter for single outputs. A level
is bound to the kind of outputs it was fitted on: fit it on outputs like those that are paid for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from endcredits.errors import InputError
from endcredits.influence.replay.calibration import NANO, PPB, Calibration, Level, Part, contrast

MOST_SLOPE = 1.5
BOOTSTRAP_DRAWS = 200


def fit_calibration(
    catalogues: Sequence[str],
    estimated: np.ndarray,
    audited: np.ndarray,
    *,
    level_errors: np.ndarray | None = None,
    parts: Mapping[str, tuple[Part, ...]] | None = None,
    runs: int = 0,
    dated: str = "",
    trainer_digest: str = "",
    index_digest: str = "",
    seed: int = 0,
) -> Calibration:
    """Fits slope and levels.

    Args:
        catalogues: K names, the order of the columns.
        estimated: credits of the index ``[Q, K]`` in nats.
        audited: credits that retraining shows ``[Q, K]``.
        level_errors: standard error ``[K]`` of each catalogue's *mean* audited credit, because all outputs share the draw of
            coalitions (`shapley.mean_errors`); it comes on top of the spread over outputs.
        parts: the works of each catalogue, without which nothing below a catalogue can be corrected.
        runs: see `Calibration`.
        dated: see `Calibration`.
        trainer_digest: see `Calibration`.
        index_digest: see `Calibration`.
        seed: of the bootstrap.

    Raises:
        InputError: fewer than two outputs, fewer than two catalogues, shapes that differ, or a value that is not finite.
    """
    _check(catalogues, estimated, audited)
    x, y = contrast(estimated), contrast(audited)
    extra = np.zeros(len(catalogues)) if level_errors is None else np.nan_to_num(level_errors)
    rho, levels, errors = _fit(x, y, extra)
    generator = np.random.default_rng(seed)
    draws = [generator.integers(len(x), size=len(x)) for _ in range(BOOTSTRAP_DRAWS)]
    rho_error = float(np.std([_fit(x[draw], y[draw], extra)[0] for draw in draws], ddof=1))
    slopes, slope_errors = informativeness(estimated, audited)
    columns = zip(catalogues, levels, errors, slopes, slope_errors, strict=True)
    return Calibration(
        rho_ppb=round(rho * PPB),
        rho_error_ppb=round(rho_error * PPB),
        levels=tuple(
            Level(
                name,
                round(level * NANO),
                round(error * NANO),
                round(slope * PPB),
                round(slope_error * PPB),
                (parts or {}).get(name, ()),
            )
            for name, level, error, slope, slope_error in columns
        ),
        outputs=len(x),
        runs=runs,
        dated=dated,
        trainer_digest=trainer_digest,
        index_digest=index_digest,
    )


def cross_validated(
    catalogues: Sequence[str],
    estimated: np.ndarray,
    audited: np.ndarray,
    log_ratio: np.ndarray,
    *,
    folds: int = 5,
    level_errors: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Calibrated credits ``[Q, K]`` of every output, by a calibration that was fitted without its fold of the outputs."""
    _check(catalogues, estimated, audited)
    fold = np.random.default_rng(seed).permutation(len(estimated)) % min(folds, len(estimated))
    found = np.zeros_like(estimated, dtype=float)
    for number in range(int(fold.max()) + 1):
        held = fold == number
        x, y = contrast(estimated[~held]), contrast(audited[~held])
        extra = np.zeros(len(catalogues)) if level_errors is None else np.nan_to_num(level_errors)
        rho, levels, _ = _fit(x, y, extra)
        found[held] = log_ratio[held, None] / len(catalogues) + rho * contrast(estimated[held]) + levels
    return found


def informativeness(estimated: np.ndarray, audited: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per catalogue, the slope of audited on estimated contrasts over outputs and its standard error, ``[K]`` each.

    I_k = Cov / Var = signal / (signal + noise) of the estimate where the audit is exact. A catalogue whose estimate never
    varies has slope 0.
    """
    x, y = contrast(estimated), contrast(audited)
    x, y = x - x.mean(0), y - y.mean(0)
    square = (x**2).sum(0)
    slope = np.where(square > 0, (x * y).sum(0) / np.where(square > 0, square, 1.0), 0.0)
    residual = y - slope * x
    # Robust to outputs of different spread (White 1980).
    error = np.where(square > 0, np.sqrt(((x * residual) ** 2).sum(0)) / np.where(square > 0, square, 1.0), 0.0)
    return slope, error


def _check(catalogues: Sequence[str], estimated: np.ndarray, audited: np.ndarray) -> None:
    if estimated.shape != audited.shape or estimated.shape[1:] != (len(catalogues),):
        raise InputError(
            f"credits of shape {estimated.shape} and audited of shape {audited.shape} for {len(catalogues)} catalogues",
            remedy="Give both as outputs times catalogues.",
            field="audited",
        )
    if len(estimated) < 2 or len(catalogues) < 2:
        raise InputError(
            f"{len(estimated)} outputs of {len(catalogues)} catalogues cannot calibrate anything",
            remedy="Audit at least two outputs of at least two catalogues; a hundred outputs are a good number.",
            field="outputs",
        )
    for name, values in (("estimated", estimated), ("audited", audited)):
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
            raise InputError(f"the {name} credits of output {row + 1} are not finite", field=name)


def _fit(x: np.ndarray, y: np.ndarray, extra: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Slope, shrunken levels ``[K]`` and their errors: each fitted given the other until they stand still."""
    square = float((x**2).sum())
    rho, levels, errors = 0.0, np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for _ in range(50):
        before = rho
        rho = min(MOST_SLOPE, max(0.0, float((x * (y - levels)).sum()) / square)) if square > 0 else 0.0
        levels, errors = _levels(y - rho * x, extra)
        if abs(rho - before) < 1e-9:
            break
    return rho, levels, errors


def _levels(residual: np.ndarray, extra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outputs = len(residual)
    raw = residual.mean(0)
    variance = residual.var(0, ddof=1) / outputs + extra**2
    beyond = max(0.0, float(np.mean(raw**2 - variance)))
    kept = beyond / np.where(beyond + variance > 0, beyond + variance, 1.0)
    # The second term is what not knowing tau adds (Morris 1983, with K - 1 free levels): levels shrunk to 0 are not sure.
    unknown = 2.0 / max(1, len(raw) - 1) * ((1 - kept) * raw) ** 2
    return contrast(kept * raw), np.sqrt(kept * variance + unknown)

"""A calibration: the document that says how the credits of an index are corrected, and by which audit.

Without one, credits are the index's own word, and whatever shows them says "uncalibrated". How the numbers are found, and
what they mean, stands in `calibrate`; here they are kept as integers (parts per billion, nano-nats) and applied. It names
every work of every catalogue with its part, so that with an output's raw credits it is all that correcting them takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from endcredits.canonical import digest
from endcredits.ids import WorkId

PPB = NANO = 1_000_000_000
METHOD = "slope-and-levels/1"
"""How a calibration of this kind corrects credits; attributions name it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A work in its catalogue.

    Attributes:
        work_id: the work.
        part_ppb: its part of what the catalogue is corrected by, by size (what the run read of it); a catalogue's parts
            sum to 1,000,000,000.
    """

    work_id: WorkId
    part_ppb: int


@dataclass(frozen=True, slots=True)
class Level:
    """What an audit says of one catalogue.

    Attributes:
        catalogue: its name.
        level_nanonats: m_k, added to its credit for every output.
        error_nanonats: standard error of m_k after shrinking, >= 0.
        informativeness_ppb: slope of its audited on its estimated contrast over outputs alone; about 1 billion where its
            credits can be taken at their word, 0 where they are noise.
        informativeness_error_ppb: standard error of that slope.
        parts: its works.
    """

    catalogue: str
    level_nanonats: int
    error_nanonats: int
    informativeness_ppb: int
    informativeness_error_ppb: int
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the credits of an index are corrected, and by which audit.

    Attributes:
        rho_ppb: the slope, 0 to 1.5 billion.
        rho_error_ppb: its standard error (bootstrap over outputs).
        levels: one per audited catalogue, in the audit's order.
        outputs: how many outputs were audited.
        runs: how many training runs the audit made, full and base not counted.
        dated: when, RFC 3339 in UTC.
        trainer_digest: of the trainer that made the runs.
        index_digest: of the index whose credits are corrected.
        reliability_ppb: how far corrected credits are to be believed, 0 to 1 billion (see `reliability`); None when too
            few outputs were audited to say.
        reliability_error_ppb: its standard error, >= 0; None as above.
    """

    rho_ppb: int
    rho_error_ppb: int
    levels: tuple[Level, ...]
    outputs: int
    runs: int
    dated: str
    trainer_digest: str
    index_digest: str
    reliability_ppb: int | None = None
    reliability_error_ppb: int | None = None

    @property
    def rho(self) -> float:
        """The slope."""
        return self.rho_ppb / PPB

    @property
    def rho_error(self) -> float:
        """Its standard error."""
        return self.rho_error_ppb / PPB

    @property
    def catalogues(self) -> tuple[str, ...]:
        """The audited catalogues."""
        return tuple(level.catalogue for level in self.levels)

    @property
    def levels_nats(self) -> np.ndarray:
        """m_k ``[K]``."""
        return np.array([level.level_nanonats for level in self.levels]) / NANO

    @property
    def level_errors_nats(self) -> np.ndarray:
        """Their standard errors ``[K]``."""
        return np.array([level.error_nanonats for level in self.levels]) / NANO

    @property
    def method(self) -> str:
        """How it corrects credits."""
        return METHOD

    @property
    def digest(self) -> str:
        """SHA-256 of the document."""
        return digest(self)


def apply_calibration(
    calibration: Calibration, catalogues: Sequence[str], estimated: np.ndarray, log_ratio: np.ndarray
) -> np.ndarray:
    """Calibrated credits ``[Q, K]`` that add up to the measured log-ratios.

    Args:
        calibration: a catalogue that it does not know has level 0.
        catalogues: K names, the order of the columns.
        estimated: credits ``[Q, K]`` in nats.
        log_ratio: T ``[Q]``.
    """
    known = dict(zip(calibration.catalogues, calibration.levels_nats, strict=True))
    levels = contrast(np.array([known.get(name, 0.0) for name in catalogues]))
    return np.asarray(log_ratio[:, None] / len(catalogues) + calibration.rho * contrast(estimated) + levels)


def calibrated_errors(
    calibration: Calibration, catalogues: Sequence[str], estimated: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """Standard errors of calibrated credits ``[Q, K]``: the estimate's own, the slope's and the level's, in quadrature."""
    known = dict(zip(calibration.catalogues, calibration.level_errors_nats, strict=True))
    levels = np.array([known.get(name, 0.0) for name in catalogues])
    return np.asarray(
        np.sqrt((calibration.rho * errors) ** 2 + (calibration.rho_error * contrast(estimated)) ** 2 + levels**2)
    )


def contrast(credits: np.ndarray) -> np.ndarray:
    """Credits less the mean over the catalogues (last axis)."""
    return np.asarray(credits - credits.mean(-1, keepdims=True))


def calibration_of(document: Mapping[str, Any]) -> Calibration:
    """A calibration from the plain data that `canonical.to_plain` made of it.

    Raises:
        KeyError, TypeError: it is no such document.
    """
    levels = (
        Level(**{**level, "parts": tuple(Part(WorkId(part["work_id"]), part["part_ppb"]) for part in level["parts"])})
        for level in document["levels"]
    )
    return Calibration(**{**document, "levels": tuple(levels)})

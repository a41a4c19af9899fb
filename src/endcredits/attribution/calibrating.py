"""From an index's own credits to calibrated ones, in whole nano-nats, so that anybody can replay it to the last unit.

An audit's calibration says of catalogue k, with R_k its raw credit, S the sum of all and K their number,

    calibrated_k = S / K + rho * (R_k - S / K) + m_k,    levels m_k less their mean

(`influence.replay.calibrate`). Written work by work, with part_w a work's part of its catalogue's size,

    calibrated_w = rho * raw_w + part_w * (m_k + (1 - rho) * S / K)

which adds up to calibrated_k over a catalogue and to S over all: completeness and the stated gap are those of the raw
credits. Inside a catalogue works differ as the index says, and what the audit adds goes by size, so a work that is cut in
two earns what it earned whole. Works of no catalogue (the run never read them) keep their raw credit.

All of it is a fraction of whole numbers; the last nano-nats go to the largest remainders, ties by work id. The error adds
in quadrature rho times the raw error, the slope's error times the distance that it scales, and the work's part of the
level's error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.money import PPB

if TYPE_CHECKING:
    from endcredits.influence.replay.calibration import Calibration


def calibrated(
    calibration: Calibration, raw: Mapping[WorkId, int], raw_errors: Mapping[WorkId, int]
) -> tuple[dict[WorkId, int], dict[WorkId, int]]:
    """Calibrated credits and their standard errors, in nano-nats.

    Args:
        calibration: of the index.
        raw: the index's own credit of every work.
        raw_errors: their standard errors.

    Returns:
        Credits that sum to exactly what `raw` sums to, and errors >= 0, for the same works.

    Raises:
        InputError: the calibration names a work that the index does not hold, or none of a catalogue.
    """
    _check(calibration, raw)
    count, rho = len(calibration.levels), calibration.rho_ppb
    known = [part.work_id for level in calibration.levels for part in level.parts]
    total = sum(raw[work] for work in known)
    levels = sum(level.level_nanonats for level in calibration.levels)
    whole = PPB * PPB * count  # everything below is over this
    credits, errors = dict(raw), dict(raw_errors)
    remainders: dict[WorkId, int] = {}
    for level in calibration.levels:
        added = PPB * (count * level.level_nanonats - levels) + (PPB - rho) * total
        for part in level.parts:
            work, part_ppb = part.work_id, part.part_ppb
            credits[work], remainders[work] = divmod(rho * raw[work] * PPB * count + part_ppb * added, whole)
            variance = (
                (rho * raw_errors[work] * PPB * count) ** 2
                + (calibration.rho_error_ppb * (raw[work] * PPB * count - part_ppb * total)) ** 2
                + (part_ppb * level.error_nanonats * PPB * count) ** 2
            )
            errors[work] = (math.isqrt(variance) + whole // 2) // whole
    missing = total - sum(credits[work] for work in known)
    for work in sorted(remainders, key=lambda work: (-remainders[work], work))[:missing]:
        credits[work] += 1
    return credits, errors


def _check(calibration: Calibration, raw: Mapping[WorkId, int]) -> None:
    for level in calibration.levels:
        strange = next((part.work_id for part in level.parts if part.work_id not in raw), None)
        if strange is not None or not level.parts:
            problem = f"'{strange}', which the index does not hold" if strange else "no work of a catalogue"
            raise InputError(
                f"the calibration names {problem}",
                remedy="Apply it to the index that was audited, or audit this one.",
                field="calibration",
            )

"""From credits in nats to ranked shares that add up.

A credit is rounded once, to integer nano-nats, and everything after is exact. What an output is divided by, its *whole*,
is its measured log-ratio T, unless the credits for it or against it sum to more: max(T, P, N), with P and N the sums of the
positive and the negative credits. A work's share is its positive credit over the whole, and the rest is `unattributed`. An
output that the works made no likelier (T <= 0) owes them nothing: all of it is unattributed, and the signed credits still
stand.

Shares describe one output to people. Money is settled on the signed credits, summed over a period (`royalties`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from endcredits.attribution.calibrating import calibrated
from endcredits.attribution.records import NANO, UNCALIBRATED, Attribution, Line
from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import InputError
from endcredits.ids import OutputId, WorkId
from endcredits.influence import Credits
from endcredits.money import PPB, allocate

if TYPE_CHECKING:
    from endcredits.influence.replay.calibration import Calibration

UNATTRIBUTED = "~unattributed"
"""Stands among the shares for what no work can be credited for; no id of a work begins with ~."""


def attribution_of(
    credits: Credits,
    *,
    output: bytes,
    prompt: bytes = b"",
    method: str,
    index_digest: str,
    calibration: Calibration | None = None,
) -> Attribution:
    """The document for one output.

    Args:
        credits: as the index measured them.
        output: the output's bytes; only their digest is kept.
        prompt: the bytes before it.
        method: the index's method.
        index_digest: the index's digest.
        calibration: that an audit of this index left; None leaves the credits as the index measured them.

    Returns:
        Lines for every work of the index, by rank. A work whose error cannot be told (a single example) gets an error
        as large as its credit.

    Raises:
        InputError: the calibration is of another index.
    """
    log_ratio = nanonats(credits.log_ratio_nats)
    raw = {work: nanonats(credit) for work, credit in zip(credits.work_ids, credits.credit_nats, strict=True)}
    raw_errors = {
        work: abs(raw[work]) if math.isnan(error) else nanonats(error)
        for work, error in zip(credits.work_ids, credits.error_nats, strict=True)
    }
    signed, errors = raw, raw_errors
    if calibration is not None:
        if calibration.index_digest != index_digest:
            raise InputError(
                f"the calibration is of the index {calibration.index_digest[:12]}, the credits of {index_digest[:12]}",
                remedy="Audit the index that is asked.",
                field="calibration",
            )
        signed, errors = calibrated(calibration, raw, raw_errors)
    shares = shares_of(signed, log_ratio)
    ranked = sorted(signed, key=lambda work: (-signed[work], work))
    return Attribution(
        output_id=output_id_of(output, prompt, index_digest),
        output_sha256=sha256_bytes(output),
        prompt_sha256=sha256_bytes(prompt),
        output_bytes=len(output),
        method=method,
        index_digest=index_digest,
        log_ratio_nanonats=log_ratio,
        credit_sum_nanonats=sum(signed.values()),
        unattributed_ppb=shares[UNATTRIBUTED],
        lines=tuple(
            Line(
                rank,
                work,
                signed[work],
                errors[work],
                shares[work],
                raw[work] if calibration else None,
                raw_errors[work] if calibration else None,
            )
            for rank, work in enumerate(ranked, 1)
        ),
        gap_nanonats=nanonats(credits.gap_nats),
        calibration_digest=calibration.digest if calibration else "",
        calibration_method=calibration.method if calibration else UNCALIBRATED,
        reliability_ppb=calibration.reliability_ppb if calibration else None,
    )


def output_id_of(output: bytes, prompt: bytes, index_digest: str) -> OutputId:
    """The id of an output after a prompt under an index: the same three give the same id."""
    return output_id_of_digests(sha256_bytes(output), sha256_bytes(prompt), index_digest)


def output_id_of_digests(output_sha256: str, prompt_sha256: str, index_digest: str) -> OutputId:
    """The same id from the digests that a document states."""
    name = digest({"index": index_digest, "output": output_sha256, "prompt": prompt_sha256})
    return OutputId(f"output:{name[:24]}")


def nanonats(nats: float) -> int:
    """Nats as integer nano-nats, to the nearest, halves to even.

    >>> nanonats(1.25), nanonats(-0.0000000014)
    (1250000000, -1)
    """
    return round(nats * NANO)


def whole_nanonats(credits: Iterable[int], log_ratio: int) -> int:
    """What one output's credits are divided by, on its receipt and in its money.

    Dividing by the log-ratio leaves what no work explains unattributed. Dividing by the credits where they are larger keeps
    an output from giving more than all of itself, or taking more (against the works that made it less likely). Where
    credits add up to a positive log-ratio, the negative side is never the largest.

    >>> whole_nanonats([6, 2], 10), whole_nanonats([6, 2, -1], 4), whole_nanonats([1, -9], 4)
    (10, 8, 9)

    Args:
        credits: signed nano-nats, one per work.
        log_ratio: measured, in nano-nats.

    Returns:
        At least 1.
    """
    known = list(credits)
    positive, negative = sum(max(credit, 0) for credit in known), sum(max(-credit, 0) for credit in known)
    return max(log_ratio, positive, negative, 1)


def shares_of(signed: Mapping[WorkId, int], log_ratio: int) -> dict[str, int]:
    """Shares in parts per billion of every work and of `UNATTRIBUTED`, from credits and log-ratio in nano-nats."""
    if log_ratio <= 0:
        return {**dict.fromkeys(signed, 0), UNATTRIBUTED: PPB}
    positive: dict[str, int] = {work: max(credit, 0) for work, credit in signed.items()}
    whole = whole_nanonats(signed.values(), log_ratio)
    return allocate(PPB, {**positive, UNATTRIBUTED: whole - sum(positive.values())})

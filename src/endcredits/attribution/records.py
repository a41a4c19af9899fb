"""The document that says which works an output drew on: ranked, dated by its digests, replayable.

Credits are signed and in integer nano-nats (a nat is the natural unit of log-probability); shares are what people read:
non-negative parts per billion that sum, together with `unattributed_ppb`, to exactly 1,000,000,000.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.ids import OutputId, WorkId

NANO = 1_000_000_000
"""Nano-nats in a nat."""


@dataclass(frozen=True, slots=True)
class Line:
    """One work's part in one output.

    Attributes:
        rank: 1 for the largest credit; ties by work id.
        work_id: the work.
        credit_nanonats: signed credit; negative when the work made the output less likely.
        error_nanonats: standard error of the credit, >= 0: of the work's passages and of the method.
        share_ppb: the positive part of the credit as a share of the whole.
    """

    rank: int
    work_id: WorkId
    credit_nanonats: int
    error_nanonats: int
    share_ppb: int


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one output drew on.

    Attributes:
        output_id: our id of the output, made from its digests.
        output_sha256: of the output's bytes.
        prompt_sha256: of the prompt's bytes (of nothing, when there was none).
        output_bytes: length of the output.
        method: name and version of the measurement ("ek-fac-midpoint/2").
        index_digest: of the influence index, which binds models, corpus, code and seeds.
        log_ratio_nanonats: measured log p_full(output) - log p_base(output).
        credit_sum_nanonats: sum of all signed credits; beside the line above it shows completeness.
        unattributed_ppb: the part no work can be credited for.
        lines: one per work of the index, by rank.
        gap_nanonats: what of the log-ratio the works' own credits left over; it is divided among them by size, and is in
            their credits.
    """

    output_id: OutputId
    output_sha256: str
    prompt_sha256: str
    output_bytes: int
    method: str
    index_digest: str
    log_ratio_nanonats: int
    credit_sum_nanonats: int
    unattributed_ppb: int
    lines: tuple[Line, ...]
    gap_nanonats: int = 0

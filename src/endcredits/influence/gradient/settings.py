"""The numbers of a build."""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.errors import InputError

ROWS = ("float32", "bfloat16", "signs")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The numbers of a build; all of them enter its digest.

    Attributes:
        damping: relative to each layer's mean eigenvalue.
        batch_examples: examples per backward pass.
        curvature_examples: size of the evenly spread sample that the curvature's eigenvectors are measured on, at most.
        eigenvalue_examples: size of the evenly spread sample that its eigenvalues are measured on, at most.
        blocks: blocks of a work's examples for the error band (delete-a-block jackknife); 1 for no bands and less room.
        calibration_outputs: how many outputs the scale is fitted on, at most.
        own_examples: how many of a work's own examples its slope is fitted on, at most; 0 for slopes of 1.
        all_own_examples: of all works together, at most.
        shard_bytes: about how large a shard may grow.
        seed: of the labels drawn for the curvature.
        rank: share of the eigen-directions per side of a layer that rows keep, those of largest eigenvalues: .25 ("quarter
            rank") stores a sixteenth of the coordinates; 1 stores the gradient itself. The manifest states the share of
            half-whitened energy that is kept.
        rows: type of the stored sums: "float32" (exact), "bfloat16" (half the bytes, three digits), "signs" (1 bit per
            coordinate and a scale per layer: enough to rank works, not to pay them).
        cap_multiple: a work whose gradient per example is longer than this many times the works' 90 % quantile counts as if
            it were that long, and is named in the manifest; 0 caps none.
    """

    damping: float = 0.03
    batch_examples: int = 32
    curvature_examples: int = 512
    eigenvalue_examples: int = 512
    blocks: int = 8
    calibration_outputs: int = 128
    own_examples: int = 16
    all_own_examples: int = 1024
    shard_bytes: int = 32 * 2**20
    seed: int = 0
    rank: float = 1.0
    rows: str = "float32"
    cap_multiple: float = 10.0

    def __post_init__(self) -> None:
        """Raises InputError when a number makes no sense."""
        whole = ("batch_examples", "curvature_examples", "eigenvalue_examples", "blocks", "calibration_outputs")
        for name in whole:
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}", remedy="Give 1 or more.", field=name)
        if not 0 < self.rank <= 1:
            raise InputError(f"rank is {self.rank}", remedy="Give a share above 0 and at most 1.", field="rank")
        if self.rows not in ROWS:
            raise InputError(
                f"rows cannot be stored as '{self.rows}'", remedy=f"Use one of {', '.join(ROWS)}.", field="rows"
            )

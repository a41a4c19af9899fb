"""What crosses the wall of this room: examples in, credits out. No torch, no model, no money.

An *example* is one piece of a work as the model saw it. *Credits* are a work's part, in nats, of
`log p_full(output) - log p_base(output)`; see `endcredits.influence.gradient` for how they are measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from endcredits.ids import WorkId


@dataclass(frozen=True, slots=True)
class Example:
    """One training example.

    Attributes:
        work_id: the work it belongs to; every example belongs to exactly one.
        content: whatever the task's two functions understand (a tuple of token ids, a tensor, a pair...).
        weight: how often the training run read it, relative to other examples; 0 or more. Copies of one content share one
            example's credit, however often they are registered.
    """

    work_id: WorkId
    content: Any
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Credits:
    """One output's credits over all works of an index.

    Attributes:
        log_ratio_nats: measured log p_full(output) - log p_base(output).
        work_ids: the works, in the index's order.
        credit_nats: signed credit per work.
        error_nats: standard error per work, >= 0; see `endcredits.influence.bands`.
        gap_nats: what of the log-ratio the works' own credits left over and was divided by their sizes (`residual`).
    """

    log_ratio_nats: float
    work_ids: tuple[WorkId, ...]
    credit_nats: tuple[float, ...]
    error_nats: tuple[float, ...]
    gap_nats: float = 0.0

    @property
    def credit_sum_nats(self) -> float:
        """Sum of the signed credits; beside `log_ratio_nats` it shows completeness."""
        return sum(self.credit_nats)


class ModelPair(Protocol):
    """A base and a full model with everything an index needs to know of them; bring your own by an import path.

    A pair may also have `unrelated(outputs, seed)`: a list of outputs like the given ones that owe the works nothing, such
    as what base says. Audits show what credits the index gives on these.
    """

    @property
    def base(self) -> Any:
        """The `torch.nn.Module` before the works."""

    @property
    def full(self) -> Any:
        """The same after them."""

    @property
    def task(self) -> Any:
        """An `endcredits.influence.Task`."""

    def examples(self, work_id: WorkId, content: bytes) -> list[Example]:
        """The training examples of one file of a work."""

    def output(self, content: bytes, prompt: bytes = b"") -> Any:
        """An output of the model, as the task's `pieces` reads it."""

    def calibration(self, seed: int) -> Sequence[Any] | None:
        """Outputs on which the index is scaled; None to use a sample of the examples."""

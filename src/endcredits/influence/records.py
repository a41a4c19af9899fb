"""What crosses the wall of this room: examples in, credits out. No torch, no model, no money.

An *example* is one piece of a work as the model saw it. *Credits* are a work's part, in nats, of
`log p_full(output) - log p_base(output)`; see `endcredits.influence.gradient` for how they are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from endcredits.ids import WorkId


@dataclass(frozen=True, slots=True)
class Example:
    """One training example.

    Attributes:
        work_id: the work it belongs to; every example belongs to exactly one.
        content: whatever the task's two functions understand (a tuple of token ids, a tensor, a pair...).
    """

    work_id: WorkId
    content: Any


@dataclass(frozen=True, slots=True)
class Credits:
    """One output's credits over all works of an index.

    Attributes:
        log_ratio_nats: measured log p_full(output) - log p_base(output).
        work_ids: the works, in the index's order.
        credit_nats: signed credit per work.
        error_nats: standard error per work, >= 0; NaN where a work has a single example and no error can be told.
    """

    log_ratio_nats: float
    work_ids: tuple[WorkId, ...]
    credit_nats: tuple[float, ...]
    error_nats: tuple[float, ...]

    @property
    def credit_sum_nats(self) -> float:
        """Sum of the signed credits; beside `log_ratio_nats` it shows completeness."""
        return sum(self.credit_nats)

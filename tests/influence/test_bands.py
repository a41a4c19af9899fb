"""Stated errors join what varies with what the method is known to miss."""

from __future__ import annotations

import pytest
import torch

from endcredits.influence.bands import stated_errors
from endcredits.influence.residual import complete


def test_errors_grow_with_the_credit_and_with_the_outputs_other_credits() -> None:
    """By hand, for three works: mean square 3, so the method part is half of sqrt((c^2 + 3) / 2)."""
    errors = stated_errors(torch.tensor([0.0, 3.0, 0.0]), torch.tensor([0.0, 1.0, 2.0]), 0.5)

    assert errors.tolist() == pytest.approx([0.0, (1 + 0.25 * 6) ** 0.5, (4 + 0.25 * 1.5) ** 0.5])


def test_a_work_whose_sampling_error_cannot_be_told_gets_its_credits_size() -> None:
    """A single example says nothing of how much hangs on it."""
    assert stated_errors(torch.tensor([2.0]), torch.tensor([float("nan")]), 0.0).tolist() == [2.0]


def test_the_gap_is_divided_by_size_and_nothing_else_changes() -> None:
    """Works of size zero keep what they have."""
    credits = complete(torch.tensor([1.0, -2.0, 0.5]), 2.5, torch.tensor([1.0, 2.0, 0.0]))

    assert credits.tolist() == pytest.approx([2.0, 0.0, 0.5])
    cut = complete(torch.tensor([0.25, 0.75, -2.0, 0.5]), 2.5, torch.tensor([0.5, 0.5, 2.0, 0.0]))
    assert float(cut[0] + cut[1]) == pytest.approx(2.0)

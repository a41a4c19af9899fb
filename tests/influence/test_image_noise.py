"""The list of draws is fixed, balanced, and weighs in nats: for Gaussian data the bound is the log-probability itself."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.image.diffusion import denoising_task
from endcredits.influence.image.noise import Schedule, linear_schedule, measured_draws, trained_draws

SCHEDULE = linear_schedule()


@pytest.mark.parametrize("draws", [measured_draws(SCHEDULE, 12, 3), trained_draws(SCHEDULE, 12, 3)])
def test_draws_come_in_opposite_pairs_and_never_change(draws) -> None:  # type: ignore[no-untyped-def]
    """Each step twice, with a noise and its opposite; the same at every call."""
    noise = draws.noise((2, 5))

    assert noise.shape == (12, 2, 5)
    assert torch.equal(noise[::2], -noise[1::2])
    assert draws.steps[::2] == draws.steps[1::2] and len(set(draws.steps)) == 6
    assert torch.equal(noise, draws.noise((2, 5)))


def test_measured_steps_are_even_in_log_snr_and_trained_steps_in_time() -> None:
    """Up to the nearest step that there is."""
    ratios = SCHEDULE.log_snr()
    measured = [ratios[step] for step in measured_draws(SCHEDULE, 16, 0).steps[::2]]
    gaps = [a - b for a, b in itertools.pairwise(measured)]

    assert max(gaps) / min(gaps) < 1.2
    assert measured[0] > ratios[0] - max(gaps) and measured[-1] < ratios[-1] + max(gaps)
    assert trained_draws(SCHEDULE, 8, 0).steps == (125, 125, 375, 375, 625, 625, 875, 875)


class Gaussian(nn.Module):
    """The best possible denoiser of independent numbers with mean 0 and one variance."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.variance = nn.Parameter(torch.tensor(variance))
        self.kept = torch.tensor(SCHEDULE.kept)

    def forward(self, noisy: Tensor, step: Tensor) -> Tensor:
        kept = self.kept[step][:, None]
        return noisy * (1 - kept).sqrt() / (kept * self.variance + 1 - kept)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_measure_is_in_nats(scale: float) -> None:
    """Two models of Gaussian data: the difference of their bounds is the difference of their log-densities."""
    picture = scale * torch.randn(400, generator=torch.Generator().manual_seed(1))
    narrow, wide = (torch.distributions.Normal(0.0, variance**0.5) for variance in (0.6, 1.4))
    truth = float((narrow.log_prob(picture) - wide.log_prob(picture)).sum())
    task = denoising_task(SCHEDULE, measured_pairs=256)

    with torch.no_grad():
        found = [float(task.measurement(Gaussian(variance), [picture])) for variance in (0.6, 1.4)]

    assert abs(truth) > 30
    assert found[0] - found[1] == pytest.approx(truth, rel=0.1)


@pytest.mark.parametrize("kept", [(0.5,), (0.9, 0.9), (1.0, 0.5), (0.5, 0.0), (0.2, 0.8)])
def test_a_schedule_must_fall(kept: tuple[float, ...]) -> None:
    """From below 1 to above 0."""
    with pytest.raises(InputError, match="must fall"):
        Schedule(kept)


@pytest.mark.parametrize("pairs", [0, 1, 7])
def test_draws_stand_in_pairs(pairs: int) -> None:
    """An odd number cannot."""
    with pytest.raises(InputError, match="opposite pairs"):
        denoising_task(SCHEDULE, measured_pairs=pairs)

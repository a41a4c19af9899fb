"""Denoisers of several makes: gradients as autograd's, each picture credited to the artist who draws like it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmarks.pictures.dit import SmallDiT
from endcredits.errors import InputError
from endcredits.influence import IndexSettings, build_index
from endcredits.influence.gradient.coverage import coverage_of, unseen_layers
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.image.diffusion import denoising_task
from endcredits.influence.image.noise import linear_schedule
from endcredits.influence.task import every_layer
from tests.influence.hooks import assert_hooks_tell_the_truth, hooked_gradients
from tests.influence.pictures import lines, trained, works

SCHEDULE = linear_schedule(100, 1e-3, 0.1)
TASK = denoising_task(SCHEDULE, measured_pairs=8, trained_pairs=4)


def fresh_noise() -> Callable[[nn.Module, Sequence[Tensor]], Tensor]:
    """The loss with other draws at each call: a model learns a fixed list by heart, as we saw."""
    numbers = itertools.count(1)
    return lambda model, pictures: (
        -denoising_task(SCHEDULE, measured_pairs=8, seed=next(numbers)).measurement(model, pictures)
    )


class Convolutions(nn.Module):
    """A few convolutions that know the step by one more channel."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.SiLU(), nn.Conv2d(8, 1, 1)
        )

    def forward(self, noisy: Tensor, step: Tensor) -> Tensor:
        time = (step / 100).reshape(-1, 1, 1, 1).expand_as(noisy)
        return self.body(torch.cat([noisy, time], 1))  # type: ignore[no-any-return]


def convolutions() -> nn.Module:
    """Plain torch."""
    return Convolutions()


def transformer() -> nn.Module:
    """A DiT; its steering starts at zero and is stirred, so that gradients reach everything."""
    model = SmallDiT(size=8, patch=2, width=16, blocks=2, heads=2)
    with torch.no_grad():
        for value in model.parameters():
            value += 0.05 * torch.randn_like(value)
    return model


def unet() -> nn.Module:
    """The library diffusers' own, with attention in the middle."""
    diffusers: Any = pytest.importorskip("diffusers", reason="diffusers is not installed: pip install diffusers")
    model: nn.Module = diffusers.UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        attention_head_dim=8,
    )
    return model


@pytest.fixture(params=[convolutions, transformer, unet])
def model(request: pytest.FixtureRequest) -> nn.Module:
    """With random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made: nn.Module = request.param().eval()
    return made


PICTURES = [*lines(2, 1, down=False), *lines(1, 2, down=True)]


def test_the_hooks_tell_the_truth(model: nn.Module) -> None:
    """Rows of several draws belong to their picture, for training and for measuring."""
    assert_hooks_tell_the_truth(model, TASK.train_loss, PICTURES)
    assert_hooks_tell_the_truth(model, TASK.measurement, PICTURES)
    assert unseen_layers(model, find_layers(model, every_layer), TASK.train_loss, PICTURES) == {}


def test_other_pictures_change_nothing(model: nn.Module) -> None:
    """A picture's gradient alone and among others."""
    layers = find_layers(model, every_layer)
    together = hooked_gradients(model, layers, TASK.measurement, PICTURES)

    for row, picture in zip(together, PICTURES, strict=True):
        alone = hooked_gradients(model, layers, TASK.measurement, [picture])[0]
        assert float((row - alone).norm() / alone.norm()) < 1e-5


def test_what_is_not_covered_is_said(model: nn.Module) -> None:
    """Norms, places and labels; convolutions and linear layers are most of any denoiser."""
    coverage = coverage_of(model, find_layers(model, every_layer))

    assert coverage.share > 0.9
    assert set(coverage.reasons()) <= {
        "norms and other vectors",
        "embedding table",
        "a tensor that SmallDiT uses itself",
    }


def test_pictures_are_credited_to_who_draws_like_that(model: nn.Module, tmp_path: Path) -> None:
    """New lines across are owed to the artist of lines across; the sum is near the measured difference."""
    across, down = lines(8, 3, down=False), lines(8, 4, down=True)
    noises = list(torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(7)))
    base = trained(model, fresh_noise(), noises, 10)
    full = trained(base, fresh_noise(), across + down, 40)
    outputs = [*lines(3, 5, down=False), *lines(3, 6, down=True)]
    index = build_index(
        tmp_path, base=base, full=full, task=TASK, examples=works(across, down), settings=IndexSettings(blocks=2)
    )

    answers = index.attribute(outputs)

    assert all(answer.log_ratio_nats > 0 for answer in answers)
    with torch.no_grad():
        ratios = TASK.measurement(full, outputs) - TASK.measurement(base, outputs)
    assert [answer.log_ratio_nats for answer in answers] == pytest.approx(ratios.tolist(), rel=1e-3)
    gaps = [answer.credit_nats[0] - answer.credit_nats[1] for answer in answers]
    assert min(gaps[:3]) > max(gaps[3:])
    total = sum(answer.credit_sum_nats for answer in answers) / sum(answer.log_ratio_nats for answer in answers)
    assert 0.5 < total < 2


def test_the_drawn_target_is_the_models_own(model: nn.Module) -> None:
    """Its mean loss is that of noise of variance 1, half a nat a number, whatever the model thinks."""
    sampled = TASK.sampled_loss
    assert sampled is not None

    with torch.no_grad():
        first = sampled(model, PICTURES * 40, torch.Generator().manual_seed(0))
        again = sampled(model, PICTURES * 40, torch.Generator().manual_seed(0))

    assert torch.equal(first, again)
    assert float(first.mean()) == pytest.approx(32.0, rel=0.02)


def test_pictures_of_two_sizes_and_models_of_another_kind_are_refused() -> None:
    """With the sizes in the message."""
    with pytest.raises(InputError, match="2 shapes"):
        TASK.train_loss(convolutions(), [torch.zeros(1, 8, 8), torch.zeros(1, 8, 9)])

    class Halving(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 1, 2, stride=2)

        def forward(self, noisy: Tensor, step: Tensor) -> Tensor:
            return self.layer(noisy)  # type: ignore[no-any-return]

    with pytest.raises(InputError, match=r"the denoiser made \(12, 1, 4, 4\) of \(12, 1, 8, 8\)"):
        TASK.train_loss(Halving(), PICTURES)


def test_the_task_is_named_by_its_draws() -> None:
    """An index measured on other draws is another index."""
    names = {
        denoising_task(SCHEDULE).name,
        denoising_task(SCHEDULE, seed=1).name,
        denoising_task(SCHEDULE, measured_pairs=64).name,
        denoising_task(SCHEDULE, trained_pairs=4).name,
        denoising_task(linear_schedule()).name,
    }

    assert len(names) == 5
    assert denoising_task(SCHEDULE).name == denoising_task(linear_schedule(100, 1e-3, 0.1)).name

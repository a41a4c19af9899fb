"""A classifier of pictures goes the whole way, with convolutions and with attention."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence import IndexSettings, build_index
from endcredits.influence.gradient.coverage import unseen_layers
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.image.classifier import Labelled, classifier_task
from endcredits.influence.task import every_layer
from tests.influence.hooks import assert_hooks_tell_the_truth
from tests.influence.pictures import lines, trained, works

TASK = classifier_task()


class Reader(nn.Module):
    """Convolutions with a norm and a stride, then two classes; wrapped as the large libraries do it, or not."""

    def __init__(self, wrapped: bool = False) -> None:
        super().__init__()
        self.wrapped = wrapped
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Conv2d(6, 6, 2), nn.ReLU()
        )
        self.head = nn.Linear(6 * 9, 3)

    def forward(self, pictures: Tensor) -> Any:
        logits = self.head(self.body(pictures).flatten(1))
        return SimpleNamespace(logits=logits) if self.wrapped else logits


def reader(wrapped: bool = False) -> nn.Module:
    """With random weights, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Reader(wrapped).eval()


def labelled(count: int, seed: int, *, down: bool) -> list[Labelled]:
    """Class 0 for lines across, 1 for lines down; nothing is of class 2."""
    return [(picture, int(down)) for picture in lines(count, seed, down=down)]


CONTENTS = [*labelled(2, 1, down=False), *labelled(1, 2, down=True)]


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_hooks_tell_the_truth(wrapped: bool) -> None:
    """Against one ordinary backward pass per picture."""
    model = reader(wrapped)

    assert_hooks_tell_the_truth(model, TASK.measurement, CONTENTS)
    assert unseen_layers(model, find_layers(model, every_layer), TASK.train_loss, CONTENTS) == {}


def test_it_measures_the_log_probability_of_the_class() -> None:
    """The chances of all classes sum to one."""
    picture = lines(1, 1, down=False)[0]

    with torch.no_grad():
        found = TASK.measurement(reader(), [(picture, label) for label in range(3)])

    assert float(found.exp().sum()) == pytest.approx(1.0, abs=1e-6)


def test_labels_are_drawn_from_the_model() -> None:
    """Their mean surprise is the model's entropy."""
    model, sampled = reader(), TASK.sampled_loss
    assert sampled is not None
    with torch.no_grad():
        losses = sampled(model, CONTENTS[:1] * 4000, torch.Generator().manual_seed(0))
        entropy = float(torch.distributions.Categorical(logits=model(CONTENTS[0][0][None])).entropy())

    assert float(losses.mean()) == pytest.approx(entropy, rel=0.03)


def test_a_class_is_credited_to_who_showed_it(tmp_path: Path) -> None:
    """What the model says of new lines down it learnt from the artist of lines down."""
    across, down = labelled(10, 3, down=False), labelled(10, 4, down=True)
    full = trained(reader(), TASK.train_loss, across + down, 40, 1e-2)
    index = build_index(
        tmp_path, base=reader(), full=full, task=TASK, examples=works(across, down), settings=IndexSettings(blocks=2)
    )

    first, second = index.attribute([labelled(1, 5, down=False)[0], labelled(1, 6, down=True)[0]])

    assert first.log_ratio_nats > 0.3 and second.log_ratio_nats > 0.3
    assert first.credit_nats[0] > first.credit_nats[1]
    assert second.credit_nats[1] > second.credit_nats[0]


@pytest.mark.parametrize("label", [-1, 3])
def test_a_class_that_the_model_does_not_have(label: int) -> None:
    """Is named."""
    with pytest.raises(InputError, match=f"class {label} is none of the model's 3"):
        TASK.train_loss(reader(), [(CONTENTS[0][0], label)])


def test_pictures_of_two_sizes_are_refused() -> None:
    """They cannot stand in one tensor."""
    with pytest.raises(InputError, match="2 shapes"):
        TASK.train_loss(reader(), [(torch.zeros(1, 8, 8), 0), (torch.zeros(1, 9, 8), 0)])

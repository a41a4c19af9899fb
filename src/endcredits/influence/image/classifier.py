"""The task of a classifier: which training pictures made it say this of that picture.

A content, and an output, is a pair of a picture and a class's number; what is attributed is log p(class | picture), in nats.
The model maps pictures ``[n, ...]`` to logits ``[n, classes]``; sounds and vectors serve as well as pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence.task import Task

Labelled = tuple[Tensor, int]
"""A picture and the number of its class."""


def classifier_task() -> Task:
    """The task of any classifier; the labels of its curvature are drawn from the model."""
    return Task("classifier/1", _losses, lambda model, contents: -_losses(model, contents), _sampled_losses)


def _losses(model: nn.Module, contents: Sequence[Labelled]) -> Tensor:
    logits = _logits(model, contents)
    labels = torch.tensor([label for _, label in contents])
    wrong = (labels < 0) | (labels >= logits.shape[1])
    if wrong.any():
        raise InputError(
            f"class {int(labels[wrong][0])} is none of the model's {logits.shape[1]}",
            remedy="Number the classes from 0 as the model does.",
            field="content",
        )
    return nn.functional.cross_entropy(logits, labels.to(logits.device), reduction="none")


def _sampled_losses(model: nn.Module, contents: Sequence[Labelled], generator: torch.Generator) -> Tensor:
    logits = _logits(model, contents)
    with torch.no_grad():
        labels = torch.multinomial(torch.softmax(logits, -1).cpu(), 1, generator=generator)[:, 0]
    return nn.functional.cross_entropy(logits, labels.to(logits.device), reduction="none")


def _logits(model: nn.Module, contents: Sequence[Labelled]) -> Tensor:
    pictures = stacked([picture for picture, _ in contents], model)
    found: Any = model(pictures)
    logits: Tensor = getattr(found, "logits", found)  # the large libraries wrap it
    return logits


def stacked(pictures: Sequence[Tensor], model: nn.Module) -> Tensor:
    """Pictures of one shape in one tensor ``[n, ...]``, where the model is.

    Raises:
        InputError: their shapes differ.
    """
    shapes = {tuple(picture.shape) for picture in pictures}
    if len(shapes) > 1:
        raise InputError(
            f"the pictures have {len(shapes)} shapes, such as {' and '.join(str(s) for s in sorted(shapes)[:2])}",
            remedy="Bring them to one size, as for training.",
            field="content",
        )
    return torch.stack(list(pictures)).to(next(model.parameters()).device)

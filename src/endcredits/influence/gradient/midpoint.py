"""The model halfway between base and full, where both gradients of a credit are taken.

One evaluation in the middle of a path integrates it exactly when the integrand is linear in the weights (the midpoint
rule); at the end of the path the same first-order credits sum to nearly nothing for a model's own samples, because the
expected score of a model under itself is zero. For a fine-tune the middle is the mean of the two sets of weights.
"""

from __future__ import annotations

import copy
import hashlib

import torch
from torch import nn

from endcredits.errors import InputError
from endcredits.influence.task import require_type


def midpoint_model(base: nn.Module, full: nn.Module) -> nn.Module:
    """A new model in evaluation mode whose floating-point weights and buffers are the mean of the two.

    Raises:
        InputError: the models differ in their tensors' names or shapes.
    """
    check_same_shape(base, full)
    middle = copy.deepcopy(full)
    before, after = base.state_dict(), full.state_dict()
    with torch.no_grad():
        for name, value in middle.state_dict().items():
            if value.is_floating_point():
                # Both read from the originals: a tensor that two names share is written twice and must not move twice.
                value.copy_((after[name] + before[name]) / 2)
    return middle.eval().requires_grad_(True)


def check_same_shape(base: nn.Module, full: nn.Module) -> None:
    """Refuses two models that are not one architecture.

    Raises:
        InputError: one is no module, or names the first tensor that differs.
    """
    for field, model in (("base", base), ("full", full)):
        require_type(model, nn.Module, field, "Give a torch.nn.Module.")
    shapes = [{name: tuple(value.shape) for name, value in model.state_dict().items()} for model in (base, full)]
    for name in sorted(shapes[0].keys() | shapes[1].keys()):
        in_base, in_full = shapes[0].get(name), shapes[1].get(name)
        if in_base != in_full:
            raise InputError(
                f"base and full are not the same architecture: {name} is {in_base or 'missing'} in base and "
                f"{in_full or 'missing'} in full",
                remedy="Give the model as it was before the works and the same model after them.",
                field="base, full",
            )


def check_finite(model: nn.Module, name: str) -> None:
    """Refuses a model with a weight that is no number, or in another precision than credits are measured in.

    Raises:
        InputError: names the first tensor that holds NaN or an infinite value, or is not float32.
    """
    for tensor, value in model.named_parameters():
        if value.dtype != torch.float32:
            raise InputError(
                f"{tensor} is {str(value.dtype).removeprefix('torch.')} in {name}",
                remedy="Credits are measured in float32: call model.float() first.",
                field=name,
            )
        if not torch.isfinite(value).all():
            raise InputError(
                f"{tensor} holds NaN or infinite values in {name}",
                remedy="Give a snapshot from before the training run diverged.",
                field=name,
            )


def model_digest(model: nn.Module) -> str:
    """SHA-256 over a model's tensors: name, type, shape and bytes, in the order of the names."""
    whole = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        tensor = value.detach().cpu().contiguous()
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole.update(tensor.reshape(-1).view(torch.uint8).numpy() if tensor.numel() else b"")
    return whole.hexdigest()

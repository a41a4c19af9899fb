"""Which training works moved this output, in nats. Usable alone, without the money, on any `torch.nn.Module`.

    from endcredits.influence import Example, Task, build_index

    task = Task("mine/1", train_loss=..., measurement=...)
    index = build_index("index/", base=base, full=full, task=task, examples=[Example("work-a", x), ...])
    credits = index.attribute([output])[0]          # one signed credit in nats per work, with its error
    print(credits.credit_sum_nats, "of", credits.log_ratio_nats)

`base` is the model without the works, `full` the one that learnt from them. Importing this package does not import
torch; the names below do, on first use. Nothing here knows of creators, consent or money: a work is only its id.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from endcredits.influence.records import Credits, Example, ModelPair

if TYPE_CHECKING:
    from endcredits.influence.environment import build_environment
    from endcredits.influence.gradient.adding import add_works
    from endcredits.influence.gradient.build import BuildInputs, IndexSettings, build_index
    from endcredits.influence.gradient.coverage import coverage_of, coverage_text
    from endcredits.influence.gradient.index import CurvatureIndex, InfluenceIndex
    from endcredits.influence.gradient.learnt import without_adapters
    from endcredits.influence.gradient.manifest import read_manifest
    from endcredits.influence.gradient.midpoint import model_digest
    from endcredits.influence.gradient.takedown import take_down
    from endcredits.influence.image.classifier import classifier_task
    from endcredits.influence.image.diffusion import denoising_task
    from endcredits.influence.image.noise import linear_schedule
    from endcredits.influence.opening import check_index, open_index
    from endcredits.influence.response.build import build_responses
    from endcredits.influence.response.index import ResponseIndex
    from endcredits.influence.task import Task
    from endcredits.influence.text.callback import CollectWorks
    from endcredits.influence.text.collecting import collecting
    from endcredits.influence.text.finetune import Recipe, TextFineTune
    from endcredits.influence.text.models import TextModels, load_text_models
    from endcredits.influence.text.sample import sample_outputs
    from endcredits.influence.text.tiny import train_tiny
    from endcredits.influence.text.windows import TextOutput
    from endcredits.influence.trainer import Trainer
    from endcredits.influence.trajectory.response import responses, trace_back
    from endcredits.influence.trajectory.run import SgdRun, at_half_weight


def use_threads(number: int) -> None:
    """Sets how many CPU threads torch uses; results are bit-identical for the same number.

    The library's default takes every core of a machine that may be shared, which can be many times slower than one.
    """
    import torch

    torch.set_num_threads(max(1, number))


_LAZY = {
    "BuildInputs": "gradient.build",
    "CollectWorks": "text.callback",
    "CurvatureIndex": "gradient.index",
    "IndexSettings": "gradient.build",
    "InfluenceIndex": "gradient.index",
    "Recipe": "text.finetune",
    "ResponseIndex": "response.index",
    "SgdRun": "trajectory.run",
    "Task": "task",
    "TextFineTune": "text.finetune",
    "TextModels": "text.models",
    "TextOutput": "text.windows",
    "Trainer": "trainer",
    "add_works": "gradient.adding",
    "at_half_weight": "trajectory.run",
    "build_environment": "environment",
    "build_index": "gradient.build",
    "build_responses": "response.build",
    "check_index": "opening",
    "classifier_task": "image.classifier",
    "collecting": "text.collecting",
    "coverage_of": "gradient.coverage",
    "coverage_text": "gradient.coverage",
    "denoising_task": "image.diffusion",
    "linear_schedule": "image.noise",
    "load_text_models": "text.models",
    "model_digest": "gradient.midpoint",
    "open_index": "opening",
    "read_manifest": "gradient.manifest",
    "responses": "trajectory.response",
    "sample_outputs": "text.sample",
    "take_down": "gradient.takedown",
    "trace_back": "trajectory.response",
    "train_tiny": "text.tiny",
    "without_adapters": "gradient.learnt",
}

__all__ = [
    "BuildInputs",
    "CollectWorks",
    "Credits",
    "CurvatureIndex",
    "Example",
    "IndexSettings",
    "InfluenceIndex",
    "ModelPair",
    "Recipe",
    "ResponseIndex",
    "SgdRun",
    "Task",
    "TextFineTune",
    "TextModels",
    "TextOutput",
    "Trainer",
    "add_works",
    "at_half_weight",
    "build_environment",
    "build_index",
    "build_responses",
    "check_index",
    "classifier_task",
    "collecting",
    "coverage_of",
    "coverage_text",
    "denoising_task",
    "linear_schedule",
    "load_text_models",
    "model_digest",
    "open_index",
    "read_manifest",
    "responses",
    "sample_outputs",
    "take_down",
    "trace_back",
    "train_tiny",
    "use_threads",
    "without_adapters",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

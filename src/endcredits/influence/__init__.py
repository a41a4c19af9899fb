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
    from endcredits.influence.gradient.build import IndexSettings, build_index
    from endcredits.influence.gradient.index import CurvatureIndex, InfluenceIndex, open_index
    from endcredits.influence.gradient.manifest import check_index, read_manifest
    from endcredits.influence.gradient.midpoint import model_digest
    from endcredits.influence.task import Task
    from endcredits.influence.text.models import TextModels, load_text_models
    from endcredits.influence.text.sample import sample_outputs
    from endcredits.influence.text.tiny import train_tiny
    from endcredits.influence.text.windows import TextOutput


def use_threads(number: int) -> None:
    """Sets how many CPU threads torch uses; results are bit-identical for the same number.

    The library's default takes every core of a machine that may be shared, which can be many times slower than one.
    """
    import torch

    torch.set_num_threads(max(1, number))


_LAZY = {
    "Task": "task",
    "build_environment": "environment",
    "IndexSettings": "gradient.build",
    "build_index": "gradient.build",
    "CurvatureIndex": "gradient.index",
    "InfluenceIndex": "gradient.index",
    "open_index": "gradient.index",
    "check_index": "gradient.manifest",
    "read_manifest": "gradient.manifest",
    "TextModels": "text.models",
    "model_digest": "gradient.midpoint",
    "load_text_models": "text.models",
    "TextOutput": "text.windows",
    "sample_outputs": "text.sample",
    "train_tiny": "text.tiny",
}

__all__ = [
    "Credits",
    "CurvatureIndex",
    "Example",
    "IndexSettings",
    "InfluenceIndex",
    "ModelPair",
    "Task",
    "TextModels",
    "TextOutput",
    "build_environment",
    "build_index",
    "check_index",
    "load_text_models",
    "model_digest",
    "open_index",
    "read_manifest",
    "sample_outputs",
    "train_tiny",
    "use_threads",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Work vectors out of the last epoch of a `transformers.Trainer`; see `collecting` for what they are and give up."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from transformers import TrainerCallback

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.text.collecting import Collected, Collector, collecting


class CollectWorks(TrainerCallback):  # type: ignore[misc]
    """Collects work vectors in the last epoch of a `transformers.Trainer` that trains a causal language model.

    The dataset has one more column with the number of each example's work, which the model never sees; give the trainer
    `remove_unused_columns=False`, so that it comes through. In several processes each collects its own part: add the sums.

        callback = CollectWorks(work_ids)
        Trainer(model, args, train_dataset=dataset, callbacks=[callback]).train()
        rows = callback.collected()

    Args:
        work_ids: W works; the column holds places in this list, or NOBODY.
        layers: by name and module, which carry the rows; `task.layers` of an index gives the same coordinates. All linear
            layers but the output head when None.
        column: its name.
    """

    def __init__(
        self,
        work_ids: Sequence[WorkId],
        layers: Callable[[str, nn.Module], bool] | None = None,
        column: str = "work",
    ) -> None:
        self.work_ids, self.layers, self.column = tuple(work_ids), layers, column
        self.block = contextlib.ExitStack()
        self.collector: Collector | None = None

    def collected(self) -> Collected:
        """The rows.

        Raises:
            InputError: nothing was trained yet, or a row is not finite.
        """
        if self.collector is None:
            raise InputError("nothing was trained yet", remedy="Call it after Trainer.train().", field="callback")
        return self.collector.result()

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Finds the layers, and from now on takes the column out of every batch."""
        if args.remove_unused_columns:
            raise InputError(
                f"the trainer removes the column '{self.column}', as the model does not know it",
                remedy="Give TrainingArguments remove_unused_columns=False.",
                field="remove_unused_columns",
            )
        model: Any = given["model"]
        head = model.get_output_embeddings()
        wanted = self.layers or (lambda name, module: module is not head)
        layers = find_layers(model, wanted)
        self.block.close()
        self.collector = self.block.enter_context(collecting(model, layers, self.work_ids, self._works))
        self.collector.wanted = False

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Starts to collect when this is the last."""
        if self.collector is not None and math.floor((state.epoch or 0) + 1e-6) >= state.num_train_epochs - 1:
            self.collector.wanted = True

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Lets go of the model."""
        self.block.close()

    def _works(self, named: dict[str, Any]) -> Tensor | None:
        works: Tensor | None = named.pop(self.column, None)
        return works

"""A trainer for causal language models: one fine-tune with Adam, repeatable with any work weighted down.

The step of Adam is rate * momentum / scale, where scale = sqrt(second moment) + epsilon belongs to each weight. Left to
itself the scale shrinks with the gradient, and a run on a twentieth of the works takes steps as long as the full run's: its
result says more about Adam than about the works. So the full run *records* its scale at every step, and every weighted run
divides by the recorded one. The weights then depend on the works' weights almost linearly; all weights at 1 repeat plain
Adam to the bit, and all at 0 give base exactly. The record takes steps * trained weights * 4 bytes on the disk.

With `lora` only low-rank adapters are trained (Hu et al. 2021, arXiv 2106.09685): snapshots, record and responses shrink to
the adapters' size.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from endcredits.canonical import digest, sha256_bytes, sha256_file
from endcredits.durable import PARTIAL, locked, machine_error, write_atomic
from endcredits.errors import InputError, IntegrityError
from endcredits.ids import WorkId
from endcredits.influence.gradient.fingerprint import content_digest
from endcredits.influence.records import Example
from endcredits.influence.task import Task
from endcredits.influence.text import task as text_task
from endcredits.influence.text.models import load_text_models
from endcredits.influence.trainer import Snapshot, load_snapshot
from endcredits.progress import Progress, silent

SCALE_FILE = "scale.npy"
SEAL = ".sha256"
LOCK_WAIT_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the full model was fine-tuned.

    Attributes:
        rate: peak learning rate.
        warm_up_steps: the rate rises linearly over them.
        final_fraction: the cosine ends at this fraction of the peak, on the last step.
        beta_1: decay of Adam's momentum.
        beta_2: decay of Adam's second moment.
        epsilon: added to its root.
        batch_tokens: a step's summed loss is divided by this, however few tokens its batch holds.
        lora_rank: 0 trains every weight; otherwise adapters of this rank beside every linear layer but the head.
        recorded_scale: divide by the step scale of the full run; False is plain Adam in every run, for comparison.
    """

    rate: float
    warm_up_steps: int = 20
    final_fraction: float = 0.05
    beta_1: float = 0.9
    beta_2: float = 0.99
    epsilon: float = 1e-8
    batch_tokens: int = 2048
    lora_rank: int = 0
    recorded_scale: bool = True

    def rate_at(self, step: int, steps: int) -> float:
        """Learning rate of one of `steps` steps: linear warm-up times a cosine from the peak to its final fraction."""
        rise = min(1.0, (step + 1) / max(1, self.warm_up_steps))
        fall = (1 + math.cos(math.pi * min(1.0, step / max(1, steps - 1)))) / 2
        return self.rate * rise * (self.final_fraction + (1 - self.final_fraction) * fall)


@dataclass(frozen=True)
class TextFineTune:
    """The `Trainer` of a fine-tune from a model folder.

    Attributes:
        base: folder of the base model in Hugging Face format.
        examples: every training example (`content` is a `Window`), in the order of `batches`' numbers.
        batches: per step, the numbers of its examples; what seed 0 repeats.
        recipe: the numbers of the optimizer.
        folder: where the recorded scale is kept.
    """

    base: Path
    examples: tuple[Example, ...]
    batches: tuple[tuple[int, ...], ...]
    recipe: Recipe
    folder: Path

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of base, examples, order, recipe, the code of the loss and the steps, torch and its thread count."""
        return digest(
            {
                "base": {path.name: sha256_file(path) for path in sorted(self.base.iterdir()) if path.is_file()},
                "examples": [[example.work_id, content_digest(example.content)] for example in self.examples],
                "batches": [list(batch) for batch in self.batches],
                "recipe": {name: repr(value) for name, value in dataclasses.asdict(self.recipe).items()},
                "code": [
                    sha256_bytes(Path(str(module.__file__)).read_bytes()) for module in (sys.modules[__name__], text_task)
                ],
                "torch": torch.__version__,
                "threads": torch.get_num_threads(),
            }
        )

    @property
    def work_ids(self) -> tuple[WorkId, ...]:
        """The works that the run reads, sorted."""
        return tuple(sorted({example.work_id for example in self.examples}))

    def train(self, work_weights: Mapping[WorkId, float], seed: int, progress: Progress = silent) -> Snapshot:
        """One run; see `Trainer.train`.

        Raises:
            InputError: a weight outside [0, 1], a work that the run never reads, or a run that diverged.
        """
        _check_weights(work_weights, self.work_ids)
        weights = torch.tensor([float(work_weights.get(example.work_id, 1.0)) for example in self.examples])
        batches = self.batches if seed == 0 else _shuffled(self.batches, seed)
        if not self.recipe.recorded_scale or (seed != 0 and bool((weights == 1).all())):
            return self._run(batches, weights, None, None, progress)
        return self._run(batches, weights, self.recorded_scales(progress), None, progress)

    def model(self, snapshot: Snapshot) -> nn.Module:
        """Base with a snapshot put in, in evaluation mode."""
        return load_snapshot(self.new_model(), snapshot)

    def task(self) -> Task:
        """The causal text task of the base folder's model; of adapters, when they are what is trained."""
        models = load_text_models(self.base, self.base)
        if not self.recipe.lora_rank:
            return models.task
        model = self.new_model()
        adapted = [name for name, module in model.named_modules() if isinstance(module, Adapted)]
        trained = frozenset(f"{name}.{part}" for name in adapted for part in ("down", "up"))
        return text_task.causal_text_task(model, models.tokenizer, models.context, trained)

    def new_model(self) -> nn.Module:
        """Base as the run begins with it; only what is trained requires gradients."""
        models = load_text_models(self.base, self.base)
        if not self.recipe.lora_rank:
            return models.base
        return _with_adapters(models.base, self.recipe.lora_rank)

    def recorded_scales(self, progress: Progress = silent) -> np.ndarray:
        """The full run's step scale ``[steps, P]`` float32, mapped from its file; made by one run when it is missing."""
        path = self.folder / f"{self.digest[:24]}-{SCALE_FILE}"
        with locked(self.folder, "this trainer's record", wait_seconds=LOCK_WAIT_SECONDS):
            if path.exists():
                return _verified(path)
            draft = path.with_name(path.name + PARTIAL)
            try:
                size = sum(value.numel() for value in _trained(self.new_model()))
                kept = np.lib.format.open_memmap(draft, "w+", np.float32, (len(self.batches), size))
                if hasattr(os, "posix_fallocate"):  # a mapped file that meets a full disk would kill the process
                    with draft.open("r+b") as file:
                        os.posix_fallocate(file.fileno(), 0, draft.stat().st_size)
                self._run(self.batches, torch.ones(len(self.examples)), None, kept, progress)
                kept.flush()
                del kept
                write_atomic(path.with_suffix(SEAL), sha256_file(draft).encode())
                os.replace(draft, path)
            except OSError as error:
                raise machine_error(error, draft) from error
            finally:
                draft.unlink(missing_ok=True)
        return _verified(path)

    def _run(
        self,
        batches: Sequence[Sequence[int]],
        weights: Tensor,
        scales: np.ndarray | None,
        record: np.ndarray | None,
        progress: Progress,
    ) -> Snapshot:
        model, task, recipe = self.new_model(), self.task(), self.recipe
        parameters = _trained(model)
        flat = _joined(parameters)  # (P,), of which every parameter is now a view
        momentum, second = torch.zeros_like(flat), torch.zeros_like(flat)
        for step, batch in enumerate(batches):
            momentum.mul_(recipe.beta_1)
            counted = [number for number in batch if weights[number] > 0]
            gradient = torch.zeros_like(flat)
            if counted:
                losses = task.train_loss(model, [self.examples[number].content for number in counted])
                total = (losses * weights[counted]).sum() / recipe.batch_tokens
                gradient = torch.cat(
                    [part.reshape(-1) for part in torch.autograd.grad(total, parameters, materialize_grads=True)]
                )
                momentum.add_(gradient, alpha=1 - recipe.beta_1)
            if scales is None:
                second.mul_(recipe.beta_2).addcmul_(gradient, gradient, value=1 - recipe.beta_2)
                scale = (second / (1 - recipe.beta_2 ** (step + 1))).sqrt_().add_(recipe.epsilon)
            else:
                scale = torch.from_numpy(np.array(scales[step]))
            if record is not None:
                record[step] = scale.numpy()
            length = recipe.rate_at(step, len(batches)) / (1 - recipe.beta_1 ** (step + 1))
            flat.addcdiv_(momentum, scale, value=-length)
            progress("steps", step + 1, len(batches))
        if not torch.isfinite(flat).all():
            raise InputError(
                "the training run diverged: a weight is not finite",
                remedy="Check the recipe's rate and the examples.",
                field="recipe",
            )
        return {name: value.detach().clone() for name, value in model.named_parameters() if value.requires_grad}


@functools.cache
def _verified(path: Path) -> np.ndarray:
    """Maps a record, after comparing it with its digest once in this process.

    Raises:
        IntegrityError: it was changed or cut short; runs made with it would credit the wrong works.
    """
    seal = path.with_suffix(SEAL)
    if not seal.exists() or seal.read_text() != sha256_file(path):
        raise IntegrityError(
            "the recorded step scale of the full run is damaged",
            remedy="Delete it and the training runs made since, and run the same again.",
            file=path,
        )
    scales: np.ndarray = np.load(path, mmap_mode="r")
    return scales


def _check_weights(work_weights: Mapping[WorkId, float], known: Sequence[WorkId]) -> None:
    for work_id, weight in work_weights.items():
        if not 0 <= weight <= 1:
            raise InputError(
                f"the weight of work '{work_id}' is {weight}", remedy="Weights lie in [0, 1].", field="work_weights"
            )
    strangers = sorted(set(work_weights) - set(known))
    if strangers:
        raise InputError(
            f"the run never reads work '{strangers[0]}'",
            remedy="Weigh only works among the trainer's work_ids.",
            field="work_weights",
        )


def _shuffled(batches: Sequence[Sequence[int]], seed: int) -> list[list[int]]:
    """The same examples in another order, in batches of the same sizes."""
    numbers = iter(np.random.default_rng(seed).permutation(sum(len(batch) for batch in batches)).tolist())
    order = [number for batch in batches for number in batch]
    return [[order[next(numbers)] for _ in batch] for batch in batches]


def _trained(model: nn.Module) -> list[nn.Parameter]:
    return [value for value in model.parameters() if value.requires_grad]


def _joined(parameters: Sequence[nn.Parameter]) -> Tensor:
    """Moves parameters into one vector and leaves them as views of it, so that a step is one operation."""
    flat = torch.cat([value.detach().reshape(-1) for value in parameters])
    start = 0
    for value in parameters:
        value.data = flat[start : start + value.numel()].view(value.shape)
        start += value.numel()
    return flat


def _with_adapters(model: nn.Module, rank: int) -> nn.Module:
    """The model with frozen weights and trainable low-rank adapters; the adapters begin as nothing (B = 0)."""
    model.requires_grad_(False)
    getter: Any = getattr(model, "get_output_embeddings", lambda: None)
    head = getter()
    generator = torch.Generator().manual_seed(0)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear) and child is not head:
                setattr(module, name, Adapted(child, rank, generator))
    return model


class Adapted(nn.Module):
    """A frozen linear layer with a trainable low-rank addition: W x + B A x, A drawn once, B zero at first."""

    def __init__(self, frozen: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.frozen = frozen
        self.down = nn.Linear(frozen.in_features, rank, bias=False)
        self.up = nn.Linear(rank, frozen.out_features, bias=False)
        with torch.no_grad():
            bound = 1 / math.sqrt(frozen.in_features)
            self.down.weight.copy_((torch.rand(self.down.weight.shape, generator=generator) * 2 - 1) * bound * 3**0.5)
            self.up.weight.zero_()

    def forward(self, value: Tensor) -> Tensor:
        """``[..., i]`` to ``[..., o]``."""
        result: Tensor = self.frozen(value) + self.up(self.down(value))
        return result

"""The truth folder: what retraining on subsets gave, and the recipe by which those models were made.

A folder holds `lds_digits.npz` (masks `[subsets, 1500]`, loss and margin `[subsets, seeds, queries]`; `queries`, positions
in the shuffled data, where they are not the 200 that follow the examples) and `full_models.safetensors` (the models on
everything, seeds on axis 0, with their snapshots). The data are scikit-learn's handwritten digits (BSD-3; Alpaydin &
Kaynak), which are not in the folder.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.influence import Task
from endcredits.influence.trajectory.run import SgdRun

EXAMPLES, LABELS, EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 1500, 10, 30, 50, 0.05, 0.9, 1e-3
SNAPSHOTS = ("epoch3", "epoch6", "epoch10", "epoch15", "epoch20", "epoch25", "epoch30")

Image = tuple[Tensor, int]
"""64 pixels in [0, 1] and a digit."""

Matrix = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Truth:
    """Data, models and what retraining gave.

    Attributes:
        examples: the 1,500 training examples.
        queries: what was measured.
        masks: which examples were in each subset, ``[subsets, examples]``.
        loss: cross-entropy of the queries' labels, ``[subsets, seeds, queries]``, nats.
        margin: the label's logit against all others', likewise.
        weights: the tensors of `full_models.safetensors`, by name.
        fit: Spearman correlation over queries of the truth's mean loss with that of the models on everything: shows that the
            queries are those that were measured.
        digest: SHA-256 of the folder's two files.
    """

    examples: list[Image]
    queries: list[Image]
    masks: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    loss: Matrix
    margin: Matrix
    weights: dict[str, Tensor]
    fit: float
    digest: str

    @property
    def seeds(self) -> int:
        """How many models on everything there are."""
        return len(self.weights["final.0.weight"])

    def snapshot(self, name: str, seed: int) -> nn.Sequential:
        """A recorded model: "final" or one of `SNAPSHOTS`."""
        model = start(seed)
        model.load_state_dict({key: self.weights[f"{name}.{key}"][seed] for key in model.state_dict()})
        return model.eval()


def start(seed: int) -> nn.Sequential:
    """The model that a run begins with."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, LABELS))


def run_of(seed: int, examples: int = EXAMPLES) -> SgdRun:
    """The recorded training: order, rates and the rest."""
    generator = torch.Generator().manual_seed(1000 + seed)
    batches: list[tuple[int, ...]] = []
    for _ in range(EPOCHS):
        order = torch.randperm(examples, generator=generator).tolist()
        batches += [tuple(order[at : at + BATCH]) for at in range(0, examples, BATCH)]
    rates = tuple(RATE * (1 - step / len(batches)) for step in range(len(batches)))
    return SgdRun(tuple(batches), rates, MOMENTUM, DECAY, BATCH)


def batch(contents: list[Image] | tuple[Image, ...]) -> tuple[Tensor, Tensor]:
    """Pixels ``[n, 64]`` and digits ``[n]``."""
    return torch.stack([pixels for pixels, _ in contents]), torch.tensor([digit for _, digit in contents])


def losses(model: nn.Module, contents: list[Image]) -> Tensor:
    """Cross-entropy of each: ``[n]``, nats."""
    pixels, digits = batch(contents)
    return nn.functional.cross_entropy(model(pixels), digits, reduction="none")


def sampled_losses(model: nn.Module, contents: list[Image], generator: torch.Generator) -> Tensor:
    """The same for labels that the model draws."""
    logits = model(batch(contents)[0])
    with torch.no_grad():
        drawn = torch.multinomial(torch.softmax(logits, 1), 1, generator=generator)[:, 0]
    return nn.functional.cross_entropy(logits, drawn, reduction="none")


def log_probability(model: nn.Module, contents: list[Image]) -> Tensor:
    """Of each label: ``[n]``, nats."""
    return -losses(model, contents)


TASK = Task("digits/1", losses, log_probability, sampled_losses)


def read_truth(folder: Path) -> Truth:
    """Reads a truth folder.

    Raises:
        InputError: a file is missing, the data's library is, or the queries are not those that were measured.
    """
    table, models = folder / "lds_digits.npz", folder / "full_models.safetensors"
    for path in (table, models):
        if not path.is_file():
            raise InputError(
                f"{path.name} is missing", remedy="Give a folder laid out like the digits truth.", file=str(folder)
            )
    found = np.load(table)
    images = digits_data()
    examples, rest = images[:EXAMPLES], images[EXAMPLES:]
    loss, margin = (found[name].astype(np.float64) for name in ("loss", "margin"))
    weights = load_file(models)
    count = loss.shape[2]
    if "queries" in found:
        candidates = [[images[int(at)] for at in found["queries"]]]
    else:  # those that follow the examples, or the last ones: whichever the models on everything find as hard
        candidates = [rest[:count], rest[len(rest) - count :]]
    finals = [start(0) for _ in range(len(weights["final.0.weight"]))]
    for seed, model in enumerate(finals):
        model.load_state_dict({key: weights[f"final.{key}"][seed] for key in model.state_dict()})
    fits = []
    for queries in candidates:
        with torch.no_grad():
            hardness = torch.stack([losses(model, queries) for model in finals]).mean(0).double().numpy()
        fits.append(float(spearman(loss.mean((0, 1))[:, None], hardness[:, None])[0]))
    best = int(np.argmax(fits))
    if fits[best] < 0.5:
        raise InputError(
            f"the queries' losses in {table.name} do not resemble those of the models on everything ({fits[best]:.2f})",
            remedy="Add `queries`, their positions in the shuffled data, to the file.",
            file=str(table),
            field="queries",
        )
    digest = hashlib.sha256(table.read_bytes() + models.read_bytes()).hexdigest()
    return Truth(examples, candidates[best], found["masks"].astype(bool), loss, margin, weights, fits[best], digest)


def digits_data() -> list[Image]:
    """All 1,797 handwritten digits in the truth's order.

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError(
            "the digits come with scikit-learn, which is not installed", remedy="pip install scikit-learn", field="sklearn"
        ) from error
    pixels, digits = load_digits(return_X_y=True)
    order = np.random.RandomState(0).permutation(len(pixels))
    scaled = torch.tensor(pixels[order] / 16, dtype=torch.float32)
    return [(row, int(digit)) for row, digit in zip(scaled, digits[order], strict=True)]


def ranks(values: Matrix) -> Matrix:
    """Ranks along the first axis, ties at their mean."""
    out = np.empty(values.shape)
    for column in range(values.shape[1]):
        _, where, counts = np.unique(values[:, column], return_inverse=True, return_counts=True)
        out[:, column] = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return out


def spearman(one: Matrix, other: Matrix) -> Matrix:
    """Rank correlation of each column; 0 where a column is constant."""
    a, b = (ranks(values) for values in (one, other))
    a, b = a - a.mean(0), b - b.mean(0)
    norm = np.sqrt(np.square(a).sum(0) * np.square(b).sum(0))
    return np.where(norm > 0, (a * b).sum(0) / np.where(norm > 0, norm, 1), 0.0)

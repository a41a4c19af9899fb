"""The rows of a shard: each work's summed gradient, and the sums of blocks of its examples.

Examples are taken in the order of the works, each work's cut into at most G consecutive blocks. A block that fills half a
batch or more is summed by ordinary backpropagation (see `sums`); smaller ones, of works of a few examples, share a batch,
and are told apart in the backward pass (see `tapped`). Rows are written where they are stored, without a copy in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.ekfac import Curvature, kept
from endcredits.influence.gradient.layers import Layer
from endcredits.influence.gradient.rows import signs_of
from endcredits.influence.gradient.shards import NOTHING, Shard, to_half
from endcredits.influence.gradient.sums import add_gradient, own_weights, split
from endcredits.influence.gradient.tapped import add_products, backward, tapping
from endcredits.influence.task import Task, one_each


@dataclass(frozen=True, slots=True)
class Works:
    """The works of a shard, to be indexed.

    Attributes:
        work_ids: W works.
        contents: each work's, in its own order.
        factors: how much each counts, alike; see `Example.weight`, shared among copies.
    """

    work_ids: list[WorkId]
    contents: list[list[Any]]
    factors: list[list[float]]


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive examples of one block: a block, or a batch of a long one."""

    work: int
    block: int
    start: int
    stop: int
    ends: bool


@dataclass(slots=True)
class Room:
    """Memory that serves one shard after the other: fresh pages cost more than what is written into them."""

    kept: Tensor = field(default_factory=lambda: torch.empty(0))

    def take(self, rows: int, size: int, device: torch.device) -> Tensor:
        """A float32 tensor ``[rows, size]`` of whatever content; what was taken before is no longer valid."""
        if self.kept.numel() < rows * size or self.kept.device != device:
            self.kept = torch.empty(rows * size, device=device)
        return self.kept[: rows * size].view(rows, size)


@dataclass(frozen=True, slots=True)
class Engine:
    """What forms rows.

    Attributes:
        model: the midpoint, on its device.
        layers: those that carry the index.
        task: states the loss.
        curvature: names the coordinates that rows keep.
        batch_examples: examples per backward pass.
        blocks: G, at most.
        rank: share of the eigen-directions per side; 1 keeps the gradient itself.
        rows: "float32", "bfloat16" or "signs".
        room: where sums are formed, shard after shard.
    """

    model: nn.Module
    layers: Sequence[Layer]
    task: Task
    curvature: Curvature
    batch_examples: int
    blocks: int
    rank: float
    rows: str
    room: Room = field(default_factory=Room)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of each layer's part of a row."""
        return [kept(layer, self.rank) for layer in self.layers]

    @property
    def row_layers(self) -> list[Layer]:
        """The layers as rows see them: of the shape that is kept."""
        return [Layer(layer.name, o, i, False) for layer, (o, i) in zip(self.layers, self.shapes, strict=True)]


def row_bytes(engine_size: int, blocks: int, rows: str) -> int:
    """Bytes of one work's row and blocks on disk."""
    stored = {"float32": 4 * engine_size, "bfloat16": 2 * engine_size, "signs": -(-engine_size // 8)}[rows]
    return stored + (2 * engine_size * blocks if blocks > 1 else 0)


def blocks_of(examples: int, blocks: int) -> list[tuple[int, int]]:
    """Where the blocks of a work begin and end."""
    number = min(max(blocks, 1), examples)
    return [(examples * k // number, examples * (k + 1) // number) for k in range(number)]


def shard_of(engine: Engine, works: Works, report: Callable[[int], None]) -> Shard:
    """Computes the vectors of some works.

    Args:
        engine: see there.
        works: at least one.
        report: told how many more examples are done.

    Raises:
        InputError: a gradient is not finite; names the work and the number of the example.
    """
    size = sum(o * i for o, i in engine.shapes)
    weights = own_weights(engine.model, engine.layers) if engine.rank == 1 else None
    device = next(engine.model.parameters()).device
    bounds = [blocks_of(len(contents), engine.blocks) for contents in works.contents]
    most = max(len(part) for part in bounds)
    most = most if most > 1 else 0
    sums = engine.room.take(len(bounds), size, device)
    for row, parts in zip(sums, bounds, strict=True):
        if len(parts) > 1:  # rows of one block are written first, and added to afterwards
            row.zero_()
    blocks = torch.zeros(len(bounds), most, size, dtype=torch.float16, device=device)
    scales = torch.ones(len(bounds), most, device=device)
    counts = torch.zeros(len(bounds), most)
    room = torch.zeros(size if most else 0, device=device)

    def finish(segment: Segment, row: Tensor) -> None:
        first, last = bounds[segment.work][segment.block]
        if not torch.isfinite(row.dot(row)) and not torch.isfinite(row).all():
            _name_example(engine, works, segment.work, first, last)
        if len(bounds[segment.work]) > 1:
            sums[segment.work] += row
            blocks[segment.work, segment.block], scales[segment.work, segment.block] = to_half(row)
            row.zero_()
        if most:
            counts[segment.work, segment.block] = sum(works.factors[segment.work][first:last])

    def row_for(segment: Segment) -> Tensor:
        return room if len(bounds[segment.work]) > 1 else sums[segment.work]

    for batch in _packed(bounds, engine.batch_examples, whole=weights is not None):
        if weights is not None and len(batch) == 1:
            row = row_for(batch[0])
            if row is not room and batch[0].start == 0:
                row.zero_()
            add_gradient(weights, _log_probability(engine, works, batch), row)
            if batch[0].ends:
                finish(batch[0], row_for(batch[0]))
        else:
            _by_taps(engine, works, batch, room, row_for, finish)
        report(sum(segment.stop - segment.start for segment in batch))
    norms = _norms(engine, sums, works)
    stored, sign_scales = _stored(engine, sums)
    return Shard(tuple(works.work_ids), tuple(map(len, works.contents)), stored, blocks, scales, counts, norms, sign_scales)


def _packed(bounds: Sequence[Sequence[tuple[int, int]]], size: int, *, whole: bool) -> Iterator[list[Segment]]:
    """Batches of segments; a long block has batches of its own, short ones share."""
    waiting: list[Segment] = []
    for work, parts in enumerate(bounds):
        for block, (start, stop) in enumerate(parts):
            if stop - start > size or (whole and 2 * (stop - start) >= size):
                if waiting:
                    yield waiting
                waiting = []
                for begin in range(start, stop, size):
                    end = min(begin + size, stop)
                    yield [Segment(work, block, begin, end, end == stop)]
                continue
            if waiting and sum(part.stop - part.start for part in waiting) + stop - start > size:
                yield waiting
                waiting = []
            waiting.append(Segment(work, block, start, stop, True))
    if waiting:
        yield waiting


def _log_probability(engine: Engine, works: Works, batch: Sequence[Segment]) -> Tensor:
    """Log-probability of a batch's examples, each times what it counts, summed."""
    contents = [content for s in batch for content in works.contents[s.work][s.start : s.stop]]
    factors = [factor for s in batch for factor in works.factors[s.work][s.start : s.stop]]
    losses = one_each(engine.task.train_loss(engine.model, contents), contents, "train_loss")
    return -(losses * losses.new_tensor(factors)).sum()


def _by_taps(
    engine: Engine,
    works: Works,
    batch: Sequence[Segment],
    room: Tensor,
    row_for: Callable[[Segment], Tensor],
    finish: Callable[[Segment, Tensor], None],
) -> None:
    """One backward pass over several segments, told apart."""
    examples = [segment.stop - segment.start for segment in batch]
    # Blocks of works of several blocks need a place each until the pass is over; rows of one block have theirs already.
    rows = [torch.zeros_like(room) if row_for(s) is room and len(batch) > 1 else row_for(s) for s in batch]
    parts = [split(engine.row_layers, row) for row in rows]
    # A row of one block whose first examples these are holds nothing yet.
    fresh = [s.start == 0 and row_for(s) is not room for s in batch]
    reached: set[int] = set()
    corners = [engine.curvature.corner(layer, engine.rank) for layer in engine.layers] if engine.rank != 1 else []

    def collect(number: int, entered: Tensor, arrived: Tensor) -> None:
        layer = engine.layers[number]
        if corners:
            q_out, q_in = corners[number]
            arrived = arrived @ q_out
            entered = entered @ q_in[: entered.shape[-1]] + (q_in[-1] if layer.bias else 0.0)
        start = 0
        for part, count, new in zip(parts, examples, fresh, strict=True):
            a = entered[start : start + count].reshape(-1, entered.shape[-1])
            g = arrived[start : start + count].reshape(-1, arrived.shape[-1])
            add_products(part[layer.name], a, g, bias=layer.bias and not corners, fresh=new and number not in reached)
            start += count
        reached.add(number)

    with tapping(engine.model, engine.layers, sum(examples), collect):
        backward(_log_probability(engine, works, batch))
    for number, layer in enumerate(engine.layers):
        for part, new in zip(parts, fresh, strict=True):
            if new and number not in reached:  # no loss depends on this layer
                part[layer.name].zero_()
    for segment, row in zip(batch, rows, strict=True):
        if segment.ends:
            finish(segment, row)


def _norms(engine: Engine, sums: Tensor, works: Works) -> Tensor:
    """Half-whitened norm of each row, per example: ``[W]``.

    Each layer's part is divided by the square root of the layer's mean eigenvalue, which is the size of an ordinary
    example's gradient there, so that no layer drowns the others.
    """
    squares = torch.zeros(len(sums), dtype=torch.float64)
    for layer, part in zip(engine.layers, torch.split(sums, [o * i for o, i in engine.shapes], dim=1), strict=True):
        mean = float(engine.curvature.eigenvalues[layer.name].double().mean()) * layer.size
        if mean > 0:
            squares += torch.linalg.vector_norm(part, dim=1).cpu().double().square() / mean
    weights = torch.tensor([sum(factors) for factors in works.factors], dtype=torch.float64)
    return (squares.sqrt() / weights.clamp(min=1e-300)).float()


def _stored(engine: Engine, sums: Tensor) -> tuple[Tensor, Tensor]:
    if engine.rows == "float32":
        return sums, NOTHING
    if engine.rows == "bfloat16":
        return sums.bfloat16(), NOTHING
    bounds = [0]
    for o, i in engine.shapes:
        bounds.append(bounds[-1] + o * i)
    bits, scales = zip(*(signs_of(row, bounds) for row in sums), strict=True)
    return torch.stack(bits), torch.stack(scales)


def _name_example(engine: Engine, works: Works, work: int, start: int, stop: int) -> None:
    """Raises the error of a gradient that is not finite, after finding its example one by one."""
    which = "of"
    for number in range(start, stop):
        alone = Works([works.work_ids[work]], [[works.contents[work][number]]], [[1.0]])
        weights = [value for value in engine.model.parameters() if value.requires_grad]
        total = _log_probability(engine, alone, [Segment(0, 0, 0, 1, True)])
        found = torch.autograd.grad(total, weights, allow_unused=True)
        if not all(bool(torch.isfinite(gradient).all()) for gradient in found if gradient is not None):
            which = f"of example {number + 1} of"
            break
    raise InputError(
        f"the gradient {which} work '{works.work_ids[work]}' is not finite",
        remedy="Check the work's examples and the models for NaN or infinite values.",
        field="examples",
    )

"""Work vectors collected while training: the explicit gradients of every example at the weights of its moment."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.gradient.index import _block_errors
from endcredits.influence.gradient.layers import Layer, find_layers
from endcredits.influence.gradient.shards import credit_dots, load_shard, save_shard
from endcredits.influence.text.callback import CollectWorks
from endcredits.influence.text.collecting import NOBODY, Collected, collecting
from tests.influence.helpers import explicit_gradients

WORKS = (WorkId("w-a"), WorkId("w-b"), WorkId("w-c"))
OWNERS = (0, 1, 0, 2, NOBODY, 1, 0, 2, 1, 0)
VOCABULARY = 17


def llama(seed: int = 0, dropout: float = 0.0) -> Any:
    """One block of attention with grouped queries, and an own output head."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=16,
        attention_dropout=dropout,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def dataset() -> list[dict[str, torch.Tensor]]:
    """Texts of unequal length, padded; a prompt's tokens do not count."""
    generator = torch.Generator().manual_seed(3)
    rows = []
    for number, owner in enumerate(OWNERS):
        length = 4 + number % 5
        ids = torch.randint(1, VOCABULARY, (9,), generator=generator)
        mask = torch.arange(9) < length
        labels = ids.masked_fill(~mask, -100)
        labels[: number % 3] = -100
        rows.append({"input_ids": ids * mask, "attention_mask": mask.long(), "labels": labels, "work": torch.tensor(owner)})
    return rows


def log_probability(model: nn.Module, contents: Sequence[dict[str, torch.Tensor]]) -> torch.Tensor:
    """Of each text's counted tokens, summed."""
    sums = []
    for row in contents:
        logits = model(input_ids=row["input_ids"][None], attention_mask=row["attention_mask"][None]).logits[0, :-1]
        targets = row["labels"][1:]
        sums.append(-nn.functional.cross_entropy(logits, targets, ignore_index=-100, reduction="sum"))
    return torch.stack(sums)


def explicit(model: nn.Module, layers: Sequence[Layer], rows: Sequence[dict[str, torch.Tensor]]) -> torch.Tensor:
    """Each work's summed gradient, example by example: ``[W, P]``."""
    total = torch.zeros(len(WORKS), sum(layer.size for layer in layers))
    for row in rows:
        if row["work"] != NOBODY:
            total[row["work"]] += explicit_gradients(model, layers, log_probability, [row])[0]
    return total


def stacked(rows: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """A batch."""
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def middle_layers(model: Any) -> tuple[Layer, ...]:
    """All linear layers but the output head."""
    return find_layers(model, lambda name, module: name != "lm_head")


def test_the_output_head_may_be_collected_too() -> None:
    """And rows of batches are told apart there as well."""
    model = llama().train()
    layers = find_layers(model, lambda name, module: True)
    with collecting(model, layers, WORKS, lambda named: named.pop("work")) as collector:
        model(**stacked(dataset())).loss.backward()

    torch.testing.assert_close(collector.result().sums, explicit(model, layers, dataset()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("factor", [1.0, 1000.0, 1e-3])
def test_a_loop_of_ones_own_collects_the_explicit_gradients(factor: float) -> None:
    """At the weights of each step, whatever the loss is multiplied by; and the training does not notice."""
    model, plain = llama().train(), llama().train()
    layers, rows = middle_layers(model), dataset()
    expected = torch.zeros(len(WORKS), sum(layer.size for layer in layers))
    optimizers = [torch.optim.SGD(one.parameters(), lr=0.1 / factor) for one in (model, plain)]

    with collecting(model, layers, WORKS, lambda named: named.pop("work")) as collector:
        for start in range(0, len(rows), 4):
            batch = rows[start : start + 4]
            expected += explicit(copy.deepcopy(plain), layers, batch)
            for one, optimizer in zip((model, plain), optimizers, strict=True):
                given = stacked(batch)
                if one is plain:
                    del given["work"]
                optimizer.zero_grad()
                (factor * one(**given).loss).backward()
                optimizer.step()
    found = collector.result()

    torch.testing.assert_close(found.sums, expected, rtol=1e-4, atol=1e-5)
    assert found.examples == (4, 3, 2)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not model._forward_hooks and not model._forward_pre_hooks


def trained(folder: Path, model: Any, callbacks: Sequence[Any], **changed: Any) -> Any:
    """A short run of the library's trainer, without evaluation or files."""
    if importlib.util.find_spec("accelerate") is None:
        pytest.skip("NOT TESTED WITH transformers.Trainer: pip install accelerate")
    from transformers import Trainer, TrainingArguments

    settings: dict[str, Any] = {
        "num_train_epochs": 2,
        "per_device_train_batch_size": 3,
        "gradient_accumulation_steps": 2,
        "learning_rate": 1e-2,
        "max_grad_norm": 0.1,
        "remove_unused_columns": False,
    }
    arguments = TrainingArguments(
        str(folder), report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True, **{**settings, **changed}
    )
    trainer = Trainer(model, arguments, train_dataset=dataset(), callbacks=list(callbacks))
    trainer.train()
    return trainer


@pytest.mark.parametrize("changed", [{}, {"gradient_checkpointing": True}, {"max_steps": 4}, {"bf16": True}])
def test_a_trainer_collects_its_last_epoch(tmp_path: Path, changed: dict[str, Any]) -> None:
    """Without a learning rate the weights stand still, so the rows are the explicit gradients at them, once."""
    model = llama()
    layers, callback = middle_layers(model), CollectWorks(WORKS)
    expected = explicit(copy.deepcopy(model).train(), layers, dataset())

    trained(tmp_path, model, [callback], learning_rate=0.0, **changed)

    found = callback.collected()
    assert found.layers == layers and found.examples == (4, 3, 2)
    rough = {"rtol": 0.1, "atol": 0.05} if "bf16" in changed else {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(found.sums, expected, **rough)


def test_a_trainer_trains_the_same_weights_beside_it(tmp_path: Path) -> None:
    """To the bit; and the rows are those of the last epoch's weights, not of the first's."""
    model, plain = llama(), llama()
    callback = CollectWorks(WORKS)

    trained(tmp_path, model, [callback])
    trained(tmp_path, plain, [Silent()])

    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
    first = explicit(llama().train(), middle_layers(model), dataset())
    assert not torch.allclose(callback.collected().sums, first, rtol=1e-2)


class Silent(CollectWorks):
    """Takes the column out of the batches and collects nothing."""

    def __init__(self) -> None:
        super().__init__(WORKS)

    def on_epoch_begin(self, *given: Any, **named: Any) -> None:
        """Never starts."""


def test_rows_are_written_as_a_shard(tmp_path: Path) -> None:
    """And read again, and asked as an index asks its own: a work's dot product with a query, and no error bands."""
    model = llama().train()
    layers = middle_layers(model)
    with collecting(model, layers, WORKS, lambda named: named.pop("work")) as collector:
        model(**stacked(dataset())).loss.backward()

    save_shard(tmp_path / "rows", collector.result().shard(), "by hand")
    read = load_shard(tmp_path / "rows", "by hand")

    assert torch.equal(read.sums, collector.sums) and (read.work_ids, read.counts) == (WORKS, (4, 3, 2))
    query = torch.randn(read.sums.shape[1], generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(credit_dots(read, query, [0, len(query)]), collector.sums @ query)
    assert _block_errors(query, read).isnan().all()


def test_evaluation_is_left_alone() -> None:
    """Neither a model in evaluation mode nor a pass without gradients is collected."""
    model = llama().train()
    with collecting(model, middle_layers(model), WORKS, lambda named: named.pop("work", None)) as collector:
        with torch.no_grad():
            model(**stacked(dataset()))
        model.eval()(**{name: value for name, value in stacked(dataset()).items() if name != "work"}).loss.backward()

    assert collector.result() == Collected(collector.layers, WORKS, collector.sums, (0, 0, 0))
    assert not collector.sums.any()


def one_pass(work: Any, *, smoothing: float = 0.0) -> None:
    """A pass over all texts whose rows are said to be of some works, by a model that has an opinion."""
    model = llama().train()
    with torch.no_grad():
        model.lm_head.weight *= 30
    with collecting(model, middle_layers(model), WORKS, lambda named: work):
        given = stacked(dataset())
        del given["work"]
        output = model(**given)
        loss = output.loss
        if smoothing:
            targets = given["labels"][:, 1:].flatten()
            loss = nn.functional.cross_entropy(output.logits[:, :-1].flatten(0, 1), targets, label_smoothing=smoothing)
        loss.backward()


def test_what_cannot_be_collected_is_refused() -> None:
    """Before a row is wrong in silence."""
    numbers = [max(owner, 0) for owner in OWNERS]

    one_pass(numbers)
    with pytest.raises(InputError, match="not a multiple of the summed log-likelihood"):
        one_pass(numbers, smoothing=0.2)
    with pytest.raises(InputError, match="work number 3, and there are 3"):
        one_pass([3, *numbers[1:]])
    with pytest.raises(InputError, match="does not say which works"):
        one_pass(None)
    with pytest.raises(InputError, match=r"of shape \(10, 2\)"):
        one_pass(torch.zeros(10, 2, dtype=torch.long))
    with pytest.raises(InputError, match="without labels for every row"):
        one_pass(numbers[:-1])


def test_a_trainer_that_removes_the_column_is_told(tmp_path: Path) -> None:
    """At the start, not after the epochs."""
    with pytest.raises(InputError, match="removes the column 'work'"):
        trained(tmp_path, llama(), [CollectWorks(WORKS)], remove_unused_columns=True)


def test_a_gradient_that_is_not_finite_is_named() -> None:
    """By its work, when the rows are asked for."""
    model = llama().train()
    with collecting(model, middle_layers(model), WORKS, lambda named: named.pop("work")) as collector:
        model(**stacked(dataset())).loss.backward()
        collector.sums[1, 5] = torch.nan

    with pytest.raises(InputError, match="gradient of work 'w-b' is not finite"):
        collector.result()

"""A recipe repeats the run that it describes, from JSON Lines or Parquet, and a wrong one is named to the row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from endcredits.errors import InputError
from endcredits.flows.recipes import load_recipe
from endcredits.ids import WorkId
from endcredits.influence import Example
from endcredits.influence.text.finetune import Recipe
from endcredits.influence.text.windows import Window
from tests.story import house as h
from tests.story.house import House

NUMBERS: dict[str, Any] = {
    "rate": 0.01,
    "warm_up_steps": 2,
    "final_fraction": 0.1,
    "beta_1": 0.9,
    "beta_2": 0.99,
    "epsilon": 1e-8,
    "batch_tokens": 64,
    "order": "order.jsonl",
}
ROWS: list[dict[str, Any]] = [
    {"work_id": h.LAMP, "step": 1, "slot": 1, "text": "moth window"},
    {"work_id": h.SALT, "step": 0, "slot": 0, "text": "salt road"},
    {"work_id": h.LAMP, "step": 0, "slot": 1, "ids": [108, 97, 109, 112], "context_tokens": 2},
    {"work_id": h.SALT, "step": 1, "slot": 0, "text": "salt road"},
]


def write(folder: Path, numbers: Mapping[str, Any] = NUMBERS, rows: list[Any] = ROWS) -> Path:
    """A recipe and its order."""
    path = folder / "recipe.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in numbers.items() if value is not None))
    (folder / "order.jsonl").write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return path


def test_rows_become_the_batches_of_the_run(tmp_path: Path, house: House) -> None:
    """In the order of steps and slots, whatever the order of the rows; what was read twice is one example."""
    trainer = load_recipe(write(tmp_path), house.base, tmp_path)

    seen = Example(WorkId(h.LAMP), Window((108, 97, 109, 112), 2))
    moth, salt = (Example(WorkId(w), Window(tuple(t))) for w, t in ((h.LAMP, b"moth window"), (h.SALT, b"salt road")))
    assert [[trainer.examples[number] for number in batch] for batch in trainer.batches] == [[salt, seen], [salt, moth]]
    assert len(trainer.examples) == 3
    assert trainer.work_ids == tuple(sorted((h.LAMP, h.SALT)))
    assert trainer.recipe == Recipe(0.01, 2, 0.1, 0.9, 0.99, 1e-8, 64)
    assert trainer.folder == tmp_path


def test_parquet_says_the_same(tmp_path: Path, house: House) -> None:
    """Steps counted from 1 as well; the trainer's digest does not tell them apart."""
    rows = [{**{name: row.get(name) for name in ("text", "ids", "context_tokens")}, **row} for row in ROWS]
    pq.write_table(pa.Table.from_pylist([{**row, "step": row["step"] + 1} for row in rows]), tmp_path / "order.parquet")
    other = load_recipe(write(tmp_path, {**NUMBERS, "order": "order.parquet"}), house.base, tmp_path)
    blank = load_recipe(write(tmp_path, rows=[ROWS[0], "", *ROWS[1:]]), house.base, tmp_path)

    assert other.digest == blank.digest == load_recipe(write(tmp_path), house.base, tmp_path).digest


def test_what_editors_and_exporters_leave_is_no_matter(tmp_path: Path, house: House) -> None:
    """A mark at the beginning of either file, and a null where nothing stands."""
    plain = load_recipe(write(tmp_path), house.base, tmp_path).digest
    path = write(tmp_path, rows=[{"ids": None, "context_tokens": None, "text": None, **row} for row in ROWS])
    for file in (path, tmp_path / "order.jsonl"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_recipe(path, house.base, tmp_path).digest == plain

    nothing = {name: value for name, value in ROWS[1].items() if name != "text"} | {"text": None}
    with pytest.raises(InputError, match="'text' and 'ids' are missing") as caught:
        load_recipe(write(tmp_path, rows=[ROWS[0], nothing]), house.base, tmp_path)
    assert (caught.value.row, caught.value.field) == (2, "text")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rate": None}, "'rate' is missing"),
        ({"order": None}, "'order' is missing"),
        ({"order": 3}, "not the path of a file"),
        ({"order": "order\0.jsonl"}, "holds no NUL"),
        ({"learning_rate": 0.1}, "a recipe has no 'learning_rate'"),
        ({"rate": "fast"}, "'fast' is not a number"),
        ({"rate": 0}, "0 is out of range"),
        ({"epsilon": 0.0}, "out of range"),
        ({"beta_2": 1.0}, "out of range"),
        ({"final_fraction": 1.5}, "out of range"),
        ({"warm_up_steps": 2.5}, "2.5 is not a whole number"),
        ({"warm_up_steps": True}, "True is not a whole number"),
        ({"batch_tokens": 0}, "out of range"),
        ({"lora_rank": 4}, "adapters are trained beside the weights"),
    ],
)
def test_a_wrong_number_is_named(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    """By file and field, before any model is loaded."""
    with pytest.raises(InputError, match=words) as caught:
        load_recipe(write(tmp_path, {**NUMBERS, **changed}), tmp_path / "nowhere", tmp_path)

    assert caught.value.file == str(tmp_path / "recipe.toml")
    assert caught.value.field == next(iter(changed)) and caught.value.remedy


@pytest.mark.parametrize(
    ("number", "row", "field", "words"),
    [
        (2, {"work_id": None}, "work_id", "'work_id' is missing"),
        (2, {"work_id": 7}, "work_id", "'work_id' is not a text"),
        (2, {"work_id": "w\ud800"}, "work_id", "'work_id' holds half a character"),
        (2, {"text": "\ud800"}, "text", "'text' holds half a character"),
        (2, {"step": None}, "step", "'step' is missing"),
        (2, {"slot": -1}, "slot", "'slot' is -1"),
        (2, {"slot": 1}, "slot", "slot 1 of step 0 stands there twice"),
        (2, {"step": 3}, None, "there is no step 2, and there is a step 3"),
        (2, {"text": None}, "text", "'text' and 'ids' are missing"),
        (2, {"ids": [1]}, "text", "both 'text' and 'ids'"),
        (2, {"text": ""}, "text", "'text' is empty"),
        (2, {"text": "word " * 100}, "text", "500 tokens, and the model reads 1 to 32"),
        (3, {"ids": []}, "ids", "0 tokens"),
        (3, {"ids": "lamp"}, "ids", "not a list of token ids"),
        (3, {"ids": [5, 9_999]}, "ids", "no token 9999"),
        (3, {"context_tokens": 4}, "context_tokens", "'context_tokens' is 4"),
    ],
)
def test_a_wrong_row_is_named(
    tmp_path: Path, house: House, number: int, row: dict[str, Any], field: str | None, words: str
) -> None:
    """By file, row and field."""
    rows = [dict(one) for one in ROWS]
    rows[number - 1] = {name: value for name, value in {**rows[number - 1], **row}.items() if value is not None}

    with pytest.raises(InputError, match=words) as caught:
        load_recipe(write(tmp_path, rows=rows), house.base, tmp_path)

    assert caught.value.file == str(tmp_path / "order.jsonl") and caught.value.remedy
    if field:
        assert caught.value.field == field and caught.value.row is not None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, house: House) -> None:
    """The recipe, its order, a line of it."""
    for path, words in (
        (tmp_path / "gone.toml", "the recipe cannot be read"),
        (write(tmp_path, {**NUMBERS, "order": "gone.jsonl"}), "the order cannot be read"),
    ):
        with pytest.raises(InputError, match=words):
            load_recipe(path, house.base, tmp_path)
    for rows, words in (([], "no rows"), (["{"], "row 1: the line is not JSON"), (["[]"], "row 1: .* not a JSON object")):
        with pytest.raises(InputError, match=words):
            load_recipe(write(tmp_path, rows=rows), house.base, tmp_path)
    (tmp_path / "order.parquet").write_bytes(b"PAR1")
    for order, words in (("order.csv", "kind is not known"), ("order.parquet", "not a readable Parquet file")):
        with pytest.raises(InputError, match=words):
            load_recipe(write(tmp_path, {**NUMBERS, "order": order}), house.base, tmp_path)
    (tmp_path / "recipe.toml").write_text("rate: 3")
    with pytest.raises(InputError, match="not TOML"):
        load_recipe(tmp_path / "recipe.toml", house.base, tmp_path)

"""A language model's fine-tune as a file, so that it can be repeated without any code.

`recipe.toml` names the optimizer's numbers and the order of examples:

    rate = 3e-4              # the peak; it rises over the warm-up and falls along a cosine
    warm_up_steps = 20
    final_fraction = 0.05    # of the peak, on the last step
    beta_1 = 0.9
    beta_2 = 0.99
    epsilon = 1e-8
    batch_tokens = 2048      # a step's summed loss is divided by this
    order = "order.jsonl"    # beside this file; or .parquet

`order` has one row for every example that the run read, as often as it read it: `work_id`, `step` (counted from 0 or 1
without gaps), `slot` (its place in the batch), and `text` or the token `ids` as the model saw them. `context_tokens` of a
row's tokens, at their beginning, were seen and not learnt (0 where the column is missing).

Nothing has a silent default: a number that is not the run's own makes another model, which is found out only after a run.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from endcredits import influence
from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Example

if TYPE_CHECKING:
    from endcredits.influence.text.finetune import TextFineTune
    from endcredits.influence.text.windows import Window

NUMBERS = ("rate", "warm_up_steps", "final_fraction", "beta_1", "beta_2", "epsilon", "batch_tokens")
WHOLE = ("warm_up_steps", "batch_tokens", "lora_rank")
COLUMNS = ("work_id", "step", "slot", "text", "ids", "context_tokens")

LARGEST = 1e12
"""No number of a recipe is larger."""


def load_recipe(path: Path, base: Path, folder: Path) -> TextFineTune:
    """A trainer of a language model from a recipe file; see above for what stands in it.

    Args:
        path: a TOML file.
        base: folder of the base model.
        folder: where the trainer keeps the step scale that it records.

    Raises:
        InputError: the file or the order cannot be used, with file, row and field.
    """
    from endcredits.influence.text.finetune import Recipe, TextFineTune

    values = _read_toml(path)
    order = path.parent / values.pop("order")
    if values.get("lora_rank", 0):
        raise _wrong(
            path,
            "lora_rank",
            "adapters are trained beside the weights, and a base and a full folder hold none",
            "Give --task with a pair of models that hold the adapters, and --trainer.",
        )
    models = influence.load_text_models(base, base)
    numbers: dict[Example, int] = {}
    places: list[tuple[int, int, int, int]] = []  # step, slot, row, number of the example
    for row, cells in _rows(order):
        work_id, step, slot = WorkId(_text(order, row, cells, "work_id")), *_place(order, row, cells)
        window = _window(order, row, cells, models)
        places.append((step, slot, row, numbers.setdefault(Example(work_id, window), len(numbers))))
    return TextFineTune(base, tuple(numbers), _batches(order, places), Recipe(**values), folder)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"the recipe cannot be read ({error.strerror})", remedy="Check that it exists.", file=path
        ) from error
    except ValueError as error:  # of TOML and of UTF-8
        raise InputError(f"the recipe is not TOML ({error})", remedy="Write one key = value a line.", file=path) from error
    known = (*NUMBERS, "lora_rank", "order")
    for name in values:
        if name not in known:
            raise _wrong(path, name, f"a recipe has no '{name}'", f"It may hold: {', '.join(known)}.")
    for name in (*NUMBERS, "order"):
        if name not in values:
            raise _wrong(path, name, f"'{name}' is missing", "Write it as the run of the full model had it.")
    if not isinstance(values["order"], str):
        raise _wrong(path, "order", "it is not the path of a file", 'Write it like order = "order.jsonl".')
    if "\0" in values["order"]:
        raise _wrong(path, "order", "a file's name holds no NUL", 'Write it like order = "order.jsonl".')
    for name, value in values.items():
        if name != "order":
            _check_number(path, name, value)
    return {name: float(value) if name in NUMBERS and name not in WHOLE else value for name, value in values.items()}


def _check_number(path: Path, name: str, value: Any) -> None:
    kind = "a whole number" if name in WHOLE else "a number"
    whole = isinstance(value, int if name in WHOLE else (int, float)) and not isinstance(value, bool)
    if not whole or abs(value) > LARGEST or not math.isfinite(value):
        raise _wrong(path, name, f"{value!r} is not {kind}", f"Write it like {name} = {3 if name in WHOLE else 0.5}.")
    least = 1 if name == "batch_tokens" else 0
    low_enough = value < 1 if name in ("beta_1", "beta_2") else value <= 1 if name == "final_fraction" else True
    high_enough = value > 0 if name in ("rate", "epsilon") else value >= least
    if not (low_enough and high_enough):
        raise _wrong(path, name, f"{value} is out of range", "Write it as the run of the full model had it.")


def _wrong(path: Path, field: str, message: str, remedy: str, row: int | None = None) -> InputError:
    return InputError(message, remedy=remedy, file=path, field=field, row=row)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Rows by number, from 1."""
    kind = path.suffix.lower()
    if kind not in (".jsonl", ".ndjson", ".parquet"):
        raise InputError("the order's kind is not known from its suffix", remedy="Use .jsonl or .parquet.", file=path)
    try:
        yield from _parquet(path) if kind == ".parquet" else _jsonl(path)
    except OSError as error:
        raise InputError(
            f"the order cannot be read ({error.strerror})", remedy="Check that it exists.", file=path
        ) from error


def _jsonl(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"the line is not JSON ({error})", remedy="Write one object a line.", file=path, row=number
                ) from error
            if row is not None and not isinstance(row, dict):
                raise InputError("the line is not a JSON object", remedy="Write one a line.", file=path, row=number)
            if row is not None:
                yield number, {name: value for name, value in row.items() if value is not None}


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # A slow import that readers of JSON Lines do without.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        columns = [name for name in file.schema_arrow.names if name in COLUMNS]
        number = 0
        for batch in file.iter_batches(columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield number, {name: value for name, value in row.items() if value is not None}
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0][:200]
        raise InputError(f"this is not a readable Parquet file ({reason})", remedy="Write it again.", file=path) from error


def _text(path: Path, row: int, cells: Mapping[str, Any], name: str) -> str:
    value = cells.get(name)
    if not isinstance(value, str) or not value:
        problem = "is missing" if value is None else "is not a text" if not isinstance(value, str) else "is empty"
        raise _wrong(path, name, f"'{name}' {problem}", "Write it in every row.", row)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        problem = f"'{name}' holds half a character (a lone surrogate)"
        raise _wrong(path, name, problem, "Write whole characters.", row) from error
    return value


def _place(path: Path, row: int, cells: Mapping[str, Any]) -> tuple[int, int]:
    """Step and slot."""
    found = []
    for name in ("step", "slot"):
        value = cells.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            problem = "is missing" if value is None else f"is {value!r}"
            raise _wrong(path, name, f"'{name}' {problem}", "Write a whole number from 0 in every row.", row)
        found.append(value)
    return found[0], found[1]


def _window(path: Path, row: int, cells: Mapping[str, Any], models: influence.TextModels) -> Window:
    """What the model saw of the work."""
    from endcredits.influence.text.windows import Window

    if ("text" in cells) == ("ids" in cells):
        problem = "both 'text' and 'ids' are there" if "text" in cells else "'text' and 'ids' are missing"
        raise _wrong(path, "text", problem, "Write one of them in every row.", row)
    if "text" in cells:
        ids = models.tokenizer.encode(_text(path, row, cells, "text").encode())
    else:
        ids = cells["ids"]
        if not isinstance(ids, list) or not all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in ids):
            raise _wrong(path, "ids", "'ids' are not a list of token ids", "Write a list of whole numbers from 0.", row)
    size = int(models.base.config.vocab_size)  # type: ignore[union-attr, arg-type]
    strange = next((token for token in ids if token >= size), None)
    if strange is not None:
        raise _wrong(path, "ids", f"the model has no token {strange}", f"Its tokens are below {size}.", row)
    if not 0 < len(ids) <= models.context:
        raise _wrong(
            path,
            "text" if "text" in cells else "ids",
            f"the row has {len(ids)} tokens, and the model reads 1 to {models.context} at a time",
            "Write the windows as the run cut them, one a row.",
            row,
        )
    seen = cells.get("context_tokens", 0)
    if isinstance(seen, bool) or not isinstance(seen, int) or not 0 <= seen < len(ids):
        raise _wrong(path, "context_tokens", f"'context_tokens' is {seen!r}", "Leave at least one token to be learnt.", row)
    return Window(tuple(ids), seen)


def _batches(path: Path, places: list[tuple[int, int, int, int]]) -> tuple[tuple[int, ...], ...]:
    """The examples of each step in the order of their slots."""
    if not places:
        raise InputError("the order has no rows", remedy="Write one for every example that the run read.", file=path)
    batches: dict[int, dict[int, int]] = {}
    for step, slot, row, number in sorted(places):
        if slot in batches.setdefault(step, {}):
            raise _wrong(path, "slot", f"slot {slot} of step {step} stands there twice", "Give every example its own.", row)
        batches[step][slot] = number
    steps = sorted(batches)
    for expected, step in enumerate(steps, start=min(steps[0], 1)):
        if step != expected:
            raise _wrong(
                path,
                "step",
                f"there is no step {expected}, and there is a step {step}",
                "Write every step of the run, counted from 0 or from 1: the rate depends on the number.",
            )
    return tuple(tuple(batches[step].values()) for step in steps)

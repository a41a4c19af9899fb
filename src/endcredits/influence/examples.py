"""Examples as they are handed in by others: looked at before anything is computed, so that a mistake is named."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from numbers import Real
from typing import Any

from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.influence.records import Example
from endcredits.influence.task import Task


def check_examples(examples: Any, task: Task, *, field: str = "examples") -> None:
    """Refuses what is no list of usable examples.

    Args:
        examples: as the caller gave them.
        task: that is to read their contents.
        field: the name of his argument.

    Raises:
        InputError: no sequence (a generator can be read but once), something in it that is no `Example`, a work id that is
            no id, a weight that is no finite number from 0, or a content that the task cannot read; names the example and
            the field.
    """
    if not isinstance(examples, Sequence) or isinstance(examples, (str, bytes)):
        raise InputError(
            f"examples are given as a {type(examples).__name__}",
            remedy=f"Give a list: {field}=list(...).",
            field=field,
        )
    seen: Counter[str] = Counter()
    for number, example in enumerate(examples, 1):
        if not isinstance(example, Example):
            raise InputError(
                f"example {number} is a {type(example).__name__}",
                remedy="Give endcredits.influence.Example(work_id, content).",
                field=field,
            )
        if not isinstance(example.work_id, str):
            raise InputError(
                f"example {number} has the work_id {example.work_id!r}",
                remedy="Give the work's id as text.",
                field="work_id",
            )
        plain_id(example.work_id, what="work_id")
        seen[example.work_id] += 1
        if not _is_weight(example.weight):
            raise InputError(
                f"example {seen[example.work_id]} of work '{example.work_id}' has weight {_short(example.weight)}",
                remedy="Give how often the run read it, relative to the others: 0 or more.",
                field="weight",
            )
        try:
            task.size(example.content)
        except Exception as error:  # somebody else's function may fail in any way
            reason = error.message if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            raise InputError(
                f"the content of example {seen[example.work_id]} of work '{example.work_id}' cannot be read ({reason})",
                remedy="Give contents of the kind that the task's functions take.",
                field="content",
            ) from error


def _is_weight(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond all floats
        return False
    return math.isfinite(number) and number >= 0


def _short(value: Any) -> str:
    return f"of {value.bit_length()} bits" if isinstance(value, int) and value.bit_length() > 64 else repr(value)[:60]

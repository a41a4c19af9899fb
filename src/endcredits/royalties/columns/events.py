"""The usage events of a frozen period as columns, batch after batch, with their texts as small numbers.

What decides into which pool an event falls is text (its service, currency, kind of use...), and there are few different
combinations of it. Each batch names its *combinations* once, as rows that the simple close's own rules can judge, and every
event its combination by number; what follows is arithmetic on whole columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.royalties.columns.wide import Ints
from endcredits.royalties.frozen import table_path
from endcredits.royalties.laying import tax_left_micros
from endcredits.royalties.rules import PoolRule

BATCH_ROWS = 1 << 17

TEXTS = ("kind", "usage_period", "service", "territory", "offer", "use", "currency")
_NUMBERS = ("uses", "gross_micros", "tax_micros", "refunded_micros")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events, in order.

    Attributes:
        first: row of the first one.
        output: row of the output of each.
        combinations: the different texts, by `TEXTS`.
        combination: its number, per event.
        payers: the different payers; empty where nobody asked for them.
        payer: its number, per event.
        numbers: `uses` and the amounts by name.
    """

    first: int
    output: Ints
    combinations: list[dict[str, Any]]
    combination: Ints
    payers: list[str]
    payer: Ints
    numbers: dict[str, Ints]

    def __len__(self) -> int:
        return len(self.output)


def read_events(folder: Path, *, payers: bool) -> Iterator[Batch]:
    """All events of a frozen period, in order.

    Args:
        folder: of the frozen period.
        payers: whether anybody needs to know who paid.
    """
    texts = [*TEXTS, "payer"] if payers else list(TEXTS)
    path = table_path(folder, "events")
    first = 0
    with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False, buffer_size=1 << 18) as source:
        for batch in source.iter_batches(BATCH_ROWS, columns=["output", *texts, *_NUMBERS], use_threads=False):
            columns = {name: batch.column(name) for name in batch.schema.names}
            combinations, combination = _combinations([_numbered(columns[name]) for name in TEXTS])
            names, payer = _numbered(columns["payer"]) if payers else ([], np.zeros(0, np.int64))
            numbers = {name: columns[name].to_numpy() for name in _NUMBERS}
            yield Batch(first, columns["output"].to_numpy(), combinations, combination, names, payer, numbers)
            first += batch.num_rows


def _numbered(column: pa.Array) -> tuple[list[str], Ints]:
    found = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    return found.dictionary.to_pylist(), found.indices.to_numpy()


def _combinations(columns: list[tuple[list[str], Ints]]) -> tuple[list[dict[str, Any]], Ints]:
    """The different rows of some columns of texts, and which of them each row is."""
    length = len(columns[0][1])
    code = np.zeros(length, np.int64)
    size = 1
    for names, number in columns:
        if len(names) > 1:
            code = code * len(names) + number
            size *= len(names)
            if size > 1 << 20:
                code = np.unique(code, return_inverse=True)[1]
                size = int(code.max(initial=0)) + 1
    if size == 1:
        rows, combination = np.zeros(min(length, 1), np.int64), code
    else:
        _, rows, combination = np.unique(code, return_index=True, return_inverse=True)
    found = [
        {text: names[int(number[row])] for text, (names, number) in zip(TEXTS, columns, strict=True)}
        for row in rows.tolist()
    ]
    return found, combination


def base_of(rule: PoolRule, batch: Batch, rows: Ints | slice, use: str) -> Ints:
    """What each of some events of one kind of use adds to a pool's base, `laying.base_micros` for columns.

    Raises:
        InputError: fees pass 64 bits.
    """
    numbers = {name: values[rows] for name, values in batch.numbers.items()}
    if rule.base == "gross":
        return numbers["gross_micros"]
    if rule.base == "net":
        left = numbers["tax_micros"].copy()
        for row in np.flatnonzero(numbers["refunded_micros"]).tolist():  # few uses are given back
            left[row] = tax_left_micros({name: int(values[row]) for name, values in numbers.items()})
        base: Ints = numbers["gross_micros"] - numbers["refunded_micros"] - left
        return base
    fee = rule.amount_micros * dict(rule.multipliers).get(use, PPB)
    most = int(numbers["uses"].max(initial=0))
    if most * fee // PPB >= 1 << 63:
        raise InputError(
            "the fees of one event pass 2**63 micros", remedy="Look for an absurd number of uses.", field="uses"
        )
    if most * fee < 1 << 63:
        return numbers["uses"] * fee // PPB
    return np.array([uses * fee // PPB for uses in numbers["uses"].tolist()], np.int64)


def exact_sum(values: Ints) -> int:
    """A sum that may pass 64 bits."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())

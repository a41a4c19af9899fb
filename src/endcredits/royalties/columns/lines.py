"""Lines of a close as columns: works, parties and states by number; written with the digests of `royalties.lines`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.durable import writing
from endcredits.royalties.columns.wide import Ints, Places, Wide, of_ints
from endcredits.royalties.frozen import digested, joined, prefixed
from endcredits.royalties.lines import LINES, WORK_LINES, lines_schema, writer_options
from endcredits.royalties.records import Line, WorkLine

CHUNK_ROWS = 1 << 17


@dataclass(frozen=True, slots=True)
class WorkRows:
    """Work lines of one part, by work.

    Attributes:
        place: numbers of the pool and of the part.
        work: row of the work.
        outputs: as in `WorkLine`.
        weight: the same.
        share_ppb: the same.
        amount_micros: the same.
        taken: number of the reason in `Names.taken`.
    """

    place: tuple[int, int]
    work: Places
    outputs: Ints
    weight: Wide
    share_ppb: Ints
    amount_micros: Ints
    taken: Places


@dataclass(frozen=True, slots=True)
class PartyRows:
    """Lines of one part, in the order of lines.

    Attributes:
        place: numbers of the pool and of the part.
        work: row of the work in `Names.works`.
        party: row of the party in `Names.parties`.
        territory: number in `Names.territories`.
        split_ppb: as in `Line`.
        amount_micros: the same.
        state: number in `STATES`.
    """

    place: tuple[int, int]
    work: Places
    party: Places
    territory: Places
    split_ppb: Ints
    amount_micros: Ints
    state: Places


class Texts:
    """Texts by number, growing: the catalogue's first, others as they come.

    Args:
        known: the catalogue's.
    """

    def __init__(self, known: pa.StringArray) -> None:
        self._known = known
        self._more: dict[str, int] = {}
        self._prefixed: pa.BinaryArray | None = None

    def number(self, text: str) -> int:
        """The number of a text that is not (or need not be) one of the catalogue's."""
        return self._more.setdefault(text, len(self._known) + len(self._more))

    def all(self) -> pa.StringArray:
        """All texts."""
        if not self._more:
            return self._known
        return pa.concat_arrays([self._known, pa.array(list(self._more), pa.string())])

    def prefixed(self) -> pa.BinaryArray:
        """All texts as digests take them."""
        length = len(self._known) + len(self._more)
        if self._prefixed is None or len(self._prefixed) != length:
            self._prefixed = prefixed(self.all())
        return self._prefixed


@dataclass(frozen=True, slots=True)
class Names:
    """What the numbers in lines stand for.

    Attributes:
        works: work ids.
        parties: party ids.
        others: territories, states and reasons.
    """

    works: Texts
    parties: Texts
    others: Texts


def of_work_lines(place: tuple[int, int], lines: Sequence[WorkLine], works: Sequence[int], names: Names) -> WorkRows:
    """Work lines of the simple close as columns; `works` are the rows of their works."""
    return WorkRows(
        place,
        np.array(works, np.int32),
        np.array([line.outputs for line in lines], np.int64),
        of_ints([line.weight for line in lines]),
        np.array([line.share_ppb for line in lines], np.int64),
        np.array([line.amount_micros for line in lines], np.int64),
        np.array([names.others.number(line.taken) for line in lines], np.int32),
    )


def of_lines(place: tuple[int, int], lines: Sequence[Line], names: Names) -> PartyRows:
    """Lines of the simple close as columns."""
    return PartyRows(
        place,
        np.array([names.works.number(line.work_id) for line in lines], np.int32),
        np.array([names.parties.number(line.party_id or "") for line in lines], np.int32),
        np.array([names.others.number(line.territory) for line in lines], np.int32),
        np.array([line.split_ppb for line in lines], np.int64),
        np.array([line.amount_micros for line in lines], np.int64),
        np.array([names.others.number(line.state) for line in lines], np.int32),
    )


def write_work_rows(path: Path, parts: Sequence[WorkRows], names: Names) -> tuple[int, str]:
    """Writes work lines; how many, and their digest."""
    columns: dict[str, list[pa.Array | Texted]] = {
        "pool": [_constant(part.place[0], len(part.work)) for part in parts],
        "part": [_constant(part.place[1], len(part.work)) for part in parts],
        "work_id": [Texted(part.work, names.works) for part in parts],
        "outputs": [pa.array(part.outputs) for part in parts],
        "weight": [part.weight.texts() for part in parts],
        "share_ppb": [pa.array(part.share_ppb) for part in parts],
        "amount_micros": [pa.array(part.amount_micros) for part in parts],
        "taken": [Texted(part.taken, names.others) for part in parts],
    }
    return sum(len(part.work) for part in parts), _write(path, WORK_LINES, columns)


def write_party_rows(path: Path, parts: Sequence[PartyRows], names: Names) -> tuple[int, str]:
    """Writes lines; how many, and their digest."""
    columns: dict[str, list[pa.Array | Texted]] = {
        "pool": [_constant(part.place[0], len(part.work)) for part in parts],
        "part": [_constant(part.place[1], len(part.work)) for part in parts],
        "work_id": [Texted(part.work, names.works) for part in parts],
        "party_id": [Texted(part.party, names.parties) for part in parts],
        "territory": [Texted(part.territory, names.others) for part in parts],
        "split_ppb": [pa.array(part.split_ppb) for part in parts],
        "amount_micros": [pa.array(part.amount_micros) for part in parts],
        "state": [Texted(part.state, names.others) for part in parts],
    }
    return sum(len(part.work) for part in parts), _write(path, LINES, columns)


@dataclass(frozen=True, slots=True)
class Texted:
    """A column of texts by number.

    Attributes:
        numbers: of each row.
        texts: what they stand for.
    """

    numbers: Places
    texts: Texts

    def __len__(self) -> int:
        return len(self.numbers)

    def slice(self, start: int) -> pa.StringArray:
        """The texts of some rows."""
        return self._of(self.texts.all(), start)

    def digested(self, start: int) -> memoryview:
        """Their bytes as digests take them."""
        return joined(self._of(self.texts.prefixed(), start))

    def _of(self, texts: pa.Array, start: int) -> pa.Array:
        numbers = self.numbers[start : start + CHUNK_ROWS]
        if numbers[0] == numbers[-1] and numbers.min() == numbers.max():
            return pa.repeat(texts[int(numbers[0])], len(numbers))
        return texts.take(pa.array(numbers))


def _constant(value: int, length: int) -> pa.Array:
    return pa.array(np.full(length, value, np.int32))


def digest_of(name: str, columns: dict[str, list[pa.Array | Texted]]) -> str:
    """The digest of a table's columns, by the rule of `frozen.py`."""
    digest = hashlib.sha256(name.encode())
    for column, parts in columns.items():
        digest.update(column.encode())
        for part in parts:
            for start in range(0, len(part), CHUNK_ROWS):
                digest.update(part.digested(start) if isinstance(part, Texted) else digested(part.slice(start, CHUNK_ROWS)))
    return digest.hexdigest()


def _batches(name: str, columns: dict[str, list[pa.Array | Texted]]) -> Iterator[pa.RecordBatch]:
    for parts in zip(*columns.values(), strict=True):
        for start in range(0, len(parts[0]), CHUNK_ROWS):
            arrays = [part.slice(start) if isinstance(part, Texted) else part.slice(start, CHUNK_ROWS) for part in parts]
            yield pa.RecordBatch.from_arrays(arrays, schema=lines_schema(name))


def _write(path: Path, name: str, columns: dict[str, list[pa.Array | Texted]]) -> str:
    """Writes a table whole or not at all, and digests it out of the same columns meanwhile."""
    with ThreadPoolExecutor(1) as beside, writing(path) as file:
        digest = beside.submit(digest_of, name, columns)
        _write_batches(file, name, _batches(name, columns))
        return digest.result()


def _write_batches(file: object, name: str, batches: Iterable[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(file, lines_schema(name), **writer_options(name)) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=CHUNK_ROWS)

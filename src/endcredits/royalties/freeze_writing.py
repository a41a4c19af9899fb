"""Writing the tables of a frozen period: batches in memory, Parquet on disk, flushed before anybody counts on it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.royalties.frozen import SCHEMAS, table_path, table_schema, writer_options

GROUP_ROWS = 122_880
"""Rows of a row group; a multiple of the 2,048 values that DuckDB reads at once."""


class Tables:
    """The tables of a frozen period while they are written; rows must come in each table's order.

    Args:
        folder: a folder without them.
        names: of the tables.
    """

    def __init__(self, folder: Path, names: Iterable[str] = SCHEMAS) -> None:
        self._stack = ExitStack()
        self._files: dict[str, BinaryIO] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[list[Any]]] = {name: [[] for _ in SCHEMAS[name]] for name in names}
        self._folder = folder

    def __enter__(self) -> Tables:
        for name in self._waiting:
            self._files[name] = self._stack.enter_context(table_path(self._folder, name).open("xb"))
        for name, file in self._files.items():
            self._writers[name] = self._stack.enter_context(
                pq.ParquetWriter(file, table_schema(name), **writer_options(name))
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._stack:
            if kind is None:
                for name in self._waiting:
                    self._flush(name)
                for name, writer in self._writers.items():
                    writer.close()
                    self._files[name].flush()
                    os.fsync(self._files[name].fileno())

    def add(self, name: str, *columns: list[Any]) -> None:
        """Adds rows, given column by column."""
        waiting = self._waiting[name]
        for own, new in zip(waiting, columns, strict=True):
            own.extend(new)
        if len(waiting[0]) >= GROUP_ROWS:
            self._flush(name)

    def _flush(self, name: str) -> None:
        waiting = self._waiting[name]
        if waiting[0]:
            schema = table_schema(name)
            arrays = [pa.array(values, field.type) for values, field in zip(waiting, schema, strict=True)]
            self._writers[name].write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            self._waiting[name] = [[] for _ in waiting]

"""A frozen period: everything that its close follows from, in one folder of Parquet tables that nobody writes to again.

A close must be replayable in ten years and at twenty million credit rows, so its inputs are taken out of the living tables
once, at the cut-off, in a fixed order and with a digest each. Strings stand once, in `works`, `parties` and `outputs`; the
large tables name them by their row number, from 0.

A table's digest is over its values, not over the file, so that it does not change with the Parquet library: SHA-256 of the
table's name and, column by column, the column's name and its values: integers as 8 bytes little-endian two's complement,
texts as their UTF-8 bytes, each preceded by its length as 8 bytes little-endian. No column holds nulls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

AT_ONCE_ROWS = 10_000
"""Tables of up to so many rows are digested in one piece."""

_I32, _I64, _TEXT = pa.int32(), pa.int64(), pa.string()

SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    # Sorted by work_id. cluster: row of the cluster's first work (its own row for a work alone). registered_at: UTC.
    # state: "payable" or "disputed". paid_ppb: PPB, or the policy's tail for a work that was revoked before the period.
    "works": {
        "work_id": _TEXT,
        "cluster": _I32,
        "registered_at": _TEXT,
        "state": _TEXT,
        "paid_ppb": _I64,
    },
    "parties": {"party_id": _TEXT},
    # The splits in force on the period's last day, by work, right, territory, party; they sum to PPB per work, right and
    # territory.
    "splits": {"work": _I32, "right": _TEXT, "territory": _TEXT, "party": _I32, "split_ppb": _I64},
    # Time and salary units of crew, by work, right, party; for parts divided by "units".
    "units": {"work": _I32, "right": _TEXT, "party": _I32, "time_units": _I64, "salary_units": _I64},
    # Sorted by output_id. reliability_ppb: -1 where it was never measured.
    "outputs": {
        "output_id": _TEXT,
        "attribution_digest": _TEXT,
        "log_ratio_nanonats": _I64,
        "reliability_ppb": _I64,
    },
    # By output, work. share_ppb: the signed share, toward_zero(PPB * credit / whole), 0 where log_ratio <= 0; lines whose
    # credit is zero are left out.
    "credits": {"output": _I32, "work": _I32, "share_ppb": _I64, "credit_nanonats": _I64, "error_nanonats": _I64},
    # By event_id. kind and usage_period as in `Pool`; base amounts in the event's currency; refunds known at the cut-off of
    # the event's own period are in refunded_micros, later ones are rows of kind "refund" whose gross_micros is what was
    # given back.
    "events": {
        "event_id": _TEXT,
        "output": _I32,
        "kind": _TEXT,
        "usage_period": _TEXT,
        "service": _TEXT,
        "territory": _TEXT,
        "offer": _TEXT,
        "payer": _TEXT,
        "use": _TEXT,
        "currency": _TEXT,
        "uses": _I64,
        "gross_micros": _I64,
        "tax_micros": _I64,
        "refunded_micros": _I64,
    },
    # Works that events declare as used, by event (its row), work.
    "declared": {"event": _I32, "work": _I32},
    # Revenue of many uses together, by revenue_id; kinds and refunds as for events.
    "revenue": {
        "revenue_id": _TEXT,
        "kind": _TEXT,
        "usage_period": _TEXT,
        "service": _TEXT,
        "territory": _TEXT,
        "offer": _TEXT,
        "payer": _TEXT,
        "currency": _TEXT,
        "gross_micros": _I64,
        "tax_micros": _I64,
        "refunded_micros": _I64,
    },
    # The rate that applies per pair of currencies, by currency, into.
    "rates": {"currency": _TEXT, "into": _TEXT, "numerator": _I64, "denominator": _I64, "fixed_on": _TEXT, "source": _TEXT},
}
"""Tables of a frozen period: name -> column -> Arrow type, in the order in which they are digested."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen period on disk.

    Attributes:
        folder: holds `<table>.parquet` for every table of `SCHEMAS`.
        digests: (table, digest) pairs, by table.
    """

    folder: Path
    digests: tuple[tuple[str, str], ...]


def table_schema(name: str) -> pa.Schema:
    """The Arrow schema of a frozen table; no column may hold nulls."""
    return pa.schema([pa.field(column, kind, nullable=False) for column, kind in SCHEMAS[name].items()])


def writer_options(name: str) -> dict[str, Any]:
    """How a frozen table is packed: options of `pyarrow.parquet.ParquetWriter`, the same for every period.

    Reading its inputs is most of what a close costs. Their numbers hardly repeat: packed differences are smaller than zstd
    makes them and decode several times as fast, and dictionaries only cost. Texts repeat a lot, and few of them are read.
    """
    texts = [column for column, kind in SCHEMAS[name].items() if kind == _TEXT]
    return {
        "compression": {column: "zstd" if column in texts else "none" for column in SCHEMAS[name]},
        "compression_level": dict.fromkeys(texts, 1),
        "use_dictionary": texts or False,
        "column_encoding": {column: "DELTA_BINARY_PACKED" for column in SCHEMAS[name] if column not in texts},
    }


def table_path(folder: Path, name: str) -> Path:
    """Where a frozen table lies."""
    return folder / f"{name}.parquet"


def same_declared(one: Path, other: Path) -> bool:
    """Whether two frozen folders state the same declared works, in whatever rows works stand: more are registered later."""
    found = []
    for folder in (one, other):
        declared = pq.read_table(table_path(folder, "declared"))
        works = pq.read_table(table_path(folder, "works"), columns=["work_id"]).column("work_id").combine_chunks()
        found.append([declared.column("event"), pc.take(works, declared.column("work"))])
    return bool(found[0] == found[1])


def table_digest(name: str, file: Path, batch_rows: int = 1_000_000) -> str:
    """Digest of a table's values, read column by column in bounded memory; see the module's head for its rule."""
    digest = hashlib.sha256(name.encode())
    with pq.ParquetFile(file) as source:
        for column, pieces in _by_column(source, batch_rows):
            digest.update(column.encode())
            for piece in pieces:
                digest.update(digested(piece))
    return digest.hexdigest()


def _by_column(source: pq.ParquetFile, batch_rows: int) -> Iterator[tuple[str, Iterable[pa.Array]]]:
    """Each column's name and values: of a small table all at once, because opening a column costs more than its values."""
    names = source.schema_arrow.names
    if source.metadata.num_rows <= min(batch_rows, AT_ONCE_ROWS):
        table = source.read(use_threads=False)
        yield from ((name, table.column(name).chunks) for name in names)
    else:
        yield from ((name, (one.column(0) for one in source.iter_batches(batch_rows, columns=[name]))) for name in names)


def digested(values: pa.Array) -> memoryview:
    """The bytes of one column's values as digests take them; see the module's head."""
    if not pa.types.is_string(values.type):
        return np.ascontiguousarray(values.to_numpy(zero_copy_only=False), dtype="<i8").data
    return joined(prefixed(values))


def prefixed(texts: pa.StringArray) -> pa.BinaryArray:
    """Each text's UTF-8 bytes behind their length as 8 bytes."""
    raw = texts.cast(pa.binary())
    lengths = np.ascontiguousarray(pc.binary_length(raw).to_numpy(zero_copy_only=False), dtype="<i8")
    if len(lengths) and lengths[0] == lengths[-1] and lengths.min() == lengths.max() and 8 + lengths[0] < 1 << 10:
        return _prefixed_alike(raw, int(lengths[0]))
    sizes = pa.Array.from_buffers(pa.binary(8), len(lengths), [None, pa.py_buffer(lengths)]).cast(pa.binary())
    return pc.binary_join_element_wise(sizes, raw, pa.scalar(b"", pa.binary()))


def _prefixed_alike(texts: pa.BinaryArray, length: int) -> pa.BinaryArray:
    """As `prefixed`, for texts of one length, as ids are: a matrix with a row per text."""
    rows = np.empty((len(texts), 8 + length), np.uint8)
    rows[:, :8] = np.frombuffer(length.to_bytes(8, "little"), np.uint8)
    rows[:, 8:] = np.frombuffer(joined(texts), np.uint8).reshape(len(texts), length)
    if rows.size >= 1 << 31:
        raise ValueError("more than 2 GB of texts at once; read them in smaller batches")
    ends = np.arange(len(texts) + 1, dtype=np.int32) * np.int32(8 + length)
    return pa.Array.from_buffers(pa.binary(), len(texts), [None, pa.py_buffer(ends), pa.py_buffer(rows)])


def joined(values: pa.BinaryArray) -> memoryview:
    """The bytes of all values, one after the other, without copying them."""
    _, offsets, data = values.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]

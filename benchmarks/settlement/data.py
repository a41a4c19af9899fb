"""A made-up frozen period of any size, the same for the same seed: outputs drawing on ten works each.

Tables are written in chunks, so that a hundred million credits need no more memory than one. Uses come in random order,
their revenue is spread over five orders of magnitude, one credit in ten is negative, one work in a thousand is a copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.money import PPB
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_digest, table_path, table_schema, writer_options

GROUP_ROWS = 122_880
"""Rows of a row group, as `freeze_writing` makes them."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a period is.

    Attributes:
        outputs: each used once.
        works_per_output: credits of one output.
        works: in the catalogue.
        splits_per_work: parties of one work.
        payees: parties in all.
        seed: of the numbers.
    """

    outputs: int = 2_000_000
    works_per_output: int = 10
    works: int = 500_000
    splits_per_work: int = 2
    payees: int = 200_000
    seed: int = 1


def frozen_period(cache: Path, size: Size) -> Frozen:
    """A period of this size, made when it is not in the cache."""
    maker = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    packing = {name: writer_options(name) for name in SCHEMAS}
    recipe = json.dumps(asdict(size) | {"made by": maker, "packed": packing}, sort_keys=True)
    folder = cache / f"period-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    digests = folder / "digests.json"
    if not digests.exists():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        partial.mkdir(parents=True)
        for name, tables in _tables(size).items():
            with pq.ParquetWriter(table_path(partial, name), table_schema(name), **writer_options(name)) as writer:
                for table in tables:
                    writer.write_table(table)
        found = [(name, table_digest(name, table_path(partial, name))) for name in sorted(SCHEMAS)]
        (partial / "digests.json").write_text(json.dumps(found))
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return Frozen(folder, tuple((name, digest) for name, digest in json.loads(digests.read_text())))


def _tables(size: Size) -> dict[str, Iterator[pa.Table]]:
    return {
        "works": _works(size),
        "parties": iter([_table("parties", party_id=_names("party", size.payees))]),
        "splits": _splits(size),
        "units": iter([table_schema("units").empty_table()]),
        "outputs": _outputs(size),
        "credits": _credits(size),
        "events": _events(size),
        "declared": iter([table_schema("declared").empty_table()]),
        "revenue": iter([table_schema("revenue").empty_table()]),
        "rates": iter([table_schema("rates").empty_table()]),
    }


def _table(name: str, **columns: Any) -> pa.Table:
    schema = table_schema(name)
    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema}, schema=schema)


def _names(what: str, count: int, first: int = 0) -> list[str]:
    return [f"{what}-{number:08d}" for number in range(first, first + count)]


def _works(size: Size) -> Iterator[pa.Table]:
    cluster = np.arange(size.works, dtype=np.int32)
    copies = np.arange(999, size.works, 1000)
    cluster[copies] = copies - 1
    yield _table(
        "works",
        work_id=_names("work", size.works),
        cluster=cluster,
        registered_at=[f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z" for number in range(size.works)],
        state=["payable"] * size.works,
        paid_ppb=np.full(size.works, PPB),
    )


def _splits(size: Size) -> Iterator[pa.Table]:
    rng = np.random.default_rng([size.seed, 1])
    parts = size.splits_per_work
    first = rng.integers(0, size.payees, size.works)
    party = np.sort((first[:, None] + np.arange(parts) * (size.payees // parts)) % size.payees, axis=1)
    cuts = np.sort(rng.integers(1, PPB, (size.works, parts - 1)), axis=1)
    ends = np.concatenate([np.zeros((size.works, 1), np.int64), cuts, np.full((size.works, 1), PPB)], axis=1)
    ppb = np.diff(ends, axis=1)
    ppb[(ppb == 0).any(axis=1)] = PPB // parts
    ppb[:, -1] = PPB - ppb[:, :-1].sum(axis=1)
    rows = size.works * parts
    yield _table(
        "splits",
        work=np.repeat(np.arange(size.works), parts),
        right=["train"] * rows,
        territory=["WORLD"] * rows,
        party=party.ravel(),
        split_ppb=ppb.ravel(),
    )


def _chunks(size: Size, step: int = GROUP_ROWS) -> Iterator[tuple[int, int, np.random.Generator]]:
    for first in range(0, size.outputs, step):
        yield first, min(step, size.outputs - first), np.random.default_rng([size.seed, 2, first])


def _log_ratios(first: int, count: int) -> Any:
    """Between 0.1 and 6 nats, by a rule that needs no order of drawing."""
    return 100_000_000 + (np.arange(first, first + count, dtype=np.int64) * 2_654_435_761) % 5_900_000_000


def _outputs(size: Size) -> Iterator[pa.Table]:
    for first, count, _ in _chunks(size):
        yield _table(
            "outputs",
            output_id=_names("output", count, first),
            attribution_digest=["0" * 64] * count,
            log_ratio_nanonats=_log_ratios(first, count),
            reliability_ppb=np.full(count, 900_000_000),
        )


def _credits(size: Size) -> Iterator[pa.Table]:
    each = size.works_per_output
    for first, count, rng in _chunks(size, GROUP_ROWS // each):
        log_ratio = _log_ratios(first, count)
        drawn = np.sort(((size.works - each) * rng.random((count, each)) ** 2).astype(np.int64), axis=1)
        work = drawn + np.arange(each)  # strictly rising: each work once
        part = rng.exponential(size=(count, each))
        share = (part / part.sum(axis=1, keepdims=True) * 0.9 * PPB).astype(np.int64)
        share[rng.random((count, each)) < 0.1] *= -1
        credit = (share * (log_ratio[:, None] / PPB)).astype(np.int64)
        yield _table(
            "credits",
            output=np.repeat(np.arange(first, first + count), each),
            work=work.ravel(),
            share_ppb=share.ravel(),
            credit_nanonats=credit.ravel(),
            error_nanonats=(np.abs(credit) // 5).ravel(),
        )


def _events(size: Size) -> Iterator[pa.Table]:
    order = np.random.default_rng([size.seed, 3]).permutation(size.outputs).astype(np.int32)
    for first, count, rng in _chunks(size):
        texts = {"kind": "earned", "usage_period": "", "service": "default", "territory": "WORLD", "offer": "", "payer": ""}
        yield _table(
            "events",
            event_id=_names("event", count, first),
            output=order[first : first + count],
            **{name: [text] * count for name, text in texts.items()},
            use=["generation"] * count,
            currency=["USD"] * count,
            uses=np.ones(count, np.int64),
            gross_micros=np.minimum(rng.lognormal(10, 1.5, count), 1e9).astype(np.int64),
            tax_micros=np.zeros(count, np.int64),
            refunded_micros=np.zeros(count, np.int64),
        )

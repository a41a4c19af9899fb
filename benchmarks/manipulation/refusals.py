"""Tricks that are refused or found rather than paid less: each is tried, and what the program said is the result."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.manipulation.pay import Measured, freeze
from endcredits.errors import EndcreditsError
from endcredits.money import PPB
from endcredits.royalties.close import close_period
from endcredits.royalties.frozen import Frozen, table_digest, table_path
from endcredits.royalties.policy import FIFTY_FIFTY


def refusals(one: Measured) -> dict[str, str]:
    """What came of each trick, in the program's words; "not found" where nothing did."""
    return {
        "splits over 100 %": _over_claimed(one),
        "uses taken out after freezing": _taken_out(one),
    }


def _frozen(one: Measured, folder: str) -> Frozen:
    return freeze(one, Path(folder), clustered=True, disputed=frozenset())


def _over_claimed(one: Measured) -> str:
    with tempfile.TemporaryDirectory() as folder:
        frozen = _frozen(one, folder)
        file = table_path(frozen.folder, "splits")
        splits = pq.read_table(file)
        raised = pa.array([PPB + PPB // 2, *splits["split_ppb"].to_pylist()[1:]])
        pq.write_table(splits.set_column(4, splits.schema.field(4), raised), file)
        try:
            close_period(frozen, "2026-01", "2026-01-01", "2026-01-31", FIFTY_FIFTY)
        except EndcreditsError as error:
            return str(error).splitlines()[0].replace(str(frozen.folder), "")
    return "not found"


def _taken_out(one: Measured) -> str:
    """Every hundredth event is taken out of the frozen table; its digest, which the receipt names, then differs."""
    with tempfile.TemporaryDirectory() as folder:
        frozen = _frozen(one, folder)
        file = table_path(frozen.folder, "events")
        events = pq.read_table(file)
        kept = pc.not_equal(pa.array([n % 100 for n in range(len(events))]), 99)
        pq.write_table(events.filter(kept), file)
        changed = table_digest("events", file) != dict(frozen.digests)["events"]
    return "the digest of the table of events is another" if changed else "not found"

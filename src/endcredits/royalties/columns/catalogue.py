"""Works, parties and splits of a frozen period as columns, and as the simple close's rows where a work needs them.

Most works are *regular*: alone in their cluster, and with the same splits everywhere. Columns divide them all at once. The
others (copies, works that tell territories apart) are few and have rules of their own; they are handed to the simple close's
functions as rows, and nothing else is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from endcredits.errors import IntegrityError
from endcredits.money import PPB
from endcredits.royalties.columns.wide import Flags, Ints
from endcredits.royalties.frozen import table_path, table_schema
from endcredits.royalties.frozen_rows import FrozenRows, Row, wrong
from endcredits.works import WORLD
from endcredits.works.shares import NOT_AGREED


@dataclass(frozen=True, slots=True)
class Splits:
    """The splits of one right.

    Attributes:
        regular: whether a work is alone in its cluster and has splits for WORLD only, or none.
        work: rows of regular works that have splits, ascending.
        starts: where the splits of each begin.
        party: row of the party, split after split, inside a work by party id.
        split_ppb: the portion.
        rows: of all other works, as the simple close reads them.
    """

    regular: Flags
    work: Ints
    starts: Ints
    party: Ints
    split_ppb: Ints
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a period's money may go to.

    Attributes:
        folder: of the frozen period.
        works: the table of works.
        work_ids: by row.
        cluster: of each work.
        disputed: whether a work's state is "disputed".
        paid_ppb: of each work.
        party_ids: by row.
        outputs: how many there are.
        splits: the table of splits, with texts as dictionaries.
        territories: that splits tell apart, WORLD first.
    """

    folder: Path
    works: pa.Table
    work_ids: pa.StringArray
    cluster: Ints
    disputed: Flags
    paid_ppb: Ints
    party_ids: pa.StringArray
    outputs: int
    splits: pa.Table
    territories: tuple[str, ...]

    def rows(self, works: Ints | None, splits: list[Row]) -> FrozenRows:
        """Some works (None for all) as the simple close reads them, with some splits; the large tables stay empty."""
        found: list[Any] = [None] * len(self.work_ids)
        table = self.works
        chosen = np.arange(len(found)) if works is None else works
        members: dict[int, list[int]] = {}
        for number, row in zip(
            chosen.tolist(), (table if works is None else table.take(pa.array(works))).to_pylist(), strict=True
        ):
            found[number] = row
            members.setdefault(row["cluster"], []).append(number)
        rates = {(row["currency"], row["into"]): row for row in read_table(self.folder, "rates").to_pylist()}
        return FrozenRows(
            works=cast("list[Row]", found),
            parties=self.party_ids.to_pylist(),
            splits=splits,
            units=read_table(self.folder, "units").to_pylist(),
            outputs=[],
            credits_of={},
            events=[],
            declared_of={},
            revenue=[],
            rates=rates,
            members=members,
        )


def read_table(folder: Path, name: str, **options: Any) -> pa.Table:
    """A small frozen table, whole.

    Raises:
        IntegrityError: it is missing, unreadable or has other columns.
    """
    path = table_path(folder, name)
    try:
        table = pq.read_table(path, use_threads=False, **options)
    except (OSError, pa.ArrowInvalid) as error:
        raise IntegrityError(
            f"the frozen table cannot be read ({error})", remedy="Restore it from your last copy.", file=path
        ) from error
    if table.schema.names != table_schema(name).names:
        raise IntegrityError("the frozen table has other columns", remedy="Restore it from your last copy.", file=path)
    return table


def read_catalogue(folder: Path) -> Catalogue:
    """Reads and checks works, parties and splits.

    Raises:
        InputError: a row that makes no sense, by table, row and field.
        IntegrityError: a table is missing or unreadable.
    """
    works = read_table(folder, "works", read_dictionary=["state", "registered_at"])
    splits = read_table(folder, "splits", read_dictionary=["right", "territory"])
    parties = _whole(read_table(folder, "parties").column("party_id"))
    cluster, paid = _ints(works, "cluster"), _ints(works, "paid_ppb")
    _refuse("works", "cluster", (cluster < 0) | (cluster >= len(cluster)), "a cluster is named and there is none")
    _refuse("works", "paid_ppb", (paid < 0) | (paid > PPB), "what is paid is no portion")
    work, party, ppb = (_ints(splits, name) for name in ("work", "party", "split_ppb"))
    _refuse("splits", "work", (work < 0) | (work >= len(cluster)), "a work is named and there is none")
    _refuse("splits", "party", (party < 0) | (party >= len(parties)), "a party is named and there is none")
    _refuse("splits", "split_ppb", ppb <= 0, "a split is not above zero")
    key = _numbers(splits, "right") * (1 << 20) + _numbers(splits, "territory")
    _check_sums(work, key, ppb)
    named = {text for text in _texts(splits, "territory") if text != WORLD}
    return Catalogue(
        folder=folder,
        works=works,
        work_ids=_whole(works.column("work_id")),
        cluster=cluster,
        disputed=pc.equal(works.column("state"), "disputed").to_numpy().astype(np.bool_),
        paid_ppb=paid,
        party_ids=parties,
        outputs=pq.read_metadata(table_path(folder, "outputs")).num_rows,
        splits=splits,
        territories=(WORLD, *sorted(named)),
    )


def splits_of(catalogue: Catalogue, right: str) -> Splits:
    """The splits of one right, regular works apart from the others."""
    table = catalogue.splits
    names = _texts(table, "right")
    own = np.flatnonzero(_numbers(table, "right") == names.index(right)) if right in names else np.zeros(0, np.int64)
    work, party, ppb = (_ints(table, name)[own] for name in ("work", "party", "split_ppb"))
    territory = _numbers(table, "territory")[own]
    world = _texts(table, "territory").index(WORLD) if WORLD in _texts(table, "territory") else -1
    sizes = np.bincount(catalogue.cluster, minlength=len(catalogue.cluster))
    regular = sizes[catalogue.cluster] == 1
    regular[work[territory != world]] = False
    nobody = pc.index(catalogue.party_ids, NOT_AGREED).as_py()
    if nobody >= 0:  # what nobody is agreed to own waits beside what is paid, which the simple close tells apart
        regular[work[party == nobody]] = False
    kept = regular[work]
    rows = table.take(pa.array(own[~kept])).to_pylist()
    work, party, ppb = work[kept], party[kept], ppb[kept]
    if len(work) > 1 and not _is_ordered(work, party):
        order = np.lexsort((_rank(catalogue.party_ids)[party], work))
        work, party, ppb = work[order], party[order], ppb[order]
    starts = np.flatnonzero(np.diff(work, prepend=-1))
    return Splits(regular, work[starts], starts, party, ppb, rows)


def _is_ordered(work: Ints, party: Ints) -> bool:
    return bool(((work[1:] > work[:-1]) | ((work[1:] == work[:-1]) & (party[1:] > party[:-1]))).all())


def _rank(texts: pa.StringArray) -> Ints:
    order = np.array(sorted(range(len(texts)), key=texts.to_pylist().__getitem__), np.int64)
    rank = np.empty(len(texts), np.int64)
    rank[order] = np.arange(len(texts))
    return rank


def _check_sums(work: Ints, key: Ints, ppb: Ints) -> None:
    if not len(work):
        return
    code = work.astype(np.int64) << 42 | key
    order = np.argsort(code, kind="stable") if (code[1:] < code[:-1]).any() else np.arange(len(code))
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    sums = np.add.reduceat(ppb[order], starts)
    if (bad := np.flatnonzero(sums != PPB)).size:
        last = int(order[np.append(starts[1:], len(order))[bad[0]] - 1])
        raise wrong("splits", last, "split_ppb", f"the splits of a work sum to {sums[bad[0]]:,} ppb, not to 1,000,000,000")


def _refuse(table: str, field: str, bad: Flags, what: str) -> None:
    if bad.any():
        raise wrong(table, int(np.flatnonzero(bad)[0]), field, what)


def _whole(column: pa.ChunkedArray) -> pa.StringArray:
    found = column.combine_chunks()
    return found if isinstance(found, pa.StringArray) else pa.concat_arrays(found.chunks)


def _ints(table: pa.Table, name: str) -> Ints:
    return cast("Ints", table.column(name).to_numpy())


def _unified(table: pa.Table, name: str) -> pa.DictionaryArray:
    column = table.column(name).unify_dictionaries()
    found = column.combine_chunks()
    return found if isinstance(found, pa.DictionaryArray) else pa.array([], pa.dictionary(pa.int32(), pa.string()))


def _numbers(table: pa.Table, name: str) -> Ints:
    return cast("Ints", _unified(table, name).indices.to_numpy().astype(np.int64))


def _texts(table: pa.Table, name: str) -> list[str]:
    return cast("list[str]", _unified(table, name).dictionary.to_pylist())

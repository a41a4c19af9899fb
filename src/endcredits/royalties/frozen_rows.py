"""The rows of a frozen period in memory, checked: what the simple close reads, a table as a list of rows.

Every reference must lead to a row, every amount must make sense by itself, and splits must sum to the whole. What does
not is refused with its table, row and field; nothing is guessed and nothing is left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from endcredits.errors import InputError, IntegrityError
from endcredits.money import PPB
from endcredits.royalties.frozen import SCHEMAS, table_path, table_schema
from endcredits.royalties.records import KINDS

Row = dict[str, Any]

_REFERENCES = (
    ("works", "cluster", "works"),
    ("splits", "work", "works"),
    ("splits", "party", "parties"),
    ("units", "work", "works"),
    ("units", "party", "parties"),
    ("credits", "output", "outputs"),
    ("credits", "work", "works"),
    ("events", "output", "outputs"),
    ("declared", "event", "events"),
    ("declared", "work", "works"),
)


@dataclass(frozen=True, slots=True)
class FrozenRows:
    """A frozen period's tables; a number in one table is a row, from 0, of another.

    Attributes:
        works: rows of the catalogue.
        parties: party ids.
        splits: agreed portions.
        units: time and salary units.
        outputs: attributed outputs.
        credits_of: credits by output.
        events: usage events.
        declared_of: declared works by event.
        revenue: revenue of many uses together.
        rates: by (currency, into).
        members: works by cluster.
    """

    works: list[Row]
    parties: list[str]
    splits: list[Row]
    units: list[Row]
    outputs: list[Row]
    credits_of: dict[int, list[Row]]
    events: list[Row]
    declared_of: dict[int, list[int]]
    revenue: list[Row]
    rates: dict[tuple[str, str], Row]
    members: dict[int, list[int]]


def read_rows(folder: Path) -> FrozenRows:
    """Reads and checks the tables of a frozen period.

    Args:
        folder: of a `Frozen`.

    Raises:
        InputError: a row that makes no sense, by table, row and field.
        IntegrityError: a table is missing, unreadable or has other columns.
    """
    return checked_rows({name: _read(folder, name) for name in SCHEMAS})


def checked_rows(tables: Mapping[str, list[Row]]) -> FrozenRows:
    """Checks the tables of a period that are in memory already.

    Args:
        tables: rows of every table of `frozen.SCHEMAS`, in its order.

    Raises:
        InputError: a row that makes no sense, by table, row and field.
    """
    for table, column, target in _REFERENCES:
        for number, row in enumerate(tables[table]):
            if not 0 <= row[column] < len(tables[target]):
                raise wrong(table, number, column, f"row {row[column]} of {target} is named and there is none")
    for table in ("events", "revenue"):
        for number, row in enumerate(tables[table]):
            _check_amounts(table, number, row)
    _check_splits(tables["splits"])
    _check_credits(tables["credits"])
    for number, row in enumerate(tables["works"]):
        if not 0 <= row["paid_ppb"] <= PPB:
            raise wrong("works", number, "paid_ppb", f"{row['paid_ppb']} is no portion")
    for number, row in enumerate(tables["rates"]):
        if row["numerator"] <= 0 or row["denominator"] <= 0:
            raise wrong("rates", number, "numerator", "a rate is not above zero")
    return FrozenRows(
        works=tables["works"],
        parties=[row["party_id"] for row in tables["parties"]],
        splits=tables["splits"],
        units=tables["units"],
        outputs=tables["outputs"],
        credits_of=_by(tables["credits"], "output"),
        events=tables["events"],
        declared_of={event: [row["work"] for row in rows] for event, rows in _by(tables["declared"], "event").items()},
        revenue=tables["revenue"],
        rates={(row["currency"], row["into"]): row for row in tables["rates"]},
        members=_members(tables["works"]),
    )


def wrong(table: str, number: int, field: str, what: str) -> InputError:
    """A frozen row that cannot be used, by its place."""
    return InputError(
        what,
        remedy="Correct the source and freeze the period again.",
        file=f"{table}.parquet",
        row=number + 1,
        field=field,
    )


def _read(folder: Path, name: str) -> list[Row]:
    path = table_path(folder, name)
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise IntegrityError(
            f"the frozen table cannot be read ({error})", remedy="Restore it from your last copy.", file=path
        ) from error
    if table.schema.names != table_schema(name).names:
        raise IntegrityError("the frozen table has other columns", remedy="Restore it from your last copy.", file=path)
    rows: list[Row] = table.to_pylist()
    return rows


def _by(rows: list[Row], column: str) -> dict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return dict(found)


def _members(works: list[Row]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, work in enumerate(works):
        found[work["cluster"]].append(number)
    return dict(found)


def _check_amounts(table: str, number: int, row: Row) -> None:
    for field, problem in _amount_problems(row):
        raise wrong(table, number, field, f"'{row.get('event_id') or row.get('revenue_id')}' {problem}")


def _amount_problems(row: Row) -> Iterator[tuple[str, str]]:
    if row["kind"] not in KINDS:
        yield "kind", f"is of the kind '{row['kind']}', which there is not"
    if (row["kind"] == "earned") != (row["usage_period"] == ""):
        yield "usage_period", "is of this period and names another, or of another and names none"
    if row["gross_micros"] < 0:
        yield "gross_micros", "earned less than nothing"
    if not 0 <= row["tax_micros"] <= row["gross_micros"]:
        yield "tax_micros", "paid more taxes than it earned, or less than none"
    if not 0 <= row["refunded_micros"] <= row["gross_micros"]:
        yield "refunded_micros", "gave back more than it earned, or less than nothing"
    if row.get("uses", 1) < 1:
        yield "uses", "was used less than once"


def _check_credits(credits: list[Row]) -> None:
    """An output gives at most all of itself, and takes at most as much."""
    sums: Counter[tuple[int, bool]] = Counter()
    for number, row in enumerate(credits):
        side = row["output"], row["share_ppb"] > 0
        sums[side] += abs(row["share_ppb"])
        if sums[side] > PPB:
            raise wrong("credits", number, "share_ppb", "the shares of an output are more than the whole of it")
        if row["error_nanonats"] < 0:
            raise wrong("credits", number, "error_nanonats", "the error of a credit is below zero")


def _check_splits(splits: list[Row]) -> None:
    sums: Counter[tuple[int, str, str]] = Counter()
    last: dict[tuple[int, str, str], int] = {}
    for number, row in enumerate(splits):
        key = row["work"], row["right"], row["territory"]
        sums[key] += row["split_ppb"]
        last[key] = number
        if row["split_ppb"] <= 0:
            raise wrong("splits", number, "split_ppb", "a split is not above zero")
    for key, total in sums.items():
        if total != PPB:
            raise wrong("splits", last[key], "split_ppb", f"the splits of a work sum to {total:,} ppb, not to 1,000,000,000")

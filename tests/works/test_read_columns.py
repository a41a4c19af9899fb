"""Columns come out of both databases as rows would, whatever characters stand in them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from endcredits.store import insert_records, open_store
from endcredits.works import read_columns as module
from endcredits.works import tables
from endcredits.works.read_columns import JOINT, read_columns

NAMES = [
    '"',
    "",
    ",",
    "\n",
    "\r\n,x",
    "a\tb",
    "\N{SNOWMAN}\u202e",
    "null",
    "NULL",
    "'; DROP TABLE parties",
    "\\N",
    f"a{JOINT}b",
]


def rows(names: list[str]) -> list[dict[str, object]]:
    return [{"party_id": f"party:{n}", "name": name, "kind": "x", "identifiers": ""} for n, name in enumerate(names)]


@pytest.mark.parametrize("at_once", [1, 5, 100])
def test_columns_are_what_rows_are(empty_url: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", at_once)
    store = open_store(empty_url)
    with store.engine.connect() as conn:
        insert_records(conn, tables.parties, rows(NAMES))
        columns = {
            "id": "party_id",
            "name": "name",
            "none": "identifiers",
            "made": "CASE WHEN kind = :kind THEN 'y' ELSE '' END",
        }
        found = read_columns(conn, tables.parties, columns, "party_id <> :left_out", {"kind": "x", "left_out": "party:3"})
        nothing = read_columns(conn, tables.parties, columns, "party_id = ''", {"kind": "x"})
        conn.rollback()
    store.close()

    expected = [(f"party:{n}", name, "", "y") for n, name in enumerate(NAMES) if n != 3]
    assert sorted(tuple(row.values()) for row in found.to_pylist()) == sorted(expected)
    assert nothing.num_rows == 0 and found.schema == nothing.schema == pa.schema([(name, pa.string()) for name in columns])


def test_a_single_empty_text(empty_url: str) -> None:
    """One row with one column that is empty is a row all the same."""
    store = open_store(empty_url)
    with store.engine.connect() as conn:
        insert_records(conn, tables.parties, rows([""]))
        assert read_columns(conn, tables.parties, {"name": "name"}).to_pylist() == [{"name": ""}]
        assert read_columns(conn, tables.works, {"id": "work_id"}).to_pylist() == []
        conn.rollback()
    store.close()

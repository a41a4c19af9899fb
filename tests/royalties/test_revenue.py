"""Revenue files are read to the micro in three forms, and a bad row is named."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.royalties.records import Revenue
from endcredits.royalties.revenue import make_revenue, read_revenue

GOOD = {"revenue_id": "sub", "earned_on": "2026-11-30", "gross": "119.00", "tax": "19", "currency": "EUR"}
NOW = "2026-12-02T08:00:00Z"


def write(folder: Path, *rows: dict[str, object]) -> Path:
    """A JSON Lines file."""
    file = folder / "revenue.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    return file


def test_three_forms_say_the_same(tmp_path: Path) -> None:
    """With every field."""
    row = GOOD | {"service": "web", "territory": "DE", "offer": "premium", "payer": "p-1"}
    expected = Revenue("sub", "2026-11-30", 119_000_000, 19_000_000, "EUR", "web", "DE", "premium", "p-1")
    csv = tmp_path / "r.csv"
    csv.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    typed: dict[str, object] = {key: [value] for key, value in row.items() if key not in ("gross", "tax")}
    typed |= {"earned_on": [date(2026, 11, 30)], "gross_micros": [119_000_000], "tax_micros": [19_000_000]}
    pq.write_table(pa.table(typed), tmp_path / "r.parquet")

    for file in (csv, write(tmp_path, row), tmp_path / "r.parquet"):
        assert read_revenue(file, now=NOW) == (expected,)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"revenue_id": "a b"}, "revenue_id"),
        ({"earned_on": "2026-11-31"}, "earned_on"),
        ({"earned_on": "2026-12-04"}, "earned_on"),
        ({"gross": "-1"}, "gross"),
        ({"gross": "NaN"}, "gross"),
        ({"gross": "9007199254.740992"}, "gross"),
        ({"gross_micros": "1"}, "gross"),
        ({"tax": "119.000001"}, "tax"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"offer": "a\nb"}, "offer"),
        ({"grosss": "1"}, "grosss"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, object], field: str) -> None:
    """File, row, field and remedy."""
    file = write(tmp_path, GOOD, GOOD | {"revenue_id": "other"} | change)

    with pytest.raises(InputError) as caught:
        read_revenue(file, now=NOW)

    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), 2, field)
    assert caught.value.remedy


def test_one_id_has_one_content(tmp_path: Path) -> None:
    """The same twice is one; another amount is an error at its row."""
    assert len(read_revenue(write(tmp_path, GOOD, GOOD), now=NOW)) == 1
    with pytest.raises(InputError, match="twice") as caught:
        read_revenue(write(tmp_path, GOOD, GOOD | {"tax": "18"}), now=NOW)
    assert caught.value.row == 2


@given(st.integers(0, 2**53 - 1), st.data())
def test_any_amount_comes_back(gross: int, data: st.DataObject) -> None:
    """To the micro, with any tax within it."""
    tax = data.draw(st.integers(0, gross))
    row: dict[str, object] = {"revenue_id": "r", "earned_on": "2026-11-30", "currency": "JPY", "tax_micros": tax}
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder), row | {"gross": f"{gross // 10**6}.{gross % 10**6:06d}"})
        (found,) = read_revenue(file, now="")

    assert found == make_revenue("r", "2026-11-30", gross, "JPY", tax_micros=tax)

"""Usage files are read to the micro, and a bad row is named and takes the whole file with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import OutputId
from endcredits.royalties import UsageEvent, make_event, read_usage
from endcredits.royalties.usage import day

GOOD = {"event_id": "e1", "output_id": "o1", "used_at": "2026-11-03T12:00:00Z", "revenue": "0.25", "currency": "EUR"}
EVENT = UsageEvent("e1", OutputId("o1"), "2026-11-03T12:00:00Z", 250_000, "EUR")


def write_csv(folder: Path, *rows: dict[str, str]) -> Path:
    """A CSV file of the rows' own columns."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    file = folder / "usage.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def write_jsonl(folder: Path, *rows: object) -> Path:
    """A JSON Lines file."""
    file = folder / "usage.jsonl"
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return file


def test_csv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    """One event in both forms, with and without the optional fields."""
    full = GOOD | {"service": "web shop", "territory": "DE"}

    assert read_usage(write_csv(tmp_path, GOOD)) == read_usage(write_jsonl(tmp_path, GOOD)) == (EVENT,)
    assert read_usage(write_csv(tmp_path, full)) == read_usage(write_jsonl(tmp_path, full))
    assert read_usage(write_csv(tmp_path, full))[0].territory == "DE"


def test_empty_optional_cells_are_defaults(tmp_path: Path) -> None:
    """An empty cell is a field left out; JSON null likewise."""
    row = GOOD | {"service": "", "territory": "", "revenue_micros": ""}

    assert read_usage(write_csv(tmp_path, row)) == (EVENT,)
    assert read_usage(write_jsonl(tmp_path, GOOD | {"service": None})) == (EVENT,)


@pytest.mark.parametrize(
    ("literal", "micros"),
    [('"0.1"', 100_000), ("0.1", 100_000), ("3", 3_000_000), ("0.000001", 1), ("9007199254.740991", 2**53 - 1)],
)
def test_amounts_never_pass_through_a_float(tmp_path: Path, literal: str, micros: int) -> None:
    """A JSON number counts by its digits, exactly as the same digits in quotation marks."""
    line = json.dumps(GOOD).replace('"0.25"', literal)

    assert read_usage(write_jsonl(tmp_path, line))[0].revenue_micros == micros


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-11-03T12:00:00Z", "2026-11-03T12:00:00Z"),
        ("2026-11-03T12:00:00+00:00", "2026-11-03T12:00:00Z"),
        ("2026-11-03T12:00:00.999Z", "2026-11-03T12:00:00Z"),
        ("0099-01-01T00:00:00Z", "0099-01-01T00:00:00Z"),
    ],
)
def test_times_are_kept_in_one_spelling(written: str, kept: str) -> None:
    """UTC, with Z, whole seconds."""
    assert make_event("e", "o", written, 0, "EUR").used_at == kept


BAD = [
    ({"event_id": ""}, "event_id"),
    ({"event_id": "two words"}, "event_id"),
    ({"output_id": "~x"}, "output_id"),
    ({"used_at": "2026-11-03"}, "used_at"),
    ({"used_at": "2026-11-03T12:00:00"}, "used_at"),
    ({"used_at": "2026-11-03T12:00:00+01:00"}, "used_at"),
    ({"used_at": "2026-11-31T12:00:00Z"}, "used_at"),
    ({"used_at": "2026-11-03 12:00:00Z"}, "used_at"),
    ({"used_at": "2026-11-03T12:00:60Z"}, "used_at"),
    ({"used_at": "٢٠٢٦-11-03T12:00:00Z"}, "used_at"),
    ({"revenue": "-0.01"}, "revenue_micros"),
    ({"revenue": "0.0000001"}, "revenue"),
    ({"revenue": "1e3"}, "revenue"),
    ({"revenue": "NaN"}, "revenue"),
    ({"revenue": "9" * 5000}, "revenue"),
    ({"revenue": "9007199254.740992"}, "revenue_micros"),
    ({"revenue": ""}, "revenue"),
    ({"revenue_micros": "5"}, "revenue"),
    ({"revenue": "", "revenue_micros": "1.5"}, "revenue_micros"),
    ({"revenue": "", "revenue_micros": "-1"}, "revenue_micros"),
    ({"currency": "EURO"}, "currency"),
    ({"currency": "eur"}, "currency"),
    ({"territory": "de"}, "territory"),
    ({"territory": "Germany"}, "territory"),
    ({"service": "a\tb"}, "service"),
    ({"service": " "}, "service"),
    ({"teritory": "DE"}, "teritory"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_a_bad_row_is_named(tmp_path: Path, write: object, change: dict[str, str], field: str) -> None:
    """File, row, field and remedy, in both forms."""
    first = GOOD | {key: GOOD.get(key, "") for key in change} | {"event_id": "e0"}
    file = write(tmp_path, first, first | GOOD | change)  # type: ignore[operator]

    with pytest.raises(InputError) as caught:
        read_usage(file)

    row = 1 if "teritory" in change else 2
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), row, field)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        "7",
        '{"event_id": "a", "event_id": "b"}',
        json.dumps(GOOD).replace('"e1"', "1"),
        json.dumps(GOOD).replace('"0.25"', "true"),
        json.dumps(GOOD).replace('"0.25"', "NaN"),
        json.dumps(GOOD).replace('"0.25"', "[1]"),
        "[" * 100_000,
    ],
)
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: str) -> None:
    """Broken JSON, another shape, a doubled key, a wrong type."""
    with pytest.raises(InputError) as caught:
        read_usage(write_jsonl(tmp_path, GOOD, "", line))

    assert caught.value.row == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "event_id,output_id,used_at,currency,currency\n",
        "event_id,output_id,used_at\n",
        "event_id,output_id,used_at,revenue,currency\ne1,o1\n",
        'event_id,output_id,used_at,revenue,currency\n"e1,o1,2026-11-03T12:00:00Z,1,EUR\n',
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    """No header, a column twice or missing, a short row, an open quotation mark."""
    file = tmp_path / "usage.csv"
    file.write_text(text)

    with pytest.raises(InputError) as caught:
        read_usage(file)

    assert caught.value.file == str(file)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    """The ending decides how a file is read."""
    with pytest.raises(InputError, match=r"\.xlsx"):
        read_usage(tmp_path / "usage.xlsx")


def test_an_event_counts_once_and_contradiction_is_refused(tmp_path: Path) -> None:
    """The same row twice is one event; the same id with another amount is an error at its row."""
    assert read_usage(write_csv(tmp_path, GOOD, GOOD)) == (EVENT,)

    with pytest.raises(InputError, match="twice") as caught:
        read_usage(write_csv(tmp_path, GOOD, GOOD | {"revenue": "0.26"}))

    assert (caught.value.row, caught.value.field) == (2, "event_id")


@pytest.mark.parametrize("micros", [True, 1.0, -1, 2**53, "1"])
def test_make_event_takes_whole_micros_only(micros: object) -> None:
    """No fraction, no sign, no more than a document keeps."""
    with pytest.raises(InputError) as caught:
        make_event("e", "o", "2026-11-03T12:00:00Z", micros, "EUR")  # type: ignore[arg-type]

    assert caught.value.field == "revenue_micros"


@pytest.mark.parametrize("text", ["2026-11-31", "20261103", "2026-W45-2", ""])
def test_a_day_is_written_in_one_way(text: str) -> None:
    """Other ISO 8601 forms are refused, because days are compared as texts."""
    with pytest.raises(InputError):
        day(text, field="starts_on")


@given(st.integers(0, 2**53 - 1))
def test_main_units_and_micros_agree(micros: int) -> None:
    """An amount written with six decimals reads as the same micros, for every amount."""
    import tempfile

    text = f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
    with tempfile.TemporaryDirectory() as folder:
        by_unit = read_usage(write_csv(Path(folder), GOOD | {"revenue": text}))
        by_micros = read_usage(write_csv(Path(folder), GOOD | {"revenue": "", "revenue_micros": str(micros)}))

    assert by_unit == by_micros
    assert by_unit[0].revenue_micros == micros

"""Usage files are read to the micro, and a bad row is named and takes the whole file with it."""

from __future__ import annotations

import gc
import json
import tempfile
import tracemalloc
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import OutputId
from endcredits.royalties.records import UsageEvent
from endcredits.royalties.usage import day, make_event, usage_rows
from endcredits.royalties.usage import read_usage as read_at

GOOD = {"event_id": "e1", "output_id": "o1", "used_at": "2026-11-03T12:00:00Z", "revenue": "0.25", "currency": "EUR"}
EVENT = UsageEvent("e1", OutputId("o1"), "2026-11-03T12:00:00Z", 250_000, "EUR")


def read_usage(path: Path) -> tuple[UsageEvent, ...]:
    """The file as read in December."""
    return read_at(path, now="2026-12-02T08:00:00Z")


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
    ({"revenue": "-0.01"}, "revenue"),
    ({"revenue": "0.0000001"}, "revenue"),
    ({"revenue": "1e3"}, "revenue"),
    ({"revenue": "NaN"}, "revenue"),
    ({"revenue": "9" * 5000}, "revenue"),
    ({"revenue": "9007199254.740992"}, "revenue"),
    ({"revenue": "", "revenue_micros": "9007199254740992"}, "revenue_micros"),
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
    ({"used_at": "2026-12-03T08:00:01Z"}, "used_at"),
    ({"uses": "0"}, "uses"),
    ({"uses": "1.5"}, "uses"),
    ({"uses": "1000000001"}, "uses"),
    ({"uses": "9223372036854775808"}, "uses"),
    ({"uses": "-1"}, "uses"),
    ({"tax": "0.26"}, "tax"),
    ({"tax_micros": "250001"}, "tax_micros"),
    ({"tax": "-0.01"}, "tax"),
    ({"tax": "0.1", "tax_micros": "1"}, "tax"),
    ({"offer": "a\x1b[2J"}, "offer"),
    ({"payer": "a\u202eb"}, "payer"),
    ({"use": "x" * 201}, "use"),
    ({"declared": "w1;w1"}, "declared"),
    ({"declared": "w1;;w2"}, "declared"),
    ({"declared": "=cmd()"}, "declared"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_a_bad_row_is_named(tmp_path: Path, write: object, change: dict[str, str], field: str) -> None:
    """File, row, field and remedy, in both forms."""
    first = GOOD | {key: GOOD.get(key, "") for key in change} | {"event_id": "e0"}
    file = write(tmp_path, first, first | GOOD | change)  # type: ignore[operator]

    with pytest.raises(InputError) as caught:
        read_usage(file)

    # A column that nobody knows is the file's in CSV, and the first row's that has it in JSON Lines.
    row = (None if file.suffix == ".csv" else 1) if "teritory" in change else 2
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), row, field)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tax": "0.26"}, "the taxes of 0.26 EUR are more than the 0.25 EUR that they are part of"),
        ({"revenue": "-0.01"}, "a revenue of -0.01 EUR is out of range. Give 0.00 to 9,007,199,254.740991;"),
        ({"uses": "1.5"}, "'1.5' is not a whole number >= 0. Give digits only."),
    ],
)
def test_amounts_are_said_as_people_read_them(tmp_path: Path, change: dict[str, str], words: str) -> None:
    """In main units with their currency; and uses are no micros."""
    with pytest.raises(InputError) as caught:
        read_usage(write_csv(tmp_path, GOOD | change))

    assert words in str(caught.value) and "micros" not in str(caught.value)


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


def test_all_fields_say_the_same_in_three_forms(tmp_path: Path) -> None:
    """CSV, JSON Lines with a list and numbers, Parquet with its own types."""
    row = {"event_id": "e1", "output_id": "o1", "used_at": "2026-11-03T12:00:00Z", "revenue": "0.25", "currency": "EUR"}
    row |= {"service": "=1+1", "territory": "DE", "offer": "高级", "payer": "p", "uses": "3", "use": "trailer"}
    row |= {"tax": "0.04", "declared": "w2;w1"}
    line = row | {"declared": ["w2", "w1"], "uses": 3}
    columns: dict[str, object] = {key: [value] for key, value in line.items()}
    moment = datetime(2026, 11, 3, 13, tzinfo=timezone(timedelta(hours=1)))
    columns["revenue"] = pa.array([Decimal("0.25")], pa.decimal128(20, 6))
    columns["used_at"] = pa.array([moment], pa.timestamp("ns", "UTC"))
    columns["service"] = pa.array(["=1+1"]).dictionary_encode()
    pq.write_table(pa.table(columns), tmp_path / "usage.parquet")
    expected = make_event(
        "e1", "o1", "2026-11-03T12:00:00Z", 250_000, "EUR", "=1+1", "DE", offer="高级", payer="p", uses=3, use="trailer",
        tax_micros=40_000, declared=["w1", "w2"],
    )  # fmt: skip

    assert read_usage(write_csv(tmp_path, row)) == (expected,)
    assert read_usage(write_jsonl(tmp_path, line)) == (expected,)
    assert read_usage(tmp_path / "usage.parquet") == (expected,)
    assert expected.declared == ("w1", "w2")


PARQUET_BAD = {
    "a float": ("revenue", pa.array([0.25])),
    "not a number": ("revenue", pa.array([float("nan")])),
    "a number for an id": ("event_id", pa.array([1])),
    "a time without zone": ("used_at", pa.array([datetime(2026, 11, 3, 12)], pa.timestamp("us"))),
    "true": ("currency", pa.array([True])),
    "bytes": ("service", pa.array([b"\xff"])),
    "texts that are none": ("service", pa.array([b"\xff"]).cast(pa.string(), safe=False)),
    "a list": ("currency", pa.array([["EUR"]])),
    "numbers that are declared": ("declared", pa.array([[1]])),
    "nothing": ("currency", pa.array([None], pa.string())),
}


@pytest.mark.parametrize(("field", "values"), PARQUET_BAD.values(), ids=PARQUET_BAD)
def test_a_bad_value_of_a_parquet_file_is_named(tmp_path: Path, field: str, values: pa.Array) -> None:
    """With its row; types that do not hold amounts exactly are no amounts."""
    columns = {key: pa.array([value]) for key, value in GOOD.items()}
    pq.write_table(pa.table(columns | {field: values}), tmp_path / "usage.parquet")

    with pytest.raises(InputError) as caught:
        read_usage(tmp_path / "usage.parquet")

    assert (caught.value.row, caught.value.field) == (1, field)
    assert caught.value.remedy


def test_times_up_to_a_day_ahead_are_taken() -> None:
    """Clocks differ; and a call without `now` leaves the question to the recording."""
    assert make_event("e", "o", "2026-12-03T08:00:00Z", 0, "EUR", now="2026-12-02T08:00:00Z")
    assert make_event("e", "o", "9999-12-31T23:59:59Z", 0, "EUR")
    assert make_event("e", "o", "9999-12-31T23:59:59Z", 0, "EUR", now="9999-12-31T12:00:00Z")


def test_good_and_bad_rows_come_one_by_one(tmp_path: Path) -> None:
    """A bad row does not end the reading; it carries its problem and itself."""
    file = write_jsonl(tmp_path, GOOD, "{", GOOD | {"event_id": "e2", "currency": "\ud800"}, GOOD | {"event_id": "e3"})

    rows = list(usage_rows(file, now=""))

    assert [row.record and row.record.event_id for row in rows] == ["e1", None, None, "e3"]
    assert [row.problem and row.problem.row for row in rows] == [None, 2, 3, None]
    assert rows[1].cells == {"held_line": "{"}
    assert "\\ud800" in str(rows[2].problem)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_no_bytes_make_the_reader_fail_otherwise(suffix: str, content: bytes) -> None:
    """Any file is events or an error that names the file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"usage{suffix}"
        for data in (content, b"PAR1" + content + b"PAR1", b"event_id,output_id,used_at,currency,revenue\n" + content):
            file.write_bytes(data)
            try:
                read_usage(file)
            except InputError as error:
                assert error.file == str(file)
                assert error.remedy


@given(cells=st.dictionaries(st.sampled_from([*GOOD, "uses", "tax", "declared", "service", "x"]), st.text(max_size=30)))
def test_no_cells_make_the_reader_fail_otherwise(cells: dict[str, str]) -> None:
    """Any row is an event, or a problem with a field whose words hold no control characters."""
    with tempfile.TemporaryDirectory() as folder:
        for row in usage_rows(write_jsonl(Path(folder), GOOD | cells), now="2026-12-02T08:00:00Z"):
            assert (row.record is None) != (row.problem is None)
            if row.problem is not None:
                assert row.problem.field
                assert str(row.problem).isprintable()


def test_a_large_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """Twenty thousand rows, and never more than a few of them in memory."""
    count = 20_000
    file = tmp_path / "usage.csv"
    with file.open("w") as out:
        out.write(",".join(GOOD) + "\n")
        for number in range(count):
            out.write(",".join((GOOD | {"event_id": f"e{number}"}).values()) + "\n")
    gc.collect()
    tracemalloc.start()
    try:
        seen = sum(1 for row in usage_rows(file, now="") if row.record)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert seen == count
    assert peak < 1_000_000


@given(st.integers(0, 2**53 - 1))
def test_main_units_and_micros_agree(micros: int) -> None:
    """An amount written with six decimals reads as the same micros, for every amount."""
    text = f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
    with tempfile.TemporaryDirectory() as folder:
        by_unit = read_usage(write_csv(Path(folder), GOOD | {"revenue": text}))
        by_micros = read_usage(write_csv(Path(folder), GOOD | {"revenue": "", "revenue_micros": str(micros)}))

    assert by_unit == by_micros
    assert by_unit[0].revenue_micros == micros

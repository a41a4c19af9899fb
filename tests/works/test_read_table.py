"""CSV, JSON Lines and Parquet give the same works, and what cannot be used is refused with file, row and field."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from endcredits.errors import InputError
from endcredits.works import Contributor, Submission, read_table

ROWS: list[dict[str, Any]] = [
    {
        "title": "One",
        "creator": "A. Smith",
        "split": "",
        "role": "",
        "licence": "MIT",
        "text": 'first, "words"\n',
        "work_id": "w1",
    },
    {
        "title": "Two",
        "creator": "A. Smith; B. Jones",
        "split": "60%;40%",
        "role": "author;translator",
        "licence": "GPL-3.0-only",
        "text": "second wörds",
        "work_id": "",
    },
    {"title": "Three", "creator": "", "split": "", "role": "", "licence": "", "text": "third words", "work_id": ""},
]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Writes rows as the suffix says."""
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def refused(path: Path, **columns: str) -> InputError:
    """Reads a table that must be refused."""
    with pytest.raises(InputError) as caught:
        read_table(path, columns)
    assert caught.value.remedy
    return caught.value


KINDS = pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])


@KINDS
def test_every_kind_of_table_gives_the_same_works(tmp_path: Path, kind: str) -> None:
    one, two, three = read_table(write(tmp_path / f"works.{kind}", ROWS))

    assert one == Submission(
        title="One",
        content=((f"works.{kind} row 1", "text/plain", b'first, "words"\n'),),
        contributors=(Contributor("A. Smith"),),
        permission="allow",
        permission_reason=one.permission_reason,
        permission_source=f"works.{kind} row 1, field licence",
        declared_by=f"the table works.{kind}",
        origin=f"works.{kind} row 1",
        work_id="w1",
    )
    assert two.contributors == (
        Contributor("A. Smith", "author", 600_000_000),
        Contributor("B. Jones", "translator", 400_000_000),
    )
    assert (two.permission, two.content[0][2]) == ("conditional", "second wörds".encode())
    assert (three.contributors, three.permission) == ((), "unknown")
    assert three.permission_reason == "the table names no permission and no licence"


@KINDS
def test_columns_can_be_renamed(tmp_path: Path, kind: str) -> None:
    table = write(
        tmp_path / f"works.{kind}", [{"name": "One", "author": "A", "creator": "no", "body": "words", "ok": "Allow"}]
    )

    work = read_table(table, {"title": "name", "creator": "author", "text": "body", "permission": "ok"}, declared_by="A")[0]

    assert (work.title, work.contributors, work.permission, work.declared_by) == ("One", (Contributor("A"),), "allow", "A")
    assert work.permission_source == f"works.{kind} row 1, field ok"


@KINDS
def test_a_missing_column_is_named_with_those_present(tmp_path: Path, kind: str) -> None:
    table = write(tmp_path / f"works.{kind}", [{"title": "One", "author": "A", "text": "words"}])

    error = refused(table)

    assert error.message == "the column 'creator' is missing; the table has: title, author, text"
    assert "--column creator=NAME" in error.remedy
    assert "there is no column 'writer'" in refused(table, creator="writer").message
    assert "not a column that we read" in refused(table, maker="author").message


@pytest.mark.parametrize("missing", ["title", "text"])
def test_title_and_text_are_required(tmp_path: Path, missing: str) -> None:
    row = {"title": "One", "creator": "A", "text": "words"}
    row.pop(missing)

    error = refused(write(tmp_path / "works.csv", [row]))

    assert f"--column {missing}=NAME" in error.remedy


@KINDS
def test_one_row_that_cannot_be_used_is_named(tmp_path: Path, kind: str) -> None:
    rows = [{"title": "One", "creator": "A", "text": "words"}, {"title": "Two", "creator": "A", "text": " \n"}]

    error = refused(write(tmp_path / f"works.{kind}", rows))

    assert (error.message, error.row, error.field) == ("the text is empty", 2, "text")
    assert str(error.file).endswith(f"works.{kind}")


@KINDS
def test_one_text_in_two_rows_is_refused(tmp_path: Path, kind: str) -> None:
    rows = [{"title": title, "creator": "A", "text": text} for title, text in (("1", "x"), ("2", "y"), ("3", "x"))]

    error = refused(write(tmp_path / f"works.{kind}", rows))

    assert error.message == "the same text stands in row 1 and in row 3"


@KINDS
def test_one_id_in_two_rows_is_refused(tmp_path: Path, kind: str) -> None:
    rows = [{"title": "1", "creator": "A", "text": text, "work_id": "w"} for text in ("x", "y")]

    error = refused(write(tmp_path / f"works.{kind}", rows))

    assert error.message == "the work_id 'w' stands in row 1 and in row 2"


@KINDS
def test_an_empty_file_is_refused(tmp_path: Path, kind: str) -> None:
    table = tmp_path / f"works.{kind}"
    table.write_bytes(b"")

    assert refused(table).message == "the table is empty"


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "works.csv").write_text("title,creator,text\n")
    pq.write_table(
        pa.table({name: pa.array([], pa.string()) for name in ("title", "creator", "text")}), tmp_path / "works.parquet"
    )

    assert refused(tmp_path / "works.csv").message == "the table has no rows"
    assert refused(tmp_path / "works.parquet").message == "the table has no rows"


@KINDS
def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"folder.{kind}").mkdir()

    assert "cannot be read (No such file or directory)" in refused(tmp_path / f"works.{kind}").message
    assert "cannot be read (Is a directory)" in refused(tmp_path / f"folder.{kind}").message


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    assert ".csv, .jsonl or .parquet" in refused(tmp_path / "works.xlsx").remedy


def test_csv_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    (tmp_path / "works.csv").write_bytes('\ufefftitle,creator,text\r\n"One, two",A,"a\r\nb"\r\n'.encode())

    work = read_table(tmp_path / "works.csv")[0]

    assert (work.title, work.content[0][2]) == ("One, two", b"a\r\nb")


def test_csv_holds_texts_as_long_as_novels(tmp_path: Path) -> None:
    before = csv.field_size_limit()

    work = read_table(write(tmp_path / "works.csv", [{"title": "Long", "creator": "A", "text": "word " * 100_000}]))[0]

    assert len(work.content[0][2]) == 500_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"title,creator,text\nOne,A,words,more\n", "4 cells and the header has 3"),
        (b"title,creator,text\nOne,A\n", "2 cells and the header has 3"),
        (b"title,title,creator,text\nOne,Two,A,words\n", "'title' stands there twice"),
        (b'title,creator,text\nOne,A,"words\n', "not CSV"),
        (b"title,creator,text\nOne,A,caf\xe9\n", "not UTF-8 at byte offset 28"),
    ],
)
def test_broken_csv_is_refused(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "works.csv").write_bytes(data)

    assert problem in refused(tmp_path / "works.csv").message


@pytest.mark.parametrize(
    ("lines", "row", "problem"),
    [
        ('{"title": "One", "creator": "A", "text": "x"}\n\n{"title"\n', 3, "not JSON"),
        ('["One"]\n', 1, "not a JSON object"),
        ('{"title": 1, "creator": "A", "text": "x"}\n', 1, "a whole number, not text"),
        ('{"title": "One", "creator": {"name": "A"}, "text": "x"}\n', 1, "an object, not text"),
        ('{"title": "One", "creator": [{"nom": "A"}], "text": "x"}\n', 1, "without a name"),
        ('{"title": "One", "creator": "A", "text": ["x"]}\n', 1, "a list, not text"),
        ('{"title": "One", "creator": "A", "text": "x", "permission": true}\n', 1, "true or false, not text"),
        ('{"title": "One", "creator": "A", "text": "x", "split": 1.0}\n', 1, "a decimal number, not text"),
        ('{"title": "One", "creator": "A", "text": "\\ud800"}\n', 1, "lone surrogate"),
        ('{"title": "a\\uD800", "creator": "A", "text": "x"}\n', 1, "lone surrogate"),
        ('{"title": "One", "creator": ["a\\ud800"], "text": "x"}\n', 1, "lone surrogate"),
        ('{"titl\\ud800": "One", "creator": "A", "text": "x"}\n', 1, "lone surrogate"),
        ('{"title": "One", "permission": "deny", "permission": "allow"}\n', 1, "the key 'permission' stands there twice"),
        ('{"title": "One", "creator": [{"name": "A", "name": "B"}]}\n', 1, "the key 'name' stands there twice"),
        ('{"title": "One"}\n' + "[" * 100_000 + "\n", 2, "nested too deeply"),
        ('{"a":' * 100_000 + "\n", 1, "nested too deeply"),
        ('{"title": "One", "creator": "A", "text": "x", "split": [[1]]}\n', 1, "the list holds a list"),
        ('{"title": "One", "creator": "A", "text": "x", "split": [true]}\n', 1, "the list holds true or false"),
    ],
)
def test_broken_json_lines_are_refused_by_their_line(tmp_path: Path, lines: str, row: int, problem: str) -> None:
    (tmp_path / "works.jsonl").write_text(lines)

    error = refused(tmp_path / "works.jsonl")

    assert problem in error.message
    assert error.row == row


def test_a_whole_character_in_two_escapes_is_read(tmp_path: Path) -> None:
    (tmp_path / "works.jsonl").write_text('{"title": "\\ud83d\\ude00", "creator": "A", "text": "x"}\n')

    assert read_table(tmp_path / "works.jsonl")[0].title == "\U0001f600"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("data", ["\ufeff", "\ufeff\r\n", "\u3000\n"])
def test_a_table_of_a_mark_alone_is_empty(tmp_path: Path, kind: str, data: str) -> None:
    (tmp_path / f"works.{kind}").write_bytes(data.encode())

    assert refused(tmp_path / f"works.{kind}").message == "the table is empty"


@KINDS
@pytest.mark.parametrize("column", ["Permission", "PERMISSION", "per mission", "permission:", "permis\u200bsion"])
def test_a_column_that_is_almost_ours_is_not_passed_over(tmp_path: Path, kind: str, column: str) -> None:
    row = {"title": "One", "creator": "A", "text": "x", "licence": "MIT", column: "deny"}
    table = write(tmp_path / f"works.{kind}", [row])

    error = refused(table)

    assert f"'{column}' is not written as 'permission'" in error.message
    assert f"--column permission={column}" in error.remedy
    assert read_table(table, {"permission": column})[0].permission == "deny"


def test_a_parquet_column_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    names = ["title", "creator", "text", "permission", "permission"]
    values = [pa.array([cell]) for cell in ("One", "A", "x", "deny", "allow")]
    pq.write_table(pa.Table.from_arrays(values, names=names), tmp_path / "works.parquet")

    assert refused(tmp_path / "works.parquet").message == "the column 'permission' stands there twice"


def test_broken_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "works.parquet").write_bytes(b"PAR1 and then nothing")

    assert "not a readable Parquet file" in refused(tmp_path / "works.parquet").message


def test_parquet_with_wrong_types_is_refused(tmp_path: Path) -> None:
    table = write(tmp_path / "works.parquet", [{"title": "One", "creator": "A", "text": 7}])

    error = refused(table)

    assert (error.message, error.row, error.field) == ("the cell holds a whole number, not text", 1, "text")


def test_parquet_with_bytes_that_are_no_text_is_refused_by_its_row(tmp_path: Path) -> None:
    names = {"title": pa.array(["One", "Two"]), "creator": pa.array(["A", "A"])}
    binary = pa.array([b"words", b"caf\xe9"], pa.binary())
    pq.write_table(pa.table({**names, "text": binary}), tmp_path / "binary.parquet")
    pq.write_table(pa.table({**names, "text": binary.view(pa.string())}), tmp_path / "string.parquet")

    for name in ("binary.parquet", "string.parquet"):
        error = refused(tmp_path / name)

        assert "not UTF-8 at byte offset 3" in error.message
        assert (error.row, error.field) == (2, "text")


def test_a_list_of_contributors_goes_before_the_creator(tmp_path: Path) -> None:
    people = [{"name": "A", "id": "a", "role": "author"}, {"name": "B", "id": "b", "role": "translator"}]
    rows = [{"title": "One", "creator": "A", "contributors": json.dumps(people), "text": "x"}]

    for kind in ("csv", "jsonl", "parquet"):
        work = read_table(write(tmp_path / f"works.{kind}", rows))[0]
        renamed = read_table(tmp_path / f"works.{kind}", {"creator": "creator"})[0]

        assert work.contributors == (Contributor("A", "author"), Contributor("B", "translator"))
        assert renamed.contributors == (Contributor("A"),)


@pytest.mark.shared
def test_a_real_table_of_literature_is_read_as_it_is() -> None:
    table = Path(__file__).parents[3] / "shared" / "data" / "literature" / "works.parquet"
    if not table.exists():
        pytest.skip("NOT TESTED: the shared table of literature is not there")

    works = read_table(table)

    assert len(works) == len({work.work_id for work in works}) == 126
    assert {work.permission for work in works} == {"allow"}
    assert sum(any(one.role == "translator" for one in work.contributors) for work in works) == 18

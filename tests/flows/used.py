"""A studio whose outputs are attributed and earn next, for tests of the flows from usage to statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from endcredits.attribution import Attribution
from endcredits.flows import attributing, indexing
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import PartyId
from endcredits.royalties import UsageEvent, make_event
from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.house import House

ADA, BEN, CLEO, DORA = (PartyId(party_id_of(name)) for name in (h.ADA, h.BEN, h.CLEO, h.DORA))
JANUARY, FEBRUARY, MARCH = "2025-01", "2025-02", "2025-03"


@cache
def build_attributed(house: House) -> Path:
    """The template, made once from the indexed one."""
    path = house.copy(house.indexed, house.indexed.parent / "attributed")
    opened = open_studio(path)
    attributing.attribute(opened, indexing.current_index(opened), h.outputs())
    opened.close()
    return path


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A studio of the test's own, with five attributed outputs and no usage."""
    opened = open_studio(house.copy(build_attributed(house), tmp_path / "studio"))
    yield opened
    opened.close()


def output_of(studio: Studio, work_id: str) -> Attribution:
    """The output without a prompt that draws on a work most."""
    found = (one for one in attributing.all_attributions(studio) if one.lines[0].work_id == work_id)
    return max(found, key=lambda one: (one.output_bytes, one.output_id))


def used(studio: Studio, name: str, work_id: str, day: str, euros: int = 100, **more: object) -> UsageEvent:
    """One use of the output that draws on a work most."""
    output = output_of(studio, work_id)
    return make_event(name, output.output_id, f"{day}T12:00:00Z", euros * 1_000_000, "EUR", "web", **more)  # type: ignore[arg-type]


def csv_file(path: Path, *rows: str) -> Path:
    """A CSV file of these rows, the header first."""
    path.write_text("\n".join(rows) + "\n")
    return path


def fail_commits(studio: Studio, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    """Lets the next commit fail: lost, or done and reported as lost."""
    dialect = studio.store.engine.dialect
    real: Callable[[object], None] = dialect.do_commit
    failed = [False]

    def commit(connection: object) -> None:
        if kept or failed[0]:
            real(connection)
        if not failed[0]:
            failed[0] = True
            raise dialect.loaded_dbapi.OperationalError("the connection was lost")

    monkeypatch.setattr(dialect, "do_commit", commit)

"""Whatever is changed behind the books' back is found and named, and a close can be computed again from its inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import given, settings

from endcredits.canonical import sha256_bytes
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.royalties.book import save_close
from endcredits.royalties.checks import check_close_folder, check_royalties, replay_close
from endcredits.royalties.close import Closed, close_period
from endcredits.royalties.documents import close_document
from endcredits.royalties.frozen import Frozen
from endcredits.royalties.lines import lines_digest, work_lines_digest, write_lines, write_work_lines
from endcredits.royalties.records import PeriodClose
from endcredits.royalties.tables import period_closes
from endcredits.store import Finding, Store, row_digest

from .makers import Given, event, freeze_tables, givens, november

SAMPLED = {"credits_max": -1}
"""As if the period were too large to be computed again as a whole."""


def kept(folder: Path, inputs: Given) -> tuple[Frozen, Closed]:
    """A frozen period and its close with its tables, as a studio keeps them."""
    frozen = inputs.freeze(folder / "frozen")
    closed = close_period(frozen, "2026-11", "2026-11-01", "2026-11-30", inputs.policy)
    return frozen, written(folder, closed)


def written(folder: Path, closed: Closed) -> Closed:
    """Writes a close's tables and states their digests in it, as whoever forges one would."""
    write_work_lines(folder / "work_lines.parquet", closed.work_lines)
    write_lines(folder / "lines.parquet", closed.lines)
    close = replace(
        closed.close,
        work_lines=len(closed.work_lines),
        work_lines_digest=work_lines_digest(closed.work_lines),
        lines=len(closed.lines),
        lines_digest=lines_digest(closed.lines),
    )
    return replace(closed, close=close)


def words(findings: list[Finding]) -> str:
    """All findings in one text."""
    return "; ".join(f"{finding.where}: {finding.problem}" for finding in findings)


# --- computing again ---


@settings(max_examples=20)
@given(givens())
def test_a_replay_agrees_whole_and_by_sample(tmp_path_factory: pytest.TempPathFactory, inputs: Given) -> None:
    """For any policy and period."""
    folder = tmp_path_factory.mktemp("close")
    frozen, closed = kept(folder, inputs)

    assert replay_close(frozen, closed.close, folder) == []
    assert replay_close(frozen, closed.close, folder, credits_max=-1) == []


def test_frozen_inputs_that_changed_are_named(tmp_path: Path) -> None:
    """An event more: another table, and the replay does not even begin."""
    _, closed = kept(tmp_path, november())
    more = november()
    other = replace(more, events=(*more.events, event("e4", "o1", 5))).freeze(tmp_path / "other")

    findings = replay_close(other, closed.close, tmp_path)

    assert words(findings) == "period 2026-11: the frozen inputs are not those that were closed: events differ"


def test_tables_that_changed_are_named(tmp_path: Path) -> None:
    """A line with another party, written without anybody's leave; then no table at all."""
    frozen, closed = kept(tmp_path, november())
    write_lines(
        tmp_path / "lines.parquet", [replace(line, territory="DE") for line in closed.lines if line.party_id == "bob"]
    )
    assert "the table lines is not the one that was closed" in words(replay_close(frozen, closed.close, tmp_path))

    (tmp_path / "lines.parquet").unlink()
    assert "lines cannot be read" in words(check_close_folder(closed.close, tmp_path))


def moved(closed: Closed, micros: int) -> Closed:
    """Money of w2 moved to w1 with all its sums: works, parties, digests."""
    works = [
        replace(line, amount_micros=line.amount_micros + (micros if line.work_id == "w1" else -micros))
        if line.pool == 0 and line.work_id in ("w1", "w2")
        else line
        for line in closed.work_lines
    ]
    gives = next(line for line in closed.lines if (line.pool, line.work_id, line.party_id) == (0, "w2", "cyd"))
    takes = next(line for line in closed.lines if (line.pool, line.work_id, line.party_id) == (0, "w1", "bob"))
    lines = [
        replace(line, amount_micros=line.amount_micros + (micros if line is takes else -micros))
        if line in (gives, takes)
        else line
        for line in closed.lines
    ]
    return replace(closed, work_lines=tuple(works), lines=tuple(lines))


@pytest.mark.parametrize("how", [{}, SAMPLED])
def test_a_forged_close_that_adds_up_is_found_by_computing_it_again(tmp_path: Path, how: dict[str, int]) -> None:
    """Ten micros moved between works, all digests made to fit: the folder is sound and the arithmetic is not."""
    frozen, closed = kept(tmp_path, november())
    forged = written(tmp_path, moved(closed, 10))

    assert check_close_folder(forged.close, tmp_path) == []
    assert "w1" in words(replay_close(frozen, forged.close, tmp_path, **how))


def test_a_replay_names_what_differs_and_the_first_line(tmp_path: Path) -> None:
    """One micro is enough."""
    frozen, closed = kept(tmp_path, november())
    forged = written(tmp_path, moved(closed, 1))

    told = words(replay_close(frozen, forged.close, tmp_path))

    assert "the works' lines, the parties' lines differ" in told
    assert "pool 0, part 0: recorded is w1 2500001, computed w1 2500000" in told
    assert "recorded is w1 bob 1250001, computed w1 bob 1250000" in told


def weighed(closed: Closed) -> Closed:
    """A hundred micros moved from w2 to w1, with the weights and shares from which they would follow."""
    forged = moved(closed, 100)
    part = closed.close.pools[0].parts[0]
    whole = int(part.denominator)
    works = []
    for line in forged.work_lines:
        if line.pool == 0 and line.work_id in ("w1", "w2"):
            sign = 1 if line.work_id == "w1" else -1
            weight = line.weight + sign * (whole * 100 // part.amount_micros)
            line = replace(line, weight=weight, share_ppb=weight * PPB // whole)
        works.append(line)
    return replace(forged, work_lines=tuple(works))


def forgeries(closed: Closed) -> dict[str, Closed]:
    """Closes that add up in themselves and do not follow from their inputs."""
    first, *others = closed.close.pools
    total, *rest = closed.close.totals
    thief = [replace(line, party_id=PartyId("thief")) if line.party_id == "cyd" else line for line in closed.lines]
    heavier = [replace(line, weight=line.weight + 10**15) if line.work_id == "w3" else line for line in closed.work_lines]
    more = [replace(line, outputs=line.outputs + 1) if line.work_id == "w3" else line for line in closed.work_lines]
    part = replace(first.parts[0], denominator=str(int(first.parts[0].denominator) + 1))
    return {
        "revenue hidden": replace(
            closed,
            close=replace(
                closed.close,
                totals=(
                    replace(total, revenue_micros=total.revenue_micros - 5, operator_micros=total.operator_micros - 5),
                    *rest,
                ),
            ),
        ),
        "a use hidden": replace(closed, close=replace(closed.close, pools=(replace(first, events=1, uses=1), *others))),
        "a weight and all that follows from it": weighed(closed),
        "another payee": replace(closed, lines=tuple(thief)),
        "another weight": replace(closed, work_lines=tuple(heavier)),
        "another count": replace(closed, work_lines=tuple(more)),
        "another denominator": replace(closed, close=replace(closed.close, pools=(replace(first, parts=(part,)), *others))),
    }


@pytest.mark.parametrize("how", [{}, SAMPLED])
@pytest.mark.parametrize("name", sorted(forgeries(november().close())))
def test_what_does_not_follow_from_the_inputs_is_found(tmp_path: Path, name: str, how: dict[str, int]) -> None:
    """By the whole replay and by the sample alike."""
    frozen, closed = kept(tmp_path, november())
    forged = written(tmp_path, forgeries(closed)[name])

    assert check_close_folder(forged.close, tmp_path) == []
    assert replay_close(frozen, forged.close, tmp_path, **how)


def test_inputs_that_cannot_be_closed_are_a_finding(tmp_path: Path) -> None:
    """A frozen table whose rows make no sense, with digests that fit."""
    _, closed = kept(tmp_path, november())
    tables = november().tables()
    tables["events"][0]["output"] = 9
    broken = freeze_tables(tmp_path / "broken", tables)

    told = words(replay_close(broken, replace(closed.close, frozen=broken.digests), tmp_path))

    assert "it cannot be computed again" in told
    assert "events.parquet, row 1, field 'output'" in told


def test_a_sample_is_chosen_by_the_close_itself(tmp_path: Path) -> None:
    """The tables of a close decide which works are followed; a large catalogue is followed in part."""
    frozen, closed = kept(tmp_path, november())
    assert pq.read_metadata(tmp_path / "frozen" / "credits.parquet").num_rows == 6

    assert replay_close(frozen, closed.close, tmp_path, credits_max=6) == []
    assert replay_close(frozen, closed.close, tmp_path, credits_max=5) == []


# --- the books ---


def tamper(store: Store, table: sa.Table, *statements: sa.Update | sa.Delete) -> None:
    """Changes rows after taking the database's own guard away, as somebody with its file could."""
    with store.engine.begin() as conn:
        if conn.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                conn.exec_driver_sql(f"DROP TRIGGER {table.name}_no_{verb}")
        else:
            conn.exec_driver_sql(f"DROP TRIGGER {table.name}_append_only ON {table.name}")
        for statement in statements:
            conn.execute(statement)


def found(store: Store) -> list[Finding]:
    """What the check finds."""
    with store.reading() as conn:
        return check_royalties(conn)


def rewrite(store: Store, close: PeriodClose, **more: Any) -> None:
    """Forges a close with all digests of the row made to fit."""
    document = close_document(close)
    values = {"document": document, "close_digest": sha256_bytes(document.encode()), **more}
    with store.reading() as conn:
        row = dict(conn.execute(sa.select(period_closes)).mappings().one()) | values
    tamper(store, period_closes, sa.update(period_closes).values(**values, digest=row_digest("period_closes", row)))


@pytest.fixture
def booked(store: Store) -> PeriodClose:
    """A store with one closed period."""
    close = november().close().close
    store.write(lambda conn: save_close(conn, close, None, cut_off=0))
    return close


def test_a_sound_book_has_no_findings(store: Store, booked: PeriodClose) -> None:
    """Nothing to say of an ordinary period."""
    assert booked.period_id == "2026-11"
    assert found(store) == []


def test_a_forged_close_is_found_by_its_sums(store: Store, booked: PeriodClose) -> None:
    """A unit moved to the operator."""
    first, *rest = booked.totals
    greedy = replace(first, operator_micros=first.operator_micros + 1, pools_micros=first.pools_micros - 1)

    rewrite(store, replace(booked, totals=(greedy, *rest)))

    assert words(found(store)) == "period 2026-11: total EUR: its pools are not the sum of the pools"


@pytest.mark.parametrize(
    ("change", "told"),
    [({"period_id": "2026-12"}, "name different periods"), ({"frozen": (("works", "0"),)}, "different frozen inputs")],
)
def test_a_close_that_is_another_is_found(store: Store, booked: PeriodClose, change: dict[str, Any], told: str) -> None:
    """Its row knows which period and which inputs it was."""
    rewrite(store, replace(booked, **change))

    assert told in words(found(store))


def test_a_damaged_document_is_found(store: Store, booked: PeriodClose) -> None:
    """The check goes on and names it."""
    assert booked
    tamper(store, period_closes, sa.update(period_closes).values(document="{}"))

    told = words(found(store))
    assert "the document does not fit its digest" in told
    assert "not a period's close" in told
    assert "row period_id=2026-11" in told


def test_ids_of_works_stay_texts(tmp_path: Path) -> None:
    """A work whose id looks like a formula is followed like any other."""
    hostile = "=1+1@x"
    inputs = november()
    songs = tuple(replace(one, work_id=hostile if one.work_id == "w1" else one.work_id) for one in inputs.songs)
    outputs = tuple(
        replace(one, credits={hostile if work == "w1" else work: credit for work, credit in one.credits.items()})
        for one in inputs.outputs
    )
    frozen, closed = kept(tmp_path, replace(inputs, songs=songs, outputs=outputs))

    assert WorkId(hostile) in {line.work_id for line in closed.work_lines}
    assert replay_close(frozen, closed.close, tmp_path, credits_max=-1) == []

"""Contracts and crew units from a file: whole or not at all, once, with their advances, and never into closed days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.flows import agreements, periods, reporting
from endcredits.flows.attributing import all_attributions
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio, open_studio
from endcredits.ledger import balances
from endcredits.payouts import statements_for_period
from endcredits.royalties import payable_account
from endcredits.store import Store
from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.house import House

CLEO, ADA = party_id_of(h.CLEO), party_id_of(h.ADA)
ADVANCE = 500_000_000
TERMS = f"""
[[contract]]
contract_id = "tides"
party_id = "{CLEO}"
currency = "EUR"
valid_from = "2025-03-01"
advance = "500.00"
recoup = "50%"
works = ["{h.TIDE}"]
"""


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed months."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def terms(tmp_path: Path, text: str = TERMS) -> Path:
    file = tmp_path / "terms.toml"
    file.write_text(text)
    return file


def owed(studio: Studio) -> int:
    with studio.store.reading() as conn:
        return -balances(conn, payable_account(CLEO)).get((payable_account(CLEO), "EUR"), 0)


def test_an_advance_is_owed_at_once_and_recouped_by_the_next_close(studio: Studio, tmp_path: Path) -> None:
    before = owed(studio)
    done = agreements.add_contracts(studio, terms(tmp_path))
    assert (len(done.new), done.already_there, done.advances, owed(studio) - before) == (1, 0, 1, ADVANCE)
    again = agreements.add_contracts(studio, terms(tmp_path))
    assert (again.new, again.already_there, again.advances, owed(studio) - before) == ((), 1, 0, ADVANCE)
    events = h.february(all_attributions(studio))
    moved = [replace(one, event_id=f"mar-{n}", used_at=one.used_at.replace("-02-", "-03-")) for n, one in enumerate(events)]
    reporting.report(studio, moved)
    periods.close(studio, "2025-03")

    with studio.store.reading() as conn:
        (statement,) = (
            one for one in statements_for_period(conn, "2025-03") if (one.party_id, one.currency) == (CLEO, "EUR")
        )
    money = statement.summary
    assert money.recouped_micros == money.earned_micros // 2 > 0
    assert [(one.rail, -one.amount_micros) for one in statement.payments] == [("advance", ADVANCE)]
    (standing,) = agreements.contracts(studio)
    assert (standing.payee, standing.unrecouped_micros) == (h.CLEO, ADVANCE - money.recouped_micros)
    assert check_studio(studio) == []


def test_a_new_version_books_the_difference(studio: Studio, tmp_path: Path) -> None:
    before = owed(studio)
    agreements.add_contracts(studio, terms(tmp_path))
    later = TERMS.replace("2025-03-01", "2025-04-01").replace("500.00", "600.00")
    assert agreements.add_contracts(studio, terms(tmp_path, later)).advances == 1
    assert owed(studio) - before == 600_000_000 and len(agreements.contracts(studio)) == 2
    assert check_studio(studio) == []


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ((CLEO, "party:nobody"), NotFoundError, r"terms.toml, row 2, field 'party'.*no party 'party:nobody'"),
        ((h.TIDE, "work:none"), NotFoundError, r"terms.toml, row 2, field 'work_id'.*no work 'work:none'"),
        (("2025-03-01", "2025-02-28"), ConflictError, r"row 2, field 'valid_from'.*closed up to 2025-02-28"),
        (('"50%"', '"150%"'), InputError, r"row 2, field 'recoup'"),
    ],
)
def test_one_wrong_contract_keeps_all_out(
    studio: Studio, tmp_path: Path, change: tuple[str, str], kind: type[Exception], says: str
) -> None:
    rows = h.dump(studio)
    good = TERMS.replace("tides", "salt").replace(CLEO, ADA).replace(h.TIDE, h.SALT)
    with pytest.raises(kind, match=says):
        agreements.add_contracts(studio, terms(tmp_path, good + TERMS.replace(*change)))
    assert h.dump(studio) == rows


@pytest.mark.parametrize("kept", [False, True])
def test_contract_and_advance_stand_or_fall_together(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Lost, or kept but reported lost; the same file again completes it and advances once."""
    before, real = owed(studio), Store.write

    def write(self: Store, work: Callable[[sa.Connection], Any]) -> Any:
        def lost(conn: sa.Connection) -> Any:
            work(conn)
            raise MachineError("the disk is full")

        if kept:
            real(self, work)
            raise MachineError("the connection broke")
        return real(self, lost)

    monkeypatch.setattr(Store, "write", write)
    with pytest.raises(MachineError):
        agreements.add_contracts(studio, terms(tmp_path))
    monkeypatch.setattr(Store, "write", real)
    assert (owed(studio) - before, len(agreements.contracts(studio))) == ((ADVANCE, 1) if kept else (0, 0))
    agreements.add_contracts(studio, terms(tmp_path))
    assert owed(studio) - before == ADVANCE and check_studio(studio) == []


HEADER = "work_id,right,party,time_units,salary_units\n"


def test_units_are_stated_by_name_or_id_and_replaced(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "crew.csv"
    file.write_text(f"{HEADER}{h.SALT},residual,{h.ADA},12,40\n{h.SALT},residual,{CLEO},3,0\n")
    assert agreements.add_units(studio, file) == (2, 2)
    assert agreements.add_units(studio, file) == (0, 2)
    lines = tmp_path / "crew.jsonl"
    lines.write_text(
        f'{{"work_id": "{h.SALT}", "right": "residual", "party": "{ADA}", "time_units": 1, "salary_units": 2}}\n'
    )
    assert agreements.add_units(studio, lines) == (1, 1)
    units = {one.party_id: (one.time_units, one.salary_units) for one in agreements.units(studio)}
    assert units == {ADA: (1, 2), CLEO: (3, 0)}
    assert check_studio(studio) == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (f"work:none,residual,{h.ADA},1,1", r"row 2, field 'work_id'.*no work 'work:none'"),
        (f"{h.SALT},residual,Nobody,1,1", r"row 2, field 'party'.*no party 'Nobody'"),
        (f"{h.SALT},residual,{h.ADA},-1,1", r"row 2, field 'time_units'"),
        (f"{h.SALT},residual,{h.ADA},1,1000000001", r"row 2, field 'salary_units'"),
        (f"{h.SALT},residual,{h.ADA},,1", r"row 2, field 'time_units'"),
        (f"{h.SALT},residual,{h.BEN},9,9", r"row 2, field 'party'.*stated twice"),
    ],
)
def test_one_wrong_row_keeps_all_units_out(studio: Studio, tmp_path: Path, row: str, says: str) -> None:
    file = tmp_path / "crew.csv"
    file.write_text(f"{HEADER}{h.SALT},residual,{h.BEN},1,1\n{row}\n")
    with pytest.raises((InputError, ConflictError), match=says):
        agreements.add_units(studio, file)
    assert agreements.units(studio) == ()

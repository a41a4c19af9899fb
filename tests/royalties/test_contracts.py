"""Contracts are read exactly, recorded once, and answer for the days on which they held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import Posting, balances, post
from endcredits.royalties.contract_files import check_contract, read_contracts
from endcredits.royalties.contract_records import ORDER, Contract
from endcredits.royalties.contract_tables import contracts as table
from endcredits.royalties.contracts import (
    advance_entries,
    all_contracts,
    check_contracts,
    contracts_on,
    in_force,
    record_contracts,
)
from endcredits.store import Store

AT = "2026-01-01T00:00:00Z"

TOML = """
[[contract]]
contract_id = "debut"
party_id = "party:ada"
currency = "EUR"
valid_from = "2026-01-01"
valid_to = "2028-12-31"
advance = "5000.00"
recoup = "50%"
reserve = "12.5%"
reserve_days = 180
guarantee_micros = 100000000
cross_group = "albums"
works = ["work:b", "work:a"]
order = ["release", "guarantee", "reserve", "recoup"]
source = "contract of 2026-01-05, clause 7"

[[contract]]
contract_id = "plain"
party_id = "party:bob"
currency = "JPY"
valid_from = "2026-02-01"
"""
CSV = (
    "contract_id,party_id,currency,valid_from,valid_to,advance,recoup,reserve,reserve_days,guarantee_micros,cross_group,works,"
    "order,source\n"
    "debut,party:ada,EUR,2026-01-01,2028-12-31,5000.00,50%,12.5%,180,100000000,albums,work:b;work:a,"
    'release;guarantee;reserve;recoup,"contract of 2026-01-05, clause 7"\n'
    "plain,party:bob,JPY,2026-02-01,,,,,,,,,,\n"
)
DEBUT = Contract(
    "debut",
    PartyId("party:ada"),
    "EUR",
    "2026-01-01",
    "2028-12-31",
    advance_micros=5_000_000_000,
    recoup_ppb=500_000_000,
    cross_group="albums",
    reserve_ppb=125_000_000,
    reserve_days=180,
    guarantee_micros=100_000_000,
    order=("release", "guarantee", "reserve", "recoup"),
    source="contract of 2026-01-05, clause 7",
    works=(WorkId("work:a"), WorkId("work:b")),
)
PLAIN = Contract("plain", PartyId("party:bob"), "JPY", "2026-02-01")


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(("name", "text"), [("c.toml", TOML), ("c.csv", CSV)])
def test_every_form_says_the_same(tmp_path: Path, name: str, text: str) -> None:
    """Texts become exact integers; what is left out has its default."""
    assert read_contracts(written(tmp_path, name, text)) == (DEBUT, PLAIN)


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ("50%", "150%", 1, "recoup"),
        ("50%", "0.5", 1, "recoup"),
        ("5000.00", "5000.0000001", 1, "advance"),
        ("5000.00", "-1", 1, "advance"),
        ("180", "18000", 1, "reserve_days"),
        ("180", "0", 1, "reserve_days"),
        ("EUR", "EURO", 1, "currency"),
        ("2028-12-31", "2025-12-31", 1, "valid_to"),
        ("2026-02-01", "2026-02-30", 2, "valid_from"),
        ("2026-02-01", "01.02.2026", 2, "valid_from"),
        ("party:bob", "=party", 2, "party_id"),
        ("plain", "a:b", 2, "contract_id"),
        ("plain", "x" * 81, 2, "contract_id"),
        ("albums", "al\u202ebums", 1, "cross_group"),
        ("work:b", "work:a", 1, "works"),
        ("work:b", "work b", 1, "works"),
    ],
)
@pytest.mark.parametrize(("name", "text"), [("c.toml", TOML), ("c.csv", CSV)])
def test_a_wrong_contract_is_named(tmp_path: Path, name: str, text: str, old: str, new: str, row: int, field: str) -> None:
    """File, row (or number of the contract) and field; nothing of the file is taken."""
    file = written(tmp_path, name, text.replace(old, new, 1))

    with pytest.raises(InputError) as caught:
        read_contracts(file)

    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), row, field)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("c.toml", "", None),
        ("c.toml", "[[contracts]]\n", "contracts"),
        ("c.toml", TOML.replace("valid_to", "valid_till"), "valid_till"),
        ("c.toml", TOML.replace('"recoup"', '"repay"'), "order"),
        ("c.toml", TOML.replace("180", "180.0"), "reserve_days"),
        ("c.csv", CSV.replace("valid_to", "valid_till"), "valid_till"),
        ("c.csv", CSV.replace("party_id", "party"), "party_id"),
        ("c.csv", CSV.replace(";recoup", ""), "order"),
        ("c.csv", CSV.replace(",albums,", ","), None),
        ("c.xlsx", CSV, None),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str, text: str, field: str | None) -> None:
    """Nothing in it, unknown keys, missing columns, other types, other endings."""
    with pytest.raises(InputError) as caught:
        read_contracts(written(tmp_path, name, text))
    assert caught.value.field == field
    assert caught.value.file


def test_a_contract_made_in_a_program_is_checked_too() -> None:
    """A bool is no number, and a negative advance none either."""
    with pytest.raises(InputError, match="True is out of range"):
        check_contract(replace(PLAIN, advance_micros=True))
    with pytest.raises(InputError, match="-1 is out of range"):
        check_contract(replace(PLAIN, advance_micros=-1))
    assert check_contract(PLAIN).order == ORDER


def test_the_version_of_the_day_answers() -> None:
    """From its first day to its last, the latest version holds; a version that ended lets none of the older ones back in."""
    first = replace(PLAIN, valid_from="2026-01-01")
    second = replace(PLAIN, valid_from="2026-06-01", valid_to="2026-06-30", recoup_ppb=1)
    contracts = [second, first]

    assert in_force(contracts, "2025-12-31") == ()
    assert in_force(contracts, "2026-01-01") == in_force(contracts, "2026-05-31") == (first,)
    assert in_force(contracts, "2026-06-01") == in_force(contracts, "2026-06-30") == (second,)
    assert in_force(contracts, "2026-07-01") == ()


def test_contracts_are_recorded_once_and_found_by_day(store: Store) -> None:
    """Recording again changes nothing; new versions add to the book."""
    later = replace(DEBUT, valid_from="2026-07-01", advance_micros=6_000_000_000)

    assert store.write(lambda conn: record_contracts(conn, [PLAIN, DEBUT], AT)) == (DEBUT, PLAIN)
    assert store.write(lambda conn: record_contracts(conn, [DEBUT, later], AT)) == (later,)

    with store.reading() as conn:
        assert all_contracts(conn) == (DEBUT, later, PLAIN)
        assert contracts_on(conn, "2026-06-30") == (DEBUT, PLAIN)
        assert contracts_on(conn, "2026-07-01") == (later, PLAIN)
        assert check_contracts(conn) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"recoup_ppb": 1}, "valid_from"),
        ({"recoup_ppb": 1, "valid_from": "2025-01-01"}, "valid_from"),
        ({"party_id": "party:cyd", "valid_from": "2026-07-01"}, "party_id"),
        ({"currency": "USD", "valid_from": "2026-07-01"}, "currency"),
        ({"advance_micros": 1, "valid_from": "2026-07-01"}, "advance"),
        ({"contract_id": "other"}, "works"),
        ({"contract_id": "other", "works": (WorkId("work:b"),), "valid_from": "2027-01-01"}, "works"),
    ],
)
def test_what_contradicts_the_book_is_refused(sqlite_store: Store, change: dict[str, object], field: str) -> None:
    """Other terms for the same days, a changed party, a smaller advance, two contracts for one work: nothing is recorded."""
    sqlite_store.write(lambda conn: record_contracts(conn, [DEBUT], AT))
    wrong = replace(DEBUT, **change)  # type: ignore[arg-type]

    with pytest.raises(ConflictError) as caught:
        sqlite_store.write(lambda conn: record_contracts(conn, [PLAIN, wrong], AT))

    assert caught.value.field == field
    with sqlite_store.reading() as conn:
        assert all_contracts(conn) == (DEBUT,)


def test_contracts_for_different_works_days_or_currencies_go_together(sqlite_store: Store) -> None:
    """A contract for all other works stands beside one for a work; an ended one makes room."""
    rest = replace(DEBUT, contract_id="rest", works=())
    dollars = replace(DEBUT, contract_id="dollars", currency="USD")
    after = replace(DEBUT, contract_id="after", valid_from="2029-01-01", valid_to="")

    assert len(sqlite_store.write(lambda conn: record_contracts(conn, [DEBUT, rest, dollars, after], AT))) == 4


def test_rows_cannot_be_changed_and_a_forged_one_is_found(sqlite_store: Store) -> None:
    """The database refuses; whoever takes the guard away leaves a digest that no longer fits."""
    sqlite_store.write(lambda conn: record_contracts(conn, [DEBUT], AT))
    change = sa.update(table).values(advance_micros=1)

    with pytest.raises(sa.exc.IntegrityError, match="append-only"):
        sqlite_store.write(lambda conn: conn.execute(change))
    with sqlite_store.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER contracts_no_update")
        conn.execute(change)
    with sqlite_store.reading() as conn:
        assert [finding.where for finding in check_contracts(conn)] == [
            "database table contracts, row contract_id=debut, valid_from=2026-01-01"
        ]


def test_advances_are_booked_once(store: Store) -> None:
    """The first version's advance and the later difference; posting all again changes nothing."""
    later = replace(DEBUT, valid_from="2026-07-01", advance_micros=6_000_000_000)
    first, second = advance_entries([later, DEBUT, PLAIN])

    assert first.postings == (
        Posting("Assets:Advance:party:ada:debut", 5_000_000_000, "EUR"),
        Posting("Liabilities:Payable:party:ada", -5_000_000_000, "EUR"),
    )
    for _ in range(2):
        store.write(lambda conn: [post(conn, entry) for entry in (first, second)])
    with store.reading() as conn:
        assert balances(conn, "Assets:Advance") == {("Assets:Advance:party:ada:debut", "EUR"): 6_000_000_000}


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_recording_again_after_a_failed_commit_counts_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Whoever cannot know whether it was written records again."""
    dialect = store.engine.dialect
    real: Callable[[object], None] = dialect.do_commit
    failures = iter([True])

    def commit(connection: object) -> None:
        failing = next(failures, False)
        if kept or not failing:
            real(connection)
        if failing:
            raise dialect.loaded_dbapi.OperationalError("the connection was lost")

    monkeypatch.setattr(dialect, "do_commit", commit)
    with pytest.raises(MachineError):
        store.write(lambda conn: record_contracts(conn, [DEBUT], AT))

    new = store.write(lambda conn: record_contracts(conn, [DEBUT], AT))

    assert new == (() if kept else (DEBUT,))
    with store.reading() as conn:
        assert all_contracts(conn) == (DEBUT,)

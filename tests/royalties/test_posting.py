"""A close is booked as one entry that balances in every currency and owes everybody exactly what was allocated."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given

from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import JournalEntry, balances, check_books, entries, make_entry, post
from endcredits.money import PPB
from endcredits.royalties.accounts import disputed_account, payable_account, suspense_account
from endcredits.royalties.close import Closed
from endcredits.royalties.contract_records import Contract
from endcredits.royalties.corrections import correct, post_correction
from endcredits.royalties.levies import levies_of
from endcredits.royalties.line_sums import Earning, earnings, line_sums, lines_of
from endcredits.royalties.lines import LINES, lines_schema, write_lines
from endcredits.royalties.posting import close_entry, settle_entry
from endcredits.royalties.records import LevyDue, Line, PeriodClose
from endcredits.royalties.rules import Levy, Part, Policy, PoolRule
from endcredits.royalties.settling import Hold, settle
from endcredits.royalties.standing import StandingBalances, standing_balances
from endcredits.store import Store

from .makers import HALF, Given, Income, Song, event, givens, november, output, song

ADA = PartyId("ada")


def booked(closed: Closed, **how: object) -> JournalEntry:
    """The entry of a close that earned something."""
    entry = close_entry(closed.close, line_sums(closed.lines), **how)  # type: ignore[arg-type]
    assert entry is not None
    return entry


def amounts(entry: JournalEntry, currency: str = "EUR") -> dict[str, int]:
    return {posting.account: posting.amount_micros for posting in entry.postings if posting.currency == currency}


def as_batches(lines: tuple[Line, ...]) -> list[pa.RecordBatch]:
    """Lines as the Arrow table holds them, in small batches."""
    rows = [
        {
            name: getattr(line, name) or "" if name == "party_id" else getattr(line, name)
            for name in lines_schema(LINES).names
        }
        for line in lines
    ]
    return pa.Table.from_pylist(rows, lines_schema(LINES)).to_batches(max_chunksize=2)


def test_an_ordinary_period_is_booked_by_hand() -> None:
    """Half of 15.000001 euros: to the payees, to the stranger's suspense and to the commons, dated on the last day."""
    closed = november().close()

    entry = booked(closed)

    owed = Counter[str]()
    for line in closed.lines:
        if closed.close.pools[line.pool].currency == "EUR":
            account = payable_account(line.party_id) if line.party_id else suspense_account(line.work_id)
            owed[account] -= line.amount_micros
    (total,) = [one for one in closed.close.totals if one.currency == "EUR"]
    assert (entry.idempotency_key, entry.date) == ("close:2026-11", "2026-11-30")
    assert amounts(entry)["Assets:Receivable:Revenue"] == 15_000_001
    assert amounts(entry)["Income:Operator"] == -total.operator_micros
    assert owed["Liabilities:Suspense:w3"] < 0
    assert owed.items() <= amounts(entry).items()
    assert set(amounts(entry, "USD")) >= {"Assets:Receivable:Revenue", "Income:Operator", "Liabilities:Payable:ada"}


def test_taxes_levies_breakage_disputes_and_suspense_have_their_accounts() -> None:
    """A user-centric pool of 60 %: a payer who used nothing is breakage, and a fund gets a tenth of the pool on top."""
    works = (song("free"), song("mine", ada=PPB), Song("fought", {("train", "WORLD"): {"bob": PPB}}, state="disputed"))
    rule = PoolRule("subs", "net", 600_000_000, spread="uses", by=("payer",), parts=(Part("works", 900_000_000),))
    closed = Given(
        songs=works,
        outputs=(output("o", 10, free=2, mine=4, fought=2),),
        events=(event("e", "o", 0, payer="a"),),
        revenue=(
            Income("r1", 110_000_000, payer="a", tax_micros=10_000_000),
            Income("r2", 20_000_000, payer="idle"),
        ),
        policy=Policy("p", (rule,), (Levy("pension", 100_000_000, "fund"),)),
    ).close()

    entry = booked(closed)

    # Net 100 and 20; pools 60 and 12, which is breakage. Of 60 a tenth is left over; 54 go 2:4:2, and 2 of 10 to nobody.
    assert amounts(entry) == {
        "Assets:Receivable:Revenue": 130_000_000,
        "Liabilities:Tax": -10_000_000,
        "Liabilities:Breakage": -12_000_000,
        "Liabilities:Payable:fund": -7_200_000,
        "Income:Operator": -(130_000_000 - 10_000_000 - 72_000_000 - 7_200_000),
        payable_account(ADA): -21_600_000,
        suspense_account(WorkId("free")): -10_800_000,
        disputed_account(WorkId("fought")): -10_800_000,
        "Liabilities:Commons": -(6_000_000 + 10_800_000),
    }
    assert list(levies_of(closed.close)) == [LevyDue("pension", "fund", "EUR", 100_000_000, 72_000_000, 7_200_000)]


def test_conversion_balances_in_both_currencies_and_books_what_cutting_off_left() -> None:
    """Two pools of 5 micro-yen at 1/3 are 1 and 1 where their sum of 10 is 3: one micro of rounding."""
    policy = Policy("p", (PoolRule("all", share_ppb=PPB, by=("service",)),), settle_in="EUR")
    closed = Given(
        songs=(song("w", ada=PPB),),
        outputs=(output("o", 1, w=1),),
        events=(event("e1", "o", 5, currency="JPY"), event("e2", "o", 5, currency="JPY", service="radio")),
        rates=(("JPY", "EUR", 1, 3),),
        policy=policy,
    ).close()

    entry = booked(closed)

    assert amounts(entry, "JPY") == {"Assets:Receivable:Revenue": 10, "Equity:Conversion": -10}
    assert amounts(entry) == {"Equity:Conversion": 3, "Equity:FxRounding": -1, "Liabilities:Payable:ada": -2}


@given(givens())
def test_every_entry_balances_and_owes_what_was_allocated(inputs: Given) -> None:
    """Per currency the postings sum to zero, and per account of a payee to the lines; batches give the same sums."""
    closed = inputs.close()
    sums = line_sums(closed.lines)

    entry = close_entry(closed.close, sums)

    assert line_sums(as_batches(closed.lines)) == sums
    assert earnings(closed.close, as_batches(closed.lines), []) == earnings(closed.close, closed.lines, [])
    if entry is None:
        assert not closed.lines
        return
    balance: Counter[str] = Counter()
    owed: Counter[tuple[str, str]] = Counter()
    for posting in entry.postings:
        balance[posting.currency] += posting.amount_micros
        if posting.account.startswith(("Liabilities:Payable:", "Liabilities:Suspense:", "Liabilities:Disputed:")):
            owed[posting.account, posting.currency] -= posting.amount_micros
    for levy in levies_of(closed.close):
        owed[payable_account(PartyId(levy.party_id)), levy.currency] -= levy.amount_micros
    for line in closed.lines:
        prefix = {"payable": payable_account, "suspense": suspense_account, "disputed": disputed_account}[line.state]
        whose = line.party_id if line.state == "payable" else line.work_id
        owed[prefix(whose), closed.close.pools[line.pool].currency] -= line.amount_micros  # type: ignore[operator]
    assert set(balance.values()) == {0}
    assert set(owed.values()) <= {0}


@given(givens())
def test_one_changed_unit_anywhere_is_not_booked(inputs: Given) -> None:
    """Whatever line, total or pool is off by one micro, the close is refused."""
    closed = inputs.close()
    sums = line_sums(closed.lines)
    for key in sums:
        with pytest.raises(IntegrityError):
            close_entry(closed.close, {**sums, key: sums[key] + 1})
    for number, total in enumerate(closed.close.totals):
        for name in ("revenue_micros", "tax_micros", "operator_micros", "pools_micros", "levies_micros"):
            wrong = replace(total, **{name: getattr(total, name) + 1})
            totals = (*closed.close.totals[:number], wrong, *closed.close.totals[number + 1 :])
            with pytest.raises(IntegrityError):
                close_entry(replace(closed.close, totals=totals), sums)
    for number, pool in enumerate(closed.close.pools):
        for name in ("source_micros", "pool_micros", "breakage_micros", "rest_micros"):
            changed = replace(pool, **{name: getattr(pool, name) + 1})
            pools = (*closed.close.pools[:number], changed, *closed.close.pools[number + 1 :])
            with pytest.raises(IntegrityError):
                close_entry(replace(closed.close, pools=pools), sums)


@pytest.mark.parametrize("key", [(9, "payable", "ada"), (0, "paid", "ada"), (0, "payable", ""), (-1, "payable", "ada")])
def test_lines_of_nobody_or_no_pool_are_refused(key: tuple[int, str, str]) -> None:
    """A line that belongs nowhere cannot be booked somewhere."""
    closed = november().close()

    with pytest.raises(IntegrityError):
        close_entry(closed.close, {**line_sums(closed.lines), key: 1})


@pytest.mark.parametrize("rate", ["", "0/1 on 2026-11-30 from tests", "1/0", "-1/2", "about 2"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    """A converted pool whose rate cannot be read cannot be checked."""
    closed = november().close()
    pools = tuple(replace(pool, currency="JPY", rate=rate) for pool in closed.close.pools)

    with pytest.raises(IntegrityError, match="is not a rate"):
        close_entry(replace(closed.close, pools=pools), line_sums(closed.lines))


def test_a_period_that_earned_nothing_needs_no_entry() -> None:
    """Double entry has no posting of zero."""
    empty = Given().close()
    unpaid = Given(outputs=(output("o", 1),), events=(event("e", "o", 0),)).close()

    for closed in (empty, unpaid):
        assert close_entry(closed.close, line_sums(closed.lines)) is None
    assert settle_entry("2026-11", [], "2026-11-30") is None


def test_partial_sums_are_added_up_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few partial sums are kept, the sums are those of single lines."""
    closed = november().close()
    # The room's function of the same name hides the module from a dotted name.
    monkeypatch.setattr(importlib.import_module("endcredits.royalties.line_sums"), "GROUPS_MAX", 1)

    assert line_sums(as_batches(closed.lines) * 5) == line_sums(closed.lines * 5)


def test_sums_are_read_from_a_closes_folder(tmp_path: Path) -> None:
    """The table on disk gives the sums of the lines in memory; a damaged one is named."""
    closed = november().close()
    write_lines(tmp_path / "lines.parquet", closed.lines)

    assert line_sums(lines_of(tmp_path)) == line_sums(closed.lines)

    (tmp_path / "lines.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(IntegrityError) as caught:
        line_sums(lines_of(tmp_path))
    assert caught.value.file == str(tmp_path / "lines.parquet")


def test_earnings_are_told_apart_by_contract_and_kind() -> None:
    """A contract for one work takes that work's money, another the rest; late usage and refunds are adjustments."""
    closed = Given(
        songs=(song("w1", ada=PPB), song("w2", ada=HALF, bob=HALF), song("w3")),
        outputs=(output("o", 4, w1=1, w2=2, w3=1),),
        events=(
            event("e1", "o", 400),
            event("e2", "o", 40, kind="late", usage_period="2026-10"),
            event("e3", "o", 800, kind="refund", usage_period="2026-10"),
        ),
        policy=Policy("net", (PoolRule("all", "net", PPB),)),
    ).close()
    of_w1 = Contract("of-w1", ADA, "EUR", "2026-01-01", works=(WorkId("w1"),))
    rest = Contract("rest", ADA, "EUR", "2026-01-01")

    def found(*contracts: Contract) -> tuple[Earning, ...]:
        both = (earnings(closed.close, closed.lines, contracts), earnings(closed.close, as_batches(closed.lines), contracts))
        assert both[0] == both[1]
        return both[0]

    bob = Earning(PartyId("bob"), "EUR", "", 100, 10 - 200)
    assert found() == (Earning(ADA, "EUR", "", 200, 20 - 400), bob)
    assert found(of_w1) == (Earning(ADA, "EUR", "", 100, 10 - 200), Earning(ADA, "EUR", "of-w1", 100, 10 - 200), bob)
    assert found(of_w1, rest) == (Earning(ADA, "EUR", "of-w1", 100, -190), Earning(ADA, "EUR", "rest", 100, -190), bob)
    assert found(replace(rest, currency="USD")) == found()
    with pytest.raises(IntegrityError, match="govern the same earnings"):
        found(rest, replace(rest, contract_id="again"))


def test_close_and_settlement_leave_the_books_as_the_settlement_says(store: Store) -> None:
    """Two closes with contract, reserve and hold: balances in the ledger are the settlement's own words."""
    closed = Given(songs=(song("w", ada=PPB),), outputs=(output("o", 1, w=1),), events=(event("e", "o", 100),)).close()
    terms = Contract("c", ADA, "EUR", "2026-01-01", advance_micros=70, recoup_ppb=HALF, reserve_ppb=HALF, reserve_days=20)
    opening = make_entry("advance:c", "2026-01-01", "Advance", [*_pair("Assets:Advance:ada:c", "Assets:Bank", 70)])
    store.write(lambda conn: post(conn, opening))

    def month(last: str, period_id: str, held: Mapping[tuple[PartyId, str], Hold]) -> int:
        def work(conn: object) -> int:
            before = standing_balances(conn, last)  # type: ignore[arg-type]
            settlements = settle(earnings(closed.close, closed.lines, [terms]), [terms], before, last, held)
            for entry in (
                close_entry(replace(closed.close, period_id=period_id, ends_on=last), line_sums(closed.lines)),
                settle_entry(period_id, settlements, last),
            ):
                assert entry is not None
                post(conn, entry)  # type: ignore[arg-type]
                post(conn, entry)  # type: ignore[arg-type]
            after = standing_balances(conn)  # type: ignore[arg-type]
            assert sum(after.unrecouped.values()) == settlements[0].unrecouped_micros
            assert sum(after.reserved.values()) == settlements[0].reserved_micros
            return settlements[0].owed_micros

        return store.write(work)

    november_owed = month("2026-11-30", "2026-11", {})
    december_owed = month("2026-12-31", "2026-12", {(ADA, "EUR"): Hold("anomaly", "Ten times the median.")})

    assert (november_owed, december_owed) == (25, 0)
    with store.reading() as conn:
        assert balances(conn, "Liabilities:Payable") == {("Liabilities:Payable:ada", "EUR"): -25}
        # 100, the last 20 of 70 recouped, 40 of 80 reserved anew, and the 25 of November released.
        assert balances(conn, "Liabilities:Held") == {("Liabilities:Held:anomaly:ada", "EUR"): -65}
        assert standing_balances(conn) == StandingBalances({}, {(ADA, "EUR", "2027-01-20"): 40})
        assert check_books(conn) == []


def _pair(debit: str, credit: str, micros: int) -> list[object]:
    from endcredits.ledger import Posting

    return [Posting(debit, micros, "EUR"), Posting(credit, -micros, "EUR")]


def wrong_and_right() -> tuple[JournalEntry, JournalEntry]:
    """November as it was booked, and as it should have been: half the splits were wrong."""
    wrong = booked(november().close())
    truth = replace(november(), songs=(song("w1", bob=PPB), *november().songs[1:]))
    return wrong, booked(truth.close(), version=2, on="2026-12-05", instead_of=wrong.entry_id)


def test_a_wrong_close_is_reversed_and_posted_again(store: Store) -> None:
    """Both entries are linked to the wrong one, the balances are those of the right one alone, and once is enough."""
    wrong, right = wrong_and_right()
    correction = correct(wrong, right, "2026-12-05", "the splits of w1 were registered too late")
    store.write(lambda conn: post(conn, wrong))

    for _ in range(2):
        store.write(lambda conn: post_correction(conn, correction))

    with store.reading() as conn:
        assert entries(conn) == [wrong, correction.reversal, right]
        assert balances(conn, "", "2026-12-31") == {
            (posting.account, posting.currency): posting.amount_micros for posting in right.postings
        }
        assert check_books(conn) == []
    assert correction.reversal.reverses == wrong.entry_id
    assert wrong.entry_id in right.narrative
    assert right.idempotency_key == "close.2:2026-11"
    assert "registered too late" in correction.reversal.narrative


def test_a_close_and_its_settlement_are_undone_together(sqlite_store: Store) -> None:
    """After both reversals advances and reserves stand as they did before the period."""
    closed = Given(songs=(song("w", ada=PPB),), outputs=(output("o", 1, w=1),), events=(event("e", "o", 100),)).close()
    terms = Contract("c", ADA, "EUR", "2026-01-01", advance_micros=70, recoup_ppb=HALF, reserve_ppb=HALF, reserve_days=20)
    opening = make_entry("advance:c", "2026-01-01", "Advance", [*_pair("Assets:Advance:ada:c", "Assets:Bank", 70)])
    sqlite_store.write(lambda conn: post(conn, opening))
    with sqlite_store.reading() as conn:
        before, books = standing_balances(conn), balances(conn)
    settled = settle_entry(
        "2026-11", settle(earnings(closed.close, closed.lines, [terms]), [terms], before, "2026-11-30"), "2026-11-30"
    )
    assert settled is not None
    for entry in (booked(closed), settled):
        sqlite_store.write(lambda conn, entry=entry: post(conn, entry))  # type: ignore[misc]
    with sqlite_store.reading() as conn:
        assert standing_balances(conn) != before

    for entry in (settled, booked(closed)):
        undone = correct(entry, None, "2026-12-05", "closed with the wrong splits")
        sqlite_store.write(lambda conn, undone=undone: post_correction(conn, undone))  # type: ignore[misc]

    with sqlite_store.reading() as conn:
        assert standing_balances(conn) == before
        assert balances(conn) == books


def test_a_correction_may_undo_only(sqlite_store: Store) -> None:
    """What should never have been booked is undone; undoing it twice in two ways is a conflict."""
    wrong, right = wrong_and_right()
    sqlite_store.write(lambda conn: post(conn, wrong))
    sqlite_store.write(lambda conn: post_correction(conn, correct(wrong, None, "2026-12-05", "a test close")))

    with sqlite_store.reading() as conn:
        assert balances(conn) == {}
    with pytest.raises(ConflictError):
        sqlite_store.write(lambda conn: post_correction(conn, correct(wrong, right, "2026-12-05", "otherwise")))
    with sqlite_store.reading() as conn:
        assert len(entries(conn)) == 2


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"version": 2, "on": "2026-12-06"}, "date"),
        ({"version": 1, "on": "2026-12-05"}, "idempotency_key"),
        ({"version": 2, "on": "2026-12-05", "instead_of": "entry:another"}, "idempotency_key"),
    ],
)
def test_a_correction_that_is_not_linked_is_refused(how: dict[str, object], field: str) -> None:
    """Another day, the same key, or no word of the entry that it replaces."""
    wrong, _ = wrong_and_right()
    truth = replace(november(), songs=(song("w1", bob=PPB), *november().songs[1:])).close()

    with pytest.raises(InputError) as caught:
        correct(wrong, booked(truth, **{"instead_of": wrong.entry_id, **how}), "2026-12-05", "splits")
    assert caught.value.field == field


def test_a_correction_that_changes_nothing_or_comes_too_early_is_refused() -> None:
    """The same postings, a day before the mistake, a reason without end."""
    wrong, right = wrong_and_right()
    same = booked(november().close(), version=2, on="2026-12-05", instead_of=wrong.entry_id)

    for entry, on, why in ((same, "2026-12-05", "x"), (None, "2026-11-29", "x"), (right, "2026-12-05", "x" * 301)):
        with pytest.raises(InputError):
            correct(wrong, entry, on, why)


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_a_correction_whose_commit_failed_is_posted_once(store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Whoever cannot know whether it was written posts again."""
    wrong, right = wrong_and_right()
    correction = correct(wrong, right, "2026-12-05", "splits")
    store.write(lambda conn: post(conn, wrong))
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
        store.write(lambda conn: post_correction(conn, correction))
    with store.reading() as conn:
        assert len(entries(conn)) == (3 if kept else 1)

    store.write(lambda conn: post_correction(conn, correction))
    with store.reading() as conn:
        assert entries(conn) == [wrong, correction.reversal, right]


def test_the_policy_is_named(tmp_path: Path) -> None:
    """The narrative says which rules were applied."""
    close: PeriodClose = november().close().close

    assert close.policy.name in booked(november().close()).narrative

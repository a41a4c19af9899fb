"""A closed period corrected to other rules: undone and booked anew, once, whatever fails; the next statements show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError, NotFoundError
from endcredits.flows import agreements, correcting, disputing, holding, periods, reporting
from endcredits.flows.attributing import all_attributions
from endcredits.flows.checking import check_studio
from endcredits.flows.comparing import earned_by_payee
from endcredits.flows.studio import Studio, open_studio
from endcredits.flows.versions import standing_version, versions
from endcredits.ids import WorkId
from endcredits.ledger import Posting, balances, entries, find, make_entry, post
from endcredits.payouts import statements_for_period
from endcredits.receipts import load_receipt, receipt_path
from endcredits.royalties import (
    COMMONS_ACCOUNT,
    FIFTY_FIFTY,
    Policy,
    disputed_account,
    shipped_policy,
    steps_of,
    suspense_account,
)
from endcredits.store import Store
from endcredits.works import party_id_of
from tests.story import house as h
from tests.story.house import House

MARCH = "2025-03"


def sharing(percent: int) -> Policy:
    """The usual policy with another part for the works."""
    (rule,) = FIFTY_FIFTY.pools
    return replace(FIFTY_FIFTY, name=f"share-{percent}", pools=(replace(rule, share_ppb=percent * 10_000_000),))


RIGHT = sharing(60)
WORDS: dict[str, Any] = {"reason": "the operator's part is 40 percent", "by": "ada"}


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed months."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def march(studio: Studio) -> None:
    """A month that follows, small."""
    events = h.february(all_attributions(studio))
    moved = [replace(one, event_id=f"mar-{n}", used_at=one.used_at.replace("-02-", "-03-")) for n, one in enumerate(events)]
    reporting.report(studio, moved)
    periods.close(studio, MARCH)


def owed(studio: Studio) -> dict[tuple[str, str], int]:
    with studio.store.reading() as conn:
        return {key: micros for key, micros in balances(conn, "Liabilities:Payable:").items() if micros}


def test_balances_are_those_of_the_right_rules_alone(studio: Studio) -> None:
    """Slow twin: the difference of every account is the difference of the two closes, and the receipt says the same."""
    before = owed(studio)
    with studio.store.reading() as conn:
        old = standing_version(studio, conn, h.JANUARY)
        wrong = find(conn, f"close:{h.JANUARY}")
    done = correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)

    with studio.store.reading() as conn:
        new = standing_version(studio, conn, h.JANUARY)
        right, undone = find(conn, f"close.2:{h.JANUARY}"), find(conn, f"reverse:close:{h.JANUARY}")
    assert (old.number, new.number, done.version, done.was_done) == (1, 2, 2, False)
    assert wrong and right and undone and undone.reverses == wrong.entry_id and wrong.entry_id in right.narrative
    assert set(done.entry_ids) == {right.entry_id, undone.entry_id}
    was, now_is = earned_by_payee(old.close, old.folder), earned_by_payee(new.close, new.folder)
    for (party, currency), micros in was.items():
        if not party.startswith("~"):
            account = (f"Liabilities:Payable:{party}", currency)
            assert owed(studio)[account] - before[account] == micros - now_is[party, currency]
            assert now_is[party, currency] > micros
    assert sum(one.other_micros - one.micros for one in done.differences if one.currency == "EUR") == 0
    receipt = load_receipt(receipt_path(studio.receipts, done.receipt_id))
    assert (receipt.type, receipt.body["version"], receipt.body["close_digest"]) == (
        "period.correction", 2, done.close_digest
    )  # fmt: skip
    assert check_studio(studio) == []


def test_the_next_statement_shows_the_difference(studio: Studio) -> None:
    """It opens with what the one before closed with; what was undone and booked anew stands beside the payments."""
    done = correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    march(studio)
    gained = {(one.party_id, one.currency): one.other_micros - one.micros for one in done.differences}
    with studio.store.reading() as conn:
        february = {(one.party_id, one.currency): one for one in statements_for_period(conn, h.FEBRUARY)}
        following = {(one.party_id, one.currency): one for one in statements_for_period(conn, MARCH)}
    assert any(key in gained for key in following)
    for key, statement in following.items():
        assert statement.summary.opening_micros == february[key].summary.closing_micros
        corrected = [one for one in statement.payments if one.rail.startswith("correction")]
        assert -sum(one.amount_micros for one in corrected) == gained.get(key, 0)
        assert all(h.JANUARY in one.reference for one in corrected)
    assert check_studio(studio) == []


def test_the_same_again_changes_nothing_and_a_second_correction_follows_the_first(studio: Studio) -> None:
    first = correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    rows = h.dump(studio)
    again = correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    assert again == replace(first, was_done=True) and h.dump(studio) == rows

    back = correcting.correct(studio, h.JANUARY, FIFTY_FIFTY, reason="it was right at first", by="bob")
    with studio.store.reading() as conn:
        found = list(versions(studio, conn, h.JANUARY))
        assert [one.number for one in found] == [1, 2, 3]
        assert found[2].close == found[0].close
        assert [one.step for one in steps_of(conn, h.JANUARY)][-2:] == ["corrected", "corrected"]
        third = find(conn, f"close.3:{h.JANUARY}")
        assert third is not None and set(back.entry_ids) > {third.entry_id}
    assert check_studio(studio) == []


def test_a_dry_run_shows_the_same_and_keeps_nothing(studio: Studio) -> None:
    rows, kept = h.dump(studio), h.files(studio.path)
    shown = correcting.correct(studio, h.JANUARY, RIGHT, dry_run=True, **WORDS)
    assert (h.dump(studio), h.files(studio.path)) == (rows, kept)
    done = correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    assert (shown.differences, shown.close_digest, shown.version) == (done.differences, done.close_digest, done.version)


def test_what_cannot_be_corrected_is_refused(studio: Studio) -> None:
    rows = h.dump(studio)
    with pytest.raises(NotFoundError, match="is not closed"):
        correcting.correct(studio, "2031-01", RIGHT, **WORDS)
    with pytest.raises(InputError, match="divided the same"):
        correcting.correct(studio, h.JANUARY, replace(FIFTY_FIFTY, name="another-name"), **WORDS)
    with pytest.raises(InputError, match="cannot stand on record"):
        correcting.correct(studio, h.JANUARY, RIGHT, reason="two\nlines", by="ada")
    careful = replace(RIGHT, four_eyes=True)
    for other in ("", "ada", " Ada", "ada\u200b", "a\u00adda", "\u2060"):
        with pytest.raises(ConflictError, match="four eyes"):
            correcting.correct(studio, h.JANUARY, careful, approved_by=other, **WORDS)
    assert correcting.correct(studio, h.JANUARY, careful, dry_run=True, **WORDS).version == 2  # looking needs nobody else
    assert h.dump(studio) == rows
    assert correcting.correct(studio, h.JANUARY, careful, approved_by="bob", **WORDS).version == 2


def fail_at_commit(monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    """The next transaction fails: before it counts, or after it counts and without a word of that."""
    real = Store.write

    def write(self: Store, work: Callable[[sa.Connection], Any]) -> Any:
        monkeypatch.setattr(Store, "write", real)

        def lost(conn: sa.Connection) -> Any:
            work(conn)
            raise MachineError("the disk is full")

        if kept:
            real(self, work)
            raise MachineError("the connection broke")
        return real(self, lost)

    monkeypatch.setattr(Store, "write", write)


@pytest.mark.parametrize("kept", [False, True])
def test_a_failed_transaction_is_made_good_by_the_same_command(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Lost, or kept but reported lost: the same command leaves the period corrected once, with its receipt."""
    fail_at_commit(monkeypatch, kept=kept)
    with pytest.raises(MachineError):
        correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    findings = check_studio(studio)
    if kept:
        assert [one.where for one in findings] == [f"receipt correction:{h.JANUARY}:2"]
    else:
        assert findings == []
    done = correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    assert (done.version, done.was_done) == (2, kept)
    with studio.store.reading() as conn:
        keys = [one.idempotency_key for one in entries(conn)]
    assert keys.count(f"reverse:close:{h.JANUARY}") == keys.count(f"close.2:{h.JANUARY}") == 1
    assert check_studio(studio) == []


@pytest.mark.parametrize("kept", [False, True])
def test_a_failed_file_is_made_good_by_the_same_command(studio: Studio, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Files come before the transaction: what a full disk left is written again, and nothing was posted."""
    real = durable.write_atomic

    def write(path: Any, data: bytes, **options: Any) -> None:
        if Path(path).name != "close.json":
            return real(path, data, **options)
        monkeypatch.setattr(durable, "write_atomic", real)
        if kept:
            real(path, data, **options)
        raise MachineError("the disk is full")

    monkeypatch.setattr(durable, "write_atomic", write)
    rows = h.dump(studio)
    with pytest.raises(MachineError):
        correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    assert h.dump(studio) == rows
    assert not correcting.correct(studio, h.JANUARY, RIGHT, **WORDS).was_done
    assert check_studio(studio) == []


def test_another_correction_that_came_first_is_not_overwritten(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two correct at once, differently: the second is told, and nothing of it is booked."""
    real = correcting._written

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(correcting, "_written", real)
        correcting.correct(studio, h.JANUARY, sharing(70), reason="thirty", by="bob")
        return real(*args)

    monkeypatch.setattr(correcting, "_written", meanwhile)
    with pytest.raises(ConflictError, match="by somebody else meanwhile"):
        correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    with studio.store.reading() as conn:
        assert standing_version(studio, conn, h.JANUARY).close.policy == sharing(70)
    assert check_studio(studio) == []


@pytest.mark.parametrize("name", ["close.json", "lines.parquet", "work_lines.parquet"])
def test_every_changed_file_of_a_correction_is_found(studio: Studio, name: str) -> None:
    correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    (file,) = (studio.path / "periods" / h.JANUARY).glob(f"correct-2-*/{name}")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert check_studio(studio) != []
    file.unlink()
    assert any(name in f"{one.where} {one.problem}" for one in check_studio(studio))
    file.write_bytes(data)
    assert check_studio(studio) == []


def test_a_correction_that_no_step_names_is_found(studio: Studio) -> None:
    """Entries alone are not believed."""
    correcting.correct(studio, h.JANUARY, RIGHT, **WORDS)
    with studio.store.engine.begin() as conn:
        for trigger in conn.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            conn.execute(sa.text(f'DROP TRIGGER "{trigger}"'))
        conn.execute(sa.text("DELETE FROM close_steps WHERE step = 'corrected'"))
    problems = [one.problem for one in check_studio(studio)]
    assert f"the entry close.2:{h.JANUARY} is booked, and no step says who corrected what" in problems


def test_other_ways_to_pool_can_be_the_right_ones(studio: Studio) -> None:
    """Not only the operator's part: whole other policies."""
    other: Policy = shipped_policy("pro-rata")
    done = correcting.correct(studio, h.FEBRUARY, other, **WORDS)
    assert done.differences and check_studio(studio) == []
    with pytest.raises(IntegrityError):
        (studio.path / "periods" / h.FEBRUARY / "close-1" / "frozen" / "events.parquet").write_bytes(b"")
        correcting.correct(studio, h.FEBRUARY, FIFTY_FIFTY, **WORDS)


def test_what_later_closes_built_upon_is_not_undone(studio: Studio, tmp_path: Path) -> None:
    """April recouped the rest of an advance, so March cannot recoup more of it; nothing is posted."""
    with studio.store.reading() as conn:
        issued = statements_for_period(conn, h.FEBRUARY)
    cleo = next(one for one in issued if one.party_id == party_id_of(h.CLEO) and one.currency == "EUR")
    terms = tmp_path / "terms.csv"
    terms.write_text(
        "contract_id,party_id,currency,valid_from,advance_micros,recoup\n"
        f"tides,{cleo.party_id},EUR,2025-03-01,{cleo.summary.earned_micros * 3 // 4},50%\n"
    )
    agreements.add_contracts(studio, terms)
    march(studio)
    events = h.february(all_attributions(studio))
    moved = [replace(one, event_id=f"apr-{n}", used_at=one.used_at.replace("-02-", "-04-")) for n, one in enumerate(events)]
    reporting.report(studio, moved)
    periods.close(studio, "2025-04")
    rows = h.dump(studio)
    with pytest.raises(ConflictError, match="a later close has recouped or released"):
        correcting.correct(studio, MARCH, sharing(90), **WORDS)
    assert h.dump(studio) == rows
    # Where the advance is recouped by less than April left, both entries are undone and booked anew.
    done = correcting.correct(studio, MARCH, sharing(40), **WORDS)
    assert len(done.entry_ids) == 4 and check_studio(studio) == []


def refused_as_released(studio: Studio, period_id: str, policy: Policy, account: str) -> None:
    """Dry or not, it names account and sum, and posts nothing."""
    rows = h.dump(studio)
    for dry_run in (True, False):
        with pytest.raises(ConflictError, match=f"what waited on {account} was released since, and this would take .* EUR"):
            correcting.correct(studio, period_id, policy, dry_run=dry_run, **WORDS)
    assert h.dump(studio) == rows


def test_suspense_that_was_released_is_not_taken_back(studio: Studio) -> None:
    """The payee keeps what was released, so less for the work would be nobody's; more waits like any other."""
    account = suspense_account(WorkId(h.RHYME))
    assert correcting.correct(studio, h.FEBRUARY, sharing(10), dry_run=True, **WORDS).version == 2
    holding.release(studio, account, [(h.ADA, 1_000_000_000)], why="she was found")
    refused_as_released(studio, h.FEBRUARY, sharing(10), account)

    correcting.correct(studio, h.FEBRUARY, sharing(90), **WORDS)
    with studio.store.reading() as conn:
        assert balances(conn, account)[account, "EUR"] < 0, "the rest waits"
    # The right rules were wrong, too: what came with them still stands and can be undone, and nothing beyond it.
    refused_as_released(studio, h.FEBRUARY, sharing(10), account)
    correcting.correct(studio, h.FEBRUARY, FIFTY_FIFTY, **WORDS)
    assert check_studio(studio) == []


def test_disputed_money_that_was_released_is_not_taken_back(studio: Studio) -> None:
    dispute = disputing.open_for(studio, h.TIDE, h.DORA, "I wrote the half of it.")
    march(studio)
    account = disputed_account(WorkId(h.TIDE))
    correcting.correct(studio, MARCH, sharing(40), **WORDS)
    disputing.end(studio, dispute.dispute_id, "upheld", "She is right.", to=[(h.DORA, 1_000_000_000)])
    refused_as_released(studio, MARCH, sharing(10), account)
    assert check_studio(studio) == []


def test_a_debit_of_another_cause_is_lessened_and_never_raised(studio: Studio) -> None:
    """Somebody took more than was there: a correction that gives the work more may go, one that takes more may not."""
    account = suspense_account(WorkId(h.RHYME))
    with studio.store.reading() as conn:
        held = -balances(conn, account)[account, "EUR"]
    postings = [Posting(account, 9 * held, "EUR"), Posting(COMMONS_ACCOUNT, -9 * held, "EUR")]
    studio.store.write(
        lambda conn: post(conn, make_entry("wrong", "2025-03-01", "by hand", postings), "2025-03-01T00:00:00Z")
    )
    refused_as_released(studio, h.FEBRUARY, sharing(10), account)
    assert correcting.correct(studio, h.FEBRUARY, sharing(90), **WORDS).version == 2

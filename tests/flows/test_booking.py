"""What a close books and what its statements open with: made again later, they are the same to the byte."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from math import sqrt

import pytest
from sqlalchemy.engine import Connection

from endcredits.flows import booking, closing, periods, reporting
from endcredits.flows.books import account_balances, record_payment
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import JournalEntry, post
from endcredits.money import PPB
from endcredits.payouts import Statement
from endcredits.royalties import (
    FIFTY_FIFTY,
    Contract,
    Levy,
    Part,
    held_account,
    read_frozen,
    record_contracts,
    release,
    steps_of,
)
from endcredits.royalties.frozen_rows import read_rows
from tests.story import house as h

from .used import BEN, CLEO, FEBRUARY, JANUARY, MARCH, studio, used

__all__ = ["studio"]

DECLARED = replace(
    FIFTY_FIFTY,
    name="declared",
    pools=(replace(FIFTY_FIFTY.pools[0], share_ppb=PPB, parts=(Part("cleared", by="declared"),)),),
)


def tide(studio: Studio, name: str, day: str, euros: int, **more: object) -> None:
    """A use of the tide tables, all of whose money is Cleo's."""
    reporting.report(studio, [used(studio, name, h.TIDE, day, euros, declared=[h.TIDE], **more)])


def of_cleo(statements: tuple[Statement, ...]) -> Statement:
    (found,) = (one for one in statements if one.party_id == CLEO)
    return found


def test_a_close_that_books_nothing_has_its_place_in_the_books(studio: Studio) -> None:
    """February earns nothing: what was paid before it stands in its statement and not again in March's, and what is paid
    after it changes nothing of it.
    """
    tide(studio, "jan", "2025-01-05", 100)
    first = of_cleo(periods.close(studio, JANUARY, policy=DECLARED).statements)
    record_payment(studio, h.CLEO, 60_000_000, "EUR", key="bank:1", date="2025-02-20")
    tide(studio, "feb", "2025-02-05", 0)
    closed = periods.close(studio, FEBRUARY, policy=DECLARED)
    second = of_cleo(closed.statements)
    record_payment(studio, h.CLEO, 15_000_000, "EUR", key="bank:2", date="2025-03-20")

    assert closed.entry_id == ""
    assert check_studio(studio) == [], "February's statements are made again as of February"
    tide(studio, "mar", "2025-03-05", 7)
    third = of_cleo(periods.close(studio, MARCH, policy=DECLARED).statements)

    sums = [
        (one.opening_micros, one.paid_micros, one.closing_micros) for one in (first.summary, second.summary, third.summary)
    ]
    assert sums == [(0, 0, 100_000_000), (100_000_000, 60_000_000, 40_000_000), (40_000_000, 15_000_000, 32_000_000)]
    assert [(one.rail, one.reference) for one in (*second.payments, *third.payments)] == [
        ("booked by hand", "bank:1"),
        ("booked by hand", "bank:2"),
    ]
    assert [one.prior_id for one in (first, second, third)] == ["", first.statement_id, second.statement_id]
    assert check_studio(studio) == []


def test_a_guarantee_without_any_earnings(studio: Studio) -> None:
    """Only the settlement is booked; it, too, is the same when made again after more was paid."""
    terms = Contract("floor", CLEO, "EUR", "2025-01-01", guarantee_micros=30_000_000)
    studio.store.write(lambda conn: record_contracts(conn, [terms], "2025-01-01T00:00:00Z"))
    tide(studio, "jan", "2025-01-05", 0)

    statement = of_cleo(periods.close(studio, JANUARY, policy=DECLARED).statements)
    record_payment(studio, h.CLEO, 30_000_000, "EUR", key="bank:1", date="2025-02-20")

    assert (statement.summary.guaranteed_micros, statement.summary.closing_micros) == (30_000_000, 30_000_000)
    assert account_balances(studio)["Expenses:Guarantee", "EUR"] == 30_000_000
    assert check_studio(studio) == []


CAREFUL = replace(DECLARED, name="careful", holds_anomalies=True)


@pytest.fixture
def usual(studio: Studio) -> Studio:
    """Three months that brought Cleo 5 EUR each."""
    for month in (JANUARY, FEBRUARY, MARCH):
        tide(studio, month, f"{month}-05", 5)
        assert of_cleo(periods.close(studio, month, policy=CAREFUL).statements).summary.held_micros == 0
    return studio


def test_an_anomaly_is_held_and_released(usual: Studio) -> None:
    """A hundred times the usual: it waits with its reason, until a person lets it go."""
    tide(usual, "apr", "2025-04-05", 500)
    held = of_cleo(periods.close(usual, "2025-04", policy=CAREFUL).statements)
    account = held_account("anomaly", CLEO)

    assert held.summary.earned_micros == held.summary.held_micros == 500_000_000
    assert held.summary.closing_micros == held.summary.opening_micros == 15_000_000
    (movement,) = held.movements
    assert movement.kind == "hold" and "at least 10 times" in movement.reason
    assert account_balances(usual, account) == {(account, "EUR"): -500_000_000}

    def let_go(conn: Connection) -> JournalEntry | None:
        found = release(conn, account, {CLEO: PPB}, "2025-05-02", "the song was in a film")
        return post(conn, found) if found else None

    assert usual.store.write(let_go) is not None
    assert usual.store.write(let_go) is None, "nothing is released twice"
    tide(usual, "may", "2025-05-05", 10)
    after = of_cleo(periods.close(usual, "2025-05", policy=CAREFUL).statements)

    assert after.summary.opening_micros - after.summary.paid_micros == 515_000_000
    assert (after.summary.held_micros, after.summary.closing_micros) == (0, 525_000_000)
    assert check_studio(usual) == []


def test_small_earnings_are_not_held_nor_any_where_the_policy_does_not_ask(usual: Studio) -> None:
    """Below the floor of 100 holding costs more than it saves."""
    tide(usual, "apr", "2025-04-05", 99)
    assert of_cleo(periods.close(usual, "2025-04", policy=CAREFUL).statements).summary.held_micros == 0
    tide(usual, "may", "2025-05-05", 900)
    assert of_cleo(periods.close(usual, "2025-05", policy=DECLARED).statements).summary.held_micros == 0


def test_a_fund_that_no_work_names_is_called_by_its_id(studio: Studio) -> None:
    """By a levy or a part; a policy that pays one can be closed, and its statement adds up."""
    party = Part("society", share_ppb=100_000_000, by="party", party_id="party:society")
    pool = replace(
        DECLARED.pools[0], share_ppb=500_000_000, parts=(party, replace(DECLARED.pools[0].parts[0], of_rest=True))
    )
    policy = replace(DECLARED, name="funds", pools=(pool,), levies=(Levy("pensions", 40_000_000, "party:fund"),))
    tide(studio, "jan", "2025-01-05", 100)

    found = {one.party_id: one for one in periods.close(studio, JANUARY, policy=policy).statements}

    assert {party: (one.payee, one.summary.earned_micros) for party, one in found.items()} == {
        PartyId("party:society"): ("party:society", 5_000_000),
        PartyId("party:fund"): ("party:fund", 2_000_000),
        CLEO: (h.CLEO, 45_000_000),
    }
    assert found[PartyId("party:fund")].levies[0].base_micros == 50_000_000
    assert check_studio(studio) == []


def test_terms_that_begin_later_change_no_statement(studio: Studio) -> None:
    """A version from March on leaves February's settlement as it was; its advance stands in March."""
    tide(studio, "jan", "2025-01-05", 100)
    first = Contract("c", CLEO, "EUR", "2025-01-01", reserve_ppb=100_000_000, reserve_days=10)
    studio.store.write(lambda conn: record_contracts(conn, [first], "2025-01-01T00:00:00Z"))
    january = of_cleo(periods.close(studio, JANUARY, policy=DECLARED).statements)
    later = replace(first, valid_from="2025-02-01", reserve_ppb=500_000_000)
    studio.store.write(lambda conn: record_contracts(conn, [later], "2025-02-01T00:00:00Z"))
    assert check_studio(studio) == []
    tide(studio, "feb", "2025-02-05", 100)
    february = of_cleo(periods.close(studio, FEBRUARY, policy=DECLARED).statements)

    assert (january.summary.reserved_micros, january.contract_ids) == (10_000_000, ("c",))
    assert (february.summary.reserved_micros, february.summary.released_micros) == (50_000_000, 10_000_000)
    assert check_studio(studio) == []


def test_using_an_output_again_repeats_its_error(studio: Studio) -> None:
    """The error told beside a share is that of the summed credit: uses of one output add up before they are squared."""
    salt = used(studio, "a", h.SALT, "2025-01-05")
    again = [replace(salt, event_id=f"a-{n}", uses=n) for n in range(1, 5)]
    reporting.report(
        studio, [salt, *again, used(studio, "b", h.LAMP, "2025-01-05"), used(studio, "c", h.TIDE, "2025-01-06")]
    )
    statements = periods.close(studio, JANUARY).statements
    with studio.store.reading() as conn:
        folder = closing.close_folder(studio, closing.proposed_step(steps_of(conn, JANUARY)))
    rows = read_rows(read_frozen(folder / "frozen").folder)

    uses: Counter[int] = Counter()
    for event in rows.events:
        uses[event["output"]] += event["uses"]
    credit: defaultdict[str, int] = defaultdict(int)
    variance: defaultdict[str, int] = defaultdict(int)
    for output, times in uses.items():
        for one in rows.credits_of[output]:
            name = rows.works[one["work"]]["work_id"]
            credit[name] += times * one["credit_nanonats"]
            variance[name] += (times * one["error_nanonats"]) ** 2
    lines = [line for one in statements for line in one.lines]
    assert {line.work_id for line in lines} >= {WorkId(h.SALT), WorkId(h.LAMP), WorkId(h.TIDE)}
    for line in lines:
        expected = sqrt(variance[line.work_id]) / abs(credit[line.work_id]) * line.share_ppb
        assert line.error_ppb == pytest.approx(expected, abs=1) and line.error_ppb >= 0


def test_what_stood_before_is_the_same_before_and_after(studio: Studio) -> None:
    """Asked for before the booking, after it, and after more was booked."""
    tide(studio, "jan", "2025-01-05", 100)
    periods.close(studio, JANUARY, policy=DECLARED)
    record_payment(studio, h.CLEO, 60_000_000, "EUR", key="bank:1", date="2025-02-20")
    tide(studio, "feb", "2025-02-05", 10)
    proposal = closing.propose(studio, FEBRUARY, policy=DECLARED)

    def asked() -> booking.Before:
        with studio.store.reading() as conn:
            return booking.gathered(conn, proposal.close, proposal.folder)

    before = asked()
    periods.approve(studio, FEBRUARY)
    assert asked() == before
    record_payment(studio, h.CLEO, 1_000_000, "EUR", key="bank:2", date="2025-03-20")
    assert asked() == before
    assert before.last_entry == 2 and before.standings[CLEO, "EUR"].opening_micros == 100_000_000
    assert (BEN, "EUR") not in before.standings

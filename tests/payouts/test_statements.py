"""A statement's lines sum to what was allocated and booked, and its balance is paid or carried over, never lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import PartyId
from endcredits.money import PPB
from endcredits.payouts import Statement, format_percent, statements
from endcredits.payouts.documents import problems
from endcredits.royalties import payable_account, period_entry

from ..royalties.makers import HALF, Period, attribution, event, november, period, periods, split, work
from .makers import NAMES, earning, issue, ordinary

TEN = 10_000_000


@given(
    periods(),
    st.dictionaries(st.tuples(st.sampled_from(sorted(NAMES)), st.sampled_from(["EUR", "USD"])), st.integers()),
)
def test_statements_say_what_was_booked(inputs: Period, opening: dict[tuple[PartyId, str], int]) -> None:
    """Earned is the sum of the lines and the party's part of the journal entry; everybody concerned gets one."""
    close = inputs.close()
    entry = period_entry(close)
    booked = {(one.account, one.currency): -one.amount_micros for one in entry.postings} if entry else {}

    issued = issue(close, opening)

    earners = {(line.party_id, pool.currency) for pool in close.pools for line in pool.parties if line.party_id}
    expected = earners | {payee for payee, micros in opening.items() if micros}
    assert [(one.party_id, one.currency) for one in issued] == sorted(expected)
    for one in issued:
        assert list(problems(one)) == []
        assert one.earned_micros == booked.get((payable_account(one.party_id), one.currency), 0)
        assert one.opening_balance_micros == opening.get((one.party_id, one.currency), 0)


@given(periods())
def test_lines_repeat_the_allocation(inputs: Period) -> None:
    """Work by work, the statements of all payees together are the allocation without the suspense."""
    close = inputs.close()

    lines = Counter(
        (one.currency, one.party_id, line.work_id, line.territory, line.split_ppb, line.amount_micros)
        for one in issue(close)
        for line in one.lines
    )

    assert lines == Counter(
        (pool.currency, line.party_id, line.work_id, line.territory, line.split_ppb, line.amount_micros)
        for pool in close.pools
        for line in pool.parties
        if line.party_id is not None
    )


def statement_of(issued: tuple[Statement, ...], party: str, currency: str = "EUR") -> Statement:
    """One payee's statement."""
    (found,) = [one for one in issued if (one.party_id, one.currency) == (party, currency)]
    return found


def test_an_ordinary_statement_by_hand() -> None:
    """Ada: her half of one work, her part of another, largest first, each with a reason in numbers."""
    one = period(
        [event("e1", "o", TEN), event("e2", "o", 2 * TEN)],
        [attribution("o", 10, {"w1": 6, "w2": 4})],
        [work("w1", split("ada", HALF), split("bob", HALF)), work("w2", split("ada"))],
    )

    ada = statement_of(issue(one.close()), "ada")

    assert (ada.payee, ada.earned_micros, ada.payable_micros) == ("Ada Lovelace", 10_500_000, 10_500_000)
    assert [(line.work_id, line.work_amount_micros, line.amount_micros) for line in ada.lines] == [
        ("w2", 6_000_000, 6_000_000),
        ("w1", 9_000_000, 4_500_000),
    ]
    assert ada.lines[1].title == "Title of w1"
    assert ada.lines[1].reason == (
        "2 uses of outputs counted for or against it: with 60.0 % of the pool of 15.00 EUR, the work earned 9.00 EUR, "
        "and the agreed split of 50.0 % of that is 4.50 EUR."
    )


def test_a_reason_tells_territories_apart() -> None:
    """Where only a part of a work's money fell under a payee's splits, the sentence says so."""
    one = period(
        [event("e1", "o", TEN, territory="DE"), event("e2", "o", TEN)],
        [attribution("o", 1, {"w1": 1})],
        [work("w1", split("ada"), split("bob", PPB, "DE"))],
    )

    bob = statement_of(issue(one.close()), "bob")

    assert bob.lines[0].reason == (
        "2 uses of outputs counted for or against it: with 100.0 % of the pool of 10.00 EUR, the work earned 10.00 EUR, "
        "of which 5.00 EUR under the splits for DE, and the agreed split of 100.0 % of that is 5.00 EUR."
    )


def test_a_single_use_is_one_use() -> None:
    """Singular where there is one."""
    assert (
        statement_of(issue(earning(5, 0)), "ada")
        .lines[0]
        .reason.startswith("1 use of an output counted for or against it: with ")
    )


@pytest.mark.parametrize(("micros", "payable", "carried"), [(TEN - 1, 0, TEN - 1), (TEN, TEN, 0), (TEN + 1, TEN + 1, 0)])
def test_the_threshold_is_reached_at_exactly_its_amount(micros: int, payable: int, carried: int) -> None:
    """One micro below is carried over; the amount itself is paid."""
    (ada,) = issue(earning(micros, TEN))

    assert (ada.payable_micros, ada.carried_over_micros) == (payable, carried)


def test_what_is_carried_over_adds_up_until_it_is_paid() -> None:
    """Six and four make ten over two periods."""
    (first,) = issue(earning(6_000_000, TEN))

    (second,) = issue(earning(4_000_000, TEN, month=12), {(first.party_id, "EUR"): first.carried_over_micros})

    assert (first.payable_micros, first.carried_over_micros) == (0, 6_000_000)
    assert (second.opening_balance_micros, second.earned_micros) == (6_000_000, 4_000_000)
    assert (second.payable_micros, second.carried_over_micros) == (TEN, 0)


def test_a_debt_is_shown_and_never_paid() -> None:
    """A negative opening balance is worked off first; what stays negative is carried, not claimed."""
    (still,) = issue(earning(5, 0), {(PartyId("ada"), "EUR"): -7})
    (over,) = issue(earning(5, 0), {(PartyId("ada"), "EUR"): -5})

    assert (still.closing_balance_micros, still.payable_micros, still.carried_over_micros) == (-2, 0, -2)
    assert (over.closing_balance_micros, over.payable_micros, over.carried_over_micros) == (0, 0, 0)


def test_an_opening_balance_alone_is_a_statement() -> None:
    """Somebody who is owed something hears of it in every period, in its currency; a balance of zero is none."""
    issued = issue(november().close(), {(PartyId("eve"), "JPY"): 5, (PartyId("dee"), "EUR"): 0})

    eve = statement_of(issued, "eve", "JPY")
    assert (eve.earned_micros, eve.closing_balance_micros, eve.lines) == (0, 5, ())
    assert all(one.party_id != "dee" for one in issued)


def test_every_statement_has_an_id_of_its_own() -> None:
    """Period, party and currency make it."""
    issued = (*ordinary(), *issue(earning(5, 0, month=12)))

    assert len({one.statement_id for one in issued}) == len(issued)
    assert [one.statement_id for one in ordinary()] == [one.statement_id for one in issued[: len(ordinary())]]


def test_missing_names_and_titles_are_refused() -> None:
    """A statement to nobody, or for an unnamed work, is not issued."""
    close = november().close()

    with pytest.raises(InputError, match="payee 'ada' has no name"):
        issue(close, names={})
    with pytest.raises(InputError, match="work 'w1' has no title"):
        statements(close, "0" * 64, "entry:1", {}, NAMES, {})


@given(st.integers(0, PPB))
def test_percentages_are_exact(ppb: int) -> None:
    """The digits shown give the parts per billion back."""
    whole, decimals = format_percent(ppb).removesuffix(" %").split(".")

    assert int(whole) * 10_000_000 + int(decimals.ljust(7, "0")) == ppb

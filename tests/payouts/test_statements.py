"""A statement's lines are the close's, its money adds up, and nothing is lost between what was earned and what is paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import digest
from endcredits.errors import InputError, IntegrityError
from endcredits.ids import PartyId, WorkId
from endcredits.payouts import (
    ESTIMATE,
    Deduction,
    PaidOut,
    Standing,
    Statement,
    StatementLevy,
    earned_lines,
    format_percent,
    read_earned_lines,
)
from endcredits.payouts.documents import booked_micros, problems
from endcredits.payouts.statements import coin_micros
from endcredits.payouts.statements import statements as make_statements
from endcredits.royalties.contract_records import Movement, Settlement
from endcredits.royalties.lines import write_lines, write_work_lines

from .makers import PPB, SPLITS, Closed, PoolSpec, closed, closes, earning, facts, issue, november, ordinary

TEN = 10_000_000
ADA, BOB, EVE = PartyId("ada"), PartyId("bob"), PartyId("eve")


def of(issued: tuple[Statement, ...], party: str, currency: str = "EUR") -> Statement:
    """One payee's statement."""
    (found,) = [one for one in issued if (one.party_id, one.currency) == (party, currency)]
    return found


@given(
    closes(),
    st.dictionaries(
        st.tuples(st.sampled_from([ADA, BOB, EVE]), st.sampled_from(["EUR", "JPY"])), st.integers(-(10**12), 10**12)
    ),
)
def test_statements_say_what_the_close_says(made: Closed, opening: dict[tuple[PartyId, str], int]) -> None:
    """Every line of a known party stands in exactly one statement, sums hold, and everybody concerned gets one, in order."""
    issued = issue(made, standings={account: Standing(micros) for account, micros in opening.items()})

    earners = {(line.party_id, made.close.pools[line.pool].currency) for line in made.lines if line.party_id}
    expected = earners | {account for account, micros in opening.items() if micros}
    assert [(one.party_id, one.currency) for one in issued] == sorted(expected)
    assert Counter(
        (line.pool, line.part, line.work_id, one.party_id, line.territory, line.split_ppb, line.amount_micros, line.state)
        for one in issued
        for line in one.lines
    ) == Counter(
        (line.pool, line.part, line.work_id, line.party_id, line.territory, line.split_ppb, line.amount_micros, line.state)
        for line in made.lines
        if line.party_id
    )
    for one in issued:
        assert list(problems(one)) == []
        assert one.summary.closing_micros == opening.get((one.party_id, one.currency), 0) + booked_micros(one)


@given(closes())
def test_claims_are_the_sum_of_what_their_payees_get(made: Closed) -> None:
    """The lines of all statements and of nobody together are the claims, and the claims of a work what it earned."""
    by_claim: dict[tuple[int, int, str, str], int] = {}
    for one in made.earned():
        key = one.line.pool, one.line.part, one.line.work_id, one.line.territory
        assert by_claim.setdefault(key, one.claim_micros) == one.claim_micros
    for key, claim in by_claim.items():
        assert claim == sum(
            line.amount_micros for line in made.lines if (line.pool, line.part, line.work_id, line.territory) == key
        )


def test_reading_from_disk_gives_the_same_lines(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """DuckDB over Parquet is the fast twin of the sums in memory, weights beyond 64 bits included."""
    made = closed(
        [PoolSpec(10**12, {"w1": (3, 10**25), "w2": (1, 10**24)}, SPLITS), *[PoolSpec(77, {"w3": (1, 1)}, SPLITS)]]
    )
    write_lines(tmp_path / "lines.parquet", made.lines)
    write_work_lines(tmp_path / "work_lines.parquet", made.work_lines)

    assert list(read_earned_lines(tmp_path)) == made.earned()
    assert list(read_earned_lines(tmp_path, party_id=BOB)) == [one for one in made.earned() if one.line.party_id == BOB]
    assert list(read_earned_lines(tmp_path, party_id=EVE)) == []


def test_tables_that_are_damaged_or_do_not_fit_are_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """With the folder named."""
    made = november()
    with pytest.raises(IntegrityError, match="cannot be read"):
        list(read_earned_lines(tmp_path))
    write_lines(tmp_path / "lines.parquet", made.lines)
    write_work_lines(tmp_path / "work_lines.parquet", made.work_lines[1:])

    with pytest.raises(IntegrityError, match="earned nothing there"):
        list(read_earned_lines(tmp_path))
    with pytest.raises(IntegrityError, match="earned nothing there"):
        list(earned_lines(made.lines, made.work_lines[1:]))


def test_an_ordinary_statement_by_hand() -> None:
    """Ada: her half of one work and all of another, largest first, each with a reason in numbers."""
    ada = of(ordinary(), "ada")

    assert (ada.payee, ada.summary.earned_micros, ada.summary.adjustments_micros) == ("Ada Lovelace", 25_687_500, 1_487_500)
    assert (ada.summary.payable_micros, ada.summary.rounding_micros) == (27_170_000, 5_000)
    assert ada.lines[0].reason == (
        "The pool is 50.0 % of gross revenue of 100.00 EUR, 50.00 EUR, of which this part is 35.00 EUR (70.0 % of the pool)"
        "; 3 uses of outputs counted for or against the work, a measured share of 60.0 % (one standard error 1.25 %), and "
        "it earned 21.00 EUR, and the agreed split of 50.0 % of that is 10.50 EUR."
    )
    assert ada.audit_until == "2029-12-04"
    assert (ada.line_count, ada.control_micros) == (len(ada.lines), sum(line.amount_micros for line in ada.lines))


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (1, "declared the work as used, which is a share of 60.0 %"),
        (2, "divided equally over the works of the catalogue, each share is 25.0 %"),
        (3, "50.0 % of that by time and salary units is 1.50 EUR"),
    ],
)
def test_each_way_of_dividing_is_explained_in_its_own_words(part: int, words: str) -> None:
    """Declared use, equal parts, and units are no measured shares and do not claim to be."""
    (line,) = [one for one in of(ordinary(), "ada").lines if (one.pool, one.part, one.work_id) == (0, part, "w1")]

    assert words in line.reason
    assert (line.method == "") == (part != 3)


def test_a_part_for_a_party_is_explained() -> None:
    """A fund gets a part without works."""
    fund = of(ordinary(), "fund")

    assert fund.lines[0].work_id == ""
    assert "is not divided, and all of it is the payee's: 2.50 EUR." in fund.lines[0].reason


def test_late_usage_refunds_rates_and_disputes_say_so() -> None:
    """With the days of the usage, which are not those of the accounting period."""
    issued = ordinary()

    late = [line for line in of(issued, "ada").lines if line.pool == 1]
    given_back = [line for line in of(issued, "ada").lines if line.pool == 2]
    assert all("2026-10-01 to 2026-10-31 arrived after" in line.reason for line in late)
    assert all(line.amount_micros < 0 and "given back to payers" in line.reason for line in given_back)
    assert {(pool.kind, pool.usage_from) for pool in of(issued, "ada").pools} == {
        ("earned", "2026-11-01"),
        ("late", "2026-10-01"),
        ("refund", "2026-10-01"),
    }
    assert "3.50 USD, converted at 1/1 on 2026-11-30 to 3.50 JPY" in of(issued, "ada", "JPY").lines[0].reason
    assert "<b>" not in of(issued, "ada", "JPY").lines[0].reason
    cyd = of(issued, "cyd")
    assert (cyd.summary.earned_micros, cyd.summary.closing_micros, cyd.summary.disputed_micros) == (0, 0, 2_875_000)
    assert all("disputed who is entitled" in line.reason for line in cyd.lines)


def test_a_reason_tells_territories_apart() -> None:
    """Where only a part of a work's money fell under a payee's splits, the sentence says so."""
    made = closed([PoolSpec(100_000_000, {"w1": (2, 1)}, {"w1": {("ada", "WORLD"): PPB // 2, ("bob", "DE"): PPB // 2}})])

    bob = of(issue(made), "bob")

    assert bob.lines[0].claim_micros != bob.lines[0].work_micros
    assert "of which 17.50 EUR falls under the splits for DE" in bob.lines[0].reason


def test_what_contracts_did_stands_in_the_summary() -> None:
    """Guarantee, recoupment, reserve, release and hold, each under its own name, and the balance follows."""
    steps = (
        Movement("guarantee", 2_000_000, "Income:Operator", "c1", "made up to 7.00"),
        Movement("recoup", -3_000_000, "Assets:Advance:ada", "c1", "half of it"),
        Movement("reserve", -1_000_000, "Liabilities:Reserve:ada", "c2", "against refunds"),
        Movement("release", 500_000, "Liabilities:Reserve:ada", "c2", "of 2026-05"),
        Movement("hold", -250_000, "Liabilities:Held:anomaly:ada", "", "looks unusual"),
    )
    settled = Settlement(ADA, "EUR", 5_000_000, 0, steps, 3_250_000, 9_000_000, 500_000)
    standing = Standing(1_000_000, (PaidOut("2026-11-15", "SEPA", "E2E-1", 400_000),), contract_ids=("c0",))

    (ada,) = issue(earning(5_000_000, 0), settlements={(ADA, "EUR"): settled}, standings={(ADA, "EUR"): standing})

    money = ada.summary
    assert (money.guaranteed_micros, money.recouped_micros, money.reserved_micros) == (2_000_000, 3_000_000, 1_000_000)
    assert (money.released_micros, money.held_micros) == (500_000, 250_000)
    assert money.closing_micros == 1_000_000 - 400_000 + 3_250_000
    assert (money.unrecouped_micros, money.in_reserve_micros) == (9_000_000, 500_000)
    assert ada.contract_ids == ("c0", "c1", "c2")
    assert list(problems(ada)) == []


def test_a_settlement_that_does_not_fit_is_refused() -> None:
    """Other earnings than the lines, or an amount owed that its movements do not make."""
    for wrong in (
        Settlement(ADA, "EUR", 4_999_999, 1, (), 5_000_000, 0, 0),
        Settlement(ADA, "EUR", 5_000_000, 0, (), 4_999_999, 0, 0),
        Settlement(ADA, "EUR", 5_000_000, 0, (Movement("gift", 1, "A", "", ""),), 5_000_001, 0, 0),
    ):
        with pytest.raises(IntegrityError):
            issue(earning(5_000_000, 0), settlements={(ADA, "EUR"): wrong})


@pytest.mark.parametrize(("micros", "due"), [(TEN - 1, 0), (TEN, TEN), (TEN + 1, TEN)])
def test_the_threshold_is_reached_at_exactly_its_amount(micros: int, due: int) -> None:
    """One micro below is carried over; the amount itself is paid; what is less than a coin stays."""
    (ada,) = issue(earning(micros, TEN))

    assert (ada.summary.due_micros, ada.summary.carried_over_micros) == (due, micros - due)


@pytest.mark.parametrize(("currency", "coin"), [("EUR", 10_000), ("JPY", 1_000_000), ("KWD", 1_000)])
def test_only_whole_coins_are_paid(currency: str, coin: int) -> None:
    """Yen have no smaller coin, Kuwaiti dinars have thousandths."""
    (ada,) = issue(earning(12_345_678, 0, currency=currency))

    assert coin_micros(currency) == coin
    assert ada.summary.payable_micros == 12_345_678 // coin * coin
    assert ada.summary.rounding_micros == 12_345_678 % coin


def test_what_is_carried_over_adds_up_until_it_is_paid() -> None:
    """Six and four make ten over two periods, and a payment takes it off the third."""
    (first,) = issue(earning(6_000_000, TEN))
    carried = Standing(first.summary.closing_micros, prior_id=first.statement_id)
    (second,) = issue(earning(4_000_000, TEN, "2026-12"), standings={(ADA, "EUR"): carried})
    paid = Standing(second.summary.closing_micros, (PaidOut("2026-12-20", "SEPA", "E2E", TEN),))
    (third,) = issue(earning(1, TEN, "2027-01"), standings={(ADA, "EUR"): paid})

    assert (first.summary.payable_micros, second.summary.payable_micros) == (0, TEN)
    assert second.prior_id == first.statement_id
    assert (third.summary.opening_micros, third.summary.paid_micros, third.summary.closing_micros) == (TEN, TEN, 1)


def test_a_debt_is_shown_and_never_paid() -> None:
    """A negative opening balance is worked off first; what stays negative is carried, not claimed."""
    (still,) = issue(earning(5, 0), standings={(ADA, "EUR"): Standing(-7)})

    assert (still.summary.closing_micros, still.summary.payable_micros, still.summary.carried_over_micros) == (-2, 0, -2)


def test_what_blocks_a_payment_and_what_is_deducted() -> None:
    """Blocked: nothing is due. Otherwise tax and fees come off what is due, never off the balance twice."""
    cuts = (Deduction("withholding", 300_000, "30 % of 1.00"), Deduction("fee", 10_000, "transfer"))
    blocked = Standing(0, blocked=("no tax form is on file",))

    (held,) = issue(earning(TEN, 0), standings={(ADA, "EUR"): blocked}, deductions=lambda *about: cuts)
    (paid,) = issue(earning(TEN, 0), deductions=lambda *about: cuts)

    assert (held.summary.due_micros, held.deductions, held.summary.carried_over_micros) == (0, (), TEN)
    assert (paid.summary.payable_micros, paid.summary.withheld_micros, paid.summary.fees_micros) == (
        9_690_000,
        300_000,
        10_000,
    )
    with pytest.raises(IntegrityError, match="deductions"):
        issue(earning(10_000, 0), deductions=lambda *about: cuts)


def test_levies_are_earnings_of_their_fund() -> None:
    """In the control total too."""
    levy = StatementLevy("pension", 50_000_000, 20_000_000, 1_000_000)

    fund = of(issue(november(), levies={(PartyId("fund"), "EUR"): (levy,)}), "fund")
    eve = of(issue(november(), levies={(EVE, "EUR"): (levy,)}), "eve")

    assert fund.summary.earned_micros == 3_500_000
    assert (eve.summary.earned_micros, eve.lines, eve.control_micros) == (1_000_000, (), 1_000_000)
    assert list(problems(eve)) == []


def test_estimates_are_another_kind() -> None:
    """Another id, nothing due, no close; and what belongs to a close is refused."""
    made = earning(TEN, 0)
    plain = facts(made, entry_ids=())

    (estimate,) = make_statements(made.close, "", made.earned(), plain, kind=ESTIMATE)

    assert estimate.statement_id.startswith("estimate:") and estimate.kind == ESTIMATE
    assert (estimate.summary.earned_micros, estimate.summary.due_micros, estimate.summary.payable_micros) == (TEN, 0, 0)
    assert list(problems(estimate)) == []
    for close_digest, more in (("0" * 64, plain), ("", facts(made))):
        with pytest.raises(InputError, match="follows from no close"):
            list(make_statements(made.close, close_digest, made.earned(), more, kind=ESTIMATE))
    with pytest.raises(InputError, match="no kind of statement"):
        list(make_statements(made.close, "", made.earned(), plain, kind="guess"))


def test_an_opening_balance_alone_is_a_statement() -> None:
    """Somebody who is owed something hears of it in every period, before, between and after those who earned."""
    standings = {
        (EVE, "JPY"): Standing(15_000_000),
        (PartyId("aaa"), "EUR"): Standing(1),
        (PartyId("zzz"), "EUR"): Standing(2),
        (PartyId("dee"), "EUR"): Standing(),
    }
    payees = dict(facts(november()).payees)
    payees |= {PartyId(name): payees[BOB] for name in ("aaa", "zzz")}

    issued = issue(november(), standings=standings, payees=payees)

    assert [one.party_id for one in issued] == ["aaa", "ada", "ada", "bob", "cyd", "eve", "fund", "fund", "zzz"]
    assert of(issued, "eve", "JPY").summary.payable_micros == 15_000_000


def test_lines_out_of_order_or_of_nobody_are_refused() -> None:
    """A stream that is not sorted by party would issue two statements to one payee."""
    made = november()
    turned = made.earned()[::-1]

    with pytest.raises(IntegrityError, match="come after"):
        list(make_statements(made.close, digest(made.close), turned, facts(made)))
    nobody = replace(turned[0], line=replace(turned[0].line, party_id=None))
    with pytest.raises(IntegrityError, match="nobody"):
        list(make_statements(made.close, digest(made.close), [nobody], facts(made)))


def test_missing_names_titles_and_days_are_refused() -> None:
    """A statement to nobody, for an unnamed work, or for unknown days is not issued."""
    with pytest.raises(InputError, match="payee 'ada' has no name"):
        issue(november(), payees={})
    with pytest.raises(InputError, match="work 'w1' has no title"):
        issue(november(), works={WorkId("w2"): facts(november()).works[WorkId("w2")]})
    with pytest.raises(InputError, match="days of the period '2026-10'"):
        issue(november(), days={})


def test_every_statement_has_an_id_of_its_own() -> None:
    """Kind, period, party, currency and version make it."""
    issued = (*ordinary(), *issue(earning(5, 0, "2026-12")), *ordinary(version=2))

    assert len({one.statement_id for one in issued}) == len(issued)


@given(st.integers(-PPB, PPB))
def test_percentages_are_exact(ppb: int) -> None:
    """The digits shown give the parts per billion back."""
    shown = format_percent(ppb).removesuffix(" %")
    whole, decimals = shown.removeprefix("-").split(".")

    assert (-1 if shown.startswith("-") else 1) * (int(whole) * 10_000_000 + int(decimals.ljust(7, "0"))) == ppb

"""Entries: whole and balanced, or not made."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ledger import JournalEntry, Posting, make_entry, reverse_entry

BANK = Posting("Assets:Bank", 5_000_000, "EUR")
OWED = Posting("Liabilities:Payable:party:ada-1a2b3c4d", -5_000_000, "EUR")


def entry_of(*postings: Posting, key: str = "close:2026-11", date: str = "2026-11-30") -> JournalEntry:
    return make_entry(key, date, "Closed November", postings)


accounts = st.sampled_from(["Assets:Bank", "Income:Usage", "Liabilities:Payable:a", "Liabilities:Payable:b"])
currencies = st.sampled_from(["EUR", "JPY", "USD"])
moves = st.lists(st.tuples(accounts, accounts, st.integers(-(10**12), 10**12), currencies), max_size=12)


def postings_of(moved: list[tuple[str, str, int, str]]) -> list[Posting]:
    """Amounts moved from one account to another: balanced by construction."""
    postings = []
    for source, target, amount, currency in moved:
        postings += [Posting(source, -amount, currency), Posting(target, amount, currency)]
    return postings


@given(moves, st.randoms(use_true_random=False))
def test_any_moved_amounts_make_one_entry_whatever_their_order(moved, random) -> None:
    """What is moved balances; the spelling is one; the sums are those of a slow count with a plain dictionary."""
    postings = postings_of(moved)
    shuffled = list(postings)
    random.shuffle(shuffled)
    slow: dict[tuple[str, str], int] = {}
    for posting in postings:
        slow[posting.account, posting.currency] = slow.get((posting.account, posting.currency), 0) + posting.amount_micros
    expected = sorted((account, currency, amount) for (account, currency), amount in slow.items() if amount)
    if not expected:
        with pytest.raises(InputError, match="double entry needs two"):
            entry_of(*postings)
        return

    entry = entry_of(*postings)

    assert entry == entry_of(*shuffled)
    assert [(p.account, p.currency, p.amount_micros) for p in entry.postings] == expected
    assert all(sum(p.amount_micros for p in entry.postings if p.currency == c) == 0 for c in ("EUR", "JPY", "USD"))


@given(moves.filter(bool), accounts, st.integers(1, 10**12), currencies)
def test_one_amount_too_much_is_refused(moved, account, extra, currency) -> None:
    """Whatever balances no longer does after one more posting."""
    with pytest.raises(InputError, match=r"does not balance|needs two"):
        entry_of(*postings_of(moved), Posting(account, extra, currency))


def test_currencies_balance_each_for_itself() -> None:
    """Five euros and minus five dollars are not nothing."""
    with pytest.raises(InputError, match=r"EUR postings sum to 5\.00"):
        entry_of(BANK, Posting("Liabilities:Payable:x", -5_000_000, "USD"))


def test_equal_content_has_an_equal_id_and_other_content_another() -> None:
    """The id follows every part of the content."""
    entry = entry_of(BANK, OWED)
    others = [
        make_entry("close:2026-12", "2026-11-30", "Closed November", [BANK, OWED]),
        make_entry("close:2026-11", "2026-12-01", "Closed November", [BANK, OWED]),
        make_entry("close:2026-11", "2026-11-30", "Closed november", [BANK, OWED]),
        make_entry("close:2026-11", "2026-11-30", "Closed November", [BANK, OWED], reverses="entry:x"),
        make_entry("close:2026-11", "2026-11-30", "Closed November", reverse_entry(entry, "k", "2026-11-30", "n").postings),
    ]

    ids = {entry.entry_id, *(other.entry_id for other in others)}

    assert entry.entry_id == entry_of(OWED, BANK).entry_id
    assert len(ids) == 6


def test_the_id_stays_what_it_was() -> None:
    """A change of how ids are made would orphan every recorded entry."""
    assert entry_of(BANK, OWED).entry_id == "entry:e9ca16f71e79d301c8ad628f"


def test_a_reversal_is_the_mirror_image_and_names_what_it_undoes() -> None:
    """Together they come to nothing."""
    entry = entry_of(BANK, OWED, Posting("Assets:Bank", 7, "JPY"), Posting("Income:Usage", -7, "JPY"))

    reversal = reverse_entry(entry, "reverse:close:2026-11", "2026-12-02", "Wrong rate")

    assert reversal.reverses == entry.entry_id
    assert [(p.account, p.currency, -p.amount_micros) for p in reversal.postings] == [
        (p.account, p.currency, p.amount_micros) for p in entry.postings
    ]


def test_a_reversal_does_not_come_before_its_entry() -> None:
    """Nobody undoes on Monday what is written on Tuesday."""
    with pytest.raises(InputError, match="dated 2026-11-29, before 2026-11-30"):
        reverse_entry(entry_of(BANK, OWED), "undo", "2026-11-29", "Too early")


@pytest.mark.parametrize(
    "account",
    [
        "",
        "Assets",
        "Assets:",
        "assets:bank",
        "Money:Bank",
        ":Assets",
        "Assets:My bank",
        "Assets:a\tb",
        "Assets:a\nb",
        "Assets:a\u00a0b",
        "Assets:a\u200bb",
        "Assets:\u202ereversed",
        "Assets:\x00",
        "Assets:" + "x" * 300,
        None,
        7,
    ],
)
def test_a_malformed_account_is_refused(account) -> None:
    """Kind first, no white space, nothing invisible, not endless."""
    with pytest.raises(InputError) as caught:
        entry_of(Posting(account, 5_000_000, "EUR"), OWED)

    assert caught.value.field == "account"


@pytest.mark.parametrize(
    "date",
    [
        "",
        "2026-11-31",
        "2026-13-01",
        "20261130",
        "2026-W47-5",
        "30.11.2026",
        "2026-11-30T00:00:00Z",
        "1899-12-31",
        "2200-01-01",
        "0001-01-01",
        "\u0662\u0660\u0662\u0666-11-30",
        "2026-11-30\n",
        None,
        datetime.date(2026, 11, 30),
    ],
)
def test_a_malformed_date_is_refused(date) -> None:
    """Only a real day, and only in the spelling that sorts."""
    with pytest.raises(InputError) as caught:
        entry_of(BANK, OWED, date=date)

    assert caught.value.field == "date"
    assert "YYYY-MM-DD" in caught.value.remedy


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_an_amount_that_is_not_a_whole_number_is_refused(amount) -> None:
    """Neither floats nor texts nor truth values are money."""
    with pytest.raises(InputError, match="not a whole number"):
        entry_of(Posting("Assets:Bank", amount, "EUR"), OWED)


def test_an_amount_beyond_a_bigint_is_refused_even_when_it_arises_by_adding() -> None:
    """The largest amount passes; one micro more does not."""
    largest = 2**63 - 1
    fits = entry_of(Posting("Assets:A", largest, "EUR"), Posting("Income:B", -largest, "EUR"))

    assert fits.postings[0].amount_micros == largest
    with pytest.raises(InputError, match="more than one posting can hold"):
        entry_of(
            Posting("Assets:A", largest, "EUR"),
            Posting("Assets:A", 1, "EUR"),
            Posting("Income:B", -largest, "EUR"),
            Posting("Income:C", -1, "EUR"),
        )


@pytest.mark.parametrize("currency", ["eur", "EURO", "XXX", "", None])
def test_an_unknown_currency_is_refused(currency) -> None:
    """Only codes of ISO 4217."""
    with pytest.raises(InputError) as caught:
        entry_of(Posting("Assets:Bank", 5, currency), Posting("Income:X", -5, currency))

    assert caught.value.field == "currency"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "x" * 201, None])
def test_a_malformed_key_is_refused(key) -> None:
    """Keys are spelt like ids."""
    with pytest.raises(InputError) as caught:
        entry_of(BANK, OWED, key=key)

    assert caught.value.field == "idempotency_key"


@pytest.mark.parametrize("narrative", ["", "  ", "two\nlines", "null\x00", "\ud800", "\u2028", "x" * 501, None])
def test_a_malformed_narrative_is_refused(narrative) -> None:
    """One readable line."""
    with pytest.raises(InputError) as caught:
        make_entry("key", "2026-11-30", narrative, [BANK, OWED])

    assert caught.value.field == "narrative"


@pytest.mark.parametrize("postings", [[], [BANK], [BANK, Posting("Assets:Bank", -5_000_000, "EUR")]])
def test_less_than_two_postings_are_refused(postings) -> None:
    """Money comes from somewhere and goes somewhere."""
    with pytest.raises(InputError, match="double entry needs two"):
        entry_of(*postings)

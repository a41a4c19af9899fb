"""What the bank says is booked once, and what does not fit is named and books nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from endcredits.errors import InputError
from endcredits.ledger import balances, check_books
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts.paying_checks import check_paying
from endcredits.payouts.payments import Batch
from endcredits.payouts.rails.bank_files import read_bank_file
from endcredits.payouts.reconcile import reconcile
from endcredits.store import Store

from .bank_says import batch_detail, detail, entry, report, statement
from .paying_makers import ADA, AT, BEN, earned, payee, record_plan, send


@pytest.fixture
def batch(store: Store) -> Batch:
    """A batch on its way: 12.34 to Ada, 5.00 to Ben, 7.00 to Cleo."""
    earned(store, payee(), payee("ben", 2000), payee("cleo", 3000), ada=12_340_000, ben=5_000_000, cleo=7_000_000)
    (made,) = record_plan(store).batches
    send(store, made)
    return made


def read(store: Store, data: bytes) -> list[str]:
    """The outcomes of a file, after checking the whole."""
    outcomes = store.write(lambda conn: reconcile(conn, read_bank_file(data), AT))
    with store.reading() as conn:
        assert check_books(conn) == []
        assert check_paying(conn) == []
    return [outcome.outcome for outcome in outcomes]


def bank(store: Store) -> int:
    """What left the account."""
    with store.reading() as conn:
        return -balances(conn, "Assets:Bank").get(("Assets:Bank", "EUR"), 0)


def ids(batch: Batch) -> tuple[str, str, str]:
    """The payments' ids: Ada's, Ben's, Cleo's."""
    ada, ben, cleo = batch.payments
    return ada.payment_id, ben.payment_id, cleo.payment_id


def test_each_payment_is_confirmed_by_its_own_entry(store: Store, batch: Batch) -> None:
    """Once, in whatever file it stands again."""
    ada, ben, cleo = ids(batch)
    said = statement(entry("12.34", detail(ada)), entry("5.00", detail(ben), ref="B2"))

    assert read(store, said) == ["confirmed", "confirmed"]
    assert read(store, said) == ["duplicate", "duplicate"]
    assert bank(store) == 17_340_000
    assert read(store, statement(entry("12.00", detail(cleo, "7.00") + detail("other", "5.00"), ref="B3"))) == [
        "confirmed",
        "unmatched",
    ]
    assert bank(store) == 24_340_000


def test_a_batch_booking_confirms_all_that_is_on_its_way(store: Store, batch: Batch) -> None:
    """Only when the sum is exact; with what was rejected before left out."""
    assert read(store, statement(entry("24.34", batch_detail(batch.batch_id)), entry("1.00", ref="B2"))) == [
        "confirmed",
        "unmatched",
    ]
    assert bank(store) == 24_340_000


def test_a_batch_booking_after_a_rejection_is_the_rest(store: Store, batch: Batch) -> None:
    """24.34 less Ben's 5.00."""
    ben = ids(batch)[1]
    assert read(store, report(batch.batch_id, "PART", (ben, "RJCT", "AC01"))) == ["returned", "accepted"]
    assert read(store, statement(entry("24.34", batch_detail(batch.batch_id)))) == ["partial"]
    assert bank(store) == 0
    assert read(store, statement(entry("19.34", batch_detail(batch.batch_id), ref="B2"))) == ["confirmed"]
    assert bank(store) == 19_340_000


def test_the_same_line_twice_in_one_file_counts_once(store: Store, batch: Batch) -> None:
    """And a second booking under another reference is somebody's mistake to look into."""
    ada = ids(batch)[0]
    line = entry("12.34", detail(ada))

    assert read(store, statement(line, line)) == ["confirmed", "duplicate"]
    assert read(store, statement(entry("12.34", detail(ada), ref="B9"))) == ["twice"]
    assert bank(store) == 12_340_000


def test_a_return_is_owed_again_and_its_detail_held(store: Store, batch: Batch) -> None:
    """On the same day in the same file, before or after its debit; and never twice."""
    ada, ben, _ = ids(batch)
    back = entry("12.34", detail(ada, reason="AC04", ref="R1"), kind="CRDT")
    assert read(store, statement(back, entry("12.34", detail(ada)))) == ["confirmed", "returned"]
    assert bank(store) == 0
    assert read(store, statement(back)) == ["duplicate"]
    # Under another reference it is other money: the account is fuller than the books, and somebody has to look.
    assert read(store, statement(entry("12.34", detail(ada, reason="AC04", ref="R2"), kind="CRDT"))) == ["twice"]
    assert bank(store) == 0
    assert read(store, statement(entry("5.00", detail(ben, reason="AM04"), kind="CRDT", ref="R3"))) == ["returned"]
    with store.reading() as conn:
        assert payee_book.latest_profiles(conn)[ADA].bank_hold == "returned: AC04 closed"
        assert payout_book.owed(conn) == {(ADA, "EUR"): 12_340_000, (BEN, "EUR"): 5_000_000}
    assert read(store, statement(entry("5.00", detail(ben), ref="B7"))) == ["unfit"]


def test_a_rejected_file_returns_everything(store: Store, batch: Batch) -> None:
    """Once, with or without the payments named."""
    ada, ben, cleo = ids(batch)
    named = [(name, "RJCT", "AC01") for name in (ada, ben, cleo)]

    assert read(store, report(batch.batch_id, "RJCT", *named)) == ["returned", "duplicate", "duplicate", "duplicate"]
    assert read(store, report(batch.batch_id, "RJCT")) == ["duplicate"]
    with store.reading() as conn:
        assert sum(payout_book.owed(conn).values()) == 24_340_000


def test_accepted_and_pending_book_nothing(store: Store, batch: Batch) -> None:
    """The account's own statement does."""
    ada = ids(batch)[0]

    assert read(store, report(batch.batch_id, "ACCP", (ada, "ACSC", ""))) == ["accepted", "accepted"]
    assert read(store, statement(entry("12.34", detail(ada), status="PDNG"))) == ["pending"]
    assert read(store, statement(entry("12.34", detail(ada)))) == ["confirmed"]
    assert read(store, report(batch.batch_id, "", (ada, "RJCT", "AC04"))) == ["unfit"]
    assert bank(store) == 12_340_000


@pytest.mark.parametrize(
    "amounts",
    [("1.00", "5.00", "7.00"), ("13.00", "5.00", "7.00"), ("12.00", "5.00", ""), ("5.00", "", ""), ("-2", "5.00", "7.00")],
    ids=["more", "less", "one-unsaid", "both-unsaid", "the-other-way"],
)
def test_details_sum_to_their_entry_or_nothing_of_it_is_booked(
    store: Store, batch: Batch, amounts: tuple[str, str, str]
) -> None:
    """Neither the detail that fits nor the one that does not; then the bank's corrected entry is taken."""
    _, ben, cleo = ids(batch)
    whole, first, second = amounts
    details = detail(ben, first) + detail(cleo, second)
    if whole == "-2":
        # 7.00 out and 5.00 back are 2.00 out, and not the 12.00 that the entry says.
        whole, details = "12.00", details.replace("</Refs>", "</Refs><CdtDbtInd>CRDT</CdtDbtInd>", 1)

    assert read(store, statement(entry(whole, details))) == ["unfit", "unfit"]
    assert read(store, statement(entry(whole, details))) == ["unfit", "unfit"]
    assert bank(store) == 0
    assert read(store, statement(entry("12.00", detail(ben, "5.00") + detail(cleo, "7.00")))) == ["confirmed", "confirmed"]
    assert bank(store) == 12_000_000


def test_a_detail_in_another_currency_makes_its_entry_unfit(store: Store, batch: Batch) -> None:
    """Its sum cannot be compared; the words say so."""
    _, ben, cleo = ids(batch)
    said = statement(entry("12.00", detail(ben, "5.00") + detail(cleo, "7.00", currency="USD")))

    assert read(store, said) == ["unfit", "unfit"]
    (line, _) = read_bank_file(said)
    assert line.fault == "the entry is in EUR, and its details are not"


def test_a_batch_booking_with_details_sums_to_them(store: Store, batch: Batch) -> None:
    """Details without our payments' ids are counted where they name amounts."""
    mark = batch_detail(batch.batch_id)
    wrong = mark + detail("NOTPROVIDED", "12.34") + detail("NOTPROVIDED", "11.00")
    right = mark + detail("NOTPROVIDED", "12.34") + detail("NOTPROVIDED", "12.00")

    assert read(store, statement(entry("24.34", wrong))) == ["unfit"]
    assert bank(store) == 0
    assert read(store, statement(entry("24.34", right))) == ["confirmed"]
    assert bank(store) == 24_340_000


@pytest.mark.parametrize("status", ["RJCT", "ACCP"])
@pytest.mark.parametrize(("amount", "currency"), [("1.00", "USD"), ("12.34", "USD"), ("12.33", "EUR"), ("0.00", "EUR")])
def test_a_status_of_another_amount_is_unfit(store: Store, batch: Batch, status: str, amount: str, currency: str) -> None:
    """Nothing is returned by it; a status that names what was sent is taken."""
    ada = ids(batch)[0]

    assert read(store, report(batch.batch_id, "", (ada, status, ""), amount=amount, currency=currency)) == ["unfit"]
    with store.reading() as conn:
        assert payout_book.owed(conn) == {}
    right = report(batch.batch_id, "", (ada, status, ""), amount="12.34", currency="EUR")
    assert read(store, right) == ["returned" if status == "RJCT" else "accepted"]


@pytest.mark.parametrize(
    ("make", "outcome"),
    [
        (lambda ada: entry("12.33", detail(ada)), "partial"),
        (lambda ada: entry("12.34", detail(ada, "12.34", currency="USD")), "unfit"),
        (lambda ada: entry("12.34", detail("p-nobody")), "unmatched"),
        (lambda ada: entry("12.34", detail("NOTPROVIDED")), "unmatched"),
        (lambda ada: entry("12.00", detail(ada, reason="AC04"), kind="CRDT"), "partial"),
        (lambda ada: entry("12.34", batch_detail("payout-nobody")), "unmatched"),
        (lambda ada: entry("12.34", batch_detail("'; DROP TABLE payout_batches")), "unmatched"),
    ],
)
def test_what_does_not_fit_books_nothing(store: Store, batch: Batch, make: Callable[[str], str], outcome: str) -> None:
    """And is reported every time it is read."""
    said = statement(make(ids(batch)[0]))

    assert read(store, said) == [outcome]
    assert read(store, said) == [outcome]
    assert bank(store) == 0


def test_a_payment_that_was_not_sent_is_not_confirmed(store: Store) -> None:
    """Whatever the bank says of it."""
    earned(store, payee(), ada=12_340_000)
    (made,) = record_plan(store).batches

    assert read(store, statement(entry("12.34", detail(made.payments[0].payment_id)))) == ["unfit"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (statement(entry("12.34", detail("p-1")))[:-30], "not whole XML"),
        (b"<Document/>", "neither an account statement"),
        (statement(entry("10.001")), "finer than the currency's smallest coin"),
        (statement(entry("10.5", currency="JPY")), "finer than the currency's smallest coin"),
        (statement(entry("ten")), "not an amount"),
        (statement(entry("1.00", currency="XXXX")), "not a currency"),
        (statement(entry("1.00", day="03.12.2026")), "not a date"),
        (
            statement(entry("1.00", detail("p-1", "0.50") + detail("p-2", "0.50")), entry("1", day="2026-99-99")),
            "entry 2 .* date",
        ),
        (statement(entry("1.00", day="9999-12-31")), "entry 1 cannot be read: '9999-12-31' is not a date"),
        (report("b", "", ("p-1", "RJCT", ""), amount="1", currency="EURO"), "status of payment 1 .* not a currency"),
        (statement(entry("1.00", kind="")), "neither credit nor debit"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + statement().split(b"\n")[1], "document type"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(data: bytes, problem: str) -> None:
    """By name of what is wrong."""
    with pytest.raises(InputError, match=problem) as caught:
        read_bank_file(data, file="bank.xml")

    assert caught.value.file == "bank.xml" and caught.value.remedy


def test_older_versions_say_it_in_other_places() -> None:
    """camt.053.001.02: the status is a text, and the amount stands deeper."""
    old = statement(entry("5.00", detail("p-1"))).replace(b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>")
    deep = b"<AmtDtls><TxAmt><Amt Ccy='EUR'>4.00</Amt></TxAmt></AmtDtls></TxDtls>"
    (line,) = read_bank_file(old.replace(b".08", b".02").replace(b"</TxDtls>", deep))

    assert (line.kind, line.amount_micros, line.date) == ("debit", 4_000_000, "2026-12-03")

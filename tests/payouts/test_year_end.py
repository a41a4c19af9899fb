"""A year in sums: by payee and jurisdiction, from a form's least amount on, without what came back."""

from __future__ import annotations

import csv
import io

import sqlalchemy as sa

from endcredits.payouts import payout_book
from endcredits.payouts.payees import TaxProfile
from endcredits.payouts.year_end import COLUMNS, YearEnd, year_end, year_end_csv
from endcredits.store import Store

from .paying_makers import AT, RATES, earned, payee, payer, record_plan, send, w8


def summed(store: Store, year: str = "2026") -> dict[str, YearEnd]:
    """The rows by party."""
    with store.reading() as conn:
        return {row.party_id: row for row in year_end(payout_book.batches(conn), year, RATES)}


def test_forms_follow_country_and_sum(store: Store) -> None:
    """1042-S abroad, 1099-MISC at home from 10 USD on; nothing for a year without payments."""
    home = TaxProfile("W-9", "2020-01-01")
    earned(
        store,
        payee("abroad", 1, currency="USD", country="BR", tax=w8()),
        payee("home", 2, currency="USD", country="US", tax=home),
        payee("little", 3, currency="USD", country="US", tax=home),
        abroad=100_000_000,
        home=10_000_000,
        little=9_990_000,
    )
    (batch,) = record_plan(store, payer=payer("US")).batches
    assert summed(store) == {}
    send(store, batch)

    rows = summed(store)
    assert {name: row.form for name, row in rows.items()} == {"abroad": "1042-S", "home": "1099-MISC", "little": ""}
    assert (rows["abroad"].gross_micros, rows["abroad"].withheld_micros) == (100_000_000, 30_000_000)
    assert rows["little"].transfer_micros == 9_990_000
    assert summed(store, "2025") == {}


def test_backup_withholding_is_reported_whatever_its_size(store: Store) -> None:
    """Below 10 USD too."""
    earned(store, payee("home", 2, currency="USD", country="US"), home=5_000_000)
    (batch,) = record_plan(store, payer=payer("US"), without_form=True).batches
    send(store, batch)

    assert summed(store)["home"].form == "1099-MISC"
    assert summed(store)["home"].withheld_micros == 1_200_000


def test_what_came_back_does_not_count(store: Store) -> None:
    """And a payer without a source in the United States reports no form there."""
    earned(store, payee("ada"), payee("ben", 2000, holder="=cmd()"), ada=5_000_000, ben=6_000_000)
    (batch,) = record_plan(store).batches
    send(store, batch)
    first = batch.payments[0]

    def back(conn: sa.Connection) -> None:
        booked = payout_book.find_batch(conn, batch.batch_id)
        payout_book.return_payment(conn, booked, first, "2026-12-05", "AC04", AT)

    store.write(back)
    rows = summed(store)

    assert list(rows) == ["ben"]
    assert (rows["ben"].form, rows["ben"].jurisdiction) == ("", "DE")
    (cells,) = csv.DictReader(io.StringIO(year_end_csv(rows.values()), newline=""))
    assert tuple(cells) == COLUMNS
    assert cells["holder"] == "'=cmd()"

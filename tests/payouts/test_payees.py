"""Payee profiles: read from files with the row and field of what is wrong, recorded by number, never changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from endcredits.errors import InputError, IntegrityError
from endcredits.payouts import payout_tables as tables
from endcredits.payouts.payee_book import hold_bank_detail, latest_profiles, save_profiles
from endcredits.payouts.payee_files import read_payees
from endcredits.payouts.payees import PayeeProfile, TaxProfile, check_tax
from endcredits.payouts.payout_documents import document, public_profile, read_profile
from endcredits.store import Store

from .paying_makers import ADA, AT, payee, w8

HEAD = "party_id,country,rail,currency,holder,iban,tax_form,tax_signed_on,minimum,sanctions\n"
ROW = "ada,DE,pain001,EUR,Ada Lovelace,DE89 3704 0044 0532 0130 00,W-8BEN,2026-03-01,10,no\n"


def read(tmp_path: Path, text: str, name: str = "payees.csv") -> tuple[PayeeProfile, ...]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_payees(tmp_path / name, "2026-11-21")


def test_a_row_becomes_a_profile(tmp_path: Path) -> None:
    """Numbers exact, the IBAN compact, the form's end known."""
    (profile,) = read(tmp_path, HEAD + ROW)

    assert profile.bank.iban == "DE89370400440532013000"
    assert profile.minimum_micros == 10_000_000
    assert profile.tax.expires_on == "2029-12-31"
    assert profile.valid_from == "2026-11-21"


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    """One object of texts a line."""
    keys = HEAD.strip().split(",")
    line = json.dumps(dict(zip(keys, ROW.strip().split(","), strict=True)))

    assert read(tmp_path, line + "\n\n", "p.jsonl") == read(tmp_path, HEAD + ROW)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("DE,pain001", "UK,pain001", "country"),
        ("DE,pain001", "GB,pain001", "iban"),  # an IBAN of another country than said
        ("pain001", "swift", "rail"),
        ("EUR", "EURO", "currency"),
        ("0130 00", "0130 01", "iban"),
        ("Ada Lovelace", "A\u202eda", "holder"),
        ("Ada Lovelace", "", "holder"),
        ("W-8BEN", "W-9", "tax_form"),
        ("2026-03-01", "2026-02-30", "tax_signed_on"),
        ("2026-03-01", "", "tax_signed_on"),
        (",10,", ",ten,", "minimum"),
        (",no", ",perhaps", "sanctions"),
        ("ada,", "=ada,", "party_id"),
    ],
)
def test_what_is_wrong_is_named_with_row_and_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    """And nothing of the file is taken."""
    second = ROW.replace("ada,", "ben,")

    with pytest.raises(InputError) as caught:
        read(tmp_path, HEAD + second + ROW.replace(old, new))

    assert (caught.value.row, caught.value.field) == (2, field)
    assert "370400440532" not in str(caught.value)


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """Whatever is wrong with it."""
    for name, text in [
        ("p.csv", ""),
        ("p.csv", HEAD),
        ("p.csv", HEAD + ROW + ROW),
        ("p.csv", HEAD + "ada,DE\n"),
        ("p.csv", HEAD.replace("holder", "Holder") + ROW),
        ("p.csv", HEAD + '"ada'),
        ("p.jsonl", "{"),
        ("p.jsonl", '{"party_id": 1}'),
        ("p.jsonl", '{"party_id": "a", "party_id": "b"}'),
        ("p.txt", HEAD + ROW),
    ]:
        with pytest.raises(InputError) as caught:
            read(tmp_path, text, name)
        assert caught.value.remedy


def test_a_treaty_or_vat_needs_what_it_rests_on() -> None:
    """A rate without a form, VAT without a number, a whole taxpayer number."""
    for tax, country in [
        (TaxProfile(treaty_rate_ppb=0), "DE"),
        (TaxProfile("W-9", "2026-01-01", treaty_rate_ppb=0), "US"),
        (TaxProfile(vat_rate_ppb=190_000_000), "DE"),
        (TaxProfile("W-8BEN", "2026-01-01", tin_last_four="123-45-6789"), "DE"),
        (TaxProfile("W-7", "2026-01-01"), "DE"),
        (TaxProfile("W-8BEN", "2026-01-01"), "US"),
    ]:
        with pytest.raises(InputError):
            check_tax(tax, country)


def test_profiles_are_numbered_and_the_last_counts(store: Store) -> None:
    """The same again adds nothing."""
    first, moved = payee(), payee(number=2000)

    assert [p.version for p in store.write(lambda conn: save_profiles(conn, [first], AT))] == [1]
    assert store.write(lambda conn: save_profiles(conn, [payee(valid_from="2026-05-05")], AT)) == ()
    assert [p.profile_id for p in store.write(lambda conn: save_profiles(conn, [moved], AT))] == ["payee:ada:2"]
    with store.reading() as conn:
        assert latest_profiles(conn)[ADA].bank == moved.bank


def test_a_returned_detail_is_held_until_another_comes(store: Store) -> None:
    """And a detail that was changed since is not."""
    store.write(lambda conn: save_profiles(conn, [payee()], AT))

    store.write(lambda conn: hold_bank_detail(conn, ADA, "payee:ada:1", "AC04 closed\naccount", AT))
    store.write(lambda conn: hold_bank_detail(conn, ADA, "payee:ada:1", "again", AT))

    with store.reading() as conn:
        assert latest_profiles(conn)[ADA].bank_hold == "returned: AC04 closed account"
    store.write(lambda conn: save_profiles(conn, [payee()], AT))
    with store.reading() as conn:
        assert latest_profiles(conn)[ADA].bank_hold == ""


def test_a_profile_is_read_back_and_shown_masked() -> None:
    """The private document is whole, the public one is not; a damaged one does not quote itself."""
    profile = payee(tax=w8(0))
    text = document(profile)

    assert read_profile(text) == profile
    assert profile.bank.iban not in json.dumps(public_profile(profile))
    with pytest.raises(IntegrityError) as caught:
        read_profile(text.replace('"EUR"', '"EUR "').replace("1", "2", 1) + " ")
    assert profile.bank.iban not in str(caught.value)


def test_the_migration_makes_the_declared_tables(store: Store) -> None:
    """Same columns and keys as the declaration, and no row can be changed."""
    store.write(lambda conn: save_profiles(conn, [payee()], AT))
    with store.reading() as conn:
        found = sa.inspect(conn)
        for table in (*tables.TABLES, tables.payout_log):
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            keys = found.get_pk_constraint(table.name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key.columns]
    for statement in (sa.update(tables.payee_profiles).values(version=9), sa.delete(tables.payee_profiles)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as conn:
            conn.execute(statement)

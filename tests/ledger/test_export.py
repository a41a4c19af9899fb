"""Other programs read the same books and come to the same balances."""

from __future__ import annotations

import csv
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from endcredits.ledger import (
    Booked,
    JournalEntry,
    Posting,
    balances,
    confirm,
    export_beancount,
    export_hledger,
    journal,
    make_entry,
    post,
    post_pending,
    reverse_entry,
    void,
)
from endcredits.ledger.export import beancount_account, decimal_amount, hledger_account
from endcredits.money import MICROS
from endcredits.store import Store

from .helpers import sale

BEAN_CHECK = Path(sys.executable).with_name("bean-check")
UTF8 = {**os.environ, "LC_ALL": "C.UTF-8"}

visible = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"))
tricky = st.sampled_from(
    ["party:emily-1a", "Z-", "Z-a", "-", "--", "--2D", "a-", "a.b", "a--2Eb", "::", ":", "%", "%25", ";", "é"]
)
rests = st.one_of(tricky, st.text(visible, min_size=1, max_size=12)).filter(lambda text: not re.search(r"\s", text))
accounts = st.builds("{}:{}".format, st.sampled_from(["Assets", "Liabilities", "Income", "Expenses", "Equity"]), rests)
narratives = st.text(st.one_of(visible, st.just(" ")), min_size=1, max_size=30).filter(str.strip)
keys = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,20}", fullmatch=True)


@st.composite
def books(draw: st.DrawFn) -> list[JournalEntry]:
    """A few entries between odd accounts, some undone."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        source, target = draw(st.lists(accounts, min_size=2, max_size=2, unique=True))
        amount = draw(st.integers(1, 2**63 - 1))
        currency = draw(st.sampled_from(["EUR", "JPY", "USD"]))
        date = draw(st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31))).isoformat()
        postings = [Posting(source, -amount, currency), Posting(target, amount, currency)]
        made.append(make_entry(f"{draw(keys)}:{number}", date, draw(narratives), postings))
        if draw(st.booleans()):
            made.append(reverse_entry(made[-1], f"undo:{number}", date, draw(narratives)))
    return made


def our_balances(entries: list[JournalEntry]) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for entry in entries:
        for p in entry.postings:
            totals[p.account, p.currency] = totals.get((p.account, p.currency), 0) + p.amount_micros
    return {key: total for key, total in totals.items() if total}


def beancount_balances(text: str) -> dict[tuple[str, str], int]:
    """Balances according to beancount, which must not complain."""
    from beancount import loader
    from beancount.core import data

    directives, errors, _ = loader.load_string(text)
    assert errors == []
    totals: dict[tuple[str, str], Decimal] = {}
    for directive in directives:
        if isinstance(directive, data.Transaction):
            for p in directive.postings:
                key = (p.account, p.units.currency)
                totals[key] = totals.get(key, Decimal()) + p.units.number
    return {key: int(total * MICROS) for key, total in totals.items() if total}


def hledger_run(journal: Path, *arguments: str) -> str:
    if shutil.which("hledger") is None:
        pytest.skip("NOT COMPARED WITH HLEDGER: the program hledger is not installed (apt-get install hledger)")
    done = subprocess.run(["hledger", "-f", str(journal), *arguments], capture_output=True, text=True, env=UTF8)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hledger_balances(text: str) -> dict[tuple[str, str], int]:
    """Balances according to hledger, which must not complain even when strict."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "books.journal"
        journal.write_text(text, encoding="utf-8")
        hledger_run(journal, "check", "--strict")
        printed = hledger_run(journal, "balance", "--flat", "--no-total", "-O", "csv")
    totals = {}
    for account, amounts in list(csv.reader(printed.splitlines()))[1:]:
        for amount in amounts.split(", "):
            number, currency = amount.split(" ")
            totals[account, currency] = int(Decimal(number) * MICROS)
    return totals


@settings(max_examples=60)
@given(books())
def test_beancount_comes_to_our_balances(entries: list[JournalEntry]) -> None:
    """Odd names, large amounts, reversals: every account and currency to the micro."""
    expected = {(beancount_account(account), c): total for (account, c), total in our_balances(entries).items()}

    assert beancount_balances(export_beancount(entries)) == expected


@settings(max_examples=20)
@given(books())
def test_hledger_comes_to_our_balances(entries: list[JournalEntry]) -> None:
    """The same books, another program."""
    expected = {(hledger_account(account), c): total for (account, c), total in our_balances(entries).items()}

    assert hledger_balances(export_hledger(entries)) == expected


def example_books() -> list[JournalEntry]:
    first = sale("close:2026-11", 1_234_567_890_123)
    odd = make_entry(
        "date:2026-99",
        "2026-12-01",
        'Paid "Brontë" \\ and; others | (half) = 1',
        [Posting("Liabilities:Payable:party:émile", 7, "JPY"), Posting("Assets:Bank", -7, "JPY")],
    )
    return [first, odd, reverse_entry(first, "undo", "2026-12-02", "* ! (x) wrong")]


def test_bean_check_accepts_the_file(tmp_path: Path) -> None:
    """The program itself, as an accountant would run it."""
    file = tmp_path / "books.beancount"
    file.write_text(export_beancount(example_books()), encoding="utf-8")

    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, env=UTF8)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_bean_check_finds_a_changed_amount(tmp_path: Path) -> None:
    """The comparison is worth something: one micro more and the program complains."""
    file = tmp_path / "books.beancount"
    file.write_text(export_beancount(example_books()).replace("-1234567.890123", "-1234567.890124", 1))

    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, env=UTF8)

    assert done.returncode != 0
    assert "does not balance" in done.stderr


def test_beancount_keeps_ids_keys_and_words() -> None:
    """What the entry says is in the file as beancount reads it."""
    from beancount import loader
    from beancount.core import data

    entries = example_books()
    directives, _, _ = loader.load_string(export_beancount(entries))
    transactions = [directive for directive in directives if isinstance(directive, data.Transaction)]

    assert [
        (t.meta["entry-id"], t.meta["idempotency-key"], t.meta.get("reverses"), t.narration, t.date.isoformat())
        for t in transactions
    ] == [(e.entry_id, e.idempotency_key, e.reverses, e.narrative, e.date) for e in entries]


def test_hledger_keeps_ids_and_keys(tmp_path: Path) -> None:
    """The id is the transaction's code; key and reversal are tags that can be searched."""
    entries = example_books()
    journal = tmp_path / "books.journal"
    journal.write_text(export_hledger(entries), encoding="utf-8")

    assert hledger_run(journal, "codes").split() == [entry.entry_id for entry in entries]
    assert entries[2].entry_id in hledger_run(journal, "print", f"tag:reverses={entries[0].entry_id}")
    assert entries[1].entry_id in hledger_run(journal, "print", "tag:idempotency-key=date.2026-99")
    assert 'Paid "Brontë" \\ and, others | (half) = 1' in hledger_run(journal, "descriptions")


def test_no_entries_make_a_file_that_both_accept(tmp_path: Path) -> None:
    """Empty books are books."""
    assert beancount_balances(export_beancount([])) == {}
    assert hledger_balances(export_hledger([])) == {}


def decode_hledger(name: str) -> str:
    """The slow way back from hledger's names."""
    parts = ["" if part == "%" else part for part in name.split(":")]
    return ":".join(_decode_bytes(part, "%") for part in parts)


def decode_beancount(name: str) -> str:
    """The slow way back from beancount's names."""
    return ":".join(_decode_bytes(part.removeprefix("Z-"), "--") for part in name.split(":"))


def _decode_bytes(text: str, mark: str) -> str:
    raw, place = b"", 0
    while place < len(text):
        if text.startswith(mark, place):
            start = place + len(mark)
            raw += bytes.fromhex(text[start : start + 2])
            place = start + 2
        else:
            raw += text[place].encode()
            place += 1
    return raw.decode()


@given(accounts)
@example("Assets:--2D-a--")
@example("Assets:Z-Z-party")
def test_account_names_can_be_read_back(account: str) -> None:
    """So two accounts never become one."""
    assert decode_hledger(hledger_account(account)) == account
    assert decode_beancount(beancount_account(account)) == account


@pytest.mark.parametrize(
    "one,other", [("Assets:party", "Assets:Z-party"), ("Assets:a.b", "Assets:a--2Eb"), ("Assets:a::b", "Assets:a:%:b")]
)
def test_names_that_would_collide_do_not(one: str, other: str) -> None:
    """The escapes themselves are escaped."""
    assert beancount_account(one) != beancount_account(other)
    assert hledger_account(one) != hledger_account(other)


@given(st.integers())
def test_amounts_have_six_decimals_and_are_exact(micros: int) -> None:
    """Read as a decimal, an amount is the micros again."""
    text = decimal_amount(micros)

    assert re.fullmatch(r"-?\d+\.\d{6}", text)
    whole, part = text.lstrip("-").split(".")
    assert (int(whole) * MICROS + int(part)) * (-1 if text.startswith("-") else 1) == micros


def waiting_books(store: Store) -> list[Booked]:
    """Posted, confirmed, voided and still waiting, on accounts whose names are hostile."""
    hostile = "Liabilities:Held:tax-form:=cmd|'/c'!A1;<b>&#x202e;{{7*7}}"

    def work(conn: sa.Connection) -> list[Booked]:
        for number, key in enumerate(("plain", "yes", "no", "open"), 1):
            lines = [Posting(hostile, -number, "EUR"), Posting("Assets:Bank", number, "EUR")]
            entry = make_entry(key, "2026-11-30", f"; * ! = {key}", lines)
            if key == "plain":
                post(conn, entry, "2026-12-01T10:00:00Z")
            else:
                post_pending(conn, entry, "2026-12-01T10:00:00Z", "2026-12-31")
        confirm(conn, "yes", "2026-12-02", "2026-12-03T10:00:00Z")
        void(conn, "no", "2026-12-02", "2026-12-03T10:00:00Z", "Returned")
        return journal(conn)

    return store.write(work)


def test_both_programs_count_what_counts_and_mark_what_waits(sqlite_store: Store, tmp_path: Path) -> None:
    """Posted and confirmed under *, waiting under !, voided nowhere; each balance to the micro, with assertions."""
    books = waiting_books(sqlite_store)
    with sqlite_store.reading() as conn:
        posted, waiting = balances(conn), balances(conn, pending=True)
    assert sorted(posted.values()) == [-3, 3] and sorted(waiting.values()) == [-4, 4]
    together = {key: posted.get(key, 0) + waiting.get(key, 0) for key in posted}

    text = export_beancount(books, assertions=True)
    assert beancount_balances(text) == {(beancount_account(account), c): n for (account, c), n in together.items()}
    assert text.count(" ! ") == 1 + text.count('"; * ! =')
    without = "\n\n".join(part for part in text.split("\n\n") if not part.startswith("2026-11-30 !"))
    assert beancount_balances(without.partition(" balance ")[0].rpartition("\n")[0]) == {
        (beancount_account(account), c): n for (account, c), n in posted.items()
    }

    journal_file = tmp_path / "books.journal"
    journal_file.write_text(export_hledger(books, assertions=True), encoding="utf-8")
    assert hledger_balances(journal_file.read_text(encoding="utf-8")) == {
        (hledger_account(account), c): n for (account, c), n in together.items()
    }
    cleared = hledger_run(journal_file, "balance", "--flat", "--no-total", "--cleared", "-O", "csv")
    amounts = sorted(row[1] for row in list(csv.reader(cleared.splitlines()))[1:])
    assert amounts == ["-0.000003 EUR", "0.000003 EUR"]
    assert "2026-11-30" not in hledger_run(journal_file, "register", "--date2", "-e", "2026-12-01")


@pytest.mark.parametrize("program", ["hledger", "beancount"])
def test_an_assertion_finds_an_entry_left_out(sqlite_store: Store, tmp_path: Path, program: str) -> None:
    """A whole entry that is missing balances like any other; the balances at the end do not."""
    from beancount import loader

    books = waiting_books(sqlite_store)
    export = export_hledger if program == "hledger" else export_beancount
    parts = export(books, assertions=True).split("\n\n")
    assert "plain" in parts[1]
    short = "\n\n".join([parts[0], *parts[2:]])

    if program == "beancount":
        _, errors, _ = loader.load_string(short)
        assert errors and all("Balance failed" in error.message for error in errors)
        return
    file = tmp_path / "short.journal"
    file.write_text(short, encoding="utf-8")
    hledger_run(file, "check", "balancednoautoconversion", "--ignore-assertions")
    done = subprocess.run(["hledger", "-f", str(file), "check"], capture_output=True, text=True, env=UTF8)
    assert done.returncode != 0 and "assertion" in done.stderr


@settings(max_examples=20)
@given(books())
def test_assertions_hold_in_both_programs(entries: list[JournalEntry]) -> None:
    """Whatever the accounts are called and however large the amounts are."""
    totals = our_balances(entries)

    assert beancount_balances(export_beancount(entries, assertions=True)) == {
        (beancount_account(account), c): total for (account, c), total in totals.items()
    }
    assert hledger_balances(export_hledger(entries, assertions=True)) == {
        (hledger_account(account), c): total for (account, c), total in totals.items()
    }

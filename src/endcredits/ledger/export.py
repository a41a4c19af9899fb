"""The books in the formats of two well-known plain-text book-keeping programs, so that others can check them.

Both formats carry every amount with six decimals, and every entry with its id, its idempotency key and the id of the
entry that it undoes. The programs allow fewer characters in account names than we do, so names are escaped such that
two accounts never become one:

*hledger*: the letters A to Z and a to z, digits and `. _ : @ / + ~ -` stay. Every other character becomes `%` and two
hex digits per UTF-8 byte; an empty part between colons becomes a lone `%`. `Liabilities:Payable:émile` reads
`Liabilities:Payable:%C3%A9mile`.

*beancount*: the same letters, digits and single hyphens before one of these stay. Every other character becomes `--`
and two hex digits per UTF-8 byte. A part must begin with a capital or a digit: one that does not, or that begins with
`Z-`, gets `Z-` in front. `Liabilities:Payable:party:emily-bronte` reads `Liabilities:Payable:Z-party:Z-emily-bronte`.

Given what `journal` returns, the exports also know what waits: entries that are pending and not settled are marked `!`
(confirmed and posted ones `*`), and when an entry entered the books is hledger's second date and beancount's
`recorded-at`. With assertions every account's balance stands at the end, waiting entries included, as both programs count
them; whoever changes an amount above is told so by the program itself.

Sources: hledger manual, "Journal" (https://hledger.org/hledger.html); Beancount Language Syntax, "Accounts".
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator

from endcredits.ledger.records import Booked, JournalEntry
from endcredits.money import MICROS


def export_hledger(entries: Iterable[JournalEntry | Booked], *, assertions: bool = False) -> str:
    """Writes entries as an hledger journal (UTF-8), its accounts and commodities declared for `hledger check --strict`.

    A narrative's semicolons become commas, because hledger begins a comment there.

    Args:
        entries: plain entries, or all of `journal` with what waits.
        assertions: whether every account's balance is asserted at the end.
    """
    return "\n".join(_hledger_lines(_shown(entries), assertions))


def export_beancount(entries: Iterable[JournalEntry | Booked], *, assertions: bool = False) -> str:
    """Writes entries as a beancount file (UTF-8); every account is opened on the day of its first entry.

    Args:
        entries: plain entries, or all of `journal` with what waits.
        assertions: whether every account's balance is asserted at the end, exactly.
    """
    return "\n".join(_beancount_lines(_shown(entries), assertions))


def hledger_account(account: str) -> str:
    """An account's name for hledger.

    >>> hledger_account("Liabilities:Payable:party:émile::x")
    'Liabilities:Payable:party:%C3%A9mile:%:x'
    """
    return ":".join(
        re.sub(r"[^A-Za-z0-9._@/+~-]", lambda match: _hex("%", match[0]), part) or "%" for part in account.split(":")
    )


def beancount_account(account: str) -> str:
    """An account's name for beancount.

    >>> beancount_account("Liabilities:Payable:party:anne.bronte-2:2nd:B")
    'Liabilities:Payable:Z-party:Z-anne--2Ebronte-2:2nd:B'
    """
    return ":".join(_beancount_part(part) for part in account.split(":"))


def decimal_amount(micros: int) -> str:
    """Micros as a plain decimal number with six decimals.

    >>> decimal_amount(-1_500_000)
    '-1.500000'
    """
    whole, part = divmod(abs(micros), MICROS)
    return f"{'-' if micros < 0 else ''}{whole}.{part:06d}"


def _shown(entries: Iterable[JournalEntry | Booked]) -> list[Booked]:
    """What counts or waits: settled announcements and voidings move nothing."""
    everything = [entry if isinstance(entry, Booked) else Booked(entry) for entry in entries]
    settled = {booked.settles for booked in everything}
    return [one for one in everything if one.kind != "voided" and one.entry.entry_id not in settled]


def _mark(booked: Booked) -> str:
    return "!" if booked.kind == "pending" else "*"


def _hledger_lines(shown: list[Booked], assertions: bool) -> Iterator[str]:
    yield "decimal-mark ."
    for currency in _currencies(shown):
        yield f"commodity 1000.000000 {currency}"
    for account in _opened_on(shown):
        yield f"account {hledger_account(account)}"
    for booked in shown:
        entry = booked.entry
        second = f"={booked.recorded_at[:10]}" if booked.recorded_at else ""
        yield ""
        yield f"{entry.date}{second} {_mark(booked)} ({entry.entry_id}) {entry.narrative.replace(';', ',')}"
        yield f"    ; idempotency-key: {entry.idempotency_key}"
        if entry.reverses is not None:
            yield f"    ; reverses: {entry.reverses}"
        if booked.settles is not None:
            yield f"    ; settles: {booked.settles}"
        for posting in entry.postings:
            amount = decimal_amount(posting.amount_micros)
            yield f"    {hledger_account(posting.account)}  {amount} {posting.currency}"
    if assertions and shown:
        yield ""
        yield f"{max(booked.entry.date for booked in shown)} * balances"
        for (account, currency), micros in _totals(shown).items():
            yield f"    {hledger_account(account)}  0 {currency} = {decimal_amount(micros)} {currency}"
    yield ""


def _beancount_lines(shown: list[Booked], assertions: bool) -> Iterator[str]:
    first_day = min((booked.entry.date for booked in shown), default="")
    for currency in _currencies(shown):
        yield f"{first_day} commodity {currency}"
    for account, day in _opened_on(shown).items():
        yield f"{day} open {beancount_account(account)}"
    for booked in shown:
        entry = booked.entry
        yield ""
        yield f"{entry.date} {_mark(booked)} {_quoted(entry.narrative)}"
        yield f"  entry-id: {_quoted(entry.entry_id)}"
        yield f"  idempotency-key: {_quoted(entry.idempotency_key)}"
        if entry.reverses is not None:
            yield f"  reverses: {_quoted(entry.reverses)}"
        if booked.settles is not None:
            yield f"  settles: {_quoted(booked.settles)}"
        if booked.recorded_at:
            yield f"  recorded-at: {_quoted(booked.recorded_at)}"
        for posting in entry.postings:
            amount = decimal_amount(posting.amount_micros)
            yield f"  {beancount_account(posting.account)}  {amount} {posting.currency}"
    if assertions and shown:
        # beancount asserts at the beginning of a day, and within a tolerance if none is given.
        last = datetime.date.fromisoformat(max(booked.entry.date for booked in shown))
        day = (last + datetime.timedelta(days=1)).isoformat()
        yield ""
        for (account, currency), micros in _totals(shown).items():
            yield f"{day} balance {beancount_account(account)}  {decimal_amount(micros)} ~ 0.000000 {currency}"
    yield ""


def _totals(shown: list[Booked]) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for booked in shown:
        for p in booked.entry.postings:
            totals[p.account, p.currency] = totals.get((p.account, p.currency), 0) + p.amount_micros
    return dict(sorted(totals.items()))


def _currencies(shown: list[Booked]) -> list[str]:
    return sorted({posting.currency for booked in shown for posting in booked.entry.postings})


def _opened_on(shown: list[Booked]) -> dict[str, str]:
    days: dict[str, str] = {}
    for booked in shown:
        for posting in booked.entry.postings:
            days[posting.account] = min(booked.entry.date, days.get(posting.account, booked.entry.date))
    return dict(sorted(days.items()))


def _beancount_part(part: str) -> str:
    # A hyphen stays only before a letter or digit, so that "--" always begins an escape.
    escaped = re.sub(r"-(?![A-Za-z0-9])|[^A-Za-z0-9-]", lambda match: _hex("--", match[0]), part)
    plain = re.match(r"[A-Z0-9]", escaped) and not escaped.startswith("Z-")
    return escaped if plain else f"Z-{escaped}"


def _hex(mark: str, character: str) -> str:
    return "".join(f"{mark}{byte:02X}" for byte in character.encode())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

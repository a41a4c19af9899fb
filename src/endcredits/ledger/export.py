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

Sources: hledger manual, "Journal" (https://hledger.org/hledger.html); Beancount Language Syntax, "Accounts".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from endcredits.ledger.records import JournalEntry
from endcredits.money import MICROS


def export_hledger(entries: Iterable[JournalEntry]) -> str:
    """Writes entries as an hledger journal (UTF-8), its accounts and commodities declared for `hledger check --strict`.

    A narrative's semicolons become commas, because hledger begins a comment there.
    """
    return "\n".join(_hledger_lines(list(entries)))


def export_beancount(entries: Iterable[JournalEntry]) -> str:
    """Writes entries as a beancount file (UTF-8); every account is opened on the day of its first entry."""
    return "\n".join(_beancount_lines(list(entries)))


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


def _hledger_lines(entries: list[JournalEntry]) -> Iterator[str]:
    yield "decimal-mark ."
    for currency in _currencies(entries):
        yield f"commodity 1000.000000 {currency}"
    for account in _opened_on(entries):
        yield f"account {hledger_account(account)}"
    for entry in entries:
        yield ""
        yield f"{entry.date} * ({entry.entry_id}) {entry.narrative.replace(';', ',')}"
        yield f"    ; idempotency-key: {entry.idempotency_key}"
        if entry.reverses is not None:
            yield f"    ; reverses: {entry.reverses}"
        for posting in entry.postings:
            amount = decimal_amount(posting.amount_micros)
            yield f"    {hledger_account(posting.account)}  {amount} {posting.currency}"
    yield ""


def _beancount_lines(entries: list[JournalEntry]) -> Iterator[str]:
    first_day = min((entry.date for entry in entries), default="")
    for currency in _currencies(entries):
        yield f"{first_day} commodity {currency}"
    for account, day in _opened_on(entries).items():
        yield f"{day} open {beancount_account(account)}"
    for entry in entries:
        yield ""
        yield f"{entry.date} * {_quoted(entry.narrative)}"
        yield f"  entry-id: {_quoted(entry.entry_id)}"
        yield f"  idempotency-key: {_quoted(entry.idempotency_key)}"
        if entry.reverses is not None:
            yield f"  reverses: {_quoted(entry.reverses)}"
        for posting in entry.postings:
            amount = decimal_amount(posting.amount_micros)
            yield f"  {beancount_account(posting.account)}  {amount} {posting.currency}"
    yield ""


def _currencies(entries: list[JournalEntry]) -> list[str]:
    return sorted({posting.currency for entry in entries for posting in entry.postings})


def _opened_on(entries: list[JournalEntry]) -> dict[str, str]:
    days: dict[str, str] = {}
    for entry in entries:
        for posting in entry.postings:
            days[posting.account] = min(entry.date, days.get(posting.account, entry.date))
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

"""A journal entry is either whole and balanced, or it is not made.

`make_entry` is the only way to one: it brings postings into one spelling (one posting per account and currency, zeros
dropped, sorted), demands that every currency sums to zero, and names the entry after its content. Nothing recorded is
ever edited; `reverse_entry` makes the mirror image that undoes an entry, after which the right one can be posted.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable

from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.ledger.records import ACCOUNT_KINDS, Booked, JournalEntry, Posting
from endcredits.money import currency_code, format_micros

AMOUNT_MAX = 2**63 - 1
"""Largest amount of one posting, in micros: what a BIGINT holds."""

ACCOUNT_LENGTH_MAX = 300
NARRATIVE_LENGTH_MAX = 500
_YEARS = range(1900, 2200)
_PLAIN_ACCOUNT = re.compile(rf"(?:{'|'.join(ACCOUNT_KINDS)}):[!-~]{{1,280}}")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_quote: Callable[[str], str] = json.encoder.encode_basestring
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def make_entry(
    idempotency_key: str,
    date: str,
    narrative: str,
    postings: Iterable[Posting],
    reverses: str | None = None,
) -> JournalEntry:
    """Makes a balanced entry.

    Args:
        idempotency_key: what the entry is about ("close:2026-11"), spelt like an id; a key is posted once.
        date: accounting date, YYYY-MM-DD.
        narrative: what happened, in one line of at most 500 characters.
        postings: in any order; several on one account and currency are added up, and those that come to zero left out.
        reverses: id of the entry that this one undoes.

    Returns:
        The entry, with an id made from all of the above: equal content has an equal id.

    Raises:
        InputError: a value is malformed, fewer than two postings remain, or a currency does not sum to zero.
    """
    plain_id(_text(idempotency_key, "idempotency_key"), what="idempotency_key")
    check_date(date)
    check_narrative(narrative)
    if reverses is not None:
        plain_id(_text(reverses, "reverses"), what="reverses")
    merged = _merge(postings, idempotency_key)
    if len(merged) < 2:
        raise InputError(
            f"entry '{idempotency_key}' has {len(merged)} postings that are not zero, and double entry needs two",
            remedy="Give the account that the money comes from and the one that it goes to.",
            field="postings",
        )
    for currency, total in currency_totals(merged).items():
        if total:
            raise InputError(
                f"entry '{idempotency_key}' does not balance: its {currency} postings sum to {format_micros(total)}",
                remedy="Debits (positive) and credits (negative) sum to zero in every currency.",
                field="postings",
            )
    entry_id = content_id(idempotency_key, date, narrative, merged, reverses)
    return JournalEntry(entry_id, idempotency_key, date, narrative, merged, reverses)


def must_be_made(booked: Booked) -> None:
    """Refuses an entry that `make_entry` did not make, or that was altered since.

    Raises:
        InputError: it breaks a rule of book-keeping, or its id does not fit its content.
    """
    entry = booked.entry
    expected = content_id(
        entry.idempotency_key,
        entry.date,
        entry.narrative,
        entry.postings,
        entry.reverses,
        kind=booked.kind,
        settles=booked.settles,
        expires_on=booked.expires_on,
    )
    if entry.entry_id == expected and _follows_rules(entry):
        return
    made = make_entry(entry.idempotency_key, entry.date, entry.narrative, entry.postings, entry.reverses)
    if entry.entry_id != expected or made.postings != entry.postings:
        raise InputError(
            f"entry '{entry.idempotency_key}' is not what its id {entry.entry_id} says",
            remedy="Make entries with make_entry or reverse_entry and post them as they are.",
        )


def _follows_rules(entry: JournalEntry) -> bool:
    """The rules of `make_entry`, told quickly; False may only mean that it has to be asked.

    What an account may be called is left to `append`, which asks it once for each account that is new in the books.
    """
    plain_id(entry.idempotency_key, what="idempotency_key")
    check_date(entry.date)
    check_narrative(entry.narrative)
    totals: dict[str, int] = {}
    before: tuple[str, str] | None = None
    for posting in entry.postings:
        amount, currency = posting.amount_micros, posting.currency
        place = (posting.account, currency)
        if type(amount) is not int or not amount or not -AMOUNT_MAX <= amount <= AMOUNT_MAX:
            return False
        if before is not None and place <= before:
            return False
        before = place
        totals[currency] = totals.get(currency, 0) + amount
    return len(entry.postings) > 1 and entry.reverses is None and not any(totals.values())


def reverse_entry(entry: JournalEntry, idempotency_key: str, date: str, narrative: str) -> JournalEntry:
    """Makes the entry that undoes another: the same accounts with opposite amounts.

    Args:
        entry: what is to be undone.
        idempotency_key: see `make_entry` ("reverse:close:2026-11").
        date: accounting date of the reversal, not before that of `entry`.
        narrative: why.

    Raises:
        InputError: see `make_entry`; or the date lies before the date of `entry`.
    """
    check_date(date)
    if date < entry.date:
        raise InputError(
            f"the reversal is dated {date}, before {entry.date}, the date of the entry that it undoes",
            remedy=f"Date it {entry.date} or later.",
            field="date",
        )
    return make_entry(idempotency_key, date, narrative, mirror(entry.postings), reverses=entry.entry_id)


def mirror(postings: Iterable[Posting]) -> tuple[Posting, ...]:
    """The same postings with opposite amounts."""
    return tuple(Posting(posting.account, -posting.amount_micros, posting.currency) for posting in postings)


def content_id(
    idempotency_key: str,
    date: str,
    narrative: str,
    postings: tuple[Posting, ...],
    reverses: str | None,
    *,
    kind: str = "posted",
    settles: str | None = None,
    expires_on: str | None = None,
) -> str:
    """The id of an entry with this content: "entry:" and the first 24 hex digits of its canonical SHA-256 digest.

    The canonical bytes (see `endcredits.canonical`) are written here directly, because an entry always has one shape.
    What only pending entries and their settlement have is left out of the others.
    """
    # Amounts may pass 2**53, so they travel as decimal strings (see endcredits.canonical).
    lines = ",".join([f'[{_quote(p.account)},"{p.amount_micros}",{_quote(p.currency)}]' for p in postings])
    text = (
        f'{{"date":{_quote(date)}{_optional("expires_on", expires_on)},"idempotency_key":{_quote(idempotency_key)}'
        f'{_optional("kind", None if kind == "posted" else kind)},"narrative":{_quote(narrative)},'
        f'"postings":[{lines}],"reverses":{"null" if reverses is None else _quote(reverses)}'
        f"{_optional('settles', settles)}}}"
    )
    return f"entry:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def _optional(name: str, value: str | None) -> str:
    return "" if value is None else f',"{name}":{_quote(value)}'


def currency_totals(postings: Iterable[Posting]) -> dict[str, int]:
    """The sum of the amounts, in micros, per currency; all zero when the postings balance."""
    totals: dict[str, int] = {}
    for posting in postings:
        totals[posting.currency] = totals.get(posting.currency, 0) + posting.amount_micros
    return totals


def check_date(text: str) -> str:
    """Returns an accounting date as it is.

    Raises:
        InputError: not a day of the calendar written YYYY-MM-DD (ISO 8601), or not in the years 1900 to 2199.
    """
    if not isinstance(text, str) or not _is_date(text):
        raise InputError(
            f"{text!r} is not a date of the years {_YEARS[0]} to {_YEARS[-1]}",
            remedy="Write the day as YYYY-MM-DD, such as 2026-11-30.",
            field="date",
        )
    return text


@functools.lru_cache(4096)
def _is_date(text: str) -> bool:
    try:
        # fromisoformat also reads 20261120 and 2026-W47-5, which would sort wrongly as texts.
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and datetime.date.fromisoformat(text).year in _YEARS
    except ValueError:
        return False


@functools.lru_cache(256)
def check_stamp(text: str) -> str:
    """Returns a time at which something entered the books as it is.

    Raises:
        InputError: not UTC in whole seconds, written 2026-11-20T12:00:00Z, and not empty ("not said").
    """
    try:
        valid = text == "" or (_STAMP.fullmatch(text) and datetime.datetime.fromisoformat(text).year in _YEARS)
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise InputError(
            f"{text!r} is not a time in UTC",
            remedy="Write it like 2026-11-30T12:00:00Z.",
            field="recorded_at",
        )
    return text


def check_account(account: str) -> str:
    """Returns an account path as it is.

    Raises:
        InputError: it does not begin with a kind and a colon, holds white space or invisible characters, or is
            too long.
    """
    if isinstance(account, str) and _PLAIN_ACCOUNT.fullmatch(account):
        return account  # what nearly all are, told quickly
    kind, _, rest = _text(account, "account").partition(":")
    if kind not in ACCOUNT_KINDS or not rest:
        raise InputError(
            f"'{account[:60]}' is not an account",
            remedy=f"Begin with one of {', '.join(ACCOUNT_KINDS)} and a colon, such as Assets:Bank.",
            field="account",
        )
    if len(account) > ACCOUNT_LENGTH_MAX or any(_invisible(mark) or mark.isspace() for mark in account):
        raise InputError(
            f"the account {account[:60]!r} cannot be used",
            remedy=f"Use at most {ACCOUNT_LENGTH_MAX} visible characters and no white space.",
            field="account",
        )
    return account


def _merge(postings: Iterable[Posting], idempotency_key: str) -> tuple[Posting, ...]:
    totals: dict[tuple[str, str], int] = {}
    for row, posting in enumerate(postings, 1):
        amount = posting.amount_micros
        if isinstance(amount, bool) or not isinstance(amount, int):
            raise InputError(
                f"posting {row} of entry '{idempotency_key}' has {amount!r} micros, which is not a whole number",
                remedy="Give whole micros: 1 main unit = 1000000 micros.",
                field="amount_micros",
            )
        key = (check_account(posting.account), currency_code(_text(posting.currency, "currency")))
        totals[key] = totals.get(key, 0) + amount
    for (account, currency), amount in totals.items():
        if abs(amount) > AMOUNT_MAX:
            raise InputError(
                f"{format_micros(amount, currency)} on {account} is more than one posting can hold",
                remedy=f"Split the entry: a posting holds up to {format_micros(AMOUNT_MAX)}.",
                field="amount_micros",
            )
    return tuple(Posting(account, amount, currency) for (account, currency), amount in sorted(totals.items()) if amount)


def check_narrative(narrative: str) -> None:
    """Refuses what is not one readable line of 1 to 500 characters.

    Raises:
        InputError: empty, too long, or with line breaks, control or other invisible characters.
    """
    text = _text(narrative, "narrative")
    if 0 < len(text) <= NARRATIVE_LENGTH_MAX and text.isprintable() and text.strip():
        return  # printable is narrower than what we allow, and told quickly
    if not text.strip() or len(text) > NARRATIVE_LENGTH_MAX or any(_invisible(mark) for mark in text):
        raise InputError(
            f"the narrative {text[:60]!r} cannot be used",
            remedy=f"Say what happened in one line of 1 to {NARRATIVE_LENGTH_MAX} characters.",
            field="narrative",
        )


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{value!r} is not text", field=field)
    return value


def _invisible(mark: str) -> bool:
    return unicodedata.category(mark) in _INVISIBLE

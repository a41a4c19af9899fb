"""Payee profiles from a CSV file (with a header) or JSON Lines, one payee a row; all of the file is taken, or nothing.

    party_id,country,rail,currency,holder,iban,tax_form,tax_signed_on,tin_last_four,minimum
    ada,GB,pain001,EUR,Ada Lovelace,GB29 NWBK 6016 1331 9268 19,W-8BEN,2026-03-01,1234,10

Further columns: `valid_from` (today when missing), `bic`, `iban_country` (where the account is, when it is not in the
payee's country), `routing`, `account`, `account_type`, `stripe_account`, `treaty_rate` and `vat_rate` (percentages),
`vat_id`, `sanctions` (yes or no), `dispute` (a reason). An IBAN of another country than was said is refused: it is the
commonest sign of a number that somebody exchanged.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from endcredits.errors import EndcreditsError, InputError
from endcredits.money import parse_micros
from endcredits.payouts.bank import check_country
from endcredits.payouts.parse import percent_ppb, read_text, read_texts
from endcredits.payouts.payees import PayeeProfile, TaxProfile, make_profile

REQUIRED = ("party_id", "country", "rail", "currency", "holder")
_OPTIONAL = (
    "valid_from iban iban_country bic routing account account_type stripe_account tax_form tax_signed_on tin_last_four "
    "treaty_rate vat_id vat_rate minimum sanctions dispute"
)
OPTIONAL = tuple(_OPTIONAL.split())


def read_payees(path: str | os.PathLike[str], today: str) -> tuple[PayeeProfile, ...]:
    """Reads profiles, each with version 1; recording them numbers them.

    Args:
        path: ends in .csv, .jsonl or .ndjson.
        today: `valid_from` of rows without one, YYYY-MM-DD.

    Raises:
        InputError: naming file, row and field of the first value that cannot be used, or a party that stands twice.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".csv", ".jsonl", ".ndjson"):
        raise InputError("the file's kind is not known from its suffix", remedy="Use .csv or .jsonl.", file=path)
    text = read_text(path)
    found: dict[str, PayeeProfile] = {}
    for number, row in _csv(text, path) if suffix == ".csv" else _jsonl(text, path):
        try:
            profile = _profile(row, today)
            if profile.party_id in found:
                raise InputError(
                    f"the payee '{profile.party_id}' stands there twice", remedy="Keep one row.", field="party_id"
                )
        except EndcreditsError as error:
            raise InputError(error.message, remedy=error.remedy, file=path, row=number, field=error.field) from error
        found[profile.party_id] = profile
    if not found:
        raise InputError("the file names no payee", remedy="Give a header and at least one row.", file=path)
    return tuple(found.values())


def _profile(row: Mapping[str, str], today: str) -> PayeeProfile:
    for name in REQUIRED:
        if not row.get(name):
            raise InputError("a payee needs this field", remedy="Fill it in.", field=name)
    flag = row.get("sanctions", "").lower()
    if flag not in ("", "yes", "no", "true", "false"):
        raise InputError(f"'{flag[:20]}' is neither yes nor no", remedy="Write yes or no.", field="sanctions")
    treaty = row.get("treaty_rate", "")
    profile = make_profile(
        row["party_id"],
        row.get("valid_from") or today,
        row["country"],
        row["rail"],
        row["currency"],
        row["holder"],
        iban=row.get("iban", ""),
        bic=row.get("bic", ""),
        routing=row.get("routing", ""),
        account=row.get("account", ""),
        account_type=row.get("account_type", ""),
        stripe_account=row.get("stripe_account", ""),
        tax=TaxProfile(
            row.get("tax_form", ""),
            row.get("tax_signed_on", ""),
            row.get("tin_last_four", ""),
            percent_ppb(treaty, field="treaty_rate") if treaty else None,
            row.get("vat_id", ""),
            percent_ppb(row.get("vat_rate") or "0", field="vat_rate"),
        ),
        minimum_micros=parse_micros(row.get("minimum") or "0", field="minimum"),
        sanctions=flag in ("yes", "true"),
        dispute=row.get("dispute", ""),
    )
    said = check_country(row.get("iban_country") or row["country"], field="iban_country")
    if profile.bank.iban and profile.bank.iban[:2] != said:
        raise InputError(
            f"the IBAN is of {profile.bank.iban[:2]} and the account is said to be in {said}",
            remedy="Ask the payee; where it is right, say so in the column iban_country.",
            field="iban",
        )
    return profile


def _csv(text: str, path: object) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise InputError(f"this is not CSV ({error})", remedy="Check its quotes.", file=path) from error
    header = [name.strip() for name in lines[0]] if lines else []
    _check_names(header, path, None)
    for number, line in enumerate(lines[1:], 1):
        if len(line) != len(header):
            raise InputError(
                f"the row has {len(line)} cells and the header has {len(header)}",
                remedy="Put quotes around cells that hold commas.",
                file=path,
                row=number,
            )
        yield number, {name: cell.strip() for name, cell in zip(header, line, strict=True)}


def _jsonl(text: str, path: object) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = read_texts(line)
        except ValueError as error:
            raise InputError(f"the line cannot be read ({error})", remedy="Correct it.", file=path, row=number) from error
        _check_names(list(row), path, number)
        yield number, row


def _check_names(names: list[str], path: object, row: int | None) -> None:
    for name in names:
        if name not in (*REQUIRED, *OPTIONAL) or names.count(name) > 1:
            raise InputError(
                f"'{name[:40]}' is not a column of payees, or stands there twice",
                remedy=f"Use: {', '.join((*REQUIRED, *OPTIONAL))}.",
                file=path,
                row=row,
                field=name[:40],
            )

"""Plans, batches and profiles as documents: canonical text out, checked records in."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, TypeVar

from endcredits.canonical import canonical_bytes
from endcredits.errors import IntegrityError
from endcredits.payouts.bank import BankDetail
from endcredits.payouts.payees import PayeeProfile, TaxProfile
from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Batch, Hold, Payment, Plan, Total

T = TypeVar("T")


def document(record: object) -> str:
    """A record's canonical text (RFC 8785). Of a profile or payer it holds the bank detail whole: for the database alone."""
    return canonical_bytes(record).decode()


def read_plan(text: str) -> Plan:
    """A plan from its document.

    Raises:
        IntegrityError: the document is damaged.
    """

    def make(plain: dict[str, Any]) -> Plan:
        batches = tuple(_batch(one) for one in plain.pop("batches"))
        holds = tuple(Hold(**one) for one in plain.pop("holds"))
        totals = tuple(Total(**one) for one in plain.pop("totals"))
        return Plan(**plain, batches=batches, holds=holds, totals=totals)

    return _read(text, make)


def read_batch(text: str) -> Batch:
    """A batch from its document.

    Raises:
        IntegrityError: the document is damaged.
    """
    return _read(text, _batch)


def read_profile(text: str) -> PayeeProfile:
    """A profile from its private document.

    Raises:
        IntegrityError: the document is damaged.
    """

    def make(plain: dict[str, Any]) -> PayeeProfile:
        bank, tax = BankDetail(**plain.pop("bank")), TaxProfile(**plain.pop("tax"))
        return PayeeProfile(**plain, bank=bank, tax=tax)

    return _read(text, make)


def read_payer_document(text: str) -> Payer:
    """A payer from its private document.

    Raises:
        IntegrityError: the document is damaged.
    """
    return _read(text, lambda plain: Payer(**plain))


def public_profile(profile: PayeeProfile) -> dict[str, Any]:
    """A profile for people: everything but the bank detail, which is masked."""
    plain = dataclasses.asdict(profile)
    plain["bank"] = {"holder": profile.bank.holder, "destination": profile.bank.masked}
    plain["tax"]["expires_on"] = profile.tax.expires_on
    plain["profile_id"] = profile.profile_id
    return plain


def _batch(plain: dict[str, Any]) -> Batch:
    payments = tuple(Payment(**one) for one in plain.pop("payments"))
    return Batch(**plain, payments=payments)


def _read(text: str, make: Callable[[dict[str, Any]], T]) -> T:
    try:
        record = make(json.loads(text))
        if document(record) == text:
            return record
        why = "its spelling is not canonical"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = type(error).__name__  # never the text itself, which may hold a bank detail
    raise IntegrityError(f"a recorded document of the payouts is damaged ({why})", remedy="Restore it from your last copy.")

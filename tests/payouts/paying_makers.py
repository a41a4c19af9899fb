"""Payees, balances and a way from balances to a sent batch, for the tests of paying."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from endcredits.ids import PartyId
from endcredits.ledger import Posting, make_entry, post
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts.batches import Terms, plan
from endcredits.payouts.payees import PayeeProfile, TaxProfile, make_profile
from endcredits.payouts.payers import Payer, make_payer
from endcredits.payouts.payments import Batch, Plan
from endcredits.payouts.rails.sample import german_iban
from endcredits.payouts.tax import read_rates
from endcredits.royalties import payable_account
from endcredits.store import Store

ON = "2026-12-03"
AT = "2026-12-01T08:00:00Z"
ADA, BEN, CLEO = PartyId("ada"), PartyId("ben"), PartyId("cleo")
RATES = read_rates()


def payer(country: str = "DE", **more: Any) -> Payer:
    """A studio that pays from Germany unless told otherwise, so that no tax form is asked for."""
    return make_payer(
        "Small Studio Ltd",
        country,
        german_iban(1),
        "COBADEFFXXX",
        "011000015",
        "123456789",
        "1234567890",
        **more,
    )


def payee(party_id: str = "ada", number: int = 1000, **more: Any) -> PayeeProfile:
    """A payee in Germany who takes euros by bank transfer."""
    given: dict[str, Any] = {"country": "DE", "rail": "pain001", "currency": "EUR", "holder": f"Payee {party_id}"}
    given |= {"iban": german_iban(number), "valid_from": "2026-01-01"} | more
    positional = [given.pop(name) for name in ("valid_from", "country", "rail", "currency", "holder")]
    return make_profile(party_id, *positional, **given)


def w8(rate_ppb: int | None = None, signed_on: str = "2026-02-01") -> TaxProfile:
    """A W-8BEN, with or without a treaty claim."""
    return TaxProfile("W-8BEN", signed_on, "1234", rate_ppb)


def terms(**more: Any) -> Terms:
    """The shipped rates, on the third of December."""
    return Terms(**({"on": ON, "payer": payer(), "rates": RATES} | more))


def planned(owed: dict[tuple[str, str], int], *profiles: PayeeProfile, **more: Any) -> Plan:
    """A plan of balances by (party, currency)."""
    balances = {(PartyId(party), currency): micros for (party, currency), micros in owed.items()}
    return plan(balances, {profile.party_id: profile for profile in profiles}, {}, terms(**more))


def owe(conn: sa.Connection, key: str, amounts: dict[tuple[str, str], int]) -> None:
    """Books what is owed."""
    postings = [Posting(payable_account(PartyId(p)), -micros, c) for (p, c), micros in amounts.items()]
    postings += [Posting("Assets:Receivable:Revenue", micros, c) for (_, c), micros in amounts.items()]
    post(conn, make_entry(key, "2026-11-30", f"Earned {key}", postings))


def record_plan(store: Store, *, at: str = AT, by: str = "pia", four_eyes: bool = False, **more: Any) -> Plan:
    """Plans what the books owe, and records it."""
    chosen = terms(**more)

    def work(conn: sa.Connection) -> Plan:
        made = plan(payout_book.owed(conn), payee_book.latest_profiles(conn), payout_book.sent_before(conn), chosen)
        payout_book.save_plan(conn, made, chosen.payer, at, by, four_eyes=four_eyes)
        return made

    return store.write(work)


def earned(store: Store, *profiles: PayeeProfile, **amounts: int) -> None:
    """Records payees, and what they are owed in their own currency."""
    currencies = {profile.party_id: profile.currency for profile in profiles}

    def work(conn: sa.Connection) -> None:
        payee_book.save_profiles(conn, profiles, AT)
        owe(conn, "close:2026-11", {(p, currencies[PartyId(p)]): micros for p, micros in amounts.items()})

    store.write(work)


def send(store: Store, batch: Batch, at: str = AT) -> None:
    """Approves a batch and marks it as sent."""

    def work(conn: sa.Connection) -> None:
        payout_book.approve(conn, batch.batch_id, "quentin", at)
        payout_book.begin_sending(conn, batch.batch_id, "quentin", at, "0" * 64, "/tmp/out.xml")
        payout_book.finish_sending(conn, batch.batch_id, "quentin", at)

    store.write(work)

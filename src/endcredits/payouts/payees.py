"""Payee profiles: where and how somebody is paid, what their taxes ask for, and whether they may be paid at all.

A profile is never changed: a new one is added with its number and its day, and the one in force is the last. A batch names
the profiles that it was planned with, so that a change after approval is seen before money moves.

Tax forms of the United States (https://www.irs.gov, instructions for forms W-9 and W-8BEN): a W-9 stands until something in
it changes; a W-8BEN or W-8BEN-E, once signed, stands until the last day of the third calendar year after. Of a taxpayer
number the last four characters are kept and no more.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.ids import PartyId
from endcredits.money import PPB, currency_code
from endcredits.payouts.bank import (
    BankDetail,
    check_country,
    check_holder,
    validate_account,
    validate_bic,
    validate_iban,
    validate_routing,
)
from endcredits.payouts.parse import check_day
from endcredits.works.party_ids import checked_party_id

RAILS = ("pain001", "nacha", "csv", "stripe")
"""The ways that money can take."""
FORMS = ("", "W-9", "W-8BEN", "W-8BEN-E")
NOTE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class TaxProfile:
    """What is known for taxes.

    Attributes:
        form: "W-9", "W-8BEN", "W-8BEN-E", or "" for none.
        signed_on: YYYY-MM-DD, "" without a form.
        tin_last_four: of the taxpayer number, "" when unknown.
        treaty_rate_ppb: the rate that the payee claims by treaty for royalties; None when none is claimed.
        vat_id: VAT number of a payee who agreed to self-billing, "" otherwise.
        vat_rate_ppb: VAT that is paid on top of royalties; 0 without, or where the payer owes it (reverse charge).
    """

    form: str = ""
    signed_on: str = ""
    tin_last_four: str = ""
    treaty_rate_ppb: int | None = None
    vat_id: str = ""
    vat_rate_ppb: int = 0

    @property
    def expires_on(self) -> str:
        """Last day on which the form counts; "" when it has no end, or there is none."""
        if not self.form.startswith("W-8"):
            return ""
        return f"{int(self.signed_on[:4]) + 3:04d}-12-31"


@dataclass(frozen=True, slots=True)
class PayeeProfile:
    """How a party is paid, from a day on.

    Attributes:
        party_id: who.
        version: 1, 2, 3... per party.
        valid_from: first day on which it counts, YYYY-MM-DD.
        country: ISO 3166-1 alpha-2 code of the tax residence.
        rail: the way that the money takes; see `RAILS`.
        currency: what the payee takes.
        bank: where it goes.
        tax: what is known for taxes.
        minimum_micros: the payee's own least payment, >= 0.
        sanctions: whether a sanctions list names the payee, until somebody has cleared it.
        dispute: why nothing is paid for now, "" when nothing is in dispute.
        bank_hold: why the bank detail is not used ("returned: account closed"), "" when it is.
    """

    party_id: PartyId
    version: int
    valid_from: str
    country: str
    rail: str
    currency: str
    bank: BankDetail
    tax: TaxProfile = TaxProfile()
    minimum_micros: int = 0
    sanctions: bool = False
    dispute: str = ""
    bank_hold: str = ""

    @property
    def profile_id(self) -> str:
        """Its name: the party and the number. It says nothing of the content, so that nobody can guess an account by it."""
        return f"payee:{self.party_id}:{self.version}"


def make_profile(
    party_id: str,
    valid_from: str,
    country: str,
    rail: str,
    currency: str,
    holder: str,
    *,
    iban: str = "",
    bic: str = "",
    routing: str = "",
    account: str = "",
    account_type: str = "",
    stripe_account: str = "",
    tax: TaxProfile | None = None,
    minimum_micros: int = 0,
    sanctions: bool = False,
    dispute: str = "",
    bank_hold: str = "",
    version: int = 1,
) -> PayeeProfile:
    """A profile after checking every value; a missing bank detail is allowed and holds payments.

    Raises:
        InputError: naming the field.
    """
    if rail not in RAILS:
        raise InputError(f"'{rail[:20]}' is not a rail", remedy=f"Use one of: {', '.join(RAILS)}.", field="rail")
    if minimum_micros < 0:
        raise InputError("a least payment is not negative", remedy="Give 0 or more.", field="minimum")
    for name, text in (("dispute", dispute), ("bank_hold", bank_hold)):
        if len(text) > NOTE_LENGTH_MAX or not text.isprintable():
            raise InputError("the reason is not one short visible line", remedy="Use at most 200 characters.", field=name)
    check_country(country)
    bank = BankDetail(
        check_holder(holder),
        validate_iban(iban) if iban else "",
        validate_bic(bic) if bic else "",
        validate_routing(routing) if routing else "",
        validate_account(account) if account else "",
        _account_type(account_type, routing),
        _stripe_account(stripe_account),
    )
    if bool(bank.routing) != bool(bank.account):
        raise InputError(
            "a routing number and an account number go together", remedy="Give both or neither.", field="account"
        )
    return PayeeProfile(
        checked_party_id(party_id),
        version,
        check_day(valid_from, field="valid_from"),
        country,
        rail,
        currency_code(currency),
        bank,
        check_tax(tax or TaxProfile(), country),
        minimum_micros,
        sanctions,
        dispute,
        bank_hold,
    )


def check_tax(tax: TaxProfile, country: str) -> TaxProfile:
    """Returns a tax profile as it is.

    Raises:
        InputError: an unknown form, a form without its day, a W-9 of somebody abroad or a W-8 of somebody at home, a
            rate out of range, a taxpayer number that is whole.
    """
    if tax.form not in FORMS:
        raise InputError(f"'{tax.form[:20]}' is not a tax form", remedy="Use W-9, W-8BEN or W-8BEN-E.", field="tax_form")
    if tax.form:
        check_day(tax.signed_on, field="tax_signed_on")
    elif tax.signed_on or tax.treaty_rate_ppb is not None:
        raise InputError(
            "a day of signing or a treaty rate needs its form", remedy="Say which form was signed.", field="tax_form"
        )
    if tax.form and (tax.form == "W-9") != (country == "US"):
        raise InputError(
            f"a {tax.form} does not fit a payee in {country}",
            remedy="Residents of the United States sign a W-9, all others a W-8BEN or W-8BEN-E.",
            field="tax_form",
        )
    if tax.treaty_rate_ppb is not None and (tax.form == "W-9" or not 0 <= tax.treaty_rate_ppb <= PPB):
        raise InputError(
            "a treaty rate is a percentage on a W-8BEN or W-8BEN-E", remedy="Check the form.", field="treaty_rate"
        )
    if tax.tin_last_four and not (
        len(tax.tin_last_four) == 4 and tax.tin_last_four.isascii() and tax.tin_last_four.isalnum()
    ):
        raise InputError(
            "of a taxpayer number only the last four characters are kept",
            remedy="Give four letters or digits.",
            field="tin_last_four",
        )
    if not 0 <= tax.vat_rate_ppb <= PPB or (tax.vat_rate_ppb and not tax.vat_id):
        raise InputError(
            "VAT on top needs the payee's VAT number and a percentage", remedy="Give vat_id and vat_rate.", field="vat_rate"
        )
    if tax.vat_id and not (tax.vat_id.isascii() and tax.vat_id.isalnum() and 4 <= len(tax.vat_id) <= 20):
        raise InputError("this is not a VAT number", remedy="It has letters and digits alone.", field="vat_id")
    return tax


def _account_type(text: str, routing: str) -> str:
    chosen = text or ("checking" if routing else "")
    if chosen not in ("", "checking", "savings"):
        raise InputError(f"'{text[:20]}' is not an account type", remedy="Write checking or savings.", field="account_type")
    return chosen


def _stripe_account(text: str) -> str:
    if text and not (text.startswith("acct_") and text.isascii() and text[5:].isalnum() and len(text) <= 60):
        raise InputError(
            "this is not a connected account", remedy="It begins with acct_ and letters or digits follow.", field="stripe"
        )
    return text


def same_content(one: PayeeProfile, other: PayeeProfile) -> bool:
    """Whether two profiles of a party say the same, whatever their numbers and days."""
    plain = dataclasses.replace(other, version=one.version, valid_from=one.valid_from)
    return one == plain

"""From balances to batches: pure, whole coins, and every amount that is not paid named with its reason.

Owed money is never lost here: for each currency, what is paid, what is less than a coin, and what is held sum to what is
owed, and the plan carries that sum. Reasons are tried in one order and the first that fits is named: what the law forbids
(sanctions), what is contested (dispute), what cannot be (a negative balance, no profile, another currency), what is too
little, the tax form, the bank detail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from endcredits.canonical import digest
from endcredits.ids import PartyId
from endcredits.money import format_micros
from endcredits.payouts.parse import check_day
from endcredits.payouts.payees import PayeeProfile
from endcredits.payouts.payers import Payer
from endcredits.payouts.payments import Batch, Hold, Payment, Plan, Total, coin_micros
from endcredits.payouts.rails.latin import unspellable
from endcredits.payouts.tax import Rates, Withholding, vat_coins, withholding

Balances = Mapping[tuple[PartyId, str], int]
"""What is owed, in micros by (party, currency); positive when owed to the party."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a plan is made.

    Attributes:
        on: day of execution, YYYY-MM-DD.
        payer: who pays.
        rates: of withholding.
        threshold_micros: least payment of everybody, in micros of any currency.
        without_form: withhold the full rate where a tax form is missing, instead of holding the payment.
    """

    on: str
    payer: Payer
    rates: Rates
    threshold_micros: int = 0
    without_form: bool = False


def plan(
    owed: Balances, profiles: Mapping[PartyId, PayeeProfile], sent_before: Mapping[tuple[PartyId, str], int], terms: Terms
) -> Plan:
    """Plans the payments of all balances.

    Args:
        owed: balances that are zero may be left out.
        profiles: the profile in force per party.
        sent_before: how many payments to (party, currency) have been sent; missing is 0.
        terms: see `Terms`.

    Raises:
        InputError: the day is none.
    """
    check_day(terms.on, field="on")
    groups: dict[tuple[str, str], list[Payment]] = defaultdict(list)
    holds = []
    for (party_id, currency), micros in sorted(owed.items()):
        if not micros:
            continue
        made = _payment(party_id, currency, micros, profiles.get(party_id), sent_before, terms)
        if isinstance(made, Hold):
            holds.append(made)
        else:
            groups[profiles[party_id].rail, currency].append(made)
    batches = tuple(
        make_batch(terms.on, *key, terms.payer, _named_anew(payments)) for key, payments in sorted(groups.items())
    )
    whole = Plan("", terms.on, batches, tuple(holds), _totals(batches, holds))
    return replace(whole, plan_id=f"plan-{digest(whole)[:24]}")


def _named_anew(payments: Sequence[Payment]) -> list[Payment]:
    """Payments of one batch with ids that follow from all of them.

    A payment that is planned again beside others has another id then, so that what the bank says of it is booked in the
    batch that was sent and not in the one that was planned first.
    """
    together = sorted(payment.payment_id for payment in payments)
    return [replace(one, payment_id=f"p-{digest([one.payment_id, together])[:24]}") for one in payments]


def make_batch(on: str, rail: str, currency: str, payer: Payer, payments: Iterable[Payment]) -> Batch:
    """A batch with its id and control totals."""
    ordered = tuple(sorted(payments, key=lambda payment: payment.party_id))
    total = sum(payment.transfer_micros for payment in ordered)
    batch = Batch("", on, rail, currency, payer.name, payer.masked, ordered, len(ordered), total)
    return replace(batch, batch_id=f"payout-{digest(batch)[:24]}")


def _payment(
    party_id: PartyId,
    currency: str,
    micros: int,
    profile: PayeeProfile | None,
    sent_before: Mapping[tuple[PartyId, str], int],
    terms: Terms,
) -> Payment | Hold:
    coin = coin_micros(currency)
    tax = withholding(profile, terms.payer, terms.rates, terms.on, without_form=terms.without_form) if profile else None
    reason, detail = _held(profile, currency, micros, tax, terms)
    if profile is None or tax is None or reason:
        return Hold(party_id, currency, micros, reason, detail)
    gross_coins = micros // coin
    withheld = tax.coins(gross_coins) * coin
    vat = vat_coins(gross_coins, profile.tax.vat_rate_ppb) * coin
    gross = gross_coins * coin
    if gross - withheld + vat <= 0:
        return Hold(party_id, currency, micros, "below-threshold", "after tax nothing is left to be sent")
    payment = Payment(
        payment_id="",
        party_id=party_id,
        profile_id=profile.profile_id,
        holder=profile.bank.holder,
        country=profile.country,
        destination=profile.bank.masked,
        sequence=sent_before.get((party_id, currency), 0),
        balance_micros=micros,
        gross_micros=gross,
        withheld_micros=withheld,
        withheld_for=tax.jurisdiction if withheld else "",
        rule_id=tax.rule_id,
        vat_micros=vat,
        transfer_micros=gross - withheld + vat,
        rest_micros=micros - gross,
    )
    return replace(payment, payment_id=f"p-{digest([payment, currency, profile.rail, terms.on])[:24]}")


def _held(
    profile: PayeeProfile | None, currency: str, micros: int, tax: Withholding | None, terms: Terms
) -> tuple[str, str]:
    """Why a balance is not paid: a reason and its words, both "" when it is."""
    if profile is not None and profile.sanctions:
        return "sanctions", "a sanctions list may name the payee: clear it, then import the payee without the flag"
    if profile is not None and profile.dispute:
        return "dispute", f"in dispute: {profile.dispute}"
    if micros < 0:
        return "negative", "the payee owes; it is set off against what is earned later, never taken from an account"
    if profile is None or tax is None:
        return "no-profile", "no payee profile: import one with endcredits payout payees import"
    if profile.valid_from > terms.on:
        return "not-yet", f"the payee's profile counts from {profile.valid_from} on"
    if profile.currency != currency:
        return "currency", f"the payee takes {profile.currency}, and {currency} is owed: convert it, or import another"
    least = max(profile.minimum_micros, terms.threshold_micros, coin_micros(currency))
    if micros < least:
        return "below-threshold", f"less than the least payment of {format_micros(least, currency)}; it rolls over"
    if tax.hold:
        return "tax-form", tax.hold
    problem = bank_problem(profile, currency)
    return ("bank", problem) if problem else ("", "")


def bank_problem(profile: PayeeProfile, currency: str) -> str:
    """Why a payee's bank detail does not serve its rail, in words; "" when it does."""
    bank = profile.bank
    if profile.bank_hold:
        return f"{profile.bank_hold}: import a corrected bank detail"
    if profile.rail == "pain001" and not bank.iban:
        return "no IBAN is known"
    if profile.rail == "nacha" and (currency != "USD" or not bank.routing):
        return "NACHA pays in USD alone" if currency != "USD" else "no routing and account number is known"
    if profile.rail == "stripe" and not bank.stripe_account:
        return "no connected account is known"
    if profile.rail == "csv" and not (bank.iban or bank.routing):
        return "no account is known"
    if profile.rail in ("pain001", "nacha") and (foreign := unspellable(bank.holder)):
        return f"the holder's name has no spelling in Latin letters ({foreign[:10]}): give it as the bank spells it"
    return ""


def _totals(batches: Iterable[Batch], holds: Iterable[Hold]) -> tuple[Total, ...]:
    gross: dict[str, int] = defaultdict(int)
    rest: dict[str, int] = defaultdict(int)
    held: dict[str, int] = defaultdict(int)
    for batch in batches:
        gross[batch.currency] += sum(payment.gross_micros for payment in batch.payments)
        rest[batch.currency] += sum(payment.rest_micros for payment in batch.payments)
    for hold in holds:
        held[hold.currency] += hold.amount_micros
    return tuple(
        Total(name, gross[name] + rest[name] + held[name], gross[name], rest[name], held[name])
        for name in sorted({*gross, *held})
    )

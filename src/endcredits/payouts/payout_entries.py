"""What paying does to the books, entry by entry.

    sent       debit   Liabilities:Payable:<party>             gross: no longer owed to the payee
               debit   Assets:Receivable:Vat:<country>         VAT on top, to be claimed back as input tax
               credit  Liabilities:Withholding:<jurisdiction>  tax kept back, owed to the tax office
               credit  Liabilities:Clearing:Payouts:<batch>    on its way
    confirmed  debit   Liabilities:Clearing:Payouts:<batch>    arrived
               credit  Assets:Bank                             left the account (Assets:Processor:Stripe for Stripe)
    returned   the mirror image of "sent" for that payment; where the bank had confirmed it before, the money is back in
               Assets:Bank instead of on its way

Keys are made from ids, so whatever runs twice books once.
"""

from __future__ import annotations

from collections.abc import Iterator

from endcredits.ledger import JournalEntry, Posting, make_entry
from endcredits.payouts.payments import Batch, Payment
from endcredits.royalties import payable_account

BANK_ACCOUNT = "Assets:Bank"
STRIPE_ACCOUNT = "Assets:Processor:Stripe"
"""The operator's balance at Stripe, which transfers are made from."""


def paid_from(batch: Batch) -> str:
    """The account that a batch's money leaves."""
    return STRIPE_ACCOUNT if batch.rail == "stripe" else BANK_ACCOUNT


def clearing_account(batch_id: str) -> str:
    """The account of a batch's money on its way."""
    return f"Liabilities:Clearing:Payouts:{batch_id}"


def withholding_account(jurisdiction: str) -> str:
    """The account of tax that was kept back and is owed to a jurisdiction."""
    return f"Liabilities:Withholding:{jurisdiction}"


def vat_account(country: str) -> str:
    """The account of VAT paid on top, which the operator claims back."""
    return f"Assets:Receivable:Vat:{country}"


def sent_entry(batch: Batch, date: str) -> JournalEntry:
    """The entry of a batch that is on its way."""
    postings = [posting for payment in batch.payments for posting in _settled(batch, payment)]
    postings += [
        Posting(clearing_account(batch.batch_id), -payment.transfer_micros, batch.currency) for payment in batch.payments
    ]
    narrative = f"Batch {batch.batch_id} sent over {batch.rail}: {batch.count} payments"
    return make_entry(f"payout:sent:{batch.batch_id}", date, narrative, postings)


def confirmed_entry(batch: Batch, payment: Payment, date: str) -> JournalEntry:
    """The entry of a payment that the bank has booked."""
    postings = [
        Posting(clearing_account(batch.batch_id), payment.transfer_micros, batch.currency),
        Posting(paid_from(batch), -payment.transfer_micros, batch.currency),
    ]
    return make_entry(f"payout:confirmed:{payment.payment_id}", date, f"Payment {payment.payment_id} booked", postings)


def returned_entry(batch: Batch, payment: Payment, date: str, reason: str, *, confirmed: bool) -> JournalEntry:
    """The entry of a payment that came back.

    Args:
        reason: in words, at most 300 characters of it are kept.
        confirmed: whether the bank had booked it before, so that the money is back in the bank.
    """
    account = paid_from(batch) if confirmed else clearing_account(batch.batch_id)
    postings = [Posting(p.account, -p.amount_micros, p.currency) for p in _settled(batch, payment)]
    postings.append(Posting(account, payment.transfer_micros, batch.currency))
    seen = "".join(mark if mark.isprintable() else " " for mark in reason)[:300]
    narrative = f"Payment {payment.payment_id} returned: {seen}"
    return make_entry(f"payout:returned:{payment.payment_id}", date, narrative, postings)


def _settled(batch: Batch, payment: Payment) -> Iterator[Posting]:
    yield Posting(payable_account(payment.party_id), payment.gross_micros, batch.currency)
    if payment.vat_micros:
        yield Posting(vat_account(payment.country), payment.vat_micros, batch.currency)
    if payment.withheld_micros:
        yield Posting(withholding_account(payment.withheld_for), -payment.withheld_micros, batch.currency)

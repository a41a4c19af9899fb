"""NACHA credit files for accounts in the United States: fixed records of 94 characters, ten to a block.

    1  file header          who sends to whom, when
    5  batch header         company, class PPD (prearranged payment), day of payment
    6  entry                transaction code, routing number, account, cents, id, name, trace number
    8  batch control        count, entry hash, sums
    9  file control         blocks, count, entry hash, sums; then records of nines to fill the block

The *entry hash* is the sum of the routing numbers' first eight digits, its last ten digits; with the sums it lets the bank
see a record that was lost or exchanged. Field positions are those of the NACHA Operating Rules, appendix three. All credits
of a batch go out as service class 220; the receiving side of the money is left to the bank (an unbalanced file).
"""

from __future__ import annotations

import datetime
import re

from endcredits.errors import InputError
from endcredits.payouts.payments import coin_micros
from endcredits.payouts.rails.orders import Order, RailFile, Spelling

RECORD_LENGTH = 94
BLOCKING_FACTOR = 10
CENTS_MAX = 10**10 - 1
"""Largest amount of one entry: its field has ten digits."""
ENTRIES_MAX = 10**6 - 1
CODES = {"checking": "22", "savings": "32"}
"""Transaction codes of an automated deposit."""


def nacha(order: Order) -> RailFile:
    """A batch as a NACHA file.

    Raises:
        InputError: another currency than USD, a payer without routing number, account and company id, an amount that
            its field cannot hold, or a holder's name without a Latin spelling.
    """
    batch, payer, spell = order.batch, order.payer, Spelling()
    _must_fit(order)
    bank = payer.routing
    made = datetime.datetime.fromisoformat(order.made_at.removesuffix("Z"))
    company = spell(payer.name, "", "payer", 16)
    header = (
        f"101 {bank}{payer.company_id:>10}{made:%y%m%d%H%M}A094101{_left('', 23)}"
        f"{_left(spell(payer.name, '', 'payer', 23), 23)}{_left('', 8)}"
    )
    day = datetime.date.fromisoformat(batch.on)
    batch_header = (
        f"5220{_left(company, 16)}{_left('', 20)}{payer.company_id:<10}PPD{_left('ROYALTIES', 10)}{day:%y%m%d}{day:%y%m%d}"
        f"   1{bank[:8]}0000001"
    )
    entries = []
    entry_hash = cents_total = 0
    for number, payment in enumerate(batch.payments, 1):
        detail = order.banks[payment.payment_id]
        cents = payment.transfer_micros // coin_micros("USD")
        entry_hash += int(detail.routing[:8])
        cents_total += cents
        # The id field has 15 characters; the last 15 hex digits of the payment's id tell 10**18 payments apart.
        name = spell(payment.holder, payment.payment_id, "holder", 22)
        entries.append(
            f"6{CODES[detail.account_type]}{detail.routing}{detail.account:<17}{cents:010d}"
            f"{_left(payment.payment_id[-15:], 15)}{_left(name, 22)}  0{bank[:8]}{number:07d}"
        )
    totals = f"{entry_hash % 10**10:010d}{0:012d}{cents_total:012d}"
    batch_control = f"8220{batch.count:06d}{totals}{payer.company_id:<10}{_left('', 25)}{bank[:8]}0000001"
    blocks = -(-(len(entries) + 4) // BLOCKING_FACTOR)
    file_control = f"9000001{blocks:06d}{batch.count:08d}{totals}{_left('', 39)}"
    records = [header, batch_header, *entries, batch_control, file_control]
    records += ["9" * RECORD_LENGTH] * (blocks * BLOCKING_FACTOR - len(records))
    data = "".join(f"{record}\n" for record in records).encode("ascii")
    if found := check(data):
        raise InputError(
            f"the NACHA file would not be taken by a bank: {found[0]}", remedy="Correct it and plan again.", field="batch"
        )
    return RailFile(data, tuple(spell.rewritten))


def check(data: bytes) -> list[str]:
    """What a bank would refuse in a NACHA file of one batch of credits, in words; read from the bytes alone."""
    lines = data.decode("ascii", errors="replace").split("\n")
    if lines[-1] == "":
        lines.pop()
    found = [f"record {n} has {len(line)} characters" for n, line in enumerate(lines, 1) if len(line) != RECORD_LENGTH]
    if found or len(lines) % BLOCKING_FACTOR:
        return found or [f"{len(lines)} records do not fill blocks of ten"]
    kinds = "".join(line[0] for line in lines)
    if not re.fullmatch(r"156+89{1,10}", kinds):
        return [f"its records are of the kinds {kinds[:12]}..., not 1, 5, 6..., 8, 9"]
    entries = [line for line in lines if line[0] == "6"]
    control, last = lines[len(entries) + 2], lines[len(entries) + 3]
    totals = f"{sum(int(e[3:11]) for e in entries) % 10**10:010d}{0:012d}{sum(int(e[29:39]) for e in entries):012d}"
    if control[4:10] != f"{len(entries):06d}" or control[10:44] != totals:
        found.append("the batch control does not count, hash or sum its entries")
    if last[7:13] != f"{len(lines) // BLOCKING_FACTOR:06d}" or last[13:21] != f"{len(entries):08d}" or last[21:55] != totals:
        found.append("the file control does not count, hash or sum its entries")
    for entry in entries:
        if sum(int(digit) * weight for digit, weight in zip(entry[3:12], (3, 7, 1) * 3, strict=True)) % 10:
            found.append(f"trace {entry[79:]}: the check digit of its routing number does not match")
    if len({entry[79:] for entry in entries}) < len(entries) or len({entry[39:54] for entry in entries}) < len(entries):
        found.append("a trace number or an id stands there twice")
    return found


def _must_fit(order: Order) -> None:
    batch, payer = order.batch, order.payer
    if batch.currency != "USD":
        raise InputError(
            f"NACHA pays in USD, not in {batch.currency}", remedy="Use pain001 for other currencies.", field="rail"
        )
    for name in ("routing", "account", "company_id"):
        if not getattr(payer, name):
            raise InputError(
                "a NACHA file needs the payer's routing number, account and company id",
                remedy=f"Give {name} in the payer's file, and plan again.",
                field=name,
            )
    if batch.count > ENTRIES_MAX:
        raise InputError("a NACHA batch holds fewer than a million payments", remedy="Plan smaller batches.", field="batch")
    for payment in batch.payments:
        bank = order.banks[payment.payment_id]
        if not bank.routing or payment.transfer_micros // coin_micros("USD") > CENTS_MAX:
            raise InputError(
                f"the payment to '{payment.party_id}' has no routing number, or more cents than its field holds",
                remedy="Pay it over another rail.",
                field="batch",
            )


def _left(text: str, width: int) -> str:
    return f"{text:<{width}}"

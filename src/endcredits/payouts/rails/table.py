"""A batch as a CSV table, for banks and services that take no other file (RFC 4180, UTF-8).

A spreadsheet takes a cell that begins with = + - @ or a control character for a formula. Names come from outside, so such a
cell gets an apostrophe in front, which spreadsheets hide and do not run (OWASP, "CSV injection"); the change is told like
every other. Accounts and amounts are made of checked characters and stay as they are.
"""

from __future__ import annotations

import csv
import io

from endcredits.errors import InputError
from endcredits.payouts.payments import format_coins
from endcredits.payouts.rails.latin import Rewritten
from endcredits.payouts.rails.orders import Order, RailFile

_COLUMNS = "batch_id payment_id execution_date holder iban bic routing account account_type amount currency reference"
COLUMNS = tuple(_COLUMNS.split())
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def csv_file(order: Order) -> RailFile:
    """A batch as CSV with a header, a row per payment, and lines that end in CR LF.

    Raises:
        InputError: a payment without an account.
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    batch, changed = order.batch, []
    for payment in batch.payments:
        bank = order.banks[payment.payment_id]
        if not (bank.iban or (bank.routing and bank.account)):
            raise InputError(
                f"the payee '{payment.party_id}' has no account", remedy="Import one and plan again.", field="batch"
            )
        cells = [batch.batch_id, payment.payment_id, batch.on, payment.holder, bank.iban, bank.bic, bank.routing]
        cells += [bank.account, bank.account_type, format_coins(payment.transfer_micros, batch.currency), batch.currency]
        cells.append(f"Royalties, {order.payer.name}, {batch.on}")
        safe = [harmless(cell) for cell in cells]
        for name, was, written in zip(COLUMNS, cells, safe, strict=True):
            if was != written:
                changed.append(Rewritten(payment.payment_id, name, was, written))
        table.writerow(safe)
    return RailFile(text.getvalue().encode(), tuple(changed))


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> harmless("=1+1"), harmless("Ada"), harmless(" @cmd")
    ("'=1+1", 'Ada', "' @cmd")
    """
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell

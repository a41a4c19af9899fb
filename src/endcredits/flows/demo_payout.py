"""How the demo's money would go out: payees, a plan, approval, a bank's file, the bank's answer.

The people are real and the works are theirs; everything about their money here is made up. No account below was ever
issued: their bank code belongs to no bank, the check digits alone are right, so that every check of a real payment runs. The
"bank" is this file: it books the payments that it finds in the file, and returns one of them, so that it can be seen what
becomes of money that comes back. Nothing leaves this computer.
"""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from endcredits import durable
from endcredits.flows import paying, sending
from endcredits.flows.books import account_balances
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.payouts import Statement
from endcredits.payouts.bank import NAME_LENGTH_MAX, mod_97
from endcredits.payouts.payers import make_payer
from endcredits.payouts.payments import Hold
from endcredits.payouts.payout_states import BookedBatch
from endcredits.royalties import PAYABLE_PREFIX

PLANNER, APPROVER = "the demo's first person", "the demo's second person"
THRESHOLD_MICROS = 10_000_000
MADE_UP = " (account made up)"
NO_BANK = "00000000"
"""A German bank code that no bank has; it says so itself."""
PAYEES, ORDER, ANSWER = "payees-made-up.csv", "order-pain001.xml", "answer-camt053.xml"


@dataclass(frozen=True, slots=True)
class DemoPayout:
    """What became of the demo's money.

    Attributes:
        batch: the batch with the fates of its payments; None when nobody is owed enough to be paid.
        holds: what the plan held back.
        folder: where the made-up payees, the order and the answer lie.
        owed_micros: still owed to payees after all of it.
        bank_micros: what left the operator's account.
    """

    batch: BookedBatch | None
    holds: tuple[Hold, ...]
    folder: Path
    owed_micros: int
    bank_micros: int

    @property
    def fates(self) -> dict[str, int]:
        """How many payments were confirmed, returned and so on."""
        if self.batch is None:
            return {}
        return dict(Counter(self.batch.fate(payment.payment_id) for payment in self.batch.batch.payments))


def made_up_iban(number: int) -> str:
    """An IBAN that fits every check and that no bank has issued.

    >>> made_up_iban(1)
    'DE09000000000000000001'
    """
    account = f"{NO_BANK}{number:010d}"
    return f"DE{98 - mod_97('DE00' + account):02d}{account}"


def pay_out(studio: Studio, issued: tuple[Statement, ...]) -> DemoPayout:
    """Pays what the period's statements say, or finds it paid; whatever was stopped goes on where it was.

    Args:
        studio: the demo's.
        issued: the period's statements, in one currency.
    """
    folder = studio.path / "payouts" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    batch = _begun(studio)
    if batch is None:
        durable.write_atomic(folder / PAYEES, _payees(issued).encode(), private=True)
        paying.import_payees(studio, folder / PAYEES)
        payer = make_payer("The demo's operator" + MADE_UP, "DE", iban=made_up_iban(1))
        plan, _ = paying.plan_payments(studio, payer, by=PLANNER, threshold_micros=THRESHOLD_MICROS, four_eyes=True)
        batch = paying.status(studio, plan.batches[0].batch_id)[0] if plan.batches else None
    if batch is not None:
        batch = _paid(studio, batch, folder)
    owed = sum(account_balances(studio, PAYABLE_PREFIX.rstrip(":")).values())
    bank = sum(account_balances(studio, "Assets:Bank").values())
    return DemoPayout(batch, paying.latest_holds(studio), folder, -owed, -bank)


def _begun(studio: Studio) -> BookedBatch | None:
    """A batch to go on with: one that is on its way or done, or one whose day of execution is not over."""
    found = [one for one in paying.status(studio) if "sending" in one.steps or one.batch.on >= now()[:10]]
    return max(found, key=lambda one: ("sending" in one.steps, one.batch.on), default=None)


def _payees(issued: tuple[Statement, ...]) -> str:
    """A file of payees as an operator would keep one; all of it made up but the names."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["party_id", "country", "rail", "currency", "holder", "iban", "valid_from"])
    for number, one in enumerate(sorted(issued, key=lambda one: one.party_id), 2):
        holder = " ".join("".join(mark if mark.isprintable() else " " for mark in one.payee).split())
        holder = holder[: NAME_LENGTH_MAX // 2 - len(MADE_UP)].strip() + MADE_UP
        rows.writerow([one.party_id, "DE", "pain001", one.currency, holder, made_up_iban(number), one.issued_on])
    return text.getvalue()


def _paid(studio: Studio, batch: BookedBatch, folder: Path) -> BookedBatch:
    batch_id = batch.batch.batch_id
    paying.approve(studio, batch_id, APPROVER)
    if "sent" not in batch.steps:
        sending.send_file(studio, batch_id, folder / ORDER, APPROVER)
    if not (folder / ANSWER).exists():
        durable.write_atomic(folder / ANSWER, bank_answer((folder / ORDER).read_bytes(), batch.batch.on))
    if not batch.fates:
        paying.reconcile(studio, folder / ANSWER)
    return paying.status(studio, batch_id)[0]


def bank_answer(order: bytes, on: str) -> bytes:
    """The statement of a bank (camt.053) that executes a pain.001 and gets the smallest payment back: its account is closed.

    Args:
        order: the file that it was given; nothing else is known to it.
        on: day of booking, YYYY-MM-DD.
    """
    root = ET.fromstring(order)
    name = root.tag.partition("}")[0] + "}"
    payments = []
    for one in root.iter(f"{name}CdtTrfTxInf"):
        amount = one.find(f"{name}Amt/{name}InstdAmt")
        assert amount is not None and amount.text
        payments.append((one.findtext(f"{name}PmtId/{name}EndToEndId", ""), amount.text, amount.get("Ccy", "")))
    whole = root.findtext(f".//{name}CtrlSum", "")
    back = min(payments, key=lambda one: (Decimal(one[1]), one[0]))
    details = "".join(_detail(*one) for one in payments)
    reason = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>account closed</AddtlInf></RtrInf>"
    entries = _entry(whole, back[2], "DBIT", "demo-1", on, details)
    entries += _entry(back[1], back[2], "CRDT", "demo-2", on, _detail(*back, inside=reason))
    account = escape(root.findtext(f".//{name}DbtrAcct/{name}Id/{name}IBAN", ""))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- Made up by the demo: no bank has said this. -->\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>demo</MsgId>'
        f"<CreDtTm>{on}T20:00:00Z</CreDtTm></GrpHdr><Stmt><Id>demo</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>\n"
        f"{entries}</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _entry(amount: str, currency: str, kind: str, reference: str, on: str, details: str) -> str:
    return (
        f'<Ntry><Amt Ccy="{escape(currency)}">{escape(amount)}</Amt><CdtDbtInd>{kind}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{on}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef><NtryDtls>\n{details}</NtryDtls></Ntry>\n"
    )


def _detail(end_to_end: str, amount: str, currency: str, *, inside: str = "") -> str:
    return (
        f"<TxDtls><Refs><EndToEndId>{escape(end_to_end)}</EndToEndId></Refs>"
        f'<Amt Ccy="{escape(currency)}">{escape(amount)}</Amt>{inside}</TxDtls>\n'
    )

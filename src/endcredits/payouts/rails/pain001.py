"""ISO 20022 customer credit transfers: pain.001.001.09, written, and read back by rules of our own before it leaves.

The writer is a page of text: fast, and the same bytes for the same order. That a file fits the schema does not make it
payable: a valid file may hold an IBAN with a slip, or 10.001 EUR. So `check` reads the finished bytes again, knowing nothing
of the writer, first against the schema (which ships with the library `sepaxml`), then against the rules: check digits of
every IBAN, decimals of every amount by its currency, count and control sum of the file and of each block, end-to-end ids
that occur once, the characters and lengths that banks take, a day that is not over.

Euro transfers are marked as SEPA with shared charges; others leave the service to the bank.
"""

from __future__ import annotations

import functools
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from xml.sax.saxutils import escape

from endcredits.errors import InputError
from endcredits.money import EXPONENT_OF_CURRENCY
from endcredits.payouts.bank import iban_problem
from endcredits.payouts.payments import format_coins, parse_coins
from endcredits.payouts.rails.latin import SEPA_LATIN
from endcredits.payouts.rails.orders import Order, RailFile, Spelling
from endcredits.payouts.rails.safe_xml import parse_xml
from endcredits.payouts.rails.xsd import Schema, load_schema, problems

MESSAGE = "pain.001.001.09"
NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{MESSAGE}"
NAME_LENGTH_MAX = 70
"""Longest name that SEPA takes, though the schema holds 140."""
_N = f"{{{NAMESPACE}}}"


def pain001(order: Order) -> RailFile:
    """A batch as a pain.001.001.09 file that fits the schema and the rules.

    Raises:
        InputError: naming what a bank would refuse; nothing is written then.
    """
    made = write(order)
    found = check(made.data, order.made_at[:10])
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise InputError(
            f"the payment file would not be taken by a bank: {found[0]}{more}",
            remedy="Nothing was sent. Correct the payee or the day, and plan again.",
            field="batch",
        )
    return made


def write(order: Order) -> RailFile:
    """The file without any check."""
    batch, payer, spell = order.batch, order.payer, Spelling()
    name = spell(payer.name, "", "payer", NAME_LENGTH_MAX)
    total = format_coins(batch.transfer_micros, batch.currency)
    service = "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>" if batch.currency == "EUR" else ""
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{batch.batch_id}</MsgId><CreDtTm>{order.made_at}</CreDtTm><NbOfTxs>{batch.count}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>{escape(name)}</Nm></InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{batch.batch_id}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg>"
        f"<NbOfTxs>{batch.count}</NbOfTxs><CtrlSum>{total}</CtrlSum>{service}<ReqdExctnDt><Dt>{batch.on}</Dt></ReqdExctnDt>"
        f"<Dbtr><Nm>{escape(name)}</Nm></Dbtr><DbtrAcct><Id><IBAN>{payer.iban}</IBAN></Id></DbtrAcct>"
        f"<DbtrAgt>{_agent(payer.bic)}</DbtrAgt><ChrgBr>{'SLEV' if batch.currency == 'EUR' else 'SHAR'}</ChrgBr>\n"
    )
    parts = [head]
    remittance = escape(spell(f"Royalties, {payer.name}, {batch.on}", "", "remittance", 140))
    for payment in batch.payments:
        bank = order.banks[payment.payment_id]
        holder = escape(spell(payment.holder, payment.payment_id, "holder", NAME_LENGTH_MAX))
        agent = f"<CdtrAgt>{_agent(bank.bic)}</CdtrAgt>" if bank.bic else ""
        parts.append(
            f"<CdtTrfTxInf><PmtId><EndToEndId>{payment.payment_id}</EndToEndId></PmtId><Amt>"
            f'<InstdAmt Ccy="{batch.currency}">{format_coins(payment.transfer_micros, batch.currency)}</InstdAmt></Amt>'
            f"{agent}<Cdtr><Nm>{holder}</Nm></Cdtr><CdtrAcct><Id><IBAN>{bank.iban}</IBAN></Id></CdtrAcct>"
            f"<RmtInf><Ustrd>{remittance}</Ustrd></RmtInf></CdtTrfTxInf>\n"
        )
    parts.append("</PmtInf></CstmrCdtTrfInitn></Document>\n")
    return RailFile("".join(parts).encode(), tuple(spell.rewritten))


def _agent(bic: str) -> str:
    inside = f"<BICFI>{bic}</BICFI>" if bic else "<Othr><Id>NOTPROVIDED</Id></Othr>"
    return f"<FinInstnId>{inside}</FinInstnId>"


@functools.cache
def schema() -> Schema:
    """The schema, loaded once per process."""
    return load_schema(Path(str(files("sepaxml").joinpath("schemas", f"{MESSAGE}.xsd"))))


def check(data: bytes, today: str) -> list[str]:
    """What a bank would refuse in a pain.001.001.09 file, in words; empty for a sound one.

    Args:
        data: the file.
        today: YYYY-MM-DD; an earlier day of execution is over.

    Raises:
        InputError: it is not whole XML, or has a document type declaration.
    """
    root = parse_xml(data)
    return problems(root, schema()) or list(_rules(root, today))


def _rules(root: ET.Element, today: str) -> Iterator[str]:
    message = root[0]
    seen: set[str] = set()
    count = total = 0
    for block in message.iter(f"{_N}PmtInf"):
        name = f"block {block.findtext(f'{_N}PmtInfId')}"
        day = block.findtext(f"{_N}ReqdExctnDt/{_N}Dt") or (block.findtext(f"{_N}ReqdExctnDt/{_N}DtTm") or "")[:10]
        if day < today:
            yield f"{name}: its day of execution, {day}, is over"
        debtor = block.findtext(f"{_N}DbtrAcct/{_N}Id/{_N}IBAN")
        if debtor is not None and (problem := iban_problem(debtor)):
            yield f"{name}: the payer's IBAN is none: {problem}"
        block_count = block_total = 0
        for transfer in block.iter(f"{_N}CdtTrfTxInf"):
            block_count += 1
            end_to_end = _at(transfer, "PmtId", "EndToEndId").text or ""
            if end_to_end in seen:
                yield f"payment {end_to_end}: its end-to-end id stands there twice"
            seen.add(end_to_end)
            amount = _at(transfer, "Amt", "InstdAmt")
            block_total += micros_of(amount.text or "")
            yield from _amount(amount, end_to_end)
            yield from _creditor(transfer, end_to_end)
        yield from _totals(block, name, block_count, block_total)
        count += block_count
        total += block_total
    yield from _totals(message[0], "file", count, total)
    for name in ("Nm", "Ustrd", "MsgId", "PmtInfId", "EndToEndId"):
        for element in message.iter(f"{_N}{name}"):
            text = element.text or ""
            if _PLAIN.fullmatch(text) is None or len(text) > NAME_LENGTH_MAX or name.endswith("Id"):
                yield from _text(name, text)


_PLAIN = re.compile(r"[A-Za-z0-9?:().,'+ -][A-Za-z0-9/?:().,'+ -]*")
_NOTHING = ET.Element("nothing")


def _at(element: ET.Element, *names: str) -> ET.Element:
    """The element further in, or an empty one: one name at a time is several times faster than a path."""
    for name in names:
        found = element.find(_N + name)
        if found is None:
            return _NOTHING
        element = found
    return element


def micros_of(text: str) -> int:
    """The micros of an amount that fits the schema, which allows five decimals; 0 for none."""
    whole, _, part = text.strip().lstrip("+").partition(".")
    return int(whole or "0") * 1_000_000 + int(part[:6].ljust(6, "0"))


def _amount(amount: ET.Element, end_to_end: str) -> Iterator[str]:
    text, currency = amount.text or "", amount.get("Ccy", "")
    if amount is _NOTHING:
        yield f"payment {end_to_end}: it has no instructed amount"
    elif currency not in EXPONENT_OF_CURRENCY:
        yield f"payment {end_to_end}: {currency} is not a currency of ISO 4217"
    else:
        try:
            if parse_coins(text, currency) == 0:
                yield f"payment {end_to_end}: its amount is zero"
        except ValueError as error:
            yield f"payment {end_to_end}: {error}"


def _creditor(transfer: ET.Element, end_to_end: str) -> Iterator[str]:
    iban = _at(transfer, "CdtrAcct", "Id", "IBAN").text
    if iban is None:
        yield f"payment {end_to_end}: it has no IBAN"
    elif problem := iban_problem(iban):
        yield f"payment {end_to_end}: the payee's IBAN is none: {problem}"
    if _at(transfer, "Cdtr", "Nm").text is None:
        yield f"payment {end_to_end}: it has no name"


def _totals(place: ET.Element, name: str, count: int, total_micros: int) -> Iterator[str]:
    said = place.findtext(f"{_N}NbOfTxs")
    if said is None or int(said) != count:
        yield f"{name}: it counts {said} payments and holds {count}"
    stated = place.findtext(f"{_N}CtrlSum") or "0"
    if Decimal(stated.strip()) * 1_000_000 != total_micros:
        yield f"{name}: its control sum {stated} is not the sum of its payments"


def _text(name: str, text: str) -> Iterator[str]:
    if not SEPA_LATIN.issuperset(text):
        marks = "".join(sorted(set(text) - SEPA_LATIN))
        yield f"{name} '{text[:40]}': the characters {marks[:10]!a} are not of SEPA's basic set"
    if name == "Nm" and len(text) > NAME_LENGTH_MAX:
        yield f"{name} '{text[:40]}...': longer than {NAME_LENGTH_MAX} characters"
    if not text.strip() or (name.endswith("Id") and (text[0] == "/" or text[-1] == "/" or "//" in text)):
        yield f"{name} '{text[:40]}': empty, or with slashes where banks take none"

"""What banks send back: account statements (ISO 20022 camt.053) and status reports (pain.002), read into plain lines.

A statement's entry may hold one payment, or a whole batch with or without its details; a status report speaks of the file, a
block or single payments. Both become `BankLine`s: what happened, to which of our ids, how much, when, and the bank's own
reference, from which a line's identity is made, so that the same line read twice is known. Amounts are exact, and an amount
that its currency cannot have is refused by name. Versions differ in small ways (where a date or a status stands); elements
are found by their names, whatever the version. Details that do not sum to their entry say two things of one amount: each of
their lines then carries that as its `fault`, and nobody may book it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace

from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.ledger.entry import check_date
from endcredits.money import EXPONENT_OF_CURRENCY, format_micros
from endcredits.payouts.payments import parse_coins
from endcredits.payouts.rails.safe_xml import local, parse_xml


@dataclass(frozen=True, slots=True)
class BankLine:
    """One thing that a bank says.

    Attributes:
        line_id: made from what the bank said of it; the same line in another file has the same id.
        source: "camt.053" or "pain.002".
        kind: "debit" (left the account), "credit" (came in), "pending" (not booked yet), "rejected" or "accepted".
        end_to_end_id: our payment id, "" where the bank names none.
        batch_id: our batch id, "" where the bank names none.
        amount_micros: 0 where none is said.
        currency: ISO 4217 code, "" where none is said.
        date: of booking, YYYY-MM-DD, "" where none is said.
        reference: the bank's own name of it, "" for none.
        reason: why it was returned or rejected, "" for neither.
        returned: whether the bank marks it as the return of an earlier payment.
        whole_batch: whether it stands for all payments of `batch_id`.
        twice: how many lines before it in the file are the same in everything.
        fault: why the entry contradicts itself, "" when it does not; no part of the line's identity.
    """

    line_id: str
    source: str
    kind: str
    end_to_end_id: str
    batch_id: str
    amount_micros: int
    currency: str
    date: str
    reference: str
    reason: str = ""
    returned: bool = False
    whole_batch: bool = False
    twice: int = 0
    fault: str = ""


def read_bank_file(data: bytes, *, file: object = None) -> tuple[BankLine, ...]:
    """Reads a camt.053 or pain.002 file.

    Raises:
        InputError: not whole XML, with a document type declaration, another message, or an amount or date that is none.
    """
    root = parse_xml(data, file=file)
    names = {"BkToCstmrStmt": _statement, "CstmrPmtStsRpt": _report}
    message = next((child for child in root if local(child) in names), None)
    if message is None:
        raise InputError(
            "this is neither an account statement (camt.053) nor a status report (pain.002)",
            remedy="Ask the bank for one of them.",
            file=file,
        )
    seen: Counter[str] = Counter()
    lines = []
    try:
        for line in names[local(message)](message):
            name = _identity(line)
            lines.append(replace(line, line_id=name, twice=seen[name]))
            seen[name] += 1
    except ValueError as error:
        raise InputError(str(error), remedy="Ask the bank for the original file.", file=file) from error
    return tuple(lines)


def _identity(line: BankLine) -> str:
    """A digest of what the bank said of one thing; that its neighbours contradict it makes it no other thing."""
    return digest({each.name: getattr(line, each.name) for each in fields(line) if each.name != "fault"})


def _statement(message: ET.Element) -> Iterator[BankLine]:
    number = 0
    for statement in _children(message, "Stmt"):
        account = _text(statement, "Acct", "Id", "IBAN") or _text(statement, "Acct", "Id", "Othr", "Id")
        for entry in _children(statement, "Ntry"):
            number += 1
            try:
                yield from _entry(entry, account)
            except ValueError as error:
                raise ValueError(f"entry {number} cannot be read: {error}") from error


def _entry(entry: ET.Element, account: str) -> Iterable[BankLine]:
    amount, currency = _amount(_find(entry, "Amt"))
    status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
    kind = {"CRDT": "credit", "DBIT": "debit"}.get(_text(entry, "CdtDbtInd"), "")
    if not kind:
        raise ValueError("it says neither credit nor debit")
    # The account tells statements of two accounts apart; its digest says no more than that.
    reference = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    whole = BankLine(
        "",
        "camt.053",
        "pending" if status not in ("BOOK", "") else kind,
        "",
        "",
        amount,
        currency,
        _date(entry, "BookgDt") or _date(entry, "ValDt"),
        reference or digest(account)[:8],
        _reason(entry),
        _text(entry, "RvslInd").strip() in ("true", "1") or _text(entry, "BkTxCd", "Domn", "Fmly", "SubFmlyCd") in _RETURNS,
    )
    details = [tx for block in _children(entry, "NtryDtls") for tx in _children(block, "TxDtls")]
    named = [_detail(tx, whole) for tx in details]
    if any(line.end_to_end_id for line in named):
        fault = _fault(whole, named)
        return [replace(line, fault=fault) for line in named]
    batch_id = next((line.batch_id for line in named if line.batch_id), "") or _batch_of(entry)
    fault = _fault(whole, [line for line, tx in zip(named, details, strict=True) if _own_amount(tx) is not None])
    return [replace(whole, batch_id=batch_id, whole_batch=bool(batch_id), fault=fault)]


def _fault(whole: BankLine, details: list[BankLine]) -> str:
    """How an entry's details contradict its amount, in words; details that go the other way count against it."""
    if any(line.currency != whole.currency for line in details):
        return f"the entry is in {whole.currency}, and its details are not"
    total = sum(line.amount_micros if line.kind == whole.kind else -line.amount_micros for line in details)
    if not details or total == whole.amount_micros:
        return ""
    said, entry = format_micros(total, whole.currency), format_micros(whole.amount_micros, whole.currency)
    return f"the entry's details come to {said}, and the entry is {entry}"


_RETURNS = frozenset({"RRTN", "RPCR", "DRTN", "ARET"})
"""Bank transaction codes of returned and recalled transfers (ISO 20022 external code set, sub-family)."""


def _detail(details: ET.Element, whole: BankLine) -> BankLine:
    amount = _own_amount(details)
    micros, currency = (whole.amount_micros, whole.currency) if amount is None else _amount(amount)
    code = _text(details, "BkTxCd", "Domn", "Fmly", "SubFmlyCd")
    kind = {"CRDT": "credit", "DBIT": "debit"}.get(_text(details, "CdtDbtInd"), whole.kind)
    end_to_end = _text(details, "Refs", "EndToEndId")
    return replace(
        whole,
        kind=whole.kind if whole.kind == "pending" else kind,
        end_to_end_id="" if end_to_end == "NOTPROVIDED" else end_to_end,
        batch_id=_text(details, "Refs", "PmtInfId") or _text(details, "Refs", "MsgId"),
        amount_micros=micros,
        currency=currency,
        reference=_text(details, "Refs", "AcctSvcrRef") or _text(details, "Refs", "TxId") or whole.reference,
        reason=_reason(details) or whole.reason,
        returned=whole.returned or _find(details, "RtrInf") is not None or code in _RETURNS,
    )


def _own_amount(details: ET.Element) -> ET.Element | None:
    amount = _find(details, "Amt")
    return _find(details, "AmtDtls", "TxAmt", "Amt") if amount is None else amount


def _batch_of(entry: ET.Element) -> str:
    for block in _children(entry, "NtryDtls"):
        batch_id = _text(block, "Btch", "PmtInfId") or _text(block, "Btch", "MsgId")
        if batch_id:
            return batch_id
    return ""


_STATUS = {"RJCT": "rejected"}


def _report(message: ET.Element) -> Iterator[BankLine]:
    group = _find(message, "OrgnlGrpInfAndSts")
    message_id = _text(message, "OrgnlGrpInfAndSts", "OrgnlMsgId")
    head = _text(message, "GrpHdr", "MsgId")
    if group is not None and _text(group, "GrpSts"):
        yield _status(group, "GrpSts", head, batch_id=message_id, whole_batch=True)
    for block in _children(message, "OrgnlPmtInfAndSts"):
        batch_id = _text(block, "OrgnlPmtInfId") or message_id
        if _text(block, "PmtInfSts"):
            yield _status(block, "PmtInfSts", head, batch_id=batch_id, whole_batch=True)
        for number, transfer in enumerate(_children(block, "TxInfAndSts"), start=1):
            line = _status(transfer, "TxSts", head, batch_id=batch_id)
            amount = _find(transfer, "OrgnlTxRef", "Amt", "InstdAmt")
            try:
                micros, currency = (0, "") if amount is None else _amount(amount)
            except ValueError as error:
                raise ValueError(f"the status of payment {number} cannot be read: {error}") from error
            end_to_end = _text(transfer, "OrgnlEndToEndId")
            yield replace(line, end_to_end_id=end_to_end, amount_micros=micros, currency=currency)


def _status(element: ET.Element, name: str, reference: str, *, batch_id: str, whole_batch: bool = False) -> BankLine:
    status = _text(element, name)
    # A file taken in part says so of each payment; the whole then has no fate of its own.
    kind = _STATUS.get(status, "accepted")
    return BankLine(
        "", "pain.002", kind, "", batch_id, 0, "", "", reference, _reason(element) or status, whole_batch=whole_batch
    )


def _reason(element: ET.Element) -> str:
    """A return's or rejection's code and words."""
    found = []
    for name in ("RtrInf", "StsRsnInf"):
        for info in _children(element, name):
            code = _text(info, "Rsn", "Cd") or _text(info, "Rsn", "Prtry")
            words = " ".join(_text(extra) for extra in _children(info, "AddtlInf"))
            found.append(" ".join(part for part in (code, words) if part))
    return "; ".join(found)[:300]


def _amount(element: ET.Element | None) -> tuple[int, str]:
    if element is None:
        raise ValueError("it has no amount")
    currency = element.get("Ccy", "")
    if currency not in EXPONENT_OF_CURRENCY:
        raise ValueError(f"'{currency[:10]}' is not a currency")
    return parse_coins(element.text or "", currency), currency


def _date(element: ET.Element, name: str) -> str:
    text = _text(element, name, "Dt") or _text(element, name, "DtTm")[:10]
    try:
        return check_date(text[:10]) if text else ""
    except InputError as error:
        raise ValueError(f"'{text[:20]}' is not a date") from error


def _children(element: ET.Element, name: str) -> list[ET.Element]:
    return [child for child in element if local(child) == name]


def _find(element: ET.Element, *names: str) -> ET.Element | None:
    found: ET.Element | None = element
    for name in names:
        found = next((child for child in found if local(child) == name), None) if found is not None else None
    return found


def _text(element: ET.Element, *names: str) -> str:
    found = _find(element, *names)
    return "" if found is None else (found.text or "").strip()

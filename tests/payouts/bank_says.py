"""Files as banks write them, made up for tests."""

from __future__ import annotations

CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"


def statement(*entries: str) -> bytes:
    """A camt.053 with these entries."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{CAMT}"><BkToCstmrStmt><GrpHdr><MsgId>S1</MsgId>'
        "<CreDtTm>2026-12-03T20:00:00Z</CreDtTm></GrpHdr><Stmt><Id>1</Id><Acct><Id><IBAN>DE41370400440000000001</IBAN></Id>"
        f"</Acct>{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def entry(
    amount: str,
    details: str = "",
    *,
    kind: str = "DBIT",
    currency: str = "EUR",
    status: str = "BOOK",
    ref: str = "B1",
    day: str = "2026-12-03",
) -> str:
    """An entry of a statement."""
    inside = f"<NtryDtls>{details}</NtryDtls>" if details else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{kind}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef>{inside}</Ntry>"
    )


def detail(end_to_end: str, amount: str = "", *, currency: str = "EUR", reason: str = "", ref: str = "") -> str:
    """The details of one payment."""
    said = f'<Amt Ccy="{currency}">{amount}</Amt>' if amount else ""
    back = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>closed</AddtlInf></RtrInf>" if reason else ""
    own = f"<AcctSvcrRef>{ref}</AcctSvcrRef>" if ref else ""
    return f"<TxDtls><Refs>{own}<EndToEndId>{end_to_end}</EndToEndId></Refs>{said}{back}</TxDtls>"


def batch_detail(batch_id: str) -> str:
    """The mark of an entry that stands for a whole batch."""
    return f"<Btch><PmtInfId>{batch_id}</PmtInfId></Btch>"


def report(batch_id: str, group: str = "", *transfers: tuple[str, str, str], amount: str = "", currency: str = "") -> bytes:
    """A pain.002: a status of the whole, and (end-to-end id, status, reason) of payments, each of `amount` if given."""
    money = f'<OrgnlTxRef><Amt><InstdAmt Ccy="{currency}">{amount}</InstdAmt></Amt></OrgnlTxRef>' if amount else ""
    whole = f"<GrpSts>{group}</GrpSts>" if group else ""
    lines = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        + (f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else "")
        + f"{money}</TxInfAndSts>"
        for name, status, reason in transfers
    )
    block = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch_id}</OrgnlPmtInfId>{lines}</OrgnlPmtInfAndSts>" if lines else ""
    return (
        f'<Document xmlns="{PAIN}"><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId></GrpHdr><OrgnlGrpInfAndSts>'
        f"<OrgnlMsgId>{batch_id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{whole}</OrgnlGrpInfAndSts>"
        f"{block}</CstmrPmtStsRpt></Document>"
    ).encode()

"""The statement as a flat file for spreadsheets and accounting programs.

Its shape follows what the industry's sales reports do (they call such files DSR): one record a row, its type in the
first cell, a head, summary, lines, and a foot with counts and control totals. It is *like* those files and claims no
conformance to a standard of theirs. A row that begins with "#" names the cells of a record type, so that the file
explains itself.

Amounts are decimal numbers of main units with six decimals and a point. Texts come from outside: control characters become
spaces, and a text that a spreadsheet could take for a formula is led by an apostrophe, which `read_csv` takes off again. The
JSON form is the exact one.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter

from endcredits.errors import InputError
from endcredits.money import MICROS, parse_micros
from endcredits.payouts.records import Statement, Summary

VERSION = "1"
"""Of this form; readers refuse others."""

_SUMMARY = tuple(field.name for field in fields(Summary))
_summary_values = attrgetter(*_SUMMARY)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: dict[str, tuple[str, ...]] = {
    "HEAD": _names(
        "form_version kind statement_id version period from to issued_on issuer payee_id payee tax_status currency "
        "contracts policy policy_sha256 prior_statement threshold blocked"
    ),
    "SUMM": tuple(name.removesuffix("_micros") for name in _SUMMARY),
    "POOL": _names(
        "pool name kind usage_period usage_from usage_to service territory offer events uses rule revenue "
        "gross_pool earned_currency rate pool_amount breakage"
    ),
    "PART": _names("pool part name by right rule amount denominator commons"),
    "LINE": _names(
        "pool part accounting_period usage_from usage_to service usage_territory offer work_id title identifiers "
        "right units pool_amount part_amount pool_rule share_percent method method_version error_percent "
        "work_amount split_territory claim_amount split_percent amount currency rate state limit explanation"
    ),
    "LEVY": _names("name base share_percent amount"),
    "PAID": _names("paid_on rail reference amount"),
    "MOVE": _names("kind amount contract reason"),
    "DEDU": _names("kind amount reason"),
    "FOOT": _names(
        "lines levies payments movements deductions control_total outputs_counted lines_sha256 close_sha256 "
        "journal_entries audit_until dispute contact verify"
    ),
}
"""Record types in the order of the file, with the names of their cells after the type."""

Records = dict[str, list[dict[str, str]]]

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
# What spreadsheets begin a formula with, in ASCII and in full width, and the apostrophe itself, so that reading is exact.
_FORMULA = re.compile(r"\s*[=+\-@|%'\uff1d\uff0b\uff0d\uff20]")


def text_cell(text: str) -> str:
    """A text from outside as a cell that shows it and does nothing.

    >>> text_cell("=1+1"), text_cell("Ada\\tLovelace")
    ("'=1+1", 'Ada Lovelace')
    """
    if text.isalnum():
        return text
    clean = _UNSEEN.sub(" ", text)
    return f"'{clean}" if _FORMULA.match(clean) else clean


def decimal(micros: int) -> str:
    """Micros as a plain decimal number with six decimals.

    >>> decimal(-1_500_000)
    '-1.500000'
    """
    whole, part = divmod(abs(micros), MICROS)
    return f"{'-' if micros < 0 else ''}{whole}.{part:06d}"


def _percent(ppb: int) -> str:
    whole, part = divmod(abs(ppb), 10_000_000)
    return f"{'-' if ppb < 0 else ''}{whole}.{part:07d}"


def statement_csv(statement: Statement, delimiter: str = "\t") -> str:
    """A statement as a flat file.

    Args:
        statement: final or an estimate; its head says which.
        delimiter: a tab, a comma or a semicolon.

    Raises:
        InputError: another delimiter.
    """
    if delimiter not in ("\t", ",", ";"):
        raise InputError(f"{delimiter!r} is no delimiter of this form", remedy="Use a tab, a comma or a semicolon.")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for record, rows in _records(statement):
        writer.writerow((f"#{record}", *COLUMNS[record]))
        writer.writerows((record, *row) for row in rows)
    return out.getvalue()


def _records(one: Statement) -> Iterator[tuple[str, Sequence[Sequence[object]]]]:
    text = text_cell
    yield "HEAD", [_head(one)]
    yield "SUMM", [[decimal(micros) for micros in _summary_values(one.summary)]]
    yield (
        "POOL",
        [
            (
                *(pool.pool, text(pool.name), pool.kind, text(pool.usage_period), pool.usage_from, pool.usage_to),
                *(text(pool.service), text(pool.territory), text(pool.offer), pool.events, pool.uses, text(pool.rule)),
                *(decimal(pool.revenue_micros), decimal(pool.source_micros), pool.earned_currency, text(pool.rate)),
                *(decimal(pool.pool_micros), decimal(pool.breakage_micros)),
            )
            for pool in one.pools
        ],
    )
    yield (
        "PART",
        [
            (
                *(pool.pool, part.part, text(part.name), part.by, text(part.right), text(part.rule)),
                *(decimal(part.amount_micros), part.denominator, decimal(part.commons_micros)),
            )
            for pool in one.pools
            for part in pool.parts
        ],
    )
    yield "LINE", list(_lines(one))
    if one.levies:
        yield (
            "LEVY",
            [
                (text(le.name), decimal(le.base_micros), _percent(le.share_ppb), decimal(le.amount_micros))
                for le in one.levies
            ],
        )
    if one.payments:
        yield (
            "PAID",
            [(paid.paid_on, text(paid.rail), text(paid.reference), decimal(paid.amount_micros)) for paid in one.payments],
        )
    if one.movements:
        yield "MOVE", [(m.kind, decimal(m.amount_micros), text(m.contract_id), text(m.reason)) for m in one.movements]
    if one.deductions:
        yield "DEDU", [(d.kind, decimal(d.amount_micros), text(d.reason)) for d in one.deductions]
    counts = (len(one.levies), len(one.payments), len(one.movements), len(one.deductions))
    foot = (one.outputs_counted, one.lines_digest, one.close_digest, text(" ".join(one.entry_ids)), one.audit_until)
    words = (text(one.dispute), text(one.contact), text(one.verify))
    yield "FOOT", [(one.line_count, *counts, decimal(one.control_micros), *foot, *words)]


def _head(one: Statement) -> Sequence[object]:
    text = text_cell
    return (
        *(VERSION, one.kind, text(one.statement_id), one.version, text(one.period_id), one.starts_on, one.ends_on),
        *(one.issued_on, text(one.issuer), text(one.party_id), text(one.payee), text(one.tax_status), one.currency),
        *(text(" ".join(one.contract_ids)), text(one.policy_name), one.policy_digest, text(one.prior_id)),
        *(decimal(one.threshold_micros), text("; ".join(one.blocked))),
    )


def _lines(one: Statement) -> Iterator[Sequence[object]]:
    text = text_cell
    before, after = {}, {}
    # What is the same for all lines of a part is made once: statements are long and their pools few.
    for pool in one.pools:
        place = (
            text(one.period_id),
            pool.usage_from,
            pool.usage_to,
            text(pool.service),
            text(pool.territory),
            text(pool.offer),
        )
        for part in pool.parts:
            before[pool.pool, part.part] = (pool.pool, part.part, *place)
            sums = (decimal(pool.pool_micros), decimal(part.amount_micros), text(f"{pool.rule}; {part.rule}"))
            after[pool.pool, part.part] = text(part.right), sums, text(pool.rate)
    for line in one.lines:
        right, sums, rate = after[line.pool, line.part]
        yield (
            *before[line.pool, line.part],
            text(line.work_id),
            text(line.title),
            text(" ".join(f"{scheme}:{value}" for scheme, value in line.identifiers)),
            right,
            line.outputs,
            *sums,
            _percent(line.share_ppb),
            text(line.method),
            text(line.method_version),
            _percent(line.error_ppb) if line.error_ppb >= 0 else "",
            decimal(line.work_micros),
            text(line.territory),
            decimal(line.claim_micros),
            _percent(line.split_ppb),
            decimal(line.amount_micros),
            one.currency,
            rate,
            line.state,
            line.taken,
            text(line.reason),
        )


def read_csv(text: str) -> Records:
    """A flat file's records by type, each with its cells by name; apostrophes before formulas are taken off.

    Raises:
        InputError: a row of an unknown type or with too many or few cells, another version of the form, no head or foot.
    """
    delimiter = text[5:6]
    found: Records = {record: [] for record in COLUMNS}
    for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or "\t"), 1):
        record, *cells = row or [""]
        names = COLUMNS.get(record.removeprefix("#"))
        if names is None or len(cells) != len(names):
            raise InputError(
                f"the row of the type '{record[:20]}' is not one of a statement", remedy="Export it again.", row=number
            )
        if not record.startswith("#"):
            found[record].append({name: cell.removeprefix("'") for name, cell in zip(names, cells, strict=True)})
    if len(found["HEAD"]) != 1 or len(found["SUMM"]) != 1 or len(found["FOOT"]) != 1:
        raise InputError("a statement has one head, one summary and one foot", remedy="Export it again; it may be cut off.")
    if found["HEAD"][0]["form_version"] != VERSION:
        raise InputError("the file is of another version of this form", remedy=f"Export it again in version {VERSION}.")
    return found


def csv_problems(records: Records) -> Iterator[str]:
    """What does not fit the foot's counts and totals, in words; what a receiver should check before using the file."""
    foot = records["FOOT"][0]
    counted = {"lines": "LINE", "levies": "LEVY", "payments": "PAID", "movements": "MOVE", "deductions": "DEDU"}
    for name, record in counted.items():
        if int(foot[name]) != len(records[record]):
            yield f"the foot counts {foot[name]} {name}, and there are {len(records[record])}"
    total = sum(parse_micros(row["amount"]) for row in records["LINE"] + records["LEVY"])
    if parse_micros(foot["control_total"]) != total:
        yield f"the foot's control total is {foot['control_total']}, and the lines sum to {decimal(total)}"
    money = Counter({name: parse_micros(value) for name, value in records["SUMM"][0].items()})
    gives = money["opening"] + money["earned"] + money["adjustments"] + money["guaranteed"] + money["released"]
    if money["closing"] != gives - money["paid"] - money["recouped"] - money["reserved"] - money["held"]:
        yield "the closing balance does not follow from the summary"
    if money["closing"] != money["payable"] + money["withheld"] + money["fees"] + money["carried_over"]:
        yield "the closing balance is not what is payable, deducted and carried over"

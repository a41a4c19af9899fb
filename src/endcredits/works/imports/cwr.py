"""Reading a CWR file (Common Works Registration 2.1 and 2.2): its envelope first, then work by work.

    HDR                                     who sends it
      GRH NWR                               a group of new works (or REV: of changed ones)
        NWR SPU SPT SWR SWT PWR ALT ...     a transaction: everything about one work
      GRT                                   how many transactions and records the group has
    TRL                                     how many groups, transactions and records the file has

Counts and sequence numbers are how a file says that nothing of it was lost. Where a group's do not fit, none of it is taken:
a missing record could be somebody's share. Where the file's own counts do not fit, or its end is missing, nothing at all is.
A transaction whose records are not numbered on, or that cannot be read, is refused by itself and the others are taken.

A registration with a society says who is paid for a work; it never says that anything is allowed. What this reader returns
holds no permission, and none is made of it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from endcredits.errors import InputError
from endcredits.works.imports.cwr_layout import LAYOUTS, LENGTH_MIN, OTHERS, count_of, fields_of, numbers_of
from endcredits.works.imports.cwr_work import Line, registration_of
from endcredits.works.imports.records import NOTED, REFUSED, Notice, Reading, Registration
from endcredits.works.texts import read_bytes

VERSIONS = ("02.10", "02.20", "02.11", "02.21")
WORK_KINDS = ("NWR", "REV")
UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class _Group:
    """A group while it is read.

    Attributes:
        kind: of its transactions.
        begins: number of its line.
        transactions: the lines of each.
        records: how many lines it has, with its header and its end.
        problem: why none of it can be taken.
    """

    kind: str
    begins: int
    transactions: list[list[Line]] = field(default_factory=list)
    records: int = 1
    problem: str = ""


def read_cwr(path: str | os.PathLike[str], *, train_as: str = "") -> Reading:
    """Reads a CWR file.

    Args:
        path: the file.
        train_as: "PR", "MR" or "SR": the right whose shares also divide what training earns. A society's file knows no such
            right, so that this is the importer's decision; "" for none.

    Raises:
        InputError: it cannot be read, or is no CWR file of these versions.
    """
    file = Path(path)
    data = read_bytes(file)
    lines, notices, encoding = _lines(data, file)
    head = fields_of(lines[0].text)
    if not any(line.text[:3] == "GRH" for line in lines):
        raise InputError("the file has a header and no group", remedy="Ask for the file again.", file=file)
    if encoding and "UTF-8" not in head["characters"].upper():
        said = head["characters"] or "ASCII"
        notices.append(Notice(1, "Character Set", NOTED, f"the header says {said}, and the file is UTF-8; it is read so"))
    groups, problem = _groups(lines, notices)
    sender = head["sender_name"] or head["sender"]
    registrations: list[Registration] = []
    for group in groups:
        why = problem or group.problem
        for transaction in group.transactions:
            found = _taken(transaction, why, f"submitter:{head['sender'] or sender}", train_as, notices)
            registrations += [found] if found else []
    return Reading(
        "cwr", sender, len(lines), tuple(registrations), tuple(sorted(notices, key=lambda one: (one.record, one.field)))
    )


def _lines(data: bytes, file: Path) -> tuple[list[Line], list[Notice], bool]:
    """The lines of a file, notices about those that are no text, and whether any is not ASCII."""
    body = data.removeprefix(UTF8_BOM)
    if not body.startswith(b"HDR") or len(body.splitlines()[0]) < LENGTH_MIN["HDR"]:
        raise InputError(
            "this is not a CWR file: it does not begin with a header record (HDR)",
            remedy="Give a file of Common Works Registration 2.1 or 2.2.",
            file=file,
        )
    lines, notices, beyond = [], [], False
    for number, raw in enumerate(body.replace(b"\r\n", b"\n").split(b"\n"), start=1):
        if not raw.strip(b" \x1a"):
            continue
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            text = raw.decode("ascii", "replace")
            problem = f"column {error.start + 1} is neither ASCII nor UTF-8"
            notices.append(Notice(number, "Character Set", NOTED, problem, "Send the file again in ASCII or UTF-8."))
        beyond = beyond or not text.isascii()
        lines.append(Line(number, text))
    return lines, notices, beyond


def _groups(lines: list[Line], notices: list[Notice]) -> tuple[list[_Group], str]:
    """The groups of a file, and why none of it can be taken ("" where it can)."""
    groups: list[_Group] = []
    open_group: _Group | None = None
    ended = False
    for line in lines[1:]:
        kind = line.text[:3]
        if ended:
            notices.append(Notice(line.number, "", REFUSED, f"a record of the type '{kind}' stands behind the file's end"))
        elif kind == "GRH":
            if open_group is not None:
                open_group.problem = open_group.problem or "its end (GRT) is missing"
            open_group = _begun(line)
            groups.append(open_group)
        elif kind == "TRL":
            ended = True
            problem = _count_problem(line, groups, lines)
            if problem:
                notices.append(Notice(line.number, "", REFUSED, problem, "Ask for the file again: something was lost."))
                return groups, "the counts of the file do not fit"
        elif open_group is None:
            notices.append(Notice(line.number, "", REFUSED, f"a record of the type '{kind}' stands outside all groups"))
        elif kind == "GRT":
            open_group.records += 1
            _end(open_group, line, notices)
            open_group = None
        else:
            open_group.records += 1
            if kind in (*WORK_KINDS, open_group.kind) or not open_group.transactions:
                open_group.transactions.append([])
            open_group.transactions[-1].append(line)
    if open_group is not None:
        open_group.problem = open_group.problem or "its end (GRT) is missing"
    if not ended:
        notices.append(
            Notice(lines[-1].number, "", REFUSED, "the file's end (TRL) is missing", "Ask for the file again: it was cut.")
        )
        return groups, "the file's end is missing"
    return groups, ""


def _begun(line: Line) -> _Group:
    head = fields_of(line.text)
    group = _Group(head["kind"], line.number)
    if head["version"] not in VERSIONS:
        group.problem = f"its version '{head['version']}' is not 2.1 or 2.2"
    return group


def _end(group: _Group, line: Line, notices: list[Notice]) -> None:
    said = fields_of(line.text)
    counted = {"transactions": len(group.transactions), "records": group.records}
    wrong = _miscounted(said, counted)
    if wrong:
        problem = f"the group's end counts {wrong}"
        notices.append(Notice(line.number, "", REFUSED, problem, "Ask for the group again: something was lost."))
        group.problem = group.problem or "the counts of its group do not fit"


def _count_problem(line: Line, groups: list[_Group], lines: list[Line]) -> str:
    records = sum(1 for one in lines if one.number <= line.number)
    counted = {"groups": len(groups), "transactions": sum(len(one.transactions) for one in groups), "records": records}
    wrong = _miscounted(fields_of(line.text), counted)
    return f"the file's end counts {wrong}" if wrong else ""


def _miscounted(said: Mapping[str, str], counted: Mapping[str, int]) -> str:
    """What is counted otherwise than it is, in words."""
    wrong = [name for name, number in counted.items() if count_of(said[name]) != number]
    return " and ".join(f"{said[name].lstrip('0') or 'no'} {name}, not {counted[name]}" for name in wrong)


def _taken(transaction: list[Line], why: str, scheme: str, train_as: str, notices: list[Notice]) -> Registration | None:
    """The registration of a transaction, or notices for what is not taken."""
    first = transaction[0]
    kind, title = first.text[:3], first.text[19:79].strip()
    if kind not in WORK_KINDS:
        problem = f"a transaction of the type '{kind}' is not read: it registers no work"
        notices.append(Notice(first.number, "", NOTED if kind in OTHERS else REFUSED, problem))
        return None
    problem = why or _sequence_problem(transaction)
    if not problem and any("\ufffd" in line.text for line in transaction):
        problem = "one of its records holds characters that cannot be read"
    if problem:
        notices.append(Notice(first.number, "", REFUSED, f"not taken: {problem}", "Ask for it again.", title))
        return None
    known = [line for line in transaction if line.text[:3] in LAYOUTS]
    for other, count in Counter(line.text[:3] for line in transaction if line.text[:3] not in LAYOUTS).items():
        where = next(line.number for line in transaction if line.text[:3] == other)
        effect = NOTED if other in OTHERS else REFUSED
        notices.append(Notice(where, "", effect, f"{count} record(s) of the type '{other}' are not read", "", title))
    return registration_of(known, scheme, train_as, notices)


def _sequence_problem(transaction: list[Line]) -> str:
    """Whether the records of a transaction are numbered on, and each is long enough."""
    expected = None
    for line in transaction:
        numbers = numbers_of(line.text)
        if numbers is None:
            return f"the numbers of record {line.number} cannot be read"
        if expected is not None and numbers != expected:
            return f"record {line.number} is numbered {numbers[0]}/{numbers[1]}, and {expected[0]}/{expected[1]} is missing"
        expected = (numbers[0], numbers[1] + 1)
        if len(line.text) < LENGTH_MIN.get(line.text[:3], 19):
            return f"record {line.number} ends after {len(line.text)} columns"
    return ""

"""Reading a table of works, contributors, roles and shares as DDEX messages carry them, one row a contributor and right.

    work_id,title,iswc,isrc,contributor,role,display_credit,ipi,isni,right,share,territory,valid_from,valid_to
    work:salt-road,The Salt Road,T0345246801,,Ada Quill,Author,,,,train,60%,WORLD,2026-12-01,
    work:salt-road,The Salt Road,,,Tara Lin,Translator,Tara Lin (into English),,,train,40%,WORLD -US,2026-12-01,

Rows of one work stand under one `work_id`, or one `iswc`, or, with neither, one `title`. `title`, `contributor` and `role`
are required. A row without `share` is a credit alone. `right` is "train" when it is left out, `territory` is WORLD; both are
ours (see `shares.regions`). Days left out mean from now on. This is our table in DDEX's words, not a DDEX message.

A row that cannot be used is refused by itself and takes the shares of its work with it: a share that is missing is
somebody's.
"""

from __future__ import annotations

import csv
import io
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from endcredits.errors import InputError
from endcredits.ids import VALIDATORS, PartyId, plain_id
from endcredits.works.imports.grouping import works_of_rows
from endcredits.works.imports.records import (
    HELD,
    NOTED,
    REFUSED,
    ROLE_LENGTH_MAX,
    TITLE_LENGTH_MAX,
    FileCredit,
    FileHolding,
    FileParty,
    Notice,
    Reading,
    Registration,
    one_line,
)
from endcredits.works.names import clean_name, party_key
from endcredits.works.records import TRAIN_RIGHT, WORLD
from endcredits.works.shares.agreeing import FIRST_DAY, Holding, overlapping
from endcredits.works.shares.regions import region_of
from endcredits.works.shares.roles import is_known, role_code
from endcredits.works.splits import percent_ppb
from endcredits.works.texts import read_bytes
from endcredits.works.utc import check_day

OF_WORK = ("iswc", "isrc", "isbn", "eidr")
OF_PARTY = ("ipi", "isni", "orcid")
REQUIRED = ("title", "contributor", "role")
COLUMNS = (
    *("work_id", "title", "contributor", "kind", "role", "display_credit", "right", "share", "territory"),
    *("valid_from", "valid_to", *OF_WORK, *OF_PARTY),
)
KINDS = ("person", "body", "unknown")


@dataclass(slots=True)
class _Work:
    """A work while its rows are read.

    Attributes:
        record: its first row.
        title: of that row.
        refused: why its shares are not taken.
    """

    record: int
    title: str
    work_id: str
    titles: list[str] = field(default_factory=list)
    identifiers: list[tuple[str, str]] = field(default_factory=list)
    parties: dict[str, FileParty] = field(default_factory=dict)
    credits: dict[tuple[str, str], FileCredit] = field(default_factory=dict)
    holdings: list[FileHolding] = field(default_factory=list)
    refused: str = ""
    said: bool = False


def read_ddex_csv(path: str | os.PathLike[str]) -> Reading:
    """Reads a table.

    Raises:
        InputError: it cannot be read, is not UTF-8, has no header, lacks a required column, has one twice, or one that
            differs from ours only in case or spaces.
    """
    file = Path(path)
    header, rows = _table(file)
    works: dict[int, _Work] = {}
    broken: dict[int, str] = {}
    notices: list[Notice] = []
    records: list[tuple[int, int, dict[str, str]]] = []
    for number, cells in rows:
        row = {name: cells[place].strip() if place < len(cells) else "" for place, name in enumerate(header)}
        row["title"] = unicodedata.normalize("NFC", row["title"])
        records.append((number, len(cells), row))
    work_of, unclear = works_of_rows([row for _, _, row in records])
    for (number, length, row), key in zip(records, work_of, strict=True):
        problem = "" if length == len(header) else f"the row has {length} cells, and the header {len(header)}"
        try:
            if problem:
                raise InputError(problem, remedy="Quote cells that hold a comma.")
            _row(number, row, works, key, notices)
        except InputError as error:
            notices.append(
                Notice(number, error.field or "", REFUSED, error.message, error.remedy, row.get("title", "")[:200])
            )
            broken.setdefault(key, f"row {number} cannot be used")
    for key, work in works.items():
        work.refused = broken.get(key, "") or unclear.get(key, "")
    registrations = [_registration(work, notices) for work in works.values()]
    return Reading(
        "ddex-csv",
        file.name,
        len(records),
        tuple(registrations),
        tuple(sorted(notices, key=lambda one: (one.record, one.field))),
    )


def _table(file: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"the table is not UTF-8 (byte {error.start})", remedy="Save it as UTF-8.", file=file) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise _not_csv(error, file, 0) from error
    for name in header:
        plain = "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
        ours = next((one for one in COLUMNS if one.replace("_", "") in (plain, plain.removesuffix("s"))), None)
        if ours is not None and name != ours:
            raise InputError(
                f"the column '{name}' is not written as '{ours}' and would be passed over",
                remedy="Rename it in the table.",
                file=file,
                field=name,
            )
        if ours is not None and header.count(name) > 1:
            raise InputError(f"the column '{name}' stands there twice", remedy="Rename one.", file=file, field=name)
    for name in REQUIRED:
        if name not in header:
            raise InputError(f"the column '{name}' is missing", remedy=f"Add {name}.", file=file, field=name)
    return header, _rows(reader, file)


def _rows(reader: Iterator[list[str]], file: Path) -> Iterator[tuple[int, list[str]]]:
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _not_csv(error, file, number + 1) from error
        number += 1
        if any(cell.strip() for cell in cells):
            yield number, cells


def _not_csv(error: csv.Error, file: Path, row: int) -> InputError:
    remedy = "Check its quotes, or save it as CSV."
    return InputError(f"the table cannot be read ({error})", remedy=remedy, file=file, row=row)


def _row(number: int, row: Mapping[str, str], works: dict[int, _Work], key: int, notices: list[Notice]) -> None:
    """Takes a row: everything that can refuse it comes before anything of it is kept."""
    title = row["title"]
    if not title:
        raise InputError("the title is empty", remedy="Give every work a title.", field="title")
    one_line(title, TITLE_LENGTH_MAX, "title")
    one_line(row["role"], ROLE_LENGTH_MAX, "role")
    one_line(row.get("display_credit", ""), TITLE_LENGTH_MAX, "display_credit")
    if row.get("work_id"):
        plain_id(row["work_id"], what="work_id")
    role = role_code(row["role"])
    if not role:
        raise InputError("the role is empty", remedy="Say what they did: Composer, Translator, ...", field="role")
    told: list[Notice] = []
    party = _party(number, row, told)
    holding = _holding(number, row, party.key, role) if row.get("share") else None

    work = works.setdefault(key, _Work(number, title, row.get("work_id", "")))
    work.work_id = work.work_id or row.get("work_id", "")
    if title != work.title:
        work.titles.append(title)
    for scheme in OF_WORK:
        if row.get(scheme):
            try:
                work.identifiers.append((scheme, VALIDATORS[scheme](row[scheme])))
            except InputError as error:
                problem = f"{error.message}; the work is kept without it"
                told.append(Notice(number, scheme, NOTED, problem, error.remedy, title))
    if not is_known(role):
        told.append(Notice(number, "role", NOTED, f"the role '{role}' is none of our list; kept as it is", "", title))
    if party.doubt or party.key not in work.parties:
        work.parties[party.key] = party
    work.credits.setdefault((party.key, role), FileCredit(party.key, role, row.get("display_credit", ""), number))
    if holding is not None:
        work.holdings.append(holding)
        work.said = work.said or bool(row.get("valid_from"))
    notices += told


def _party(number: int, row: Mapping[str, str], told: list[Notice]) -> FileParty:
    name = clean_name(row["contributor"])
    kind = row.get("kind", "").lower() or "unknown"
    if kind not in KINDS:
        raise InputError(f"'{kind[:40]}' is not a kind of party", remedy=f"Use one of: {', '.join(KINDS)}.", field="kind")
    identifiers, doubt = [], ""
    for scheme in OF_PARTY:
        if not row.get(scheme):
            continue
        try:
            identifiers.append((scheme, VALIDATORS[scheme](row[scheme])))
        except InputError as error:
            doubt = error.message
            problem = f"{error.message}; the share of '{name}' waits"
            told.append(Notice(number, scheme, HELD, problem, "Ask for the number of this name.", row["title"]))
    key = "\n".join((party_key(name), *(f"{one}:{value}" for one, value in sorted(identifiers))))
    return FileParty(key, name, kind, tuple(sorted(identifiers)), doubt)


def _holding(number: int, row: Mapping[str, str], party: str, role: str) -> FileHolding:
    share = percent_ppb(row["share"])
    if share is None and row["share"].isascii() and row["share"].isdecimal() and len(row["share"]) <= 10:
        share = int(row["share"])
    if not share:
        raise InputError(
            f"'{row['share'][:40]}' is not a share", remedy="Write a percentage (12.5%) or parts per billion.", field="share"
        )
    first, last = row.get("valid_from", ""), row.get("valid_to", "")
    for name, day in (("valid_from", first), ("valid_to", last)):
        if day:
            check_day(day, field=name)
    if last and last < (first or last):
        raise InputError(f"the share ends on {last}, before it begins on {first}", remedy="Swap the days.", field="valid_to")
    right = plain_id(row.get("right") or TRAIN_RIGHT, what="right")
    region = region_of(row.get("territory") or WORLD)
    return FileHolding(party, share, right, region, role, number, first or FIRST_DAY, last)


def _registration(work: _Work, notices: list[Notice]) -> Registration:
    doubtful = {key for key, party in work.parties.items() if party.doubt}
    holdings = [replace(one, party_key="") if one.party_key in doubtful else one for one in work.holdings]
    by_number = {one.record: one for one in work.holdings}
    for pair in overlapping([_as_holding(one) for one in work.holdings]):
        first, second = int(pair.first.source), int(pair.second.source)
        problem = (
            f"the same share of '{work.parties[by_number[second].party_key].name}' stands in row {first} for days that "
        )
        problem += f"overlap ({pair.second.valid_from} is not after {pair.first.valid_to or 'its open end'})"
        notices.append(Notice(second, "valid_from", REFUSED, problem, "Let one end before the other begins.", work.title))
        work.refused = work.refused or f"rows {first} and {second} overlap"
    if work.refused:
        problem = f"its shares are not taken: {work.refused}"
        notices.append(Notice(work.record, "share", REFUSED, problem, "Correct the rows and import again.", work.title))
        holdings = []
    return Registration(
        work.record,
        work.title,
        tuple(dict.fromkeys(work.titles)),
        tuple(dict.fromkeys(work.identifiers)),
        tuple(work.parties.values()),
        tuple(work.credits.values()),
        tuple(holdings),
        work.work_id,
        work.said,
    )


def _as_holding(one: FileHolding) -> Holding:
    key = PartyId(one.party_key)
    return Holding(key, one.share_ppb, one.right, one.region, one.valid_from, one.valid_to, one.role, str(one.record))

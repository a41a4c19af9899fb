"""One work of a CWR file: its writers and publishers, what each owns, and who collects it where.

Two kinds of shares stand in a transaction. *Ownership* stands with the writer or publisher (SWR, OWR, SPU, OPU) and is the
same everywhere. *Collection* stands in territory records behind them (SWT, SPT): who gets the money in which countries,
where sub-publishers and administrators come in. We pay by collection where a writer or a chain of publishers has any, and by
ownership otherwise. Territories are added (I) and taken out again (E) in their order. What nobody collects somewhere is
nobody's there, and waits.

    CWR     our right
    PR      performance         performing right
    MR      mechanical          mechanical right
    SR      synchronisation     synchronisation right

Shares have two decimals ("03333" is 33.33 %). Three thirds are 99.99 %: the hundredth waits, nobody's share is rounded up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from endcredits.errors import InputError
from endcredits.ids import validate_ipi, validate_isrc, validate_iswc
from endcredits.works.imports.cwr_layout import fields_of
from endcredits.works.imports.records import (
    HELD,
    NOTED,
    REFUSED,
    FileCredit,
    FileHolding,
    FileParty,
    Notice,
    Registration,
)
from endcredits.works.names import clean_name
from endcredits.works.shares.regions import EVERYWHERE, NOWHERE, Region, place_of
from endcredits.works.shares.roles import PUBLISHER_ROLES, WRITER_ROLES

RIGHTS: Mapping[str, str] = {"PR": "performance", "MR": "mechanical", "SR": "synchronisation"}
"""CWR's rights -> ours."""
WHOLE = 10_000
PPB_OF_ONE = 100_000
"""Parts per billion of a hundredth of a percent."""


@dataclass(frozen=True, slots=True)
class Line:
    """A record.

    Attributes:
        number: of its line, from 1.
        text: without the end of the line.
    """

    number: int
    text: str


@dataclass(slots=True)
class _Owner:
    """A writer or publisher while their records are read.

    Attributes:
        record: number of the first.
        key: see `FileParty`; "" where nobody is named.
        ip: the sender's number of them.
        role: a role code.
        chain: which publishers belong together; every writer is a chain of their own.
        owned: hundredths of a percent, by right.
        collected: by right, where how much.
    """

    record: int
    key: str
    ip: str
    role: str
    chain: str
    owned: dict[str, int]
    collected: dict[str, list[tuple[Region, int]]] = field(default_factory=dict)


class _Work:
    """A transaction while it is read."""

    def __init__(self, title: str, notices: list[Notice]) -> None:
        self.title = title
        self.notices = notices
        self.parties: dict[str, FileParty] = {}
        self.owners: list[_Owner] = []
        self.credits: list[FileCredit] = []
        self.refused: str = ""

    def say(self, record: int, name: str, effect: str, problem: str, remedy: str = "") -> None:
        self.notices.append(Notice(record, name, effect, problem, remedy, self.title))

    def party(self, record: int, name: str, kind: str, ipi: str) -> str:
        """The key of somebody who is named; a number that cannot be theirs leaves a doubt."""
        try:
            name = clean_name(name)
        except InputError as error:
            self.say(record, "name", HELD, f"{error.message}; what is theirs waits", error.remedy)
            return ""
        identifiers, doubt = _ipi(ipi)
        if doubt:
            self.say(record, "IPI Name #", HELD, f"{doubt}; the share of '{name}' waits", "Ask for the number of this name.")
        key = f"{name.casefold()}|{ipi.lstrip('0')}"
        self.parties.setdefault(key, FileParty(key, name, kind, identifiers, doubt))
        return key

    def refuse(self, why: str) -> None:
        """Takes none of the work's shares; the first reason is told."""
        self.refused = self.refused or why

    def owner(self, record: int, key: str, row: Mapping[str, str], role: str, chain: str) -> None:
        owned = {}
        for right in RIGHTS:
            share = _share(row.get(right, ""))
            if share is None:
                self.refuse(f"the {right} share '{row[right]}' of record {record} is no share")
            owned[right] = share or 0
        self.owners.append(_Owner(record, key, row["ip"], role, chain, owned))


def registration_of(lines: list[Line], scheme: str, train_as: str, notices: list[Notice]) -> Registration | None:
    """The registration of a transaction; what is wrong with it is added to the notices.

    Args:
        lines: of types that are read, the work's own first.
        scheme: of the sender's numbers of works.
        train_as: see `read_cwr`.
        notices: get more.
    """
    head = fields_of(lines[0].text)
    work = _Work(head["title"], notices)
    record = lines[0].number
    if not head["title"]:
        notices.append(Notice(record, "Work Title", REFUSED, "the work has no title", "Ask for it again."))
        return None
    identifiers = [(scheme, head["number"])] if head["number"] else []
    if head["iswc"]:
        try:
            identifiers.append(("iswc", validate_iswc(head["iswc"])))
        except InputError as error:
            work.say(record, "ISWC", NOTED, f"{error.message}; the work is kept without it", error.remedy)
    titles: list[str] = []
    for line in lines[1:]:
        _read(work, line, titles, identifiers)
    holdings = _holdings(work, record)
    if work.refused:
        work.say(record, "", REFUSED, f"its shares are not taken: {work.refused}", "Ask for the work again.")
        holdings = []
    if train_as:
        holdings += [_with_right(one, "train") for one in holdings if one.right == RIGHTS[train_as]]
    return Registration(
        record,
        head["title"],
        tuple(dict.fromkeys(title for title in titles if title and title != head["title"])),
        tuple(dict.fromkeys(identifiers)),
        tuple(work.parties.values()),
        tuple(dict.fromkeys(work.credits)),
        tuple(holdings),
    )


def _with_right(one: FileHolding, right: str) -> FileHolding:
    return FileHolding(one.party_key, one.share_ppb, right, one.region, one.role, one.record, one.valid_from, one.valid_to)


def _read(work: _Work, line: Line, titles: list[str], identifiers: list[tuple[str, str]]) -> None:
    kind, row, record = line.text[:3], fields_of(line.text), line.number
    if kind in ("SPU", "OPU"):
        _publisher(work, record, row, kind)
    elif kind in ("SWR", "OWR"):
        _writer(work, record, row, kind)
    elif kind in ("SPT", "SWT"):
        _territory(work, record, row, kind)
    elif kind == "PWR":
        known = {one.ip for one in work.owners}
        for name in ("publisher", "writer"):
            if row[name] and row[name] not in known:
                work.say(record, name, NOTED, f"a {name} {row[name]} is linked that the work does not name")
    elif kind == "ALT":
        titles.append(row["title"])
    elif kind == "PER":
        name = " ".join(part for part in (row["first_name"], row["last_name"]) if part)
        key = work.party(record, name, "unknown", row["ipi"]) if name else ""
        if key:
            work.credits.append(FileCredit(key, "Performer", name, record))
    elif kind == "REC" and row["isrc"]:
        try:
            identifiers.append(("isrc", validate_isrc(row["isrc"])))
        except InputError as error:
            work.say(record, "ISRC", NOTED, f"{error.message}; it is left out", error.remedy)


def _publisher(work: _Work, record: int, row: Mapping[str, str], kind: str) -> None:
    role = PUBLISHER_ROLES.get(row["type"] or ("E" if kind == "OPU" else ""), "")
    if not role:
        work.say(record, "Publisher Type", NOTED, f"'{row['type']}' is no type of publishers; kept as a publisher")
        role = "OriginalPublisher"
    key = _named(work, record, row["name"], row, "body", role)
    work.owner(record, key, row, role, f"publishers {row['sequence'] or record}")


def _writer(work: _Work, record: int, row: Mapping[str, str], kind: str) -> None:
    role = WRITER_ROLES.get(row["type"], "")
    if not role:
        if row["type"] or kind == "SWR":
            work.say(record, "Writer Designation", NOTED, f"'{row['type']}' is no designation of writers; kept as an author")
        role = "Author"
    name = " ".join(part for part in (row["first_name"], row["last_name"]) if part)
    work.owner(record, _named(work, record, name, row, "person", role), row, role, f"writer {record}")


def _named(work: _Work, record: int, name: str, row: Mapping[str, str], kind: str, role: str) -> str:
    if not name or row["unknown"] == "Y":
        work.say(
            record, "name", HELD, "nobody is named; what is theirs waits", "Register the work again when they are known."
        )
        return ""
    key = work.party(record, name, kind, row["ipi"])
    if key:
        work.credits.append(FileCredit(key, role, name, record))
    return key


def _territory(work: _Work, record: int, row: Mapping[str, str], kind: str) -> None:
    own = [one for one in work.owners if one.ip == row["ip"] and one.chain.startswith("publ" if kind == "SPT" else "writ")]
    if not own:
        work.refuse(f"record {record} says where '{row['ip']}' collects, and the work does not name them before it")
        return
    owner = own[-1]
    try:
        place = place_of(row["place"])
    except InputError as error:
        work.refuse(f"record {record}: {error.message}")
        return
    if row["with"] not in ("I", "E"):
        work.refuse(f"record {record} neither includes (I) nor excludes (E) its territory")
        return
    for right in RIGHTS:
        parts = owner.collected.setdefault(right, [])
        if row["with"] == "E":
            owner.collected[right] = [(region.without(place), share) for region, share in parts]
            continue
        share = _share(row[right])
        if share is None:
            work.refuse(f"the {right} share '{row[right]}' of record {record} is no share")
        elif any(region.meets(place) and other != share for region, other in parts):
            work.refuse(f"record {record} gives another {right} share for a territory that has one already")
        else:
            parts.append((place, share))


def _holdings(work: _Work, record: int) -> list[FileHolding]:
    """What everybody is paid, where; by ownership where that is more than the whole, so that it is found out."""
    holdings: list[FileHolding] = []
    collecting = {one.chain for one in work.owners if one.collected}
    for right, ours in RIGHTS.items():
        total = sum(one.owned[right] for one in work.owners)
        if total != WHOLE and total:
            effect, what = (HELD, "all of it waits") if total > WHOLE else (NOTED, "what is missing waits")
            where = f"{right} Ownership Share"
            work.say(record, where, effect, f"{total / 100:.2f} % of the {ours} right are owned; {what}")
        for one in work.owners:
            for region, share in _places(one, right, by_ownership=total > WHOLE or one.chain not in collecting):
                if share and region != NOWHERE:
                    key = one.key if one.key and not work.parties[one.key].doubt else ""
                    holdings.append(FileHolding(key, share * PPB_OF_ONE, ours, region, one.role, one.record))
    return holdings


def _places(one: _Owner, right: str, *, by_ownership: bool) -> list[tuple[Region, int]]:
    """Where how much; places with the same share are one."""
    if by_ownership:
        return [(EVERYWHERE, one.owned[right])]
    together: dict[int, Region] = {}
    for region, share in one.collected.get(right, []):
        together[share] = together.get(share, NOWHERE).joined(region)
    return [(region, share) for share, region in together.items()]


def _share(text: str) -> int | None:
    """Hundredths of a percent; None where it is no share."""
    if not text:
        return 0
    return int(text) if text.isascii() and text.isdecimal() and int(text) <= WHOLE else None


def _ipi(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """A name number as an identifier, or why it cannot be this person's; no number is no doubt."""
    if not text.strip("0"):
        return (), ""
    try:
        return (("ipi", validate_ipi(text.zfill(11)[-11:])),), ""
    except InputError as error:
        return (), error.message

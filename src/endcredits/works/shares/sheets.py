"""Split sheets: what the people of a work agree on, and who of them has said yes.

A sheet names everybody with role, words of the credit and share. It is in force when everybody on it has accepted that
very sheet; until then nobody's money moves. A sheet is never edited: a changed one is a new sheet that begins without any
yes, and from then on the one before it can no longer be accepted. Each acceptance is a row of its own with who, when, by
whose hand, and the digest of what was accepted, so that nobody's yes can be carried to other words. Whoever is paid now and
would be paid nothing stands on the sheet, too, with a share of 0 and the role `GIVES_UP`: nothing is taken without a yes.

    proposed --everybody accepts--> in force
        |---a later sheet for the same right and territory---> superseded
        '---more than 100 %: nobody can accept, a dispute holds the money---> over-claimed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import PartyId, WorkId, plain_id
from endcredits.money import PPB
from endcredits.works.records import WORLD, Split
from endcredits.works.shares.agreeing import NOT_AGREED, Holding, in_force
from endcredits.works.shares.regions import region_of
from endcredits.works.shares.roles import role_code
from endcredits.works.utc import check_day, check_time

IN_FORCE, PROPOSED, SUPERSEDED, OVER_CLAIMED = "in-force", "proposed", "superseded", "over-claimed"
GIVES_UP = "Gives up"
"""The role of somebody who is paid now and would be paid nothing: no credit, and no share, but asked as all are."""
WORDS_LENGTH_MAX = 200
LINES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One person on a sheet.

    Attributes:
        party_id: who.
        role: a role code or free words; see `roles`.
        display_credit: how the credit reads.
        share_ppb: parts per billion of the right, > 0; 0 for whoever gives up what they have (`GIVES_UP`).
    """

    party_id: PartyId
    role: str
    display_credit: str
    share_ppb: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A proposed agreement about one right in one work.

    Attributes:
        work_id: the work.
        right: which right, such as "train".
        territory: where, in words of codes ("WORLD", "DE AT", "WORLD -US").
        valid_from: first day.
        lines: everybody, in the order of the credits.
        number: 1 for the first sheet about this right in this territory, then counting.
        proposed_by: who wrote it, in words.
        proposed_at: UTC time.
        sheet_id: made from all the rest; empty before.
    """

    work_id: WorkId
    right: str
    territory: str
    valid_from: str
    lines: tuple[SheetLine, ...]
    number: int = 1
    proposed_by: str = ""
    proposed_at: str = ""
    sheet_id: str = ""

    @property
    def total_ppb(self) -> int:
        """What all lines come to."""
        return sum(line.share_ppb for line in self.lines)

    @property
    def parties(self) -> tuple[PartyId, ...]:
        """Everybody who has to accept, once each, in order."""
        return tuple(dict.fromkeys(line.party_id for line in self.lines))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody's yes to a sheet.

    Attributes:
        sheet_id: the sheet.
        party_id: whose yes.
        sheet_digest: SHA-256 of the sheet that was accepted.
        accepted_by: by whose hand or on whose word ("Ada Quill, by e-mail of 2026-11-02").
        accepted_at: UTC time.
    """

    sheet_id: str
    party_id: PartyId
    sheet_digest: str
    accepted_by: str
    accepted_at: str


@dataclass(frozen=True, slots=True)
class SheetState:
    """Where a sheet stands.

    Attributes:
        sheet: it.
        state: one of "proposed", "in-force", "superseded", "over-claimed".
        accepted: the yeses, by time.
        missing: who has not accepted yet, in the sheet's order.
        replaced_by: id of the sheet that superseded it.
    """

    sheet: Sheet
    state: str
    accepted: tuple[Acceptance, ...]
    missing: tuple[PartyId, ...]
    replaced_by: str = ""


def sheet_digest(sheet: Sheet) -> str:
    """What somebody who accepts says yes to: everything but the id that is made of it."""
    return digest({**asdict(sheet), "sheet_id": ""})


def checked(sheet: Sheet) -> Sheet:
    """A sheet in its clean form, with its id.

    Raises:
        InputError: nobody on it, too many, a share that is not > 0, less than the whole, a line twice, a right, territory or
            day that cannot be used, nobody who proposes. More than the whole is no error: it is held.
    """
    plain_id(sheet.right, what="right")
    check_day(sheet.valid_from)
    check_time(sheet.proposed_at, field="proposed_at")
    if not 1 <= len(sheet.lines) <= LINES_MAX:
        raise InputError(
            f"the sheet names {len(sheet.lines)} shares", remedy=f"Name 1 to {LINES_MAX}.", field="NAME=PERCENT"
        )
    lines = tuple(_line(line) for line in sheet.lines)
    twice = [(line.party_id, line.role) for line in lines]
    again = next((one for one in twice if twice.count(one) > 1), None)
    if again:
        raise InputError(f"{again[0]} stands twice as {again[1]}", remedy="Add the shares up.", field="NAME=PERCENT")
    clean = Sheet(
        sheet.work_id,
        sheet.right,
        str(region_of(sheet.territory)),
        sheet.valid_from,
        lines,
        sheet.number,
        _words(sheet.proposed_by, "proposed_by"),
        sheet.proposed_at,
    )
    if clean.total_ppb < PPB:
        raise InputError(
            f"the shares of the sheet sum to {clean.total_ppb:,} ppb, not to 1,000,000,000",
            remedy="Share out 100 %; whoever is not known yet cannot accept.",
            field="NAME=PERCENT",
        )
    return Sheet(**{**{name: getattr(clean, name) for name in clean.__dataclass_fields__}, "sheet_id": _id(clean)})


def _id(sheet: Sheet) -> str:
    return f"sheet:{sheet_digest(sheet)[:24]}"


def _line(line: SheetLine) -> SheetLine:
    least = 0 if line.role == GIVES_UP else 1
    if isinstance(line.share_ppb, bool) or not isinstance(line.share_ppb, int) or line.share_ppb < least:
        raise InputError(
            f"the share of {line.party_id} is {line.share_ppb!r}",
            remedy="A share is a whole number of parts per billion greater than 0.",
            field="NAME=PERCENT",
        )
    if line.party_id == NOT_AGREED:
        raise InputError("what is not agreed cannot accept a sheet", remedy="Name a party.", field="NAME=PERCENT")
    return SheetLine(
        line.party_id, role_code(_words(line.role, "role")), _words(line.display_credit, "display_credit"), line.share_ppb
    )


def _words(text: str, field: str) -> str:
    plain = " ".join(text.split())
    if not plain or len(plain) > WORDS_LENGTH_MAX or not plain.isprintable():
        raise InputError(
            f"'{plain[:40]!a}' is not one printable line", remedy=f"Use 1 to {WORDS_LENGTH_MAX} characters.", field=field
        )
    return plain


def place_of(sheet: Sheet) -> tuple[WorkId, str, str]:
    """What a sheet is about; a later sheet about the same takes its place."""
    return (sheet.work_id, sheet.right, sheet.territory)


def states(sheets: Iterable[Sheet], acceptances: Iterable[Acceptance]) -> dict[str, SheetState]:
    """Where every sheet stands, by id, in the order of their numbers."""
    given: dict[str, list[Acceptance]] = {}
    for one in acceptances:
        given.setdefault(one.sheet_id, []).append(one)
    in_order = sorted(sheets, key=lambda sheet: (place_of(sheet), sheet.number))
    found: dict[str, SheetState] = {}
    later: dict[tuple[WorkId, str, str], Sheet] = {}
    for sheet in reversed(in_order):
        own = given.get(sheet.sheet_id, [])
        yes = tuple(
            sorted(
                (one for one in own if one.sheet_digest == sheet_digest(sheet) and one.party_id in sheet.parties),
                key=lambda one: (one.accepted_at, one.party_id),
            )
        )
        missing = tuple(party for party in sheet.parties if party not in {one.party_id for one in yes})
        follower = later.get(place_of(sheet))
        state = PROPOSED
        if not missing:
            state = IN_FORCE  # a later sheet that comes into force has a later first day and sets of its own
        elif follower is not None:
            state = SUPERSEDED
        if sheet.total_ppb > PPB:
            state = OVER_CLAIMED
        found[sheet.sheet_id] = SheetState(sheet, state, yes, missing, follower.sheet_id if follower else "")
        later[place_of(sheet)] = sheet
    return dict(reversed(found.items()))


def proposed_anew(sheet: Sheet, known: Iterable[Sheet]) -> tuple[Sheet, bool]:
    """The sheet as it is to be kept, and whether it is new.

    The same words as the latest sheet about the same are that sheet, if it asks everybody who must be asked; anything else
    is the next one, without any yes.
    """
    clean = checked(sheet)
    before = max((one for one in known if place_of(one) == place_of(clean)), key=lambda one: one.number, default=None)
    if before is None:
        return clean, True
    asks_all = set(clean.parties) <= set(before.parties)
    if asks_all and (before.valid_from, _given(before)) == (clean.valid_from, _given(clean)):
        return before, False
    renumbered = {name: getattr(clean, name) for name in clean.__dataclass_fields__} | {"number": before.number + 1}
    return checked(Sheet(**{**renumbered, "sheet_id": ""})), True


def _given(sheet: Sheet) -> list[SheetLine]:
    return [line for line in sheet.lines if line.share_ppb]


def who_would_get_less(before: Iterable[Split], new: Iterable[Split]) -> tuple[PartyId, ...]:
    """Everybody, sorted, whose part of a right new sets would make smaller anywhere, on any day from their first one on.

    Args:
        before: the sets that a work has, of all rights.
        new: the sets that would be added, of one right.
    """
    own = list(new)
    rights = {one.right for one in own}
    known = [one for one in before if one.right in rights]
    begins = min((one.valid_from for one in own), default="")
    days = sorted({begins, *(one.valid_from for one in (*known, *own) if one.valid_from > begins)})
    places = sorted({WORLD, *(one.territory for one in (*known, *own))})
    found: set[PartyId] = set()
    for right in rights:
        for place in places:
            for day in days:
                paid = in_force([*known, *own], right, place, day)
                had = in_force(known, right, place, day)
                found |= {PartyId(party) for party, ppb in had.items() if paid.get(party, 0) < ppb}
    return tuple(sorted(found - {NOT_AGREED}))


def accepted(state: SheetState, party_id: PartyId, accepted_by: str, at: str) -> Acceptance:
    """Somebody's yes to a sheet as it is to be kept.

    Raises:
        NotFoundError: the sheet does not name them.
        ConflictError: another sheet took its place, or more than the whole is claimed on it.
        InputError: nobody is named by whose hand, or the time is none.
    """
    sheet = state.sheet
    if party_id not in sheet.parties:
        raise NotFoundError(
            f"the sheet {sheet.sheet_id} does not name '{party_id}'",
            remedy=f"It names: {', '.join(sheet.parties[:8])}.",
            field="party",
        )
    if state.state == OVER_CLAIMED:
        raise ConflictError(
            f"{sheet.total_ppb / 10_000_000:g} % are claimed on the sheet {sheet.sheet_id}, so nobody can accept it",
            remedy="Propose one that sums to 100 %.",
            field="sheet",
        )
    if state.state == SUPERSEDED:
        raise ConflictError(
            f"the sheet {sheet.sheet_id} was replaced by {state.replaced_by}",
            remedy="Accept that one, or propose anew.",
            field="sheet",
        )
    return Acceptance(
        sheet.sheet_id,
        party_id,
        sheet_digest(sheet),
        _words(accepted_by, "accepted_by"),
        check_time(at, field="accepted_at"),
    )


def holdings_of(sheet: Sheet) -> Sequence[Holding]:
    """What a sheet gives to whom, for `agreeing.agree`."""
    region = region_of(sheet.territory)
    return [
        Holding(line.party_id, line.share_ppb, sheet.right, region, sheet.valid_from, "", line.role, sheet.sheet_id)
        for line in _given(sheet)
    ]

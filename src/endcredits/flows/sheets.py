"""Split sheets: somebody proposes, everybody on it accepts, and with the last yes the splits are in force.

Whoever is paid now and would get less is on it, also with nothing, and also where the present parts are only the equal ones
of the day of registration: no work is taken from its owners without their yes.

All of an acceptance is one transaction: the yes and, with the last one, the splits and credits that follow from it. So a
crash leaves a sheet that still waits for that yes, never a sheet that everybody accepted and nobody is paid by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.holdings import Settled, last_closed_day, must_begin_after, open_disputes, settle
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.works import TRAIN_RIGHT, WORLD, Party, Split, Work, parties, party_id_of, percent_ppb, set_splits
from endcredits.works.names import clean_name
from endcredits.works.shares import NOT_AGREED, Sheet, SheetLine, SheetState
from endcredits.works.shares.book import add_credits, add_nobody, add_parties, work_of
from endcredits.works.shares.sheet_book import add_acceptance, add_sheet, sheet_states, sheets
from endcredits.works.shares.sheets import (
    GIVES_UP,
    IN_FORCE,
    OVER_CLAIMED,
    accepted,
    holdings_of,
    proposed_anew,
    who_would_get_less,
)

_SHARE = re.compile(r"(?P<name>.+?)=\s*(?P<part>[0-9.]+\s*%)(?::(?P<role>[^:]*)(?::(?P<words>.*))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class NamedShare:
    """Somebody's share as it is written on a sheet.

    Attributes:
        called: a party's id or name; a name that nobody has yet is a new party.
        share_ppb: parts per billion.
        role: a role code or free words.
        display_credit: how the credit reads; the party's name where it is empty.
    """

    called: str
    share_ppb: int
    role: str = "Author"
    display_credit: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What proposing did.

    Attributes:
        state: of the sheet.
        is_new: whether it was not proposed before.
        new_parties: parties that were added for it.
        disputes: ids of disputes that hold the work's money, because more than the whole is claimed.
    """

    state: SheetState
    is_new: bool
    new_parties: tuple[PartyId, ...]
    disputes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accepting did.

    Attributes:
        state: of the sheet now.
        splits: sets of splits that it brought into force; () while others are missing, or where they held before.
    """

    state: SheetState
    splits: tuple[Split, ...]


def propose(
    studio: Studio,
    work_id: WorkId,
    shares: Sequence[NamedShare],
    *,
    valid_from: str,
    by: str,
    right: str = TRAIN_RIGHT,
    territory: str = WORLD,
    at: str = "",
) -> Proposed:
    """Proposes a sheet; the same words as the latest one about this right and territory change nothing.

    Args:
        studio: whose catalogue it is.
        work_id: a registered work.
        shares: everybody, in the order of the credits; 100 % together. More is held as a dispute. Whoever is paid now and
            is not among them is added with a share of 0, and asked as the others are.
        valid_from: first day, after the last closed one.
        by: who proposes, in words.
        right: which right.
        territory: where: "WORLD", "DE AT", "WORLD -US", TIS numbers.
        at: UTC time; now by default.

    Raises:
        InputError: a name, share, role, right, territory or day that cannot be used, or less than 100 %.
        NotFoundError: no such work.
        ConflictError: the day is closed, or the work has other splits from that very day on.
    """
    moment = at or now()

    def work(conn: Connection) -> Proposed:
        found = work_of(conn, work_id)
        lines, new = _lines(conn, shares)
        bare = _with_owners(conn, Sheet(work_id, right, territory, valid_from, lines, 1, by, moment), found)
        sheet, is_new = proposed_anew(bare, [one for one in sheets(conn) if one.work_id == work_id])
        if is_new:
            must_begin_after(last_closed_day(conn), sheet.valid_from, "splits")
            _must_be_free(found, settle(holdings_of(sheet), found.splits))
        added = add_parties(conn, new)
        if is_new:
            add_sheet(conn, sheet)
        state = sheet_states(conn)[sheet.sheet_id]
        held: tuple[str, ...] = ()
        if state.state == OVER_CLAIMED:
            over = settle(holdings_of(sheet), found.splits).agreed.over
            held = open_disputes(conn, work_id, over, sheet.proposed_at, f"split sheet {sheet.sheet_id}")
        return Proposed(state, is_new, added, held)

    return fact_log.write(studio, work)


def _lines(conn: Connection, shares: Sequence[NamedShare]) -> tuple[tuple[SheetLine, ...], list[Party]]:
    known = parties(conn)
    new: dict[PartyId, Party] = {}
    lines = []
    for one in shares:
        try:
            party_id = party_called(conn, one.called)
        except NotFoundError:
            if ":" in one.called and " " not in one.called.strip():
                raise  # it was meant as an id
            party_id = party_id_of(clean_name(one.called))
            if party_id not in known:
                new[party_id] = Party(party_id, clean_name(one.called))
        name = (known.get(party_id) or new[party_id]).name
        lines.append(SheetLine(party_id, one.role, one.display_credit or name, one.share_ppb))
    return tuple(lines), list(new.values())


def _with_owners(conn: Connection, sheet: Sheet, work: Work) -> Sheet:
    """The sheet with a line for everybody who is paid now and whom it gives nothing."""
    clean = proposed_anew(sheet, ())[0]
    names = parties(conn)
    gone = [
        SheetLine(one, GIVES_UP, names[one].name, 0)
        for one in who_would_get_less(work.splits, settle(holdings_of(clean), work.splits).news)
        if one not in sheet.parties
    ]
    return replace(sheet, lines=(*sheet.lines, *gone))


def _must_be_free(work: Work, settled: Settled) -> None:
    """Refuses a sheet that could never come into force: other splits begin on the same day."""
    taken = {(one.right, one.territory, one.valid_from) for one in work.splits}
    for split in settled.news:
        if (split.right, split.territory, split.valid_from) in taken:
            raise ConflictError(
                f"'{work.work_id}' has other splits for the right '{split.right}' in {split.territory} from "
                f"{split.valid_from} already",
                remedy="Splits are never edited: give the sheet a later first day.",
                field="valid_from",
            )


def accept(studio: Studio, sheet_id: str, called: str, *, by: str = "", at: str = "") -> Accepted:
    """Records somebody's yes; with the last one the sheet's splits and credits are in force.

    Args:
        studio: whose catalogue it is.
        sheet_id: see `propose`.
        called: the id or name of somebody on the sheet.
        by: by whose hand or on whose word; their name by default.
        at: UTC time; now by default.

    Raises:
        NotFoundError: no such sheet, or it does not name them.
        ConflictError: it was replaced, more than the whole is claimed on it, or its day is closed by now.
    """
    moment = at or now()

    def work(conn: Connection) -> Accepted:
        states = sheet_states(conn)
        state = states.get(sheet_id)
        if state is None:
            raise NotFoundError(
                f"there is no sheet '{sheet_id}'", remedy="See: endcredits works sheet show WORK_ID", field="sheet"
            )
        party_id = party_called(conn, called)
        if any(one.party_id == party_id for one in state.accepted):
            return Accepted(state, ())
        one = accepted(state, party_id, by or parties(conn)[party_id].name, moment)
        add_acceptance(conn, one)
        done = sheet_states(conn)[sheet_id]
        return Accepted(done, _into_force(conn, done.sheet) if done.state == IN_FORCE else ())

    return fact_log.write(studio, work)


def _into_force(conn: Connection, sheet: Sheet) -> tuple[Split, ...]:
    work = work_of(conn, sheet.work_id)
    settled = settle(holdings_of(sheet), work.splits)
    must_begin_after(last_closed_day(conn), sheet.valid_from, "splits")
    unasked = [one for one in who_would_get_less(work.splits, settled.news) if one not in sheet.parties]
    if unasked:
        raise ConflictError(
            f"'{parties(conn)[unasked[0]].name}' is paid for '{sheet.work_id}' by now, would get less, and is not asked",
            remedy="Propose it anew: whoever would get less is asked, too.",
            field="sheet",
        )
    if any(split.party_id == NOT_AGREED for split in settled.news):
        add_nobody(conn)
    kept = set_splits(conn, sheet.work_id, settled.news) if settled.news else ()
    credited = [(line.party_id, line.role, line.display_credit) for line in sheet.lines if line.share_ppb]
    add_credits(conn, sheet.work_id, credited, f"split sheet {sheet.sheet_id}")
    return kept


def show(studio: Studio, of: str) -> tuple[SheetState, ...]:
    """All sheets of a work, or one sheet by its id, in the order of their numbers.

    Raises:
        NotFoundError: neither a work nor a sheet.
    """
    with studio.store.reading() as conn:
        states = sheet_states(conn)
        if of in states:
            return (states[of],)
        work_of(conn, WorkId(of))
    return tuple(state for state in states.values() if state.sheet.work_id == of)


def names_of(studio: Studio, found: Sequence[SheetState]) -> dict[PartyId, str]:
    """The names of everybody on some sheets."""
    wanted = {party for state in found for party in state.sheet.parties}
    with studio.store.reading() as conn:
        return {party_id: party.name for party_id, party in parties(conn).items() if party_id in wanted}


def parse_share(text: str) -> NamedShare:
    """A share as it is typed: NAME=PERCENT, NAME=PERCENT:ROLE or NAME=PERCENT:ROLE:WORDS OF THE CREDIT.

    >>> parse_share("Tara Lin=12.5%:Translator")
    NamedShare(called='Tara Lin', share_ppb=125000000, role='Translator', display_credit='')

    Raises:
        InputError: not written so.
    """
    match = _SHARE.fullmatch(text.strip())
    percent = percent_ppb(match["part"]) if match else None
    if match is None or percent is None or not match["name"].strip():
        raise InputError(
            f"'{text[:60]}' is not a share", remedy='Write it like "Tara Lin=10%:Translator".', field="NAME=PERCENT"
        )
    role, words = (match["role"] or "").strip(), (match["words"] or "").strip()
    return NamedShare(match["name"].strip(), percent, role or "Author", words)

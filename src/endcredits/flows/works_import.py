"""Works, people and shares from a file of others into the registry: all that can be taken, and a notice for the rest.

Each registration of the file is found among the registered works by its numbers (ISWC, the sender's own), or by its title
together with somebody's name; a work that has files goes before one that has none. What is found gets the file's splits from
a day on that no closed period depends on; what is not found is registered without files, to be found again when these come
and the file is imported once more. The same file again changes nothing. Whatever contradicts the books is a notice and not a
change.

Nothing here is a permission: an imported work is as unknown to training as one that nobody has spoken of.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits.canonical import sha256_bytes
from endcredits.errors import InputError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.holdings import beginning, day_after, first_open_day, last_closed_day, open_disputes, settle
from endcredits.flows.known_works import Known, known_works_of
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.works import Credit, Party, Split, put_content
from endcredits.works.imports import HELD, NOTED, REFUSED, Notice, Reading, Registration, read_cwr, read_ddex_csv
from endcredits.works.imports.records import TITLE_LENGTH_MAX, one_line
from endcredits.works.shares import FIRST_DAY, NOT_AGREED, Holding, OverHeld
from endcredits.works.shares.book import BareWork, add_credits, add_nobody, add_parties, add_sets, add_works
from endcredits.works.shares.known_as import WorkIdentifier, add_import, add_titles, identify, identify_parties
from endcredits.works.texts import read_bytes
from endcredits.works.utc import check_day

FORMS = ("cwr", "ddex-csv")
TRAIN_AS = ("", "PR", "MR", "SR")
PLACES_TOLD = 6
"""Places of a gap that are named; more are counted."""

FreeCredit = tuple[PartyId, str, str]
"""Party, role, words."""


@dataclass(frozen=True, slots=True)
class ImportedWork:
    """What a registration became.

    Attributes:
        record: where it begins in the file.
        work_id: the work.
        title: as the file has it.
        is_new: whether it was registered now, without files.
        sets: how many sets of splits are new.
        credits: how many credits are new.
        disputes: ids of disputes that hold its money, because more than the whole is claimed.
    """

    record: int
    work_id: WorkId
    title: str
    is_new: bool
    sets: int
    credits: int
    disputes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything about it is new."""
        return self.is_new or bool(self.sets or self.credits)


@dataclass(frozen=True, slots=True)
class Imported:
    """What importing a file did, or would do.

    Attributes:
        reading: the file as it was read.
        works: what its registrations became.
        notices: what a person should know, by record.
        new_parties: how many parties were added.
        dry_run: whether nothing was kept.
    """

    reading: Reading
    works: tuple[ImportedWork, ...]
    notices: tuple[Notice, ...]
    new_parties: int
    dry_run: bool


class _Undo(Exception):
    """Takes back what a dry run wrote."""

    def __init__(self, done: Imported) -> None:
        super().__init__("dry run")
        self.done = done


def import_works(
    studio: Studio,
    path: str | os.PathLike[str],
    form: str,
    *,
    train_as: str = "",
    since: str = "",
    dry_run: bool = False,
    at: str = "",
) -> Imported:
    """Imports a file.

    Args:
        studio: whose catalogue it is.
        path: the file.
        form: "cwr" or "ddex-csv".
        train_as: for CWR: "PR", "MR" or "SR": the right whose shares also divide what training earns; "" for none.
        since: first day of new splits of works that are registered already, where the file says none; today by default,
            or the day after the last closed one.
        dry_run: say what would be done, and do nothing.
        at: UTC time; now by default.

    Raises:
        InputError: the file cannot be read as that form.
        MachineError: the disk is full; the same again continues.
    """
    if form not in FORMS:
        raise InputError(f"'{form}' is not a form of files", remedy=f"Use one of: {', '.join(FORMS)}.", field="--form")
    if train_as not in TRAIN_AS or (train_as and form != "cwr"):
        raise InputError(
            f"'{train_as}' cannot divide what training earns", remedy="Use PR, MR or SR, with CWR.", field="--train-as"
        )
    file, moment = Path(path), at or now()
    if since:
        check_day(since, field="--since")
    reading = read_cwr(file, train_as=train_as) if form == "cwr" else read_ddex_csv(file)
    data = read_bytes(file)
    if not dry_run:
        put_content(studio.content, data)  # what was imported can be looked up, whatever became of it

    def work(conn: Connection) -> Imported:
        done = _Importing(conn, reading, since, moment, f"{form} {file.name} of {reading.sender}"[:300]).run(dry_run)
        if dry_run:
            raise _Undo(done)
        facts = {"sha256": sha256_bytes(data), "label": file.name, "size_bytes": len(data)}
        add_import(conn, form=form, records=reading.records, at=moment, **facts)  # type: ignore[arg-type]
        return done

    try:
        return studio.store.write(work) if dry_run else fact_log.write(studio, work)
    except _Undo as undo:
        return undo.done


class _Importing:
    """One file on its way into the books: everything is planned first, and then written table by table."""

    def __init__(self, conn: Connection, reading: Reading, since: str, at: str, source: str) -> None:
        self.conn, self.reading, self.at, self.source = conn, reading, at, source
        self.known: Known = known_works_of(conn)
        self.closed = last_closed_day(conn)
        self.since = max(since, day_after(self.closed) if self.closed else "") or first_open_day(conn, at[:10])
        self.notices: list[Notice] = list(reading.notices)
        self.parties: list[Party] = []
        self.numbers: list[tuple[str, str, PartyId]] = []
        self.bare: list[BareWork] = []
        self.identifiers: list[WorkIdentifier] = []
        self.titles: list[tuple[WorkId, str]] = []
        self.sets: dict[WorkId, list[Split]] = {}

    def run(self, dry_run: bool) -> Imported:
        planned = [one for each in self.reading.registrations if (one := self._plan(each)) is not None]
        add_parties(self.conn, self.parties)
        identify_parties(self.conn, self.numbers, self.source)
        add_works(self.conn, self.bare, self.at)
        identify(self.conn, self.identifiers)
        add_titles(self.conn, self.titles, self.source)
        if any(split.party_id == NOT_AGREED for own in self.sets.values() for split in own):
            add_nobody(self.conn)
        add_sets(self.conn, self.sets)
        works = tuple(self._done(*one) for one in planned)
        notices = tuple(sorted(self.notices, key=lambda one: (one.record, one.field)))
        return Imported(self.reading, works, notices, len(self.parties), dry_run)

    def _done(self, done: ImportedWork, credits: Sequence[FreeCredit], over: Sequence[OverHeld]) -> ImportedWork:
        """Writes what is written work by work."""
        added = len(credits) if done.is_new else add_credits(self.conn, done.work_id, credits, self.source)
        disputes = open_disputes(self.conn, done.work_id, over, self.at, self.source) if over else ()
        return replace(done, credits=added, disputes=disputes)

    def say(self, one: Registration, field: str, effect: str, problem: str, remedy: str = "") -> None:
        self.notices.append(Notice(one.record, field, effect, problem, remedy, one.title))

    def _plan(self, one: Registration) -> tuple[ImportedWork, list[FreeCredit], tuple[OverHeld, ...]] | None:
        try:
            for title in (one.title, *one.other_titles):
                one_line(title, TITLE_LENGTH_MAX, "title")
        except InputError as error:
            self.say(one, "title", REFUSED, f"not taken: {error.message}", error.remedy)
            return None
        work, problem = self.known.find(one)
        if problem:
            remedy = "Register its files first, or leave work_id out." if one.work_id else "Say which one by its ISWC."
            self.say(one, "", REFUSED, f"not taken: {problem}", remedy)
            return None
        people = self.known.people(one, work)
        for doubt in people.doubts:
            self.say(one, "identifiers", NOTED, doubt)
        self.parties += people.new
        self.numbers += people.numbers
        credits = [
            (people.ids[each.party_key], each.role, each.display_credit or people.names[each.party_key])
            for each in one.credits
        ]
        is_new = work is None
        if work is None:
            work = self.known.add(one)
            rows = [Credit(party, role, words, number) for number, (party, role, words) in enumerate(credits, start=1)]
            self.bare.append(BareWork(work.work_id, work.title, tuple(rows)))
        self.identifiers += [WorkIdentifier(*pair, work.work_id, self.source) for pair in one.identifiers]
        self.titles += [(work.work_id, title) for title in (one.title, *one.other_titles) if title != work.title]
        self.known.learn(one, work)
        holdings = [
            Holding(
                people.ids[each.party_key] if each.party_key else NOT_AGREED,
                each.share_ppb,
                each.right,
                each.region,
                each.valid_from,
                each.valid_to,
                # A publisher stands once for each of its writers in CWR, and all of that is the publisher's.
                f"{each.role} {each.record}" if self.reading.form == "cwr" else each.role,
                f"record {each.record}",
            )
            for each in one.holdings
        ]
        sets, over = self._splits(one, work.work_id, holdings, is_new)
        return ImportedWork(one.record, work.work_id, one.title, is_new, sets, 0), credits, over

    def _splits(
        self, one: Registration, work_id: WorkId, holdings: Sequence[Holding], is_new: bool
    ) -> tuple[int, tuple[OverHeld, ...]]:
        """Plans the sets of a work; (how many are new, what is claimed more than once over)."""
        before = self.known.works[work_id].splits
        dated = list(holdings) if is_new or one.said else beginning(holdings, self.since)
        settled = settle(dated, before)
        for pair in settled.agreed.overlaps:
            first = pair.first
            problem = (
                f"the {first.right} share of '{self.known.name(first.party_id)}' as {first.role} stands in {first.source} "
            )
            problem += f"and again in {pair.second.source}; the right is not taken"
            self.say(one, "share", REFUSED, problem, "Let it stand once.")
        for over in settled.agreed.over:
            problem = f"{over.total_ppb / (PPB / 100):g} % of the right {over.right} are claimed in {over.place}"
            self.say(one, "share", HELD, f"{problem}; a dispute holds the work's money", "End it when it is settled.")
        refused = self._refused(one, settled.news, before, is_new)
        fresh = [split for split in settled.news if split.right not in refused]
        self._say_what_waits(one, fresh)
        if fresh:
            self.sets.setdefault(work_id, []).extend(fresh)
            self.known.works[work_id] = replace(self.known.works[work_id], splits=(*before, *fresh))
        return len({(split.right, split.territory, split.valid_from) for split in fresh}), settled.agreed.over

    def _refused(self, one: Registration, splits: Sequence[Split], before: Sequence[Split], is_new: bool) -> set[str]:
        """The rights whose sets cannot be taken: one of them would change what is closed or stands already."""
        taken = {(split.right, split.territory, split.valid_from) for split in before}
        refused: set[str] = set()
        for split in splits:
            other = (split.right, split.territory, split.valid_from) in taken
            closed = bool(self.closed) and not is_new and split.valid_from <= self.closed
            if split.right in refused or not (other or closed):
                continue
            refused.add(split.right)
            why = "has other splits from that day on" if other else f"is closed up to {self.closed}"
            problem = f"the right {split.right} in {split.territory} {why} ({split.valid_from}); the file's are not taken"
            self.say(one, "valid_from", REFUSED, problem, "Give them a later first day.")
        return refused

    def _say_what_waits(self, one: Registration, fresh: Sequence[Split]) -> None:
        waiting: dict[tuple[str, int], list[str]] = {}
        for split in fresh:
            if split.party_id == NOT_AGREED:
                since = "" if split.valid_from == FIRST_DAY else f" from {split.valid_from} on"
                waiting.setdefault((split.right, split.split_ppb), []).append(f"{split.territory}{since}")
        for (right, ppb), places in waiting.items():
            more = f" and {len(places) - PLACES_TOLD} more" if len(places) > PLACES_TOLD else ""
            where = ", ".join(places[:PLACES_TOLD]) + more
            problem = f"{ppb / (PPB / 100):g} % of the right {right} are nobody's in {where}, and wait"
            self.say(one, "share", HELD, problem)

"""Which registered work, and which party, a file means: by numbers first, by names only where something else stands by them.

A name alone is nobody's proof. A work is found by title where somebody of it is named, too; a party without a number is
taken for one of the same name only on a work that credits them already. Everybody else with a new number is a new party.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from endcredits.ids import PartyId, WorkId, slug
from endcredits.works import Party, Work, parties, party_id_of, works
from endcredits.works.imports import FileParty, Registration
from endcredits.works.names import clean_name, party_key
from endcredits.works.shares.known_as import identifiers, other_titles, parties_by_number

TELLS_WORKS = ("iswc", "isbn", "eidr")
"""Numbers that one work has alone; a recording's (ISRC) may stand for several."""
SHARED_TITLE_MAX = 20
"""A title that more works of one person have tells nothing."""


def title_key(title: str) -> str:
    """What decides whether two titles are the same: letters with their marks, digits and symbols, without case.

    A vowel sign is a mark and no letter, and a title may be a heart: what is dropped is punctuation, spaces and controls. ""
    where nothing else is there: such a title tells no work.

    >>> title_key("Salt Road!"), title_key("दिन") == title_key("दीन"), title_key("?!")
    ('saltroad', False, '')
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", title).casefold())
    return "".join(one for one in folded if unicodedata.category(one)[0] in "LMNS")


@dataclass(frozen=True, slots=True)
class People:
    """The parties of a registration.

    Attributes:
        ids: by the file's key.
        names: as they are registered, by the file's key.
        new: parties that are not registered yet.
        numbers: (scheme, value, party): numbers that registered parties did not have yet.
        doubts: what a person should look at.
    """

    ids: dict[str, PartyId]
    names: dict[str, str]
    new: tuple[Party, ...]
    numbers: tuple[tuple[str, str, PartyId], ...]
    doubts: tuple[str, ...]


@dataclass(slots=True)
class Known:
    """What is registered, by everything that files call it by; learns of what is added while a file is read.

    Attributes:
        works: by id.
        parties: by id.
        by_number: parties by (scheme, value).
        of_number: works by (scheme, value).
        numbers: (scheme, value) of each work.
        by_title: works by the keys of a title and of the name of somebody who is credited.
    """

    works: dict[WorkId, Work]
    parties: dict[PartyId, Party]
    by_number: dict[tuple[str, str], PartyId]
    of_number: dict[tuple[str, str], set[WorkId]]
    numbers: dict[WorkId, set[tuple[str, str]]]
    by_title: dict[tuple[str, str], set[WorkId]]

    def name(self, party_id: str) -> str:
        """A party's name, or the id where nobody has it."""
        return self.parties[PartyId(party_id)].name if party_id in self.parties else party_id

    def find(self, one: Registration) -> tuple[Work | None, str]:
        """The work that a registration means (None for none), and why it cannot be told ("" where it can)."""
        if one.work_id:
            known = self.works.get(WorkId(one.work_id))
            return known, "" if known else f"there is no work '{one.work_id}'"
        numbers = [pair for pair in one.identifiers if _tells(pair[0])]
        by_number = {work for pair in numbers for work in self.of_number.get(pair, ())}
        alike = (self.by_title.get(pair, set()) for pair in _by_title(one))
        by_title = {work for works in alike if len(works) <= SHARED_TITLE_MAX for work in works}
        # The same people may write two songs of one name: another number of the same kind is another work.
        by_title = {work for work in by_title if not self._other_number(one, work)}
        for found in (by_number, by_title):
            with_files = {work for work in found if self.works[work].manifestations}
            if len(with_files) > 1 or (found is by_number and not with_files and len(found) > 1):
                return None, f"it may be any of {', '.join(sorted(with_files or found)[:4])}"
            if with_files:
                return self._checked(one, with_files.pop())
        if by_number:
            return self._checked(one, by_number.pop())
        if len(by_title) > 1:
            return None, f"it may be any of {', '.join(sorted(by_title)[:4])}"
        if by_title:
            return self._checked(one, by_title.pop())
        return self.works.get(new_work_id(one)), ""

    def _checked(self, one: Registration, work_id: WorkId) -> tuple[Work | None, str]:
        return self.works[work_id], self._other_number(one, work_id)

    def _other_number(self, one: Registration, work_id: WorkId) -> str:
        """How a work's own numbers contradict those of a registration; "" where they do not."""
        for scheme in dict.fromkeys(scheme for scheme, _ in one.identifiers if _tells(scheme)):
            own = {value for name, value in self.numbers.get(work_id, ()) if name == scheme}
            said = {value for name, value in one.identifiers if name == scheme}
            if own and not own & said:
                return f"'{work_id}' has the {scheme} {min(own)}, and the file says {min(said)}"
        return ""

    def add(self, one: Registration) -> Work:
        """A new work of a registration, without files."""
        work = Work(new_work_id(one), " ".join(one.title.split())[:400], (), (), ())
        self.works[work.work_id] = work
        return work

    def learn(self, one: Registration, work: Work) -> None:
        """Remembers by what a registration calls a work."""
        for pair in one.identifiers:
            self.of_number.setdefault(pair, set()).add(work.work_id)
            self.numbers.setdefault(work.work_id, set()).add(pair)
        for name in _by_title(one):
            self.by_title.setdefault(name, set()).add(work.work_id)

    def people(self, one: Registration, work: Work | None) -> People:
        """Who the people of a registration are."""
        ids: dict[str, PartyId] = {}
        names: dict[str, str] = {}
        new: dict[PartyId, Party] = {}
        numbers: list[tuple[str, str, PartyId]] = []
        doubts: list[str] = []
        credited = {party_key(self.name(credit.party_id)): credit.party_id for credit in work.credits} if work else {}
        for party in one.parties:
            found, doubt = self._registered(party, credited)
            if doubt:
                doubts.append(doubt)
            if found is None:
                made = Party(party_id_of(clean_name(party.name), party.identifiers), clean_name(party.name), party.kind)
                made = replace(made, identifiers=party.identifiers)
                found = made.party_id
                if found not in self.parties:
                    new[found] = self.parties[found] = made
                    self.by_number |= dict.fromkeys(party.identifiers, found)
            for pair in party.identifiers:
                if self.by_number.setdefault(pair, found) == found and pair not in self.parties[found].identifiers:
                    numbers.append((*pair, found))
            ids[party.key], names[party.key] = found, self.parties[found].name
        return People(ids, names, tuple(new.values()), tuple(numbers), tuple(doubts))

    def _registered(self, party: FileParty, credited: dict[str, PartyId]) -> tuple[PartyId | None, str]:
        """The registered party that somebody of a file is, and what is strange about it."""
        found = {self.by_number[pair] for pair in party.identifiers if pair in self.by_number}
        if len(found) > 1:
            first = min(found)
            return first, f"the numbers of '{party.name}' are those of {', '.join(sorted(found))}; taken for {first}"
        if found:
            known = found.pop()
            same = party_key(self.name(known)) == party_key(party.name)
            return known, "" if same else f"'{party.name}' is registered as '{self.name(known)}' under this number"
        known_here = credited.get(party_key(party.name))
        if known_here is None:
            return None, ""
        own = dict(self.parties[known_here].identifiers)
        if any(own.get(scheme, value) != value for scheme, value in party.identifiers):
            return None, f"'{party.name}' has another number than the one of that name on the work; kept as somebody else"
        return known_here, ""


def _tells(scheme: str) -> bool:
    """Whether a number of this kind is one work's alone: a standard one, or a sender's own."""
    return scheme in TELLS_WORKS or scheme.startswith("submitter:")


def _by_title(one: Registration) -> list[tuple[str, str]]:
    """Every title of a registration with everybody's name, as `Known.by_title` has them."""
    names = {party_key(party.name) for party in one.parties}
    keys = dict.fromkeys(title_key(title) for title in (one.title, *one.other_titles))
    return [(key, name) for key in keys if key for name in names]


def new_work_id(one: Registration) -> WorkId:
    """The id of a work that only a file knows, made of a number of it, or of its title and names."""
    numbers = sorted(pair for pair in one.identifiers if _tells(pair[0]))
    names = sorted(party_key(each.name) for each in one.parties)
    title = title_key(one.title) or unicodedata.normalize("NFKC", one.title)
    told = [":".join(pair) for pair in numbers[:1]] or [title, *names]
    return WorkId(f"work:{slug(one.title)}-{hashlib.sha256(chr(10).join(told).encode()).hexdigest()[:12]}")


def known_works_of(conn: Connection) -> Known:
    """Reads the registry as files call it."""
    found = Known({work.work_id: work for work in works(conn)}, parties(conn), parties_by_number(conn), {}, {}, {})
    others = other_titles(conn)
    for work in found.works.values():
        people = {party_key(found.name(credit.party_id)) for credit in work.credits}
        for title in (work.title, *others.get(work.work_id, ())):
            for name in people if title_key(title) else ():
                found.by_title.setdefault((title_key(title), name), set()).add(work.work_id)
    for one in identifiers(conn):
        found.of_number.setdefault((one.scheme, one.value), set()).add(one.work_id)
        found.numbers.setdefault(one.work_id, set()).add((one.scheme, one.value))
    return found

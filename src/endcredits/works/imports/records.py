"""What an importer found in a file: works as others registered them, and what is wrong with which record.

Readers touch no database. A *registration* is one work with its people, numbers and holdings, as the file has them; a
*notice* is one thing to be said about one record. Every record of a file becomes part of a registration or of a notice.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.works.shares.agreeing import FIRST_DAY
from endcredits.works.shares.regions import EVERYWHERE, Region

REFUSED, HELD, NOTED = "refused", "held", "noted"
"""What follows from a notice: the record is not taken; taken but a share of it waits; taken as it is."""


TITLE_LENGTH_MAX, ROLE_LENGTH_MAX = 400, 100
"""Characters that the tables keep."""
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str, length_max: int, field: str) -> None:
    """Refuses words that are not one line as a page shows it.

    Raises:
        InputError: a control character, a line end, a character that turns the line around, or too many characters.
    """
    bad = next((one for one in text if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or one in _TURNS), "")
    if bad:
        raise InputError(
            f"the {field} {text[:40]!a} holds the character U+{ord(bad):04X}", remedy="Retype it in one line.", field=field
        )
    if len(text) > length_max:
        raise InputError(
            f"the {field} '{text[:40]}...' has {len(text):,} characters", remedy=f"Use at most {length_max}.", field=field
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a record that a person should know.

    Attributes:
        record: its line or row in the file, from 1.
        field: the field of the record ("ISWC"), "" for the record as a whole.
        effect: one of "refused", "held", "noted".
        problem: in a sentence, without its end.
        remedy: what can be done, "" for nothing.
        title: of the work that it is about, "" for none.
    """

    record: int
    field: str
    effect: str
    problem: str
    remedy: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class FileParty:
    """Somebody whom a file names.

    Attributes:
        key: what tells them from the others in the file.
        name: as the file spells it.
        kind: "person", "body" or "unknown".
        identifiers: (scheme, value) pairs whose check digits are right, sorted.
        doubt: why nobody can tell who this is, "" where it can be told. Money is not paid on a doubt: the share waits.
    """

    key: str
    name: str
    kind: str = "unknown"
    identifiers: tuple[tuple[str, str], ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class FileCredit:
    """Who did what on a work.

    Attributes:
        party_key: see `FileParty`.
        role: a role code.
        display_credit: words for the screen; the party's name where empty.
        record: where it stands.
    """

    party_key: str
    role: str
    display_credit: str = ""
    record: int = 0


@dataclass(frozen=True, slots=True)
class FileHolding:
    """Somebody's share of a right, as a file has it.

    Attributes:
        party_key: see `FileParty`; "" for a share whose owner the file does not name.
        share_ppb: parts per billion, > 0.
        right: our name of the right.
        region: where.
        role: a role code.
        record: where it stands.
        valid_from: first day; `FIRST_DAY` where the file does not say.
        valid_to: last day, "" for no end.
    """

    party_key: str
    share_ppb: int
    right: str
    region: Region = EVERYWHERE
    role: str = ""
    record: int = 0
    valid_from: str = FIRST_DAY
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """One work as a file registers it.

    Attributes:
        record: where it begins.
        title: the main title.
        other_titles: others.
        identifiers: (scheme, value) pairs whose check digits are right; the sender's own is "submitter:<sender>".
        parties: everybody, once each.
        credits: in display order.
        holdings: of all rights.
        work_id: our own id of the work where the file gives it, "" otherwise.
        said: whether the file says from which day the holdings hold.
    """

    record: int
    title: str
    other_titles: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...]
    parties: tuple[FileParty, ...]
    credits: tuple[FileCredit, ...]
    holdings: tuple[FileHolding, ...]
    work_id: str = ""
    said: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read.

    Attributes:
        form: "cwr" or "ddex-csv".
        sender: who sent it, in words.
        records: how many lines or rows it has.
        registrations: what can be taken, in the order of the file.
        notices: by record.
    """

    form: str
    sender: str
    records: int
    registrations: tuple[Registration, ...]
    notices: tuple[Notice, ...]

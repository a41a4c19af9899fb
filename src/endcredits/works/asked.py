"""What a question is about, under all the names by which a statement may speak of it.

A work has an id, and each of its files has a digest, perhaps a content code and addresses; people made it. A statement
about the work speaks of the whole. So does one about its only file. What is said about one of several files, or about the
people who made it, speaks of a part: its no is a no to the whole, its yes is a yes to nothing but itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from endcredits.ids import PartyId, WorkId
from endcredits.works.records import SUBJECTS, Permission, Work
from endcredits.works.url_patterns import fits

Name = tuple[str, str]
"""(kind of subject, subject); see `records.SUBJECTS`."""

Marks = Mapping[str, tuple[Name, ...]]
"""Other names of files, by SHA-256; see `records.FileMark`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is about.

    Attributes:
        subject: its id.
        whole: names that mean all of it, itself among them.
        parts: names of its parts and of the people who made it.
    """

    subject: str
    whole: tuple[Name, ...]
    parts: tuple[Name, ...] = ()


def asked_about(work: Work, marks: Marks | None = None) -> Asked:
    """A question about a work, its files and its people."""
    shas = [file.sha256 for file in work.manifestations]
    return asked_of(work.work_id, shas, (credit.party_id for credit in work.credits), marks or {})


def asked_of(work_id: WorkId, shas: Sequence[str], makers: Iterable[str], marks: Marks) -> Asked:
    """A question about a work with these files, made by these parties."""
    own: Name = ("work", work_id)
    files = [name for sha256 in shas for name in (("sha256", sha256), *marks.get(sha256, ())) if name[0] in SUBJECTS]
    people = [("person", party_id) for party_id in makers]
    if len(shas) == 1:
        return Asked(work_id, (own, *dict.fromkeys(files)), tuple(dict.fromkeys(people)))
    return Asked(work_id, (own,), tuple(dict.fromkeys([*files, *people])))


def asked_of_work(work_id: WorkId) -> Asked:
    """A question about a work of which nothing but its id is known."""
    return Asked(work_id, (("work", work_id),))


def asked_of_person(party_id: PartyId) -> Asked:
    """A question about a person, such as whether their style or likeness may be used."""
    return Asked(party_id, (("person", party_id),))


def speaks_of_whole(permission: Permission, asked: Asked) -> bool:
    """Whether a statement is about all of what is asked about."""
    return _named(permission, asked.whole)


def speaks_of(permission: Permission, asked: Asked) -> bool:
    """Whether a statement is about what is asked about, or a part of it."""
    return _named(permission, asked.whole) or _named(permission, asked.parts)


def _named(permission: Permission, names: tuple[Name, ...]) -> bool:
    if permission.subject_kind != "url":
        return (permission.subject_kind, permission.subject) in names
    return any(kind == "url" and fits(permission.subject, url) for kind, url in names)

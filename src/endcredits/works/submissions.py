"""From a submission to the records that it becomes: a pure step, so that all is checked before anything is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from endcredits.canonical import digest, sha256_bytes
from endcredits.errors import EndcreditsError, InputError
from endcredits.ids import PartyId, WorkId, plain_id, slug
from endcredits.works.names import clean_identifiers, clean_name, party_id_of, party_key
from endcredits.works.records import (
    Contributor,
    Credit,
    Manifestation,
    Party,
    Permission,
    Split,
    Submission,
    Work,
)
from endcredits.works.splits import check_sum, equal_splits
from endcredits.works.stated import with_id


@dataclass(frozen=True, slots=True)
class Entry:
    """What one submission adds to the registry.

    Attributes:
        work: with its files, credits and first splits.
        parties: everybody it names, once each.
        permission: its one statement, about training.
        content_sha256: digest of the files' digests in order.
    """

    work: Work
    parties: tuple[Party, ...]
    permission: Permission
    content_sha256: str


def content_digest(shas: list[str]) -> str:
    """What decides whether two works are the same: their files' digests, in order."""
    return digest(shas)


def entry_of(submission: Submission, at: str) -> Entry:
    """Makes the records of a submission.

    Args:
        submission: as a reader found it.
        at: UTC time from which its permission holds.

    Raises:
        InputError: no title, no content, a name that is an e-mail address, somebody named twice in one role, splits
            that do not sum, an unknown permission. The message names the submission's place in its source.
    """
    try:
        return _entry(submission, at)
    except EndcreditsError as error:
        if error.file is None and submission.origin:
            error = type(error)(error.message, remedy=error.remedy, file=submission.origin, row=error.row, field=error.field)
        raise error from None


def _entry(submission: Submission, at: str) -> Entry:
    title = " ".join(submission.title.split())
    if not title:
        raise InputError("the work has no title", remedy="Give it one.", field="title")
    if not submission.content or not all(data for _, _, data in submission.content):
        raise InputError(f"the work '{title}' has no content", remedy="Give its text or file.", field="content")
    files = tuple(
        Manifestation(sha256_bytes(data), media_type, len(data), label) for label, media_type, data in submission.content
    )
    content_sha256 = content_digest([file.sha256 for file in files])
    if submission.work_id:
        work_id = WorkId(plain_id(submission.work_id, what="work_id"))
    else:
        work_id = WorkId(f"work:{slug(title)}-{content_sha256[:12]}")
    people = [(_party(one), one) for one in submission.contributors]
    credits = _credits(people)
    work = Work(work_id, title, files, credits, _splits(people, title))
    parties: dict[PartyId, Party] = {}
    for party, _ in people:
        parties[party.party_id] = merge_parties(parties.get(party.party_id), party)
    permission = with_id(
        Permission(
            work_id,
            "train",
            submission.permission,
            submission.permission_reason,
            submission.permission_source,
            submission.declared_by,
            effective_from=at,
        )
    )
    return Entry(work, tuple(parties.values()), permission, content_sha256)


def _party(contributor: Contributor) -> Party:
    name = clean_name(contributor.name)
    identifiers = clean_identifiers(contributor.identifiers)
    if contributor.kind not in ("person", "body", "unknown"):
        raise InputError(f"'{contributor.kind}' is not a kind of party", remedy="Use person, body or unknown.")
    return Party(party_id_of(name, identifiers), name, contributor.kind, identifiers)


def merge_parties(known: Party | None, new: Party) -> Party:
    """One party named twice: the first spelling stays, and a kind that is known goes before one that is not.

    Raises:
        InputError: two different names share one id (a collision of the digest).
    """
    if known is None:
        return new
    if party_key(known.name) != party_key(new.name) or known.identifiers != new.identifiers:
        raise InputError(
            f"'{known.name}' and '{new.name}' would have the same id {known.party_id}",
            remedy="Give one of them an identifier such as an ISNI.",
            field="creator",
        )
    return replace(known, kind=new.kind) if known.kind == "unknown" else known


def _credits(people: list[tuple[Party, Contributor]]) -> tuple[Credit, ...]:
    credits: list[Credit] = []
    for position, (party, contributor) in enumerate(people, start=1):
        role = contributor.role.strip()
        if not role:
            raise InputError(f"'{party.name}' has no role", remedy="Write 'author' or leave it away.", field="role")
        if any(one.party_id == party.party_id and one.role == role for one in credits):
            raise InputError(f"'{party.name}' is named twice as {role}", remedy="Name everybody once.", field="creator")
        credits.append(Credit(party.party_id, role, party.name, position))
    return tuple(credits)


def _splits(people: list[tuple[Party, Contributor]], title: str) -> tuple[Split, ...]:
    """Agreed portions, added up for a party with two roles; equal portions per party when none are given."""
    given = [contributor.split_ppb for _, contributor in people]
    portions: dict[str, int] = {}
    if all(one is None for one in given):
        portions = equal_splits(party.party_id for party, _ in people)
    else:
        for party, contributor in people:
            part = contributor.split_ppb
            if part is None or isinstance(part, bool) or part <= 0:
                raise InputError(
                    f"the split of '{party.name}' in '{title}' is {'missing' if part is None else part}",
                    remedy="Give everybody a split greater than 0, or nobody for equal ones.",
                    field="split",
                )
            portions[party.party_id] = portions.get(party.party_id, 0) + part
        check_sum(sum(portions.values()), f"'{title}'")
    return tuple(Split(PartyId(party_id), part) for party_id, part in sorted(portions.items()))

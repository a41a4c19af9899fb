"""Saying what may be done, taking it back, asking, and having it explained.

Everything that is said is one more dated statement in the registry and one more entry in the log. Nothing is ever deleted: a
yes that is taken back stays readable with the day on which it ended, and the answer about the days before it stays a yes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv
from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.errors import ConflictError, InputError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, WorkId
from endcredits.works import (
    NO_USE,
    Asked,
    Decision,
    Permission,
    Use,
    asked_in,
    asked_of_person,
    called,
    decide,
    holds_split,
    known_works,
    permissions_about,
    state_permissions,
    statement,
)
from endcredits.works.decide_all import decide_all
from endcredits.works.decide_work import decide_work
from endcredits.works.explaining import Explained
from endcredits.works.explaining import explain as explained
from endcredits.works.marks import works_named
from endcredits.works.present import decide_now
from endcredits.works.url_patterns import normal

KINDS = (("sha256", r"[0-9a-f]{64}"), ("iscc", r"ISCC:[A-Z2-7]+"), ("url", r"https?://.*"), ("person", r"party:.*"))
"""How a subject is written that is not a work."""


def kind_of(subject: str) -> str:
    """What a subject is, told by how it is written; one of `works.SUBJECTS`.

    >>> kind_of("party:ada-1f2e3d4c"), kind_of("https://a.example/*"), kind_of("work:emma-1f2e")
    ('person', 'url', 'work')
    """
    return next((kind for kind, pattern in KINDS if re.fullmatch(pattern, subject)), "work")


def subject_of(studio: Studio, called: str) -> str:
    """A subject as people type it: a person's name stands for their id where no work has it as its id.

    Raises:
        InputError: several parties have the name.
    """
    if kind_of(called) != "work":
        return called
    with studio.store.reading() as conn:
        if known_works(conn, [WorkId(called)]):
            return called
        return _party_of(conn, called) or called


def say(studio: Studio, statements: Sequence[Permission]) -> tuple[Permission, ...]:
    """Records statements, all of them or none; the same again changes nothing.

    What they leave open is filled in: the party that `declared_by` names, the authority of whoever has a part in the work,
    and when it was told.

    Args:
        statements: `effective_from` may be empty for now.

    Raises:
        InputError, NotFoundError, ConflictError: see `works.state_permission`.
    """
    moment = now()
    return fact_log.write(
        studio, lambda conn: state_permissions(conn, [_completed(conn, one, moment) for one in statements])
    )


def revoke(studio: Studio, permission_id: str, *, by: str, reason: str, since: str = "") -> Permission:
    """Takes a statement back, from now or a later time on; retrieval, style and likeness stop with it.

    Models that were trained before stay flagged and keep paying.

    Args:
        studio: whose.
        permission_id: the statement.
        by: who takes it back; whoever made it, or the rights holder where a host or nobody known did.
        reason: why, in words.
        since: UTC time, not in the past; empty for now.

    Raises:
        NotFoundError: no such statement.
        InputError: a time in the past, or no reason.
        ConflictError: it is another's, or it was taken back before.
    """
    moment = now()
    if since and since < moment:
        raise InputError(
            f"it cannot be taken back from {since}, which is past", remedy="Leave the time away for now.", field="--from"
        )

    def write(conn: Connection) -> Permission:
        closed = statement(conn, permission_id)
        asked = _asked_of(conn, closed.subject_kind, closed.subject)
        for other in permissions_about(conn, asked):
            if permission_id in (other.revokes, other.supersedes) and other.effective_from <= (since or moment):
                raise ConflictError(
                    f"{permission_id} was closed from {other.effective_from} by {other.permission_id} already",
                    remedy="Nothing is left to do.",
                    field="permission_id",
                )
        closing = Permission(
            closed.subject,
            closed.verb,
            "unknown",
            reason,
            "endcredits rights revoke",
            by,
            since or moment,
            subject_kind=closed.subject_kind,
            revokes=permission_id,
        )
        return state_permissions(conn, [_completed(conn, closing, moment)])[0]

    return fact_log.write(studio, write)


def ask(studio: Studio, kind: str, subject: str, verb: str, *, at: str = "", by: str = "", use: Use = NO_USE) -> Decision:
    """Whether something may be done with a work, a person, a file, a code or an address; only "allow" is a yes.

    Args:
        studio: whose.
        kind: what is asked about; one of `works.SUBJECTS`.
        subject: its id, digest, code or address.
        verb: one of `works.VERBS`.
        at: UTC time; empty for now (see `works.present`).
        by: who asks; empty for the studio's operator.
        use: what is known of the use.

    Raises:
        NotFoundError: no such work.
        InputError: an unknown verb, or no time.
    """
    moment, who = at or now(), by or studio.operator
    with studio.store.reading() as conn:
        if kind == "work":
            return decide_work(conn, WorkId(subject), verb, moment, by=who, use=use, present=not at)
        asked, answer = _asked_of(conn, kind, subject), decide if at else decide_now
        return answer(permissions_about(conn, asked), asked, verb, moment, by=who, use=use)


def ask_all(studio: Studio, verb: str, *, at: str = "", by: str = "", use: Use = NO_USE) -> pa.Table:
    """The answers for all registered works, by id: columns work_id, value, permission_id ("" where nothing was said).

    Arguments as in `ask`; a million works take seconds. A clock that was set back is believed, other than in `ask`.

    Raises:
        InputError: an unknown verb, or no time.
    """
    with studio.store.reading() as conn:
        found = decide_all(conn, verb, at or now(), by=by or studio.operator, use=use)
    return found.sort_by("work_id")


def write_answers(answers: pa.Table, path: Path) -> None:
    """Writes answers as CSV, or as Parquet where the name says so; whole, or not at all.

    Raises:
        MachineError: it cannot be written.
    """
    out = pa.BufferOutputStream()
    if path.suffix == ".parquet":
        pq.write_table(answers, out)
    else:
        csv.write_csv(answers, out)
    durable.write_atomic(path, out.getvalue().to_pybytes())


def explain(
    studio: Studio, kind: str, subject: str, verb: str, *, at: str = "", by: str = "", use: Use = NO_USE
) -> Explained:
    """The same answer, with every statement that was made and what became of it; arguments as in `ask`."""
    with studio.store.reading() as conn:
        asked, who = _asked_of(conn, kind, subject), by or studio.operator
        said = permissions_about(conn, asked)
        moment = at or decide_now(said, asked, verb, now(), by=who, use=use).at
        return explained(said, asked, verb, moment, by=who, use=use)


def _asked_of(conn: Connection, kind: str, subject: str) -> Asked:
    if kind == "work":
        return asked_in(conn, WorkId(subject))
    if kind == "person":
        return asked_of_person(PartyId(subject))
    name = normal(subject) if kind == "url" else subject
    return Asked(name, ((kind, name),))


def _completed(conn: Connection, one: Permission, moment: str) -> Permission:
    party_id = one.party_id or _party_of(conn, one.declared_by)
    authority, owns = one.authority, bool(party_id) and _has_a_part(conn, one, party_id)
    if authority == "unknown" and owns:
        authority = "rightsholder"
    if authority == "rightsholder" and not owns:
        raise InputError(
            f"{one.declared_by} has no part in what {one.subject} is, as far as the registry knows",
            remedy="Register their split, give the id of whoever has one, or say it as agent or host.",
            field="--as",
        )
    return replace(
        one,
        party_id=party_id,
        authority=authority,
        effective_from=one.effective_from or moment,
        observed_at=one.observed_at or moment,
    )


def _party_of(conn: Connection, name: str) -> str:
    """The one party with this id or name; empty where there is none.

    Raises:
        InputError: several have the name: one of them could take back what another said.
    """
    found = called(conn, name)
    if len(found) > 1:
        raise InputError(
            f"{len(found)} parties are called '{name}'", remedy=f"Give an id: {', '.join(found)}.", field="--by"
        )
    return found[0] if found else ""


def _has_a_part(conn: Connection, one: Permission, party_id: str) -> bool:
    """Whether a party owns or made what a statement is about: itself, a work, or a work with that file, code or address."""
    if one.subject_kind == "person":
        return one.subject == party_id
    return any(holds_split(conn, work_id, party_id) for work_id in works_named(conn, one.subject_kind, one.subject))

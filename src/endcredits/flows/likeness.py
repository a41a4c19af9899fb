"""A person's likeness from the first signature to the fee: enrol, grant, ask, use, take back.

    granted = grant_file(studio, "grant.json")            # kept whatever it says; findings say what it lacks
    done = use(studio, request, use_id="spot-1", output_id="output:4f2a")      # decided, counted and reported, or refused
    revoke(studio, granted.grant.grant_id, reason="...", by="Ada Quill")       # stops the next use

A use is decided and counted in one transaction, and so is the usage event by which it is paid (`royalties`): what was
counted is owed, and what was refused is neither. A grant is in the log before it is used, because `complete` puts it there
before anything is decided.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from endcredits.attribution import attributed
from endcredits.canonical import canonical_bytes, sha256_file
from endcredits.durable import machine_error
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.fact_files import facts_in
from endcredits.flows.fact_kinds import LIKENESS_GRANT
from endcredits.flows.studio import Studio
from endcredits.ids import PartyId, plain_id
from endcredits.royalties import make_event
from endcredits.royalties.forms import handed_in
from endcredits.royalties.recording import Added, record_events
from endcredits.works import Permission, Split, asked_of_person, decide, known_works, permissions_about
from endcredits.works.likeness import (
    RIGHT,
    Enrolment,
    LikenessDecision,
    LikenessGrant,
    LikenessUse,
    Person,
    Reason,
    RecordedUse,
    Resemblance,
    Revocation,
    add_enrolment,
    add_grant,
    add_party,
    check_use,
    decide_likeness,
    enrol_person,
    enrolments,
    fee_of,
    find_use,
    findings_of,
    grants,
    insert_use,
    name_output,
    people,
    read_grant_text,
    record_use,
    require_person,
    revocations,
    revoke_grant,
    standing_of,
    uses,
    with_guardians,
)
from endcredits.works.likeness.synthetic import OFFER, SYNTHETIC, decide_synthetic
from endcredits.works.texts import check_text, read_bytes

SERVICE = "likeness"
"""The service under which uses are reported."""
NO_CURRENCY = "USD"
"""Uses earn nothing by themselves; where no fee was agreed their revenue of zero is in this currency."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What became of a grant that was handed in.

    Attributes:
        grant: as on record.
        new: False where the same document was on record.
        findings: what stands against every use of it, for the places asked; empty when nothing does.
    """

    grant: LikenessGrant
    new: bool
    findings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Used:
    """What became of a request.

    Attributes:
        decision: with all reasons.
        use: as counted; None where it was refused, and then nothing was recorded.
        payment: "reported" (the next close pays it), "waits" (its output is not attributed yet, so it is held), "unnamed"
            (no output was named yet), or "" where it was refused.
    """

    decision: LikenessDecision
    use: RecordedUse | None
    payment: str


@dataclass(frozen=True, slots=True)
class Known:
    """Everything about one person.

    Attributes:
        person: as on record.
        enrolments: references, by digest.
        grants: each with what stands against every use of it now.
        revocations: of these grants.
        uses: that were counted.
        refused: why they refuse every use, "" where they do not.
    """

    person: Person
    enrolments: tuple[Enrolment, ...]
    grants: tuple[Granted, ...]
    revocations: tuple[Revocation, ...]
    uses: tuple[RecordedUse, ...]
    refused: str


def enrol(
    studio: Studio,
    name: str,
    *,
    identifiers: Sequence[tuple[str, str]] = (),
    turns_18_on: str | None = None,
    guardian: str = "",
    deceased_on: str | None = None,
    rights_holder: str = "",
    payees: Sequence[tuple[str, int]] = (),
    references: Sequence[tuple[str, str | os.PathLike[str]]] = (),
    kept_at: str = "",
) -> tuple[Person, tuple[Enrolment, ...]]:
    """Puts somebody on record whose likeness may be used; only digests of references are kept, never the references.

    Args:
        studio: whose.
        name: the person's name.
        identifiers: (scheme, value) pairs, such as an ISNI.
        turns_18_on: a minor's 18th birthday.
        guardian: name of who signs for a minor.
        deceased_on: day of death.
        rights_holder: name of heir, executor or estate.
        payees: (name, ppb) of who is paid, one whole together; the person alone by default.
        references: (modality, file).
        kept_at: where the references are kept, in words.

    Returns:
        The person as on record now, with their enrolments; the same again adds nothing.

    Raises:
        InputError: a name, day or file that cannot be used.
        MachineError: a reference cannot be read.
    """
    at = now()
    digests = [(modality, *_codes(Path(path))) for modality, path in references]

    def work(conn: Connection) -> tuple[Person, tuple[Enrolment, ...]]:
        party = add_party(conn, name, identifiers=identifiers)
        paid = [Split(add_party(conn, one, kind="unknown").party_id, ppb, right=RIGHT) for one, ppb in payees]
        person = enrol_person(
            conn,
            party,
            at,
            turns_18_on=turns_18_on,
            guardian_id=add_party(conn, guardian).party_id if guardian else "",
            deceased_on=deceased_on,
            rights_holder_id=add_party(conn, rights_holder, kind="unknown").party_id if rights_holder else "",
            payees=paid,
        )
        for modality, sha256, code in digests:
            add_enrolment(conn, person.person_id, modality, sha256, kept_at, at, code)
        return person, enrolments(conn, person.person_id)

    return fact_log.write(studio, work)


def _codes(path: Path) -> tuple[str, str]:
    """A reference's digest and, for a picture where the extra is there, its content code."""
    try:
        if not path.is_file() or not path.stat().st_size:
            raise InputError("there is no such file, or it is empty", remedy="Name the reference's file.", file=path)
        sha256 = sha256_file(path)
    except OSError as error:
        raise machine_error(error, path) from error
    return sha256, content_code_of(path)


def content_code_of(path: Path) -> str:
    """The content code of a picture, "" for anything else, for a damaged one, and without the extra `media`."""
    from endcredits.receipts.credentials.codes import image_code
    from endcredits.receipts.credentials.formats import format_of

    try:
        return image_code(path) if format_of(path, sidecar=True).content == "image" else ""
    except InputError:
        return ""


def grant_file(studio: Studio, path: str | os.PathLike[str], *, jurisdictions: Sequence[str] = ()) -> Granted:
    """Records a grant from a JSON file, and says what stands against every use of it.

    A grant that permits nothing is kept all the same: a signed paper exists. Deciding then says no.

    Raises:
        InputError: no JSON, an unknown field, a wrong type; see `works.likeness.read_grant`.
        NotFoundError: its person is not enrolled.
    """
    place, at = Path(path), now()
    grant = read_grant_text(check_text(read_bytes(place), place), str(place), at)

    def work(conn: Connection) -> Granted:
        kept, new = add_grant(conn, grant)
        known = with_guardians(conn, [kept.person_id, kept.guardian])
        return Granted(kept, new, findings_of(kept, known, at[:10], jurisdictions=jurisdictions))

    return fact_log.write(studio, work)


def logged_grants(studio: Studio) -> dict[str, int]:
    """The position in the log of every grant that stands there, by grant id."""
    return {
        str(fact.body["grant_id"]): fact.position for fact in facts_in(studio.path, LIKENESS_GRANT) if fact.body is not None
    }


def ask(studio: Studio, request: LikenessUse, *, at: str = "", resemblances: Iterable[Resemblance] = ()) -> LikenessDecision:
    """Decides a request without counting it.

    Args:
        studio: whose.
        request: what is asked for.
        at: UTC time asked about, now by default; uses are those counted so far.
        resemblances: what tests of resemblance say.
    """
    moment = at or now()
    fact_log.complete(studio)
    with studio.store.reading() as conn:
        standing = standing_of(
            conn, request.person_id, logged_grants(studio), refusal_of(studio, conn, request.person_id, moment)
        )
    return decide_likeness(standing, request, moment, resemblances=resemblances)


def use(
    studio: Studio,
    request: LikenessUse,
    *,
    use_id: str = "",
    output_id: str = "",
    resemblances: Sequence[Resemblance] = (),
) -> Used:
    """Decides a request now and, where it is permitted, counts it and reports it for payment, all or nothing.

    Args:
        studio: whose.
        request: what is asked for.
        use_id: the operator's own id, by which the same use handed in again is found counted; "" makes one.
        output_id: the output in which it appears; "" where it is not made yet, and then `appear` names it later.
        resemblances: what tests of resemblance say.

    Raises:
        InputError: the request makes no sense.
        ConflictError: the id was counted with another request or output.
    """
    check_use(request)
    made = plain_id(use_id or f"use-{secrets.token_hex(8)}", what="use_id")
    fact_log.complete(studio)
    logged = logged_grants(studio)

    def work(conn: Connection) -> Used:
        at = now()  # of this attempt: who had to wait for another's writing is not earlier for that
        refused = refusal_of(studio, conn, request.person_id, at)
        decision, found = record_use(conn, made, request, at, logged=logged, refused=refused, resemblances=resemblances)
        if found is None:
            return Used(decision, None, "")
        return _reported(conn, decision, found, output_id, at)

    return fact_log.write(studio, work)


def use_synthetic(
    studio: Studio,
    document: Mapping[str, Any],
    *,
    territory: str = "WORLD",
    jurisdictions: Sequence[str] = (),
    count: int = 1,
    use_id: str = "",
    output_id: str = "",
) -> Used:
    """The same for a synthetic performer, who is nobody: what is paid goes to the fund that the policy names.

    Args:
        studio: whose.
        document: the fields of `works.likeness.synthetic.FIELDS`.
        territory: where it is shown.
        jurisdictions: other places whose rules are asked.
        count: how many uses.
        use_id: as for `use`.
        output_id: as for `use`.

    Raises:
        InputError: the record makes no sense.
        ConflictError: as for `use`.
    """
    made, at = plain_id(use_id or f"use-{secrets.token_hex(8)}", what="use_id"), now()
    decision = decide_synthetic(document, at, sorted({territory, *jurisdictions}))
    if decision.value == "deny":
        return Used(decision, None, "")
    whole = canonical_bytes({"record": dict(document), "territory": territory, "count": count}).decode()
    # Checked like any request; the names only stand in for a person's.
    check_use(LikenessUse(PartyId("party:nobody"), SYNTHETIC, SYNTHETIC, SYNTHETIC, territory, ("body",), count))

    def work(conn: Connection) -> Used:
        known = find_use(conn, made)
        if known is None:
            insert_use(conn, RecordedUse(made, "", "", -1, count, at, SYNTHETIC, OFFER, whole))
            known = find_use(conn, made)
        assert known is not None
        if known.document != whole:
            raise ConflictError(
                f"the use '{made}' was counted with another request",
                remedy="Give every use an id of its own; what was counted is never changed.",
                field="use_id",
            )
        return _reported(conn, decision, known, output_id, at)

    return fact_log.write(studio, work)


def appear(studio: Studio, use_id: str, output_id: str) -> Used:
    """Names the output in which a counted use appears, so that it can be paid. The same again changes nothing.

    Raises:
        NotFoundError: no such use.
        ConflictError: another output was named.
    """
    at = now()

    def work(conn: Connection) -> Used:
        found = find_use(conn, use_id)
        if found is None:
            raise NotFoundError(
                f"there is no use '{use_id[:60]}'", remedy="See: endcredits likeness show PERSON.", field="use_id"
            )
        decision = LikenessDecision("allow", found.used_at, "granted", "it was counted before", found.grant_id, found.row)
        return _reported(conn, decision, found, output_id, at)

    return fact_log.write(studio, work)


def _reported(conn: Connection, decision: LikenessDecision, found: RecordedUse, output_id: str, at: str) -> Used:
    """Reports a counted use as a usage event, once its output is known."""
    if output_id:
        found = name_output(conn, found.use_id, output_id, at)
    if not found.output_id:
        return Used(decision, found, "unnamed")
    grant = next((one for one in grants(conn, found.person_id) if one.grant_id == found.grant_id), None)
    fee = fee_of(grant.pay) if grant is not None else None
    event = make_event(
        f"likeness:{found.use_id}",
        found.output_id,
        found.used_at,
        0,
        fee.currency if fee is not None else NO_CURRENCY,
        SERVICE,
        _country(str(json.loads(found.document)["territory"])),
        offer=found.offer,
        uses=found.count,
        use=found.kind,
        declared=(require_person(conn, found.person_id).work_id,) if found.person_id else (),
    )
    added: Added = record_events(
        conn,
        handed_in([event]),
        at=at,
        outputs_known=lambda ids: attributed(conn, ids),
        works_known=lambda ids: known_works(conn, ids),
    )
    return Used(decision, found, "waits" if added.held else "reported")


def _country(place: str) -> str:
    """The territory of a use as usage events tell it: a country, or WORLD for what is larger."""
    country = place.partition("-")[0]
    return country if len(country) == 2 and country != "EU" else "WORLD"


def refusal_of(studio: Studio, conn: Connection, person_id: str, at: str) -> str:
    """Why somebody refuses every use of their likeness, in words; "" where no recorded no is in force.

    A contract with the operator goes before an older no, as everywhere (`works.decide`).
    """
    asked = asked_of_person(PartyId(person_id))
    said: tuple[Permission, ...] = permissions_about(conn, asked)
    decision = decide(said, asked, "likeness", at, by=studio.operator)
    return decision.reason if decision.value == "deny" else ""


def revoke(studio: Studio, called: str, *, reason: str, by: str) -> tuple[Revocation, ...]:
    """Takes a grant back, or all of a person's grants, from now on. What was taken back before stays as it was.

    Args:
        studio: whose.
        called: a grant's id, or a person's id or name.
        reason: why, in words.
        by: who takes it back, in words.

    Raises:
        InputError: no reason, or nobody who says so.
        NotFoundError: no such grant or person, or the person granted nothing.
    """

    def work(conn: Connection) -> tuple[Revocation, ...]:
        at = now()
        if called.startswith("grant:"):
            return (revoke_grant(conn, called, reason, by, at),)
        person = person_called(conn, called)
        own = grants(conn, person.person_id)
        if not own:
            raise NotFoundError(
                f"'{person.name}' granted nothing",
                remedy=f"To refuse every use: endcredits rights deny {person.person_id} --verb likeness.",
                field="PERSON",
            )
        return tuple(revoke_grant(conn, one.grant_id, reason, by, at) for one in own)

    return fact_log.write(studio, work)


def person_called(conn: Connection, called: str) -> Person:
    """The enrolled person with this id or name.

    Raises:
        NotFoundError: nobody enrolled has it.
        InputError: several have the name.
    """
    itself = people(conn, [called])
    if itself:
        return itself[called]
    found = [one for one in people(conn).values() if one.name == called]
    if len(found) > 1:
        ids = ", ".join(one.person_id for one in found)
        raise InputError(f"{len(found)} people are called '{called[:60]}'", remedy=f"Give an id: {ids}.", field="PERSON")
    return found[0] if found else require_person(conn, called)


def id_called(studio: Studio, called: str) -> PartyId:
    """The id of the enrolled person with this id or name; what is no name of anybody is handed on as an id.

    Raises:
        InputError: several have the name.
    """
    with studio.store.reading() as conn:
        try:
            return person_called(conn, called).person_id
        except NotFoundError:
            if not called.startswith("party:"):
                raise
            return PartyId(called)


def everybody(studio: Studio) -> tuple[Known, ...]:
    """Everybody who is enrolled, with all that is known of them, by name."""
    with studio.store.reading() as conn:
        known = [_known(studio, conn, person) for person in people(conn).values()]
    return tuple(sorted(known, key=lambda one: (one.person.name.casefold(), one.person.person_id)))


def known(studio: Studio, called: str) -> Known:
    """Everything about one person, by id or name.

    Raises:
        NotFoundError, InputError: see `person_called`.
    """
    with studio.store.reading() as conn:
        return _known(studio, conn, person_called(conn, called))


def _known(studio: Studio, conn: Connection, person: Person) -> Known:
    at, own = now(), grants(conn, person.person_id)
    on_record = with_guardians(conn, [person.person_id, *(one.guardian for one in own)])
    return Known(
        person,
        enrolments(conn, person.person_id),
        tuple(Granted(one, False, findings_of(one, on_record, at[:10])) for one in own),
        revocations(conn, [one.grant_id for one in own]),
        uses(conn, person.person_id),
        refusal_of(studio, conn, person.person_id, at),
    )

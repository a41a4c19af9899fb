"""What is kept about a person's likeness: who they are, what they enrolled, granted and took back, and how it was used.

A *person* is a party of the registry. An *enrolment* names a reference by its digest; the recording or scan itself, and
anything computed from it that could recognise somebody, never enters the books. A *grant* is one signed consent, with the
fields that `endcredits rules fields likeness` lists. A *revocation* closes a grant from its moment on. A *use* is one
request that was permitted and counted. Rows are only ever added: what was granted, used and taken back stays known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from endcredits.ids import PartyId, WorkId

MODALITIES = ("voice", "face", "body", "motion")
"""What of a person can be replicated."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the registry knows of somebody whose likeness may be used. The latest of several records of a person holds.

    Attributes:
        person_id: a party of the registry.
        name: for people.
        turns_18_on: a minor's 18th birthday, also when it has passed; None for who was grown up when enrolled.
        guardian_id: the party who signs for a minor, "" for nobody.
        deceased_on: day of death, None for a living person.
        rights_holder_id: heir, executor or estate, "" for nobody on record.
        work_id: the entry in the catalogue that stands for this likeness; its splits of the right "likeness" say who is
            paid.
        recorded_at: UTC time.
    """

    person_id: PartyId
    name: str
    turns_18_on: str | None
    guardian_id: str
    deceased_on: str | None
    rights_holder_id: str
    work_id: WorkId
    recorded_at: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A reference of a person, told by its digest alone.

    Attributes:
        enrolment_id: made from person, modality and digest.
        person_id: whose.
        modality: one of `MODALITIES`.
        reference_sha256: of the reference's bytes, which stay where they are.
        content_code: ISCC of a picture, to find re-saved copies of that very picture; "" where none was computed.
        kept_at: where the reference is kept, in words.
        recorded_at: UTC time.
    """

    enrolment_id: str
    person_id: PartyId
    modality: str
    reference_sha256: str
    content_code: str
    kept_at: str
    recorded_at: str


@dataclass(frozen=True, slots=True)
class GrantedUse:
    """One row of a grant: a use that the person agreed to. What the grant leaves away is "" or None, and helps nobody.

    Attributes:
        project: the production.
        medium: film, series, commercial, game, ...
        description: what the replica says and does there, in particular.
        script_ref: the script or page it is about, "" for any.
        territory: where it may be shown: WORLD, EU, DE, US-CA.
        valid_from: first day.
        valid_to: last day, inclusive.
        max_uses: how often, None for no limit.
        advertiser: for a commercial, "" for none named.
        product_line: for a commercial, "" for none named.
    """

    project: str
    medium: str
    description: str
    script_ref: str
    territory: str
    valid_from: str
    valid_to: str
    max_uses: int | None
    advertiser: str
    product_line: str


@dataclass(frozen=True, slots=True)
class Pay:
    """How the person is paid; agreed, never assumed.

    Attributes:
        basis: day_rate, session, usage_multiplier, share or residual; "" where the grant does not say.
        amount: a decimal number of main units for one unit of the basis, "" for none.
        currency: ISO 4217, "" for none.
        multiplier: a decimal number, "" for none.
        plan_contributions: whether benefit plans are paid on top; None where the grant does not say.
    """

    basis: str
    amount: str
    currency: str
    multiplier: str
    plan_contributions: bool | None


@dataclass(frozen=True, slots=True)
class Storage:
    """Where the replica is kept.

    Attributes:
        location: the place, "" where the grant does not say.
        controls: who may reach it and how that is enforced.
        delete_by: day by which it is deleted, "" for none said.
    """

    location: str
    controls: str
    delete_by: str


@dataclass(frozen=True, slots=True)
class LikenessGrant:
    """One signed consent. Yes-or-no fields are None where the grant is silent, and silence never helps.

    Attributes:
        grant_id: made from the document.
        person_id: whose likeness.
        is_minor: whether the person was a minor when it was signed.
        turns_18_on: a minor's 18th birthday.
        guardian: who signed for a minor.
        deceased_on: day of death.
        rights_holder_id: who holds the rights after death.
        grantor: self, guardian, estate or union.
        representation: counsel, union or none: who spoke for the person.
        replica_kind: employment-based, independently-created or background.
        modalities: of `MODALITIES`.
        uses: the rows, in order; rows are counted from 0 in the books and from 1 in words.
        forbidden: contexts that the person refuses.
        replaces_in_person_work: whether the replica does what the person would do in person.
        notice_given_at: when the person was told.
        signed_at: UTC time of the signature, "" for not signed.
        signature_ref: where it lies.
        clear_and_conspicuous: whether the terms can be seen and understood.
        separate_signature: whether the clause is signed by itself.
        ends_at_death: whether the grant ends with the person's life.
        pay: how the person is paid.
        training_allowed: whether a model may learn from the person's data.
        sublicensing: whether the grant may be passed on.
        storage: where the replica is kept.
        term_to: last day of the grant, "" for none said.
        revocable: whether the grant says that it may be taken back; it can be, whatever it says.
        revoke_notice_days: days of notice agreed; uses stop at once all the same.
        revoked_at: when the document itself says that it was taken back, "" for never.
        document: the whole record as it was handed in, canonical JSON.
        recorded_at: UTC time.
    """

    grant_id: str
    person_id: PartyId
    is_minor: bool | None
    turns_18_on: str
    guardian: str
    deceased_on: str
    rights_holder_id: str
    grantor: str
    representation: str
    replica_kind: str
    modalities: tuple[str, ...]
    uses: tuple[GrantedUse, ...]
    forbidden: tuple[str, ...]
    replaces_in_person_work: bool | None
    notice_given_at: str
    signed_at: str
    signature_ref: str
    clear_and_conspicuous: bool | None
    separate_signature: bool | None
    ends_at_death: bool | None
    pay: Pay
    training_allowed: bool | None
    sublicensing: bool | None
    storage: Storage
    term_to: str
    revocable: bool | None
    revoke_notice_days: int | None
    revoked_at: str
    document: str = field(repr=False)
    recorded_at: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """Somebody took a grant back.

    Attributes:
        revocation_id: made from the rest.
        grant_id: what was taken back.
        revoked_at: UTC time; no use under the grant is permitted from then on.
        reason: why, in words.
        declared_by: who says so, in words.
        of_person: whether everything was taken back that the person had signed until then, on record or not.
    """

    revocation_id: str
    grant_id: str
    revoked_at: str
    reason: str
    declared_by: str
    of_person: bool = False


def closes(revocation: Revocation, grant: LikenessGrant) -> bool:
    """Whether somebody's revocation closes a grant of theirs: its own, or one of all that was signed by then."""
    return revocation.grant_id == grant.grant_id or (revocation.of_person and grant.signed_at <= revocation.revoked_at)


@dataclass(frozen=True, slots=True)
class RecordedUse:
    """A use that was permitted and counted.

    Attributes:
        use_id: the operator's own id, or one made for it.
        person_id: whose likeness; "" for a synthetic performer, who is nobody.
        grant_id: under which grant; "" for a synthetic performer.
        row: of the grant, from 0; -1 for a synthetic performer.
        count: how many uses.
        used_at: UTC time.
        kind: the kind of use that policies see: the medium, "training" or "synthetic-performer".
        offer: the terms of pay that policies see (`pay.offer_of`).
        document: the request, canonical JSON.
        output_id: in which output it appears, "" as long as nobody named one: only then it can be paid.
    """

    use_id: str
    person_id: str
    grant_id: str
    row: int
    count: int
    used_at: str
    kind: str
    offer: str
    document: str = field(repr=False)
    output_id: str = ""

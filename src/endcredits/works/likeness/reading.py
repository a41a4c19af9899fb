"""A grant's document becomes a record: the fields of the rule pack, read strictly, and what is wrong with it said at once.

What cannot mean anything (a field that nobody knows, a wrong type, a word that is on no list) is refused: guessing could
only widen a consent. What can be read but permits nothing, such as a minor's grant without guardian or "any and all media",
is kept with its findings, because a signed paper exists; deciding then says no.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.errors import InputError
from endcredits.works.likeness.blocks import SAME
from endcredits.works.likeness.guardians import grantor_problems, guardian_problem
from endcredits.works.likeness.pay import fee_of
from endcredits.works.likeness.questions import Reason
from endcredits.works.likeness.records import GrantedUse, LikenessGrant, Pay, Person, Storage
from endcredits.works.party_ids import checked_party_id
from endcredits.works.rules import Pack, lacks, shipped_pack
from endcredits.works.rules.fields import read_record
from endcredits.works.strict_json import read_json
from endcredits.works.utc import check_time

KIND = "likeness"
"""The kind of record that the rule pack knows a grant as."""
USES_MAX = 1_000
DOCUMENT_BYTES_MAX = 1_000_000
BY_THE_BOOKS = ("logged",)
"""Conditions of the pack that a document cannot meet by itself: whether it is logged is for the log to say."""


def read_grant_text(text: str, file: str, at: str, *, pack: Pack | None = None) -> LikenessGrant:
    """Reads a grant from JSON.

    Raises:
        InputError: not one JSON object, or as `read_grant`.
    """
    if len(text.encode()) > DOCUMENT_BYTES_MAX:
        raise InputError(
            f"a grant of {len(text.encode()):,} bytes", remedy=f"Keep it below {DOCUMENT_BYTES_MAX:,} bytes.", file=file
        )
    try:
        document = read_json(text)
    except ValueError as error:
        raise InputError(f"this is not JSON that can be read ({error})", remedy="Correct it there.", file=file) from error
    if not isinstance(document, dict):
        raise InputError("this is not one grant", remedy='Write one JSON object: {"person_id": ...}.', file=file)
    return read_grant(document, at, file=file, pack=pack)


def read_grant(document: Mapping[str, Any], at: str, *, file: str = "", pack: Pack | None = None) -> LikenessGrant:
    """Makes the record of a document.

    Args:
        document: plain JSON values by the fields of the rule pack.
        at: UTC time of recording.
        file: where it came from, for errors.
        pack: the rules, for the fields that there are; those that are shipped, by default.

    Raises:
        InputError: an unknown field, a wrong type or an unknown word, naming the first and how many there are; no person;
            no use, or more than `USES_MAX`; a fee that cannot be paid.
    """
    check_time(at)
    problems = read_record(document, (pack or shipped_pack()).fields[KIND]).problems
    if problems:
        place, _, words = problems[0]
        more = f" ({len(problems) - 1} more like this)" if len(problems) > 1 else ""
        raise InputError(
            f"{words}{more}",
            remedy="'endcredits rules fields likeness' lists the fields and what may stand in them.",
            file=file or None,
            field=place,
        )
    if not _text(document, "person_id"):
        raise InputError(
            "nobody is named whose likeness it is",
            remedy="Give the id of 'likeness list'.",
            file=file or None,
            field="person_id",
        )
    rows = document.get("uses") or []
    if not 1 <= len(rows) <= USES_MAX:
        raise InputError(
            f"the grant names {len(rows)} uses", remedy=f"Name 1 to {USES_MAX}.", file=file or None, field="uses"
        )
    grant = make_grant(document, at)
    try:
        fee_of(grant.pay)
    except InputError as error:
        raise InputError(error.message, remedy=error.remedy, file=file or None, field=error.field) from error
    return grant


def grant_id_of(document: Mapping[str, Any]) -> str:
    """The id of a grant: two papers that say the same are one, whatever is null in one and left away in the other.

    Whether the document itself is logged (`log_index`) is for the books to say, and makes no other paper of it.
    """
    said = {name: value for name, value in document.items() if name != "log_index"}
    return f"grant:{sha256_bytes(canonical_bytes(_plainest(said)))[:32]}"


def _plainest(value: Any) -> Any:
    """A value without nulls and empty lists, its texts in one spelling of Unicode and without spaces around them."""
    if isinstance(value, dict):
        found = {name: _plainest(one) for name, one in value.items()}
        return {name: one for name, one in found.items() if one not in (None, "", [], {})}
    if isinstance(value, list):
        return [_plainest(one) for one in value]
    return " ".join(unicodedata.normalize("NFKC", value).split()) if isinstance(value, str) else value


def make_grant(document: Mapping[str, Any], at: str) -> LikenessGrant:
    """The record of a document that was checked before; otherwise as `read_grant`."""
    data = canonical_bytes(document)
    pay, storage = document.get("pay") or {}, document.get("storage") or {}
    rows = document.get("uses") or []
    return LikenessGrant(
        grant_id=grant_id_of(document),
        person_id=checked_party_id(_text(document, "person_id"), field="person_id"),
        is_minor=document.get("is_minor"),
        turns_18_on=_text(document, "turns_18_on"),
        guardian=_text(document, "guardian"),
        deceased_on=_text(document, "deceased_on"),
        rights_holder_id=_text(document, "rights_holder_id"),
        grantor=_text(document, "grantor"),
        representation=_text(document, "representation"),
        replica_kind=_text(document, "replica_kind"),
        modalities=tuple(document.get("modalities") or ()),
        uses=tuple(_row(row) for row in rows),
        forbidden=tuple(document.get("forbidden") or ()),
        replaces_in_person_work=document.get("replaces_in_person_work"),
        notice_given_at=_text(document, "notice_given_at"),
        signed_at=_text(document, "signed_at"),
        signature_ref=_text(document, "signature_ref"),
        clear_and_conspicuous=document.get("clear_and_conspicuous"),
        separate_signature=document.get("separate_signature"),
        ends_at_death=document.get("ends_at_death"),
        pay=Pay(
            basis=_text(pay, "basis"),
            amount=_text(pay, "amount"),
            currency=_text(pay, "currency"),
            multiplier=_text(pay, "multiplier"),
            plan_contributions=pay.get("plan_contributions"),
        ),
        training_allowed=document.get("training_allowed"),
        sublicensing=document.get("sublicensing"),
        storage=Storage(*(_text(storage, name) for name in ("location", "controls", "delete_by"))),
        term_to=_text(document, "term_to"),
        revocable=document.get("revocable"),
        revoke_notice_days=document.get("revoke_notice_days"),
        revoked_at=_text(document, "revoked_at"),
        document=data.decode(),
        recorded_at=at,
    )


def _row(row: Mapping[str, Any]) -> GrantedUse:
    return GrantedUse(
        project=_text(row, "project"),
        medium=_text(row, "medium"),
        description=_text(row, "description"),
        script_ref=_text(row, "script_ref"),
        territory=_text(row, "territory"),
        valid_from=_text(row, "from"),
        valid_to=_text(row, "to"),
        max_uses=row.get("max_uses"),
        advertiser=_text(row, "advertiser"),
        product_line=_text(row, "product_line"),
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    """A text, "" for null and for silence."""
    return document.get(name) or ""


def document_of(grant: LikenessGrant) -> dict[str, Any]:
    """The document as plain data, as it was handed in."""
    found: dict[str, Any] = json.loads(grant.document)
    return found


def for_rules(grant: LikenessGrant, *, logged: bool) -> dict[str, Any]:
    """The document as the rules are asked about it: whether it is logged, and taken back, is for the books to say.

    A document that leaves `revoked_at` away was not taken back by itself; revocations on record are looked at apart. One
    that states it is believed.
    """
    return {"revoked_at": None, **document_of(grant), "log_index": 0 if logged else None}


def findings_of(
    grant: LikenessGrant,
    people: Mapping[str, Person],
    on: str,
    *,
    jurisdictions: Sequence[str] = (),
    pack: Pack | None = None,
) -> tuple[Reason, ...]:
    """What stands against every use of a grant on a day, whatever the use: each thing once, in words.

    Args:
        grant: the record.
        people: enrolled persons by id, for guardians.
        on: the day asked about.
        jurisdictions: places whose rules are asked; WORLD alone means the rules that hold everywhere by themselves.
        pack: the rules; those that are shipped, by default.
    """
    rules = pack or shipped_pack()
    found: dict[tuple[str, str], Reason] = {}
    guardian = guardian_problem(grant, people)
    problems = [*([guardian] if guardian else []), *grantor_problems(grant, people.get(grant.person_id), on)]
    told = {one.rule_id for one in problems}
    found.update({(one.rule_id, one.why): one for one in problems})
    document = for_rules(grant, logged=True)
    for place in jurisdictions or ("WORLD",):
        for lack in lacks(document, jurisdiction=place, on=on, kind=KIND, pack=rules):
            everywhere = any(rule.rule_id == lack.rule_id and rule.jurisdiction == "WORLD" for rule in rules.rules)
            if lack.severity == "block" and lack.condition_id not in BY_THE_BOOKS and (jurisdictions or everywhere):
                rule_id = f"{lack.rule_id}/{lack.condition_id}"
                if told.intersection(SAME.get(rule_id, ())):
                    continue
                found[rule_id, lack.field] = Reason(rule_id, f"{lack.field}: {lack.why}", lack.source)
    return tuple(found.values())

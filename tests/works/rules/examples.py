"""For every rule of the shipped pack a record that passes, and for every condition what spoils it.

A record is a base of its kind with changes: `{"uses.0.description": "..."}`; `GONE` takes a field away. What a condition
needs besides (a minor, a union, another day) stands in `GIVEN`; how it is then spoilt follows from its test, or stands in
`SPOILT`. `ALSO` names conditions of the same rule that one mistake spoils together.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from endcredits.works.rules import Condition, Rule, shipped_pack

GONE = object()

DIGEST = "ab" * 32

GRANT: dict[str, Any] = {
    "person_id": "party:ada-example",
    "is_minor": False,
    "turns_18_on": None,
    "guardian": None,
    "deceased_on": None,
    "rights_holder_id": None,
    "claim_registered": False,
    "exception_code": None,
    "grantor": "self",
    "representation": "counsel",
    "cba_id": None,
    "terms_signed": True,
    "replica_kind": "employment-based",
    "modalities": ["voice"],
    "uses": [
        {
            "project": "The Long Winter",
            "medium": "series",
            "description": "Two lines of dialogue in episode four, spoken over the telephone scene",
            "script_ref": "draft 3, page 41",
            "territory": "WORLD",
            "from": "2026-10-10",
            "to": "2027-10-09",
            "max_uses": 2,
            "advertiser": None,
            "product_line": None,
        }
    ],
    "forbidden": ["political"],
    "replaces_in_person_work": True,
    "notice_given_at": "2026-10-01T09:00:00Z",
    "notice_at_engagement": False,
    "signed_at": "2026-10-02T10:00:00Z",
    "signature_ref": "contracts/41.pdf",
    "clear_and_conspicuous": True,
    "separate_signature": True,
    "consent_form": "rider",
    "ends_at_death": False,
    "pay": {"basis": "day_rate", "amount": "1000.00", "currency": "USD", "multiplier": None, "plan_contributions": True},
    "training_allowed": False,
    "sublicensing": False,
    "storage": {"location": "vault 2", "controls": "two people, logged", "delete_by": "2028-01-01"},
    "term_to": "2028-10-01",
    "revocable": True,
    "revoke_notice_days": 30,
    "revoked_at": None,
    "log_index": 7,
    "agreements": [],
    "is_commercial": True,
    "is_advertisement": False,
    "synthetic_performer": False,
    "disclosure_text": None,
    "territories": ["US"],
    "post_production_edit": None,
    "prompt_names_feature": False,
    "prompt_consent": False,
    "synthetic_justification": None,
    "union_notice_at": None,
    "third_party_training": False,
    "third_party_training_notice_at": None,
    "stage": "temp",
    "recreates_unowned_material": False,
    "tool_terms": {"keeps_production_data": False, "enterprise_secured": True},
    "replaces_talent_without_consent": False,
    "uses_talent_likeness": False,
    "uses_personal_data": False,
    "uses_third_party_ip": False,
    "approval_ref": None,
}

TRAINING: dict[str, Any] = {
    "released_on": "2026-05-01",
    "datasets": [
        {
            "sources_or_owners": "studio archive",
            "purpose_fit": "dialogue of the kind that the system writes",
            "n_points": "10,000 to 20,000",
            "point_types": "scenes",
            "has_ip": ["copyright"],
            "purchased_or_licensed": True,
            "has_personal_info": False,
            "has_aggregate_consumer_info": False,
            "cleaning": {"what": "page numbers removed", "why": "they are no dialogue"},
            "collection_period": {"from": "2025-01-01", "to": None, "ongoing": True},
            "first_use_dates": ["2025-06-01"],
            "synthetic_data": {"used": True, "purpose": "rare languages"},
        }
    ],
    "market_date": "2026-05-01",
    "provider": "Studio",
    "model": "Quill",
    "model_version": "2",
    "model_dependencies": [],
    "modalities": ["text"],
    "size_bands": ["text: small"],
    "content_types": ["screenplays"],
    "latest_data_on": "2026-04-01",
    "sources": {
        "public": [],
        "licensed": ["archive"],
        "other_private": [],
        "user_data": [],
        "synthetic": [],
        "other": [],
        "crawled": True,
    },
    "crawl": {"crawlers": ["studiobot"], "from": "2025-01-01", "to": "2025-02-01", "top_domains": ["a.example"]},
    "processing": {
        "tdm_measures": "robots.txt, TDMRep and AIPREF are read before each fetch and again before training",
        "illegal_content_removal": "lists of hashes",
    },
    "updated_on": "2026-10-01",
    "research_org": False,
    "lawful_access": True,
    "fetched_at": "2026-01-02T00:00:00Z",
    "training_started_at": "2026-02-02T00:00:00Z",
    "reservation_checked_at": "2026-01-01T00:00:00Z",
    "reservation_rechecked_at": "2026-02-01T00:00:00Z",
    "carriers_checked": ["robots.txt", "TDMRep"],
    "result": "none-found",
    "raw_sha256": DIGEST,
    "licence_ref": None,
}

OUTPUT: dict[str, Any] = {
    "output_sha256": DIGEST,
    "kind": "generated",
    "digital_source_type": "trainedAlgorithmicMedia",
    "parts": [],
    "provider": "Studio",
    "system": "Quill",
    "version": "2",
    "time": "2026-11-20T12:00:00Z",
    "unique_id": "out:1",
    "visible_label": {"text": "Made with a machine", "lang": "en", "placement": "end card"},
    "c2pa": {"state": "signed", "manifest_sha256": DIGEST, "time_stamped": True},
    "watermark": {
        "algo": "mark",
        "version": "1",
        "strength": "low",
        "detect_url": "https://detect.example",
        "none_reason": None,
    },
    "detector_url": "https://detect.example",
    "marks_stripped": False,
    "deepfake": False,
    "public_interest_text": False,
    "human_editor_id": None,
    "exceptions": [],
    "system_market_date": "2026-09-01",
    "monthly_users": 2_000_000,
    "manifest_disclosure_offered": True,
    "latent_disclosure": True,
    "licensee_disabled_known_at": None,
    "licensee_revoked_at": None,
    "platform_users": 3_000_000,
    "provenance_kept": True,
    "provenance_shown": True,
}

BASE = {"likeness": GRANT, "training": TRAINING, "disclosure": OUTPUT}

DEAD = {"deceased_on": "2010-05-05", "grantor": "estate", "rights_holder_id": "party:estate"}
MINOR = {
    "is_minor": True,
    "guardian": "party:grace-example",
    "grantor": "guardian",
    "turns_18_on": "2030-01-01",
}
UNION = {"representation": "union", "cba_id": "cba-1"}
SYNTHETIC = {
    "synthetic_performer": True,
    "synthetic_justification": "A crowd of two thousand ghosts that no living performer could play at once",
    "union_notice_at": "2026-10-01T00:00:00Z",
}

PASSES: Mapping[str, Mapping[str, Any]] = {
    "us-ca-civ-3344-1": DEAD,
    "us-ny-civ-50-f": DEAD,
    "us-ny-gbl-s8420-a": {"is_advertisement": True, "synthetic_performer": True, "disclosure_text": "Synthetic performer"},
    "sag-aftra-tv-theatrical-2023": {"agreements": ["sag-aftra-tv-theatrical-2023"]},
    "sag-aftra-tv-theatrical-2026": {"agreements": ["sag-aftra-tv-theatrical-2026"]},
    "sag-aftra-commercials-2025": {
        "agreements": ["sag-aftra-commercials-2025"],
        "uses.0.advertiser": "Acme",
        "uses.0.product_line": "soap",
    },
    "netflix-genai-2025": {"agreements": ["netflix-genai-guidance-2025"]},
    "eu-ai-act-53-1-d-older": {"market_date": "2024-01-01", "updated_on": "2027-07-01"},
    "eu-ai-act-50-marking-older": {"system_market_date": "2025-01-01"},
}
"""Changes of the base, by rule; a rule that is not named passes with the base as it is."""

GIVEN: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("likeness-grant", "guardian"): MINOR,
    ("likeness-grant", "guardian-grants"): MINOR,
    ("likeness-grant", "guardian-other"): MINOR,
    ("likeness-grant", "estate"): DEAD,
    ("likeness-grant", "estate-grants"): DEAD,
    ("likeness-grant", "signed-yet"): {"uses.0.from": "2026-12-01"},
    ("likeness-grant", "term-runs"): {"uses.0.to": "2026-11-01"},
    ("likeness-grant", "multiplier"): {"pay.basis": "usage_multiplier", "pay.multiplier": "1.5"},
    ("us-ca-labor-927", "cba"): UNION,
    ("us-ny-gob-5-302", "cba"): UNION,
    ("us-no-fakes-2026", "minor-term"): MINOR,
    ("us-no-fakes-2026", "minor-18"): MINOR,
    ("us-no-fakes-2026", "after-death"): DEAD,
    ("sag-aftra-tv-theatrical-2023", "after-death"): {**DEAD, "ends_at_death": True},
    ("sag-aftra-tv-theatrical-2023", "prompt"): {"prompt_names_feature": True, "prompt_consent": True},
    ("sag-aftra-tv-theatrical-2026", "additional-value"): SYNTHETIC,
    ("sag-aftra-tv-theatrical-2026", "union-notice"): SYNTHETIC,
    ("sag-aftra-tv-theatrical-2026", "training-notice"): {
        "third_party_training": True,
        "third_party_training_notice_at": "2026-10-01T00:00:00Z",
    },
    ("sag-aftra-commercials-2025", "synthetic-notice"): SYNTHETIC,
    ("sag-aftra-commercials-2025", "synthetic-plans"): SYNTHETIC,
    ("netflix-genai-2025", "likeness"): {"uses_talent_likeness": True, "approval_ref": "mail 7"},
    ("netflix-genai-2025", "personal-data"): {"uses_personal_data": True, "approval_ref": "mail 7"},
    ("netflix-genai-2025", "third-parties"): {"uses_third_party_ip": True, "approval_ref": "mail 7"},
    ("disclosure-record", "no-watermark-why"): {"watermark.algo": None, "watermark.none_reason": "the text is too short"},
    ("eu-ai-act-50-label", "deepfake-label"): {"deepfake": True},
    ("eu-ai-act-50-label", "text-label"): {"public_interest_text": True},
    ("us-ca-sb-942", "revoked-in-time"): {
        "licensee_disabled_known_at": "2026-09-01T00:00:00Z",
        "licensee_revoked_at": "2026-09-05T00:00:00Z",
    },
}

GENERIC = "Any and all media now known or hereafter devised, for all purposes, throughout the universe"

SPOILT: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("likeness-grant", "guardian-grants"): {"grantor": "self"},
    ("likeness-grant", "guardian-other"): {"guardian": GRANT["person_id"]},
    ("likeness-grant", "estate-grants"): {"grantor": "self"},
    ("likeness-grant", "description"): {"uses.0.description": GENERIC},
    ("likeness-grant", "from-to"): {"uses.0.to": "2026-10-09"},
    ("likeness-grant", "use-in-term"): {"uses.0.to": "2028-10-02"},
    ("likeness-grant", "signed-yet"): {"signed_at": "2026-11-21T00:00:01Z"},
    ("likeness-grant", "term-runs"): {"term_to": "2026-11-19"},
    ("likeness-grant", "signed-by-then"): {"signed_at": "2026-10-10T00:00:01Z"},
    ("likeness-grant", "term"): {"term_to": "2036-10-03"},
    ("likeness-grant", "revoked"): {"revoked_at": "2026-11-01T00:00:00Z"},
    ("us-ca-labor-927", "description"): {"uses.0.description": GENERIC},
    ("us-ca-labor-927", "represented"): {"representation": "none"},
    ("us-ny-gob-5-302", "description"): {"uses.0.description": GENERIC},
    ("us-ny-gob-5-302", "represented"): {"representation": "none"},
    ("us-ca-civ-3344-1", "consent"): {"grantor": "self"},
    ("us-ca-civ-3344-1", "prior"): {"signed_at": "2026-10-11T00:00:00Z"},
    ("us-ca-civ-3344-1", "exception"): {"exception_code": "news"},
    ("us-ca-civ-3344-1", "fleeting"): {"exception_code": "fleeting"},
    ("us-ny-civ-50-f", "consent"): {"grantor": "self"},
    ("us-no-fakes-2026", "description"): {"uses.0.description": GENERIC},
    ("us-no-fakes-2026", "term"): {"term_to": "2036-10-03"},
    ("us-no-fakes-2026", "minor-term"): {"turns_18_on": "2040-01-01", "term_to": "2031-10-03"},
    ("us-no-fakes-2026", "minor-18"): {"term_to": "2030-01-02"},
    ("sag-aftra-tv-theatrical-2023", "replica-kind"): {"replica_kind": GONE},
    ("sag-aftra-tv-theatrical-2023", "notice"): {"notice_given_at": "2026-10-08T00:00:01Z"},
    ("sag-aftra-tv-theatrical-2023", "description"): {"uses.0.description": GENERIC},
    ("sag-aftra-tv-theatrical-2023", "after-death"): {"grantor": "self"},
    ("sag-aftra-tv-theatrical-2023", "day-rate"): {"pay.basis": "share"},
    ("sag-aftra-tv-theatrical-2023", "edit"): {"post_production_edit": "noise removal"},
    ("sag-aftra-tv-theatrical-2026", "additional-value"): {"synthetic_justification": "cheaper"},
    ("sag-aftra-commercials-2025", "notice"): {"notice_given_at": "2026-10-08T00:00:01Z"},
    ("sag-aftra-commercials-2025", "form"): {"consent_form": None},
    ("sag-aftra-commercials-2025", "description"): {"uses.0.description": GENERIC},
    ("netflix-genai-2025", "temporary"): {"stage": "final"},
    ("eu-ai-act-53-1-d", "tdm-measures"): {"processing.tdm_measures": "yes"},
    ("eu-ai-act-53-1-d", "updated"): {"updated_on": "2026-05-19"},
    ("eu-ai-act-53-1-d-older", "tdm-measures"): {"processing.tdm_measures": "yes"},
    ("eu-ai-act-53-1-d-older", "updated"): {"updated_on": "2027-01-01"},
    ("eu-cdsm-4-3", "rechecked-after-fetch"): {"reservation_rechecked_at": "2026-01-02T00:00:00Z"},
    ("eu-cdsm-4-3", "rechecked-before-training"): {"reservation_rechecked_at": "2026-02-02T00:00:01Z"},
    ("eu-cdsm-4-3", "reserved"): {"result": "reserved"},
    ("eu-ai-act-50-marking", "signed"): {"c2pa.state": "unsigned"},
    ("eu-ai-act-50-marking-older", "signed"): {"c2pa.state": "unsigned"},
    ("eu-ai-act-50-label", "exceptions"): {"exceptions": ["art"]},
    ("us-ca-sb-942", "revoked-in-time"): {"licensee_revoked_at": "2026-09-05T00:00:01Z"},
}

ALSO: Mapping[tuple[str, str], frozenset[str]] = {
    ("eu-ai-act-53-1-d", "sources"): frozenset(
        ("public", "licensed", "other-private", "crawled", "user-data", "synthetic", "other")
    ),
    ("eu-cdsm-4-3", "rechecked"): frozenset(("rechecked-after-fetch", "rechecked-before-training")),
    ("eu-cdsm-4-3", "result"): frozenset(("reserved",)),
    ("likeness-grant", "minor-said"): frozenset(("guardian", "guardian-grants", "guardian-other")),
    ("likeness-grant", "death-said"): frozenset(("estate", "estate-grants")),
    ("likeness-grant", "guardian"): frozenset(("guardian-other",)),
    ("likeness-grant", "from"): frozenset(("from-to", "signed-by-then")),
    ("likeness-grant", "to"): frozenset(("from-to", "use-in-term")),
    ("likeness-grant", "signed"): frozenset(("signed-by-then", "signed-yet", "term")),
    ("likeness-grant", "pay"): frozenset(("multiplier",)),
    ("sag-aftra-tv-theatrical-2023", "paid"): frozenset(("day-rate",)),
    ("us-ca-ab-2013", "item-9"): frozenset(("item-9-what", "item-9-why")),
    ("us-ca-civ-3344-1", "fleeting"): frozenset(("exception",)),
    ("us-no-fakes-2026", "signed"): frozenset(("term",)),
    ("us-no-fakes-2026", "minor-said"): frozenset(("minor-18",)),
}
"""What else of the rule falls with it: where nothing is said about a minor, the record may be a minor's."""

OUT_OF_REACH: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("us-ca-labor-927", "in-person"): {"replaces_in_person_work": False},
    ("us-ny-gob-5-302", "in-person"): {"replaces_in_person_work": False},
    ("us-ca-civ-3344-1", "dead"): {"deceased_on": None},
    ("us-ca-civ-3344-1", "years-70"): {"deceased_on": "1956-11-19"},
    ("us-ny-civ-50-f", "dead"): {"deceased_on": None},
    ("us-ny-civ-50-f", "commercial"): {"is_commercial": False},
    ("us-ny-gbl-s8420-a", "advertisement"): {"is_advertisement": False},
    ("us-ny-gbl-s8420-a", "synthetic"): {"synthetic_performer": False},
    ("us-ny-gbl-s8420-a", "reaches"): {"territories": ["FR", "US-CA"]},
    ("sag-aftra-tv-theatrical-2023", "bound"): {"agreements": []},
    ("sag-aftra-tv-theatrical-2026", "bound"): {"agreements": []},
    ("sag-aftra-commercials-2025", "bound"): {"agreements": []},
    ("netflix-genai-2025", "bound"): {"agreements": []},
    ("us-ca-ab-2013", "since-2022"): {"released_on": "2021-12-31"},
    ("eu-ai-act-53-1-d", "newer"): {"market_date": "2025-08-01"},
    ("eu-ai-act-53-1-d-older", "older"): {"market_date": "2025-08-02"},
    ("eu-ai-act-50-marking", "newer"): {"system_market_date": "2026-08-01"},
    ("eu-ai-act-50-marking-older", "older"): {"system_market_date": "2026-08-02"},
    ("us-ca-sb-942", "large"): {"monthly_users": 1_000_000},
    ("us-ca-ab-853-platforms", "large"): {"platform_users": 2_000_000},
}
"""What takes a record out of a rule's reach, for every condition under `applies_if`."""


def changed(record: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a record with changes by path (`uses.0.description`)."""
    copied = copy.deepcopy(dict(record))
    for path, value in changes.items():
        *way, last = path.split(".")
        place: Any = copied
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if value is GONE:
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(value)
    return copied


def passing(rule: Rule, condition: Condition | None = None) -> dict[str, Any]:
    """The record that passes a rule, with what one of its conditions needs to be looked at."""
    given = GIVEN.get((rule.rule_id, condition.condition_id), {}) if condition else {}
    return changed(BASE[rule.kind], {**PASSES.get(rule.rule_id, {}), **given})


def failing(rule: Rule, condition: Condition) -> dict[str, Any]:
    """The same record, spoilt for one condition."""
    own = SPOILT.get((rule.rule_id, condition.condition_id))
    return changed(passing(rule, condition), own if own is not None else spoilt_by(rule, condition))


def spoilt_by(rule: Rule, condition: Condition) -> dict[str, Any]:
    """How a requirement is spoilt, where its test leaves no choice."""
    assert condition in rule.require, f"say in SPOILT how '{rule.rule_id}' forbids '{condition.condition_id}'"
    path = condition.check.field.replace("[]", ".0")
    field = shipped_pack().fields[rule.kind][condition.check.field]
    match condition.check.test:
        case "true":
            return {path: False}
        case "false":
            return {path: True}
        case "stated":
            return {path: GONE}
        case "present" if field.may_be_null:
            return {path: None}
        case "present" if not field.values and field.kind_of_value == "text":
            return {path: " \u200b"}
        case "present" if field.kind_of_value in ("texts", "rows", "days"):
            return {path: []}
        case "present":
            return {path: GONE}
    raise AssertionError(f"say in SPOILT how '{rule.rule_id}' fails '{condition.condition_id}'")


def day_for(rule: Rule) -> str:
    """A day on which a rule holds: 20 November 2026, or its first day when that is later."""
    return max("2026-11-20", rule.in_force_from or "")

"""Likeness: nobody's face, voice or body is used without a grant that covers the use, and every use is counted and paid.

    from endcredits.works.likeness import decide_likeness, record_use

    decide_likeness(standing, use, at).value       # "allow", "warn" (allowed, and somebody should look) or "deny"
    record_use(conn, "use-1", use, at, logged=logged)     # decides and counts in one transaction

`records` says what is kept, `deciding` how it is decided, `blocks` lists every reason for a no, `counting` keeps count.
`docs/likeness.md` tells it for people. It is no legal advice: what law asks is data of the rule pack (`works.rules`).
"""

from endcredits.works.likeness.blocks import RULES, WARNINGS
from endcredits.works.likeness.book import (
    add_enrolment,
    add_grant,
    enrolments,
    grant_rows,
    grants,
    revocations,
    revoke_grant,
)
from endcredits.works.likeness.checking import check_likeness
from endcredits.works.likeness.counting import find_use, insert_use, name_output, record_use, standing_of, used_of, uses
from endcredits.works.likeness.deciding import decide_likeness
from endcredits.works.likeness.matching import read_scores, same_reference, warnings_of
from endcredits.works.likeness.pay import BASES, Fee, fee_of, kind_of, offer_of
from endcredits.works.likeness.people import RIGHT, add_party, enrol_person, people, require_person, with_guardians
from endcredits.works.likeness.questions import (
    POSTURES,
    PURPOSES,
    LikenessDecision,
    LikenessUse,
    Reason,
    Resemblance,
    Standing,
)
from endcredits.works.likeness.reading import document_of, findings_of, read_grant, read_grant_text
from endcredits.works.likeness.records import (
    MODALITIES,
    Enrolment,
    GrantedUse,
    LikenessGrant,
    Pay,
    Person,
    RecordedUse,
    Revocation,
    Storage,
)
from endcredits.works.likeness.requests import check_use

__all__ = [
    "BASES",
    "MODALITIES",
    "POSTURES",
    "PURPOSES",
    "RIGHT",
    "RULES",
    "WARNINGS",
    "Enrolment",
    "Fee",
    "GrantedUse",
    "LikenessDecision",
    "LikenessGrant",
    "LikenessUse",
    "Pay",
    "Person",
    "Reason",
    "RecordedUse",
    "Resemblance",
    "Revocation",
    "Standing",
    "Storage",
    "add_enrolment",
    "add_grant",
    "add_party",
    "check_likeness",
    "check_use",
    "decide_likeness",
    "document_of",
    "enrol_person",
    "enrolments",
    "fee_of",
    "find_use",
    "findings_of",
    "grant_rows",
    "grants",
    "insert_use",
    "kind_of",
    "name_output",
    "offer_of",
    "people",
    "read_grant",
    "read_grant_text",
    "read_scores",
    "record_use",
    "require_person",
    "revocations",
    "revoke_grant",
    "same_reference",
    "standing_of",
    "used_of",
    "uses",
    "warnings_of",
    "with_guardians",
]

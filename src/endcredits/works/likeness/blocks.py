"""Why a use is blocked, or worth a look: every rule of this program by its id, with what it says.

They are no law; they are this program's safe answers, asked whatever the place. What law, agreements and guidance ask
besides comes from the rule pack and keeps the ids that it has there ("us-ca-labor-927/represented").
"""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "not-enrolled": "nobody's likeness is used who is not on record",
    "refused": "a person's no stands above every grant",
    "minor-refused": "under the posture chosen no identity use of a minor is made",
    "no-grant": "without a grant there is no use",
    "revoked": "a grant that was taken back permits nothing from that moment on",
    "not-logged": "a grant stands in the log before it is used",
    "not-signed": "a grant permits nothing before its signature",
    "outside-term": "a grant permits nothing after its last day, nor one whose last day is not said",
    "minor-without-guardian": "a minor's grant needs a guardian",
    "guardian-circular": "a guardian is somebody else, and not signed for in turn by the minor",
    "guardian-is-minor": "a guardian is grown up",
    "guardian-unknown": "the guardian who signs is the one on record, and lives",
    "grantor-unfit": "a living adult grants by themself, or a union that represents them; an estate only after death",
    "estate-unknown": "the estate that grants is the one on record",
    "deceased-without-estate": "after death somebody on record holds the rights",
    "deceased-not-granted": "after death estate or union grants, or the person did in life without limiting it to life",
    "outside-uses": "a use is one of the rows of the grant: its project, medium, script, advertiser and product line",
    "outside-dates": "a use lies within the dates of its row",
    "outside-territory": "a use lies within the territory of its row",
    "outside-modalities": "only what of the person was granted is replicated",
    "count-used-up": "a row is used no more often than it says",
    "generic-description": "both the row and the request say what the replica does, in particular",
    "forbidden-context": "what the person forbids is not done",
    "training-not-allowed": "no model learns from a person's data unless the grant says so",
    "sublicensing-not-allowed": "a grant is not passed on unless it says so",
    "replacement-not-granted": "work in person is replaced only where the grant says that it is",
    "unrepresented-replacement": "work in person is not replaced where nobody spoke for the person",
    "storage-past-deletion": "a replica is not used after the day by which it had to be deleted",
}
"""What blocks, in the order in which reasons are told."""

WARNINGS: Mapping[str, str] = {
    "description-differs": "whether the request is what the row describes is for a person to judge",
    "context-unclear": "whether a context in words of its own is what the person forbids is for a person to judge",
    "not-revocable": "the grant calls itself irrevocable; here it can be taken back at any time all the same",
    "last-use": "the row is used up after this",
    "resembles": "a test says that the output resembles somebody; a person must look",
    "not-tested": "a test of resemblance could not be read; nothing follows from it",
}
"""What a person should look at; none of them can turn a no into a yes."""

GRANTED = "granted"
"""Stands for the rule of a yes."""

SAME: Mapping[str, tuple[str, ...]] = {
    "likeness-grant/guardian": ("minor-without-guardian", "guardian-circular"),
    "likeness-grant/guardian-grants": ("minor-without-guardian", "guardian-circular"),
    "likeness-grant/guardian-other": ("minor-without-guardian", "guardian-circular"),
    "likeness-grant/estate": ("deceased-without-estate",),
    "likeness-grant/estate-grants": ("deceased-not-granted",),
    "likeness-grant/description": ("generic-description",),
    "likeness-grant/signed": ("not-signed",),
    "likeness-grant/signed-yet": ("not-signed",),
    "likeness-grant/term-runs": ("outside-term",),
    "likeness-grant/revoked": ("revoked",),
    "likeness-grant/logged": ("not-logged",),
}
"""Lines of the pack that say what a rule here says already; they are told once."""


def rank(rule_id: str) -> int:
    """The place of a reason among others: rules of this program first, in their order, then those of the pack."""
    names = list(RULES)
    return names.index(rule_id) if rule_id in RULES else len(names)

"""Synthetic performers: somebody on the screen who is nobody's replica. No person consents, so the rules ask other things.

What law and agreements ask of one (that it is disclosed, that the union was told, what it adds over a live performer, that
benefit plans are paid) stands in the same rule pack. A record for it has those fields alone; rules about a person's consent
do not speak about nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from endcredits.errors import InputError
from endcredits.works.likeness.questions import VALUES, LikenessDecision, Reason
from endcredits.works.likeness.reading import KIND
from endcredits.works.rules import Pack, lacks, shipped_pack
from endcredits.works.rules.fields import read_record
from endcredits.works.utc import check_time

FIELDS = (
    "synthetic_performer",
    "synthetic_justification",
    "union_notice_at",
    "disclosure_text",
    "pay.plan_contributions",
    "is_advertisement",
    "territories",
    "agreements",
)
"""What a record about a synthetic performer says; a finding about any other field is about a person's consent."""

SYNTHETIC = "synthetic-performer"
"""The kind of use that policies see."""
OFFER = "likeness synthetic performer"
"""The terms that such a use carries."""


def decide_synthetic(
    document: Mapping[str, Any], at: str, places: Sequence[str], *, pack: Pack | None = None
) -> LikenessDecision:
    """Whether a synthetic performer may be shown.

    What has to be disclosed and is not blocks here: there is nobody else whom it could harm later but the audience.

    Args:
        document: the fields of `FIELDS`, in the form of the rule pack.
        at: UTC time.
        places: where it is shown, and other jurisdictions asked.
        pack: the rules; those that are shipped, by default.

    Raises:
        InputError: a field that no rule knows, or the record is not about a synthetic performer.
    """
    check_time(at)
    rules = pack or shipped_pack()
    problems = read_record(document, rules.fields[KIND]).problems
    if problems:
        raise InputError(problems[0][2], remedy="See: endcredits rules fields likeness.", field=problems[0][0])
    if document.get("synthetic_performer") is not True:
        raise InputError(
            "the record does not say that the performer is synthetic",
            remedy='Write "synthetic_performer": true, or ask for the use of a person.',
            field="synthetic_performer",
        )
    blocks: set[Reason] = set()
    warnings: set[Reason] = set()
    for place in places:
        for lack in lacks(document, jurisdiction=place, on=at[:10], kind=KIND, pack=rules):
            if lack.field in FIELDS:
                reason = Reason(f"{lack.rule_id}/{lack.condition_id}", lack.why, lack.source_url or lack.source)
                (warnings if lack.severity == "warn" else blocks).add(reason)
    told = tuple(sorted(warnings))
    if blocks:
        against = tuple(sorted(blocks))
        return LikenessDecision(VALUES[2], at, against[0].rule_id, against[0].why, blocks=against, warnings=told)
    why = "nobody's likeness is used, and what the rules ask of a synthetic performer is there"
    return LikenessDecision(VALUES[1] if told else VALUES[0], at, SYNTHETIC, why, warnings=told)

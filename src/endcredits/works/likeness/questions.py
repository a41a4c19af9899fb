"""What is asked about a likeness, everything that an answer looks at, and the answer with all its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from endcredits.ids import PartyId
from endcredits.works.likeness.records import LikenessGrant, Person, Revocation

PURPOSES = ("replica", "training")
"""What a likeness is asked for: to appear in something, or for a model to learn from it."""

POSTURES = ("rsl-media",)
"""Stricter ways that an operator may choose: under the RSL-MEDIA draft no identity use of a minor is made at all."""

VALUES = ("allow", "warn", "deny")
"""What a decision says: yes; yes, and a person should look at something; no."""


@dataclass(frozen=True, slots=True)
class LikenessUse:
    """One request to use somebody's likeness.

    Attributes:
        person_id: whose.
        project: the production.
        medium: film, series, commercial, game, ...
        description: what the replica says and does, in particular.
        territory: where it is shown: WORLD, EU, DE, US-CA.
        modalities: what of the person is replicated, sorted, at least one.
        count: how many uses these are (days, sessions, spots), >= 1.
        purpose: one of `PURPOSES`.
        script_ref: the script or page, "" for none.
        contexts: what it is about, sorted: nudity, political, endorsement, ... The requester states them.
        is_advertisement: whether it advertises something, which counts as the contexts advertisement and endorsement.
        replaces_in_person_work: whether it does what the person would otherwise do in person.
        jurisdictions: places whose rules are asked besides those of the territory, sorted.
        advertiser: for a commercial, "" for none.
        product_line: for a commercial, "" for none.
        sublicensee: who uses it, where that is not the operator to whom it was granted; "" for the operator.
        postures: of `POSTURES`, sorted.
    """

    person_id: PartyId
    project: str
    medium: str
    description: str
    territory: str
    modalities: tuple[str, ...]
    count: int = 1
    purpose: str = PURPOSES[0]
    script_ref: str = ""
    contexts: tuple[str, ...] = ()
    is_advertisement: bool = False
    replaces_in_person_work: bool = False
    jurisdictions: tuple[str, ...] = ()
    advertiser: str = ""
    product_line: str = ""
    sublicensee: str = ""
    postures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resemblance:
    """What a test outside of this program says: that something looks or sounds like an enrolled person.

    Attributes:
        person_id: whom it resembles.
        modality: one of `MODALITIES`.
        score_ppb: how much, 0 to 1,000,000,000, on the test's own scale.
        threshold_ppb: from which score on the test speaks of a match.
        tested_by: name and version of the test.
    """

    person_id: str
    modality: str
    score_ppb: int
    threshold_ppb: int
    tested_by: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that a decision about one person looks at.

    Attributes:
        person: the person, None for somebody who never enrolled.
        people: every enrolled person by id, to look at guardians.
        grants: of the person, in any order.
        revocations: of these grants, in any order.
        used: uses counted so far, by (grant id, row).
        logged: position in the log of every grant that stands in it, by grant id.
        refused: why the person refuses any use of their likeness, in words; "" where they do not.
    """

    person: Person | None
    people: Mapping[str, Person] = field(default_factory=dict)
    grants: tuple[LikenessGrant, ...] = ()
    revocations: tuple[Revocation, ...] = ()
    used: Mapping[tuple[str, int], int] = field(default_factory=dict)
    logged: Mapping[str, int] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """One reason against a use, or for looking at it.

    Attributes:
        rule_id: one of `blocks.RULES` or `blocks.WARNINGS`, or "RULE/CONDITION" of the rule pack.
        why: in words.
        source: where a rule of the pack was read, "" for rules of this program.
    """

    rule_id: str
    why: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class LikenessDecision:
    """The answer to "may this person's likeness be used so?".

    Attributes:
        value: one of `VALUES`.
        at: UTC time asked about.
        rule_id: the first reason of a no, "granted" for a yes.
        why: the same in words.
        grant_id: the grant that permits it, or that comes closest; "" where there is none.
        row: its row, from 0; -1 where there is none.
        left: uses that remain on that row after this one, None for no limit and for a no.
        blocks: every reason against, the first first; empty for a yes.
        warnings: what a person should look at; they never turn a no into a yes.
    """

    value: str
    at: str
    rule_id: str
    why: str
    grant_id: str = ""
    row: int = -1
    left: int | None = None
    blocks: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()

"""What a rule pack holds and what checking a record against it says.

A *rule* is one row of law, agreement or guidance, written down as data: where and when it holds, whom it reaches
(`applies_if`), what a record must have (`require`) and must not have (`forbid_if`). A *condition* is one of those lines; a
*check* is the one comparison inside it. A *lack* is one thing that a record does not have, in words, with the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

KINDS = ("likeness", "training", "disclosure")
"""What a record is about: a grant over somebody's likeness, data that trains a model, an output that is shown."""

STATUSES = ("in-force", "not-law", "agreement", "guidance")
"""Law in force, a bill, an agreement between parties, or advice that binds only who adopts it."""

SEVERITIES = ("block", "disclose", "warn")
"""From the gravest: do not do it; do it only when the missing thing is shown or marked; let a person look at it."""

EVIDENCE = {
    "R": "read in a primary text",
    "S": "read in a secondary source",
    "M": "from memory, not confirmed",
    "T": "tested",
    "none": "the research names no evidence",
    "own": "this project's own decision, no law",
}
"""How well a rule is known, by the tag of the research that it comes from."""

WEAK_EVIDENCE = frozenset(("M", "none"))
"""Tags whose conditions warn at most, unless the pack says why they block."""

WORLD = "WORLD"
"""The jurisdiction of rules that go with a person or a contract and not with a place."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a record of a kind may have.

    Attributes:
        path: where it stands: "person_id", "pay.basis", "uses[].description" ([] is every row of a list).
        kind_of_value: one of `fields.TYPES`.
        about: what it says, for people.
        values: the only values allowed, () for any.
        may_be_null: whether null may be written, which says "there is none"; leaving the field away says nothing.
    """

    path: str
    kind_of_value: str
    about: str
    values: tuple[str, ...] = ()
    may_be_null: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison.

    Attributes:
        field: the path of the field compared.
        test: one of `comparing.TESTS`.
        value: what it is compared with: texts, a whole number, a duration, a day; None where the test needs nothing.
        other: the path of another field that it is compared with, "@on" for the day asked about, "" for none.
    """

    field: str
    test: str
    value: tuple[str, ...] | str | int | None = None
    other: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a rule.

    Attributes:
        condition_id: unique within the rule.
        check: the comparison; in `require` it must hold, in `forbid_if` it must not, in `applies_if` it decides reach.
        when: the condition is looked at only when all of these hold; what cannot be told counts as holding.
        why: what it means for the record, in words.
        severity: one of `SEVERITIES`.
        evidence: one of `EVIDENCE`.
    """

    condition_id: str
    check: Check
    when: tuple[Check, ...]
    why: str
    severity: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of law, agreement or guidance.

    Attributes:
        rule_id: such as "us-ca-labor-927".
        title: for people.
        jurisdiction: "WORLD", "EU", an ISO 3166-1 alpha-2 country or an ISO 3166-2 part of one ("US-CA").
        kind: one of `KINDS`.
        status: one of `STATUSES`.
        in_force_from: first day, None when no day is known; then it counts on every day.
        in_force_to: last day, None for no end.
        applies_if: it reaches a record for which all of these hold, or cannot be told.
        require: what a record must have.
        forbid_if: what a record must not have.
        severity: of its conditions that name none.
        source: where it was read, in words.
        source_url: the address, "" when nothing was read.
        evidence: one of `EVIDENCE`, for its conditions that name none.
        reviewed_on: day on which somebody last compared it with its source.
        words: what it says, and what of it is not checked here.
        replaces: rules of an earlier pack in whose place it stands.
        pack: name of the file that it came from.
    """

    rule_id: str
    title: str
    jurisdiction: str
    kind: str
    status: str
    in_force_from: str | None
    in_force_to: str | None
    applies_if: tuple[Condition, ...]
    require: tuple[Condition, ...]
    forbid_if: tuple[Condition, ...]
    severity: str
    source: str
    source_url: str
    evidence: str
    reviewed_on: str
    words: str
    replaces: tuple[str, ...]
    pack: str


@dataclass(frozen=True, slots=True)
class Pack:
    """Rules with the words that they are written in.

    Attributes:
        fields: per kind, the fields that a record may have, by path.
        places: members of a union of countries, by its name ("EU").
        generic_phrases: wordings that make a description of uses say nothing.
        rules: by id.
        replaced: id of a rule that was left out, and of the one that stands in its place.
    """

    fields: Mapping[str, Mapping[str, Field]]
    places: Mapping[str, frozenset[str]]
    generic_phrases: tuple[str, ...]
    rules: tuple[Rule, ...]
    replaced: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that a record lacks.

    Attributes:
        rule_id: the rule, or "record" for what is wrong with the record itself.
        condition_id: the line of the rule.
        field: the place in the record ("uses[1].description").
        severity: one of `SEVERITIES`.
        why: in words.
        source_url: where the rule can be read, "" where nothing was read.
        source: the same in words.
        evidence: one of `EVIDENCE`.
    """

    rule_id: str
    condition_id: str
    field: str
    severity: str
    why: str
    source_url: str
    source: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Apart:
    """A rule that does not hold on the day asked about, said apart from what the record lacks on that day.

    Attributes:
        rule_id: the rule.
        state: "not-yet" or "expired".
        day: its first day, or its last one.
        lacks: what the record would lack from that first day on; () for an expired rule.
    """

    rule_id: str
    state: str
    day: str
    lacks: tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a record lacks for a jurisdiction and a day.

    Attributes:
        kind: one of `KINDS`.
        jurisdiction: as asked.
        on: the day asked about, YYYY-MM-DD.
        lacks: the gravest first, then by rule, condition and field.
        applied: ids of the rules that were applied, sorted.
        not_reached: (rule id, why) of the rules that do not reach this record.
        apart: rules not yet in force, or expired.
        without_rules: True when the pack has no rule of the place asked about or of a part of it, but at most of what it
            lies in: then silence says nothing about its own law.
        reviewed_on: the oldest day of review among the rules of the place and kind, "" when there is none.
    """

    kind: str
    jurisdiction: str
    on: str
    lacks: tuple[Lack, ...]
    applied: tuple[str, ...]
    not_reached: tuple[tuple[str, str], ...]
    apart: tuple[Apart, ...]
    without_rules: bool
    reviewed_on: str

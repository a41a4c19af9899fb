"""A grant is read strictly; what permits nothing is kept with one clear finding each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.works.likeness import document_of, findings_of, read_grant, read_grant_text
from endcredits.works.rules import lacks
from tests.works.rules.examples import GONE

from .made import ADA, AT, BEFORE, MUM, document, grant, person

DAY = AT[:10]
PEOPLE = {ADA: person()}


def test_the_record_says_what_the_document_says() -> None:
    made = grant()
    assert document_of(made) == document()
    assert (made.person_id, made.signed_at, made.pay.amount, made.storage.delete_by) == (
        ADA,
        "2026-10-02T10:00:00Z",
        "1000.00",
        "2028-01-01",
    )
    assert made.uses[0].max_uses == 2 and made.uses[0].valid_to == "2027-10-09" and made.modalities == ("voice",)
    assert read_grant_text(json.dumps(document(), indent=3), "grant.json", BEFORE) == made, "spelling makes no other grant"


def test_a_document_can_be_checked_as_it_stands_by_the_rules() -> None:
    assert lacks(document(), jurisdiction="US-CA", on=DAY, kind="likeness") == ()
    assert findings_of(grant(), PEOPLE, DAY) == () == findings_of(grant(), PEOPLE, DAY, jurisdictions=["US-CA", "US-NY"])


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("is_mnior", {"is_mnior": True}),
        ("is_minor", {"is_minor": "no"}),
        ("uses[0].max_uses", {"uses__0__max_uses": -1}),
        ("uses[0].from", {"uses__0__from": "next week"}),
        ("uses[0].territory", {"uses__0__territory": "Germany"}),
        ("grantor", {"grantor": "her agent"}),
        ("signed_at", {"signed_at": "2026-10-02"}),
        ("uses", {"uses": []}),
        ("person_id", {"person_id": ""}),
        ("person_id", {"person_id": "Ada Example"}),
        ("pay.currency", {"pay__currency": "BTC"}),
        ("pay.amount", {"pay__amount": "0.00"}),
        ("pay.amount", {"pay__amount": "0.0000001"}),
        ("pay.multiplier", {"pay__basis": "usage_multiplier", "pay__multiplier": "0"}),
    ],
)
def test_what_cannot_mean_anything_is_refused_by_field(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        grant(**changes)
    assert refused.value.field == field and refused.value.remedy


@pytest.mark.parametrize("text", ["", "[]", "{", '{"person_id": "a", "person_id": "b"}', "[" * 5_000, '"\\ud800"'])
def test_what_is_no_json_object_is_refused_with_its_file(text: str) -> None:
    with pytest.raises(InputError) as refused:
        read_grant_text(text, "grant.json", BEFORE)
    assert refused.value.file == "grant.json"


def test_a_huge_document_is_refused() -> None:
    with pytest.raises(InputError, match="bytes"):
        read_grant_text(" " * 1_000_001, "grant.json", BEFORE)


CHILD = {"is_minor": True, "turns_18_on": "2030-01-01", "guardian": MUM, "grantor": "guardian"}


@pytest.mark.parametrize(
    ("rule_id", "changes"),
    [
        ("minor-without-guardian", {**CHILD, "guardian": None}),
        ("minor-without-guardian", {**CHILD, "grantor": "self"}),
        ("minor-without-guardian", {"is_minor": GONE}),
        ("guardian-circular", {**CHILD, "guardian": ADA}),
        ("likeness-grant/term", {"term_to": "2036-10-03"}),
        ("likeness-grant/description", {"uses__0__description": "any and all media, all purposes"}),
        ("likeness-grant/description", {"uses__0__description": "ANY\u200b and \u00e1ll media"}),
        ("likeness-grant/from-to", {"uses__0__from": "2027-01-01", "uses__0__to": "2026-12-31"}),
        ("likeness-grant/use-in-term", {"uses__0__to": "2030-01-01"}),
        ("likeness-grant/signed", {"signed_at": None}),
        ("likeness-grant/count-said", {"uses__0__max_uses": GONE}),
    ],
)
def test_a_bad_grant_is_kept_with_a_clear_finding(rule_id: str, changes: dict[str, Any]) -> None:
    made = grant(**changes)
    found = {one.rule_id: one.why for one in findings_of(made, PEOPLE, DAY)}
    assert rule_id in found and len(found[rule_id]) > 20
    assert document_of(made) == document(**changes), "nothing of it is lost"


def test_a_circle_of_two_guardians_is_found() -> None:
    made = grant(**CHILD)
    people = {ADA: person(turns_18_on="2030-01-01"), MUM: person(person_id=MUM, guardian_id=ADA)}
    assert [one.rule_id for one in findings_of(made, people, DAY)] == ["guardian-circular"]


@pytest.mark.parametrize(
    "words",
    ['=HYPERLINK("http://x")', "<script>alert(1)</script>", "a\u202eb", "\x1b[2J", "&lol;", "x" * 50_000, "'; DROP--"],
)
def test_hostile_words_are_data(words: str) -> None:
    made = grant(
        uses__0__description=f"{words} two lines of dialogue in episode four", storage__location=words, cba_id=words
    )
    assert document_of(made)["cba_id"] == words and made.storage.location == words


def test_a_document_need_not_say_what_the_books_say() -> None:
    """Whether it is logged and was taken back; who states the second is believed."""
    silent = grant(log_index=GONE, revoked_at=GONE)
    assert findings_of(silent, PEOPLE, DAY) == ()
    assert [one.rule_id for one in findings_of(grant(revoked_at=BEFORE), PEOPLE, DAY)] == ["likeness-grant/revoked"]


def test_a_grant_without_pay_or_storage_is_silent_about_them() -> None:
    made = read_grant({key: value for key, value in document().items() if key not in ("pay", "storage")}, BEFORE)
    assert made.pay.basis == made.pay.currency == made.storage.delete_by == "" and made.pay.plan_contributions is None

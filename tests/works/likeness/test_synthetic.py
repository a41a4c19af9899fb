"""Somebody who is nobody: disclosed, told to the union where an agreement binds, and paid to a fund."""

from __future__ import annotations

from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.works.likeness.synthetic import decide_synthetic

from .made import AT

RECORD: dict[str, Any] = {
    "synthetic_performer": True,
    "synthetic_justification": "a creature with six arms that no living performer could play on the set",
    "union_notice_at": "2026-10-01T00:00:00Z",
    "disclosure_text": "The performer in this spot is synthetic.",
    "pay": {"basis": "session", "amount": None, "currency": None, "multiplier": None, "plan_contributions": True},
    "is_advertisement": True,
    "territories": ["US-NY"],
    "agreements": ["sag-aftra-commercials-2025", "sag-aftra-tv-theatrical-2026"],
}


def test_a_record_with_everything_passes() -> None:
    found = decide_synthetic(RECORD, AT, ["US-NY", "WORLD"])
    assert (found.value, found.blocks, found.warnings) == ("allow", (), ())


@pytest.mark.parametrize(
    ("field", "value", "rule_id", "answer"),
    [
        ("disclosure_text", None, "us-ny-gbl-s8420-a/disclosure", "deny"),
        ("union_notice_at", None, "sag-aftra-commercials-2025/synthetic-notice", "deny"),
        ("pay", {"basis": "session", "plan_contributions": False}, "sag-aftra-commercials-2025/synthetic-plans", "deny"),
        ("synthetic_justification", "because", "sag-aftra-tv-theatrical-2026/additional-value", "warn"),
    ],
)
def test_what_is_missing_is_named(field: str, value: Any, rule_id: str, answer: str) -> None:
    found = decide_synthetic({**RECORD, field: value}, AT, ["US-NY"])
    assert found.value == answer and rule_id in [one.rule_id for one in (*found.blocks, *found.warnings)]


@pytest.mark.parametrize("record", [{}, {"synthetic_performer": False}, {"synthetic_performer": True, "sinthetic": 1}])
def test_a_record_about_something_else_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        decide_synthetic(record, AT, ["WORLD"])

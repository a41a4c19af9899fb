"""A test of resemblance can make somebody look; it can be wrong, and it clears nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works.likeness import Enrolment, Resemblance, read_scores, same_reference, warnings_of

from .made import ADA, BEFORE, BOB

ONE = {"person_id": BOB, "modality": "face", "score": 0.91, "threshold": "0.8"}


def test_scores_are_read_as_they_were_handed_in() -> None:
    (found,) = read_scores({"tested_by": "matcher 2.1", "scores": [ONE]})
    assert found == Resemblance(BOB, "face", 910_000_000, 800_000_000, "matcher 2.1")
    (warning,) = warnings_of([found], ADA)
    assert warning.rule_id == "resembles" and BOB in warning.why and "matcher 2.1" in warning.why
    assert list(warnings_of([found], BOB)) == [] == list(warnings_of([Resemblance(BOB, "face", 1, 2, "m")], ADA))


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"tested_by": "m"},
        {"tested_by": "", "scores": []},
        {"tested_by": "a\nb", "scores": []},
        {"tested_by": "m", "scores": [{}]},
        {"tested_by": "m", "scores": ["face"]},
        {"tested_by": "m", "scores": [{**ONE, "score": "high"}]},
        {"tested_by": "m", "scores": [{**ONE, "score": float("nan")}]},
        {"tested_by": "m", "scores": [{**ONE, "score": 1.01}]},
        {"tested_by": "m", "scores": [{**ONE, "score": True}]},
        {"tested_by": "m", "scores": [{**ONE, "modality": "gait"}]},
        {"tested_by": "m", "scores": [{**ONE, "person_id": 7}]},
    ],
)
def test_an_unreadable_test_is_an_error_and_no_silence(document: Any) -> None:
    with pytest.raises(InputError) as refused:
        read_scores(document, "scores.json")
    assert refused.value.file == "scores.json" and refused.value.remedy


def test_a_score_out_of_range_is_a_warning_of_its_own() -> None:
    assert [one.rule_id for one in warnings_of([Resemblance(BOB, "face", -1, 0, "m")], ADA)] == ["not-tested"]


def test_the_very_bytes_of_a_reference_are_found() -> None:
    enrolled = Enrolment("enrolment:1", ADA, "voice", "ab" * 32, "", "vault", BEFORE)
    assert [one.person_id for one in same_reference([enrolled], "ab" * 32)] == [ADA]
    assert list(same_reference([enrolled], "cd" * 32)) == []


@given(
    st.lists(
        st.builds(Resemblance, st.just(BOB), st.just("face"), st.integers(0, 10**9), st.integers(0, 10**9), st.just("m"))
    )
)
def test_more_scores_never_take_a_warning_away(scores: list[Resemblance]) -> None:
    assert set(warnings_of(scores[:1], ADA)) <= set(warnings_of(scores, ADA))


def test_a_whole_number_without_end_is_no_score() -> None:
    row = {"person_id": "party:ada", "modality": "face", "score": 10**400, "threshold": 0.8}
    with pytest.raises(InputError, match="cannot be read"):
        read_scores({"tested_by": "matcher 1", "scores": [row]})

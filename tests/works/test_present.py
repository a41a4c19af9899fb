"""The present, where the clock may stand behind what is on record: never wider than what the clock's time alone permits."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from endcredits.works import Permission, decide
from endcredits.works.present import STRICTNESS, decide_now, heard_at

from .test_decide import ASKED, DAYS, STATEMENTS, says

TOLD = st.builds(lambda one, day: replace(one, observed_at=day), STATEMENTS, st.sampled_from(["", *DAYS]))
AT = DAYS[2]


@given(st.lists(TOLD, max_size=8), st.sampled_from(DAYS))
def test_never_wider_and_the_same_where_the_clock_is_right(statements: list[Permission], at: str) -> None:
    answer = decide_now(statements, ASKED, "train", at)
    plain = decide(statements, ASKED, "train", at)
    assert STRICTNESS.index(answer.value) <= STRICTNESS.index(plain.value)
    if all(one.observed_at <= at for one in statements):
        assert answer == plain


@given(st.lists(TOLD, max_size=8), st.sampled_from(DAYS))
def test_a_no_that_was_told_is_heard(statements: list[Permission], at: str) -> None:
    no = replace(says("deny", since=DAYS[5]), observed_at=DAYS[5])
    assert decide_now([*statements, no], ASKED, "train", at).value == "deny"


def test_a_no_that_ends_is_not_ended_by_a_clock_that_was_ahead() -> None:
    """Something told later moves no time on: the stricter of both answers counts."""
    no = replace(says("deny", until=DAYS[3]), observed_at=DAYS[0])
    yes = replace(says("allow", since=DAYS[4]), observed_at=DAYS[4])
    assert decide([no, yes], ASKED, "train", DAYS[4]).value == "allow"
    assert decide_now([no, yes], ASKED, "train", AT).value == "deny"


def test_what_is_said_for_later_is_not_yet_heard() -> None:
    """Told today, to hold from June on: that is no clock that was set back."""
    later = replace(says("deny", since=DAYS[5]), observed_at=AT)
    assert heard_at([later], AT) == AT
    assert decide_now([says("allow"), later], ASKED, "train", AT).value == "allow"

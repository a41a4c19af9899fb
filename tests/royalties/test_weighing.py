"""Weights are exact, signed sums in which no event counts for more than it earned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import PPB
from endcredits.royalties.weighing import event_whole_nanonats, is_unattributed, toward_zero, weigh

from .makers import CREDITS, NAMES, attribution, event


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**15))
def test_quotients_are_symmetric(numerator: int, denominator: int) -> None:
    """A number and its negative give opposite quotients, never past the exact value."""
    quotient = toward_zero(numerator, denominator)

    assert quotient == -toward_zero(-numerator, denominator)
    assert abs(quotient) * denominator <= abs(numerator) < (abs(quotient) + 1) * denominator


def test_a_partly_explained_event_leaves_its_rest_in_the_denominator() -> None:
    """Credits 6 and 2 of a log-ratio of 10: weights six and two tenths of the revenue, denominator all of it."""
    output = attribution("o", 10, {"w1": 6, "w2": 2})

    weights = weigh([event("e", "o", 100)], {output.output_id: output}, "revenue")

    assert weights.signed == {("w1", "WORLD"): 60 * PPB, ("w2", "WORLD"): 20 * PPB}
    assert weights.denominator == 100 * PPB
    assert weights.outputs == {"w1": 1, "w2": 1}


def test_credits_larger_than_the_log_ratio_share_the_event() -> None:
    """Credits 6 and 2 where the log-ratio is only 4: three quarters and one quarter."""
    output = attribution("o", 4, {"w1": 6, "w2": 2, "w3": -4})

    weights = weigh([event("e", "o", 100)], {output.output_id: output}, "revenue")

    assert weights.signed == {("w1", "WORLD"): 75 * PPB, ("w2", "WORLD"): 25 * PPB, ("w3", "WORLD"): -50 * PPB}


def test_an_output_made_no_likelier_counts_in_the_denominator_alone() -> None:
    """Its receipt says that it owes nobody anything, so nobody is paid or charged: its money is the commons'."""
    output = attribution("o", -3, {"w1": 5, "w2": -8})

    weights = weigh([event("e", "o", 100)], {output.output_id: output}, "revenue")

    assert (weights.signed, weights.outputs, weights.denominator) == ({}, {}, 100 * PPB)


@pytest.mark.parametrize(
    ("log_ratio", "credits", "expected"),
    [(0, {}, True), (-1, {"a": -1}, True), (-1, {"a": 1}, True), (1, {"a": -1}, False), (1, {}, False)],
)
def test_unattributed_means_that_there_is_nothing_to_explain(
    log_ratio: int, credits: dict[str, int], expected: bool
) -> None:
    """The measured log-ratio alone decides, at its edge."""
    assert is_unattributed(attribution("o", log_ratio, credits)) is expected


@given(CREDITS, st.dictionaries(st.sampled_from(NAMES), CREDITS), st.integers(0, 10**12))
def test_no_event_gives_or_takes_more_than_it_earned(log_ratio: int, credits: dict[str, int], micros: int) -> None:
    """The positive weights of one event sum to at most its revenue, and so do the negative ones."""
    output = attribution("o", log_ratio, credits)

    weights = weigh([event("e", "o", micros)], {output.output_id: output}, "revenue")

    assert sum(max(weight, 0) for weight in weights.signed.values()) <= micros * PPB
    assert sum(max(-weight, 0) for weight in weights.signed.values()) <= micros * PPB


@given(st.dictionaries(st.sampled_from(NAMES), CREDITS))
def test_the_negative_side_never_decides_where_credits_add_up(credits: dict[str, int]) -> None:
    """With a positive log-ratio that the credits sum to, the whole is the sum of the positive credits."""
    log_ratio = sum(credits.values())

    whole = event_whole_nanonats(attribution("o", log_ratio, credits))

    positive = sum(max(credit, 0) for credit in credits.values())
    assert whole == max(positive, 1) if log_ratio > 0 else whole >= 1


def test_nats_are_summed_whatever_an_output_earned() -> None:
    """Credits add up unweighted; what an output made no likelier earned (5 of 20) stands in the denominator alone."""
    outputs = {one.output_id: one for one in (attribution("a", 5, {"w1": 3}), attribution("b", -9, {"w1": -1}))}
    events = [event("e1", "a", 1), event("e2", "a", 14), event("e3", "b", 5)]

    weights = weigh(events, outputs, "nats")

    assert (weights.signed, weights.denominator, weights.outputs) == ({("w1", "WORLD"): 6 * 15}, 10 * 20, {"w1": 2})


def test_nats_beyond_the_log_ratios_are_counted_once_per_work() -> None:
    """A work's credits of +4 and -3 in two countries are 1; with the other's 6 that is more than the log-ratios' 5."""
    outputs = {one.output_id: one for one in (attribution("a", 4, {"w1": 4, "w2": 6}), attribution("b", 1, {"w1": -3}))}
    events = [event("e1", "a", 1), event("e2", "b", 1, territory="DE")]

    assert weigh(events, outputs, "nats").denominator == 7 * 2


def test_an_unknown_weighting_and_a_missing_attribution_are_refused() -> None:
    """Both by name."""
    with pytest.raises(InputError, match="'equal' is not a weighting"):
        weigh([], {}, "equal")

    with pytest.raises(InputError, match="'e7' names the output 'o'") as caught:
        weigh([event("e7", "o", 1)], {}, "revenue")

    assert caught.value.remedy

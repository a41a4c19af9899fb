"""Shares add up to one, follow the credits, and owe nothing to works that pushed the other way."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from endcredits.attribution import Attribution, attribution_of, output_id_of
from endcredits.attribution.rank import UNATTRIBUTED, nanonats, shares_of
from endcredits.canonical import sha256_bytes
from endcredits.ids import WorkId
from endcredits.influence import Credits
from endcredits.money import PPB

NATS = st.floats(-1e6, 1e6, allow_nan=False)
IDS = st.lists(st.text("abz.~-", min_size=1, max_size=4).map(lambda text: WorkId(f"w{text}")), max_size=8, unique=True)


@st.composite
def measured(draw: st.DrawFn) -> Credits:
    """Credits of any number of works, with some of equal size and some of unknown error."""
    works = tuple(draw(IDS))
    size = st.lists(NATS | st.sampled_from([0.0, 1.0, -1.0, 1e-10]), min_size=len(works), max_size=len(works))
    errors = st.lists(st.floats(0, 1e6) | st.just(math.nan), min_size=len(works), max_size=len(works))
    return Credits(draw(NATS), works, tuple(draw(size)), tuple(draw(errors)))


def attributed(credits: Credits, output: bytes = b"out", prompt: bytes = b"") -> Attribution:
    """The document, under an index of no importance."""
    return attribution_of(credits, output=output, prompt=prompt, method="m/1", index_digest="ab" * 32)


@given(measured())
def test_shares_and_the_rest_are_one(credits: Credits) -> None:
    """To the last part per billion, and none is negative."""
    document = attributed(credits)

    shares = [line.share_ppb for line in document.lines]
    assert min([*shares, document.unattributed_ppb]) >= 0
    assert sum(shares) + document.unattributed_ppb == PPB


@given(measured())
def test_a_larger_credit_never_has_a_smaller_share(credits: Credits) -> None:
    """And a credit that is not positive has none."""
    lines = attributed(credits).lines

    assert all(
        one.share_ppb >= other.share_ppb for one in lines for other in lines if one.credit_nanonats > other.credit_nanonats
    )
    assert all(line.share_ppb == 0 for line in lines if line.credit_nanonats <= 0)


@given(measured())
def test_a_share_is_the_credit_over_the_whole_of_the_output(credits: Credits) -> None:
    """The largest of log-ratio, positive and negative credits; exactly, but for less than one part per billion."""
    document = attributed(credits)
    positive = {line.work_id: max(line.credit_nanonats, 0) for line in document.lines}
    negative = sum(max(-line.credit_nanonats, 0) for line in document.lines)
    whole = max(document.log_ratio_nanonats, sum(positive.values()), negative)

    if document.log_ratio_nanonats > 0:
        for line in document.lines:
            assert abs(Fraction(positive[line.work_id] * PPB, whole) - line.share_ppb) < 1
    else:
        assert document.unattributed_ppb == PPB


@given(measured())
def test_lines_are_ranked_by_credit_then_id(credits: Credits) -> None:
    """Every work of the index has one, also those that made the output less likely."""
    lines = attributed(credits).lines

    assert [line.rank for line in lines] == list(range(1, len(lines) + 1))
    assert sorted(line.work_id for line in lines) == sorted(credits.work_ids)
    keys = [(-line.credit_nanonats, line.work_id) for line in lines]
    assert keys == sorted(keys)


@given(measured())
def test_credits_are_rounded_once_and_keep_their_sign(credits: Credits) -> None:
    """To the nearest nano-nat; their sum is the sum of what stands in the lines."""
    document = attributed(credits)
    given_credits = dict(zip(credits.work_ids, credits.credit_nats, strict=True))

    for line in document.lines:
        exact = Fraction(given_credits[line.work_id]) * 10**9
        slack = abs(exact) / 2**52  # of the one multiplication in double precision
        assert abs(exact - line.credit_nanonats) <= Fraction(1, 2) + slack
    assert document.credit_sum_nanonats == sum(line.credit_nanonats for line in document.lines)
    assert document.log_ratio_nanonats == nanonats(credits.log_ratio_nats)


@given(measured())
@example(Credits(1.0, (WorkId("w"),), (-0.25,), (math.nan,)))
def test_an_error_that_cannot_be_told_is_as_large_as_the_credit(credits: Credits) -> None:
    """And any other is the one that was measured."""
    errors = dict(zip(credits.work_ids, credits.error_nats, strict=True))

    for line in attributed(credits).lines:
        error = errors[line.work_id]
        assert line.error_nanonats == (abs(line.credit_nanonats) if math.isnan(error) else nanonats(error))


def test_an_example_by_hand() -> None:
    """Ten nats were learnt: two works and what no work explains; one pushed against it."""
    credits = Credits(10.0, tuple(map(WorkId, "abc")), (2.0, 5.0, -1.0), (0.5, math.nan, 0.0))

    document = attributed(credits)

    assert [(line.rank, line.work_id, line.share_ppb) for line in document.lines] == [
        (1, "b", 500_000_000),
        (2, "a", 200_000_000),
        (3, "c", 0),
    ]
    assert document.unattributed_ppb == 300_000_000
    assert [line.error_nanonats for line in document.lines] == [5 * 10**9, 5 * 10**8, 0]


def test_equal_credits_share_what_cannot_be_divided_by_id() -> None:
    """Three equal works: the odd part per billion goes to the first id, however they are given."""
    for works in (("a", "b", "c"), ("c", "b", "a")):
        lines = attributed(Credits(3.0, tuple(map(WorkId, works)), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))).lines

        assert [(line.work_id, line.share_ppb) for line in lines] == [
            ("a", 333_333_334),
            ("b", 333_333_333),
            ("c", 333_333_333),
        ]


@pytest.mark.parametrize("log_ratio", [0.0, -3.0, 1e-12])
def test_an_output_that_became_no_likelier_owes_nothing(log_ratio: float) -> None:
    """All of it is unattributed, and the signed credits still stand."""
    document = attributed(Credits(log_ratio, (WorkId("a"), WorkId("b")), (2.0, -5.0), (0.0, 0.0)))

    assert document.unattributed_ppb == PPB
    assert [line.credit_nanonats for line in document.lines] == [2 * 10**9, -5 * 10**9]


def test_an_index_without_a_positive_credit_leaves_all_unattributed() -> None:
    """Also where the output became likelier."""
    assert attributed(Credits(4.0, (WorkId("a"),), (-1.0,), (0.0,))).unattributed_ppb == PPB
    assert attributed(Credits(4.0, (), (), ())).unattributed_ppb == PPB


@given(
    st.dictionaries(st.sampled_from("abcdef").map(WorkId), st.integers(-(10**18), 10**18)), st.integers(-(10**18), 10**18)
)
def test_shares_can_be_recomputed_from_the_document(credits: dict[WorkId, int], log_ratio: int) -> None:
    """From integers alone, in any order."""
    shares = shares_of(credits, log_ratio)

    assert sum(shares.values()) == PPB
    assert shares == shares_of(dict(reversed(credits.items())), log_ratio)
    assert set(shares) == {*credits, UNATTRIBUTED}


@given(st.binary(), st.binary())
def test_a_document_names_its_output_by_digests(output: bytes, prompt: bytes) -> None:
    """Of the output, of the prompt, of the index; none of the bytes are kept."""
    credits = Credits(1.0, (WorkId("a"),), (1.0,), (0.0,))

    document = attributed(credits, output, prompt)

    assert document == attributed(credits, output, prompt)
    assert document.output_sha256 == sha256_bytes(output)
    assert document.prompt_sha256 == sha256_bytes(prompt)
    assert document.output_bytes == len(output)
    assert document.output_id == output_id_of(output, prompt, "ab" * 32)


def test_another_output_prompt_or_index_is_another_id() -> None:
    """The three never run into each other."""
    ids = {
        output_id_of(output, prompt, index)
        for output in (b"", b"x", b"xy")
        for prompt in (b"", b"x", b"xy")
        for index in ("ab" * 32, "cd" * 32)
    }

    assert len(ids) == 18
    assert all(name.startswith("output:") and len(name) == 31 for name in ids)

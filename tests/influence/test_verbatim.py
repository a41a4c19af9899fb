"""Passages in common: nothing that is long enough is missed, nothing is told that is not there, and places are right."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.influence.verbatim import LETTERS_MIN, Given, Passage, common_passages, folded, places
from endcredits.influence.verbatim.folding import folded_slowly
from endcredits.influence.verbatim.passages import common_with_each, covered, covered_other

ODD = "aAe\u0301\u00e9 \u00a0\n_\u2019\u201c\u2026\ufb01\u0308\u00df\u03a3\u03c2\ufdfa\u1100\u1161\u202e\x00=<4\u4e2d"
"""Letters that join, part, expand or turn when they are folded, and marks that are none."""

texts = st.text(alphabet=st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])))


@given(texts)
def test_folding_is_its_slow_twin(text: str) -> None:
    assert folded(text.encode()) == folded_slowly(text)
    kept = folded(text.encode()).decode()
    assert all(letter.isalnum() for letter in kept)


@given(st.binary())
def test_bytes_that_are_no_text_are_folded_like_their_replacements(data: bytes) -> None:
    assert folded(data) == folded_slowly(data.decode("utf-8", "replace"))


@given(texts)
def test_a_text_is_folded_word_by_word(text: str) -> None:
    assert b"".join(folded(found[0].encode()) for found in re.finditer(r"\S+", text)) == folded(text.encode())


def test_layout_punctuation_case_and_spelling_of_accents_do_not_count() -> None:
    written = "\u201cCaf\u00e9,\u201d she said -- \n  TWICE\u2026"
    assert folded(written.encode()) == folded(unicodedata.normalize("NFD", "CAFE\u0301 she SAID twice").encode())


def longest_slowly(one: bytes, other: bytes) -> int:
    """The length of the longest passage in common, by the definition."""
    best, before = 0, [0] * (len(other) + 1)
    for left in one:
        row = [0]
        for number, right in enumerate(other):
            row.append(before[number] + 1 if left == right else 0)
        best, before = max(best, *row), row
    return best


@given(
    st.lists(
        st.sampled_from([b"moonlit harbour ", b"salt and rope and tar ", b"ab" * 30, b"x", b"the gulls cried "]), max_size=9
    ),
    st.lists(
        st.sampled_from([b"moonlit harbour ", b"salt and rope and tar ", b"ab" * 30, b"yy", b"the gulls cried "]), max_size=9
    ),
)
def test_the_longest_passage_is_found_and_every_passage_is_one(left: list[bytes], right: list[bytes]) -> None:
    one, other = folded(b"".join(left)), folded(b"".join(right))
    if len(one) < LETTERS_MIN:
        return
    (found,) = common_passages([Given(one)], other)
    longest = longest_slowly(one, other)
    assert max((passage.length for passage in found), default=0) == (longest if longest >= LETTERS_MIN else 0)
    for passage in found:
        mine, theirs = one[passage.given_start :], other[passage.start :]
        assert mine[: passage.length] == theirs[: passage.length]
        assert mine[passage.length : passage.length + 1] != theirs[passage.length : passage.length + 1] or not (
            mine[passage.length :] and theirs[passage.length :]
        )


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_a_passage_of_the_least_length_is_found_wherever_it_stands(shift: int) -> None:
    passage = b"thesaltroadledthemulesdowntothewellatnightbyacandle"[:LETTERS_MIN]
    other = b"z" * shift + passage + b"q" * 50
    assert common_passages([Given(b"k" * 7 + passage + b"m" * 9)], other) == [[Passage(LETTERS_MIN, 7, shift)]]
    assert common_passages([Given(b"k" * 7 + passage[:-1] + b"m" * 9)], other) == [[]]


def test_a_short_text_is_found_whole_or_not_at_all() -> None:
    other = folded(b"It was a bright cold day in April, and the clocks were striking thirteen.")
    phrase, part, nothing = (Given(folded(one)) for one in (b"a bright, cold day", b"a bright cold night", b"..."))
    assert common_passages([phrase, part, nothing], other) == [[Passage(14, 0, 5)], [], []]


def test_repetitions_end_soon_and_are_found() -> None:
    (found,) = common_passages([Given(b"a" * 100_000)], b"a" * 90_000)
    assert found[0].length == 90_000
    rows = b"name,value,name,value".replace(b",", b"") * 5_000
    (found,) = common_passages([Given(rows)], b"x" * 100 + rows)
    assert found[0].length == len(rows)


pieces = st.lists(st.sampled_from([b"moonlitharbour", b"saltandropeandtar" * 3, b"ab" * 30, b"x"]), max_size=6).map(b"".join)


@given(st.lists(pieces, max_size=5), st.lists(pieces, min_size=1, max_size=3))
def test_several_texts_at_once_are_compared_as_each_alone(texts: list[bytes], wanted: list[bytes]) -> None:
    given_texts = [Given(one) for one in wanted]
    together = common_with_each(given_texts, texts)
    alone = [common_passages(given_texts, text) for text in texts]
    for left, right in zip(together, alone, strict=True):
        for one, other, text in zip(left, right, wanted, strict=True):
            assert [passage.length for passage in one][:1] == [passage.length for passage in other][:1]
            assert covered(one) == covered(other) or len(text) >= LETTERS_MIN
            assert len(one) == len(other) or len(text) >= LETTERS_MIN


def test_what_is_covered_is_counted_once() -> None:
    several = [Passage(50, 0, 100), Passage(60, 20, 400), Passage(50, 500, 110)]
    assert covered(several) == 80 + 50
    assert covered_other(several) == 60 + 60
    assert covered([]) == 0


@given(st.lists(texts.filter(str.strip), min_size=1, max_size=6), st.data())
def test_a_place_holds_the_passage(words: list[str], data: st.DataObject) -> None:
    text = " ".join(words)
    whole = folded(text.encode())
    if not whole:
        return
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start + 1, len(whole)))
    (place,) = places(text.encode(), [(start, stop)])
    assert whole[start:stop] in folded(place.words.encode())
    assert text[place.start : place.stop] == place.words
    assert place.line == text[: place.start].count("\n") + 1

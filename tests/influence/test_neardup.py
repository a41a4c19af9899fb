"""Near duplicates: found when edited a little, told apart when merely alike, and the same by comparing all pairs."""

from __future__ import annotations

import itertools
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from endcredits.ids import WorkId
from endcredits.influence.neardup import clusters, near_pairs, shingles
from endcredits.influence.neardup.pairs import _SEEDS, RESEMBLANCE_MIN_PPB, _minima, compared
from endcredits.influence.neardup.shingles import mixed
from endcredits.money import PPB

WORDS = tuple("river stone lantern winter harbour silver meadow letter garden thunder window bread".split())  # noqa: SIM905


def text(seed: int, words: int = 400) -> str:
    return " ".join(f"{draw.choice(WORDS)}{draw.randrange(1000)}" for draw in [random.Random(seed)] for _ in range(words))


def edited(original: str, part: float, seed: int = 7) -> str:
    draw = random.Random(seed)
    return " ".join("other" if draw.random() < part else word for word in original.split())


def test_layout_case_and_punctuation_make_no_difference():
    assert np.array_equal(shingles(b"The River,  ran on;\r\nand ON."), shingles(b"the river ran on AND on"))
    assert np.array_equal(
        shingles("\ufb01nal caf\u00e9 noir on ice".encode()), shingles("final cafe\u0301 noir on ice".encode())
    )


def test_short_and_empty_texts():
    assert shingles(b"ox").size == 1
    assert shingles(b" ...!").size == 0
    assert near_pairs({WorkId("a"): b"...", WorkId("b"): b"..."}) == ()
    assert len(near_pairs({WorkId("a"): b"ox", WorkId("b"): b"Ox!"})) == 1


def test_an_edited_copy_is_found_and_another_work_is_not():
    works = {WorkId("original"): text(1), WorkId("copy"): edited(text(1), 0.05), WorkId("stranger"): text(2)}
    (pair,) = near_pairs({work: words.encode() for work, words in works.items()})
    assert (pair.first, pair.second) == ("copy", "original")
    assert RESEMBLANCE_MIN_PPB < pair.resemblance_ppb < PPB


def test_an_anthology_contains_a_work_and_does_not_resemble_it():
    parts = [text(seed) for seed in range(4)]
    works = {WorkId("poem"): parts[0].encode(), WorkId("anthology"): "\n".join(parts).encode()}
    assert near_pairs(works) == ()
    found = compared(WorkId("anthology"), WorkId("poem"), {work: shingles(data) for work, data in works.items()})
    assert found.containment_ppb > 950_000_000 > 300_000_000 > found.resemblance_ppb


def test_candidates_miss_nothing_that_all_pairs_find():
    works = {WorkId(f"w{n:02d}"): edited(text(n // 3), 0.02 * (n % 3), n).encode() for n in range(30)}
    sets = {work: shingles(data) for work, data in works.items()}
    slow = {
        pair
        for one, other in itertools.combinations(sorted(works), 2)
        if (pair := compared(one, other, sets)).resemblance_ppb >= RESEMBLANCE_MIN_PPB
    }
    assert set(near_pairs(works)) == slow
    assert len(slow) == 30


@given(st.binary(min_size=1, max_size=200))
def test_minima_are_those_of_one_scrambling_after_the_other(data):
    found = shingles(b"a" + data)
    assert _minima(found).tolist() == [int(mixed(found ^ seed).min()) for seed in _SEEDS]


@given(st.binary(max_size=200))
def test_any_bytes_have_shingles(data):
    found = shingles(data)
    assert np.array_equal(found, np.unique(found))


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12), st.randoms())
def test_clusters_do_not_depend_on_the_order_of_pairs(links, draw):
    names = [WorkId(f"w{n}") for n in range(8)]
    pairs = [(names[a], names[b]) for a, b in links]
    found = clusters(names, pairs)
    draw.shuffle(pairs)
    assert clusters(reversed(names), pairs) == found
    assert all(found[one] == found[other] for one, other in pairs)
    assert all(min(w for w in names if found[w] == cluster) == cluster for cluster in found.values())

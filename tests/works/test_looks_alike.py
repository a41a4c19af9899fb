"""Excluded files are found again by bytes, letters and codes; the fast search and the obvious one agree."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works import looks_alike
from endcredits.works.looks_alike import BITS, NEAR_BITS, Excluded, Likeness, Print, letters_digest, nearest_slowly

KINDS = sorted(NEAR_BITS)


def flipped(code: bytes, count: int, seed: int = 0) -> bytes:
    """A code with so many bits changed."""
    bits = int.from_bytes(code)
    for place in random.Random(seed).sample(range(BITS), count):
        bits ^= 1 << place
    return bits.to_bytes(BITS // 8)


def code(seed: int) -> bytes:
    return random.Random(seed).randbytes(BITS // 8)


@st.composite
def some_prints(draw: st.DrawFn) -> list[Print]:
    """Files that share bytes, letters and codes, or nearly."""
    found = []
    for number in range(draw(st.integers(0, 8))):
        kinds = draw(st.lists(st.sampled_from(KINDS), unique=True, max_size=3))
        codes = tuple((kind, flipped(code(draw(st.integers(0, 2))), draw(st.integers(0, 80)), number)) for kind in kinds)
        sha256, letters = draw(st.sampled_from(["", "s1", "s2"])), draw(st.sampled_from(["", "t1"]))
        found.append(Print(sha256, letters, codes, f"work:{draw(st.integers(0, 3))}"))
    return found


@given(some_prints(), some_prints(), st.integers(1, 40))
def test_the_fast_search_is_the_slow_one(excluded: list[Print], wanted: list[Print], at_once: int) -> None:
    """Whatever is compared at once, and in whatever order the excluded stand."""
    before, looks_alike.AT_ONCE = looks_alike.AT_ONCE, at_once
    try:
        fast = Excluded(excluded).alike(wanted)
    finally:
        looks_alike.AT_ONCE = before
    assert fast == [nearest_slowly(one, excluded) for one in wanted]
    assert fast == Excluded(reversed(excluded)).alike(wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_near_ends_at_its_limit(kind: str) -> None:
    limit, excluded = NEAR_BITS[kind], Excluded([Print("s", codes=((kind, code(1)),), owner="work:no")])
    for bits in (0, limit, limit + 1):
        (found,) = excluded.alike([Print("o", codes=((kind, flipped(code(1), bits)),))])
        assert found == ((Likeness("work:no", "s", kind, bits, "o"),) if bits <= limit else ())
    other = KINDS[KINDS.index(kind) - 1]
    assert excluded.alike([Print("o", codes=((other, code(1)),))]) == [()], "codes compare with their own kind"


def test_the_strictest_likeness_is_told() -> None:
    """Equal bytes before equal letters before near codes; one line for each owner."""
    near = flipped(code(1), 3)
    no = Print("s", "t", (("text", code(1)),), "work:no")
    excluded = Excluded([no, replace(no, sha256="other", letters_sha256=""), replace(no, owner="work:also")])

    assert [one.by for one in excluded.alike([Print("s", "t", (("text", near),))])[0]] == ["bytes", "bytes"]
    found = excluded.alike([Print("x", "t", (("text", near),))])[0]
    assert [(one.owner, one.by) for one in found] == [("work:also", "letters"), ("work:no", "letters")]
    (first, _) = excluded.alike([Print("x", "u", (("text", near),))])[0]
    assert first.words() == "the content codes of the texts differ in 3 of 256 bits"
    assert len(Excluded([])) == 0 and Excluded([]).alike([no]) == [()]


def test_a_text_too_short_has_no_digest() -> None:
    assert letters_digest("a, b! c?" * 6) == "" != letters_digest("a, b! c?" * 7)
    assert letters_digest("Some words, as they are") == letters_digest("SOME\nwords as théy are...")
    assert letters_digest("half a character \ud800 is no harm at all") != ""

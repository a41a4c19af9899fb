"""Colours can be told apart and read on, and nothing from outside can act on a page or a terminal."""

from __future__ import annotations

from itertools import combinations

import pytest

from endcredits.flows.palette import (
    AGAINST_COLOUR,
    COLOURS,
    FOR_COLOUR,
    INK,
    OTHER,
    contrast_ratio,
    escaped,
    printable,
    readable,
    signs,
    tint,
)


def seen(colour: str, matrix: tuple[tuple[float, float, float], ...]) -> tuple[float, ...]:
    """A colour as somebody sees it who lacks one kind of cone, in linear light."""
    linear = [(int(colour[start : start + 2], 16) / 255) ** 2.2 for start in (1, 3, 5)]
    return tuple(sum(weight * part for weight, part in zip(row, linear, strict=True)) for row in matrix)


PROTAN = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTAN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
"""Severity 1 of Machado, Oliveira and Fernandes (2009)."""


@pytest.mark.parametrize("matrix", [PROTAN, DEUTAN], ids=["without red cones", "without green cones"])
def test_colours_are_told_apart_by_the_colour_blind(matrix: tuple[tuple[float, float, float], ...]) -> None:
    """Any two creators' colours, grey among them, and for and against."""
    pairs = [*combinations((*COLOURS, OTHER), 2), (FOR_COLOUR, AGAINST_COLOUR)]
    for one, other in pairs:
        apart = sum((a - b) ** 2 for a, b in zip(seen(one, matrix), seen(other, matrix), strict=True)) ** 0.5
        assert apart > 0.1, (one, other)


def test_letters_can_be_read_on_every_colour_and_tint() -> None:
    """4.5 to 1 and better (WCAG 2.2, level AA); the known ends of the scale first."""
    assert contrast_ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast_ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    for colour in (*COLOURS, OTHER):
        for strength in (0.3, 0.65, 1.0):
            assert contrast_ratio(tint(colour, strength), INK) >= 4.5
    assert (tint("#102030", 1), tint("#102030", 0)) == ("#102030", "#ffffff")


def test_every_name_has_a_letter_of_its_own() -> None:
    """Also where colours have run out."""
    found = signs(f"name {number}" for number in range(40))
    assert len({sign.letter for sign in found.values()}) == 40
    assert [sign.colour for sign in found.values()][:7] == [*COLOURS, OTHER]
    assert found["name 39"].letter == "AN" and list(signs("aab")) == ["a", "b"]


def test_what_comes_from_outside_cannot_act() -> None:
    """Neither on a terminal nor on a page; letters of all scripts stay."""
    assert printable("a\x1b[2Jb\u202ec\n") == "a\ufffd[2Jb\ufffdc\n" and printable("שיר é 歌") == "שיר é 歌"
    assert readable(b"\xff<\x00") == "\ufffd<\ufffd" and escaped("<b title='\">&") == "&lt;b title=&#x27;&quot;&gt;&amp;"

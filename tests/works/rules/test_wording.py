"""Generic wordings are found however they are written; particular ones pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works.rules import shipped_pack
from endcredits.works.rules.wording import fold, is_blank, is_specific

PHRASES = shipped_pack().generic_phrases


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "\u200b\u2060\ufeff",
        "voice lines",
        "TBD",
        "any and all media, all purposes",
        "ANY  and\nALL media, in every episode of the first season of the series",
        "A voice for the trailer and any\u200b and a\u00adll media that may ever follow from it",
        "\uff21\uff4e\uff59 \uff41\uff4e\uff44 \uff41\uff4c\uff4c media of the second series in all its parts",
        "\u00c1ny \u00e1nd \u00e1ll media of the second series in all of its many parts",
        "Used in any\u2014and\u2014all media of the second series and of its many parts",
        "word word word word word word word word",
        "- - - - - - - -",
    ],
)
def test_what_says_nothing(text: str) -> None:
    assert not is_specific(text, PHRASES)


@pytest.mark.parametrize(
    "text",
    [
        "Two lines of dialogue in episode four, spoken over the telephone scene",
        "Neunzig Sekunden Stimme für den Trailer des Films",
        "第四話の電話の場面で二行の台詞を話す",
        "Company anthem sung by all mediators of the finale",  # "all mediators" is not "all media"
    ],
)
def test_what_says_something(text: str) -> None:
    assert is_specific(text, PHRASES)


@given(st.text())
def test_no_text_breaks_it_and_folding_is_done_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert not (is_blank(text) and is_specific(text, PHRASES))


@given(st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_one_more_phrase_never_helps(text: str, phrases: list[str]) -> None:
    assert is_specific(text, PHRASES) or not is_specific(text, [*PHRASES, *phrases])


@pytest.mark.parametrize(("text", "blank"), [("", True), ("\u200b \n", True), ("\u202e", True), ("x", False), ("0", False)])
def test_blank(text: str, blank: bool) -> None:
    assert is_blank(text) is blank

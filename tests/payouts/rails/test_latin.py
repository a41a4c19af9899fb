"""Texts for banks: rewritten in sight, never dropped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from endcredits.payouts.rails.latin import SEPA_LATIN, latin, unspellable


def test_known_spellings() -> None:
    """Accents, ligatures, Greek and Cyrillic, signs."""
    said = {
        "Strauß & Söhne": "Strauss + Sohne",
        "Þóra Ævarsdóttir": "THora AEvarsdottir",
        "Łódź": "Lodz",
        "Юлия Щукина": "Yuliya Shtukina",
        "Γιώργος": "Giorgos",
        "O’Neill": "O'Neill",  # noqa: RUF001
        "a|b\\c⁄d": "a/b/c/d",  # noqa: RUF001
        "ﬁ": "fi",
        "I\u0307stanbul": "Istanbul",
        "plain": "plain",
    }

    assert {name: latin(name) for name in said} == said
    assert all(unspellable(name) == "" for name in said)


def test_what_has_no_spelling_is_visible() -> None:
    """And told beforehand."""
    assert latin("山田 Taro") == "?? Taro"
    assert unspellable("山田 Taro?") == "山田"


@given(st.text())
def test_every_character_leaves_a_mark(text: str) -> None:
    """Only accents that stand alone may vanish."""
    written = latin(text)

    assert set(written) <= SEPA_LATIN
    assert bool(written) >= any(mark.isalnum() for mark in text)

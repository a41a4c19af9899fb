"""Roles: a closed list of codes, CWR's letters among them, and words for the screen."""

import pytest

from endcredits.works.shares.roles import PUBLISHER_ROLES, ROLES, WRITER_ROLES, credit_line, is_known, role_code


def test_every_code_is_its_own_and_has_words() -> None:
    assert all(role_code(code) == role_code(code.upper()) == code and is_known(code) for code in ROLES)
    assert set(WRITER_ROLES.values()) | set(PUBLISHER_ROLES.values()) <= set(ROLES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("sub-publisher", "SubPublisher"),
        ("composer lyricist", "ComposerLyricist"),
        ("TRANSLATOR", "Translator"),
        ("writer", "Author"),
        ("  Foley\n walker ", "Foley walker"),
        ("", ""),
    ],
)
def test_spellings(text: str, code: str) -> None:
    assert role_code(text) == code


def test_credits_read_as_they_are_meant() -> None:
    assert credit_line("Translator", "Tara Lin (into English)") == "Translated by Tara Lin (into English)"
    assert credit_line("author", "Ada Quill") == "Written by Ada Quill"
    assert credit_line("<b>Boss</b>", "=1+1") == "<b>Boss</b>: =1+1"

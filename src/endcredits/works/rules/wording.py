"""Whether words say something: a screen for empty and generic descriptions of uses.

"Any and all media, all purposes" describes nothing. The screen folds away what hides such a wording (letter case, width,
accents, invisible characters, line breaks), looks for the phrases of the pack, and asks for at least `UNITS_MIN` different
words; in scripts without spaces each character counts as a word. It can only find fault: a description that passes may
still be too vague for a court.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

UNITS_MIN = 5
"""Different words that a description has at least."""

_UNIT = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")


def fold(text: str) -> str:
    """A text as it is compared: compatible letters made one, small, without accents, invisible characters or marks.

    >>> fold("  ANY\\u200b and\\n\\u00e1ll\\uff0c MEDIA ")
    'any and all media'
    """
    apart = unicodedata.normalize("NFKD", text).casefold()
    seen = "".join(
        letter for letter in apart if unicodedata.category(letter) not in ("Cf", "Mn", "Cc") or letter in "\n\r\t"
    )
    return " ".join(_UNIT.findall(seen))


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: empty, spaces, invisible or control characters alone."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


def is_specific(text: str, phrases: Iterable[str]) -> bool:
    """Whether a description passes the screen.

    Args:
        text: the description.
        phrases: wordings that say nothing, such as "any and all media".
    """
    folded = fold(text)
    padded = f" {folded} "
    if any(f" {fold(phrase)} " in padded for phrase in phrases):
        return False
    return len(set(folded.split())) >= UNITS_MIN

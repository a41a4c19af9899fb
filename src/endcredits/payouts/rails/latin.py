"""Names for banks that read Latin letters alone: what is rewritten is said, and nothing disappears.

SEPA's basic set is the letters A to Z and a to z, the digits, the space and / - ? : ( ) . , ' + (EPC217-08). An accent is
taken off (é to e), a letter with an agreed spelling is spelt (ß to ss, Ж to Zh), a sign with a near one becomes it
(& to +), and what has none becomes a question mark, which anybody can see. `unspellable` tells such names beforehand, so
that nobody sends "????" to a bank.
"""

# ruff: noqa: RUF001 (the marks that look like others are the subject here)
from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

SEPA_LATIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
"""The characters that every bank in SEPA must take."""

_PAIRS = (
    "ß ss|ẞ SS|æ ae|Æ AE|œ oe|Œ OE|ø o|Ø O|ł l|Ł L|đ d|Đ D|ð d|Ð D|þ th|Þ TH|ħ h|Ħ H|ı i|ĸ k|ŋ ng|Ŋ NG|ŧ t|Ŧ T|& +|_ -|; ,|"
    "@ (at)|* .|! .|= -|% .|# .|~ -|\" '|` '|´ '|‘ '|’ '|“ '|” '|„ '|« '|» '|‐ -|‑ -|– -|— -|… ...|· .|[ (|] )|{ (|} )|< (|"
    "> )|| /|\\ /|€ E|⁄ /|$ USD|£ GBP|"
    "α a|β v|γ g|δ d|ε e|ζ z|η i|θ th|ι i|κ k|λ l|μ m|ν n|ξ x|ο o|π p|ρ r|σ s|ς s|τ t|υ y|φ f|χ ch|ψ ps|ω o|"
    "а a|б b|в v|г g|д d|е e|ж zh|з z|и i|й y|к k|л l|м m|н n|о o|п p|р r|с s|т t|у u|ф f|х h|ц ts|ч ch|ш sh|щ sht|ъ a|ы y|"
    "ь y|э e|ю yu|я ya|є ie|і i|ї i|ґ g"
)


def _table() -> dict[str, str]:
    table = {}
    for pair in _PAIRS.replace("| /", "\x00 /").split("|"):
        mark, _, spelling = pair.replace("\x00", "|").partition(" ")
        table[mark] = spelling
        if mark.isalpha() and mark.upper() != mark and len(mark.upper()) == 1:
            table.setdefault(mark.upper(), spelling.capitalize())
    return table


_SPELLINGS = _table()


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text that stands in a file otherwise than it was given.

    Attributes:
        payment_id: the payment that it belongs to, "" for the payer's own.
        field: which text.
        original: as it was given.
        written: as it stands in the file.
    """

    payment_id: str
    field: str
    original: str
    written: str


@functools.lru_cache(maxsize=4096)
def latin(text: str) -> str:
    """A text in SEPA's basic characters.

    >>> latin("Zoë & Søn, Łódź"), latin("Жук"), latin("山")
    ('Zoe + Son, Lodz', 'Zhuk', '?')
    """
    return text if SEPA_LATIN.issuperset(text) else "".join(_spelt(mark) for mark in text)


def unspellable(text: str) -> str:
    """The characters of a text that have no Latin spelling; "" when it can be written."""
    return "".join(mark for mark in text if mark != "?" and _spelt(mark) == "?")


@functools.lru_cache(maxsize=4096)
def _spelt(mark: str) -> str:
    if mark in SEPA_LATIN:
        return mark
    if mark in _SPELLINGS:
        return _SPELLINGS[mark]
    if unicodedata.combining(mark):
        return ""  # an accent that stands by itself belongs to the letter before it
    whole = unicodedata.normalize("NFKD", mark)
    spelt = "".join("" if unicodedata.combining(part) else _spelt(part) for part in whole) if whole != mark else ""
    return spelt or "?"

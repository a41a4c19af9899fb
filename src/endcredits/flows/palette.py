"""Colours and letters by which people in a text are told apart.

The colours are those of Okabe and Ito (2008), which the common kinds of colour blindness tell apart, less the two that are
too dark to carry dark letters. A colour never stands alone: every creator has a letter too, and past the seventh all share
grey. What comes from outside is made fit to print here: no control character, nothing that turns the direction of a line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

COLOURS = ("#e69f00", "#56b4e9", "#00a879", "#f0e442", "#cc79a7", "#e8743b")
"""Orange, sky blue, bluish green, yellow, reddish purple, vermilion; the third and the last a little lighter than theirs."""
OTHER = "#b8b8b8"
INK = "#111111"
"""What is written on any of them."""
FOR_COLOUR, AGAINST_COLOUR = "#4292c6", "#d5733f"
"""Credit for a text and against it: blue up, orange down."""
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class Sign:
    """How a creator is marked.

    Attributes:
        letter: "A", "B", ... "Z", "AA", ...
        colour: "#rrggbb".
    """

    letter: str
    colour: str


def signs(names: Iterable[str]) -> dict[str, Sign]:
    """A letter for each name in its order, and a colour for the first six; others are grey."""
    return {
        name: Sign(_letters(number), COLOURS[number] if number < len(COLOURS) else OTHER)
        for number, name in enumerate(dict.fromkeys(names))
    }


def _letters(number: int) -> str:
    """0 is A, 25 is Z, 26 is AA.

    >>> [_letters(number) for number in (0, 25, 26, 701)]
    ['A', 'Z', 'AA', 'ZZ']
    """
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters


def tint(colour: str, strength: float) -> str:
    """A colour mixed with white: 1 is the colour, 0 is white."""
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * strength):02x}" for part in parts)


def contrast_ratio(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21; text should have 4.5 (WCAG 2.2)."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    values = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def printable(text: str) -> str:
    """Text from outside that can neither move a cursor nor turn a line around."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def readable(text: bytes) -> str:
    """The same from bytes that may not be UTF-8."""
    return printable(text.decode("utf-8", "replace"))


def escaped(text: str) -> str:
    """The same for a page."""
    return html.escape(printable(text))


def attributes(values: Mapping[str, object]) -> str:
    """HTML or SVG attributes, escaped."""
    return "".join(f' {name}="{escaped(str(value))}"' for name, value in values.items())

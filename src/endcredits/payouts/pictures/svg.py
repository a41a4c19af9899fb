"""Small parts that all pictures share: escaping, numbers, and the colours."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from endcredits.payouts.view import shown

FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a picture, each "#rrggbb".

    Attributes:
        ink: of text and lines.
        faint: of less important text; at least 4.5 to 1 against the paper (WCAG 2.2).
        paper: behind everything.
        bars: of the columns, from left to right; light enough for nothing to be hidden, dark enough to be seen in grey.
        commons: of what nobody can be credited for.
        held: of what is held back or disputed.
    """

    ink: str = "#1a1a1a"
    faint: str = "#595959"
    paper: str = "#ffffff"
    bars: tuple[str, ...] = ("#2f4b5c", "#476b7d", "#648a99", "#83a5ad", "#a3bcbf")
    commons: str = "#8a8a8a"
    held: str = "#c2703d"


def escaped(text: str) -> str:
    """Words from outside for SVG and HTML: nothing that cannot be seen, and no markup."""
    return html.escape(shown(text))


def tag(name: str, values: Mapping[str, object], inside: str | None = None) -> str:
    """An element with escaped attributes; `inside` is markup already."""
    head = f"<{name}" + "".join(f' {key}="{html.escape(str(value))}"' for key, value in values.items())
    return f"{head}/>" if inside is None else f"{head}>{inside}</{name}>"


def number(value: float) -> str:
    """A coordinate, short and always spelt the same.

    >>> number(1.0), number(2.345), number(-0.0)
    ('1', '2.35', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def width_of(text: str) -> int:
    """Roughly how many half-width cells a text takes; wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def shortened(text: str, cells: int) -> str:
    """A text cut to so many cells, with an ellipsis where something is left out.

    >>> shortened("Wuthering Heights", 10)
    'Wuthering…'
    """
    text = shown(text)
    if width_of(text) <= cells:
        return text
    while text and width_of(text) >= cells:
        text = text[:-1]
    return f"{text.rstrip()}…"


def short(amount: str) -> str:
    """An amount with two decimals at most, and none where it is large: cut and not rounded, for beside a bar.

    >>> short("776.831502"), short("1,042,843.43")
    ('776.83', '1,042,843')
    """
    whole, _, decimals = amount.partition(".")
    return whole if len(whole) > 8 else f"{whole}.{decimals[:2]}"

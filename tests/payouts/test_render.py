"""Statements for people show every number, and words from outside stay words."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from endcredits.money import format_micros
from endcredits.payouts import Statement, format_percent, statement_html, statement_markdown
from endcredits.payouts.render import STANDING, markdown_text

from .makers import ordinary

NASTY = [
    'O\'Hara "Quote" & Söhne',
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "村上 春樹",
    "محمود درويش",
    "\u202eevil\u202c",
    "a | b `c` [d](http://e) **f** # g",
    "two\nlines\r\n- item",
]


class Reader(HTMLParser):
    """What a browser would make of a page: its tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes a tag, which must be the last opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Notes text."""
        self.text.append(data)


def named(words: str) -> Statement:
    """A statement whose payee and titles are these words."""
    one = ordinary()[0]
    return replace(one, payee=words, lines=tuple(replace(line, title=words) for line in one.lines))


@pytest.mark.parametrize("words", NASTY)
def test_html_shows_outside_words_as_they_are(words: str) -> None:
    """Quotes, markup, templates and other scripts appear literally, isolated, and add no tag."""
    page = Reader(statement_html(named(words)))

    assert page.tags == Reader(statement_html(named("plain"))).tags
    assert page.open == []
    assert "".join(page.text).count(words) == 2 + len(ordinary()[0].lines)
    assert (
        statement_html(named(words)).count(
            f"<bdi>{html.escape(words).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')}</bdi>"
        )
        == 3
    )


def test_html_shows_every_number() -> None:
    """Balances, shares, splits, amounts, reasons and digests."""
    for one in ordinary():
        text = " ".join("".join(Reader(statement_html(one)).text).split())
        shown = [
            one.opening_balance_micros,
            one.earned_micros,
            one.closing_balance_micros,
            one.payable_micros,
            one.carried_over_micros,
            one.payout_threshold_micros,
        ]
        shown += [number for line in one.lines for number in (line.work_amount_micros, line.amount_micros)]
        assert all(format_micros(number) in text for number in shown)
        assert all(format_percent(line.share_ppb) in text and line.reason in text for line in one.lines)
        assert all(name in text for name in (one.policy_digest, one.close_digest, one.entry_id, one.statement_id))


def test_html_needs_nothing_from_elsewhere() -> None:
    """No script, no link, no picture, no address."""
    page = statement_html(ordinary()[0])

    assert not {"script", "link", "img", "iframe", "a"} & set(Reader(page).tags)
    assert not re.search(r"https?:|url\(|@import", page)
    assert ("charset", "utf-8") in Reader(page).attributes


def test_a_statement_without_lines_says_so() -> None:
    """In both forms."""
    idle = replace(ordinary()[0], lines=())

    assert "Nothing was earned in this period." in statement_html(idle)
    assert "Nothing was earned in this period." in statement_markdown(idle)


def cells(row: str) -> list[str]:
    """The cells of a Markdown table row: bars that are not escaped divide."""
    return re.split(r"(?<!\\)\|", row)[1:-1]


@pytest.mark.parametrize("words", NASTY)
def test_markdown_keeps_its_shape_whatever_the_names(words: str) -> None:
    """As many lines and cells as with plain words, and no raw markup of theirs."""
    plain = statement_markdown(named("plain")).split("\n")

    lines = statement_markdown(named(words)).split("\n")

    assert len(lines) == len(plain)
    for line, expected in zip(lines, plain, strict=True):
        if expected.startswith("|"):
            assert len(cells(line)) == len(cells(expected))
    assert "<script>" not in "\n".join(lines)
    assert "\u202e" not in "\n".join(lines)


def test_markdown_shows_every_number() -> None:
    """Balances, lines, reasons and digests."""
    one = ordinary()[1]

    text = statement_markdown(one)

    assert f"| **Closing balance** | {format_micros(one.closing_balance_micros)} |" in text
    assert f"| **Sum** | | | | | | **{format_micros(one.earned_micros)}** |" in text
    assert all(format_micros(line.amount_micros) in text and markdown_text(line.reason) in text for line in one.lines)
    assert all(name in text for name in (one.policy_digest, one.close_digest, one.entry_id, one.statement_id))


def test_text_from_right_to_left_is_isolated() -> None:
    """So that the numbers beside it keep their order; other text gets no invisible marks."""
    assert markdown_text("محمود") == "\u2068محمود\u2069"
    assert markdown_text("Emily Brontë 村上") == "Emily Brontë 村上"


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("# Heading", r"\# Heading"),
        ("- item", r"\- item"),
        ("1. first", r"1\. first"),
        ("12) twelfth", r"12\) twelfth"),
        ("=== line", r"\=== line"),
        ("Jean-Paul (2026) + 1!", "Jean-Paul (2026) + 1!"),
        ("[a](b) <i> & \\", r"\[a\](b) \<i\> \& \\"),
    ],
)
def test_markdown_escapes_what_means_something_and_nothing_else(words: str, written: str) -> None:
    """At the start of a line and inside it."""
    assert markdown_text(words) == written


@pytest.mark.parametrize(("opening", "said"), [(1, True), (0, False), (-1, False)])
def test_what_is_payable_again_is_said_to_be_so(opening: int, said: bool) -> None:
    """Where something was owed before, both forms warn against adding up statements."""
    one = replace(ordinary()[0], opening_balance_micros=opening)

    assert (STANDING in statement_markdown(one), STANDING in statement_html(one)) == (said, said)

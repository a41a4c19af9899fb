"""Statements for people show every number, and words from outside stay words."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.money import format_micros
from endcredits.payouts import Standing, Statement, format_percent
from endcredits.payouts.render import markdown_text, statement_html, statement_markdown
from endcredits.payouts.view import shown, view

from .makers import earning, issue, ordinary

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
    """A statement whose payee, titles and identifiers are these words."""
    one = ordinary()[0]
    lines = tuple(replace(line, title=words, identifiers=((words, words),)) for line in one.lines)
    return replace(one, payee=words, issuer=words, blocked=(words,), lines=lines)


@given(st.sampled_from(NASTY) | st.text(min_size=1))
def test_html_shows_outside_words_as_they_are(words: str) -> None:
    """Quotes, markup, templates and other scripts appear literally, isolated, and add no tag."""
    html = statement_html(named(words))

    page = Reader(html)

    assert page.tags == Reader(statement_html(named("plain"))).tags
    assert page.open == []
    if shown(words):
        assert "".join(page.text).count(shown(words)) >= 2 + len(ordinary()[0].lines)
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x08]", html)


def test_amounts_read_plainly_in_markdown() -> None:
    """Wherever an amount stands, no backslash stands in it."""
    for one in ordinary():
        assert not re.search(r"\d\\[.,)]", statement_markdown(one))


def numbers(one: Statement) -> list[str]:
    """Every amount of a statement as people read it."""
    money = [abs(getattr(one.summary, name)) for name in one.summary.__dataclass_fields__]
    lines = [number for line in one.lines for number in (line.work_micros, line.amount_micros)]
    return [format_micros(number) for number in money + lines + [one.control_micros]]


@pytest.mark.parametrize("form", [statement_html, statement_markdown])
def test_every_form_shows_every_number(form) -> None:  # type: ignore[no-untyped-def]
    """Balances, shares, splits, amounts, reasons, dates and digests."""
    for one in ordinary():
        page = form(one)
        text = " ".join("".join(Reader(page).text).split()) if form is statement_html else page.replace("\\", "")
        assert all(number in text for number in numbers(one))
        assert all(format_percent(line.share_ppb) in text and line.reason in text for line in one.lines)
        for name in (one.policy_digest, one.close_digest, one.lines_digest, one.entry_ids[0], one.statement_id):
            assert name in text
        assert one.audit_until in text and one.dispute in text and one.contact in text
        assert all(pool.usage_from in text for pool in one.pools)


@pytest.mark.parametrize("form", [statement_html, statement_markdown])
def test_an_estimate_says_so_and_a_final_one_does_not(form) -> None:  # type: ignore[no-untyped-def]
    """In its heading and beside it."""
    final, estimate = form(ordinary()[0]), form(replace(ordinary()[0], kind="estimate"))

    assert "estimate" not in final.lower().replace("estimates are", "")
    assert "ESTIMATE of 2026-12-05" in estimate and "Estimate for" in estimate
    assert "owed or payable yet" in estimate
    if form is statement_html:  # again in the head of the lines, which stands on every printed sheet
        assert estimate.count("ESTIMATE of 2026-12-05") == 2 and estimate.index('class="again"') > estimate.index("<thead>")


def test_html_needs_nothing_from_elsewhere() -> None:
    """No script, no link, no picture, no address."""
    page = statement_html(ordinary()[0])

    assert not {"script", "link", "img", "iframe", "a"} & set(Reader(page).tags)
    assert not re.search(r"https?:|url\(|@import", page)
    assert ("charset", "utf-8") in Reader(page).attributes
    assert ("scope", "row") in Reader(page).attributes


def test_what_stands_in_the_way_is_said() -> None:
    """No form on file, a debt, a method that nobody stated."""
    (debt,) = issue(earning(5, 0), standings={(ordinary()[0].party_id, "EUR"): Standing(-7, blocked=("no tax form",))})

    notes = " ".join(view(debt).notes)

    assert "Nothing can be paid now: no tax form." in notes
    assert "below zero" in notes
    silent = replace(debt, lines=tuple(replace(line, method="", method_version="", error_ppb=-1) for line in debt.lines))
    assert "How some shares were measured is not stated." in view(silent).notes
    assert view(silent).lines[0].error == "error not measured"


def test_a_statement_without_lines_says_so() -> None:
    """In both forms."""
    idle = replace(ordinary()[0], lines=())

    assert "Nothing was earned in this period." in statement_html(idle)
    assert "Nothing was earned in this period." in statement_markdown(idle)


def cells(row: str) -> list[str]:
    """The cells of a Markdown table row: bars that are not escaped divide."""
    return re.split(r"(?<!\\)\|", row)[1:-1]


@given(st.sampled_from(NASTY) | st.text())
def test_markdown_keeps_its_shape_whatever_the_names(words: str) -> None:
    """As many lines and cells as with plain words, and no raw markup of theirs."""
    plain = statement_markdown(named("plain")).split("\n")

    lines = statement_markdown(named(words)).split("\n")

    assert len(lines) == len(plain)
    for line, expected in zip(lines, plain, strict=True):
        if expected.startswith("|"):
            assert len(cells(line.replace("\\\\", ""))) == len(cells(expected))
    assert "<script>" not in "\n".join(lines)
    assert "\u202e" not in "\n".join(lines)


def test_text_from_right_to_left_is_isolated() -> None:
    """So that the numbers beside it keep their order; other text gets no invisible marks."""
    assert markdown_text("محمود") == "\u2068محمود\u2069"
    assert markdown_text("Emily Brontë 村上") == "Emily Brontë 村上"


@pytest.mark.parametrize(
    ("words", "escaped"),
    [
        ("1. x", "1\\. x"),
        ("12)", "12\\)"),
        ("0.008893 EUR", "0.008893 EUR"),
        ("-0.008893 EUR", "-0.008893 EUR"),
        ("- item", "\\- item"),
        ("---", "\\---"),
        ("1) x", "1\\) x"),
        ("- x", "\\- x"),
        ("# x", "\\# x"),
        ("+ x", "\\+ x"),
        ("2026-12-05", "2026-12-05"),
    ],
)
def test_nothing_begins_a_list_or_a_heading(words: str, escaped: str) -> None:
    """Only what would is escaped."""
    assert markdown_text(words) == escaped

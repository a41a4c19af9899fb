"""Web pages: meta tags, links, scripts, and broken markup."""

from __future__ import annotations

import pytest

from endcredits.works.signals import read_page, read_work
from endcredits.works.signals.web_page import HIDDEN_MAX, PAGE_BYTES_MAX

from .said import HERE, NO_TRAINING, YES_TRAINING, problems, said

MINING = dict.fromkeys(("tdm", "train", "finetune"), "deny")
RSL = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>{}</license></content></rsl>'


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<meta name="tdm-reservation" content="1">', MINING),
        ('<META NAME="TDM-Reservation" CONTENT="1"/>', MINING),
        ('<meta name="tdm-reservation" content="0">', dict.fromkeys(MINING, "allow")),
        ('<meta name="tdm-reservation" content=1><meta name="tdm-policy" content="https://p.example">', dict.fromkeys(MINING, "conditional")),  # noqa: E501
        ('<meta name="robots" content="index, noai, noimageai">', MINING),
        ('<meta name="robots" content="none">', {"index": "deny"}),
        ('<meta name="endcredits" content="noai">', MINING),
        ('<meta http-equiv="Content-Usage" content="train-ai=n">', NO_TRAINING),
        ('<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">', YES_TRAINING),
        ('<a rel="license nofollow" href="//creativecommons.org/licenses/by-nc-nd/3.0/de/">x</a>', NO_TRAINING),
        ('<link rel="license" href="/terms.html">', {}),
        ('<meta name="dcterms.license" content="https://creativecommons.org/publicdomain/zero/1.0/">', YES_TRAINING),
        (f'<script type="application/rsl+xml">{RSL.format("<prohibits type=" + chr(34) + "usage" + chr(34) + ">ai-train</prohibits>")}</script>', NO_TRAINING),  # noqa: E501
        ('<!-- <meta name="tdm-reservation" content="0"> -->', {}),
        ("<script>'<link rel=\"license\" href=\"https://creativecommons.org/licenses/by/4.0/\">'</script>", {}),
        ("<p>no meta", {}),
        ('<p <meta <<>> <meta name="tdm-reservation" content="1"><![if', MINING),
    ],
)  # fmt: skip
def test_pages(page: str, expected: dict[str, str]) -> None:
    signals = read_page(f"<!doctype html><html><head>{page}".encode(), HERE)

    assert said(signals) == expected and problems(signals) == []


@pytest.mark.parametrize(
    ("page", "value"),
    [
        ('<meta name="tdm:reservation" content="0">', "deny"),
        ('<meta name="tdm-reservation" content="yes">', "deny"),
        ('<meta name="robots" content="no-ai">', "deny"),
        ('<script type="application/rsl+xml"><rsl', "unknown"),
        ('<script type="application/rsl+xml"><rsl></script>', "unknown"),
        ('<meta name="content-usage" content="ai-train=no">', "deny"),
    ],
)
def test_wrong_words_in_pages(page: str, value: str) -> None:
    signals = read_page(f"<html><head>{page}".encode(), HERE)

    assert said(signals)["train"] == value and len(problems(signals)) == 1


def test_contradicting_tags_are_both_heard() -> None:
    both = b'<meta name="tdm-reservation" content="0"><meta name="tdm-reservation" content="1">'

    assert said(read_page(both, HERE)) == MINING


def test_pages_in_other_encodings_and_of_any_length() -> None:
    page = '<html><meta name="tdm-reservation" content="1">'

    for encoding in ("utf-16", "utf-16-le", "utf-8-sig", "latin-1"):
        assert said(read_work(page.encode(encoding), HERE, name="a.html").signals) == MINING
    cut = read_page(b'<meta name="tdm-reservation" content="0">' + b" " * PAGE_BYTES_MAX, HERE)
    assert said(cut)["train"] == "unknown" and problems(cut)


@pytest.mark.parametrize("piece", ["<!--", "<", "</", "<a x='", "<?"])
def test_markup_that_never_ends_takes_no_time(piece: str) -> None:
    """Given all at once, the standard parser takes minutes for some of these; what was said before them is heard."""
    signals = read_page(b'<html><meta name="tdm-reservation" content="1">' + piece.encode() * 50_000, HERE)

    assert said(signals)["train"] == "deny"


@pytest.mark.parametrize(
    "before",
    [
        "<![<x]>",
        "<!-->",
        "<!--->",
        "<!-- x --!>",
        "<script>1</script x>",
        "<style></style/>",
        "<!-- x ",
        "<script>'",
    ],
)
def test_a_no_is_heard_behind_markup_that_the_standard_parser_reads_otherwise(before: str) -> None:
    """Browsers read the tag behind the first six. In a comment or a script it is a stricter answer, with a finding."""
    words = [
        ('<meta\nname="tdm-reservation" content="1">', "deny"),
        ("<META name=robots content=noai>", "deny"),
        ('<meta name="endcredits" content="noai">', "deny"),
        ('<meta name="content-usage" content="train-ai=n">', "deny"),
        ('<link rel="license" href="https://creativecommons.org/licenses/by-nc-nd/4.0/">', "deny"),
        (
            '<meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://p.example/terms">',
            "unknown",
        ),
    ]
    for tag, value in words:
        for lines in ("", "\n" * 3 + "<p>" * 3_000 + "\n"):
            signals = read_page(f"<html>{lines}{before}{tag}</html> --></style></script>".encode(), HERE)
            assert said(signals)["train"] == value, (tag, signals)
            assert problems(signals)


def test_a_yes_counts_only_where_the_parser_reads_it() -> None:
    """And a yes outside of a comment loses to a no inside."""
    yes, no = '<meta name="tdm-reservation" content="0">', '<meta name="tdm-reservation" content="1">'

    assert said(read_page(f"<!--{yes}-->".encode(), HERE)) == {}
    assert said(read_page(f"{yes}<!--{no}-->".encode(), HERE)) == MINING
    assert said(read_page(f"{no}<!--{yes}-->".encode(), HERE)) == MINING


def test_a_page_that_the_parser_gives_up_is_never_silent() -> None:
    signals = read_page(b'<meta name="tdm-reservation" content="0"><![<x]><p>', HERE)
    assert said(signals)["train"] == "unknown" and "cannot be read" in problems(signals)[0]


def test_hidden_tags_without_end_are_a_finding() -> None:
    signals = read_page(b"<!--" + b"<meta rights>" * (HIDDEN_MAX + 1), HERE)
    assert any("more than" in one for one in problems(signals)) and said(signals)["train"] == "unknown"

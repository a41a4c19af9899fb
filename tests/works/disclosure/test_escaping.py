"""What somebody typed is words in every form, and the same words."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
import yaml as pyyaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from endcredits.works.disclosure import escaping

HOSTILE = (
    "</script><script>alert(1)</script>",
    "a\n\n# heading\n- item\n---\n",
    "| a | b |\n|:--|",
    "[x](javascript:alert(1)) ![y](z) <b>&amp;</b> `code` **bold** _it_ ~~s~~ $x$",
    "https://evil.example www.evil.example me@evil.example",
    "\u202egpj.exe\u202c \u2028 \x00 \x1b[31m \ufeff",
    '"quoted" \\ \': {a: b} # no, *anchor &ref !!python/object',
    "=cmd|'/c calc'!A1",
    "\U0001f600 né \u200d",
    "---",
    "null",
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=("Cs",)), max_size=60))


class Reader(HTMLParser):
    """The tags and the words of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.append("declaration")

    def handle_data(self, data: str) -> None:
        self.words += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@given(texts)
def test_nothing_invisible_is_left(text: str) -> None:
    shown = escaping.visible(text)
    assert all(one.isprintable() or one in "\u200c\u200d" for one in shown)
    assert escaping.visible(shown) == shown


@given(texts)
def test_html_holds_the_words_and_no_tag(text: str) -> None:
    inside = read(f"<p>{escaping.html(text)}</p>")
    assert inside.tags == ["p", "/p"] and inside.words == escaping.visible(text)
    assert '"' not in escaping.html(text) and "'" not in escaping.html(text)


@given(texts)
@example("a  b")
def test_markdown_renders_to_the_words_and_nothing_else(text: str) -> None:
    """Read by a parser of CommonMark with tables and strikethrough, in a line and in a cell."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    words = " ".join(escaping.visible(text).split(" ")).strip()
    line = read(parser.render(f"- **label:** x{escaping.markdown(text)}x"))
    assert line.tags == ["ul", "li", "strong", "/strong", "/li", "/ul"]
    assert line.words.strip() == f"label: x{escaping.visible(text)}x"
    cell = read(parser.render(f"| a | b |\n|:--|:--|\n| x{escaping.markdown(text)}x | end |\n"))
    assert [tag for tag in cell.tags if tag in ("td", "th", "a", "script", "img", "b", "em")] == ["th", "th", "td", "td"]
    assert f"x{escaping.visible(text)}x" in cell.words and words in cell.words


@given(texts)
def test_yaml_reads_back_as_the_same_text(text: str) -> None:
    scalar = escaping.yaml(text)
    assert "\n" not in scalar and pyyaml.safe_load(f"title: {scalar}\nnext: 1") == {"title": text, "next": 1}


@given(st.dictionaries(texts, st.lists(texts, max_size=3), max_size=3))
def test_json_reads_back_and_may_stand_in_a_page(document: dict[str, list[str]]) -> None:
    text = escaping.json_text(document)
    assert json.loads(text) == document
    assert not set("<>&") & set(text)
    assert all(one.isprintable() or one in "\n\u200c\u200d" for one in text)


@pytest.mark.parametrize("text", HOSTILE)
def test_links_are_not_made_of_addresses(text: str) -> None:
    """Dialects that link bare addresses and mention people see neither."""
    shown = escaping.markdown(text)
    assert "://" not in shown and "www." not in shown and "@" not in shown

"""The letters of a text are the same in whatever file it stands, and no file breaks the reader."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works import plain_text
from endcredits.works.plain_text import decoded, letters_of, shown, text_of
from tests.works.signals.media import epub, opf

POEM = (
    "The caf\u00e9\u2019s \u201cfirst\u201d light \u2014 a fianc\u00e9e waits, na\u00efve, for spring; "
    "one co\u00f6perative \ufb02ower.\n"
)
LETTERS = "thecafesfirstlightafianceewaitsnaiveforspringonecooperativeflower"


def docx(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        paragraphs = "".join(f"<w:p><w:r><w:t>{word}</w:t></w:r></w:p>" for word in text.split())
        archive.writestr("word/document.xml", f"<?xml version='1.0'?><w:document xmlns:w='x'>{paragraphs}</w:document>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (POEM.encode(), "text/plain"),
        (b"\xef\xbb\xbf" + POEM.encode(), "text/plain"),
        (POEM.encode("utf-16"), "text/plain"),
        (POEM.encode("utf-16-be"), "text/plain"),
        (POEM.encode("utf-32"), "text/plain"),
        (POEM.replace("\ufb02", "fl").encode("cp1252"), "text/plain"),
        (POEM.upper().replace("\n", "\r\n").replace("\u201c", "<<").encode(), "text/x-python"),
        (POEM.replace("first", "fi-\nrst").replace(" ", "\n\n").encode(), "text/markdown"),
        (f"<html><head><title>T</title><style>p {{}}</style></head><p>{POEM}</p></html>".encode(), "text/html"),
        (POEM.encode("ascii", "xmlcharrefreplace"), "text/html"),
        (f"<svg xmlns='x'><metadata>not this</metadata><text>{POEM}</text></svg>".encode(), "image/svg+xml"),
        (docx(POEM), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
)
def test_one_text_in_many_clothes(data: bytes, media_type: str) -> None:
    """Encoding, capitals, quotes, ligatures, accents, line ends and markup are clothes."""
    assert letters_of(text_of(data, media_type)) == LETTERS


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("OPS/a.xhtml", "<p>second</p>")
        archive.writestr("OPS/b.xhtml", "<p>first</p>")
        archive.writestr("OPS/extra.xhtml", "<p>last</p>")
        items = "".join(f"<item id='{n}' href='{n}.xhtml' media-type='x'/>" for n in "ab")
        archive.writestr(
            "OPS/book.opf", f"<package>{items}<spine><itemref idref='b'/><itemref idref='a'/></spine></package>"
        )
    assert text_of(data.getvalue(), "application/epub+zip") == "first second last"
    assert text_of(epub(opf("")), "application/epub+zip") == text_of(epub(opf("")), "application/zip")


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"PK\3\4" + bytes(100), docx("x")[:-30], b"\xff\xd8\xff\xe0 JFIF"])
def test_what_holds_no_text_gives_none(data: bytes) -> None:
    assert text_of(data, "application/epub+zip") == "" == text_of(data, "image/jpeg")


def test_an_archive_is_not_unpacked_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten megabytes of one letter pack into ten kilobytes."""
    monkeypatch.setattr(plain_text, "UNPACKED_BYTES_MAX", 1_000)
    assert len(text_of(docx("a" * 10_000_000), "application/zip")) <= 1_000


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<![<x]><p>one", "one"),
        ("<!-->one<!--->two<!-- x --!>three<!-- <p>x</p> -->", "one two three"),
        ("<script>x</script x>one<style></style/>two<SCRIPT>'<p>'</script>", "one two"),
        ("<script><p>never ends", ""),
        ("<p title='a>b' x=\"'>\">one<p don't>two", "one two"),
        ("1 < 2 <> 3", "1 < 2 < > 3"),
        ("<metadata>x<title>y</title>z</metadata><title/>one", "one"),
        ("<?xml version='1.0'?><!DOCTYPE html></ x><p>one</p><![CDATA[two]]>", "one two]]>"),
        ("&#" + "9" * 5_000 + ";one", "\ufffdone"),
        ("<p>one<!-- never ends <p>", "one"),
        ("<p>one<a href='never ends <p>", "one"),
    ],
)
def test_broken_markup_shows_what_a_browser_shows(markup: str, expected: str) -> None:
    assert shown(markup) == expected


@pytest.mark.parametrize("piece", ["<a ", "<", "<!--", "<![", "</", "<a x='", "<a x=", "<script>", "&#", "<title>", "<a = "])
def test_long_broken_markup_is_read_in_one_pass(piece: str) -> None:
    """A reader that begins again at every piece takes minutes."""
    assert "one" in text_of(b"<p>one" + piece.encode() * 100_000, "text/html")


def test_a_broken_package_of_a_book_leaves_its_pages() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("b.xhtml", "<p>second</p>")
        archive.writestr("a.xhtml", "<p>first</p>")
        archive.writestr("book.opf", "<item " * 200_000)
    assert text_of(data.getvalue(), "application/epub+zip") == "first second"


@given(
    st.binary(max_size=300), st.sampled_from(["text/plain", "text/html", "application/xml", "application/zip", "image/png"])
)
def test_no_bytes_break_the_reader(data: bytes, media_type: str) -> None:
    letters = letters_of(text_of(data, media_type))
    assert letters_of(letters) == letters, "what has no clothes cannot take any off"


@given(st.text("<>!-/[]'\"= ?&#;aptscrile", max_size=80))
def test_no_markup_breaks_the_reader(markup: str) -> None:
    shown(markup)
    assert shown(f"one<p>{markup}").startswith("one")


@given(st.text(max_size=60))
def test_letters_are_those_of_every_encoding(text: str) -> None:
    """A mark that says how a text is encoded is believed, and accents made of two characters are those made of one."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        return
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert decoded(text.encode(encoding)) == text
    assert letters_of(shown(f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>")) == letters_of(text)

"""The paper shows every name and number as it is, says what it cannot show, and is the same bytes every time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.compute import map_shards
from endcredits.errors import InputError, MachineError
from endcredits.payouts import Statement, parse_statement, pdf, statement_json
from endcredits.payouts.pdf import PdfShard, Printer, statement_pdf, write_pdfs
from endcredits.payouts.view import shown

from .makers import ordinary
from .pdf_text import pdf_text

pytest.importorskip("typst", reason="NOT TESTED: statements as PDF need the extra pdf")

NASTY = [
    '#eval("1+1")',
    "#[*bold*] _x_ $a$ `raw` @ref <label> // comment",
    '"); panic("x',
    "\\u{202e} \\",
    "{{ data }}",
    "= Heading",
    "a\u202eb\u0007c\x00d",
    "two\nlines",
    "<script>alert(1)</script>",
]


@pytest.fixture(scope="module")
def printer() -> Printer:
    """One for all: fonts are read once."""
    return Printer()


def named(words: str) -> Statement:
    """A statement whose payee and titles are these words."""
    one = ordinary()[0]
    return replace(one, payee=words, issuer=words, lines=tuple(replace(line, title=words) for line in one.lines[:3]))


def flat(text: str) -> str:
    """A text without spaces and breaks: where a line ends is the paper's choice."""
    return "".join(text.split()).replace("\u00ad", "").replace("\u200b", "")


def test_the_paper_shows_every_number(printer: Printer) -> None:
    """Balances, lines with their reasons, digests, the dispute route."""
    one = ordinary()[0]

    text = flat(pdf_text(printer.pdf(one)))

    assert flat("Statement for Ada Lovelace") in text
    assert all(flat(line.reason) in text for line in one.lines)
    for words in (one.close_digest, one.lines_digest, one.audit_until, one.dispute, one.contact, "27.175", "27.17"):
        assert flat(words) in text
    assert "ESTIMATE" not in text


@pytest.mark.parametrize("words", NASTY)
def test_markup_in_names_stays_a_name(printer: Printer, words: str) -> None:
    """Typst code, markup and control characters are shown, never run."""
    text = flat(pdf_text(printer.pdf(named(words))))

    assert flat(shown(words)) in text
    assert all(text.count(word) >= 4 for word in shown(words).split())


@settings(max_examples=25)
@given(st.text(max_size=12))
def test_any_name_can_be_printed(words: str) -> None:
    """Whatever the characters: shown, or named by number at the top."""
    data = PRINTER.pdf(named(words))

    assert data.startswith(b"%PDF-1.7")
    unseen = [character for character in shown(words) if character in PRINTER.missing]
    assert (flat("Not every character can be shown") in flat(pdf_text(data))) == bool(unseen)


PRINTER = Printer()


@pytest.mark.parametrize("name", ["שלום", "محمود", "村上春樹", "Łódź", "Ελένη"])
def test_names_of_other_scripts_are_shown_or_named_by_number(printer: Printer, name: str) -> None:
    """Glyphs with letters behind them where a font has them; otherwise the paper says that it lacks them."""
    text = pdf_text(printer.pdf(named(name)))

    for letter in name:
        if letter in printer.missing:
            assert f"<U+{ord(letter):04X}>" in flat(text)
    if not set(name) & set(printer.missing):
        # Arabic letters stand as their joined forms, which the paper maps back to the letters.
        assert set(name) <= set(text)


def test_characters_without_a_font_are_named_loudly(printer: Printer) -> None:
    """A letter of a script that no font has can be read by its number, and the page says so."""
    data = printer.pdf(named("x \U00013000"))  # an Egyptian hieroglyph
    text = flat(pdf_text(data))

    if "\U00013000" not in printer.missing:
        pytest.skip("NOT TESTED: a font of this machine has hieroglyphs")
    assert flat("Not every character can be shown on this paper.") in text
    assert text.count("<U+13000>") >= 4 and "hasU+13000" in text
    assert flat("Not every character") not in flat(pdf_text(printer.pdf(named("plain"))))


def test_an_estimate_is_marked(printer: Printer) -> None:
    """At the top of the page and across it."""
    text = pdf_text(printer.pdf(replace(ordinary()[0], kind="estimate")))

    assert "ESTIMATE" in text and flat("Estimate for Ada") in flat(text)
    assert flat("nothing here is owed or payable yet") in flat(text)


def test_the_paper_is_tagged_and_dated_by_its_issue(printer: Printer) -> None:
    """PDF/UA-1: structure, language, title; the date is the day of issue."""
    data = printer.pdf(ordinary()[0])

    assert b"/MarkInfo" in data or b"/StructTreeRoot" in data or b"pdfuaid" in data
    assert b"pdfuaid:part>1<" in data
    assert b"2026-12-05" in data


def test_the_same_statement_is_the_same_bytes(printer: Printer) -> None:
    """From another printer, after other statements, and in another process."""
    one = ordinary()[0]
    data = printer.pdf(one)

    fresh = Printer()
    for words in ("other", "\U00013000"):
        fresh.pdf(named(words))
    assert fresh.pdf(one) == data
    assert statement_pdf(one) == data


def test_many_are_written_by_several_processes(tmp_path: Path, printer: Printer) -> None:
    """Each file is what one process makes of it; writing again changes nothing."""
    issued = ordinary()
    documents = tuple((f"{number}.pdf", statement_json(one)) for number, one in enumerate(issued))
    shards = [PdfShard(documents[:3], tmp_path), PdfShard(documents[3:], tmp_path)]

    for processes in (2, 1):
        assert map_shards(write_pdfs, shards, processes=processes) == ["", ""]
        for number, one in enumerate(issued):
            assert (tmp_path / f"{number}.pdf").read_bytes() == printer.pdf(one)


@pytest.mark.parametrize("kept", [False, True])
def test_a_write_that_fails_is_made_good_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Lost, or kept but reported lost: the same command again leaves every file whole."""
    shard = PdfShard(tuple((f"{number}.pdf", statement_json(one)) for number, one in enumerate(ordinary()[:3])), tmp_path)
    real, calls = pdf.write_atomic, []

    def failing(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 2:
            if kept:
                real(path, data)
            raise MachineError("the disk is full")
        real(path, data)

    monkeypatch.setattr(pdf, "write_atomic", failing)
    with pytest.raises(MachineError):
        write_pdfs(shard)

    write_pdfs(shard)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.pdf", "1.pdf", "2.pdf"]
    assert all((tmp_path / name).read_bytes() == PRINTER.pdf(parse_statement(text)) for name, text in shard.documents)


def test_without_typst_the_extra_is_named() -> None:
    """And the other forms do not need it."""
    code = (
        "import sys; sys.modules['typst'] = None\n"
        "from endcredits.errors import InputError\n"
        "from endcredits.payouts.pdf import Printer\n"
        "try:\n    Printer()\nexcept InputError as error:\n    print(error)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "endcredits[pdf]" in said


def test_a_layout_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As bad input, with the statement's id."""
    broken = Printer()
    monkeypatch.setattr(broken, "_families", ())
    monkeypatch.setattr(broken, "_compile", lambda *texts: broken._compiler.compile(b"#panic()", format="pdf"))

    with pytest.raises(InputError, match="cannot be laid out"):
        broken.pdf(ordinary()[0])

"""The statement on paper: a tagged PDF (PDF/UA-1) made by typst.

Typst lays the page out and knows nothing else: every name and number comes to it as JSON and is shown as a text, never
read as markup. The date of issue is the document's date, so the same statement gives the same bytes wherever the same
typst and the same fonts are.

PDF/UA asks that every character on the page has a glyph. Where no font has one, the character is replaced by its
Unicode number and the page says so at its top: a paper that leaves out a part of somebody's name must not look
complete. Chinese, Japanese and Korean need a font of the system (such as Noto CJK) or a folder of fonts handed in;
Arabic, Hebrew and Cyrillic come with DejaVu Sans, which most systems have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from endcredits.canonical import canonical_bytes
from endcredits.durable import write_atomic
from endcredits.errors import InputError
from endcredits.payouts.documents import parse_statement
from endcredits.payouts.records import Statement
from endcredits.payouts.view import View, view
from endcredits.payouts.view import shown as shown_text

if TYPE_CHECKING:
    import typst

TEMPLATE = Path(__file__).parent / "templates" / "statement.typ"
STANDARD: Literal["ua-1"] = "ua-1"

FAMILIES = (
    "Libertinus Serif",
    "Noto Serif",
    "DejaVu Sans",
    "Noto Naskh Arabic",
    "Noto Sans Arabic",
    "Noto Serif Hebrew",
    "Noto Sans Hebrew",
    "Noto Serif CJK JP",
    "Noto Serif CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "IPAexMincho",
    "IPAexGothic",
    "Noto Serif Thai",
    "Noto Serif Devanagari",
)
"""Families that are asked first, as far as they are there; the first comes inside typst. Others are asked afterwards."""

_MISSING = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_RUST_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}|\\(.)")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_ROUNDS_MAX = 8
"""How often a page is laid out anew because characters were found that no font has."""


@dataclass(frozen=True, slots=True)
class _Date:
    year: int
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class _Paper:
    view: View
    title: str
    author: str
    reference: str
    date: _Date
    fonts: tuple[str, ...]


class Printer:
    """Makes PDFs one after another; loads typst and the fonts once, and remembers which characters no font has.

    Args:
        fonts: folders with fonts beside those of the system.

    Raises:
        InputError: typst is not installed.
    """

    def __init__(self, fonts: Sequence[Path] = ()) -> None:
        try:
            import typst
        except ModuleNotFoundError as error:
            raise InputError(
                "statements as PDF need the package typst", remedy="Run: pip install 'endcredits[pdf]'.", field="pdf"
            ) from error
        found = typst.Fonts(font_paths=[str(folder) for folder in fonts])
        present = set(found.families())
        self._families = tuple(family for family in FAMILIES if family in present)
        self._compiler: typst.Compiler = typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=found)
        self._error = typst.TypstError
        self._missing: dict[int, str] = {}

    @property
    def missing(self) -> str:
        """Characters met so far that no font has, sorted."""
        return "".join(chr(code) for code in sorted(self._missing))

    def pdf(self, statement: Statement) -> bytes:
        """A statement as a PDF.

        Raises:
            InputError: typst cannot lay it out; never because of a name.
        """
        shown = view(statement)
        title = f"{shown.word} {statement.statement_id}: {shown.payee}"
        day = (int(part) for part in statement.issued_on.split("-"))
        paper = _Paper(shown, title, shown_text(statement.issuer), statement.statement_id, _Date(*day), self._families)
        text = canonical_bytes(paper).decode()
        for _ in range(_ROUNDS_MAX):
            unseen = [f"U+{code:04X}" for code in sorted(self._missing) if chr(code) in text]
            try:
                return self._compile(text.translate(self._missing), json.dumps(unseen))
            except self._error as error:
                fresh = self._unseen(str(error.diagnostic))
                if not fresh:
                    raise InputError(
                        f"the statement '{statement.statement_id}' cannot be laid out ({error.message})",
                        remedy="Use another form (JSON, CSV, HTML), and report this.",
                    ) from error
                self._missing |= fresh
        raise InputError(
            f"the statement '{statement.statement_id}' has too many characters that no font has",
            remedy="Install a font such as Noto CJK, or name a folder of fonts.",
        )

    def _compile(self, data: str, missing: str) -> bytes:
        inputs = {"data": data, "missing": missing}
        made = self._compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=[STANDARD], timestamp=0)
        assert isinstance(made, bytes)
        return made

    def _unseen(self, diagnostic: str) -> dict[int, str]:
        """New characters that a diagnostic names, each with what stands for it."""
        texts = (_RUST_ESCAPE.sub(_unescaped, found) for found in _MISSING.findall(diagnostic))
        codes = {ord(character) for text in texts for character in text if not character.isascii()}
        return {code: f"<U+{code:04X}>" for code in codes if code not in self._missing}


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _SIMPLE.get(match[2], match[2])


def statement_pdf(statement: Statement, fonts: Sequence[Path] = ()) -> bytes:
    """A statement as a tagged PDF; for many, keep a `Printer`.

    Raises:
        InputError: typst is not installed.
    """
    return Printer(fonts).pdf(statement)


@dataclass(frozen=True, slots=True)
class PdfShard:
    """Statements that one process makes; see `write_pdfs`.

    Attributes:
        documents: (file name, canonical JSON text) pairs.
        folder: where the files go.
        fonts: folders with fonts.
    """

    documents: tuple[tuple[str, str], ...]
    folder: Path
    fonts: tuple[Path, ...] = ()


def write_pdfs(shard: PdfShard) -> str:
    """Writes a shard's PDFs, for `compute.map_shards`; a file that is written again has the same bytes.

    Returns:
        The characters that no font has.
    """
    printer = Printer(shard.fonts)
    for name, document in shard.documents:
        write_atomic(shard.folder / name, printer.pdf(parse_statement(document)))
    return printer.missing

"""Words from outside on a terminal: none moves the cursor or turns the line, and none that is no text gets in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from endcredits.interfaces.cli.common import shown

from .terminal import type_in


@pytest.mark.parametrize(
    "letter", [*"\x00\x1b\x7f\x9b\u061c\u200e\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]
)
def test_what_moves_or_turns_is_replaced(letter: str) -> None:
    """Joiners of Indic and Persian words, right-to-left letters, tabs and line feeds are text."""
    assert shown(f"Salt{letter}Road") == "Salt\N{REPLACEMENT CHARACTER}Road"
    assert shown("\u05d0\u200d\u200c\t\n") == "\u05d0\u200d\u200c\t\n"


def test_an_argument_that_is_no_text_is_named(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a mistake of the caller, wherever on the line they stand."""
    studio = tmp_path / "studio"
    for arguments in (["init", os.fsdecode(b"Ada\xff")], ["works", "list", "-s", studio, os.fsdecode(b"Ada\xff")]):
        said = type_in(*arguments)
        assert said.code == 2 and f"argument {len(arguments)} is not UTF-8: 'Ada\\udcff'" in said.err
    assert list(tmp_path.iterdir()) == []


def test_the_console_script_refuses_bytes_that_are_no_text(tmp_path: Path) -> None:
    """As a shell hands them over."""
    line = [sys.executable, "-c", "from endcredits.interfaces.cli.main import run; run()", "init", b"Ada\xff"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 2 and b"argument 2 is not UTF-8" in done.stderr

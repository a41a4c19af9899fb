"""The documentation says what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from endcredits.interfaces.cli.common import command_of
from endcredits.interfaces.cli.main import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


def _shell_lines(page: Path) -> list[str]:
    """The commands of a page's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("endcredits ")]


def test_the_command_line_page_is_what_the_commands_say() -> None:
    """docs/cli.md is made from the commands' help and is up to date."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "cli_reference.py"), "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", [line for page in PAGES for line in _shell_lines(page)])
def test_every_command_in_the_documentation_exists(line: str) -> None:
    """Each `endcredits ...` line names a command, and options that it has."""
    command: Any = command_of(app)
    words = shlex.split(line, comments=True)[1:]

    while getattr(command, "commands", None) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]

    assert not getattr(command, "commands", None), f"{line}: no such command"
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Every relative link names a file, and no placeholder is left."""
    text = page.read_text(encoding="utf-8")

    targets = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]

    assert [target for target in targets if not (page.parent / target).exists()] == []
    assert "@@" not in text

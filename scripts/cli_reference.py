"""Writes docs/cli.md from the commands' own help: `python scripts/cli_reference.py [--check]`.

With --check nothing is written, and the exit code says whether the page is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from endcredits.interfaces.cli.main import app

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
HEAD = """# The command line

Made from the commands' own help by `python scripts/cli_reference.py`; a test keeps it up to date.

Every command prints text for people, or one JSON document with `--json` (progress and errors go to the error stream).
`--debug`, anywhere on the line, shows the traceback of an error. The studio is the present folder, `--studio FOLDER`, or
the environment variable `ENDCREDITS_STUDIO`.

| exit code | meaning |
|--:|:--|
| 0 | done |
| 1 | a bug |
| 2 | bad input or usage |
| 3 | a check found something wrong |
| 4 | conflict with what is recorded, or somebody else is writing |
| 5 | the machine failed: disk full, no permission, database unreachable |
| 6 | a no to what was asked: looked for with care, and not found (`trained-on`) |
"""


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below a command, depth first, with its full name."""
    members = getattr(command, "commands", None)
    if members is None:
        yield path, command
        return
    for name, member in members.items():
        yield from commands(member, f"{path} {name}")


def section(path: str, command: Any) -> str:
    """The part of the page about one command."""
    text, _, example = (command.help or "").partition("Example:")
    lines = [f"## {path}", "", " ".join(text.split())]
    lines += ["", "```", example.strip(), "```", "", "| | |", "|:--|:--|"]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            name = parameter.make_metavar(typer.Context(command)) if parameter.metavar is None else parameter.metavar
        else:
            name = ", ".join(parameter.opts)
        lines.append(f"| `{name}` | {getattr(parameter, 'help', '') or ''} |")
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    return "\n\n".join([HEAD.strip(), *(section(path, command) for path, command in commands(root, "endcredits"))]) + "\n"


def main() -> int:
    """Writes or checks the page."""
    if "--check" in sys.argv:
        fits = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        print("docs/cli.md is up to date" if fits else "docs/cli.md is not up to date: python scripts/cli_reference.py")
        return 0 if fits else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

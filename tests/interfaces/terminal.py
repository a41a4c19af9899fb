"""Typing a command: in this process, with its exit code and what it said on both streams."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from endcredits.interfaces.cli import main
from endcredits.interfaces.cli.common import command_of

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left behind.

    Attributes:
        code: exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def type_in(*arguments: object, stdin: bytes = b"") -> Said:
    """Runs `endcredits` with these arguments as the console script would."""
    out, err = io.StringIO(), io.StringIO()
    keyboard = io.TextIOWrapper(io.BytesIO(stdin))
    argv = ["endcredits", *(str(argument) for argument in arguments)]
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "stdin", keyboard),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main.run()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


def type_well(*arguments: object, stdin: bytes = b"") -> Said:
    """The same, for a command that must succeed."""
    said = type_in(*arguments, stdin=stdin)
    assert said.code == 0, (arguments, said.err)
    return said


def start(*arguments: object, program: str = "", **options: Any) -> subprocess.Popen[str]:
    """The same in a process of its own; with `program`, that Python text runs instead, arguments in sys.argv."""
    command = ["-c", program] if program else ["-m", "endcredits.interfaces.cli.main"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *command, *(str(argument) for argument in arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def rows_of(studio: Path) -> list[str]:
    """Everything in a studio's SQLite file, whatever its version; nothing when there is none."""
    file = studio / "studio.db"
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(file)) as conn:
        return list(conn.iterdump())


def leaves(command: Any = None, path: Sequence[str] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group of the command line with the words that call it."""
    command = command or command_of(main.app)
    yield tuple(path), command
    for name, below in getattr(command, "commands", {}).items():
        yield from leaves(below, (*path, name))

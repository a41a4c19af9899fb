"""What all commands share: the studio option, plain or JSON output, progress bars, and errors in one paragraph."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from endcredits.errors import EndcreditsError
    from endcredits.flows.studio import Studio
    from endcredits.store import Finding

StudioOption = Annotated[
    str,
    typer.Option("--studio", "-s", envvar="ENDCREDITS_STUDIO", help="The studio's folder.", show_default="this folder"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=1, help="CPU threads; the same number gives the same bits.")]

FAILED_CHECK = 3

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""What typer raises for a wrong command line; it lies in different modules in different versions."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of what stands around them (Unicode Standard Annex 9)."""


def console() -> Console:
    """Where text for people goes."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def shown(text: str) -> str:
    """Text from outside, made safe for a terminal: a title must not be able to move the cursor or to turn the line."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what is counted, with the words for one or for many.

    Args:
        number: how many.
        one: the words for one ("entry", "was there").
        many: the words for any other number; by default the same with an s.

    >>> [counted(2, "work"), counted(1, "entry", "entries"), counted(0, "was there", "were there")]
    ['2 works', '1 entry', '0 were there']
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def say(text: str) -> None:
    """Prints text, without control characters."""
    typer.echo(shown(text))


def print_json(document: Any) -> None:
    """Prints one JSON document."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def report_findings(findings: Sequence[Finding], facts: Mapping[str, Any], verdict: str, as_json: bool) -> None:
    """Prints what a check found, and leaves with exit code 3 when that is anything."""
    if as_json:
        print_json({**facts, "findings": [{"where": f.where, "problem": f.problem} for f in findings]})
    else:
        for finding in findings:
            say(f"WRONG  {finding.where}: {finding.problem}")
        say(verdict)
    if findings:
        raise typer.Exit(FAILED_CHECK)


@contextmanager
def opened(path: str) -> Iterator[Studio]:
    """Opens a studio for one command."""
    from endcredits.flows.studio import open_studio

    studio = open_studio(path)
    try:
        yield studio
    finally:
        studio.close()


@contextmanager
def progress_bars(*, lines: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Bars on the terminal's error stream, one per stage.

    Args:
        lines: where that is no terminal, a line as each stage begins; otherwise nothing is told there.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        disable=not screen.is_terminal,
    )
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
            if lines and bars.disable:
                typer.echo(f"{stage} ...", err=True)
        bars.update(tasks[stage], completed=done, total=total)

    with bars:
        yield report


command_of = functools.cache(typer.main.get_command)
"""The command that an application is, made once in a process: a hundred signatures are read for it."""


def run_app(app: typer.Typer) -> None:
    """Runs the command line; an error that we foresaw is one paragraph and an exit code, never a traceback.

    The command is invoked here and not by typer's own main, which would answer Ctrl-C and a reader that went away by
    itself, and tell usage errors in another form than all others.
    """
    from endcredits.errors import EndcreditsError

    debug = "--debug" in sys.argv or os.environ.get("ENDCREDITS_DEBUG") == "1"
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        _check_text(arguments)
        command = command_of(app)
        with command.make_context("endcredits", arguments) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("endcredits: stopped; run the same command again to continue.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) went away; that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (EndcreditsError, USAGE_ERROR) as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(str(error.format_message()), err=True)  # type: ignore[attr-defined]
            sys.exit(2)
        if debug:
            traceback.print_exc()
        told = error if isinstance(error, EndcreditsError) else _usage(error)
        in_json = "--json" in arguments
        typer.echo(json.dumps(told.as_dict(), ensure_ascii=False) if in_json else f"endcredits: {told}", err=True)
        sys.exit(told.exit_code)
    except Exception as error:
        if debug:
            traceback.print_exc()
        typer.echo(
            f"endcredits: something unforeseen happened ({type(error).__name__}: {error}). "
            "This is a bug; run the command again with --debug and report what it prints.",
            err=True,
        )
        sys.exit(1)


def _check_text(arguments: Sequence[str]) -> None:
    """Refuses an argument that is no text: bytes that are no UTF-8 arrive as lone surrogates, which nothing can keep.

    Raises:
        InputError: which argument.
    """
    from endcredits.errors import InputError

    for number, argument in enumerate(arguments, start=1):
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"argument {number} is not UTF-8: {argument[:60]!a}",
                remedy="Type it in a terminal that writes UTF-8, or rename the file.",
            ) from error


def _usage(error: Any) -> EndcreditsError:
    """A wrong command line, told as all other errors are."""
    from endcredits.errors import InputError

    path = error.ctx.command_path if error.ctx is not None else "endcredits"
    message = " ".join(error.format_message().split()).rstrip(".")
    return InputError(message[:1].lower() + message[1:], remedy=f"See: {path} --help")

"""What happens when somebody stops a command, when its reader goes away, and when there is a bug."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from endcredits.flows import catalogue
from tests.story.house import House

from .terminal import start, type_in

SLOW = """
import pathlib, signal, sys, time

# A shell that runs tests in the background makes its children deaf to interrupts; a person at a terminal does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
from endcredits.flows import catalogue
from endcredits.interfaces.cli import main

begun = pathlib.Path(sys.argv.pop())

def wait(place, **options):
    begun.touch()
    time.sleep(60)

catalogue.corpus = wait
main.run()
"""


def test_control_c(tmp_path: Path, house: House) -> None:
    """A stopped command says how to go on and ends with 130, as shells expect."""
    studio, begun = house.copy(house.indexed, tmp_path / "studio"), tmp_path / "begun"
    process = start("works", "list", "-s", studio, begun, program=SLOW)
    deadline = time.monotonic() + 60
    while not begun.exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, "")
    assert err == "endcredits: stopped; run the same command again to continue.\n"


def test_a_reader_that_goes_away(tmp_path: Path, house: House) -> None:
    """`endcredits works list | head -0` is no error."""
    studio = house.copy(house.indexed, tmp_path / "studio")
    process = start("works", "list", "-s", studio)
    assert process.stdout is not None and process.stderr is not None

    process.stdout.close()
    err = process.stderr.read()

    assert (process.wait(timeout=60), err) == (0, "")


def test_a_bug_is_called_a_bug(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something unforeseen has exit code 1, no traceback unless asked for, and asks for a report."""
    studio = house.copy(house.indexed, tmp_path / "studio")

    def fail(place: object) -> None:
        raise RuntimeError("the moon fell down")

    monkeypatch.setattr(catalogue, "corpus", fail)

    said = type_in("works", "list", "-s", studio)

    assert (said.code, said.out) == (1, "")
    assert "RuntimeError: the moon fell down" in said.err and "--debug" in said.err and said.err.count("\n") == 1
    monkeypatch.setenv("ENDCREDITS_DEBUG", "1")
    for loud in (type_in("works", "list", "-s", studio), type_in("works", "list", "-s", studio, "--debug")):
        assert loud.code == 1 and "Traceback" in loud.err and loud.err.endswith(said.err)


def test_debug_shows_where_an_error_came_from(tmp_path: Path) -> None:
    """The same command with and without --debug, in a process of its own, has one exit code."""
    plain, debug = start("check", "-s", tmp_path, "--json"), start("check", "-s", tmp_path, "--debug")

    quiet, loud = plain.communicate(timeout=60)[1], debug.communicate(timeout=60)[1]

    assert plain.returncode == debug.returncode == 2
    assert json.loads(quiet)["error"] == "NotFoundError"
    assert loud.startswith("Traceback") and "\nendcredits: " in loud

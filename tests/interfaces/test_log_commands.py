"""`endcredits log`: what it shows, finds, changes and copies, and with which exit codes it leaves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .terminal import type_in, type_well


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    """A new studio."""
    type_well("init", tmp_path / "studio", "--name", "House")
    return tmp_path / "studio"


def test_a_log_is_shown_checked_changed_and_copied(studio: Path, tmp_path: Path) -> None:
    """The whole life of a log's key, as text and as JSON, and a copy that needs no studio."""
    shown = type_well("log", "show", "-s", studio, "--json").json
    assert (shown["size"], len(shown["keys"]), shown["signed_by"][0]["own"]) == (0, 1, True)
    assert "has 0 entries" in type_well("log", "show", "-s", studio).out

    rotated = type_well("log", "rotate", "-s", studio, "--json").json
    assert (rotated["size"], len(rotated["keys"]), len(rotated["signed_by"])) == (1, 2, 2)
    refused = type_in("log", "rotate", "-s", studio)
    assert refused.code == 4 and "--retire" in refused.err
    assert "signed by the keys" in type_well("log", "rotate", "--retire", "-s", studio).out
    later = type_well("log", "rotate", "--post-quantum", "-s", studio, "--json").json
    assert [key["kind"] for key in later["keys"]] == ["Ed25519", "Ed25519", "ML-DSA-44"]
    both = type_in("log", "rotate", "--retire", "--post-quantum", "-s", studio)
    assert both.code == 2 and "one thing at a time" in both.err

    older = tmp_path / "older"
    shutil.copy(studio / "log" / "checkpoint", older)
    assert "Its one entry fits." in type_well("log", "check", "--older", older, "-s", studio).out
    assert type_well("log", "export", "--to", tmp_path / "copy", "-s", studio, "--json").json["added"] == 1
    assert "0 entries were new" in type_well("log", "export", "--to", tmp_path / "copy", "-s", studio).out
    assert type_well("log", "check", "--log", tmp_path / "copy", "--json").json["fits"] is True
    assert type_well("log", "show", "--log", tmp_path / "copy", "--json").json["root"] == later["root"]


def test_what_is_wrong_is_found_with_exit_code_3(studio: Path) -> None:
    """A damaged entry, and an index that is gone, until it is made again."""
    type_well("log", "rotate", "-s", studio)
    (studio / "log.index.sqlite").unlink()
    missing = type_in("log", "check", "-s", studio)
    assert missing.code == 3 and "--rebuild-index" in missing.out
    assert "Its one entry fits." in type_well("log", "check", "--rebuild-index", "-s", studio).out

    path = studio / "log" / "tile" / "entries" / "000.p" / "1"
    path.write_bytes(path.read_bytes().replace(b"key.rotate", b"key.potato"))
    damaged = type_in("log", "check", "-s", studio, "--json")
    assert damaged.code == 3 and damaged.json["fits"] is False
    assert damaged.json["findings"][0]["where"] == "log file tile/entries/000.p/1, entry 0"
    export = type_in("log", "export", "--to", studio.parent / "copy", "-s", studio)
    assert export.code == 3 and "not the one that was signed" in export.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("show", "--log", "nowhere"), "there is no receipt log"),
        (("check", "--older", "nowhere"), "an older checkpoint cannot be read"),
        (("check", "--rebuild-index", "--log", "x"), "only a studio's index"),
        (("export", "--to", "nonsense://x"), "no object store"),
        (("rotate", "--retire"), "no old key"),
    ],
)
def test_bad_input_is_told(studio: Path, words: tuple[str, ...], problem: str) -> None:
    """With exit code 2."""
    said = type_in("log", *words, "-s", studio)

    assert said.code == 2 and problem in said.err

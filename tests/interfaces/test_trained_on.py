"""`endcredits trained-on`: text for people, one document for programs, and exit codes that tell yes, no and not sure."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.story import house as h
from tests.story.house import House

from .terminal import type_in, type_well


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Path:
    return house.copy(house.finished, tmp_path / "studio")


def test_a_yes_reads_as_one_page(studio: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(h.prose(h.SALT, 700))
    said = type_well("trained-on", file, "-s", studio)
    for part in (
        "YES: a model learnt from it.",
        "work:salt-road  The Salt Road",
        "has the same bytes",
        "entry ",
        "under perm:",
        "not through the gate",
        "credited by 5 of 5 outputs",
        f"EUR for {h.ADA}",
        "searched: 6 works with 6 files, 1 models, 5 outputs, 2 closed periods",
        "not seen: a translation",
    ):
        assert part in said.out, part
    assert not said.err
    (answer,) = type_well("trained-on", file, "-s", studio, "--json").json["answers"]
    assert answer["answer"] == "yes" and answer["works"][0]["trained"][0]["trained_under_revoked"] is None
    assert (
        sum(one["micros"] for one in answer["works"][0]["earned"] if one["currency"] == "EUR")
        == answer["totals_micros"]["EUR"]
    )


@pytest.mark.parametrize(
    "arguments", [("--text", "a text that nobody in this house has ever written down"), ("--name", "Nobody")]
)
def test_a_no_has_an_exit_code_of_its_own(studio: Path, arguments: tuple[str, str]) -> None:
    said = type_in("trained-on", *arguments, "-s", studio)
    assert said.code == 6 and "NO: nothing of it is registered here" in said.out and not said.err
    answer = type_in("trained-on", *arguments, "-s", studio, "--json")
    assert answer.code == 6 and answer.json["answers"][0]["answer"] == "no"


def test_a_no_that_could_not_look_everywhere_is_none(studio: Path) -> None:
    (corpus,) = (studio / "index").glob("*/corpus.json")
    corpus.write_bytes(b"{}")
    said = type_in("trained-on", "--name", "Nobody", "-s", studio)
    assert said.code == 3 and "COULD NOT BE READ: index" in said.out
    assert type_in("trained-on", "--work", h.SALT, "-s", studio).code == 3


def test_several_are_answered_together_and_one_yes_is_a_yes(studio: Path, tmp_path: Path) -> None:
    said = type_well("trained-on", "--name", "Nobody", "--work", h.SALT, "--work", h.CLOSED, "-s", studio)
    assert said.out.count("searched:") == 3 and "no model learnt from it" in said.out
    assert "may it be trained on today: deny" in said.out


def test_lists_are_cut_with_a_word_about_the_rest(studio: Path) -> None:
    said = type_well("trained-on", "--name", h.BEN, "--most", 1, "--outputs", 0, "-s", studio)
    assert "and 1 more works; list them with --most 2" in said.out and "together they earned" in said.out
    assert "  output:" not in said.out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nowhere.txt",),
        ("--name", "0000 0001 2281 9551"),
        ("--name", ""),
        ("--code", "ISCC:no"),
        ("--text", "short"),
        ("--work", h.SALT, "--most", "0"),
    ],
)
def test_bad_input_is_told_as_such(studio: Path, arguments: tuple[str, ...]) -> None:
    said = type_in("trained-on", *arguments, "-s", studio)
    assert said.code == 2 and said.err.startswith("endcredits: ") and not said.out
    in_json = type_in("trained-on", *arguments, "-s", studio, "--json")
    assert in_json.code == 2 and json.loads(in_json.err)["message"]


def test_a_quotation_tells_no_money(studio: Path) -> None:
    own = " ".join(f"{number} harpsichords and {number * 7} oboes" for number in range(60))
    said = type_well("trained-on", "--text", f"{own} {h.prose(h.SALT, 700)[100:200]} {own}", "-s", studio)
    assert "PERHAPS" in said.out and f"if it is yours, ask for it: --work {h.SALT}" in said.out
    assert "EUR" not in said.out


def test_hostile_words_move_no_cursor(studio: Path, tmp_path: Path) -> None:
    said = type_in("trained-on", "--name", "\x1b[2J\u009b1m evil", "--work", "=cmd|x\x07", "-s", studio)
    assert said.code == 6 and "\x1b" not in said.out and "\x07" not in said.out and "\u009b" not in said.out


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes there")
def test_a_file_whose_name_is_no_text_is_told(studio: Path, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/b\xffd \x1b.txt")
    Path(name).write_text(h.prose(h.SALT, 700))
    for options in ((), ("--json",)):
        said = type_in("trained-on", name, "-s", studio, *options)
        assert said.code == 2 and "argument 2 is not UTF-8" in said.err and "rename the file" in said.err


def test_check_and_index_show_tell_of_a_yes_that_is_gone(studio: Path) -> None:
    assert type_well("check", "-s", studio, "--json").json["trained_under_revoked"] == []
    type_well("rights", "deny", h.SALT, "--reason", "never again", "--by", h.ADA, "-s", studio)
    checked = type_well("check", "-s", studio)
    assert "trained_under_revoked: index " in checked.out and checked.out.endswith("Everything fits.\n")
    shown = type_well("index", "show", "-s", studio)
    assert f"trained_under_revoked: {h.SALT}: " in shown.out and "never again" in shown.out
    (one,) = type_well("index", "show", "-s", studio, "--json").json
    assert [flag["work_id"] for flag in one["trained_under_revoked"]] == [h.SALT]
    said = type_well("trained-on", "--work", h.SALT, "-s", studio)
    assert "trained_under_revoked: " in said.out and "it keeps paying" in said.out

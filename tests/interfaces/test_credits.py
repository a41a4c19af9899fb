"""`endcredits credits` shows an attribution again; with its text, who moved which part of it."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from endcredits.attribution import NANO
from endcredits.flows import audit_log, checking
from endcredits.flows.attributing import all_attributions
from endcredits.flows.audit_report import AuditReport
from endcredits.flows.studio import open_studio
from endcredits.influence.replay.calibration import Calibration, Level, Part
from endcredits.interfaces.cli import attribute, credits, main
from endcredits.money import PPB
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.house import House

TEXT = " ".join(h.prose(name, 60, seed=1) for name in (h.SALT, h.TIDE))


@pytest.fixture
def studio(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio with an index; the command line has these two commands."""
    app = main.new_app("Two commands.")
    app.command("attribute")(attribute.attribute)
    app.command("credits")(credits.credits)
    monkeypatch.setattr(main, "app", app)
    h.use_one_thread()
    return house.copy(house.indexed, tmp_path / "studio")


def test_from_the_id_to_a_page_and_a_picture(studio: Path, tmp_path: Path) -> None:
    """Without the text the end credits roll again; with it come spans, a page, one work's strip and its picture."""
    (tmp_path / "said.txt").write_text(TEXT)
    output_id = type_well("attribute", "--text", TEXT, "-s", studio, "--json").json[0]["output_id"]
    words = ("credits", output_id, "-s", studio)
    page, picture = tmp_path / "out.html", tmp_path / "out.svg"

    again = type_well(*words)
    assert "The Salt Road" in again.out and "unattributed" in again.out and "[A]" not in again.out
    coloured = type_well(*words, tmp_path / "said.txt")
    assert "[A]" in coloured.out
    assert f"{h.ADA} +" in coloured.out or f"{h.BEN} +" in coloured.out, "the Salt Road's two makers"
    written = type_well(*words, "--text", TEXT, "--html", page)
    assert written.out == f"Wrote {page}.\n" and "<mark" in page.read_text() and "The Salt Road" in page.read_text()
    strip = type_well(*words, "-", "--work", h.SALT, "--svg", picture, "--spans", 6, stdin=TEXT.encode())
    assert ElementTree.fromstring(picture.read_text()).tag.endswith("svg")
    rows = [line for line in strip.out.splitlines() if line.strip()[:1].isdigit()]
    assert 4 <= len(rows) <= 6 and float(rows[0].split()[1]) > 0

    found = type_well(*words, "--text", TEXT, "--spans", 5, "--html", page, "--json").json
    assert found["calibration"] is None and found["files"] == [str(page)] and 4 <= len(found["spans"]) <= 5
    salt = next(line["credit_nanonats"] for line in found["lines"] if line["work_id"] == h.SALT)
    assert sum(span["credit_nanonats"][h.SALT] for span in found["spans"]) == pytest.approx(salt, abs=NANO / 1000)


def test_a_prompt_is_given_again_too(studio: Path) -> None:
    """It is context of every span, and belongs to the output's id."""
    output_id = type_well("attribute", "--text", TEXT, "--prompt", "once ", "-s", studio, "--json").json[0]["output_id"]
    assert "[A]" in type_well("credits", output_id, "--text", TEXT, "--prompt", "once ", "-s", studio).out
    refused = type_in("credits", output_id, "--text", TEXT, "-s", studio)
    assert refused.code == 2 and "not the prompt of output:" in refused.err


def test_what_is_not_asked_well_is_told(studio: Path, tmp_path: Path) -> None:
    """One paragraph each, and no file is written."""
    output_id = type_well("attribute", "--text", TEXT, "-s", studio, "--json").json[0]["output_id"]
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"output": "a"}\n{"output": "b"}\n')
    page = tmp_path / "out.html"
    for words, code, said in (
        (("output:none",), 2, "no output 'output:none' was attributed here"),
        (("output:\udcff",), 2, "argument 2 is not UTF-8"),  # bytes that are not UTF-8, as a shell hands them on
        ((output_id, "--html", tmp_path), 2, "field '--html': this is a folder"),
        ((output_id, "--text", TEXT, "--work", h.SALT, "--svg", tmp_path), 2, "field '--svg': this is a folder"),
        ((output_id, "--text", "another", "--html", page), 2, "not the text of output:"),
        ((output_id, "--text", TEXT + "\n"), 2, "but for the line break at its end"),
        ((output_id, "--work", h.SALT), 2, "needs the text"),
        ((output_id, "--text", TEXT, "--svg", page), 2, "a picture is of one work"),
        ((output_id, "--text", TEXT, "--work", "work:none"), 2, "no work 'work:none'"),
        ((output_id, "--prompt", "once"), 2, "--prompt"),
        ((output_id, rows), 2, "the file holds 2 outputs"),
        ((output_id, rows, "--text", TEXT), 2, "given twice"),
    ):
        refused = type_in("credits", *words, "-s", studio)
        assert (refused.code, said in refused.err) == (code, True), (words, refused.err)
    assert not page.exists()


def test_uncalibrated_is_said_until_an_audit_calibrates(studio: Path) -> None:
    """On the terminal and in JSON, in both commands; another index's calibration counts nothing, and what was attributed
    before an audit stays uncalibrated."""
    text = type_well("attribute", "--text", TEXT, "-s", studio)
    found = type_well("attribute", "--text", TEXT, "-s", studio, "--json").json[0]
    assert "uncalibrated" in text.out and found["calibration"] is None
    assert (found["calibration_method"], found["reliability_ppb"]) == ("uncalibrated", None)
    opened = open_studio(studio)
    (attribution,) = all_attributions(opened)
    levels = tuple(Level(line.work_id, 0, 0, 0, 0, (Part(line.work_id, PPB),)) for line in attribution.lines)
    for number, index_digest in enumerate(("0" * 64, attribution.index_digest)):
        calibration = Calibration(PPB // 2, 1, levels, 5, 8, "2026-01-01T00:00:00Z", "1" * 64, index_digest, 640_000_000)
        report = AuditReport(f"s{number}", (), 0, 0, (), 8, -1, "2026-01-01T00:00:00Z", "1" * 64, index_digest, "")
        audit_log.keep(opened, report, calibration)
        after = type_well("attribute", "--text", f"{TEXT} {number}", "-s", studio)
        assert ("uncalibrated" in after.out) == (number == 0)
    opened.close()
    new = type_well("attribute", "--text", f"{TEXT} 1", "-s", studio, "--json").json[0]
    assert new["calibration"] == new["calibration_digest"] == calibration.digest
    said = f"calibrated by audit ({calibration.digest[:12]}), reliability 64%"
    assert said in after.out and said in type_well("credits", new["output_id"], "-s", studio).out
    assert "uncalibrated, reliability unmeasured" in type_well("credits", found["output_id"], "-s", studio).out
    opened = open_studio(studio)
    assert checking.check_studio(opened) == []
    opened.close()


def test_credits_without_a_text_need_no_torch(studio: Path) -> None:
    """Reading what is recorded is quick: no model and none of its libraries is loaded."""
    output_id = type_well("attribute", "--text", TEXT, "-s", studio, "--json").json[0]["output_id"]
    program = (
        "import sys; from endcredits.interfaces.cli.credits import credits; "
        "credits(sys.argv[1], studio=sys.argv[2]); assert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", program, output_id, str(studio)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "The Salt Road" in done.stdout, done.stderr

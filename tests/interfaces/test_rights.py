"""`endcredits rights scan`: a table for people, one document for programs, exit code 3 for findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.works.signals.media import mining, picture

from .terminal import type_in, type_well


@pytest.fixture
def works(tmp_path: Path) -> Path:
    folder = tmp_path / "works"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(picture("JPEG", mining("DMI-PROHIBITED-AIMLTRAINING")))
    (folder / "code.py").write_text("# SPDX-License-Identifier: MIT\n")
    (folder / "note.txt").write_text("text")
    return folder


def test_a_table_with_reasons(works: Path) -> None:
    said = type_well("rights", "scan", works)

    rows = [line.split() for line in said.out.splitlines()[:4]]
    assert rows[0] == ["work", "tdm", "train", "finetune", "retrieve", "index", "style", "likeness"]
    assert rows[1] == [str(works / "cat.jpg"), "?", "NO", "NO", "?", "?", "?", "?"]
    assert rows[2][1:4] == ["?", "yes", "yes"] and rows[3][1:] == ["?"] * 7
    assert "train, finetune: PLUS in XMP" in said.out and "APP1 segment at byte" in said.out
    assert said.out.rstrip().endswith("index: 3 unknown") and "3 works, 0 findings" in said.out


def test_one_document(works: Path) -> None:
    document = type_well("rights", "scan", works, "--json").json

    cat = document["works"][0]
    decided = cat["signals"][cat["answers"]["train"]["signal"]]
    assert (cat["media_type"], cat["answers"]["train"]["value"], cat["fetch"]) == ("image/jpeg", "deny", None)
    assert decided["standard"] == "PLUS" and len(decided["raw_sha256"]) == 64 and decided["read_at"].endswith("Z")
    assert document["summary"]["train"] == {"allow": 1, "deny": 1, "unknown": 1} and document["findings"] == []


def test_findings_leave_with_three(works: Path) -> None:
    (works / "robots.txt").write_text("User-agent: *\nContent-Usage: ai-train=no\nDisallow: /note.txt\n")

    said = type_in("rights", "scan", works)
    document = type_in("rights", "scan", works, "--json")

    assert said.code == document.code == 3
    assert "WRONG" in said.out and "'ai-train' is not a key of AIPREF" in said.out
    assert "do not fetch: robots.txt, line 3: Disallow: /note.txt" in said.out
    assert len(document.json["findings"]) == 1 and "robots.txt, line 2" in document.json["findings"][0]["where"]
    assert all(work["answers"]["train"]["value"] == "deny" for work in document.json["works"])


def test_the_name_of_our_crawler(works: Path) -> None:
    (works / "robots.txt").write_text("User-agent: studiobot\nContent-Usage: train-ai=n\n")

    as_other = type_well("rights", "scan", works / "note.txt", "--json").json
    as_named = type_well("rights", "scan", works / "note.txt", "--agent", "StudioBot", "--json").json

    assert [one["works"][0]["answers"]["train"]["value"] for one in (as_other, as_named)] == ["unknown", "deny"]


def test_a_dump(tmp_path: Path) -> None:
    file = tmp_path / "dump.jsonl"
    file.write_text(json.dumps({"url": "https://a.example/x", "headers": {"tdm-reservation": "1"}}))

    assert type_well("rights", "scan", "--urls", file, "--json").json["works"][0]["answers"]["tdm"]["value"] == "deny"
    file.write_text("{")
    assert type_in("rights", "scan", "--urls", file).code == 3


def test_wrong_calls(tmp_path: Path) -> None:
    nothing = type_in("rights", "scan")
    missing = type_in("rights", "scan", tmp_path / "none", "--json")

    assert nothing.code == 2 and "nothing to scan was named" in nothing.err
    assert missing.code == 2 and json.loads(missing.err)["error"] == "NotFoundError" and not missing.out
    assert type_in("rights", "scan", "--urls", tmp_path / "none").code == 2


def test_hostile_names_and_words_are_data(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2Jcat.txt").write_text("SPDX-License-Identifier: \x1b]0;owned\x07\n")

    said = type_in("rights", "scan", tmp_path)

    assert "\x1b" not in said.out and "\x07" not in said.out


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "0 works, 0 findings" in type_well("rights", "scan", tmp_path).out

"""`endcredits rights scan`: a table for people, one document for programs, exit code 3 for findings."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from endcredits.flows import fetching_addresses
from tests.flows.fetched_web import Page, web
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


def test_addresses_are_fetched_into_a_dump_and_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice: what has a line is not asked for again."""
    pages: dict[str, Page] = {"a.example/x": b"text", "a.example/robots.txt": b"User-agent: *\nContent-Usage: train-ai=n\n"}
    listed, dump = tmp_path / "urls.txt", tmp_path / "urls.txt.dump.jsonl"
    with web(pages) as served:
        monkeypatch.setattr(fetching_addresses, "Network", lambda ports: served.network())
        listed.write_text(f"# ours\n{served.url('a.example/x')}\n")
        first = type_well(
            "rights", "scan", "--fetch", listed, "--delay-seconds", 0, "--contact", "bot@b.example", "--json"
        ).json
        again = type_well("rights", "scan", "--fetch", listed, "--into", dump, "--json").json
        asked = served.asked

    assert first["fetch"] == {"into": str(dump), "answered": 2, "failed": 2, "kept": 0}
    assert again["fetch"] == {"into": str(dump), "answered": 0, "failed": 0, "kept": 1} and again["works"] == first["works"]
    assert [work["answers"]["train"]["value"] for work in first["works"]] == ["deny"] and len(asked) == 4
    assert all("contact: bot@b.example" in one.headers["user-agent"] for one in asked)


def test_private_addresses_and_what_there_is_no_time_for_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "urls.txt"
    with web({"a.example/x": b"text"}) as served:
        listed.write_text(served.url("127.0.0.1/x"))
        refused = type_in("rights", "scan", "--fetch", listed, "--port", served.port)
        assert served.asked == []
        monkeypatch.setattr(fetching_addresses, "Network", lambda ports: served.network())
        listed.write_text(served.url("a.example/x"))
        late = type_in("rights", "scan", "--fetch", listed, "--seconds", 1, "--delay-seconds", 60, "--into", tmp_path / "d")
    assert refused.code == 3 and "127.0.0.1 is not a public address" in refused.out
    assert late.code == 3 and "there was no time to fetch it; run the same command again" in late.out


def test_nothing_is_asked_of_the_network_unless_told(works: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a question to the network")

    (works / "robots.txt").write_text("License: https://a.example/terms.xml\n")
    for name in ("getaddrinfo", "create_connection", "socket"):
        monkeypatch.setattr(socket, name, refuse)
    assert "3 works" in type_in("rights", "scan", works).out


def test_wrong_calls(tmp_path: Path) -> None:
    nothing = type_in("rights", "scan")
    missing = type_in("rights", "scan", tmp_path / "none", "--json")

    assert nothing.code == 2 and "nothing to scan was named" in nothing.err
    assert missing.code == 2 and json.loads(missing.err)["error"] == "NotFoundError" and not missing.out
    assert type_in("rights", "scan", "--urls", tmp_path / "none").code == 2
    assert type_in("rights", "scan", "--fetch", tmp_path / "none").code == 2
    assert type_in("rights", "scan", tmp_path, "--into", tmp_path / "d").code == 2
    (tmp_path / "urls.txt").write_text("")
    assert type_in("rights", "scan", "--fetch", tmp_path / "urls.txt", "--seconds", 90_000).code == 2
    assert type_in("rights", "scan", "--fetch", tmp_path / "urls.txt", "--agent", "x y").code == 2
    assert "0 works" in type_well("rights", "scan", "--fetch", tmp_path / "urls.txt").out


def test_hostile_names_and_words_are_data(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2Jcat.txt").write_text("SPDX-License-Identifier: \x1b]0;owned\x07\n")

    said = type_in("rights", "scan", tmp_path)

    assert "\x1b" not in said.out and "\x07" not in said.out


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "0 works, 0 findings" in type_well("rights", "scan", tmp_path).out

"""`endcredits disclose`: documents in files and on the screen, what is missing with exit code 3, and bad input."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from endcredits.flows.studio import open_studio
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.house import House
from tests.works.disclosure import made

DAY = ("--on", "2030-01-01")


@pytest.fixture(scope="module")
def studio(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A studio with an index; its documents change nothing in it."""
    return house.copy(house.indexed, tmp_path_factory.mktemp("disclose") / "studio")


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """Facts of an operator who says all that a document asks for."""
    plain = {**made.WHOLE, "carriers_checked": ["XMP"], "raw_sha256": "a" * 64, "updated_on": "2029-12-01"}
    plain["datasets"] = [{**made.WHOLE["datasets"][0], "has_ip": ["copyright"], "purchased_or_licensed": True}]
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(plain))
    return file


def test_the_form_of_facts_is_toml() -> None:
    assert tomllib.loads(type_well("disclose", "facts").out).keys() <= {
        "processing",
        "crawl",
        "datasets",
        "dataset",
        "output",
    }
    fields = type_well("disclose", "facts", "--json").json
    assert {"field", "type", "none", "values", "about", "documents"} == set(fields[0])


@pytest.mark.parametrize("kind", ["eu", "california", "card", "croissant"])
def test_whole_documents_leave_with_zero(studio: Path, facts: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / ("document.json" if kind == "croissant" else "document.md")
    said = type_well("disclose", kind, "--facts", facts, "-s", studio, *DAY, "--out", out)
    assert f"Wrote {out} (1 file)." in said.out
    printed = type_well("disclose", kind, "--facts", facts, "-s", studio, *DAY)
    assert printed.out == out.read_text() and "Nothing that is asked for" in printed.err


@pytest.mark.parametrize("kind", ["eu", "california", "card", "croissant"])
def test_missing_things_leave_with_three_and_a_document(studio: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / ("document.json" if kind == "croissant" else "document.md")
    said = type_in("disclose", kind, "-s", studio, *DAY, "--out", out)
    assert (
        said.code == 3 and out.exists() and "MISSING  " in said.out and "To supply it: declare it in the facts" in said.out
    )
    document = type_in("disclose", kind, "-s", studio, *DAY, "--out", out, "--json")
    assert document.code == 3 and document.json["complete"] is False and document.json["file"] == str(out)
    one = document.json["missing"][0]
    assert {"field", "law", "severity", "why", "how", "source"} == set(one) and document.json["standing"]["on"] == DAY[1]
    assert type_in("disclose", kind, "-s", studio, *DAY, "--json").json["text"] == out.read_text()


def test_evidence_is_written_and_checked_elsewhere(studio: Path, tmp_path: Path) -> None:
    said = type_in("disclose", "evidence", "-s", studio, *DAY, "--out", tmp_path / "pack")
    assert said.code == 3 and "a contract, an open licence" in said.out
    vkey = studio / "log" / "log.vkey"
    assert "Every file and every statement verifies" in type_well("disclose", "check", tmp_path / "pack", "--vkey", vkey).out
    (tmp_path / "pack" / "works.jsonl").write_text("{}\n")
    found = type_in("disclose", "check", tmp_path / "pack", "--vkey", vkey, "--json")
    assert found.code == 3 and found.json["findings"][0]["where"] == "works.jsonl"
    assert type_in("disclose", "check", tmp_path / "pack", "--vkey", "nonsense").code == 2
    assert type_in("disclose", "check", tmp_path, "--vkey", vkey).code == 2
    assert type_in("disclose", "evidence", "-s", studio, *DAY, "--out", tmp_path / "pack").code == 4


def test_an_output_and_the_file_for_signing(house: House, tmp_path: Path) -> None:
    studio = house.copy(house.indexed, tmp_path / "studio")
    output_id = type_well("attribute", "--text", h.prose(h.SALT, 60), "-s", studio, "--json").json[0]["output_id"]
    file = tmp_path / "facts.toml"
    file.write_text(
        'provider = "Story House"\nmodel = "Quill"\nmodel_version = "2"\n[output]\nkind = "assisted"\ndeepfake = false\n'
        "public_interest_text = false\nparts = []\nexceptions = []\n"
    )
    out, signing = tmp_path / "output.html", tmp_path / "disclosure.toml"
    command = ("disclose", "output", output_id, "--facts", file, "-s", studio)
    said = type_in(*command, "--out", out, "--for-signing", signing)
    assert said.code == 3 and "eu-ai-act-50-marking" in said.out and out.read_text().startswith("<!doctype html>")
    assert tomllib.loads(signing.read_text())["kind"] == "assisted"
    elsewhere = type_in(*command, "--jurisdiction", "US-NY", *("--on", "2026-11-20"))
    assert "eu-ai-act" not in elsewhere.err and "watermark" in elsewhere.err
    assert type_in("disclose", "output", "output:none", "-s", studio).code == 2
    signing.unlink()
    assert type_in(*command, "--out", tmp_path / "output.docx", "--for-signing", signing).code == 2 and not signing.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("eu", "--facts", "nowhere.toml"), "no such file"),
        (("eu", "--on", "soon"), "is not a day"),
        (("eu", "--out", "summary.docx"), "is no form"),
        (("card", "--out", "card.html"), "is no form"),
        (("eu", "--index", "a" * 16), "there is no index"),
        (("eu", "--corpus", "a" * 64), "there is no corpus"),
        (("eu", "--corpus", "registry", "--index", "x"), "one corpus"),
        (("evidence",), "missing option"),
        (("evidence", "--out", "pack", "--corpus", "registry", "--index", "x"), "one corpus"),
    ],
)
def test_bad_input_leaves_with_two_and_writes_nothing(
    studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = type_in("disclose", *words, "-s", studio)
    assert said.code == 2 and told in said.err and list(tmp_path.iterdir()) == []


def test_an_operators_own_rules_are_asked_too(studio: Path, facts: Path, tmp_path: Path) -> None:
    """A rule that somebody adds to the pack is missed by its name, without a change of the document."""
    own = {
        "endcredits_rules": 1,
        "about": "Our own.",
        "fields": {},
        "rules": [
            {
                "id": "house-rule",
                "title": "Our rule",
                "jurisdiction": "EU",
                "kind": "training",
                "status": "guidance",
                "severity": "disclose",
                "evidence": "own",
                "source": "our board",
                "reviewed_on": "2026-11-20",
                "words": "Name the licence.",
                "require": [{"id": "licence", "field": "licence_ref", "test": "present", "why": "name the licence"}],
            }
        ],
    }
    pack = tmp_path / "rules.json"
    pack.write_text(json.dumps(own))
    words = ("disclose", "eu", "--facts", facts, "-s", studio, *DAY, "--json")
    assert type_well(*words).json["missing"] == []
    found = type_in(*words, "--pack", pack)
    assert found.code == 3 and [one["law"] for one in found.json["missing"]] == ["house-rule"]


def test_documents_of_what_would_be_admitted(studio: Path) -> None:
    said = type_in("disclose", "card", "--corpus", "registry", "-s", studio, "--json")
    place = open_studio(studio)
    assert said.json["standing"]["index_digest"] == "" and said.json["standing"]["log_origin"] == place.origin
    place.close()

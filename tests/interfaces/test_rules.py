"""`endcredits rules`: text for people, one document for programs, and the notice on everything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.works.rules import examples

from .terminal import Said, type_in, type_well

NOTICE = "This is not legal advice"


def written(folder: Path, record: Any, name: str = "record.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(record), encoding="utf-8")
    return file


def checked(file: Path, *more: object, place: str = "US-CA", kind: str = "likeness", on: str = "2026-11-20") -> Said:
    return type_in("rules", "check", file, "--jurisdiction", place, "--on", on, "--kind", kind, *more)


def test_a_clean_grant(tmp_path: Path) -> None:
    said = checked(written(tmp_path, examples.GRANT))

    assert said.code == 0 and "0 block, 0 disclose, 0 warn" in said.out and not said.err
    assert "Applied: likeness-grant, us-ca-labor-927, us-no-fakes-2026." in said.out
    assert "Not reached: us-ca-civ-3344-1 (it is about people who died)." in said.out


def test_what_blocks_leaves_with_three(tmp_path: Path) -> None:
    file = written(tmp_path, examples.changed(examples.GRANT, {"representation": "none"}))
    said, document = checked(file), checked(file, "--json")

    assert said.code == document.code == 3
    assert "BLOCK    us-ca-labor-927/represented  representation" in said.out
    assert "self-law.org, a copy of California Labor Code 927 [R: read in a primary text]" in said.out
    assert document.json["blocks"] is True and document.json["reviewed_on"] == "2026-11-20"
    assert [(one["rule_id"], one["condition_id"], one["field"]) for one in document.json["lacks"]] == [
        ("us-ca-labor-927", "represented", "representation")
    ]


def test_what_only_warns_leaves_with_zero_unless_asked(tmp_path: Path) -> None:
    file = written(tmp_path, examples.changed(examples.GRANT, {"storage.location": examples.GONE}))

    assert checked(file).code == checked(file, "--fail-on", "disclose").code == 0
    assert checked(file, "--fail-on", "warn").code == 3
    output = written(tmp_path, examples.changed(examples.OUTPUT, {"watermark.algo": None}), "output.json")
    assert checked(output, place="DE", kind="disclosure").code == 0
    assert checked(output, "--fail-on", "disclose", place="DE", kind="disclosure").code == 3


def test_other_days_and_places_are_said_apart(tmp_path: Path) -> None:
    record = examples.changed(examples.OUTPUT, {"provenance_kept": False})
    said = checked(written(tmp_path, record), kind="disclosure")

    assert "Apart: us-ca-ab-853-platforms holds from 2027-01-01 on; the record would lack 1." in said.out
    elsewhere = checked(written(tmp_path, record), kind="disclosure", place="JP", on="2027-01-02")
    assert "No rule of JP itself is in the pack" in elsewhere.out and "reviewed before 2027-01-02" in elsewhere.out
    ended = checked(written(tmp_path, examples.GRANT), on="2031-01-01")
    assert "Apart: sag-aftra-tv-theatrical-2026 ended 2030-06-30." in ended.out


def test_list_show_and_fields() -> None:
    every = type_well("rules", "list").out
    ours = type_well("rules", "list", "--jurisdiction", "US-TN", "--kind", "likeness", "--json").json

    assert "us-ca-labor-927" in every and "[M] from memory, not confirmed" in every
    assert {"us-tn-elvis", "us-no-fakes-2026"} <= {rule["rule_id"] for rule in ours["rules"]}
    assert "us-ca-labor-927" not in {rule["rule_id"] for rule in ours["rules"]}
    shown = type_well("rules", "show", "us-ca-labor-927").out
    assert "cba_id present, when representation one of union" in shown and "<https://self-law.org/" in shown
    assert type_well("rules", "show", "us-tn-elvis", "--json").json["rule"]["evidence"] == "M"
    fields = type_well("rules", "fields", "likeness").out
    assert "uses[].description" in fields and "self, guardian, estate, union" in fields
    assert len(type_well("rules", "fields", "training", "--json").json["fields"]) == 57


def test_the_notice_stands_on_every_output(tmp_path: Path) -> None:
    file = written(tmp_path, examples.GRANT)
    where = ("--jurisdiction", "US", "--on", "2026-11-20", "--kind", "likeness")
    for words in (("list",), ("show", "us-tn-elvis"), ("fields", "training"), ("check", file, *where)):
        text, document = type_well("rules", *words), type_well("rules", *words, "--json")
        assert NOTICE in text.out and "reviewed_on: 2026-11-20" in text.out
        assert NOTICE in document.json["notice"] and document.json["reviewed_on"] == "2026-11-20"
        assert "not legal advice" in type_well("rules", words[0], "--help").out or words[0] == "fields"


def test_an_own_file_of_rules(tmp_path: Path) -> None:
    rule = {
        "id": "house",
        "title": "House",
        "jurisdiction": "WORLD",
        "kind": "likeness",
        "status": "guidance",
        "severity": "block",
        "source": "us",
        "evidence": "own",
        "reviewed_on": "2026-01-01",
        "words": "No faces.",
        "replaces": ["us-tn-elvis"],
        "require": [{"id": "voice", "field": "modalities", "test": "one_of", "value": ["voice"], "why": "voices only"}],
    }
    pack = written(tmp_path, {"endcredits_rules": 1, "rules": [rule]}, "own.json")
    file = written(tmp_path, examples.changed(examples.GRANT, {"modalities": ["voice", "face"]}))

    said = checked(file, "--pack", pack)

    assert said.code == 3 and "BLOCK    house/voice  modalities" in said.out and "reviewed_on: 2026-01-01" in said.out
    assert "Replaced: house stands in the place of us-tn-elvis." in said.out
    assert "house" in type_well("rules", "list", "--pack", pack).out
    pack.write_text(pack.read_text().replace("one_of", "oneof"))
    wrong = checked(file, "--pack", pack, "--json")
    told = json.loads(wrong.err)
    assert wrong.code == 2 and told["field"] == "test" and "rule 'house', require 1 ('voice')" in told["message"]


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ({"place": "USA"}, "US-CA"),
        ({"kind": "consent"}, "likeness, training, disclosure"),
        ({"on": "tomorrow"}, "2026-11-20"),
    ],
)
def test_wrong_questions(tmp_path: Path, words: dict[str, str], remedy: str) -> None:
    said = checked(written(tmp_path, examples.GRANT), **words)

    assert said.code == 2 and remedy in said.err and not said.out


def test_wrong_calls(tmp_path: Path) -> None:
    file = written(tmp_path, examples.GRANT)

    assert checked(file, "--fail-on", "never").code == 2
    assert checked(tmp_path / "none.json").code == 2
    assert checked(file, "--pack", tmp_path / "none.json").code == 2
    assert type_in("rules", "show", "us-zz").code == 2
    assert type_in("rules", "fields", "consent").code == type_in("rules", "list", "--kind", "consent").code == 2
    assert type_in("rules", "list", "--jurisdiction", "usa").code == 2
    for text in ("[]", "{", '{"a": 1, "a": 2}', '"x"', ""):
        (tmp_path / "wrong.json").write_text(text)
        said = checked(tmp_path / "wrong.json")
        assert said.code == 2 and "wrong.json" in said.err and not said.out


def test_hostile_words_are_data(tmp_path: Path) -> None:
    said = checked(written(tmp_path, {**examples.GRANT, "\x1b[2J\u202e": 1, "grantor": "\x1b]0;x\x07"}))

    assert said.code == 3 and "\x1b" not in said.out and "\x07" not in said.out and "\u202e" not in said.out
    assert "unknown-field" in said.out and "unknown-value" in said.out

"""`endcredits corpus`, typed: what people read, what programs read, and how it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.gated import HILL, SEA, put
from tests.interfaces.terminal import type_in, type_well

WORDS = ("--creator", "Ada Quill", "--permission", "allow")


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio with a refused poem."""
    monkeypatch.chdir(tmp_path)
    type_well("init", "studio")
    put(tmp_path / "refused", sea__txt=SEA)
    type_well("corpus", "admit", "refused", "--creator", "Ben <i>Marl</i>", "--permission", "deny", "-s", "studio")
    return tmp_path / "studio"


def test_admit_show_review_check(studio: Path, tmp_path: Path) -> None:
    put(tmp_path / "src", near__txt=SEA + "\x1b\u202e", hill__txt=HILL, empty__txt="")

    text = type_well("corpus", "admit", "src", *WORDS, "-s", studio).out
    document = type_well("corpus", "admit", "src", *WORDS, "-s", studio, "--json").json

    assert "1 admitted, 1 refused, 1 waiting." in text and "it is empty" in text and "\x1b" not in text
    assert f"Corpus {document['corpus_digest']}, manifest signed." in text
    assert (document["files_read"], document["known"]) == (0, 3) and document["compared_by"] == ["sha256", "letters", "iscc"]
    (near,) = document["waiting"]
    assert near["name"] == "src/near.txt" and near["looks_like"][0]["by"] == "letters"

    shown = type_well("corpus", "show", document["corpus_digest"][:8], "-s", studio)
    assert near["reason"] in shown.out and "1 admitted, 1 refused, 1 waiting" in shown.out
    manifest = type_well("corpus", "show", "-s", studio, "--json").json
    assert manifest["state"] == "whole" and manifest["manifest_sha256"] == document["manifest_sha256"]
    assert manifest["manifest"]["works"][0]["work_id"] == document["admitted"][0]["work_id"]

    both = type_well("corpus", "review", near["work_id"], "-s", studio)
    assert "the same text, letter by letter" in both.out and f"Look at both: {studio}" in both.out
    assert "\x1b" not in both.out and "\u202e" not in both.out
    looked = type_well("corpus", "review", near["work_id"], "-s", studio, "--json").json
    assert looked["looks_like"][0]["refused"]["people"] == ["Ben <i>Marl</i>"] and looked["work"]["excerpt"].startswith(
        "The sea"
    )
    word = ("--admit", "--reason", "my own translation", "--by", "Ada Quill")
    said = type_well("corpus", "review", near["work_id"], *word, "-s", studio, "--json").json
    assert len(said["statements"]) == 1
    assert "; reviewed" in type_well("corpus", "review", near["work_id"], "-s", studio).out
    assert "2 admitted, 1 refused, 0 waiting." in type_well("corpus", "admit", "src", *WORDS, "-s", studio).out

    checked = type_well("corpus", "check", "-s", studio)
    assert "3 corpora, 0 findings." in checked.out and "(current)" in checked.out
    rows = type_well("corpus", "check", "-s", studio, "--json").json
    assert rows["findings"] == [] and sorted(row["admitted"] for row in rows["corpora"]) == [0, 1, 2]
    plain = type_well("corpus", "review", document["admitted"][0]["work_id"], "-s", studio).out
    assert "allow: allow, stated for all files together" in plain and "Look at it:" in plain


def test_every_registered_work_and_a_table(studio: Path, tmp_path: Path) -> None:
    """Without sources the registry is the source; a table's columns can be renamed, and options go where they belong."""
    put(tmp_path, works__csv="name,author,licence,text\nHill,Ada,CC0-1.0,a road climbs the hill\n")
    columns = ("--column", "title=name", "--column", "creator=author")

    mixed = type_well("corpus", "admit", "works.csv", "refused", *columns, *WORDS, "-s", studio, "--json").json
    assert [row["name"] for row in mixed["admitted"]] == ["works.csv row 1"]
    assert [row["name"] for row in mixed["refused"]] == ["refused/sea.txt"], "no yes of a folder undoes the no"
    every = type_well("corpus", "admit", "-s", studio, "--json").json
    assert len(every["admitted"]) == len(every["refused"]) == 1
    assert type_well("corpus", "admit", "-s", studio, "--recheck", "--json").json["files_read"] == 2


WRONG = (
    (("admit", "nowhere"), 2, "there is no such folder or file"),
    (("admit", "works.csv", "--creator", "Ada"), 2, "--creator is for folders"),
    (("admit", "--permission", "allow"), 2, "--permission is for folders"),
    (("admit", "refused", "--column", "title=name"), 2, "--column is for tables"),
    (("admit", "refused", "--column", "title"), 2, "'title' is not a renamed column"),
    (("admit", "refused", "--permission", "perhaps"), 2, "'perhaps' is not a permission"),
    (("admit", "refused", "--at", "2999-01-01T00:00:00Z"), 2, "lies in the future"),
    (("admit", "works.csv"), 2, "the column 'creator' is missing"),
    (("show", "abcdef"), 2, "there is no corpus 'abcdef'"),
    (("review", "work:none"), 2, "there is no work 'work:none'"),
    (("review", "work:none", "--admit", "--refuse"), 2, "not both"),
    (("review", "work:none", "--reason", "why"), 2, "it is not told what is said"),
    (("review", "work:none", "--admit"), 2, "a review has a reason and somebody who says so"),
)


def test_bad_input(studio: Path, tmp_path: Path) -> None:
    """Said in one sentence, before anything is recorded."""
    put(tmp_path, works__csv="title,text\nHill,a road\n")
    for words, code, said in WRONG:
        found = type_in("corpus", *words, "-s", studio)
        assert (found.code, found.out) == (code, "") and said in found.err, words


def test_a_crawl(studio: Path, tmp_path: Path) -> None:
    """Beside folders and tables; what is said of folders is said of it, too."""
    (tmp_path / "crawl.jsonl").write_text('{"url": "https://a.example/hill.txt", "body": "a road climbs the hill"}\n')
    found = type_well("corpus", "admit", "refused", "--urls", "crawl.jsonl", *WORDS, "-s", studio, "--json").json
    assert [row["name"] for row in found["admitted"]] == ["https://a.example/hill.txt"]
    assert [row["name"] for row in found["refused"]] == ["refused/sea.txt"]
    alone = type_well("corpus", "admit", "--urls", "crawl.jsonl", *WORDS, "-s", studio).out
    assert alone.startswith("1 admitted, 0 refused, 0 waiting.")


def test_no_corpus_yet(tmp_path: Path) -> None:
    type_well("init", tmp_path / "studio")
    found = type_in("corpus", "show", "-s", tmp_path / "studio")
    assert found.code == 2 and "no corpus went through the gate yet" in found.err
    assert type_well("corpus", "check", "-s", tmp_path / "studio").out == "0 corpora, 0 findings.\n"
    assert type_well("corpus", "admit", "-s", tmp_path / "studio").out.startswith("0 admitted, 0 refused, 0 waiting.")

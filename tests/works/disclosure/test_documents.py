"""The documents: their sections, their forms, hostile words in all of them, and the same bytes again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from endcredits.errors import InputError
from endcredits.works.disclosure import (
    Facts,
    california_documentation,
    card_bytes,
    card_document,
    croissant_bytes,
    croissant_document,
    eu_summary,
    evidence_document,
    fails,
    parse_facts,
    rendered,
    training_record,
    work_line,
)
from endcredits.works.disclosure.card import size_category
from endcredits.works.disclosure.croissant import CONFORMS, RAI_CONFORMS
from endcredits.works.disclosure.evidence import statement_file
from tests.works.disclosure import made
from tests.works.disclosure.test_escaping import HOSTILE, read


def documents(facts: Facts, collected: Any = None) -> dict[str, bytes]:
    """Every document of a corpus in every form."""
    of = collected or made.collected()
    record = training_record(of, facts)
    found = {"card.md": card_bytes(of, facts, record), "croissant.json": croissant_bytes(of, facts, record)}
    for make in (eu_summary, california_documentation, evidence_document):
        for suffix in (".md", ".html", ".json"):
            found[f"{make.__name__}{suffix}"] = rendered(make(of, facts, record), suffix)
    return found


def test_the_european_summary_follows_the_template() -> None:
    text = documents(made.facts())["eu_summary.md"].decode()
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    assert headings[:12] == [
        "Public summary of training content",
        "1. General information",
        "1.1 Provider identification",
        "1.2 Model identification",
        "1.3 Modalities, overall size and other characteristics",
        "2. List of data sources",
        "2.1 Publicly available data sets",
        "2.2.1 Private data sets under licences of rights holders",
        "2.2.2 Private data sets obtained from other third parties",
        "2.3 Data crawled and scraped from online sources",
        "2.4 User data",
        "2.5 Synthetic data",
    ]
    assert headings[13:17] == [
        "3. Data processing aspects",
        "3.1 Respect of reservations against text and data mining",
        "3.2 Removal of illegal content",
        "3.3 Other information",
    ]
    assert "| TDMRep | 1.0 | HTTP header | 2 | 4 | 3 | 2 | 1 | 0 |" in text
    assert "| The shelf | 3 | 3 | 600 | text/plain 3 | open licence 3 | MIT 3 | 2026-01-01 to 2026-01-03 |" in text
    assert "- **Works kept out:** 1 *(counted)*" in text and "- **Provider:** Studio *(declared)*" in text
    assert "This is not legal advice" in text and "reviewed on 2026-11-20" in text


def test_every_document_says_on_what_it_stands() -> None:
    for name, data in documents(made.facts()).items():
        text = data.decode()
        for stands in ("c" * 64, "d" * 64, made.ON, "studio.example/log"):
            assert stands in text, (name, stands)


def test_california_has_twelve_items_a_data_set() -> None:
    text = documents(made.facts())["california_documentation.md"].decode()
    for number in range(1, 13):
        assert f"- **{number}. " in text
    clean = made.facts({"datasets": [{**made.WHOLE["datasets"][0], "cleaning": None}]})
    text = documents(clean)["california_documentation.md"].decode()
    assert "- **9. Cleaning, processing or other modification:** none *(declared)*" in text and "What was done" not in text


def test_documents_are_the_same_bytes_whatever_the_order() -> None:
    """The same records and facts make the same bytes, and no clock is looked at."""
    one = documents(made.facts())

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(one) for one in value] if isinstance(value, list) else value

    assert documents(parse_facts(turned(dict(made.WHOLE)))) == one == documents(made.facts())


def test_the_head_of_a_card() -> None:
    text = documents(made.facts())["card.md"].decode()
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "pretty_name": "The corpus",
        "license": ["mit"],
        "language": ["en"],
        "size_categories": ["n<1K"],
        "task_categories": ["text-generation"],
        "tags": ["prose"],
    }
    assert body.startswith("\n# Dataset card for The corpus\n") and "## Source data" in body
    silent = documents(Facts({}))["card.md"].decode()
    assert yaml.safe_load(silent.split("---\n", 2)[1]) == {"license": ["mit"], "size_categories": ["n<1K"]}
    assert fails(card_document(made.collected(), Facts({}), made.record(with_facts=Facts({}))).missing)
    contract = made.collected(made.work(1, ground="contract", licences=()))
    head = yaml.safe_load(documents(made.facts(), contract)["card.md"].decode().split("---\n", 2)[1])
    assert (head["license"], head["license_link"]) == (["other"], "https://studio.example/terms")


@pytest.mark.parametrize(("number", "name"), [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**12, "n>1T")])
def test_size_categories(number: int, name: str) -> None:
    assert size_category(number) == name


def test_croissant_has_what_the_standard_requires() -> None:
    """The properties that version 1.1 requires of a data set, a file and a field (docs/croissant-spec-1.1.md)."""
    document = json.loads(documents(made.facts())["croissant.json"])
    assert {
        *("@context", "@type", "conformsTo", "name", "description", "license", "url", "creator", "datePublished"),
        *("distribution", "version", "keywords", "inLanguage", "citeAs"),
    } <= set(document)
    assert document["@type"] == "sc:Dataset" and document["conformsTo"] == [CONFORMS, RAI_CONFORMS]
    context = document["@context"]
    assert context["@vocab"] == "https://schema.org/" and context["cr"] == "http://mlcommons.org/croissant/"
    ids = [one["@id"] for one in document["distribution"]]
    assert len(ids) == len(set(ids)) == 3
    for one in document["distribution"]:
        assert one["@type"] == "cr:FileObject" and {"name", "contentUrl", "encodingFormat", "contentSize"} <= set(one)
        assert re.fullmatch("[0-9a-f]{64}", one["sha256"]) and one["contentUrl"].endswith(one["sha256"])
        assert one["license"] == "https://spdx.org/licenses/MIT.html"
    (works,) = document["recordSet"]
    fields = [one["@id"] for one in works["field"]]
    assert works["key"] == {"@id": "works/work_id"} and all(
        {"@type", "name", "dataType"} <= set(one) for one in works["field"]
    )
    assert [set(row) for row in works["data"]] == [set(fields)] * 3
    assert "endcredits:missing" not in document


def test_croissant_without_facts_is_whole_json_and_says_what_is_missing() -> None:
    record = made.record(with_facts=Facts({}))
    document, missing = croissant_document(made.collected(), Facts({}), record)
    assert {one.field for one in missing if one.fails} == {"url", "creator", "datePublished"}
    assert len(document["endcredits:missing"]) == len(missing) and "name" in document
    assert document["license"] == "https://spdx.org/licenses/MIT.html"


def test_croissant_loads_in_the_library_of_its_makers(tmp_path: Any) -> None:
    """Validated and read by mlcroissant, which this project does not depend on."""
    mlcroissant = pytest.importorskip(
        "mlcroissant", reason="mlcroissant is not installed: NOT VALIDATED by its makers' library"
    )
    file = tmp_path / "croissant.json"
    file.write_bytes(documents(made.facts())["croissant.json"])
    dataset = mlcroissant.Dataset(jsonld=str(file))
    assert not dataset.metadata.ctx.issues.errors
    rows = list(dataset.records(record_set="works"))
    assert [row["works/work_id"] for row in rows] == ["work:1", "work:2", "work:3"]


def test_evidence_names_each_works_ground() -> None:
    line = json.loads(work_line(made.work(1)))
    assert line["ground"] == "open licence" and line["licences"] == ["MIT"] and line["log_position"] == 1
    assert line["statement_file"] == statement_file("perm:1") and line["permission"]["reason"] == made.MIT
    lacking = made.collected(
        made.work(1, ground="other statement"),
        made.work(2, permission=None, permission_position=-1),
        made.work(3, permission_position=-1),
        made.work(4, taken_back=True),
    )
    document = evidence_document(lacking, made.facts(), made.record(lacking))
    told = {one.field: one.why for one in document.missing}
    assert set(told) == {"ground", "permission_id", "log_position", "taken_back"} and fails(document.missing)
    assert "1 works lack it: work:1" in told["ground"] and "work:4" in told["taken_back"]
    assert evidence_document(made.collected(), made.facts(), made.record()).missing == ()
    nobody = made.collected(works=())
    assert evidence_document(nobody, Facts({}), made.record(nobody, Facts({}))).missing[0].field == "works"


def test_another_form_is_refused() -> None:
    document = eu_summary(made.collected(), made.facts(), made.record())
    with pytest.raises(InputError, match=r"\.docx"):
        rendered(document, ".docx")


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_titles_and_names_are_words_in_every_document(words: str) -> None:
    """A title, a name, a licence, a reason, and facts that try to be code: every form keeps its structure."""
    hostile = made.work(
        1, title=words, names=(words,), licences=(words,), permission=made.permission(1, reason=words, declared_by=words)
    )
    of = replace(made.collected(hostile), refused=())
    plain = {**made.WHOLE, "provider": words, "content_types": [words], "dataset": {**made.WHOLE["dataset"], "name": words}}
    plain["datasets"] = [{**made.WHOLE["datasets"][0], "name": words, "description": words}]
    calm = made.collected(made.work(1, title="x", names=("x",), licences=("x",)), refused=())
    facts, quiet = parse_facts(plain), made.facts({"datasets": [{**made.WHOLE["datasets"][0], "description": "x"}]})
    found, expected = documents(facts, of), documents(quiet, calm)
    for name, data in found.items():
        text = data.decode()
        assert "\x00" not in text and "\u202e" not in text and "\x1b" not in text, name
        if name.endswith(".html"):
            assert read(text).tags == read(expected[name].decode()).tags, name
        elif name.endswith(".json"):
            assert _shape(json.loads(text)) == _shape(json.loads(expected[name])), name
            assert "</script" not in text
        else:
            assert _tags(text) == _tags(expected[name].decode()), name
    head = yaml.safe_load(found["card.md"].decode().split("\n---\n", 1)[0].removeprefix("---\n"))
    assert head["pretty_name"] == words
    assert json.loads(found["croissant.json"])["recordSet"][0]["data"][0]["works/title"] == words


def _tags(text: str) -> list[str]:
    """The structure of a Markdown document, without a head of YAML."""
    body = text.split("\n---\n", 1)[1] if text.startswith("---\n") else text
    return read(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(body)).tags


def _shape(value: Any) -> Any:
    """A JSON value without its texts."""
    if isinstance(value, dict):
        return {key: _shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shape(one) for one in value]
    return type(value).__name__

"""Declared facts: the form tells every field, and a file that says something else is refused by name."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.works.disclosure import fact_form, parse_facts, read_facts
from endcredits.works.disclosure.fact_fields import DOCUMENTS, declared_types, fact_fields
from endcredits.works.disclosure.facts import look
from endcredits.works.rules import shipped_pack

COUNTED = {"result", "licence_ref", "datasets"}
"""Fields of the rule pack's record that nobody declares: they follow from the registry."""


def filled() -> str:
    """The form with every field filled in by its example."""
    return re.sub(r"(?m)^#(?=[a-z0-9_.]+ = )", "", fact_form())


def test_the_form_as_it_comes_says_nothing() -> None:
    assert parse_facts(tomllib.loads(fact_form())).values == {}


def test_the_form_filled_in_declares_every_field() -> None:
    """Each field has an example that is of its type, and none is left out of the form."""
    told = parse_facts(tomllib.loads(filled()))
    for path in fact_fields():
        assert told.has(path.replace("[]", "[0]")), path


def test_the_form_tells_unit_and_documents() -> None:
    form = fact_form()
    assert "# first release of the system (a day (2026-11-20); for: california)\n#released_on = " in form
    assert 'or "none"' in form
    for one in fact_fields().values():
        assert set(one.documents) <= set(DOCUMENTS) and one.documents


def test_every_field_of_the_rules_can_be_declared_or_is_counted() -> None:
    """What a rule can ask for can be supplied under the very name by which it is missed."""
    known = declared_types()
    for path, field in shipped_pack().fields["training"].items():
        if path.startswith("sources") or path in COUNTED:
            continue
        assert path in known and known[path].kind_of_value == field.kind_of_value, path
    for path in shipped_pack().fields["disclosure"]:
        of_the_log = path.startswith("c2pa") or path in (
            *("output_sha256", "time", "unique_id", "digital_source_type", "provider"),
        )
        assert of_the_log or f"output.{path}" in known, path


def test_days_and_times_of_toml_are_read_as_texts() -> None:
    told = parse_facts(tomllib.loads("market_date = 2026-05-01\nfetched_at = 2026-01-02T01:00:00+01:00\n"))
    assert told.values == {"market_date": "2026-05-01", "fetched_at": "2026-01-02T00:00:00Z"}


def test_none_says_that_there_is_none() -> None:
    told = parse_facts({"datasets": [{"cleaning": "none", "name": "none"}], "output": {"human_editor_id": "none"}})
    assert told.get("datasets[0].cleaning", "x") is None and told.text("datasets[0].name") == "none"
    assert told.has("output.human_editor_id") and told.get("output.human_editor_id") is None
    assert not told.has("provider") and told.text("provider") == "" and told.get("provider", 7) == 7


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ({"provder": "x"}, "provder"),
        ({"provider": 7}, "provider"),
        ({"market_date": "soon"}, "market_date"),
        ({"datasets": [{"kind": "stolen"}]}, "datasets[0].kind"),
        ({"datasets": [{"n_works": 4}]}, "datasets[0].n_works"),
        ({"datasets": ["x"]}, "datasets[0]"),
        ({"output": {"watermark": {"colour": "x"}}}, "output.watermark.colour"),
        ({"modalities": ["smell"]}, "modalities"),
        ({"dataset": {"published_on": True}}, "dataset.published_on"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_name(plain: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as told:
        parse_facts(plain, "facts.toml")
    assert told.value.field == field and told.value.file == "facts.toml" and "disclose facts" in told.value.remedy


def test_files(tmp_path: Path) -> None:
    toml, jason, broken = tmp_path / "f.toml", tmp_path / "f.json", tmp_path / "b.toml"
    toml.write_text('provider = "Ü"\n', encoding="utf-8")
    jason.write_text(json.dumps({"datasets": [{"cleaning": None}], "provider": "Ü"}), encoding="utf-8")
    assert read_facts(toml).values == {"provider": "Ü"} and read_facts(toml).file == str(toml)
    assert read_facts(jason).get("datasets[0].cleaning", 1) is None
    for text in ("provider = ", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "[a"):
        broken.write_text(text, encoding="utf-8")
        with pytest.raises(InputError):
            read_facts(broken)
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        read_facts(broken)
    jason.write_text('{"provider": "a", "provider": "b"}')
    with pytest.raises(InputError, match="twice"):
        read_facts(jason)
    jason.write_text("[]")
    with pytest.raises(InputError, match="table"):
        read_facts(jason)
    with pytest.raises(NotFoundError):
        read_facts(tmp_path / "none.toml")


def test_looking_up_paths() -> None:
    values = {"a": {"b": [{"c": None}]}}
    assert look(values, "a.b[0].c") is None
    assert look(values, "a.b[1].c") is ... and look(values, "a.x") is ... and look(values, "a.b.c") is ...

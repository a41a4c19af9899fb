"""What a pack declares besides rules: fields and unions of countries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.works.rules import Field, parse_packs


def declared(fields: Any = None, places: Any = None) -> Any:
    text = json.dumps({"endcredits_rules": 1, "fields": {"likeness": fields or {}}, "places": places or {}})
    return parse_packs([("own.json", text)])


def test_fields_and_places() -> None:
    pack = declared(
        {
            "pay": {"type": "group", "about": "pay"},
            "pay.basis": {"type": "text", "values": ["day", "share"], "about": "what for", "null": True},
            "uses": {"type": "rows", "about": "uses"},
            "uses[].place": {"type": "group", "about": "where"},
            "uses[].place.name": {"type": "text", "about": "its name"},
        },
        {"EU": ["DE"]},
    )

    assert pack.fields["likeness"]["pay.basis"] == Field("pay.basis", "text", "what for", ("day", "share"), True)
    assert len(pack.fields["likeness"]) == 5 and pack.places == {"EU": frozenset(["DE"])}
    with pytest.raises(TypeError):
        pack.fields["likeness"]["x"] = None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Name": {"type": "text", "about": "x"}}, "'Name' is not a path"),
        ({"a..b": {"type": "text", "about": "x"}}, "is not a path"),
        ({"a[][].b": {"type": "text", "about": "x"}}, "is not a path"),
        ({"a": {"type": "words", "about": "x"}}, "which is not known"),
        ({"a": {"type": "text"}}, "'about' is missing"),
        ({"a": {"type": "text", "about": "x", "nul": True}}, "'nul' is not a key"),
        ({"a": {"type": "text", "about": "x", "null": "yes"}}, "neither true nor false"),
        ({"a": {"type": "day", "about": "x", "values": ["b"]}}, "has values to choose from"),
        ({"a.b": {"type": "text", "about": "x"}}, "'a.b' lies in 'a', which is not declared as a group"),
        ({"a": {"type": "text", "about": "x"}, "a.b": {"type": "text", "about": "x"}}, "not declared as a group"),
        ({"a": {"type": "group", "about": "x"}, "a[].b": {"type": "text", "about": "x"}}, "not declared as a list of rows"),
        ({"a": {"type": "group", "about": "x"}, "a.b": {"type": "rows", "about": "x"}}, "stands at the top"),
        ({"a": {"type": "rows", "about": "x"}, "a[].b": {"type": "rows", "about": "x"}}, "stands at the top"),
        ({"a[].b[].c": {"type": "text", "about": "x"}}, "rows inside of rows"),
        ({"a": 7}, "is not an object"),
    ],
)
def test_fields_that_are_refused(fields: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        declared(fields)
    assert message in error.value.message and error.value.file == "own.json" and error.value.remedy


@pytest.mark.parametrize(
    "places", [{"EU": ["DEU"]}, {"EU": ["US-CA"]}, {"Europe": ["DE"]}, {"EU": "DE"}, {"EU": ["DE", "DE"]}]
)
def test_places_that_are_refused(places: Any) -> None:
    with pytest.raises(InputError):
        declared(places=places)


@pytest.mark.parametrize(
    "second",
    [
        {"type": "count", "about": "x"},
        {"type": "text", "about": "x", "null": True},
        {"type": "text", "about": "x", "values": ["a"]},
    ],
)
def test_two_files_must_mean_the_same_field(second: Any) -> None:
    def file(field: Any) -> str:
        return json.dumps({"endcredits_rules": 1, "fields": {"likeness": {"agent": field}}})

    with pytest.raises(InputError, match="an earlier file declares 'agent' otherwise"):
        parse_packs([("one.json", file({"type": "text", "about": "x"})), ("two.json", file(second))])


def test_an_unknown_kind_and_a_union_twice() -> None:
    with pytest.raises(InputError, match="'consent' is not a kind"):
        parse_packs([("own.json", '{"endcredits_rules": 1, "fields": {"consent": {}}}')])
    union = '{"endcredits_rules": 1, "places": {"EU": ["DE"]}}'
    with pytest.raises(InputError, match="declared already"):
        parse_packs([("one.json", union), ("two.json", union)])

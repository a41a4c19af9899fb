"""Reading a record: what is known is comparable, what is not is a finding and silent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.works.rules.fields import SILENT, TYPES, read_record
from endcredits.works.rules.records import Field

KNOWN = {
    field.path: field
    for field in (
        Field("name", "text", "", may_be_null=True),
        Field("kind", "text", "", ("a", "b")),
        Field("kinds", "texts", "", ("a", "b")),
        Field("pay", "group", "", may_be_null=True),
        Field("pay.amount", "decimal", ""),
        Field("day", "day", ""),
        Field("uses", "rows", "", may_be_null=True),
        Field("uses[].at", "time", ""),
        Field("uses[].place", "group", ""),
        Field("uses[].place.name", "text", ""),
    )
}

OF_TYPE: dict[str, tuple[list[Any], list[Any]]] = {
    "text": (["", "x", "\x00"], [1, None, ["x"], {}]),
    "texts": ([[], ["x"], ("x",)], ["x", [1], [["x"]], {"x": 1}]),
    "yes-no": ([True, False], [0, 1, "true", None]),
    "count": ([0, 2**63 - 1], [-1, 1.0, True, "1", 2**63]),
    "decimal": (["0", "1.5", "0.000000001"], [1.5, "1,5", ".5", "-1", "1e3", "", "1.", "\u0661"]),
    "digest": (["ab" * 32], ["AB" * 32, "ab" * 31, 1]),
    "day": (["2024-02-29"], ["2025-02-29", "2026-1-1", "20261120", 20261120, "2026-11-20T00:00:00Z"]),
    "days": ([[], ["2024-02-29"]], ["2024-02-29", ["x"]]),
    "time": (["2026-11-20T12:00:00Z"], ["2026-11-20", "2026-11-20T12:00:00+01:00", "2026-11-20T25:00:00Z"]),
    "place": (["WORLD", "US-CA"], ["world", "USA", ["US"]]),
    "places": ([[], ["US"]], ["US", ["world"]]),
    "group": ([{}, {"a": 1}], [[], "x", None]),
    "rows": ([[], [{}]], [{}, "x", None]),
}


def test_every_type_is_tried() -> None:
    assert set(OF_TYPE) == set(TYPES)


@pytest.mark.parametrize("kind", OF_TYPE)
def test_types(kind: str) -> None:
    good, bad = OF_TYPE[kind]

    assert all(TYPES[kind][0](value) for value in good)
    assert not any(TYPES[kind][0](value) for value in bad)


def test_what_can_be_read() -> None:
    found = read_record(
        {
            "name": None,
            "kind": "a",
            "kinds": ["b"],
            "pay": {"amount": "1.5"},
            "day": "2026-11-20",
            "uses": [{"at": "2026-11-20T12:00:00Z", "place": {"name": "here"}}, {}],
        },
        KNOWN,
    )

    assert found.problems == ()
    assert {key: found.values[key] for key in ("name", "kind", "kinds", "pay.amount", "day")} == {
        "name": None,
        "kind": "a",
        "kinds": ("b",),
        "pay.amount": "1.5",
        "day": datetime(2026, 11, 20, tzinfo=UTC),
    }
    first, second = found.rows["uses"]
    assert first["uses[].at"] == datetime(2026, 11, 20, 12, tzinfo=UTC) and first["uses[].place.name"] == "here"
    assert second == {} and second.get("uses[].at", SILENT) is SILENT


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"nmae": "x"}, ("nmae", "unknown-field")),
        ({"pay": {"amuont": "1"}}, ("pay.amuont", "unknown-field")),
        ({"pay.amount": "1"}, ("pay.amount", "unknown-field")),
        ({"uses[]": []}, ("uses[]", "unknown-field")),
        ({1: "x"}, ("1", "unknown-field")),
        ({"\u202e\x1b[2J": 1}, ("\\u202e\\x1b[2J", "unknown-field")),
        ({"name": 1}, ("name", "wrong-type")),
        ({"kind": None}, ("kind", "wrong-type")),
        ({"kind": "c"}, ("kind", "unknown-value")),
        ({"kind": ""}, ("kind", "unknown-value")),
        ({"kinds": ["a", "c"]}, ("kinds", "unknown-value")),
        ({"pay": []}, ("pay", "wrong-type")),
        ({"uses": {}}, ("uses", "wrong-type")),
        ({"uses": [{}, "x"]}, ("uses[1]", "wrong-type")),
        ({"uses": [{"at": "noon"}]}, ("uses[0].at", "wrong-type")),
    ],
)
def test_what_cannot_be_read_is_a_finding_and_silent(record: Any, problem: tuple[str, str]) -> None:
    found = read_record(record, KNOWN)

    assert [one[:2] for one in found.problems] == [problem] and found.problems[0][2]
    assert not set(found.values) - {"pay", "uses"}


def test_null_says_that_there_is_nothing_below() -> None:
    found = read_record({"pay": None, "uses": None}, KNOWN)

    assert found.problems == () and found.values["pay.amount"] is None and found.rows == {"uses": ()}


@pytest.mark.parametrize("record", [None, [], "x", 1])
def test_no_record(record: Any) -> None:
    with pytest.raises(InputError):
        read_record(record, KNOWN)

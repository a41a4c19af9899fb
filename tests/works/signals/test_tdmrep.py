"""TDMRep: its words, and the file for a whole site."""

from __future__ import annotations

import json
from typing import Any

import pytest

from endcredits.works.signals import read_headers, read_tdmrep_json

from .said import HERE, at, problems, said

RESERVED = {"tdm": "deny", "train": "deny", "finetune": "deny"}
OPEN = dict.fromkeys(RESERVED, "allow")
LICENSED = dict.fromkeys(RESERVED, "conditional")


def rule(location: str = "/", value: Any = 1, **more: Any) -> dict[str, Any]:
    return {"location": location, "tdm-reservation": value, **more}


def read(rules: Any, path: str = "/a/cat.jpg") -> tuple:
    return read_tdmrep_json(json.dumps(rules).encode(), at(path))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("tdm-reservation", "1")], RESERVED),
        ([("TDM-Reservation", " 1 ")], RESERVED),
        ([("tdm-reservation", "0")], OPEN),
        ([("tdm-reservation", "1"), ("tdm-policy", "https://p.example/p")], LICENSED),
        ([("tdm-reservation", "1"), ("tdm-policy", "")], RESERVED),
        ([("tdm-reservation", "0"), ("tdm-policy", "https://p.example/p")], OPEN),
        ([("tdm-policy", "https://p.example/p")], {}),
    ],
)
def test_reservation_and_policy(headers: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert said(read_headers(headers, HERE)) == expected and problems(read_headers(headers, HERE)) == []


@pytest.mark.parametrize("value", ["2", "yes", "true", "", "01", "-1", "\uff11"])
def test_any_other_value_is_a_finding_and_a_no(value: str) -> None:
    signals = read_headers([("tdm-reservation", value)], HERE)

    assert said(signals) == RESERVED and len(problems(signals)) == 1


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule()], RESERVED),
        ([rule(value=0)], OPEN),
        ([rule(**{"tdm-policy": "https://p.example/p"})], LICENSED),
        ([rule("/b")], {}),
        ([rule("/*.jpg")], RESERVED),
        ([rule("https://a.example/a/*")], RESERVED),
        ([rule("/a/cat.jpg", 0), rule("/", 1)], OPEN),
        ([rule("/", 1), rule("/a/cat.jpg", 0)], RESERVED),  # the first and the most specific disagree
        ([rule("/", 0), rule("/a/", 1)], RESERVED),
        ([rule("/a/", 0), rule("/a/", 1)], RESERVED),
        ([], {}),
    ],
)
def test_the_file_of_a_site(rules: list[Any], expected: dict[str, str]) -> None:
    assert said(read(rules)) == expected and problems(read(rules)) == []


@pytest.mark.parametrize(
    "rules",
    [
        [rule(value="1")],
        [rule(value="0")],
        [rule(value=0.0)],
        [rule(value=False)],
        [rule(value=None)],
        [rule(value=3)],
        [{"location": "/"}],
        [{"tdm-reservation": 0}],
        [rule(location="")],
        [rule(**{"tdm-policy": ["https://p.example"]})],
        ["/"],
    ],
)
def test_wrong_rules_are_findings_and_a_no(rules: list[Any]) -> None:
    assert said(read(rules)) == RESERVED and len(problems(read(rules))) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"{}",
        b'[{"location": "/", "tdm-reservation": 1, "tdm-reservation": 0}]',
        b"[" * 100_000,
        b'"\\ud800"',
        b" " * 2_000_001,
    ],
)
def test_a_file_that_cannot_be_read_stands_in_the_way(data: bytes) -> None:
    signals = read_tdmrep_json(data, HERE)

    assert said(signals)["train"] == "unknown" and len(problems(signals)) == 1


def test_a_byte_order_mark_is_no_harm() -> None:
    data = json.dumps([rule()])

    for encoding in ("utf-8-sig", "utf-16", "utf-16-be"):
        assert said(read_tdmrep_json(data.encode(encoding), HERE)) == RESERVED

"""HTTP headers: each for itself, whatever its name's spelling."""

from __future__ import annotations

import pytest

from endcredits.works.signals import read_headers

from .said import HERE, NO_TRAINING, YES_TRAINING, problems, said

MINING = dict.fromkeys(("tdm", "train", "finetune"), "deny")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Content-Usage", "train-ai=n")], NO_TRAINING),
        ([("content-usage", "train-ai=y")], YES_TRAINING),
        ([("Content-Usage", "train-ai=y"), ("Content-Usage", "train-ai=n")], NO_TRAINING),
        ([("Content-Usage", "train-ai=y"), ("Content-Signal", "ai-train=no")], NO_TRAINING),
        ([("X-Robots-Tag", "noai, noimageai")], MINING),
        ([("X-Robots-Tag", "noindex")], {"index": "deny"}),
        ([("X-Robots-Tag", "otherbot: noai")], {}),
        ([("X-Robots-Tag", "endcredits: noai")], MINING),
        ([("X-Robots-Tag", "unavailable_after: 1 Jan 2030, noai")], MINING),
        ([("Link", '<https://creativecommons.org/licenses/by/4.0/>; rel="license"')], YES_TRAINING),
        ([("Link", "<https://creativecommons.org/licenses/by-nc/4.0/>; rel=license")], NO_TRAINING),
        ([("Link", '<https://a.example/x>; rel="next", <https://a.example/t>; rel="license"')], {}),
        ([("Server", "nginx"), ("Content-Type", "text/html")], {}),
        ([("tdm-reservation", "0"), ("tdm-reservation", "1")], MINING),
    ],
)
def test_headers(headers: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert said(read_headers(headers, HERE)) == expected and problems(read_headers(headers, HERE)) == []


def test_a_link_to_rsl_terms_is_a_condition() -> None:
    link = '<https://a.example/rsl.xml>; rel="license"; type="application/rsl+xml"'
    signals = read_headers([("Link", link)], HERE)

    assert set(said(signals).values()) == {"conditional"}
    assert signals[0].conditions == ("the terms at https://a.example/rsl.xml",)


@pytest.mark.parametrize("name", ["Content_Usage", "ContentUsage", "Content-Usages", "AI-Usage", "tdm_reservation"])
@pytest.mark.parametrize("value", ["train-ai=y", "0", "train-ai=n", "1"])
def test_a_wrong_name_is_a_finding_and_a_no(name: str, value: str) -> None:
    signals = read_headers([(name, value)], HERE)

    assert said(signals)["train"] == "deny" and problems(signals)


def test_two_policies_are_not_chosen_between() -> None:
    headers = [("tdm-reservation", "1"), ("tdm-policy", "https://a.example/1"), ("tdm-policy", "https://a.example/2")]

    assert said(read_headers(headers, HERE)) == MINING


def test_an_endless_value_is_not_read() -> None:
    signals = read_headers([("Link", "<" * 70_000), ("Content-Usage", "train-ai=y")], HERE)

    assert said(signals)["train"] == "unknown" and "longer than" in problems(signals)[0]

"""robots.txt: groups, longest path, the lines about use, and hostile files."""

from __future__ import annotations

import pytest

from endcredits.works.signals import READ_BYTES_MAX, may_fetch, read_robots
from endcredits.works.signals.robots import crawl_delay

from .said import NO_TRAINING, YES_TRAINING, at, problems, said


def read(text: str | bytes, path: str = "/a/cat.jpg") -> tuple:
    return read_robots(text.encode() if isinstance(text, str) else text, at(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("User-agent: *\nContent-Usage: train-ai=n", NO_TRAINING),
        ("User-agent: *\nContent-Usage: /a/ train-ai=n", NO_TRAINING),
        ("User-agent: *\nContent-Usage: /b/ train-ai=n", {}),
        ("User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /a/ train-ai=y", YES_TRAINING),
        ("User-agent: *\nContent-Usage: /a/ train-ai=n\nContent-Usage: train-ai=y", NO_TRAINING),
        ("User-agent: *\nContent-Usage: /a/ train-ai=n\nContent-Usage: /*/ train-ai=y", NO_TRAINING),
        ("User-agent: *\nContent-Usage: /*.jpg$ train-ai=n", NO_TRAINING),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=no", {**NO_TRAINING, "index": "allow"}),
        ("user-agent: *\ncontent-signal: ai-input=no\nAllow: /", {"retrieve": "deny"}),
        ("User-agent: otherbot\nContent-Usage: train-ai=n", {}),
        ("User-agent: otherbot\nUser-agent: endcredits/2.0\nContent-Usage: train-ai=n", NO_TRAINING),
        ("User-agent: *\nContent-Usage: train-ai=n # no\r\n", NO_TRAINING),
        ("User-agent: *\rContent-Usage: train-ai=n\r", NO_TRAINING),
        ("User-agent: *\nDisallow: /\n", {}),
    ],
)
def test_lines_about_use(text: str, expected: dict[str, str]) -> None:
    assert said(read(text)) == expected and problems(read(text)) == []


def test_a_group_of_our_own_does_not_make_a_general_no_vanish() -> None:
    """By the letter only our own group counts; a Disallow in it must not widen what may be done."""
    general = "User-agent: *\nContent-Usage: train-ai=n\n"

    assert said(read(general + "User-agent: endcredits\nDisallow: /b\n")) == NO_TRAINING
    assert said(read(general + "User-agent: endcredits\nContent-Usage: search=n\n")) == {**NO_TRAINING, "index": "deny"}
    assert said(read(general + "User-agent: endcredits\nContent-Usage: train-ai=y\n")) == YES_TRAINING


def test_a_longer_path_about_search_leaves_the_no_to_training() -> None:
    text = "User-agent: *\nContent-Usage: / train-ai=n\nContent-Usage: /a/ search=n"

    assert said(read(text)) == {**NO_TRAINING, "index": "deny"}


@pytest.mark.parametrize(
    "text",
    [
        "Content-Usage: train-ai=n",
        "User-agent: *\nContentUsage: train-ai=n",
        "User-agent: *\nContent_Usage: train-ai=n",
        "User-agent: *\nContent-Signals: ai-train=no",
        "User-agent: *\nContent-Signals: ai-train=yes",
        "User-agent: *\nContent-Usage: ai-train=no",
    ],
)
def test_wrong_names_and_places_are_findings(text: str) -> None:
    assert said(read(text)) == NO_TRAINING and len(problems(read(text))) == 1


def test_licence_lines_belong_to_no_group_and_are_conditions() -> None:
    signals = read("License: https://a.example/rsl.xml\nUser-agent: otherbot\nDisallow: /\nLicence: https://a.example/2.xml")

    assert [one.value for one in signals if one.verb == "train"] == ["conditional", "deny"]
    assert problems(signals) == ["'Licence' should be 'License'"]
    assert said(read("License: /rsl.xml"))["train"] == "deny", "an address must be absolute"


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfUser-agent: *\nContent-Usage: train-ai=n",
        "\ufeffUser-agent: *\nContent-Usage: train-ai=n".encode("utf-16"),
        "User-agent: *\nContent-Usage: train-ai=n".encode("utf-16-le"),
        "User-agent: *\nContent-Usage: train-ai=n".encode("utf-16-be"),
        b"User-agent: *\nContent-Usage: train\0-ai=n",
        b"# caf\xe9\nUser-agent: *\nContent-Usage: train-ai=n",
    ],
)
def test_other_encodings_are_read(data: bytes) -> None:
    assert said(read(data)) == NO_TRAINING


def test_only_the_first_500_kib_are_read_and_that_is_said() -> None:
    """What lies behind may be a no, so a yes before it does not hold."""
    head = b"User-agent: *\nContent-Usage: search=n, train-ai=y\n"
    signals = read(head + b"#" * READ_BYTES_MAX + b"\nContent-Usage: train-ai=n\n")

    assert said(signals)["index"] == "deny" and said(signals)["train"] == "unknown"
    assert problems(signals) == [f"only its first {READ_BYTES_MAX} bytes were read (RFC 9309 section 2.5)"]


def test_a_web_page_in_its_place_is_unreadable() -> None:
    assert said(read("<!DOCTYPE html><title>404</title>"))["train"] == "unknown"


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /a", "/a/x", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a/x", "/a/x", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nDisallow: /\nUser-agent: endcredits\nDisallow:", "/a", True),
        ("User-agent: endcredits\nAllow: /\nUser-agent: ENDCREDITS\nDisallow: /a", "/a", False),
        ("User-agent: *\nDisallow: /%7Ejoe", "/~joe/x", False),
        ("User-agent: *\nDisallow: /*.gif$", "/x.gif?y", True),
        ("", "/", True),
    ],
)
def test_fetching_is_another_question(text: str, path: str, allowed: bool) -> None:
    """RFC 9309: the most specific rule, Allow on a tie, groups of one name joined; nothing of it is about use."""
    assert may_fetch(text.encode(), "endcredits", path).allowed is allowed
    assert read(text, path) == ()


def test_a_hostile_pattern_takes_no_time() -> None:
    """A regular expression made of this would not come back."""
    pattern = "/" + "*a" * 900 + "$"
    text = f"User-agent: *\nDisallow: {pattern}\nContent-Usage: {pattern} train-ai=n"

    assert may_fetch(text.encode(), "endcredits", "/" + "a" * 5_000 + "b").allowed


def test_the_pause_that_a_site_asks_for() -> None:
    """It must not end the list of agents of a group; of two the longer counts."""
    text = (
        b"User-agent: endcredits\nCrawl-delay: 5\nUser-agent: other\nCrawl-delay: 9\nDisallow: /x\n"
        b"User-agent: *\nCrawl-delay: 60"
    )
    assert [crawl_delay(text, agent) for agent in ("endcredits", "other", "third")] == [9.0, 9.0, 60.0]
    assert not may_fetch(text, "endcredits", "/x").allowed and may_fetch(text, "third", "/x").allowed
    assert crawl_delay(b"User-agent: *\nCrawl-Delay : 1.5 # seconds", "x") == 1.5

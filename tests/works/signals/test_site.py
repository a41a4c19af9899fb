"""Files of a site together, pointers to terms that were followed, dumps, patterns and encodings."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from endcredits.errors import InputError
from endcredits.works.signals import combined
from endcredits.works.signals.dump import Answer, BadRow, Hop, read_dump
from endcredits.works.signals.licence_words import read_spdx, spdx_of_address
from endcredits.works.signals.patterns import matches, path_within
from endcredits.works.signals.site import SiteFile, followed, read_site

from .said import HERE, NO_TRAINING, YES_TRAINING, problems, said

RSL = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="/a/"><license><permits type="usage">ai-train</permits>'
    '<payment type="free"/></license></content></rsl>'
)
ROBOTS = b"License: https://a.example/rsl.xml\nUser-agent: *\nDisallow: /b/\n"


def test_a_pointer_is_followed_verb_by_verb() -> None:
    """The document speaks about training; of search it says nothing, and there the pointer still stands."""
    robots = SiteFile("robots.txt", "https://a.example/robots.txt", ROBOTS)
    terms = SiteFile("RSL", "https://a.example/rsl.xml", RSL.encode())
    alone = read_site([robots], "/a/x", "endcredits").signals
    both = read_site([robots, terms], "/a/x", "endcredits").signals

    assert set(said(alone).values()) == {"conditional"}
    assert said(followed(both, [terms.source])) == {**YES_TRAINING, "retrieve": "conditional", "index": "conditional"}
    assert said(followed(both, []))["train"] == "conditional", "terms that were not read"
    elsewhere = read_site([robots, terms], "/c", "endcredits").signals
    assert said(followed(elsewhere, [terms.source]))["train"] == "conditional", "terms that say nothing of this work"


def test_a_file_that_could_not_be_had_stands_in_the_way() -> None:
    """RFC 9309: a robots.txt that answers with a server's error forbids to fetch."""
    reading = read_site([SiteFile("robots.txt", "r", b"", "", "the server answered 503")], "/", "endcredits")

    assert said(reading.signals)["train"] == "unknown" and reading.fetch and not reading.fetch.allowed
    fetch = read_site([SiteFile("robots.txt", "r", ROBOTS)], "/b/x", "endcredits").fetch
    assert fetch is not None and not fetch.allowed and "line 3" in fetch.reason


def lines(tmp_path: Path, *records: Any) -> list[Any]:
    file = tmp_path / "dump.jsonl"
    file.write_bytes(b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in records))
    return list(read_dump(file))


def test_dumps_hold_answers(tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(b"cat")
    url = "https://a.example/cat.jpg"
    found = lines(
        tmp_path,
        {"url": url, "headers": {"A": "1", "B": ["2", "3"]}, "body_base64": base64.b64encode(b"x\0").decode()},
        b"",
        {"url": url, "headers": [["A", "1"], ["A", "2"]], "body_file": "cat.jpg", "status": 404},
        {"url": url, "body": "text", "fetched_at": "2026-11-20T12:00:00Z"},
        {"url": url},
    )

    assert [(one.row, one.body) for one in found] == [(1, b"x\0"), (3, b"cat"), (4, b"text"), (5, None)]
    assert found[0].headers == (("A", "1"), ("B", "2"), ("B", "3")) and found[1].headers == (("A", "1"), ("A", "2"))
    assert (found[1].status, found[2].fetched_at) == (404, "2026-11-20T12:00:00Z")


def test_what_a_polite_crawl_tells_more(tmp_path: Path) -> None:
    record = {
        "url": "https://a.example/x",
        "status": 0,
        "problem": "silence",
        "role": "site",
        "hops": [{"url": "https://a.example/x", "status": 302, "headers": [["Location", "/y"]]}],
        "answered_by": "https://a.example/y",
        "terms": ["https://t.example/"],
        "body": "text",
    }
    found = lines(tmp_path, record)[0]

    assert (found.problem, found.role, found.answered_by, found.terms) == (
        "silence", "site", "https://a.example/y", ("https://t.example/",),
    )  # fmt: skip
    assert found.hops == (Hop("https://a.example/x", 302, (("Location", "/y"),)),)
    assert [one.body for one in read_dump(tmp_path / "dump.jsonl", lambda url: False)] == [None]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"url": "https://a/", "problem": 1}, "its problem is not a text"),
        ({"url": "https://a/", "hops": {}}, "its hops is not a list"),
        ({"url": "https://a/", "hops": [1]}, "not an object"),
        ({"url": "https://a/", "hops": [{"url": "x", "status": "1"}]}, "status"),
        (b"{", "Expecting"),
        (b"[1]", "not an object"),
        (b"\xff\xfe", "utf-8"),
        (b'{"url": "https://a", "url": "https://b"}', "twice"),
        (b"[" * 100_000, "deep"),
        ({"url": "cat.jpg"}, "no absolute url"),
        ({}, "no absolute url"),
        ({"url": "https://a/", "headers": {"A": 1}}, "not a text"),
        ({"url": "https://a/", "headers": "A: 1"}, "headers are neither"),
        ({"url": "https://a/", "headers": [["A"]]}, "headers are neither"),
        ({"url": "https://a/", "status": "200"}, "status"),
        ({"url": "https://a/", "fetched_at": "yesterday"}, "not a UTC time"),
        ({"url": "https://a/", "body_base64": "???"}, "not base64"),
        ({"url": "https://a/", "body": "x", "body_base64": ""}, "one body is enough"),
        ({"url": "https://a/", "body": 3}, "not a text"),
        ({"url": "https://a/", "body_file": "/etc/passwd"}, "not a file beside the dump"),
        ({"url": "https://a/", "body_file": "../x"}, "not a file beside the dump"),
        ({"url": "https://a/", "body_file": "none"}, "not a file beside the dump"),
    ],
)
def test_a_bad_row_takes_no_other_with_it(tmp_path: Path, record: Any, words: str) -> None:
    good = {"url": "https://a.example/"}
    first, bad, last = lines(tmp_path, good, record, good)

    assert isinstance(first, Answer) and isinstance(last, Answer)
    assert isinstance(bad, BadRow) and bad.row == 2 and words in bad.problem


def test_a_body_behind_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")

    assert isinstance(lines(folder, {"url": "https://a/", "body_file": "link"})[0], BadRow)


def test_a_dump_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        list(read_dump(tmp_path / "none"))


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/", "/x", True),
        ("/*$", "/x", True),
        ("/a*b$", "/ab", True),
        ("/a*b$", "/aXbX", False),
        ("/a**b", "/a/b", True),
        ("*", "/", True),
        ("*a", "/b/a/c", True),
        ("/%E4", "/\u00e4", False),
        ("/%C3%A4", "/\u00e4", True),
        ("/%2f", "/%2F", True),
        ("$", "/", False),
        ("/a$b", "/a$b", True),
    ],
)
def test_patterns(pattern: str, path: str, fits: bool) -> None:
    assert matches(pattern, path) is fits


def test_paths_of_addresses() -> None:
    assert [path_within(one) for one in ("https://a.b/c?d#e", "https://a.b", "/x", "x", "*.jpg")] == [
        "/c?d", "/", "/x", "/x", "*.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "licence"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/2.5/it/legalcode", "CC-BY-NC-ND-2.5-IT"),
        ("//www.creativecommons.org/licenses/by-sa/3.0/", "CC-BY-SA-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.de", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("https://creativecommons.org/licenses/", ""),
        ("https://evil.example/licenses/by/4.0/", ""),
    ],
)
def test_addresses_of_creative_commons(address: str, licence: str) -> None:
    assert spdx_of_address(address) == licence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# SPDX-License-Identifier: MIT\n", YES_TRAINING),
        ("/* SPDX-License-Identifier: Apache-2.0 */", YES_TRAINING),
        ("<!-- SPDX-License-Identifier: CC-BY-NC-4.0 -->", NO_TRAINING),
        ("// SPDX-License-Identifier: GPL-3.0-only OR MIT", YES_TRAINING),
        ("// SPDX-License-Identifier: GPL-3.0-only AND MIT", dict.fromkeys(NO_TRAINING, "conditional")),
        ("SPDX-License-Identifier: MIT\nSPDX-License-Identifier: CC-BY-ND-4.0", NO_TRAINING),
        ("SPDX-License-Identifier: MIT-no-AI", {}),
        ("plain text", {}),
        ("x" * 40_000 + "SPDX-License-Identifier: MIT", {}),
    ],
)
def test_spdx_headers(text: str, expected: dict[str, str]) -> None:
    assert said(read_spdx(text.encode(), HERE)) == expected
    assert said(read_spdx(text.encode("utf-16"), HERE)) == (expected if len(text) < 20_000 else {})


def test_wrong_spdx_headers() -> None:
    wrong = read_spdx(b"spdx-license-identifier: MIT", HERE)
    assert said(wrong) == NO_TRAINING and "should read" in problems(wrong)[0]
    torn = read_spdx(b"SPDX-License-Identifier: MIT OR (Apache-2.0 AND GPL-3.0-only WITH GCC-exception-3.1", HERE)
    assert said(torn).get("train", "unknown") == "unknown"
    empty = read_spdx(b"SPDX-License-Identifier:", HERE)
    assert combined(empty)["train"].value == "unknown" and problems(empty)

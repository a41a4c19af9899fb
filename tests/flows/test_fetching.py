"""Fetching is polite: robots.txt first and obeyed, one question at a time, nothing twice, and a line for everything."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from endcredits import __version__, durable
from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.flows import fetching_dump
from endcredits.flows.fetching import Fetched, Limits, fetch, read_list, user_agent_of
from endcredits.flows.scanning import ScannedWork
from endcredits.flows.scanning_dump import scan_dump
from tests.works.signals.media import mining, picture
from tests.works.signals.said import YES_TRAINING

from .fetched_web import Answer, Page, Web, moved, web

QUICK = Limits(answer_seconds=20, delay_seconds=0.0)
RSL_NO = (
    b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><prohibits type="usage">ai-train</prohibits>'
    b"</license></content></rsl>"
)
RSL_TYPE = [("Content-Type", "application/rsl+xml")]
OPEN = b"User-agent: *\nAllow: /\n"


def got(served: Web, folder: Path, *places: str, limits: Limits = QUICK, **more: Any) -> Fetched:
    urls = [place if "://" in place else served.url(place) for place in places]
    return fetch(urls, folder / "d.jsonl", limits=limits, network=served.network(), **more)


def scanned(folder: Path) -> dict[str, ScannedWork]:
    """By host and path; works alone."""
    works = {}
    for one in scan_dump(folder / "d.jsonl"):
        host, _, path = one.name.partition("://")[2].partition("/")
        works[f"{host.partition(':')[0]}/{path}"] = one
    return works


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "d.jsonl").read_text().splitlines()]


def said(work: ScannedWork) -> dict[str, str]:
    return {verb: one.value for verb, one in work.answers.items() if one.signal is not None}


def test_a_site_is_asked_in_order_and_its_words_count(tmp_path: Path) -> None:
    pages: dict[str, Page] = {
        "a.example/robots.txt": b"User-agent: *\nDisallow: /private/\nContent-Usage: /x train-ai=n\n",
        "a.example/.well-known/tdmrep.json": b'[{"location": "/y", "tdm-reservation": 1}]',
        "a.example/x.jpg": picture("JPEG", mining("DMI-ALLOWED")),
        "a.example/y.jpg": picture("JPEG", mining("DMI-ALLOWED")),
        "a.example/z.jpg": picture("JPEG", mining("DMI-ALLOWED")),
        "a.example/h": Answer(b"text", headers=[("Content-Usage", "train-ai=n"), ("Content-Usage", "search=y")]),
        "a.example/private/p": b"text",
    }
    names = ["a.example/x.jpg", "a.example/y.jpg", "a.example/z.jpg", "a.example/h", "a.example/private/p"]
    with web(pages) as served:
        fetched = got(served, tmp_path, *names)
        assert served.urls[0] == "a.example/robots.txt"
        assert set(served.urls[1:3]) == {"a.example/.well-known/tdmrep.json", "a.example/ai.txt"}
        assert served.urls[3:] == names[:4], "what robots.txt forbids is not asked for"
        agent = served.asked[0].headers["user-agent"]

    works = scanned(tmp_path)
    assert list(works) == ["a.example/private/p", *names[:4]]
    assert {name: work.answers["train"].value for name, work in works.items()} == {
        "a.example/x.jpg": "deny",
        "a.example/y.jpg": "deny",
        "a.example/z.jpg": "allow",
        "a.example/h": "deny",
        "a.example/private/p": "unknown",
    }
    assert works["a.example/h"].answers["index"].value == "allow"
    assert "robots.txt forbids to fetch it (line 2: Disallow: /private/)" in works["a.example/private/p"].problems[0][1]
    assert fetched == Fetched(answered=6, failed=2, kept=0, left=())  # ai.txt is not there, and the private one
    assert agent.startswith(f"endcredits/{__version__} (reads what works say")
    assert "to say no: robots.txt, User-agent: endcredits" in agent


def test_who_we_are() -> None:
    assert user_agent_of("StudioBot", "https://a.example/bot").endswith("contact: https://a.example/bot)")
    for agent, contact in (("a b", ""), ("", ""), ("x\r\nHost: y", ""), ("bot", "a\r\nb"), ("bot", "x)y"), ("bot", "ü")):
        with pytest.raises(InputError):
            user_agent_of(agent, contact)


@pytest.mark.parametrize(
    ("robots", "fetched", "words"),
    [
        (Answer(b"", 404), True, ""),
        (Answer(b"", 410), True, ""),
        (Answer(b"", 403), True, ""),
        (Answer(b"", 500), False, "the server answered 500"),
        (Answer(b"", 503), False, "the server answered 503"),
        (Answer(b"", 429), False, "the server answered 429"),
        (Answer(b"", 304), False, "the server answered 304"),
        (Answer(OPEN, 206), False, "206"),
        (lambda send: send(b"nonsense\r\n\r\n"), False, "cannot be asked"),
        (lambda send: send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nUser"), False, "46 bytes before"),
        (moved("http://10.0.0.1/robots.txt"), False, "leads into a network"),
        (moved("/robots.txt"), False, "more than 5 redirects"),
        (moved("ftp://a.example/"), False, "only http and https"),
        (b"User-agent: endcredits\nDisallow: /\n", False, "line 2: Disallow: /"),
        (b"User-agent: other\nDisallow: /\n", True, ""),
        ("User-agent: *\nDisallow: /".encode("utf-16"), False, "line 2"),
    ],
)
def test_what_becomes_of_robots_txt(tmp_path: Path, robots: Page, fetched: bool, words: str) -> None:
    """RFC 9309 section 2.3.1: none there allows; a server that fails forbids."""
    work = Answer(b"text", headers=[("Content-Usage", "train-ai=y")])
    with web({"a.example/robots.txt": robots, "a.example/w": work}) as served:
        got(served, tmp_path, "a.example/w")
        assert ("a.example/w" in served.urls) == fetched

    one = scanned(tmp_path)["a.example/w"]
    assert said(one) == (
        YES_TRAINING if fetched else dict.fromkeys(("tdm", "train", "finetune", "retrieve", "index"), "unknown")
    )
    assert bool(one.problems) != fetched
    assert words in " ".join(problem for _, problem in one.problems)


def test_a_robots_txt_of_a_gigabyte_is_read_so_far(tmp_path: Path) -> None:
    sent = 0

    def endless(send: Any) -> None:
        nonlocal sent
        send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nUser-agent: *\nDisallow: /no\nContent-Usage: train-ai=n\n"
        )
        for _ in range(16_000):
            send(b"# more\n" * 9_000)
            sent += 63_000

    with web({"a.example/robots.txt": endless, "a.example/w": b"text", "a.example/no": b"text"}) as served:
        got(served, tmp_path, "a.example/w", "a.example/no")
        assert "a.example/w" in served.urls and "a.example/no" not in served.urls

    assert sent < 100_000_000
    work = scanned(tmp_path)["a.example/w"]
    assert work.answers["train"].value == "deny" and "only its first 512000 bytes" in work.problems[0][1]


def test_terms_are_followed_politely_wherever_they_are(tmp_path: Path) -> None:
    pages: dict[str, Page] = {
        "terms.example/robots.txt": b"User-agent: *\nDisallow: /shut\n",
        "terms.example/t": Answer(RSL_NO, headers=RSL_TYPE),
        "terms.example/yes": Answer(RSL_NO.replace(b"prohibits", b"permits"), headers=RSL_TYPE),
        "c.example/page": b"",
    }
    with web(pages) as served:
        link = f'<{served.url("terms.example/t")}>; rel="license"; type="application/rsl+xml"'
        pages["a.example/x"] = Answer(b"text", headers=[("Link", link)])
        pages["b.example/robots.txt"] = f"License: {served.url('terms.example/t')}\n".encode()
        pages["b.example/x"] = b"text"
        pages["c.example/page"] = Answer(
            f'<html><link rel="license" type="application/rsl+xml" href="{served.url("terms.example/shut")}">'.encode()
        )
        pages["d.example/robots.txt"] = f"License: {served.url('terms.example/none')}\n".encode()
        pages["d.example/x"] = b"text"
        pages["e.example/robots.txt"] = f"License: {served.url('terms.example/yes')}\n".encode()
        pages["e.example/x"] = b"text"
        pages["f.example/robots.txt"] = b"License: http://10.0.0.1/t\n"
        pages["f.example/x"] = b"text"
        got(served, tmp_path, *(f"{name}.example/{'page' if name == 'c' else 'x'}" for name in "abcdef"))
        assert served.urls.count("terms.example/t") == 1 and served.urls.count("terms.example/robots.txt") == 1
        assert "terms.example/shut" not in served.urls and "terms.example/ai.txt" not in served.urls

    works = scanned(tmp_path)
    assert {name: work.answers["train"].value for name, work in works.items()} == {
        "a.example/x": "deny",
        "b.example/x": "deny",
        "c.example/page": "unknown",
        "d.example/x": "unknown",
        "e.example/x": "allow",
        "f.example/x": "unknown",
    }
    assert "robots.txt forbids" in works["c.example/page"].problems[0][1]
    assert "the server answered 404" in works["d.example/x"].problems[0][1]
    assert "10.0.0.1 is not a public address" in works["f.example/x"].problems[0][1]


def test_redirects_are_new_questions(tmp_path: Path) -> None:
    """Each site on the way may say no; only the one that gives the work may say yes."""
    pages: dict[str, Page] = {
        "b.example/robots.txt": b"User-agent: *\nDisallow: /shut\n",
        "b.example/free": b"text",
        "b.example/shut": b"text",
        "y.example/robots.txt": b"User-agent: *\nContent-Usage: train-ai=y\n",
        "n.example/robots.txt": b"User-agent: *\nContent-Usage: train-ai=n\n",
    }
    with web(pages) as served:
        for host in ("a", "n", "y"):
            pages[f"{host}.example/1"] = moved(served.url("b.example/free"), 301)
        pages["a.example/2"] = moved(served.url("b.example/shut"))
        pages["a.example/3"] = moved(served.url("y.example/x"))
        pages["a.example/4"] = moved(served.url("b.example/free"), **{"Content-Usage": "train-ai=n"})
        pages["a.example/5"] = moved("/6?q", 307)
        pages["a.example/6?q"] = moved("../7", 308)
        pages["y.example/x"] = pages["a.example/7"] = b"text"
        pages["a.example/8"] = Answer(b"", 302)
        pages["a.example/9"] = Answer(b"", 300, [("Location", "/7")])
        got(served, tmp_path, *(f"a.example/{n}" for n in (1, 2, 3, 4, 5, 8, 9)), "n.example/1", "y.example/1")
        assert "b.example/shut" not in served.urls

    works = scanned(tmp_path)
    assert {name: work.answers["train"].value for name, work in works.items()} == {
        "a.example/1": "unknown",
        "a.example/2": "unknown",
        "a.example/3": "allow",
        "a.example/4": "deny",
        "a.example/5": "unknown",
        "a.example/8": "unknown",
        "a.example/9": "unknown",
        "n.example/1": "deny",
        "y.example/1": "unknown",
    }
    assert not works["a.example/1"].problems and works["a.example/1"].sha256
    assert "Disallow: /shut" in works["a.example/2"].problems[0][1]
    five = next(row for row in rows(tmp_path) if row["url"].endswith("/5"))
    assert [one["status"] for one in five["hops"]] == [307, 308] and five["answered_by"].endswith("/7")
    assert not works["a.example/5"].problems and works["a.example/8"].problems and works["a.example/9"].problems


def test_one_question_at_a_time_with_a_pause(tmp_path: Path) -> None:
    """The pause counts from the end of an answer; a robots.txt can ask for a longer one."""
    pages: dict[str, Page] = {f"{host}.example/{n}": b"text" for host in "ab" for n in range(3)}
    pages["b.example/robots.txt"] = b"User-agent: *\nCrawl-delay: 0.3\n"
    with web(pages) as served:
        got(served, tmp_path, *pages, limits=Limits(delay_seconds=0.1))
        for host, pause in (("a", 0.1), ("b", 0.3)):
            mine = [one for one in served.asked if one.url.startswith(host)]
            assert len(mine) == 6
            assert all(later.at >= earlier.until + pause - 0.02 for earlier, later in itertools.pairwise(mine))


def test_a_server_that_is_busy_is_left_alone(tmp_path: Path) -> None:
    """It asks for a pause longer than our time, so the rest is left for another run."""
    pages: dict[str, Page] = {"a.example/1": Answer(b"", 503, [("Retry-After", "3600")]), "a.example/2": b"text"}
    with web(pages) as served:
        fetched = got(served, tmp_path, "a.example/1", "a.example/2", limits=Limits(delay_seconds=0, seconds=0.5))
        assert fetched.left == (served.url("a.example/2"),) and "a.example/2" not in served.urls
        again = got(served, tmp_path, "a.example/1", "a.example/2")
        assert (again.kept, again.left) == (1, ()) and served.urls.count("a.example/1") == 1
    assert "answered 503" in scanned(tmp_path)["a.example/1"].problems[0][1]


def test_nothing_is_fetched_twice(tmp_path: Path) -> None:
    pages: dict[str, Page] = {f"a.example/{n}": f"text {n}".encode() for n in range(4)}
    with web(pages) as served:
        first = got(served, tmp_path, "a.example/0", "a.example/1", "a.example/0", f"http://a.example:{served.port}/./0#x")
        second = got(served, tmp_path, "a.example/1", "a.example/2", "a.example/0")
        third = got(served, tmp_path, "a.example/0", "a.example/1", "a.example/2", "a.example/robots.txt")
        assert (first.answered, second.kept, third) == (2, 2, Fetched(0, 0, 4, ()))
        assert sorted(served.urls) == sorted(set(served.urls))


def test_a_killed_fetch_goes_on_where_it_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the lines in turn is lost, or is kept and reported lost, or is half there."""
    pages: dict[str, Page] = {"a.example/1": b"one", "a.example/2": b"two", "b.example/1": b"three"}
    real = durable.append
    for number in range(12):
        for way in ("lost", "kept", "half"):
            folder = tmp_path / f"{number}{way}"
            written = 0

            def fail(path: Path, data: bytes, number: int = number, way: str = way) -> None:
                nonlocal written
                written += 1
                if written == number + 1:
                    if way != "lost":
                        real(path, data if way == "kept" else data[: len(data) // 2])
                    raise MachineError("the disk is full")
                real(path, data)

            with web(pages) as served:
                monkeypatch.setattr(fetching_dump, "append", fail)
                failed = False
                try:
                    got(served, folder, *pages)
                except MachineError:
                    failed = True
                monkeypatch.setattr(fetching_dump, "append", real)
                got(served, folder, *pages)
            assert failed == (number < 9)
            works = scanned(folder)
            assert sorted(works) == sorted(pages) and not any(work.problems for work in works.values())
            assert len(rows(folder)) == 9
            assert len({row["url"] for row in rows(folder)}) == 9


def test_a_body_that_cannot_be_kept_stops_the_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise MachineError("the disk is full")

    with web({"a.example/1": b"one"}) as served:
        monkeypatch.setattr(fetching_dump, "write_atomic", full)
        with pytest.raises(MachineError, match="disk is full"):
            got(served, tmp_path, "a.example/1")
        monkeypatch.undo()
        got(served, tmp_path, "a.example/1")
    assert not scanned(tmp_path)["a.example/1"].problems


def test_words_that_could_not_be_asked_for_stand_in_the_way_after_a_restart(tmp_path: Path) -> None:
    """tdmrep.json fails; a later run keeps that, and asks for a robots.txt of yesterday again."""
    yes = Answer(b"text", headers=[("Content-Usage", "train-ai=y")])
    pages: dict[str, Page] = {"a.example/1": yes, "a.example/2": yes, "a.example/.well-known/tdmrep.json": Answer(b"", 500)}
    with web(pages) as served:
        got(served, tmp_path, "a.example/1", clock=lambda: "2026-11-20T12:00:00Z")
        assert scanned(tmp_path)["a.example/1"].answers["train"].value == "unknown"
        pages["a.example/robots.txt"] = b"User-agent: *\nDisallow: /2"
        got(served, tmp_path, "a.example/2", clock=lambda: "2026-11-21T12:00:01Z")
        assert served.urls.count("a.example/robots.txt") == 2 and "a.example/2" not in served.urls


def test_a_dump_of_somebody_else_is_added_to(tmp_path: Path) -> None:
    with web({"a.example/1": b"one"}) as served:
        robots = {"url": served.url("a.example/robots.txt"), "body": "User-agent: *\nDisallow: /1", "fetched_at": ""}
        (tmp_path / "d.jsonl").write_text(
            json.dumps({"url": served.url("a.example/0"), "body": "x"}) + "\n" + json.dumps(robots)
        )
        got(served, tmp_path, "a.example/0", "a.example/1")
        assert "a.example/0" not in served.urls and "a.example/robots.txt" in served.urls, "its age is not known"
    assert sorted(scanned(tmp_path)) == ["a.example/0", "a.example/1"]


def test_addresses_that_cannot_be_asked_have_a_line(tmp_path: Path) -> None:
    bad = [
        "ftp://a.example/x",
        "http://me:pw@a.example/",
        "http://a.example:22/",
        "http:///x",
        "https://[::1]/",
        "http://a b/",
    ]
    with web({}) as served:
        fetched = got(served, tmp_path, *bad, bad[0])
        again = got(served, tmp_path, *bad)
        assert served.asked == []
    works = list(scan_dump(tmp_path / "d.jsonl"))
    assert fetched.failed == len(bad) + 1 and (again.kept, again.failed) == (len(bad), 0)  # + the robots.txt of [::1]
    assert len(works) == len(bad) and all(work.problems and said(work)["train"] == "unknown" for work in works)


def test_lists_and_limits(tmp_path: Path) -> None:
    file = tmp_path / "urls.txt"
    file.write_bytes("\ufeff# ours\nhttps://a.example/1  \r\n\nhttps://ä.example/\n".encode())
    assert read_list(file) == ["https://a.example/1", "https://ä.example/"]
    file.write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_list(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_list(tmp_path / "none")
    for seconds in (0.0, -1.0, 86_401.0, float("nan")):
        with pytest.raises(InputError, match="no limit"):
            fetch([], tmp_path / "d.jsonl", limits=Limits(seconds=seconds))
    (tmp_path / "e.jsonl").mkdir()
    with pytest.raises(InputError, match="not a file"):
        fetch([], tmp_path / "e.jsonl")
    with fetching_dump.dump_of(tmp_path / "f.jsonl"), pytest.raises(ConflictError):
        fetch([], tmp_path / "f.jsonl")

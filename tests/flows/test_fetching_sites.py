"""What a fetch knows of sites: how long to stay away, how old a robots.txt may be, what an answer points to."""

from __future__ import annotations

import datetime

import pytest

from endcredits.flows.fetching_addresses import target_of
from endcredits.flows.fetching_answer import Answered
from endcredits.flows.fetching_limits import TERMS_OF_ONE_MAX
from endcredits.flows.fetching_sites import Job, Origin, fresh, pause_asked, pointers

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("status", "said", "seconds"),
    [
        (503, "120", 120),
        (429, "Sat, 21 Nov 2026 12:00:30 GMT", 30),
        (429, "Sat, 21 Nov 2026 11:00:00 GMT", 0),
        (503, "9" * 9, 86_400),
        (503, "9" * 40, 0),
        (503, "-5", 0),
        (503, "soon", 0),
        (200, "120", 0),
        (503, "", 0),
    ],
)
def test_how_long_a_server_wants_us_to_stay_away(status: int, said: str, seconds: float) -> None:
    assert pause_asked(Answered(status, (("Retry-After", said),)), NOW) == seconds


def test_a_robots_txt_is_good_for_a_day() -> None:
    now = "2026-11-21T12:00:00Z"
    assert fresh("2026-11-20T12:00:00Z", now) and fresh(now, now)
    assert not fresh("2026-11-20T11:59:59Z", now)
    assert not fresh("2026-11-21T12:00:01Z", now), "a clock that went back tells nothing"
    assert not fresh("", now)


def test_pauses_of_robots_txt() -> None:
    for words, seconds in ((b"7", 7.0), (b"0.5", 0.5), (b"-1", 0.0), (b"inf", 0.0), (b"x", 0.0), (b"999999999", 86_400.0)):
        origin = Origin()
        origin.learn(200, b"User-agent: *\nCrawl-delay: " + words + b"\nDisallow:\nUser-agent: other\nCrawl-delay: 50\n", "")
        assert origin.delay_seconds("me") == seconds and origin.allows("/", "me").allowed
    assert Origin().delay_seconds("me") == 0.0


def test_what_an_answer_points_to() -> None:
    here = target_of("https://a.example/x")
    links = tuple(
        ("Link", f'<https://t.example/{n}>; rel="license"; type="application/rsl+xml"') for n in [*range(3), 0, *range(99)]
    )
    found = pointers(Job(here, here, "work"), Answered(200, links, b"text"), "me")
    assert found == [f"https://t.example/{n}" for n in range(TERMS_OF_ONE_MAX)]
    robots = Answered(200, (), b"License: https://t.example/r\nLicense: nowhere\n")
    assert pointers(Job(here, here, "robots"), robots, "me") == ["https://t.example/r"]
    assert pointers(Job(here, here, "terms"), robots, "me") == pointers(Job(here, here, "work"), Answered(404), "me") == []

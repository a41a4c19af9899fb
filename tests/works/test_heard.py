"""Signals become statements about the bytes that they stand in, with where they were read; a no never waits for a clock."""

from endcredits.works import Asked, decide
from endcredits.works.heard import statements_of
from endcredits.works.signals import Found, combined, read_headers, read_robots, read_tdmrep_json

SHA = "c" * 64
NOW = "2026-11-21T12:00:00Z"
FILE = Asked("work:w", (("work", "work:w"), ("sha256", SHA)))


def test_a_reservation_in_a_header_is_a_no_about_the_bytes() -> None:
    signals = read_headers([("tdm-reservation", "1")], Found("https://a.example/x.jpg", read_at="2026-11-20T00:00:00Z"))

    said = statements_of(signals, SHA, NOW)

    assert {(one.verb, one.value) for one in said} >= {("tdm", "deny"), ("train", "deny"), ("finetune", "deny")}
    one = said[0]
    assert (one.subject_kind, one.subject, one.authority, one.effective_from) == (
        "sha256",
        SHA,
        "host",
        "2026-11-20T00:00:00Z",
    )
    assert one.provenance is not None and one.provenance.standard == "TDMRep" and len(one.provenance.raw_sha256) == 64
    assert one.permission_id and one.observed_at == "2026-11-20T00:00:00Z"
    assert decide(said, FILE, "train", NOW).value == "deny"


def test_what_signals_mean_together_statements_mean_too() -> None:
    robots = b"User-agent: *\nContent-Usage: train-ai=n\nContent-Signal: search=yes, ai-input=no\nAllow: /\n"
    found = Found("https://a.example/robots.txt", read_at=NOW, path="/x.jpg")
    signals = read_robots(robots, found)
    said = statements_of(signals, SHA, NOW)

    for verb, answer in combined(signals).items():
        assert decide(said, FILE, verb, NOW).value == answer.value, verb


def test_a_clock_ahead_of_ours_is_not_believed() -> None:
    signals = read_headers([("tdm-reservation", "1")], Found("https://a.example/x", read_at="2031-01-01T00:00:00Z"))

    assert {one.effective_from for one in statements_of(signals, SHA, NOW)} == {NOW}


def test_what_nobody_could_read_is_kept_and_silence_is_not() -> None:
    broken = read_tdmrep_json(b"[{", Found("https://a.example/.well-known/tdmrep.json", read_at=NOW, path="/x"))

    said = statements_of(broken, SHA, NOW)

    assert said and {one.value for one in said} == {"unknown"}
    assert statements_of(read_headers([("server", "x")], Found("https://a.example/x", read_at=NOW)), SHA, NOW) == ()


def test_each_once() -> None:
    signals = read_headers([("tdm-reservation", "1")], Found("https://a.example/x", read_at=NOW))

    assert statements_of([*signals, *signals], SHA, NOW) == statements_of(signals, SHA, NOW)

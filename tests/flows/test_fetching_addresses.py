"""No address leads into a private network: not by its spelling, not by its name, not by a redirect, not the second time."""

from __future__ import annotations

import ipaddress
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from endcredits.flows.fetching_addresses import Network, Refused, not_public, target_of
from endcredits.flows.fetching_answer import ask

from .fetched_web import Page, moved, web
from .test_fetching import got, scanned

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "168.63.129.16", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2001:0:53aa:64c:0:7b:3f57:fefe", "2001:db8::1", "2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450:4001::1"]


def test_numbers() -> None:
    assert [one for one in PRIVATE if not not_public(ipaddress.ip_address(one))] == []
    assert [one for one in PUBLIC if not_public(ipaddress.ip_address(one))] == []


@given(st.integers(0, 2**32 - 1))
@example(int(ipaddress.ip_address("127.0.0.1")))
def test_no_spelling_of_a_private_number_is_public(number: int) -> None:
    """What one number is, its forms of version 6 are at most."""
    four = ipaddress.IPv4Address(number)
    assert four.is_global or not_public(four)
    for form in (number, number | 0xFFFF << 32, number | 0x64FF9B << 96, 0x2002 << 112 | number << 80):
        assert not_public(ipaddress.IPv6Address(form))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://A.Example", "https://a.example/"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://a.example:443/x", "http://a.example:443/x"),
        ("https://a.example/x y/ü?q=ü#f", "https://a.example/x%20y/%C3%BC?q=%C3%BC"),
        ("https://a.example/%7Ea%2Fb", "https://a.example/%7Ea%2Fb"),
        ("https://a.example/public/../private/%2e%2E/x/.", "https://a.example/x/"),
        ("https://a.example/../../etc", "https://a.example/etc"),
        ("https://a.example?x", "https://a.example/?x"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://[2A00:1450:0:0::1]/", "https://[2a00:1450::1]/"),
        ("http://2130706433/", "http://2130706433/"),
    ],
)
def test_one_spelling(written: str, meant: str) -> None:
    target = target_of(written)
    assert target.url == meant and target.origin + target.path == meant
    assert target_of(meant) == target


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "/x", "//a.example/x", "javascript:alert(1)", "file:///etc/passwd", "gopher://a.example/", "http://",
        "http://a.example:0/", "http://a.example:6379/", "http://a.example:99999/", "http://a.example:x/",
        "http://a@b.example/", "http://a.example\\@b.example/", "http://[fe80::1%25eth0]/", "http://[x]/", "http://[::1/",
        "http://a.example\r\nHost: b/", "http://a.example/\x00", "http://-/", "http://a..\u2024.example/",
        "http://" + "a" * 300 + ".example/", "http://a.example/" + "x" * 9_000, "http://a b/",
    ],
)  # fmt: skip
def test_what_is_not_asked(url: str) -> None:
    with pytest.raises(Refused):
        target_of(url)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for url in (text, f"http://a.example/{text}", f"http://{text}/"):
        try:
            target = target_of(url)
        except Refused:
            continue
        assert target_of(target.url) == target and target.url.isascii() and " " not in target.url
        assert "/../" not in target.path.partition("?")[0] and target.path.startswith("/")


def test_spellings_that_the_system_understands_are_checked_as_numbers() -> None:
    """2130706433, 0x7f.1 and 127.1 are 127.0.0.1 for every resolver."""
    for host in ("2130706433", "0x7f.1", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "localhost"):
        answered = ask(target_of(f"http://{host}/"), Network(), "x", seconds=20, bytes_max=10)
        assert answered.status == 0 and "leads into a network that is not asked" in answered.problem, host
        assert not answered.silent, "the address is at fault, not the server"


def test_one_private_number_among_public_ones_is_enough(tmp_path: Path) -> None:
    with web({"a.example/x": b"text"}) as served:
        served.numbers["a.example"] = ["127.0.0.1", "10.0.0.1"]
        got(served, tmp_path, "a.example/x")
        assert served.asked == []
    assert "10.0.0.1 is not a public address" in scanned(tmp_path)["a.example/x"].problems[0][1]


def test_a_name_that_changes_its_number_gains_nothing(tmp_path: Path) -> None:
    """DNS rebinding: each look-up is checked, and the connection is made to what was checked, with no look-up between."""
    with web({"a.example/x": b"text", "a.example/y": b"text"}) as served:
        inside = socket.create_server(("127.0.0.2", served.port))
        inside.settimeout(0.2)
        turns = 0

        def look_up(host: str, port: int, **_: Any) -> list[Any]:
            nonlocal turns
            turns += 1
            return [(0, 0, 0, "", ("127.0.0.1" if turns % 2 else "127.0.0.2", port))]

        network = Network(served.network().refuse, look_up, ports=frozenset({served.port}))
        first = ask(target_of(served.url("a.example/x"), network.ports), network, "x", seconds=20, bytes_max=99)
        second = ask(target_of(served.url("a.example/x"), network.ports), network, "x", seconds=20, bytes_max=99)
        assert first.body == b"text" and turns == 2, "one question, one look-up"
        assert second.body is None and "127.0.0.2 is not a public address" in second.problem
        with pytest.raises(TimeoutError):
            inside.accept()
        inside.close()
    assert served.asked[0].headers["host"] == f"a.example:{served.port}"


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
        "http://metadata.internal/", "http://localhost/", "http://0/", "//0x7f.2/", "http://a.example:22/", "file:///etc/passwd",
        "http://a.example@10.0.0.1/",
    ],
)  # fmt: skip
def test_redirects_to_private_addresses(tmp_path: Path, to: str) -> None:
    """For works, and for robots.txt; after a redirect to a public place, too."""
    with web({}) as served:
        served.numbers["metadata.internal"] = ["169.254.169.254"]
        served.numbers["localhost"] = ["127.0.0.2"]
        served.pages |= {
            "a.example/x": moved(to),
            "b.example/x": moved(served.url("a.example/x")),
            "c.example/robots.txt": moved(to),
        }
        served.pages["c.example/x"] = b"text"
        got(served, tmp_path, "a.example/x", "b.example/x", "c.example/x")
        assert "c.example/x" not in served.urls and served.urls.count("a.example/x") == 2

    for work in scanned(tmp_path).values():
        assert work.answers["train"].value == "unknown" and work.answers["train"].signal and work.sha256 == ""
        assert "not asked" in " ".join(words for _, words in work.problems)


def test_a_name_server_that_does_not_answer() -> None:
    network = Network(look_up=lambda *_, **__: time.sleep(5))
    answered = ask(target_of("http://a.example/"), network, "x", seconds=0.1, bytes_max=9)
    assert answered.silent and "within 0.1 seconds" in answered.problem


def test_names_that_do_not_exist() -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    for look_up, words in ((nothing, "Name or service not known"), (lambda *_, **__: [], "no numbers")):
        answered = ask(target_of("http://a.example/"), Network(look_up=look_up), "x", seconds=20, bytes_max=9)
        assert words in answered.problem and not answered.silent
    odd = Network(look_up=lambda *_, **__: [(0, 0, 0, "", ("fe80::1%eth0", 80))])
    assert "not asked" in ask(target_of("http://a.example/"), odd, "x", seconds=20, bytes_max=9).problem


def test_environment_proxies_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: dict[str, Page] = {"a.example/x": b"text"}
    with web(pages) as served:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        got(served, tmp_path, "a.example/x")
    assert not scanned(tmp_path)["a.example/x"].problems

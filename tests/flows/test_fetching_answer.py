"""Servers that never end, drip, lie about lengths or send bombs: an end to everything, and words for it."""

from __future__ import annotations

import datetime
import gzip
import socket
import ssl
import time
import zlib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from endcredits.flows.fetching import Limits
from endcredits.flows.fetching_addresses import target_of
from endcredits.flows.fetching_answer import Answered, ask

from .fetched_web import Answer, Page, Send, Web, web
from .test_fetching import got, scanned

LIMIT = 100_000


def asked(served: Web, place: str = "a.example/x", *, seconds: float = 20.0, cut: bool = False) -> Answered:
    network = served.network()
    return ask(target_of(served.url(place), network.ports), network, "me", seconds=seconds, bytes_max=LIMIT, cut=cut)


def answer(page: Page, *, seconds: float = 20.0, cut: bool = False) -> Answered:
    with web({"a.example/x": page}) as served:
        return asked(served, seconds=seconds, cut=cut)


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Page:
    def send_for_ever(send: Send) -> None:
        send(head)
        while True:
            send(piece)
            time.sleep(pause)

    return send_for_ever


HEAD = b"HTTP/1.1 200 OK\r\n"


def test_what_is_asked() -> None:
    with web({"a.example/x?q": b"text"}) as served:
        answered = asked(served, "a.example/x?q")
        headers = served.asked[0].headers
    assert answered == Answered(200, (("Content-Length", "4"),), b"text")
    assert headers == {
        "host": f"a.example:{served.port}",
        "user-agent": "me",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


@pytest.mark.parametrize(
    "page",
    [
        endless(HEAD + b"\r\n", b"x" * 9_000),
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"2328\r\n" + b"x" * 9_000 + b"\r\n"),
        Answer(b"x" * (LIMIT + 1)),
        Answer(b"", headers=[("Content-Length", "999999999999")]),
        Answer(gzip.compress(bytes(50_000_000)), headers=[("Content-Encoding", "gzip")]),
        Answer(zlib.compress(bytes(LIMIT + 1)), headers=[("Content-Encoding", "deflate")]),
        Answer(gzip.compress(b"x" * LIMIT) + gzip.compress(b"x"), headers=[("Content-Encoding", "x-gzip")]),
    ],
)
def test_bodies_without_end(page: Page) -> None:
    answered = answer(page)
    assert (answered.status, answered.body, answered.problem) == (200, None, f"it is longer than {LIMIT} bytes")


def test_a_body_that_may_be_cut_is_cut() -> None:
    for page in (
        endless(HEAD + b"\r\n", b"x" * 9_000),
        Answer(b"x" * 999_999),
        Answer(gzip.compress(b"x" * 9_000_000), headers=[("Content-Encoding", "gzip")]),
        endless(HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"x" * 9_000)),
    ):
        answered = answer(page, cut=True)
        assert answered.body == b"x" * LIMIT and not answered.problem
    assert answer(Answer(b"short"), cut=True).body == b"short"


@pytest.mark.parametrize(
    "page",
    [
        endless(HEAD + b"\r\n", b"x", 0.01),
        endless(HEAD + b"X: ", b"x", 0.01),
        endless(b"H", b"", 0.05),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", 0.01),
    ],
)
def test_drips_end_in_time(page: Page) -> None:
    answered = answer(page, seconds=0.3)
    assert (answered.status, answered.body) == (0, None) and answered.silent
    assert answered.problem == "it did not answer within 0.3 seconds"


def test_a_handshake_that_drips_ends_in_time() -> None:
    with web({}) as served:
        served.tls = ssl.create_default_context()  # only for the address; the server itself says nothing
        silent = socket.create_server(("127.0.0.1", 0))
        served.port = silent.getsockname()[1]
        assert asked(served, seconds=0.2).silent
        silent.close()
        assert "cannot be asked" in asked(served).problem


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (Answer(b"abc", headers=[("Content-Length", "10")]), "it ends 7 bytes before the length that it states"),
        (Answer(gzip.compress(b"x" * 500)[:-9], headers=[("Content-Encoding", "gzip")]), "cut short"),
        (Answer(b"no gzip", headers=[("Content-Encoding", "gzip")]), "broken"),
        (Answer(gzip.compress(b"a") + b"rest", headers=[("Content-Encoding", "gzip")]), "broken"),
        (Answer(b"x", headers=[("Content-Encoding", "br")]), "packed in a way that nobody asked for (br)"),
        (
            Answer(b"x", headers=[("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")]),
            "nobody asked for (gzip, gzip)",
        ),
        (Answer(b"x", headers=[("Transfer-Encoding", "gzip, chunked")]), "nobody asked for"),
        (Answer(b"x", 206), "206"),
        (Answer(b"", 204), "204"),
        (lambda send: send(b""), "cannot be asked"),
        (lambda send: send(b"SSH-2.0-x\r\n\r\n"), "cannot be asked"),
        (lambda send: send(HEAD + b"X: y\r\n" * 300 + b"\r\n"), "cannot be asked"),
        (lambda send: send(HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n"), "cannot be asked"),
        (lambda send: send(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "cannot be asked"),
        (lambda send: send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "cannot be asked"),
    ],
)
def test_broken_answers_are_told(page: Page, words: str) -> None:
    answered = answer(page)
    assert words in answered.problem and answered.body is None


def test_packed_bodies_are_unpacked() -> None:
    raw = zlib.compressobj(wbits=-15)
    squeezed = raw.compress(b"text") + raw.flush()
    for packed, name in (
        (gzip.compress(b"text"), "gzip"),
        (gzip.compress(b"te") + gzip.compress(b"xt") + b"\0\0", "GZIP"),
        (zlib.compress(b"text"), "deflate"),
        (squeezed, "deflate"),
        (b"text", "identity"),
    ):
        assert answer(Answer(packed, headers=[("Content-Encoding", name)])).body == b"text"
    assert answer(Answer(b"", headers=[("Content-Encoding", "gzip")])).body == b""
    many = answer(Answer(gzip.compress(b"") * 5_000, headers=[("Content-Encoding", "gzip")]))
    assert many.body is None and "more than 100 pieces" in many.problem


def test_headers_are_kept_as_they_came() -> None:
    headers = (("Content-Usage", "train-ai=n"), ("content-usage", "search=y"), ("X", "\xfc"), ("Content-Length", "1"))
    answered = answer(Answer(b"x", headers=headers))
    assert answered.headers == headers and answered.header("content-usage") == "train-ai=n"


def test_what_is_wrong_with_a_work_is_a_finding_and_no_yes(tmp_path: Path) -> None:
    """Also where its headers say yes; and what they say no to is still a no."""
    yes = ("Content-Usage", "train-ai=y")
    pages: dict[str, Page] = {
        "a.example/long": Answer(b"x" * 5_000, headers=[yes]),
        "a.example/bomb": Answer(gzip.compress(bytes(9_000_000)), headers=[yes, ("Content-Encoding", "gzip")]),
        "a.example/br": Answer(b"x", headers=[("Content-Usage", "train-ai=n"), ("Content-Encoding", "br")]),
        "a.example/500": Answer(b"x", 500, [yes]),
        "a.example/404": Answer(b"x", 404, [yes]),
        "b.example/drip": endless(HEAD + b"Content-Usage: train-ai=y\r\n\r\n", b"x", 0.01),
        "c.example/1": endless(b"H", b"", 0.05),
        "c.example/2": b"text",
        "a.example/good": Answer(b"x", headers=[yes]),
    }
    with web(pages) as served:
        got(served, tmp_path, *pages, limits=Limits(answer_bytes=4_000, answer_seconds=0.5, delay_seconds=0))
    works = scanned(tmp_path)
    assert sorted(works) == sorted(pages)
    assert {
        name: work.answers["train"].value for name, work in works.items() if work.answers["train"].value != "unknown"
    } == {
        "a.example/br": "deny",
        "a.example/good": "allow",
    }
    assert {name for name, work in works.items() if not work.problems} == {"c.example/2", "a.example/good"}


def test_a_host_that_stays_silent_is_not_asked_for_ever(tmp_path: Path) -> None:
    pages: dict[str, Page] = {f"a.example/{n}": lambda send: None for n in range(9)}
    site: dict[str, Page] = {f"a.example/{name}": b"[]" for name in ("robots.txt", "ai.txt", ".well-known/tdmrep.json")}
    with web(pages | site) as served:
        fetched = got(served, tmp_path, *pages)
        assert len(served.asked) == 6
    works = scanned(tmp_path)
    assert fetched.failed == 9 and all(work.problems for work in works.values())
    assert sum("did not answer 3 times in a row" in work.problems[0][1] for work in works.values()) == 6


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(a server's context, one that trusts it) for a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "cert.pem"
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


def test_certificates_are_checked_for_the_name(tmp_path: Path) -> None:
    """The connection goes to a number, the certificate must be for the name."""
    server, trusting = certificate(tmp_path, "a.example")
    with web({"a.example/x": b"text", "b.example/x": b"text"}, tls=server) as served:
        for place, context, words in (
            ("a.example/x", trusting, ""),
            ("b.example/x", trusting, "certificate"),
            ("a.example/x", None, "certificate"),
        ):
            network = served.network(tls=context)
            answered = ask(target_of(served.url(place), network.ports), network, "me", seconds=20, bytes_max=99)
            assert words.casefold() in answered.problem.casefold() and (answered.body == b"text") == (not words)


@pytest.mark.parametrize(
    "odd",
    [
        b"X Powered By: me",
        "Größe: 1".encode(),
        b"no colon at all",
        b"From me",
        b"X: a\rnot a header",
        b"no header\r\n Content-Length: 1",
        b"\r",
        b" folded at first",
    ],
)
def test_a_line_that_is_no_header_hides_none(odd: bytes) -> None:
    page = HEAD + odd + b"\r\nTDM-Reservation: 1\r\n" + odd + b"\r\nX-Robots-Tag : noai\r\n" + odd + b"\r\nContent-Length: 4"

    def send_all(send: Send) -> None:
        send(page + b"\r\n\r\ntext and more")

    answered = answer(send_all)
    assert (answered.status, answered.body, answered.problem) == (200, b"text", "")
    assert answered.header("tdm-reservation").split()[:1] == ["1"]
    assert answered.header("x-robots-tag").startswith("noai")


def test_chunks_behind_a_line_that_is_no_header() -> None:
    def send_all(send: Send) -> None:
        send(b"HTTP/1.1 100 Continue\r\nodd one\r\n\r\n")
        send(HEAD + b"odd one\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntext\r\n0\r\n\r\n")

    assert answer(send_all) == Answered(200, (("Transfer-Encoding", "chunked"),), b"text")


def test_lines_that_are_no_headers_without_end() -> None:
    answered = answer(endless(HEAD, b"not a header\r\n"))
    assert answered.status == 0 and answered.silent and "more than 100 header lines" in answered.problem

"""RSL 1.0 documents: words, offers, most specific content, and XML that wants to do harm."""

from __future__ import annotations

import pytest

from endcredits.works.signals import read_rsl

from .said import NO_TRAINING, YES_TRAINING, at, problems, said

NS = 'xmlns="https://rslstandard.org/rsl"'


def read(body: str, path: str = "/a/cat.jpg") -> tuple:
    return read_rsl(f"<rsl {NS}>{body}</rsl>".encode(), at(path))


def licence(inside: str, url: str = "/", more: str = "") -> str:
    return f'<content url="{url}" {more}><license>{inside}</license></content>'


def permits(words: str, kind: str = "usage") -> str:
    return f'<permits type="{kind}">{words}</permits>'


def prohibits(words: str, kind: str = "usage") -> str:
    return f'<prohibits type="{kind}">{words}</prohibits>'


FREE = '<payment type="free"/>'
EVERY = {"train", "finetune", "retrieve", "index"}


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (permits("ai-train"), YES_TRAINING),
        (permits("ai-train") + FREE, YES_TRAINING),
        (prohibits("ai-train"), NO_TRAINING),
        (permits("ai-input"), {"retrieve": "allow"}),
        (permits("ai-index"), {"index": "allow"}),
        (permits("search"), {"index": "allow"}),
        (permits("search ai-input"), {"index": "allow", "retrieve": "allow"}),
        (permits("search,ai-input"), {"index": "allow", "retrieve": "allow"}),
        (permits("search,\n ai-input"), {"index": "allow", "retrieve": "allow"}),
        (permits("ai-all"), dict.fromkeys(EVERY, "allow")),
        (prohibits("all"), dict.fromkeys(EVERY, "deny")),
        (permits("all") + prohibits("ai-train"), {**dict.fromkeys(EVERY, "allow"), **NO_TRAINING}),
        (permits("train-ai"), YES_TRAINING),  # a word of the drafts
        ("", {}),
    ],
)
def test_usages(inside: str, expected: dict[str, str]) -> None:
    assert said(read(licence(inside))) == expected and problems(read(licence(inside))) == []


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ('<payment type="attribution"/>', "attribution"),
        ('<payment type="use"><amount currency="USD">0.01</amount></payment>', "each use (0.01 USD)"),
        ('<payment type="inference"/>', "each use"),
        ('<payment type="training"><custom>https://a.example/x</custom></payment>', "training (https://a.example/x)"),
        ("<payment><standard>https://a.example/s</standard></payment>", "unknown kind (https://a.example/s)"),
        ("<payment/>", "unknown kind"),
        (permits("non-commercial", "user"), "only for: non-commercial"),
        (prohibits("US", "geo"), "not in: US"),
    ],
)
def test_terms_are_conditions(terms: str, words: str) -> None:
    signals = read(licence(permits("ai-train") + terms))

    assert said(signals) == dict.fromkeys(YES_TRAINING, "conditional") and problems(signals) == []
    assert words in signals[0].conditions[0]


def test_a_licence_server_is_a_condition() -> None:
    assert said(read(licence(permits("ai-train") + FREE, more='server="https://l.example"')))["train"] == "conditional"
    assert said(read('<content url="/" server="https://l.example"/>'))["train"] == "conditional"


@pytest.mark.parametrize(
    ("inside", "verbs"),
    [
        (permits("ai-trian"), EVERY),
        (permits("AI-TRAIN"), EVERY),
        (permits("ai-train", "usages"), NO_TRAINING),
        ("<permits>ai-train</permits>", NO_TRAINING),
        (permits("ai-train") + '<payment type="Free"/>', NO_TRAINING),
        (permits("ai-train") + '<payment type="barter"/>', NO_TRAINING),
    ],
)
def test_unknown_words_are_findings_and_a_no(inside: str, verbs: set[str]) -> None:
    signals = read(licence(inside))

    assert said(signals) == dict.fromkeys(verbs, "deny") and len(problems(signals)) == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (licence(prohibits("ai-train"), "/b/"), {}),
        (licence(prohibits("ai-train"), "/*.jpg$"), NO_TRAINING),
        (licence(prohibits("ai-train"), "https://a.example/a/*"), NO_TRAINING),
        (licence(prohibits("ai-train")) + licence(permits("ai-train"), "/a/"), YES_TRAINING),
        (licence(permits("ai-train")) + licence(prohibits("ai-train"), "/a/"), NO_TRAINING),
        (licence(prohibits("ai-train")) + licence(prohibits("search"), "/a/"), {**NO_TRAINING, "index": "deny"}),
        (licence(prohibits("ai-train")) + '<content url="/a/"/>', NO_TRAINING),
        (
            f'<content url="/"><license>{permits("search")}</license><license>{prohibits("search")}</license></content>',
            {"index": "deny"},
        ),
    ],
)
def test_the_most_specific_content_that_speaks_wins(body: str, expected: dict[str, str]) -> None:
    assert said(read(body)) == expected


def test_a_content_without_url_or_namespace_is_a_no() -> None:
    assert said(read(f"<content><license>{permits('all')}</license></content>")) == dict.fromkeys(EVERY, "deny")
    wrong = f"<rsl xmlns='https://rslstandard.org/rsl/1.0'>{licence(permits('all'))}</rsl>".encode()
    assert said(read_rsl(wrong, at("/")))["train"] == "deny" and problems(read_rsl(wrong, at("/")))


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rsl [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + f"]><rsl {NS}>&m;</rsl>"
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (BOMB.encode(), "entities"),
        (BOMB.replace('"1.0"?', '"1.0" encoding="utf-16"?').encode("utf-16"), "entities"),
        (b'<!DOCTYPE rsl [<!ENTITY x SYSTEM "file:///etc/passwd">]><rsl>&x;</rsl>', "entities"),
        (b"<rsl", "well-formed"),
        (b"<html/>", "no <rsl> element"),
        (b"<?xml version='1.0' encoding='klingon'?><rsl/>", ""),
        (b"\0\0\0", "well-formed"),
        (b"", "well-formed"),
    ],
)
def test_what_cannot_be_read_stands_in_the_way(data: bytes, words: str) -> None:
    signals = read_rsl(data, at("/"))

    assert said(signals)["train"] == "unknown" and words in problems(signals)[0]


def test_other_encodings() -> None:
    text = f"<?xml version='1.0' encoding='utf-16'?><rsl {NS}>{licence(prohibits('ai-train'))}</rsl>"

    assert said(read_rsl(text.encode("utf-16"), at("/"))) == NO_TRAINING
    assert said(read_rsl(text.replace("utf-16", "utf-8").encode("utf-8-sig"), at("/"))) == NO_TRAINING

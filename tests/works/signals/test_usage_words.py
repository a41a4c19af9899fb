"""`Content-Usage` and `Content-Signal`: the words, the wrong words, and the traps of ordinary parsers."""

from __future__ import annotations

import pytest

from endcredits.works.signals.records import carrier_of
from endcredits.works.signals.usage_words import AIPREF, CONTENT_SIGNAL, MEMBERS_MAX, Words, read_words

from .said import HERE, NO_TRAINING, YES_TRAINING, problems, said

ALL = ("tdm", "train", "finetune", "retrieve", "index")


def read(value: str, words: Words = AIPREF) -> tuple:
    return read_words(value, words, carrier_of(HERE, "HTTP header", value), "here")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("train-ai=n", NO_TRAINING),
        ("train-ai=y", YES_TRAINING),
        ("train-ai=n, search=y", {**NO_TRAINING, "index": "allow"}),
        (" search=n ", {"index": "deny"}),
        ("", {}),
        ("ai-use=n", {"retrieve": "deny"}),
        ("train-genai=n", NO_TRAINING),
        ("tdm=n", {"tdm": "deny", **NO_TRAINING}),
        ("all=y", dict.fromkeys(ALL, "allow")),
        ("train-ai=y;foo=bar", YES_TRAINING),
    ],
)
def test_aipref_says_what_it_says(value: str, expected: dict[str, str]) -> None:
    """Keys of the pinned version, of earlier drafts and of those who build on them; without a problem."""
    assert said(read(value)) == expected
    assert problems(read(value)) == []


@pytest.mark.parametrize(
    ("value", "words", "expected"),
    [
        ("search=yes, ai-input=no, ai-train=no", CONTENT_SIGNAL, {"index": "allow", "retrieve": "deny", **NO_TRAINING}),
        ("ai-train=yes", CONTENT_SIGNAL, YES_TRAINING),
    ],
)
def test_content_signal(value: str, words: Words, expected: dict[str, str]) -> None:
    assert said(read(value, words)) == expected and problems(read(value, words)) == []


@pytest.mark.parametrize(
    ("value", "words", "expected"),
    [
        ("train-ai", AIPREF, NO_TRAINING),  # a bare key parses as true
        ("train-ai=N", AIPREF, NO_TRAINING),
        ("train-ai=no", AIPREF, NO_TRAINING),
        ("train-ai=Y", AIPREF, NO_TRAINING),
        ("train-ai=", AIPREF, NO_TRAINING),
        ("train-ai=?1", AIPREF, NO_TRAINING),
        ('train-ai="y"', AIPREF, NO_TRAINING),
        ("ai-train=n", AIPREF, NO_TRAINING),  # Cloudflare's key under the wrong name
        ("ai-train=no", AIPREF, NO_TRAINING),
        ("ai-train=y", AIPREF, NO_TRAINING),
        ("Train-AI=y", AIPREF, NO_TRAINING),
        ("train_ai=n", AIPREF, NO_TRAINING),
        ("ai-input=no", AIPREF, {"retrieve": "deny"}),
        ("train-ai=n", CONTENT_SIGNAL, NO_TRAINING),
        ("ai-train=n", CONTENT_SIGNAL, NO_TRAINING),
        ("ai-train=No", CONTENT_SIGNAL, NO_TRAINING),
        ("search", CONTENT_SIGNAL, {"index": "deny"}),
        ("frobnicate=n", AIPREF, dict.fromkeys(ALL, "deny")),
        ("no ai please", AIPREF, dict.fromkeys(ALL, "deny")),
        ("ai-use=n;exceptions=cc-xx", AIPREF, {"retrieve": "deny"}),
        ("ai-use=y;exceptions=cc-cr", AIPREF, {"retrieve": "deny"}),
    ],
)
def test_a_wrong_spelling_is_a_finding_and_a_no(value: str, words: Words, expected: dict[str, str]) -> None:
    assert said(read(value, words)) == expected
    assert len(problems(read(value, words))) == 1


@pytest.mark.parametrize("value", ["train-ai=n, train-ai=y", "train-ai=y, train-ai=n", "train-ai=y,train-ai=N"])
def test_of_a_key_given_twice_the_no_counts(value: str) -> None:
    """An ordinary parser keeps the last of them."""
    assert said(read(value)) == NO_TRAINING and problems(read(value))


def test_an_unknown_key_with_a_yes_is_kept_without_effect() -> None:
    signals = read("translate=y, train-ai=y")

    assert said(signals) == YES_TRAINING
    assert {one.raw for one in signals if one.value == "unknown"} == {"translate=y"} and problems(signals) == []


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("cc-cr", "credit"),
        ("cc-cr-dc", "direct contribution"),
        ("cc-cr-ec", "ecosystem"),
        ("cc-cr-op", "open"),
    ],
)
def test_cc_signals_are_a_no_with_conditions(name: str, asked: str) -> None:
    signals = read(f"ai-use=n;exceptions={name}")

    assert said(signals) == {"retrieve": "conditional"}
    assert signals[0].standard == "CC signals" and "credit" in signals[0].conditions
    assert any(asked in condition for condition in signals[0].conditions)


def test_endless_lists_are_not_read() -> None:
    signals = read(",".join(["train-ai=y"] * (MEMBERS_MAX + 1)))

    assert said(signals) == dict.fromkeys(ALL, "unknown") and problems(signals)


@pytest.mark.parametrize(
    ("value", "words", "denied"),
    [
        ("search=y train-ai=n", AIPREF, {"index", "train", "finetune"}),
        ("train-ai=n search=n", AIPREF, {"index", "train", "finetune"}),
        ("train-ai=y\tsearch=y", AIPREF, {"index", "train", "finetune"}),
        ("search=y;train-ai=n", AIPREF, {"train", "finetune"}),
        ("search=y ; train-ai", AIPREF, {"train", "finetune"}),
        ("search=yes ai-train=no ai-input=no", CONTENT_SIGNAL, {"index", "train", "finetune", "retrieve"}),
        ("ai-use=n train-genai=n", AIPREF, {"retrieve", "train", "finetune"}),
    ],
)
def test_lists_with_other_separators_lose_no_no(value: str, words: Words, denied: set[str]) -> None:
    """Other standards separate by spaces; what stands behind one is a finding and a no, and never lost."""
    signals = read(value, words)

    assert {verb for verb, one in said(signals).items() if one == "deny"} == denied and problems(signals)


def test_parameters_and_spaces_that_are_none_of_our_words_are_no_harm() -> None:
    assert said(read("train-ai = n")) == NO_TRAINING and problems(read("train-ai = n")) == []
    assert said(read("search=y;note=x, train-ai=y ;v=2")) == {"index": "allow", **YES_TRAINING}

"""ai.txt: file types and paths that are not for training."""

from __future__ import annotations

import pytest

from endcredits.works.signals import READ_BYTES_MAX, read_ai_txt

from .said import at, problems, said

NO = dict.fromkeys(("tdm", "train", "finetune"), "deny")
YES = dict.fromkeys(NO, "allow")


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("User-Agent: *\nDisallow: *.jpg\nAllow: *.txt", "/a/cat.jpg", NO),
        ("User-Agent: *\nDisallow: *.jpg\nAllow: *.txt", "/a/CAT.JPG", NO),
        ("User-Agent: *\nDisallow: *.jpg\nAllow: *.txt", "/a/cat.jpg?size=2", NO),
        ("User-Agent: *\nDisallow: *.jpg\nAllow: *.txt", "/a/cat.txt", YES),
        ("User-Agent: *\nDisallow: *.jpg\nAllow: *.txt", "/a/cat.jpg.png", {}),
        ("User-Agent: *\nDisallow: /", "/a", NO),
        ("User-Agent: *\nDisallow: *", "/a", NO),
        ("User-Agent: *\nDisallow:", "/a", {}),
        ("User-Agent: *\nAllow: /\nDisallow: /a/", "/a/b", NO),
        ("User-Agent: *\nDisallow: /\nAllow: /a/", "/a/b", YES),
        ("User-Agent: *\nDisallow: /a\nAllow: /a", "/a", NO),
        ("User-Agent: *\nDisallow: /\nUser-Agent: endcredits\nDisallow: /b", "/a", NO),
        ("Disallow: /", "/a", NO),
    ],
)
def test_the_longest_pattern_wins_and_of_equals_the_no(text: str, path: str, expected: dict[str, str]) -> None:
    assert said(read_ai_txt(text.encode(), at(path))) == expected


def test_wrong_files_and_words() -> None:
    assert said(read_ai_txt(b"<html>404</html>", at("/")))["train"] == "unknown"
    assert said(read_ai_txt(b"User-Agent: *\nAllow: /\n" + b"#" * READ_BYTES_MAX, at("/")))["train"] == "unknown"
    assert said(read_ai_txt("User-Agent: *\nDisallow: /".encode("utf-16"), at("/"))) == NO
    signals = read_ai_txt(b"User-Agent: *\nDissallow: /", at("/"))
    assert said(signals) == NO and problems(signals) == ["'Dissallow' should be 'Disallow'"]

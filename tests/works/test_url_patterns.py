"""A pattern of addresses is one site's, and fits what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works.url_patterns import LENGTH_MAX, check_pattern, fits, site_of


@pytest.mark.parametrize(
    ("pattern", "url", "fitting"),
    [
        ("https://a.example/*", "https://a.example/x/y.jpg?z=1", True),
        ("https://a.example/*", "https://a.example", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example/*.jpg", "https://a.example/x.jpg", True),
        ("https://a.example/*.jpg", "https://a.example/x.jpg?size=2", False),
        ("https://a.example/a*c*e", "https://a.example/abcde", True),
        ("https://a.example/x", "https://a.example/X", False),
        ("https://A.EXAMPLE/x", "HTTPS://a.example/x", True),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "https://a.example:8443/x", False),
        ("https://a.example/x.y", "https://a.example/xzy", False),
        ("https://a.example/*", "https://a.example.evil/x", False),
        ("https://a.example/[x]", "https://a.example/[x]", True),
    ],
)
def test_fitting(pattern: str, url: str, fitting: bool) -> None:
    check_pattern(pattern)

    assert fits(pattern, url) is fitting


@pytest.mark.parametrize(
    "pattern",
    ["", "a.example/*", "ftp://a.example/", "https:///x", "https://*/x", "https://a.*/x", "https://u@a.example/", "https://a.b?x",
     "https://a.example/" + "x" * LENGTH_MAX, "https://a b/"],
)  # fmt: skip
def test_what_names_no_site_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="not a pattern of addresses"):
        check_pattern(pattern)


@given(st.text("ab/.*?[]", max_size=12), st.text("ab/.?[]", max_size=12))
def test_a_star_is_any_characters_and_everything_else_itself(path: str, other: str) -> None:
    def slow(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(slow(pattern[1:], text[start:]) for start in range(len(text) + 1))
        return bool(text) and text[0] == pattern[0] and slow(pattern[1:], text[1:])

    assert fits(f"https://a.example/{path}", f"https://a.example/{other}") is slow(path, other)


def test_the_site() -> None:
    assert site_of("HTTPS://A.example:8080/X?y") == "https://a.example:8080"

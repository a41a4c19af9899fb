"""A pattern of addresses is one site's, and fits what it says."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works.url_patterns import LENGTH_MAX, check_pattern, fits, normal, overlap, site_of


@pytest.mark.parametrize(
    ("pattern", "url", "fitting"),
    [
        ("https://a.example/*", "https://a.example/x/y.jpg?z=1", True),
        ("https://a.example/*", "https://a.example", True),
        ("https://a.example", "https://a.example/", True),
        ("https://a.example/*.jpg", "https://a.example/x.jpg", True),
        ("https://a.example/*.jpg", "https://a.example/x.jpg?size=2", False),
        ("https://a.example/a*c*e", "https://a.example/abcde", True),
        ("https://a.example/ab*ba", "https://a.example/aba", False),
        ("https://a.example/x", "https://a.example/X", False),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "https://a.example:8443/x", False),
        ("https://a.example/x.y", "https://a.example/xzy", False),
        ("https://a.example/*", "https://a.example.evil/x", False),
        ("https://a.example/[x]", "https://a.example/[x]", True),
    ],
)
def test_fitting(pattern: str, url: str, fitting: bool) -> None:
    assert fits(normal(pattern), normal(url)) is fitting


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTPS://A.EXAMPLE/x", "https://a.example/x"),
        ("https://a.example:443/photos/x~1.txt", "https://a.example/photos/x~1.txt"),
        ("http://a.example:80/", "http://a.example"),
        ("https://a.example:/x", "https://a.example/x"),
        ("https://a.example./x", "https://a.example/x"),
        ("https://a.example/photos/x%7E1.txt", "https://a.example/photos/x~1.txt"),
        ("https://a.example/%c3%a9", "https://a.example/%C3%A9"),
        ("https://a.example/\N{LATIN SMALL LETTER E WITH ACUTE}", "https://a.example/%C3%A9"),
        ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/", "https://xn--bcher-kva.example/"),
        ("https://a.example/./photos/*", "https://a.example/photos/*"),
        ("https://a.example/x/../photos/..", "https://a.example/"),
        ("https://a.example/x#top", "https://a.example/x"),
        (" https://a.example/photos/* ", "https://a.example/photos/*"),
        ("https://[2001:DB8::1]/x", "https://[2001:db8::1]:443/x"),
    ],
)
def test_two_spellings_of_one_address(one: str, other: str) -> None:
    assert normal(one) == normal(other) == normal(normal(one))


@pytest.mark.parametrize(
    "pattern",
    ["", "a.example/*", "ftp://a.example/", "https:///x", "https://*/x", "https://a.*/x", "https://u@a.example/", "https://[a/*",
     "https://a.example/" + "x" * LENGTH_MAX, "https://a b/", "https://./", "https://a.example:x/", "https://a.ex%61mple/"],
)  # fmt: skip
def test_what_names_no_site_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="not a pattern of addresses"):
        check_pattern(pattern)


def test_many_stars_take_no_longer() -> None:
    """Each piece is looked for once; an expression that goes back and forth would not end."""
    assert not fits("https://a.example/" + "*a" * 500 + "*b", "https://a.example/" + "a" * 1900)


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
    assert site_of(normal("HTTPS://A.example:8080/X?y")) == "https://a.example:8080"


SHORT = ["".join(letters) for length in range(7) for letters in product("ab", repeat=length)]


@given(st.text("ab*", max_size=4), st.text("ab*", max_size=4))
def test_patterns_overlap_if_some_address_fits_both(one: str, other: str) -> None:
    """Held against all short addresses: what fits both needs no more letters than the two have together."""
    site = "https://a.example/"
    both = any(fits(site + one, site + text) and fits(site + other, site + text) for text in SHORT)
    longer = len(one.replace("*", "") + other.replace("*", "")) > 6
    if both or not longer:
        assert overlap(site + one, site + other) is both
    assert overlap(site + one, site + other) is overlap(site + other, site + one)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("https://a.example/photos/*", "https://a.example/books/*", False),
        ("https://a.example/photos/*", "https://a.example/*.jpg", True),
        ("https://a.example/*", "https://b.example/*", False),
        ("https://a.example/*", "http://a.example/*", False),
        ("https://a.example/x", "https://a.example/X", False),
        ("https://a.example/" + "*a" * 200, "https://a.example/" + "a*" * 200 + "b", False),
    ],
)
def test_overlapping(one: str, other: str, expected: bool) -> None:
    assert overlap(normal(one), normal(other)) is expected is overlap(normal(other), normal(one))

"""Metadata headers give names once each, and never an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.works.people import is_body, names_of_addresses, names_of_text, people_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A. Smith", ["A. Smith"]),
        ("A. Smith, B. Jones and C. Brown", ["A. Smith", "B. Jones", "C. Brown"]),
        ("A. Smith & B. Jones", ["A. Smith", "B. Jones"]),
        ("A. Smith, B. Jones, and C. Brown", ["A. Smith", "B. Jones", "C. Brown"]),
        ("Example, Inc.", ["Example, Inc."]),
        ("nexus. Inc. and others", ["nexus. Inc."]),
        ("Smith and Sons Ltd", ["Smith and Sons Ltd"]),
        ("A. Smith, Jr., B. Jones", ["A. Smith, Jr.", "B. Jones"]),
        ("A. Smith and many others", ["A. Smith"]),
        ("A. Smith et al.", ["A. Smith"]),
        ("The Group and individual contributors", ["The Group"]),
        ("The team (past and future) with the help of all contributors (https://example.org/c)", ["The team"]),
        ("A. Smith, Others (See AUTHORS)", ["A. Smith"]),
        ("A. Smith <a@example.org>", ["A. Smith"]),
        ("a@example.org", []),
        ("a at example dot org", []),
        ("a [at] example [dot] org", []),
        ("UNKNOWN", []),
        ("", []),
        ("Matt Atwood", ["Matt Atwood"]),
        ("The mypy developers", ["The mypy developers"]),
    ],
)
def test_free_text_is_split_sensibly(text: str, names: list[str]) -> None:
    assert names_of_text(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A. Smith <a@example.org>", ["A. Smith"]),
        ("a@example.org, b@example.org", []),
        ("A <a@example.org>, b@example.org, C <c@example.org>", ["A", "C"]),
        ('"A. Smith, B. Jones" <a@example.org>', ["A. Smith", "B. Jones"]),
        ('"Example, Inc." <a@example.org>', ["Example, Inc."]),
        ("=?utf-8?q?Ma=C3=B1o?= <a@example.org>", ["Maño"]),
        ("=?utf-8?b?YUBleGFtcGxlLm9yZw==?= <b@example.org>", []),
        ("=?nonsense?q?Ma=C3?= <a@example.org>", ["=?nonsense?q?Ma=C3?="]),
        ('"a@example.org" <a@example.org>', []),
        ("A. Smith", ["A. Smith"]),
        ("Example, Inc. <a@example.org>", ["Example, Inc."]),
    ],
)
def test_addresses_give_only_names(text: str, names: list[str]) -> None:
    assert names_of_addresses(text) == names


ADDRESS = st.from_regex(r"[a-z0-9.+]{1,8}@[a-z0-9]{1,8}\.(org|com)", fullmatch=True)
CHUNK = st.one_of(
    ADDRESS, ADDRESS.map("<{}>".format), st.sampled_from(["A. Smith", ",", " and ", '"', "(", ")", ";", "Inc.", "@"])
)


@given(st.lists(CHUNK, max_size=8).map(" ".join), st.sampled_from(["text", "address"]))
def test_no_address_survives_any_header(value: str, form: str) -> None:
    people = people_of([("author", form, value)])

    assert not any("@" in one.name for one in people)


def test_everybody_is_named_once_and_the_first_role_counts() -> None:
    people = people_of(
        [
            ("author", "text", "A. Smith"),
            ("author", "address", "a. smith <a@example.org>"),
            ("maintainer", "text", "B, A. Smith"),
        ]
    )

    assert [(one.name, one.role) for one in people] == [("A. Smith", "author"), ("B", "maintainer")]


def test_bodies_are_told_from_people() -> None:
    bodies = ["The Pallets team", "NumPy Developers", "Example, Inc.", "Python Software Foundation"]

    assert [is_body(name) for name in bodies] == [True] * 4
    assert [is_body(name) for name in ("A. Smith", "Theodore Inclan", "Ltdia Corpus")] == [False] * 3

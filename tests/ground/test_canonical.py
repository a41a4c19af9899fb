"""One spelling for every document: RFC 8785, and nothing that has two spellings."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import INTEGER_MAX, canonical_bytes, digest, sha256_bytes, sha256_file, slow_bytes, to_plain
from endcredits.errors import InputError


def test_keys_are_sorted_as_in_rfc_8785_section_3_2_3() -> None:
    """By UTF-16 code units: the emoji, a surrogate pair, comes before U+FB33."""
    document = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }

    values = list(json.loads(canonical_bytes(document)).values())

    assert values == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_strings_and_literals_are_spelt_as_in_rfc_8785_section_3_2_4() -> None:
    """The example of the standard, without its floats."""
    document = {"string": '\u20ac$\u000f\nA\'B"\\\\"/', "literals": [None, True, False]}

    expected = '{"literals":[null,true,false],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'

    assert canonical_bytes(document) == expected.encode()


documents = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-INTEGER_MAX, INTEGER_MAX),
        st.text(st.characters(exclude_categories=("Cs",))),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=5), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(documents)
def test_bytes_can_be_read_back_and_are_a_fixed_point(document) -> None:
    """Any JSON reader sees the same document, and writing it again gives the same bytes."""
    written = canonical_bytes(document)

    assert json.loads(written) == document
    assert canonical_bytes(json.loads(written)) == written
    assert digest(document) == hashlib.sha256(written).hexdigest() == sha256_bytes(written)


@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=5), st.integers(0, 9)))
def test_the_order_of_keys_never_matters(document) -> None:
    """Written forwards or backwards."""
    assert digest(dict(reversed(document.items()))) == digest(document)


@given(st.dictionaries(st.text(st.characters(max_codepoint=0x7F), max_size=5), st.integers(0, 9)))
def test_ascii_documents_are_what_the_standard_library_writes(document) -> None:
    """A slow twin: sorted keys, no spaces."""
    twin = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert canonical_bytes(document) == twin.encode()


@pytest.mark.parametrize("number", [1.0, 0.1, float("nan"), float("inf"), -0.0])
def test_floats_are_refused_with_their_place(number) -> None:
    """Anywhere in a document."""
    with pytest.raises(InputError, match=r"document\.a\[1\]\.b is the float") as caught:
        digest({"a": [1, {"b": number}]})

    assert "integer in a named unit" in caught.value.remedy


@pytest.mark.parametrize("number", [INTEGER_MAX + 1, -INTEGER_MAX - 1, 2**64])
def test_integers_that_readers_do_not_keep_are_refused(number) -> None:
    """The last one that they keep passes."""
    assert digest({"n": INTEGER_MAX}) != digest({"n": -INTEGER_MAX})
    with pytest.raises(InputError, match=r"document\.n holds the integer"):
        digest({"n": number})


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), int, Path("x")])
def test_other_types_are_refused(value) -> None:
    """They have no one spelling."""
    with pytest.raises(InputError, match="which a document cannot hold"):
        digest([value])


def test_keys_that_are_not_text_are_refused() -> None:
    """1 and "1" would become one key."""
    with pytest.raises(InputError, match="the key 1, which is not text"):
        digest({1: "a"})


@pytest.mark.parametrize("document", ["\ud800", {"\udfff": 1}])
def test_half_a_character_is_refused(document) -> None:
    """A lone surrogate has no UTF-8 bytes."""
    with pytest.raises(InputError, match="surrogate"):
        digest(document)


@dataclass(frozen=True)
class Inner:
    names: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    number: int
    inner: Inner


class Word(str):
    """Text of a type of its own."""


class Number(int):
    """A whole number of a type of its own."""


class Colour(StrEnum):
    """Text that prints otherwise than it is."""

    RED = "red"


def test_records_are_written_as_objects() -> None:
    """Dataclasses by field name, tuples as lists."""
    record = Outer(7, Inner(("a", "b")))

    assert to_plain(record) == {"number": 7, "inner": {"names": ["a", "b"]}}
    assert digest(record) == digest({"inner": {"names": ["a", "b"]}, "number": 7})


unusual = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**54), 2**54),
    st.floats(),
    st.text(),
    st.text(st.characters(max_codepoint=0x9F)),
    st.binary(max_size=3),
    st.sampled_from([Word("w"), Number(3), Colour.RED, int, Inner, object()]),
)
anything = st.recursive(
    unusual,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers(0, 3)), inner, max_size=4),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(MappingProxyType),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict),
        st.builds(Inner, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Outer, inner, inner),
    ),
    max_leaves=8,
)


@given(anything)
def test_the_quick_way_is_the_slow_one(value: object) -> None:
    """Whatever the document: the same bytes, or the same refusal in the same words."""
    try:
        slow = slow_bytes(value)
    except InputError as error:
        with pytest.raises(InputError) as caught:
            canonical_bytes(value)
        assert (caught.value.message, caught.value.remedy) == (error.message, error.remedy)
        return
    assert canonical_bytes(value) == slow


@given(st.text())
def test_every_text_is_spelt_alike(text: str) -> None:
    """As a value and as a key, with whatever control characters, quotes and half characters it has."""
    for value in ({"a": text}, {text: 1, "\U0001f600": 2, "\ufb33": 3}, [Inner((text,))]):
        try:
            slow = slow_bytes(value)
        except InputError:
            with pytest.raises(InputError, match="half a character"):
                canonical_bytes(value)
        else:
            assert canonical_bytes(value) == slow


def test_every_character_is_spelt_alike() -> None:
    """All of them but the surrogates: the C encoder and the standard's own writer escape the same ones."""
    for first in range(0, 0x110000, 0x8000):
        text = "".join(chr(code) for code in range(first, first + 0x8000) if not 0xD800 <= code < 0xE000)
        assert canonical_bytes([text]) == slow_bytes([text])


def test_a_files_digest_is_that_of_its_bytes(tmp_path: Path) -> None:
    """Read in pieces or whole."""
    data = bytes(range(256)) * 5000
    (tmp_path / "f").write_bytes(data)

    assert sha256_file(tmp_path / "f") == sha256_bytes(data) == hashlib.sha256(data).hexdigest()

"""A text is whole, not empty and UTF-8, or it is refused with its place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works.texts import check_text, media_type_of


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(lambda text: text.encode().strip()))
def test_utf8_is_read_as_it_is(text: str) -> None:
    assert check_text(text.encode(), Path("a.txt")) == text


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the text is empty"),
        (b" \n", "the text is empty"),
        (b"ab\0c", "NUL byte at byte offset 2"),
        (b"caf\xe9", r"not UTF-8 at byte offset 3 \(byte 0xe9\)"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        check_text(data, Path("a.txt"), row=4, field="text")

    assert (caught.value.file, caught.value.row, caught.value.field) == ("a.txt", 4, "text")


def test_the_media_type_comes_from_the_suffix() -> None:
    assert [media_type_of(name) for name in ("a.TXT", "a.md", "a.py", "a")] == [
        "text/plain",
        "text/markdown",
        "text/x-python",
        "text/plain",
    ]

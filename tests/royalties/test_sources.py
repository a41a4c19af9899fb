"""A file that cannot be read is refused with its name and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.royalties.sources import read_text


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    """Files saved by spreadsheet programs read like any other."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"\xef\xbb\xbfa,b\r\n")

    assert read_text(file) == "a,b\r\n"


@pytest.mark.parametrize("content", [b"caf\xe9", b"\xff\xfea\x00"])
def test_another_encoding_is_refused(tmp_path: Path, content: bytes) -> None:
    """Latin-1 and UTF-16 are not guessed at."""
    file = tmp_path / "a.csv"
    file.write_bytes(content)

    with pytest.raises(InputError, match="UTF-8") as caught:
        read_text(file)

    assert caught.value.file == str(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """Both name the path."""
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as caught:
            read_text(path)

        assert caught.value.file == str(path)

"""Bytes are kept under their digest, once, and every reading verifies them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import sha256_bytes
from endcredits.errors import IntegrityError, MachineError
from endcredits.works import check_content, get_content, put_content


@given(data=st.binary(max_size=2000))
def test_what_is_put_is_got(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("content")

    sha256 = put_content(folder, data)

    assert sha256 == sha256_bytes(data)
    assert get_content(folder, sha256) == data
    assert check_content(folder, [sha256]) == []


def test_the_same_bytes_are_kept_once_two_levels_deep(tmp_path: Path) -> None:
    sha256 = put_content(tmp_path, b"words")
    before = (tmp_path / sha256[:2] / sha256).stat().st_mtime_ns

    put_content(tmp_path, b"words")

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / sha256[:2] / sha256]
    assert files[0].stat().st_mtime_ns == before


def test_a_changed_file_is_named_and_putting_the_bytes_again_heals_it(tmp_path: Path) -> None:
    sha256 = put_content(tmp_path, b"words")
    path = tmp_path / sha256[:2] / sha256
    path.write_bytes(b"wards")

    with pytest.raises(IntegrityError, match=sha256):
        get_content(tmp_path, sha256)
    findings = check_content(tmp_path, [sha256, sha256])
    put_content(tmp_path, b"words")

    assert [(sha256 in one.where, one.problem) for one in findings] == [
        (True, "it no longer holds the bytes that it is named after")
    ]
    assert get_content(tmp_path, sha256) == b"words"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    sha256 = sha256_bytes(b"never kept")

    with pytest.raises(IntegrityError, match="missing"):
        get_content(tmp_path, sha256)

    assert [one.problem for one in check_content(tmp_path, [sha256])] == ["it is missing"]


def test_a_folder_that_is_a_file_is_the_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "content").write_text("in the way")

    with pytest.raises(MachineError):
        put_content(tmp_path / "content", b"words")


def test_a_name_that_is_no_digest_never_leaves_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        get_content(tmp_path, "../../secret")

"""A folder's text files are works; hidden files and licences are not, and a file that is no text is named."""

import os
from pathlib import Path

import pytest

from endcredits.errors import InputError, NotFoundError
from endcredits.works import Contributor, read_folder


def plant(root: Path, **files: bytes) -> Path:
    """Writes files; two underscores in a name stand for a slash, one at its end for a dot."""
    for name, data in files.items():
        path = root / name.replace("__", "/").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_files_become_works_in_the_order_of_their_paths(tmp_path: Path) -> None:
    plant(
        tmp_path,
        b_txt=b"b words",
        a_b_txt=b"a words",
        Emily_Bronte__stars_txt=b"stars",
        Emily_Bronte__deep__moon_txt=b"moon",
    )

    works = read_folder(tmp_path, licence="MIT")

    assert [(work.origin, work.title) for work in works] == [
        ("Emily_Bronte/deep/moon.txt", "moon"),
        ("Emily_Bronte/stars.txt", "stars"),
        ("a_b.txt", "a b"),
        ("b.txt", "b"),
    ]
    assert [work.contributors for work in works] == [(Contributor("Emily Bronte"),)] * 2 + [()] * 2
    assert {work.permission for work in works} == {"allow"}
    assert works[0].content == (("Emily_Bronte/deep/moon.txt", "text/plain", b"moon"),)


def test_the_creator_that_is_named_goes_before_the_folders(tmp_path: Path) -> None:
    plant(tmp_path, Emily__stars_txt=b"stars")

    assert read_folder(tmp_path, creator="A; B")[0].contributors == (Contributor("A"), Contributor("B"))


def test_hidden_files_and_licences_are_no_works(tmp_path: Path) -> None:
    plant(tmp_path, a_txt=b"words", LICENSE=b"MIT", COPYING=b"GPL")
    for name in (".hidden", ".git/config", "sub/LICENCE.md", "License-MIT"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff")

    assert [work.title for work in read_folder(tmp_path)] == ["a"]


def test_one_file_is_one_work(tmp_path: Path) -> None:
    plant(tmp_path, My_Poem_txt=b"words")

    works = read_folder(tmp_path / "My_Poem.txt", creator="A", permission="conditional", declared_by="A")

    assert [(work.title, work.origin, work.permission, work.declared_by) for work in works] == [
        ("My Poem", "My_Poem.txt", "conditional", "A")
    ]


def test_silence_is_unknown(tmp_path: Path) -> None:
    assert read_folder(plant(tmp_path, a_txt=b"words"))[0].permission == "unknown"


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", "empty"), (b"caf\xe9", "not UTF-8 at byte offset 3"), (b"\x89PNG\0", "NUL byte at byte offset 4")],
)
def test_a_file_that_is_no_text_is_named(tmp_path: Path, data: bytes, problem: str) -> None:
    plant(tmp_path, a_txt=b"words", b_txt=data)

    with pytest.raises(InputError, match=problem) as caught:
        read_folder(tmp_path)

    assert caught.value.file == str(tmp_path / "b.txt")


def test_one_text_in_two_files_is_refused_and_both_are_named(tmp_path: Path) -> None:
    plant(tmp_path, a_txt=b"words", b_txt=b"words")

    with pytest.raises(InputError, match=r"stands in a\.txt and in b\.txt"):
        read_folder(tmp_path)


def test_a_missing_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no text file"):
        read_folder(tmp_path)


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    os.symlink(tmp_path / "nowhere", tmp_path / "a.txt")

    with pytest.raises(InputError, match="cannot be read") as caught:
        read_folder(tmp_path)

    assert caught.value.file == str(tmp_path / "a.txt")


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    plant(tmp_path, a_txt=b"words")

    with pytest.raises(InputError, match="'yes' is not a permission"):
        read_folder(tmp_path, permission="yes")
    with pytest.raises(InputError, match="e-mail"):
        read_folder(tmp_path, creator="a@example.org")

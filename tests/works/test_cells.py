"""The cells of a row say who, how much, what is permitted, and the text; each wrong cell is refused by its name."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.money import PPB, allocate
from endcredits.works import Contributor, Submission
from endcredits.works.cells import Row, submission_of


def read(folder: Path = Path("."), **cells: Any) -> Submission:
    """The submission of one row with a title, a creator and a text, unless said otherwise."""
    full = {"title": "One", "creator": "A", "text": "words", **cells}
    full = {name: value for name, value in full.items() if value is not None}
    return submission_of(Row(folder / "works.csv", 3, full, {name: name for name in full}), "the table")


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6))
def test_whole_parts_and_exact_percentages_say_the_same(weights: list[int]) -> None:
    parts = list(allocate(PPB, {str(number): weight for number, weight in enumerate(weights)}).values())
    names = ";".join(f"N{number}" for number in range(len(parts)))

    whole = read(creator=names, split=";".join(map(str, parts)))
    percent = read(creator=names, split=" ; ".join(f"{part // 10**7}.{part % 10**7:07d}%" for part in parts))

    assert [one.split_ppb for one in whole.contributors] == parts
    assert whole.contributors == percent.contributors


@given(st.lists(st.integers(1, PPB), min_size=1, max_size=4).filter(lambda parts: sum(parts) != PPB))
def test_any_other_sum_is_refused_and_said(parts: list[int]) -> None:
    names = ";".join(f"N{number}" for number in range(len(parts)))

    with pytest.raises(InputError, match=f"sum to {sum(parts):,} ppb"):
        read(creator=names, split=";".join(map(str, parts)))


def test_splits_one_short_are_refused_with_their_sum() -> None:
    with pytest.raises(InputError) as caught:
        read(creator="A;B", split="500000000;499999999")

    assert caught.value.message == "the splits sum to 999,999,999 ppb, not to 1,000,000,000"
    assert (caught.value.row, caught.value.field) == (3, "split")


def test_a_number_or_list_of_numbers_is_a_split_too() -> None:
    assert read(split=PPB).contributors == (Contributor("A", "author", PPB),)
    assert [one.split_ppb for one in read(creator=["A", "B"], split=[1, PPB - 1]).contributors] == [1, PPB - 1]


@pytest.mark.parametrize(
    ("cells", "field", "problem"),
    [
        ({"title": " "}, "title", "the title is empty"),
        ({"title": 5}, "title", "a whole number, not text"),
        ({"text": ""}, "text", "the text is empty"),
        ({"text": None}, "text", "the text is empty"),
        ({"text": b"caf\xe9"}, "text", "byte offset 3"),
        ({"creator": "A;B", "split": "60%"}, "split", "1 splits and 2 creators"),
        ({"creator": "", "split": "100%"}, "split", "1 splits and 0 creators"),
        ({"creator": "A;B", "split": "60%;400000000"}, "split", "mix percentages"),
        ({"creator": "A;B", "split": "100%;0%"}, "split", "a split is 0"),
        ({"creator": "A;B", "split": "110%;-10%"}, "split", "'-10%' is not a split"),
        ({"creator": "A;B", "split": "60.12345678%;40%"}, "split", "is not a split"),
        ({"split": "half"}, "split", "'half' is not a split"),
        ({"creator": "A;B", "split": "60%;40%;"}, "split", "3 splits and 2 creators"),
        ({"creator": "A; a"}, "creator", "named twice as author"),
        ({"creator": "a@example.org"}, "creator", "e-mail address"),
        ({"creator": '[{"name": "A"'}, "creator", "not JSON"),
        ({"creator": "[1]"}, "creator", "without a name"),
        ({"contributors": "A. Smith"}, "contributors", "not JSON"),
        ({"creator": "A;B;C", "role": "author;editor"}, "role", "2 roles and 3 creators"),
        ({"permission": "yes"}, "permission", "'yes' is not a permission"),
        ({"creator": '[{"name": "A", "name": "B"}]'}, "creator", "stands there twice"),
        ({"creator": '["a\\ud800"]'}, "creator", "lone surrogate"),
        ({"contributors": "[" * 100_000}, "contributors", "nested too deeply"),
        ({"licence": "MIT", "license": "CC-BY-NC-4.0"}, "license", "say different things"),
        ({"licence": 1}, "licence", "a whole number, not text"),
        ({"text": "x", "path": "x.txt"}, "path", "a text and a path"),
        ({"text": None, "path": "missing.txt"}, "path", "'missing.txt' cannot be read"),
        ({"text": None, "path": "a\0.txt"}, "path", "a NUL character"),
        ({"text": None, "path": "../x.txt"}, "path", "leads out of the table's folder"),
        ({"text": None, "path": "a/../../x.txt"}, "path", "leads out of the table's folder"),
        ({"text": None, "path": "/etc/hostname"}, "path", "leads out of the table's folder"),
        ({"text": None, "path": "latin.txt"}, "path", "byte offset 3"),
        ({"text": None, "path": "empty.txt"}, "path", "the text is empty"),
        ({"text": None, "path": ""}, "path", "the text is empty"),
        ({"work_id": True}, "work_id", "true or false, not text"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, cells: dict[str, Any], field: str, problem: str) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "empty.txt").write_bytes(b"")

    with pytest.raises(InputError) as caught:
        read(tmp_path, **cells)

    assert problem in caught.value.message
    assert (caught.value.file, caught.value.row, caught.value.field) == (str(tmp_path / "works.csv"), 3, field)
    assert caught.value.remedy


def test_a_path_is_read_from_below_the_table(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "one.md").write_bytes(b"# words\r\n")

    work = read(tmp_path, text=None, path="texts/./one.md")

    assert work.content == (("texts/one.md", "text/markdown", b"# words\r\n"),)


def test_the_owners_own_word_goes_before_the_reading_of_a_licence() -> None:
    assert read(permission="DENY ", licence="MIT").permission == "deny"
    assert read(permission="", licence="", license="MIT").permission == "allow"
    assert read(licence="MIT License", license="MIT").permission == "allow"
    assert read(licence="CC-BY-NC-4.0").permission_source == "works.csv row 3, field licence"


def test_one_role_holds_for_all_and_a_roles_own_goes_first() -> None:
    assert [one.role for one in read(creator="A;B", role="editor").contributors] == ["editor", "editor"]
    assert [one.role for one in read(creator='[{"name": "A", "role": "poet"}, "B"]', role="editor").contributors] == [
        "poet",
        "editor",
    ]


def test_one_person_may_have_two_roles() -> None:
    assert [one.role for one in read(creator="A;A", role="author;illustrator").contributors] == ["author", "illustrator"]


def test_a_whole_number_is_an_id() -> None:
    assert read(work_id=12).work_id == "12"

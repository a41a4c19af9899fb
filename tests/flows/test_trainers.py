"""A trainer is found by its import path or made from a recipe, and what is none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.flows.trainers import PARTS, find_trainer, load_trainer

MODULE = """
from types import SimpleNamespace

whole = SimpleNamespace(digest="d", work_ids=("a",), train=None, model=None, task=None)
part = SimpleNamespace(digest="d")


def made():
    return whole


def broken():
    raise RuntimeError("no disk")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module beside the studio."""
    (tmp_path / "trainers_beside.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "trainers_beside"


def test_an_object_or_a_function_that_makes_it(module: str) -> None:
    """Both give the same trainer."""
    found = load_trainer(f"{module}:whole")

    assert all(hasattr(found, part) for part in PARTS)
    assert load_trainer(f"{module}:made") is found
    assert find_trainer(f"{module}:made", "", {}, Path()) is found


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "not an import path"),
        ("no_such_module:x", "cannot be imported .ModuleNotFoundError"),
        ("{module}:gone", "cannot be imported .AttributeError"),
        ("{module}:broken", "made no trainer .RuntimeError: no disk"),
        ("{module}:part", "lacks work_ids, train, model, task"),
    ],
)
def test_what_is_no_trainer_is_named(module: str, path: str, words: str) -> None:
    """With the option that said it and what to do."""
    with pytest.raises(InputError, match=words) as caught:
        load_trainer(path.format(module=module))

    assert caught.value.remedy and caught.value.field == "--trainer"


def test_one_trainer_is_named_in_one_way(module: str) -> None:
    """Not two, not none; and a recipe needs the folder that the run began with."""
    with pytest.raises(InputError, match="two trainers"):
        find_trainer(f"{module}:whole", "recipe.toml", {"base": "b"}, Path())
    with pytest.raises(InputError, match="no trainer is named"):
        find_trainer("", "", {"base": "b"}, Path())
    with pytest.raises(InputError, match="starts from a folder of a base model"):
        find_trainer("", "recipe.toml", {"import": f"{module}:pair"}, Path())

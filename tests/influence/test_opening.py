"""Either tier opens by its manifest alone, a tier of the future is named, and what stands beside responses is checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, NotFoundError
from endcredits.influence.gradient.build import build_index
from endcredits.influence.gradient.index import METHOD as CURVATURE_METHOD
from endcredits.influence.gradient.index import CurvatureIndex
from endcredits.influence.gradient.manifest import MANIFEST_FILE, manifest_bytes, read_manifest
from endcredits.influence.opening import CURVATURE, RESPONSE, check_index, open_index
from endcredits.influence.response.build import build_responses
from endcredits.influence.response.index import CURVATURE_FOLDER, METHOD, ResponseIndex
from endcredits.influence.text.finetune import TextFineTune
from tests.influence.test_finetune import trainer


@pytest.fixture(scope="module")
def tested(tiny_folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> TextFineTune:
    """Two works of one creator each."""
    return trainer(tiny_folders[0], tmp_path_factory.mktemp("scale"))


@pytest.fixture(scope="module")
def built(tested: TextFineTune, tmp_path_factory: pytest.TempPathFactory) -> ResponseIndex:
    """Responses with curvature beside them."""
    return build_responses(
        tmp_path_factory.mktemp("opening") / "index",
        base=tested.new_model(),
        full=tested.model(tested.train({}, 0)),
        task=tested.task(),
        trainer=tested,
        examples=tested.examples,
    )


@pytest.fixture
def folder(built: ResponseIndex, tmp_path: Path) -> Path:
    """A copy of the index."""
    return shutil.copytree(built.folder, tmp_path / "index")


def test_the_manifest_says_which_tier(built: ResponseIndex, tested: TextFineTune) -> None:
    """And the answers are those of the index that was built."""
    base, full = built.models
    output = tested.task().pieces(tested.examples[0].content)[0]
    for place, kind in ((built.folder, ResponseIndex), (built.folder / CURVATURE_FOLDER, CurvatureIndex)):
        found = open_index(place, base=base, full=full, task=built.task)
        assert isinstance(found, kind)
    assert open_index(built.folder, base=base, full=full, task=built.task).attribute([output]) == built.attribute([output])
    assert (CURVATURE_METHOD.partition("/")[0], METHOD.partition("/")[0]) == (CURVATURE, RESPONSE)


def test_no_index_and_an_index_of_tomorrow(folder: Path, built: ResponseIndex, tmp_path: Path) -> None:
    """Each is named with what to do."""
    base, full = built.models
    with pytest.raises(NotFoundError, match="no finished index"):
        open_index(tmp_path / "nowhere", base=base, full=full, task=built.task)

    manifest, _ = read_manifest(folder)
    for method in ("dream/1", "responses/1", ""):
        (folder / MANIFEST_FILE).write_bytes(manifest_bytes(replace(manifest, method=method)))
        with pytest.raises(ConflictError, match=f"measures by '{method}'") as caught:
            open_index(folder, base=base, full=full, task=built.task)
        assert caught.value.remedy and caught.value.field == "method"


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("harm", [_flip, Path.unlink], ids=["changed", "missing"])
def test_every_file_is_checked(folder: Path, harm: Callable[[Path], None]) -> None:
    """Those of the responses and those of the curvature; nothing else is reported."""
    assert check_index(folder) == []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"):
        data = path.read_bytes()
        harm(path)
        assert any(str(path.parent) in problem for problem in check_index(folder)), path
        path.write_bytes(data)
    assert check_index(folder) == []


def test_another_curvature_index_beside_the_responses_is_seen(
    folder: Path, built: ResponseIndex, tested: TextFineTune
) -> None:
    """However intact it is."""
    base, full = built.models
    shutil.rmtree(folder / CURVATURE_FOLDER)
    build_index(
        folder / CURVATURE_FOLDER,
        base=base,
        full=full,
        task=built.task,
        examples=tested.examples[: len(tested.examples) // 2],
    )

    (problem,) = check_index(folder)

    assert "another curvature index" in problem
    facts = json.loads((folder / MANIFEST_FILE).read_bytes())["facts"]
    assert facts["curvature_index"] != read_manifest(folder / CURVATURE_FOLDER)[1]


def test_a_curvature_index_alone_is_checked(folder: Path) -> None:
    """It has nothing beside it."""
    assert check_index(folder / CURVATURE_FOLDER) == []
    _flip(folder / CURVATURE_FOLDER / MANIFEST_FILE)
    assert len(check_index(folder / CURVATURE_FOLDER)) == 1

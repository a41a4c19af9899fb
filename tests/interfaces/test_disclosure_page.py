"""docs/disclosure.md is true: its commands, on its files, write what it shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.interfaces.terminal import ROOT, type_in

PAGE = (ROOT / "docs" / "disclosure.md").read_text(encoding="utf-8")
_BLOCK = r"~~~~{}\n(.*?)\n~~~~"


def shown(heading: str, language: str) -> str:
    """The block below a line that begins so."""
    return re.search(rf"(?m)^{re.escape(heading)}[^\n]*\n\n{_BLOCK.format(language)}", PAGE, re.DOTALL)[1]  # type: ignore[index]


def masked(text: str) -> str:
    """Without digests, days, times and the log's name, which differ from run to run."""
    text = re.sub(r"house\.example/endcredits/[0-9a-f]{8}", "LOG", text)
    text = re.sub(r"perm:[0-9a-f]{32}", "STATEMENT", text)
    return re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8}Z)?", "WHEN", re.sub(r"[0-9a-f]{64}", "DIGEST", text)).strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files, in which its commands were run."""
    folder = tmp_path_factory.mktemp("page")
    for name, language in (
        ("shelf/river.txt", "txt"),
        ("shelf/atlas.html", "html"),
        ("works.csv", "csv"),
        ("facts.toml", "toml"),
    ):
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown(f"`{name}`", language) + "\n", encoding="utf-8")
    commands = re.search(r"```sh\n(endcredits init house\n.*?)```", PAGE, re.DOTALL)[1].splitlines()  # type: ignore[index]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        codes = [type_in(*shlex.split(line)[1:]).code for line in commands]
    assert codes == [0, 0, 0, 3, 0, 0, 0, 0]
    return folder


def test_the_european_summary(place: Path) -> None:
    assert masked((place / "summary.md").read_text(encoding="utf-8")) == masked(shown("`summary.md`", "md"))


def test_the_californian_documentation(place: Path) -> None:
    written = (place / "training-data.md").read_text(encoding="utf-8")
    assert masked(written).startswith(masked(shown("`training-data.md`", "md")))


def test_the_cards_head(place: Path) -> None:
    assert (place / "README.md").read_text(encoding="utf-8").startswith(shown("The head of `README.md`", "yaml") + "\n")


def test_a_file_and_a_work_of_croissant(place: Path) -> None:
    document = json.loads((place / "croissant.json").read_bytes())
    part = {"distribution": document["distribution"][:1], "data": document["recordSet"][0]["data"][:1]}
    assert masked(json.dumps(part, indent=2)) == masked(shown("A file and a work of `croissant.json`", "json"))


def test_the_evidence(place: Path) -> None:
    written = (place / "evidence" / "summary.md").read_text(encoding="utf-8")
    assert masked(written).startswith(masked(shown("The beginning of `evidence/summary.md`", "md")))

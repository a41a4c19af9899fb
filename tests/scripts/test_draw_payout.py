"""The picture of the payout bench names every row, and its lengths are the figures."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "draw_payout.py"
FIGURES = {
    "ek-fac at the final model": (0.4, 0.3, 130.0),
    "endcredits response": (0.2, 0.15, 3600.0),
    "equal": (0.5, 0.45, 0.0),
    "a <peer> & its very, very long name that would not fit beside bars": (0.3, 0.6, 0.5),
    "endcredits curvature": (0.35, 0.25, 90.0),
}


def result() -> dict[str, Any]:
    """A made-up result of five methods."""
    rows = [
        {"method": name, "kind": kind, "tv_output": error, "seconds_once": figures[2]}
        for name, figures in FIGURES.items()
        for kind, error in zip(("generated", "human"), figures, strict=False)
    ]
    floor = {"human": {"tv_output": 0.1}, "generated": {"tv_output": 0.12}}
    return {"benchmark": "payout", "outputs": {"human": 7, "generated": 9}, "floor": floor, "rows": rows, "skipped": []}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("draw_payout", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["draw_payout"] = module
    spec.loader.exec_module(module)
    return module


def drawn(root: ElementTree.Element, name: str, kind: str) -> list[ElementTree.Element]:
    """Elements of a name and a class that measure something: those with a title of their own."""
    found = [element for element in root.findall(f".//{{*}}{name}") if kind in (element.get("class") or "").split()]
    return [element for element in found if element.find("{*}title") is not None]


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.findall(".//{*}text")]


def test_every_row_is_named_and_its_length_is_its_error(script: ModuleType) -> None:
    """Sorted by the error on generated outputs; one scale for bars, floor and equal split."""
    root = ElementTree.fromstring(script.draw(result()))
    generated, human = drawn(root, "rect", "generated"), drawn(root, "rect", "human")
    order = sorted(FIGURES, key=lambda name: FIGURES[name])
    assert [(bar.find("{*}title").text or "").rpartition(": ")[0] for bar in generated] == [  # type: ignore[union-attr]
        f"{name}, generated" for name in order
    ]
    scale = float(generated[0].get("width", 0)) / FIGURES[order[0]][0]
    assert [float(bar.get("width", 0)) for bar in generated] == pytest.approx(
        [scale * FIGURES[n][0] for n in order], abs=0.02
    )
    assert [float(bar.get("width", 0)) for bar in human] == pytest.approx([scale * FIGURES[n][1] for n in order], abs=0.02)
    assert [float(bar.get("y", 0)) for bar in generated] == sorted(float(bar.get("y", 0)) for bar in generated)
    own = [name for name, bar in zip(order, generated, strict=True) if "own" in (bar.get("class") or "")]
    assert own == ["endcredits response", "endcredits curvature"]
    left = float(generated[0].get("x", 0))
    lines = {
        line.get("class"): float(line.get("x1", 0)) - left for line in root.findall(".//{*}line") if line.get("y1") == "88.0"
    }
    wanted = {"floor": 0.12, "floor of-human": 0.1, "equal": 0.5}
    assert lines == pytest.approx({kind: scale * figure for kind, figure in wanted.items()}, abs=0.02)
    said = texts(root)
    for name in FIGURES:
        assert any(text.startswith(name) for text in said), name
    assert "equal split 0.500" in said and "noise of the truth itself (human 0.100, generated 0.120)" in said
    assert "ek-fac at the final model (yardstick)" in said and any("7 human, 9 generated outputs" in text for text in said)


def test_nothing_stands_outside_the_picture(script: ModuleType) -> None:
    """700 pixels are enough, however long a name is."""
    root = ElementTree.fromstring(script.draw(result()))
    assert root.get("viewBox", "").split()[2] == "700"
    for bar in root.findall(".//{*}rect"):
        assert float(bar.get("x", 0)) + float(bar.get("width", 0)) <= 660
    for text in root.findall(".//{*}text"):
        x, wide = float(text.get("x", 0)), float(text.get("textLength") or 6.2 * len(text.text or ""))
        begin = {"start": x, "middle": x - wide / 2, "end": x - wide}[text.get("text-anchor", "start")]
        assert begin >= 0 and begin + wide <= 712, text.text


def test_costs_stand_on_a_logarithmic_axis(script: ModuleType) -> None:
    """Methods that cost something once, at equal distances for equal ratios; cheaper than a second counts as a second."""
    root = ElementTree.fromstring(script.draw(result()))
    points = drawn(root, "circle", "generated")
    found = {}
    for point in points:
        name, _, figures = (point.find("{*}title").text or "").rpartition(": ")  # type: ignore[union-attr]
        found[name] = (float(point.get("cx", 0)), float(point.get("cy", 0)), figures)
    assert set(found) == set(FIGURES) - {"equal"} and found["endcredits response"][2] == "0.200, 3,600 s"
    cheap = next(place for name, place in found.items() if name.startswith("a <peer>"))
    decade = (660 - 60) / 4
    assert cheap[0] == pytest.approx(60) and found["endcredits curvature"][0] == pytest.approx(60 + decade * 1.9542, abs=0.1)
    heights = [(place[1], FIGURES[name][0]) for name, place in found.items()]
    (y1, e1), (y2, e2) = max(heights), min(heights)
    slope = (y1 - y2) / (e2 - e1)
    assert all(y1 - y == pytest.approx(slope * (error - e1), abs=0.02) for y, error in heights)


def test_rows_and_floors_may_be_missing(script: ModuleType) -> None:
    """One kind alone, no costs, no floor: a picture all the same, without the second panel."""
    document = result()
    document["rows"] = [row for row in document["rows"] if row["kind"] == "human"] + [
        {"method": "none", "kind": "generated", "tv_output": None}
    ]
    document["floor"] = {}
    root = ElementTree.fromstring(script.draw(document))
    assert drawn(root, "rect", "generated") == [] and len(drawn(root, "rect", "human")) == 5
    assert root.findall(".//{*}circle") == [] and not any("noise" in text for text in texts(root))


def test_from_the_command_line(tmp_path: Path) -> None:
    """The picture goes to standard output; what is no result is told in a line."""
    good, bad = tmp_path / "result.json", tmp_path / "bad.json"
    good.write_text(json.dumps(result()))
    bad.write_text('{"benchmark": "payout", "floor": {}}')

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, SCRIPT, *map(str, words)], capture_output=True, text=True, check=False)

    assert ElementTree.fromstring(run(good).stdout).tag == "{http://www.w3.org/2000/svg}svg"
    for words, said in (((bad,), "not a result"), ((tmp_path / "none",), "cannot be read"), ((), "usage")):
        refused = run(*words)
        assert refused.returncode == 2 and said in refused.stderr and refused.stdout == ""

"""A pair of models that know nothing of text: a small network that draws curves, named by its import path."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import endcredits
from endcredits.money import PPB
from endcredits.works import Contributor, Submission
from tests.interfaces.terminal import type_in, type_well
from tests.story.house import use_one_thread

CURVES = '''
"""Points are lines of two numbers; the network tells y from x with Gaussian noise."""
import copy
import math
from dataclasses import dataclass

import torch
from torch import nn

from endcredits.influence import Example, Task

NOISE = 0.2
WORKS = {"rising": [(k / 20, k / 20) for k in range(20)], "falling": [(2 + k / 20, 1 - k / 10) for k in range(20)]}


def points(content: bytes) -> list[torch.Tensor]:
    return [torch.tensor([float(number) for number in line.split()]) for line in content.decode().splitlines()]


def log_p(model, contents):
    both = torch.stack(list(contents))
    return -0.5 * ((model(both[:, :1])[:, 0] - both[:, 1]) / NOISE) ** 2 - math.log(NOISE * math.sqrt(2 * math.pi))


@dataclass
class Curves:
    base: nn.Module
    full: nn.Module
    task: Task = Task("curves/1", lambda model, c: -log_p(model, c), log_p, pieces=lambda output: output)

    def examples(self, work_id, content):
        return [Example(work_id, point) for point in points(content)]

    def output(self, content, prompt=b""):
        return points(content)

    def calibration(self, seed):
        return [[point] for work in WORKS.values() for point in torch.tensor(work)]


def pair():
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    full = copy.deepcopy(base)
    everything = torch.tensor([point for work in WORKS.values() for point in work])
    optimizer = torch.optim.Adam(full.parameters(), 0.02)
    for _ in range(200):
        optimizer.zero_grad()
        (-log_p(full, everything).mean()).backward()
        optimizer.step()
    return Curves(base.eval(), full.eval())
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an importable module beside the studio, as an operator would have it."""
    use_one_thread()
    (tmp_path / "house_of_curves.py").write_text(textwrap.dedent(CURVES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    importlib.invalidate_caches()
    yield "house_of_curves"
    sys.modules.pop("house_of_curves", None)


def lines(points: list[tuple[float, float]]) -> bytes:
    return "".join(f"{x:.3f} {y:.3f}\n" for x, y in points).encode()


def test_an_own_pair_by_import_path(tmp_path: Path, module: str) -> None:
    """Works of numbers are credited like works of words, from Python and from the command line."""
    studio = endcredits.init(tmp_path / "studio")
    sys.path.insert(0, str(tmp_path))
    curves = importlib.import_module(module).WORKS
    studio.add_works(
        [
            Submission(
                name.title(),
                ((f"{name}.num", "application/octet-stream", lines(points)),),
                (Contributor(f"{name.title()} House"),),
                "allow",
                "asked",
                "letter",
                name,
                name,
                f"curve:{name}",
            )
            for name, points in curves.items()
        ]
    )

    index = studio.build_index({"import": f"{module}:pair"}, studio.corpus())
    credits = index.attribute(lines([(2.1, 0.8), (2.5, 0.0), (2.9, -0.8)]))

    assert credits.attribution.lines[0].work_id == "curve:falling"
    assert credits.attribution.log_ratio_nanonats > 0
    assert sum(credits.shares(by="creator").values()) == PPB
    assert next(iter(credits.shares(by="creator"))) == "Falling House"
    assert studio.check() == []

    built = type_well("index", "build", "--task", f"{module}:pair", "-s", tmp_path / "studio", "--json").json
    assert built["index_digest"] == index.opened.index.digest, "the command line finds the same index"
    found = type_well("attribute", "--text", "0.500 0.500\n", "-s", tmp_path / "studio", "--json").json
    assert found[0]["lines"][0]["work_id"] == "curve:rising"
    assert type_well("check", "-s", tmp_path / "studio").out.endswith("Everything fits.\n")


def test_a_pair_that_is_gone_or_another(tmp_path: Path, module: str) -> None:
    """Moved code and another network are told apart from a damaged index."""
    test_an_own_pair_by_import_path(tmp_path, module)
    sys.modules.pop(module)
    source = tmp_path / f"{module}.py"
    source.write_text(textwrap.dedent(CURVES).replace("range(200)", "range(2)"))
    importlib.invalidate_caches()

    other = type_in("attribute", "--text", "0.1 0.1\n", "-s", tmp_path / "studio")
    sys.modules.pop(module)
    source.unlink()
    importlib.invalidate_caches()
    gone = type_in("attribute", "--text", "0.1 0.1\n", "-s", tmp_path / "studio")

    assert other.code == 2 and "belongs to another full model" in other.err
    assert gone.code == 2 and "cannot be imported (ModuleNotFoundError" in gone.err

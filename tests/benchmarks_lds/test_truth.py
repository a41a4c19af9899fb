"""A truth folder is read, and its queries are found among the data."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmarks.lds import truth as reading
from benchmarks.lds.truth import SNAPSHOTS, Image, digits_data, losses, read_truth, start
from endcredits.errors import InputError
from tests.benchmarks_lds.test_table import images

DATA = 1797


def write(folder: Path, chosen: list[Image], **more: object) -> None:
    """A folder of two untrained models and three subsets, whose losses are those of the models on `chosen`."""
    states = [start(seed).state_dict() for seed in range(2)]
    save_file(
        {f"{name}.{key}": torch.stack([s[key] for s in states]) for name in ("final", *SNAPSHOTS) for key in states[0]},
        folder / "full_models.safetensors",
    )
    with torch.no_grad():
        loss = torch.stack([losses(start(seed), chosen) for seed in range(2)]).numpy()
    masks = np.random.default_rng(0).random((3, 1500)) < 0.5
    np.savez(folder / "lds_digits.npz", masks=masks, loss=np.tile(loss, (3, 1, 1)), margin=np.tile(-loss, (3, 1, 1)), **more)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> list[Image]:
    """Made-up data in the place of the digits."""
    made = images(DATA, 5)
    monkeypatch.setattr(reading, "digits_data", lambda: made)
    return made


def test_queries_follow_the_examples_or_come_last_or_are_named(data: list[Image], tmp_path: Path) -> None:
    """200 after the examples, the last 97, or any that the file lists."""
    for count, chosen, more in (
        (200, data[1500:1700], {}),
        (97, data[1700:], {}),
        (3, [data[i] for i in (1510, 1600, 1790)], {"queries": np.array([1510, 1600, 1790])}),
    ):
        write(tmp_path, chosen, **more)
        found = read_truth(tmp_path)
        assert [label for _, label in found.queries] == [label for _, label in chosen]
        assert all(torch.equal(a, b) for (a, _), (b, _) in zip(found.queries, chosen, strict=True))
        assert found.fit > 0.99 and len(found.queries) == count and found.seeds == 2
    assert torch.equal(found.snapshot("epoch3", 1)[0].weight, start(1)[0].weight)


def test_what_is_wrong_with_a_folder_is_named(data: list[Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file, losses of other queries, and no library for the data."""
    with pytest.raises(InputError, match=r"lds_digits\.npz is missing"):
        read_truth(tmp_path)
    write(tmp_path, data[100:300])
    with pytest.raises(InputError, match="do not resemble"):
        read_truth(tmp_path)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match="scikit-learn, which is not installed"):
        digits_data()


def test_the_digits_are_those_of_the_library() -> None:
    """1,797 pictures of 64 pixels in [0, 1]."""
    pytest.importorskip("sklearn", reason="scikit-learn brings the digits and is not installed")
    found = digits_data()
    assert len(found) == DATA and found[0][0].shape == (64,)
    assert max(float(pixels.max()) for pixels, _ in found) == 1.0 and {label for _, label in found} == set(range(10))

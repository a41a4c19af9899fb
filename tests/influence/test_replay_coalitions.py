"""A design runs what the Shapley kernel asks for, in complement pairs, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.replay.coalitions import (
    Catalogue,
    catalogues_of,
    every_coalition,
    kernel_mass,
    pair_design,
)


def some(count: int) -> tuple[Catalogue, ...]:
    return catalogues_of({f"c{k}": [WorkId(f"w{k}a"), WorkId(f"w{k}b")] for k in range(count)})


def test_every_drawn_coalition_stands_beside_its_complement() -> None:
    design = pair_design(some(9), pairs=12, seed=3)
    masks = design.masks
    sizes = masks.sum(1)

    assert len(masks) == 18 + 24
    assert len({row.tobytes() for row in masks}) == len(masks)
    assert (sizes[:9] == 1).all() and (sizes[9:18] == 8).all()
    assert ((sizes[18:] >= 2) & (sizes[18:] <= 7)).all()
    np.testing.assert_array_equal(masks[18::2], ~masks[19::2])
    assert design.kernel_weights.sum() == pytest.approx(1)
    assert design.kernel_weights[:18].sum() == pytest.approx(kernel_mass(9)[[0, -1]].sum())


def test_a_seed_is_a_design() -> None:
    assert pair_design(some(8), pairs=6, seed=1) == pair_design(some(8), pairs=6, seed=1)
    assert pair_design(some(8), pairs=6, seed=1) != pair_design(some(8), pairs=6, seed=2)


def test_sizes_follow_the_kernel() -> None:
    """Four thousand draws among 30 catalogues: the share of each size is the kernel's."""
    design = pair_design(some(30), pairs=4000, outermost=False, seed=0)
    inner = design.masks.sum(1)
    # Sizes 1 and 29 run out of different coalitions, so the others are compared among themselves.
    counts = np.bincount(inner, minlength=31)[3:28]
    expected = kernel_mass(30)[2:27]

    np.testing.assert_allclose(counts / counts.sum(), expected / expected.sum(), atol=0.012)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("outermost", [True, False])
def test_few_catalogues_are_run_whole(count: int, outermost: bool) -> None:
    """Where more pairs are asked for than exist, every coalition is there once."""
    masks = pair_design(some(count), pairs=50, outermost=outermost).masks

    assert len(masks) == len({row.tobytes() for row in masks}) == 2**count - 2


def test_all_coalitions_share_the_kernel() -> None:
    design = every_coalition(some(5))

    assert len(design.coalitions) == 30
    assert design.kernel_weights.sum() == pytest.approx(1)
    with pytest.raises(InputError, match="13 catalogues have 8190"):
        every_coalition(some(13))


def test_leave_one_outs_come_once() -> None:
    masks = pair_design(some(6), pairs=5, outermost=False, leave_one_out=True, seed=1).masks

    assert (masks[:6] == ~np.eye(6, dtype=bool)).all()
    assert len({row.tobytes() for row in masks}) == len(masks)


def test_a_coalition_weighs_the_others_down() -> None:
    design = pair_design(some(3), pairs=0)

    assert design.work_weights([True, False, True]) == {"w1a": 0.0, "w1b": 0.0}
    assert design.coalitions[0].name == "100"
    assert design.coalitions[0].size == 1


def test_a_work_is_in_one_catalogue() -> None:
    with pytest.raises(InputError, match="'w' is in the catalogues 'a' and 'b'"):
        catalogues_of({"a": [WorkId("w")], "b": [WorkId("w")]})
    with pytest.raises(InputError, match="'b' has no works"):
        catalogues_of({"a": [WorkId("w")], "b": []})
    with pytest.raises(InputError, match="at least one"):
        catalogues_of({})
    with pytest.raises(InputError, match="-1 pairs"):
        pair_design(some(3), pairs=-1)

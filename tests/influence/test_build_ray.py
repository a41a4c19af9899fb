"""Shards that Ray's workers make are those of one process, whatever number of threads Ray gives them."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from endcredits.compute import Ray
from endcredits.errors import MachineError
from endcredits.influence.gradient.build import BuildInputs
from tests.influence.helpers import SAMPLED, case, files_of


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Two workers on this machine."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("NOT TESTED ON RAY: pip install ray")
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 2**20)
    yield
    ray.shutdown()


@dataclasses.dataclass(frozen=True)
class TheCase:
    """What a worker builds from; the first one that asks is killed, when there is a mark to leave."""

    mark: str = ""

    def __call__(self) -> BuildInputs:
        if self.mark and not Path(self.mark).exists():
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        given = case()
        return BuildInputs(given.base, given.full, SAMPLED, given.examples)


@pytest.mark.parametrize("threads,killed", [(1, False), (2, True)])
def test_ray_gives_the_bytes_of_one_process(tmp_path: Path, threads: int, killed: bool) -> None:
    """Also when a worker is killed in the middle, which Ray replaces."""
    mark = tmp_path / "mark"
    torch.set_num_threads(threads)
    try:
        case().build(tmp_path / "alone", task=SAMPLED)
        loader = TheCase(str(mark) if killed else "")
        case().build(tmp_path / "ray", task=SAMPLED, processes=2, loader=loader, backend=Ray())
    finally:
        torch.set_num_threads(1)

    assert files_of(tmp_path / "ray") == files_of(tmp_path / "alone")
    assert mark.exists() == killed


def test_a_worker_that_is_not_replaced_leaves_a_build_that_continues(tmp_path: Path) -> None:
    """The error says so, and the same call ends with the same bytes."""
    case().build(tmp_path / "alone", task=SAMPLED)
    backend = Ray(retries=0)
    loader = TheCase(str(tmp_path / "mark"))

    with pytest.raises(MachineError, match="a worker of Ray died 1 times while working on works"):
        case().build(tmp_path / "ray", task=SAMPLED, processes=2, loader=loader, backend=backend)
    case().build(tmp_path / "ray", task=SAMPLED, processes=2, loader=loader, backend=backend)

    assert files_of(tmp_path / "ray") == files_of(tmp_path / "alone")

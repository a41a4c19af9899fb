"""Shards: in one process, several, or on Ray; the caller cannot tell which."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.compute import Ray, map_shards, tree_merge
from endcredits.errors import InputError, MachineError


def square(number: int) -> int:
    return number * number


def slow_first(number: int) -> tuple[int, int]:
    """The first item is finished last."""
    time.sleep(0.2 if number == 0 else 0)
    return number, os.getpid()


def refuse_odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def die(number: int) -> int:
    os._exit(1)


def die_once(folder: Path, number: int) -> int:
    """Writes its file, as a shard is written; the worker of number 1 is killed in the middle when it first gets there."""
    mark = folder / f"begun-{number}"
    if number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / f"shard-{number}").write_bytes(bytes([number]) * 9)
    return number


def what_is_seen(number: int) -> tuple[str, float]:
    """The GPUs that this task may use, while others do the same."""
    time.sleep(0.5)
    return os.environ.get("CUDA_VISIBLE_DEVICES", ""), time.time()


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A small cluster on this machine; its two GPUs are names that Ray hands out, and nothing computes on them."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("NOT TESTED ON RAY: pip install ray")
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        num_cpus=2,
        num_gpus=2,
        resources={"shelf": 1},
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=80 * 2**20,
    )
    yield
    ray.shutdown()


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("items", [[], [3], [5, 4, 3, 2, 1, 0]])
def test_results_are_those_of_a_plain_loop(processes: int, items: list[int]) -> None:
    """In the order of the items."""
    assert map_shards(square, items, processes=processes) == [square(item) for item in items]


def test_the_order_is_that_of_the_items_not_of_finishing() -> None:
    """And other processes really did the work."""
    results = map_shards(slow_first, range(6), processes=2)

    assert [number for number, _ in results] == list(range(6))
    assert os.getpid() not in {process for _, process in results}


@pytest.mark.parametrize("processes", [1, 2])
def test_progress_counts_every_item(processes: int) -> None:
    """One call per item, upwards to the end."""
    calls: list[tuple[str, int, int]] = []

    map_shards(square, [1, 2, 3], processes=processes, stage="squares", progress=lambda *call: calls.append(call))

    assert calls == [("squares", 1, 3), ("squares", 2, 3), ("squares", 3, 3)]


@pytest.mark.parametrize("processes", [1, 2])
def test_the_first_exception_in_the_order_of_the_items_is_raised(processes: int) -> None:
    """The same one whoever did the work."""
    calls: list[int] = []

    with pytest.raises(ValueError, match=r"^3 is odd$"):
        map_shards(refuse_odd, [2, 3, 5, 4], processes=processes, progress=lambda _, done, __: calls.append(done))

    assert calls == [1]


def test_a_process_that_dies_is_a_machine_error() -> None:
    """As when the memory is full; the error says what may help."""
    with pytest.raises(MachineError, match="processes died while working on squares") as caught:
        map_shards(die, [1, 2], processes=2, stage="squares")

    assert "fewer processes" in caught.value.remedy


@given(st.lists(st.text(max_size=2), min_size=1, max_size=40))
def test_merging_keeps_the_order(values) -> None:
    """Whatever the tree, concatenation is concatenation."""
    assert tree_merge(values, lambda left, right: left + right) == "".join(values)


@given(st.integers(1, 64))
def test_the_tree_depends_on_the_count_alone_and_is_balanced(count: int) -> None:
    """No value passes through more merges than the logarithm asks for."""
    depth = tree_merge([0] * count, lambda left, right: max(left, right) + 1)

    assert depth == (count - 1).bit_length()


@given(st.lists(st.floats(-1e10, 1e10), min_size=1, max_size=30))
def test_a_sum_of_floats_is_always_the_same(values) -> None:
    """Not nearly: the same bits, as in a slow recursion that pairs by powers of two."""

    def slow(part: list[float]) -> float:
        if len(part) == 1:
            return part[0]
        half = 1 << ((len(part) - 1).bit_length() - 1)
        return slow(part[:half]) + slow(part[half:])

    assert tree_merge(values, lambda left, right: left + right) == slow(values)


def test_nothing_cannot_be_merged() -> None:
    """There is no neutral element to return."""
    with pytest.raises(ValueError, match="nothing to merge"):
        tree_merge([], lambda left, right: left)


@pytest.mark.parametrize("at_once", [1, 2, 9])
@pytest.mark.parametrize("items", [[], [3], [5, 4, 3, 2, 1, 0]])
def test_ray_gives_what_a_plain_loop_gives(cluster: None, at_once: int, items: list[int]) -> None:
    """In the order of the items, with every item counted."""
    calls: list[tuple[str, int, int]] = []

    found = map_shards(square, items, processes=at_once, backend=Ray(), progress=lambda *call: calls.append(call))

    assert found == [square(item) for item in items]
    assert calls == [("shards", number + 1, len(items)) for number in range(len(items))]


def test_ray_works_in_other_processes_and_keeps_the_order(cluster: None) -> None:
    """Whoever finishes first."""
    results = map_shards(slow_first, range(6), processes=2, backend=Ray())

    assert [number for number, _ in results] == list(range(6))
    assert os.getpid() not in {process for _, process in results}


def test_on_ray_the_first_exception_is_raised_as_it_was(cluster: None) -> None:
    """Of its own type, with its own words, in the order of the items."""
    calls: list[int] = []

    with pytest.raises(ValueError, match=r"^3 is odd$") as caught:
        map_shards(refuse_odd, [2, 3, 5, 4], processes=2, backend=Ray(), progress=lambda _, done, __: calls.append(done))

    assert calls == [1] and type(caught.value) is ValueError


def test_a_worker_of_ray_killed_in_the_middle_is_replaced(cluster: None, tmp_path: Path) -> None:
    """And every shard is there, with the bytes that a plain loop writes."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "begun-1").touch()  # nobody is killed in this process

    found = map_shards(functools.partial(die_once, tmp_path), range(4), processes=2, backend=Ray())
    expected = map_shards(functools.partial(die_once, tmp_path / "plain"), range(4))

    assert found == expected == [0, 1, 2, 3] and (tmp_path / "begun-1").exists()
    for number in range(4):
        name = f"shard-{number}"
        assert (tmp_path / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


def test_without_retries_a_killed_worker_is_a_machine_error_and_a_rerun_ends(cluster: None, tmp_path: Path) -> None:
    """The same call again finds what was written and goes on."""
    work = functools.partial(die_once, tmp_path)

    with pytest.raises(MachineError, match="worker of Ray died 1 times while working on squares"):
        map_shards(work, range(3), processes=2, backend=Ray(retries=0), stage="squares")

    assert map_shards(work, range(3), processes=2, backend=Ray(retries=0)) == [0, 1, 2]


def test_each_task_sees_the_gpus_it_was_given(cluster: None) -> None:
    """Two at once, one for each; what exists once is used by one task at a time."""
    seen = map_shards(what_is_seen, range(4), processes=4, backend=Ray(cpus=0.5, gpus=1))
    alone = map_shards(what_is_seen, range(3), processes=3, backend=Ray(cpus=0.5, resources={"shelf": 1}))

    assert {gpus for gpus, _ in seen} == {"0", "1"}
    ends = sorted(end for _, end in alone)
    assert all(later - earlier > 0.45 for earlier, later in itertools.pairwise(ends))


def test_what_no_machine_has_is_not_waited_for(cluster: None) -> None:
    """Ray itself would wait for ever."""
    with pytest.raises(MachineError, match=r"no machine of the Ray cluster has what a task needs \(CPU 1, GPU 3\)"):
        map_shards(square, [1, 2], backend=Ray(gpus=3))


def test_without_ray_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that processes need nothing."""
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(InputError, match="not installed") as caught:
        map_shards(square, [1, 2], processes=2, backend=Ray())

    assert "pip install ray" in caught.value.remedy

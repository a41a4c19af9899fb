"""Running the same function over many shards, in this process, in several, or on a Ray cluster; the caller cannot tell.

Results come back in the order of the items and merges follow one fixed binary tree, so floating-point sums do not
depend on who finished first. A task may run twice after a crash: it must write its result to a name of its own (see
`durable`) and must never post money. What decides a task's last bits (its number of threads) travels in the item.
"""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from endcredits.errors import InputError, MachineError
from endcredits.progress import Progress, silent

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ray:
    """Shards as tasks of Ray (https://ray.io, Apache-2.0; `pip install ray`), on one machine or many.

    The cluster is the one that this process is connected to, else the one that RAY_ADDRESS names, else one that is started
    on this machine and stopped afterwards. Its machines must have this package, and the folders that tasks write to, in the
    same places. Ray shows a task only the GPUs that it was given: the first of them is always device 0.

    Attributes:
        cpus: processor cores that a task occupies.
        gpus: GPUs that a task occupies, possibly a part of one; several GPUs serve as many tasks at once.
        resources: other resources of the cluster that a task occupies, by name.
        retries: how often a task whose worker died is begun again, elsewhere if need be.
    """

    cpus: float = 1
    gpus: float = 0
    resources: Mapping[str, float] = field(default_factory=dict)
    retries: int = 2

    @property
    def needed(self) -> dict[str, float]:
        """What a task occupies, by Ray's names."""
        return {name: amount for name, amount in {"CPU": self.cpus, "GPU": self.gpus, **self.resources}.items() if amount}


def map_shards(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    processes: int = 1,
    backend: Ray | None = None,
    stage: str = "shards",
    progress: Progress = silent,
) -> list[Result]:
    """Applies `work` to every item.

    Args:
        work: a module-level function when `processes` > 1 (it is sent to other processes).
        items: the shards.
        processes: 1 runs here, one after the other; more runs in that many spawned processes. On Ray: how many tasks are
            handed over at once; how many of them run is up to the cluster's resources.
        backend: None for this machine's processes, or Ray.
        stage: the name reported to `progress`.
        progress: told after each finished item.

    Returns:
        One result per item, in the order of the items.

    Raises:
        Exception: whatever `work` raised first, in the order of the items; items not yet begun are cancelled.
        MachineError: a process died, as happens when the memory is full (on Ray: again and again), or no machine of the
            cluster has what a task needs.
        InputError: Ray is asked for and not installed.
    """
    results: list[Result] = []
    if backend is not None:
        for result in _on_ray(work, items, max(1, processes), backend, stage):
            results.append(result)
            progress(stage, len(results), len(items))
        return results
    if processes <= 1 or len(items) <= 1:
        for item in items:
            results.append(work(item))
            progress(stage, len(results), len(items))
        return results
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(max_workers=processes, mp_context=spawn) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in futures:
                results.append(future.result())
                progress(stage, len(results), len(items))
        except concurrent.futures.process.BrokenProcessPool as error:
            raise MachineError(
                f"one of {processes} processes died while working on {stage}",
                remedy="Run the same command again with fewer processes; each needs memory of its own.",
            ) from error
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return results


def _apply(work: Callable[[Item], Result], item: Item) -> Result:
    """What a task of Ray does: partial functions and callable objects are no functions to it."""
    return work(item)


def _on_ray(
    work: Callable[[Item], Result], items: Sequence[Item], at_once: int, backend: Ray, stage: str
) -> Iterator[Result]:
    """Results in the order of the items, as soon as all before them are there."""
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise InputError(
            "this work was to run on Ray, which is not installed",
            remedy="Run pip install ray, or leave the backend away to use processes of this machine.",
            field="backend",
        ) from error
    started = not ray.is_initialized()
    if started:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # what a cluster works on is nobody else's business
        ray.init(include_dashboard=False, log_to_driver=False, configure_logging=False)
    waiting: list[Any] = []
    try:
        _check_resources(ray, backend)
        task = ray.remote(_apply).options(
            num_cpus=backend.cpus, num_gpus=backend.gpus, resources=dict(backend.resources), max_retries=backend.retries
        )
        sent = ray.put(work)  # once, however many items there are
        references: list[Any] = []
        for number in range(len(items)):
            while number >= len(references) or not _is_done(ray, references[number]):
                while len(references) < len(items) and len(waiting) < at_once:
                    references.append(task.remote(sent, items[len(references)]))
                    waiting.append(references[-1])
                _, waiting = ray.wait(waiting, num_returns=1)
            try:
                yield ray.get(references[number])
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.RayError as error:
                raise MachineError(
                    f"a worker of Ray died {backend.retries + 1} times while working on {stage}",
                    remedy="Run the same command again with fewer tasks at once, or give each more cores or memory.",
                ) from error
            references[number] = None  # the cluster may forget the result
    finally:
        if started:
            ray.shutdown()
        else:
            for reference in waiting:  # whose results nobody will read any more
                ray.cancel(reference)


def _is_done(ray: Any, reference: Any) -> bool:
    done, _ = ray.wait([reference], timeout=0)
    return bool(done)


def _check_resources(ray: Any, backend: Ray) -> None:
    """Ray would wait for ever for a machine that nobody has."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(have.get(name, 0) >= amount for name, amount in backend.needed.items()) for have in machines):
        asked = ", ".join(f"{name} {amount:g}" for name, amount in sorted(backend.needed.items()))
        raise MachineError(
            f"no machine of the Ray cluster has what a task needs ({asked})",
            remedy="Ask for less, or start Ray on a machine that has it.",
        )


def tree_merge(values: Sequence[Result], merge: Callable[[Result, Result], Result]) -> Result:
    """Merges values pairwise along a fixed binary tree.

    >>> tree_merge(["a", "b", "c", "d", "e"], lambda left, right: f"({left}{right})")
    '(((ab)(cd))e)'

    Raises:
        ValueError: `values` is empty.
    """
    if not values:
        raise ValueError("nothing to merge")
    level = list(values)
    while len(level) > 1:
        paired = [merge(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]

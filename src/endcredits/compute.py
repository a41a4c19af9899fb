"""Running the same function over many shards, in this process or in several; the caller cannot tell which.

Results come back in the order of the items and merges follow one fixed binary tree, so floating-point sums do not
depend on who finished first. A task may run twice after a crash: it must write its result to a name of its own (see
`durable`) and must never post money. `Ray` and other schedulers fit behind the same two functions.
"""

from __future__ import annotations

import concurrent.futures
import concurrent.futures.process
import multiprocessing
from collections.abc import Callable, Sequence
from typing import TypeVar

from endcredits.errors import MachineError
from endcredits.progress import Progress, silent

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_shards(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    processes: int = 1,
    stage: str = "shards",
    progress: Progress = silent,
) -> list[Result]:
    """Applies `work` to every item.

    Args:
        work: a module-level function when `processes` > 1 (it is sent to other processes).
        items: the shards.
        processes: 1 runs here, one after the other; more runs in that many spawned processes.
        stage: the name reported to `progress`.
        progress: told after each finished item.

    Returns:
        One result per item, in the order of the items.

    Raises:
        Exception: whatever `work` raised first, in the order of the items; items not yet begun are cancelled.
        MachineError: a process died, as happens when the memory is full.
    """
    results: list[Result] = []
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

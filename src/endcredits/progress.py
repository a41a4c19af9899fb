"""How long work reports where it stands: a function that the caller hands in.

`report(stage, done, total)` is called as often as the work likes; the command line draws a bar, tests count the calls,
and `silent` ignores them. Work never prints.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, the units done so far, and the units in all."""


def silent(stage: str, done: int, total: int) -> None:
    """Reports to nobody."""

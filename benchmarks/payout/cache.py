"""Scores that are kept: a second run with the same truth and the same code takes seconds.

The key is the digest of the truth's files, the method's name, and the code of this bench and of the influence room. Training
runs have keys of their own (the trainer's digest), so a change of code that leaves the trainer alone costs no retraining.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

import endcredits.influence
from benchmarks.payout.panel import Scored


def kept(cache: Path, truth: Path, name: str, compute: Callable[[], Scored]) -> Scored:
    """Reads a method's scores, or computes and keeps them."""
    path = cache / "scores" / f"{hashlib.sha256(f'{_digest(truth)} {name}'.encode()).hexdigest()[:32]}.npz"
    if path.is_file():
        with np.load(path) as held:
            errors = held.get("errors")
            once, each, size = held["cost"]
            return Scored(held["scores"], bool(held["in_nats"]), float(once), float(each), int(size), errors)
    found = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {} if found.errors is None else {"errors": found.errors}
    draft = path.with_name(f"draft-{path.name}")
    cost = np.array([found.seconds_once, found.seconds_output, found.bytes_kept], float)
    np.savez(draft, scores=found.scores, in_nats=found.in_nats, cost=cost, **arrays)
    draft.replace(path)
    return found


@functools.cache
def _digest(truth: Path) -> str:
    whole = hashlib.sha256()
    rooms = (Path(__file__).parent, Path(str(endcredits.influence.__file__)).parent)
    for path in [path for room in rooms for path in sorted(room.rglob("*.py"))]:
        if path.name not in ("__main__.py", "metrics.py"):  # they only read scores
            whole.update(f"{path.name}\n".encode() + path.read_bytes())
    for path in sorted(path for path in truth.rglob("*") if path.is_file()):
        whole.update(f"{path.relative_to(truth)}\n".encode() + path.read_bytes())
    return whole.hexdigest()

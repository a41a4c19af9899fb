"""Scores that are kept: a second run with the same truth and the same code takes seconds.

The key is the digest of the truth's files, the method's name, and the code that can change its scores: for our tiers all of
the influence room, for peers their folder and the few files of the room that they stand on. Training runs have keys of their
own (the trainer's digest), so a change of code that leaves the trainer alone costs no retraining.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

import endcredits.influence
from benchmarks.payout.panel import Scored

ROOM = Path(str(endcredits.influence.__file__)).parent
HERE = Path(__file__).parent
OURS = ("*.py", "gradient/*.py", "replay/*.py", "response/*.py", "text/*.py")
PEERS = (
    "records.py",
    "task.py",
    "text/models.py",
    "text/task.py",
    "text/tokenizers.py",
    "text/windows.py",
    "gradient/ekfac.py",
    "gradient/layers.py",
    "gradient/tapped.py",
)
"""Files of the influence room, as patterns."""
BESIDE = (
    "__init__.py",
    "opening.py",
    "adding.py",
    "takedown.py",
    "callback.py",
    "spans.py",
    "refine.py",
    "tiny.py",
    "tangent.py",
)
"""Files that no score of ours goes through."""


def kept(cache: Path, truth: Path, name: str, compute: Callable[[], Scored]) -> Scored:
    """Reads a method's scores, or computes and keeps them."""
    key = _digest(truth, OURS if name.startswith("endcredits") else PEERS)
    path = cache / "scores" / f"{hashlib.sha256(f'{key} {name}'.encode()).hexdigest()[:32]}.npz"
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
def _digest(truth: Path, patterns: tuple[str, ...]) -> str:
    whole = hashlib.sha256()
    own = {HERE / "panel.py", HERE / "gaming.py"} | (
        {HERE / "ours.py"} if patterns is OURS else set((HERE / "peers").glob("*.py"))
    )
    room = {path for pattern in patterns for path in ROOM.glob(pattern) if path.name not in BESIDE}
    for path in [*sorted(own), *sorted(room)]:
        whole.update(f"{path.name}\n".encode() + path.read_bytes())
    for path in sorted(path for path in truth.rglob("*") if path.is_file()):
        whole.update(f"{path.relative_to(truth)}\n".encode() + path.read_bytes())
    return whole.hexdigest()

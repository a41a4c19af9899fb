"""Results that are kept: a second run with the same inputs and the same code takes seconds.

The key is the SHA-256 of the truth's files, the method's name, and the text of the code that computes it. The seconds that
a result took are kept with it.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

import endcredits.influence
from benchmarks.lds.truth import Matrix
from endcredits.durable import write_atomic

DEFAULT = Path(".cache/benchmarks/lds")


def code_digest(function: Callable[..., object], rooms: Sequence[str]) -> str:
    """SHA-256 of the code whose change can change a score.

    Args:
        function: the method; its file and those of the truth and of gradients count.
        rooms: folders of the influence room that it uses.
    """
    here, room = Path(__file__).parent, Path(endcredits.influence.__file__).parent
    whole = hashlib.sha256(torch.__version__.encode())
    own = {here / "truth.py", here / "gradients.py", Path(str(inspect.getsourcefile(function)))}
    for path in [*sorted(own), *(path for name in rooms for path in sorted((room / name).glob("*.py")))]:
        whole.update(f"{path.name}\n".encode() + path.read_bytes())
    return whole.hexdigest()


def kept(folder: Path, key: str, compute: Callable[[], Matrix]) -> tuple[Matrix, float]:
    """Reads a result, or computes and keeps it.

    Returns:
        The result and the seconds that computing it took, now or then.
    """
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
    facts = path.with_suffix(".json")
    if path.is_file() and facts.is_file():
        return np.load(path), float(json.loads(facts.read_text())["seconds"])
    begin = time.perf_counter()
    found = compute()
    spent = time.perf_counter() - begin
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    np.save(partial, found)
    partial.replace(path)
    write_atomic(facts, json.dumps({"seconds": spent}).encode())
    return found, spent

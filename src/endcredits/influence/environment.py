"""What decides an index's bytes besides models, task and examples: the code of this room, torch, and the thread count."""

from __future__ import annotations

import torch

from endcredits.influence.gradient.fingerprint import code_digest


def build_environment() -> dict[str, str | int]:
    """The facts `code_sha256`, `torch` and `threads` as a manifest has them; an index built elsewhere may differ in them."""
    return {"code_sha256": code_digest(), "torch": torch.__version__, "threads": torch.get_num_threads()}

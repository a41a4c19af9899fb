"""What a receipt says of the gate, in words; it needs neither a studio nor a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def state_words(body: Mapping[str, Any]) -> str:
    """What an output's receipt says of the manifest of its model's corpus, where that was missing or broken."""
    said = body.get("admission")
    state = said.get("state") if isinstance(said, dict) else None
    if state not in ("missing", "broken"):
        return ""
    return f"The manifest of the corpus that the model learnt from was {state} when this receipt was issued."

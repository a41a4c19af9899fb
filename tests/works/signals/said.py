"""Short forms for what readers return."""

from __future__ import annotations

from collections.abc import Iterable

from endcredits.works.signals import Found, Signal, combined

HERE = Found("work", "2026-11-21T12:00:00Z")
NO_TRAINING = {"train": "deny", "finetune": "deny"}
YES_TRAINING = {"train": "allow", "finetune": "allow"}


def at(path: str) -> Found:
    """The work at a path of its site."""
    return Found("https://a.example", "2026-11-21T12:00:00Z", path)


def said(signals: Iterable[Signal]) -> dict[str, str]:
    """What signals together say of each verb; silence is left away."""
    return {verb: one.value for verb, one in combined(signals).items() if one.signal is not None}


def problems(signals: Iterable[Signal]) -> list[str]:
    """Each problem once, in order."""
    return list(dict.fromkeys(one.problem for one in signals if one.problem))

"""The time of day, in one place: UTC in whole seconds."""

from __future__ import annotations

import datetime


def now() -> str:
    """The present UTC time, such as 2026-11-20T12:00:00Z."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What a fetch may cost, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

REDIRECTS_MAX = 5
SILENT_MAX = 3
"""Questions without an answer, one after another, until a host is not asked any more."""
TERMS_MAX = 1_000
"""RSL documents that are followed in one run, and `TERMS_OF_ONE_MAX` from one answer."""
TERMS_OF_ONE_MAX = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What a fetch may cost.

    Attributes:
        answer_bytes: of one body, unpacked; robots.txt, ai.txt, tdmrep.json and terms have smaller limits of their own.
        answer_seconds: for one question and its answer.
        seconds: for all; questions that are out when it is over are still waited for.
        delay_seconds: between an answer and the next question to its host; a robots.txt can ask for more.
        at_once: hosts that are asked at the same time.
    """

    answer_bytes: int = 50_000_000
    answer_seconds: float = 30.0
    seconds: float = 3_600.0
    delay_seconds: float = 1.0
    at_once: int = 8


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a fetch.

    Attributes:
        answered: lines that were added with what was asked for, files of sites included.
        failed: lines that were added with a problem, or another status than 200.
        kept: addresses of the list that had a line already.
        left: addresses that there was no time for; the same call goes on with them.
    """

    answered: int
    failed: int
    kept: int
    left: tuple[str, ...]

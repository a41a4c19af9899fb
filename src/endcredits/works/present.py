"""Asking about the present when the clock cannot be trusted: a no that is on record is heard, whatever the clock says.

A statement holds from the second in which it was told. Where a machine's clock is set back behind that second, the no of a
minute ago seems to lie in the future. So a question about the present is asked twice then, at the clock's time and at the
time by which everything on record about the subject had been told, and the stricter answer counts. A question about a
named day is asked once, since its answer must stay the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from endcredits.works.asked import Asked, speaks_of
from endcredits.works.conditions import NO_USE, Use
from endcredits.works.decide import decide
from endcredits.works.records import Decision, Permission

STRICTNESS = ("deny", "unknown", "conditional", "allow")


def heard_at(said: Iterable[Permission], at: str) -> str:
    """The moment of a question: not before what is on record was observed or, as observed by then, came into force."""
    told = list(said)
    seen = max([at, *(one.observed_at for one in told)])
    return max([seen, *(one.effective_from for one in told if one.effective_from <= seen)])


def decide_now(
    permissions: Iterable[Permission], asked: Asked, verb: str, at: str, *, by: str = "", use: Use = NO_USE
) -> Decision:
    """As `decide`, about the present: the stricter answer where the clock stands behind what is on record.

    Args:
        permissions: any statements.
        asked: what is asked about.
        verb: one of `records.VERBS`.
        at: UTC time of the clock.
        by: the party that asks.
        use: what is known of the use.

    Raises:
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    about = [one for one in permissions if speaks_of(one, asked)]
    answers = [decide(about, asked, verb, moment, by=by, use=use) for moment in dict.fromkeys((at, heard_at(about, at)))]
    return min(answers, key=lambda one: STRICTNESS.index(one.value))

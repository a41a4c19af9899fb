"""What all signals about one work mean together, for each verb, with the signal that decides and the reason in words.

The order, from the strongest word to the weakest:

1. deny: any no decides. No yes from anywhere overrides it; only a contract or the rights holder can, later.
2. unreadable: a carrier that could not be read may hold a no, so it stands in the way of a yes.
3. conditional: a condition goes before an unconditional yes.
4. allow.
5. unknown: nothing was said. Silence is never a yes.

A no to text and data mining denies training and fine-tuning too (`decide.DENIED_BY`), and whatever is said about training
is said about fine-tuning, since no standard separates them. Each signal can only move a verb's answer up this list,
never down: adding a no cannot widen a permission, in whatever carrier it is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from endcredits.works.decide import DENIED_BY, INHERITS
from endcredits.works.records import VERBS
from endcredits.works.signals.records import Signal

NOTHING = "nothing was said about it"
SAYS = {"deny": "says no", "conditional": "says yes under conditions", "allow": "says yes"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What all signals together say about one verb.

    Attributes:
        verb: one of `VERBS`.
        value: "allow", "deny", "conditional" or "unknown".
        reason: in words.
        signal: the one that decided; None when nothing was said.
    """

    verb: str
    value: str
    reason: str
    signal: Signal | None


_NOTHING = {verb: Answer(verb, "unknown", NOTHING, None) for verb in VERBS}
_SPOKEN_OF = {verb: (verb, *(one for one, general in INHERITS.items() if general == verb)) for verb in VERBS}
"""By the verb of a signal: the verbs that it speaks about."""
_DENIES = {verb: tuple(one for one, covering in DENIED_BY.items() if verb in covering) for verb in VERBS}
"""By the verb of a no: the verbs that it denies besides."""


def combined(signals: Iterable[Signal]) -> dict[str, Answer]:
    """The answer for every verb; the order of the signals does not matter."""
    about: dict[str, list[tuple[int, Signal]]] = {}
    for one in signals:
        weighed = strength(one), one
        for verb in _SPOKEN_OF.get(one.verb, ()):
            about.setdefault(verb, []).append(weighed)
        if one.value == "deny":
            for verb in _DENIES.get(one.verb, ()):
                about.setdefault(verb, []).append(weighed)
    return {**_NOTHING, **{verb: _answer(verb, said) for verb, said in about.items()}}


def strength(signal: Signal) -> int:
    """How strong a signal's word is: 0 says nothing, 4 is a no."""
    if signal.value == "unknown":
        return 3 if signal.problem else 0
    return {"allow": 1, "conditional": 2, "deny": 4}.get(signal.value, 4)


def _answer(verb: str, weighed: list[tuple[int, Signal]]) -> Answer:
    most = max([strong for strong, _ in weighed])
    if not most:
        noted = min((one for _, one in weighed if one.note), key=_order, default=None)
        more = f" ({noted.standard} in {noted.carrier}: {noted.note})" if noted else ""
        return Answer(verb, "unknown", f"{NOTHING}{more}", None)
    strongest = [one for strong, one in weighed if strong == most]
    strongest = [one for one in strongest if one.verb == verb] or strongest
    first = strongest[0] if len(strongest) == 1 else min(strongest, key=_order)
    about = f" to {first.verb}" if first.verb != verb else ""
    where = f"{first.standard} in {first.carrier}, {first.source}, {first.place}"
    if first.value == "unknown":
        return Answer(verb, "unknown", f"{first.source}, {first.place}: {first.problem}; that may hide a no", first)
    words = f'{where} {SAYS[first.value]}{about}: "{first.raw}"' if first.raw else f"{where} {SAYS[first.value]}{about}"
    if first.conditions:
        words += f"; it asks for {' and '.join(first.conditions)}"
    if first.problem:
        words += f"; {first.problem}"
    elsewhere = {(one.standard, one.carrier, one.source, one.place) for strong, one in weighed if 0 < strong < most}
    if elsewhere and most > 1:
        softer = "signal says" if len(elsewhere) == 1 else "signals say"
        words += f"; {len(elsewhere)} other {softer} less than that, and the strictest decides"
    return Answer(verb, first.value, words, first)


def _order(one: Signal) -> tuple[str, ...]:
    return (one.source, one.carrier, one.standard, one.place, one.verb, one.raw, one.problem, one.note, *one.conditions)

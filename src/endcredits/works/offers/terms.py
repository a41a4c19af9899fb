"""From statements to terms: what everybody is told at a moment, and what holds for several works together.

Contracts are made with somebody and are no offer to the world, so terms are the answers to a question by nobody in
particular. Where one text speaks for many works, the strictest word of all of them counts for each verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from endcredits.works.asked import Asked, speaks_of
from endcredits.works.decide import closings, decide
from endcredits.works.offers.records import PERMISSIVE, Term, Terms
from endcredits.works.records import VERBS, Conditions, Permission

OWN_TERMS = Conditions(words=("the terms of each work",))
"""What works ask for together that ask for different things."""


def terms_of(permissions: Sequence[Permission], asked: Asked, at: str) -> dict[str, Term]:
    """What is stated about something at a UTC time, for everybody, by verb.

    Raises:
        InputError: `at` is not a UTC time.
    """
    by_id = {one.permission_id: one for one in permissions}
    found = {}
    for verb in VERBS:
        answer = decide(permissions, asked, verb, at)
        deciding = by_id.get(answer.permission_id or "")
        conditions = deciding.conditions if deciding is not None else None
        found[verb] = Term(verb, answer.value, answer.reason, conditions, answer.permission_id or "")
    return found


def strictest(of_all: Iterable[Terms]) -> dict[str, Term]:
    """The strictest word of several terms on each verb; of none, silence."""
    found: dict[str, Term] = {}
    for terms in of_all:
        for verb, term in terms.items():
            before = found.get(verb)
            if before is None or PERMISSIVE[term.value] < PERMISSIVE[before.value]:
                found[verb] = term
            elif term.value == before.value and term.conditions != before.conditions:
                found[verb] = Term(verb, term.value, "works ask for different things", _joined(before, term))
    silence = "nobody has said anything"
    return {verb: found.get(verb, Term(verb, "unknown", silence)) for verb in VERBS}


def _joined(one: Term, other: Term) -> Conditions | None:
    if one.value == "conditional":
        return OWN_TERMS
    # Of a yes conditions are duties alone; whoever uses all of them credits each by its own words.
    texts = sorted({term.conditions.credit_text for term in (one, other) if term.conditions and term.conditions.credit_text})
    return Conditions(credit_text="; ".join(texts)) if texts else None


def spell_of(permissions: Sequence[Permission], asked: Asked, at: str) -> tuple[str, str]:
    """From when to when the same statements are in force around a moment: (since, until), "" for an open end.

    The terms at any moment of the spell are the same, so that a text made in it need not say when it was made.
    """
    about = [one for one in permissions if speaks_of(one, asked)]
    moments = {one.effective_from for one in about} | {one.effective_to for one in about if one.effective_to is not None}
    moments |= {one.effective_from for one in closings(about).values()}
    return max((one for one in moments if one <= at), default=""), min((one for one in moments if one > at), default="")

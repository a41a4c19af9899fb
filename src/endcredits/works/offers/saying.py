"""What each form can say of some terms, before a word is written: never more than is stated.

A form's word often covers several of our verbs (TDMRep's reservation covers mining, training and fine-tuning). Such a word
follows from all of them together (`together`):

- a no to one of them is a no to all;
- a yes needs a yes to all; a yes to some and silence on the others stays silence;
- a condition is kept where the form can write it, and is a no where it cannot;
- a condition on one and silence on another is a no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from endcredits.works.offers.records import PERMISSIVE, SAYS, Terms, Told
from endcredits.works.records import VERBS
from endcredits.works.signals.records import MINING, TRAINING

NO_WORD = "this form has no word for it"
NO_CONDITIONS = "the form has no conditions, so it is said as a no"
NO_POLICY = "the form says conditions by the address of a policy, and none was given, so it is said as a no"
SILENT_ON_ONE = "one word of the form covers {verbs}, and nobody has said anything about {silent}, so nothing is said"

STRENGTH = {"unknown": 0, "allow": 1, "conditional": 2, "deny": 3}
"""Which word counts where two texts speak about one verb; as in `signals.combine`."""


def together(terms: Terms, verbs: Sequence[str], *, conditions: bool, lack: str = NO_CONDITIONS) -> tuple[str, str]:
    """The one word for several verbs, and why it is stricter than one of them.

    Args:
        terms: by verb.
        verbs: those that share the word.
        conditions: whether the form can write these terms' conditions.
        lack: why it cannot, where it cannot.

    Returns:
        ("allow" | "deny" | "conditional" | "unknown" for silence, why in words or "").
    """
    values = [terms[verb].value for verb in verbs]
    if "deny" in values:
        denied = [verb for verb in verbs if terms[verb].value == "deny"]
        return "deny", f"one word of the form covers {_and(verbs)}, and there is a no to {_and(denied)}"
    if "conditional" in values:
        if "unknown" in values:
            return "deny", f"one word of the form covers {_and(verbs)}, and some of it is not permitted"
        return ("conditional", "another verb under the same word has conditions") if conditions else ("deny", lack)
    if "unknown" in values:
        silent = [verb for verb in verbs if terms[verb].value == "unknown"]
        return "unknown", SILENT_ON_ONE.format(verbs=_and(verbs), silent=_and(silent))
    return "allow", ""


def mining(terms: Terms, policy: str) -> tuple[str, str]:
    """TDMRep's one word for mining, training and fine-tuning; conditions stand behind the address of a policy."""
    return together(terms, MINING, conditions=bool(policy), lack=NO_POLICY)


def training(terms: Terms) -> tuple[str, str]:
    """The one word for training and fine-tuning of forms without conditions."""
    return together(terms, TRAINING, conditions=False)


def single(terms: Terms, verb: str) -> tuple[str, str]:
    """The word for a verb that has its own, in forms without conditions."""
    return together(terms, (verb,), conditions=False)


def told_of(form: str, terms: Terms, words: Mapping[str, tuple[str, str]]) -> tuple[Told, ...]:
    """What a text says about every verb.

    Args:
        form: one of `FORMS`.
        terms: what is stated.
        words: (value, why) for the verbs that the text has words for.
    """
    found = []
    for verb in VERBS:
        stated = terms[verb].value
        if verb not in SAYS[form] or verb not in words:
            found.append(Told(verb, stated, "unknown", "" if stated == "unknown" else NO_WORD))
        else:
            said, why = words[verb]
            found.append(Told(verb, stated, said, "" if said == stated else why))
    return tuple(found)


def told_together(rules: Iterable[tuple[Told, ...]]) -> tuple[Told, ...]:
    """What a text of several addresses says: by verb the strictest, told with what is stated there."""
    found: dict[str, Told] = {}
    for told in rules:
        for one in told:
            before = found.get(one.verb)
            if before is None or (PERMISSIVE[one.said], not one.why) < (PERMISSIVE[before.said], not before.why):
                found[one.verb] = one
    return tuple(found[verb] for verb in VERBS if verb in found)


def _and(verbs: Sequence[str]) -> str:
    return " and ".join(verbs) if len(verbs) < 3 else f"{', '.join(verbs[:-1])} and {verbs[-1]}"

"""The policy behind TDMRep's `tdm-policy`: an ODRL 2.2 Offer in the TDMRep profile (W3C Community Group, 10 May 2024).

    {"@context": [...], "@type": "Offer", "profile": "http://www.w3.org/ns/tdmrep", "uid": ..., "assigner": {...},
     "permission": [{"target": ..., "action": "tdm:mine", "duty": [...], "constraint": [...]}]}

It offers mining, with training and fine-tuning in it: plainly, or under duties to obtain consent (`obtainConsent`) or to pay
(`compensate`), and perhaps for research alone. A no needs no policy and gets none: `tdm-reservation: 1` says it. Conditions
that the profile has no words for become the duty to obtain consent, which is how their holder tells them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from endcredits.works.offers.records import Terms
from endcredits.works.offers.saying import mining
from endcredits.works.records import WORLD, Conditions
from endcredits.works.signals.records import MINING

CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"]
PROFILE = "http://www.w3.org/ns/tdmrep"
CONSENT, PAY = "obtainConsent", "compensate"
RESEARCH = "tdm:research"


def words(terms: Terms) -> tuple[str, str]:
    """What the offer says of mining, training and fine-tuning together."""
    return mining(terms, "the offer itself")


def document(terms: Terms, uid: str, target: str, assigner: str) -> str:
    """The Offer as JSON-LD ending in a newline; "" where mining is not permitted, or nobody has said anything.

    Args:
        terms: what is stated.
        uid: of the policy: the address under which it stands, or another IRI.
        target: IRI of what it is about.
        assigner: who offers, in one line.
    """
    value, _ = words(terms)
    if value not in ("allow", "conditional"):
        return ""
    permission: dict[str, Any] = {"target": target, "action": "tdm:mine"}
    if value == "conditional":
        permission |= _asked(terms)
    offer = {
        "@context": CONTEXT,
        "@type": "Offer",
        "profile": PROFILE,
        "uid": uid,
        "assigner": {"vcard:fn": assigner},
        "permission": [permission],
    }
    if problem := problem_of(offer):
        raise ValueError(problem)
    return f"{json.dumps(offer, indent=2, ensure_ascii=False)}\n"


def _asked(terms: Terms) -> dict[str, Any]:
    """Duties and constraints that hold for every verb: consent wherever verbs differ or words are missing."""
    conditional = [terms[verb].conditions or Conditions() for verb in MINING if terms[verb].value == "conditional"]
    first = conditional[0]
    same = all(one == first for one in conditional)
    duties = [{"action": PAY}] if any(one.price_micros is not None for one in conditional) else []
    research = same and first.purposes == ("research",)
    if not same or _needs_words(first, research=research) or not (duties or research):
        duties.insert(0, {"action": CONSENT})
    asked: dict[str, Any] = {"duty": duties} if duties else {}
    if research:
        asked["constraint"] = [{"leftOperand": "purpose", "operator": "eq", "rightOperand": RESEARCH}]
    return asked


def _needs_words(asks: Conditions, *, research: bool) -> bool:
    """Whether something is asked for that the profile cannot say; a price's amount is told when paying is agreed."""
    limited = bool(asks.territories) and WORLD not in asks.territories
    purposes = bool(asks.purposes) and not research
    return bool(asks.words or asks.media or asks.user_classes or purposes or limited or asks.uses_max is not None)


def problem_of(offer: Any) -> str:
    """What is wrong with an Offer of this profile, in words; "" when nothing is."""
    if not isinstance(offer, Mapping) or offer.get("@context") != CONTEXT:
        return f"its @context is not {', '.join(CONTEXT)}"
    if offer.get("@type") != "Offer" or offer.get("profile") != PROFILE:
        return f"it is not an Offer of the profile {PROFILE}"
    if not is_iri(offer.get("uid")):
        return "its uid is no IRI"
    assigner = offer.get("assigner")
    if not isinstance(assigner, Mapping) or not isinstance(assigner.get("vcard:fn"), str):
        return "its assigner has no name (vcard:fn)"
    if unknown := set(offer) - {"@context", "@type", "profile", "uid", "assigner", "permission"}:
        return f"the profile has no place for {', '.join(sorted(unknown))}"
    permissions = offer.get("permission")
    if not isinstance(permissions, list) or not permissions:
        return "it permits nothing"
    return next((problem for one in permissions if (problem := _rule_problem(one))), "")


def _rule_problem(rule: Any) -> str:
    if not isinstance(rule, Mapping) or rule.get("action") != "tdm:mine" or not is_iri(rule.get("target")):
        return "a permission is not to tdm:mine a target"
    if set(rule) - {"target", "action", "duty", "constraint"}:
        return "a permission has more than target, action, duty and constraint"
    duties, constraints = rule.get("duty", [{"action": CONSENT}]), rule.get("constraint", [])
    if (
        not isinstance(duties, list)
        or not duties
        or any(one not in ({"action": CONSENT}, {"action": PAY}) for one in duties)
    ):
        return f"a duty is neither {CONSENT} nor {PAY}"
    known = [{"leftOperand": "purpose", "operator": "eq", "rightOperand": one} for one in (RESEARCH, "tdm:non-research")]
    return "" if all(one in known for one in constraints) else "a constraint is not one of purpose"


def is_iri(text: Any) -> bool:
    """Whether a text can stand as an IRI: a scheme, and nothing that would end it early."""
    scheme, colon, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
    return bool(colon and rest and scheme.isalpha()) and not any(one <= " " or one in '<>"{}|\\^`' for one in text)

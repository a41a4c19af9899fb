"""Statements in force as texts for the world: TDMRep, ODRL, RSL, AIPREF, headers, robots.txt; read by `works.signals`.

    terms = terms_of(permissions, asked, at)                # what everybody is told
    offer_of("rsl", "work:heights", [Rule(url, terms)], terms, Named("Emily Bronte"))

A text never says more than what is stated; where a form has fewer words than we have, every difference is listed.
"""

from endcredits.works.offers.making import Named, offer_of
from endcredits.works.offers.odrl import problem_of as odrl_problem
from endcredits.works.offers.places import check_address
from endcredits.works.offers.records import FORMS, PERMISSIVE, SAYS, Offer, Rule, Term, Terms, Text, Told
from endcredits.works.offers.terms import spell_of, strictest, terms_of

__all__ = [
    "FORMS",
    "PERMISSIVE",
    "SAYS",
    "Named",
    "Offer",
    "Rule",
    "Term",
    "Terms",
    "Text",
    "Told",
    "check_address",
    "odrl_problem",
    "offer_of",
    "spell_of",
    "strictest",
    "terms_of",
]

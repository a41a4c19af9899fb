"""One offer: its form, its addresses, its texts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from endcredits.errors import InputError
from endcredits.works.offers import writing
from endcredits.works.offers.odrl import is_iri
from endcredits.works.offers.places import TOO_LONG, exact, given
from endcredits.works.offers.records import FORMS, Offer, Rule, Terms, Text
from endcredits.works.signals.patterns import PATTERN_LENGTH_MAX

OF_SITES = ("tdmrep", "rsl", "robots")
"""Forms that are files of a site and speak of addresses on it."""


@dataclass(frozen=True, slots=True)
class Named:
    """Who offers.

    Attributes:
        holder: for people, in one line.
        by_person: whether the addresses were given by a person as patterns, and are not those of files.
    """

    holder: str
    by_person: bool = False


def offer_of(
    form: str,
    subject: str,
    rules: Sequence[Rule],
    terms: Terms,
    named: Named,
    *,
    policy: str = "",
    spell: tuple[str, str] = ("", ""),
) -> Offer:
    """Writes an offer.

    Args:
        form: one of `FORMS`.
        subject: id of a work or party.
        rules: terms by address, for `OF_SITES`.
        terms: of everything together, for the other forms.
        named: who offers.
        policy: absolute address of a TDMRep policy; "" for none. Without one a condition on mining is a no.
        spell: from when and to when exactly this is in force.

    Raises:
        InputError: an unknown form, or one that speaks of addresses where none is known.
    """
    if form not in FORMS:
        raise InputError(f"'{form}' is not a form of an offer", remedy=f"Use {', '.join(FORMS)}.", field="--form")
    patterns, left_out = _patterns(rules, named.by_person)
    if form in OF_SITES and not rules:
        raise InputError(
            f"nobody knows at which address '{subject}' stands, and {form} speaks of addresses",
            remedy="Name it: --url https://a.example/photos/*",
            field="--url",
        )
    texts: list[Text]
    if form == "tdmrep":
        texts = writing.tdmrep(patterns, policy)
    elif form == "rsl":
        texts = writing.rsl_documents(patterns, named.holder)
    elif form == "robots":
        texts = writing.robots(patterns)
    elif form == "aipref":
        texts = writing.aipref(terms)
    elif form == "headers":
        texts = writing.headers(terms, policy)
    else:
        target = rules[0].url if len(rules) == 1 and is_iri(rules[0].url) else iri_of(subject)
        texts = writing.odrl_offer(terms, policy or iri_of(f"{subject} tdm-policy"), target, named.holder or subject)
    return Offer(form, subject, *spell, tuple(texts), left_out if form in OF_SITES else ())


def iri_of(name: str) -> str:
    """An IRI for something that has no address: a UUID made from its name (RFC 9562, version 5).

    >>> iri_of("work:emma")
    'urn:uuid:9e0babf7-1cfe-5457-b08d-c642a8cc098b'
    """
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'endcredits:{name}')}"


def _patterns(rules: Sequence[Rule], by_person: bool) -> tuple[list[writing.Pattern], tuple[tuple[str, str], ...]]:
    patterns, left_out = [], []
    for rule in rules:
        pattern = given(rule.url) if by_person else exact(rule.url)
        if len(pattern) > PATTERN_LENGTH_MAX:
            left_out.append((rule.url, TOO_LONG))
        else:
            patterns.append((pattern, rule))
    return patterns, tuple(left_out)

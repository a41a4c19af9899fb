"""RSL 1.0 documents from terms, through the XML writer of the standard library.

A document has one `content` per address, and in it one `license` for what is plainly permitted or prohibited, and one more
for every set of conditions. RSL can say a price (by what it is paid for), countries, and five kinds of users; a duty to
credit is a payment of the type `attribution`. A condition that it cannot say makes the verb a prohibition. What nobody has
said anything about is not mentioned, which RSL reads as not permitted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple
from xml.etree import ElementTree

from endcredits.works.offers.records import Term, Terms
from endcredits.works.offers.saying import together
from endcredits.works.records import WORLD, Conditions
from endcredits.works.signals.records import TRAINING
from endcredits.works.signals.rsl_words import NAMESPACE

USAGES: tuple[tuple[tuple[str, ...], str], ...] = (
    (TRAINING, "ai-train"),
    (("retrieve",), "ai-input"),
    (("index",), "ai-index search"),
)
"""Verbs that share a word, and the word."""

USERS = ("commercial", "non-commercial", "education", "government", "personal")
UNITS = {"output": "use", "use": "use", "month": "subscription", "year": "subscription"}
"""The type of payment by what a price is for; without a unit it is a purchase, for training a payment for training."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Licence(NamedTuple):
    """What one `license` element asks for; two verbs with the same share an element.

    Attributes:
        payment: type of payment, "" for none.
        amount: a decimal number, "" for none.
        currency: ISO 4217 code, "" for none.
        countries: ISO 3166-1 codes, empty for everywhere.
        users: of `USERS`, empty for everybody.
    """

    payment: str = ""
    amount: str = ""
    currency: str = ""
    countries: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


def licence_of(conditions: Conditions | None, verb: str) -> Licence | None:
    """Conditions as RSL says them; None where it cannot say one of them."""
    asks = conditions or Conditions()
    if asks.words or asks.media or asks.purposes or asks.uses_max is not None:
        return None
    if any(one not in USERS for one in asks.user_classes) or (asks.unit and asks.unit not in UNITS):
        return None
    countries = () if WORLD in asks.territories else tuple(sorted(asks.territories))
    if any(not re.fullmatch("[A-Z]{2}", one) for one in countries):
        return None
    if asks.price_micros is not None:
        if asks.credit_text or not re.fullmatch("[A-Z]{3}", asks.currency):
            return None  # one element holds one payment
        payment = UNITS.get(asks.unit) or ("training" if verb in TRAINING else "purchase")
        amount = format(Decimal(asks.price_micros).scaleb(-6).normalize(), "f")
        return Licence(payment, amount, asks.currency, countries, tuple(sorted(asks.user_classes)))
    payment = "attribution" if asks.credit_text else ""
    return Licence(payment, "", "", countries, tuple(sorted(asks.user_classes)))


def licences(terms: Terms) -> tuple[dict[str, tuple[str, str]], list[str], dict[Licence, list[str]]]:
    """(what is said by verb with the reason, words that are prohibited, words that are permitted by licence)."""
    said: dict[str, tuple[str, str]] = {}
    prohibited: list[str] = []
    permitted: dict[Licence, list[str]] = {}
    for verbs, word in USAGES:
        asked = {verb: _with_duties(terms[verb]) for verb in verbs}
        wanted = {licence_of(one.conditions, verb) for verb, one in asked.items() if one.value == "conditional"}
        licence = next(iter(wanted)) if len(wanted) == 1 else None
        can = licence is not None and licence != Licence()
        value, why = together(asked, verbs, conditions=can, lack="RSL has no words for these conditions, so it is a no")
        for verb in verbs:
            duty = value == "conditional" and asked[verb] is not terms[verb]
            said[verb] = value, "a duty to credit is a condition in RSL" if duty else why
        if value == "deny":
            prohibited.append(word)
        elif value == "allow":
            permitted.setdefault(Licence(), []).append(word)
        elif value == "conditional" and licence is not None:
            permitted.setdefault(licence, []).append(word)
    return said, prohibited, permitted


def _with_duties(term: Term) -> Term:
    """A yes that obliges to credit is one under the condition of crediting, here."""
    if term.value == "allow" and term.conditions is not None and term.conditions.credit_text:
        return replace(term, value="conditional", conditions=Conditions(credit_text=term.conditions.credit_text))
    return term


def document(contents: Sequence[tuple[str, Terms]], holder: str) -> str:
    """An RSL document.

    Args:
        contents: (pattern of addresses on the site, terms), in order; those about which nothing is said are left out.
        holder: who holds the rights, for people; "" for nobody named.

    Returns:
        XML text ending in a newline; "" when there is nothing to say.
    """
    root = ElementTree.Element("rsl", {"xmlns": NAMESPACE})
    for url, terms in contents:
        _, prohibited, permitted = licences(terms)
        if not prohibited and not permitted:
            continue
        content = ElementTree.SubElement(root, "content", {"url": clean(url)})
        plain = permitted.pop(Licence(), [])
        if prohibited or plain:
            element = ElementTree.SubElement(content, "license")
            _usage(element, "permits", plain)
            _usage(element, "prohibits", prohibited)
        for licence, words in permitted.items():
            _licence(ElementTree.SubElement(content, "license"), licence, words)
        if holder:
            ElementTree.SubElement(content, "copyright").text = clean(holder)
    if not len(root):
        return ""
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _usage(element: ElementTree.Element, name: str, words: Sequence[str]) -> None:
    if words:
        ElementTree.SubElement(element, name, {"type": "usage"}).text = " ".join(words)


def _licence(element: ElementTree.Element, licence: Licence, words: Sequence[str]) -> None:
    _usage(element, "permits", words)
    for kind, values in (("user", licence.users), ("geo", licence.countries)):
        if values:
            ElementTree.SubElement(element, "permits", {"type": kind}).text = " ".join(values)
    if licence.payment:
        payment = ElementTree.SubElement(element, "payment", {"type": licence.payment})
        if licence.amount:
            ElementTree.SubElement(payment, "amount", {"currency": licence.currency}).text = licence.amount


def clean(text: str) -> str:
    """A text without what XML 1.0 cannot hold; each such character becomes U+FFFD."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)

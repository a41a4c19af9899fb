"""RSL 1.0 documents (Really Simple Licensing, namespace https://rslstandard.org/rsl).

    <rsl xmlns="https://rslstandard.org/rsl">
      <content url="/images/">
        <license>
          <permits type="usage">search</permits>
          <prohibits type="usage">ai-train</prohibits>
          <payment type="use"><amount currency="USD">0.01</amount></payment>
        </license>
      </content>
    </rsl>

A document speaks of many works; `content url` is a robots.txt pattern, and the most specific one that speaks about a verb
wins. Several licences are offers to choose from, but a prohibition in any of them is honoured. What is not mentioned is
not permitted. A payment whose type is missing has an unknown price; it is not free, whatever the drafts said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from endcredits.works.signals.patterns import matches, path_within
from endcredits.works.signals.records import Carrier, Found, Signal, carrier_of
from endcredits.works.signals.rsl_words import COVERED, DRAFT_USAGES, NAMESPACE, PAYMENTS, STANDARD, USAGES, VERSION
from endcredits.works.signals.xml import local, namespace, parse_xml, text_of

_LIMITS = {"user": "for", "geo": "in"}
"""Types that limit a licence to some users or countries."""


def looks_like_rsl(data: bytes) -> bool:
    """Whether bytes are likely an RSL document."""
    return b"rslstandard.org/rsl" in data[:4_000] and b"<" in data[:10]


def read_rsl(data: bytes, found: Found) -> tuple[Signal, ...]:
    """An RSL document's words on the work at `found.path`; a content without a path on it says nothing."""
    carrier = carrier_of(found, "RSL", data)
    try:
        root = parse_xml(data)
    except ValueError as error:
        return carrier.unreadable(STANDARD, str(error), place="the document", raw=repr(data[:100]))
    return read_rsl_element(root, carrier, found.path)


def read_rsl_element(root: Element, carrier: Carrier, path: str | None) -> tuple[Signal, ...]:
    """The same from a parsed element.

    Args:
        root: `rsl`, or anything around it.
        carrier: makes the signals.
        path: of the work on its site; None when the document is about the work that carries it, whatever its url says.
    """
    elements = [one for one in root.iter() if local(one.tag) == "rsl"]
    if not elements:
        return carrier.unreadable(STANDARD, "it has no <rsl> element", place="the document")
    signals: list[Signal] = []
    ranked: list[tuple[int, Signal]] = []
    for element in elements:
        if namespace(element.tag) != NAMESPACE:
            words = f"its namespace is '{namespace(element.tag)}', not {NAMESPACE}"
            signals += carrier.say(STANDARD, VERSION, "deny", COVERED, place="<rsl>", raw="<rsl>", problem=words)
        for number, content in enumerate(_below(element, "content"), start=1):
            url = content.get("url")
            place = f"content {number} ({url})"
            if url is None and path is not None:
                problem = "a content has no url; honoured as a no everywhere"
                signals += carrier.say(STANDARD, VERSION, "deny", COVERED, place=place, raw="<content>", problem=problem)
            elif path is None or matches(path_within(url or "/"), path):
                weight = len(path_within(url or "/"))
                ranked += [(weight, one) for one in _content(content, carrier, place)]
    strongest: dict[str, int] = {}
    for weight, one in ranked:
        if one.value != "unknown":
            strongest[one.verb] = max(weight, strongest.get(one.verb, 0))
    return (*signals, *(one for weight, one in ranked if weight == strongest.get(one.verb, weight) or one.problem))


def _content(content: Element, carrier: Carrier, place: str) -> Iterator[Signal]:
    licences = _below(content, "license")
    server = content.get("server")
    if not licences:
        words = "it names no licence" if server is None else f"a licence from {server}"
        conditions = (words,) if server else ()
        verdict = "conditional" if server else "unknown"
        yield from carrier.say(STANDARD, VERSION, verdict, COVERED, place=place, raw="<content>", conditions=conditions)
    for number, licence in enumerate(licences, start=1):
        yield from _licence(licence, server, carrier, f"{place}, license {number}")


def _licence(licence: Element, server: str | None, carrier: Carrier, place: str) -> Iterator[Signal]:
    conditions, problem = _payment(licence)
    if server:
        conditions.append(f"a licence from {server}")
    spoken = False
    conditions += [
        f"{only} {_LIMITS[kind]}: {text_of(element)}"
        for name, only in (("permits", "only"), ("prohibits", "not"))
        for element in _below(licence, name)
        if (kind := element.get("type", "")) in _LIMITS
    ]
    for name in ("permits", "prohibits"):
        for element in _below(licence, name):
            if element.get("type") in _LIMITS:
                continue
            spoken = spoken or name == "permits"
            wrong = "" if element.get("type") == "usage" else f"<{name}> has the type '{element.get('type')}'"
            for token in re.split(r"[,\s]+", text_of(element)):
                if not token:
                    continue
                verbs = USAGES.get(token) or DRAFT_USAGES.get(token)
                note = f"'{token}' is a word of a draft" if token in DRAFT_USAGES else ""
                told = wrong or ("" if verbs else f"'{token}' is not a usage of RSL 1.0; honoured as a no") or problem
                verdict = "deny" if name == "prohibits" or told else "conditional" if conditions else "allow"
                yield from carrier.say(
                    STANDARD, VERSION, verdict, verbs or COVERED, place=place, raw=f"{name} {token}", 
                    conditions=conditions if verdict == "conditional" else (),
                    problem=told, note=note,
                )  # fmt: skip
    if not spoken:
        verdict = "deny" if problem else "conditional" if conditions else "unknown"
        yield from carrier.say(
            STANDARD, VERSION, verdict, COVERED, place=place, raw="license", conditions=conditions, problem=problem,
            note="it names no usage that it permits",
        )  # fmt: skip


def _payment(licence: Element) -> tuple[list[str], str]:
    """(what must be paid or done, what is wrong)."""
    conditions: list[str] = []
    for payment in _below(licence, "payment"):
        kind = payment.get("type")
        amounts = [
            f"{text_of(one)} {one.get('currency', '')}".strip() for one in payment.iter() if local(one.tag) == "amount"
        ]
        terms = [text_of(one) for one in payment.iter() if local(one.tag) in ("standard", "custom")]
        price = f" ({', '.join(filter(None, [*amounts, *terms]))})" if amounts or terms else ""
        if kind is None:
            conditions.append(f"a payment of unknown kind{price}")
        elif kind == "free":
            continue
        elif kind in PAYMENTS:
            conditions.append(f"{PAYMENTS[kind]}{price}")
        else:
            return conditions, f"'{kind}' is not a payment type of RSL 1.0; honoured as a no"
    return conditions, ""


def _below(element: Element, name: str) -> list[Element]:
    return [one for one in element if local(one.tag) == name]

"""XMP packets (ISO 16684-1): what the metadata inside a picture, a video or a PDF says about its use.

A packet is RDF/XML. A property may be an element or an attribute, hold its text directly, as an `rdf:resource`, or in a
list; all forms occur in the wild and all are read. Read are `plus:DataMining` (IPTC), `tdm:reservation` and `tdm:policy`
(TDMRep), the licence properties of Creative Commons and `xmpRights:WebStatement`, and an RSL document inside the packet.

A property that carries the right name in a wrong namespace was meant by somebody: it is a finding and honoured as a no.
A packet that cannot be parsed but holds one of these names is a no too; any other broken packet stands in the way of a yes.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from endcredits.works.signals import plus, tdmrep
from endcredits.works.signals.licence_words import licence
from endcredits.works.signals.records import USES, Carrier, Found, Signal
from endcredits.works.signals.rsl import read_rsl_element
from endcredits.works.signals.rsl_words import NAMESPACE as RSL
from endcredits.works.signals.xml import local, namespace, parse_xml, text_of

CARRIER = "XMP"

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TDM = "http://www.w3.org/ns/tdmrep/"
CC = ("http://creativecommons.org/ns#", "http://web.resource.org/cc/")
XMP_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
DC = "http://purl.org/dc/elements/1.1/"

_PROPERTIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "DataMining": ("mining", (plus.NAMESPACE,)),
    "OtherConstraints": ("constraints", (plus.NAMESPACE,)),
    "LinkedEncRightsExpr": ("linked", ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/",)),
    "EmbdEncRightsExpr": ("embedded", ("http://iptc.org/std/Iptc4xmpExt/2008-02-29/",)),
    "reservation": ("reservation", (TDM, TDM.rstrip("/"))),
    "policy": ("policy", (TDM, TDM.rstrip("/"))),
    "license": ("licence", CC),
    "WebStatement": ("statement", (XMP_RIGHTS,)),
}
_ELSEWHERE = {"datamining": "mining", "tdmreservation": "reservation", "tdm-reservation": "reservation"}
"""Names that can only be meant so, in whatever namespace and spelling."""

_WORDS = (b"DataMining", b"tdmrep", b"DMI-", b"tdm:reservation", b"rslstandard")
CACHED_PACKETS = 256
"""Photographers write the same packet into many files; equal bytes are parsed once."""


def read_xmp(packet: bytes, found: Found, place: str) -> tuple[Signal, ...]:
    """What one packet says.

    Args:
        packet: from its first "<" on, in UTF-8 or with a byte order mark.
        found: the file that holds it.
        place: of the packet in the file.
    """
    facts, broken = _facts(packet)
    if not facts and not broken:
        return ()
    carrier = Carrier(found, CARRIER, hashlib.sha256(packet).hexdigest())
    if broken:
        said = next((word.decode() for word in _WORDS if word in packet.replace(b"\0", b"")), "")
        if said:
            problem = f"{broken}, and it speaks of '{said}'; honoured as a no"
            return carrier.say(CARRIER, "", "deny", USES, place=place, raw=said, problem=problem)
        return carrier.unreadable(CARRIER, broken, place=place)
    return tuple(_signals(facts, carrier, place, packet))


@functools.lru_cache(maxsize=CACHED_PACKETS)
def _facts(packet: bytes) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """((kind, value, what is wrong) of every property, why the packet is broken)."""
    try:
        root = parse_xml(packet.rstrip(b" \t\r\n\0"))
    except ValueError as error:
        return (), str(error)
    return tuple(facts_of(root)), ""


def facts_of(root: Element) -> Iterator[tuple[str, str, str]]:
    """(kind, value, what is wrong) of the properties below an element that speak about use."""
    for element in root.iter():
        for name, value in element.items():
            kind, wrong = _kind(name)
            if kind and kind != "rsl":
                yield kind, value, wrong
        kind, wrong = _kind(element.tag)
        if kind:
            for value in _values(element) if kind != "rsl" else ("",):
                yield kind, value, wrong


@functools.lru_cache(maxsize=4_096)
def _kind(tag: object) -> tuple[str, str]:
    """(what a property or element is about, what is wrong with its name); ("", "") for any other."""
    name = local(tag)
    if name == "rsl" and namespace(tag) == RSL:
        return "rsl", ""
    known = _PROPERTIES.get(name)
    if known is None and name.casefold() not in _ELSEWHERE:
        return "", ""
    space = namespace(tag)
    if known and space in known[1]:
        return known[0], ""
    meant = _ELSEWHERE.get(name.casefold(), "")
    if not meant and name in ("reservation", "policy") and "tdm" in space.casefold():
        meant = name
    if not meant:
        return "", ""
    return meant, f"'{name}' stands in the namespace '{space}', which is not its own; honoured as a no"


def _values(element: Element) -> list[str]:
    """A property's values: of a list each member, else its resource, else its text."""
    members = [one for one in element.iter() if one.tag == f"{{{RDF}}}li"]
    found = []
    for one in members or [element]:
        resource = one.get(f"{{{RDF}}}resource") or one.get("resource")
        found.append(resource if resource is not None else text_of(one))
    return found


def _signals(facts: tuple[tuple[str, str, str], ...], carrier: Carrier, place: str, packet: bytes) -> Iterator[Signal]:
    values: dict[str, list[tuple[str, str]]] = {}
    for kind, value, wrong in facts:
        values.setdefault(kind, []).append((value, wrong))
    terms = [f"{what}: {value}" for what in ("constraints", "linked", "embedded") for value, _ in values.get(what, ())]
    for value, wrong in values.get("mining", ()):
        said, misspelt = plus.meaning(value)
        problem = wrong or misspelt
        for verdict, verbs in said.items():
            yield from carrier.say(
                plus.STANDARD, plus.VERSION, "deny" if problem else verdict, verbs, place=place, raw=value, problem=problem,
                conditions=(terms or ("the terms it points to",)) if verdict == "conditional" else (),
            )  # fmt: skip
    policies = {value.strip() for value, _ in values.get("policy", ())}
    policy = next(iter(policies)) if len(policies) == 1 else None
    for value, wrong in values.get("reservation", ()):
        yield from tdmrep.reservation(carrier, value, policy, place, problem=wrong)
    if policies and "reservation" not in values:
        yield from tdmrep.reservation(carrier, None, sorted(policies)[0], place)
    for value in dict.fromkeys(value for kind in ("licence", "statement") for value, _ in values.get(kind, ())):
        if value.strip():
            yield from licence(carrier, value, place)
    if "rsl" in values:
        yield from read_rsl_element(parse_xml(packet.rstrip(b" \t\r\n\0")), carrier, None)

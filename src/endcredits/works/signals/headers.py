"""HTTP response headers that speak about use.

`Content-Usage` (AIPREF, CC signals), `tdm-reservation` and `tdm-policy` (TDMRep), `Link: <...>; rel="license"` (RSL, or a
licence's address), `X-Robots-Tag: noai`, and Cloudflare's `Content-Signal`, which some send as a header too. A header may
stand there several times; each is read for itself, because joining them hides what one of them says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from endcredits.works.signals.licence_words import licence
from endcredits.works.signals.records import Carrier, Found, Signal, carrier_of
from endcredits.works.signals.robot_tags import read_tags
from endcredits.works.signals.rsl_words import MEDIA_TYPE, pointer
from endcredits.works.signals.tdmrep import reservation
from endcredits.works.signals.usage_words import AIPREF, CONTENT_SIGNAL, read_words

CARRIER = "HTTP header"

VALUE_LENGTH_MAX = 65_536
"""A longer value is not read; servers send far shorter ones."""

_WRONG_NAMES = {
    "contentuse": "content-usage",
    "contentusages": "content-usage",
    "aiusage": "content-usage",
    "contentsignals": "content-signal",
    "tdmreservations": "tdm-reservation",
    "tdmrep": "tdm-reservation",
    "tdmpolicies": "tdm-policy",
}
_NAMES = ("content-usage", "content-signal", "tdm-reservation", "tdm-policy", "link", "x-robots-tag")
_LINK = re.compile(r"<([^>]{0,2000})>([^<]*)")


def read_headers(headers: Iterable[tuple[str, str]], found: Found) -> tuple[Signal, ...]:
    """What response headers say.

    Args:
        headers: (name, value) pairs as received, repeated ones repeated.
        found: the address they came with.
    """
    signals: list[Signal] = []
    reservations: list[str] = []
    policies: list[str] = []
    wrong_reservation = ""
    for name, value in headers:
        known, problem = _known(name)
        if not known:
            continue
        carrier = carrier_of(found, CARRIER, f"{name}: {value}")
        place = f"header {name.strip()}"
        if len(value) > VALUE_LENGTH_MAX:
            signals += carrier.unreadable("HTTP", f"its value is longer than {VALUE_LENGTH_MAX} characters", place=place)
        elif known == "content-usage":
            signals += _unless_wrong(read_words(value, AIPREF, carrier, place), problem)
        elif known == "content-signal":
            signals += _unless_wrong(read_words(value, CONTENT_SIGNAL, carrier, place), problem)
        elif known == "x-robots-tag":
            signals += read_tags(value, carrier, place, found.agent)
        elif known == "link":
            signals += _links(value, carrier, place)
        elif known == "tdm-reservation":
            reservations.append(value)
            wrong_reservation = wrong_reservation or problem
        else:
            policies.append(value)
    policy = policies[0] if len(set(policies)) == 1 else None
    joined = "; ".join([*(f"tdm-reservation: {one}" for one in reservations), *(f"tdm-policy: {one}" for one in policies)])
    carrier = carrier_of(found, CARRIER, joined)
    for one in dict.fromkeys(reservations):
        signals += reservation(carrier, one, policy, "header tdm-reservation", problem=wrong_reservation)
    if policies and not reservations:
        signals += reservation(carrier, None, policies[0], "header tdm-policy")
    return tuple(signals)


def _known(name: str) -> tuple[str, str]:
    """(the header meant, what is wrong with its name); ("", "") for any other."""
    plain = name.strip().casefold()
    if plain in _NAMES:
        return plain, ""
    letters = re.sub(r"[^a-z]", "", plain)
    meant = _WRONG_NAMES.get(letters) or next((one for one in _NAMES if one.replace("-", "") == letters), "")
    return (meant, f"the header '{name.strip()}' should be '{meant}'; honoured as a no") if meant else ("", "")


def _unless_wrong(signals: tuple[Signal, ...], problem: str) -> list[Signal]:
    if not problem:
        return list(signals)
    return [replace(one, value="deny", conditions=(), problem=problem) for one in signals]


def _links(value: str, carrier: Carrier, place: str) -> Iterable[Signal]:
    for target, params in _LINK.findall(value):
        rel = re.search(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", params, re.IGNORECASE)
        if rel is None or "license" not in (rel[1] or rel[2] or "").casefold().split():
            continue
        if MEDIA_TYPE in params.casefold():
            yield from pointer(carrier, target, place)
        else:
            yield from licence(carrier, target, place)

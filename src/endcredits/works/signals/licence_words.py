"""Licences as files carry them: SPDX headers in text, addresses of Creative Commons licences, names in metadata.

What a licence means for training is `licences.judge_licence`; here is only where licences are written. A Creative Commons
address becomes the SPDX id of its licence ("https://creativecommons.org/licenses/by-nc/4.0/" is CC-BY-NC-4.0), a ported
version keeps its country. Licences speak of copying and use, so the signals are about training and fine-tuning; none of
them speaks about style or likeness.
"""

from __future__ import annotations

import re

from endcredits.works.licences import judge_licence
from endcredits.works.signals.decoding import decoded
from endcredits.works.signals.records import TRAINING, Carrier, Found, Signal, carrier_of

STANDARD, VERSION = "licence", "SPDX 2.3"

HEADER_BYTES = 32_768
"""An SPDX header stands at the top of a file; further down the words may be about something else."""

_CC = re.compile(
    r"(?:https?:)?//(?:www\.)?creativecommons\.org/(licen[cs]es|publicdomain)/([a-z+-]+)(?:/([0-9.]+))?(?:/([a-z]{2,3}))?(?![a-z])",
    re.IGNORECASE,
)
_SPDX = re.compile(r"SPDX-License-Identifier\s*:[ \t]*([^\r\n]{0,2000})", re.IGNORECASE)
_COMMENT_ENDS = re.compile(r"(?:\*/|-->|\*\)|--\]\]|#\}|%\})\s{0,9}$")
_HEADER_NAME = "SPDX-License-Identifier"


def spdx_of_address(address: str) -> str:
    """The SPDX id of a Creative Commons licence's address, "" for any other.

    >>> spdx_of_address("http://creativecommons.org/licenses/by-sa/3.0/de/")
    'CC-BY-SA-3.0-DE'
    """
    found = _CC.search(address)
    if not found:
        return ""
    kind, name, version, country = found[1].lower(), found[2].lower(), found[3] or "", (found[4] or "").upper()
    if kind == "publicdomain":
        return "CC0-1.0" if name == "zero" else "CC-PDM-1.0" if name == "mark" else ""
    version = version.rstrip(".") or "4.0"
    port = f"-{country}" if country and not version.startswith("4") and country not in ("DEE", "LEG") else ""
    return f"CC-{name.upper()}-{version}{port}"


def licence(carrier: Carrier, text: str, place: str, *, problem: str = "") -> tuple[Signal, ...]:
    """The signals of one licence, given by address, SPDX expression or name; an address that we do not know is silent."""
    expression = spdx_of_address(text) or text.strip()
    if re.match(r"https?:|//", expression, re.IGNORECASE):
        note = "the terms at this address were not read"
        return carrier.say(STANDARD, VERSION, "unknown", TRAINING, place=place, raw=text, note=note)
    try:
        value, reason = judge_licence(expression)
    except Exception as error:
        # The library that parses expressions answers some broken ones ("MIT OR (ISC AND") with failed assertions.
        return carrier.unreadable(STANDARD, f"the licence cannot be read ({type(error).__name__})", place=place, raw=text)
    conditions = (reason,) if value == "conditional" else ()
    if problem and value == "allow":
        value = "deny"
    return carrier.say(
        STANDARD, VERSION, value, TRAINING, place=place, raw=text, conditions=conditions, problem=problem, note=reason
    )


def read_spdx(data: bytes, found: Found) -> tuple[Signal, ...]:
    """SPDX headers at the top of a text; several of them all hold."""
    head = bytes(data[:HEADER_BYTES])
    text, _ = decoded(head)
    if "spdx-" not in text.casefold():
        return ()
    carrier = carrier_of(found, "text", head)
    signals: list[Signal] = []
    for match in _SPDX.finditer(text):
        expression = _COMMENT_ENDS.sub("", match[1].strip()).strip().strip("\"'")
        line = text.count("\n", 0, match.start()) + 1
        if not expression:
            signals += carrier.unreadable(STANDARD, "an SPDX header without a licence", place=f"line {line}", raw=match[0])
            continue
        wrong = "" if match[0].startswith(_HEADER_NAME) else f"it should read '{_HEADER_NAME}:'"
        signals += licence(carrier, expression, f"line {line}", problem=wrong)
    return tuple(signals)

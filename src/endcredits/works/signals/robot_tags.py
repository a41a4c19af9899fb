"""`noai` and `noimageai`: the words of art platforms (DeviantArt, 2022) in robots meta tags and `X-Robots-Tag`.

They are a no to the use of the page (`noai`) or its pictures (`noimageai`) for training. `noindex` is a no to search.
`X-Robots-Tag` may address one crawler ("otherbot: noai"); a no addressed to another crawler is none to ours, a no to
everybody or to us is.
"""

from __future__ import annotations

import re

from endcredits.works.signals.records import MINING, Carrier, Signal

STANDARD, VERSION = "robots tags", "2022"

_WORDS = {"noai": MINING, "noimageai": MINING, "noindex": ("index",), "none": ("index",)}
_AGENT = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*:\s*(?!//)(.*)", re.DOTALL)
_TAKES_VALUE = ("max-snippet", "max-image-preview", "max-video-preview", "unavailable_after")


def read_tags(value: str, carrier: Carrier, place: str, agent: str) -> tuple[Signal, ...]:
    """The signals of a list of robot tags."""
    addressed = _AGENT.match(value)
    if addressed and addressed[1].casefold() not in _TAKES_VALUE:
        if addressed[1].casefold() != agent.casefold():
            return ()
        value = addressed[2]
    signals: list[Signal] = []
    for word in re.split(r"[,\s]+", value.casefold()):
        plain = word.replace("-", "").replace("_", "")
        verbs = _WORDS.get(plain)
        if verbs:
            wrong = "" if word in _WORDS else f"'{word}' should be '{plain}'"
            signals += carrier.say(STANDARD, VERSION, "deny", verbs, place=place, raw=word, problem=wrong)
    return tuple(signals)

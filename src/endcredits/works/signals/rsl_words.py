"""The words of RSL 1.0 (Really Simple Licensing), and a pointer to terms in it.

Other carriers only point to an RSL document: robots.txt by `License:`, HTTP and HTML by a link. Terms that nobody has
read yet are a condition: nothing they cover is permitted before the document has been read.
"""

from __future__ import annotations

from endcredits.works.signals.records import TRAINING, Carrier, Signal

STANDARD, VERSION = "RSL", "1.0"
NAMESPACE = "https://rslstandard.org/rsl"
MEDIA_TYPE = "application/rsl+xml"

COVERED = (*TRAINING, "retrieve", "index")
"""The verbs that RSL has words for."""

USAGES: dict[str, tuple[str, ...]] = {
    "all": COVERED,
    "ai-all": COVERED,
    "ai-train": TRAINING,
    "ai-input": ("retrieve",),
    "ai-index": ("index",),
    "search": ("index",),
}
DRAFT_USAGES: dict[str, tuple[str, ...]] = {"train-ai": TRAINING, "train-genai": TRAINING, "ai-use": ("retrieve",)}
"""Words of the drafts of 2025, read as what became of them."""

PAYMENTS = {
    "purchase": "a purchase",
    "subscription": "a subscription",
    "training": "a payment for training",
    "crawl": "a payment for each crawl",
    "use": "a payment for each use",
    "inference": "a payment for each use",
    "contribution": "a contribution",
    "attribution": "attribution",
}
"""What each payment type asks for; "free" asks for nothing."""


def pointer(carrier: Carrier, address: str, place: str, *, problem: str = "") -> tuple[Signal, ...]:
    """The signals of an address of RSL terms that were not read."""
    target = address.strip()
    if "://" not in target:
        problem = problem or f"'{target}' is not an absolute address"
    return carrier.say(
        STANDARD,
        VERSION,
        "deny" if problem else "conditional",
        COVERED,
        place=place,
        raw=target,
        conditions=(f"the terms at {target}",),
        problem=problem,
        note="the terms were not read",
    )

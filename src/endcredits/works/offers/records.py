"""What an offer is made of: terms per verb, where they hold, and what each form can say of them.

*Terms* are the answers that the registry gives to everybody at a moment. A *form* is a standard of the web with words of its
own, mostly fewer than ours. What a form cannot say it must not widen: a condition becomes a no where there are no
conditions, a yes to one of two verbs that share one word becomes silence, and every difference is listed for the person who
publishes it (`Told`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from endcredits.works.records import Conditions
from endcredits.works.signals.records import MINING, TRAINING
from endcredits.works.signals.rsl_words import COVERED

FORMS = ("tdmrep", "odrl", "rsl", "aipref", "headers", "robots")
"""What `offer` writes: tdmrep.json, a TDMRep policy (ODRL 2.2 Offer), RSL 1.0, a Content-Usage value, HTTP headers with HTML
meta tags, and lines for robots.txt."""

SAYS: Mapping[str, tuple[str, ...]] = {
    "tdmrep": MINING,
    "odrl": MINING,
    "rsl": COVERED,
    "aipref": (*TRAINING, "index"),
    "headers": (*MINING, "index"),
    "robots": COVERED,
}
"""The verbs that each form has words for. None has a word for style or likeness."""

PERMISSIVE: Mapping[str, int] = {"deny": 0, "unknown": 1, "conditional": 2, "allow": 3}
"""How much a value permits; only "allow" is a yes, and silence is less than a yes under conditions."""


@dataclass(frozen=True, slots=True)
class Term:
    """What is stated about one verb.

    Attributes:
        verb: one of `works.records.VERBS`.
        value: one of `works.records.VALUES`.
        reason: why, in words.
        conditions: of the statement that decided, None for none.
        permission_id: that statement, "" where nothing was said.
    """

    verb: str
    value: str
    reason: str
    conditions: Conditions | None = None
    permission_id: str = ""


Terms = Mapping[str, Term]
"""By verb; all of `works.records.VERBS`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Terms of what stands at an address.

    Attributes:
        url: the address, or a pattern of addresses of one site (`works.url_patterns`).
        terms: what holds there.
    """

    url: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Told:
    """What a text says about one verb.

    Attributes:
        verb: one of `works.records.VERBS`.
        stated: what the registry's statements say.
        said: what a reader of the text understands: "allow", "deny", "conditional", or "unknown" for silence. Never more
            than what is stated.
        why: where the two differ, in words; else empty.
    """

    verb: str
    stated: str
    said: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """One text to be published.

    Attributes:
        place: where it goes ("https://a.example/.well-known/tdmrep.json", "HTTP response headers").
        media_type: of the text.
        text: the text, ending in a newline; "" where nothing can be said.
        told: what it says about every verb, for the whole of what it is about: of several addresses the strictest.
    """

    place: str
    media_type: str
    text: str
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """Statements in force as texts of one form.

    Attributes:
        form: one of `FORMS`.
        subject: a work or a party.
        since: UTC time from which exactly this has been in force; "" where nothing was ever said.
        until: UTC time at which a statement begins or ends and the offer must be made anew; "" for none known.
        texts: one per site and place.
        left_out: (address, why) of addresses that the form cannot name.
    """

    form: str
    subject: str
    since: str
    until: str
    texts: tuple[Text, ...]
    left_out: tuple[tuple[str, str], ...] = ()

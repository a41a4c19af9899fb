"""Does one row of a grant cover a use? Each thing that it does not is a reason of its own.

Names are compared without regard to letter case, width, spaces and invisible characters; a sign or an accent more is another
production, since two may differ by no more than that. What the person forbids is looked for more widely, with accents and
signs left out as well: there the safe answer is to find too much.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from endcredits.works.likeness.questions import LikenessUse, Reason
from endcredits.works.likeness.records import GrantedUse
from endcredits.works.rules import Pack
from endcredits.works.rules.territories import lies_in
from endcredits.works.rules.wording import fold, is_specific

KNOWN_CONTEXTS = ("nudity", "political", "endorsement")
"""Contexts with a word of their own; who forbids "other" forbids every context that is none of them."""

OF_ADVERTISING = ("advertisement", "advertising", "endorsement")
"""Contexts that every advertisement has."""


def uncovered(row: GrantedUse, use: LikenessUse, day: str, used: int, pack: Pack) -> Iterator[Reason]:
    """What of a use lies outside a row.

    Args:
        row: of a grant.
        use: what is asked for.
        day: YYYY-MM-DD, on which it is asked for.
        used: uses of the row that were counted before.
        pack: for the countries of unions, and for wordings that say nothing.
    """
    for name, granted, asked, binding in (
        ("project", row.project, use.project, True),
        ("medium", row.medium, use.medium, True),
        ("script", row.script_ref, use.script_ref, bool(row.script_ref)),
        ("advertiser", row.advertiser, use.advertiser, bool(row.advertiser or use.advertiser)),
        ("product line", row.product_line, use.product_line, bool(row.product_line or use.product_line)),
    ):
        if binding and not _same(granted, asked):
            yield Reason("outside-uses", f"the {name} granted is {_said(granted)}, and {_said(asked)} was asked for")
    if not (row.valid_from and row.valid_to and row.valid_from <= day <= row.valid_to):
        span = f"from {row.valid_from or 'no day'} to {row.valid_to or 'no day'}"
        yield Reason("outside-dates", f"the row holds {span}, and {day} lies outside")
    if not row.territory or not lies_in(use.territory, row.territory, pack.places):
        yield Reason("outside-territory", f"the row is for {row.territory or 'nowhere'}, and {use.territory} was asked for")
    if row.max_uses is not None and used + use.count > row.max_uses:
        yield Reason(
            "count-used-up",
            f"{used} of {row.max_uses} uses are counted already, and {use.count} more {_were(use.count)} asked for",
        )
    for words, whose in ((row.description, "the row's"), (use.description, "the request's")):
        if not is_specific(words, pack.generic_phrases):
            yield Reason("generic-description", f"{whose} description is missing, too short or generic: {_said(words)}")


def forbidden_in(forbidden: tuple[str, ...], use: LikenessUse) -> Iterator[Reason]:
    """Contexts of a use that the person forbids: under the same words, or with more beside them."""
    for context, refused in _contexts(forbidden, use):
        if refused:
            yield Reason("forbidden-context", f"the person forbids '{refused}'")
        elif "other" in map(_wide, forbidden) and context not in KNOWN_CONTEXTS:
            yield Reason("forbidden-context", f"the person forbids every other context, and this is about {_said(context)}")


def unclear_in(forbidden: tuple[str, ...], use: LikenessUse) -> Iterator[Reason]:
    """Contexts of a use that may be what the person forbids in other words, or in more of them."""
    known = {*KNOWN_CONTEXTS, *OF_ADVERTISING}
    named = {word for one in forbidden for word in _wide(one).split()}
    freely = any(_wide(one) not in {*known, "other"} for one in forbidden)  # nobody knows what else it means
    for context, refused in _contexts(forbidden, use):
        if named and not refused and (freely or context not in known or not named.isdisjoint(context.split())):
            told = ", ".join(_said(one) for one in forbidden)
            yield Reason(
                "context-unclear", f"the person forbids {told}; somebody must judge whether {_said(context)} is that"
            )


def _contexts(forbidden: tuple[str, ...], use: LikenessUse) -> Iterator[tuple[str, str]]:
    """Each context of a use, and what the person forbids that all stands in it, "" where nothing does."""
    stated = use.contexts + (OF_ADVERTISING if use.is_advertisement else ())
    words = {one: set(_wide(one).split()) for one in forbidden if _wide(one).split()}
    for context in sorted({_wide(one) for one in stated}):
        yield context, next((one for one, needed in words.items() if needed <= set(context.split())), "")


def differs(row: GrantedUse, use: LikenessUse) -> bool:
    """Whether the request describes the use in other words than the row."""
    return not _same(row.description, use.description)


def _same(one: str, other: str) -> bool:
    return bool(one) and _key(one) == _key(other)


def _key(text: str) -> str:
    compatible = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    seen = (" " if letter.isspace() else letter for letter in compatible if letter.isspace() or letter.isprintable())
    return " ".join("".join(seen).split())


def _wide(text: str) -> str:
    # A word of signs alone folds to nothing, and two of them are not the same for that.
    return fold(text) or text


def _said(text: str) -> str:
    """Words from outside, short and on one line."""
    return ascii(text[:80]) if not text.isprintable() else f"'{text[:80]}'" if text else "none"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def counted(used: Mapping[tuple[str, int], int], grant_id: str, row: int) -> int:
    """Uses of a row that were counted before."""
    return used.get((grant_id, row), 0)

"""Whether the conditions of a yes are met by a use, and what the yes obliges to.

A condition is met by a known fact. What is not known of a use meets nothing: a yes for Germany is none for a use whose
territory nobody names. Prices and conditions in words are met when a person has accepted that very statement.
"""

from __future__ import annotations

from dataclasses import dataclass

from endcredits.money import format_micros
from endcredits.works.records import WORLD, Conditions, Permission


@dataclass(frozen=True, slots=True)
class Use:
    """What is known of a use; what is left empty is not known.

    Attributes:
        territory: ISO 3166-1 code of the place of use.
        purpose: what for.
        medium: in which medium.
        user_class: by what kind of user.
        uses_so_far: how often before; None where nobody counted.
        accepted: ids of the conditional statements whose price and words the user has accepted.
    """

    territory: str = ""
    purpose: str = ""
    medium: str = ""
    user_class: str = ""
    uses_so_far: int | None = None
    accepted: tuple[str, ...] = ()


NO_USE = Use()
"""A use of which nothing is known."""


def unmet(permission: Permission, use: Use) -> tuple[str, ...]:
    """The conditions of a conditional statement that a use does not meet, in words; none when all are met."""
    asks = permission.conditions
    accepted = permission.permission_id in use.accepted
    if asks is None:
        return () if accepted else ("conditions that it does not name",)
    lacking = [
        f"{what} {' or '.join(allowed)}"
        for what, allowed, given in (
            ("territory", asks.territories, use.territory),
            ("purpose", asks.purposes, use.purpose),
            ("medium", asks.media, use.medium),
            ("user", asks.user_classes, use.user_class),
        )
        if allowed and given not in allowed and not (what == "territory" and WORLD in allowed)
    ]
    if asks.uses_max is not None and (use.uses_so_far is None or use.uses_so_far >= asks.uses_max):
        lacking.append(f"at most {asks.uses_max} uses")
    if not accepted:
        lacking += [price_words(asks)] if asks.price_micros is not None else []
        lacking += asks.words
        if asks == Conditions(credit_text=asks.credit_text):
            lacking.append("conditions that it does not name")
    return tuple(lacking)


def duties_of(permission: Permission) -> tuple[str, ...]:
    """What whoever uses a yes owes, in words."""
    asks = permission.conditions
    if asks is None:
        return ()
    owed = [f"credit: {asks.credit_text}"] if asks.credit_text else []
    return (*owed, *([price_words(asks)] if asks.price_micros is not None else []))


def price_words(asks: Conditions) -> str:
    """A price in words.

    >>> price_words(Conditions(price_micros=1_500_000, currency="EUR", unit="output"))
    'a payment of 1.50 EUR per output'
    """
    return f"a payment of {format_micros(asks.price_micros or 0, asks.currency)}{f' per {asks.unit}' if asks.unit else ''}"

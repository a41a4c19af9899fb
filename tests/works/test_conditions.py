"""Conditions are met by known facts only, and a yes says what it obliges to."""

from dataclasses import replace

import pytest

from endcredits.works import Conditions, Permission, Use
from endcredits.works.conditions import duties_of, price_words, unmet
from endcredits.works.stated import restricts

ASKS = Conditions(territories=("DE", "AT"), purposes=("film",), media=("cinema",), user_classes=("education",), uses_max=2)
MEETS = Use("AT", "film", "cinema", "education", 1)


def conditional(conditions: Conditions | None) -> Permission:
    """A conditional statement."""
    return Permission(
        "w1", "train", "conditional", "so", "letter", "Ada", "2026-01-01T00:00:00Z", None, "perm:1", conditions=conditions
    )


def test_all_met() -> None:
    assert unmet(conditional(ASKS), MEETS) == ()


@pytest.mark.parametrize(
    ("use", "lacking"),
    [
        (replace(MEETS, territory="FR"), "territory DE or AT"),
        (replace(MEETS, territory=""), "territory DE or AT"),
        (replace(MEETS, purpose="advertising"), "purpose film"),
        (replace(MEETS, medium=""), "medium cinema"),
        (replace(MEETS, user_class="commercial"), "user education"),
        (replace(MEETS, uses_so_far=2), "at most 2 uses"),
        (replace(MEETS, uses_so_far=None), "at most 2 uses"),
    ],
)
def test_what_is_other_or_unknown_is_not_met(use: Use, lacking: str) -> None:
    assert unmet(conditional(ASKS), use) == (lacking,)


def test_everywhere_is_met_anywhere_even_unnamed() -> None:
    assert unmet(conditional(Conditions(territories=("WORLD",))), Use()) == ()


def test_prices_and_words_are_met_by_accepting_that_very_statement() -> None:
    asks = Conditions(20_000, "EUR", "output", credit_text="Ada", words=("ask first",))

    assert unmet(conditional(asks), Use()) == ("a payment of 0.02 EUR per output", "ask first")
    assert unmet(conditional(asks), Use(accepted=("perm:2",))) != ()
    assert unmet(conditional(asks), Use(accepted=("perm:1",))) == ()
    assert duties_of(conditional(asks)) == ("credit: Ada", "a payment of 0.02 EUR per output")
    assert price_words(Conditions(1_000_000, "USD")) == "a payment of 1.00 USD"


def test_a_condition_that_nobody_names_is_met_by_acceptance_only() -> None:
    for asks in (None, Conditions(), Conditions(credit_text="Ada")):
        assert unmet(conditional(asks), MEETS) == ("conditions that it does not name",)
        assert unmet(conditional(asks), Use(accepted=("perm:1",))) == ()


def test_credit_is_a_duty_and_restricts_nothing() -> None:
    assert not restricts(None) and not restricts(Conditions(credit_text="Ada"))
    assert restricts(Conditions(uses_max=1)) and restricts(Conditions(price_micros=0, currency="EUR"))

"""What would have been earned under other rules: the same money, divided otherwise, and nothing posted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from endcredits.errors import NotFoundError
from endcredits.flows import closing, periods, reporting
from endcredits.flows.comparing import BREAKAGE, COMMONS, OPERATOR, SUSPENSE, TAXES, compare_policies
from endcredits.flows.studio import Studio
from endcredits.money import PPB
from endcredits.royalties import FIFTY_FIFTY, Levy, Part, make_revenue
from tests.story import house as h

from .used import CLEO, JANUARY, studio, used

__all__ = ["studio"]

_POOL = FIFTY_FIFTY.pools[0]
DECLARED = replace(FIFTY_FIFTY, name="declared", pools=(replace(_POOL, parts=(Part("cleared", by="declared"),)),))
OTHER = replace(
    DECLARED,
    name="other",
    pools=(replace(DECLARED.pools[0], share_ppb=800_000_000),),
    levies=(Levy("pensions", 50_000_000, "party:fund"),),
)
PAYERS = replace(DECLARED, name="payers", pools=(replace(DECLARED.pools[0], share_ppb=PPB, spread="uses", by=("payer",)),))


@pytest.fixture
def ready(studio: Studio) -> Studio:
    """100 EUR with 20 of taxes for the tide tables, 40 for the rhymes of nobody known, 60 of a payer who used nothing."""
    events = [
        used(studio, "tide", h.TIDE, "2025-01-05", declared=[h.TIDE], tax_micros=20_000_000, payer="p1"),
        used(studio, "rhyme", h.RHYME, "2025-01-06", 40, declared=[h.RHYME], payer="p2"),
    ]
    reporting.report(studio, events)
    reporting.report(studio, [make_revenue("idle", "2025-01-07", 60_000_000, "EUR", service="web", payer="p3")])
    return studio


def test_both_sides_are_the_whole_revenue(ready: Studio) -> None:
    """By hand, net 80 + 40 + 60 = 180; declared 50%: 90 by what events carry. other 80%: 144 and 5% of it on top, 7.20."""
    closing.propose(ready, JANUARY, policy=DECLARED)
    rows, kept = h.dump(ready), h.files(ready.path)

    found = {one.party_id: (one.micros, one.other_micros) for one in compare_policies(ready, JANUARY, OTHER)}

    assert (h.dump(ready), h.files(ready.path)) == (rows, kept), "nothing is posted, written or recorded"
    assert [sum(side) for side in zip(*found.values(), strict=True)] == [200_000_000, 200_000_000]
    assert found[TAXES] == (20_000_000, 20_000_000)
    assert found["party:fund"] == (0, 7_200_000)
    assert found[OPERATOR] == (90_000_000, 180_000_000 - 144_000_000 - 7_200_000)
    # Revenue of many uses is laid on both uses alike: 80 + 30 and 40 + 30 of 180, halved.
    assert found[CLEO] == (55_000_000, 88_000_000) and found[SUSPENSE] == (35_000_000, 56_000_000)
    assert COMMONS not in found

    payers = {one.party_id: (one.micros, one.other_micros) for one in compare_policies(ready, JANUARY, PAYERS)}
    assert payers[CLEO] == (55_000_000, 80_000_000) and payers[SUSPENSE] == (35_000_000, 40_000_000)
    assert payers[BREAKAGE] == (0, 60_000_000)


def test_the_same_policy_makes_no_difference(ready: Studio) -> None:
    """Also after the close was booked; what changes most stands first, and names are of people."""
    periods.close(ready, JANUARY, policy=DECLARED)
    assert all(one.micros == one.other_micros for one in compare_policies(ready, JANUARY, DECLARED))

    found = compare_policies(ready, JANUARY, OTHER)

    changes = [abs(one.other_micros - one.micros) for one in found]
    assert changes == sorted(changes, reverse=True)
    assert {one.name for one in found if one.party_id == CLEO} == {h.CLEO}


def test_currencies_are_compared_for_themselves(studio: Studio) -> None:
    """Every currency sums to its own revenue."""
    dollars = replace(used(studio, "usd", h.SALT, "2025-01-05", 7), currency="USD")
    reporting.report(studio, [dollars, used(studio, "eur", h.LAMP, "2025-01-05", 11)])
    periods.close(studio, JANUARY)
    sums: Counter[tuple[str, str]] = Counter()
    for one in compare_policies(studio, JANUARY, OTHER):
        sums[one.currency, "applied"] += one.micros
        sums[one.currency, "other"] += one.other_micros
    assert sums == {
        ("EUR", "applied"): 11_000_000,
        ("EUR", "other"): 11_000_000,
        ("USD", "applied"): 7_000_000,
        ("USD", "other"): 7_000_000,
    }


def test_a_period_that_is_not_computed_has_nothing_to_compare(ready: Studio) -> None:
    """It is named."""
    with pytest.raises(NotFoundError, match="no close of the period '2025-01' is proposed"):
        compare_policies(ready, JANUARY, OTHER)

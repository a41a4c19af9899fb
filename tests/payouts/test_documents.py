"""A statement is written and read back to the same bytes, and any changed number is found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from endcredits.errors import IntegrityError
from endcredits.payouts import parse_statement, statement_json
from endcredits.payouts.documents import problems

from ..royalties.makers import Period, periods
from .makers import issue, ordinary


@given(periods())
def test_reading_undoes_writing(inputs: Period) -> None:
    """The record comes back equal, from text and from bytes."""
    for one in issue(inputs.close()):
        assert parse_statement(statement_json(one)) == parse_statement(statement_json(one).encode()) == one


def broken() -> dict[str, str]:
    """Documents that are each wrong in one way."""
    good = statement_json(ordinary()[0])
    plain = json.loads(good)
    return {
        "cut off": good[:-1],
        "a list": "[]",
        "a field missing": json.dumps({key: value for key, value in plain.items() if key != "payee"}),
        "a field too many": json.dumps(plain | {"note": ""}),
        "no list of lines": json.dumps(plain | {"lines": {}}),
        "a line that is none": json.dumps(plain | {"lines": [1]}),
        "an amount as text": json.dumps(plain | {"payable_micros": "5"}),
        "a name as a number": json.dumps(plain | {"payee": 5}),
        "other spacing": json.dumps(plain),
    }


@pytest.mark.parametrize("name", sorted(broken()))
def test_a_damaged_document_is_refused(name: str) -> None:
    """Every damage is an error with a remedy."""
    with pytest.raises(IntegrityError) as caught:
        parse_statement(broken()[name])

    assert caught.value.remedy


@pytest.mark.parametrize(
    "name",
    [
        "opening_balance_micros",
        "earned_micros",
        "closing_balance_micros",
        "payable_micros",
        "carried_over_micros",
    ],
)
@pytest.mark.parametrize("by", [-1, 1])
def test_a_changed_sum_is_found(name: str, by: int) -> None:
    """Each number is tied to another."""
    for one in ordinary():
        assert list(problems(one)) == []
        assert list(problems(replace(one, **{name: getattr(one, name) + by})))


def test_lines_ids_and_order_are_checked() -> None:
    """A changed line, lines in another order, a line twice, another period's id."""
    ada = ordinary()[0]
    first, second = ada.lines
    changes = [
        replace(ada, lines=(replace(first, amount_micros=first.amount_micros + 1), second)),
        replace(ada, lines=(second, first)),
        replace(ada, lines=(first, first), earned_micros=2 * first.amount_micros),
        replace(ada, period_id="2026-12"),
        replace(ada, payout_threshold_micros=2**50),
    ]

    assert all(list(problems(change)) for change in changes[:4])
    assert bool(list(problems(changes[4]))) == (ada.payable_micros > 0)

"""A close is written and read back to the same bytes, and anything else is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from endcredits.errors import IntegrityError
from endcredits.royalties import close_document, parse_close

from .makers import Period, november, periods


@given(periods())
def test_reading_undoes_writing(inputs: Period) -> None:
    """The record comes back equal, from text and from bytes."""
    close = inputs.close()
    document = close_document(close)

    assert parse_close(document) == parse_close(document.encode()) == close


def broken() -> dict[str, str]:
    """Documents that are each wrong in one way."""
    good = close_document(november().close())
    plain = json.loads(good)
    no_pools = {key: value for key, value in plain.items() if key != "pools"}
    text_amount = json.loads(good)
    text_amount["pools"][0]["works"][0]["amount_micros"] = "5"
    number_weight = json.loads(good)
    number_weight["pools"][0]["works"][0]["weight"] = 5
    return {
        "cut off": good[:-1],
        "a list": "[]",
        "too deep": "[" * 100_000,
        "a field missing": json.dumps(no_pools),
        "a field too many": json.dumps(plain | {"note": ""}),
        "no list of pools": json.dumps(plain | {"pools": {}}),
        "an amount as text": json.dumps(text_amount),
        "a weight as a number": json.dumps(number_weight),
        "a float": good.replace('"rounding_carry_micros":0', '"rounding_carry_micros":0.0'),
        "a boolean": good.replace('"rounding_carry_micros":0', '"rounding_carry_micros":false'),
        "other spacing": json.dumps(plain),
    }


@pytest.mark.parametrize("name", sorted(broken()))
def test_a_damaged_document_is_refused(name: str) -> None:
    """Every damage is an error with a remedy, never a crash and never a different close."""
    with pytest.raises(IntegrityError) as caught:
        parse_close(broken()[name])

    assert caught.value.remedy

"""A statement's document comes back as it was, and what does not add up is said."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from endcredits.canonical import slow_bytes
from endcredits.errors import IntegrityError
from endcredits.payouts import Statement, parse_statement, statement_json
from endcredits.payouts.documents import problems

from .makers import Closed, closes, issue, ordinary


@given(closes())
def test_documents_come_back(made: Closed) -> None:
    """Byte for byte and field for field, and the quick spelling is the slow one."""
    for one in issue(made):
        document = statement_json(one)
        assert parse_statement(document) == one
        assert parse_statement(document.encode()) == one
        assert document.encode() == slow_bytes(one)


def test_what_is_no_statement_is_refused() -> None:
    """With the field named."""
    one = ordinary()[0]
    plain = json.loads(statement_json(one))

    for change in (
        {"payee": 3},
        {"version": True},
        {"version": 2**60},
        {"lines": {}},
        {"lines": [1]},
        {"contract_ids": [3]},
        {"extra": 1},
        {"summary": {}},
        {"pools": [{**plain["pools"][0], "events": "3"}]},
        {"lines": [{**plain["lines"][0], "identifiers": [["ISRC"]]}]},
    ):
        with pytest.raises(IntegrityError, match="not a statement"):
            parse_statement(json.dumps(plain | change, separators=(",", ":"), sort_keys=True))
    with pytest.raises(IntegrityError, match="canonical"):
        parse_statement(json.dumps(plain))
    for text in ("", "[]", "{}", "null", b"\xff", "[" * 100_000):
        with pytest.raises(IntegrityError):
            parse_statement(text)


def changed(name: str, one: Statement) -> Statement:
    """A statement with one whole number of its summary one higher."""
    return replace(one, summary=replace(one.summary, **{name: getattr(one.summary, name) + 1}))


@pytest.mark.parametrize("name", list(type(ordinary()[0].summary).__dataclass_fields__))
def test_every_number_of_the_summary_is_checked(name: str) -> None:
    """One micro too many is found, except where the contracts' books alone know it."""
    found = list(problems(changed(name, ordinary()[0])))

    assert bool(found) == (name not in ("unrecouped_micros", "in_reserve_micros"))


def test_lines_that_were_changed_are_found() -> None:
    """Amounts, order, count, pools, sentences and digests."""
    one = ordinary()[0]
    first, *rest = one.lines

    def found(**change: object) -> list[str]:
        return list(problems(replace(one, **change)))  # type: ignore[arg-type]

    assert "its lines do not fit their digest" in found(lines=(replace(first, title="x"), *rest))
    assert "its lines are out of order or stand twice" in found(lines=(*rest, first))
    assert "its lines are out of order or stand twice" in found(lines=(first, *one.lines))
    assert "its number of lines is another" in found(line_count=1)
    assert "its control total is not the sum of its lines" in found(control_micros=0)
    assert "its count of usage is not that of its lines" in found(outputs_counted=99)
    assert "its pools are not those of its lines" in found(pools=one.pools[:-1])
    assert any("does not follow from its numbers" in text for text in found(lines=(replace(first, reason="So."), *rest)))
    assert any("is not the split" in text for text in found(lines=(replace(first, split_ppb=1), *rest)))
    assert "its id is not made from its period, party and currency" in found(version=2)
    assert any("an estimate" in text for text in found(kind="estimate"))

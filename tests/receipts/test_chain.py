"""A payee's chain of statements: a missing receipt is a gap, and what does not fit is said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import INTEGER_MAX, to_plain
from endcredits.errors import InputError
from endcredits.receipts.chain import FIRST, Chain, Link, chains, in_words, link_of, receipt_id_of

Placed = tuple[int, Link]


def chain_of(length: int, *, party: str = "ada", currency: str = "EUR", step: int = 7) -> list[Placed]:
    """A whole chain, every `step`th entry of the log."""
    return [
        (
            step * n,
            Link(f"statement:{n}", f"{n:064x}", party, currency, f"2026-{n:02d}", n, step * (n - 1) if n > 1 else FIRST),
        )
        for n in range(1, length + 1)
    ]


def test_a_whole_chain_has_no_gap() -> None:
    (found,) = chains(reversed(chain_of(12)))
    assert found == Chain("ada", "EUR", 12, 12, (), ())
    assert in_words(found) == "Nothing is missing from number 1 to 12."


@given(st.integers(1, 30), st.data())
def test_whatever_is_taken_out_below_the_last_shows_as_a_gap(length: int, data: st.DataObject) -> None:
    whole = chain_of(length)
    gone = data.draw(st.sets(st.integers(1, length), max_size=length - 1))
    left = [one for one in whole if one[1].count not in gone]

    (found,) = chains(left)

    missing = {number for first, last in found.missing for number in range(first, last + 1)}
    assert missing == {number for number in gone if number < found.last}
    assert (found.problems, found.held) == ((), len(left))


def test_payees_and_currencies_are_told_apart() -> None:
    mixed = [*chain_of(3), *chain_of(2, currency="USD")[1:], *chain_of(4, party="ben")[::3]]
    assert [(one.party_id, one.currency, one.missing) for one in chains(mixed)] == [
        ("ada", "EUR", ()),
        ("ada", "USD", ((1, 1),)),
        ("ben", "EUR", ((2, 3),)),
    ]
    assert in_words(chains(mixed)[1]) == "Number 1 is missing among 1 to 2."
    assert in_words(chains(mixed)[2]) == "Numbers 2 to 3 are missing among 1 to 4."


def test_the_same_receipt_twice_is_one() -> None:
    assert chains(chain_of(3) * 2) == chains(chain_of(3))


def test_nothing_is_known_of_nothing() -> None:
    assert chains([]) == ()


def change(whole: list[Placed], number: int, *, position: int | None = None, **fields: Any) -> list[Placed]:
    """One link of a chain changed."""
    return [
        (at if position is None else position, replace(link, **fields)) if link.count == number else (at, link)
        for at, link in whole
    ]


@pytest.mark.parametrize(
    ("links", "problem"),
    [
        ([*chain_of(3), (99, replace(chain_of(3)[1][1], sha256="0" * 64))], "number 2 stands at the log entries 14 and 99"),
        (change(chain_of(3), 3, previous=7), "number 3 names the entry 7 as the one before, and number 2 is entry 14"),
        (change(chain_of(3), 3, previous=21), "number 3 at entry 21 names a later entry, 21"),
        (change(chain_of(3), 3, position=10, previous=9), "number 3 at entry 10 stands before a lower number, at entry 14"),
        (change(chain_of(3), 3, statement_id="statement:1"), "the statement statement:1 has the numbers 1 and 3"),
    ],
)
def test_what_does_not_fit_is_said(links: list[Placed], problem: str) -> None:
    (found,) = chains(links)
    assert found.problems and any(one.startswith(problem) for one in found.problems), found.problems


def test_a_dropped_statement_cannot_be_papered_over() -> None:
    """The operator drops number 2 and counts on: the next one must name entry 7 or a later one, and both are found."""
    whole = chain_of(4)
    recounted = [whole[0], *((at, replace(link, count=link.count - 1)) for at, link in whole[2:])]
    assert chains(recounted)[0].problems == ("number 2 names the entry 14 as the one before, and number 1 is entry 7",)
    held_before = chains([*recounted, whole[1]])[0].problems
    assert any("given twice" in one for one in held_before)


def test_claimed_numbers_cost_nothing() -> None:
    (found,) = chains([(5, Link("s", "0" * 64, "ada", "EUR", "p", INTEGER_MAX, 4))])
    assert found.missing == ((1, INTEGER_MAX - 1),)


def test_a_body_is_read_strictly() -> None:
    ((_, first), (_, second)) = chain_of(2)
    assert link_of(to_plain(first)) == first and link_of(to_plain(second)) == second
    assert receipt_id_of("statement:1") == "statement:statement:1"
    plain = to_plain(second)
    wrong: list[Any] = [
        None, [], {}, plain | {"more": 1}, plain | {"count": "2"}, plain | {"count": True}, plain | {"count": 0},
        plain | {"count": 1}, plain | {"previous": FIRST}, plain | {"previous": -2}, plain | {"previous": 2**53},
        plain | {"sha256": "AB" * 32}, plain | {"sha256": ""}, to_plain(first) | {"previous": 0},
    ]  # fmt: skip
    for body in wrong:
        with pytest.raises(InputError):
            link_of(body)

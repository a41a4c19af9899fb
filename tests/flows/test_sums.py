"""The leaves of a close's sum trees hold all its money and nothing else, for every close that there can be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.errors import InputError, IntegrityError
from endcredits.flows import sums
from endcredits.flows.kept_sums import payees_of
from endcredits.receipts.sum_tree import MICROS_MAX, PAYEE, SumLeaf, SumTree, build, verify_sum
from endcredits.royalties.close import Closed
from endcredits.royalties.lines import write_lines
from tests.receipts.sums import salted
from tests.royalties.makers import ALL, FIFTY, Given, event, givens, november, output, song

DIGEST = "ab" * 32


def statements_of(closed: Closed) -> dict[tuple[str, str], str]:
    """Everybody with a payable line has a statement, and so has a payee who got nothing."""
    pools = closed.close.pools
    payees = {(line.party_id, pools[line.pool].currency) for line in closed.lines if line.state == "payable"}
    return {(str(party), currency): DIGEST for party, currency in payees} | {("idle", "USD"): DIGEST}


def leaves(closed: Closed) -> dict[str, list[SumLeaf]]:
    return sums.leaves_of(closed.close, sums.signed_sums_of(closed.lines), statements_of(closed))


def trees(closed: Closed) -> dict[str, SumTree]:
    """Built in memory, salts made from the leaves."""
    return {currency: build(salted(leaf) for leaf in found) for currency, found in leaves(closed).items()}


# --- every close that there can be ---


@settings(max_examples=60)
@given(givens())
def test_the_root_is_the_pool_for_every_close(inputs: Given) -> None:
    """Refunds, late usage, conversion, several pools and currencies: to the micro, and everybody under it."""
    closed = inputs.close()
    found = trees(closed)

    pools: Counter[str] = Counter()
    for pool in closed.close.pools:
        pools[pool.currency] += pool.pool_micros
    assert {currency: tree.paid - tree.taken for currency, tree in found.items()} == dict(pools) | {
        currency: 0 for currency in found if currency not in pools
    }
    earned: dict[tuple[str, str], list[int]] = {}
    for line in closed.lines:
        if line.state == "payable":
            both = earned.setdefault((str(line.party_id), closed.close.pools[line.pool].currency), [0, 0])
            both[line.amount_micros < 0] += abs(line.amount_micros)
    proven = {}
    for currency, tree in found.items():
        for party_id, index in payees_of(tree).items():
            place = tree.place(index)
            assert verify_sum(place, tree.published(currency)) and place.leaf.statement_sha256 == DIGEST
            proven[party_id, currency] = [place.leaf.paid_micros, place.leaf.taken_micros]
    assert proven == earned | {("idle", "USD"): [0, 0]}


@settings(max_examples=40)
@given(givens())
def test_other_kinds_are_what_the_close_states_of_them(inputs: Given) -> None:
    closed = inputs.close()
    stated: dict[tuple[str, str], list[int]] = {}

    def add(currency: str, kind: str, micros: int) -> None:
        if micros:
            stated.setdefault((currency, kind), [0, 0])[micros < 0] += abs(micros)

    for pool in closed.close.pools:
        add(pool.currency, "breakage", pool.breakage_micros)
        add(pool.currency, "rest", pool.rest_micros)
        for part in pool.parts:
            add(pool.currency, "commons", part.commons_micros)
            add(pool.currency, "suspense", part.suspense_micros)
            add(pool.currency, "disputed", part.disputed_micros)
    found = {
        (currency, leaf.kind): [leaf.paid_micros, leaf.taken_micros]
        for currency, of_currency in leaves(closed).items()
        for leaf in of_currency
        if leaf.kind != PAYEE
    }
    assert found == stated


@settings(max_examples=30)
@given(givens(), st.data())
def test_no_line_can_be_left_out_invented_or_changed(inputs: Given, data: st.DataObject) -> None:
    """The lines no longer add up to the pools, before any tree is made."""
    closed = inputs.close()
    if not closed.lines:
        return
    at = data.draw(st.integers(0, len(closed.lines) - 1))
    line = closed.lines[at]
    less, more = closed.lines[:at] + closed.lines[at + 1 :], (*closed.lines, line)
    other = (*less, replace(line, amount_micros=line.amount_micros + data.draw(st.sampled_from([-1, 1, 10**6]))))
    for wrong in (less, more, other):
        with pytest.raises(IntegrityError, match="its pools to"):
            leaves(replace(closed, lines=wrong))


def test_a_payee_with_lines_of_both_signs_keeps_them_apart() -> None:
    """What an adjustment gives for one work and takes for another is no smaller sum, but two."""
    closed = november(FIFTY).close()
    line = next(line for line in closed.lines if line.state == "payable")
    moved = [replace(line, territory="XX", amount_micros=5), replace(line, territory="YY", amount_micros=-5)]
    before, after = leaves(closed), leaves(replace(closed, lines=(*closed.lines, *moved)))
    currency = closed.close.pools[line.pool].currency
    (old,), (new,) = ([one for one in found[currency] if one.party_id == line.party_id] for found in (before, after))
    assert (new.paid_micros, new.taken_micros) == (old.paid_micros + 5, old.taken_micros + 5)


@settings(max_examples=15)
@given(givens())
def test_sums_of_a_table_are_those_of_its_lines(tmp_path_factory: pytest.TempPathFactory, inputs: Given) -> None:
    closed = inputs.close()
    folder = tmp_path_factory.mktemp("close")
    write_lines(folder / "lines.parquet", closed.lines)
    assert sums.signed_sums(folder) == sums.signed_sums_of(closed.lines)


def test_a_close_that_no_document_can_hold_is_refused_before_it_is_posted(tmp_path: Path) -> None:
    one = Given((song("w", ada=10**9),), (output("o", 1, w=1),), (event("e", "o", 1_000),), policy=ALL).close()
    write_lines(tmp_path / "lines.parquet", one.lines)
    sums.must_be_provable(one.close, tmp_path)
    (pool,) = one.close.pools
    (part,) = pool.parts
    huge = replace(pool, pool_micros=MICROS_MAX, rest_micros=MICROS_MAX - pool.pool_micros)
    assert part.amount_micros == pool.pool_micros
    sums.must_be_provable(replace(one.close, pools=(huge,)), tmp_path)
    beyond = replace(huge, pool_micros=MICROS_MAX + 1, rest_micros=huge.rest_micros + 1)
    with pytest.raises(InputError, match="more than a document can hold"):
        sums.must_be_provable(replace(one.close, pools=(beyond,)), tmp_path)

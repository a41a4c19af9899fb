"""Every payee proves their own place in what a period paid, and an operator who cheats is caught by the sums.

One period in which it all comes together: several payees, two currencies, a refund of an earlier month, a work whose money
waits in dispute, and a correction of the rules afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits.canonical import canonical_bytes, digest
from endcredits.flows import correcting, disputing, periods, reporting
from endcredits.flows.attributing import all_attributions
from endcredits.flows.checking import check_studio
from endcredits.flows.kept_sums import SUMS, kept_roots, published
from endcredits.flows.period_proofs import PERIOD, RECEIPT, leaf_problem
from endcredits.flows.studio import Studio, open_studio
from endcredits.flows.sums import expected_leaves
from endcredits.flows.versions import standing_version
from endcredits.payouts import Statement, parse_statement
from endcredits.receipts import Receipt, issue, verify_receipt
from endcredits.receipts.chain import chains, in_words, link_of
from endcredits.receipts.receipt import parse_receipt
from endcredits.receipts.sum_file import body_problem, place_of, read_tree, root_of
from endcredits.receipts.sum_tree import PAYEE, Salted, SumLeaf, SumPlace, SumTree, build, sum_problem
from endcredits.royalties import FIFTY_FIFTY, make_refund
from tests.story import house as h
from tests.story.house import House

MARCH = "2025-03"
AT = "2025-04-02T09:00:00Z"


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """A third month with dollars, euros, a refund of January and a dispute."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    used = h.january(all_attributions(opened))
    moved = [
        replace(one, event_id=f"mar-{n}", used_at=one.used_at.replace("2025-01", MARCH), revenue_micros=40_000_000 + n)
        for n, one in enumerate(used)
    ]
    reporting.report(opened, moved)
    reporting.report(opened, [make_refund("back", "jan-0", "2025-03-04T00:00:00Z", 2_000_000, "EUR")])
    disputing.open_for(opened, h.TIDE, h.DORA, "I wrote the half of it.")
    yield opened
    opened.close()


@pytest.fixture
def closed(studio: Studio) -> periods.ClosedPeriod:
    return close(studio)


def close(studio: Studio) -> periods.ClosedPeriod:
    return periods.close(studio, MARCH)


def handed_out(closed: periods.ClosedPeriod, statement: Statement) -> tuple[Receipt, SumPlace, Receipt]:
    """What lies beside a payee's statement: the period's receipt with their place, and their statement's receipt."""
    name = periods.statement_name(statement)
    period, attached = parse_receipt((closed.folder / f"{name}{PERIOD}").read_bytes())
    own, nothing = parse_receipt((closed.folder / f"{name}{RECEIPT}").read_bytes())
    assert nothing == {}
    return period, place_of(attached["sum"]), own


def published_for(period: Receipt, currency: str) -> Any:
    (one,) = [root_of(one) for one in period.body["sums"] if one["currency"] == currency]
    return one


# --- an honest operator ---


def test_everybody_finds_their_place(studio: Studio, closed: periods.ClosedPeriod) -> None:
    """From the files alone: the statement is inside the tree, the tree's sums are the pools', and the receipt is logged."""
    vkey = studio.log_to_read().vkey
    pools = {pool.kind for pool in closed.close.pools}
    assert "earned" in pools and len(pools) > 1, "a month of the past is adjusted"
    assert {pool.currency for pool in closed.close.pools} == {"EUR", "USD"}
    assert any(part.disputed_micros for pool in closed.close.pools for part in pool.parts)
    assert len({one.party_id for one in closed.statements}) >= 3

    seen: dict[str, int] = {}
    for statement in closed.statements:
        period, place, own = handed_out(closed, statement)
        document = (closed.folder / f"{periods.statement_name(statement)}.json").read_text()
        assert place.leaf.statement_sha256 == own.body["sha256"] == digest(parse_statement(document))
        assert sum_problem(place, published_for(period, statement.currency)) == ""
        assert leaf_problem(place.leaf, statement) == "" and body_problem(period.body) == ""
        for ending in (PERIOD, RECEIPT):
            verdict = verify_receipt((closed.folder / f"{periods.statement_name(statement)}{ending}").read_bytes(), vkey)
            assert verdict.verified, verdict.problem
        seen[statement.currency] = seen.get(statement.currency, 0) + place.leaf.paid_micros - place.leaf.taken_micros
    for currency, micros in seen.items():
        tree = read_tree(closed.tables / SUMS / f"{currency}.jsonl")
        others = [row.leaf for row in tree.rows if isinstance(row, Salted) and row.leaf.kind != PAYEE]
        assert micros + sum(leaf.paid_micros - leaf.taken_micros for leaf in others) == sum(
            pool.pool_micros for pool in closed.close.pools if pool.currency == currency
        )
        assert {"disputed", "suspense", "commons"} & {leaf.kind for leaf in others}
    assert check_studio(studio) == []


def test_a_payee_learns_of_nobody_else(closed: periods.ClosedPeriod) -> None:
    """Neither a name, nor a party, nor another statement's digest stands in what one payee is handed."""
    for statement in closed.statements:
        others = [one for one in closed.statements if one.party_id != statement.party_id]
        for ending in (PERIOD, RECEIPT):
            text = (closed.folder / f"{periods.statement_name(statement)}{ending}").read_text()
            for other in others:
                assert not any(word in text for word in (other.party_id, other.payee, digest(other), other.statement_id))


def test_a_correction_has_a_tree_of_its_own(studio: Studio, closed: periods.ClosedPeriod) -> None:
    """The rules were wrong: who got how much by the right ones is provable in the same way, beside the first receipt."""
    (rule,) = FIFTY_FIFTY.pools
    right = replace(FIFTY_FIFTY, name="sixty", pools=(replace(rule, share_ppb=600_000_000),))
    correcting.correct(studio, MARCH, right, reason="the operator's part is 40 percent", by="ada")

    made = dict(periods.proofs_of(studio, MARCH, closed.statements))

    vkey = studio.log_to_read().vkey
    with studio.store.reading() as conn:
        version = standing_version(studio, conn, MARCH)
        leaves = expected_leaves(conn, version.close, version.folder)
    for statement in closed.statements:
        name = periods.statement_name(statement)
        assert made[f"{name}{PERIOD}"] == (closed.folder / f"{name}{PERIOD}").read_bytes()
        data = made[f"{name}.correction-2.json"]
        receipt, attached = parse_receipt(data)
        place = place_of(attached["sum"])
        assert sum_problem(place, published_for(receipt, statement.currency)) == "" and body_problem(receipt.body) == ""
        assert place.leaf in leaves[statement.currency] and place.leaf.statement_sha256 == digest(statement)
        assert verify_receipt(data, vkey).verified, verify_receipt(data, vkey).problem
    assert kept_roots(version.folder) != kept_roots(closed.tables)
    assert check_studio(studio) == []


# --- a dishonest one ---

Cheat = Callable[[SumTree, SumLeaf], list[SumLeaf]]


def rebuilt(closed: periods.ClosedPeriod, currency: str, cheat: Cheat, victim: str) -> tuple[dict[str, Any], SumTree]:
    """The period's body and a tree as the operator would publish them after cheating one payee."""
    honest = read_tree(closed.tables / SUMS / f"{currency}.jsonl")
    (leaf,) = [row.leaf for row in honest.rows if isinstance(row, Salted) and row.leaf.party_id == victim]
    tree = build(Salted(one, digest([n, "salt"])) for n, one in enumerate(cheat(honest, leaf)))
    body = json.loads(canonical_bytes(closed.receipt.body))
    body["sums"] = [
        json.loads(canonical_bytes(tree.published(currency))) if one["currency"] == currency else one for one in body["sums"]
    ]
    return body, tree


def leaves(tree: SumTree) -> list[SumLeaf]:
    return [row.leaf for row in tree.rows if isinstance(row, Salted)]


def without(tree: SumTree, victim: SumLeaf) -> list[SumLeaf]:
    """One payee is left out."""
    return [one for one in leaves(tree) if one != victim]


def with_a_friend(tree: SumTree, victim: SumLeaf) -> list[SumLeaf]:
    """A payee whom nobody knows is paid besides."""
    return [*leaves(tree), replace(victim, party_id="party:friend", paid_micros=5_000_000)]


def less(tree: SumTree, victim: SumLeaf) -> list[SumLeaf]:
    """One payee's amount is smaller."""
    return [replace(one, paid_micros=one.paid_micros - 1) if one == victim else one for one in leaves(tree)]


def instead(tree: SumTree, victim: SumLeaf) -> list[SumLeaf]:
    """A friend gets what one payee earned: the sums are those of the pools."""
    return [*without(tree, victim), replace(victim, party_id="party:friend")]


def some_of_it(tree: SumTree, victim: SumLeaf) -> list[SumLeaf]:
    """A friend gets some of it: the sums are those of the pools, and the payee has a leaf."""
    friend = replace(victim, party_id="party:friend", paid_micros=1_000, taken_micros=0)
    return [replace(one, paid_micros=one.paid_micros - 1_000) if one == victim else one for one in [*leaves(tree), friend]]


def a_debt(tree: SumTree, victim: SumLeaf) -> list[SumLeaf]:
    """A friend is paid, and somebody who does not exist owes as much."""
    friend = replace(victim, party_id="party:friend", paid_micros=5_000_000, taken_micros=0)
    return [*leaves(tree), friend, replace(friend, party_id="party:nobody", paid_micros=0, taken_micros=5_000_000)]


def somebody(closed: periods.ClosedPeriod) -> Statement:
    """A payee with a good amount of euros."""
    return max((one for one in closed.statements if one.currency == "EUR"), key=lambda one: one.summary.earned_micros)


@pytest.mark.parametrize("cheat", [without, with_a_friend, less])
def test_sums_that_are_not_the_pools_are_refused_by_everybody(closed: periods.ClosedPeriod, cheat: Cheat) -> None:
    """Left out, invented, or changed: the root's own sums no longer are the pools'."""
    body, _ = rebuilt(closed, "EUR", cheat, somebody(closed).party_id)
    assert body_problem(body) == "the sums in EUR are not those of its pools"
    assert body_problem(closed.receipt.body) == ""


@pytest.mark.parametrize("cheat", [without, with_a_friend, less])
def test_stating_the_pools_sums_all_the_same_fails_on_every_path(closed: periods.ClosedPeriod, cheat: Cheat) -> None:
    """The operator publishes the right sums over the wrong tree: nobody at all can be given a path."""
    statement = somebody(closed)
    _, tree = rebuilt(closed, "EUR", cheat, statement.party_id)
    true = published_for(closed.receipt, "EUR")
    stated = replace(tree.published("EUR"), paid_micros=true.paid_micros, taken_micros=true.taken_micros)
    for index in range(len(tree.rows)):
        assert sum_problem(tree.place(index), stated) == "the sums along the path are not the published ones"


def test_whoever_was_replaced_has_no_place(closed: periods.ClosedPeriod) -> None:
    """The sums fit, so it is the one who was left out who finds it: no leaf holds their statement."""
    statement = somebody(closed)
    body, tree = rebuilt(closed, "EUR", instead, statement.party_id)
    assert body_problem(body) == ""
    _, honest, _ = handed_out(closed, statement)
    assert sum_problem(honest, tree.published("EUR"))
    for index, _ in enumerate(tree.rows):
        assert leaf_problem(tree.place(index).leaf, statement)


def test_whoever_got_less_sees_it_in_their_own_leaf(closed: periods.ClosedPeriod) -> None:
    statement = somebody(closed)
    body, tree = rebuilt(closed, "EUR", some_of_it, statement.party_id)
    assert body_problem(body) == ""
    (index,) = [n for n, row in enumerate(tree.rows) if isinstance(row, Salted) and row.leaf.party_id == statement.party_id]
    place = tree.place(index)
    assert sum_problem(place, tree.published("EUR")) == ""
    assert leaf_problem(place.leaf, statement) == "the leaf has other amounts than the statement's lines"


def test_an_invented_debt_shows_in_what_was_taken_back(closed: periods.ClosedPeriod) -> None:
    """Give less take is the pools', but the two sums are published apart, and refunds are in the pools for all to see."""
    body, tree = rebuilt(closed, "EUR", a_debt, somebody(closed).party_id)
    assert body_problem(body) == ""
    true = published_for(closed.receipt, "EUR")
    assert tree.taken == true.taken_micros + 5_000_000 and tree.paid == true.paid_micros + 5_000_000


def test_the_operators_own_check_finds_a_tree_that_was_exchanged(studio: Studio, closed: periods.ClosedPeriod) -> None:
    """Before anybody else does: the kept tree, the receipt and the books no longer say the same."""
    path = closed.tables / SUMS / "EUR.jsonl"
    lines = path.read_bytes().splitlines()
    row = json.loads(lines[0])
    row["leaf"]["paid_micros"] += 1
    path.write_bytes(b"\n".join([canonical_bytes(row), *lines[1:]]) + b"\n")
    found = [one.where for one in check_studio(studio)]
    assert any(where.startswith("sum tree") for where in found)


def test_a_second_receipt_of_the_same_period_cannot_be_had(studio: Studio, closed: periods.ClosedPeriod) -> None:
    """Whoever would publish another root for the period is refused by the log's own names."""
    from endcredits.errors import ConflictError

    body, _ = rebuilt(closed, "EUR", instead, somebody(closed).party_id)
    with pytest.raises(ConflictError, match="issued with another content"):
        issue(studio.log(), studio.receipts, [(closed.receipt.receipt_id, "period.receipt", body)], AT)


def test_a_dropped_statement_shows_as_a_gap(studio: Studio, closed: periods.ClosedPeriod) -> None:
    """A payee who was never handed February's sees from January's and March's that one is missing."""
    statement = somebody(closed)
    held: dict[str, Receipt] = {}
    for period_id in (h.JANUARY, h.FEBRUARY, MARCH):
        name = periods.statement_name(statement)
        data = (periods.period_folder(studio, period_id) / f"{name}{RECEIPT}").read_bytes()
        held[period_id], _ = parse_receipt(data)

    def seen(receipts: Mapping[str, Receipt]) -> Any:
        (chain,) = chains((one.proof.leaf_index, link_of(one.body)) for one in receipts.values())
        return chain

    assert (seen(held).missing, seen(held).problems) == ((), ())
    del held[h.FEBRUARY]
    assert seen(held).missing == ((2, 2),) and seen(held).problems == ()
    assert in_words(seen(held)) == "Number 2 is missing among 1 to 3."


def test_published_again_the_roots_are_the_same(studio: Studio, closed: periods.ClosedPeriod) -> None:
    again = periods.publish(studio, MARCH, was_closed=True)
    assert again.receipt == closed.receipt
    trees = {path.stem: read_tree(path) for path in sorted((closed.tables / SUMS).glob("*.jsonl"))}
    assert json.loads(canonical_bytes(published(trees))) == closed.receipt.body["sums"]

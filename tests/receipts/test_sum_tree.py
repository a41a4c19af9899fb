"""The sum tree: equal to its slow twin, and nobody can be left out, invented, moved or changed without being found out."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.canonical import canonical_bytes
from endcredits.errors import InputError
from endcredits.receipts.sum_tree import (
    EMPTY_ROOT,
    KINDS,
    MICROS_MAX,
    PAYEE,
    Salted,
    SumLeaf,
    SumNode,
    SumPlace,
    SumRoot,
    build,
    leaf_bytes,
    leaf_hash,
    sum_problem,
    verify_sum,
)
from tests.receipts.sums import NAMES, payee, rows, salted, slow_leaf, slow_node, slow_path, slow_tree, some

# --- against the twin ---


@given(rows())
def test_the_tree_is_that_of_its_slow_twin(given_rows: list[Salted]) -> None:
    tree = build(given_rows)

    leaves = sorted((slow_leaf(row) for row in given_rows), key=lambda one: one[2])
    assert (tree.paid, tree.taken, tree.root) == slow_tree(leaves)
    for index in range(len(leaves)):
        path = [(step.paid_micros, step.taken_micros, bytes.fromhex(step.hash)) for step in tree.path(index)]
        assert path == slow_path(leaves, index)


def test_every_size_has_the_shape_of_rfc_6962() -> None:
    for size in range(70):
        tree = build(some(*range(size)))
        leaves = [slow_leaf(row) for row in tree.rows if isinstance(row, Salted)]
        assert tree.root == slow_tree(leaves)[2]
        assert tree.published("EUR").count == size
        for index in range(size):
            assert len(tree.path(index)) <= max(0, (size - 1).bit_length())
            assert verify_sum(tree.place(index), tree.published("EUR"))


@given(NAMES, st.integers(0, MICROS_MAX), st.sampled_from(KINDS))
def test_a_leaf_is_spelt_as_documents_are(name: str, micros: int, kind: str) -> None:
    leaf = SumLeaf(kind, name, "EUR", micros, MICROS_MAX - micros, "cd" * 32)
    assert leaf_bytes(leaf) == canonical_bytes(leaf)


def test_half_a_character_has_no_spelling() -> None:
    with pytest.raises(InputError, match="half a character"):
        leaf_bytes(payee("\ud800", 1))


def test_known_answers() -> None:
    """Fixed values, so that another program can be held against them."""
    ada, ben = Salted(payee("ada", 7_000_000), "00" * 32), Salted(payee("ben", 5, 3), "01" * 32)
    assert leaf_hash(ada.leaf, bytes(32)).hex() == "0c6d725d4bb7f013239b20e4c3cf6b5204acf995479c88ae8ff9f7163a08be65"
    root = "11f663f9c4bf4221ebbc69fe37e6d686048f74a11e7cef29f400a21e27b04106"
    assert build([ben, ada]).published("EUR") == SumRoot("EUR", 2, 7_000_005, 3, root)


def test_the_order_in_which_leaves_are_given_never_matters() -> None:
    given_rows = some(5, 3, 9, 1, 7)
    assert build(given_rows).root == build(given_rows[::-1]).root
    hashes = [slow_leaf(row)[2] for row in build(given_rows).rows if isinstance(row, Salted)]
    assert hashes == sorted(hashes)


# --- the edges ---


def test_an_empty_tree() -> None:
    tree = build([])
    assert (tree.paid, tree.taken, tree.root, tree.rows) == (0, 0, EMPTY_ROOT, ())
    with pytest.raises(IndexError):
        tree.place(0)
    place = SumPlace("EUR", 0, payee("ada", 0), (), "00" * 32)
    assert sum_problem(place, tree.published("EUR")) == "there is no leaf 0 among 0"


def test_one_leaf_is_its_own_root() -> None:
    (row,) = some(5)
    tree = build([row])
    assert tree.root == leaf_hash(row.leaf, bytes.fromhex(row.salt)) and tree.path(0) == ()
    assert verify_sum(tree.place(0), tree.published("EUR"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 1000])
def test_there_is_nothing_beyond_the_last_leaf(size: int) -> None:
    tree = build(some(*range(size)))
    for index in (-1, size):
        with pytest.raises(IndexError):
            tree.path(index)


@pytest.mark.parametrize("field", ["paid_micros", "taken_micros"])
@pytest.mark.parametrize("amount", [-1, -MICROS_MAX, MICROS_MAX + 1, 2**63, 2**64, 2**128])
def test_negative_and_overflowing_amounts_are_refused(field: str, amount: int) -> None:
    wrong = replace(payee("ada", 0), **{field: amount})
    with pytest.raises(InputError, match="cannot stand in a sum tree"):
        build([salted(wrong)])
    tree = build(some(1, 2, 3))
    place, published = tree.place(0), tree.published("EUR")
    assert "cannot stand" in sum_problem(replace(place, leaf=replace(place.leaf, **{field: amount})), published)
    step = replace(place.path[0], **{field: amount})
    assert "cannot stand" in sum_problem(replace(place, path=(step, *place.path[1:])), published)


@pytest.mark.parametrize("amount", [True, 1.0, "1", None])
def test_amounts_are_whole_numbers(amount: object) -> None:
    with pytest.raises(InputError, match="cannot stand in a sum tree"):
        build([salted(replace(payee("ada", 0), paid_micros=amount))])  # type: ignore[arg-type]


def test_sums_beyond_what_documents_hold_are_refused() -> None:
    most = [salted(payee("ada", MICROS_MAX)), salted(payee("ben", 0, MICROS_MAX))]
    assert (build(most).paid, build(most).taken) == (MICROS_MAX, MICROS_MAX)
    for more in (payee("cyd", 1), payee("cyd", 0, 1)):
        with pytest.raises(InputError, match="cannot stand in a sum tree"):
            build([*most, salted(more)])


def test_a_debt_makes_no_room_for_an_invented_payee() -> None:
    """With signed sums, a leaf of -5 and an invented one of 5 would leave the total as it was."""
    honest = some(10, 20)
    invented = [*honest, salted(payee("friend", 5))]
    with pytest.raises(InputError):
        build([*invented, salted(payee("nobody", -5))])
    taken_instead = build([*invented, salted(payee("nobody", 0, 5))])
    assert taken_instead.paid - taken_instead.taken == build(honest).paid - build(honest).taken
    assert taken_instead.paid == build(honest).paid + 5, "the sum of what was given shows it"


@pytest.mark.parametrize(
    "leaf",
    [
        replace(payee("ada", 1), kind="friends"),
        replace(payee("ada", 1), kind="commons"),
        replace(payee("ada", 1), party_id=""),
        replace(payee("ada", 1), currency="eur"),
        replace(payee("ada", 1), statement_sha256="AB" * 32),
        replace(payee("ada", 1), statement_sha256="ab" * 31),
        SumLeaf("rest", "", "EUR", 1, 0, "ab" * 32),
    ],
)
def test_what_does_not_go_together_is_refused(leaf: SumLeaf) -> None:
    with pytest.raises(InputError):
        build([salted(leaf)])


@pytest.mark.parametrize("salt", ["", "00" * 31, "00" * 33, "0G" * 32, "AB" * 32, "\u0660" * 64])
def test_a_salt_has_32_bytes(salt: str) -> None:
    with pytest.raises(InputError):
        build([Salted(payee("ada", 1), salt)])
    tree = build(some(1, 2))
    assert sum_problem(replace(tree.place(0), salt=salt), tree.published("EUR"))


def test_a_leaf_stands_once() -> None:
    (row,) = some(5)
    with pytest.raises(InputError, match="twice"):
        build([row, row])


# --- what no operator can do ---


@given(rows(least=1), st.data())
def test_nobody_can_be_left_out(given_rows: list[Salted], data: st.DataObject) -> None:
    """Without one leaf the root is another, and whoever was left out has no place under it."""
    tree = build(given_rows)
    index = data.draw(st.integers(0, len(given_rows) - 1))
    left = build([row for number, row in enumerate(tree.rows) if number != index])

    assert left.root != tree.root
    gone = tree.place(index)
    assert left.paid == tree.paid - gone.leaf.paid_micros and left.taken == tree.taken - gone.leaf.taken_micros
    for at in range(len(given_rows)):
        assert not verify_sum(replace(gone, index=at), left.published("EUR"))


@given(rows(least=1), st.integers(1, 10**9))
def test_nobody_can_be_invented(given_rows: list[Salted], amount: int) -> None:
    """Under the honest sums the invented leaf has no place, and with it the sums are others."""
    tree = build(given_rows)
    invented = salted(payee("invented", amount))
    more = build([*given_rows, invented])

    place = next(more.place(number) for number, row in enumerate(more.rows) if row == invented)
    assert not verify_sum(place, tree.published("EUR"))
    assert more.paid == tree.paid + amount
    assert not verify_sum(place, replace(more.published("EUR"), paid_micros=tree.paid, taken_micros=tree.taken))


@given(rows(least=1), st.data())
def test_nothing_of_a_proof_can_be_changed(given_rows: list[Salted], data: st.DataObject) -> None:
    tree = build(given_rows)
    published = tree.published("EUR")
    place = tree.place(data.draw(st.integers(0, len(given_rows) - 1)))
    assert sum_problem(place, published) == ""

    leaf = place.leaf
    other = data.draw(
        st.sampled_from(
            [
                replace(leaf, paid_micros=leaf.paid_micros + 1),
                replace(leaf, taken_micros=leaf.taken_micros + 1),
                replace(leaf, paid_micros=leaf.taken_micros, taken_micros=leaf.paid_micros),
                replace(leaf, kind=PAYEE, party_id=f"{leaf.party_id}x"),
                replace(leaf, currency="USD"),
                replace(leaf, statement_sha256="cd" * 32 if leaf.kind == PAYEE else ""),
            ]
        )
    )
    if other != leaf:
        assert sum_problem(replace(place, leaf=other), published)
    assert sum_problem(replace(place, salt="0" * 64), published)
    moved = data.draw(st.integers(-2, len(given_rows) + 2))
    if moved != place.index:
        assert sum_problem(replace(place, index=moved), published)
    for extra in (place.path[:1], (SumNode("0" * 64, 0, 0),)):
        assert not extra or sum_problem(replace(place, path=place.path + extra), published)
    if place.path:
        assert sum_problem(replace(place, path=place.path[:-1]), published)
        at = data.draw(st.integers(0, len(place.path) - 1))
        step = place.path[at]
        changed = data.draw(
            st.sampled_from(
                [
                    replace(step, paid_micros=step.paid_micros + 1),
                    replace(step, taken_micros=step.taken_micros + 1),
                    replace(step, paid_micros=step.taken_micros, taken_micros=step.paid_micros),
                    replace(step, hash="0" * 64),
                ]
            )
        )
        if changed != step:
            assert sum_problem(replace(place, path=(*place.path[:at], changed, *place.path[at + 1 :])), published)
    for wrong in (
        replace(published, paid_micros=published.paid_micros + 1),
        replace(published, taken_micros=published.taken_micros + 1),
        replace(published, currency="USD"),
        replace(published, root="0" * 64),
        replace(published, count=place.index),
    ):
        assert sum_problem(place, wrong)


def test_moving_money_between_neighbours_breaks_the_path() -> None:
    """What one leaf loses the leaf beside it gains: the sums above fit, the hashes do not."""
    tree = build(some(10, 20, 30, 40))
    place = tree.place(0)
    richer = replace(place.leaf, paid_micros=place.leaf.paid_micros + 1)
    poorer = replace(place.path[0], paid_micros=place.path[0].paid_micros - 1)
    assert sum_problem(replace(place, leaf=richer, path=(poorer, *place.path[1:])), tree.published("EUR")) == (
        "the path leads to another root than the published one"
    )


def test_a_leaf_is_never_taken_for_a_node() -> None:
    """A node's two children, offered as the record of a leaf, hash to something else, whatever the sums."""
    tree = build(some(1, 2, 3, 4))
    left, right = (slow_leaf(row) for row in tree.rows[:2] if isinstance(row, Salted))
    above = slow_node(left, right)
    both = b"".join(paid.to_bytes(16, "big") + taken.to_bytes(16, "big") + digest for paid, taken, digest in (left, right))
    assert above[2] == hashlib.sha256(b"\x11" + both).digest() != hashlib.sha256(b"\x10" + both).digest()
    offered = SumPlace("EUR", 0, payee("node", above[0], above[1]), tree.path(0)[1:], above[2].hex())
    assert sum_problem(offered, replace(tree.published("EUR"), count=2))


def test_the_count_decides_how_high_the_tree_is() -> None:
    tree = build(some(*range(9)))
    for index in range(9):
        place = tree.place(index)
        wrong = [count for count in range(index + 1, 40) if verify_sum(place, replace(tree.published("EUR"), count=count))]
        assert 9 in wrong, "the right one is accepted"
        for count in wrong:
            assert len(place.path) == len(build(some(*range(count))).path(index)), "others only where the path is the same"


# --- erasing ---


@given(rows(least=2, most=9), st.data())
def test_an_erased_leaf_leaves_all_other_proofs_as_they_were(given_rows: list[Salted], data: st.DataObject) -> None:
    tree = build(given_rows)
    index = data.draw(st.integers(0, len(given_rows) - 1))
    row = tree.rows[index]
    assert isinstance(row, Salted)
    bare = SumNode(slow_leaf(row)[2].hex(), row.leaf.paid_micros, row.leaf.taken_micros)

    erased = build([bare if number == index else one for number, one in enumerate(tree.rows)])

    assert erased.published("EUR") == tree.published("EUR")
    for number in range(len(given_rows)):
        assert erased.path(number) == tree.path(number)
    with pytest.raises(InputError, match="was erased"):
        erased.place(index)

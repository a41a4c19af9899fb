"""What a payee is handed: spelt as receipts are, whole or not at all, and refused where it is another's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.canonical import to_plain
from endcredits.errors import NotFoundError
from endcredits.flows import periods
from endcredits.flows.kept_sums import payees_of
from endcredits.flows.period_proofs import PERIOD, RECEIPT, leaf_problem, must_be_whole, same_proof, with_place
from endcredits.flows.studio import Studio, open_studio
from endcredits.receipts import fresh, load_receipt, receipt_bytes, receipt_path
from endcredits.receipts.chain import receipt_id_of
from endcredits.receipts.sum_file import read_tree
from tests.interfaces.terminal import type_in, type_well
from tests.story import house as h
from tests.story.house import House


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed months."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def test_a_place_is_put_in_where_the_one_spelling_has_it(studio: Studio) -> None:
    """The quick way gives the bytes of the slow one, for every payee."""
    closed = periods.find_period(studio, h.JANUARY)
    whole = receipt_bytes(closed.receipt)
    for path in sorted((closed.tables / "sums").glob("*.jsonl")):
        tree = read_tree(path)
        for index in payees_of(tree).values():
            slow = receipt_bytes(closed.receipt, sum=to_plain(tree.place(index)))
            assert with_place(whole, tree.place(index)) == slow


def test_the_same_proof_under_a_later_checkpoint_is_the_same(studio: Studio) -> None:
    statement = periods.find_period(studio, h.JANUARY).statements[0]
    receipt = load_receipt(receipt_path(studio.receipts, receipt_id_of(statement.statement_id)))
    log = studio.log_to_read()
    expected, later = receipt_bytes(receipt), receipt_bytes(fresh(log, receipt))
    assert later != expected and same_proof(later, expected, log.vkey)
    other = load_receipt(receipt_path(studio.receipts, periods.receipt_id_of(h.JANUARY)))
    for wrong in (receipt_bytes(other), later[:-2], later.replace(b"index ", b"index 1"), b""):
        assert not same_proof(wrong, expected, log.vkey)


def test_a_leaf_is_held_against_the_statement(studio: Studio) -> None:
    closed = periods.find_period(studio, h.JANUARY)
    statement = closed.statements[0]
    tree = read_tree(closed.tables / "sums" / f"{statement.currency}.jsonl")
    leaf = tree.place(payees_of(tree)[statement.party_id]).leaf
    assert leaf_problem(leaf, statement) == ""
    assert "somebody else" in leaf_problem(replace(leaf, party_id="party:x"), statement)
    assert "another statement" in leaf_problem(leaf, replace(statement, payee="Somebody"))
    for change in ({"paid_micros": leaf.paid_micros + 1}, {"taken_micros": leaf.taken_micros + 1}):
        assert "other amounts" in leaf_problem(replace(leaf, **change), statement)


def test_less_than_the_whole_proof_is_named(studio: Studio) -> None:
    (statement,) = periods.find_period(studio, h.JANUARY).statements[:1]
    name = periods.statement_name(statement)
    whole = {f"{name}{RECEIPT}", f"{name}{PERIOD}"}
    must_be_whole(whole, [statement], periods.statement_name)
    must_be_whole({f"{name}-v2{RECEIPT}"}, [replace(statement, version=2)], periods.statement_name)
    for one in whole:
        with pytest.raises(NotFoundError, match="is not here"):
            must_be_whole(whole - {one}, [statement], periods.statement_name)


def test_the_command_hands_out_what_proves_a_statement(studio: Studio, tmp_path: Path) -> None:
    """The statement, its receipt and the place, which the verifier reads; without a folder it says so."""
    out = tmp_path / "mail"
    words = ("statement", h.JANUARY, "--payee", h.ADA, "--form", "proof", "-s", studio.path)
    assert "Name a folder with --out" in type_in(*words).err
    written = type_well(*words, "--out", out, "--json").json["written"]
    assert {"".join(Path(file).suffixes) for file in written} == {".json", RECEIPT, PERIOD}
    proofs = [file for file in written if file.endswith((RECEIPT, PERIOD))]
    vkey = studio.path / "log" / "log.vkey"
    assert all(line.startswith("VERIFIED") for line in type_well("verify", *proofs, "--vkey", vkey).out.splitlines()[:1])
    assert json.loads(Path(proofs[0]).read_text())["v"] == 2

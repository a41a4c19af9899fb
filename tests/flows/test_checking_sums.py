"""What is wrong with trees, chains and the files that payees are handed is found and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from endcredits.flows import periods
from endcredits.flows.checking_sums import check_chains, check_proof_files, check_trees
from endcredits.flows.studio import Studio, open_studio
from endcredits.receipts import receipts_in
from endcredits.receipts.chain import TYPE
from endcredits.receipts.names import receipt_name
from endcredits.receipts.sum_file import read_tree, write_tree
from tests.receipts.sums import erased
from tests.story import house as h
from tests.story.house import House


@pytest.fixture
def studio(tmp_path: Path, house: House) -> Iterator[Studio]:
    """Two closed months."""
    opened = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield opened
    opened.close()


def test_a_whole_studio_has_nothing_to_find(studio: Studio) -> None:
    for check in (check_trees, check_chains, check_proof_files):
        assert list(check(studio)) == []


def test_every_changed_byte_of_a_payees_file_is_found(studio: Studio) -> None:
    """One in twenty, in both kinds of files."""
    folder = periods.period_folder(studio, h.JANUARY)
    for path in (min(folder.glob("*.receipt.json")), min(folder.glob("*.period.json"))):
        data = path.read_bytes()
        for at in range(0, len(data), max(1, len(data) // 20)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            (found,) = check_proof_files(studio)
            assert found.where == f"proof file {path}"
        path.write_bytes(data)
    assert list(check_proof_files(studio)) == []


def test_files_that_are_missing_or_too_many_are_found_and_written_again(studio: Studio) -> None:
    folder = periods.period_folder(studio, h.JANUARY)
    before = h.files(folder)
    for path in [*folder.glob("*.receipt.json"), *folder.glob("*.period.json")]:
        path.unlink()
    assert {one.problem for one in check_proof_files(studio)} == {"it is missing; close the period again to write it"}
    periods.find_period(studio, h.JANUARY)
    assert h.files(folder) == before
    (folder / "stranger.period.json").write_text("{}")
    (found,) = check_proof_files(studio)
    assert "stranger" in found.where and "was erased, or is lost" in found.problem


def test_a_missing_number_is_found_without_the_books(studio: Studio) -> None:
    """Somebody's first statement receipt is gone; the second one says so."""
    receipts = [one for one in receipts_in(studio.receipts) if one.type == TYPE]
    second = next(one for one in receipts if one.body["count"] == 2)
    first = next(one for one in receipts if one.proof.leaf_index == second.body["previous"])
    (studio.receipts / f"{receipt_name(first.receipt_id)}.json").unlink()
    (found,) = check_chains(studio)
    assert found.where == f"statements of {second.body['party_id']} in {second.body['currency']}"
    assert found.problem == "Number 1 is missing among 1 to 2."


def test_an_erased_payee_leaves_no_finding_but_the_copies(studio: Studio) -> None:
    """The leaf is gone, root and other proofs stand; the payee's own copy is named until it is removed."""
    folder = periods.find_period(studio, h.JANUARY).tables
    statement = periods.find_period(studio, h.JANUARY).statements[0]
    own = [one for one in periods.find_period(studio, h.JANUARY).statements if one.party_id == statement.party_id]
    for path in sorted((folder / "sums").glob("*.jsonl")):
        write_tree(path, erased(read_tree(path), statement.party_id))
    assert list(check_trees(studio)) == []
    found = [one.where for one in check_proof_files(studio)]
    assert len(found) == len(own) >= 1 and all(where.endswith(".period.json") for where in found)


def test_a_tree_that_is_lost_is_named_and_never_made_anew(studio: Studio) -> None:
    folder = periods.find_period(studio, h.JANUARY).tables
    (folder / "sums" / "EUR.jsonl").unlink()
    (found,) = check_trees(studio)
    assert "EUR.jsonl" in found.where
    assert any("cannot be made from what is kept" in one.problem for one in check_proof_files(studio))

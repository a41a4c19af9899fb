"""A file and a receipt belong together only when every field that both have is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from endcredits.receipts import Item, issue, receipt_bytes
from endcredits.receipts.credentials import Proof, Reading, disagreements
from tests.receipts import helpers

FIELDS = ("output_id", "output_sha256", "attribution_sha256", "lines_count", "lines_root")


@pytest.fixture
def issued(tmp_path: Path) -> tuple[bytes, str, Proof]:
    """A receipt, the log's key, and what a manifest says of it."""
    log = helpers.new_log(tmp_path / "log", 3)
    said = {**helpers.run_body(1), "output": {"sha256": "a" * 64}, "attribution_sha256": "b" * 64}
    item = Item("out-1", "run.receipt", said, helpers.run_lines(1))
    (receipt,) = issue(log, tmp_path / "receipts", [item], helpers.AT)
    body: Any = receipt.body
    proof = Proof(
        output_id=body["output_id"],
        receipt_id=receipt.receipt_id,
        output_sha256=body["output"]["sha256"],
        attribution_sha256=body["attribution_sha256"],
        lines_count=body["lines_count"],
        lines_root=body["lines_root"],
        log_origin=helpers.KEY.name,
        log_index=receipt.proof.leaf_index,
    )
    return receipt_bytes(receipt), log.vkey, proof


def reading(proof: Proof, state: str = "Valid") -> Reading:
    """What is read from a file that says so."""
    said: dict[str, Any] = {name: getattr(proof, name) for name in FIELDS}
    said["receipt"] = {name: getattr(proof, name) for name in ("receipt_id", "log_origin", "log_index")}
    return Reading(state, "image/png", attribution=said)


def test_what_belongs_together(issued: tuple[bytes, str, Proof]) -> None:
    receipt, vkey, proof = issued
    assert disagreements(reading(proof), receipt, vkey) == ()


@pytest.mark.parametrize("name", [*FIELDS, "receipt_id", "log_origin", "log_index"])
def test_each_field_counts(issued: tuple[bytes, str, Proof], name: str) -> None:
    receipt, vkey, proof = issued
    other: Any = 999 if isinstance(getattr(proof, name), int) else "other"
    (problem,) = disagreements(reading(replace(proof, **{name: other})), receipt, vkey)
    assert problem == f"the file's {name.replace('_', ' ')} is not the receipt's"


def test_another_kind_of_number_does_not_agree(issued: tuple[bytes, str, Proof]) -> None:
    receipt, vkey, proof = issued
    assert disagreements(reading(replace(proof, lines_count=float(proof.lines_count))), receipt, vkey)  # type: ignore[arg-type]
    assert disagreements(reading(replace(proof, log_index=str(proof.log_index))), receipt, vkey)  # type: ignore[arg-type]


def test_what_is_missing_does_not_agree(issued: tuple[bytes, str, Proof]) -> None:
    receipt, vkey, _ = issued
    empty = Reading("Valid", "image/png", attribution={})
    assert len(disagreements(empty, receipt, vkey)) == 8
    odd = Reading("Valid", "image/png", attribution={"receipt": ["out-1"]})
    assert len(disagreements(odd, receipt, vkey)) == 8


def test_a_file_or_a_receipt_that_does_not_hold(issued: tuple[bytes, str, Proof]) -> None:
    receipt, vkey, proof = issued
    for found in (reading(proof, "Invalid"), reading(proof, "none"), Reading("Trusted", "image/png")):
        assert disagreements(found, receipt, vkey) == ("the file has no valid credentials that name a receipt",)
    (problem,) = disagreements(reading(proof), receipt.replace(b'"out-1"', b'"out-2"'), vkey)
    assert problem.startswith("the receipt does not verify: ")
    with pytest.raises(ValueError):
        disagreements(reading(proof), receipt, "no key")

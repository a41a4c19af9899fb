"""Anomalies: told with their numbers, and never of honest earnings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from endcredits.ids import PartyId
from endcredits.money import PPB
from endcredits.royalties.anomalies import Limits, anomalies
from endcredits.royalties.frozen import SCHEMAS, Frozen, table_path, table_schema

ADA, BOB = PartyId("party:ada"), PartyId("party:bob")
LIMITS = Limits(floor_micros=1_000)
EARNED = {(ADA, "EUR"): 10_000, (BOB, "EUR"): 10_000}


def frozen(folder: Path, payers: list[tuple[str, int]], clusters: list[int]) -> Frozen:
    """Outputs of one work each (by work row), each paid by a payer; the first half of the works is Ada's."""
    count = len(clusters)
    tables: dict[str, dict[str, list[Any]]] = {
        "works": {
            "work_id": [f"w{n}" for n in range(count)],
            "cluster": clusters,
            "registered_at": ["2026-01-01T00:00:00Z"] * count,
            "state": ["payable"] * count,
            "paid_ppb": [PPB] * count,
        },
        "parties": {"party_id": [ADA, BOB]},
        "splits": {
            "work": list(range(count)),
            "right": ["train"] * count,
            "territory": ["WORLD"] * count,
            "party": [int(2 * n >= count) for n in range(count)],
            "split_ppb": [PPB] * count,
        },
        "credits": {
            "output": list(range(count)),
            "work": list(range(count)),
            "share_ppb": [PPB] * count,
            "credit_nanonats": [1] * count,
            "error_nanonats": [0] * count,
        },
        "events": {
            **{name: [value] * len(payers) for name, value in SAME.items()},
            "event_id": [f"e{n}" for n in range(len(payers))],
            "output": [row for _, row in payers],
            "payer": [payer for payer, _ in payers],
        },
    }
    for name, schema in SCHEMAS.items():
        columns = tables.get(name, {column: [] for column in schema})
        pq.write_table(pa.table({c: columns[c] for c in schema}, schema=table_schema(name)), table_path(folder, name))
    return Frozen(folder, ())


SAME = {
    "kind": "earned",
    "usage_period": "",
    "service": "s",
    "territory": "WORLD",
    "offer": "",
    "use": "generation",
    "currency": "EUR",
    "uses": 1,
    "gross_micros": 1_000_000,
    "tax_micros": 0,
    "refunded_micros": 0,
}


def test_honest_earnings_are_not_anomalous(tmp_path):
    spread = frozen(tmp_path, [(f"payer-{n}", n % 4) for n in range(40)], [0, 1, 2, 3])
    history = {payee: [9_000, 11_000, 8_000] for payee in EARNED}
    assert anomalies(spread, EARNED, history, LIMITS) == ()


def test_a_jump_is_told_and_needs_a_history(tmp_path):
    spread = frozen(tmp_path, [(f"payer-{n}", n % 4) for n in range(40)], [0, 1, 2, 3])
    (found,) = anomalies(spread, EARNED, {(ADA, "EUR"): [900, 1_000, 1_100], (BOB, "EUR"): [1, 1]}, LIMITS)
    assert (found.party_id, found.kind) == (ADA, "jump")
    assert "10 times" in found.reason


def test_buying_ones_own_outputs_is_told(tmp_path):
    payers = [(f"payer-{n}", 2 + n % 2) for n in range(10)] + [("washer", 0)] * 10 + [("payer-0", 1)]
    (found,) = anomalies(frozen(tmp_path, payers, [0, 1, 2, 3]), EARNED, {}, LIMITS)
    assert (found.party_id, found.kind) == (ADA, "one payer")
    assert "91%" in found.reason and "100%" in found.reason


def test_many_copies_are_told_in_a_folder_with_a_quote(tmp_path):
    folder = tmp_path / "it's a studio"
    folder.mkdir()
    copies = frozen(folder, [(f"payer-{n}", n % 12) for n in range(60)], [0] * 5 + [5, 6, 7, 8, 9, 10, 11])
    (found,) = anomalies(copies, EARNED, {}, LIMITS)
    assert (found.party_id, found.kind) == (ADA, "copies")


@pytest.mark.parametrize("floor", [10_001, 10**12])
def test_small_earnings_are_not_looked_at(tmp_path, floor):
    payers = [("washer", 0)] * 10
    assert anomalies(frozen(tmp_path, payers, [0, 1]), EARNED, {}, Limits(floor_micros=floor)) == ()

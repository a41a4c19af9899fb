"""NACHA: records of 94, blocks of ten, totals that a bank can check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.errors import InputError
from endcredits.payouts.rails.nacha import check, nacha
from endcredits.payouts.rails.sample import sample_order

SOUND = nacha(sample_order(3, "USD", "nacha")).data


def test_the_file_is_the_golden_one() -> None:
    """Byte for byte."""
    golden = Path(__file__).parent / "golden" / "nacha.txt"
    assert golden.read_bytes() == SOUND


@pytest.mark.parametrize("count", [1, 5, 6, 7, 16, 100])
def test_blocks_are_full(count: int) -> None:
    """Of whatever number of payments."""
    lines = nacha(sample_order(count, "USD", "nacha")).data.decode().splitlines()

    assert {len(line) for line in lines} == {94}
    assert len(lines) % 10 == 0 and len(lines) - count - 4 < 10
    assert sum(int(line[29:39]) for line in lines if line[0] == "6") == sum(1000 + 37 * n for n in range(count))


def test_the_entry_hash_keeps_its_last_ten_digits() -> None:
    """Sums beyond ten digits lose their head, as the rules want it."""
    order = sample_order(200, "USD", "nacha")
    banks = {name: replace(bank, routing="322271627") for name, bank in order.banks.items()}
    lines = nacha(replace(order, banks=banks)).data.decode().splitlines()

    assert lines[202][10:20] == f"{200 * 32227162 % 10**10:010d}"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"0000001037", b"0000001038", "batch control"),
        (b"622011000015100001", b"622011000016100001", "check digit"),
        (b"0011000010000002", b"0011000010000001", "twice"),
        (b"\n", b"", "characters"),
        (b"9" * 94 + b"\n", b"", "blocks of ten"),
        (b"9000001000001", b"9000001000002", "file control"),
        (b"\n6", b"\n7", "kinds"),
    ],
)
def test_a_changed_record_is_found(old: bytes, new: bytes, problem: str) -> None:
    """Read from the bytes alone."""
    assert old in SOUND
    assert any(problem in found for found in check(SOUND.replace(old, new, 1)))
    assert check(SOUND) == []


def test_what_nacha_cannot_hold_is_refused() -> None:
    """Another currency, a payer without a company id, an amount beyond its field."""
    order = sample_order(2, "USD", "nacha")
    first = order.batch.payments[0]
    large = replace(order.batch, payments=(replace(first, transfer_micros=10**14), order.batch.payments[1]))

    with pytest.raises(InputError, match="USD"):
        nacha(sample_order(2, "EUR", "nacha"))
    with pytest.raises(InputError, match="company id"):
        nacha(replace(order, payer=replace(order.payer, company_id="")))
    with pytest.raises(InputError, match="field holds"):
        nacha(replace(order, batch=large))


def test_long_and_foreign_names_fit_their_field() -> None:
    """Cut and rewritten in sight."""
    order = sample_order(1, "USD", "nacha")
    payment = replace(order.batch.payments[0], holder="Zoë " * 20)
    made = nacha(replace(order, batch=replace(order.batch, payments=(payment,))))

    assert b"Zoe Zoe Zoe Zoe Zoe Zo" in made.data
    assert [change.field for change in made.rewritten] == ["holder"]

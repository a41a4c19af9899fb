"""A pain.001 file is what the golden one is, and every rule that a schema cannot know is kept."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sepaxml
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.payouts.rails.latin import SEPA_LATIN
from endcredits.payouts.rails.orders import Order
from endcredits.payouts.rails.pain001 import check, pain001, write
from endcredits.payouts.rails.sample import sample_order

TODAY = "2026-12-01"
GOLDEN = Path(__file__).parent / "golden"
SOUND = write(sample_order(3)).data


@functools.cache
def schema() -> Any:
    """The schema as an independent library reads it."""
    return xmlschema.XMLSchema(str(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"))


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_the_file_is_the_golden_one(currency: str) -> None:
    """Byte for byte, and valid by another program's reading."""
    made = pain001(sample_order(3, currency)).data

    assert made == (GOLDEN / f"pain001-{currency}.xml").read_bytes()
    assert schema().is_valid(made.decode())


def changed(order: Order, **of_first: Any) -> Order:
    """The order with its first payment changed."""
    first, *rest = order.batch.payments
    return replace(order, batch=replace(order.batch, payments=(replace(first, **of_first), *rest)))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"DE34370400440000001000", b"DE34370400440000001001", "mod 97"),
        (b"DE34370400440000001000", b"DE5837040044000000100", "has 22 characters"),
        (b"DE34370400440000001000", b"XX34370400440000001000", "its country has none"),
        (b"DE41370400440000000001", b"DE41370400440000000002", "payer's IBAN"),
        (b">10.00<", b">10.001<", "finer than the currency's smallest coin"),
        (b'"EUR">10.00', b'"JPY">10.50', "finer than the currency's smallest coin"),
        (b'"EUR">10.00', b'"QQQ">10.00', "not a currency"),
        (b">10.00<", b">0.00<", "amount is zero"),
        (b">10.00<", b">10.01<", "control sum"),
        (b"<NbOfTxs>3</NbOfTxs>", b"<NbOfTxs>4</NbOfTxs>", "counts 4 payments and holds 3"),
        (b"p-000000000000000000000001", b"p-000000000000000000000000", "stands there twice"),
        (b"Zoe Angstrom", "Zoë Angstrom".encode(), "SEPA's basic set"),
        (b"Zoe Angstrom", b"Z" * 71, "longer than 70"),
        (b"p-000000000000000000000001", b"/p", "slashes"),
        (b"<Dt>2026-12-03</Dt>", b"<Dt>2026-11-30</Dt>", "is over"),
        (b"<Cdtr><Nm>Zoe Angstrom 0</Nm></Cdtr>", b"", "no name"),
    ],
)
def test_what_a_schema_lets_pass_is_found(old: bytes, new: bytes, problem: str) -> None:
    """The file still fits the schema, and a bank would refuse it or pay something else."""
    assert old in SOUND
    data = SOUND.replace(old, new, 1)
    assert schema().is_valid(data.decode())

    assert any(problem in found for found in check(data, TODAY)), check(data, TODAY)


def test_a_file_that_does_not_fit_the_schema_is_found() -> None:
    """Before any rule."""
    assert check(SOUND.replace(b"<PmtMtd>TRF</PmtMtd>", b"<PmtMtd>XXX</PmtMtd>"), TODAY)
    assert check(SOUND, TODAY) == []


def test_nothing_is_made_that_a_bank_would_refuse() -> None:
    """A detail that went bad since, an amount finer than a coin, a day that is over."""
    order = sample_order(3)
    first = order.batch.payments[0].payment_id
    bad_iban = replace(order, banks={**order.banks, first: replace(order.banks[first], iban="DE00370400440000001000")})

    with pytest.raises(InputError, match="mod 97"):
        pain001(bad_iban)
    with pytest.raises(ValueError, match="no whole coins"):
        pain001(changed(order, transfer_micros=10_001_000))
    with pytest.raises(InputError, match="control sum"):
        pain001(changed(order, transfer_micros=20_000_000))
    with pytest.raises(InputError, match="is over"):
        pain001(replace(order, made_at="2026-12-04T00:00:00Z"))


def test_hostile_names_stay_names() -> None:
    """Markup is text, and what was changed is told."""
    order = sample_order(1)
    made = pain001(changed(order, holder='</Nm><IBAN>DE00</IBAN> & <b>"Zoë"</b>'))

    assert made.data.count(b"<IBAN>") == 2
    (told,) = [change for change in made.rewritten if change.field == "holder"]
    assert told.original.startswith("</Nm>")
    assert told.written.encode().replace(b"&", b"&amp;") in made.data


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=140))
def test_any_name_makes_a_file_or_an_error_and_never_a_wrong_file(name: str) -> None:
    """Whatever characters it holds."""
    try:
        made = pain001(changed(sample_order(2), holder=name))
    except InputError:
        return

    assert schema().is_valid(made.data.decode())
    written = next((c.written for c in made.rewritten if c.field == "holder"), name)
    assert set(written) <= SEPA_LATIN and len(written) <= 70
    assert name == written or any(c.original == name for c in made.rewritten)


def test_five_thousand_payments_are_one_file() -> None:
    """Built, rule-checked and valid; and valid by the slow library too, which takes minutes for more than a few."""
    made = pain001(sample_order(5000))

    assert made.data.count(b"<CdtTrfTxInf>") == 5000
    thirty = pain001(sample_order(30)).data
    assert schema().is_valid(thirty.decode())

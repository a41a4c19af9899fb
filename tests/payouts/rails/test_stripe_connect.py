"""Stripe is asked with keys that make a repetition harmless, and believed only when it answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from endcredits.errors import InputError, MachineError
from endcredits.payouts.rails.http import Answer, Request, deliver
from endcredits.payouts.rails.sample import sample_order
from endcredits.payouts.rails.stripe_connect import Stripe, requests, stripe_units

from .fake_stripe import FakeStripe, fake_stripe

pytest.importorskip("stripe")


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with fake_stripe() as running:
        yield running


def client(fake: FakeStripe, key: str = "sk_test_1") -> Stripe:
    return Stripe(key, server=fake.url, timeout_seconds=0.5)


def ask(fake: FakeStripe, request: Request) -> tuple[Answer, list[float]]:
    """The answer to a delivered request, and the waits on the way."""
    waits: list[float] = []
    return deliver(client(fake), request, sleep=waits.append), waits


ORDER = sample_order(3, "USD", "stripe")
FIRST, SECOND, THIRD = requests(ORDER)


def test_a_batch_becomes_requests() -> None:
    """Pure; the key is made from batch and payment, so that it never changes."""
    assert FIRST.path == "/v1/transfers"
    assert FIRST.fields["amount"] == 1000 and FIRST.fields["currency"] == "usd"
    assert FIRST.idempotency_key == f"{ORDER.batch.batch_id}:{FIRST.payment_id}"
    assert requests(ORDER) == (FIRST, SECOND, THIRD)


def test_units_follow_stripes_own_rules() -> None:
    """Ariary have two decimals by ISO 4217 and none there; the third decimal of a dinar must be zero."""
    assert stripe_units(10_000_000, "MGA") == 10
    for micros, currency in ((10_500_000, "MGA"), (1_234_000, "KWD"), (10_500_000, "JPY"), (10_001_000, "EUR"), (0, "EUR")):
        with pytest.raises(InputError, match="multiples"):
            stripe_units(micros, currency)


@pytest.mark.parametrize(
    "failures",
    [
        [],
        ["429"],
        ["500", "500"],
        ["409"],
        ["drop"],
        ["drop-after"],
        ["500-after"],
        ["hang-after"],
        ["429", "drop-after", "500", "drop"],
    ],
    ids="-".join,
)
def test_one_transfer_is_made_whatever_gets_lost(fake: FakeStripe, failures: list[str]) -> None:
    """Before the server did anything, or after."""
    fake.failures = list(failures)

    answer, waits = ask(fake, FIRST)

    assert answer == Answer("accepted", "tr_1")
    assert [one["amount"] for one in fake.transfers] == [1000]
    assert len(waits) == len(failures) and waits == sorted(waits)


def test_an_answer_that_never_comes_is_unknown(fake: FakeStripe) -> None:
    """Not refused: the money may have gone."""
    fake.failures = ["drop-after"] + ["500"] * 4

    answer, waits = ask(fake, FIRST)

    assert answer.kind == "again"
    assert len(fake.transfers) == 1 and len(waits) == 4
    assert client(fake).known(ORDER.batch.batch_id) == {FIRST.payment_id: "tr_1"}


def test_a_payee_is_refused_and_we_are_stopped(fake: FakeStripe) -> None:
    """An account that is not there is theirs; a balance, a key, a used key are ours."""
    fake.bad_accounts = {str(FIRST.fields["destination"])}
    assert ask(fake, FIRST)[0].kind == "refused"
    assert "resource_missing" in ask(fake, FIRST)[0].reason

    fake.poor = True
    assert ask(fake, SECOND)[0].kind == "stop"
    assert deliver(client(fake, "sk_wrong"), THIRD).kind == "stop"
    fake.poor = False
    assert ask(fake, THIRD)[0].kind == "accepted"
    other = Request(THIRD.payment_id, THIRD.idempotency_key, THIRD.path, {**THIRD.fields, "amount": 1})
    assert ask(fake, other)[0].kind == "stop"
    assert len(fake.transfers) == 1


def test_what_stripe_knows_is_read_in_pages(fake: FakeStripe) -> None:
    """More than a hundred transfers of one batch; another batch's are left out."""
    many = sample_order(130, "USD", "stripe")
    for request in (*requests(many), *requests(ORDER)):
        fake.post(request.idempotency_key, {name: str(value) for name, value in request.fields.items()})

    known = client(fake).known(many.batch.batch_id)

    assert set(known) == {request.payment_id for request in requests(many)}
    assert len(fake.requests) == 2
    with pytest.raises(MachineError, match="cannot be asked"):
        client(fake, "sk_wrong").known(many.batch.batch_id)


def test_a_key_is_needed() -> None:
    """And the message says where it is read from."""
    with pytest.raises(InputError, match="secret key") as caught:
        Stripe("")

    assert "STRIPE_API_KEY" in caught.value.remedy

"""The demo's way to the bank: marked as made up, paid once whatever stops, one payment back and owed again."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endcredits.flows import checking, demo_payout, paying, periods, sending
from endcredits.flows.books import account_balances
from endcredits.flows.demo_payout import ANSWER, MADE_UP, ORDER, PAYEES, bank_answer, made_up_iban, pay_out
from endcredits.flows.studio import Studio, open_studio
from endcredits.payouts import Statement
from endcredits.payouts.bank import validate_iban
from endcredits.payouts.rails.bank_files import read_bank_file
from tests.story import house as h
from tests.story.house import House, house

__all__ = ["house"]


@pytest.fixture
def studio(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A studio that owes euros to several people."""
    monkeypatch.setattr(demo_payout, "THRESHOLD_MICROS", 10_000)
    place = open_studio(house.copy(house.finished, tmp_path / "studio"))
    yield place
    place.close()


def euros(studio: Studio) -> tuple[Statement, ...]:
    """The last period's statements in one currency."""
    return tuple(one for one in periods.find_period(studio, h.FEBRUARY).statements if one.currency == "EUR")


def test_accounts_are_made_up_and_fit_every_check() -> None:
    """Right check digits, a bank code that no bank has, no account twice."""
    numbers = {made_up_iban(number) for number in range(200)}
    assert len(numbers) == 200 and all(validate_iban(one) == one and one[4:12] == "00000000" for one in numbers)


def test_it_pays_and_one_payment_comes_back(studio: Studio) -> None:
    """What is owed is paid but for one payment; files say that they are made up; again changes nothing."""
    owed = -sum(micros for (_, money), micros in account_balances(studio, "Liabilities:Payable").items() if money == "EUR")

    done = pay_out(studio, euros(studio))

    assert done.batch is not None and done.batch.batch.count > 1
    assert done.fates == {"confirmed": done.batch.batch.count - 1, "returned": 1}
    back = min(payment.transfer_micros for payment in done.batch.batch.payments)
    assert done.bank_micros == done.batch.batch.transfer_micros - back
    left = -sum(micros for (_, money), micros in account_balances(studio, "Liabilities:Payable").items() if money == "EUR")
    assert left == owed - done.bank_micros, "what came back is owed again, and nothing else changed"
    rows = list(csv.DictReader((done.folder / PAYEES).read_text().splitlines()))
    assert rows and all(row["holder"].endswith(MADE_UP) for row in rows)
    assert (
        b"account made up" in (done.folder / ORDER).read_bytes()
        and b"Made up by the demo" in (done.folder / ANSWER).read_bytes()
    )

    before, files = h.dump(studio), h.files(studio.path)
    again = pay_out(studio, euros(studio))
    assert (again.fates, again.bank_micros, again.owed_micros) == (done.fates, done.bank_micros, done.owed_micros)
    assert h.dump(studio) == before and h.files(studio.path) == files
    assert not list(checking.check_studio(studio))


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept"])
@pytest.mark.parametrize(
    ("place", "name"),
    [
        (paying, "import_payees"),
        (paying, "plan_payments"),
        (paying, "approve"),
        (sending, "send_file"),
        (paying, "reconcile"),
    ],
)
def test_stopped_anywhere_it_goes_on(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, kept: bool
) -> None:
    """A stop before or after any step, and the next run ends where an unbroken one does."""
    step: Callable[..., Any] = getattr(place, name)

    def stop(*arguments: Any, **options: Any) -> None:
        if kept:
            step(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, name, stop)
        pay_out(studio, euros(studio))

    done = pay_out(studio, euros(studio))

    assert done.batch is not None and len(paying.status(studio)) == 1
    assert done.fates == {"confirmed": done.batch.batch.count - 1, "returned": 1}
    assert not list(checking.check_studio(studio))


def test_nobody_is_owed_enough(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing is planned, and all of it is held with a reason."""
    monkeypatch.setattr(demo_payout, "THRESHOLD_MICROS", 10**15)

    done = pay_out(studio, euros(studio))

    assert done.batch is None and done.fates == {} and done.bank_micros == 0
    assert {"below-threshold"} <= {hold.reason for hold in done.holds}


def test_the_answer_is_made_of_the_order_alone(studio: Studio) -> None:
    """It is read as a bank's file: a debit for every payment, and one credit with its reason."""
    done = pay_out(studio, euros(studio))
    assert done.batch is not None

    lines = read_bank_file(bank_answer((done.folder / ORDER).read_bytes(), "2199-01-01"))

    debits = [line for line in lines if line.kind == "debit"]
    assert {line.end_to_end_id: line.amount_micros for line in debits} == {
        payment.payment_id: payment.transfer_micros for payment in done.batch.batch.payments
    }
    (credit,) = [line for line in lines if line.kind == "credit"]
    assert credit.returned and "AC04" in credit.reason

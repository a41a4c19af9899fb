"""From a balance to money that arrived: once, whatever is lost, kept but reported lost, killed or run twice at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from endcredits import durable
from endcredits.errors import ConflictError, InputError, MachineError
from endcredits.flows import paying, sending
from endcredits.flows.studio import Studio, init_studio
from endcredits.ledger import balances, check_books
from endcredits.payouts import payee_book, payout_book
from endcredits.payouts.payees import PayeeProfile
from endcredits.payouts.paying_checks import check_paying
from endcredits.payouts.payments import Batch
from endcredits.payouts.rails.http import Answer, Request
from endcredits.payouts.rails.stripe_connect import Stripe
from endcredits.payouts.tax import read_rates

from ..payouts.bank_says import detail, entry, statement
from ..payouts.paying_makers import AT, owe, payee, payer
from ..payouts.rails.fake_stripe import FakeStripe, fake_stripe

ROOT = Path(__file__).parents[2]
CLEARING = "Liabilities:Clearing:Payouts"
LATER = "2199-01-01"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """An empty studio."""
    opened = init_studio(tmp_path / "studio")
    yield opened
    opened.close()


def approved(studio: Studio, *profiles: PayeeProfile, on: str = LATER) -> Batch:
    """An approved batch that pays 5 main units and one coin more to each payee."""
    chosen = profiles or (payee(),)

    def work(conn: sa.Connection) -> None:
        payee_book.save_profiles(conn, chosen, AT)
        amounts = {(p.party_id, p.currency): 5_010_000 + 10_000 * n for n, p in enumerate(chosen)}
        owe(conn, f"close:{on}", amounts)

    studio.store.write(work)
    plan, _ = paying.plan_payments(studio, payer(), on=on, by="pia")
    (batch,) = (one for one in plan.batches if one.rail == chosen[0].rail)
    paying.approve(studio, batch.batch_id, "quentin")
    return batch


def on_the_way(studio: Studio) -> int:
    """Micros on their way, after checking the whole."""
    with studio.store.reading() as conn:
        assert check_books(conn) == []
        assert check_paying(conn) == []
        return -sum(balances(conn, CLEARING).values())


def test_the_whole_walk(studio: Studio, tmp_path: Path) -> None:
    """Payees from a file, plan, approval, file, statement; the payee is owed the rest."""
    payees = tmp_path / "payees.csv"
    payees.write_text(
        "party_id,country,rail,currency,holder,iban,minimum\n"
        "ada,DE,pain001,EUR,Zoë Ada,DE89370400440532013000,1\nben,DE,pain001,EUR,Ben,,1\n"
    )
    assert len(paying.import_payees(studio, payees).new) == 2
    assert paying.import_payees(studio, payees).unchanged == 2
    studio.store.write(lambda conn: owe(conn, "close", {("ada", "EUR"): 12_345_678, ("ben", "EUR"): 7_000_000}))

    plan, new = paying.plan_payments(studio, payer(), on=LATER, by="pia", four_eyes=True)
    assert new and [(hold.party_id, hold.reason) for hold in paying.latest_holds(studio)] == [("ben", "bank")]
    assert paying.plan_payments(studio, payer(), on=LATER, by="rita", four_eyes=True) == (plan, False)
    (batch,) = plan.batches
    with pytest.raises(ConflictError, match="four eyes"):
        paying.approve(studio, batch.batch_id, "pia")
    paying.approve(studio, batch.batch_id, "quentin")
    out = tmp_path / "out.xml"
    sent = sending.send_file(studio, batch.batch_id, out, "quentin", rail="pain001")

    assert sent.booked.state == "sent" and not sent.was_sent
    assert [change.written for change in sent.rewritten] == ["Zoe Ada"]
    assert b'<InstdAmt Ccy="EUR">12.34</InstdAmt>' in out.read_bytes()
    assert oct(out.stat().st_mode & 0o777) == "0o600"
    assert on_the_way(studio) == 12_340_000

    says = tmp_path / "camt.xml"
    says.write_bytes(statement(entry("12.34", detail(batch.payments[0].payment_id))))
    assert [one.outcome for one in paying.reconcile(studio, says)] == ["confirmed"]
    assert on_the_way(studio) == 0
    (row,) = paying.year_end(studio, sent.booked.steps["sending"].at[:4])
    assert row.gross_micros == 12_340_000
    assert [booked.fate(batch.payments[0].payment_id) for booked in paying.status(studio)] == ["confirmed"]


def test_sending_again_sends_nothing(studio: Studio, tmp_path: Path) -> None:
    """To the same place; to another it is refused, and so is another rail."""
    batch = approved(studio)
    out = tmp_path / "out.xml"
    sending.send_file(studio, batch.batch_id, out, "q")
    before = out.stat().st_mtime_ns

    assert sending.send_file(studio, batch.batch_id, out, "r").was_sent
    assert out.stat().st_mtime_ns == before
    with pytest.raises(ConflictError, match="not sent a second time"):
        sending.send_file(studio, batch.batch_id, tmp_path / "other.xml", "q")
    with pytest.raises(InputError, match="is for pain001"):
        sending.send_file(studio, batch.batch_id, out, "q", rail="csv")
    assert not (tmp_path / "other.xml").exists()
    assert on_the_way(studio) == 5_010_000


def test_a_lost_file_is_written_again(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes at the same place, and nothing is booked; elsewhere, or with other bytes, nothing is written."""
    batch = approved(studio)
    out = tmp_path / "out.xml"
    first = sending.send_file(studio, batch.batch_id, out, "q")
    data = out.read_bytes()
    out.unlink()

    with pytest.raises(ConflictError, match="not sent a second time"):
        sending.send_file(studio, batch.batch_id, tmp_path / "other.xml", "q")
    with monkeypatch.context() as patch:
        patch.setitem(sending.FILE_RAILS, "pain001", lambda order: sending.RailFile(b"other", ()))
        with pytest.raises(ConflictError, match="not what was sent"):
            sending.send_file(studio, batch.batch_id, out, "q")
    assert list(tmp_path.glob("*.xml")) == []
    again = sending.send_file(studio, batch.batch_id, out, "r")

    assert again.was_sent and again.restored and again.booked == first.booked
    assert out.read_bytes() == data and oct(out.stat().st_mode & 0o777) == "0o600"
    assert not sending.send_file(studio, batch.batch_id, out, "r").restored
    assert on_the_way(studio) == 5_010_000


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_a_file_that_could_not_be_written_is_written_once(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """The disk fails twice, in the same way; then the same command completes it, with the same bytes."""
    batch = approved(studio)
    out = tmp_path / "out.xml"
    real = durable.write_atomic
    written: list[bytes] = []

    def failing(path: Path, data: bytes, **options: bool) -> None:
        if path != out:
            return real(path, data, **options)
        written.append(data)
        if kept:
            real(path, data, **options)
        raise MachineError("the disk is full", file=path)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_atomic", failing)
        with pytest.raises(MachineError):
            sending.send_file(studio, batch.batch_id, out, "q")
        assert out.exists() == kept
        assert paying.status(studio)[0].state == "sending"
        if not kept:
            with pytest.raises(MachineError):
                sending.send_file(studio, batch.batch_id, out, "q")
    with pytest.raises(ConflictError, match="second time"):
        sending.send_file(studio, batch.batch_id, tmp_path / "other.xml", "q")
    # Money on its way is planned nowhere else.
    assert paying.plan_payments(studio, payer(), on=LATER, by="pia")[0].batches == ()

    sending.send_file(studio, batch.batch_id, out, "q")

    assert {out.read_bytes()} == set(written)
    assert paying.status(studio)[0].state == "sent"
    assert on_the_way(studio) == 5_010_000


def fail_commits(studio: Studio, monkeypatch: pytest.MonkeyPatch, number: int, *, kept: bool) -> None:
    """Lets the commit of that number fail: lost, or done and reported as lost."""
    dialect = studio.store.engine.dialect
    real: Callable[[object], None] = dialect.do_commit
    count = [0]

    def commit(connection: object) -> None:
        count[0] += 1
        if kept or count[0] != number:
            real(connection)
        if count[0] == number:
            raise dialect.loaded_dbapi.OperationalError("the connection was lost")

    monkeypatch.setattr(dialect, "do_commit", commit)


@pytest.mark.parametrize("number", [1, 2], ids=["sending", "sent"])
@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_a_commit_that_failed_changes_nothing_in_the_end(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kept: bool
) -> None:
    """Of the promise or of its end: no file before the promise is kept, and one file in the end."""
    batch = approved(studio)
    out = tmp_path / "out.xml"
    with monkeypatch.context() as patch:
        fail_commits(studio, patch, number, kept=kept)
        with pytest.raises(MachineError, match="the connection was lost"):
            sending.send_file(studio, batch.batch_id, out, "q")
    assert out.exists() == (number == 2)
    first = out.read_bytes() if out.exists() else b""

    sending.send_file(studio, batch.batch_id, out, "q")

    assert first in (b"", out.read_bytes())
    assert paying.status(studio)[0].state == "sent"
    assert on_the_way(studio) == 5_010_000


def test_nothing_is_booked_for_a_file_that_a_bank_would_refuse(studio: Studio, tmp_path: Path) -> None:
    """A payer without an IBAN, and a place where something stands already."""
    studio.store.write(lambda conn: payee_book.save_profiles(conn, [payee()], AT))
    studio.store.write(lambda conn: owe(conn, "close", {("ada", "EUR"): 5_000_000}))
    plan, _ = paying.plan_payments(studio, payer().__class__("Studio", "DE", 0), on=LATER, by="pia")
    paying.approve(studio, plan.batches[0].batch_id, "q")
    with pytest.raises(InputError, match="would not be taken"):
        sending.send_file(studio, plan.batches[0].batch_id, tmp_path / "out.xml", "q")
    assert on_the_way(studio) == 0
    paying.cancel(studio, plan.batches[0].batch_id, "q")

    other = paying.plan_payments(studio, payer(), on=LATER, by="pia")[0].batches[0]
    paying.approve(studio, other.batch_id, "q")
    (tmp_path / "there.xml").write_text("mine")
    with pytest.raises(ConflictError, match="stands there already"):
        sending.send_file(studio, other.batch_id, tmp_path / "there.xml", "q")
    assert (tmp_path / "there.xml").read_text() == "mine"
    assert on_the_way(studio) == 0


def test_a_day_that_went_by_is_not_sent(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is planned again; a batch that was begun in time is completed."""
    batch = approved(studio, on="2198-01-01")
    late = "2198-01-02T00:00:00Z"
    with monkeypatch.context() as patch:
        patch.setattr(sending, "now", lambda: late)
        with pytest.raises(InputError, match="is over"):
            sending.send_file(studio, batch.batch_id, tmp_path / "out.xml", "q")
    assert on_the_way(studio) == 0
    with monkeypatch.context() as patch:
        patch.setattr(durable, "write_atomic", lambda *_, **__: (_ for _ in ()).throw(MachineError("full")))
        with pytest.raises(MachineError):
            sending.send_file(studio, batch.batch_id, tmp_path / "out.xml", "q")
    monkeypatch.setattr(sending, "now", lambda: late)

    assert sending.send_file(studio, batch.batch_id, tmp_path / "out.xml", "q").booked.state == "sent"


def test_a_day_that_is_over_is_not_planned(studio: Studio) -> None:
    """And nothing of it is recorded."""
    with pytest.raises(InputError, match="is over"):
        paying.plan_payments(studio, payer(), on="2020-01-01", by="pia", rates=read_rates())
    for by in ("", "a\nb", "x" * 201):
        with pytest.raises(InputError, match="no usable name"):
            paying.plan_payments(studio, payer(), on=LATER, by=by)
    assert paying.latest_holds(studio) == ()


PROGRAM = """
import os, sys, time
from endcredits.errors import EndcreditsError
from endcredits.flows import sending
from endcredits.flows.studio import open_studio

studio = open_studio(sys.argv[1])
open(sys.argv[2], "w").close()
while not os.path.exists(sys.argv[3]):
    time.sleep(0.001)
try:
    done = sending.send_file(studio, sys.argv[4], sys.argv[5], "racer")
except EndcreditsError as error:
    print(type(error).__name__)
    sys.exit(error.exit_code)
print("again" if done.was_sent else "sent")
"""


def race(studio: Studio, tmp_path: Path, batch: Batch, *outs: Path) -> list[str]:
    """What processes say that send one batch at the same moment."""
    go = tmp_path / "go"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    running = []
    for number, out in enumerate(outs):
        ready = tmp_path / f"ready-{number}"
        arguments = [str(studio.path), str(ready), str(go), batch.batch_id, str(out)]
        command = [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments]
        running.append((ready, subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)))
    for ready, process in running:
        while not ready.exists():
            assert process.poll() is None
    go.touch()
    return sorted(process.communicate(timeout=120)[0].strip() for _, process in running)


def test_two_processes_send_one_file(studio: Studio, tmp_path: Path) -> None:
    """To one place: one of them sends. To two places: one is refused, and leaves no file."""
    batch = approved(studio)
    out = tmp_path / "out.xml"
    assert race(studio, tmp_path, batch, out, out) == ["again", "sent"]
    assert on_the_way(studio) == 5_010_000

    (tmp_path / "go").unlink()
    for ready in tmp_path.glob("ready-*"):
        ready.unlink()
    second = approved(studio, payee("ben", 2000), on="2199-01-02")
    places = [tmp_path / "a.xml", tmp_path / "b.xml"]
    assert race(studio, tmp_path, second, *places) == ["ConflictError", "sent"]
    assert [place.exists() for place in places].count(True) == 1


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    """A stand-in for Stripe."""
    pytest.importorskip("stripe")
    with fake_stripe() as running:
        yield running


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waits between attempts."""
    monkeypatch.setattr("endcredits.payouts.rails.http.WAIT_SECONDS", 0.0)


def connected(number: int) -> PayeeProfile:
    """A payee with a connected account."""
    return payee(f"party-{number}", 1000 + number, rail="stripe", currency="USD", stripe_account=f"acct_sample{number}")


def paid(fake: FakeStripe) -> list[int]:
    """Amounts of all transfers, in cents."""
    return sorted(one["amount"] for one in fake.transfers)


@pytest.mark.parametrize("day_between", [False, True], ids=["same-day", "keys-forgotten"])
@pytest.mark.parametrize("failure", ["drop", "drop-after", "500", "500-after"])
def test_requests_that_got_lost_are_completed_and_paid_once(
    studio: Studio, fake: FakeStripe, quick: None, failure: str, day_between: bool
) -> None:
    """All five attempts fail; the money is on its way; the same command again completes it, even days later."""
    batch = approved(studio, connected(0), connected(1), connected(2))
    stripe = Stripe(fake.key, server=fake.url, timeout_seconds=2)
    fake.failures = [failure] * 5

    with pytest.raises(MachineError, match="1 of 3 payments have no answer"):
        sending.send_requests(studio, batch.batch_id, stripe, "q")
    assert paying.status(studio)[0].state == "sending"
    assert on_the_way(studio) == 5_010_000
    if day_between:
        fake.forget_keys()

    done = sending.send_requests(studio, batch.batch_id, stripe, "q")

    assert done.booked.state == "sent"
    assert paid(fake) == [501, 502, 503]
    assert sending.send_requests(studio, batch.batch_id, stripe, "q").was_sent
    assert paid(fake) == [501, 502, 503]
    references = {fate.reference for fate in done.booked.fates.values()}
    assert references == {"tr_1", "tr_2", "tr_3"}
    assert on_the_way(studio) == 0
    with studio.store.reading() as conn:
        assert balances(conn, "Assets:Processor") == {("Assets:Processor:Stripe", "USD"): -15_060_000}


def test_an_answer_whose_record_failed_is_not_asked_twice(
    studio: Studio, fake: FakeStripe, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe paid, and our own database lost the answer: it is asked what it knows, and pays nothing more."""
    batch = approved(studio, connected(0), connected(1))
    stripe = Stripe(fake.key, server=fake.url)
    with monkeypatch.context() as patch:
        fail_commits(studio, patch, 2, kept=False)
        with pytest.raises(MachineError, match="the connection was lost"):
            sending.send_requests(studio, batch.batch_id, stripe, "q")
    assert paid(fake) == [501]
    fake.forget_keys()

    sending.send_requests(studio, batch.batch_id, stripe, "q")

    assert paid(fake) == [501, 502]
    assert on_the_way(studio) == 0


def test_a_refused_payee_is_owed_again_and_the_others_are_paid(studio: Studio, fake: FakeStripe, quick: None) -> None:
    """With the detail on hold; a refusal of ours stops everything and returns nobody."""
    batch = approved(studio, connected(0), connected(1))
    fake.poor = True
    with pytest.raises(MachineError, match="2 of 2 payments"):
        sending.send_requests(studio, batch.batch_id, Stripe(fake.key, server=fake.url), "q")
    fake.poor = False
    fake.forget_keys()
    fake.bad_accounts = {"acct_sample0"}

    done = sending.send_requests(studio, batch.batch_id, Stripe(fake.key, server=fake.url), "q")

    assert [done.booked.fate(payment.payment_id) for payment in batch.payments] == ["returned", "confirmed"]
    assert on_the_way(studio) == 0
    with studio.store.reading() as conn:
        assert payout_book.owed(conn) == {("party-0", "USD"): 5_010_000}
    plan, _ = paying.plan_payments(studio, payer(), on=LATER, by="pia")
    assert [hold.reason for hold in plan.holds] == ["bank"]


def test_a_batch_goes_over_its_own_rail_alone(studio: Studio, tmp_path: Path) -> None:
    """A file is not made of Stripe's batch, nor requests of a bank's."""

    class Nobody:
        def send(self, request: Request) -> Answer:
            raise AssertionError("nothing may be asked")

        def known(self, batch_id: str) -> dict[str, str]:
            raise AssertionError("nothing may be asked")

    batch = approved(studio, connected(0))
    with pytest.raises(InputError, match="makes no file"):
        sending.send_file(studio, batch.batch_id, tmp_path / "out.xml", "q")
    other = approved(studio, payee("ben", 3000), on="2199-01-02")
    with pytest.raises(InputError, match="makes a file"):
        sending.send_requests(studio, other.batch_id, Nobody(), "q")
    assert on_the_way(studio) == 0


def test_a_payment_planned_again_beside_others_is_booked_where_it_was_sent(studio: Studio, tmp_path: Path) -> None:
    """Ada's part of a batch that was cancelled is what the next one pays her; the bank's line settles the one that was sent,
    and the same amount for the same day after that is another payment."""
    profiles = (payee("ada"), payee("ben"))

    def earn(key: str, **amounts: int) -> None:
        studio.store.write(lambda conn: owe(conn, key, {(name, "EUR"): micros for name, micros in amounts.items()}))

    def planned() -> Batch:
        (batch,) = paying.plan_payments(studio, payer(), on=LATER, by="pia")[0].batches
        return batch

    studio.store.write(lambda conn: payee_book.save_profiles(conn, profiles, AT))
    earn("close:1", ada=5_000_000, ben=6_000_000)
    paying.cancel(studio, planned().batch_id, "quentin")
    earn("close:2", ben=1_000_000)
    second = planned()
    paying.approve(studio, second.batch_id, "quentin")
    sending.send_file(studio, second.batch_id, tmp_path / "out.xml", "quentin")
    (tmp_path / "says.xml").write_bytes(
        statement(*(entry(one, detail(p.payment_id)) for one, p in zip(("5.00", "7.00"), second.payments, strict=True)))
    )
    assert [one.outcome for one in paying.reconcile(studio, tmp_path / "says.xml")] == ["confirmed", "confirmed"]
    assert on_the_way(studio) == 0
    earn("close:3", ada=5_000_000)
    assert {p.payment_id for p in planned().payments}.isdisjoint(p.payment_id for p in second.payments)

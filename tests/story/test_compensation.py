"""Three months of a small house, from what was used to what the bank did of it: every mechanism, by hand, on both databases.

What credits decide is checked by independent arithmetic on the receipts' shares; everything else by numbers that a person
wrote down beforehand (see the comments).
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from endcredits.attribution import Attribution
from endcredits.errors import ConflictError
from endcredits.flows import agreements, attributing, booking, catalogue, checking, closing
from endcredits.flows.api import StudioHandle
from endcredits.flows.books import export_journal
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio, init_studio
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import entries, find
from endcredits.ledger.export import beancount_account, hledger_account
from endcredits.money import PPB
from endcredits.payouts import Statement, documents_for_period, statement_json
from endcredits.receipts import verify_receipt
from endcredits.royalties import (
    UsageEvent,
    close_document,
    closes,
    make_event,
    make_rate,
    make_refund,
    make_revenue,
    parse_policy,
    read_frozen,
    steps_of,
)
from endcredits.royalties.adjustments import ADJUSTED_FOLDER, read_adjustments
from endcredits.royalties.close import close_period
from endcredits.royalties.shares import signed_shares
from endcredits.works import Contributor, Permission, Submission, party_id_of
from tests.ledger.test_export import beancount_balances, hledger_balances
from tests.payouts.bank_says import detail, entry, statement
from tests.payouts.paying_makers import payer
from tests.story import house as h
from tests.story.house import House

MARCH = "2025-03"
MONTHS = (h.JANUARY, h.FEBRUARY, MARCH)
COPY = WorkId("work:tide-again")
ADA, BEN, CLEO, DORA = (PartyId(party_id_of(name)) for name in (h.ADA, h.BEN, h.CLEO, h.DORA))
SOCIETY, PENSION = PartyId("party:society"), PartyId("party:pension-fund")
EURO = 1_000_000

POLICY = parse_policy(
    """
    [policy]
    name = "whole-house"
    settle_in = "EUR"
    tail = "50%"
    payout_threshold = "10.00"
    four_eyes = true

    [[pool]]
    name = "streams"
    base = "net"
    share = "50%"
    service = "web"
    spread = "uses"
    by = ["service", "territory"]

    [[pool.part]]
    name = "society"
    share = "10%"
    by = "party"
    party = "party:society"

    [[pool.part]]
    name = "works"
    share = "100%"
    of_rest = true

    [[pool]]
    name = "likenesses"
    base = "per-use"
    amount = "0.05 EUR"
    use = "likeness"

    [[pool.part]]
    name = "cleared works"
    by = "declared"

    [[pool]]
    name = "subscriptions"
    base = "net"
    share = "40%"
    service = "app"
    spread = "uses"
    by = ["payer"]

    [[pool.part]]
    name = "used works"
    by = "declared"

    [[levy]]
    name = "pensions"
    share = "4%"
    party = "party:pension-fund"
    """
)

CONTRACTS = f"""
[[contract]]
contract_id = "ben-advance"
party_id = "{BEN}"
currency = "EUR"
valid_from = "2025-01-01"
advance = "40.00"
recoup = "50%"

[[contract]]
contract_id = "cleo-reserve"
party_id = "{CLEO}"
currency = "EUR"
valid_from = "2025-01-01"
reserve = "20%"
reserve_days = 28

[[contract]]
contract_id = "ada-guarantee"
party_id = "{ADA}"
currency = "EUR"
valid_from = "2025-01-01"
guarantee = "500.00"
"""


@pytest.fixture
def studio(tmp_path: Path, store_url: str) -> Iterator[Studio]:
    """A new studio on each kind of database."""
    made = init_studio(tmp_path / "studio", name="Story House", database=store_url)
    yield made
    made.close()


def web(found: list[Attribution], month: str, gross: int = 100) -> list[UsageEvent]:
    """Every output used once in Germany for so many euros, and the first one in the United States for 50 dollars."""
    events = [
        make_event(f"{month}-web-{n}", a.output_id, f"{month}-05T10:00:00Z", gross * EURO, "EUR", "web", "DE")
        for n, a in enumerate(found)
    ]
    abroad = make_event(f"{month}-us", found[0].output_id, f"{month}-06T10:00:00Z", 50 * EURO, "USD", "web", "US")
    return [*events, abroad]


def likeness(name: str, output: Attribution, month: str, uses: int, work_id: str) -> UsageEvent:
    """A licensed use of a work, at a fee for each."""
    day = f"{month}-07T10:00:00Z"
    return make_event(name, output.output_id, day, 0, "EUR", "film", uses=uses, use="likeness", declared=[work_id])


def app(name: str, output: Attribution, month: str, uses: int, work_id: str, payer_: str, gross: int = 0) -> UsageEvent:
    """A subscriber's use."""
    day = f"{month}-08T10:00:00Z"
    return make_event(name, output.output_id, day, gross * EURO, "EUR", "app", payer=payer_, uses=uses, declared=[work_id])


def of(statements: Iterable[Statement], party_id: PartyId, currency: str = "EUR") -> Statement:
    (found,) = (one for one in statements if (one.party_id, one.currency) == (party_id, currency))
    return found


def earned_in(one: Statement, pool: str, kind: str = "earned") -> int:
    """What a statement's lines from pools of a name and kind sum to."""
    numbers = {found.pool for found in one.pools if (found.name, found.kind) == (pool, kind)}
    return sum(line.amount_micros for line in one.lines if line.pool in numbers)


def by_credits(events: list[tuple[Attribution, str]], works_micros: int) -> dict[str, Fraction]:
    """What works earn of a part where every event carries the same: signed shares summed, clipped once. The plain twin."""
    weights: Counter[str] = Counter()
    for attribution, _ in events:
        for work_id, share_ppb in signed_shares(attribution).items():
            weights[work_id] += share_ppb
    whole = len(events) * PPB
    return {work: Fraction(works_micros * weight, whole) for work, weight in weights.items() if weight > 0}


def register_a_copy(studio: Studio) -> None:
    """Dora registers Cleo's tables again, with another last line, some time after them."""
    time.sleep(1.1)  # who was first is told by whole seconds
    text = h.prose(h.TIDE, 690).encode() + b" my own."
    one = Submission("Tides", (("a.txt", "text/plain", text),), (Contributor(h.DORA),), "allow", "", "", h.DORA, "", COPY)
    catalogue.add_works(studio, [one])


def close(handle: StudioHandle, month: str) -> tuple[Statement, ...]:
    """Two people close: whoever proposed may not approve, under whatever spelling."""
    proposal = handle.propose(month, policy=POLICY, by="Pia")
    for nobody in ("Pia", " pia ", ""):
        with pytest.raises(ConflictError, match="four eyes"):
            handle.approve(month, by=nobody)
    return handle.approve(month, by="Quentin", expected_digest=proposal.close_digest).statements


def january(handle: StudioHandle, found: list[Attribution]) -> tuple[Statement, ...]:
    salt, lamp, tide, rhyme, _ = found
    handle.report([make_rate("USD", "EUR", "0.9", "2024-12-31", "a central bank")])
    handle.report(
        [
            *web(found, h.JANUARY),
            likeness("jan-face", salt, h.JANUARY, 100, h.SALT),
            likeness("jan-copy", tide, h.JANUARY, 40, COPY),
            app("jan-p1-tide", tide, h.JANUARY, 3, h.TIDE, "p1"),
            app("jan-p1-lamp", lamp, h.JANUARY, 1, h.LAMP, "p1"),
            app("jan-p3-rhyme", rhyme, h.JANUARY, 1, h.RHYME, "p3", 8),
        ]
    )
    handle.report(
        [
            make_revenue(f"jan-{who}", "2025-01-01", micros * EURO, "EUR", service="app", payer=who)
            for who, micros in (("p1", 10), ("p2", 20))
        ]
    )
    return close(handle, h.JANUARY)


def check_january(handle: StudioHandle, statements: tuple[Statement, ...], found: list[Attribution]) -> None:
    """By hand.

    streams DE: 5 x 100 EUR x 50% = 250: society 25, works 225. US: 50 USD x 50% = 25 USD = 22.50 EUR: society 2.25,
    works 20.25. likenesses: 100 x 0.05 = 5 for the salt road, 60% Ada, 40% Ben; 40 x 0.05 = 2 declared for the copy, paid
    to Cleo, who was first. subscriptions: 38 EUR x 40% = 15.20; p2 used nothing, 20/38 of it = 8 are breakage; the other
    7.20 are 40% of p1's 10 (3/4 tides, 1/4 lamp) and of p3's 8 (rhymes, of nobody known): 3, 1 and 3.20.
    pensions: 4% of 250 + 7 + 15.20 = 10.888 EUR, and of 25 USD = 1 USD.
    """
    ada, ben, cleo = (of(statements, party) for party in (ADA, BEN, CLEO))
    society = of(statements, SOCIETY)
    assert society.payee == "party:society", "a fund that no work names is called by its id"
    assert society.summary.earned_micros == 27_250_000 == sum(line.amount_micros for line in society.lines)
    assert of(statements, PENSION).summary.earned_micros == 10_888_000
    assert of(statements, PENSION, "USD").summary.earned_micros == 1_000_000
    assert (earned_in(ada, "likenesses"), earned_in(ben, "likenesses")) == (3_000_000, 2_000_000)
    assert (earned_in(cleo, "likenesses"), earned_in(cleo, "subscriptions")) == (2_000_000, 3_000_000)
    assert earned_in(ben, "subscriptions") == 1_000_000
    assert DORA not in {one.party_id for one in statements}, "a copy of another's work earns nothing"

    books = handle.balances()
    assert books["Liabilities:Breakage", "EUR"] == -8_000_000
    assert books["Income:Operator", "EUR"] == -(538_000_000 - 250_000_000 - 7_000_000 - 15_200_000 - 10_888_000)
    assert books["Income:Operator", "USD"] == -(50_000_000 - 25_000_000 - 1_000_000)

    german = by_credits([(a, "DE") for a in found], 225_000_000)
    american = by_credits([(found[0], "US")], 20_250_000)
    rhymes = german.get(h.RHYME, 0) + american.get(h.RHYME, 0) + 3_200_000
    assert abs(books[f"Liabilities:Suspense:{h.RHYME}", "EUR"] + rhymes) < 2
    assert abs(earned_in(cleo, "streams") - german[h.TIDE] - american.get(h.TIDE, 0)) < 2
    salt, lamp = german[h.SALT], german[h.LAMP]
    abroad = Fraction(2, 5) * american[h.SALT] + american.get(h.LAMP, 0)
    assert abs(earned_in(ben, "streams") - salt * Fraction(2, 5) - lamp * Fraction(3, 4) - abroad) < 4, (
        "splits of DE and WORLD"
    )

    money = ada.summary
    assert money.earned_micros + money.guaranteed_micros == money.closing_micros == 500_000_000
    money = cleo.summary
    assert money.reserved_micros == money.earned_micros // 5 == money.in_reserve_micros
    money = ben.summary
    assert money.opening_micros - money.paid_micros == 40_000_000, "the advance is owed at once"
    assert money.recouped_micros == money.earned_micros // 2
    assert 0 < money.unrecouped_micros == 40_000_000 - money.recouped_micros < 40_000_000


def february(handle: StudioHandle, found: list[Attribution]) -> tuple[Statement, ...]:
    tide = found[2]
    late = make_event("jan-late", tide.output_id, "2025-01-20T10:00:00Z", 20 * EURO, "EUR", "web", "DE")
    handle.report([late, *web(found, h.FEBRUARY), app("feb-p1", tide, h.FEBRUARY, 1, h.TIDE, "p1", 10)])
    handle.report([make_refund("back", "2025-01-web-0", "2025-02-10T00:00:00Z", 30 * EURO, "EUR")])
    return close(handle, h.FEBRUARY)


def check_february(
    handle: StudioHandle, statements: tuple[Statement, ...], before: tuple[Statement, ...], found: list[Attribution]
) -> None:
    """By hand: society 27.25 again, of the late use 20 x 50% x 10% = 1, of the refund -30 x 50% x 10% = -1.50. January is
    divided again: 490 EUR x 50% x 90% = 220.50 over six uses instead of 225 over five. Cleo 4 of the app. What was reserved
    in January is released on 28 February. Ben's advance is worked off.
    """
    money = of(statements, SOCIETY).summary
    assert (money.earned_micros, money.adjustments_micros) == (27_250_000, -500_000)
    assert (money.opening_micros, money.closing_micros) == (27_250_000, 54_000_000)

    cleo = of(statements, CLEO)
    assert earned_in(cleo, "subscriptions") == 4_000_000
    was = by_credits([(a, "DE") for a in found], 225_000_000)
    now_ = by_credits([(a, "DE") for a in (*found, found[2])], 220_500_000)
    change = {work: now_.get(work, 0) - was.get(work, 0) for work in {*was, *now_}}
    assert abs(earned_in(cleo, "streams", "adjusted") - change[h.TIDE]) < 2
    assert {pool.usage_period for pool in cleo.pools if pool.kind != "earned"} == {h.JANUARY}
    assert cleo.summary.released_micros == of(before, CLEO).summary.reserved_micros > 0
    assert cleo.summary.opening_micros == of(before, CLEO).summary.closing_micros

    ben, ben_before = of(statements, BEN).summary, of(before, BEN).summary
    assert ben.recouped_micros + ben_before.recouped_micros == 40_000_000 and ben.unrecouped_micros == 0
    assert ("Assets:Advance:" + BEN + ":ben-advance", "EUR") not in {k: v for k, v in handle.balances().items() if v}
    ada = of(statements, ADA)
    assert ada.summary.earned_micros + ada.summary.guaranteed_micros == 500_000_000
    hers = change[h.SALT] * Fraction(3, 5) + change[h.LAMP] * Fraction(1, 4)
    assert abs(earned_in(ada, "streams", "adjusted") - hers) < 4


def euros(micros: int) -> str:
    return f"{micros // EURO}.{micros % EURO // 10_000:02d}"


def pay(handle: StudioHandle, folder: Path, owed: tuple[Statement, ...]) -> dict[PartyId, int]:
    """Ada is paid, Cleo's bank gives the money back, Ben's tax form is missing, the society waits for its minimum."""
    signed = f"{now()[:4]}-01-01"
    rows = [
        "party_id,country,rail,currency,holder,iban,tax_form,tax_signed_on,tin_last_four,treaty_rate,minimum",
        f"{ADA},DE,pain001,EUR,Ada Quill,DE89370400440532013000,W-8BEN,{signed},1234,0,1",
        f"{BEN},DE,pain001,EUR,Ben Marl,DE89370400440532013000,,,,,1",
        f"{CLEO},DE,pain001,EUR,Cleo Dunn,DE89370400440532013000,W-8BEN,{signed},1234,0,1",
        f"{SOCIETY},DE,pain001,EUR,The Society,DE89370400440532013000,W-8BEN,{signed},1234,0,1000",
    ]
    (folder / "payees.csv").write_text("\n".join(rows) + "\n")
    assert len(handle.import_payees(folder / "payees.csv").new) == 4
    plan, new = handle.plan_payouts(payer(us_source="100"), by="Pia", threshold_micros=0, four_eyes=True)
    assert new
    held = {(hold.party_id, hold.currency): hold.reason for hold in plan.holds}
    assert held == {
        (BEN, "EUR"): "tax-form",
        (SOCIETY, "EUR"): "below-threshold",
        (PENSION, "EUR"): "no-profile",
        (PENSION, "USD"): "no-profile",
    }
    (batch,) = plan.batches
    gross = {payment.party_id: payment.gross_micros for payment in batch.payments}
    closings = {party: of(owed, party).summary.closing_micros for party in (ADA, CLEO)}
    assert gross == {party: micros - micros % 10_000 for party, micros in closings.items()}, "whole cents, the rest stays"
    assert [payment.withheld_micros for payment in batch.payments] == [0, 0], (
        "the treaty with Germany leaves nothing to keep"
    )

    with pytest.raises(ConflictError, match="four eyes"):
        handle.approve_payout(batch.batch_id, by="Pia")
    handle.approve_payout(batch.batch_id, by="Quentin")
    out = folder / "out.xml"
    sent = handle.send_payout(batch.batch_id, out, by="Quentin")
    assert handle.send_payout(batch.batch_id, out, by="Quentin").was_sent and not sent.was_sent
    text = out.read_text()
    for payment in batch.payments:
        assert f'<InstdAmt Ccy="EUR">{euros(payment.transfer_micros)}</InstdAmt>' in text
        assert payment.payment_id in text

    lines = []
    for number, payment in enumerate(batch.payments):
        amount = euros(payment.transfer_micros)
        lines.append(entry(amount, detail(payment.payment_id), ref=f"B{number}"))
        if payment.party_id == CLEO:
            lines.append(entry(amount, detail(payment.payment_id, reason="AC04"), kind="CRDT", ref="B9"))
    (folder / "camt.xml").write_bytes(statement(*lines))
    outcomes = Counter(one.outcome for one in handle.reconcile_payouts(folder / "camt.xml"))
    assert outcomes == {"confirmed": 2, "returned": 1}
    assert {one.outcome for one in handle.reconcile_payouts(folder / "camt.xml")} == {"duplicate"}
    fates = {payment.party_id: handle.payouts(batch.batch_id)[0].fate(payment.payment_id) for payment in batch.payments}
    assert fates == {ADA: "confirmed", CLEO: "returned"}
    assert handle.balances("Assets:Bank")["Assets:Bank", "EUR"] == -gross[ADA]
    return gross


def march(handle: StudioHandle, found: list[Attribution]) -> tuple[Statement, ...]:
    """Ben takes the lamp back in February; models that learnt it still serve."""
    no = Permission(WorkId(h.LAMP), "train", "deny", "withdrawn", "letter", h.BEN, "2025-02-15T00:00:00Z")
    catalogue.state(handle.studio, no)
    handle.report([likeness("mar-lamp", found[1], MARCH, 200, h.LAMP), likeness("mar-salt", found[0], MARCH, 20, h.SALT)])
    return close(handle, MARCH)


def check_march(
    handle: StudioHandle, statements: tuple[Statement, ...], before: tuple[Statement, ...], paid: dict[PartyId, int]
) -> None:
    """By hand: the lamp's 200 x 0.05 = 10, the tail leaves Ben 5; the salt road's 1 is Ada's 0.60 and Ben's 0.40."""
    ben = of(statements, BEN)
    assert earned_in(ben, "likenesses") == ben.summary.earned_micros == 5_400_000
    assert {line.work_id: line.taken for line in ben.lines} == {h.LAMP: "revoked", h.SALT: ""}
    assert ben.summary.closing_micros == of(before, BEN).summary.closing_micros + 5_400_000

    ada = of(statements, ADA)
    assert [payment.amount_micros for payment in ada.payments] == [paid[ADA]]
    assert ada.summary.opening_micros == of(before, ADA).summary.closing_micros
    assert (ada.summary.earned_micros, ada.summary.guaranteed_micros) == (600_000, 499_400_000)
    assert ada.summary.closing_micros == ada.summary.opening_micros - paid[ADA] + 500_000_000

    cleo = of(statements, CLEO)
    assert [payment.amount_micros for payment in cleo.payments] == [paid[CLEO], -paid[CLEO]]
    assert cleo.payments[1].rail == "payment that came back"
    assert cleo.summary.opening_micros == of(before, CLEO).summary.closing_micros, "what came back is owed as before"
    assert cleo.summary.paid_micros == 0
    text = next(handle.studio.path.glob(f"statements/{MARCH}/cleo*-EUR-*.md")).read_text()
    assert "payment that came back" in text


def check_everything(studio: Studio) -> None:
    """The whole is consistent for whoever looks: our own check, other programs, the simple program, and outsiders."""
    assert checking.check_studio(studio) == []
    handle = StudioHandle(studio)
    books = {account: micros for account, micros in handle.balances().items() if micros}
    sums: Counter[str] = Counter()
    with studio.store.reading() as conn:
        for posting in (posting for one in entries(conn) for posting in one.postings):
            sums[posting.currency] += posting.amount_micros
    assert set(sums) == {"EUR", "USD"} and not any(sums.values())
    expected = {(beancount_account(account), currency): micros for (account, currency), micros in books.items()}
    assert {k: v for k, v in beancount_balances(export_journal(studio, "beancount")).items() if v} == expected
    if shutil.which("hledger"):
        expected = {(hledger_account(account), currency): micros for (account, currency), micros in books.items()}
        assert {k: v for k, v in hledger_balances(export_journal(studio, "hledger")).items() if v} == expected

    vkey = (studio.path / "log" / "log.vkey").read_text().strip()
    receipts = sorted(studio.receipts.glob("*.json"))
    issued = len(list((studio.path / "statements").glob("*/*.csv")))
    assert len(receipts) == 5 + len(MONTHS) + issued
    assert all(verify_receipt(one.read_bytes(), vkey).verified for one in receipts)

    with studio.store.reading() as conn:
        for booked in closes(conn):
            period_id = booked.close.period_id
            folder = closing.close_folder(studio, closing.proposed_step(steps_of(conn, period_id)))
            frozen = read_frozen(folder / "frozen")
            days = booked.close.starts_on, booked.close.ends_on
            adjustments = read_adjustments(folder / ADJUSTED_FOLDER)
            again = close_period(frozen, period_id, *days, booked.close.policy, adjustments)
            assert close_document(again.close) == (folder / "close.json").read_text() == close_document(booked.close)
            stored = list(documents_for_period(conn, period_id))
            before = booking.gathered(conn, booked.close, folder)
            booked_by = [find(conn, f"{what}:{period_id}") for what in ("close", "settle")]
            issued_on = handle.statements(period_id)[0].issued_on
            made = booking.make_statements(conn, booked.close, booked.close_digest, folder, before, booked_by, issued_on)
            assert [statement_json(one) for one in made] == stored and len(stored) >= 5


def test_three_months_of_a_house(studio: Studio, house: House, tmp_path: Path) -> None:
    """Pools by service and territory, fees, a levy, payers, currencies, refunds, late usage, contracts, copies, a revoked
    work, somebody unknown, two people, three closes, payments, a return; and nothing is off by a millionth.
    """
    index = h.fill(studio, house.models)
    register_a_copy(studio)
    (tmp_path / "contracts.toml").write_text(CONTRACTS)
    assert agreements.add_contracts(studio, tmp_path / "contracts.toml").advances == 1
    found = attributing.attribute(studio, index, h.outputs())
    handle = StudioHandle(studio)

    first = january(handle, found)
    check_january(handle, first, found)
    second = february(handle, found)
    check_february(handle, second, first, found)
    paid = pay(handle, tmp_path, second)
    third = march(handle, found)
    check_march(handle, third, second, paid)

    check_everything(studio)
    kept = h.files(studio.path)
    shutil.rmtree(studio.path / "statements")
    assert tuple(handle.statements(month) for month in MONTHS) == (first, second, third)
    assert h.files(studio.path) == kept, "files that were lost are written again, byte by byte"
    rows = h.dump(studio)
    handle.report(web(found, h.JANUARY))
    for month in MONTHS:
        handle.approve(month, by="Quentin")
    assert h.dump(studio) == rows, "the same again changes nothing"

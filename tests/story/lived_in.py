"""The small house after a third month in which everything happened at once: no table of it is empty.

Subscriptions, a refund, late usage and dollars that are settled in euros; rows that wait and one that was dropped; a
contract with an advance and a reserve; one open and one ended dispute; a proposal that was withdrawn; two people who close;
a batch of payments that the bank confirmed; and a voice that was lent for one use.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from endcredits.flows import (
    attributing,
    closing,
    fact_log,
    funds,
    likeness,
    paying,
    periods,
    reporting,
    sending,
    sheets,
    works_import,
)
from endcredits.flows import likeness_granting as granting
from endcredits.flows.clock import now
from endcredits.flows.studio import Studio, open_studio
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import post
from endcredits.royalties import (
    Contract,
    Part,
    Units,
    advance_entries,
    end_dispute,
    make_rate,
    make_refund,
    make_revenue,
    open_dispute,
    record_contracts,
    shipped_policy,
    state_units,
)
from endcredits.works import FileMark, add_marks, party_id_of, works
from tests.payouts.bank_says import detail, entry, statement
from tests.payouts.paying_makers import payer
from tests.story import house as h
from tests.story.house import House
from tests.works.imports import made as cwr
from tests.works.likeness.made import document, request

MARCH = "2025-03"
_POOL = replace(shipped_policy("pro-rata").pools[0], parts=(Part("works"),))
POLICY = replace(shipped_policy("pro-rata"), pools=(_POOL,), settle_in="EUR", four_eyes=True)
"""Dollars settled in euros, everything in one pool per service and country, and nobody approves what they proposed."""


def live_on(studio: Studio) -> None:
    """The third month of a studio in which two are closed."""
    used = {event.event_id: event for event in h.january(attributing.all_attributions(studio))}
    march = [replace(one, event_id=f"mar-{n}", used_at="2025-03-09T00:00:00Z") for n, one in enumerate(used.values())]
    late = replace(used["jan-0"], event_id="late", revenue_micros=7_000_000)
    reporting.report(studio, [*march, late])
    reporting.report(
        studio, [make_revenue("sub-1", "2025-03-02", 40_000_000, currency="EUR", service="web", territory="DE")]
    )
    reporting.report(studio, [make_refund("back-1", "jan-4", "2025-03-04T00:00:00Z", 1_000_000, "EUR")])
    reporting.report(studio, [make_rate("USD", "EUR", "0.9216", "2025-03-28", "reference rates")])
    waiting = [replace(used["jan-0"], event_id=name, output_id=f"output:{name}") for name in ("waits", "dropped")]
    reporting.report(studio, waiting, hold=True)
    (dropped,) = (one.held_id for one in reporting.held_rows(studio) if one.record_id == "dropped")
    reporting.drop_held(studio, dropped, "a test of the player")
    ben, cleo = (PartyId(party_id_of(name)) for name in (h.BEN, h.CLEO))
    terms = Contract("ben-1", ben, "EUR", "2025-03-01", advance_micros=2_000_000, reserve_ppb=100_000_000, reserve_days=90)

    def agree(conn: Connection) -> None:
        record_contracts(conn, [terms], now())
        for advance in advance_entries([terms]):
            post(conn, advance, now())
        state_units(conn, [Units(WorkId(h.TIDE), "train", cleo, 3, 5)], now())
        open_dispute(conn, "d-1", WorkId(h.LAMP), h.DORA, "the lamp is mine", "2025-03-01T00:00:00Z")
        end_dispute(conn, "d-1", "rejected", "it is not", "2025-03-02T00:00:00Z")
        open_dispute(conn, "d-2", WorkId(h.TIDE), h.DORA, "so are the tides", "2025-03-01T00:00:00Z")

    studio.store.write(agree)
    closing.propose(studio, MARCH, policy=replace(POLICY, settle_in=""), by="ada")
    closing.withdraw(studio, MARCH, by="ada", reason="dollars are settled in euros")
    closing.propose(studio, MARCH, policy=POLICY, by="ada")
    periods.approve(studio, MARCH, by="bob")
    _pay(studio)
    _lend_a_voice(studio)
    _agree_on_shares(studio)


def _agree_on_shares(studio: Studio) -> None:
    """A society's file, a sheet that both accept, a fund, and where a file was found; all of it after the closed months."""
    with studio.store.reading() as conn:
        salt = next(work for work in works(conn) if work.work_id == h.SALT)
    found = FileMark(salt.manifestations[0].sha256, "url", "https://a.example/salt.txt")
    fact_log.write(studio, lambda conn: add_marks(conn, [found]))
    file = cwr.written(studio.path.parent / f"{studio.path.name}.V21", cwr.file_of(cwr.SALT_ROAD))
    works_import.import_works(studio, file, "cwr")
    shares = [sheets.NamedShare(h.ADA, 600_000_000, "Author"), sheets.NamedShare(h.DORA, 400_000_000, "Translator")]
    first_day = str(datetime.date.fromisoformat(now()[:10]) + datetime.timedelta(days=30))
    made = sheets.propose(studio, WorkId(h.LAMP), shares, valid_from=first_day, by=h.ADA, right="performance")
    for name in (h.ADA, h.DORA):
        sheets.accept(studio, made.state.sheet.sheet_id, name)
    funds.set_members(studio, "Players Fund", [(h.BEN, 500_000_000), (h.CLEO, 500_000_000)], valid_from=first_day)


def _lend_a_voice(studio: Studio) -> None:
    """Somebody lends their voice for one use, and takes it back."""
    today = datetime.date.fromisoformat(now()[:10])
    signed, first, last = (str(today + datetime.timedelta(days=days)) for days in (-9, -3, 300))
    voice = studio.path.parent / f"{studio.path.name}-voice.wav"
    voice.write_bytes(b"RIFF a voice")
    granting.enrol(studio, "Ada Example", references=[("voice", voice)], kept_at="vault 2")
    dates = {"signed_at": f"{signed}T00:00:00Z", "notice_given_at": f"{signed}T00:00:00Z", "term_to": last}
    rows = {"uses__0__from": first, "uses__0__to": last, "storage__delete_by": last}
    grant = studio.path.parent / f"{studio.path.name}-grant.json"
    grant.write_text(json.dumps(document(**dates, **rows)))
    kept = granting.grant_file(studio, grant)
    output = attributing.all_attributions(studio)[0].output_id
    assert likeness.use(studio, request(), use_id="voice-1", output_id=output).payment == "reported"
    granting.revoke(studio, kept.grant.grant_id, reason="one was enough", by="Ada Example")


def _pay(studio: Studio) -> None:
    folder = studio.path.parent
    payees = folder / f"{studio.path.name}-payees.csv"
    payees.write_text(
        "party_id,country,rail,currency,holder,iban,minimum\n"
        f"{party_id_of(h.ADA)},DE,pain001,EUR,Ada Quill,DE89370400440532013000,1\n"
    )
    paying.import_payees(studio, payees)
    plan, _ = paying.plan_payments(studio, payer(), on="2199-01-01", by="pia", threshold_micros=0, four_eyes=True)
    (batch,) = plan.batches
    paying.approve(studio, batch.batch_id, "quentin")
    sending.send_file(studio, batch.batch_id, folder / f"{studio.path.name}-out.xml", "quentin")
    (payment,) = batch.payments
    says = folder / f"{studio.path.name}-camt.xml"
    amount = f"{payment.transfer_micros // 10_000 / 100:.2f}"
    says.write_bytes(statement(entry(amount, detail(payment.payment_id))))
    assert [one.outcome for one in paying.reconcile(studio, says)] == ["confirmed"]


@cache
def build_lived_in(house: House) -> Path:
    """The studio, made once from the finished one."""
    path = house.copy(house.finished, house.finished.parent / "lived-in")
    studio = open_studio(path)
    live_on(studio)
    studio.close()
    return path


@pytest.fixture(scope="session")
def lived_in(house: House) -> Path:
    """A template to copy."""
    return build_lived_in(house)

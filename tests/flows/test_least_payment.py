"""Who plans without a least payment pays what the statements call due, and nothing below it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from endcredits.flows import paying, periods, reporting
from endcredits.flows.studio import Studio
from endcredits.payouts import payee_book
from endcredits.royalties.book import last_close
from tests.interfaces.terminal import type_well
from tests.payouts.paying_makers import owe, payee, payer
from tests.story import house as h

from .used import ADA, BEN, FEBRUARY, JANUARY, studio, used

__all__ = ["studio"]

LATER = "2199-01-01"


def planned(studio: Studio, least_micros: int | None) -> tuple[set[str], set[tuple[str, str]]]:
    """Who is paid in a plan, and who is held for what."""
    plan, _ = paying.plan_payments(studio, payer(), on=LATER, by="pia", threshold_micros=least_micros)
    paid = {payment.party_id for batch in plan.batches for payment in batch.payments}
    return paid, {(hold.party_id, hold.reason) for hold in plan.holds}


def test_the_last_period_says_what_is_least(studio: Studio, tmp_path: Path) -> None:
    """Without a closed period everything is paid; then the policy of the period closed last decides, 0 only when given."""
    at = "2025-01-01T00:00:00Z"
    studio.store.write(lambda conn: payee_book.save_profiles(conn, [replace(payee(), party_id=BEN)], at))
    studio.store.write(lambda conn: owe(conn, "other:1", {(BEN, "EUR"): 9_000_000}))
    with studio.store.reading() as conn:
        assert last_close(conn) is None
    assert planned(studio, None) == ({BEN}, set())

    reporting.report(studio, [used(studio, f"u-{n}", h.TIDE, f"2025-0{n}-05", 1) for n in (1, 2)])
    policy = periods.close(studio, JANUARY).close.policy
    assert policy.payout_threshold_micros == 10_000_000
    paid, held = planned(studio, None)
    assert BEN not in paid and (BEN, "below-threshold") in held
    assert BEN in planned(studio, 0)[0]
    (tmp_path / "payer.toml").write_text(
        '[payer]\nname = "Small Studio Ltd"\ncountry = "DE"\niban = "DE89370400440532013000"\n'
    )
    typed = (
        "payout",
        "plan",
        "--payer",
        tmp_path / "payer.toml",
        "--on",
        "2199-01-02",
        "--by",
        "pia",
        "-s",
        studio.path,
        "--json",
    )
    assert type_well(*typed).json["batches"] == [] and len(type_well(*typed, "--threshold", "0").json["batches"]) == 1

    periods.close(studio, FEBRUARY, policy=replace(policy, payout_threshold_micros=1_000_000))
    with studio.store.reading() as conn:
        last = last_close(conn)
    assert last is not None and last.close.ends_on.startswith(FEBRUARY)
    assert BEN in planned(studio, None)[0]
    assert ADA not in planned(studio, None)[0], "who gave no account is held"

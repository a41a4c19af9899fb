"""What payees look at between closes: estimates, the evidence of a statement, a picture of what they earned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from endcredits import durable
from endcredits.errors import NotFoundError
from endcredits.flows import closing
from endcredits.flows.booking import levies_by_payee, with_funds
from endcredits.flows.clock import now
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.payouts import ESTIMATE, Facts, Statement, WorkName, read_earned_lines, statements_for_party
from endcredits.payouts.evidence import evidence_zip
from endcredits.payouts.pictures.earnings import earnings_of, earnings_svg
from endcredits.payouts.statements import statements
from endcredits.royalties import PeriodClose, Policy, find_close, policy_toml
from endcredits.works import parties, works


def estimates(
    studio: Studio, period_id: str, *, starts_on: str = "", ends_on: str = "", policy: Policy | None = None
) -> list[Statement]:
    """What everybody would earn if the period closed now: marked as estimates, kept nowhere, settled under no contract.

    Raises:
        InputError: the name, the days or the policy cannot be used, or there is no usage.
    """
    with studio.store.reading() as conn:
        names = {party_id: party.name for party_id, party in parties(conn).items()}
        facts = Facts(
            issued_on=now()[:10],
            payees={},
            works={work.work_id: WorkName(work.title) for work in works(conn)},
        )

    def look(close: PeriodClose, folder: Path) -> list[Statement]:
        told = replace(facts, payees=with_funds(names, close), levies=levies_by_payee(close))
        return list(statements(close, "", read_earned_lines(folder), told, kind=ESTIMATE))

    found: list[Statement] = closing.previewed(studio, period_id, look, starts_on=starts_on, ends_on=ends_on, policy=policy)
    return found


def evidence_of(studio: Studio, statement: Statement) -> bytes:
    """A zip with everything that is needed to check a statement, and a README that says how.

    Raises:
        NotFoundError: its period is not closed here.
    """
    with studio.store.reading() as conn:
        booked = find_close(conn, statement.period_id)
    if booked is None:
        raise NotFoundError(f"the period '{statement.period_id}' is not closed", remedy="Close it first.")
    return evidence_zip(statement, booked.close, policy_toml(booked.close.policy))


def draw_earnings(studio: Studio, called: str, out: str | Path) -> list[str]:
    """Draws what a payee earned over time, one picture a currency. Returns the files.

    Raises:
        NotFoundError: no such party, or no statement of it.
    """
    with studio.store.reading() as conn:
        party_id = party_called(conn, called)
        found = statements_for_party(conn, party_id)
    if not found:
        raise NotFoundError(f"'{called}' has no statement", remedy="Close a period first.", field="payee")
    path = Path(out)
    currencies = sorted({one.currency for one in found})
    written = []
    for currency in currencies:
        place = path if len(currencies) == 1 else path.with_name(f"{path.stem}-{currency}{path.suffix}")
        bars = earnings_of(one for one in found if one.currency == currency)
        durable.write_atomic(place, earnings_svg(f"What {found[-1].payee} earned", bars, currency).encode())
        written.append(str(place))
    return written

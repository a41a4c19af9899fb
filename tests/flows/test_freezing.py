"""What a close follows from is fixed when it is proposed, whatever becomes of works, splits and disputes later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from endcredits.errors import InputError
from endcredits.flows import catalogue, closing, freezing, paying, periods, reporting
from endcredits.flows.books import account_balances
from endcredits.flows.checking import check_studio
from endcredits.flows.splits import share_work
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.money import PPB
from endcredits.royalties import FIFTY_FIFTY, Levy, Part, close_document, end_dispute, open_dispute, read_frozen, steps_of
from endcredits.royalties.close import close_period
from endcredits.royalties.freeze import frozen_digest
from endcredits.royalties.frozen_rows import read_rows
from endcredits.works import Contributor, Permission, Submission
from tests.story import house as h

from .used import ADA, BEN, CLEO, FEBRUARY, JANUARY, studio, used

__all__ = ["studio"]

TAIL = replace(FIFTY_FIFTY, name="tail", tail_ppb=500_000_000)
DECLARED = replace(FIFTY_FIFTY.pools[0], share_ppb=PPB, parts=(Part("cleared", by="declared"),))


def dispute(studio: Studio, name: str, opened_at: str, closed_at: str = "") -> None:
    """A dispute about the tide tables."""

    def work(conn: Connection) -> None:
        open_dispute(conn, name, WorkId(h.TIDE), "Dora", "they are mine", opened_at)
        if closed_at:
            end_dispute(conn, name, "rejected", "they are not", closed_at)

    studio.store.write(work)


def no(work_id: str, since: str) -> Permission:
    return Permission(WorkId(work_id), "train", "deny", "withdrawn", "letter", "its maker", f"{since}T00:00:00Z")


def test_works_that_change_after_a_proposal_change_nothing_of_it(studio: Studio) -> None:
    """New splits, a new work, a no, a dispute and more usage between proposal and approval: the close is what was seen."""
    event = used(studio, "jan", h.TIDE, "2025-01-05", declared=[h.TIDE])
    reporting.report(studio, [event])
    policy = replace(FIFTY_FIFTY, name="declared", pools=(DECLARED,))
    proposal = closing.propose(studio, JANUARY, policy=policy, by="ada")

    share_work(studio, WorkId(h.TIDE), [(h.DORA, PPB)], "2025-01-15")
    content = (("a.txt", "text/plain", h.prose(h.TIDE, 700).encode() + b" again"),)
    catalogue.add_works(studio, [Submission("Tides", content, (Contributor(h.DORA),), "allow", "", "", h.DORA, "")])
    catalogue.state(studio, no(h.TIDE, "2024-12-01"))
    dispute(studio, "d-1", "2199-01-01T00:00:00Z")
    reporting.report(studio, [replace(event, event_id="jan-late")])
    closed = periods.approve(studio, JANUARY, by="bob", expected_digest=proposal.close_digest)

    (statement,) = closed.statements
    assert (statement.party_id, statement.summary.earned_micros) == (CLEO, 100_000_000)
    assert check_studio(studio) == []
    # In February it is Dora's by the splits, under the work's tail; the dispute is not opened yet. What came late of January
    # is Cleo's, as it would have been.
    reporting.report(studio, [used(studio, "feb", h.TIDE, "2025-02-05", declared=[h.TIDE])])
    second = periods.close(studio, FEBRUARY, policy=replace(policy, tail_ppb=250_000_000))
    got = {one.payee: (one.summary.earned_micros, one.summary.adjustments_micros) for one in second.statements}
    assert got == {h.DORA: (25_000_000, 0), h.CLEO: (0, 100_000_000)}
    assert check_studio(studio) == []


def test_a_folder_is_frozen_once_and_the_same_again_elsewhere(studio: Studio) -> None:
    """The same proposal frozen elsewhere has the same digests; tables of reports are compared with the books of today."""
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05")])
    proposal = closing.propose(studio, JANUARY)
    with studio.store.reading() as conn:
        proposed = closing.proposed_step(steps_of(conn, JANUARY))
    frozen = read_frozen(proposal.folder / "frozen")

    again = freezing.freeze_period(studio, proposed, studio.path / "elsewhere" / "frozen")

    assert frozen_digest(again.digests) == frozen_digest(frozen.digests)
    assert freezing.freeze_period(studio, proposed, proposal.folder / "frozen") == frozen
    assert freezing.changed_tables(studio, proposed, frozen) == ()
    other = tuple((name, "0" * 64 if name in ("events", "works") else stated) for name, stated in frozen.digests)
    assert freezing.changed_tables(studio, proposed, replace(frozen, digests=other)) == ("events",), "works may change"


def test_a_dispute_between_the_periods_end_and_the_proposal_holds_the_money(studio: Studio) -> None:
    """What counts is what was open when the close was proposed: earlier ends and later beginnings do not."""
    reporting.report(studio, [used(studio, "jan", h.TIDE, "2025-01-05", declared=[h.TIDE])])
    policy = replace(FIFTY_FIFTY, name="declared", pools=(DECLARED,))
    dispute(studio, "ended", "2025-01-10T00:00:00Z", "2025-02-02T00:00:00Z")
    free = closing.previewed(studio, JANUARY, lambda close, _: close, policy=policy)
    assert free.pools[0].parts[0].disputed_micros == 0

    dispute(studio, "open", "2025-02-03T00:00:00Z")
    closed = periods.close(studio, JANUARY, policy=policy)

    assert closed.close.pools[0].parts[0].disputed_micros == 100_000_000
    assert account_balances(studio, "Liabilities:Disputed") == {(f"Liabilities:Disputed:{h.TIDE}", "EUR"): -100_000_000}
    (statement,) = closed.statements
    assert (statement.summary.disputed_micros, statement.summary.closing_micros) == (100_000_000, 0)
    studio.store.write(lambda conn: end_dispute(conn, "open", "rejected", "they are not", "2199-01-01T00:00:00Z"))
    assert check_studio(studio) == [], "its end changes nothing of what is closed"


@pytest.mark.parametrize("since,tail", [("2025-01-01", True), ("2025-01-02", False), ("2024-06-01", True)])
def test_a_no_counts_from_the_next_period_on(studio: Studio, since: str, tail: bool) -> None:
    """A work that had a yes and was refused when the period began earns the tail; one without a yes is not revoked."""
    reporting.report(studio, [used(studio, "jan", h.TIDE, "2025-01-05", declared=[h.TIDE])])
    catalogue.state(studio, no(h.TIDE, since))
    policy = replace(TAIL, pools=(DECLARED,))

    proposal = closing.propose(studio, JANUARY, policy=policy)

    works = {row["work_id"]: row["paid_ppb"] for row in read_rows(proposal.folder / "frozen").works}
    assert {work for work, ppb in works.items() if ppb < PPB} == ({h.TIDE} if tail else set())
    assert proposal.close.pools[0].parts[0].allocated_micros == (50_000_000 if tail else 100_000_000)


def test_the_simple_program_closes_what_was_frozen_to_the_same_document(studio: Studio) -> None:
    """From the folder alone, with everything in it."""
    reporting.report(studio, [used(studio, f"jan-{n}", w, "2025-01-05") for n, w in enumerate((h.SALT, h.LAMP, h.TIDE))])
    close = closing.propose(studio, JANUARY, policy=TAIL).close
    frozen = read_frozen(studio.path / "periods" / JANUARY / "close-1" / "frozen")

    again = close_period(frozen, JANUARY, close.starts_on, close.ends_on, close.policy)

    assert close_document(again.close) == close_document(close)
    assert {ADA, BEN, CLEO} <= {line.party_id for line in again.lines}


def test_rights_that_nobody_has_are_refused_before_anything_is_recorded(studio: Studio) -> None:
    """A misspelt right would put a whole part in suspense."""
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05")])
    before = h.dump(studio)
    wrong = replace(FIFTY_FIFTY, pools=(replace(FIFTY_FIFTY.pools[0], parts=(Part("works", right="trian"),)),))
    with pytest.raises(InputError, match="no registered work has splits for the right 'trian'") as caught:
        closing.propose(studio, JANUARY, policy=wrong)
    assert "train" in caught.value.remedy
    with pytest.raises(InputError, match="there is no usage from 2024-12-01 to 2024-12-31"):
        closing.propose(studio, "2024-12")
    with pytest.raises(InputError, match="no rate from EUR to JPY"):
        closing.previewed(studio, JANUARY, lambda close, _: close, policy=replace(FIFTY_FIFTY, settle_in="JPY"))
    assert h.dump(studio) == before


def test_parties_that_nobody_knows_are_named(studio: Studio, tmp_path: Path) -> None:
    """By a part or a levy; makers of works are known, and so is whoever has a payee profile."""
    ghost = Part("society", share_ppb=100_000_000, by="party", party_id="party:ghost")
    maker = Part("maker", share_ppb=100_000_000, by="party", party_id=CLEO)
    pool = replace(FIFTY_FIFTY.pools[0], parts=(ghost, maker, Part("works", PPB, of_rest=True)))
    policy = replace(FIFTY_FIFTY, name="funds", pools=(pool,), levies=(Levy("pensions", 40_000_000, "party:fund"),))
    first, second = freezing.unknown_parties(studio, policy)
    assert "part 'society'" in first and "'party:ghost'" in first and "payout payees import" in first
    assert "levy 'pensions'" in second and "'party:fund'" in second
    assert freezing.unknown_parties(studio, FIFTY_FIFTY) == ()

    (tmp_path / "payees.csv").write_text(
        "party_id,country,rail,currency,holder,iban\nparty:ghost,DE,pain001,EUR,The Society,DE89370400440532013000\n"
    )
    paying.import_payees(studio, tmp_path / "payees.csv")
    assert freezing.unknown_parties(studio, policy) == (second,)

"""Closing in steps: each can be killed, lost, taken back and done anew, and money is booked once or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from endcredits import durable
from endcredits.errors import ConflictError, InputError, IntegrityError, MachineError, NotFoundError
from endcredits.flows import closing, periods, reporting
from endcredits.flows.books import account_balances, check_ledger
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio
from endcredits.royalties import ADJUSTED, FIFTY_FIFTY, make_revenue, shipped_policy
from tests.story import house as h

from .used import FEBRUARY, JANUARY, fail_commits, studio, used

__all__ = ["studio"]

FOUR_EYES = replace(FIFTY_FIFTY, name="four-eyes", four_eyes=True)
ALL_OF_IT = replace(FIFTY_FIFTY, name="all", pools=(replace(FIFTY_FIFTY.pools[0], share_ppb=1_000_000_000),))


@pytest.fixture
def ready(studio: Studio) -> Studio:
    """January has usage."""
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05"), used(studio, "jan-2", h.TIDE, "2025-01-31", 50)])
    return studio


def test_a_proposal_posts_nothing_and_approval_posts_once(ready: Studio) -> None:
    """The same proposal again is the same; the digest that was looked at is the one that is approved."""
    proposal = closing.propose(ready, JANUARY, by="ada")
    assert closing.propose(ready, JANUARY, by="someone else") == proposal
    assert account_balances(ready) == {}
    with pytest.raises(ConflictError, match="not the one expected"):
        closing.approve(ready, JANUARY, expected_digest="0" * 64)

    assert closing.approve(ready, JANUARY, by="bob", expected_digest=proposal.close_digest) is False
    before = h.dump(ready)
    assert closing.approve(ready, JANUARY, by="carl") is True
    assert h.dump(ready) == before
    assert [(step.step, step.by) for step in closing.steps(ready, JANUARY)] == [
        ("proposed", "ada"),
        ("computed", "ada"),
        ("approved", "bob"),
    ]
    assert check_ledger(ready) == (1, [])


def test_four_eyes_are_of_two_people(ready: Studio) -> None:
    """Nobody may propose without a name, nor approve under another spelling of it."""
    with pytest.raises(InputError, match="nobody is named"):
        closing.propose(ready, JANUARY, policy=FOUR_EYES, by=" ")
    with pytest.raises(InputError, match="nobody is named"):
        closing.propose(ready, JANUARY, policy=FOUR_EYES, by="\u200b-")
    with pytest.raises(NotFoundError, match="ever proposed"):
        closing.steps(ready, JANUARY)
    closing.propose(ready, JANUARY, policy=FOUR_EYES, by="Ada")
    for same in ("", "Ada", " ada", "ADA ", "\uff21\uff44\uff41", "ada\u200b", "a\u00adda", "\u200b"):
        with pytest.raises(ConflictError, match="four eyes"):
            closing.approve(ready, JANUARY, by=same)
    assert account_balances(ready) == {}
    assert closing.approve(ready, JANUARY, by="Bob") is False


def test_withdrawn_and_proposed_anew(ready: Studio) -> None:
    """Under other rules, with what arrived meanwhile, in a folder of its own; the first stays on record."""
    first = closing.propose(ready, JANUARY, by="ada")
    with pytest.raises(ConflictError, match="is proposed already"):
        closing.propose(ready, JANUARY, policy=ALL_OF_IT, by="ada")
    reporting.report(ready, [used(ready, "jan-3", h.LAMP, "2025-01-06", 10)])
    closing.withdraw(ready, JANUARY, by="ada", reason="the wrong rules")
    with pytest.raises(NotFoundError, match="is proposed"):
        closing.approve(ready, JANUARY)
    with pytest.raises(ConflictError, match="cannot be withdrawn"):
        closing.withdraw(ready, JANUARY, by="ada", reason="again")

    second = closing.propose(ready, JANUARY, policy=ALL_OF_IT, by="ada")
    periods.approve(ready, JANUARY)

    assert [step.step for step in closing.steps(ready, JANUARY)] == [
        *("proposed", "computed", "withdrawn", "proposed", "computed", "approved")
    ]
    assert first.close.totals[0].revenue_micros == 150_000_000 and second.close.totals[0].revenue_micros == 160_000_000
    assert first.folder != second.folder and first.folder.is_dir()
    assert ("Income:Operator", "EUR") not in {key for key, micros in account_balances(ready).items() if micros}
    with pytest.raises(ConflictError, match="cannot be withdrawn"):
        closing.withdraw(ready, JANUARY, by="ada", reason="too late")
    assert check_studio(ready) == []


@pytest.mark.parametrize("anew", [False, True], ids=["withdrawn", "proposed-anew"])
def test_a_close_that_is_withdrawn_while_it_is_approved_is_not_posted(
    ready: Studio, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    """Somebody takes it back after the approver's files were read: what was looked at is posted, or nothing."""
    closing.propose(ready, JANUARY, by="ada")
    real = closing._must_be_intact

    def between(proposal: closing.Proposal) -> object:
        found = real(proposal)
        closing.withdraw(ready, JANUARY, by="ada", reason="wait")
        if anew:
            closing.propose(ready, JANUARY, policy=ALL_OF_IT, by="ada")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(closing, "_must_be_intact", between)
        with pytest.raises(ConflictError, match="withdrawn while"):
            closing.approve(ready, JANUARY, by="bob")
    assert check_ledger(ready) == (0, [])
    periods.close(ready, JANUARY, policy=ALL_OF_IT)
    assert check_studio(ready) == []


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
@pytest.mark.parametrize("step", ["propose", "approve"])
def test_a_step_whose_commit_failed_is_done_again(
    ready: Studio, monkeypatch: pytest.MonkeyPatch, step: str, kept: bool
) -> None:
    """Twice: whatever the database kept, the same commands end in one close."""
    if step == "approve":
        closing.propose(ready, JANUARY, by="ada")
    for _ in range(2):
        with monkeypatch.context() as patch:
            fail_commits(ready, patch, kept=kept)
            with pytest.raises(MachineError, match="the connection was lost"):
                closing.propose(ready, JANUARY, by="ada") if step == "propose" else closing.approve(ready, JANUARY)
            if kept:
                break

    closing.propose(ready, JANUARY, by="ada")
    closing.approve(ready, JANUARY)
    periods.publish(ready, JANUARY, was_closed=True)
    assert [one.step for one in closing.steps(ready, JANUARY)] == ["proposed", "computed", "approved"]
    assert check_ledger(ready) == (1, [])
    assert check_studio(ready) == []


def test_a_computation_that_died_is_done_again_to_the_same_bytes(ready: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """After freezing and dividing, before anything was recorded; twice."""
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(durable, "write_atomic", lambda *_, **__: (_ for _ in ()).throw(MachineError("the disk is full")))
            with pytest.raises(MachineError, match="disk is full"):
                closing.propose(ready, JANUARY, by="ada")
    assert [one.step for one in closing.steps(ready, JANUARY)] == ["proposed"]
    with pytest.raises(NotFoundError):
        closing.approve(ready, JANUARY)

    proposal = closing.propose(ready, JANUARY, by="ada")
    seen = closing.previewed(ready, JANUARY, lambda close, _: close)
    assert seen == proposal.close


def test_files_that_were_changed_are_not_approved(ready: Studio) -> None:
    """The close itself, or the lines that are paid by it."""
    proposal = closing.propose(ready, JANUARY)
    for name in ("lines.parquet", "close.json"):
        path = proposal.folder / name
        data = path.read_bytes()
        path.write_bytes(data[:-9] + b"x" + data[-8:])
        with pytest.raises(IntegrityError):
            closing.approve(ready, JANUARY)
        path.write_bytes(data)
    assert check_ledger(ready) == (0, [])
    assert closing.approve(ready, JANUARY) is False


def test_a_period_without_usage_is_not_closed(ready: Studio) -> None:
    """Nothing is recorded of it; a period of late revenue alone is one."""
    before = h.dump(ready)
    for month in ("2024-12", "2199-01"):
        with pytest.raises(InputError):
            closing.propose(ready, month)
    assert h.dump(ready) == before
    periods.close(ready, JANUARY)
    with pytest.raises(InputError, match="no usage"):
        closing.propose(ready, FEBRUARY)

    reporting.report(ready, [make_revenue("late", "2025-01-30", 30_000_000, "EUR")])
    before = account_balances(ready)
    closed = periods.close(ready, FEBRUARY, policy=shipped_policy("pro-rata"))

    assert {(pool.kind, pool.usage_period, pool.events) for pool in closed.close.pools} == {(ADJUSTED, JANUARY, 0)}
    (total,) = closed.close.totals
    assert (total.revenue_micros, total.pools_micros) == (30_000_000, 15_000_000)
    now = account_balances(ready)
    payable = [key for key in now if key[0].startswith("Liabilities:Payable:")]
    assert payable and all(now[key] < before[key] for key in payable), "it meets the uses of its own period"
    assert check_studio(ready) == []


def test_a_dry_run_leaves_nothing(ready: Studio) -> None:
    """Neither a row nor a file; also of days that are not over."""
    rows, kept = h.dump(ready), h.files(ready.path)
    seen = closing.previewed(ready, "now", lambda close, _: close, starts_on="2025-01-01", ends_on="2199-12-31")
    assert seen.totals[0].revenue_micros == 150_000_000
    assert (h.dump(ready), set(h.files(ready.path)) - {"index/duplicates.json"}) == (rows, set(kept))


def test_a_period_proposed_before_an_earlier_one_closed_is_proposed_again(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """January turned out to have usage: February's proposal goes first. Where both were proposed all the same, as studios
    from before may have it, January's close looked at more, and February has to look again."""
    reporting.report(studio, [used(studio, "feb", h.TIDE, "2025-02-05")])
    closing.propose(studio, FEBRUARY, by="ada")
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05", 50)])
    with pytest.raises(ConflictError, match="'2025-02' is proposed"):
        periods.close(studio, JANUARY)
    with monkeypatch.context() as patch:
        patch.setattr(closing, "open_proposals", lambda _: ())
        periods.close(studio, JANUARY)
    before = account_balances(studio)

    with pytest.raises(ConflictError, match="cut-off"):
        closing.approve(studio, FEBRUARY, by="bob")

    assert account_balances(studio) == before
    closing.withdraw(studio, FEBRUARY, by="ada", reason="January was closed since")
    closed = periods.close(studio, FEBRUARY)
    assert [(pool.kind, pool.revenue_micros) for pool in closed.close.pools] == [("earned", 100_000_000)]
    assert check_studio(studio) == []


def test_days_of_a_proposed_period_are_closed_once(ready: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names for the same days: the second is not proposed, and of two that were whoever is approved first has them."""
    days = {"starts_on": "2025-01-01", "ends_on": "2025-01-31"}
    closing.propose(ready, JANUARY, by="ada")
    with pytest.raises(ConflictError, match="'2025-01' is proposed"):
        closing.propose(ready, "new-year", **days, by="ada")
    with monkeypatch.context() as patch:
        patch.setattr(closing, "open_proposals", lambda _: ())
        closing.propose(ready, "new-year", **days, by="ada")
    periods.approve(ready, "new-year")
    with pytest.raises(ConflictError, match="shares days"):
        closing.approve(ready, JANUARY)
    assert check_ledger(ready) == (1, [])

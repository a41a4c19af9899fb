"""Sheets, funds and places reach the money: who accepted is paid, a fund's members are paid through it, the rest waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows import funds, likeness_granting, periods, reporting, sheets
from endcredits.flows.books import account_balances
from endcredits.flows.checking import check_studio
from endcredits.flows.fact_files import facts_in
from endcredits.flows.portions import registered_portions
from endcredits.flows.sheets import parse_share
from endcredits.flows.studio import Studio
from endcredits.ids import WorkId
from endcredits.royalties import payable_account, suspense_account
from endcredits.works import party_id_of, set_splits, splits_at, works
from endcredits.works.shares import NOT_AGREED, Holding, agree
from endcredits.works.shares.book import add_nobody, credits_of, work_of
from tests.story import house as h
from tests.story.dishonest import by_hand, published

from .used import ADA, BEN, CLEO, FEBRUARY, JANUARY, fail_commits, studio, used

__all__ = ["studio"]

TARA = party_id_of("Tara Lin")
TIDE = WorkId(h.TIDE)
SALT = WorkId(h.SALT)
SHARES = ["Cleo <i>Dunn</i>=70%", "Tara Lin=10%:translator:Tara Lin (into English)", "Players Fund=20%:Fund"]


def proposed(studio: Studio, *shares: str, work_id: WorkId = TIDE, valid_from: str = "2025-01-01", **more: str) -> str:
    """A sheet's id."""
    named = [parse_share(one) for one in shares or SHARES]
    return sheets.propose(studio, work_id, named, valid_from=valid_from, by="Cleo", **more).state.sheet.sheet_id


def accept_all(studio: Studio, sheet_id: str) -> sheets.Accepted:
    """Everybody's yes, the last one returned."""
    state = sheets.show(studio, sheet_id)[0]
    return [sheets.accept(studio, sheet_id, party) for party in state.missing][-1]


def owed(studio: Studio, party: str) -> int:
    """Micros owed to a party."""
    return -account_balances(studio).get((payable_account(party_id_of(party)), "EUR"), 0)


def test_a_close_pays_a_translator_by_a_sheet_and_a_fund_that_splits_again(studio: Studio) -> None:
    """Two levels of funds are divided exactly; what the work earned is what its people got."""
    accept_all(studio, proposed(studio))
    funds.set_members(
        studio, "Players Fund", [("Una Horn", 250_000_000), ("Strings Fund", 750_000_000)], valid_from="2025-01-01"
    )
    funds.set_members(studio, "Strings Fund", [("Vic Viola", 1), ("Wim Cello", 999_999_999)], valid_from="2025-01-01")
    reporting.report(studio, [used(studio, "jan", h.TIDE, "2025-01-05", 1_000)])
    close = periods.close(studio, JANUARY).close

    paid = {name: owed(studio, name) for name in ("Cleo <i>Dunn</i>", "Tara Lin", "Una Horn", "Vic Viola", "Wim Cello")}
    work = sum(paid.values())
    assert work > 0 and paid["Cleo <i>Dunn</i>"] == pytest.approx(work * 0.7, abs=2)
    assert paid["Tara Lin"] == pytest.approx(work * 0.1, abs=2)
    assert paid["Una Horn"] == pytest.approx(work * 0.05, abs=2)
    assert paid["Wim Cello"] == pytest.approx(work * 0.15, abs=2) and paid["Vic Viola"] == 0
    assert owed(studio, "Players Fund") == owed(studio, "Strings Fund") == 0
    assert close.lines > 4
    assert check_studio(studio) == []
    kinds = {fact.type for fact in facts_in(studio.path)}
    assert {"party.add", "fund.set", "sheet.propose", "sheet.accept"} <= kinds


def test_a_sheet_says_nothing_about_other_places(studio: Studio) -> None:
    """What held in the United States goes on when all other places are agreed anew; Germany's own set is replaced, too."""
    accept_all(studio, proposed(studio, "Ada Quill=60%", "Ben Marl=40%", work_id=SALT, territory="DE"))
    accept_all(studio, proposed(studio, "Ada Quill=100%", work_id=SALT, territory="WORLD -US", valid_from="2025-01-02"))
    with studio.store.reading() as conn:
        work = next(one for one in works(conn) if one.work_id == SALT)
    paid = {
        (place, day): {one.party_id: one.split_ppb for one in splits_at(work, "train", place, day)}
        for place in ("DE", "US", "FR")
        for day in ("2025-01-01", "2025-01-02")
    }
    both, ada = {ADA: 600_000_000, BEN: 400_000_000}, {ADA: 1_000_000_000}
    assert paid == {
        ("DE", "2025-01-01"): both,
        ("DE", "2025-01-02"): ada,
        ("US", "2025-01-01"): both,
        ("US", "2025-01-02"): both,
        ("FR", "2025-01-01"): both,
        ("FR", "2025-01-02"): ada,
    }


def test_what_nobody_is_agreed_to_own_waits_and_the_others_are_paid(studio: Studio) -> None:
    """A quarter is nobody's yet: the three others get theirs, the quarter waits in suspense, and release asks to whom."""
    with studio.store.reading() as conn:
        work = next(one for one in works(conn) if one.work_id == TIDE)
    held = [Holding(CLEO, 750_000_000, "train", valid_from="2025-01-01")]

    def record(conn: Connection) -> None:
        add_nobody(conn)
        set_splits(conn, TIDE, agree(held, work.splits).splits)

    studio.store.write(record)
    reporting.report(studio, [used(studio, "us", h.TIDE, "2025-01-05", 1_000, territory="US")])
    periods.close(studio, JANUARY)
    waiting = -account_balances(studio)[suspense_account(TIDE), "EUR"]
    assert waiting > 0 and owed(studio, "Cleo <i>Dunn</i>") == pytest.approx(3 * waiting, abs=4)
    assert not any(account.endswith(NOT_AGREED) for account, _ in account_balances(studio))
    assert check_studio(studio) == []
    with studio.store.reading() as conn, pytest.raises(InputError, match="nobody's yet"):
        registered_portions(conn, TIDE, "2025-02-01")


def test_nothing_moves_until_the_last_yes(studio: Studio) -> None:
    """The same yes twice is one yes, and a sheet's credits come with its splits."""
    sheet_id = proposed(studio)
    assert proposed(studio) == sheet_id
    for party in ("Cleo <i>Dunn</i>", "Tara Lin"):
        for _ in range(2):
            assert sheets.accept(studio, sheet_id, party).splits == ()
    state = sheets.show(studio, str(TIDE))[0]
    assert state.state == "proposed" and [str(one) for one in state.missing] == [party_id_of("Players Fund")]
    assert state.accepted[0].accepted_by == "Cleo <i>Dunn</i>" and len(state.accepted[0].sheet_digest) == 64
    done = sheets.accept(studio, sheet_id, "Players Fund", by="the fund's board")
    assert done.state.state == "in-force" and sum(one.split_ppb for one in done.splits) == 1_000_000_000
    with studio.store.reading() as conn:
        roles = [(one.role, one.display_credit) for one in credits_of(conn, TIDE)]
    assert ("Translator", "Tara Lin (into English)") in roles and len(roles) == 3


def test_a_changed_sheet_begins_without_any_yes(studio: Studio) -> None:
    """Who accepted the first has accepted nothing of the second, and the first can never come into force."""
    first = proposed(studio)
    sheets.accept(studio, first, "Tara Lin")
    second = proposed(studio, "Cleo <i>Dunn</i>=90%", "Tara Lin=10%:translator")
    assert [(one.state, len(one.accepted)) for one in sheets.show(studio, str(TIDE))] == [("superseded", 1), ("proposed", 0)]
    with pytest.raises(ConflictError, match="was replaced by"):
        sheets.accept(studio, first, "Players Fund")
    third = proposed(studio)
    assert third not in (first, second)
    assert [one.state for one in sheets.show(studio, str(TIDE))] == ["superseded", "superseded", "proposed"]


def test_more_than_the_whole_is_held_and_nobody_can_accept_it(studio: Studio) -> None:
    """100.01 % is claimed by somebody who is wrong: a dispute holds all of the work's money, nothing is scaled down."""
    named = [parse_share("Cleo <i>Dunn</i>=90%"), parse_share("Tara Lin=10.01%:translator")]
    done = sheets.propose(studio, TIDE, named, valid_from="2025-01-01", by="Tara")
    assert done.state.state == "over-claimed" and len(done.disputes) == 1
    assert sheets.propose(studio, TIDE, named, valid_from="2025-01-01", by="Tara").disputes == done.disputes
    with pytest.raises(ConflictError, match=r"100\.01 % are claimed"):
        sheets.accept(studio, done.state.sheet.sheet_id, "Tara Lin")
    reporting.report(studio, [used(studio, "jan", h.TIDE, "2025-01-05", 1_000)])
    periods.close(studio, JANUARY)
    assert owed(studio, "Cleo <i>Dunn</i>") == owed(studio, "Tara Lin") == 0
    assert account_balances(studio)[f"Liabilities:Disputed:{TIDE}", "EUR"] < 0
    assert check_studio(studio) == []


def test_closed_periods_keep_their_splits_and_their_funds(studio: Studio) -> None:
    """A sheet or a fund cannot begin in a closed period, and a yes that comes too late is refused and not lost silently."""
    late = proposed(studio)
    sheets.accept(studio, late, "Tara Lin")
    reporting.report(studio, [used(studio, "jan", h.SALT, "2025-01-05")])
    periods.close(studio, JANUARY)
    with pytest.raises(ConflictError, match="closed up to 2025-01-31"):
        proposed(studio, "Cleo <i>Dunn</i>=100%")
    sheets.accept(studio, late, "Cleo <i>Dunn</i>")
    with pytest.raises(ConflictError, match="begin on 2025-02-01"):
        sheets.accept(studio, late, "Players Fund")
    assert sheets.show(studio, late)[0].state == "proposed"
    with pytest.raises(ConflictError, match="closed"):
        funds.set_members(studio, "Players Fund", [("Una Horn", 1_000_000_000)], valid_from="2025-01-31")


def test_a_circle_of_funds_is_refused_by_its_names(studio: Studio) -> None:
    """However long the way is, on whatever day it would begin."""
    funds.set_members(studio, "North Fund", [("South Fund", 1_000_000_000)], valid_from="2025-01-01")
    funds.set_members(studio, "South Fund", [("Una Horn", 500_000_000), ("East Fund", 500_000_000)], valid_from="2025-01-01")
    with pytest.raises(InputError, match="East Fund pays North Fund pays South Fund pays East Fund"):
        funds.set_members(studio, "East Fund", [("North Fund", 1_000_000_000)], valid_from="2026-01-01")
    with pytest.raises(InputError, match="East Fund pays East Fund"):
        funds.set_members(studio, "East Fund", [("East Fund", 1_000_000_000)], valid_from="2025-01-01")
    found, names = funds.funds(studio, "2025-06-01")
    assert {names[one.fund_id]: {names[two]: ppb for two, ppb in one.reached.items()} for one in found} == {  # type: ignore[index]
        "North Fund": {"East Fund": 500_000_000, "Una Horn": 500_000_000},
        "South Fund": {"East Fund": 500_000_000, "Una Horn": 500_000_000},
    }


def test_what_a_sheet_may_not_say(studio: Studio) -> None:
    """Less than the whole, somebody twice, another work, somebody who is not on it."""
    for shares, match in [
        (["Ada Quill=99.99%"], "sum to 999,900,000 ppb"),
        (["Ada Quill=50%", "Ada Quill=50%"], "stands twice"),
        (["party:nobody-known=100%"], "there is no party"),
        (["a@example.org=100%"], "e-mail"),
        (["Not agreed yet=100%"], "cannot accept"),
    ]:
        with pytest.raises(InputError, match=match):
            proposed(studio, *shares)
    with pytest.raises(InputError, match="is not a territory"):
        proposed(studio, "Ada Quill=100%", territory="2106")
    with pytest.raises(NotFoundError, match="no work"):
        proposed(studio, "Ada Quill=100%", work_id=WorkId("work:none"))
    with pytest.raises(NotFoundError, match="does not name"):
        sheets.accept(studio, proposed(studio), str(ADA))
    with pytest.raises(NotFoundError, match="no sheet"):
        sheets.accept(studio, "sheet:none", str(BEN))
    with pytest.raises(ConflictError, match="other splits"):
        proposed(studio, "Tara Lin=100%", valid_from="0001-01-01")


@pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])
def test_the_last_yes_and_its_splits_are_one(studio: Studio, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """A commit that fails leaves both or neither; the same command again ends in the same state."""
    sheet_id = proposed(studio)
    for party in ("Cleo <i>Dunn</i>", "Tara Lin"):
        sheets.accept(studio, sheet_id, party)
    with monkeypatch.context() as patch:
        fail_commits(studio, patch, kept=kept)
        with pytest.raises(Exception, match="connection was lost"):
            sheets.accept(studio, sheet_id, "Players Fund")
    state = sheets.show(studio, sheet_id)[0]
    with studio.store.reading() as conn:
        own = next(one for one in works(conn) if one.work_id == TIDE)
    assert (state.state == "in-force") == kept == any(split.party_id == TARA for split in own.splits)
    sheets.accept(studio, sheet_id, "Players Fund")
    assert sheets.show(studio, sheet_id)[0].state == "in-force"
    assert check_studio(studio) == []


def test_an_auditor_follows_funds_and_what_waits_and_finds_a_fund_that_was_changed(studio: Studio, tmp_path: Path) -> None:
    """The pack tells members of funds and names of who was added; late usage is divided by the members of then."""
    accept_all(studio, proposed(studio))
    funds.set_members(
        studio, "Players Fund", [("Una Horn", 500_000_000), ("Vic Viola", 500_000_000)], valid_from="2025-01-01"
    )
    accept_all(studio, proposed(studio, "Ada Quill=100%", work_id=SALT, territory="DE"))
    reporting.report(
        studio, [used(studio, "jan", h.TIDE, "2025-01-05", 1_000), used(studio, "j-2", h.SALT, "2025-01-06", 70)]
    )
    periods.close(studio, JANUARY)
    assert published(studio, tmp_path / "january") == ""

    funds.set_members(studio, "Players Fund", [("Wim Cello", 1_000_000_000)], valid_from="2025-02-01")
    reporting.report(
        studio, [used(studio, "late", h.TIDE, "2025-01-20", 500), used(studio, "feb", h.TIDE, "2025-02-05", 1_000)]
    )
    periods.close(studio, FEBRUARY)
    una, wim, tara = owed(studio, "Una Horn"), owed(studio, "Wim Cello"), owed(studio, "Tara Lin")
    assert una > 0 and wim > 0 and una * 2 + wim == pytest.approx(2 * tara, abs=20)
    assert una * 2 == pytest.approx(1.5 * wim, rel=0.05), "January and its late half went to the members of January"
    assert check_studio(studio) == []


def test_a_fund_that_was_changed_behind_the_guards_is_found(studio: Studio) -> None:
    """By its row's digest, and by its sum."""
    funds.set_members(
        studio, "Players Fund", [("Una Horn", 500_000_000), ("Vic Viola", 500_000_000)], valid_from="2025-01-01"
    )
    with by_hand(studio, "fund_shares") as conn:
        conn.execute("UPDATE fund_shares SET share_ppb = 400000000 WHERE rowid = 1")
    found = [f"{one.where}: {one.problem}" for one in check_studio(studio)]
    assert any("fund_shares" in one and "digest" in one for one in found)
    assert any("do not sum to the whole" in one for one in found)


def test_one_work_is_read_as_all_are(studio: Studio) -> None:
    """Files, credits and sets of splits, in the same order."""
    with studio.store.reading() as conn:
        assert [work_of(conn, one.work_id) for one in works(conn)] == list(works(conn))


def test_no_work_is_taken_from_its_owners_without_their_yes(studio: Studio) -> None:
    """Who is paid by the equal parts of registration is on every sheet that gives them nothing, and it waits for them."""
    sheet_id = proposed(studio, "Mallory=100%", work_id=SALT)
    state = sheets.show(studio, sheet_id)[0]
    assert [(one.party_id, one.role, one.share_ppb) for one in state.sheet.lines[1:]] == [
        (party, "Gives up", 0) for party in sorted([ADA, BEN])
    ]
    assert sheets.accept(studio, sheet_id, "Mallory").state.missing == tuple(sorted([ADA, BEN]))
    assert sheets.accept(studio, sheet_id, str(ADA)).splits == ()
    assert proposed(studio, "Mallory=100%", work_id=SALT) == sheet_id, "the same words are the same sheet"
    done = sheets.accept(studio, sheet_id, str(BEN))
    assert [one.party_id for one in done.splits] == [party_id_of("Mallory")]
    assert proposed(studio, "Mallory=100%", work_id=SALT) == sheet_id, "also when it is in force"
    with studio.store.reading() as conn:
        assert not any(one.role == "Gives up" for one in credits_of(conn, SALT))
    assert check_studio(studio) == []


def test_who_came_to_be_paid_while_a_sheet_waited_is_asked_anew(studio: Studio) -> None:
    """A yes to the older words gives nobody the part of somebody whom they do not name."""
    late = proposed(studio, "Ada Quill=50%", "Ben Marl=50%", work_id=SALT, territory="DE", valid_from="2025-01-02")
    accept_all(studio, proposed(studio, "Tara Lin=100%", work_id=SALT))
    sheets.accept(studio, late, str(ADA))
    with pytest.raises(ConflictError, match="'Tara Lin' is paid"):
        sheets.accept(studio, late, str(BEN))
    anew = proposed(studio, "Ada Quill=50%", "Ben Marl=50%", work_id=SALT, territory="DE", valid_from="2025-01-02")
    assert anew != late and TARA in sheets.show(studio, anew)[0].missing


def test_nobody_who_is_paid_for_a_work_can_be_made_a_fund(studio: Studio) -> None:
    """Neither somebody credited, nor somebody on a sheet, nor somebody enrolled; what they earn is theirs."""
    proposed(studio)
    likeness_granting.enrol(studio, "Rae Field")
    for called, why in [(str(ADA), "is credited as"), ("Tara Lin", "stands on the sheet"), ("Rae Field", "is a person")]:
        with pytest.raises(ConflictError, match=why):
            funds.set_members(studio, called, [("Mallory", 1_000_000_000)], valid_from="2025-01-01")
    funds.set_members(studio, "Players Fund", [("Una Horn", 1_000_000_000)], valid_from="2025-01-01")
    assert [one.name for one in funds.funds(studio, "2025-01-01")[0]] == ["Players Fund"]

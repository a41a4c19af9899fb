"""Disputed money waits, over-claims are held, and what is decided is paid once and exactly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import ConflictError, InputError, MachineError, NotFoundError
from endcredits.ids import PartyId, WorkId
from endcredits.ledger import JournalEntry, Posting, balances, check_books, make_entry, post
from endcredits.money import PPB
from endcredits.royalties.accounts import disputed_account, held_account, payable_account, suspense_account
from endcredits.royalties.claims import Claim, dispute_over_claims, over_claims, read_claims
from endcredits.royalties.contract_tables import dispute_ends
from endcredits.royalties.disputes import (
    Dispute,
    check_disputes,
    disputed_works,
    disputes,
    end_dispute,
    find_dispute,
    open_dispute,
    release_disputed,
)
from endcredits.royalties.line_sums import line_sums
from endcredits.royalties.posting import close_entry
from endcredits.royalties.releasing import release
from endcredits.store import Store

from .makers import HALF, Given, Song, event, output

SONG = WorkId("work:song")
ADA, BOB = PartyId("party:ada"), PartyId("party:bob")
OPENED, ENDED = "2026-11-10T08:00:00Z", "2026-12-03T09:30:00Z"


def opened(store: Store, name: str = "d1", work: WorkId = SONG, at: str = OPENED) -> Dispute:
    return store.write(lambda conn: open_dispute(conn, name, work, "Bob & <Sons>", "=we wrote the chorus", at))


def ended(store: Store, name: str = "d1", outcome: str = "upheld") -> Dispute:
    return store.write(lambda conn: end_dispute(conn, name, outcome, "The sketch of 1999 is his.", ENDED))


def waiting(store: Store, account: str, *sums: tuple[int, str], key: str = "close:2026-11") -> JournalEntry:
    """Money that waits on an account."""
    postings = [Posting(account, -micros, currency) for micros, currency in sums]
    postings += [Posting("Assets:Receivable:Revenue", micros, currency) for micros, currency in sums]
    return store.write(lambda conn: post(conn, make_entry(key, "2026-11-30", "Closed", postings)))


def released(store: Store, parties: dict[PartyId, int], work: WorkId = SONG, on: str = "2026-12-04") -> JournalEntry | None:
    """Releases and posts, as a flow does it."""

    def work_(conn: sa.Connection) -> JournalEntry | None:
        entry = release_disputed(conn, work, parties, on, "decided")
        return entry if entry is None else post(conn, entry)

    return store.write(work_)


def test_a_dispute_is_opened_and_ended_once(store: Store) -> None:
    """Both steps may be repeated with the same words, and hostile text stays text."""
    first = opened(store)

    assert opened(store) == first == Dispute("d1", SONG, "Bob & <Sons>", "=we wrote the chorus", OPENED)
    assert ended(store) == ended(store)
    with store.reading() as conn:
        (found,) = disputes(conn, SONG)
        assert (found.outcome, found.decision, found.closed_at) == ("upheld", "The sketch of 1999 is his.", ENDED)
        assert disputes(conn, WorkId("work:other")) == ()
        assert find_dispute(conn, "d2") is None
        assert check_disputes(conn) == []


def test_a_work_is_disputed_from_opening_to_end(sqlite_store: Store) -> None:
    """Days count up to their last second; asked without a time, what is open now."""
    opened(sqlite_store)
    opened(sqlite_store, "d2", WorkId("work:two"))
    ended(sqlite_store)

    with sqlite_store.reading() as conn:
        assert disputed_works(conn, "2026-11-09") == frozenset()
        assert disputed_works(conn, "2026-11-10T07:59:59Z") == frozenset()
        assert disputed_works(conn, OPENED) == disputed_works(conn, "2026-11-10") == {SONG, "work:two"}
        assert disputed_works(conn, "2026-12-03T09:29:59Z") == {SONG, "work:two"}
        assert disputed_works(conn, ENDED) == disputed_works(conn) == {"work:two"}
        with pytest.raises(InputError):
            disputed_works(conn, "yesterday")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (("a b", SONG, "Bob", "why", OPENED), "dispute_id"),
        (("d" * 101, SONG, "Bob", "why", OPENED), "dispute_id"),
        (("d", "work song", "Bob", "why", OPENED), "work_id"),
        (("d", SONG, "", "why", OPENED), "claimant"),
        (("d", SONG, "Bo\u202eb", "why", OPENED), "claimant"),
        (("d", SONG, "Bob", "why\nnot", OPENED), "reason"),
        (("d", SONG, "Bob", "x" * 2_001, OPENED), "reason"),
        (("d", SONG, "Bob", "why", "2026-11-10"), "opened_at"),
        (("d1", WorkId("work:other"), "Bob & <Sons>", "=we wrote the chorus", OPENED), "work_id"),
    ],
)
def test_a_dispute_that_cannot_be_used_is_refused(sqlite_store: Store, values: tuple[str, ...], field: str) -> None:
    """Ids, names, words and times are checked, and a taken id keeps its dispute."""
    opened(sqlite_store)

    with pytest.raises((InputError, ConflictError)) as caught:
        sqlite_store.write(lambda conn: open_dispute(conn, *values))  # type: ignore[arg-type]

    assert caught.value.field == field
    with sqlite_store.reading() as conn:
        assert len(disputes(conn)) == 1


def test_an_end_that_cannot_be_is_refused(sqlite_store: Store) -> None:
    """Of a dispute that is unknown, in an unknown way, before it began, or otherwise than it ended."""
    opened(sqlite_store)
    for arguments, error in (
        (("d2", "upheld", "why", ENDED), NotFoundError),
        (("d1", "won", "why", ENDED), InputError),
        (("d1", "upheld", "", ENDED), InputError),
        (("d1", "upheld", "why", "2026-11-10T07:59:59Z"), InputError),
    ):
        with pytest.raises(error):
            sqlite_store.write(lambda conn, words=arguments: end_dispute(conn, *words))  # type: ignore[misc]
    ended(sqlite_store)
    with pytest.raises(ConflictError, match="has ended"):
        ended(sqlite_store, outcome="rejected")


def test_a_forged_end_is_found(sqlite_store: Store) -> None:
    """The database refuses changes; whoever takes the guard away leaves a digest that no longer fits."""
    opened(sqlite_store)
    ended(sqlite_store)
    change = sa.update(dispute_ends).values(outcome="lost")

    with pytest.raises(sa.exc.IntegrityError, match="append-only"):
        sqlite_store.write(lambda conn: conn.execute(change))
    with sqlite_store.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER dispute_ends_no_update")
        conn.execute(change)
    with sqlite_store.reading() as conn:
        assert len(check_disputes(conn)) == 2


def test_disputed_money_goes_to_whom_it_was_found_to_belong(store: Store) -> None:
    """From the close to the release: held while open, divided exactly in every currency, once."""
    songs = (Song(SONG, {("train", "WORLD"): {"party:ada": PPB}}, state="disputed"),)
    closed = Given(
        songs=songs,
        outputs=(output("o", 1, **{SONG: 1}),),
        events=(event("e", "o", 101), event("f", "o", 7, currency="JPY")),
    ).close()
    entry = close_entry(closed.close, line_sums(closed.lines))
    assert entry is not None
    store.write(lambda conn: post(conn, entry))
    opened(store)
    opened(store, "d2")
    ended(store)
    with pytest.raises(ConflictError, match="d2"):
        released(store, {BOB: PPB})
    ended(store, "d2", "settled")

    for _ in range(2):
        entry = released(store, {ADA: HALF, BOB: HALF})

    assert entry is None
    with store.reading() as conn:
        assert balances(conn, "Liabilities") == {
            (payable_account(ADA), "EUR"): -51,
            (payable_account(ADA), "JPY"): -4,
            (payable_account(BOB), "EUR"): -50,
            (payable_account(BOB), "JPY"): -3,
        }
        assert check_books(conn) == []


def test_money_that_gathers_again_is_released_again(sqlite_store: Store) -> None:
    """On the same day, of the same work, and without touching a work whose id begins alike."""
    waiting(sqlite_store, disputed_account(SONG), (5, "EUR"))
    waiting(sqlite_store, disputed_account(WorkId(f"{SONG}:part")), (9, "EUR"), key="b")
    first = released(sqlite_store, {ADA: PPB})
    waiting(sqlite_store, disputed_account(SONG), (5, "EUR"), key="c")
    second = released(sqlite_store, {ADA: PPB})

    assert first is not None and second is not None
    assert first.idempotency_key != second.idempotency_key
    with sqlite_store.reading() as conn:
        assert balances(conn, "Liabilities") == {
            (disputed_account(WorkId(f"{SONG}:part")), "EUR"): -9,
            (payable_account(ADA), "EUR"): -10,
        }


@pytest.mark.parametrize("account", [suspense_account(SONG), held_account("anomaly", ADA)])
def test_all_that_waits_can_be_released(sqlite_store: Store, account: str) -> None:
    """Money of unknown or held payees goes the same way; a debit is nothing that waits, and nobody named owes it."""
    waiting(sqlite_store, account, (5, "EUR"), (-3, "JPY"))

    entry = sqlite_store.write(lambda conn: release(conn, account, {ADA: PPB}, "2026-12-01", "found"))

    assert entry is not None
    assert {(one.account, one.amount_micros) for one in entry.postings} == {
        (account, 5),
        (payable_account(ADA), -5),
    }
    waiting(sqlite_store, account, (-5, "EUR"), key="too-much")
    sqlite_store.write(lambda conn: post(conn, entry, "2026-12-01T00:00:00Z"))
    with sqlite_store.reading() as conn:
        assert balances(conn, account) == {(account, "EUR"): 5, (account, "JPY"): 3}
        assert release(conn, account, {ADA: PPB}, "2026-12-02", "found") is None


@pytest.mark.parametrize(
    ("account", "parties"),
    [
        ("Liabilities:Commons", {ADA: PPB}),
        ("Income:Operator", {ADA: PPB}),
        (disputed_account(SONG), {ADA: PPB - 1}),
        (disputed_account(SONG), {ADA: PPB, BOB: 1}),
        (disputed_account(SONG), {ADA: PPB + 1, BOB: -1}),
        (disputed_account(SONG), {ADA: True}),
        (disputed_account(SONG), {}),
    ],
)
def test_a_release_that_does_not_add_up_is_refused(sqlite_store: Store, account: str, parties: dict[PartyId, int]) -> None:
    """Only what waits is released, and only as a whole."""
    waiting(sqlite_store, disputed_account(SONG), (5, "EUR"))

    with pytest.raises(InputError):
        sqlite_store.write(lambda conn: release(conn, account, parties, "2026-12-01", "why"))


def fail_once(store: Store, monkeypatch: pytest.MonkeyPatch, *, kept: bool) -> None:
    """Lets the next commit fail: lost, or done and reported as lost."""
    dialect = store.engine.dialect
    real: Callable[[object], None] = dialect.do_commit
    failures = iter([True])

    def commit(connection: object) -> None:
        failing = next(failures, False)
        if kept or not failing:
            real(connection)
        if failing:
            raise dialect.loaded_dbapi.OperationalError("the connection was lost")

    monkeypatch.setattr(dialect, "do_commit", commit)


FAILURES = pytest.mark.parametrize("kept", [False, True], ids=["lost", "kept-but-reported-lost"])


@FAILURES
def test_steps_of_a_dispute_whose_commit_failed_count_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """Whoever cannot know whether it was written opens and ends it again, and finds claims disputed once."""
    claims = [claim("party:bob", PPB), claim("party:ada", PPB)]
    for step in (
        lambda: opened(store),
        lambda: ended(store),
        lambda: store.write(lambda conn: dispute_over_claims(conn, claims, OPENED)),
    ):
        with monkeypatch.context() as patch:
            fail_once(store, patch, kept=kept)
            with pytest.raises(MachineError):
                step()
        assert step() == step()
    with store.reading() as conn:
        assert [one.outcome for one in disputes(conn)] == ["upheld", ""]
        assert check_disputes(conn) == []


@FAILURES
def test_a_release_whose_commit_failed_pays_once(store: Store, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    """Whoever cannot know whether it was written releases again."""
    waiting(store, disputed_account(SONG), (5, "EUR"))
    fail_once(store, monkeypatch, kept=kept)
    with pytest.raises(MachineError):
        released(store, {ADA: PPB})

    released(store, {ADA: PPB})

    with store.reading() as conn:
        assert balances(conn, "Liabilities") == {(payable_account(ADA), "EUR"): -5}


def claim(party: str, ppb: int, territory: str = "WORLD", right: str = "train") -> Claim:
    return Claim(SONG, right, territory, PartyId(party), ppb, "split sheet")


def test_more_than_the_whole_is_held(store: Store) -> None:
    """60 and 60 per cent of one right: the work is disputed, once, until somebody decides."""
    claims = [claim("party:bob", 600_000_000), claim("party:ada", 600_000_000), claim("party:cyd", PPB, right="sync")]

    (first,) = store.write(lambda conn: dispute_over_claims(conn, claims, OPENED))
    (again,) = store.write(lambda conn: dispute_over_claims(conn, list(reversed(claims)), ENDED))

    assert first == again
    assert first.reason == "120% of the right train in WORLD are claimed: party:ada 60%, party:bob 60%."
    with store.reading() as conn:
        assert disputed_works(conn) == {SONG}


@pytest.mark.parametrize(
    ("claims", "totals"),
    [
        ([claim("a", HALF), claim("b", HALF)], []),
        ([claim("a", HALF), claim("b", HALF + 1)], [PPB + 1]),
        ([claim("a", PPB), claim("b", PPB, "DE")], []),
        ([claim("a", PPB), claim("a", PPB), claim("a", 1)], []),
        ([claim("a", PPB), claim("b", 1), claim("b", 2)], [PPB + 2]),
    ],
)
def test_claims_are_added_up_by_right_and_territory(claims: list[Claim], totals: list[int]) -> None:
    """A whole is no more than a whole, and saying the same twice claims it once."""
    assert [over.total_ppb for over in over_claims(claims)] == totals


CLAIMS = st.lists(
    st.builds(
        Claim,
        st.sampled_from([SONG, WorkId("work:two")]),
        st.sampled_from(["train", "sync"]),
        st.sampled_from(["WORLD", "DE"]),
        st.sampled_from([ADA, BOB, PartyId("party:cyd")]),
        st.integers(1, PPB),
    )
)


@given(CLAIMS, st.randoms(use_true_random=False))
def test_over_claims_do_not_depend_on_order(claims: list[Claim], random: object) -> None:
    """Nobody is over-claimed because of the order in which sheets came in; one more claim never ends an over-claim."""
    mixed = list(claims)
    random.shuffle(mixed)  # type: ignore[attr-defined]

    assert over_claims(mixed) == over_claims(claims)
    before = {(over.work_id, over.right, over.territory) for over in over_claims(claims[:-1])}
    assert before <= {(over.work_id, over.right, over.territory) for over in over_claims(claims)}


CSV = (
    "work_id,party_id,claimed,right,territory,source\n"
    "work:song,party:ada,60%,train,WORLD,split sheet\n"
    "work:song,b,12.5%,,,\n"
)


def test_claims_are_read_from_a_table(tmp_path: Path) -> None:
    """Percentages exactly; right, territory and source may be left out."""
    file = tmp_path / "claims.csv"
    file.write_text(CSV)

    assert read_claims(file) == (claim("party:ada", 600_000_000), Claim(SONG, "train", "WORLD", PartyId("b"), 125_000_000))


@pytest.mark.parametrize(
    ("old", "new", "row", "field"),
    [
        ("60%", "160%", 1, "claimed"),
        ("60%", "0%", 1, "claimed"),
        ("12.5%", "", 2, "claimed"),
        ("WORLD", "Europe", 1, "territory"),
        ("party:ada", "=1+1", 1, "party_id"),
        ("claimed", "portion", None, "claimed"),
        ("b,12.5%,,,", "b,12.5%", 2, None),
        ("source", "origin", 1, "origin"),
    ],
)
def test_a_wrong_claim_is_named(tmp_path: Path, old: str, new: str, row: int | None, field: str | None) -> None:
    """File, row and field."""
    file = tmp_path / "claims.csv"
    file.write_text(CSV.replace(old, new, 1))

    with pytest.raises(InputError) as caught:
        read_claims(file)

    assert (caught.value.file, caught.value.row, caught.value.field) == (str(file), row, field)

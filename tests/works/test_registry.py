"""The registry adds and never changes: works once, splits and statements by date, and it finds what was tampered with."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import PartyId, WorkId
from endcredits.money import PPB
from endcredits.store import Store
from endcredits.works import (
    Contributor,
    Permission,
    Registered,
    Split,
    Submission,
    asked_of_work,
    catalogue_digest,
    check_works,
    decide,
    get_content,
    parties,
    party_id_of,
    permissions,
    register,
    set_splits,
    splits_at,
    state_permission,
    works,
)

AT = "2026-11-20T12:00:00Z"
LATER = "2026-11-21T12:00:00Z"
SMITH, JONES = party_id_of("A. Smith"), party_id_of("B. Jones")


def submission(title: str, text: str, *people: str, permission: str = "allow", work_id: str = "") -> Submission:
    """A work of one file."""
    return Submission(
        title,
        (("a.txt", "text/plain", text.encode()),),
        tuple(Contributor(name) for name in people),
        permission,
        f"the table says {permission}",
        "works.csv row 1",
        "the table",
        f"works.csv, {title}",
        work_id,
    )


ONE = submission("One", "first words", "A. Smith", "B. Jones", work_id="w1")
TWO = submission("Two", "second words", "a. smith")
THREE = submission("Three", "third words", permission="unknown")


def add(store: Store, folder: Path, *submissions: Submission, at: str = AT) -> Registered:
    return store.write(lambda conn: register(conn, folder, submissions, at))


def denial(work_id: str, since: str) -> Permission:
    return Permission(WorkId(work_id), "train", "deny", "no more", "a letter", "A. Smith", since)


def test_what_is_registered_is_read_back(store: Store, tmp_path: Path) -> None:
    done = add(store, tmp_path / "content", THREE, ONE, TWO)

    with store.reading() as conn:
        found, people, said = works(conn), parties(conn), permissions(conn)
        assert check_works(conn, tmp_path / "content") == []
    assert [work.work_id for work in found] == sorted(done.new) and len(done.new) == 3
    assert done.new[1] == "w1" and done.already_there == ()
    one = next(work for work in found if work.work_id == "w1")
    assert [credit.display_credit for credit in one.credits] == ["A. Smith", "B. Jones"]
    assert {split.party_id: split.split_ppb for split in one.splits} == {SMITH: PPB // 2, JONES: PPB // 2}
    assert get_content(tmp_path / "content", one.manifestations[0].sha256) == b"first words"
    assert {key: party.name for key, party in people.items()} == {SMITH: "A. Smith", JONES: "B. Jones"}
    assert sorted(one.value for one in said) == ["allow", "allow", "unknown"]
    assert {one.effective_from for one in said} == {AT}


def test_registering_again_adds_nothing_and_puts_lost_content_back(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "content"
    first = add(store, folder, ONE, TWO)
    with store.reading() as conn:
        before = catalogue_digest(works(conn), permissions(conn))
    lost = next(path for path in folder.rglob("*") if path.is_file())
    lost.unlink()

    again = add(store, folder, ONE, TWO, ONE, at=LATER)

    assert again == Registered((), first.new, ())
    with store.reading() as conn:
        assert catalogue_digest(works(conn), permissions(conn)) == before
        assert check_works(conn, folder) == []


def test_a_source_that_changes_its_mind_adds_a_statement(store: Store, tmp_path: Path) -> None:
    add(store, tmp_path, ONE)
    refusing = replace(ONE, permission="deny", permission_reason="the table says deny")

    done = add(store, tmp_path, refusing, at=LATER)
    repeated = add(store, tmp_path, refusing, at="2026-11-22T12:00:00Z")

    assert done == Registered((), (WorkId("w1"),), (WorkId("w1"),))
    assert repeated.restated == ()
    with store.reading() as conn:
        said = permissions(conn)
    assert [decide(said, asked_of_work(WorkId("w1")), "train", at).value for at in (AT, LATER)] == ["allow", "deny"]


def test_a_licence_that_goes_to_and_fro_is_heard_every_time(store: Store, tmp_path: Path) -> None:
    gpl = replace(ONE, permission="conditional", permission_reason="licence GPL sets conditions")
    days = [f"2026-11-2{day}T12:00:00Z" for day in range(1, 6)]

    restated = [add(store, tmp_path, one, at=at).restated for one, at in zip((ONE, gpl, gpl, ONE, gpl), days, strict=True)]
    same_second = add(store, tmp_path, gpl, at=days[4])

    assert [len(one) for one in restated] == [0, 1, 0, 1, 1] and same_second.restated == ()
    with store.reading() as conn:
        said = permissions(conn)
    answers = [decide(said, asked_of_work(WorkId("w1")), "train", at).value for at in days]
    assert answers == ["allow", "conditional", "conditional", "allow", "conditional"]


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (submission("Other", "first words", "A. Smith", work_id="w2"), "'w2' has the same content as 'w1'"),
        (submission("Other", "first words"), "has the same content as 'w1'"),
        (submission("Other", "new words", work_id="w1"), "'w1' is registered already with other content"),
        (submission("Other", "first words", "A. Smith", "B. Jones", work_id="w1"), "under the title 'One', not 'Other'"),
        (submission("One", "first words", "A. Smith", work_id="w1"), "with other people"),
        (
            replace(ONE, contributors=(Contributor("A. Smith", split_ppb=1), Contributor("B. Jones", split_ppb=PPB - 1))),
            "with other splits",
        ),
    ],
)
def test_a_contradiction_is_refused_whether_now_or_later(
    sqlite_store: Store, tmp_path: Path, second: Submission, problem: str
) -> None:
    folder = tmp_path / "content"

    with pytest.raises(ConflictError, match=problem):
        add(sqlite_store, folder, ONE, second)
    assert not folder.exists()
    add(sqlite_store, folder, ONE)
    with pytest.raises(ConflictError, match=problem):
        add(sqlite_store, folder, TWO, second)

    with sqlite_store.reading() as conn:
        assert [work.work_id for work in works(conn)] == ["w1"]


def test_one_bad_submission_keeps_all_out(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="e-mail"):
        add(sqlite_store, tmp_path / "content", ONE, submission("Bad", "x", "a@example.org"))
    with pytest.raises(InputError, match="not a UTC time"):
        add(sqlite_store, tmp_path / "content", ONE, at="today")

    assert not (tmp_path / "content").exists()
    with sqlite_store.reading() as conn:
        assert (works(conn), parties(conn), permissions(conn)) == ((), {}, ())


def test_a_later_refusal_holds_from_its_moment_on(store: Store, tmp_path: Path) -> None:
    add(store, tmp_path, ONE)

    said = store.write(lambda conn: state_permission(conn, denial("w1", LATER)))
    again = store.write(lambda conn: state_permission(conn, said))

    assert again == said and said.permission_id
    with store.reading() as conn:
        every = permissions(conn)
    times = ["2026-11-19T00:00:00Z", AT, LATER]
    assert [decide(every, asked_of_work(WorkId("w1")), "train", at).value for at in times] == ["unknown", "allow", "deny"]
    assert decide(every, asked_of_work(WorkId("w1")), "train", LATER).permission_id == said.permission_id


def test_a_statement_about_no_work_is_refused(sqlite_store: Store) -> None:
    with pytest.raises(NotFoundError, match="there is no work 'w9'"):
        sqlite_store.write(lambda conn: state_permission(conn, denial("w9", AT)))


def test_new_splits_hold_from_their_day_and_the_old_ones_before_it(store: Store, tmp_path: Path) -> None:
    add(store, tmp_path, ONE)
    agreed = [Split(JONES, 1, valid_from="2026-12-01"), Split(SMITH, PPB - 1, valid_from="2026-12-01")]

    kept = store.write(lambda conn: set_splits(conn, WorkId("w1"), agreed))

    with store.reading() as conn:
        work = works(conn)[0]
        assert check_works(conn, tmp_path) == []
    assert {one.split_ppb for one in splits_at(work, "train", "DE", "2026-11-30")} == {PPB // 2}
    assert splits_at(work, "train", "DE", "2026-12-01T08:00:00Z") == kept
    assert add(store, tmp_path, ONE).already_there == ("w1",)


@pytest.mark.parametrize(
    ("splits", "kind", "problem"),
    [
        ([Split(SMITH, PPB - 1, valid_from="2026-12-01")], InputError, "sum to 999,999,999"),
        ([Split(SMITH, 1), Split(SMITH, PPB - 1)], InputError, "has two splits"),
        ([Split(SMITH, 0), Split(JONES, PPB)], InputError, "is 0"),
        ([Split(PartyId("party:nobody"), PPB, valid_from="2026-12-01")], NotFoundError, "no party 'party:nobody'"),
        ([Split(SMITH, PPB)], ConflictError, "has splits for the right 'train' in WORLD from 0001-01-01 already"),
    ],
)
def test_wrong_splits_are_refused(
    sqlite_store: Store, tmp_path: Path, splits: list[Split], kind: type[Exception], problem: str
) -> None:
    add(sqlite_store, tmp_path, ONE)

    with pytest.raises(kind, match=problem):
        sqlite_store.write(lambda conn: set_splits(conn, WorkId("w1"), splits))
    with pytest.raises(NotFoundError, match="there is no work"):
        sqlite_store.write(lambda conn: set_splits(conn, WorkId("w9"), [Split(SMITH, PPB)]))


def test_the_database_itself_refuses_changes(store: Store, tmp_path: Path) -> None:
    add(store, tmp_path, ONE)

    for table in ("parties", "works", "manifestations", "credits", "splits", "permissions"):
        for statement in (f"UPDATE {table} SET digest = ''", f"DELETE FROM {table}"):
            with pytest.raises(sa.exc.DBAPIError, match="append-only"):
                store.write(lambda conn, statement=statement: conn.execute(sa.text(statement)))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("table", "change", "where", "problem"),
    [
        ("works", "title = 'Mine'", "table works", "does not fit its digest"),
        ("credits", "display_credit = 'C. Thief'", "table credits", "does not fit its digest"),
        ("splits", "split_ppb = 1", "work w1", "sum to 2 ppb, not to 1,000,000,000"),
        ("manifestations", f"sha256 = '{'0' * 64}'", "work w1", "does not fit the digest of its content"),
        ("permissions", "value = 'unknown'", "permission perm:", "does not fit its id"),
        ("parties", "name = 'C. Thief'", "table parties", "does not fit its digest"),
    ],
)
def test_a_changed_row_is_found(
    sqlite_store: Store, tmp_path: Path, table: str, change: str, where: str, problem: str
) -> None:
    add(sqlite_store, tmp_path, ONE)

    def tamper(conn: sa.Connection) -> None:
        conn.execute(sa.text(f"DROP TRIGGER {table}_no_update"))
        conn.execute(sa.text(f"UPDATE {table} SET {change}"))

    sqlite_store.write(tamper)

    with sqlite_store.reading() as conn:
        findings = check_works(conn, tmp_path)
    assert any(where in one.where and problem in one.problem for one in findings)
    assert any(f"table {table}," in one.where for one in findings)


def test_damaged_content_is_found(sqlite_store: Store, tmp_path: Path) -> None:
    add(sqlite_store, tmp_path / "content", ONE)
    path = next(path for path in (tmp_path / "content").rglob("*") if path.is_file())
    path.write_bytes(b"changed")

    with sqlite_store.reading() as conn:
        findings = check_works(conn, tmp_path / "content")

    assert [one.where for one in findings] == [f"content file {path}"]


def test_a_catalogues_digest_depends_on_what_it_holds_and_on_no_order(sqlite_store: Store, tmp_path: Path) -> None:
    add(sqlite_store, tmp_path, ONE, TWO)
    with sqlite_store.reading() as conn:
        found, said = works(conn), permissions(conn)

    digest = catalogue_digest(found, said)

    assert catalogue_digest(reversed(found), reversed(said)) == digest
    assert catalogue_digest(found[:1], said) != digest
    assert catalogue_digest(found, said[:1]) != digest


def test_a_kind_learnt_in_one_submission_holds_for_the_party(sqlite_store: Store, tmp_path: Path) -> None:
    body = replace(TWO, contributors=(Contributor("A. Smith", kind="body"),))

    add(sqlite_store, tmp_path, ONE, body)

    with sqlite_store.reading() as conn:
        assert parties(conn)[SMITH].kind == "body"


@pytest.mark.shared
def test_real_literature_is_registered_whole(sqlite_store: Store, tmp_path: Path) -> None:
    from endcredits.works import read_table

    table = Path(__file__).parents[3] / "shared" / "data" / "literature" / "works.parquet"
    if not table.exists():
        pytest.skip("NOT TESTED: the shared table of literature is not there")

    done = add(sqlite_store, tmp_path, *read_table(table))

    assert len(done.new) == 126
    with sqlite_store.reading() as conn:
        assert check_works(conn, tmp_path) == []


@pytest.mark.parametrize("field", ["reason", "declared_by"])
def test_a_statement_says_why_and_who(store: Store, tmp_path: Path, field: str) -> None:
    add(store, tmp_path, ONE)
    silent = replace(denial("w1", LATER), **{field: "  "})  # type: ignore[arg-type]

    with pytest.raises(InputError, match=f"the statement's {field} is empty"):
        store.write(lambda conn: state_permission(conn, silent))

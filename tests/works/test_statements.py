"""Statements are kept whole, looked up by every name, and close only what they may; old ones keep their ids."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from endcredits import store as stores
from endcredits.canonical import digest
from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.ids import PartyId, WorkId
from endcredits.store import Store, open_store
from endcredits.works import (
    Conditions,
    FileMark,
    Permission,
    Provenance,
    add_marks,
    asked_about,
    asked_in,
    asked_of_person,
    check_works,
    marks,
    party_id_of,
    permission_of,
    permissions,
    permissions_about,
    plain_of,
    state_permission,
    state_permissions,
    statement,
    works,
)
from endcredits.works.shares.book import add_work
from tests.works.test_registry import AT, LATER, ONE, SMITH, THREE, TWO, add

JONES = party_id_of("B. Jones")


@pytest.fixture
def registered(store: Store, tmp_path: Path) -> Store:
    """Three works; "w1" is by A. Smith and B. Jones."""
    add(store, tmp_path / "content", ONE, TWO, THREE)
    return store


def said(value: str, subject: str = "w1", kind: str = "work", since: str = AT, **more: object) -> Permission:
    """A statement by A. Smith."""
    told = Permission(subject, "train", value, "so", "a letter", "A. Smith", since, subject_kind=kind, party_id=SMITH)
    return replace(told, **more)  # type: ignore[arg-type]


FULL = said(
    "conditional",
    effective_to=LATER,
    conditions=Conditions(
        20_000, "EUR", "output", ("DE", "FR"), ("film",), ("cinema",), ("education",), 3, "Smith", ("ask",)
    ),
    provenance=Provenance("RSL", "1.0", "RSL", "https://a.example/rsl.xml", "0" * 64, "Smith", True, "trusted"),
    authority="rightsholder",
    licensee="party:house",
    observed_at=AT,
)


def test_every_field_comes_back(registered: Store) -> None:
    kept = registered.write(lambda conn: state_permission(conn, FULL))

    with registered.reading() as conn:
        found = statement(conn, kept.permission_id)
    assert found == kept == replace(FULL, permission_id=kept.permission_id)
    assert permission_of(plain_of(found)) == found


def test_looked_up_by_every_name_of_a_work(registered: Store) -> None:
    with registered.reading() as conn:
        work = next(one for one in works(conn) if one.work_id == "w1")
    sha256 = work.manifestations[0].sha256
    names = [FileMark(sha256, "url", "https://a.example/x/one.txt"), FileMark(sha256, "iscc", "ISCC:EAAW")]
    assert registered.write(lambda conn: add_marks(conn, [*names, names[0]])) == 2
    assert registered.write(lambda conn: add_marks(conn, names)) == 0
    about = [
        said("deny"),
        said("deny", sha256, "sha256"),
        said("deny", "https://A.example:443/%78/./*", "url"),
        said("deny", "ISCC:EAAW", "iscc"),
        said("deny", SMITH, "person"),
    ]
    elsewhere = [said("deny", "https://b.example/*", "url"), said("deny", "f" * 64, "sha256")]
    kept = registered.write(lambda conn: state_permissions(conn, [*about, *elsewhere]))

    with registered.reading() as conn:
        asked = asked_in(conn, WorkId("w1"))
        assert asked == asked_about(work, marks(conn))
        found = permissions_about(conn, asked)
        assert {one.permission_id for one in kept[:5]} < {one.permission_id for one in found}
        assert not {one.permission_id for one in kept[5:]} & {one.permission_id for one in found}
        mine = permissions_about(conn, asked_of_person(PartyId(SMITH)))
    assert [one.permission_id for one in mine] == [kept[4].permission_id]


def test_a_work_without_files_is_asked_about_and_one_that_is_not_there_is_not(registered: Store) -> None:
    registered.write(lambda conn: add_work(conn, WorkId("w9"), "Known from shares", (), AT))

    with registered.reading() as conn:
        assert asked_in(conn, WorkId("w9")).whole == (("work", "w9"),)
        with pytest.raises(NotFoundError, match="no work 'w8'"):
            asked_in(conn, WorkId("w8"))


def test_closing_is_checked_against_what_is_closed(registered: Store) -> None:
    yes = registered.write(lambda conn: state_permission(conn, said("allow", authority="rightsholder")))
    back = said("unknown", since=LATER, revokes=yes.permission_id)

    for wrong, kind, words in (
        (
            replace(back, party_id=JONES, declared_by="B. Jones"),
            ConflictError,
            "B. Jones cannot close a statement about train",
        ),
        (replace(back, verb="tdm"), ConflictError, "cannot close"),
        (replace(back, subject="w2"), NotFoundError, "no work 'w2'"),
        (replace(back, revokes="perm:none"), NotFoundError, "no statement 'perm:none'"),
        (replace(back, effective_from="2026-11-19T00:00:00Z"), InputError, "before that began"),
        (replace(back, observed_at="2026-11-22T00:00:00Z"), InputError, "before it was told"),
        (replace(back, supersedes=yes.permission_id), InputError, "not both"),
    ):
        with pytest.raises(kind, match=words):
            registered.write(lambda conn, wrong=wrong: state_permission(conn, wrong))  # type: ignore[misc]
    with registered.reading() as conn:
        assert len(permissions(conn)) == 4, "nothing of the wrong ones was kept"
    registered.write(lambda conn: state_permission(conn, back))


def test_all_or_none(registered: Store) -> None:
    with pytest.raises(NotFoundError, match="no party 'party:nobody'"):
        registered.write(lambda conn: state_permissions(conn, [said("deny"), said("deny", "party:nobody", "person")]))

    with registered.reading() as conn:
        assert [one.value for one in permissions(conn)] == ["allow", "unknown", "allow"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verb": "eat"}, "'eat' is not a verb"),
        ({"value": "maybe"}, "'maybe' is not a permission"),
        ({"subject_kind": "song"}, "'song' is not a kind of subject"),
        ({"authority": "friend"}, "'friend' is not an authority"),
        ({"subject": " "}, "about nothing"),
        ({"effective_to": AT}, "ends before it begins"),
        ({"observed_at": "yesterday"}, "not a UTC time"),
        ({"reason": ""}, "reason is empty"),
        ({"declared_by": " "}, "declared_by is empty"),
        ({"value": "allow", "conditions": Conditions(uses_max=1)}, "is conditional"),
        ({"subject": "a.example/*", "subject_kind": "url"}, "not a pattern of addresses"),
        ({"subject": "https://*.example/", "subject_kind": "url"}, "not a pattern of addresses"),
        ({"subject": "https://[a/*", "subject_kind": "url"}, "not a pattern of addresses"),
        ({"reason": "so\0"}, "NUL character"),
    ],
)
def test_what_cannot_be_kept_is_refused(sqlite_store: Store, change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        sqlite_store.write(lambda conn: state_permission(conn, replace(said("deny"), **change)))  # type: ignore[arg-type]


def test_a_mark_of_an_unknown_kind_is_refused(sqlite_store: Store) -> None:
    with pytest.raises(InputError, match="'tune' is no other name"):
        sqlite_store.write(lambda conn: add_marks(conn, [FileMark("a" * 64, "tune", "la")]))
    with pytest.raises(InputError, match="not a pattern of addresses"):
        sqlite_store.write(lambda conn: add_marks(conn, [FileMark("a" * 64, "url", "ftp://a.example/")]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE permissions SET party_id = 'party:else', declared_by = 'else' WHERE revokes <> ''", "others made"),
        ("DELETE FROM permissions WHERE value = 'conditional'", "missing or that others made"),
        ("UPDATE permissions SET subject = 'w7' WHERE value = 'conditional'", "there is no such work"),
        ("UPDATE permissions SET licensee = 'party:x' WHERE value = 'conditional'", "does not fit its id"),
        (
            "UPDATE permissions SET site = 'https://b.example' WHERE value = 'conditional'",
            "the site under which it is found",
        ),
    ],
)
def test_tampering_is_found(sqlite_store: Store, tmp_path: Path, change: str, words: str) -> None:
    add(sqlite_store, tmp_path / "content", ONE)
    yes = sqlite_store.write(lambda conn: state_permission(conn, replace(FULL, authority="unknown")))
    sqlite_store.write(lambda conn: state_permission(conn, said("unknown", since=LATER, revokes=yes.permission_id)))
    with sqlite_store.reading() as conn:
        assert check_works(conn, tmp_path / "content") == []

    with sqlite_store.engine.begin() as conn:
        for verb in ("update", "delete"):
            conn.execute(sa.text(f"DROP TRIGGER permissions_no_{verb}"))
        conn.execute(sa.text(change))

    with sqlite_store.reading() as conn:
        assert any(words in finding.problem for finding in check_works(conn, tmp_path / "content"))


OLD = {
    "verb": "train",
    "value": "allow",
    "reason": "the table says allow",
    "source": "works.csv row 1",
    "declared_by": "the table",
    "effective_from": AT,
    "effective_to": None,
}


def test_statements_of_the_first_version_keep_their_ids(empty_url: str) -> None:
    """A database as the first migration left it, with a statement in it, is brought up to date; nothing changes its id."""
    permission_id = f"perm:{digest({'work_id': 'w1', **OLD, 'permission_id': ''})[:32]}"
    engine = sa.create_engine(empty_url)
    with engine.begin() as conn:
        config = Config()
        config.set_main_option("script_location", str(stores.PACKAGE / "migrations"))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(str(one) for one in stores.migration_folders()))
        config.attributes["connection"] = conn
        command.upgrade(config, "works_0001")
        work = {"work_id": "w1", "title": "One", "content_sha256": "0" * 64, "registered_at": AT}
        row = {"permission_id": permission_id, "work_id": "w1", **OLD}
        for table, one in (("works", work), ("permissions", row)):
            named = sa.table(table, *(sa.column(name) for name in (*one, "digest")))
            conn.execute(sa.insert(named).values(**one, digest=stores.row_digest(table, one)))
    engine.dispose()

    upgraded = open_store(empty_url)
    try:
        with upgraded.reading() as conn:
            found = permissions(conn)
            assert [one.permission_id for one in found] == [permission_id]
            assert plain_of(found[0]) == {"work_id": "w1", **OLD, "permission_id": permission_id}
            problems = [finding.problem for finding in stores.check_rows(conn, sa.Table("permissions", stores.metadata))]
            assert problems == [] and list(stores.check_schema(conn)) == []
        again = upgraded.write(lambda conn: state_permission(conn, replace(found[0], permission_id="")))
        assert again == found[0], "the same statement again is the same one"
    finally:
        upgraded.close()

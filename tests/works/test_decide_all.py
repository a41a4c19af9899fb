"""All works at once get the answers that each of them gets alone, whatever was said, taken back, replaced or agreed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from endcredits.errors import InputError, NotFoundError
from endcredits.ids import WorkId
from endcredits.store import Store, insert_records, open_store
from endcredits.works import NO_USE, VALUES, Conditions, Permission, Use, asked_in, decide, permissions, tables
from endcredits.works.decide_all import SCHEMA, decide_all
from endcredits.works.decide_work import decide_work
from endcredits.works.said import Said
from endcredits.works.shares.book import add_work
from endcredits.works.statements import permission_row

TIMES = [f"2026-0{month}-01T00:00:00Z" for month in range(1, 8)]
SHAS = ["1" * 64, "2" * 64, "3" * 64, "4" * 64]
CODES = ["ISCC:AAA", "ISCC:BBB"]
URLS = [
    "https://a.example/photos/cat.jpg", "https://a.example/photos/", "https://a.example", "HTTPS://A.example:443/Photos/1%_x",
    "http://b.example/x?y=*",
]  # fmt: skip
PEOPLE = ["party:ada", "party:bo", "party:studio"]
WORKS = ["work:a", "work:b", "work:c", 'work:"d",\n\'%']


@dataclass(frozen=True, slots=True)
class World:
    """Works with their files, other names of files, makers, and what was said."""

    files: dict[str, tuple[str, ...]]
    marks: frozenset[tuple[str, str, str]]
    makers: dict[str, tuple[str, ...]]
    said: tuple[Permission, ...]


CONDITIONS = [
    None,
    Conditions(territories=("DE", "FR")),
    Conditions(territories=("WORLD",)),
    Conditions(purposes=("research",), credit_text="Ada"),
    Conditions(credit_text="Ada"),
    Conditions(price_micros=1_000_000, currency="EUR", unit="output"),
    Conditions(uses_max=3, words=('ask "first", please',)),
]
USES = [
    NO_USE, NO_USE, Use("DE"), Use("US", "research", uses_so_far=0),
    Use(accepted=tuple(f"perm:{n:04}" for n in range(0, 999, 3))),
]  # fmt: skip
WORKS_OF_A_WORLD = 60


def world_of(draw: random.Random) -> World:
    """Many works, each with a few statements that have something to do with each other, and some with other works' files."""
    files, makers, marks, said = {}, {}, set(), list[Permission]()
    for number in range(WORKS_OF_A_WORLD):
        work, own = f"work:{number}" + draw.choice(["", '"', ",\n'%"]), hashlib.sha256(b"%d" % number).hexdigest()
        shas = [own, *(hashlib.sha256(b"%d.2" % number).hexdigest() for _ in range(draw.random() < 0.3))]
        files[work] = tuple(shas + [hashlib.sha256(b"%d" % (number - 1)).hexdigest()] * (draw.random() < 0.05))
        makers[work] = tuple(draw.sample(PEOPLE, draw.choice([0, 1, 1, 2])))
        url, code = f"https://a.example/P{draw.choice('__x')}{number}/%41*.jpg", f"ISCC:{number}"
        marks |= {(own, "url", url)} if draw.random() < 0.5 else set()
        marks |= {(shas[-1], "iscc", code)} if draw.random() < 0.5 else set()
        names = [("work", work), ("sha256", own), ("sha256", shas[-1]), ("iscc", code), ("url", url)]
        names += [("url", f"HTTPS://A.example/P_{number}/*"), ("url", f"https://a.example/*P_{number}/*.jpg")]
        names += [("url", f"https://a.example/Px{number}/*"), ("url", f"https://a.example/p_{number}/*")]
        chosen = draw.choices(names, (6, 4, 2, 2, 2, 1, 1, 1, 1), k=2)
        said += statements(draw, len(said), chosen)
        if draw.random() < 0.05:
            said += statements(draw, len(said), [("person", draw.choice(PEOPLE[:2]))])[:1]
    return World(files, frozenset(marks), makers, tuple(said))


def statements(draw: random.Random, first: int, names: list[tuple[str, str]]) -> list[Permission]:
    """Some of them take back or replace others, also ones that they may not."""
    made: list[Permission] = []
    verbs = draw.choice([["train"], ["train", "tdm"], ["train", "finetune"], ["train", "tdm", "finetune", "style"]])
    for number in range(draw.randrange(6)):
        closed = draw.choice(made) if made and draw.random() < 0.4 else None
        (kind, subject), value = draw.choice(names), draw.choices(VALUES, (4, 2, 3, 2))[0]
        one = Permission(
            subject, draw.choice(verbs), value, "so", "a test", draw.choice(["a person", 'a, "b"']), draw.choice(TIMES[:4]),
            draw.choice([None, None, None, TIMES[4]]), f"perm:{(first + number) * 7919 % 10_000:04}", kind,
            conditions=draw.choice(CONDITIONS) if value == "conditional" else None,
            party_id=draw.choice(["", "", "party:ada", "party:bo"]),
            authority=draw.choice(["rightsholder", "agent", "host", "unknown"]),
            licensee=draw.choice(["", "", "", "party:studio", "party:other"]),
        )  # fmt: skip
        if closed is not None:
            one = replace(one, **{draw.choice(["revokes", "supersedes"]): closed.permission_id})
            if draw.random() < 0.9:
                one = replace(one, subject_kind=closed.subject_kind, subject=closed.subject)
            if draw.random() < 0.8:
                one = replace(one, verb=closed.verb)
            if draw.random() < 0.5:
                one = replace(one, party_id=closed.party_id, declared_by=closed.declared_by)
        made.append(one)
    return made


def fill(conn: Connection, world: World) -> None:
    """Puts a world into an empty database, without asking whether it may be."""
    insert_records(
        conn, tables.parties, [{"party_id": one, "name": one, "kind": "person", "identifiers": "[]"} for one in PEOPLE]
    )
    works = [{"work_id": one, "title": one, "content_sha256": one, "registered_at": TIMES[0]} for one in world.files]
    insert_records(conn, tables.works, works)
    more = {"media_type": "text/plain", "size_bytes": 1, "label": ""}
    files = [
        {"work_id": work, "position": n, "sha256": sha256, **more}
        for work, shas in world.files.items()
        for n, sha256 in enumerate(shas)
    ]
    insert_records(conn, tables.manifestations, files)
    credits = [
        {"work_id": work, "position": n, "party_id": one, "role": "author", "display_credit": one}
        for work, makers in world.makers.items()
        for n, one in enumerate(makers)
    ]
    insert_records(conn, tables.credits, credits)
    marks = [{"sha256": sha256, "kind": kind, "value": value} for sha256, kind, value in sorted(world.marks)]
    insert_records(conn, tables.file_marks, marks)
    insert_records(conn, tables.permissions, [permission_row(one) for one in world.said])


def one_by_one(conn: Connection, verb: str, at: str, by: str, use: Use) -> list[tuple[str, str, str]]:
    """The slow twin: each work is asked about alone, among all statements; and so does the question about one work."""
    said, found = Said(permissions(conn)), []
    for work in conn.scalars(sa.select(tables.works.c.work_id)):
        asked = asked_in(conn, work)
        answer = decide(said.about(asked), asked, verb, at, by=by, use=use)
        assert decide_work(conn, work, verb, at, by=by, use=use) == answer
        found.append((str(work), answer.value, answer.permission_id or ""))
    return sorted(found)


def at_once(conn: Connection, verb: str, at: str, by: str, use: Use) -> list[tuple[str, str, str]]:
    table = decide_all(conn, verb, at, by=by, use=use)
    assert table.schema == SCHEMA
    return [(row["work_id"], row["value"], row["permission_id"]) for row in table.to_pylist()]


def same(store: Store, world: World, questions: Sequence[tuple[str, str, str, Use]]) -> None:
    """Fills the database, compares, and leaves it as it was."""
    with store.engine.connect() as conn:
        fill(conn, world)
        for verb, at, by, use in questions:
            slow = one_by_one(conn, verb, at, by, use)
            assert sorted(at_once(conn, verb, at, by, use)) == slow
        conn.rollback()


@pytest.fixture(scope="module")
def memory() -> Iterator[Store]:
    store = open_store("sqlite:///:memory:")
    yield store
    store.close()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    verb=st.sampled_from(["train", "finetune", "tdm", "style"]),
    at=st.sampled_from(TIMES[1:6]),
    by=st.sampled_from(["", "party:studio"]),
    use=st.sampled_from(USES),
)
@example(1, "train", TIMES[3], "party:studio", NO_USE)
@example(2, "finetune", TIMES[3], "party:studio", NO_USE)
@example(3, "train", TIMES[4], "", USES[2])
@example(4, "finetune", TIMES[4], "", USES[-1])
def test_all_at_once_is_one_by_one(memory: Store, seed: int, verb: str, at: str, by: str, use: Use) -> None:
    same(memory, world_of(random.Random(seed)), [(verb, at, by, use)])


def says(value: str, kind: str, subject: str, verb: str = "train", number: int = 0, **more: Any) -> Permission:
    return Permission(subject, verb, value, "so", "a test", "a person", TIMES[0], None, f"perm:{number}", kind, **more)


WHOLE = World(
    {WORKS[0]: (SHAS[0],), WORKS[1]: (SHAS[1], SHAS[2]), WORKS[2]: (SHAS[3],), WORKS[3]: (SHAS[0], SHAS[0])},
    frozenset({(SHAS[0], "url", URLS[0]), (SHAS[3], "url", URLS[3]), (SHAS[2], "iscc", CODES[0])}),
    {WORKS[0]: ("party:ada",), WORKS[1]: (), WORKS[2]: ("party:bo", "party:bo"), WORKS[3]: ()},
    (
        says("allow", "sha256", SHAS[0], number=1),
        says("allow", "iscc", CODES[0], number=2),
        says("deny", "url", "https://a.example:443/Photos/1*", "tdm", 3),
        says("allow", "work", WORKS[2], number=4, licensee="party:studio", authority="rightsholder"),
        says("conditional", "work", WORKS[1], "finetune", 5, conditions=Conditions(territories=("DE",))),
        says("allow", "person", "party:ada", number=6),
        says("deny", "work", WORKS[3], number=7),
        says("deny", "work", WORKS[3], number=8, revokes="perm:7"),
        says("allow", "work", WORKS[3], number=9, supersedes="perm:1"),
        replace(says("deny", "work", WORKS[0], number=10), declared_by="a host", authority="host"),
        says("allow", "work", WORKS[0], number=11, revokes="perm:10", authority="rightsholder"),
    ),
)


def test_on_both_databases(empty_url: str) -> None:
    """A world with something of everything; the answers are written down, so that both ways cannot be wrong alike."""
    store = open_store(empty_url)
    questions = [
        (verb, TIMES[2], by, use)
        for verb in ("train", "finetune", "tdm")
        for by in ("", "party:studio")
        for use in (NO_USE, Use("DE"))
    ]
    same(store, WHOLE, questions)
    with store.engine.connect() as conn:
        fill(conn, WHOLE)
        answers = {work: (value, name) for work, value, name in at_once(conn, "train", TIMES[2], "", NO_USE)}
        studio = {
            work: (value, name) for work, value, name in at_once(conn, "finetune", TIMES[2], "party:studio", Use("DE"))
        }
        conn.rollback()
    store.close()

    assert answers == {
        WORKS[0]: ("allow", "perm:1"),
        WORKS[1]: ("unknown", ""),
        WORKS[2]: ("deny", "perm:3"),
        WORKS[3]: ("allow", "perm:9"),
    }
    assert studio == {**answers, WORKS[1]: ("allow", "perm:5"), WORKS[2]: ("allow", "perm:4")}


def test_an_empty_registry(empty_url: str) -> None:
    store = open_store(empty_url)
    with store.reading() as conn:
        table = decide_all(conn, "train", TIMES[0])
        with pytest.raises(NotFoundError, match="no work"):
            decide_work(conn, WorkId("work:none"), "train", TIMES[0])
    store.write(lambda conn: add_work(conn, WorkId("work:bare"), "Known from shares", (), TIMES[0]))
    with store.reading() as conn:
        assert decide_work(conn, WorkId("work:bare"), "train", TIMES[0]).value == "unknown", "it has no files"
    store.close()
    assert table.num_rows == 0 and table.schema == SCHEMA


def test_questions_that_nobody_can_answer(memory: Store) -> None:
    with memory.reading() as conn:
        for verb, at in (("sing", TIMES[0]), ("train", "yesterday")):
            with pytest.raises(InputError):
                decide_all(conn, verb, at)
            with pytest.raises(InputError):
                decide_work(conn, WorkId("work:a"), verb, at)

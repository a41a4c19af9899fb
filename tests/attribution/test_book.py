"""The first answer stands, and any single changed value is found."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution import (
    Attribution,
    attribution_of,
    attributions,
    attributions_of,
    check_attributions,
    find_attribution,
    record,
)
from endcredits.attribution.tables import attribution_table
from endcredits.canonical import canonical_bytes
from endcredits.ids import OutputId, WorkId
from endcredits.influence import Credits
from endcredits.store import Finding, Store, row_digest

AT = "2026-11-20T12:00:00Z"
LATER = "2026-11-21T12:00:00Z"


def attribution(number: int, *, log_ratio: float = 10.0) -> Attribution:
    """The n-th output of an index of three works."""
    credits = Credits(log_ratio, tuple(map(WorkId, "abc")), (2.0, 5.0, -1.0), (0.5, math.nan, 0.0))
    return attribution_of(credits, output=b"out %d" % number, prompt=b"in", method="m/1", index_digest="ab" * 32)


def kept(store: Store, *given: Attribution, at: str = AT) -> list[Attribution]:
    """Records in a transaction of its own."""
    return store.write(lambda conn: record(conn, given, at))


def test_what_is_recorded_reads_back(store: Store) -> None:
    """Whole, by its id, and in the list of all, which is in the order of the ids."""
    given = [attribution(number) for number in range(5)]

    kept(store, *given)

    with store.reading() as conn:
        assert attributions(conn) == tuple(sorted(given, key=lambda a: a.output_id))
        assert all(find_attribution(conn, one.output_id) == one for one in given)
        assert find_attribution(conn, OutputId("output:none")) is None
        assert check_attributions(conn) == []


def test_the_first_answer_stands(store: Store) -> None:
    """Another measurement of the same output gets what was recorded before."""
    first, other = attribution(1), attribution(1, log_ratio=20.0)
    kept(store, first)

    answer = kept(store, other, at=LATER)

    assert answer == [first] != [other]
    with store.reading() as conn:
        assert attributions(conn) == (first,)
        assert conn.scalars(sa.select(attribution_table.c.recorded_at)).all() == [AT]


def test_the_first_answer_stands_within_one_call(store: Store) -> None:
    """Two answers to one question in one batch: the earlier is kept and both callers hear it."""
    first, other = attribution(1), attribution(1, log_ratio=20.0)

    assert kept(store, first, other) == [first, first]
    with store.reading() as conn:
        assert attributions(conn) == (first,)


def test_recording_again_changes_nothing(store: Store) -> None:
    """Old and new in one call, in the order of the call, repeats included."""
    one, two, three = (attribution(number) for number in (1, 2, 3))
    kept(store, two)

    answer = kept(store, three, two, one, three)

    assert answer == [three, two, one, three]
    assert kept(store, three, two, one, three) == answer
    assert kept(store) == []
    with store.reading() as conn:
        assert len(attributions(conn)) == 3


def test_more_outputs_than_a_query_takes_parameters(sqlite_store: Store) -> None:
    """Twelve hundred, of which half are there already."""
    many = [attribution(number) for number in range(1200)]
    kept(sqlite_store, *many[::2])

    assert kept(sqlite_store, *many) == many
    with sqlite_store.reading() as conn:
        assert len(attributions(conn)) == 1200
        wanted = [one.output_id for one in many[:600]]
        assert attributions_of(conn, [*wanted, OutputId("output:none")]) == dict(zip(wanted, many, strict=False))


@pytest.mark.parametrize("verb", ["UPDATE attributions SET recorded_at = 'x'", "DELETE FROM attributions"])
def test_the_database_refuses_to_rewrite(store: Store, verb: str) -> None:
    """Attributions are only ever added."""
    kept(store, attribution(1))

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as conn:
        conn.execute(sa.text(verb))

    with store.reading() as conn:
        assert attributions(conn) == (attribution(1),)


def tampered(store: Store, change: Callable[[dict[str, Any]], None], *, forge_digest: bool = False) -> list[Finding]:
    """Changes the row of output 1 behind the database's guard and asks the check."""

    def rewrite(conn: Connection) -> None:
        if conn.dialect.name == "sqlite":
            conn.execute(sa.text("DROP TRIGGER attributions_no_update"))
        else:
            conn.execute(sa.text("DROP TRIGGER attributions_append_only ON attributions"))
        mine = attribution_table.c.output_id == attribution(1).output_id
        row = dict(conn.execute(sa.select(attribution_table).where(mine)).mappings().one())
        change(row)
        if forge_digest:
            row["digest"] = row_digest("attributions", row)
        conn.execute(sa.update(attribution_table).where(mine).values(**row))

    with store.engine.begin() as conn:
        rewrite(conn)
    with store.reading() as conn:
        return check_attributions(conn)


@pytest.mark.parametrize(
    "column,value",
    [
        ("output_id", "output:" + "0" * 24),
        ("output_sha256", "0" * 64),
        ("index_digest", "0" * 64),
        ("recorded_at", LATER),
        ("digest", "0" * 64),
        ("document", "null"),
    ],
)
def test_a_changed_column_is_found(store: Store, column: str, value: str) -> None:
    """Whichever it is; the row is named, and the others are not."""
    kept(store, attribution(1), attribution(2))
    name = value if column == "output_id" else attribution(1).output_id

    findings = tampered(store, lambda row: row.update({column: value}))

    assert Finding(f"database table attributions, row output_id={name}", "its content does not fit its digest") in findings
    assert not [finding for finding in findings if attribution(2).output_id in finding.where]


def changed_document(**changed: Any) -> Callable[[dict[str, Any]], None]:
    """Puts other values into the stored document."""

    def change(row: dict[str, Any]) -> None:
        row["document"] = canonical_bytes({**json.loads(row["document"]), **changed}).decode()

    return change


def changed_line(number: int, **changed: Any) -> Callable[[dict[str, Any]], None]:
    """Puts other values into one line of the stored document."""

    def change(row: dict[str, Any]) -> None:
        document = json.loads(row["document"])
        document["lines"][number].update(changed)
        row["document"] = canonical_bytes(document).decode()

    return change


def swap_first_two(row: dict[str, Any]) -> None:
    """Gives the second work the first one's name and the other way round."""
    document = json.loads(row["document"])
    one, two = document["lines"][:2]
    one["work_id"], two["work_id"] = two["work_id"], one["work_id"]
    one["credit_nanonats"], two["credit_nanonats"] = two["credit_nanonats"], one["credit_nanonats"]
    row["document"] = canonical_bytes(document).decode()


def drop_a_line(row: dict[str, Any]) -> None:
    """Leaves out the work that earned nothing."""
    document = json.loads(row["document"])
    del document["lines"][2]
    row["document"] = canonical_bytes(document).decode()


FORGERIES: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (changed_document(output_id="output:" + "0" * 24), "columns do not fit"),
    (changed_document(index_digest="0" * 64), "columns do not fit"),
    (changed_document(output_sha256="0" * 64), "columns do not fit"),
    (changed_document(prompt_sha256="0" * 64), "id does not follow"),
    (changed_document(log_ratio_nanonats=1), "shares do not follow"),
    (changed_document(credit_sum_nanonats=1), "credits do not sum"),
    (changed_document(unattributed_ppb=0), "shares do not follow"),
    (changed_document(lines=[]), "credits do not sum"),
    (changed_document(lines=None), "cannot be read"),
    (changed_document(extra=1), "cannot be read"),
    (changed_line(0, credit_nanonats=1), "credits do not sum"),
    (changed_line(0, share_ppb=1), "shares do not follow"),
    (changed_line(0, share_ppb="1"), "shares do not follow"),
    (changed_line(0, credit_nanonats="1"), "cannot be read"),
    (changed_line(0, rank=2), "ranks do not follow"),
    (changed_line(1, work_id="b"), "names a work twice"),
    (swap_first_two, "ranks do not follow"),
    (drop_a_line, "credits do not sum"),
    (lambda row: row.update(document="null"), "cannot be read"),
    (lambda row: row.update(document="[]"), "cannot be read"),
    (lambda row: row.update(document="{"), "cannot be read"),
    (lambda row: row.update(output_sha256="0" * 64), "columns do not fit"),
    (lambda row: row.update(index_digest="0" * 64), "columns do not fit"),
]


@pytest.mark.parametrize("change,words", FORGERIES)
def test_a_forger_who_mends_the_digest_is_found(
    sqlite_store: Store, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    """What the document says must follow from its own credits and digests."""
    kept(sqlite_store, attribution(1), attribution(2))

    findings = tampered(sqlite_store, change, forge_digest=True)

    assert findings
    assert {finding.where for finding in findings} == {f"attribution {attribution(1).output_id}"}
    assert any(words in finding.problem for finding in findings), findings


def test_a_document_is_the_record_and_nothing_else() -> None:
    """Every field of the record is in the canonical text."""
    document = json.loads(canonical_bytes(attribution(1)))

    assert set(document) == {field.name for field in dataclasses.fields(Attribution)}

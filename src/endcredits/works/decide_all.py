"""May this be done with that: asked about every registered work at once.

`decide` weighs the statements of one work; this gives the same answers for a million works in seconds. The idea: among the
statements that hold, which of two goes first does not depend on the work that is asked about, only whether they speak of
it. So each of them gets a word by whose order one goes before another (contract, deny, deny that covers, the rest; then
the latest, the most restrictive, the id), and a work's answer is the first of the words that reach it. The database hands
over columns (`read_columns`), DuckDB joins and takes the minimum. `decide` is its slow twin, and a test holds both
against each other.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.works import tables
from endcredits.works.conditions import NO_USE, Use, unmet
from endcredits.works.decide import DENIED_BY, INHERITS, check_question
from endcredits.works.read_columns import read_columns
from endcredits.works.records import Permission
from endcredits.works.stated import permission_of

AT_ONCE = 10_000
"""Ids that one query asks for."""
PEOPLE_MAX = 1_000
"""People about whom something was said; with more of them the makers of all works are read."""

SCHEMA = pa.schema([("work_id", pa.string()), ("value", pa.string()), ("permission_id", pa.string())])

_MARK = ("sha256", "kind", "value")
_SPEAKS = (
    "revokes = '' AND (effective_to IS NULL OR :at < effective_to) "
    "AND (licensee = '' OR licensee = :by OR (value = 'deny' AND :by = ''))"
)
_STATEMENTS = {
    "id": "permission_id",
    "kind": "subject_kind",
    "subject": "subject",
    "verb": "verb",
    "value": "CASE WHEN value = 'conditional' THEN value || conditions ELSE value END",
    "since": (
        "CASE WHEN :by <> '' AND licensee = :by AND authority = 'rightsholder' "
        "THEN effective_from || 'C' ELSE effective_from END"
    ),
    "closes": f"CASE WHEN revokes = '' AND supersedes = '' THEN '' WHEN {_SPEAKS} THEN supersedes "
    "WHEN revokes <> '' THEN '!' || revokes ELSE '!' || supersedes END",
}
"""What is read of each statement, in few columns, because each costs time: the conditions stand behind "conditional", a C
behind the beginning of a contract, and a ! before what is closed by a statement that says nothing else."""

_CLOSED = """
    SELECT s.id FROM said s JOIN said c
    ON c.closes <> '' AND ltrim(c.closes, '!') = s.id AND c.kind = s.kind AND c.subject = s.subject AND c.verb = s.verb
    JOIN closers a ON a.id = c.id JOIN closers b ON b.id = s.id
    WHERE CASE WHEN a.party <> '' AND b.party <> '' THEN a.party = b.party ELSE a.declared = b.declared END
    OR (a.authority = 'rightsholder' AND b.authority <> 'rightsholder' AND b.party = '')
"""
_HEARD = f"""
    CREATE TABLE heard AS
    WITH ages AS (
        SELECT since, ends_with(since, 'C') AS contract,
        lpad(dense_rank() OVER (ORDER BY since[:20] DESC)::VARCHAR, 10, '0') AS age
        FROM (SELECT DISTINCT since FROM said)
    ),
    spoken AS (
        SELECT s.kind, s.subject, s.id, ages.age, ages.contract,
        CASE WHEN met.id IS NOT NULL THEN 'allow' WHEN s.value[:1] = 'c' THEN 'conditional' ELSE s.value END AS value,
        CASE s.verb WHEN $verb THEN 'own' WHEN $inherited THEN 'inherited' ELSE 'covering' END AS part
        FROM said s JOIN ages USING (since) LEFT JOIN met ON met.id = s.id
        WHERE s.closes[:1] <> '!' AND (s.value = 'deny' OR s.verb IN ($verb, $inherited)) AND s.id NOT IN ({_CLOSED})
    )
    SELECT kind, subject, part, value = 'allow' AS is_yes,
    CASE WHEN value = 'allow' AND contract THEN '0' WHEN value = 'deny' AND part <> 'covering' THEN '1'
        WHEN value = 'deny' THEN '2' ELSE '3' END
    || age || CASE value WHEN 'deny' THEN '0' WHEN 'unknown' THEN '1' WHEN 'conditional' THEN '2' ELSE '3' END || id AS word
    FROM spoken
"""
"""What counts, each with a word by whose order one goes before another: rank, age, restriction, id."""
_FILES = """
    CREATE TABLE named AS
    WITH alone AS (SELECT work_id, count(*) = 1 AS alone FROM files GROUP BY work_id),
    own AS (SELECT f.work_id, f.sha256, a.alone FROM files f JOIN alone a USING (work_id))
    SELECT work_id, alone, 'sha256' AS kind, sha256 AS name FROM own
    UNION ALL SELECT o.work_id, o.alone, m.kind, m.value FROM own o JOIN marks m USING (sha256)
"""
_SITES = r"""
    CREATE TABLE patterns AS SELECT part, is_yes, word, site, path, replace(replace(replace(replace(
        path, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%') AS form
    FROM (SELECT part, is_yes, word, lower(regexp_extract(subject, '^[^/]*//[^/]*')) AS site,
        '/' || regexp_extract(subject, '^[^/]*//[^/]*/?((?s).*)$', 1) AS path FROM heard WHERE kind = 'url');
    CREATE TABLE addresses AS SELECT work_id, alone, lower(regexp_extract(name, '^[^/]*//[^/]*')) AS site,
        '/' || regexp_extract(name, '^[^/]*//[^/]*/?((?s).*)$', 1) AS path FROM named WHERE kind = 'url'
"""
_REACHED = r"""
    CREATE VIEW reached AS
    SELECT subject AS work_id, part, word FROM heard WHERE kind = 'work'
    UNION ALL SELECT n.work_id, h.part, h.word FROM named n JOIN heard h ON h.kind = n.kind AND h.subject = n.name
        WHERE n.kind <> 'url' AND (n.alone OR NOT h.is_yes)
    UNION ALL SELECT a.work_id, p.part, p.word FROM addresses a JOIN patterns p ON a.site = p.site AND a.path = p.path
        WHERE a.alone OR NOT p.is_yes
    UNION ALL SELECT a.work_id, p.part, p.word FROM addresses a JOIN patterns p
        ON a.site = p.site AND a.path LIKE p.form ESCAPE '\'
        WHERE contains(p.path, '*') AND (a.alone OR NOT p.is_yes)
    UNION ALL SELECT m.work_id, h.part, h.word FROM makers m JOIN heard h ON h.kind = 'person' AND h.subject = m.party_id
        WHERE NOT h.is_yes
"""
_ANSWER = """
    WITH best AS ({best})
    SELECT w.work_id,
    CASE substr(b.word, 12, 1) WHEN '0' THEN 'deny' WHEN '2' THEN 'conditional' WHEN '3' THEN 'allow' ELSE 'unknown' END
        AS value,
    coalesce(substr(b.word, 13), '') AS permission_id
    FROM works w LEFT JOIN best b USING (work_id)
"""
_BEST = "SELECT work_id, min(word) AS word FROM reached GROUP BY work_id"
_BEST_OR_INHERITED = """
    SELECT work_id, CASE WHEN bool_or(part = 'own') THEN min(word) FILTER (part <> 'inherited') ELSE min(word) END AS word
    FROM reached GROUP BY work_id
"""


def decide_all(conn: Connection, verb: str, at: str, *, by: str = "", use: Use = NO_USE) -> pa.Table:
    """Answers for every registered work whether something may be done with it at a time.

    Args:
        conn: the database; all is read from one consistent state of it.
        verb: one of `records.VERBS`.
        at: UTC time asked about, as `2026-11-20T12:00:00Z`.
        by: the party that asks, whose contracts count; empty for anybody.
        use: what is known of the use, by which conditions are met.

    Returns:
        `SCHEMA`, in no order: the value, and the statement that decided, "" where nothing was said. The words of an
        answer are made by `decide_work` when somebody asks for them.

    Raises:
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    check_question(verb, at)
    inherited, covering = INHERITS.get(verb, ""), DENIED_BY.get(verb, ())
    said = _said(conn, (verb, *filter(None, [inherited])), covering, at, by)
    kinds = set(said["kind"].unique().to_pylist())
    people = said.filter(pc.equal(said["kind"], "person"))["subject"].unique().to_pylist()
    given: dict[str, pa.Table] = {
        "said": said,
        "closers": _closers(conn, said),
        "works": read_columns(conn, tables.works, {"work_id": "work_id"}),
        "files": _read(conn, tables.manifestations, ("work_id", "sha256"), bool(kinds & {"sha256", "iscc", "url"})),
        "marks": _read(
            conn, tables.file_marks, ("sha256", "kind", "value"), bool(kinds & {"iscc", "url"}), "kind <> 'letters'"
        ),
        "makers": _makers(conn, people),
    }
    with duckdb.connect() as engine:
        for name, table in given.items():
            engine.register(name, table)
        engine.register("met", _met(engine, use))
        engine.execute(_HEARD, {"verb": verb, "inherited": inherited})
        for step in (_FILES, _SITES, _REACHED):
            engine.execute(step)
        best = _BEST_OR_INHERITED if inherited else _BEST
        return engine.sql(_ANSWER.format(best=best)).to_arrow_table().cast(SCHEMA)


def _said(conn: Connection, spoken: tuple[str, ...], covering: tuple[str, ...], at: str, by: str) -> pa.Table:
    """The statements that may count: those in force, and those that close others."""
    closing = "(revokes <> '' OR supersedes <> '')"
    own, wide = ", ".join(f"'{one}'" for one in spoken), ", ".join(f"'{one}'" for one in covering)
    verbs = f"verb IN ({own})" + (f" OR (verb IN ({wide}) AND (value = 'deny' OR {closing}))" if covering else "")
    where = f"({verbs}) AND effective_from <= :at AND (({_SPEAKS}) OR {closing})"
    return read_columns(conn, tables.permissions, _STATEMENTS, where, {"at": at, "by": by})


def _closers(conn: Connection, said: pa.Table) -> pa.Table:
    """Who made the statements that close others, and those that they close."""
    closing = said.filter(pc.not_equal(said["closes"], ""))
    ids = sorted({*closing["id"].to_pylist(), *(name.removeprefix("!") for name in closing["closes"].to_pylist())})
    table, rows = tables.permissions, list[Any]()
    wanted = sa.select(table.c.permission_id, table.c.party_id, table.c.declared_by, table.c.authority)
    for start in range(0, len(ids), AT_ONCE):
        rows += conn.execute(wanted.where(table.c.permission_id.in_(ids[start : start + AT_ONCE])))
    names = ("id", "party", "declared", "authority")
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)})


def _makers(conn: Connection, people: list[str]) -> pa.Table:
    """The works of the people about whom something was said."""
    columns = ("work_id", "party_id")
    if len(people) > PEOPLE_MAX:
        return _read(conn, tables.credits, columns, True)
    params = {f"p{number}": one for number, one in enumerate(people)}
    where = f"party_id IN ({', '.join(f':{name}' for name in params)})" if people else ""
    return _read(conn, tables.credits, columns, bool(people), where, params)


def _read(
    conn: Connection, table: sa.Table, columns: tuple[str, ...], wanted: bool, where: str = "", params: Any = None
) -> pa.Table:
    if not wanted:
        return pa.schema([(name, pa.string()) for name in columns]).empty_table()
    return read_columns(conn, table, {name: name for name in columns}, where, params)


def _met(engine: duckdb.DuckDBPyConnection, use: Use) -> pa.Table:
    """The conditional statements whose conditions a use meets. Each text of conditions is weighed once."""
    asking = "FROM said WHERE value[:1] = 'c' AND closes[:1] <> '!'"
    engine.register("accepted", pa.table({"id": pa.array(use.accepted, pa.string())}))
    texts = engine.execute(f"SELECT DISTINCT value {asking}").fetchall()
    taken = engine.execute(f"SELECT id, value {asking} AND id IN (FROM accepted)").fetchall()
    met = [text for (text,) in texts if not unmet(_asking(text), use)]
    more = [name for name, text in taken if not unmet(_asking(text, name), use)]
    engine.register("met_texts", pa.table({"value": pa.array(met, pa.string())}))
    engine.register("met_ids", pa.table({"id": pa.array(more, pa.string())}))
    found = f"SELECT id {asking} AND value IN (FROM met_texts) UNION SELECT id FROM met_ids"
    return engine.sql(found).to_arrow_table()


def _asking(value: str, permission_id: str = "") -> Permission:
    """A statement that asks for conditions, as far as weighing them needs it."""
    text = value.removeprefix("conditional")
    names = dict.fromkeys(("subject", "verb", "reason", "source", "declared_by", "effective_from"), "")
    plain = {**names, "value": "conditional", "permission_id": permission_id}
    return permission_of({**plain, "conditions": json.loads(text) if text else None})

"""May this be done with that: asked about every registered work at once.

`decide` weighs the statements of one work; this gives the same answers for a million works in seconds. The idea: among the
statements that hold, which of two goes first does not depend on the work that is asked about, only whether they speak of
it. So all of them are put into one order (contract, deny, deny that covers, the rest; then the latest, the most
restrictive, the id), and a work's answer is the first of its statements in that order. The database hands over columns
(`read_columns`), DuckDB joins and takes the minimum. `decide` is its slow twin, and a test holds both against each other.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy.engine import Connection

from endcredits.works import tables
from endcredits.works.conditions import NO_USE, Use, unmet
from endcredits.works.decide import DENIED_BY, INHERITS, check_question
from endcredits.works.read_columns import read_columns
from endcredits.works.records import Permission
from endcredits.works.stated import permission_of

SCHEMA = pa.schema([("work_id", pa.string()), ("value", pa.string()), ("permission_id", pa.string())])

_SPEAKS = (
    "revokes = '' AND (effective_to IS NULL OR :at < effective_to) "
    "AND (licensee = '' OR licensee = :by OR (value = 'deny' AND :by = ''))"
)
_CLOSES = "CASE WHEN revokes <> '' THEN revokes ELSE supersedes END"
_STATEMENTS = {
    "id": "permission_id",
    "kind": "subject_kind",
    "subject": "subject",
    "verb": "verb",
    "value": "value",
    "since": "effective_from",
    "speaks": f"CASE WHEN {_SPEAKS} THEN 'y' ELSE '' END",
    "contract": "CASE WHEN :by <> '' AND licensee = :by AND authority IN ('rightsholder', 'agent') THEN 'y' ELSE '' END",
    "conditions": "CASE WHEN value = 'conditional' THEN conditions ELSE '' END",
    "closes": _CLOSES,
    "party": "party_id",
    "declared": "declared_by",
    "authority": "authority",
}

_CLOSED = """
    SELECT s.id FROM said s JOIN said c
    ON c.closes = s.id AND c.kind = s.kind AND c.subject = s.subject AND c.verb = s.verb
    WHERE CASE WHEN c.party <> '' AND s.party <> '' THEN c.party = s.party ELSE c.declared = s.declared END
    OR (c.authority = 'rightsholder' AND s.authority <> 'rightsholder' AND s.party = '')
"""
_HEARD = f"""
    SELECT s.id, s.kind, s.subject, s.since, s.contract, CASE WHEN met.id IS NOT NULL THEN 'allow' ELSE s.value END AS value,
    CASE s.verb WHEN $verb THEN 'own' WHEN $inherited THEN 'inherited' ELSE 'covering' END AS part
    FROM said s LEFT JOIN met USING (id)
    WHERE s.speaks = 'y' AND s.id NOT IN ({_CLOSED}) AND (s.value = 'deny' OR s.verb IN ($verb, $inherited))
"""
_RANKED = f"""
    CREATE TABLE ranked AS SELECT *, row_number() OVER (
        ORDER BY
        CASE WHEN value = 'allow' AND contract = 'y' THEN 0 WHEN value = 'deny' AND part <> 'covering' THEN 1
            WHEN value = 'deny' THEN 2 ELSE 3 END,
        since DESC,
        CASE value WHEN 'allow' THEN 3 WHEN 'conditional' THEN 2 WHEN 'unknown' THEN 1 ELSE 0 END,
        id
    ) AS rank FROM ({_HEARD})
"""
_FILES = """
    CREATE TABLE named AS
    WITH alone AS (SELECT work_id, count(*) = 1 AS alone FROM files GROUP BY work_id),
    own AS (SELECT f.work_id, f.sha256, a.alone FROM files f JOIN alone a USING (work_id))
    SELECT work_id, alone, 'sha256' AS kind, sha256 AS name FROM own
    UNION ALL SELECT o.work_id, o.alone, m.kind, m.value FROM own o JOIN marks m USING (sha256)
"""
_SITES = r"""
    CREATE TABLE patterns AS SELECT rank, value, site, path, replace(replace(replace(replace(
        path, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%') AS form
    FROM (SELECT rank, value, lower(regexp_extract(subject, '^[^/]*//[^/]*')) AS site,
        '/' || regexp_extract(subject, '^[^/]*//[^/]*/?((?s).*)$', 1) AS path FROM ranked WHERE kind = 'url');
    CREATE TABLE addresses AS SELECT work_id, alone, lower(regexp_extract(name, '^[^/]*//[^/]*')) AS site,
        '/' || regexp_extract(name, '^[^/]*//[^/]*/?((?s).*)$', 1) AS path FROM named WHERE kind = 'url'
"""
_REACHED = r"""
    CREATE TABLE reached AS
    SELECT subject AS work_id, rank FROM ranked WHERE kind = 'work'
    UNION ALL SELECT n.work_id, r.rank FROM named n JOIN ranked r ON r.kind = n.kind AND r.subject = n.name
        WHERE n.kind <> 'url' AND (n.alone OR r.value <> 'allow')
    UNION ALL SELECT a.work_id, p.rank FROM addresses a JOIN patterns p ON a.site = p.site AND a.path = p.path
        WHERE a.alone OR p.value <> 'allow'
    UNION ALL SELECT a.work_id, p.rank FROM addresses a JOIN patterns p ON a.site = p.site AND a.path LIKE p.form ESCAPE '\'
        WHERE contains(p.path, '*') AND (a.alone OR p.value <> 'allow')
    UNION ALL SELECT m.work_id, r.rank FROM makers m JOIN ranked r ON r.kind = 'person' AND r.subject = m.party_id
        WHERE r.value <> 'allow'
"""
_ANSWER = """
    WITH by_part AS (
        SELECT work_id, min(rank) FILTER (part = 'own') AS own, min(rank) FILTER (part = 'inherited') AS inherited,
        min(rank) FILTER (part = 'covering') AS covering
        FROM reached JOIN (SELECT rank, part FROM ranked) USING (rank) GROUP BY work_id
    ), best AS (SELECT work_id, least(coalesce(own, inherited), covering) AS rank FROM by_part)
    SELECT w.work_id, coalesce(r.value, 'unknown') AS value, coalesce(r.id, '') AS permission_id
    FROM works w LEFT JOIN best USING (work_id) LEFT JOIN ranked r USING (rank) ORDER BY w.work_id
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
        `SCHEMA`, by work: the value, and the statement that decided, "" where nothing was said. The words of an answer are
        made by `decide` when somebody asks for them.

    Raises:
        InputError: an unknown verb, or `at` is not a UTC time.
    """
    check_question(verb, at)
    inherited, covering = INHERITS.get(verb, ""), DENIED_BY.get(verb, ())
    said = _said(conn, (verb, *filter(None, [inherited])), covering, at, by)
    kinds = set(said["kind"].unique().to_pylist())
    given: dict[str, pa.Table] = {
        "said": said,
        "works": read_columns(conn, tables.works, {"work_id": "work_id"}),
        "files": _read(conn, tables.manifestations, ("work_id", "sha256"), bool(kinds & {"sha256", "iscc", "url"})),
        "marks": _read(conn, tables.file_marks, ("sha256", "kind", "value"), bool(kinds & {"iscc", "url"})),
        "makers": _read(conn, tables.credits, ("work_id", "party_id"), "person" in kinds),
    }
    with duckdb.connect() as engine:
        for name, table in given.items():
            engine.register(name, table)
        engine.register("met", _met(engine, use))
        engine.execute(_RANKED, {"verb": verb, "inherited": inherited})
        for step in (_FILES, _SITES, _REACHED):
            engine.execute(step)
        return engine.sql(_ANSWER).to_arrow_table().cast(SCHEMA)


def _said(conn: Connection, spoken: tuple[str, ...], covering: tuple[str, ...], at: str, by: str) -> pa.Table:
    """The statements that may count: those in force, and those that close others."""
    own, wide = ", ".join(f"'{one}'" for one in spoken), ", ".join(f"'{one}'" for one in covering)
    verbs = f"verb IN ({own})" + (f" OR (verb IN ({wide}) AND (value = 'deny' OR {_CLOSES} <> ''))" if covering else "")
    where = f"({verbs}) AND effective_from <= :at AND (({_SPEAKS}) OR {_CLOSES} <> '')"
    return read_columns(conn, tables.permissions, _STATEMENTS, where, {"at": at, "by": by})


def _read(conn: Connection, table: Any, columns: tuple[str, ...], wanted: bool) -> pa.Table:
    names = dict.fromkeys(columns, "")
    if not wanted:
        return pa.schema([(name, pa.string()) for name in names]).empty_table()
    return read_columns(conn, table, {name: name for name in names})


def _met(engine: duckdb.DuckDBPyConnection, use: Use) -> pa.Table:
    """The conditional statements whose conditions a use meets. Each text of conditions is weighed once."""
    engine.register("accepted", pa.table({"id": pa.array(use.accepted, pa.string())}))
    asking = "FROM said WHERE value = 'conditional' AND speaks = 'y'"
    texts = engine.execute(f"SELECT DISTINCT conditions {asking}").fetchall()
    taken = engine.execute(f"SELECT id, conditions {asking} AND id IN (FROM accepted)").fetchall()
    met = [text for (text,) in texts if not unmet(_asking(text), use)]
    more = [name for name, text in taken if not unmet(_asking(text, name), use)]
    engine.register("met_texts", pa.table({"conditions": pa.array(met, pa.string())}))
    engine.register("met_ids", pa.table({"id": pa.array(more, pa.string())}))
    found = f"SELECT id {asking} AND conditions IN (FROM met_texts) UNION SELECT id FROM met_ids"
    return engine.sql(found).to_arrow_table()


def _asking(text: str, permission_id: str = "") -> Permission:
    """A statement that asks for conditions, as far as weighing them needs it."""
    names = dict.fromkeys(("subject", "verb", "reason", "source", "declared_by", "effective_from"), "")
    plain = {**names, "value": "conditional", "permission_id": permission_id}
    return permission_of({**plain, "conditions": json.loads(text) if text else None})

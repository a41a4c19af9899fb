"""Keeping attributions: an output under one index is attributed once, and the first answer stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution.records import Attribution, Line
from endcredits.attribution.tables import attribution_table
from endcredits.canonical import canonical_bytes
from endcredits.ids import OutputId, WorkId
from endcredits.money import PPB
from endcredits.store import Finding, check_rows, insert_records, many


def record(conn: Connection, attributions: Sequence[Attribution], at: str) -> list[Attribution]:
    """Keeps attributions that are new and returns what stands recorded for each, in the same order.

    Args:
        conn: a writing connection.
        attributions: as measured.
        at: UTC time.
    """
    standing = {a.output_id: a for a in _load(conn, [a.output_id for a in attributions])}
    new = {a.output_id: a for a in attributions if a.output_id not in standing}
    insert_records(
        conn,
        attribution_table,
        (
            {
                "output_id": a.output_id,
                "output_sha256": a.output_sha256,
                "index_digest": a.index_digest,
                "recorded_at": at,
                "document": canonical_bytes(a).decode(),
            }
            for a in new.values()
        ),
    )
    return [standing.get(a.output_id) or new[a.output_id] for a in attributions]


def attributions(conn: Connection) -> tuple[Attribution, ...]:
    """All attributions, by output id."""
    query = sa.select(attribution_table.c.document).order_by(attribution_table.c.output_id)
    return tuple(parse_attribution(document) for document in conn.scalars(query))


def find_attribution(conn: Connection, output_id: OutputId) -> Attribution | None:
    """The attribution of one output."""
    found = _load(conn, [output_id])
    return found[0] if found else None


def _load(conn: Connection, output_ids: Iterable[OutputId]) -> list[Attribution]:
    wanted = sorted(set(output_ids))
    found: list[Attribution] = []
    for start in range(0, len(wanted), 500):  # databases limit the number of parameters
        part = wanted[start : start + 500]
        query = sa.select(attribution_table.c.document).where(attribution_table.c.output_id.in_(part))
        found.extend(parse_attribution(document) for document in conn.scalars(query))
    return found


def parse_attribution(document: str) -> Attribution:
    """Reads a stored document back."""
    fields: dict[str, Any] = json.loads(document)
    lines = tuple(Line(**{**line, "work_id": WorkId(line["work_id"])}) for line in fields.pop("lines"))
    return Attribution(lines=lines, **fields)


def check_attributions(conn: Connection) -> list[Finding]:
    """Re-verifies every attribution: digests, columns, sums and ranks."""
    findings = check_rows(conn, attribution_table)
    for row in many(conn, sa.select(attribution_table)):
        where = f"attribution {row['output_id']}"
        try:
            attribution = parse_attribution(row["document"])
        except (ValueError, TypeError, KeyError) as error:
            findings.append(Finding(where, f"its document cannot be read ({error})"))
            continue
        if attribution.output_id != row["output_id"] or attribution.index_digest != row["index_digest"]:
            findings.append(Finding(where, "its columns do not fit its document"))
        if sum(line.share_ppb for line in attribution.lines) + attribution.unattributed_ppb != PPB:
            findings.append(Finding(where, "its shares do not sum to one"))
        if sum(line.credit_nanonats for line in attribution.lines) != attribution.credit_sum_nanonats:
            findings.append(Finding(where, "its credits do not sum to the stated sum"))
        if [line.rank for line in attribution.lines] != list(range(1, len(attribution.lines) + 1)):
            findings.append(Finding(where, "its ranks are not 1, 2, 3..."))
    return findings

"""Keeping attributions: an output under one index is attributed once, and the first answer stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from endcredits.attribution.rank import UNATTRIBUTED, output_id_of_digests, shares_of
from endcredits.attribution.records import Attribution, Line, document_of
from endcredits.attribution.tables import attribution_table
from endcredits.canonical import canonical_bytes
from endcredits.ids import OutputId, WorkId
from endcredits.store import Finding, check_rows, insert_records, many


def record(conn: Connection, attributions: Sequence[Attribution], at: str) -> list[Attribution]:
    """Keeps attributions that are new and returns what stands recorded for each, in the same order.

    Args:
        conn: a writing connection.
        attributions: as measured.
        at: UTC time.
    """
    standing = attributions_of(conn, [a.output_id for a in attributions])
    new: dict[OutputId, Attribution] = {}
    for attribution in attributions:
        if attribution.output_id not in standing:
            new.setdefault(attribution.output_id, attribution)
    insert_records(
        conn,
        attribution_table,
        (
            {
                "output_id": a.output_id,
                "output_sha256": a.output_sha256,
                "index_digest": a.index_digest,
                "recorded_at": at,
                "document": canonical_bytes(document_of(a)).decode(),
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
    return attributions_of(conn, [output_id]).get(output_id)


def attributions_of(conn: Connection, output_ids: Iterable[OutputId]) -> dict[OutputId, Attribution]:
    """The attributions of some outputs; those that were never attributed are left out."""
    wanted = sorted(output_id for output_id in set(output_ids) if _can_be_recorded(output_id))
    found: dict[OutputId, Attribution] = {}
    for start in range(0, len(wanted), 500):  # databases limit the number of parameters
        part = wanted[start : start + 500]
        query = sa.select(attribution_table.c.document).where(attribution_table.c.output_id.in_(part))
        for document in conn.scalars(query):
            attribution = parse_attribution(document)
            found[attribution.output_id] = attribution
    return found


def _can_be_recorded(output_id: str) -> bool:
    """Databases take no half characters and no NUL, not even in a question."""
    return "\0" not in output_id and output_id.encode("utf-8", "replace") == output_id.encode("utf-8", "surrogatepass")


def attributed(conn: Connection, output_ids: Iterable[OutputId]) -> set[OutputId]:
    """Which of some outputs are attributed, without reading their attributions."""
    wanted = sorted(set(output_ids))
    found: set[OutputId] = set()
    for start in range(0, len(wanted), 500):  # databases limit the number of parameters
        chosen = attribution_table.c.output_id.in_(wanted[start : start + 500])
        found.update(OutputId(one) for one in conn.scalars(sa.select(attribution_table.c.output_id).where(chosen)))
    return found


def attributed_ids(conn: Connection) -> Iterator[OutputId]:
    """The ids of everything that was ever attributed, in their order, one by one."""
    query = sa.select(attribution_table.c.output_id).order_by(attribution_table.c.output_id)
    return (OutputId(one) for one in conn.scalars(query))


def parse_attribution(document: str) -> Attribution:
    """Reads a stored document back."""
    fields: dict[str, Any] = json.loads(document)
    lines = tuple(Line(**{**line, "work_id": WorkId(line["work_id"])}) for line in fields.pop("lines"))
    return Attribution(lines=lines, **fields)


def check_attributions(conn: Connection) -> list[Finding]:
    """Re-verifies every attribution: digests, columns, sums, and that ranks and shares follow from the credits."""
    findings = check_rows(conn, attribution_table)
    for row in many(conn, sa.select(attribution_table)):
        where = f"attribution {row['output_id']}"
        try:
            problems = _problems(parse_attribution(row["document"]), row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problems = [f"its document cannot be read ({error})"]
        findings.extend(Finding(where, problem) for problem in problems)
    return findings


def _problems(attribution: Attribution, row: Mapping[str, Any]) -> list[str]:
    problems = []
    columns = (attribution.output_id, attribution.output_sha256, attribution.index_digest)
    if columns != (row["output_id"], row["output_sha256"], row["index_digest"]):
        problems.append("its columns do not fit its document")
    digests = (attribution.output_sha256, attribution.prompt_sha256, attribution.index_digest)
    if output_id_of_digests(*digests) != attribution.output_id:
        problems.append("its id does not follow from its digests")
    credits = {line.work_id: line.credit_nanonats for line in attribution.lines}
    if len(credits) < len(attribution.lines):
        problems.append("it names a work twice")
    if sum(credits.values()) != attribution.credit_sum_nanonats:
        problems.append("its credits do not sum to the stated sum")
    ranked = sorted(credits, key=lambda work: (-credits[work], work))
    if [(line.rank, line.work_id) for line in attribution.lines] != list(enumerate(ranked, 1)):
        problems.append("its ranks do not follow from its credits")
    corrected = bool(attribution.calibration_digest)
    if any((line.raw_credit_nanonats is not None) != corrected for line in attribution.lines):
        problems.append("its calibration and its raw credits do not stand together")
    shares: dict[str, int] = {line.work_id: line.share_ppb for line in attribution.lines}
    shares[UNATTRIBUTED] = attribution.unattributed_ppb
    if shares != shares_of(credits, attribution.log_ratio_nanonats):
        problems.append("its shares do not follow from its credits and log-ratio")
    return problems

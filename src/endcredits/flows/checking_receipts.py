"""That receipts are whole, that none is missing, and that they say what the books say.

The room of receipts verifies files against the log. Here the books are added: which receipts there must be, by their ids,
and what each must say. Outputs are looked at some hundreds at a time, so that a studio of millions is checked in little
memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from endcredits.attribution import attributed_ids, attributions_of
from endcredits.canonical import canonical_bytes, to_plain
from endcredits.errors import EndcreditsError
from endcredits.flows import closing, fact_log
from endcredits.flows.audit_log import expected_receipts
from endcredits.flows.checking_corpora import check_named
from endcredits.flows.index_files import IndexFacts, intact_indexes
from endcredits.flows.kept_sums import kept_roots
from endcredits.flows.log_keys import expected_rotations
from endcredits.flows.media_codes import DISCLOSURE, check_disclosures
from endcredits.flows.output_bodies import output_problem
from endcredits.flows.periods import period_body, receipt_id_of, statements_count
from endcredits.flows.statement_receipts import expected_statements
from endcredits.flows.studio import Studio
from endcredits.flows.versions import expected_corrections
from endcredits.ids import OutputId
from endcredits.ledger import entries
from endcredits.receipts import Receipt, check_receipts, readable_receipts
from endcredits.receipts.erase import TYPE as ERASURE
from endcredits.royalties import closes, steps_of
from endcredits.store import Finding

AT_ONCE = 200
"""Receipts that are held against the books together."""


def check_files(studio: Studio) -> Iterator[Finding]:
    """That every receipt and every file of lines is right, and every entry of the log accounted for."""
    yield from check_receipts(studio.receipts, studio.log_to_read(), _expected_ids(studio), fact_log.places(studio))


def _expected_ids(studio: Studio) -> list[str]:
    """The ids of which there must be receipts; none where the books cannot be read, since another check names that."""
    try:
        with studio.store.reading() as conn:
            return [*_expected(studio), *attributed_ids(conn)]
    except Exception:
        return []


def _expected(studio: Studio) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the books say that receipts must say, by receipt id: (type, body). Those of outputs are looked up one by one."""
    expected = {**expected_receipts(studio), **expected_rotations(studio.log_to_read().vkeys)}
    with studio.store.reading() as conn:
        journal = entries(conn)
        for booked in closes(conn):
            name = booked.close.period_id
            roots = kept_roots(closing.close_folder(studio, closing.proposed_step(steps_of(conn, name))))
            body = period_body(booked, statements_count(conn, name), roots, journal)
            expected[receipt_id_of(name)] = ("period.receipt", body)
            expected.update(expected_corrections(studio, conn, name))
        expected.update(expected_statements(studio, conn))
    return expected


def check_agreement(studio: Studio) -> Iterator[Finding]:
    """That the receipts say what the books say, and are of nothing that the books do not know."""
    expected, indexes = _expected(studio), intact_indexes(studio)
    receipts = readable_receipts(studio.receipts)
    manifests: dict[tuple[str, str], bool] = {}
    while chunk := list(islice(receipts, AT_ONCE)):
        others = [one for one in chunk if one.receipt_id not in expected]
        yield from _outputs(studio, [one for one in others if one.type not in (DISCLOSURE, ERASURE)], indexes)
        yield from check_disclosures(studio, [one for one in others if one.type == DISCLOSURE])
        yield from check_named(studio, others, manifests)
        for receipt in chunk:
            if receipt.receipt_id in expected and (problem := _problem(receipt, *expected[receipt.receipt_id])):
                yield Finding(f"receipt {receipt.receipt_id}", problem)


def _outputs(studio: Studio, receipts: list[Receipt], indexes: dict[str, IndexFacts]) -> Iterator[Finding]:
    log = studio.log_to_read()
    with studio.store.reading() as conn:
        found = attributions_of(conn, [OutputId(one.receipt_id) for one in receipts])
    for receipt in receipts:
        where = f"receipt {receipt.receipt_id}"
        attribution = found.get(OutputId(receipt.receipt_id))
        if attribution is None:
            yield Finding(where, "the books know nothing of what it is about")
        elif attribution.index_digest not in indexes:
            yield Finding(where, f"the index {attribution.index_digest} that it names is not here")
        else:
            try:
                problem = output_problem(receipt, attribution, indexes[attribution.index_digest], log, studio.receipts)
            except EndcreditsError:
                continue  # a damaged log or file of lines is named by its own check
            if problem:
                yield Finding(where, problem)


def _problem(receipt: Receipt, kind: str, body: dict[str, Any]) -> str:
    plain = to_plain(body)
    if receipt.type != kind or set(receipt.body) != set(plain):
        return "the books say something else about it"
    for key in plain:
        if canonical_bytes(receipt.body[key]) != canonical_bytes(plain[key]):
            return f"the books say something else about its {key.replace('_', ' ')}"
    return ""

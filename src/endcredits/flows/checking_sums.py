"""Checking what proves a payee's place: sum trees, chains of statements, and the files that payees are handed.

That receipts of periods and statements are there and say what the books say is for `checking_receipts`. Here are the trees
under the roots that they publish, the numbers of each payee's receipts, and the copies beside the statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from endcredits.errors import EndcreditsError, InputError
from endcredits.flows import closing
from endcredits.flows.kept_sums import check_sums
from endcredits.flows.period_proofs import PERIOD, PROOF_FILES_MAX, RECEIPT, proofs, same_proof
from endcredits.flows.periods import period_folder, receipt_id_of, statement_name
from endcredits.flows.studio import Studio
from endcredits.flows.sums import expected_leaves
from endcredits.flows.versions import correction_id, versions
from endcredits.payouts import statements_for_period
from endcredits.payouts.heads import all_heads
from endcredits.receipts import find_tombstone, readable_receipts, receipt_path
from endcredits.receipts.chain import TYPE, chains, in_words, link_of
from endcredits.receipts.chain import receipt_id_of as receipt_id_of_statement
from endcredits.royalties import closes, steps_of
from endcredits.store import Finding


def check_trees(studio: Studio) -> Iterator[Finding]:
    """That the sum trees of every close and correction are over what it gave and took back, and over every statement.

    One whose receipt was never issued has published no tree, and needs none until it is.
    """
    log = studio.log_to_read()
    with studio.store.reading() as conn:
        for booked in closes(conn):
            for version in versions(studio, conn, booked.close.period_id):
                name = correction_id(version) if version.step else receipt_id_of(booked.close.period_id)
                if not receipt_path(studio.receipts, name).exists() and log.find_name(name) is None:
                    continue
                try:
                    leaves = expected_leaves(conn, version.close, version.folder)
                except EndcreditsError as error:
                    yield Finding(f"sum trees in {version.folder}", error.message)
                    continue
                yield from check_sums(version.folder, leaves)


def check_chains(studio: Studio) -> Iterator[Finding]:
    """That the receipts of each payee's statements count without a gap, by themselves and whatever the books say.

    Of a receipt that was erased the number is missing, and the log's own names still know that it was there.
    """
    log = studio.log_to_read()
    with studio.store.reading() as conn:
        heads = all_heads(conn)
    erased = Counter(
        (one.party_id, one.currency)
        for one in heads
        if find_tombstone(log, studio.receipts, receipt_id_of_statement(one.statement_id)) is not None
    )
    found = []
    for receipt in readable_receipts(studio.receipts):
        if receipt.type == TYPE:
            with suppress(InputError):  # a body that is no link is not what the books say
                found.append((receipt.proof.leaf_index, link_of(receipt.body)))
    for chain in chains(found):
        where = f"statements of {chain.party_id} in {chain.currency}"
        for problem in chain.problems:
            yield Finding(where, problem)
        if sum(last - first + 1 for first, last in chain.missing) > erased[chain.party_id, chain.currency]:
            yield Finding(where, in_words(chain))


def check_proof_files(studio: Studio) -> Iterator[Finding]:
    """That the proofs beside the statements are those of the receipts and trees, and none is of what was erased."""
    vkey = "\n".join(studio.log_to_read().vkeys)
    with studio.store.reading() as conn:
        for booked in closes(conn):
            issued = statements_for_period(conn, booked.close.period_id)
            if len(issued) > PROOF_FILES_MAX:
                continue
            tables = closing.close_folder(studio, closing.proposed_step(steps_of(conn, booked.close.period_id)))
            folder = period_folder(studio, booked.close.period_id)
            own = receipt_id_of(booked.close.period_id)
            known = set()
            try:
                for name, data in proofs(studio.receipts, tables, own, issued, statement_name):
                    known.add(name)
                    path = folder / name
                    if not path.exists():
                        yield Finding(f"proof file {path}", "it is missing; close the period again to write it")
                    elif not same_proof(path.read_bytes(), data, vkey):
                        yield Finding(f"proof file {path}", "it is not what the receipt and the sum tree say")
            except EndcreditsError as error:
                yield Finding(f"the proofs in {folder}", f"they cannot be made from what is kept: {error.message}")
                continue
            for path in sorted(folder.glob("*.json")):
                if path.name.endswith((RECEIPT, PERIOD)) and path.name not in known:
                    yield Finding(f"proof file {path}", "what it was made from was erased, or is lost")

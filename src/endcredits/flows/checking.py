"""Checking everything: the books, the works, the attributions, the index, the log, the receipts, and that they agree.

Each room re-verifies its own tables and files. This walk adds what no room can see alone: that receipts say what the
books say, that closes can be computed again from their inputs to the same bytes, that the index was built from works
with a yes, and that files are the recorded ones. Any one changed byte that matters is found here and named.

A damaged value may be of any type, so whatever reads it may fail in any way: every check runs for itself, and one that
cannot go on is a finding, not the end of the walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits import store
from endcredits.attribution import attributions, check_attributions
from endcredits.errors import EndcreditsError
from endcredits.flows import checking_receipts, closing, freezing
from endcredits.flows.audit_log import check_audits
from endcredits.flows.booking import gathered, make_statements
from endcredits.flows.catalogue import VERB, digest_within
from endcredits.flows.checking_corpora import check_corpora
from endcredits.flows.checking_sums import check_chains, check_proof_files, check_trees
from endcredits.flows.close_files import changed_files, computed_closes
from endcredits.flows.duplicates import check_kept
from endcredits.flows.erasing import check_erasures
from endcredits.flows.fact_log import check_facts
from endcredits.flows.indexing import (
    CURRENT,
    index_folders,
    index_name,
    read_corpus,
    read_current,
)
from endcredits.flows.media_codes import check_register
from endcredits.flows.periods import period_files, picture_files
from endcredits.flows.studio import KEY, Studio
from endcredits.flows.versions import check_corrections
from endcredits.influence import check_index, read_manifest
from endcredits.ledger import check_books, check_entries, entries, find
from endcredits.payouts import check_paying, check_payouts, check_remade, statements_for_period
from endcredits.progress import Progress, silent
from endcredits.receipts import check_log
from endcredits.royalties import (
    BookedClose,
    all_steps,
    check_contracts,
    check_disputes,
    check_royalties,
    check_steps,
    closes,
    read_frozen,
    replay_close,
    standing,
    steps_of,
)
from endcredits.store import Finding, check_rows
from endcredits.works import asked_about, check_content, check_works, marks, parties, party_id_of, permissions, works
from endcredits.works.asked import speaks_of_whole
from endcredits.works.likeness import check_likeness
from endcredits.works.shares.known_as import imported_files
from endcredits.works.shares.sheet_book import check_shares


def check_studio(studio: Studio, progress: Progress = silent) -> list[Finding]:
    """Re-verifies a studio; an empty list means that everything fits."""
    findings: list[Finding] = []
    for number, (stage, checks) in enumerate(CHECKS.items()):
        progress("check", number, len(CHECKS))
        for check in checks:
            try:
                findings.extend(check(studio))
            except Exception as error:
                findings.append(_unreadable(stage, error))
                if stage in IN_BOOKS:
                    findings.extend(_damaged_rows(studio))
    progress("check", len(CHECKS), len(CHECKS))
    return list(dict.fromkeys(findings))


def _unreadable(where: str, error: Exception) -> Finding:
    if isinstance(error, EndcreditsError):
        return Finding(error.file or where, error.message)
    return Finding(where, f"it cannot be read ({type(error).__name__}: {error})")


def _books(check: Callable[[Connection], Iterable[Finding]]) -> Callable[[Studio], Iterator[Finding]]:
    """A check that needs nothing but the database."""

    def run(studio: Studio) -> Iterator[Finding]:
        with studio.store.reading() as conn:
            yield from check(conn)

    return run


def _damaged_rows(studio: Studio) -> Iterator[Finding]:
    """Every row of every table for itself, to name what kept a check from going on."""
    for table in store.metadata.sorted_tables:
        try:
            with studio.store.reading() as conn:
                yield from check_rows(conn, table)
        except Exception as error:
            yield Finding(f"database table {table.name}", _unreadable("", error).problem)


def _database_file(studio: Studio) -> Iterator[Finding]:
    with studio.store.reading() as conn:
        yield from store.check_file(conn, studio.store.url)


def _works(studio: Studio) -> Iterator[Finding]:
    with studio.store.reading() as conn:
        yield from check_works(conn, studio.content)
        yield from check_shares(conn)
        yield from check_content(studio.content, imported_files(conn))
        for party in parties(conn).values():
            if party_id_of(party.name, party.identifiers) != party.party_id:
                yield Finding(f"party {party.party_id}", f"its id was not made for the name '{party.name}'")


def _audits(studio: Studio) -> Iterator[Finding]:
    with studio.store.reading() as conn:
        recorded = {one.output_id: one for one in attributions(conn)}
    yield from check_audits(studio, recorded)


def _close_folders(studio: Studio) -> Iterator[Finding]:
    """That every file of every close that was ever computed, withdrawn ones too, is to the byte what it was then."""
    with studio.store.reading() as conn:
        steps = all_steps(conn)
    for proposed, computed in chain.from_iterable(computed_closes(of_period) for of_period in steps):
        for path, problem in changed_files(closing.close_folder(studio, proposed), computed):
            yield Finding(f"period {proposed.period_id}, file {path}", problem)


def _reports(studio: Studio) -> Iterator[Finding]:
    """That the reports that were new for a close are those of then, and that its row names its cut-off and its entry."""
    with studio.store.reading() as conn:
        for booked in closes(conn):
            steps = steps_of(conn, booked.close.period_id)
            proposed, computed = closing.proposed_step(steps), standing(steps, "computed")
            where = f"period {booked.close.period_id}"
            entry = find(conn, f"close:{booked.close.period_id}")
            if booked.entry_id != (entry.entry_id if entry else None):
                yield Finding(where, "it names another journal entry than the one that booked it")
            if booked.cut_off != proposed.facts["cut_off"]:
                yield Finding(where, f"it was closed up to report {booked.cut_off}, and proposed otherwise")
            if computed is None or freezing.reports_of(studio, proposed) != computed.facts["reports"]:
                yield Finding(where, "usage, revenue, refunds or rates that it looked at are not those of then")


def _replays(studio: Studio) -> Iterator[Finding]:
    """That every close follows from its frozen inputs, its statements from it, and its inputs from the books."""
    with studio.store.reading() as conn:
        for booked in closes(conn):
            where = f"period {booked.close.period_id}"
            proposed = closing.proposed_step(steps_of(conn, booked.close.period_id))
            folder = closing.close_folder(studio, proposed)
            frozen = read_frozen(folder / "frozen")
            yield from replay_close(frozen, booked.close, folder, credits_max=closing.TWIN_CREDITS_MAX)
            yield from _remade(conn, booked, folder, proposed.at[:10])
            for table in freezing.changed_tables(studio, proposed, frozen):
                yield Finding(where, f"what is recorded of its {table} is not what was frozen")
            yield from check_corrections(studio, conn, booked.close.period_id)


def _remade(conn: Connection, booked: BookedClose, folder: Path, proposed_on: str) -> Iterator[Finding]:
    # Where nobody got a statement any day will do: none should follow.
    issued_on = next((one.issued_on for one in statements_for_period(conn, booked.close.period_id)), proposed_on)
    entries_of = [find(conn, f"{what}:{booked.close.period_id}") for what in ("close", "settle")]
    before = gathered(conn, booked.close, folder)
    made = make_statements(conn, booked.close, booked.close_digest, folder, before, entries_of, issued_on)
    yield from check_remade(conn, booked.close.period_id, made)


def _period_files(studio: Studio) -> Iterator[Finding]:
    with studio.store.reading() as conn:
        journal = entries(conn)
        for booked in closes(conn):
            issued = statements_for_period(conn, booked.close.period_id)
            tables = closing.close_folder(studio, closing.proposed_step(steps_of(conn, booked.close.period_id)))
            pictures = picture_files(studio, conn, booked.close, tables)
            for path, data in chain(period_files(studio, booked, issued, journal), pictures):
                if not path.exists():
                    yield Finding(f"statement file {path}", "it is missing; close the period again to write it")
                elif path.read_bytes() != data:
                    yield Finding(f"statement file {path}", "it is not what was recorded")


def _index_files(studio: Studio) -> Iterator[Finding]:
    for folder in index_folders(studio):
        for problem in check_index(folder):
            yield Finding(f"influence index {folder.name}", problem)
    path = studio.path / "index" / CURRENT
    if not path.exists():
        if index_folders(studio):
            yield Finding(f"influence index file {path}", "it is missing; build the index again to write it")
        return
    name = read_current(studio)["name"]
    if studio.path / "index" / name not in index_folders(studio):
        yield Finding(f"influence index {name}", "it is the current one, and its manifest is missing")


def _index_corpora(studio: Studio) -> Iterator[Finding]:
    """That every index is of the works that it names, each of them registered with a yes, and the catalogue as it was."""
    with studio.store.reading() as conn:
        present, stated, names = works(conn), permissions(conn), marks(conn)
    registered = {work.work_id: work for work in present}
    yes = {one.permission_id: one for one in stated if one.value in ("allow", "conditional")}
    for folder in index_folders(studio):
        where = f"influence index {folder.name}"
        manifest, manifest_digest = read_manifest(folder)
        record = read_corpus(folder)
        if record["index_digest"] != manifest_digest:
            yield Finding(where, f"{folder / 'manifest.json'} was changed after the index was built")
        if index_name(manifest.facts, record["manifest"]) != folder.name:
            yield Finding(where, "its name does not fit its models and corpus")
        if digest_within(record["catalogue"], present, stated) != record["catalogue_digest"]:
            problem = "works, people, splits or permissions that were there when it was built are missing or changed"
            yield Finding(where, problem)
        for work in record["manifest"]["works"]:
            there, said = registered.get(work["work_id"]), yes.get(work["permission_id"])
            if there is None or [file.sha256 for file in there.manifestations] != work["files"]:
                yield Finding(where, f"it was built from the work {work['work_id']}, which is not registered so")
                continue
            if said is None or said.verb != VERB or not speaks_of_whole(said, asked_about(there, names)):
                yield Finding(where, f"the yes to the work {work['work_id']} that it was built on is not recorded")


def _key(studio: Studio) -> Iterator[Finding]:
    """That log, name and private key belong together; who checks a copy has no key, and needs none."""
    log = studio.log_to_read()
    if log.vkey.partition("+")[0] != studio.origin:
        yield Finding(f"log file {studio.vkey_file}", f"it is the key of another log than '{studio.origin}'")
    if (studio.path / KEY).exists():
        studio.log()  # refuses a key that is not this log's


IN_BOOKS: dict[str, tuple[Callable[[Studio], Iterable[Finding]], ...]] = {
    "database file": (_database_file, _books(store.check_schema)),
    "works": (_works, _books(check_likeness)),
    "attributions": (_books(check_attributions),),
    "books": (_books(check_books), _books(check_entries)),
    "royalties": (
        _books(check_royalties),
        _books(check_steps),
        _books(check_contracts),
        _books(check_disputes),
        check_kept,
        _close_folders,
        _reports,
        _replays,
    ),
    "statements": (_books(check_payouts), _period_files, check_trees, check_proof_files),
    "payments": (_books(check_paying),),
}
"""The checks of what the database holds, by stage."""

CHECKS: dict[str, tuple[Callable[[Studio], Iterable[Finding]], ...]] = {
    **IN_BOOKS,
    "index": (_index_files, _index_corpora),
    "corpora": (check_corpora,),
    "audits": (_audits,),
    "log": (lambda studio: check_log(studio.log_to_read(), index=True), _key, check_facts),
    "receipts": (checking_receipts.check_files, checking_receipts.check_agreement, check_chains, check_erasures),
    "media": (check_register,),
}
"""All checks by stage, in their order."""

STAGES = tuple(CHECKS)
"""The names of the stages, to be told."""

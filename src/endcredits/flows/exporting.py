"""A creator takes everything out: works, terms, likeness, history and money, as one signed archive.

    done = export(studio, "Emily Bronte", "bronte.zip", with_files=True)

What is recorded is logged first, so that everything has a proof. Then the works are walked through once and laid out as
files on a desk (`exporting_desk`), which are packed in the order of their names (`exporting_zip`), listed with their digests
and signed by the log's key (`exporting_manifest`). Nothing in it depends on the clock: the same state gives the same bytes.
It takes disk for about twice the tables and once the files; in memory stand some hundred works at a time, and of the rest
ids and digests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.canonical import canonical_bytes
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.exporting_desk import Desk
from endcredits.flows.exporting_history import lay_out_disputes, lay_out_models, lay_out_money, lay_out_outputs
from endcredits.flows.exporting_likeness import lay_out_likeness
from endcredits.flows.exporting_pack import Exported, folder_beside, pack
from endcredits.flows.exporting_readme import offers_readme
from endcredits.flows.exporting_shares import lay_out_shares
from endcredits.flows.exporting_terms import fact_receipt, facts_among
from endcredits.flows.exporting_works import lay_out_works
from endcredits.flows.fact_files import fact_id_of
from endcredits.flows.fact_kinds import CONSENT, MODEL
from endcredits.flows.offering import of_party
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import slug
from endcredits.progress import Progress, silent
from endcredits.receipts import Log
from endcredits.receipts.names import receipt_name
from endcredits.works import Party, parties
from endcredits.works.of_party import numbers_of, work_ids_of
from endcredits.works.offers import FORMS, Named, Offer, offer_of

OFFER_ENDS = {"application/json": "json", "application/ld+json": "jsonld", "application/rsl+xml": "xml", "text/html": "html"}


def export(
    studio: Studio, party: str, target: str | os.PathLike[str], *, with_files: bool = False, progress: Progress = silent
) -> Exported:
    """Writes everything that concerns a party into one archive, whole or not at all; a file of that name is replaced.

    Args:
        studio: with the log's private key.
        party: id or name.
        target: the file to be written; its folder has room for the tables, too, while they are laid out.
        with_files: whether the files of the works that credit the party come with it.
        progress: told about the stages.

    Raises:
        NotFoundError: no such party, or no key.
        IntegrityError: a file of a work or a receipt is missing or damaged, or the log is.
        MachineError: the disk is full or may not be written; nothing is left behind, and the same again is right.
    """
    with studio.store.reading() as conn:
        found = parties(conn)[party_called(conn, party)]
    fact_log.complete(studio)
    log, path = studio.log(), Path(target)
    with folder_beside(path) as folder, Desk(folder) as desk:
        try:
            with studio.store.reading() as conn:
                left_out = _lay_out(conn, desk, studio, log, found, with_files=with_files, progress=progress)
            return pack(desk, log, found, path, left_out, with_files=with_files, progress=progress)
        except OSError as error:
            raise durable.machine_error(error, path) from error


def _lay_out(
    conn: Connection, desk: Desk, studio: Studio, log: Log, party: Party, *, with_files: bool, progress: Progress
) -> list[str]:
    """Lays out everything; what is missing is told in words."""
    desk.put("party.json", _json({**asdict(party), "identifiers": numbers_of(conn, party)}))
    desk.put("log.vkey", studio.vkey_file.read_bytes())
    owned = work_ids_of(conn, party.party_id)
    progress("works", 0, len(owned))
    said = lay_out_works(conn, desk, party, owned, studio.content if with_files else None)
    lay_out_shares(conn, desk, party)
    for kind, keys in lay_out_likeness(conn, desk, party).items():
        _lay_out_proofs(desk, studio, log, kind, keys, "likeness/proofs")
    _lay_out_proofs(desk, studio, log, CONSENT, said, "terms/proofs")
    _lay_out_offers(conn, desk, party)
    progress("works", len(owned), len(owned))
    models, left_out = lay_out_models(desk, studio, owned.keys())
    _lay_out_proofs(desk, studio, log, MODEL, models, "history/proofs")
    left_out += lay_out_outputs(conn, desk, studio, log, owned.keys())
    lay_out_disputes(conn, desk, party, owned.keys())
    left_out += lay_out_money(conn, desk, studio, log, party.party_id)
    only_part = [work_id for work_id, credited in owned.items() if not credited]
    if with_files:
        left_out += [f"the files of {work_id}: it gives you a part and does not credit you" for work_id in only_part]
    desk.put("left-out.json", _json(left_out))
    return left_out


def _lay_out_proofs(desk: Desk, studio: Studio, log: Log, kind: str, ids: Iterable[str], where: str) -> None:
    wanted = {fact_id_of(kind, one) for one in ids}
    for fact in facts_among(studio, kind, wanted) if wanted else ():
        desk.put(f"{where}/{receipt_name(fact.fact_id)}.json", fact_receipt(fact, log))


def _lay_out_offers(conn: Connection, desk: Desk, party: Party) -> None:
    """What is in force as texts. The terms of now are those of the whole spell around now, so no clock stands in them."""
    stated = of_party(conn, party.party_id, now())
    named = Named(party.name)
    about: list[dict[str, object]] = []
    for form in FORMS:
        if form in ("tdmrep", "rsl", "robots") and not stated.rules:
            continue
        made = offer_of(form, party.party_id, stated.rules, stated.terms, named, spell=(stated.since, stated.until))
        about += list(_offer_texts(desk, made))
    desk.put("offers/about.json", _json(offers_readme(about)))


def _offer_texts(desk: Desk, made: Offer) -> Iterable[dict[str, object]]:
    for number, text in enumerate(made.texts, start=1):
        name = ""
        if text.text:
            name = f"offers/{made.form}-{number}-{slug(text.place)}.{OFFER_ENDS.get(text.media_type, 'txt')}"
            desk.put(name, text.text.encode())
        yield {
            "form": made.form,
            "place": text.place,
            "file": name,
            "since": made.since,
            "until": made.until,
            "says": [asdict(one) for one in text.told],
            "left_out": [list(one) for one in made.left_out],
        }


def _json(document: object) -> bytes:
    """A document for people: canonical in content, with line breaks."""
    plain = json.loads(canonical_bytes(document))
    return f"{json.dumps(plain, indent=1, ensure_ascii=False, sort_keys=True)}\n".encode()

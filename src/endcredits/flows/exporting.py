"""A creator takes everything out: works, terms, likeness, history and money, as one signed archive.

    done = export(studio, "Emily Bronte", "bronte.zip", with_files=True)

What is recorded is logged first, so that everything has a proof. Then the works are walked through once and laid out as
files on a desk (`exporting_desk`), which are packed in the order of their names (`exporting_zip`), listed with their digests
and signed by the log's key (`exporting_manifest`). Nothing in it depends on the clock: the same state gives the same bytes.
It takes disk for about twice the tables and once the files, and no more memory for ten thousand works than for ten.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.engine import Connection

from endcredits import durable
from endcredits.canonical import canonical_bytes
from endcredits.errors import IntegrityError
from endcredits.flows import fact_log
from endcredits.flows.clock import now
from endcredits.flows.exporting_desk import Desk
from endcredits.flows.exporting_history import lay_out_money, lay_out_outputs
from endcredits.flows.exporting_likeness import lay_out_likeness
from endcredits.flows.exporting_manifest import MANIFEST, NOTE, Manifest, entries_of, manifest_parts, note_bytes
from endcredits.flows.exporting_readme import offers_readme, readme
from endcredits.flows.exporting_shares import lay_out_shares
from endcredits.flows.exporting_terms import fact_receipt, facts_among
from endcredits.flows.exporting_works import lay_out_works
from endcredits.flows.exporting_zip import Stored, ZipWriter
from endcredits.flows.fact_files import fact_id_of
from endcredits.flows.fact_kinds import CONSENT
from endcredits.flows.offering import of_party
from endcredits.flows.parties import party_called
from endcredits.flows.studio import Studio
from endcredits.ids import slug
from endcredits.progress import Progress, silent
from endcredits.receipts import Log
from endcredits.receipts.names import receipt_name
from endcredits.works import Party, parties
from endcredits.works.of_party import work_ids_of
from endcredits.works.offers import FORMS, Named, Offer, offer_of

README = "README.txt"
OFFER_ENDS = {"application/json": "json", "application/ld+json": "jsonld", "application/rsl+xml": "xml", "text/html": "html"}


@dataclass(frozen=True, slots=True)
class Exported:
    """An archive that was written.

    Attributes:
        path: the file.
        party_id: whose it is.
        entries: how many files it holds, with manifest and signature.
        size_bytes: its length.
        sha256: of `manifest.json`, 64 hex digits, which the log's key signed.
        left_out: what is missing in it, in words.
    """

    path: Path
    party_id: str
    entries: int
    size_bytes: int
    sha256: str
    left_out: tuple[str, ...]


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
    with _folder_beside(path) as folder, Desk(folder) as desk:
        try:
            with studio.store.reading() as conn:
                left_out = _lay_out(conn, desk, studio, log, found, with_files=with_files, progress=progress)
            return _pack(desk, log, found, path, left_out, with_files=with_files, progress=progress)
        except OSError as error:
            raise durable.machine_error(error, path) from error


class _folder_beside(tempfile.TemporaryDirectory[str]):
    """A folder beside a file, which goes away with all that is in it; the file's own folder is made when missing."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(prefix=f".{path.name[:100]}.", suffix=durable.PARTIAL, dir=path.parent)
        except OSError as error:
            raise durable.machine_error(error, path) from error

    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(self.name)


def _lay_out(
    conn: Connection, desk: Desk, studio: Studio, log: Log, party: Party, *, with_files: bool, progress: Progress
) -> list[str]:
    """Lays out everything; what is missing is told in words."""
    desk.put("party.json", _json({**asdict(party), "identifiers": [list(one) for one in party.identifiers]}))
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
    left_out = lay_out_outputs(conn, desk, studio, log, owned.keys())
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
    named = Named(party.name, (party.name,))
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


def _pack(
    desk: Desk, log: Log, party: Party, path: Path, left_out: Sequence[str], *, with_files: bool, progress: Progress
) -> Exported:
    """Packs the desk beside the target, and puts it in the target's place when it is on the disk."""
    checkpoint = log.checkpoint()
    files = list(desk.finished())
    text = readme(party, checkpoint.origin, (name for name, _ in files))
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}{durable.PARTIAL}")
    with ExitStack() as stack:
        stack.callback(_remove, partial)
        with partial.open("xb") as file:
            archive, stored = ZipWriter(file), list[Stored]()
            stored.append(_add(archive, README, text.encode()))
            for number, (name, source) in enumerate(files):
                progress("pack", number, len(files))
                stored.append(_add_file(archive, name, source))
            about = Manifest(
                party.party_id, checkpoint.origin, checkpoint.size, checkpoint.root, with_files, entries_of(stored)
            )
            signed = _add_parts(archive, MANIFEST, manifest_parts(about), path.parent)
            _add(archive, NOTE, note_bytes(party.party_id, signed, log.keys))
            archive.finish()
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        durable.sync_folder(path.parent)
    progress("pack", len(files), len(files))
    return Exported(path, party.party_id, len(stored) + 2, size, signed.sha256, tuple(left_out))


def _add(archive: ZipWriter, name: str, data: bytes) -> Stored:
    return archive.add(name, BytesIO(data), len(data))


def _add_parts(archive: ZipWriter, name: str, parts: Iterable[bytes], folder: Path) -> Stored:
    """Packs what is made piece by piece."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.writelines(parts)
        size = file.tell()
        file.seek(0)
        return archive.add(name, file, size)


def _add_file(archive: ZipWriter, name: str, source: Path) -> Stored:
    """Packs a file; a work's own must be the bytes that its name says.

    Raises:
        IntegrityError: the file of a work is missing or changed.
    """
    opened: BinaryIO
    remedy = "Run 'endcredits check', and restore the file from your last copy."
    try:
        opened = source.open("rb")
    except FileNotFoundError as error:
        raise IntegrityError("a file of a work is missing", remedy=remedy, file=source) from error
    with opened:
        stored = archive.add(name, opened, os.fstat(opened.fileno()).st_size)
    if name.startswith("files/") and stored.sha256 != name.removeprefix("files/")[:64]:
        raise IntegrityError("a file of a work no longer holds the bytes that it is named after", remedy=remedy, file=source)
    return stored


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _json(document: object) -> bytes:
    """A document for people: canonical in content, with line breaks."""
    plain = json.loads(canonical_bytes(document))
    return f"{json.dumps(plain, indent=1, ensure_ascii=False, sort_keys=True)}\n".encode()

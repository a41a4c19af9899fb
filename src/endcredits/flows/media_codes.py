"""The studio's content codes: taken of outputs, so that a copy without metadata is recognised, and of works.

media/codes.sqlite      content codes of outputs (`receipts.credentials.registry`)
media/work_codes.json   content codes of works, which may be deleted
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from endcredits import durable
from endcredits.attribution import attributed
from endcredits.errors import InputError
from endcredits.flows.studio import Studio
from endcredits.ids import OutputId, WorkId
from endcredits.receipts import Receipt, find_tombstone, readable_receipts
from endcredits.receipts.credentials import (
    ATTRIBUTED,
    Codes,
    Entry,
    Match,
    codes_of_file,
    codes_of_text,
    format_of,
    library,
    lookup,
    registry,
    work_code,
)
from endcredits.receipts.tombstone import ERASED
from endcredits.store import Finding
from endcredits.works import Work, get_content

DISCLOSURE = "disclosure"
"""Type of the receipts that signing issues."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a lookup says.

    Attributes:
        codes: of the file that was asked about.
        matches: outputs that it may be a copy of, the likeliest first.
        registered: rows of the register that were looked through.
    """

    codes: Codes
    matches: tuple[Match, ...]
    registered: int


def register_of(studio: Studio) -> Path:
    """The file of content codes."""
    return studio.path / "media" / "codes.sqlite"


def find(studio: Studio, file: Path, *, most: int = 10) -> Found:
    """Looks an unmarked file up among the studio's outputs.

    Raises:
        NotFoundError, InputError: there is no such file, or it is empty.
        IntegrityError: the register is damaged.
    """
    register = register_of(studio)
    form = format_of(file, sidecar=True)
    try:
        codes = codes_of_file(file, form)
    except InputError as error:
        # A damaged picture may still be the bytes, or nearly the bytes, of an output.
        codes = replace(codes_of_file(file, replace(form, content="")), why_not=error.message)
    return Found(codes, tuple(lookup(register, codes, most=most)), registry.count(register))


def keep_codes(studio: Studio, outputs: Iterable[tuple[str, bytes]], at: str) -> int:
    """Registers texts, given as (output id, bytes), as they are attributed; returns how many rows are new.

    Without the extra `media` nothing is registered and nothing is said: attributing needs no such library.
    """
    try:
        library("iscc_lib")
    except InputError:
        return 0
    rows = []
    for output_id, text in outputs:
        try:
            rows.append(Entry(output_id, ATTRIBUTED, at, codes_of_text(text)))
        except InputError:
            continue  # not text: its file is registered when it is signed
    return registry.add(register_of(studio), rows) if rows else 0


def forget(studio: Studio, output_ids: Sequence[str]) -> int:
    """Removes outputs from the register for good; returns how many rows went. Disclosures are receipts of their own."""
    return registry.forget(register_of(studio), output_ids)


def forget_erased(studio: Studio) -> int:
    """Removes from the register every output whose receipt was erased; returns how many rows went."""
    erased = _erased(studio)
    return forget(studio, erased) if erased else 0


def disclosures_of(studio: Studio, output_id: str) -> tuple[str, ...]:
    """Ids of the receipts that disclose an output, which are to be erased with it."""
    receipts = readable_receipts(studio.receipts)
    return tuple(one.receipt_id for one in receipts if one.type == DISCLOSURE and one.body.get("output_id") == output_id)


def check_register(studio: Studio) -> Iterator[Finding]:
    """That the register of content codes is as it was written, and knows no output that was erased."""
    damaged = registry.check(register_of(studio))
    yield from damaged
    for output_id in () if damaged else _erased(studio):
        yield Finding(f"output {output_id}", "it was erased, and the register of content codes still knows it")


def _erased(studio: Studio) -> list[str]:
    """The outputs of the register whose receipts were erased."""
    known = registry.outputs(register_of(studio))
    if not known or not (studio.receipts / ERASED).exists():
        return []
    log = studio.log_to_read()
    return [one for one in known if find_tombstone(log, studio.receipts, one) is not None]


def check_disclosures(studio: Studio, receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """That each disclosure is of an output that the books know, and whose codes are in the register.

    An output that was erased takes its codes along; what remains says that something was disclosed, and of whom no more.
    """
    if not receipts:
        return
    log = studio.log_to_read()
    named = {one.receipt_id: str(one.body.get("output_id")) for one in receipts}
    with studio.store.reading() as conn:
        known = attributed(conn, [OutputId(output_id) for output_id in named.values()])
    kept = registry.kept(register_of(studio), set(named.values()))
    for receipt in receipts:
        output_id = named[receipt.receipt_id]
        where = f"receipt {receipt.receipt_id}"
        if OutputId(output_id) not in known:
            yield Finding(where, "the books know nothing of the output that it discloses")
        elif (output_id, str(receipt.body.get("file_sha256"))) in kept:
            continue
        elif find_tombstone(log, studio.receipts, output_id) is None:
            yield Finding(where, "the register of content codes has no row of the file that it discloses")


def work_codes(studio: Studio, wanted: Sequence[Work]) -> dict[WorkId, tuple[str, ...]]:
    """Content codes of works by their files, each computed once and kept.

    Raises:
        IntegrityError: a work's file is missing or damaged.
    """
    place = studio.path / "media" / "work_codes.json"
    kept = _kept(place)
    files = {one.sha256: one.media_type for work in wanted for one in work.manifestations}
    missing = {sha256: media_type for sha256, media_type in files.items() if sha256 not in kept}
    if missing:
        for sha256, media_type in missing.items():
            kept[sha256] = work_code(get_content(studio.content, sha256), media_type)
        durable.write_atomic(place, json.dumps(kept, sort_keys=True, indent=1).encode())
    return {work.work_id: tuple(kept[one.sha256] for one in work.manifestations if kept[one.sha256]) for work in wanted}


def _kept(place: Path) -> dict[str, str]:
    """What was computed before; a damaged file is computed anew."""
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    sound = isinstance(found, dict) and all(isinstance(code, str) for code in found.values())
    return found if sound else {}

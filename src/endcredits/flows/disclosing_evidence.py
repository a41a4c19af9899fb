"""A folder of evidence for a certifier: every work with its statement, and every statement with its proof in the log.

    README.md          what this is and how it is checked
    summary.md         counts, grounds, what is missing
    works.jsonl        a line for each work: files, ground, licence or contract, statement, place in the log
    statements/        each statement as a receipt of the log's entry, which `endcredits verify` checks by itself
    model.json         the log's entry about the models that learnt from the corpus, where there is one
    log.vkey           the log's public key, for convenience: whoever checks gets it elsewhere
    manifest.json      the digest of every other file, and on what the folder stands

The folder appears under its name when it is whole. Checking it needs nothing of the studio; see `checking_evidence`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes, sha256_bytes, sha256_file, to_plain
from endcredits.errors import ConflictError
from endcredits.flows.fact_files import Fact, fact_id_of, facts_in
from endcredits.flows.fact_kinds import CONSENT, MODEL
from endcredits.flows.studio import Studio
from endcredits.receipts import Log, Receipt, receipt_bytes
from endcredits.store import Finding
from endcredits.works.disclosure import Collected, Document, rendered, statement_file, work_line

FORMAT = "endcredits-evidence/1"
MANIFEST = "manifest.json"
WORKS = "works.jsonl"
MODEL_FILE = "model.json"
RECEIPT_VERSION = 2
_README = """# Evidence of permission, work by work

`works.jsonl` has a line for each work that was used: its files, the ground on which it was used (a contract, an open
licence, the public domain, the maker's own work), the statement that admitted it, and that statement's place in a signed
log. The file under `statement_file` is that statement with the proof of its place. `summary.md` counts, and says what is
missing.

To check everything, with the log's public key from elsewhere than here:

    endcredits disclose check THIS_FOLDER --vkey log.vkey

To check one statement by itself: `endcredits verify statements/NAME.json --vkey log.vkey`.

The log proves that a statement was recorded before a point in its order, and that it is unchanged. It does not prove that
the statement is true, nor by itself that everybody is shown the same log.
"""


def write_evidence(studio: Studio, out: Path, collected: Collected, document: Document) -> int:
    """Writes the folder. Returns how many files it has.

    Args:
        studio: whose log proves the statements.
        out: the folder; new or empty.
        collected: with positions.
        document: the summary, from `works.disclosure.evidence_document`.

    Raises:
        ConflictError: there is something else of that name; the same folder once more is no conflict.
        IntegrityError: a fact or the log is damaged.
        MachineError: writing failed; the folder is there whole or not at all, and the same again is always right.
    """
    taken = out.exists() and not (out.is_dir() and not any(out.iterdir()))
    if taken and not (out / MANIFEST).is_file():
        raise _taken(out)
    partial = out.with_name(f"{out.name}{durable.PARTIAL}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        digests = {name: _write(partial / name, data) for name, data in _files(studio, collected, document)}
        about = {"format": FORMAT, "standing": to_plain(collected.standing), "files": digests}
        made = _write(partial / MANIFEST, canonical_bytes(about) + b"\n")
        durable.flush_folders([partial / name for name in (*digests, MANIFEST)])
        if taken:
            # The same folder, whole: what was written and then reported lost is found written.
            same = sha256_file(out / MANIFEST) == made and not list(digests_of(out, digests))
            shutil.rmtree(partial)
            if not same:
                raise _taken(out)
            return len(digests) + 1
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
        durable.sync_folder(out.parent)
    except OSError as error:
        raise durable.machine_error(error, out) from error
    return len(digests) + 1


def _taken(out: Path) -> ConflictError:
    return ConflictError("there is something else of that name", remedy="Name a new folder.", file=out, field="--out")


def _write(path: Path, data: bytes) -> str:
    durable.write_atomic(path, data, flush_folder=False)
    return sha256_bytes(data)


def _files(studio: Studio, collected: Collected, document: Document) -> Iterator[tuple[str, bytes]]:
    log = studio.log_to_read()
    yield "README.md", _README.encode()
    yield "summary.md", rendered(document, ".md")
    yield "log.vkey", ("\n".join(log.vkeys) + "\n").encode()
    yield WORKS, b"".join(work_line(work) + b"\n" for work in collected.works)
    wanted = {
        fact_id_of(CONSENT, work.permission_id): work.permission_id
        for work in collected.works
        if work.permission_position >= 0
    }
    for fact in facts_in(studio.path, CONSENT):
        if fact.fact_id in wanted:
            yield statement_file(wanted[fact.fact_id]), receipt_bytes(_receipt(log, fact))
    model = fact_id_of(MODEL, collected.standing.index_digest)
    for fact in facts_in(studio.path, MODEL):
        if collected.standing.index_digest and fact.fact_id == model:
            yield MODEL_FILE, receipt_bytes(_receipt(log, fact))


def _receipt(log: Log, fact: Fact) -> Receipt:
    """A fact in the form of a receipt: that is what verifiers read."""
    assert fact.body is not None
    return Receipt(RECEIPT_VERSION, fact.fact_id, fact.type, fact.body, fact.salt, fact.leaf, log.proof(fact.position))


def digests_of(folder: Path, stated: Mapping[str, Any]) -> Iterator[Finding]:
    """That a folder holds the files of its manifest, byte for byte, and no others."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if not path.is_dir()}
    found.pop(MANIFEST, None)
    for name in sorted(found.keys() - stated.keys()):
        yield Finding(name, "the manifest does not name this file")
    for name in sorted(stated):
        if name not in found:
            yield Finding(name, "the file is missing")
        elif found[name].is_symlink() or not found[name].is_file():
            yield Finding(name, "it is no plain file")
        elif sha256_file(found[name]) != stated[name]:
            yield Finding(name, "its digest is not the one in the manifest")

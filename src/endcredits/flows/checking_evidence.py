"""Checking a folder of evidence without the studio: digests, statements, that no work was left out, and the model.

The manifest alone proves nothing, since whoever forges a file can make it fit. What proves are the log's signature under
each statement, and the digest of the corpus in the log's entry about the models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from endcredits.canonical import canonical_bytes, digest
from endcredits.errors import EndcreditsError, InputError, NotFoundError
from endcredits.flows.disclosing_evidence import FORMAT, MANIFEST, MODEL_FILE, WORKS, digests_of
from endcredits.flows.fact_files import fact_id_of
from endcredits.flows.fact_kinds import CONSENT, MODEL
from endcredits.flows.looking import VERB
from endcredits.receipts import verify_receipt
from endcredits.store import Finding
from endcredits.works.disclosure import statement_file


def check_evidence(folder: Path, vkey: str) -> list[Finding]:
    """Checks a folder against its manifest and the log's key, without the studio.

    Raises:
        NotFoundError: it is no folder of evidence.
        InputError: its manifest cannot be read.
    """
    about = _about(folder)
    findings = list(digests_of(folder, about["files"]))
    if findings:
        return findings
    lines = (folder / WORKS).read_bytes().splitlines()
    findings = [finding for number, line in enumerate(lines, 1) for finding in _line(folder, number, line, vkey)]
    return [*findings, *([] if findings else _complete(about["standing"], lines)), *_model(folder, about, vkey)]


def _about(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFoundError("this is no folder of evidence", remedy="It has a manifest.json.", file=path) from error
    try:
        about: dict[str, Any] = json.loads(data)
        whole = canonical_bytes(about) + b"\n" == data and about["format"] == FORMAT and isinstance(about["files"], dict)
        if not whole or not isinstance(about["standing"], dict) or WORKS not in about["files"]:
            raise ValueError("it is of another form")
    except (ValueError, KeyError, TypeError, RecursionError, EndcreditsError) as error:
        raise InputError(f"the manifest cannot be read ({error})", remedy="Ask for the folder again.", file=path) from error
    return about


def _line(folder: Path, number: int, line: bytes, vkey: str) -> Iterator[Finding]:
    """A work's line: its statement verifies, is the one named, stands where the line says, and is about the work."""
    where = f"{WORKS} line {number}"
    try:
        work = json.loads(line)
        if canonical_bytes(work) != line:
            raise ValueError("it is not canonical JSON")
        name, permission = str(work["statement_file"]), work["permission"]
        if not name:
            yield Finding(where, f"'{work['work_id']}' has no statement in the log")
            return
        if name != statement_file(work["permission_id"]):
            raise ValueError("its file is of another statement")
        data = (folder / name).read_bytes()
        receipt = json.loads(data)
        subjects = {("work", work["work_id"]), *(("sha256", one["sha256"]) for one in work["files"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError, EndcreditsError) as error:
        yield Finding(where, f"it cannot be read ({error})")
        return
    verdict = verify_receipt(data, vkey)
    if not verdict.verified:
        yield Finding(name, f"it does not verify: {verdict.problem}")
        return
    if verdict.type != CONSENT or receipt["receipt_id"] != fact_id_of(CONSENT, work["permission_id"]):
        yield Finding(where, "its file is of another statement")
    elif receipt["body"] != permission:
        yield Finding(where, "the line says something else than the statement that was logged")
    elif verdict.leaf_index != work["log_position"]:
        yield Finding(where, f"the statement is entry {verdict.leaf_index} of the log, and not {work['log_position']}")
    elif not _is_about(receipt["body"], subjects):
        yield Finding(where, "the statement is about something else")
    elif receipt["body"].get("value") not in ("allow", "conditional"):
        yield Finding(where, "the statement is no yes")


def _is_about(body: Mapping[str, Any], subjects: set[tuple[str, str]]) -> bool:
    """Whether a statement names the work or a file of it; of codes and addresses a reader without the files cannot tell."""
    if "work_id" in body:
        return ("work", body["work_id"]) in subjects
    kind = str(body.get("subject_kind", ""))
    return kind in ("iscc", "url") or (kind, str(body.get("subject", ""))) in subjects


def _complete(standing: Mapping[str, Any], lines: Sequence[bytes]) -> Iterator[Finding]:
    """That no work was left out and none added: the lines make the digest of the corpus, which the log's entry names."""
    works = [json.loads(line) for line in lines]
    manifest = {
        "verb": VERB,
        **({"operator": standing["operator"]} if standing.get("operator") else {}),
        "max_bytes_per_work": standing.get("max_bytes_per_work", 0),
        "works": [
            {
                "work_id": work["work_id"],
                "files": [file["sha256"] for file in work["files"]],
                "permission_id": work["permission_id"],
            }
            for work in works
        ],
    }
    if digest(manifest) != standing.get("corpus_digest"):
        yield Finding(
            WORKS, "these works are not the corpus that the folder stands on: some were left out, added or changed"
        )


def _model(folder: Path, about: Mapping[str, Any], vkey: str) -> Iterator[Finding]:
    standing = about["standing"]
    if MODEL_FILE not in about["files"]:
        if standing.get("index_digest"):
            yield Finding(MODEL_FILE, "the manifest names an index, and the log's entry about it is not here")
        return
    data = (folder / MODEL_FILE).read_bytes()
    verdict = verify_receipt(data, vkey)
    if not verdict.verified or verdict.type != MODEL:
        yield Finding(MODEL_FILE, f"it does not verify: {verdict.problem or 'it is no entry about a model'}")
        return
    body = json.loads(data)["body"]
    for name in ("index_digest", "corpus_digest"):
        if body.get(name) != standing.get(name):
            yield Finding(MODEL_FILE, f"its {name} is not the one that the folder stands on")

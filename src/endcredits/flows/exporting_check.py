"""Checking an archive without a studio: its shape, its signature, every file, every proof, and each statement's digest.

Nothing is unpacked to the disk. The shape comes first (`exporting_zip.read_directory`): whatever is not in the one spelling
of our archives is refused before a byte of it is used. Then the manifest's signature; then every entry is read once, some at
a time, against the digest that was signed. Proofs are checked by the lone verifier, and the statements of money against
the digests that their receipts prove.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from endcredits.errors import InputError, IntegrityError, NotFoundError
from endcredits.flows.exporting_manifest import MANIFEST, MANIFEST_BYTES_MAX, NOTE, NOTE_BYTES_MAX, Manifest, open_manifest
from endcredits.flows.exporting_zip import Stored, chunks_of, read_directory
from endcredits.receipts import verify as lone
from endcredits.receipts.keys import VKEY_CHARACTERS_MAX, read_vkeys
from endcredits.store import Finding

VKEY = "log.vkey"
PROOFS = ("terms/proofs/", "likeness/proofs/", "history/proofs/", "history/receipts/", "money/receipts/")
STATEMENTS, STATEMENT_RECEIPTS = "money/statements/", "money/receipts/"
FINDINGS_MAX = 1_000
"""More findings than this are not listed one by one."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of an archive found.

    Attributes:
        findings: what does not fit; empty when everything does.
        party_id: whose it says it is, "" where that could not be read.
        origin: name of the log that signed it.
        entries: files that fit their digests.
        proofs: proofs that verify.
        own_key: whether the key came from the archive itself: then nothing says who made it.
    """

    findings: tuple[Finding, ...]
    party_id: str
    origin: str
    entries: int
    proofs: int
    own_key: bool


def check_export(path: str | os.PathLike[str], vkeys: Sequence[str] = ()) -> Checked:
    """Checks an archive.

    Args:
        path: the file.
        vkeys: the log's public keys, got in another way. Without any the key inside is taken, which shows only that the
            archive fits itself.

    Raises:
        NotFoundError: there is no such file.
        InputError: the file cannot be read, or a key cannot be used.
    """
    source = Path(path)
    try:
        with source.open("rb") as file:
            return _checked(file, vkeys)
    except FileNotFoundError as error:
        raise NotFoundError("there is no such file", remedy="Check its name.", file=source) from error
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", remedy="Check its name.", file=source) from error


def _checked(file: BinaryIO, vkeys: Sequence[str]) -> Checked:
    own_key = not vkeys
    try:
        stored = {one.name: one for one in read_directory(file)}
        keys = tuple(vkeys) or _own_keys(file, stored)
        trust = _trust(keys)
        about = open_manifest(
            _small(file, stored, NOTE, NOTE_BYTES_MAX), _small(file, stored, MANIFEST, MANIFEST_BYTES_MAX), keys
        )
    except IntegrityError as error:
        return Checked((Finding("the archive", error.message),), "", "", 0, 0, own_key)
    found = _Findings()
    found.take(_list_findings(about, tuple(stored.values())))
    whole = proofs = 0
    for name, sha256, size in about.entries:
        entry = stored.get(name)
        if entry is None or entry.size_bytes != size:
            continue  # told already
        problem, is_proof = _entry_problem(file, stored, entry, sha256, trust)
        found.take([Finding(name, problem)] if problem else [])
        whole += not problem
        proofs += is_proof and not problem
    return Checked(tuple(found.kept), about.party_id, about.origin, whole, proofs, own_key)


class _Findings:
    """The first findings; a broken archive may have millions."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []

    def take(self, several: Sequence[Finding]) -> None:
        """Keeps what there is room for."""
        self.kept += several[: FINDINGS_MAX - len(self.kept)]


def _trust(keys: Sequence[str]) -> Any:
    try:
        return lone.read_policy("quorum none", "\n".join(keys))
    except ValueError as error:
        raise InputError(f"the key cannot be used ({error})", remedy="Use the lines of log.vkey.", field="--vkey") from error


def _own_keys(file: BinaryIO, stored: dict[str, Stored]) -> tuple[str, ...]:
    try:
        return read_vkeys(_small(file, stored, VKEY, 20 * VKEY_CHARACTERS_MAX).decode("ascii", "replace"))
    except InputError as error:
        raise IntegrityError(f"its {VKEY} holds no key of a log ({error.message})") from error


def _small(file: BinaryIO, stored: dict[str, Stored], name: str, most: int) -> bytes:
    """A whole entry.

    Raises:
        IntegrityError: it is missing, or longer than it may be.
    """
    if name not in stored:
        raise IntegrityError(f"it has no {name}")
    if stored[name].size_bytes > most:
        raise IntegrityError(f"its {name} is longer than {most} bytes")
    return b"".join(chunks_of(file, stored[name]))


def _list_findings(about: Manifest, stored: Sequence[Stored]) -> list[Finding]:
    """That the archive holds exactly what was signed, in that order."""
    found = []
    sizes = {one.name: one.size_bytes for one in stored}
    listed = {name: size for name, _, size in about.entries}
    if len(listed) < len(about.entries):
        found.append(Finding(MANIFEST, "it lists a file twice"))
    for name, size in listed.items():
        if name not in sizes:
            found.append(Finding(name, "the manifest lists it, and it is missing"))
        elif sizes[name] != size:
            found.append(Finding(name, f"it has {sizes[name]} bytes, and the manifest says {size}"))
    for name in sizes:
        if name not in listed and name not in (MANIFEST, NOTE):
            found.append(Finding(name, "the manifest does not list it"))
    if not found and [one.name for one in stored] != [*(name for name, _, _ in about.entries), MANIFEST, NOTE]:
        found.append(Finding(MANIFEST, "the files stand in another order than it lists them"))
    return found


def _entry_problem(file: BinaryIO, stored: dict[str, Stored], entry: Stored, sha256: str, trust: Any) -> tuple[str, bool]:
    """(what is wrong with an entry, whether it is a proof)."""
    is_proof = entry.name.startswith(PROOFS)
    kept, hashed = bytearray(), hashlib.sha256()
    try:
        for chunk in chunks_of(file, entry):
            hashed.update(chunk)
            if is_proof and len(kept) <= lone.FILE_BYTES_MAX:
                kept += chunk
    except IntegrityError as error:
        return error.message, is_proof
    if hashed.hexdigest() != sha256:
        return "it is not the file that was signed", is_proof
    if not is_proof:
        return "", False
    verdict, facts = lone.check(bytes(kept), trust)
    if not verdict.verified:
        return f"the proof does not verify: {verdict.problem}", True
    return next(_statement_problems(file, stored, entry.name, facts.get("body")), ""), True


def _statement_problems(file: BinaryIO, stored: dict[str, Stored], name: str, body: Any) -> Iterator[str]:
    """Whether a statement's receipt proves the statement that lies beside it."""
    if not name.startswith(STATEMENT_RECEIPTS):
        return
    statement = stored.get(f"{STATEMENTS}{name.removeprefix(STATEMENT_RECEIPTS)}")
    if statement is None:
        yield "the statement that it proves is missing"
        return
    hashed = hashlib.sha256()
    try:
        for chunk in chunks_of(file, statement):
            hashed.update(chunk)
    except IntegrityError as error:
        yield error.message
        return
    if not isinstance(body, dict) or body.get("sha256") != hashed.hexdigest():
        yield "it proves another statement than the one beside it"


def summary(checked: Checked) -> str:
    """One sentence for people."""
    whole = f"{checked.entries} files and {checked.proofs} proofs fit" if not checked.findings else "It does not fit"
    whose = f" The log '{checked.origin}' signed it for {checked.party_id}." if checked.origin else ""
    if not checked.own_key:
        return f"{whole}.{whose}"
    return f"{whole}.{whose} The key came from the archive itself, so that this says nothing of who made it: give --vkey."


def as_document(checked: Checked) -> dict[str, Any]:
    """For programs, without the findings."""
    return {
        "party_id": checked.party_id,
        "origin": checked.origin,
        "entries": checked.entries,
        "proofs": checked.proofs,
        "key": "archive" if checked.own_key else "given",
    }

"""The manifest of an archive and its signature: what is in it, to the byte, and whose log says so.

    manifest.json    {"entries": [{"name", "sha256", "size_bytes"}, ...], "format", "log": {"origin", "root", "size"},
                     "party_id", "with_files"}: canonical JSON (RFC 8785) and a newline; all but itself and its signature
    manifest.note    a signed note (C2SP signed-note) by the log's Ed25519 keys over four lines

        endcredits-export/1
        party party:emily-bronte-1a2b3c4d
        manifest.json 7f3c...              SHA-256
        size 5120                          bytes

The second line can never be a checkpoint's, which is a number: no signature here can be used as one of the log, nor one of
the log here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from endcredits.canonical import canonical_bytes, sha256_bytes
from endcredits.errors import EndcreditsError, IntegrityError
from endcredits.flows.exporting_zip import Stored, check_name
from endcredits.receipts.keys import ED25519, SigningKey, read_vkey
from endcredits.receipts.note import open_note, sign_note
from endcredits.receipts.strict import is_hash, read_strict

FORMAT = "endcredits-export/1"
MANIFEST, NOTE = "manifest.json", "manifest.note"
MANIFEST_BYTES_MAX = 1 << 30
NOTE_BYTES_MAX = 1 << 16
_TEXT = re.compile(r"endcredits-export/1\nparty ([^\n]{1,200})\nmanifest\.json ([0-9a-f]{64})\nsize ([1-9][0-9]{0,15})\n")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself.

    Attributes:
        party_id: whose it is.
        origin: name of the log that signs.
        log_size: entries of the log when it was made.
        log_root: its root then, 64 hex digits.
        with_files: whether the works' files are in it.
        entries: (name, SHA-256, bytes) of everything but manifest and signature, in order.
    """

    party_id: str
    origin: str
    log_size: int
    log_root: str
    with_files: bool
    entries: tuple[tuple[str, str, int], ...]


def manifest_parts(about: Manifest) -> Iterator[bytes]:
    """A manifest as it stands in the archive, entry by entry; `entries` is the first key of its canonical spelling."""
    rest = {
        "format": FORMAT,
        "party_id": about.party_id,
        "log": {"origin": about.origin, "size": about.log_size, "root": about.log_root},
        "with_files": about.with_files,
    }
    before = b'{"entries":['
    for name, sha256, size in about.entries:
        yield before + canonical_bytes({"name": name, "sha256": sha256, "size_bytes": size})
        before = b","
    yield (b'{"entries":[' if not about.entries else b"") + b"]," + canonical_bytes(rest)[1:] + b"\n"


def entries_of(stored: Iterable[Stored]) -> tuple[tuple[str, str, int], ...]:
    """What a manifest lists of packed entries."""
    return tuple((one.name, one.sha256, one.size_bytes) for one in stored)


def note_bytes(party_id: str, manifest: Stored, keys: Sequence[SigningKey]) -> bytes:
    """The signature of a manifest that was packed, by every Ed25519 key of the log."""
    text = f"{FORMAT}\nparty {party_id}\nmanifest.json {manifest.sha256}\nsize {manifest.size_bytes}\n"
    return sign_note(text, *(key for key in keys if key.kind == ED25519)).encode()


def open_manifest(note: bytes, manifest: bytes, vkeys: Sequence[str]) -> Manifest:
    """A manifest whose signature is right.

    Raises:
        IntegrityError: the note is not signed by one of the keys, or is of something else; or it is no manifest.
        InputError: a vkey cannot be used.
    """
    try:
        text = open_note(note.decode("utf-8"), vkeys)
    except UnicodeDecodeError as error:
        raise IntegrityError("its signature is not text") from error
    found = _TEXT.fullmatch(text)
    if found is None:
        raise IntegrityError("its signature is over something that is no archive")
    if (found[2], int(found[3])) != (sha256_bytes(manifest), len(manifest)):
        raise IntegrityError("the manifest is not the one that was signed")
    about = parse_manifest(manifest)
    if about.party_id != found[1]:
        raise IntegrityError("the manifest is of another party than its signature")
    if about.origin not in {read_vkey(vkey).name for vkey in vkeys}:
        raise IntegrityError("the manifest names another log than the one that signed it")
    return about


def parse_manifest(data: bytes) -> Manifest:
    """Reads a manifest.

    Raises:
        IntegrityError: it is none, or of another version.
    """
    try:
        if not data.endswith(b"\n"):
            raise IntegrityError("it ends without a newline")
        document: Any = read_strict(data[:-1], "the manifest")
        if document["format"] != FORMAT:
            raise IntegrityError(f"its format is {str(document['format'])[:60]!a}, and this version reads {FORMAT}")
        if set(document) != {"format", "party_id", "log", "with_files", "entries"}:
            raise IntegrityError("it has other fields")
        log, entries = document["log"], document["entries"]
        if not all(set(one) == {"name", "sha256", "size_bytes"} and is_hash(one["sha256"]) for one in entries):
            raise IntegrityError("an entry has other fields")
        listed = tuple((check_name(one["name"]), one["sha256"], int(one["size_bytes"])) for one in entries)
        return Manifest(
            str(document["party_id"]),
            str(log["origin"]),
            int(log["size"]),
            str(log["root"]),
            bool(document["with_files"]),
            listed,
        )
    except (EndcreditsError, KeyError, TypeError, ValueError, AttributeError) as error:
        words = error.message if isinstance(error, EndcreditsError) else f"{type(error).__name__}: {error}"
        raise IntegrityError(f"its manifest cannot be read ({words[:200]})") from error

"""The manifest of a corpus: what was admitted, by whose word, what was refused and what waits, signed with the log's key.

    corpora/<corpus digest>.json            the manifest of one corpus
    corpora/<corpus digest>/<digest>.json   what the same corpus's manifest said before
    corpora/current.json                    which corpus a model may be trained on now

The manifest names every admitted work with the digests of its files, their content codes and the statement that admitted it,
every refused or waiting candidate with its reason, and how far the log reached: all that was permitted then stands before
that. Its own digest is signed as a note (C2SP signed-note) whose first line no checkpoint has. `corpus_digest` is the digest
of the admitted part alone, which indexes and receipts name, so whoever holds a receipt finds the manifest by its name.

    read_admission(studio, corpus_digest).state     "whole", "missing" or "broken"
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endcredits import durable
from endcredits.canonical import canonical_bytes, digest, to_plain
from endcredits.errors import EndcreditsError
from endcredits.flows.studio import Studio
from endcredits.receipts.keys import ED25519
from endcredits.receipts.note import open_note, sign_note

FORMAT = "endcredits-corpus/1"
FOLDER = "corpora"
CURRENT = "current.json"
SINCE_CHANGED = ("made_at", "log")
"""Fields that alone make no new manifest of an unchanged corpus."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A corpus's manifest, as it was found.

    Attributes:
        state: "whole", "missing" or "broken".
        document: what it says; empty unless it is whole.
        problem: why it is not whole, in words.
        digest: SHA-256 of what it says, which is signed; empty unless it is whole.
    """

    state: str
    document: Mapping[str, Any] = field(repr=False)
    problem: str = ""
    digest: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What receipts say of it."""
        return {"state": self.state, "manifest_sha256": self.digest}


def corpus_part(document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a manifest whose digest is the corpus's, as `catalogue.Corpus.manifest` says it."""
    names = ("work_id", "files", "permission_id")
    return {
        "verb": document["verb"],
        **({"operator": document["operator"]} if document["operator"] else {}),
        "max_bytes_per_work": document["max_bytes_per_work"],
        "works": [{name: work[name] for name in names} for work in document["works"]],
    }


def manifest_path(studio: Studio, corpus_digest: str) -> Path:
    """Where the manifest of a corpus lies."""
    return studio.path / FOLDER / f"{corpus_digest}.json"


def write_manifest(studio: Studio, document: Mapping[str, Any]) -> Admission:
    """Signs and keeps a manifest; one that says the same but for the time and the log stays as it is.

    What it said before is kept beside it first, for the receipts that name that.

    Raises:
        NotFoundError: the log's private key is not here.
        MachineError: it could not be written; the same again is always right.
    """
    plain = to_plain({**document, "format": FORMAT})
    corpus_digest = str(plain["corpus_digest"])
    if corpus_digest != digest(corpus_part(plain)):
        raise ValueError("the manifest's digest is not of its works")
    before = read_admission(studio, corpus_digest)
    if before.state == "whole":
        if _lasting(before.document) == _lasting(plain):
            return before
        _keep_version(studio, corpus_digest, before.digest)
    said = digest(plain)
    keys = [key for key in studio.log().keys if key.kind == ED25519]
    note = sign_note(_note_text(corpus_digest, said), *keys)
    durable.write_atomic(manifest_path(studio, corpus_digest), _file_bytes(plain, note))
    return Admission("whole", plain, "", said)


def keep_cut(studio: Studio, corpus: Mapping[str, Any]) -> None:
    """Keeps the manifest of the current corpus for the same works cut to a number of bytes, which is a corpus of its own.

    Args:
        studio: whose.
        corpus: what `catalogue.Corpus.manifest` says.

    Raises:
        MachineError: it could not be written; the same again is always right.
    """
    limit, here = corpus["max_bytes_per_work"], current(studio)
    if not limit or here is None or here.state != "whole":
        return
    cut = {**here.document, "max_bytes_per_work": limit}
    if digest(corpus_part(cut)) == digest(corpus):
        write_manifest(studio, {**cut, "corpus_digest": digest(corpus)})


def _keep_version(studio: Studio, corpus_digest: str, said: str) -> None:
    path = manifest_path(studio, corpus_digest)
    kept = path.with_suffix("") / f"{said}.json"
    if not kept.exists():
        durable.write_atomic(kept, path.read_bytes())


def _lasting(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in SINCE_CHANGED}


def _note_text(corpus_digest: str, said: str) -> str:
    return f"{FORMAT}\n{corpus_digest}\n{said}\n"


def _file_bytes(document: Mapping[str, Any], note: str) -> bytes:
    return canonical_bytes({"manifest": document, "signature": note}) + b"\n"


def read_admission(studio: Studio, corpus_digest: str, said: str = "") -> Admission:
    """The manifest of a corpus.

    Args:
        studio: whose.
        corpus_digest: as indexes and receipts name it.
        said: the digest of what it said, as a receipt names it; empty for what it says now.
    """
    path = manifest_path(studio, corpus_digest)
    if not said:
        return _read(studio, path, corpus_digest)
    found = _read(studio, path, corpus_digest)
    if found.digest == said:
        return found
    kept = _read(studio, path.with_suffix("") / f"{said}.json", corpus_digest)
    if kept.state != "whole" or kept.digest == said:
        return kept
    return Admission("broken", {}, "it says something else than its name")


def _read(studio: Studio, path: Path, corpus_digest: str) -> Admission:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Admission("missing", {}, "there is no manifest of this corpus")
    except OSError as error:
        return Admission("broken", {}, f"it cannot be read ({error.strerror})")
    try:
        read = json.loads(data)
        document, note = read["manifest"], read["signature"]
        if _file_bytes(document, note) != data:
            return Admission("broken", {}, "it is not in the form in which it was written")
        said = digest(document)
        if document["format"] != FORMAT:
            return Admission("broken", {}, "it is of another version")
        if document["corpus_digest"] != corpus_digest or digest(corpus_part(document)) != corpus_digest:
            return Admission("broken", {}, "its works are not those that its name stands for")
        if open_note(note, studio.log_to_read().vkeys) != _note_text(corpus_digest, said):
            return Admission("broken", {}, "its signature is of another manifest")
    except EndcreditsError as error:
        return Admission("broken", {}, f"its signature does not fit ({error.message})")
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        return Admission("broken", {}, "the file is damaged")
    return Admission("whole", document, "", said)


def versions(studio: Studio, corpus_digest: str) -> list[str]:
    """Digests of what a corpus's manifest said before it said what it says now."""
    return sorted(path.stem for path in (studio.path / FOLDER / corpus_digest).glob("*.json"))


def all_corpora(studio: Studio) -> list[str]:
    """Digests of all corpora that have a manifest, whole or not."""
    return sorted(path.stem for path in (studio.path / FOLDER).glob("*.json") if path.name != CURRENT)


def set_current(studio: Studio, corpus_digest: str) -> None:
    """Says which corpus a model may be trained on now.

    Raises:
        MachineError: it could not be written.
    """
    document = {"corpus_digest": corpus_digest}
    data = canonical_bytes({**document, "sha256": digest(document)}) + b"\n"
    path = studio.path / FOLDER / CURRENT
    if not path.exists() or path.read_bytes() != data:
        durable.write_atomic(path, data)


def current_digest(studio: Studio) -> str:
    """The digest of the corpus that a model may be trained on now; empty where none was ever admitted, "?" where the
    file that says so is lost or damaged."""
    path = studio.path / FOLDER / CURRENT
    try:
        data = path.read_bytes()
        document = {"corpus_digest": json.loads(data)["corpus_digest"]}
        whole = canonical_bytes({**document, "sha256": digest(document)}) + b"\n" == data
    except FileNotFoundError:
        return "?" if all_corpora(studio) else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "?"
    return str(document["corpus_digest"]) if whole else "?"


def current(studio: Studio) -> Admission | None:
    """The manifest by which a model may be trained now; None where no corpus was ever admitted."""
    name = current_digest(studio)
    if name == "?":
        return Admission("broken", {}, f"{FOLDER}/{CURRENT}, which names the corpus, is lost or damaged")
    return read_admission(studio, name) if name else None


def rows_of(document: Mapping[str, Any], *lists: str) -> Sequence[Mapping[str, Any]]:
    """The rows of some of a manifest's lists: "works", "refused", "waiting"."""
    return [row for name in lists for row in document.get(name, ())]

"""Where logs are copied to, and what there is to say about one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from endcredits.progress import Progress, silent
from endcredits.receipts import Log
from endcredits.receipts.export import export_log
from endcredits.receipts.keys import ED25519, read_vkey
from endcredits.receipts.note import signers
from endcredits.receipts.object_storage import open_objects
from endcredits.receipts.storage import FolderStorage, Storage


def place_at(text: str) -> Storage:
    """A folder, or an object store by its URL (anything with ://)."""
    return open_objects(text) if "://" in text else FolderStorage(text)


def export_to(log: Log, place: str, progress: Progress = silent) -> int:
    """Brings the copy at a place up to date; returns how many entries were new. See `receipts.export`."""
    return export_log(log, place_at(place), progress)


def described(log: Log) -> dict[str, Any]:
    """What the log says of itself: extent, keys, and who signed its checkpoint."""
    latest = log.checkpoint()
    keys = {read_vkey(vkey).key_id.hex(): vkey for vkey in log.vkeys}
    return {
        "origin": latest.origin,
        "size": latest.size,
        "root": latest.root,
        "keys": [
            {
                "key_id": key_id,
                "kind": "Ed25519" if read_vkey(vkey).kind == ED25519 else "ML-DSA-44",
                "newest": vkey == log.vkey,
                "vkey": vkey,
            }
            for key_id, vkey in keys.items()
        ],
        "signed_by": [
            {"name": name, "key_id": key_id, "own": name == latest.origin and key_id in keys}
            for name, key_id in signers(latest.note)
        ],
        "place": log.storage.where(),
        "index": "" if log.index_file is None or not Path(log.index_file).exists() else str(log.index_file),
    }

"""Copying a log to where it is served: another folder, or an object store; again and again, only what is new.

A copy is made by growing it: entries are read from the log, each held against the signed root, and the copy's bundles and
tiles are made from them anew. So nothing damaged is handed on, and the copy is a whole log at every moment: its checkpoint
comes last. A place that holds another log, or a log that ours does not continue, is refused.
"""

from __future__ import annotations

from endcredits.errors import ConflictError, IntegrityError
from endcredits.progress import Progress, silent
from endcredits.receipts.growing import VKEY, VKEYS_BYTES_MAX, Growth, drop_leftovers, grow, prune
from endcredits.receipts.log_reader import CHECKPOINT, LogReader
from endcredits.receipts.note import NOTE_BYTES_MAX, open_checkpoint
from endcredits.receipts.storage import Storage
from endcredits.receipts.tile_tree import last_parts
from endcredits.receipts.tiles import TILE_WIDTH, tile_name

CHUNK_ENTRIES = 65_536
WAIT_SECONDS = 30.0


def export_log(log: LogReader, target: Storage, progress: Progress = silent) -> int:
    """Brings a copy of the log up to its latest checkpoint.

    Args:
        log: the log.
        target: an empty place, or one with an earlier copy of this log.
        progress: told how many entries were copied.

    Returns:
        How many entries were new to the copy.

    Raises:
        ConflictError: the place holds another log, or one that this log does not continue; or somebody is writing there.
        IntegrityError: the log is damaged.
        MachineError: it could not be written; run it again.
    """
    latest = log.checkpoint()
    with target.writing(WAIT_SECONDS):
        before, size = _present(log, target)
        growth = Growth(log.edge_at(size), tuple(log.entries(size - size % TILE_WIDTH, size)), ())
        drop_leftovers(target, size, latest.size)
        start, partial = size, dict[str, bytes]()
        while start < latest.size:
            progress("copy the log", start, latest.size)
            stop = min(start + CHUNK_ENTRIES - start % CHUNK_ENTRIES, latest.size)
            growth = grow(growth, list(log.entries(start, stop)))
            partial.update(file for file in growth.files if ".p/" in file[0])
            if whole := [file for file in growth.files if ".p/" not in file[0]]:
                target.put(whole)
            start = stop
        if growth.edge.root().hex() != latest.root:
            raise IntegrityError("the copy does not lead to the signed root", file=target.where())
        # Partial files belong to checkpoints, and the copy gets the last one only.
        last = {tile_name(level, number, width) for level, number, width in last_parts(latest.size) if width}
        if files := [(name, data) for name, data in partial.items() if name in last]:
            target.put(files)
        keys = "".join(f"{vkey}\n" for vkey in log.vkeys).encode()
        if target.get(VKEY, VKEYS_BYTES_MAX) != keys:
            target.put([(VKEY, keys)])
        note = latest.note.encode()
        if before != note:
            target.swap(CHECKPOINT, before, note)
        prune(target, size, latest.size)
    progress("copy the log", latest.size, latest.size)
    return latest.size - size


def _present(log: LogReader, target: Storage) -> tuple[bytes | None, int]:
    """The checkpoint of the copy that is there, and its size."""
    data = target.get(CHECKPOINT, NOTE_BYTES_MAX)
    if data is None:
        return None, 0
    try:
        there = open_checkpoint(data.decode("utf-8", "replace"), log.vkeys)
    except IntegrityError as error:
        raise ConflictError(
            f"another log is there ({error.message})", remedy="Name an empty place.", file=target.where()
        ) from error
    if there.size > log.checkpoint().size or log.root_at(there.size).hex() != there.root:
        raise ConflictError(
            "the copy that is there is not a beginning of this log",
            remedy="One of the two was rewritten: keep both, and compare them.",
            file=target.where(),
        )
    return data, there.size

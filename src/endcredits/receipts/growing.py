"""How a log's files change when it grows: what is written, what is overwritten, and what may go.

Partial tiles and bundles carry their width in their name, so growing never touches a file that a checkpoint covers. Two
kinds of files are removed. *Leftovers* lie beyond the checkpoint: a writer was killed, or failed, before it signed for them;
the next one removes or overwrites them before it signs for something else under the same name. *Partial* files may go once a
checkpoint covers the full one, which begins with the same bytes (tlog-tiles, "Partial Tiles").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from endcredits.errors import InputError, IntegrityError, MachineError
from endcredits.receipts.keys import SigningKey, read_vkeys
from endcredits.receipts.merkle import EMPTY_ROOT, leaf_hash
from endcredits.receipts.note import sign_checkpoint
from endcredits.receipts.storage import Storage
from endcredits.receipts.tile_tree import RESTORE, Edge, last_parts, read_edge, read_part
from endcredits.receipts.tiles import ENTRIES, TILE_WIDTH, encode_bundle, parse_name, tile_name

CHECKPOINT, VKEY = "checkpoint", "log.vkey"
VKEYS_BYTES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Growth:
    """A log with entries added.

    Attributes:
        edge: the new right edge of its tree.
        tail: the entries of its last, partial bundle.
        files: what is to be written, in this order: bundles, then tiles; names and bytes.
    """

    edge: Edge
    tail: tuple[bytes, ...]
    files: tuple[tuple[str, bytes], ...]


def read_growth(storage: Storage, size: int, root: bytes) -> Growth:
    """Where a log of `size` entries can grow from: its right edge and last bundle, seen to lead to the signed root.

    Raises:
        IntegrityError: they do not, or cannot be read.
    """
    edge = read_edge(storage, size)
    number, width = divmod(size, TILE_WIDTH)
    tail = tuple(read_part(storage, ENTRIES, number, width)) if width else ()
    if edge.root() != root:
        raise IntegrityError("the tiles are not the ones that were signed", remedy=RESTORE, file=storage.where("tile"))
    if tuple(map(leaf_hash, tail)) != (edge.rows[0] if edge.rows else ()):
        name = tile_name(ENTRIES, number, width)
        raise IntegrityError("the entries are not the ones that were signed", remedy=RESTORE, file=storage.where(name))
    return Growth(edge, tail, ())


def grow(before: Growth, leaves: Sequence[bytes]) -> Growth:
    """Adds entries (at least one).

    Raises:
        InputError: one is too long.
    """
    edge, tiles = before.edge.grow([leaf_hash(data) for data in leaves])
    entries = [*before.tail, *leaves]
    first = before.edge.size // TILE_WIDTH
    bundles = []
    for start in range(0, len(entries), TILE_WIDTH):
        part = entries[start : start + TILE_WIDTH]
        bundles.append((tile_name(ENTRIES, first + start // TILE_WIDTH, len(part)), encode_bundle(part)))
    return Growth(edge, tuple(entries[len(entries) - len(entries) % TILE_WIDTH :]), (*bundles, *tiles))


def partial_names(storage: Storage, level: int | str, number: int) -> Iterator[tuple[str, int]]:
    """The partial files of a tile or bundle that are there: name and width."""
    for name in storage.names(tile_name(level, number) + ".p"):
        known = parse_name(name)
        if known is not None:
            yield name, known[2]


def drop_leftovers(storage: Storage, size: int, new_size: int) -> None:
    """Removes partial files beyond a checkpoint of `size` entries that growing to `new_size` would make look signed for.

    Raises:
        MachineError: one cannot be removed.
    """
    old = {level: (number, width) for level, number, width in last_parts(size)}
    for level, number, _ in {*last_parts(size), *last_parts(new_size)}:
        covered = old[level][1] if level in old and old[level][0] == number else 0
        leftovers = [name for name, width in partial_names(storage, level, number) if width > covered]
        if leftovers:
            storage.remove(leftovers)


def prune(storage: Storage, size: int, new_size: int) -> None:
    """Removes the partial files of tiles and bundles that became full, after a checkpoint covers the full ones.

    Nobody misses them, and nobody is harmed when they stay, so a failure here is not told.
    """
    old = {level: number for level, number, _ in last_parts(size)}
    try:
        for level, number, _ in last_parts(new_size):
            # The one before as well: a writer may have been killed between its checkpoint and its tidying up.
            for full in range(max(0, old.get(level, 0) - 1), number):
                names = [name for name, _ in partial_names(storage, level, full)]
                if names:
                    storage.remove(names)
    except MachineError:
        return


def begin(storage: Storage, keys: Sequence[SigningKey]) -> None:
    """Writes the files of an empty log; the checkpoint last, because it is what makes it a log.

    Raises:
        IntegrityError: there are entries without a checkpoint.
        InputError: the place holds another log's keys.
    """
    if storage.get(CHECKPOINT, VKEYS_BYTES_MAX) is not None:
        return
    for level in (ENTRIES, 0):
        if any(True for _ in partial_names(storage, level, 0)) or storage.get(tile_name(level, 0), 2**31) is not None:
            raise IntegrityError(
                "there are entries but no checkpoint",
                remedy="Restore the checkpoint from your last copy.",
                file=storage.where(),
            )
    lines = "".join(f"{key.vkey}\n" for key in keys).encode()
    present = storage.get(VKEY, VKEYS_BYTES_MAX)
    if present not in (None, lines):
        raise InputError(
            "the folder holds another log's public key",
            remedy="Use that log's private key.",
            file=storage.where(VKEY),
            field="key",
        )
    storage.put([(VKEY, lines)])
    storage.swap(CHECKPOINT, None, sign_checkpoint(0, EMPTY_ROOT, *keys).note.encode())


def stored_vkeys(storage: Storage) -> tuple[str, ...]:
    """The log's public keys.

    Raises:
        IntegrityError: the file is missing or no list of keys.
    """
    data = storage.get(VKEY, VKEYS_BYTES_MAX)
    try:
        if data is None:
            raise InputError("it is missing")
        return read_vkeys(data.decode("utf-8"))
    except (InputError, UnicodeDecodeError) as error:
        problem = error.message if isinstance(error, InputError) else "it is not UTF-8"
        raise IntegrityError(
            f"the log's public key cannot be read ({problem})", remedy="Restore log.vkey.", file=storage.where(VKEY)
        ) from error


def refuse_other_layouts(storage: Storage) -> None:
    """Refuses a folder of the layout before tiles.

    Raises:
        InputError: it is one.
    """
    if {"entries", "hashes"} <= set(storage.names("")):
        raise InputError(
            "this log is of a layout that is no longer read (files 'entries' and 'hashes' instead of tiles)",
            remedy="Begin a new log; receipts of the old one keep their proofs.",
            file=storage.where(),
        )

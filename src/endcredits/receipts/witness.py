"""A witness: remembers how far a log had come, and cosigns only what follows from it.

Whoever runs a log submits each new checkpoint with a proof that it continues the one that this witness cosigned last
(C2SP tlog-witness, `POST /add-checkpoint`):

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=       (the consistency proof, one hash a line)

    example.com/behind-the-sofa                        (the signed checkpoint)
    ...

A fork is what must never be cosigned: two different logs of one size under one name. So the new checkpoint is on the
disk before it is signed, at whatever instruction the process may be killed, and it is written anew even when it seems
to be there already: after a write that failed half-way the disk may show what a power cut would still take away. Nothing
is remembered in memory; one request at a time decides about a log, in all threads and processes.

The answers, in the order of the checks: 400 malformed, 404 a log that is not watched, 403 not signed by it, 400 old size
above the new one, 409 with the size in the body when the old size is not the one remembered, 409 in words for another
root at the same size (a fork; it is kept as evidence), 422 a proof that does not lead there, 200 with the signature.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from endcredits.errors import ConflictError, EndcreditsError, IntegrityError
from endcredits.receipts.cosignature import SIZE_MAX, Statement, cosign, read_statement, signed_by
from endcredits.receipts.cosigner import MLDSA44, CosigningKey, Key
from endcredits.receipts.keys import to_base64, unbase64
from endcredits.receipts.merkle import HASH_BYTES, verify_consistency
from endcredits.receipts.witness_making import load_keys
from endcredits.receipts.witness_state import (
    Latest,
    Watched,
    deciding,
    is_watched,
    keep_fork,
    log_place,
    read_watched,
    write_latest,
)

REQUEST_BYTES_MAX = 1 << 17
"""63 hashes and a checkpoint with 16 signatures of the longest kind need about half of it."""
PROOF_LINES_MAX = 63
PLAIN, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers.

    Attributes:
        status: HTTP status code.
        body: cosignature lines (200), a size (409 of type text/x.tlog.size), or words.
        content_type: of the body.
        origin: the log concerned, when it is one that is watched; "" otherwise.
        note: for the witness's own record of requests, when the reason is on its side.
    """

    status: int
    body: str
    content_type: str = PLAIN
    origin: str = ""
    note: str = ""


class _Refused(Exception):
    def __init__(self, status: int, words: str) -> None:
        self.status = status
        self.words = words
        super().__init__(words)


class Witness:
    """An open witness; may be used by several threads.

    Attributes:
        folder: where it keeps its keys and what it remembers.
        keys: its public keys.
    """

    def __init__(self, folder: str | os.PathLike[str], *, clock: Callable[[], float] = time.time) -> None:
        """Opens a witness that `init_witness` made.

        Args:
            folder: the witness.
            clock: seconds since 1970.

        Raises:
            NotFoundError: the folder is not a witness, or a key is gone.
            IntegrityError: its keys contradict each other.
        """
        self.folder = Path(folder)
        self._private: tuple[CosigningKey, ...] = load_keys(self.folder)
        self.keys: tuple[Key, ...] = tuple(key.key for key in self._private)
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> Answer:
        """Decides about one request; never raises, and signs nothing that is not remembered on the disk."""
        origin = ""
        try:
            old_size, path, note, statement = read_request(body)
            here = log_place(self.folder, statement.origin)
            if not is_watched(here):
                raise _Refused(404, "this witness does not watch a log of this name")
            origin = statement.origin
            with deciding(here):
                log = read_watched(here)
                _check_signature(statement, log)
                self._check_growth(here, log, old_size, path, note, statement)
                return Answer(200, self._remember_and_sign(here, log, note, statement), origin=origin)
        except _Refused as refused:
            return Answer(refused.status, f"{refused.words}\n", origin=origin)
        except _OtherSize as other:
            return Answer(409, f"{other.size}\n", SIZE, origin)
        except ConflictError:
            return Answer(503, "this witness is busy with this log; try again\n", origin=origin)
        except EndcreditsError as error:
            words = "this witness cannot cosign at present; its operator has to look after it\n"
            return Answer(500, words, origin=origin, note=str(error))

    def latest(self, origin_hash: str) -> str | None:
        """The latest checkpoint that it cosigned of the log whose origin has this SHA-256, as the log signed it.

        Raises:
            IntegrityError: it cannot be read.
        """
        here = self.folder / "logs" / origin_hash
        if not re.fullmatch(r"[0-9a-f]{64}", origin_hash) or not is_watched(here):
            return None
        return read_watched(here).latest.note

    def _check_growth(self, here: Path, log: Watched, old_size: int, path: list[bytes], note: str, new: Statement) -> None:
        """The new checkpoint continues the latest one."""
        latest = log.latest
        if old_size > new.size:
            raise _Refused(400, f"the old size {old_size} is above the checkpoint's size {new.size}")
        if old_size != latest.size:
            raise _OtherSize(latest.size)
        if new.size == latest.size and new.root != latest.root:
            with contextlib.suppress(EndcreditsError):
                keep_fork(here, new, note)
            words = f"this is a fork: with {new.size} entries this witness has seen another root of this log"
            raise _Refused(409, words)
        if not verify_consistency(latest.size, new.size, path, latest.root, new.root):
            words = f"the proof does not lead from the {latest.size} entries that this witness has cosigned to the new root:"
            raise _Refused(422, f"{words} either it is not the proof of these two sizes, or the log was rewritten")

    def _remember_and_sign(self, here: Path, log: Watched, note: str, new: Statement) -> str:
        # Times never run back, whatever the clock does: each says that nothing larger was seen until then.
        time_s = max(int(self._clock()), log.latest.time_s, 1)
        write_latest(here, Latest(new.size, new.root, time_s, note))
        # An ML-DSA-44 signature covers three lines only, so it is not given to a checkpoint that has more.
        able = [key for key in self._private if key.key.kind != MLDSA44 or new.text.count("\n") == 3]
        return "".join(f"{cosign(new, key, time_s)}\n" for key in able)


class _OtherSize(Exception):
    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(str(size))


def _check_signature(statement: Statement, log: Watched) -> None:
    for key in log.keys:
        # One good signature is enough, whatever other keys of the log may have left beside it.
        with contextlib.suppress(IntegrityError):
            if signed_by(statement, key) is not None:
                return
    raise _Refused(403, "the checkpoint is not signed by a key of this log that this witness knows")


def read_request(body: bytes) -> tuple[int, list[bytes], str, Statement]:
    """Old size, consistency proof, checkpoint note, and what the checkpoint says."""
    if len(body) > REQUEST_BYTES_MAX:
        raise _Refused(413, f"the request is longer than {REQUEST_BYTES_MAX} bytes")
    try:
        head, gap, note = body.decode("utf-8").partition("\n\n")
        first, *lines = head.split("\n")
        match = re.fullmatch(r"old (0|[1-9][0-9]{0,18})", first)
        if match is None or not gap or len(lines) > PROOF_LINES_MAX or int(match[1]) > SIZE_MAX:
            raise ValueError("it reads: old SIZE, up to 63 lines of hashes, an empty line, the checkpoint")
        path = [unbase64(line) for line in lines]
        if any(len(node) != HASH_BYTES for node in path):
            raise ValueError("a line of the proof has not 32 bytes")
        return int(match[1]), path, note, read_statement(note)
    except UnicodeDecodeError as error:
        raise _Refused(400, "the request is not UTF-8") from error
    except ValueError as error:
        raise _Refused(400, f"the request cannot be read: {error}") from error
    except IntegrityError as error:
        raise _Refused(400, f"the checkpoint cannot be read: {error.message}") from error


def request_bytes(old_size: int, path: list[bytes], note: str) -> bytes:
    """The body of a request, for whoever submits."""
    lines = [f"old {old_size}", *(to_base64(node) for node in path), "", note]
    return "\n".join(lines).encode()

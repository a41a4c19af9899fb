"""The log: entries added durably, proofs made and verified, a large log built and checked in flat memory, sizes of proofs.

    python -m benchmarks.proof.log --json            (this part alone; --sizes 10000,100000 for a quick run)

- *Append*: batches of 1,000 entries into a log on the disk, index included, each batch flushed before the next begins;
  with names of receipts, as receipts are issued. Beside it the same work without flushing (what the processor alone
  allows) and the flush alone (the same files, written and flushed, and nothing else).
- *Proofs*: for random entries of the largest log, so that tiles are read and not remembered; made, seen to lead to the
  signed root, and verified from leaf to root. Beside verifying stands the bound of pure Python: as many SHA-256 calls
  over 65 bytes as the path has hashes.
- *Growth*: each size is built and fully checked in processes of their own, whose peak memory is told: it must not grow.
- *Sizes*: the text of a proof (`.tlog-proof`) with one signature, for logs of 10**6, 10**9 and 10**12 entries, beside
  the 32 bytes a level that theory asks for.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.frame import Figure, figure, options, seconds, show
from endcredits.receipts import storage
from endcredits.receipts.check import check_log
from endcredits.receipts.keys import SigningKey
from endcredits.receipts.log import Log
from endcredits.receipts.merkle import leaf_hash, verify_inclusion
from endcredits.receipts.note import open_checkpoint, sign_checkpoint
from endcredits.receipts.records import InclusionProof
from endcredits.receipts.tlog_proof import proof_text

KEY = SigningKey("studio.example/endcredits/benchmark", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
BATCH = 1_000
BUILD_BATCH = 10_000
SIZES = (1_000_000, 10_000_000)
PROOFS = 500
AT = "2026-12-01T09:00:00Z"


def leaves(count: int, draw: random.Random) -> list[bytes]:
    """Entries with random commitments, as they are in a real log."""
    spelling = '{"commit":"%064x","subject":"%064x","time":"' + AT + '","type":"run.receipt","v":2}'
    return [(spelling % (draw.getrandbits(256), draw.getrandbits(256))).encode() for _ in range(count)]


@contextlib.contextmanager
def no_flush() -> Iterator[None]:
    """Without waiting for the disk."""
    real, os.fsync = os.fsync, lambda handle: None
    try:
        yield
    finally:
        os.fsync = real


def append(folder: Path, batches: int, runs: int, *, names: bool) -> tuple[list[float], list[float]]:
    """Entries a second, and a second of the processor, in each run: batches into a log that grows from run to run."""
    draw = random.Random(batches)
    log = Log.open(folder, KEY)
    rates, work = [], []
    for run in range(runs + 1):
        made = [leaves(BATCH, draw) for _ in range(batches)]
        ids = [[f"out-{secrets.token_hex(16)}" for _ in range(BATCH)] if names else [] for _ in range(batches)]
        begin, busy = time.perf_counter(), time.process_time()
        for batch, named in zip(made, ids, strict=True):
            log.append(batch, named)
        if run:
            rates.append(batches * BATCH / (time.perf_counter() - begin))
            work.append(batches * BATCH / (time.process_time() - busy))
    log.close()
    return rates, work


def flush_alone(folder: Path, batches: int) -> list[float]:
    """Entries a second when nothing is done but writing and flushing the files of each batch, and the checkpoint."""
    place = storage.FolderStorage(folder)
    data = secrets.token_bytes(256 * 256)
    begin = time.perf_counter()
    for batch in range(batches):
        files = [(f"entries/{batch}.{part}", data[: 40_000 if part < 4 else 60_000]) for part in range(5)]
        files += [(f"tiles/{batch}.{part}", data[:8192]) for part in range(6)]
        place.put(files)
        place.put([("checkpoint", data[:200])])
    return [batches * BATCH / (time.perf_counter() - begin)]


def appending(batches: int, runs: int) -> list[Figure]:
    """The figures of adding."""
    with tempfile.TemporaryDirectory() as place:
        durable = append(Path(place) / "log", batches, runs, names=False)
        named = append(Path(place) / "named", batches, runs, names=True)
        with no_flush():
            unflushed = append(Path(place) / "unflushed", batches, runs, names=True)
        alone = flush_alone(Path(place) / "alone", batches)
    told = f"batches of {BATCH:,}, tiles and SQLite index flushed per batch"
    return [
        figure("append_per_s", durable[0], "/s", f"{told}; must 20,000"),
        figure("append_per_cpu_s", durable[1], "/s", "by processor time, which neighbours on the machine do not change"),
        figure("append_named_per_s", named[0], "/s", "the same, each entry with the id of its receipt"),
        figure("append_named_per_cpu_s", named[1], "/s", "by processor time"),
        figure("append_unflushed_per_s", unflushed[0], "/s", "with names, without waiting for the disk (the index does)"),
        figure("flush_alone_per_s", alone, "/s", "the same files written and flushed, and nothing else"),
    ]


def proving(folder: Path) -> list[Figure]:
    """The figures of proofs from a log that is there."""
    log = Log.open(folder)
    size, root = log.checkpoint().size, bytes.fromhex(log.checkpoint().root)
    draw = random.Random(size)
    made, verified, bound, text = [], [], [], b"\x01" + bytes(64)
    for index in [draw.randrange(size) for _ in range(PROOFS)]:
        begin = time.perf_counter()
        proof = log.proof(index)
        made.append((time.perf_counter() - begin) * 1e3)
        entry = log.leaf_at(index)
        path = [bytes.fromhex(node) for node in proof.path]
        begin = time.perf_counter()
        assert verify_inclusion(leaf_hash(entry), index, size, path, root)
        verified.append((time.perf_counter() - begin) * 1e3)
        begin = time.perf_counter()
        for _ in range(len(path) + 1):
            hashlib.sha256(text).digest()
        bound.append((time.perf_counter() - begin) * 1e3)
    note, vkey = log.checkpoint().note, log.vkey
    signature = [seconds(lambda: open_checkpoint(note, vkey)) * 1e3 for _ in range(50)]
    where = f"{PROOFS} random entries of {size:,}"
    return [
        figure("proof_made_ms", made, "ms", f"{where}, seen to lead to the root; must 1"),
        figure("proof_verified_ms", verified, "ms", f"{where}, from leaf to root; must 0.1"),
        figure("proof_hashing_limit_ms", bound, "ms", f"{len(path) + 1} SHA-256 calls in Python, and nothing else"),
        figure("checkpoint_verified_ms", signature, "ms", "the Ed25519 signature, once a checkpoint"),
    ]


def build(folder: Path, size: int) -> None:
    """Builds a log."""
    draw = random.Random(size)
    log = Log.open(folder, KEY)
    for start in range(log.checkpoint().size, size, BUILD_BATCH):
        log.append(leaves(min(BUILD_BATCH, size - start), draw))


def check(folder: Path) -> None:
    """Checks all of it, index included."""
    findings = check_log(Log.open(folder), index=True)
    assert not findings, findings


def apart(step: str, folder: Path, size: int) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak memory in MB of one step in a process of its own, interpreter included."""
    command = [sys.executable, "-m", "benchmarks.proof.log", "--step", step, "--folder", str(folder), "--sizes", str(size)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(told.splitlines()[-1])
    return found["seconds"], found["cpu_seconds"], found["peak_mb"]


def growing(place: Path, sizes: Sequence[int]) -> list[Figure]:
    """The figures of logs of several sizes, each built in one process and checked in another."""
    found = []
    for size in sizes:
        folder = place / str(size)
        for step in ("build", "check"):
            took, busy, peak = apart(step, folder, size)
            found.append(
                figure(f"{step}_per_s_{size}", [size / took], "/s", f"{took:.0f} s in all, {busy:.0f} s of processor")
            )
            found.append(figure(f"{step}_peak_mb_{size}", [peak], "MB", "fresh process, libraries included; must stay flat"))
        files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        found.append(figure(f"log_mb_{size}", [sum(files) / 1e6], "MB", f"{len(files):,} files"))
        index = folder.with_name(f"{folder.name}.index.sqlite").stat().st_size
        found.append(figure(f"index_mb_{size}", [index / 1e6], "MB", "beside the log"))
    return found


def proof_sizes() -> list[Figure]:
    """The text of a proof against theory; the hashes are made up, their number is not."""
    found = []
    for power in (6, 9, 12):
        size = 10**power
        hashes = (size - 1).bit_length()
        note = sign_checkpoint(size, bytes(32), KEY).note
        path = tuple(secrets.token_hex(32) for _ in range(hashes))
        text = proof_text(InclusionProof(size - 1, path, note))
        data = len(text if isinstance(text, bytes) else text.encode())
        told = f"theory {hashes} x 32 = {hashes * 32:,} bytes; checkpoint {len(note.encode())}"
        found.append(figure(f"proof_bytes_1e{power}", [data], "bytes", told))
    return found


def measure(*, sizes: Sequence[int] = SIZES, batches: int = 50, runs: int = 5, keep: Path | None = None) -> dict[str, Any]:
    """All of it.

    Returns:
        `figures` (a list of `Figure`), and the headline numbers by name.
    """
    figures = appending(batches, runs)
    with contextlib.ExitStack() as stack:
        place = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        figures += growing(place, sizes)
        figures += proving(place / str(max(sizes)))
    figures += proof_sizes()
    return {"figures": figures, **{one.name: one.value for one in figures}}


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this part."""
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="sizes of the logs that are built and checked")
    parser.add_argument("--batches", type=int, default=50, help="batches of 1,000 a run (default 50)")
    parser.add_argument("--step", choices=["build", "check"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help="a folder for the logs, which stay")


def main() -> None:
    """Prints the table, or does one step for the process that measures it."""
    asked = options(__doc__.splitlines()[0], add_options)
    sizes = [int(size) for size in asked.sizes.split(",")]
    if asked.step:
        took = seconds(lambda: build(asked.folder, sizes[0]) if asked.step == "build" else check(asked.folder))
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))
        print(json.dumps({"seconds": took, "cpu_seconds": time.process_time(), "peak_mb": peak}))
        return
    found = measure(sizes=sizes, batches=asked.batches, runs=asked.runs, keep=asked.keep)
    show("proof: the log", found.pop("figures"), {}, asked.json)


if __name__ == "__main__":
    main()

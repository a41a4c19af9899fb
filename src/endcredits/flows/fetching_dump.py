"""The dump that a fetch writes: one line for each address, added when its answer is there, and never changed.

    crawl.jsonl           one JSON object a line, as `works.signals.dump` reads it
    crawl.jsonl.bodies/   the bodies, each under the SHA-256 of its bytes

A body is on the disk before the line that names it, and a line is flushed before the next question to its site. So a fetch
that was killed goes on where it stood: what has a line is not asked again. Half a line at the end, which only a crash
leaves, is taken away, and its address is asked once more.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.durable import append, locked, machine_error, write_atomic
from endcredits.errors import InputError
from endcredits.flows.fetching_answer import Answered
from endcredits.works.signals.dump import Answer, Hop, read_dump
from endcredits.works.signals.site import PLACES

BODIES = ".bodies"
TAIL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier run left in the dump.

    Attributes:
        urls: that have a line.
        robots: the last line of each robots.txt, by its address.
        terms: addresses of terms that lines point to, in order.
    """

    urls: frozenset[str]
    robots: dict[str, Answer]
    terms: tuple[str, ...]


@contextmanager
def dump_of(file: Path) -> Iterator[Kept]:
    """Holds a dump for one writer and says what is in it already.

    Raises:
        ConflictError: another process is writing to it.
        InputError: it cannot be read, or is no dump.
        MachineError: its folder cannot be written to.
    """
    with locked(file.with_name(file.name + BODIES), "this dump"):
        _mend_end(file)
        yield _kept(file)


def write_row(
    file: Path, url: str, answered: Answered, fetched_at: str, *, role: str, hops: list[Hop], at: str, terms: list[str]
) -> None:
    """Adds the line of one address.

    Args:
        file: the dump.
        url: that was asked for.
        answered: what came back in the end.
        fetched_at: UTC time.
        role: "site" for what is no work itself, else "".
        hops: redirects on the way.
        at: the address that answered.
        terms: addresses of terms that the answer points to.

    Raises:
        MachineError: the line may not be there, or half of it; the next run sees to that.
    """
    row: dict[str, Any] = {"url": url, "status": answered.status, "fetched_at": fetched_at}
    row["headers"] = answered.headers
    if role:
        row["role"] = role
    if hops:
        row["hops"] = [{"url": one.url, "status": one.status, "headers": one.headers} for one in hops]
        row["answered_by"] = at
    if terms:
        row["terms"] = terms
    if answered.problem:
        row["problem"] = answered.problem
    if answered.body is not None:
        row["body_file"] = f"{file.name}{BODIES}/{hashlib.sha256(answered.body).hexdigest()}"
    append(file, json.dumps(row).encode("ascii") + b"\n")


def write_body(file: Path, answered: Answered) -> None:
    """Puts a body beside the dump, before its line is written.

    Raises:
        MachineError: it is not there, or not surely.
    """
    if answered.body is not None:
        path = file.with_name(file.name + BODIES) / hashlib.sha256(answered.body).hexdigest()
        if not path.is_file() or path.stat().st_size != len(answered.body):
            write_atomic(path, answered.body)


def _mend_end(file: Path) -> None:
    """Takes away half a line at the end; ends a whole one that lacks only its line break."""
    if not file.exists():
        return
    if not file.is_file():
        raise InputError("the dump is not a file", remedy="Name a file that may be made or added to.", file=file)
    try:
        with file.open("r+b") as dump:
            size = dump.seek(0, os.SEEK_END)
            at, tail, step = size, b"", TAIL_BYTES
            while at and b"\n" not in tail:
                at, step = max(0, at - step), 4 * step
                dump.seek(at)
                tail = dump.read(size - at)
            last = tail.rpartition(b"\n")[2]
            if not last:
                return
            try:
                json.loads(last)
                dump.seek(size)
                dump.write(b"\n")
            except ValueError:
                dump.truncate(size - len(last))
            dump.flush()
            os.fsync(dump.fileno())
    except OSError as error:
        raise machine_error(error, file) from error


def _kept(file: Path) -> Kept:
    urls: set[str] = set()
    robots: dict[str, Answer] = {}
    terms: dict[str, None] = {}
    if file.exists():
        for one in read_dump(file, _is_robots):
            urls.add(one.url)
            if isinstance(one, Answer):
                terms.update(dict.fromkeys(one.terms))
                if _is_robots(one.url):
                    robots[one.url] = one
    return Kept(frozenset(urls), robots, tuple(terms))


def _is_robots(url: str) -> bool:
    return PLACES.get("/" + url.partition("://")[2].partition("/")[2]) == "robots.txt"

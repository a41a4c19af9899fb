"""A crawl handed over as a file: JSON Lines, one answer of a web server in each line.

    {"url": "https://a.example/cat.jpg", "status": 200, "fetched_at": "2026-11-20T12:00:00Z",
     "headers": {"tdm-reservation": "1"}, "body_base64": "/9j/4AAQ..."}

`headers` is an object of texts or lists of texts, or a list of [name, value] pairs. The body is `body_base64`, or `body`
(a text), or `body_file` (a file beside the dump or below it, never elsewhere), or nothing: headers speak alone. Nothing is
fetched. A line that cannot be read is a finding of its own and takes no other line with it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from endcredits.errors import InputError
from endcredits.works.strict_json import read_json
from endcredits.works.utc import check_time

LINE_BYTES_MAX = 256 * 1024 * 1024
"""A longer line is passed over, and that is a finding."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a web server.

    Attributes:
        row: line in the dump, from 1.
        url: asked for.
        status: of the answer.
        headers: (name, value) pairs, in order.
        body: its bytes; None where the dump has none.
        fetched_at: UTC time, "" where the dump does not say.
    """

    row: int
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = field(repr=False)
    fetched_at: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that is no answer.

    Attributes:
        row: line in the dump, from 1.
        url: where it could be read; else "".
        problem: what is wrong with it.
    """

    row: int
    url: str
    problem: str


def read_dump(file: Path) -> Iterator[Answer | BadRow]:
    """The answers of a dump, one after another; it is never in memory as a whole.

    Raises:
        InputError: the dump cannot be read.
    """
    try:
        with file.open("rb") as dump:
            row = 0
            while line := dump.readline(LINE_BYTES_MAX + 1):
                row += 1
                if len(line) > LINE_BYTES_MAX:
                    _skip_line(dump)
                    yield BadRow(row, "", f"it is longer than {LINE_BYTES_MAX} bytes")
                elif line.strip():
                    yield _answer(line, row, file.parent)
    except OSError as error:
        raise InputError(
            f"the dump cannot be read ({error.strerror})", remedy="Check that it exists and that you may read it.", file=file
        ) from error


def _skip_line(dump: IO[bytes]) -> None:
    while (piece := dump.readline(LINE_BYTES_MAX)) and not piece.endswith(b"\n"):
        pass


def _answer(line: bytes, row: int, folder: Path) -> Answer | BadRow:
    url = ""
    try:
        record = read_json(line.decode("utf-8-sig"))
        if not isinstance(record, dict):
            raise ValueError("it is not an object")
        named = record.get("url")
        if isinstance(named, str) and "://" in named:
            url = named
        else:
            raise ValueError("it has no absolute url")
        status = record.get("status", 200)
        if isinstance(status, bool) or not isinstance(status, int):
            raise ValueError("its status is not a number")
        fetched_at = record.get("fetched_at", "")
        if fetched_at:
            check_time(str(fetched_at), field="fetched_at")
        return Answer(row, url, status, _headers(record.get("headers", ())), _body(record, folder), str(fetched_at))
    except InputError as error:
        return BadRow(row, url, error.message)
    except (ValueError, RecursionError) as error:
        return BadRow(row, url, str(error))


def _headers(given: Any) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[Any, Any]] = []
    if isinstance(given, dict):
        for name, value in given.items():
            pairs += [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
    elif isinstance(given, (list, tuple)):
        for pair in given:
            if not isinstance(pair, list) or len(pair) != 2:
                raise ValueError("its headers are neither an object nor [name, value] pairs")
            pairs.append((pair[0], pair[1]))
    else:
        raise ValueError("its headers are neither an object nor [name, value] pairs")
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
        raise ValueError("a header is not a text")
    return tuple(pairs)


def _body(record: dict[str, Any], folder: Path) -> bytes | None:
    given = [name for name in ("body_base64", "body", "body_file") if record.get(name) is not None]
    if len(given) > 1:
        raise ValueError(f"it has {' and '.join(given)}; one body is enough")
    if not given:
        return None
    value = record[given[0]]
    if not isinstance(value, str):
        raise ValueError(f"its {given[0]} is not a text")
    if given[0] == "body":
        return value.encode("utf-8", "surrogatepass")
    if given[0] == "body_base64":
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError(f"its body_base64 is not base64 ({error})") from error
    path = (folder / value).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ValueError(f"its body_file '{value}' is not a file beside the dump")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"its body_file '{value}' cannot be read ({error.strerror})") from error

"""A crawl handed over as a file: JSON Lines, one answer of a web server in each line.

    {"url": "https://a.example/cat.jpg", "status": 200, "fetched_at": "2026-11-20T12:00:00Z",
     "headers": {"tdm-reservation": "1"}, "body_base64": "/9j/4AAQ..."}

`headers` is an object of texts or lists of texts, or a list of [name, value] pairs. The body is `body_base64`, or `body`
(a text), or `body_file` (a file beside the dump or below it, never elsewhere), or nothing: headers speak alone. Nothing is
fetched here. A line that cannot be read is a finding of its own and takes no other line with it.

A crawl may tell more, and a polite one does (`flows.fetching`): `problem`, why the thing was not got, which is a finding
and no yes; `hops`, the redirects on the way to it, each with `url`, `status` and `headers`; `answered_by`, the address
that answered in the end; `role`, "site" for an answer that was asked for to know a site's words and is no work itself;
`terms`, the addresses of terms that it points to.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from endcredits.errors import InputError
from endcredits.works.strict_json import read_json
from endcredits.works.utc import check_time

LINE_BYTES_MAX = 256 * 1024 * 1024
"""A longer line is passed over, and that is a finding."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A redirect on the way to an answer.

    Attributes:
        url: that was asked.
        status: of the redirect.
        headers: (name, value) pairs, in order.
    """

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]


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
        problem: why the thing asked for was not got, in words; "" where nothing was wrong.
        role: "site" for what is no work itself, else "".
        hops: the redirects that were followed, in order.
        answered_by: the address that answered after them; "" without redirects.
        terms: addresses of terms that the answer points to, where the dump lists them.
    """

    row: int
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | None = field(repr=False)
    fetched_at: str
    problem: str = ""
    role: str = ""
    hops: tuple[Hop, ...] = ()
    answered_by: str = ""
    terms: tuple[str, ...] = ()


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


def read_dump(file: Path, wanted: Callable[[str], bool] | None = None) -> Iterator[Answer | BadRow]:
    """The answers of a dump, one after another; it is never in memory as a whole.

    Args:
        file: the dump.
        wanted: tells by its address whether an answer's body is needed; the others come without theirs. None: all are.

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
                    yield _answer(line, row, file.parent, wanted)
    except OSError as error:
        raise InputError(
            f"the dump cannot be read ({error.strerror})", remedy="Check that it exists and that you may read it.", file=file
        ) from error


def _skip_line(dump: IO[bytes]) -> None:
    while (piece := dump.readline(LINE_BYTES_MAX)) and not piece.endswith(b"\n"):
        pass


def _answer(line: bytes, row: int, folder: Path, wanted: Callable[[str], bool] | None) -> Answer | BadRow:
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
        fetched_at = record.get("fetched_at", "")
        if fetched_at:
            check_time(str(fetched_at), field="fetched_at")
        return Answer(
            row,
            url,
            _status(record),
            _headers(record.get("headers", ())),
            _body(record, folder) if wanted is None or wanted(url) else None,
            str(fetched_at),
            _text(record, "problem"),
            _text(record, "role"),
            tuple(_hop(one) for one in _list(record, "hops")),
            _text(record, "answered_by"),
            tuple(str(one) for one in _list(record, "terms")),
        )
    except InputError as error:
        return BadRow(row, url, error.message)
    except (ValueError, RecursionError) as error:
        return BadRow(row, url, str(error))


def _status(record: dict[str, Any]) -> int:
    status = record.get("status", 200)
    if isinstance(status, bool) or not isinstance(status, int):
        raise ValueError("its status is not a number")
    return status


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"its {name} is not a text")
    return value


def _list(record: dict[str, Any], name: str) -> list[Any]:
    value = record.get(name, [])
    if not isinstance(value, list):
        raise ValueError(f"its {name} is not a list")
    return value


def _hop(given: Any) -> Hop:
    if not isinstance(given, dict):
        raise ValueError("one of its hops is not an object")
    return Hop(_text(given, "url"), _status(given), _headers(given.get("headers", ())))


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

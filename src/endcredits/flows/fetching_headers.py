"""Header lines as they come: one that is no header hides none of those behind it.

The standard library's parser takes the first line that is no `name: value` for the end of the headers. A no behind it would
be lost, and so would the body's length. Here such a line is left out before the parser sees it (RFC 9112 section 2.2 lets a
reader do so), white space before the colon goes (section 5.1), and a lone CR is a space.
"""

from __future__ import annotations

import http.client
import re
from typing import Any

ODD_LINES_MAX = 100
"""Lines that are no headers; as many as http.client takes that are."""

_LINE_MAX = 65_536
_HEADER = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:(.*)", re.DOTALL)


class Response(http.client.HTTPResponse):
    """An answer whose headers are all read."""

    def begin(self) -> None:
        """Reads the status line and the headers.

        Raises:
            http.client.HTTPException: there are none, too many, or too many lines that are none.
        """
        plain: Any = self.fp
        self.fp = HeaderLines(plain)  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            if self.fp is not None:  # it is None once the connection was closed over a bad answer
                self.fp = plain


class HeaderLines:
    """Stands before a file for as long as headers are read from it."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.inside = False
        self.odd = 0
        self.dropped = False

    def close(self) -> None:
        """Closes the file."""
        self.source.close()

    def readline(self, size: int = -1) -> bytes:
        """The next status line, header, folded part of a header, or empty line."""
        while True:
            line: bytes = self.source.readline(size)
            if not self.inside or line in (b"\r\n", b"\n", b"") or len(line) > _LINE_MAX:
                self.inside, self.dropped = not self.inside, False
                return line
            found = _HEADER.match(line)
            folded = line[:1] in (b" ", b"\t")
            if found or (folded and not self.dropped):
                self.dropped = False
                text = found[1] + b":" + found[2] if found else line
                return text.rstrip(b"\r\n").replace(b"\r", b" ") + b"\r\n"
            self.dropped = True
            self.odd += 1
            if self.odd > ODD_LINES_MAX:
                raise http.client.HTTPException(f"it sent more than {ODD_LINES_MAX} header lines that are none")

"""Bytes that ought to be text: byte order marks, other encodings, NUL bytes.

Files from outside are rarely what their standard asks for. A robots.txt saved as UTF-16 is unreadable as UTF-8, and
whoever wrote it still said no. So text is decoded by its byte order mark, else by its NUL bytes, else as UTF-8, and at
last as Windows-1252, in which every byte is some character; what was unusual is told.
"""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decoded(data: bytes) -> tuple[str, str]:
    """(text, what was unusual about its bytes, "" when nothing was).

    >>> decoded(b"\\xff\\xfea\\x00")
    ('a', 'it is written in utf-16-le')
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(name, "replace")
            return _without_nul(text, "" if name == "utf-8" else f"it is written in {name}")
    # In UTF-16 every second byte of Latin text is zero, and only every second: the odd ones in little-endian order.
    even, odd = data[0:1000:2].count(0), data[1:1000:2].count(0)
    if 3 * max(even, odd) > min(len(data) // 2, 500) and 10 * min(even, odd) <= max(even, odd):
        name = "utf-16-le" if odd > even else "utf-16-be"
        return _without_nul(data.decode(name, "replace"), f"it is written in {name}")
    try:
        return _without_nul(data.decode("utf-8"), "")
    except UnicodeDecodeError as error:
        text = data.decode("cp1252", "replace")
        return _without_nul(text, f"it is not UTF-8 (byte {error.start}); it was read as Windows-1252")


def _without_nul(text: str, unusual: str) -> tuple[str, str]:
    if "\0" not in text:
        return text, unusual
    return text.replace("\0", ""), "; ".join(filter(None, (unusual, "it holds NUL characters, which were left out")))

"""The text of a PDF as typst writes it: enough of a reader to see whether words arrived on the paper.

Streams are unpacked, fonts' ToUnicode tables read, and the strings of the pages' operators translated by the font that
is set.
"""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)endobj", re.S)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)
_OPERATOR = re.compile(rb"/(\S+) [\d.]+ Tf|<([0-9A-Fa-f\s]+)>|(\()|(T[Jj]|ET)\b", re.S)


def _objects(data: bytes) -> dict[int, bytes]:
    found = {int(number): body for number, body in _OBJECT.findall(data)}
    for body in list(found.values()):
        if b"/ObjStm" in body:
            first, count = (int(re.search(rb"/%s (\d+)" % key, body)[1]) for key in (b"First", b"N"))  # type: ignore[index]
            inside = _unpacked(body)
            places = [int(text) for text in inside[:first].split()]
            starts = [*places[1::2], len(inside) - first]
            for number, start, end in zip(places[0 : 2 * count : 2], starts, starts[1:], strict=False):
                found[number] = inside[first + start : first + end]
    return found


def _unpacked(body: bytes) -> bytes:
    stream = _STREAM.search(body)
    if stream is None:
        return b""
    return zlib.decompressobj().decompress(stream[1]) if b"/FlateDecode" in body else stream[1]


def _table(cmap: bytes) -> dict[int, str]:
    table = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.S):
        for code, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]*)>", block):
            table[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.S):
        for low, high, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            for step in range(int(high, 16) - int(low, 16) + 1):
                table[int(low, 16) + step] = chr(int(text, 16) + step)
    return table


def pdf_text(data: bytes) -> str:
    """All text of a PDF in the order of its drawing; each string of an operator ends with a line break."""
    objects = _objects(data)
    fonts: dict[bytes, dict[int, str]] = {}
    for body in objects.values():
        for block in re.findall(rb"/Font\s*<<(.*?)>>", body, re.S):
            for name, number in re.findall(rb"/(\S+)\s+(\d+) 0 R", block):
                unicode = re.search(rb"/ToUnicode (\d+) 0 R", objects[int(number)])
                if unicode:
                    fonts[name] = _table(_unpacked(objects[int(unicode[1])]))
    text = []
    for body in objects.values():
        content = _unpacked(body) if b"stream" in body else b""
        if b" Tf" not in content:
            continue
        table: dict[int, str] = {}
        place = 0
        while found := _OPERATOR.search(content, place):
            font, digits, literal, ends = found.groups()
            place = found.end()
            if font:
                table = fonts[font]
            elif ends:
                text.append("\n")
            else:
                raw = bytes.fromhex(re.sub(rb"\s", b"", digits).decode()) if digits else b""
                if literal:
                    raw, place = _literal(content, place)
                codes = [int.from_bytes(raw[start : start + 2], "big") for start in range(0, len(raw), 2)]
                text.append("".join(table.get(code, "") for code in codes))
    return "".join(text)


def _literal(content: bytes, place: int) -> tuple[bytes, int]:
    """A string in parentheses, which may hold others in pairs, and where it ends."""
    simple = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    raw, depth = b"", 1
    while True:
        one = content[place : place + 1]
        place += 1
        if one == b"\\":
            octal = re.compile(rb"[0-7]{1,3}").match(content, place)
            if octal:
                raw, place = raw + bytes([int(octal[0], 8) & 255]), octal.end()
            else:
                raw += simple.get(content[place : place + 1], content[place : place + 1])
                place += 1
            continue
        depth += {b"(": 1, b")": -1}.get(one, 0)
        if depth == 0 or not one:
            return raw, place
        raw += one

"""Reading XML from outside: entities and document type declarations are refused.

A bank's file has neither, and they are how a small file grows without bound, or reads other files.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any
from xml.parsers import expat

from endcredits.errors import InputError

# UTF-8 without a byte order mark: there "<!DOCTYPE" has one spelling.
_PLAIN_HEAD = re.compile(rb"\s*<(?:\?xml version=[\"']1\.0[\"'](?: encoding=[\"'][Uu][Tt][Ff]-8[\"'])?\s*\?>|[A-Za-z])")


def parse_xml(data: bytes, *, file: object = None) -> ET.Element:
    """Reads XML from outside.

    Raises:
        InputError: not well-formed (a file that was cut off, for one), or with a document type declaration.
    """

    def forbidden(*_: Any) -> None:
        raise InputError(
            "the XML has a document type declaration, which is not read from outside",
            remedy="Ask for the bank's original file.",
            file=file,
        )

    try:
        if not _PLAIN_HEAD.match(data) or b"<!DOCTYPE" in data:
            # In an encoding where the bytes might hide one, a first pass looks for nothing else.
            first = expat.ParserCreate()
            first.StartDoctypeDeclHandler = forbidden
            first.Parse(data, True)
        return ET.fromstring(data)
    except (expat.ExpatError, ET.ParseError, ValueError, LookupError) as error:
        raise InputError(
            f"this is not whole XML ({error})",
            remedy="It may have been cut off: fetch the file again.",
            file=file,
            row=getattr(error, "lineno", None),
        ) from error


def local(element: ET.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]

"""XML from outside: no entities, nothing fetched, no size that the reader did not agree to."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.etree.ElementTree import fromstring as _parse_quickly

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

XML_BYTES_MAX = 20_000_000
"""A longer document is refused."""

XML = "http://www.w3.org/XML/1998/namespace"


def parse_xml(data: bytes) -> Element:
    """The root of an XML document.

    Raises:
        ValueError: malformed, too long, nested too deeply, or with entities (which can grow without end).
    """
    if len(data) > XML_BYTES_MAX:
        raise ValueError(f"it is longer than {XML_BYTES_MAX} bytes")
    try:
        root: Any = _parse_quickly(data) if _declares_nothing(data) else fromstring(data)
    except DefusedXmlException as error:
        raise ValueError(f"it declares entities, which are refused ({type(error).__name__})") from error
    except ParseError as error:
        raise ValueError(f"it is not well-formed XML ({error})") from error
    except (LookupError, RecursionError, UnicodeError) as error:
        raise ValueError(f"it cannot be read ({error})") from error
    found: Element = root
    return found


def _declares_nothing(data: bytes) -> bool:
    """Whether bytes are UTF-8 XML without a document type: without one there can be no entities to refuse.

    Another encoding could spell "<!DOCTYPE" in other bytes, so whatever may be in one is left to the guarded parser.
    """
    head = data[:100]
    return head[:1] == b"<" and b"\0" not in head and b"encoding" not in head and b"<!DOCTYPE" not in data


def local(tag: Any) -> str:
    """An element's or attribute's name without its namespace; "" for a comment."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace(tag: Any) -> str:
    """The namespace of a name."""
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def text_of(element: Element) -> str:
    """All text below an element, in one line."""
    return " ".join("".join(element.itertext()).split())

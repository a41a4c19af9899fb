"""Titles and names are data: what they may not do in Markdown, HTML, YAML and JSON inside a page.

A title is whatever somebody typed: it may hold a closing tag, a link, a table's bar, a line break, an override of the
direction of reading. Each form gets the same words, so that a reader sees them and no program acts on them. Characters that
cannot be seen (controls, overrides of direction, line separators) are written as `\\u202e` everywhere, so that what a person
reads is what stands there.
"""

from __future__ import annotations

import html as html_library
import json
import re
from typing import Any

_JOINERS = "\u200c\u200d"
"""Invisible, but part of words in Persian and Hindi, and of many pictures of letters."""
_MARKDOWN = re.compile(r"[\\`*_\[\]|~!$#]")
_HTML_ALIKE = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}


def visible(text: str) -> str:
    """The text in one line, with an escape in the place of everything that cannot be seen.

    >>> visible("a\\u202eb\\nc")
    'a\\\\u202eb\\\\u000ac'
    """
    return "".join(one if one.isprintable() or one in _JOINERS else _escape(one) for one in text)


def _escape(one: str) -> str:
    code = ord(one)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def markdown(text: str) -> str:
    """The text as words of CommonMark and of the dialects with tables, mentions, formulas and links of themselves.

    >>> markdown("[a](b) <i>|")
    '\\\\[a\\\\](b) &lt;i&gt;\\\\|'
    """
    found = _MARKDOWN.sub(lambda match: f"\\{match[0]}", visible(text))
    found = "".join(_HTML_ALIKE.get(one, one) for one in found)
    return re.sub(r"(?i)\bwww\.", "www\\.", found.replace("://", ":\\//"))


def html(text: str) -> str:
    """The text as words of HTML, in an element or an attribute in quotes."""
    return html_library.escape(visible(text), quote=True)


def yaml(text: str) -> str:
    """The text as a double-quoted scalar of YAML 1.2, which every reader takes for a text, whatever stands in it.

    >>> yaml('no: "yes"')
    '"no: \\\\"yes\\\\""'
    """
    return '"' + "".join(_yaml_character(one) for one in text) + '"'


def _yaml_character(one: str) -> str:
    if one in '"\\':
        return f"\\{one}"
    return one if one.isprintable() else _escape(one)


def json_text(document: Any) -> str:
    """A document as JSON that may also stand in a `<script>` element: no tag can end it, and nothing in it is invisible."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return "".join(one if one.isprintable() or one in "\n" + _JOINERS else _json_escape(one) for one in safe) + "\n"


def _json_escape(one: str) -> str:
    return json.dumps(one)[1:-1]

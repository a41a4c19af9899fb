"""A page on which a person sees a work that waits beside the refused one that it looks like; one file, no network.

Pictures stand in the page itself, texts are shown as far as their beginnings go. All of it is somebody else's content, so
nothing of it is ever markup, and the page may load and run nothing.
"""

from __future__ import annotations

import base64
import difflib
from html import escape
from pathlib import Path

from endcredits.flows.reviewing import Side, Waiting

SHOWN_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif")
"""What every browser shows without running anything."""

PICTURE_BYTES_MAX = 20_000_000
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
section{display:grid;grid-template-columns:1fr 1fr;gap:2rem;border-top:1px solid #999;padding:1rem 0}
h2{grid-column:1/-1;font-size:1rem;margin:0}article{min-width:0;overflow-wrap:anywhere}
img{max-width:100%;max-height:30rem;border:1px solid #ccc}pre{white-space:pre-wrap;font:inherit}mark{background:#ffe08a}"""


def review_page(found: Waiting) -> bytes:
    """The page, in UTF-8."""
    title = f"Review of {found.own.work_id}"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head><body>',
        f"<h1>{escape(title)}</h1><p>{escape(found.decision.value)}: {escape(found.decision.reason)}</p>",
    ]
    for hold, side in found.likes:
        words = f"{hold.likeness.words()}{'; reviewed' if hold.answered else ''}"
        ours, theirs = _marked(found.own.excerpt, side.excerpt)
        both = _side("Waits", found.own, ours) + _side("Refused", side, theirs)
        parts.append(f"<section><h2>{escape(words)}</h2>{both}</section>")
    if not found.likes:
        parts.append(f"<section>{_side('Waits', found.own, escape(found.own.excerpt))}</section>")
    word = f"endcredits corpus review {found.own.work_id} --admit --reason WHY --by NAME"
    parts.append(f"<p>Say a word: <code>{escape(word)}</code>, or <code>--refuse</code>.</p></body></html>\n")
    return "".join(parts).encode("utf-8", "replace")


def _side(heading: str, side: Side, text: str) -> str:
    facts = [side.title, ", ".join(side.people) or "nobody named"]
    facts.append(f"{side.size_bytes:,} bytes, {side.media_type}" if side.file else "nothing but its code is known")
    told = "".join(f"<br>{escape(fact)}" for fact in facts)
    return f"<article><b>{heading}: {escape(side.work_id)}</b>{told}{_picture(side)}<pre>{text}</pre></article>"


def _picture(side: Side) -> str:
    if side.file is None or side.media_type not in SHOWN_TYPES or side.size_bytes > PICTURE_BYTES_MAX:
        return ""
    data = _bytes(side.file)
    if not data:
        return "<p>The file is not here.</p>"
    return f'<p><img alt="" src="data:{side.media_type};base64,{base64.b64encode(data).decode()}"></p>'


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _marked(left: str, right: str) -> tuple[str, str]:
    """Two texts, the words marked in which they differ."""
    ours, theirs = left.split(), right.split()
    sides: tuple[list[str], list[str]] = ([], [])
    for what, a, b, c, d in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for words, told in zip((ours[a:b], theirs[c:d]), sides, strict=True):
            text = escape(" ".join(words))
            told.append(text if what == "equal" or not text else f"<mark>{text}</mark>")
    first, second = (" ".join(filter(None, told)) for told in sides)
    return first, second

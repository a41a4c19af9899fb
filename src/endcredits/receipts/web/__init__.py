"""The page that checks receipts in a browser: one file, which loads nothing and sends nothing.

`verify.html`, `verify.js` (the verifier) and `page.js` (what is around it) stand here as they are read and tested.
`page_files` makes one page of them, so that a creator can be sent a single file that opens from the disk: the scripts stand
inside it, and the page's own policy lets exactly these scripts run, by their digests, and no request leave.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

PAGE, VERIFIER, AROUND = "verify.html", "verify.js", "page.js"
_ALLOWED = "script-src 'self'"


def page_files() -> list[tuple[str, bytes]]:
    """The page with its scripts inside, and the verifier alone for those who build on it: names and bytes."""
    folder = resources.files(__name__)
    page, verifier, around = ((folder / name).read_text(encoding="utf-8") for name in (PAGE, VERIFIER, AROUND))
    return [(PAGE, one_page(page, {VERIFIER: verifier, AROUND: around}).encode()), (VERIFIER, verifier.encode())]


def one_page(page: str, scripts: dict[str, str]) -> str:
    """A page that refers to scripts, with these scripts inside and allowed by their digests.

    Args:
        page: HTML that refers to every script once, by name, and whose policy allows scripts beside it.
        scripts: their texts by name.

    Raises:
        ValueError: the page does not refer to them so, or one of them could not stand inside a page.
    """
    digests = []
    for name, script in scripts.items():
        tag = f'<script src="{name}"></script>'
        if page.count(tag) != 1 or "</script" in script.lower() or "<!--" in script:
            raise ValueError(f"the page and its script {name} do not fit together")
        page = page.replace(tag, f"<script>{script}</script>")
        digests.append(f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'")
    if page.count(_ALLOWED) != 1:
        raise ValueError("the page has no policy for its scripts")
    return page.replace(_ALLOWED, f"script-src {' '.join(digests)}")

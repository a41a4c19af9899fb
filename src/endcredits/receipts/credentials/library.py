"""The libraries behind content credentials, found when they are needed, and told once how to behave.

`c2pa-python` signs and reads manifests (C2PA 2), `iscc-lib` computes content codes (ISO 24138), Pillow decodes pictures. All
three come with the extra `media`; everything else in endcredits works without them.

The signing library goes to the network by default (manifests kept elsewhere, certificate status), draws a thumbnail into
every manifest (hundreds of kilobytes), and accepts one purpose of a certificate only. All of that is set here, in one place.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from endcredits.errors import InputError

EXTRA = "pip install 'endcredits[media]'"

PURPOSES = {
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.36": "documentSigning",
    "1.3.6.1.4.1.62558.2.1": "C2PA claim signing",
}
"""Extended key usages of which a signer's certificate needs one. The library alone takes only the first."""


def library(name: str) -> Any:
    """One of the libraries of the extra `media`: "c2pa", "iscc_lib", "PIL.Image" and its sisters.

    Raises:
        InputError: it is not installed, or cannot be loaded on this machine.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise InputError(
            f"content credentials need the library {name.partition('.')[0]} ({error})", remedy=f"Install it: {EXTRA}"
        ) from error


def settings(anchors: str = "") -> dict[str, Any]:
    """How the library is to behave: no network, no thumbnails, every purpose of `PURPOSES`, each signature read back.

    Args:
        anchors: PEM certificates of roots whose signers are to be Trusted; "" for none.
    """
    trust: dict[str, Any] = {"trust_config": "\n".join(PURPOSES)}
    if anchors:
        trust["user_anchors"] = anchors
    return {
        "builder": {"thumbnail": {"enabled": False}},
        "trust": trust,
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
    }


def context(anchors: str = "") -> Any:
    """A context of the library with our settings; to be closed after use."""
    return library("c2pa").Context.from_dict(settings(anchors))


@contextlib.contextmanager
def told(doing: str, file: str | os.PathLike[str], remedies: Sequence[tuple[str, str]] = ()) -> Iterator[None]:
    """Turns the library's errors into ours.

    Args:
        doing: what is being done, such as "signed".
        file: what it is done to.
        remedies: (part of the library's message, what to do about it); the first that fits is told.
    """
    failure = library("c2pa").C2paError
    try:
        yield
    except failure as error:
        said = " ".join(str(error).split())[:300]
        remedy = next((remedy for part, remedy in remedies if part in said), "Check that it is whole and of its type.")
        raise InputError(f"the file cannot be {doing} ({said})", remedy=remedy, file=file) from error

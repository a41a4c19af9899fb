"""Content credentials inside of files, read with the C2PA library where it is installed (the extra `media`).

A reader of bytes sees that a file's credentials speak about training, and no more: they are signed boxes in boxes. The
library opens them and checks the signatures; `works.signals.c2pa` then reads every manifest, the active one and all
ingredients. Nothing is fetched. Without the library, or where it fails, the finding stays that nobody has read them, and
that is no yes.
"""

from __future__ import annotations

import importlib.util
import io
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from endcredits.errors import EndcreditsError
from endcredits.receipts.credentials.formats import known_format
from endcredits.receipts.credentials.library import context, library
from endcredits.works.signals import Buffer, Found, Signal, read_c2pa
from endcredits.works.signals.c2pa import STANDARD as CAWG

HEAD_BYTES = 4096
"""What tells a file's format."""


def with_credentials(signals: tuple[Signal, ...], data: Buffer, name: str, found: Found) -> tuple[Signal, ...]:
    """The signals, with what the credentials in the bytes say in place of the finding that nobody read them.

    Args:
        signals: what `works.signals.read_work` found.
        data: the file's bytes.
        name: its name, whose ending helps to tell the format.
        found: where it was found.
    """
    if not any(is_unread(one) for one in signals) or importlib.util.find_spec("c2pa") is None:
        return signals
    text = _store(data, name)
    if text is None:
        return signals
    said = read_c2pa(text, found)
    if not said:
        return signals  # the words stand somewhere else in the file
    return (*(one for one in signals if not is_unread(one)), *said)


def is_unread(signal: Signal) -> bool:
    """Whether a signal is the finding that there are credentials that nobody could read."""
    return signal.standard == CAWG and signal.value == "unknown" and bool(signal.problem)


def _store(data: Buffer, name: str) -> bytes | None:
    """The manifest store as JSON; None where the library cannot read it, or the file is of no kind that it knows."""
    try:
        form = known_format(bytes(data[:HEAD_BYTES]), PurePosixPath(name).suffix.lower())
        if form is None or not form.embeds:
            return None
        c2pa = library("c2pa")
        try:
            with c2pa.Reader(form.told, io.BytesIO(data), None, context=_context()) as reader:
                return str(reader.json()).encode()
        except c2pa.C2paError:
            return None
    except EndcreditsError:
        return None  # the library is there and cannot be loaded


@cache
def _context() -> Any:
    """One context for all files: it holds settings only, and making one costs more than reading a small file."""
    return context()

"""Reading text files that become works: whole, non-empty, UTF-8, never guessed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from endcredits.errors import InputError
from endcredits.works.records import Submission

MEDIA_TYPE_OF_SUFFIX = {
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".html": "text/html",
    ".htm": "text/html",
    ".xml": "text/xml",
    ".csv": "text/csv",
    ".json": "application/json",
}
"""Written out here because the operating system's own table differs from machine to machine."""


def media_type_of(path: str | os.PathLike[str]) -> str:
    """The media type of a text file by its suffix."""
    return MEDIA_TYPE_OF_SUFFIX.get(Path(path).suffix.lower(), "text/plain")


def read_bytes(path: Path, *, row: int | None = None, field: str | None = None, table: Path | None = None) -> bytes:
    """A file's bytes.

    Args:
        path: the file.
        row, field, table: the place that names the file, when a table does.

    Raises:
        InputError: it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        if table is None:
            raise unreadable(path, error) from error
        raise InputError(
            f"the file '{path.name}' cannot be read ({error.strerror})",
            remedy="Check that it exists and that you may read it.",
            file=table,
            row=row,
            field=field,
        ) from error


def unreadable(path: Path, error: OSError) -> InputError:
    """The operating system's refusal to read, as an error with a remedy."""
    return InputError(
        f"this file cannot be read ({error.strerror})",
        remedy="Check that it exists and that you may read it.",
        file=path,
    )


def check_text(data: bytes, file: Path, *, row: int | None = None, field: str | None = None) -> str:
    """The text that bytes hold.

    Raises:
        InputError: empty, blank, binary (a NUL byte), or not UTF-8; then the message gives the byte's offset from 0.
    """
    if not data.strip():
        raise InputError(
            "the text is empty", remedy="Leave the work away or give its text.", file=file, row=row, field=field
        )
    if b"\0" in data:
        raise InputError(
            f"a NUL byte at byte offset {data.index(0)} says that this is not a text",
            remedy="Give plain UTF-8 text.",
            file=file,
            row=row,
            field=field,
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the text is not UTF-8 at byte offset {error.start} (byte 0x{data[error.start]:02x})",
            remedy="Save it as UTF-8.",
            file=file,
            row=row,
            field=field,
        ) from error


def refuse_doubles(file: Path, submissions: Sequence[tuple[str, int | None, Submission]]) -> None:
    """Refuses one content or one work id that stands in a source twice.

    Args:
        file: the source.
        submissions: (place in words, row, submission).

    Raises:
        InputError: the message names both places.
    """
    seen_ids: dict[str, str] = {}
    seen_contents: dict[tuple[bytes, ...], str] = {}
    for place, row, submission in submissions:
        data = tuple(data for _, _, data in submission.content)
        if submission.work_id and submission.work_id in seen_ids:
            raise InputError(
                f"the work_id '{submission.work_id}' stands in {seen_ids[submission.work_id]} and in {place}",
                remedy="Give every work an id of its own.",
                file=file,
                row=row,
                field="work_id",
            )
        if data in seen_contents:
            raise InputError(
                f"the same text stands in {seen_contents[data]} and in {place}",
                remedy="Keep one of them and name everybody who made it there.",
                file=file,
                row=row,
            )
        seen_ids[submission.work_id] = place
        seen_contents[data] = place

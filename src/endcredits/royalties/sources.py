"""Reading a text file that a person wrote, with errors that the person can act on."""

from __future__ import annotations

import os
from pathlib import Path

from endcredits.errors import InputError


def read_text(path: str | os.PathLike[str]) -> str:
    """The whole text of a UTF-8 file; a byte order mark at its beginning is dropped.

    Raises:
        InputError: no such file, a folder, no permission, or not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"byte {error.start} is not UTF-8", remedy="Save the file with the encoding UTF-8.", file=path
        ) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"the file cannot be read ({why})", remedy="Check its name and permissions.", file=path) from error

"""Public keys on the command line: the line itself, or a file that holds it.

Files come by mail and out of editors, so a byte order mark, line ends of another system and blank lines do no harm.
"""

from __future__ import annotations

import os
from pathlib import Path

from endcredits.errors import InputError

REMEDY = "Give the file log.vkey that the log's holder publishes, or its line: name+8 hex digits+base64."
FILE_BYTES_MAX = 2**20


def key_lines(given: str, *, field: str = "--vkey", remedy: str = REMEDY) -> list[str]:
    """The lines of public keys that a word on the command line stands for; whether they are keys is not looked at.

    Args:
        given: a key's line, or the name of a file with such lines.
        field: the option, for errors.
        remedy: what to do where there is no such file.

    Raises:
        InputError: it is neither; or the file is not text, or longer than 1 MiB.
    """
    if given.count("+") > 1 and not os.path.exists(given):
        return [given.strip()]
    try:
        with Path(given).open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ValueError("it is far longer than keys are")
        text = data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(
            "the public key cannot be read (there is no such file, and it is no key either)",
            remedy=remedy,
            file=given[:300],
            field=field,
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "the public key cannot be read (the file is not UTF-8)", remedy=remedy, file=given[:300], field=field
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the public key cannot be read ({why})", remedy=remedy, file=given[:300], field=field) from error
    return [line.strip() for line in text.splitlines() if line.strip()]

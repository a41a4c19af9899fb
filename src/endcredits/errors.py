"""One tree of errors that a person can act on.

Every error that a user can cause says what is wrong, where (file, row, field) and what to do about it. The command
line prints it as one paragraph and leaves with the class's exit code; a caller in Python catches `EndcreditsError`.
Bugs are not in this tree: they raise ordinary exceptions.

Exit codes: 0 done, 1 a bug, 2 bad input or usage, 3 a check found something wrong, 4 a conflict with what is already
recorded, 5 the machine failed us (disk full, no permission, database unreachable). 6 is no error: a question was answered
with a no (`trained-on`).
"""

from __future__ import annotations


class EndcreditsError(Exception):
    """Base of all errors that name a cause and a remedy.

    Args:
        message: what is wrong, in one sentence, without a final full stop.
        remedy: what the reader can do about it, in one sentence.
        file: the file concerned, if any.
        row: the 1-based row (of data, header not counted) or line concerned, if any.
        field: the column, key or option concerned, if any.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        file: object = None,
        row: int | None = None,
        field: str | None = None,
    ) -> None:
        self.message = message
        self.remedy = remedy
        self.file = None if file is None else str(file)
        self.row = row
        self.field = field
        super().__init__(str(self))

    def __str__(self) -> str:
        places = []
        if self.file is not None:
            places.append(self.file)
        if self.row is not None:
            places.append(f"row {self.row}")
        if self.field is not None:
            places.append(f"field '{self.field}'")
        where = f"{', '.join(places)}: " if places else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{where}{self.message}.{remedy}"

    def as_dict(self) -> dict[str, object]:
        """The error as plain data, for `--json`."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "remedy": self.remedy,
            "file": self.file,
            "row": self.row,
            "field": self.field,
        }


class InputError(EndcreditsError):
    """What was handed in cannot be used as it is."""

    exit_code = 2


class NotFoundError(InputError):
    """Something was asked for by name and there is none of that name."""


class IntegrityError(EndcreditsError):
    """Something recorded is not what it was when it was recorded."""

    exit_code = 3


class ConflictError(EndcreditsError):
    """The request contradicts what is already recorded, or somebody else is writing."""

    exit_code = 4


class MachineError(EndcreditsError):
    """The disk, the database or the operating system failed us; nothing half-written remains."""

    exit_code = 5

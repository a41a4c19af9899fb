"""One JSON object of a pack, read key by key: every error names the file, the rule and the key, and says what to write."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from endcredits.errors import InputError


class Keyed:
    """An object whose keys are taken one after the other; what is left in the end is unknown.

    Args:
        value: what stands in the JSON.
        where: its place in words ("rule 'us-ca-labor-927', require 2"), "" for the file itself.
        file: name of the file.

    Raises:
        InputError: it is no object.
    """

    def __init__(self, value: Any, where: str, file: str) -> None:
        self.where = where
        self.file = file
        if not isinstance(value, Mapping):
            self.fail("", f"{where or 'the file'} is not an object", 'Write {"key": ...}.')
        self.left = dict(value)

    def fail(self, key: str, message: str, remedy: str) -> NoReturn:
        """Raises the error of a key."""
        prefix = f"{self.where}: " if self.where and self.where not in message else ""
        raise InputError(f"{prefix}{message}", remedy=remedy, file=self.file, field=key or None)

    def take(self, key: str, default: Any = ...) -> Any:
        """Takes a key's value; an absent one without a default is an error."""
        if key in self.left:
            return self.left.pop(key)
        if default is ...:
            self.fail(key, f"the key '{key}' is missing", "Add it.")
        return default

    def text(self, key: str, default: str | None = None, *, one_of: Collection[str] = ()) -> str:
        """Takes a text that is not blank, unless "" is its default."""
        value = self.take(key, ... if default is None else default)
        if not isinstance(value, str) or (not value.strip() and value != default):
            self.fail(key, f"'{key}' is not a text", "Write words in quotes.")
        if one_of and value not in one_of:
            self.fail(key, f"'{key}' is {value[:60]!a}, which is not known here", f"Use one of: {', '.join(one_of)}.")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Takes a list of texts, none of them blank, none twice."""
        value = self.take(key, ... if default is None else list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            self.fail(key, f"'{key}' is not a list of texts", 'Write ["one", "two"].')
        if len(set(value)) < len(value):
            self.fail(key, f"'{key}' holds a text twice", "Write every text once.")
        return tuple(value)

    def truth(self, key: str, default: bool) -> bool:
        """Takes true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            self.fail(key, f"'{key}' is neither true nor false", "Write true or false.")
        return value

    def items(self, key: str) -> list[Any]:
        """Takes a list; [] when it is absent."""
        value = self.take(key, [])
        if not isinstance(value, list):
            self.fail(key, f"'{key}' is not a list", "Write [ ... ].")
        return value

    def object(self, key: str) -> Mapping[str, Any]:
        """Takes an object; {} when it is absent."""
        value = self.take(key, {})
        if not isinstance(value, Mapping):
            self.fail(key, f"'{key}' is not an object", 'Write {"key": ...}.')
        return value

    def end(self) -> None:
        """Refuses keys that nobody took: a misspelt key must not be a rule that is silently wider."""
        for key in self.left:
            shown = ascii(key)[1:-1][:60]
            self.fail(shown, f"'{shown}' is not a key here", "Correct its spelling, or leave it away.")

"""Reading one table of a TOML file key by key, so that nothing in it is misread or overlooked.

Percentages, factors and amounts are texts ("12.5%", "1.5x", "0.05 USD") or whole numbers under a key that names their unit
(`share_ppb`, `amount_micros`); a float is refused, because 0.1 is not a tenth. A key that nobody asked for is refused too: a
misspelt rule that is silently ignored pays the wrong people. Errors name the key with its path, counted from 1 as people
count: "pool[2].part[1].share" is the share of the first part of the second pool.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Any

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.ids import plain_id
from endcredits.money import PPB
from endcredits.royalties.sources import read_text
from endcredits.royalties.spellings import amount_micros, checked_currency, chosen, factor_ppb, percent_ppb, readable


def load_toml(source: str | os.PathLike[str], *, file: object = None) -> dict[str, Any]:
    """The tables of a TOML file or of TOML text.

    Args:
        source: a path; a `str` with a line break, or beginning with "[", is the text itself.
        file: named in errors about text.

    Raises:
        InputError: no such file, not UTF-8, or not TOML 1.0.
    """
    is_text = isinstance(source, str) and ("\n" in source or source.lstrip().startswith("["))
    named = file if is_text else source
    text = str(source) if is_text else read_text(source)
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"this is not TOML ({error})", remedy="Correct the line named.", file=named) from error


class Table:
    """One table of a file, with the path to it.

    Args:
        values: the table as tomllib reads it.
        path: where it stands, such as "pool[2]"; "" for the file itself.
    """

    def __init__(self, values: object, path: str = "") -> None:
        if not isinstance(values, dict):
            raise InputError(
                f"{values!r:.60} is not a table", remedy=f"Begin it with a line [{path}] or [[{path}]].", field=path
            )
        self._values: Mapping[str, Any] = values
        self._asked: set[str] = set()
        self.path = path

    def at(self, key: str) -> str:
        """The path of a key of this table."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._asked.add(key)
        return key in self._values

    def close(self) -> None:
        """Demands that every key was asked for.

        Raises:
            InputError: a key is unknown.
        """
        for key in self._values:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                where = f"[{self.path}]" if self.path else "the file"
                raise InputError(f"{where} knows no key '{key[:60]}'", remedy=f"Known keys: {known}.", field=self.at(key))

    def tables(self, key: str) -> list[Table]:
        """The tables of an array [[key]], empty where it is missing.

        Raises:
            InputError: it is something else.
        """
        if not self.has(key):
            return []
        found = self._values[key]
        if not isinstance(found, list):
            raise InputError(
                f"'{key}' is not a list of tables", remedy=f"Begin each with [[{self.at(key)}]].", field=self.at(key)
            )
        return [Table(one, f"{self.at(key)}[{number}]") for number, one in enumerate(found, 1)]

    def table(self, key: str) -> Table:
        """The table under a key; an empty one where it is missing.

        Raises:
            InputError: it is something else.
        """
        return Table(self._values[key] if self.has(key) else {}, self.at(key))

    def names(self) -> list[str]:
        """All keys, for tables whose keys are names; each counts as asked for."""
        self._asked.update(self._values)
        return sorted(self._values)

    def text(self, key: str, default: str | None = None) -> str:
        """A text.

        Raises:
            InputError: missing without a default, or not a text.
        """
        if not self.has(key):
            if default is not None:
                return default
            raise InputError(f"the key '{key}' is missing", remedy=f'Add a line {key} = "...".', field=self.at(key))
        value = self._values[key]
        if not isinstance(value, str):
            raise InputError(f"{value!r:.60} is not text", remedy='Put it in quotation marks, "...".', field=self.at(key))
        return value

    def name(self, key: str, default: str | None = None) -> str:
        """A name that people read: one printable line of at most 200 characters."""
        return readable(self.text(key, default), self.at(key))

    def id(self, key: str, default: str | None = None) -> str:
        """An id."""
        return plain_id(self.text(key, default), what=self.at(key))

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """One word of several.

        Raises:
            InputError: another word.
        """
        return chosen(self.text(key, default), choices, self.at(key))

    def choices(self, key: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """Some of several words, in the order of `choices`.

        Raises:
            InputError: not a list of texts, another word, or one twice.
        """
        found = self.texts(key)
        for one in found:
            chosen(one, choices, self.at(key))
        if len(set(found)) != len(found):
            raise InputError(f"'{key}' names something twice", remedy="Name each once.", field=self.at(key))
        return tuple(one for one in choices if one in found)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty where it is missing.

        Raises:
            InputError: it is something else.
        """
        found = self._values[key] if self.has(key) else []
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise InputError(f"'{key}' is not a list of texts", remedy=f'Write {key} = ["...", "..."].', field=self.at(key))
        return tuple(found)

    def truth(self, key: str, default: bool = False) -> bool:
        """true or false.

        Raises:
            InputError: something else.
        """
        value = self._values[key] if self.has(key) else default
        if not isinstance(value, bool):
            raise InputError(f"{value!r:.60} is neither true nor false", remedy=f"Write {key} = true.", field=self.at(key))
        return value

    def whole(self, key: str, default: int, *, top: int = INTEGER_MAX) -> int:
        """A whole number from 0 to `top`.

        Raises:
            InputError: something else.
        """
        value = self._values[key] if self.has(key) else default
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(
                f"{value!r:.60} is not a whole number", remedy=f"Write {key} as digits only.", field=self.at(key)
            )
        if not 0 <= value <= top:
            raise InputError(f"{value} is out of range", remedy=f"Give a number from 0 to {top}.", field=self.at(key))
        return value

    def percent(self, key: str, default_ppb: int | None = None) -> int:
        """Parts per billion, from a percentage under `key` or a whole number under `key`_ppb.

        Raises:
            InputError: both, neither without a default, or not from 0 to 100 %.
        """
        other = f"{key}_ppb"
        if self._one_of(key, other) == other:
            return self.whole(other, 0, top=PPB)
        if default_ppb is not None and not self.has(key):
            return default_ppb
        return percent_ppb(self.text(key), self.at(key))

    def factor(self, key: str) -> int:
        """Parts per billion of a factor such as "1.5x".

        Raises:
            InputError: another form.
        """
        return factor_ppb(self.text(key), self.at(key))

    def amount(self, key: str, default_micros: int | None = None) -> int:
        """Micros of an amount without a currency: a text under `key` or a whole number under `key`_micros.

        Raises:
            InputError: both, neither without a default, negative, too large, or not a decimal number.
        """
        other = f"{key}_micros"
        if self._one_of(key, other) == other:
            return self.whole(other, 0)
        if default_micros is not None and not self.has(key):
            return default_micros
        return amount_micros(self.text(key), self.at(key))

    def money(self, key: str) -> tuple[int, str]:
        """(micros, currency) of an amount such as "0.05 USD", or of `key`_micros with `currency`; (0, "") where missing.

        Raises:
            InputError: both, one half alone, or a currency that is none.
        """
        other = f"{key}_micros"
        if self._one_of(key, other) == other:
            return self.whole(other, 0), checked_currency(self.text("currency"), self.at("currency"))
        if not self.has(key):
            return 0, ""
        number, _, code = self.text(key).partition(" ")
        if not code:
            raise InputError(f"'{number[:40]}' names no currency", remedy='Write it like "0.05 USD".', field=self.at(key))
        return amount_micros(number, self.at(key)), checked_currency(code, self.at(key))

    def _one_of(self, first: str, second: str) -> str:
        if self.has(first) and self.has(second):
            raise InputError(f"both '{first}' and '{second}' are given", remedy="Keep one of them.", field=self.at(second))
        return second if self.has(second) else first

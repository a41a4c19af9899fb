"""What a close needs to adjust a closed period, in a folder beside its frozen inputs, readable without the studio.

    adjusted/<period>/frozen/              what was reported of the period by now, with its catalogue as it was
    adjusted/<period>/close.json, ...      the period divided again from that, by its own rules
    adjusted/<period>/booked-1/...         closes of it whose sum was booked before, with their tables
    adjusted/<period>/adjustment.json      which closes these are, by sign and digest

The difference of the two is what a close books. It follows from this folder alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.canonical import canonical_bytes, digest, sha256_bytes
from endcredits.durable import machine_error, write_atomic
from endcredits.errors import IntegrityError
from endcredits.ids import slug
from endcredits.royalties.documents import parse_close
from endcredits.royalties.frozen import table_digest, table_path
from endcredits.royalties.lines import LINES, WORK_LINES
from endcredits.royalties.records import PeriodClose

ADJUSTED_FOLDER = "adjusted"
"""Stands in a close's folder beside `frozen`."""
FACTS = "adjustment.json"
CLOSE = "close.json"
TABLES = (WORK_LINES, LINES)


@dataclass(frozen=True, slots=True)
class Term:
    """A computed close of a period that counts for or against the difference.

    Attributes:
        sign: 1 for what is given now, -1 for what was booked (and 1 for what a booked sum took off again).
        close: the close; only pools of its own usage count.
        close_digest: of it.
        folder: holds its lines and work lines.
    """

    sign: int
    close: PeriodClose
    close_digest: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A closed period divided again, and what was booked of it.

    Attributes:
        version: digest of the close whose rules were used.
        terms: the close that came out now, then what was booked before with its sign turned.
    """

    version: str
    terms: tuple[Term, ...]


def name_of(period_id: str) -> str:
    """A period's name in paths; two periods never share one."""
    name = slug(period_id)
    return name if name == period_id else f"{name}-{digest(period_id)[:8]}"


def write_adjustment(folder: Path, version: str, again_digest: str, booked: Sequence[tuple[int, str]]) -> None:
    """States which closes an adjustment follows from, as the last of its files.

    Args:
        folder: of the period, in `ADJUSTED_FOLDER`; holds the close that came out now, and `booked-1` and so on.
        version: digest of the close whose rules were used.
        again_digest: of the close that came out now.
        booked: (sign, digest) of what was booked, in the order of their folders.
    """
    facts = {"version": version, "again": again_digest, "booked": [list(one) for one in booked]}
    write_atomic(folder / FACTS, canonical_bytes(facts))


def read_adjustments(root: Path) -> tuple[Adjustment, ...]:
    """The adjustments beside a close's frozen inputs, by the days of their periods; none where the folder is missing.

    Args:
        root: the folder `ADJUSTED_FOLDER` of a close.

    Raises:
        IntegrityError: a file is missing or is not what the others say.
    """
    found = [_read(folder) for folder in sorted(root.iterdir())] if root.is_dir() else []
    return tuple(sorted(found, key=lambda one: one.terms[0].close.starts_on))


def _read(folder: Path) -> Adjustment:
    facts = _facts(folder / FACTS)
    again = read_term(folder, 1, facts["again"])
    if name_of(again.close.period_id) != folder.name:
        raise IntegrityError("it holds another period", remedy="Restore the folder from your last copy.", file=folder)
    booked = [
        read_term(folder / f"booked-{number}", -sign, stated) for number, (sign, stated) in enumerate(facts["booked"], 1)
    ]
    return Adjustment(facts["version"], (again, *booked))


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        known = set(facts) == {"version", "again", "booked"} and isinstance(facts["version"], str)
        if not known or not all(sign in (1, -1) and isinstance(stated, str) for sign, stated in facts["booked"]):
            raise ValueError("it says something else")
    except (OSError, ValueError, TypeError) as error:
        raise IntegrityError(
            f"what an adjustment follows from cannot be read ({error})",
            remedy="Restore the folder from your last copy.",
            file=path,
        ) from error
    return facts


def read_term(folder: Path, sign: int, stated: str) -> Term:
    """A computed close from its folder, checked against its digest, and its tables against it.

    Args:
        folder: holds `close.json` and its tables.
        sign: of the term.
        stated: the digest of the close.

    Raises:
        IntegrityError: a file is missing or is not what was computed.
    """
    try:
        text = (folder / CLOSE).read_bytes()
    except FileNotFoundError as error:
        raise IntegrityError(
            "the close is missing", remedy="Restore the folder from your last copy.", file=folder / CLOSE
        ) from error
    except OSError as error:
        raise machine_error(error, folder / CLOSE) from error
    if sha256_bytes(text) != stated:
        raise IntegrityError(
            "the close is not what was computed", remedy="Restore it from your last copy.", file=folder / CLOSE
        )
    close = parse_close(text)
    for name, of_close in ((WORK_LINES, close.work_lines_digest), (LINES, close.lines_digest)):
        path = table_path(folder, name)
        try:
            same = table_digest(name, path) == of_close
        except (OSError, ValueError) as error:
            raise IntegrityError(
                f"the table {name} cannot be read ({error})", remedy="Restore it from your last copy.", file=path
            ) from error
        if not same:
            raise IntegrityError(
                f"the table {name} is not the one that was closed", remedy="Restore it from your last copy.", file=path
            )
    return Term(sign, close, stated, folder)

"""From the cells of one row to a submission: who made it, who gets which part, what is permitted, the text.

Rows come from CSV (all cells are texts), JSON Lines (cells may be lists) or Parquet; here they are all the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from endcredits.errors import EndcreditsError, InputError
from endcredits.money import PPB
from endcredits.works.licences import judge_licence
from endcredits.works.names import clean_name, party_key
from endcredits.works.records import VALUES, Contributor, Submission
from endcredits.works.splits import percent_ppb
from endcredits.works.strict_json import read_json
from endcredits.works.texts import check_text, media_type_of, read_bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, by our own names of the columns.

    Attributes:
        file: the table.
        number: 1-based, the header not counted; in JSON Lines the line.
        cells: by our name; a missing key, None and blank text are the same.
        header: our name to the table's own, for errors.
    """

    file: Path
    number: int
    cells: Mapping[str, Any]
    header: Mapping[str, str]

    def error(self, name: str, message: str, remedy: str) -> InputError:
        """An error at a cell."""
        return InputError(message, remedy=remedy, file=self.file, row=self.number, field=self.header.get(name, name))

    def text(self, name: str) -> str:
        """A cell that must be text; "" when empty.

        Raises:
            InputError: a number, list or another type.
        """
        value = self.cells.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.error(name, f"the cell holds {_type(value)}, not text", "Write it as text.")
        return value.strip() if name != "text" else value


def _type(value: object) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a decimal number", list: "a list", dict: "an object"}
    return names.get(type(value), f"a {type(value).__name__}")


def submission_of(row: Row, declared_by: str) -> Submission:
    """Makes the submission of a row.

    Raises:
        InputError: an empty or wrong cell; the message names file, row and field.
    """
    title = row.text("title")
    if not title:
        raise row.error("title", "the title is empty", "Give every work a title.")
    value, reason, name = _permission(row)
    origin = f"{row.file.name} row {row.number}"
    return Submission(
        title=title,
        content=(_content(row, origin),),
        contributors=_contributors(row),
        permission=value,
        permission_reason=reason,
        permission_source=f"{origin}, field {row.header.get(name, name)}" if name else origin,
        declared_by=declared_by,
        origin=origin,
        work_id=_work_id(row),
    )


def _work_id(row: Row) -> str:
    value = row.cells.get("work_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return row.text("work_id")


def _permission(row: Row) -> tuple[str, str, str]:
    """(value, reason, field): the owner's own word goes before the house's reading of a licence."""
    said = row.text("permission").lower()
    if said:
        if said not in VALUES:
            raise row.error("permission", f"'{said[:40]}' is not a permission", f"Use one of: {', '.join(VALUES)}.")
        return said, f"the table says {said}", "permission"
    judged = {name: judge_licence(row.text(name)) for name in ("licence", "license") if row.text(name)}
    if len(set(judged.values())) > 1:
        raise row.error("license", "'licence' and 'license' say different things", "Keep the one that holds.")
    for name, judgement in judged.items():
        return (*judgement, name)
    return "unknown", "the table names no permission and no licence", ""


def _content(row: Row, origin: str) -> tuple[str, str, bytes]:
    value = row.cells.get("text")
    path = row.text("path")
    inline = value if isinstance(value, bytes) else _utf8(row)
    if inline.strip() and path:
        raise row.error("path", "the row gives a text and a path", "Keep one of them.")
    if path:
        return _file(row, path)
    name = "text" if "text" in row.header or "path" not in row.header else "path"
    check_text(inline, row.file, row=row.number, field=row.header.get(name, name))
    return origin, "text/plain", inline


def _utf8(row: Row) -> bytes:
    try:
        return row.text("text").encode("utf-8")
    except UnicodeEncodeError as error:
        raise row.error(
            "text", f"the text holds half a character (a lone surrogate) at position {error.start}", "Save it as UTF-8."
        ) from error


def _file(row: Row, name: str) -> tuple[str, str, bytes]:
    """Reads the file that a row names; it lies below the table's folder, so that a table cannot point elsewhere."""
    if "\0" in name:
        raise row.error("path", "the path holds a NUL character", "Write the file's name.")
    relative = os.path.normpath(name)
    if os.path.isabs(relative) or relative.split(os.sep)[0] == "..":
        raise row.error("path", f"the path '{name}' leads out of the table's folder", "Put the file beside the table.")
    data = read_bytes(row.file.parent / relative, row=row.number, field=row.header.get("path"), table=row.file)
    try:
        check_text(data, row.file, row=row.number, field=row.header.get("path"))
    except InputError as error:
        raise row.error("path", f"'{name}': {error.message}", error.remedy) from error
    return Path(relative).as_posix(), media_type_of(relative), data


def _contributors(row: Row) -> tuple[Contributor, ...]:
    field = "contributors" if "contributors" in row.header and row.cells.get("contributors") else "creator"
    people = _people(row, field)
    roles = [part.strip() for part in row.text("role").split(";")] if row.text("role") else []
    if len(roles) > 1 and len(roles) != len(people):
        raise row.error(
            "role",
            f"there are {len(roles)} roles and {len(people)} creators",
            "Give one role for all, or one for each.",
        )
    splits = _splits(row, len(people))
    contributors = []
    seen: set[tuple[str, str]] = set()
    for number, (name, own_role) in enumerate(people):
        role = own_role or (roles[number if len(roles) > 1 else 0] if roles else "") or "author"
        try:
            name = clean_name(name)
        except EndcreditsError as error:
            raise row.error(field, error.message, error.remedy) from error
        if (party_key(name), role) in seen:
            raise row.error(field, f"'{name}' is named twice as {role}", "Name everybody once.")
        seen.add((party_key(name), role))
        contributors.append(Contributor(name, role, splits[number] if splits else None))
    return tuple(contributors)


def _people(row: Row, field: str) -> list[tuple[str, str]]:
    """(name, role or "") of everybody in a cell: names joined by ";", or a JSON list."""
    value = row.cells.get(field)
    if isinstance(value, str) and (value.lstrip().startswith("[") or field == "contributors"):
        try:
            value = read_json(value)
        except ValueError as error:
            raise row.error(
                field, f"the list is not JSON that can be read ({error})", 'Write [{"name": "A", "role": "author"}].'
            ) from error
    if not isinstance(value, list):
        return [(name.strip(), "") for name in row.text(field).split(";") if name.strip()]
    people = []
    for item in value:
        name = item.get("name") if isinstance(item, dict) else item
        role = (item.get("role") if isinstance(item, dict) else "") or ""
        if not isinstance(name, str) or not isinstance(role, str):
            raise row.error(field, f"the list holds {_type(item)} without a name", "Give every entry a text 'name'.")
        people.append((name, role.strip()))
    return people


def _splits(row: Row, count: int) -> list[int]:
    """Agreed portions in ppb, one per creator; empty for equal ones."""
    value = row.cells.get("split")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, list):
        wrong = next((part for part in value if isinstance(part, bool) or not isinstance(part, int | str)), None)
        if wrong is not None:
            raise row.error("split", f"the list holds {_type(wrong)}", "Write whole numbers or percentages as texts.")
        value = ";".join(str(part) for part in value)
    text = value.strip() if isinstance(value, str) else Row(row.file, row.number, {"split": value}, row.header).text("split")
    if not text:
        return []
    parts = [part.strip() for part in text.split(";")]
    if len(parts) != count:
        raise row.error(
            "split", f"there are {len(parts)} splits and {count} creators", "Give one split for each creator, or none."
        )
    splits = [_split_ppb(row, part) for part in parts]
    if any("%" in part for part in parts) != all("%" in part for part in parts):
        raise row.error("split", "the splits mix percentages and parts per billion", "Write all of them alike.")
    if sum(splits) != PPB:
        raise row.error(
            "split",
            f"the splits sum to {sum(splits):,} ppb, not to 1,000,000,000",
            "Correct them so that they sum to exactly 1,000,000,000 parts per billion (100%).",
        )
    return splits


def _split_ppb(row: Row, part: str) -> int:
    """One portion: a whole number of ppb, or a percentage of up to 7 decimals, which is exact in ppb."""
    percent = percent_ppb(part)
    if percent is not None:
        split_ppb = percent
    elif re.fullmatch(r"[0-9]{1,10}", part):
        split_ppb = int(part)
    else:
        raise row.error(
            "split", f"'{part[:40]}' is not a split", "Write parts per billion (600000000) or a percentage (60%)."
        )
    if split_ppb == 0:
        raise row.error("split", "a split is 0", "A split is greater than 0; credit alone is given by equal splits.")
    return split_ppb

"""Works from a folder of text files, or from one file.

A work's title is its file's name. Its creator is the one that the caller names, or else the name of the first folder
below the given one ("poems/Emily Bronte/stars.txt"). Hidden files and the texts of licences are not works.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from endcredits.errors import InputError, NotFoundError
from endcredits.works.licences import judge_licence
from endcredits.works.names import clean_name
from endcredits.works.records import VALUES, Contributor, Submission
from endcredits.works.texts import check_text, media_type_of, read_bytes, refuse_doubles

_LICENCE_TEXT = re.compile(r"(licen[cs]e|copying)([-._].*)?", re.IGNORECASE)


def read_folder(
    path: str | os.PathLike[str], *, creator: str = "", permission: str = "", licence: str = "", declared_by: str = ""
) -> list[Submission]:
    """Reads works from a folder and its sub-folders, or one work from one file.

    Args:
        path: a folder or a file; all files are UTF-8 text.
        creator: who made all of it; several names are joined by ";". Without it the sub-folders' names count.
        permission: one of `records.VALUES` for training.
        licence: judged by `judge_licence` where no permission is given.
        declared_by: who says so; "the operator" by default.

    Returns:
        One submission per file, in the order of their paths.

    Raises:
        NotFoundError: no such folder or file.
        InputError: an unknown permission, a file that is empty, binary, not UTF-8 or there twice, or no file at all.
    """
    root = Path(path)
    if not root.exists():
        raise NotFoundError("there is no such folder or file", remedy="Check the path.", file=root)
    judgement = _judge(permission, licence)
    names = [clean_name(name) for name in creator.split(";") if name.strip()]
    files = _files(root) if root.is_dir() else [root]
    if not files:
        raise InputError("the folder holds no text file", remedy="Put the works into it.", file=root)
    found = []
    for file in files:
        submission = _submission(root, file, names, judgement, declared_by or "the operator")
        found.append((submission.origin, None, submission))
    refuse_doubles(root, found)
    return [submission for _, _, submission in found]


def _judge(permission: str, licence: str) -> tuple[str, str, str]:
    """(value, reason, source) for all files."""
    if permission:
        if permission not in VALUES:
            raise InputError(
                f"'{permission}' is not a permission", remedy=f"Use one of: {', '.join(VALUES)}.", field="permission"
            )
        return permission, f"{permission}, stated for all files together", "stated with the folder: permission"
    if licence:
        return (*judge_licence(licence), "stated with the folder: licence")
    return "unknown", "no permission and no licence were stated with the folder", "stated with the folder"


def _files(root: Path) -> list[Path]:
    """All files that are works, in the order of their paths; folders behind links are not entered."""

    def refuse(error: OSError) -> None:
        raise InputError(
            f"this folder cannot be read ({error.strerror})", remedy="Check its permissions.", file=error.filename
        ) from error

    found = []
    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and not is_licence_text(Path(name)):
                found.append(Path(folder) / name)
    return sorted(found, key=lambda file: file.relative_to(root).parts)


def is_licence_text(file: Path) -> bool:
    """Whether a file's name says that it is the text of a licence, which is no work of its own."""
    return _LICENCE_TEXT.fullmatch(file.name) is not None


def folder_work(
    root: Path,
    file: Path,
    data: bytes,
    media_type: str,
    *,
    creator: str = "",
    permission: str = "",
    licence: str = "",
    declared_by: str = "",
) -> Submission:
    """One work of a folder, of bytes that were read already and of any kind; options as in `read_folder`.

    Raises:
        InputError: an unknown permission, or a name that cannot be used.
    """
    names = [clean_name(name) for name in creator.split(";") if name.strip()]
    return _work(root, file, data, media_type, names, _judge(permission, licence), declared_by or "the operator")


def _submission(root: Path, file: Path, names: list[str], judgement: tuple[str, str, str], declared_by: str) -> Submission:
    data = read_bytes(file)
    check_text(data, file)
    return _work(root, file, data, media_type_of(file), names, judgement, declared_by)


def _work(
    root: Path,
    file: Path,
    data: bytes,
    media_type: str,
    names: list[str],
    judgement: tuple[str, str, str],
    declared_by: str,
) -> Submission:
    label = file.relative_to(root).as_posix() if file != root else file.name
    parts = file.relative_to(root).parts
    if not names and len(parts) > 1:
        try:
            names = [clean_name(_words(parts[0]))]
        except InputError as error:
            raise InputError(error.message, remedy=error.remedy, file=root / parts[0]) from error
    value, reason, source = judgement
    return Submission(
        title=_words(file.stem),
        content=((label, media_type, data),),
        contributors=tuple(Contributor(name) for name in names),
        permission=value,
        permission_reason=reason,
        permission_source=source,
        declared_by=declared_by,
        origin=label,
    )


def _words(name: str) -> str:
    """A file's name as words: underscores are spaces."""
    return " ".join(name.replace("_", " ").split()) or name

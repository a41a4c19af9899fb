"""Which registered works have a content code (ISCC, ISO 24138) that a given one is equal or near to.

Codes compare text with text and pictures with pictures. A few bits that differ mean the same content, saved again or with a
word changed; more mean something alike, which is a hint. The limits are those of the register of outputs
(`receipts.credentials.registry`) and of the gate (`works.looks_alike`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from endcredits.errors import EndcreditsError, InputError, MachineError
from endcredits.flows.media_codes import work_codes
from endcredits.flows.studio import Studio
from endcredits.flows.trained_on_records import Match
from endcredits.ids import WorkId
from endcredits.progress import Progress, silent
from endcredits.receipts.credentials import library, work_code
from endcredits.receipts.credentials.codes import BITS, code_bytes
from endcredits.receipts.credentials.registry import CLOSE_BITS
from endcredits.works import Manifestation, Work, get_content
from endcredits.works.finding import FileOfWork
from endcredits.works.looks_alike import NEAR_BITS

KIND_OF = {(2, 0): "text", (2, 1): "image", (3, 0): "data", (4, 0): "instance"}
"""Main type and subtype of ISO 24138 to what is compared; works have codes of texts and pictures."""
HEADERS = {0x20: "text", 0x21: "image"}
AT_ONCE = 10_000
"""Works' codes are computed and kept in portions, so that a search that is stopped goes on from there."""


@dataclass(frozen=True, slots=True)
class Code:
    """A content code to be looked for.

    Attributes:
        kind: "text" or "image".
        bits: its bytes; at most 32, of which the first say the same as a shorter code.
    """

    kind: str
    bits: bytes


def parse_codes(text: str) -> tuple[list[Code], list[str]]:
    """The parts of a content code that can be compared with works, and in words those that cannot.

    Args:
        text: an ISCC unit, or a whole ISCC-CODE of several, with or without "ISCC:".

    Raises:
        InputError: it is none, or the extra `media` is missing.
    """
    iscc = library("iscc_lib")
    try:
        parts = [iscc.iscc_decode(unit) for unit in iscc.iscc_decompose(text.strip())]
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"'{text[:60]}' is no content code ({error})",
            remedy="Give an ISCC (ISO 24138), such as ISCC:EAASKDNZNYGUUF5A.",
            field="--code",
        ) from error
    found, left = [], []
    for main_type, subtype, _, _, digest in parts:
        kind = KIND_OF.get((int(main_type), int(subtype)), "")
        if kind in NEAR_BITS and kind != "data":
            found.append(Code(kind, bytes(digest)))
        else:
            left.append(
                f"the part of the code that is about {kind or 'something else'}: works have none; give the file as well"
            )
    return found, left


def given_code(data: bytes, media_type: str) -> list[Code]:
    """The content code of given bytes: none for what has none, cannot be decoded, or is too short.

    Raises:
        InputError: the extra `media` is missing.
    """
    library("iscc_lib")
    made = work_code(data, media_type)
    return [Code(HEADERS[code_bytes(made)[0]], code_bytes(made)[1])] if made else []


@dataclass(frozen=True, slots=True)
class CodesOfWorks:
    """The content codes of registered files.

    Attributes:
        by_kind: for each kind the digests of files and a matrix of their codes, 32 bytes each.
        files: how many files were looked at for codes.
        unread: what could not be read, in words.
    """

    by_kind: Mapping[str, tuple[tuple[str, ...], np.ndarray]]
    files: int
    unread: tuple[str, ...]


def codes_of_works(studio: Studio, files: Iterable[FileOfWork], progress: Progress = silent) -> CodesOfWorks:
    """The codes of some files, each computed once and kept in the studio.

    Raises:
        InputError: the extra `media` is missing.
    """
    library("iscc_lib")
    media_types = {file.sha256: file.media_type for file in files}
    wanted = [_as_work(sha256, media_type) for sha256, media_type in media_types.items()]
    codes: dict[str, tuple[str, ...]] = {}
    unread: list[str] = []
    for start in range(0, len(wanted), AT_ONCE):
        progress("content codes", start, len(wanted))
        codes.update(_codes(studio, wanted[start : start + AT_ONCE], unread))
    if wanted:
        progress("content codes", len(wanted), len(wanted))
    rows: dict[str, tuple[list[str], list[bytes]]] = {}
    for sha256, found in codes.items():
        for code in found:
            try:
                header, bits = code_bytes(code)
            except InputError:
                unread.append(f"the kept content code of {sha256} (delete media/work_codes.json)")
                continue
            if header in HEADERS:
                shas, own = rows.setdefault(HEADERS[header], ([], []))
                shas.append(sha256)
                own.append(bits)
    by_kind = {
        kind: (tuple(shas), np.frombuffer(b"".join(own), np.uint8).reshape(-1, BITS // 8))
        for kind, (shas, own) in rows.items()
    }
    return CodesOfWorks(by_kind, len(wanted) - len(unread), tuple(unread))


def _as_work(sha256: str, media_type: str) -> Work:
    """A file on its own, called by its digest."""
    return Work(WorkId(sha256), "", (Manifestation(sha256, media_type, 0, ""),), (), ())


def _codes(studio: Studio, wanted: Sequence[Work], unread: list[str]) -> dict[str, tuple[str, ...]]:
    try:
        return {str(one): codes for one, codes in work_codes(studio, wanted).items()}
    except MachineError:
        pass  # a copy that may only be read: what is computed is not kept
    except EndcreditsError:
        pass  # a file is missing or damaged, which must not hide all others
    found: dict[str, tuple[str, ...]] = {}
    for work in wanted:
        (file,) = work.manifestations
        try:
            code = work_code(get_content(studio.content, file.sha256), file.media_type)
        except EndcreditsError as error:
            unread.append(f"{error.file or file.sha256}: {error.message}")
            continue
        found[file.sha256] = (code,) if code else ()
    return found


def code_matches(given: Sequence[Code], there: CodesOfWorks, holders: Mapping[str, Sequence[FileOfWork]]) -> list[Match]:
    """The works whose codes are equal or near to given ones, each by its nearest file."""
    best: dict[WorkId, Match] = {}
    for one in given:
        shas, matrix = there.by_kind.get(one.kind, ((), np.zeros((0, BITS // 8), np.uint8)))
        length = min(len(one.bits), BITS // 8)
        wanted = np.frombuffer(one.bits[:length], np.uint8)
        distances = np.bitwise_count(matrix[:, :length] ^ wanted).sum(axis=1, dtype=np.int64)
        close = CLOSE_BITS[one.kind] * length * 8 // BITS
        near = NEAR_BITS[one.kind] if length * 8 == BITS else close
        for number in np.flatnonzero(distances <= near):
            bits = int(distances[number])
            what = {"text": "text", "image": "picture"}[one.kind]
            words = f"its content code as a {what} differs in {bits} of {length * 8} bits"
            for file in holders[shas[number]]:
                match = Match(file.work_id, "code", bits <= close, words, file.sha256, distance_bits=bits)
                known = best.get(file.work_id)
                if known is None or known.distance_bits is None or bits < known.distance_bits:
                    best[file.work_id] = match
    return [best[work_id] for work_id in sorted(best)]

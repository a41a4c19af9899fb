"""Does an output resemble somebody who is enrolled? A reason to look, whatever comes out of it.

The bytes are compared with enrolled references, a picture's content code with theirs, and what a test outside of this
program says is taken over. None of this recognises a person by itself, and nothing found is no answer: a look-alike voice
leaves no digest.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from endcredits.canonical import sha256_file
from endcredits.durable import machine_error
from endcredits.errors import InputError
from endcredits.flows.likeness_granting import content_code_of
from endcredits.flows.studio import Studio
from endcredits.works.likeness import Enrolment, Reason, Resemblance, enrolments, read_scores, same_reference, warnings_of
from endcredits.works.strict_json import read_json
from endcredits.works.texts import check_text, read_bytes

PPB = 1_000_000_000


def document_in(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The one JSON object that a file holds.

    Raises:
        InputError: it holds none.
    """
    place = Path(path)
    try:
        document = read_json(check_text(read_bytes(place), place))
    except ValueError as error:
        raise InputError(f"this is not JSON that can be read ({error})", remedy="Correct it there.", file=place) from error
    if not isinstance(document, dict):
        raise InputError("this is not one JSON object", remedy='Write {"...": ...}.', file=place)
    return document


def scores_in(path: str | os.PathLike[str]) -> tuple[Resemblance, ...]:
    """What a test outside found, from a JSON file; see `works.likeness.read_scores`.

    Raises:
        InputError: it cannot be read; an unreadable test must not pass for one that found nothing.
    """
    return read_scores(document_in(path), str(path))


def resemblances_of(studio: Studio, path: str | os.PathLike[str]) -> tuple[Resemblance, ...]:
    """Whom a file resembles by its bytes and, for a picture, by its content code.

    Raises:
        InputError: there is no such file.
        MachineError: it cannot be read.
    """
    place = Path(path)
    try:
        if not place.is_file():
            raise InputError("there is no such file", remedy="Name the file of the output.", file=place)
        sha256 = sha256_file(place)
    except OSError as error:
        raise machine_error(error, place) from error
    with studio.store.reading() as conn:
        enrolled = enrolments(conn)
    return (*same_reference(enrolled, sha256), *_same_picture(enrolled, content_code_of(place)))


def _same_picture(enrolled: Sequence[Enrolment], code: str) -> Sequence[Resemblance]:
    from endcredits.receipts.credentials.codes import BITS, code_bytes, distance_bits
    from endcredits.receipts.credentials.registry import ALIKE_BITS

    if not code:
        return ()
    found = []
    for one in enrolled:
        if one.content_code:
            apart = distance_bits(code_bytes(code)[1], code_bytes(one.content_code)[1])
            alike, from_here = (round((BITS - bits) / BITS * PPB) for bits in (apart, ALIKE_BITS["image"]))
            words = "content code of an enrolled picture"
            found.append(Resemblance(one.person_id, one.modality, alike, from_here, words))
    return found


def match(studio: Studio, path: str | os.PathLike[str], scores: str | os.PathLike[str] = "") -> tuple[Reason, ...]:
    """The warnings about a file, sorted; none of them clears anything, and no warning does not either."""
    tested = scores_in(scores) if scores else ()
    return tuple(sorted(set(warnings_of((*resemblances_of(studio, path), *tested), ""))))

"""What a test of resemblance is worth: a reason to look, and nothing else.

Whether a face or voice *is* somebody's cannot be told by a distance between two vectors: thresholds are chosen, twins and
imitators exist, and a miss proves nothing. So a test outside of this program may hand in what it found, references are
compared by their digests, and all that ever comes of it is a warning. There is no answer here that clears an output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from endcredits.errors import InputError
from endcredits.works.likeness.questions import Reason, Resemblance
from endcredits.works.likeness.records import MODALITIES, Enrolment

PPB = 1_000_000_000


def warnings_of(resemblances: Iterable[Resemblance], person_id: str) -> Iterator[Reason]:
    """The warnings that tests give cause to.

    Args:
        resemblances: what tests outside say.
        person_id: whose likeness is asked for: to resemble that person is no news. "" for nobody in particular.
    """
    for one in resemblances:
        if not (0 <= one.score_ppb <= PPB and 0 <= one.threshold_ppb <= PPB):
            yield Reason("not-tested", f"the test '{one.tested_by}' gives no score from 0 to 1; nothing follows from it")
        elif one.score_ppb >= one.threshold_ppb and one.person_id != person_id:
            much = f"{one.score_ppb / PPB:.3f}, from {one.threshold_ppb / PPB:.3f} on a match"
            yield Reason("resembles", f"its {one.modality} resembles '{one.person_id}' ({much}; {one.tested_by})")


def same_reference(enrolments: Iterable[Enrolment], sha256: str) -> Iterator[Resemblance]:
    """Enrolled references with exactly these bytes."""
    for one in enrolments:
        if one.reference_sha256 == sha256:
            yield Resemblance(one.person_id, one.modality, PPB, PPB, "the bytes are those of an enrolled reference")


def read_scores(document: Any, file: str = "") -> tuple[Resemblance, ...]:
    """What a test outside hands in: `{"tested_by": "...", "scores": [{"person_id", "modality", "score", "threshold"}]}`.

    Scores are decimal texts or numbers from 0 to 1.

    Raises:
        InputError: another form, with the row; an unreadable test warns of nothing, and must not pass for one that found
            nothing.
    """
    if not isinstance(document, dict) or not isinstance(document.get("scores"), list):
        raise InputError(
            "this is no list of scores", remedy='Write {"tested_by": "...", "scores": [...]}.', file=file or None
        )
    tested_by = document.get("tested_by")
    if not isinstance(tested_by, str) or not tested_by.strip() or not tested_by.isprintable():
        raise InputError(
            "the test has no name", remedy="Say which test, and its version.", file=file or None, field="tested_by"
        )
    found = []
    for row, item in enumerate(document["scores"], 1):
        try:
            person, modality = item["person_id"], item["modality"]
            score, threshold = (_ppb(item[name]) for name in ("score", "threshold"))
            if not isinstance(person, str) or modality not in MODALITIES:
                raise ValueError(f"the modality is one of {', '.join(MODALITIES)}")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(
                f"the score cannot be read ({why})",
                remedy='Write {"person_id": "party:...", "modality": "face", "score": 0.91, "threshold": 0.8}.',
                file=file or None,
                row=row,
            ) from error
        found.append(Resemblance(person, modality, score, threshold, tested_by[:200]))
    return tuple(found)


def _ppb(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a score is a number from 0 to 1")
    number = float(value)
    if not 0 <= number <= 1:  # also refuses what is not a number
        raise ValueError("a score is a number from 0 to 1")
    return round(number * PPB)

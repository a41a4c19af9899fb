"""Which part of an output each work moved: the spans of its text with credits of their own.

The studio keeps only digests of outputs, so the text is given again and must be the one that was attributed. Nothing is
recorded: spans explain an attribution to people, and what they say adds up to what it says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from endcredits.attribution import Attribution, find_attribution
from endcredits.canonical import sha256_bytes
from endcredits.errors import InputError, NotFoundError
from endcredits.flows.audit_log import find_calibration
from endcredits.flows.indexing import OpenIndex
from endcredits.flows.studio import Studio
from endcredits.ids import OutputId, WorkId
from endcredits.influence import Credits
from endcredits.influence.replay.calibration import PPB, Calibration

COUNTED_PAIR = ("tokenizer", "context")
"""What a pair of models must have, besides the parts of every pair, for its outputs to be cut into spans of tokens."""


@dataclass(frozen=True, slots=True)
class CreditSpan:
    """A part of an output with credits of its own.

    Attributes:
        text: its bytes.
        tokens: how many it has.
        log_ratio_nats: measured log p_full - log p_base of these tokens, given all before them.
        credit_nats: signed credit per work, in the order of `TextSpans.work_ids`.
        error_nats: standard error per work, >= 0.
    """

    text: bytes
    tokens: int
    log_ratio_nats: float
    credit_nats: tuple[float, ...]
    error_nats: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TextSpans:
    """An output in parts that follow each other without gap.

    Attributes:
        work_ids: the works of the index.
        spans: in the order of the text; over them credits add up to the attribution's.
    """

    work_ids: tuple[WorkId, ...]
    spans: tuple[CreditSpan, ...]

    def of_work(self, work_id: str) -> tuple[float, ...]:
        """One work's credit in every span, in nats.

        Raises:
            NotFoundError: the index has no such work.
        """
        if work_id not in self.work_ids:
            raise NotFoundError(
                f"the index has no work '{work_id}'", remedy="See the ids: endcredits works list", field="work_id"
            )
        column = self.work_ids.index(WorkId(work_id))
        return tuple(span.credit_nats[column] for span in self.spans)


@dataclass(frozen=True, slots=True)
class Leader:
    """Who moved a span most.

    Attributes:
        name: a creator; "" when nobody's credit is larger than its own standard error.
        credit_nats: the creator's; 0 for nobody.
        error_nats: its standard error.
    """

    name: str
    credit_nats: float
    error_nats: float


def measure_spans(
    index: OpenIndex, attribution: Attribution, text: bytes, prompt: bytes = b"", *, most: int = 16
) -> TextSpans:
    """Measures the spans of an attributed output; each costs as much as attributing a short output.

    Args:
        index: the one that the attribution names.
        attribution: of the output.
        text: the output again.
        prompt: what came before it.
        most: spans, at least 1.

    Raises:
        InputError: text or prompt are not those that were attributed, or the outputs of this index are not text.
        NotFoundError: the attribution was made by another index.
    """
    check_given(attribution, text, prompt)
    if index.index.digest != attribution.index_digest:
        raise NotFoundError(
            f"{attribution.output_id} was attributed by another index than the studio's current one",
            remedy="Attribute the output again (endcredits attribute), or build that index again and make it current.",
            field="output_id",
        )
    if not all(hasattr(index.pair, part) for part in COUNTED_PAIR):
        raise InputError(
            "the outputs of this index are not texts of tokens, so they have no spans",
            remedy="Ask for the end credits without a text.",
            field="text",
        )
    from endcredits.influence.text.spans import span_credits, text_spans  # these need torch, and are asked for rarely

    tokenizer, context = (getattr(index.pair, part) for part in COUNTED_PAIR)
    spans = text_spans(tokenizer, context, index.pair.output(text, prompt), most=most)
    found = span_credits(index.index, spans)
    if attribution.calibration_digest:
        # An index lives in index/<name>/ of its studio.
        calibration = find_calibration(index.folder.parent.parent, attribution.calibration_digest)
        found = calibrated_spans(calibration, found, [span.tokens for span in spans])
    return TextSpans(
        index.index.work_ids,
        tuple(
            CreditSpan(text[span.start : span.stop], span.tokens, one.log_ratio_nats, one.credit_nats, one.error_nats)
            for span, one in zip(spans, found, strict=True)
        ),
    )


def calibrated_spans(calibration: Calibration, spans: Sequence[Credits], tokens: Sequence[int]) -> list[Credits]:
    """Spans' credits as an audit corrects them, so that they add up to the corrected credits of the whole output.

    The slope holds for a span as for an output (`attribution.calibrating`); a catalogue's level goes to the spans by tokens.
    """
    count, rho, rho_error = len(calibration.levels), calibration.rho, calibration.rho_error
    levels = calibration.levels_nats - calibration.levels_nats.mean()
    places = {
        part.work_id: (number, part.part_ppb / PPB)
        for number, level in enumerate(calibration.levels)
        for part in level.parts
    }
    found = []
    for span, length in zip(spans, tokens, strict=True):
        here = length / sum(tokens)
        raw = dict(zip(span.work_ids, span.credit_nats, strict=True))
        mean = sum(raw[work_id] for work_id in places) / count
        credits, errors = [], []
        for work_id, credit, error in zip(span.work_ids, span.credit_nats, span.error_nats, strict=True):
            if work_id in places:
                number, part = places[work_id]
                error = math.hypot(
                    rho * error,
                    rho_error * (credit - part * mean),
                    part * here * float(calibration.level_errors_nats[number]),
                )
                credit = rho * credit + part * (here * float(levels[number]) + (1 - rho) * mean)
            credits.append(credit)
            errors.append(error)
        found.append(replace(span, credit_nats=tuple(credits), error_nats=tuple(errors)))
    return found


def check_given(attribution: Attribution, text: bytes, prompt: bytes) -> None:
    """Compares an output that is given again with the digests of the one that was attributed.

    Raises:
        InputError: it is another; a line break at the end, which editors add, is named.
    """
    for name, given, digest in (("text", text, attribution.output_sha256), ("prompt", prompt, attribution.prompt_sha256)):
        if sha256_bytes(given) == digest:
            continue
        hint = ""
        for without in (given.removesuffix(b"\n"), given + b"\n"):
            if sha256_bytes(without) == digest:
                hint = " but for the line break at its end"
        raise InputError(
            f"this is not the {name} of {attribution.output_id}{hint or ': its digest is another'}",
            remedy=f"Give the very bytes that were attributed{', prompt included' if name == 'prompt' else ''}.",
            field=name,
        )


def find_output(studio: Studio, output_id: str) -> Attribution:
    """The attribution of an output.

    Raises:
        NotFoundError: it was never attributed here.
    """
    with studio.store.reading() as conn:
        found = find_attribution(conn, OutputId(output_id))
    if found is None:
        raise NotFoundError(
            f"no output '{output_id}' was attributed here",
            remedy="Its id is in its receipt (endcredits receipt list), or attribute it: endcredits attribute FILE",
            field="output_id",
        )
    return found


def by_creator(spans: TextSpans, portions: Mapping[str, Mapping[str, float]]) -> dict[str, tuple[float, ...]]:
    """Credits of creators in every span, in nats: a work's credit is divided by its splits.

    Args:
        spans: with credits per work.
        portions: for each work the part of each creator; a work's parts sum to 1.

    Returns:
        Creators by their credit over the whole output, largest first.
    """
    found: dict[str, list[float]] = {}
    for column, work_id in enumerate(spans.work_ids):
        for name, part in portions[work_id].items():
            row = found.setdefault(name, [0.0] * len(spans.spans))
            for number, span in enumerate(spans.spans):
                row[number] += part * span.credit_nats[column]
    return {name: tuple(found[name]) for name in sorted(found, key=lambda name: (-sum(found[name]), name))}


def leaders(spans: TextSpans, portions: Mapping[str, Mapping[str, float]]) -> tuple[Leader, ...]:
    """Who moved each span most, where that is clearer than its error; errors of works are added in quadrature."""
    credits = by_creator(spans, portions)
    found = []
    for number, span in enumerate(spans.spans):
        here = {name: values[number] for name, values in credits.items()}
        name = max(here, key=here.__getitem__)
        variance = sum(
            (portions[work_id].get(name, 0.0) * error) ** 2
            for work_id, error in zip(spans.work_ids, span.error_nats, strict=True)
        )
        leader = Leader(name, here[name], variance**0.5)
        found.append(leader if leader.credit_nats > leader.error_nats else Leader("", 0.0, 0.0))
    return tuple(found)


def strip_levels(values: Sequence[float]) -> tuple[int, ...]:
    """Values as whole steps from -8 to 8 of the largest among them; 0 only for what rounds to nothing.

    >>> strip_levels([0.5, -1.0, 0.0])
    (4, -8, 0)
    """
    largest = max((abs(value) for value in values), default=0.0)
    return tuple(round(8 * value / largest) if largest else 0 for value in values)

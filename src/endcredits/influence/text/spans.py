"""Which part of a text a work moved: the parts of an output, each attributed by itself.

A credit is linear in the gradient of the output's log-probability, and that log-probability is a sum over tokens. So a text
may be cut into spans, each measured as a window that sees everything before it and counts its own tokens alone; the spans'
log-ratios add up to the output's, and so do their credits, work by work (a test compares them with the whole). A span is a
sentence where there are sentences, else some words. Each costs what an output of its own costs.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from endcredits.errors import InputError
from endcredits.influence.records import Credits
from endcredits.influence.text.tokenizers import ByteTokenizer, Tokenizer
from endcredits.influence.text.windows import TextOutput, Window, output_windows

if TYPE_CHECKING:
    from endcredits.influence.gradient.index import InfluenceIndex

FEW = 4
"""Fewer parts than this tell too little; then shorter ones are taken."""
MOST = 16
_SENTENCE = re.compile(rb"(?:[.!?]+(?:[\"')\]]|\xe2\x80[\x99\x9d])*\s+)|\n+|\xe3\x80\x82|\xef\xbc[\x81\x9f]")
"""Ends of sentences and lines, and the full-width stops of Chinese and Japanese."""
_WORD = re.compile(rb"\s+")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an output.

    Attributes:
        start: first byte of the output's text.
        stop: byte after the last; the spans of an output follow each other without gap.
        windows: together they count exactly this span's tokens, each seeing what came before it.
    """

    start: int
    stop: int
    windows: tuple[Window, ...]

    @property
    def tokens(self) -> int:
        """How many tokens it counts."""
        return sum(len(window.ids) - window.context_tokens for window in self.windows)


def text_spans(tokenizer: Tokenizer, context: int, output: TextOutput, *, most: int = MOST) -> tuple[Span, ...]:
    """Cuts an output into sentences, words or tokens: whatever gives at least 4 parts, and at most `most` of them.

    Args:
        tokenizer: of the models.
        context: tokens in a window, as the task was made with.
        output: text and prompt.
        most: spans, at least 1.

    Raises:
        InputError: the text has no tokens.
    """
    prompt, ids = tokenizer.encode(output.prompt), tokenizer.encode(output.text)
    if not ids:
        raise InputError("the output is empty", remedy="Give at least one character.", field="output")
    ends = token_ends(tokenizer, output.text, ids)
    stops = _token_stops(output.text, ends, most)
    windows = output_windows(prompt, ids, context)
    spans = []
    for first, last in pairwise([0, *stops]):
        begin = ends[first - 1] if first else 0
        end = ends[last - 1] if last < len(ids) else len(output.text)
        spans.append(Span(begin, end, _part(windows, first, last)))
    return tuple(spans)


def span_credits(index: InfluenceIndex, spans: Sequence[Span]) -> list[Credits]:
    """Credits of every span, in nats; over spans they add up to the output's own credits, in every tier.

    A span that lies in several windows is the sum of its parts there. Errors are stated for a span as for an output and do
    not add up; those of parts are added, as if they erred together.
    """
    found = iter(index.attribute([window for span in spans for window in span.windows]))
    return [_sum([next(found) for _ in span.windows]) for span in spans]


def token_ends(tokenizer: Tokenizer, text: bytes, ids: Sequence[int]) -> list[int]:
    """Where each token ends, in bytes of the text: never falling, and never beyond the text."""
    if isinstance(tokenizer, ByteTokenizer):
        return list(range(1, len(text) + 1))
    inner: Any = getattr(tokenizer, "inner", None)
    if getattr(inner, "is_fast", False):
        readable = text.decode()
        offsets = inner(readable, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        if len(offsets) == len(ids):
            places = list(accumulate((len(letter.encode()) for letter in readable), initial=0))
            return list(accumulate((places[stop] for _, stop in offsets), max))
    return ends_by_decoding(tokenizer, text, ids)


def ends_by_decoding(tokenizer: Tokenizer, text: bytes, ids: Sequence[int]) -> list[int]:
    """The same for tokenizers that do not tell: how far the text of the first tokens agrees with the text."""
    ends = [_agreeing(tokenizer.decode(list(ids[:number])), text) for number in range(1, len(ids) + 1)]
    return list(accumulate(ends, max))


def _agreeing(one: bytes, other: bytes) -> int:
    for number, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return number
    return min(len(one), len(other))


def _token_stops(text: bytes, ends: Sequence[int], most: int) -> list[int]:
    """After which tokens spans end, counted from 1; the last is the number of tokens."""
    last = len(ends)
    # A span may end between characters only, and tokens that spell nothing stay with the one before.
    whole = [n for n in range(1, last) if ends[n - 1] < ends[n] and text[ends[n - 1]] & 0xC0 != 0x80]
    stops = [*whole, last]
    places = [ends[n - 1] for n in whole]
    for pattern in (_SENTENCE, _WORD):
        wanted = [match.end() for match in pattern.finditer(text) if match.end() < len(text)]
        found = sorted({_nearest(whole, places, place) for place in wanted}) if whole else []
        if len(found) + 1 >= FEW:
            stops = [*found, last]
            break
    if len(stops) <= most:
        return stops
    inner = stops[:-1]
    chosen = {_nearest(inner, inner, last * part / most) for part in range(1, most)}
    return [*sorted(chosen), last]


def _nearest(values: Sequence[int], places: Sequence[int], wanted: float) -> int:
    """The value whose place (rising) is nearest to the one wanted; the earlier of two."""
    right = bisect_left(places, wanted)
    near = [number for number in (right - 1, right) if 0 <= number < len(places)]
    return values[min(near, key=lambda number: abs(places[number] - wanted))]


def _part(windows: Sequence[Window], first: int, last: int) -> tuple[Window, ...]:
    """Windows that count the output's tokens first..last-1 alone; what follows them is left away, as nothing looks ahead."""
    parts = []
    begin = 0
    for window in windows:
        end = begin + len(window.ids) - window.context_tokens
        low, high = max(first, begin), min(last, end)
        if low < high:
            shift = window.context_tokens - begin
            parts.append(Window(window.ids[: high + shift], low + shift))
        begin = end
    return tuple(parts)


def _sum(parts: Sequence[Credits]) -> Credits:
    if len(parts) == 1:
        return parts[0]
    columns = zip(*(part.credit_nats for part in parts), strict=True)
    errors = zip(*(part.error_nats for part in parts), strict=True)
    return Credits(
        sum(part.log_ratio_nats for part in parts),
        parts[0].work_ids,
        tuple(map(sum, columns)),
        tuple(map(sum, errors)),
    )

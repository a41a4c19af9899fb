"""Cutting texts into context windows.

A training text is cut into windows of at most `context` tokens that follow each other; every window begins anew with the
beginning token, and every token counts once. An output follows its prompt: the prompt's tokens are context and do not
count, and a long output slides, so that each counted token sees at least half a window of what came before it.

Training often packs: works follow each other in one stream that is cut every `context` tokens, so that a window holds the
end of one and the beginning of another. The loss of such a window is the sum over its tokens, so it falls apart into one
window per work that counts that work's tokens alone. A causal model does not look ahead: what follows a work's last token is
left away, and what stands before its first is context, if the training let it be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive tokens of which some are only context.

    Attributes:
        ids: token ids, at most `context` of them, without the beginning token.
        context_tokens: how many at the start are context and do not count.
    """

    ids: tuple[int, ...]
    context_tokens: int = 0


@dataclass(frozen=True, slots=True)
class TextOutput:
    """A text that a model made, with the prompt it followed.

    Attributes:
        text: UTF-8 bytes of the output.
        prompt: UTF-8 bytes before it, which are context and are not attributed.
    """

    text: bytes
    prompt: bytes = b""


def training_windows(ids: Sequence[int], context: int) -> list[Window]:
    """Windows of a training text.

    >>> [window.ids for window in training_windows([1, 2, 3, 4, 5], 2)]
    [(1, 2), (3, 4), (5,)]
    """
    return [Window(tuple(ids[start : start + context])) for start in range(0, len(ids), context)]


def packed_windows(works: Sequence[Sequence[int]], context: int, *, isolated: bool = False) -> list[list[Window]]:
    """Windows of each of several works that were trained on as one stream; together they count every token once.

    Args:
        works: token ids of each, in the order of the stream; a separator belongs to the work that it ends.
        context: tokens in a window of the stream.
        isolated: works in one window could not see each other (a block mask, with positions that begin anew).

    >>> [[(window.ids, window.context_tokens) for window in work] for work in packed_windows([[1, 2, 3], [4, 5]], 4)]
    [[((1, 2, 3), 0)], [((1, 2, 3, 4), 3), ((5,), 0)]]
    """
    stream = [token for ids in works for token in ids]
    packed: list[list[Window]] = []
    begin = 0
    for ids in works:
        end = begin + len(ids)
        windows = []
        for start in range(begin // context * context, end, context) if ids else ():
            first, last = max(begin, start), min(end, start + context)
            seen = first if isolated else start
            windows.append(Window(tuple(stream[seen:last]), first - seen))
        packed.append(windows)
        begin = end
    return packed


def output_windows(prompt: Sequence[int], output: Sequence[int], context: int) -> list[Window]:
    """Windows of an output after a prompt; every output token counts in exactly one.

    >>> output_windows([1, 2, 3], [4, 5, 6, 7], 4)
    [Window(ids=(2, 3, 4, 5), context_tokens=2), Window(ids=(4, 5, 6, 7), context_tokens=2)]
    """
    if len(prompt) + len(output) <= context:
        return [Window((*prompt, *output), len(prompt))] if output else []
    return list(_sliding([*prompt, *output], len(prompt), context))


def _sliding(ids: Sequence[int], first: int, context: int) -> Iterator[Window]:
    half = context // 2
    position = first  # the next token that has to count
    while position < len(ids):
        start = max(0, position - half)
        stop = min(len(ids), start + context)
        yield Window(tuple(ids[start:stop]), position - start)
        position = stop

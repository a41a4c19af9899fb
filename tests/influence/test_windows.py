"""Every token that ought to count is counted exactly once, in a window that fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from endcredits.influence.text.windows import Window, output_windows, packed_windows, training_windows

IDS = st.lists(st.integers(0, 300), max_size=60)
CONTEXT = st.integers(1, 20)


def counted(windows: list[Window]) -> list[int]:
    """The tokens that count, in their order."""
    return [token for window in windows for token in window.ids[window.context_tokens :]]


@given(IDS, CONTEXT)
def test_a_training_text_counts_once(ids: list[int], context: int) -> None:
    """In windows that follow each other, all full but the last."""
    windows = training_windows(ids, context)

    assert counted(windows) == ids
    assert all(window.context_tokens == 0 and len(window.ids) == context for window in windows[:-1])
    assert all(1 <= len(window.ids) <= context for window in windows)


@given(IDS, IDS, CONTEXT)
def test_an_output_counts_once_and_its_prompt_never(prompt: list[int], output: list[int], context: int) -> None:
    """However long either is; every window fits and counts something."""
    windows = output_windows(prompt, output, context)

    assert counted(windows) == output
    assert all(len(window.ids) <= context and window.context_tokens < len(window.ids) for window in windows)


@given(IDS, st.lists(st.integers(0, 300), min_size=1, max_size=60), CONTEXT)
def test_a_counted_token_sees_what_came_before(prompt: list[int], output: list[int], context: int) -> None:
    """At least half a window of the text right before it, or everything there is."""
    whole = [*prompt, *output]
    position = len(prompt)

    for window in output_windows(prompt, output, context):
        for place in range(window.context_tokens, len(window.ids)):
            seen = window.ids[:place]
            assert list(seen) == whole[position - len(seen) : position]
            assert len(seen) >= min(position, context // 2)
            position += 1


@given(IDS, st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_what_fits_is_one_window(prompt: list[int], output: list[int]) -> None:
    """Prompt and output together, up to the last token of room."""
    ids = (*prompt, *output)

    assert output_windows(prompt, output, len(ids)) == [Window(ids, len(prompt))]
    if len(ids) > 1:
        assert output_windows(prompt, output, len(ids) - 1) != [Window(ids, len(prompt))]


WORKS = st.lists(IDS, max_size=6)


@given(WORKS, CONTEXT, st.booleans())
def test_packed_works_count_once_each(works: list[list[int]], context: int, isolated: bool) -> None:
    """Each work's windows count its own tokens and nobody else's, in windows that fit."""
    packed = packed_windows(works, context, isolated=isolated)

    assert [counted(windows) for windows in packed] == works
    assert all(len(window.ids) <= context for windows in packed for window in windows)
    assert all(window.context_tokens < len(window.ids) for windows in packed for window in windows)


@given(WORKS, CONTEXT)
def test_a_packed_token_sees_its_stream_from_the_cut(works: list[list[int]], context: int) -> None:
    """What stood before it in its window, of whichever work; nothing of another work where works were isolated."""
    stream = [token for ids in works for token in ids]
    position = 0
    for windows in packed_windows(works, context):
        for window in windows:
            for place in range(window.context_tokens, len(window.ids)):
                assert list(window.ids[:place]) == stream[position // context * context : position]
                position += 1
    assert position == len(stream)
    assert all(not w.context_tokens for windows in packed_windows(works, context, isolated=True) for w in windows)


@given(IDS, CONTEXT)
def test_one_work_alone_is_packed_as_it_is_cut(ids: list[int], context: int) -> None:
    """A stream of one work is a training text; an empty work has no windows."""
    assert packed_windows([[], ids, []], context) == [[], training_windows(ids, context), []]

"""Spans cut a text where people would, count every token once, and their credits add up to the whole output's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from endcredits.errors import InputError
from endcredits.influence import InfluenceIndex, TextModels, build_index
from endcredits.influence.text.finetune import TextFineTune
from endcredits.influence.text.spans import FEW, ends_by_decoding, span_credits, text_spans, token_ends
from endcredits.influence.text.tokenizers import ByteTokenizer
from endcredits.influence.text.windows import TextOutput, output_windows
from tests.influence.helpers import WORKS
from tests.influence.test_response_index import build, place, tested

__all__ = ["place", "tested"]

TEXT = b"The rose said no. The fox said yes! Who asked? Nobody did. So it went on."


@dataclass(frozen=True, slots=True)
class Words:
    """Tokens are words with the space before them, as many vocabularies have it."""

    vocabulary: list[bytes]

    name = "words"
    bos_id = 0

    def encode(self, text: bytes) -> list[int]:
        pieces = text.replace(b" ", b"\0 ").split(b"\0")
        for piece in pieces:
            if piece and piece not in self.vocabulary:
                self.vocabulary.append(piece)
        return [self.vocabulary.index(piece) for piece in pieces if piece]

    def decode(self, ids: list[int]) -> bytes:
        return b"".join(self.vocabulary[token] for token in ids)


def parts(text: bytes, **more: int) -> list[bytes]:
    return [text[span.start : span.stop] for span in text_spans(ByteTokenizer(), 24, TextOutput(text), **more)]


def test_sentences_are_spans() -> None:
    """Where there are sentences they are the spans, and a long text groups them."""
    assert parts(TEXT) == [b"The rose said no. ", b"The fox said yes! ", b"Who asked? ", b"Nobody did. ", b"So it went on."]
    many = parts(TEXT + b" " + TEXT * 9, most=6)
    assert len(many) == 6 and all(part.rstrip()[-1:] in b".!?" for part in many)
    assert parts("これは。それは。あれは。どれは".encode()) == [
        part.encode() for part in ("これは。", "それは。", "あれは。", "どれは")
    ]


def test_without_sentences_words_and_without_words_letters() -> None:
    """One long sentence is cut at words; a word that has no spaces between characters, never inside one."""
    words = parts(b"salt road mule sand sun dune cart well dust caravan " * 6)
    assert len(words) == 16 and all(part.endswith(b" ") for part in words)
    letters = parts("éàüöñ".encode())
    assert [part.decode() for part in letters] == list("éàüöñ")
    assert parts(b"a") == [b"a"] and len(parts(b"abcdefgh" * 9)) == 16
    assert len(parts(b"two words")) >= FEW, "two spans would tell too little"
    assert parts(b"\xff\xfe\x80\x80 bytes that are no text")[0].startswith(b"\xff")
    with pytest.raises(InputError, match="empty"):
        parts(b"")


@pytest.mark.parametrize("context", [8, 24, 500])
@pytest.mark.parametrize("prompt", [b"", b"once upon a time "])
def test_every_token_counts_once_and_sees_what_it_saw(context: int, prompt: bytes) -> None:
    """Spans count the tokens that the output's windows count, each after the same context."""

    def counted(windows: object) -> list[tuple[tuple[int, ...], int]]:
        return [
            (window.ids[:place], window.ids[place])
            for window in windows  # type: ignore[attr-defined]
            for place in range(window.context_tokens, len(window.ids))
        ]

    spans = text_spans(ByteTokenizer(), context, TextOutput(TEXT, prompt))

    assert counted(w for span in spans for w in span.windows) == counted(output_windows(list(prompt), list(TEXT), context))
    assert b"".join(TEXT[span.start : span.stop] for span in spans) == TEXT
    assert sum(span.tokens for span in spans) == len(TEXT)


def add_up(index: InfluenceIndex, output: TextOutput, context: int) -> None:
    """The slow twin of spans is the output itself."""
    (whole,) = index.attribute([output])
    spans = text_spans(ByteTokenizer(), context, output, most=5)
    found = span_credits(index, spans)

    assert len(found) == len(spans) == 5 and sum(len(span.windows) for span in spans) > 5, "a span lies in two windows"
    assert sum(one.log_ratio_nats for one in found) == pytest.approx(whole.log_ratio_nats, abs=1e-4)
    table = np.array([one.credit_nats for one in found])
    np.testing.assert_allclose(table.sum(0), whole.credit_nats, atol=1e-4)
    assert np.abs(table).max() > 0.01 and table.std(0).max() > 0.01, "not nothing, and not the same everywhere"
    np.testing.assert_allclose(table.sum(1), [one.log_ratio_nats for one in found], atol=1e-6)
    assert all(one.work_ids == index.work_ids and min(one.error_nats) >= 0 for one in found)


LONG = TextOutput(b"zip zap went the fox, said the rose. A rose is a rose", b"zig ")


def test_credits_of_spans_add_up_in_the_curvature_tier(tiny_models: TextModels, tmp_path: Path) -> None:
    """Also where a long output slides over several windows, and after a prompt."""
    examples = [e for n, text in enumerate(WORKS) for e in tiny_models.examples(f"work-{n}", text)]  # type: ignore[arg-type]
    index = build_index(
        tmp_path / "index", base=tiny_models.base, full=tiny_models.full, task=tiny_models.task, examples=examples
    )
    add_up(index, LONG, tiny_models.context)


def test_credits_of_spans_add_up_in_the_response_tier(tested: TextFineTune, place: Path) -> None:
    """With the curvature tier beside it."""
    add_up(build(tested, place, "spans", curvature_weight=0.3), LONG, 24)


def test_a_token_that_begins_with_a_space_begins_the_next_span() -> None:
    """Vocabularies put the space before the word; the cut goes to the token's end that lies nearest."""
    tokenizer = Words([])
    spans = text_spans(tokenizer, 24, TextOutput(TEXT))

    assert [TEXT[span.start : span.stop] for span in spans][:2] == [b"The rose said no.", b" The fox said yes!"]
    assert sum(span.tokens for span in spans) == len(TEXT.split())
    ids = tokenizer.encode(TEXT)
    assert token_ends(tokenizer, TEXT, ids) == ends_by_decoding(tokenizer, TEXT, ids)
    assert ends_by_decoding(tokenizer, TEXT, ids)[-1] == len(TEXT)


def test_a_library_tokenizer_tells_where_its_tokens_end(tmp_path: Path) -> None:
    """The offsets of a fast tokenizer, in bytes, are what decoding finds."""
    tokenizers = pytest.importorskip("tokenizers")
    from transformers import PreTrainedTokenizerFast

    from endcredits.influence.text.tokenizers import FolderTokenizer

    inner = tokenizers.Tokenizer(tokenizers.models.BPE())
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=["<s>"])
    inner.train_from_iterator([TEXT.decode()] * 3, trainer)
    tokenizer = FolderTokenizer(PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>"), 0, "hf:test")
    text = "The rose said no. Der Fuchs sagte: „süß“. Who asked?\nNobody did.".encode()
    ids = tokenizer.encode(text)

    ends = token_ends(tokenizer, text, ids)
    spans = text_spans(tokenizer, 64, TextOutput(text))

    assert len(ends) == len(ids) and ends[-1] == len(text)
    spelt = ends_by_decoding(tokenizer, text, ids)
    of_letters = [n for n in range(len(ids)) if n + 1 == len(ids) or ends[n] < ends[n + 1]]
    assert [ends[n] for n in of_letters] == [spelt[n] for n in of_letters] and len(of_letters) < len(ids)
    assert b"".join(text[span.start : span.stop] for span in spans) == text and len(spans) == 4
    assert all(text[span.start : span.stop].decode() for span in spans)

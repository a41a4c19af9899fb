"""Text overlap: what a search engine would say. Neither method looks at the model.

BM25 (Robertson & Zaragoza 2009) ranks the training examples by the words they share with the output, rare words first; a
creator's score is the sum over the examples. N-gram overlap counts the output's distinct runs of `RUN` tokens that an
example holds as well, summed over a creator's examples. Both are additive over examples and never negative.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from benchmarks.payout.panel import Panel, Scored
from benchmarks.payout.peers.common import example_creators

SATURATION, LENGTH_WEIGHT = 1.2, 0.75
"""k1 and b of BM25: the values that search engines ship with."""

RUN = 8
"""Tokens in a run; of bytes, about a word and a half."""

WORD = re.compile(r"\w+")


def _words(panel: Panel, ids: Sequence[int]) -> list[str]:
    return WORD.findall(panel.models.tokenizer.decode(list(ids)).decode("utf-8", "ignore").lower())


def bm25(panel: Panel) -> Scored:
    """Sum over a creator's examples of their BM25 score for the output's words."""
    begin = time.process_time()
    owners = example_creators(panel)
    documents = [Counter(_words(panel, example.ids)) for example in panel.examples]
    lengths = np.array([sum(document.values()) for document in documents], dtype=float)
    mean = max(lengths.mean(), 1.0)
    holders: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, document in enumerate(documents):
        for word, count in document.items():
            holders[word].append((number, count))
    weights = {}  # word -> what one occurrence in an output adds to each creator, [C]
    for word, found in holders.items():
        rarity = math.log(1 + (len(documents) - len(found) + 0.5) / (len(found) + 0.5))
        row = np.zeros(len(panel.creators))
        for number, count in found:
            penalty = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * lengths[number] / mean)
            row[owners[number]] += rarity * count * (SATURATION + 1) / (count + penalty)
        weights[word] = row
    once = time.process_time() - begin
    begin = time.process_time()
    scores = np.zeros((len(panel.queries), len(panel.creators)))
    for number, query in enumerate(panel.queries):
        for word in WORD.findall(query.output.decode("utf-8", "ignore").lower()):
            if word in weights:
                scores[number] += weights[word]
    kept = sum(len(word) + 8 * len(panel.creators) for word in weights)
    return Scored(scores, False, once, (time.process_time() - begin) / max(1, len(panel.queries)), kept)


def ngram_overlap(panel: Panel) -> Scored:
    """For each output, its distinct runs of tokens that an example holds, summed over each creator's examples."""
    begin = time.process_time()
    holders: dict[tuple[int, ...], np.ndarray] = {}
    for owner, example in zip(example_creators(panel), panel.examples, strict=True):
        for run in _runs(example.ids):
            if run not in holders:
                holders[run] = np.zeros(len(panel.creators), dtype=np.uint16)
            holders[run][owner] += 1
    once = time.process_time() - begin
    begin = time.process_time()
    scores = np.zeros((len(panel.queries), len(panel.creators)))
    for number, query in enumerate(panel.queries):
        for run in _runs(panel.models.tokenizer.encode(query.output)):
            if run in holders:
                scores[number] += holders[run]
    kept = len(holders) * (RUN + 2 * len(panel.creators))
    return Scored(scores, False, once, (time.process_time() - begin) / max(1, len(panel.queries)), kept)


def _runs(ids: Sequence[int]) -> set[tuple[int, ...]]:
    return {tuple(ids[start : start + RUN]) for start in range(len(ids) - RUN + 1)}

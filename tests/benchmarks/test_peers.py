"""The peers on a panel that takes no second: three creators, a model of width 16, and the obvious way beside each method."""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.payout.gaming import (
    Registered,
    builder_of,
    chosen_creators,
    duplicate,
    gains,
    gains_rebuilt,
    rechunk,
    registered,
    split,
)
from benchmarks.payout.panel import GENERATED, HUMAN, Panel, Query, Trained
from benchmarks.payout.peers import (
    LIBRARY_PEERS,
    NOT_ADDITIVE,
    PEERS,
    Unavailable,
    common,
    hidden,
    trackstar,
    words,
)
from benchmarks.payout.peers.dattri_logra import _loader, _loss
from benchmarks.payout.peers.gradients import ekfac_at, grad_dot
from benchmarks.payout.peers.trak_projected import _chances
from endcredits.influence.gradient.layers import find_layers
from endcredits.influence.text.models import text_models
from endcredits.influence.text.tokenizers import ByteTokenizer
from endcredits.influence.text.windows import Window

TEXTS = {
    "rose": b"a rose is a rose, said the gardener to the rose, and the rose said nothing at all. ",
    "fox": b"zig zag went the lightning, zip zap went the fox over the frozen fence. ",
    "sea": b"the sea is wide and the wind is cold, and the ships go out at dawn. ",
}
CONTEXT, LENGTH = 24, 20


def _models(seed: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=257,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=CONTEXT,
            bos_token_id=256,
            eos_token_id=None,
            attn_implementation="eager",
        )
    ).eval()


@pytest.fixture(scope="module")
def panel() -> Panel:
    torch.set_num_threads(1)
    base, full = _models(0), _models(1)
    examples = []
    for name, text in TEXTS.items():
        long = text * 3
        pieces = [long[start : start + LENGTH] for start in range(0, 7 * LENGTH, LENGTH)]
        examples += [Trained(name, tuple(piece), 0, 0) for piece in pieces]
    queries = (
        Query("q0", HUMAN, "", b"a rose", b" is red"),
        Query("q1", HUMAN, "", b"", b"the fox went over the sea and the rose, long"),  # longer than the context
        Query("q2", GENERATED, "1", b"", b"zip zap"),
        Query("q3", GENERATED, "1", b"the ", b"wind is cold"),
    )
    nothing = np.zeros((len(queries), 3))
    return Panel(
        folder=Path(),
        creators=tuple(TEXTS),
        paid=2,
        examples=tuple(examples),
        queries=queries,
        phi=nothing,
        phi_error=nothing,
        masks=np.zeros((0, 2), bool),
        log_likelihood=np.zeros((0, 4)),
        base=nothing[:, 0],
        full=nothing[:, 0],
        training={},
        models=text_models(base, full, ByteTokenizer(), CONTEXT),
    )


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_scores_every_output_and_creator(panel: Panel, name: str) -> None:
    scored = PEERS[name](panel)
    assert scored.scores.shape == (4, 3)
    assert np.isfinite(scored.scores).all()
    assert scored.seconds_once >= 0 and scored.seconds_output >= 0 and scored.bytes_kept >= 0
    again = PEERS[name](panel)
    np.testing.assert_array_equal(scored.scores, again.scores)


@pytest.mark.parametrize("name", LIBRARY_PEERS)
def test_a_library_that_is_not_there_is_named(panel: Panel, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> Any:
        raise ModuleNotFoundError(f"No module named '{module}'")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(Unavailable) as error:
        LIBRARY_PEERS[name](panel)
    assert "is not installed here" in error.value.reason and "README.md" in error.value.reason


@pytest.mark.parametrize(
    ("name", "module"), list(zip(LIBRARY_PEERS, ("kronfluence", "bergson", "trak", "dattri"), strict=True))
)
def test_a_library_that_is_there_scores_too(panel: Panel, name: str, module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    scored = LIBRARY_PEERS[name](panel)
    assert scored.scores.shape == (4, 3)
    assert np.isfinite(scored.scores).all() and np.abs(scored.scores).max() > 0


def test_size_counts_tokens_and_equal_counts_nothing(panel: Panel) -> None:
    longer = replace(panel, examples=(*panel.examples, Trained("sea", (1, 2, 3), 0, 0)))
    np.testing.assert_array_equal(PEERS["size"](longer).scores[0], [140, 140, 143])
    np.testing.assert_array_equal(PEERS["equal"](longer).scores, np.ones((4, 3)))


def test_bm25_is_its_formula(panel: Panel) -> None:
    documents = [Counter(words.WORD.findall(bytes(example.ids).decode().lower())) for example in panel.examples]
    mean = sum(document.total() for document in documents) / len(documents)
    want = np.zeros((4, 3))
    for q, query in enumerate(panel.queries):
        for example, document in zip(panel.examples, documents, strict=True):
            for word in words.WORD.findall(query.output.decode().lower()):
                holders = sum(word in other for other in documents)
                rarity = math.log(1 + (len(documents) - holders + 0.5) / (holders + 0.5))
                count, length = document[word], document.total()
                value = rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / mean))
                want[q, panel.creators.index(example.creator)] += value
    np.testing.assert_allclose(PEERS["bm25"](panel).scores, want)


def test_ngram_overlap_counts_shared_runs(panel: Panel) -> None:
    want = np.zeros((4, 3))
    for q, query in enumerate(panel.queries):
        runs = {query.output[k : k + words.RUN] for k in range(len(query.output) - words.RUN + 1)}
        for example in panel.examples:
            want[q, panel.creators.index(example.creator)] += sum(run in bytes(example.ids) for run in runs)
    assert want.sum() > 0
    np.testing.assert_array_equal(PEERS["n-gram overlap"](panel).scores, want)


def test_hidden_cosine_pays_the_nearest_only(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "NEAREST", 3)
    model: Any = panel.models.full

    def pooled(window: Window) -> torch.Tensor:
        ids = torch.tensor([[256, *window.ids[:-1]]])
        with torch.no_grad():
            return model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0, window.context_tokens :].sum(0)

    want = np.zeros((4, 3))
    states = [pooled(Window(example.ids)) for example in panel.examples]
    for q, pieces in enumerate(common.output_pieces(panel)):
        query = torch.stack([pooled(window) for window in pieces]).sum(0)
        cosines = [float(torch.cosine_similarity(query, state, dim=0)) for state in states]
        for number in np.argsort(cosines)[-3:]:
            want[q, panel.creators.index(panel.examples[number].creator)] += cosines[number]
    np.testing.assert_allclose(PEERS["hidden-state cosine"](panel).scores, want, rtol=1e-4)


def _gradients(panel: Panel, window: Window) -> dict[str, torch.Tensor]:
    """One window's gradient of log p at the full model, by plain backward."""
    model = panel.models.full
    model.zero_grad()
    panel.models.task.measurement(model, [window]).sum().backward()
    return {
        layer.name: model.get_submodule(layer.name).weight.grad.clone()  # type: ignore[union-attr]
        for layer in find_layers(model, panel.models.task.layers)
    }


def test_grad_dot_is_the_dot_of_plain_gradients(panel: Panel) -> None:
    want = np.zeros((4, 3))
    examples = [_gradients(panel, Window(example.ids)) for example in panel.examples]
    for q, pieces in enumerate(common.output_pieces(panel)):
        for query in (_gradients(panel, window) for window in pieces):
            for example, gradient in zip(panel.examples, examples, strict=True):
                value = sum(float((query[name] * gradient[name]).sum()) for name in query)
                want[q, panel.creators.index(example.creator)] += value
    np.testing.assert_allclose(grad_dot(panel).scores, want, rtol=1e-3, atol=1e-3)


def test_ekfac_at_the_final_model_takes_nothing_from_base(panel: Panel) -> None:
    other = replace(panel, models=replace(panel.models, base=_models(7)))
    here = PEERS["ek-fac at the final model"](panel)
    np.testing.assert_array_equal(here.scores, PEERS["ek-fac at the final model"](other).scores)
    # Another model, or the head among the layers, is another answer: the arguments reach the measurement.
    at_base = ekfac_at(panel, panel.models.base, panel.models.task.layers)
    with_head = ekfac_at(panel, panel.models.full, lambda name, module: True)
    assert not np.allclose(here.scores, at_base.scores) and not np.allclose(here.scores, with_head.scores)
    assert with_head.bytes_kept > here.bytes_kept


def test_trackstar_scores_are_sums_of_cosines(panel: Panel) -> None:
    scores = trackstar.trackstar_like(panel).scores
    assert np.abs(scores).max() <= 7  # seven examples each, none counts for more than one
    one = replace(panel, examples=panel.examples[:1])  # whitening by one example's own moment
    assert np.abs(trackstar.trackstar_like(one).scores).max() <= 1 + 1e-5


def test_the_inverse_root_undoes_the_second_moment() -> None:
    rows = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2, 3, 4, 5, 0])
    root = trackstar._inverse_root(rows)
    moment = rows.T @ rows / 50
    damped = moment + trackstar.DAMPING * moment.trace() / 6 * torch.eye(6)
    torch.testing.assert_close(root @ damped @ root, torch.eye(6), rtol=1e-3, atol=1e-3)
    assert not trackstar._inverse_root(torch.zeros(5, 3)).any()


def test_losses_handed_to_libraries_are_sums_over_counted_tokens(panel: Panel) -> None:
    windows = [Window(tuple(b"a rose is a rose")), Window(tuple(b"the fox"), 4)]
    with torch.no_grad():
        each = panel.models.task.measurement(panel.models.full, windows)
        batch = next(iter(_loader(panel, windows)))
        assert float(_loss(panel.models.full, batch, "cpu")) == pytest.approx(-float(each.sum()), rel=1e-5)
        inputs, labels = common.padded(windows, panel.models.tokenizer.bos_id)
        log_odds, misses = _chances(panel.models.full, (inputs, labels))
    # log p of a token is its log-odds plus the log of its miss.
    counted = labels != -100
    assert counted.sum(1).tolist() == [16, 3]
    torch.testing.assert_close((log_odds + torch.where(counted, misses, 1).log()).sum(1), each, rtol=1e-4, atol=1e-4)


def test_windows_of_one_output_are_summed(panel: Panel) -> None:
    windows, owners = common.flat_pieces(panel)
    assert owners == sorted(owners) and len(windows) > len(panel.queries)
    pairwise = torch.ones(len(windows), len(panel.examples))
    scores = common.summed_by_creator(panel, pairwise)
    counts = [owners.count(q) for q in range(4)]
    np.testing.assert_array_equal(scores, np.outer(counts, [7, 7, 7]))


def test_the_tricks_keep_the_texts(panel: Panel) -> None:
    plain = registered(panel)
    parted = split(plain, ["fox"])
    assert [ids for _, ids in parted] == [ids for _, ids in plain]
    assert Counter(name for name, _ in parted) == {"rose": 7, "sea": 7, "fox~1": 2, "fox~2": 2, "fox~3": 2, "fox~4": 1}
    cut = rechunk(plain, "fox")
    joined = [token for name, ids in cut if name == "fox" for token in ids]
    assert joined == [token for name, ids in plain if name == "fox" for token in ids]
    assert {len(ids) for name, ids in cut if name == "fox"} == {4} and sum(name == "rose" for name, _ in cut) == 7
    assert rechunk([("a", (1, 2))], "a") == [("a", (1,)), ("a", (2,))]
    assert len(duplicate(plain, "fox")) == len(plain) + 14
    assert chosen_creators(panel) == ["rose", "fox"]  # phantoms do not play


def test_gains_of_an_additive_method_equal_those_of_indexes_built_anew(panel: Panel) -> None:
    statements = {kind: panel.of_kind(kind) for kind in (HUMAN, GENERATED)} | {"all": np.ones(4, bool)}
    build, plain, names = builder_of(grad_dot, panel), registered(panel), list(panel.creators)
    quick, slow = gains(build, plain, names, statements), gains_rebuilt(build, plain, names, statements)
    for kind in statements:
        for trick in ("split", "rechunk", "duplicate"):
            assert getattr(quick[kind], trick) == pytest.approx(getattr(slow[kind], trick), rel=1e-3), (kind, trick)


def test_gains_of_methods_whose_answer_is_known(panel: Panel) -> None:
    statements = {"all": np.ones(4, bool)}
    plain, names = registered(panel), ["rose", "fox"]
    by_size = gains(builder_of(PEERS["size"], panel), plain, names, statements)["all"]
    assert by_size.split == pytest.approx(1) and by_size.rechunk == pytest.approx(1)
    assert by_size.duplicate == pytest.approx((3 / 5) / (1 / 3))
    by_head = gains_rebuilt(builder_of(PEERS["equal"], panel), plain, names, statements)["all"]
    assert by_head.split == pytest.approx((4 / 6) / (1 / 3)) and by_head.duplicate == by_head.rechunk == 1


def test_splitting_pays_where_negative_scores_are_clipped_by_name() -> None:
    def build(examples: list[Registered]) -> np.ndarray:
        names = list(dict.fromkeys(name for name, _ in examples))
        return np.array([[sum(ids[0] for owner, ids in examples if owner == name) for name in names]], float)

    plain: list[Registered] = [("a", (3,)), ("a", (-2,)), ("b", (1,))]
    for measure in (gains, gains_rebuilt):
        found = measure(build, plain, ["a"], {"all": np.ones(1, bool)})["all"]  # type: ignore[arg-type]
        assert found.split == pytest.approx((3 / 4) / (1 / 2)) and found.duplicate == pytest.approx((3 / 4) / (1 / 2))
    nothing = gains(build, [("a", (-1,)), ("b", (1,))], ["a"], {"all": np.ones(1, bool)})["all"]  # type: ignore[arg-type]
    assert math.isnan(nothing.split)


@pytest.mark.parametrize("name", sorted(set(PEERS) - NOT_ADDITIVE))
def test_scores_of_additive_peers_are_untouched_by_a_split(panel: Panel, name: str) -> None:
    plain = registered(panel)
    parted = split(plain, ["fox"])
    order = list(dict.fromkeys(owner for owner, _ in parted))
    build = builder_of(PEERS[name], panel)
    found, want = build(parted), build(plain)
    sums = np.stack(
        [found[:, [k for k, owner in enumerate(order) if owner.partition("~")[0] == c]].sum(1) for c in TEXTS], 1
    )
    np.testing.assert_allclose(sums, want, rtol=2e-3, atol=2e-3 * np.abs(want).max())

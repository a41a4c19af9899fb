"""Peers beside our own costs: bergson and kronfluence on the same model, examples and outputs, over the same plain pass.

Both are asked through the payout bench's own adapters (`benchmarks.payout.peers`), which say how. bergson keeps projected
gradients, 16 x 16 numbers a layer, once; kronfluence fits its factors once and reads all examples again for every call, here
one of 32 outputs. A library that is not installed is named and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frame import Figure, figure
from benchmarks.payout.panel import GENERATED, Panel, Query, Scored, Trained
from benchmarks.payout.peers.bergson_store import bergson_trackstar
from benchmarks.payout.peers.common import Unavailable
from benchmarks.payout.peers.kronfluence_ekfac import kronfluence_ekfac
from endcredits.influence import Example, TextOutput
from endcredits.influence.text.models import TextModels

OUTPUTS = 32


def peers(
    models: TextModels,
    examples: Sequence[Example],
    outputs: Sequence[TextOutput],
    clock: Callable[..., list[list[float]]],
    passed: Callable[[], Any],
    runs: int,
) -> tuple[dict[str, Figure], dict[str, str]]:
    """Seconds of the peers over those of `passed`, timed in turn with it; and why a peer is missing.

    The libraries' seconds are processor time, as their adapters take it.
    """
    panel = _panel(models, examples, outputs)
    figures: dict[str, Figure] = {}
    missing: dict[str, str] = {}
    wanted: list[tuple[str, Callable[[Panel], Scored], str, str]] = [
        ("bergson", bergson_trackstar, "bergson: rows of 16 x 16 a layer", "projected, whitened, unit length"),
        ("kronfluence", kronfluence_ekfac, "kronfluence: factors", "EK-FAC; its own defaults"),
    ]
    for name, method, what, beside in wanted:
        try:
            pairs = [(method(panel), clock(passed, warm=True)[0][0]) for _ in range(runs)]
        except Unavailable as error:
            missing[name] = error.reason
            continue
        figures[f"{name}_once_over_training_pass"] = figure(what, [s.seconds_once / t for s, t in pairs], "x", beside)
        asked = [s.seconds_output * len(panel.queries) / t for s, t in pairs]
        figures[f"{name}_outputs_over_training_pass"] = figure(f"{name}: {len(panel.queries)} outputs", asked, "x", "")
    return figures, missing


def _panel(models: TextModels, examples: Sequence[Example], outputs: Sequence[TextOutput]) -> Panel:
    """The bench's works as a panel without a truth: the adapters only read models, examples and outputs."""
    creators = tuple(dict.fromkeys(str(example.work_id) for example in examples))
    asked = [outputs[number % len(outputs)] for number in range(OUTPUTS)]
    none = np.zeros((OUTPUTS, len(creators)))
    return Panel(
        folder=Path(),
        creators=creators,
        paid=len(creators),
        examples=tuple(Trained(str(e.work_id), tuple(e.content.ids), 0, 0) for e in examples),
        queries=tuple(Query(str(n), GENERATED, "", bytes(o.prompt), bytes(o.text)) for n, o in enumerate(asked)),
        phi=none,
        phi_error=none,
        masks=np.zeros((0, len(creators)), bool),
        log_likelihood=np.zeros((0, OUTPUTS)),
        base=np.zeros(OUTPUTS),
        full=np.zeros(OUTPUTS),
        training={},
        models=models,
    )

"""A truth folder in memory: models, training examples, outputs, and what every creator really contributed.

The truth is made by retraining on coalitions of creators (`endcredits.influence.replay` writes such folders). Every method
of the bench is a function from a `Panel` to `Scored`: one signed score per output and creator, and what it cost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence import Example, TextModels, TextOutput, load_text_models
from endcredits.influence.text.windows import Window

HUMAN, GENERATED = "human", "generated"


@dataclass(frozen=True, slots=True)
class Trained:
    """One training example of the panel.

    Attributes:
        creator: whose it is.
        ids: token ids (bytes).
        step: optimizer step of the run that read it; -1 when no run ever did (a phantom's).
        slot: its place in that step's batch.
    """

    creator: str
    ids: tuple[int, ...]
    step: int
    slot: int


@dataclass(frozen=True, slots=True)
class Query:
    """One output to be attributed.

    Attributes:
        query_id: its name in the truth.
        kind: `HUMAN` (held-out text of a paid creator), `GENERATED`, or the folder's own word for anything else.
        temperature: of a generated output, as the folder spells it; empty otherwise.
        prompt: bytes before it, not attributed.
        output: the bytes to attribute.
    """

    query_id: str
    kind: str
    temperature: str
    prompt: bytes
    output: bytes


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything a method may look at, and the truth it is held against. C creators, Q outputs, M coalitions, R repeats.

    Attributes:
        folder: where it was read from.
        creators: paid creators first, then phantoms (indexed, never trained).
        paid: how many of them are paid.
        examples: in file order; the phantoms' have step -1.
        queries: in the order of the truth's columns.
        phi: true credits in nats ``[Q, C]``; zero for phantoms.
        phi_error: their standard errors ``[Q, C]``.
        masks: coalitions ``[M, paid]`` bool.
        log_likelihood: ``[M, Q]`` nats of each output under each coalition's model.
        base: ``[Q]`` under the base model.
        full: ``[Q]`` under the full model.
        training: the recipe of the full run as `panel.json` states it.
        models: base and full.
    """

    folder: Path
    creators: tuple[str, ...]
    paid: int
    examples: tuple[Trained, ...]
    queries: tuple[Query, ...]
    phi: np.ndarray
    phi_error: np.ndarray
    masks: np.ndarray
    log_likelihood: np.ndarray
    base: np.ndarray
    full: np.ndarray
    training: dict[str, Any]
    models: TextModels

    def index_examples(self) -> list[Example]:
        """All examples, phantoms' too, with the creator as the work."""
        return [Example(WorkId(e.creator), Window(e.ids)) for e in self.examples]

    def outputs(self) -> list[TextOutput]:
        """The outputs as the engine takes them."""
        return [TextOutput(query.output, query.prompt) for query in self.queries]

    def of_kind(self, kind: str) -> np.ndarray:
        """Which outputs are of a kind, ``[Q]`` bool."""
        return np.array([query.kind == kind for query in self.queries])


@dataclass(frozen=True, slots=True)
class Scored:
    """What a method says.

    Attributes:
        scores: signed, ``[Q, C]`` in the order of `Panel.creators`; the unit does not matter for shares.
        in_nats: whether they claim to be credits in nats, so that completeness can be asked.
        seconds_once: to prepare (index, retraining), on one core.
        seconds_output: per output.
        bytes_kept: on disk or in memory between outputs.
        errors: standard errors in the scores' unit ``[Q, C]``, where the method states them.
    """

    scores: np.ndarray
    in_nats: bool
    seconds_once: float
    seconds_output: float
    bytes_kept: int
    errors: np.ndarray | None = None


def load_panel(folder: Path) -> Panel:
    """Reads a truth folder.

    Raises:
        InputError: a file is missing, or files disagree about outputs or creators.
    """
    parts = ("base", "full", "panel.json", "train.parquet", "queries.parquet", "loglik.npz", "shapley.npz")
    missing = [name for name in parts if not (folder / name).exists()]
    if missing:
        raise InputError(
            f"this is not a truth folder: {', '.join(missing)} missing",
            remedy=f"Give a folder that holds {', '.join(parts)}.",
            file=folder,
        )
    facts = json.loads((folder / "panel.json").read_text())
    table, runs = np.load(folder / "shapley.npz"), np.load(folder / "loglik.npz")
    creators = tuple(str(name) for name in table["creators"])
    paid = len(runs["creators"])
    rows = pq.read_table(folder / "queries.parquet").to_pylist()
    order = {row["query_id"]: row for row in rows}
    if [str(name) for name in runs["query_id"]] != [str(name) for name in table["query_id"]]:
        raise InputError("loglik.npz and shapley.npz list other outputs", remedy="Make both from one run.", file=folder)
    absent = [str(name) for name in table["query_id"] if str(name) not in order]
    if absent:
        raise InputError(f"queries.parquet lacks {absent[0]}", remedy="Copy the whole folder again.", file=folder)
    queries = tuple(_query(order[str(name)]) for name in table["query_id"])
    examples = tuple(
        Trained(row["creator_id"], tuple(row["bytes"]), int(row["step"]), int(row["slot"]))
        for row in pq.read_table(folder / "train.parquet").to_pylist()
    )
    return Panel(
        folder=folder,
        creators=creators,
        paid=paid,
        examples=examples,
        queries=queries,
        phi=table["phi"].astype(float),
        phi_error=table["se"].astype(float),
        masks=runs["masks"].astype(bool),
        log_likelihood=runs["loglik"].astype(float),
        base=runs["base"].astype(float),
        full=runs["full"].astype(float),
        training=facts.get("training", {}),
        models=load_text_models(folder / "base", folder / "full"),
    )


def _query(row: dict[str, Any]) -> Query:
    kind, _, temperature = str(row["kind"]).partition("_T")
    kind = GENERATED if kind == "gen" else kind
    return Query(row["query_id"], kind, temperature, bytes(row["prompt"] or b""), bytes(row["output"]))

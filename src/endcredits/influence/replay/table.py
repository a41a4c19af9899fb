"""An audit as a truth folder: everything that any method of attribution can be held against, in files anyone can read.

- `base/`, `full/`: the two models in Hugging Face format.
- `train.parquet`, one row per training example: work_id, creator_id, example_id, bytes, role, step, slot.
- `queries.parquet`, one row per output: query_id, kind, prompt, output, seed, temperature, source_creator_id,
  source_work_id, source_offset.
- `loglik.npz`: masks [M, K], coalition, kernel_weight, loglik [M, Q], loo [K, Q] (the log-likelihood without each), repeats
  [R, Q], base [Q], full [Q], query_id, creators.
- `shapley.npz`: phi, se, phi_kernelshap [Q, C] in nats (C: the K catalogues, then phantoms with 0), creators, query_id.
- `panel.json`: the creators with their roles, and the recipe of the runs.

`python -m benchmarks.payout --truth FOLDER` reads it. Phantoms are creators whose examples stand in `train.parquet` with
step -1 and were read by no run: methods index them, and whatever they are paid is leakage. Examples and outputs are bytes;
a model with another vocabulary needs another bench.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch import nn

from endcredits.durable import machine_error, write_atomic
from endcredits.errors import InputError
from endcredits.influence.replay.games import leave_one_out
from endcredits.influence.replay.run import Scores
from endcredits.influence.replay.shapley import kernel_shap, stratified

PAID, PHANTOM = "paid", "phantom"
NEVER = -1


@dataclass(frozen=True, slots=True)
class TruthExample:
    """One training example.

    Attributes:
        work_id: its work.
        creator_id: its catalogue in the design, or a phantom.
        bytes: what the model read.
        step: optimizer step that read it; -1 for a phantom's.
        slot: its place in that step's batch; -1 for a phantom's.
    """

    work_id: str
    creator_id: str
    bytes: bytes
    step: int = NEVER
    slot: int = NEVER


@dataclass(frozen=True, slots=True)
class TruthQuery:
    """One output, in the order of the scores' columns.

    Attributes:
        query_id: its name, different for every output.
        kind: "human", "human_phantom", or "gen_T" and the temperature ("gen_T1", "gen_T0.7").
        output: the bytes that were scored.
        prompt: the bytes before them.
        seed: of its sampling; -1 for human text.
        temperature: of its sampling; 0 for human text.
        source_creator_id: who wrote it, for human text.
        source_work_id: the work it is from.
        source_offset: where in that work; -1 for none.
    """

    query_id: str
    kind: str
    output: bytes
    prompt: bytes = b""
    seed: int = -1
    temperature: float = 0.0
    source_creator_id: str = ""
    source_work_id: str = ""
    source_offset: int = -1


def write_truth(
    folder: Path,
    scores: Scores,
    *,
    base: Path,
    full: Path | nn.Module,
    examples: Sequence[TruthExample],
    queries: Sequence[TruthQuery],
    training: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> None:
    """Writes a truth folder; `panel.json` comes last, so a folder with one is whole.

    Args:
        folder: made when missing; a truth that stands there is replaced.
        scores: of all coalitions, base and full, for the queries in their order.
        base: folder of the base model.
        full: folder of the full model, or the model itself (`trainer.model` of the full run).
        examples: all that the full run read, and the phantoms'.
        queries: the outputs.
        training: the recipe, for people and for methods that repeat it (optimizer, rate, schedule, steps...).
        names: how people call the creators.

    Raises:
        InputError: scores and queries differ in number, a query id stands twice, examples name no creator of the design, or
            the full model is not of the base model's shape (adapters: merge them, save, and give the folder).
        MachineError: the disk is full.
    """
    creators = [catalogue.name for catalogue in scores.design.catalogues]
    phantoms = _checked(scores, creators, examples, queries)
    (folder / "panel.json").unlink(missing_ok=True)
    _copy(base, folder / "base")
    if isinstance(full, nn.Module):
        _save_full(full, base, folder / "full")
    else:
        _copy(full, folder / "full")
    rows = [
        {**asdict(example), "example_id": number, "role": PHANTOM if example.creator_id in phantoms else PAID}
        for number, example in enumerate(examples)
    ]
    write_atomic(folder / "train.parquet", _parquet(rows, _TRAIN))
    write_atomic(folder / "queries.parquet", _parquet([asdict(query) for query in queries], _QUERIES))
    ids = np.array([query.query_id for query in queries])
    write_atomic(folder / "loglik.npz", _runs(scores, creators, ids))
    write_atomic(folder / "shapley.npz", _solved(scores, creators, phantoms, ids))
    listed = [(name, PAID) for name in creators] + [(name, PHANTOM) for name in phantoms]
    panel = {
        "creators": [
            {"index": number, "creator_id": name, "name": (names or {}).get(name, name), "role": role}
            for number, (name, role) in enumerate(listed)
        ],
        "training": dict(training),
    }
    write_atomic(folder / "panel.json", (json.dumps(panel, ensure_ascii=False, indent=1) + "\n").encode())


_TRAIN = pa.schema(
    [
        ("work_id", pa.string()),
        ("creator_id", pa.string()),
        ("example_id", pa.int32()),
        ("bytes", pa.binary()),
        ("role", pa.string()),
        ("step", pa.int32()),
        ("slot", pa.int32()),
    ]
)
_QUERIES = pa.schema(
    [
        ("query_id", pa.string()),
        ("kind", pa.string()),
        ("prompt", pa.binary()),
        ("output", pa.binary()),
        ("seed", pa.int64()),
        ("temperature", pa.float32()),
        ("source_creator_id", pa.string()),
        ("source_work_id", pa.string()),
        ("source_offset", pa.int64()),
    ]
)


def _checked(
    scores: Scores, creators: Sequence[str], examples: Sequence[TruthExample], queries: Sequence[TruthQuery]
) -> list[str]:
    """The phantoms, in the order of their examples."""
    if len(queries) != len(scores.full):
        raise InputError(f"{len(queries)} queries for scores of {len(scores.full)} outputs", field="queries")
    seen: set[str] = set()
    for number, query in enumerate(queries, 1):
        if query.query_id in seen:
            raise InputError(f"the query id '{query.query_id}' stands twice", row=number, field="query_id")
        seen.add(query.query_id)
    phantoms = list(dict.fromkeys(e.creator_id for e in examples if e.creator_id not in creators))
    for number, example in enumerate(examples, 1):
        if (example.creator_id in phantoms) != (example.step == NEVER):
            raise InputError(
                f"an example of '{example.creator_id}' has step {example.step}",
                remedy=f"Give the examples of catalogues of the design their step, and phantoms' the step {NEVER}.",
                row=number,
                field="step",
            )
    without = sorted(set(creators) - {example.creator_id for example in examples})
    if without:
        raise InputError(f"'{without[0]}' has no example", remedy="Give all that the full run read.", field="examples")
    return phantoms


def _runs(scores: Scores, creators: Sequence[str], ids: np.ndarray) -> bytes:
    lost = leave_one_out(scores.game)  # (Q, K), full less without
    return _npz(
        query_id=ids,
        creators=np.array(creators),
        masks=scores.design.masks,
        coalition=np.array([f"c{number:03d}" for number in range(len(scores.coalitions))]),
        kernel_weight=scores.design.kernel_weights,
        loglik=scores.coalitions.astype(np.float32),
        loo=(scores.full[:, None] - lost).T.astype(np.float32),
        repeats=scores.repeats.astype(np.float32),
        base=scores.base.astype(np.float32),
        full=scores.full.astype(np.float32),
    )


def _solved(scores: Scores, creators: Sequence[str], phantoms: Sequence[str], ids: np.ndarray) -> bytes:
    audited = stratified(scores.game)
    none = np.zeros((len(ids), len(phantoms)))
    tables = {"phi": audited.credits, "se": audited.errors, "phi_kernelshap": kernel_shap(scores.game)}
    whole = {name: np.concatenate([table, none], 1).astype(np.float32) for name, table in tables.items()}
    return _npz(**whole, creators=np.array([*creators, *phantoms]), query_id=ids)


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _parquet(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), buffer)
    return buffer.getvalue()


def _copy(source: Path, target: Path) -> None:
    if source.resolve() == target.resolve():
        return
    try:
        shutil.copytree(source, target, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise machine_error(error if isinstance(error, OSError) else OSError(str(error)), target) from error


def _save_full(full: nn.Module, base: Path, target: Path) -> None:
    from endcredits.influence.gradient.midpoint import check_same_shape
    from endcredits.influence.text.models import load_text_models

    before = load_text_models(base, base).base
    check_same_shape(before, full)
    try:
        shutil.copytree(base, target, dirs_exist_ok=True)  # the tokenizer's files
        before.load_state_dict(full.state_dict())
        before.save_pretrained(target)  # type: ignore[operator]
    except OSError as error:
        raise machine_error(error, target) from error

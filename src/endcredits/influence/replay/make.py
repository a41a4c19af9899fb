"""A truth of one's own in one call: retrain, score, solve, and write the folder that every method can be held against.

    trainer = TextFineTune(base, examples, batches, Recipe(rate=6e-4), cache)
    make_truth(folder, trainer, {"ann": ["ann-poems"], "bob": ["bob-tales"]}, queries, cache=cache, pairs=45, repeats=4)

costs (2 K + 2 pairs + repeats + 2) training runs, each kept in the cache. More pairs make a truth that tells finer
differences: with 6.5 runs a creator the draw of coalitions still moves the literature truth by .13 per
output. Repeats show how much of it the order of the examples alone would move.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.influence.records import Example
from endcredits.influence.replay.coalitions import catalogues_of, pair_design
from endcredits.influence.replay.run import Scores, load_run, run_of, score_design, train_runs
from endcredits.influence.replay.table import TruthExample, TruthQuery, write_truth
from endcredits.influence.text.finetune import TextFineTune
from endcredits.influence.text.windows import TextOutput
from endcredits.progress import Progress, silent

BYTES = 256


def make_truth(
    folder: Path,
    trainer: TextFineTune,
    groups: Mapping[str, Sequence[WorkId]],
    queries: Sequence[TruthQuery],
    *,
    cache: Path,
    pairs: int,
    repeats: int = 0,
    phantoms: Sequence[TruthExample] = (),
    processes: int = 1,
    seed: int = 0,
    progress: Progress = silent,
) -> Scores:
    """Makes a truth folder (`table`) with a trainer of a byte model.

    Args:
        folder: what is written.
        trainer: repeats the fine-tune; it trains all weights.
        groups: creators and their works, together all that the trainer reads.
        queries: the outputs that are scored.
        cache: where runs and scores are kept.
        pairs: complement pairs besides the outermost sizes.
        repeats: full runs with other orders.
        phantoms: examples of creators that no run reads.
        processes: how many runs at once.
        seed: of the draw of coalitions.
        progress: told about "retraining" and "scoring" in runs.

    Returns:
        The scores, as the folder holds them.

    Raises:
        InputError: a work is in no group or unknown, tokens are not bytes, or as `write_truth`.
    """
    catalogues = catalogues_of(groups)
    owner = {work_id: catalogue.name for catalogue in catalogues for work_id in catalogue.work_ids}
    homeless = sorted(set(trainer.work_ids) - set(owner))
    if homeless:
        raise InputError(
            f"the work '{homeless[0]}' belongs to nobody",
            remedy="Put every work that is trained on into a group.",
            field="groups",
        )
    examples = [*byte_examples(trainer.examples, trainer.batches, owner), *phantoms]
    scores = score_design(
        trainer,
        pair_design(catalogues, pairs=pairs, seed=seed),
        [TextOutput(query.output, query.prompt) for query in queries],
        cache,
        repeats=repeats,
        processes=processes,
        progress=progress,
    )
    (full,) = train_runs(trainer, [run_of({})], cache)
    recipe = {name: value for name, value in dataclasses.asdict(trainer.recipe).items()}
    write_truth(
        folder,
        scores,
        base=trainer.base,
        full=trainer.model(load_run(full)),
        examples=examples,
        queries=queries,
        training={
            "optimizer": "Adam, its step scale recorded in the full run",
            "steps": len(trainer.batches),
            "repeat_order_seeds": list(range(1, repeats + 1)),
            "trainer_digest": trainer.digest,
            **recipe,
        },
    )
    return scores


def byte_examples(
    examples: Sequence[Example], batches: Sequence[Sequence[int]], owner: Mapping[WorkId, str]
) -> list[TruthExample]:
    """A fine-tune's examples as rows of `train.parquet`, in the order in which steps read them.

    Args:
        examples: contents are `Window`s of byte tokens.
        batches: per step, the numbers of its examples.
        owner: each work's creator.

    Raises:
        InputError: a token is no byte, or a step reads an example that an earlier one read: the table has one step for each.
    """
    found, seen = [], set()
    for step, batch in enumerate(batches):
        for slot, number in enumerate(batch):
            if number in seen:
                raise InputError(
                    f"example {number + 1} is read again in step {step}",
                    remedy="A truth folder states one pass over the examples: list a repeated one twice.",
                    field="batches",
                )
            seen.add(number)
            example = examples[number]
            tokens = example.content.ids
            if max(tokens, default=0) >= BYTES:
                raise InputError(
                    f"example {number + 1} holds the token {max(tokens)}, which is no byte",
                    remedy="Truth folders are made with models whose tokens are bytes.",
                    field="examples",
                )
            found.append(TruthExample(str(example.work_id), owner[example.work_id], bytes(tokens), step, slot))
    return found

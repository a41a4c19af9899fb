"""An audit: train again on coalitions, and hold what was credited against what retraining shows.

The operator names a trainer by its import path or by a recipe (`flows.trainers`); outputs are handed in again,
for the studio keeps only their digests. Runs are kept in `audits/runs`, so an audit that was killed goes on, and the next
one pays only for what is new. Reports stand in `audits/` and in the log; an audit of five or more outputs also leaves a
calibration (`audit_log`), by which every output that is attributed after it is corrected. Fewer would correct money by what
nobody could test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from endcredits.attribution import NANO, Attribution, attributions_of, output_id_of
from endcredits.errors import InputError, NotFoundError
from endcredits.flows.attributing import GivenOutput, people
from endcredits.flows.audit_log import complete, keep, latest_calibration
from endcredits.flows.audit_report import AuditReport, audit_lines
from endcredits.flows.catalogue import corpus
from endcredits.flows.clock import now
from endcredits.flows.index_files import RUNS, read_current
from endcredits.flows.indexing import OpenIndex, current_index
from endcredits.flows.periods import find_period
from endcredits.flows.responses import by_creators, require_yes
from endcredits.flows.studio import Studio
from endcredits.flows.trainers import find_trainer
from endcredits.ids import OutputId, WorkId
from endcredits.influence import read_manifest
from endcredits.influence.replay.calibration import Calibration
from endcredits.influence.replay.reliability import FEWEST_OUTPUTS, unrelated_levels
from endcredits.progress import Progress, silent
from endcredits.royalties.book import usage

if TYPE_CHECKING:
    from endcredits.influence.replay.audit import AuditResult
    from endcredits.influence.trainer import Trainer

NULL_OUTPUTS = 32
"""So many outputs that owe the works nothing are asked at most, as many as are audited."""
SAME_RUN = 0.05
"""How far, as a part of it, the trainer's log-ratio may lie from the recorded one, besides `SAME_RUN` nats an output."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an audit is made.

    Attributes:
        trainer: import path, "module:name"; "" when there is a recipe.
        runs_per_catalogue: from 2 on; see `replay.audit.budget_design`.
        repeats: full runs with other orders of the examples, for the noise.
        by: "creator" puts works of the same set of people into one catalogue, "work" takes every work alone.
        processes: how many runs at once.
        seed: of the draw of coalitions.
        recipe: TOML file of a language model's fine-tune, instead of `trainer`; see `flows.trainers`.
    """

    trainer: str
    runs_per_catalogue: float = 2.0
    repeats: int = 0
    by: str = "creator"
    processes: int = 1
    seed: int = 0
    recipe: str = ""


def audit_output(
    studio: Studio, output_id: str, given: Sequence[GivenOutput], plan: Plan, *, progress: Progress = silent
) -> tuple[AuditReport, Path]:
    """Audits one output and writes the report; returns it and its file.

    Raises:
        NotFoundError: the output was never attributed.
        InputError: its text is not among those given, or the trainer does not fit the index.
    """
    return _audit(studio, output_id, [OutputId(output_id)], given, plan, progress)


def audit_period(
    studio: Studio, period_id: str, given: Sequence[GivenOutput], plan: Plan, *, progress: Progress = silent
) -> tuple[AuditReport, Path]:
    """Audits all outputs used in a closed period, each counted once, and calibrates the index by them.

    Raises:
        NotFoundError: no such period was closed.
        InputError: an output's text is not among those given, or the trainer does not fit the index.
    """
    close = find_period(studio, period_id).close
    with studio.store.reading() as conn:
        used = sorted({event.output_id for event in usage(conn, close.starts_on, close.ends_on)})
    if not used:
        raise InputError(f"no output was used in the period '{period_id}'", field="PERIOD")
    return _audit(studio, f"period:{period_id}", used, given, plan, progress)


def _audit(
    studio: Studio,
    subject: str,
    output_ids: Sequence[OutputId],
    given: Sequence[GivenOutput],
    plan: Plan,
    progress: Progress,
) -> tuple[AuditReport, Path]:
    # Only here is torch needed: reading reports and calibrations must not load it.
    from endcredits.influence.replay.audit import budget_design, solve_audit
    from endcredits.influence.replay.coalitions import catalogues_of
    from endcredits.influence.replay.run import score_design

    complete(studio)  # first of all: without the log nothing could be committed to, so nothing is trained
    studio.log()
    with studio.store.reading() as conn:
        known = attributions_of(conn, output_ids)
    for output_id in output_ids:
        if output_id not in known:
            raise NotFoundError(f"the output '{output_id}' was never attributed", remedy="See: endcredits attribute.")
    index = current_index(studio)
    texts = _texts(index, [known[output_id] for output_id in output_ids], given)
    trainer = find_trainer(plan.trainer, plan.recipe, read_current(studio)["source"], studio.path / RUNS)
    require_yes(corpus(studio, gate=False), set(trainer.work_ids))  # an audit trains, and a no since then counts
    groups = _groups(studio, index, trainer, plan.by)
    catalogues = catalogues_of(groups)
    design = budget_design(catalogues, runs_per_catalogue=plan.runs_per_catalogue, seed=plan.seed)
    scores = score_design(
        trainer,
        design,
        [index.pair.output(text.text, text.prompt) for text in texts],
        studio.path / "audits" / "runs",
        repeats=plan.repeats,
        processes=plan.processes,
        progress=progress,
    )
    attributed = [known[output_id] for output_id in output_ids]
    _same_run(attributed, scores.full - scores.base)
    raw = _by_catalogue(attributed, groups, raw=True)
    result = solve_audit(scores, raw)
    enough = len(raw) >= FEWEST_OUTPUTS and len(groups) > 1
    calibration = _calibrate(index, trainer, groups, result, raw) if enough else None
    standing = calibration or latest_calibration(studio, index.index.digest)
    null_outputs, null = _null(index, texts, groups, plan.seed)
    lines = audit_lines(result, _by_catalogue(attributed, groups), groups, null)
    noise = float(np.sqrt(np.square(scores.seed_noise).sum()))
    report = AuditReport(
        subject=subject,
        outputs=tuple(output_ids),
        log_ratio_nanonats=round(float(result.log_ratio.sum()) * NANO),
        payout_error_ppb=sum(abs(line.credited_share_ppb - line.audited_share_ppb) for line in lines) // 2,
        lines=lines,
        runs=result.runs,
        seed_noise_nanonats=-1 if np.isnan(noise) else round(noise * NANO),
        dated=calibration.dated if calibration else now(),
        trainer_digest=trainer.digest,
        index_digest=index.index.digest,
        calibration_digest=standing.digest if standing else "",
        reliability_ppb=calibration.reliability_ppb if calibration else None,
        reliability_error_ppb=calibration.reliability_error_ppb if calibration else None,
        null_outputs=null_outputs,
    )
    return report, keep(studio, report, calibration)


def _calibrate(
    index: OpenIndex, trainer: Trainer, groups: Mapping[str, Sequence[WorkId]], result: AuditResult, raw: np.ndarray
) -> Calibration:
    """Fitted on the index's own credits, whatever calibration the outputs were attributed under."""
    from endcredits.influence.replay.audit import calibration_from

    sizes = read_manifest(index.folder)[0].work_sizes
    return calibration_from(
        result,
        raw,
        dated=now(),
        trainer_digest=trainer.digest,
        index_digest=index.index.digest,
        sizes={name: {work_id: sizes[work_id] for work_id in works} for name, works in groups.items()},
    )


def _null(
    index: OpenIndex, texts: Sequence[GivenOutput], groups: Mapping[str, Sequence[WorkId]], seed: int
) -> tuple[int, np.ndarray | None]:
    """How many unrelated outputs were asked, and what each catalogue got on them, where the pair can say any."""
    say = getattr(index.pair, "unrelated", None)
    outputs = say([index.pair.output(t.text, t.prompt) for t in texts[:NULL_OUTPUTS]], seed) if say else []
    if not outputs:
        return 0, None
    return len(outputs), unrelated_levels(index.index.attribute(outputs), list(groups.values()))


def _texts(index: OpenIndex, attributed: Sequence[Attribution], given: Sequence[GivenOutput]) -> list[GivenOutput]:
    """The text of each output, found by its digest."""
    by_id = {output_id_of(text.text, text.prompt, index.index.digest): text for text in given}
    found = []
    for attribution in attributed:
        if attribution.index_digest != index.index.digest:
            raise InputError(
                f"the output '{attribution.output_id}' was credited by another index than the current one",
                remedy="Attribute it again, and audit the output of that name.",
                field="ID",
            )
        if attribution.output_id not in by_id:
            raise InputError(
                f"the text of '{attribution.output_id}' is not among the {len(by_id)} given",
                remedy="Give the files it was attributed from, prompts included: a studio keeps only digests.",
                field="FILE",
            )
        found.append(by_id[attribution.output_id])
    return found


def _groups(studio: Studio, index: OpenIndex, trainer: Trainer, by: str) -> dict[str, list[WorkId]]:
    """The index's works in catalogues, which must be exactly the trainer's.

    A response index names the works that its own trainer never read: they earn nothing, and there is nothing to audit.
    """
    if by not in ("creator", "work"):
        raise InputError(f"catalogues by '{by}' are not known", remedy="Ask by creator or by work.", field="--by")
    unread = {WorkId(work_id) for work_id, size in index.facts.get("sizes", {}).items() if float(size) == 0}
    indexed, trained = set(index.index.work_ids) - unread, set(trainer.work_ids)
    for works, problem in ((indexed - trained, "the trainer does not read"), (trained - indexed, "the index does not hold")):
        if works:
            raise InputError(
                f"{problem} the work '{min(works)}'",
                remedy="Audit an index with the trainer of its full model: both must know the same works.",
                field="--trainer",
            )
    if by == "work":
        return {str(work_id): [work_id] for work_id in sorted(indexed)}
    known = people(studio).works
    groups: dict[str, list[WorkId]] = {}
    for makers, works_of in by_creators([known[work_id] for work_id in sorted(indexed)]).items():
        name = ", ".join(dict.fromkeys(credit.display_credit for credit in works_of[0].credits)) or works_of[0].work_id
        # Other people of the same name are other people.
        groups[f"{name} ({makers})" if name in groups else name] = [work.work_id for work in works_of]
    return groups


def _by_catalogue(
    attributed: Sequence[Attribution], groups: Mapping[str, Sequence[WorkId]], *, raw: bool = False
) -> np.ndarray:
    """Credits ``[Q, K]`` in nats, as they were stated or as the index itself had them."""
    rows = []
    for attribution in attributed:
        credits = {line.work_id: line.index_credit_nanonats if raw else line.credit_nanonats for line in attribution.lines}
        rows.append([sum(credits.get(work_id, 0) for work_id in works) for works in groups.values()])
    return np.array(rows) / NANO


def _same_run(attributed: Sequence[Attribution], log_ratio: np.ndarray) -> None:
    for attribution, measured in zip(attributed, log_ratio.tolist(), strict=True):
        recorded = attribution.log_ratio_nanonats / NANO
        if abs(measured - recorded) > SAME_RUN * (1 + abs(recorded)):
            raise InputError(
                f"the trainer's full run gives '{attribution.output_id}' a log-ratio of {measured:.3f} nats, "
                f"and the indexed models {recorded:.3f}",
                remedy="The trainer must repeat the run that made the full model from the base model.",
                field="--trainer",
            )

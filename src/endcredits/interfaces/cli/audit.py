"""`endcredits audit output` and `audit outputs`: hold what was credited against what retraining shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, progress_bars, say
from endcredits.money import PPB

if TYPE_CHECKING:
    from pathlib import Path

    from endcredits.flows.audit_report import AuditReport
    from endcredits.flows.auditing import Plan

FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE...", help="The outputs' texts as they were attributed: text files or JSONL."),
]
TrainerOption = Annotated[str, typer.Option(help="module:name of a trainer that repeats the run of the full model.")]
RecipeOption = Annotated[str, typer.Option(help="Instead: the fine-tune's TOML file, as for index build.")]
RunsOption = Annotated[float, typer.Option(min=0.1, help="Training runs per catalogue; more than 2 test the middle too.")]
RepeatsOption = Annotated[int, typer.Option(min=0, help="Full runs with another order of examples, for the noise.")]
ByOption = Annotated[str, typer.Option(help="Catalogues: creator (works with the same credits) or work.")]
ProcessesOption = Annotated[int, typer.Option(min=1, help="How many runs at once.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of the draw of coalitions.")]
PromptOption = Annotated[str, typer.Option(help="What came before the output (with --text or one text file).")]


def output(
    output_id: Annotated[str, typer.Argument(metavar="ID", help="The output's id, as attribute printed it.")],
    files: FilesArgument = None,
    text: Annotated[str, typer.Option(help="The output itself, instead of a file.")] = "",
    prompt: PromptOption = "",
    trainer: TrainerOption = "",
    recipe: RecipeOption = "",
    runs: RunsOption = 2.0,
    repeats: RepeatsOption = 0,
    by: ByOption = "creator",
    processes: ProcessesOption = 1,
    seed: SeedOption = 0,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Audit one output by retraining: audited beside credited shares, with 90 % bands. A killed audit goes on.

    Example: endcredits audit output output:1f0c... story.txt --trainer my_trainer:trainer
    """
    from endcredits.flows import auditing
    from endcredits.interfaces.cli.attribute import read_outputs

    given = read_outputs(files or [], text, prompt)
    plan = _plan(trainer, recipe, runs, repeats, by, processes, seed)
    with opened(studio) as place, progress_bars() as progress:
        report, path = auditing.audit_output(place, output_id, given, plan, progress=progress)
    _show(report, path, as_json)


def outputs(
    period_id: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed period.")],
    files: FilesArgument = None,
    trainer: TrainerOption = "",
    recipe: RecipeOption = "",
    runs: RunsOption = 2.0,
    repeats: RepeatsOption = 0,
    by: ByOption = "creator",
    processes: ProcessesOption = 1,
    seed: SeedOption = 0,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Audit all outputs used in a period by retraining, and calibrate the index by them.

    Example: endcredits audit outputs 2026-10 outputs.jsonl --trainer my_trainer:trainer --runs 4
    """
    from endcredits.flows import auditing
    from endcredits.interfaces.cli.attribute import read_outputs

    given = read_outputs(files or [], "", "")
    plan = _plan(trainer, recipe, runs, repeats, by, processes, seed)
    with opened(studio) as place, progress_bars() as progress:
        report, path = auditing.audit_period(place, period_id, given, plan, progress=progress)
    _show(report, path, as_json)


def _plan(trainer: str, recipe: str, runs: float, repeats: int, by: str, processes: int, seed: int) -> Plan:
    from endcredits.errors import InputError
    from endcredits.flows.auditing import Plan

    if not trainer and not recipe:
        raise InputError(
            "an audit trains again, and no trainer is named",
            remedy="Give --trainer module:name of an endcredits.influence.trainer.Trainer, or --recipe.",
            field="--trainer",
        )
    return Plan(trainer, runs, repeats, by, processes, seed, recipe)


def _show(report: AuditReport, path: Path, as_json: bool) -> None:
    from endcredits.attribution import NANO, UNCALIBRATED, UNMEASURED
    from endcredits.canonical import to_plain

    if as_json:
        print_json({**to_plain(report), "file": str(path)})
        return
    say(
        f"Audit of {report.subject}: {counted(len(report.outputs), 'output')}, {counted(report.runs, 'training run')}, "
        f"{report.dated}"
    )
    say("   audited   90 % band            credited       nats     +-   catalogue")
    for line in report.lines:
        shares = [part / PPB for part in (line.audited_share_ppb, line.low_share_ppb, line.high_share_ppb)]
        say(
            f"  {shares[0]:>7.2%}   {shares[1]:>7.2%} to {shares[2]:>7.2%}   {line.credited_share_ppb / PPB:>7.2%} "
            f"{line.audited_nanonats / NANO:>+10.3f}  {line.error_nanonats / NANO:>6.3f}  {line.catalogue}"
        )
    say(f"Payout error of the credited shares: {report.payout_error_ppb / PPB:.3f} (0 none, 1 all to the wrong people).")
    if report.seed_noise_nanonats >= 0:
        say(f"Another order of the examples moves the outputs by {report.seed_noise_nanonats / NANO:.3f} nats.")
    if report.null_outputs:
        levels = {line.catalogue: line.null_nanonats / NANO for line in report.lines}
        most = max(levels, key=levels.__getitem__)
        say(
            f"On {report.null_outputs} outputs of the base model, which owe the works nothing, the index's own credits lie "
            f"{(sum(level**2 for level in levels.values()) / len(levels)) ** 0.5:.3f} nats from their mean "
            f"(at most {levels[most]:.3f}: {most})."
        )
    told = UNMEASURED
    if report.reliability_ppb is not None and report.reliability_error_ppb is not None:
        told = f"{report.reliability_ppb / PPB:.2f} +- {report.reliability_error_ppb / PPB:.2f}"
    say(f"Reliability of calibrated credits on outputs like these: {told} (0 an equal split, 1 what retraining shows).")
    calibrated = f"calibrated ({report.calibration_digest[:16]})" if report.calibration_digest else UNCALIBRATED
    say(
        f"The index is {calibrated}."
        + ("" if report.calibration_digest else " Audit a period of five outputs or more to calibrate it.")
    )
    say(f"Report: {path}")

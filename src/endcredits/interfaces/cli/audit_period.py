"""`endcredits audit period` and `audit sample`: a published period computed again, and some of its credits measured again.

Here, too, `endcredits period publish`, which writes what both of them read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import (
    FAILED_CHECK,
    JsonOption,
    StudioOption,
    counted,
    opened,
    print_json,
    progress_bars,
    say,
)
from endcredits.interfaces.cli.keys import key_lines
from endcredits.interfaces.cli.policy import chosen_policy
from endcredits.money import PPB

if TYPE_CHECKING:
    from endcredits.flows.sampling import SampleReport

PackArgument = Annotated[str, typer.Argument(metavar="DIR", help="A published period: the folder that was handed to you.")]
KeyOption = Annotated[str, typer.Option(help="The log's public key, or a file with it; not the one in the folder.")]


def publish(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed period.")],
    out: Annotated[str, typer.Option("--out", help="A new or empty folder, or the one where this was begun.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Publish a closed period for auditors: all that it follows from, in one folder. Run again, it goes on.

    Example: endcredits period publish 2026-10 --out 2026-10-for-audit
    """
    from dataclasses import asdict

    from endcredits.flows.publishing import publish_period

    with opened(studio) as place, progress_bars() as progress:
        about = publish_period(place, period, Path(out), progress=progress)
    if as_json:
        print_json({**asdict(about), "folder": out})
        return
    say(f"Published {about.period_id} in {out}, with the log up to {counted(about.log_size, 'entry', 'entries')}.")
    say("It names payees and amounts: hand it to auditors, and not to the public. Hand them the log's key in another way.")
    say(f"They run: endcredits audit period {out} --vkey KEY")


def period(
    folder: PackArgument,
    vkey: KeyOption,
    older: Annotated[list[str] | None, typer.Option(help="A checkpoint that somebody else kept; repeatable.")] = None,
    usage: Annotated[str, typer.Option(help="The service's own report of its usage: CSV, JSON Lines or Parquet.")] = "",
    policy: Annotated[str, typer.Option(help="The policy as it was agreed (TOML, or a shipped name).")] = "",
    before: Annotated[list[str] | None, typer.Option(help="The folder of an earlier published period; repeatable.")] = None,
    receipt: Annotated[list[str] | None, typer.Option(help="A receipt that somebody holds; repeatable.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a published period again, to the byte, without the operator: log, facts, usage, close, statements, receipts.

    No studio is needed. Exit code 0: everything follows; 3: something does not, and it is told what and where.

    Example: endcredits audit period 2026-10-for-audit --vkey log.vkey --usage service-report.csv
    """
    from endcredits.canonical import to_plain
    from endcredits.flows.auditing_period import Given, audit_period

    given = Given(
        vkey=_key(vkey),
        older=tuple(_text(one, "--older") for one in older or ()),
        usage=Path(usage) if usage else None,
        policy=chosen_policy(policy),
        before=tuple(Path(one) for one in before or ()),
        receipts=tuple(_bytes(one, "--receipt") for one in receipt or ()),
    )
    with progress_bars() as progress:
        found = audit_period(Path(folder), given, progress=progress)
    if as_json:
        print_json({"agrees": not found.findings, **to_plain(found)})
    else:
        say(f"Audit of the period {found.period_id} of {found.origin}")
        say(f"  its log: {counted(found.log_size, 'entry', 'entries')}, root {found.log_root}")
        for text in found.checked:
            say(f"  computed again: {text}")
        for text in found.not_checked:
            say(f"  not checked: {text}")
        for finding in found.findings:
            say(f"WRONG  {finding.where}: {finding.problem}")
        say("Everything follows." if not found.findings else f"{counted(len(found.findings), 'finding')}.")
    if found.findings:
        raise typer.Exit(FAILED_CHECK)


def sample(
    folder: PackArgument,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Texts of the outputs: text files or JSONL.")],
    beacon: Annotated[str, typer.Option(help="A public random value of after the period was logged.")],
    published: Annotated[str, typer.Option(help="When it was published, UTC, such as 2026-11-20T12:00:00Z.")],
    vkey: KeyOption = "",
    size: Annotated[int, typer.Option(min=1, help="How many outputs are measured again.")] = 30,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.9999, help="Of the bound on wrong ones.")] = 0.95,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Measure a random sample of a period's attributions again, with the studio's models; a later value draws it.

    Exit code 3 when one comes out otherwise than was paid by. The report lies in audits/samples/ and stands in the log.

    Example: endcredits audit sample 2026-10-for-audit outputs.jsonl --beacon "round 4711 8c1f..." --published
    2026-11-20T12:00:00Z --studio my-studio
    """
    from endcredits.canonical import to_plain
    from endcredits.flows.sampling import audit_sample
    from endcredits.interfaces.cli.attribute import read_outputs

    given = read_outputs(files, "", "")
    with opened(studio) as place, progress_bars() as progress:
        report, path = audit_sample(
            place,
            Path(folder),
            given,
            vkey=_key(vkey) if vkey else place.vkey_file.read_text(encoding="utf-8").strip(),
            beacon=beacon,
            published_at=published,
            size=size,
            confidence_ppb=round(confidence * PPB),
            progress=progress,
        )
    if as_json:
        print_json({**to_plain(report), "file": str(path)})
    else:
        _show(report, path)
    if report.wrong:
        raise typer.Exit(FAILED_CHECK)


def _show(report: SampleReport, path: Path) -> None:
    say(f"Sample of {report.sampled} of the {report.outputs} outputs of {report.period_id}, drawn by '{report.beacon}'")
    say(f"  seed {report.seed}")
    for one in report.measured:
        say(f"  {one.verdict:<8} {one.output_id}  {one.reason}".rstrip())
    say(f"{report.equal} equal to the nano-nat, {report.within} within stated errors, {report.wrong} wrong or missing.")
    say(
        f"With {report.confidence_ppb / PPB:.2%} confidence at most {report.wrong_at_most} of the {report.outputs} "
        f"({report.wrong_at_most_ppb / PPB:.2%}) are wrong."
    )
    for text in report.unchecked:
        say(f"  not checked: {text}")
    say(f"Report: {path}")


def _key(vkey: str) -> str:
    from endcredits.receipts.keys import read_vkeys

    return "\n".join(read_vkeys("\n".join(key_lines(vkey))))


def _text(file: str, field: str) -> str:
    from endcredits.errors import InputError

    try:
        return _bytes(file, field).decode()
    except UnicodeDecodeError as error:
        raise InputError("the file is not UTF-8", remedy="Check its name.", file=file, field=field) from error


def _bytes(file: str, field: str) -> bytes:
    from endcredits.errors import InputError

    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InputError(
            f"the file cannot be read ({error.strerror})", remedy="Check its name.", file=file, field=field
        ) from error

"""`endcredits statement`: what everybody earned and is owed, why, and what is needed to check it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say, shown

if TYPE_CHECKING:
    from endcredits.flows.studio import Studio
    from endcredits.payouts import Statement

FORMS = ("md", "html", "csv", "json", "pdf", "evidence", "proof")


def statement(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A closed period.")],
    payee: Annotated[str, typer.Option(help="Name or party id; all payees by default.")] = "",
    form: Annotated[
        str, typer.Option("--form", help="md, html, csv, json, pdf, evidence or proof; without it and a payee, a table.")
    ] = "",
    out: Annotated[str, typer.Option(help="Folder to write to; needed for pdf, evidence and proof.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show statements of a closed period: who earned what, and why, line by line.

    Evidence is a zip with a statement, its pools, its policy and a README that says what to check and how. Proof is the
    statement as JSON, its receipt, and the period's receipt with the payee's own place in the sum tree.

    Example: endcredits statement 2026-10 --payee "Jane Austen" --form pdf --out mail/
    """
    from endcredits.canonical import to_plain
    from endcredits.errors import InputError, NotFoundError
    from endcredits.flows import closing, periods

    if form not in ("", *FORMS):
        raise InputError(f"'{form}' is not a form of a statement", remedy=f"Use {', '.join(FORMS)}.", field="--form")
    if form in ("pdf", "evidence", "proof") and not out:
        raise InputError(f"{form} is no text", remedy="Name a folder with --out.", field="--out")
    with opened(studio) as place:
        closed = periods.find_period(place, period)
        found = [one for one in closed.statements if not payee or payee in (one.payee, one.party_id)]
        if payee and not found:
            raise NotFoundError(
                f"'{payee}' has no statement in the period '{period}'",
                remedy="See all: endcredits statement.",
                field="--payee",
            )
        if form == "proof":
            written = list(_write_proofs(place, period, found, Path(out)))
        else:
            written = [_write(place, one, form or "md", Path(out)) for one in found] if out else []
        corrected = [step for step in closing.steps(place, period) if step.step == "corrected"]
    if as_json:
        print_json({"written": written} if out else [to_plain(one) for one in found])
    elif out:
        say(f"Wrote {counted(len(written), 'file')} to {out}.")
    elif payee or form:
        for one in found:
            if form == "csv":
                typer.echo(_text(one, form), nl=False)  # its lines end in CR LF, and its cells are clean already
            else:
                say(_text(one, form or "md"))
    else:
        _table(found)
        say(f"The statements themselves are in {closed.folder}.")
    for step in corrected:  # beside the documents, which are what was issued
        note = f"Corrected at {step.at} ({step.facts['reason']}): what changed stands in each payee's next statement."
        typer.echo(shown(f"Note: {note}"), err=True)


def estimate(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A month, or any name with --from and --to.")],
    policy: Annotated[str, typer.Option(help="Policy file (TOML) or shipped name; fifty-fifty by default.")] = "",
    starts_on: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")] = "",
    ends_on: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show what payees would earn if the period closed with what is reported now. It is marked an estimate and pays nothing.

    Example: endcredits estimate 2026-11
    """
    from endcredits.canonical import to_plain
    from endcredits.flows.estimating import estimates
    from endcredits.interfaces.cli.policy import chosen_policy

    with opened(studio) as place:
        found = estimates(place, period, starts_on=starts_on, ends_on=ends_on, policy=chosen_policy(policy))
    if as_json:
        print_json([to_plain(one) for one in found])
        return
    say("ESTIMATE: from what is reported until now; only a close is final.")
    _table(found)


def picture(
    payee: Annotated[str, typer.Argument(metavar="PAYEE", help="Name or party id.")],
    out: Annotated[str, typer.Option(help="SVG file to write.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Draw what a payee earned over time, from all final statements.

    Example: endcredits earnings "Jane Austen" --out austen.svg
    """
    from endcredits.flows.estimating import draw_earnings

    with opened(studio) as place:
        written = draw_earnings(place, payee, out)
    if as_json:
        print_json({"written": written})
    else:
        say(f"Wrote {', '.join(written)}.")


def _write(place: Studio, one: Statement, form: str, folder: Path) -> str:
    from endcredits import durable
    from endcredits.flows.estimating import evidence_of
    from endcredits.flows.periods import statement_name
    from endcredits.payouts.pdf import statement_pdf

    if form == "evidence":
        path, data = folder / f"{statement_name(one)}.evidence.zip", evidence_of(place, one)
    elif form == "pdf":
        path, data = folder / f"{statement_name(one)}.pdf", statement_pdf(one)
    else:
        path, data = folder / f"{statement_name(one)}.{form}", _text(one, form).encode()
    durable.write_atomic(path, data)
    return str(path)


def _write_proofs(place: Studio, period: str, found: list[Statement], folder: Path) -> Iterator[str]:
    from endcredits import durable
    from endcredits.flows.periods import proofs_of

    for one in found:
        yield _write(place, one, "json", folder)
    for name, data in proofs_of(place, period, found):
        durable.write_atomic(folder / name, data)
        yield str(folder / name)


def _text(one: Statement, form: str) -> str:
    from endcredits.payouts import statement_csv, statement_json
    from endcredits.payouts.render import statement_html, statement_markdown

    writers = {"md": statement_markdown, "html": statement_html, "csv": statement_csv, "json": statement_json}
    return writers[form](one)


def _table(found: list[Statement]) -> None:
    from endcredits.money import format_micros

    say(f"{'earned':>22}  {'closing balance':>22}  {'payable':>22}  payee")
    for one in sorted(found, key=lambda s: (s.currency, -s.summary.earned_micros, s.payee)):
        sums = (one.summary.earned_micros, one.summary.closing_micros, one.summary.payable_micros)
        earned, closing, payable = (format_micros(micros, one.currency) for micros in sums)
        say(f"{earned:>22}  {closing:>22}  {payable:>22}  {one.payee}")

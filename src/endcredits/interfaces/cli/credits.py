"""End credits on a terminal, and `endcredits credits`: an attribution shown again, with who moved which part of its text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, console, counted, opened, print_json, say, shown
from endcredits.money import PPB

if TYPE_CHECKING:
    from rich.console import Console

    from endcredits.flows.attributing import GivenOutput
    from endcredits.flows.credit_view import CreditView
    from endcredits.flows.studio import Studio

NAMES_MAX = 4


def credits(
    output_id: Annotated[str, typer.Argument(metavar="OUTPUT_ID", help="An attributed output.")],
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="The output's text, as it was attributed; - is stdin.")] = "",
    text: Annotated[str, typer.Option(help="The output itself, instead of a file.")] = "",
    prompt: Annotated[str, typer.Option(help="What came before it when it was attributed.")] = "",
    html: Annotated[str, typer.Option(metavar="FILE", help="Write the end credits as a page.")] = "",
    work: Annotated[str, typer.Option(metavar="WORK_ID", help="Show which part of the text this work moved.")] = "",
    svg: Annotated[str, typer.Option(metavar="FILE", help="With --work: write that as a picture.")] = "",
    spans: Annotated[int, typer.Option(min=1, help="Into how many parts a text is cut at most.")] = 16,
    top: Annotated[int, typer.Option(min=1, help="How many works to show.")] = 12,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Roll the end credits of an attributed output again; with its text, show who moved which part of it.

    Example: endcredits credits output:1f0c... story.txt --html credits.html
    """
    from endcredits import durable
    from endcredits.errors import InputError
    from endcredits.flows import end_credits

    given = _given(file, text, prompt)
    if (work or svg) and given is None:
        raise InputError("which part of a text a work moved needs the text", remedy="Give FILE or --text.", field="FILE")
    if svg and not work:
        raise InputError("a picture is of one work", remedy="Name it with --work.", field="--svg")
    for name, option in ((html, "--html"), (svg, "--svg")):
        if name and Path(name).is_dir():
            raise InputError("this is a folder", remedy="Name a file in it.", file=name, field=option)
    with opened(studio) as place:
        view = _view(place, output_id, given, spans)
    written = [(html, view.html(top=top))] if html else []
    written += [(svg, view.heat_strip(work))] if svg else []
    for name, document in written:
        durable.write_atomic(Path(name), document.encode())
    if as_json:
        print_json({**view.as_dict(), "files": [name for name, _ in written]})
        return
    screen = console()
    if work and view.spans is not None:
        end_credits.heat_rows(view.spans, work, screen)
    elif not written:
        end_credits.roll(view, screen, top=top)
    for name, _ in written:
        say(f"Wrote {name}.")


def _given(file: str, text: str, prompt: str) -> GivenOutput | None:
    from endcredits.errors import InputError
    from endcredits.interfaces.cli.attribute import read_outputs

    if file and text:
        raise InputError("the text is given twice", remedy="Give FILE or --text.", field="--text")
    given = read_outputs([file] if file else [], text, prompt)
    if len(given) > 1:
        raise InputError(
            f"the file holds {len(given)} outputs", remedy="Give one: --text TEXT, or a file of its own.", file=file
        )
    if prompt and not given:
        raise InputError("a prompt without its output", remedy="Give FILE or --text.", field="--prompt")
    return given[0] if given else None


def _view(place: Studio, output_id: str, given: GivenOutput | None, spans: int) -> CreditView:
    from endcredits.flows import attributing, indexing
    from endcredits.flows.credit_view import CreditView
    from endcredits.flows.spans import check_given, find_output

    attribution = find_output(place, output_id)
    if given is not None:
        check_given(attribution, given.text, given.prompt)  # before the models are read
    view = CreditView(attribution, attributing.people(place))
    if given is None:
        return view
    return view.with_spans(indexing.current_index(place), given.text, given.prompt, most=spans)


def excerpt(text: bytes, limit: int = 300) -> str:
    """The beginning of an output, safe to print."""
    shown = text.decode("utf-8", "replace")
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in shown)
    return shown if len(shown) <= limit else shown[:limit] + " ..."


def people_line(names: tuple[str, ...]) -> str:
    """A few names and how many more."""
    if not names:
        return "nobody named"
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")


def show_credits(
    screen: Console, view: CreditView, label: str, text: bytes, *, top: int = 10, seconds_per_line: float = 0.0
) -> None:
    """Rolls the end credits of one output: rank, share, nats with error, work, people; then the rest and the sums."""
    from rich.text import Text

    from endcredits.flows.audit_report import trust
    from endcredits.flows.end_credits import caution, sums

    attribution = view.attribution
    screen.print(Text(f"\n{label}  {attribution.output_id}", style="bold"))
    screen.print(Text(excerpt(text), style="italic"))
    screen.print(Text("  rank    share        nats   +-     work and people", style="dim"))
    lines = view.lines()
    for line in lines[:top]:
        row = Text(f"  {line.rank:>4}  {line.share_ppb / PPB:>7.2%}  {line.credit_nats:>+10.3f}  {line.error_nats:>6.3f}  ")
        row.append(shown(line.title), style="bold")
        row.append(f"  {shown(people_line(line.people))}")
        screen.print(row)
        if seconds_per_line:
            time.sleep(seconds_per_line)
    rest = lines[top:]
    if rest:
        share, credit = sum(line.share_ppb for line in rest), sum(line.credit_nats for line in rest)
        screen.print(Text(f"        {share / PPB:>7.2%}  {credit:>+10.3f}          {counted(len(rest), 'more work')}"))
    screen.print(Text(f"        {attribution.unattributed_ppb / PPB:>7.2%}                      unattributed"))
    screen.print(Text(f"  {sums(attribution)}", style="dim"))
    corrected = "" if view.calibration else ": no audit corrected these credits"
    screen.print(Text(f"  {trust(attribution)}{corrected}", style="dim"))
    warning = caution(attribution)
    if warning:
        screen.print(Text(f"  {warning}", style="yellow"))

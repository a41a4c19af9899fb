"""`endcredits receipt`: proof, looked at, handed out and erased; `endcredits verify` checks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say

ReceiptArgument = Annotated[str, typer.Argument(metavar="RECEIPT", help="The receipt's id, as in `receipt list`.")]
OutOption = Annotated[str, typer.Option("--out", "-o", help="The file to write.", show_default="the output")]


def list_all(
    studio: StudioOption = ".",
    erased: Annotated[bool, typer.Option("--erased", help="What is left of erased receipts, instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the studio's receipts with their place in the log.

    Example: endcredits receipt list
    """
    from endcredits.flows import erasing, receipting

    with opened(studio) as place:
        found = receipting.entered(place, erased=erased)
        told = erasing.notes(place) if erased else []
    if as_json:
        names = (
            ("leaf_index", "type", "time", "erased_at") if erased else ("leaf_index", "type", "receipt_id", "time", "file")
        )
        print_json([{name: getattr(one, name) for name in names} for one in found])
        return
    for one in found:
        rest = f"erased on {one.erased_at[:10]}" if erased else f"{one.receipt_id}  {one.file}"
        say(f"{one.leaf_index:>6}  {one.type:<16}{rest}")
    for note in told:
        say(note)
    say(f"{len(found)} {'erased ' if erased else ''}receipts.")


def show(
    receipt_id: ReceiptArgument,
    lines: Annotated[bool, typer.Option("--lines", help="Show the lines of every work, too.")] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show what a receipt says and where it stands in the log.

    Example: endcredits receipt show period:2026-10
    """
    from endcredits.flows import receipting
    from endcredits.flows.gate_words import state_words

    with opened(studio) as place:
        found = receipting.described(place, receipt_id, lines=lines)
    if as_json:
        print_json(found)
        return
    say(f"{found['type']} {found['receipt_id']}")
    say(f"Entry {found['leaf_index']} (counted from 0) of the log '{found['origin']}', entered {found['time']}.")
    say(f"Its proof is of a log of {counted(found['log_size'], 'entry', 'entries')}. File: {found['file']}")
    _say_document(found["body"], "  ")
    if found["type"] == "run.receipt" and (told := state_words(found["body"])):
        say(told)
    for number, line in enumerate(found.get("lines", ())):
        say(f"  line {number}: " + ("erased" if "erased" in line else ", ".join(f"{k} {v}" for k, v in line.items())))


def _say_document(document: Mapping[str, Any], before: str) -> None:
    """Prints a document's fields, one a line."""
    import json

    for name, value in document.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        say(f"{before}{name}: {text if len(text) <= 200 else text[:200] + ' ...'}")


def line(
    receipt_id: ReceiptArgument,
    work_id: Annotated[str, typer.Argument(metavar="WORK", help="The work's id.")],
    out: OutOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Write the receipt for one work's creator: their own line with its proof, and nobody else's.

    Example: endcredits receipt line output:1f0c5a work:heights --out emily.json
    """
    from endcredits.flows import receipting

    with opened(studio) as place:
        _write(receipting.own_line(place, receipt_id, work_id), out, as_json)


def lines(receipt_id: ReceiptArgument, out: OutOption = "", studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Write the receipt for an auditor: with the lines of all works.

    Example: endcredits receipt lines output:1f0c5a --out all-lines.json
    """
    from endcredits.flows import receipting

    with opened(studio) as place:
        _write(receipting.all_lines(place, receipt_id), out, as_json)


KEPT = "kept the proof that more witnesses signed than today's checkpoint. Ask them first: endcredits witness submit."


def refresh(
    receipt_id: Annotated[str, typer.Argument(metavar="[RECEIPT]", help="A receipt's id.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every receipt of the studio, in its own file.")] = False,
    out: OutOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Give a receipt a proof under today's checkpoint, with the signatures of today's witnesses.

    Example: endcredits receipt refresh output:1f0c5a --out today.json
    """
    from endcredits.errors import InputError
    from endcredits.flows import receipting
    from endcredits.receipts import receipt_bytes

    if every == bool(receipt_id) or (every and out):
        raise InputError("it is not told which receipt", remedy="Name one, or give --all without --out.", field="RECEIPT")
    with opened(studio) as place:
        if every:
            number, kept = receipting.refresh_all(place)
            if as_json:
                print_json({"refreshed": number, "kept": kept})
                return
            say(f"{counted(number, 'receipt has', 'receipts have')} a proof of today." + (f" {kept} {KEPT}" if kept else ""))
            say("Proofs beside statements are written anew by: endcredits statement PERIOD --form proof --out DIR")
        else:
            receipt = receipting.refreshed(place, receipt_id)
            _write(receipt_bytes(receipt), out, as_json)
            if not receipting.is_of_today(place, receipt):
                typer.echo(f"Note: it {KEPT}", err=True)


def export(
    receipt_id: ReceiptArgument,
    form: Annotated[
        str, typer.Option("--form", help="receipt, tlog-proof (C2SP), cose (RFC 9942), or leaf: the entry that both prove.")
    ] = "tlog-proof",
    cose: Annotated[bool, typer.Option("--cose", help="The same as --form cose.")] = False,
    out: OutOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Write a receipt's proof for other programs: as tlog-proof text or as a COSE receipt.

    Example: endcredits receipt export output:1f0c5a --cose --out output.cose
    """
    from endcredits.flows import receipting

    with opened(studio) as place:
        _write(receipting.exported(place, receipt_id, "cose" if cose else form), out, as_json)


def erase(
    receipt_id: Annotated[str, typer.Argument(metavar="[OUTPUT]", help="The output whose receipt is to go.")] = "",
    party: Annotated[str, typer.Option("--party", help="The person whose lines, statements and facts are to go.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Erase. Without it nothing is changed.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Finish what was interrupted.")] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Erase what an output's receipt, or a person's, said. Without --yes: see what would go, and what must remain.

    Example: endcredits receipt erase --party party:7c1f --yes
    """
    from endcredits.errors import InputError
    from endcredits.flows import erasing

    if [bool(receipt_id), bool(party), resume].count(True) != 1:
        raise InputError(
            "it is not told what to erase", remedy="Name an output, or give --party ID, or --resume.", field="OUTPUT"
        )
    with opened(studio) as place:
        if resume:
            changed = erasing.resume(place)
            print_json({"changed": changed}) if as_json else say(
                f"{counted(changed, 'file was', 'files were')} changed or removed."
            )
            return
        plan = erasing.plan_party(place, party) if party else erasing.plan_output(place, receipt_id)
        receipts = erasing.erase(place, plan) if yes else ()
    if as_json:
        print_json(
            {
                "about": plan.about,
                "receipts": list(plan.receipts),
                "lines": plan.lines_count,
                "facts": len(plan.facts),
                "places_in_sum_trees": len(plan.sums),
                "remains": list(plan.remains),
                "erased": yes,
                "erasures": list(receipts),
            }
        )
        return
    say(f"{'Erased' if yes else 'Would be erased'} of {plan.about}:")
    say(
        f"  {counted(len(plan.receipts), 'receipt')} whole, {counted(plan.lines_count, 'line')}, "
        f"{counted(len(plan.facts), 'fact')}, "
        f"{counted(len(plan.sums), 'place')} in sum trees."
    )
    for text in plan.remains:
        say(f"  Remains: {text}")
    say(f"Entered into the log: {', '.join(receipts) or 'nothing was left'}." if yes else "Nothing was changed; give --yes.")


def _write(data: bytes, out: str, as_json: bool) -> None:
    """Writes a file, or its text to the output where none is named; told as JSON, the bytes stand there in base64."""
    import base64

    from endcredits import durable
    from endcredits.errors import InputError

    if out:
        durable.write_atomic(out, data)
    if as_json:
        print_json({"file": out, "bytes": len(data)} if out else {"base64": base64.b64encode(data).decode()})
    elif out:
        say(f"Written: {out}")
    else:
        try:
            typer.echo(data.decode("utf-8"), nl=False)
        except UnicodeDecodeError as error:
            raise InputError("this form is no text", remedy="Name a file: --out FILE.", field="--out") from error


def receipt_app(new_app: Callable[[str], typer.Typer]) -> typer.Typer:
    """The group `endcredits receipt`."""
    app = new_app(
        "Look at receipts, hand them out, and erase what they say.\n\n"
        "Example: endcredits receipt line output:1f0c5a work:heights --out emily.json"
    )
    app.command("list")(list_all)
    app.command("show")(show)
    app.command("line")(line)
    app.command("lines")(lines)
    app.command("refresh")(refresh)
    app.command("export")(export)
    app.command("erase")(erase)
    return app

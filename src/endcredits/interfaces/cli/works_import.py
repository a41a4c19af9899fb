"""`endcredits works import` and `works credits`: works and shares from files of others, and what is known of one work."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.flows.works_import import Imported

SHOWN = 50
WORDS = {"refused": "REFUSED", "held": "HELD   ", "noted": "noted  "}


def import_file(
    path: Annotated[str, typer.Argument(metavar="FILE", help="The file.")],
    form: Annotated[str, typer.Option("--form", help="cwr (Common Works Registration 2.1, 2.2) or ddex-csv.")],
    train_as: Annotated[
        str, typer.Option("--train-as", help="CWR: PR, MR or SR, whose shares also divide what training earns.")
    ] = "",
    since: Annotated[str, typer.Option("--since", help="First day of new splits where the file says none.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Import works, people and shares: each record becomes part of a work, or a finding with its number and field.

    Works are found by ISWC, by the sender's own number, or by title together with a name; others are registered without
    files. Nothing imported is a permission. The same file again changes nothing. Leaves with code 3 when records were
    refused or shares wait.

    Example: endcredits works import CW260001PUB_000.V21 --form cwr --dry-run
    """
    from endcredits.flows.works_import import import_works

    with opened(studio) as place:
        done = import_works(place, path, form, train_as=train_as, since=since, dry_run=dry_run)
    if as_json:
        print_json(_document(done))
    else:
        _tell(done)
    if any(one.effect != "noted" for one in done.notices):
        raise typer.Exit(FAILED_CHECK)


def _document(done: Imported) -> dict[str, Any]:
    return {
        "form": done.reading.form,
        "sender": done.reading.sender,
        "records": done.reading.records,
        "dry_run": done.dry_run,
        "new_parties": done.new_parties,
        "works": [{**asdict(one), "changed": one.changed} for one in done.works],
        "findings": [asdict(one) for one in done.notices],
    }


def _tell(done: Imported) -> None:
    would = "Would register" if done.dry_run else "Registered"
    new = sum(one.is_new for one in done.works)
    changed = sum(one.changed and not one.is_new for one in done.works)
    same = len(done.works) - new - changed
    for one in done.notices[:SHOWN]:
        where = f"record {one.record}" + (f", {one.field}" if one.field else "") + (f" ({one.title})" if one.title else "")
        say(f"{WORDS[one.effect]} {where}: {one.problem}.{' ' + one.remedy if one.remedy else ''}")
    if len(done.notices) > SHOWN:
        say(f"... and {len(done.notices) - SHOWN} more; --json lists them all.")
    held = sorted({one.work_id for one in done.works if one.disputes})
    say(f"{done.reading.records} records from {done.reading.sender}.")
    say(f"{would} without files: {new}. Known works that get something new: {changed}; that stay as they are: {same}.")
    say(f"New parties: {done.new_parties}.")
    if held:
        say(f"More than the whole is claimed of {len(held)} works; their money is held: endcredits disputes list --open")
    say("Nobody has allowed anything by this: see endcredits works list.")


def credits(
    work_id: Annotated[str, typer.Argument(metavar="WORK_ID", help="The work; see 'works list'.")],
    on: Annotated[str, typer.Option("--on", help="The day whose splits are told, YYYY-MM-DD; today by default.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show a work's credits as they read, its numbers, and who is paid for which right where.

    Example: endcredits works credits work:emma-1f2e --on 2026-12-31
    """
    from endcredits.flows.credit_roll import credit_roll
    from endcredits.ids import WorkId
    from endcredits.works.shares import credit_line

    with opened(studio) as place:
        roll = credit_roll(place, WorkId(work_id), on)
    if as_json:
        print_json(
            {
                **asdict(roll),
                "credits": [
                    {
                        "position": one.credit.position,
                        "role": one.credit.role,
                        "display_credit": one.credit.display_credit,
                        "party_id": one.party.party_id,
                        "name": one.party.name,
                        "numbers": one.numbers,
                    }
                    for one in roll.credits
                ],
            }
        )
        return
    say(f"{roll.title} ({roll.work_id}{'' if roll.files else ', no files yet'})")
    for title in roll.other_titles:
        say(f"  also: {title}")
    for number in roll.identifiers:
        say(f"  {number.scheme} {number.value} ({number.asserted_by})")
    for one in roll.credits:
        numbers = "".join(f" {scheme} {value}" for scheme, value in one.numbers)
        line = credit_line(one.credit.role, one.credit.display_credit)
        say(f"{one.credit.position:>4}  {line}  [{one.party.name}{numbers}]")
    for paid in roll.paid:
        portions = (f"{name} {ppb / 10_000_000:.7f}".rstrip("0").rstrip(".") + "%" for name, ppb in paid.portions)
        say(f"  {paid.right} in {paid.territory}: {', '.join(portions)}")

"""`endcredits works`: register works, list them with what is permitted, list whom they name, record a yes or a no."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.works import Decision

TABLES = (".csv", ".jsonl", ".ndjson", ".parquet")


def add(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A folder of text files, one file, or a table.")],
    creator: Annotated[str, typer.Option(help="Folder: who made it; several joined by ';'.")] = "",
    permission: Annotated[str, typer.Option(help="Folder: allow, deny, conditional or unknown.")] = "",
    licence: Annotated[str, typer.Option(help="Folder: an SPDX licence expression, judged by the house's table.")] = "",
    column: Annotated[
        list[str] | None, typer.Option(help="Table: ours=theirs, such as creator=author. Can be repeated.")
    ] = None,
    declared_by: Annotated[str, typer.Option(help="Who states creators and permission.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Register works from a folder of text files or a CSV, JSONL or Parquet table.

    Columns of a table: title, text or path, creator (names joined by ';' or a JSON list), split (ppb or percent per
    creator, joined by ';'), permission (allow, deny, conditional, unknown) or licence, work_id. All rows are registered,
    or none when one cannot be used.

    Example: endcredits works add novels.csv --column creator=author
    """
    from endcredits.errors import InputError
    from endcredits.flows.catalogue import add_works
    from endcredits.works import read_folder, read_table

    is_table = Path(path).suffix.lower() in TABLES and not Path(path).is_dir()
    renames = {}
    for pair in column or []:
        ours, equals, theirs = pair.partition("=")
        if not equals:
            raise InputError(f"'{pair}' is not a renamed column", remedy="Write ours=theirs.", field="--column")
        renames[ours.strip()] = theirs.strip()
    if is_table:
        for name, value in (("--creator", creator), ("--permission", permission), ("--licence", licence)):
            if value:
                raise InputError(f"{name} is for folders; a table has a column for it", field=name)
        submissions = read_table(path, renames, declared_by=declared_by)
    else:
        if renames:
            raise InputError("--column is for tables", field="--column")
        submissions = read_folder(path, creator=creator, permission=permission, licence=licence, declared_by=declared_by)
    with opened(studio) as place:
        done = add_works(place, submissions)
    if as_json:
        print_json({"new": done.new, "already_there": done.already_there, "restated": done.restated})
    else:
        say(f"Registered {counted(len(done.new), 'work')}; {counted(len(done.already_there), 'was', 'were')} there already.")
        say("See what may be trained on: endcredits works list")


def show(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """List works with their people and whether training is permitted now.

    Example: endcredits works list --json
    """
    from endcredits.flows.catalogue import corpus

    with opened(studio) as place:
        found = corpus(place)
    rows = [(work, decision) for work, decision in zip(found.admitted, found.decisions, strict=True)]
    rows = sorted([*rows, *found.refused], key=lambda row: row[0].work_id)
    if as_json:
        print_json(
            [
                {
                    "work_id": work.work_id,
                    "title": work.title,
                    "people": [credit.display_credit for credit in work.credits],
                    "decision": decision.value,
                    "verb": decision.verb,
                    "reason": decision.reason,
                }
                for work, decision in rows
            ]
        )
        return
    for work, decision in rows:
        people = ", ".join(dict.fromkeys(credit.display_credit for credit in work.credits)) or "nobody named"
        say(f"{decision.value:<12}{work.title}  ({people})  {work.work_id}")
        if decision.value != "allow":
            say(f"{'':<12}refused: {_why(decision)}")
    say(f"{len(found.admitted)} admitted, {len(found.refused)} refused.")


def parties(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """List the parties that works name, with the ids that files of payees, contracts and claims ask for.

    Example: endcredits works parties --json
    """
    from endcredits.flows.parties import all_parties

    with opened(studio) as place:
        found = all_parties(place)
    if as_json:
        print_json(
            [
                {
                    "party_id": party.party_id,
                    "name": party.name,
                    "kind": party.kind,
                    "identifiers": [{"scheme": scheme, "value": value} for scheme, value in party.identifiers],
                }
                for party in found
            ]
        )
        return
    for party in found:
        known = "".join(f"  {scheme} {value}" for scheme, value in party.identifiers)
        say(f"{party.party_id}  {party.name}{known}")
    say(f"{counted(len(found), 'party', 'parties')}.")


def _why(decision: Decision) -> str:
    """A decision's reason, with the verb that it is about when that is not training."""
    return decision.reason if decision.verb == "train" else f"{decision.verb}: {decision.reason}"

"""`endcredits contracts` and `endcredits units`: what was agreed with parties and crews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.royalties import Contract


def add(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Contracts as .toml, .csv, .jsonl or .parquet.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record contracts and book their advances: all of a file, or none when one is wrong. Again, it changes nothing.

    Keys: contract_id, party_id, currency, valid_from; and if you like valid_to, advance, recoup, reserve, reserve_days,
    guarantee, cross_group, works, order, source. New terms of a contract begin on a later day.

    Example: endcredits contracts add contracts.toml
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import agreements

    with opened(studio) as place:
        done = agreements.add_contracts(place, file)
    if as_json:
        print_json({"new": to_plain(done.new), "already_there": done.already_there, "advances": done.advances})
        return
    for contract in done.new:
        say(f"{contract.contract_id}  from {contract.valid_from}  {contract.party_id}  {_terms(contract)}")
    say(
        f"Recorded {counted(len(done.new), 'contract')}; {counted(done.already_there, 'was', 'were')} there already; "
        f"{counted(done.advances, 'advance was', 'advances were')} booked."
    )


def show(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """List contracts, every version, with what is still to be earned of their advances.

    Example: endcredits contracts list
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import agreements
    from endcredits.money import format_micros

    with opened(studio) as place:
        found = agreements.contracts(place)
    if as_json:
        print_json(to_plain(found))
        return
    for one in found:
        contract = one.contract
        until = f" to {contract.valid_to}" if contract.valid_to else ""
        say(f"{contract.contract_id}  from {contract.valid_from}{until}  {one.payee}  {_terms(contract)}")
        if one.unrecouped_micros:
            say(f"    unrecouped {format_micros(one.unrecouped_micros, contract.currency)}")
    say(f"{counted(len(found), 'version')} of contracts.")


def _terms(contract: Contract) -> str:
    from endcredits.money import format_micros
    from endcredits.royalties.policy_text import percent

    terms = [f"works {', '.join(contract.works)}" if contract.works else "all works"]
    if contract.advance_micros:
        recoup = percent(contract.recoup_ppb)[1:-1]
        terms.append(f"advance {format_micros(contract.advance_micros, contract.currency)}, recouped by {recoup}")
    if contract.reserve_ppb:
        terms.append(f"reserve {percent(contract.reserve_ppb)[1:-1]} for {contract.reserve_days} days")
    if contract.guarantee_micros:
        terms.append(f"guarantee {format_micros(contract.guarantee_micros, contract.currency)}")
    return "; ".join([contract.currency, *terms])


def add_units(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .csv, .jsonl or .parquet file.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record time and salary units, by which crews share: all of a file, or none when a row is wrong.

    Columns: work_id, right, party (name or id), time_units, salary_units. A later statement replaces an earlier one from the
    next proposed close on.

    Example: endcredits units add crew.csv
    """
    from endcredits.flows import agreements

    with opened(studio) as place:
        new, rows = agreements.add_units(place, file)
    if as_json:
        print_json({"new": new, "already_there": rows - new})
    else:
        say(
            f"Recorded the units of {counted(new, 'person', 'people')} on works; "
            f"{counted(rows - new, 'was', 'were')} there already."
        )


def show_units(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """List everybody's latest units.

    Example: endcredits units list
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import agreements

    with opened(studio) as place:
        found = agreements.units(place)
    if as_json:
        print_json(to_plain(found))
        return
    for one in found:
        say(f"{one.work_id}  {one.right}  {one.party_id}  time {one.time_units}  salary {one.salary_units}")
    say(f"{counted(len(found), 'statement')} of units.")

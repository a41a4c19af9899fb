"""`endcredits works sheet` and `endcredits works fund`: who agrees to share a work, and funds that split again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.works.shares import SheetState

Portions = Annotated[
    list[str], typer.Argument(metavar="NAME=PERCENT...", help="Name or party id of a member, and its part.")
]


def sheet_app(new_app: Callable[[str], typer.Typer]) -> typer.Typer:
    """The group of commands about sheets."""
    group = new_app(
        "Split sheets: proposed by one, in force when everybody on them has accepted.\n\n"
        'Example: endcredits works sheet propose work:emma-1f2e "Jane Austen=90%" "Tara Lin=10%:Translator" '
        '--from 2026-12-01 --by "Jane Austen"'
    )
    group.command("propose")(propose)
    group.command("accept")(accept)
    group.command("show")(show)
    return group


def fund_app(new_app: Callable[[str], typer.Typer]) -> typer.Typer:
    """The group of commands about funds."""
    group = new_app(
        "Funds: payees that split what they get again.\n\n"
        'Example: endcredits works fund set "Players Fund" "Una Horn=50%" "Vic Viola=50%" --from 2026-12-01'
    )
    group.command("set")(set_fund)
    group.command("show")(show_funds)
    return group


def propose(
    work_id: Annotated[str, typer.Argument(metavar="WORK_ID", help="The work; see 'works list'.")],
    shares: Annotated[
        list[str],
        typer.Argument(metavar="NAME=PERCENT[:ROLE[:CREDIT]]...", help="Everybody, in the order of the credits."),
    ],
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; after the last closed period.")],
    by: Annotated[str, typer.Option("--by", help="Who proposes.")],
    right: Annotated[str, typer.Option(help="Which right is shared.")] = "train",
    territory: Annotated[str, typer.Option(help="Where: WORLD, 'DE AT', 'WORLD -US'.")] = "WORLD",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Propose how a work is shared. Nobody's money moves until everybody on the sheet has accepted it.

    A changed sheet is a new one that begins without any yes. Names that nobody has yet become new parties. Where more than
    100% is claimed, nobody can accept, a dispute holds the work's money, and the command leaves with code 3.

    Example: endcredits works sheet propose work:emma-1f2e "Jane Austen=90%" "Tara Lin=10%" --from 2026-12-01 --by Jane
    """
    from endcredits.flows.sheets import names_of, parse_share
    from endcredits.flows.sheets import propose as proposed
    from endcredits.ids import WorkId

    named = [parse_share(text) for text in shares]
    with opened(studio) as place:
        done = proposed(place, WorkId(work_id), named, valid_from=since, by=by, right=right, territory=territory)
        names = names_of(place, [done.state])
    if as_json:
        facts = {"is_new": done.is_new, "new_parties": done.new_parties, "disputes": done.disputes}
        print_json({**_sheet(done.state, names), **facts})
    else:
        _tell(done.state, names)
        for party in done.new_parties:
            say(f"New party: {names.get(party, party)} ({party}).")
        if done.disputes:
            say(f"More than 100% is claimed: the dispute {done.disputes[0]} holds the work's money.")
        elif done.state.missing:
            say(f'Each of them accepts: endcredits works sheet accept {done.state.sheet.sheet_id} "NAME"')
    if done.disputes:
        raise typer.Exit(FAILED_CHECK)


def accept(
    sheet_id: Annotated[str, typer.Argument(metavar="SHEET_ID", help="The sheet; see 'works sheet show'.")],
    party: Annotated[str, typer.Argument(metavar="NAME", help="Name or party id of somebody on the sheet.")],
    by: Annotated[str, typer.Option("--by", help="By whose hand, or on whose word; their name by default.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record that somebody accepts a sheet. With the last yes its splits and credits are in force from its first day.

    Example: endcredits works sheet accept sheet:1f2e3d "Tara Lin" --by "Tara Lin, by letter of 2026-11-20"
    """
    from endcredits.flows.sheets import accept as accepted
    from endcredits.flows.sheets import names_of

    with opened(studio) as place:
        done = accepted(place, sheet_id, party, by=by)
        names = names_of(place, [done.state])
    if as_json:
        print_json({**_sheet(done.state, names), "splits_set": len(done.splits)})
    else:
        _tell(done.state, names)


def show(
    of: Annotated[str, typer.Argument(metavar="WORK_ID|SHEET_ID", help="A work, or one sheet.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show the sheets of a work, or one sheet: who has accepted, who has not, and since when it holds.

    Example: endcredits works sheet show work:emma-1f2e
    """
    from endcredits.flows.sheets import names_of
    from endcredits.flows.sheets import show as shown

    with opened(studio) as place:
        found = shown(place, of)
        names = names_of(place, found)
    if as_json:
        print_json([_sheet(state, names) for state in found])
        return
    for state in found:
        _tell(state, names)
    if not found:
        say("Nobody has proposed a sheet for it.")


def set_fund(
    fund: Annotated[str, typer.Argument(metavar="FUND", help="Name or party id of the fund.")],
    members: Portions,
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; after the last closed period.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record who shares a fund from a day on. What works owe to the fund is then paid to its members.

    Members may be funds; a circle is refused, and everybody on it is named. Names that nobody has yet become new parties.

    Example: endcredits works fund set "Players Fund" "Una Horn=50%" "Vic Viola=50%" --from 2026-12-01
    """
    from endcredits.flows.funds import set_members
    from endcredits.interfaces.cli.split import _portion

    portions = [_portion(text) for text in members]
    with opened(studio) as place:
        kept = set_members(place, fund, portions, valid_from=since)
    if as_json:
        shares = [{"party_id": one.party_id, "share_ppb": one.share_ppb} for one in kept]
        print_json({"fund_id": kept[0].fund_id, "valid_from": since, "shares": shares})
    else:
        say(f"Recorded: {kept[0].fund_id} is shared by {len(kept)} from {since} on.")


def show_funds(
    on: Annotated[str, typer.Option("--on", help="The day, YYYY-MM-DD; today by default.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Show all funds: their members, and whom their money reaches in the end.

    Example: endcredits works fund show --on 2026-12-31
    """
    from endcredits.flows.funds import funds
    from endcredits.works.utc import check_day

    if on:
        check_day(on, field="--on")
    with opened(studio) as place:
        found, names = funds(place, on)
    if as_json:
        print_json(
            [{"fund_id": one.fund_id, "name": one.name, "members": one.members, "reached": one.reached} for one in found]
        )
        return
    for one in found:
        say(f"{one.name} ({one.fund_id})")
        for title, portions in (("members", one.members), ("reached", one.reached)):
            told = ", ".join(f"{names.get(party, party)} {_percent(ppb)}" for party, ppb in portions.items())  # type: ignore[call-overload]
            say(f"  {title}: {told}")
    if not found:
        say("No fund has members then.")


def _percent(ppb: int) -> str:
    return f"{ppb / 10_000_000:.7f}".rstrip("0").rstrip(".") + "%"


def _sheet(state: SheetState, names: Mapping[Any, str]) -> dict[str, Any]:
    sheet = state.sheet
    return {
        "sheet_id": sheet.sheet_id,
        "work_id": sheet.work_id,
        "right": sheet.right,
        "territory": sheet.territory,
        "valid_from": sheet.valid_from,
        "number": sheet.number,
        "proposed_by": sheet.proposed_by,
        "proposed_at": sheet.proposed_at,
        "state": state.state,
        "replaced_by": state.replaced_by,
        "lines": [
            {
                "party_id": line.party_id,
                "name": names.get(line.party_id, ""),
                "role": line.role,
                "display_credit": line.display_credit,
                "share_ppb": line.share_ppb,
            }
            for line in sheet.lines
        ],
        "accepted": [
            {
                "party_id": one.party_id,
                "accepted_by": one.accepted_by,
                "accepted_at": one.accepted_at,
                "sheet_digest": one.sheet_digest,
            }
            for one in state.accepted
        ],
        "missing": list(state.missing),
    }


def _tell(state: SheetState, names: Mapping[Any, str]) -> None:
    from endcredits.works.shares import credit_line

    sheet = state.sheet
    say(f"{sheet.sheet_id}: {state.state}")
    say(f"  the right {sheet.right} of {sheet.work_id} in {sheet.territory} from {sheet.valid_from} on")
    yes = {one.party_id: one for one in state.accepted}
    for line in sheet.lines:
        given = yes.get(line.party_id)
        word = f"accepted {given.accepted_at[:10]} ({given.accepted_by})" if given else "not yet"
        name = names.get(line.party_id, line.party_id)
        say(f"  {_percent(line.share_ppb):>12}  {credit_line(line.role, line.display_credit)}  [{name}]  {word}")

"""`endcredits holds`: money that waits for its owner, how long already, and its release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say
from endcredits.interfaces.cli.disputes import ToOption, entry_document, portions, say_entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endcredits.flows.holding import Waiting
    from endcredits.ledger import Age

OnOption = Annotated[str, typer.Option("--on", help="Day, YYYY-MM-DD; today by default.")]
YearsOption = Annotated[int, typer.Option(min=0, help="After how many years a sum may go elsewhere where you are.")]
AccountArgument = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="As listed, such as Liabilities:Suspense:work:emma.")
]
WhyOption = Annotated[str, typer.Option("--why", help="Why, in one line that stays in the books.")]


def show(
    ageing: Annotated[bool, typer.Option("--ageing", help="Sums by age instead of single sums.")] = False,
    on: OnOption = "",
    years: YearsOption = 0,
    bounds: Annotated[str, typer.Option(help="Ages in days at which the next bucket begins.")] = "30,90,365,1095",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """List money that waits: unmatched, unclaimed, disputed, held. Oldest first, or by age.

    Example: endcredits holds list --ageing
    """
    from endcredits.flows import holding

    days = _days(bounds)
    with opened(studio) as place:
        if ageing:
            _print_ages(holding.ages(place, on=on, bounds_days=days), as_json)
        else:
            _print_waiting(holding.waiting(place, on=on, years=years), holding.waiting(place, on=on, taken=True), as_json)


def _days(text: str) -> list[int]:
    from endcredits.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        raise InputError(f"'{text[:60]}' are no ages in days", remedy="Give them like 30,90,365.", field="--bounds")
    return [int(part) for part in parts]


def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a work's title, a name, an id or an account.")],
    on: OnOption = "",
    years: YearsOption = 0,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Find money that waits, by title, name, id or account.

    Example: endcredits holds search austen
    """
    from endcredits.flows import holding

    with opened(studio) as place:
        taken = holding.waiting(place, on=on, text=text, taken=True)
        _print_waiting(holding.waiting(place, on=on, years=years, text=text), taken, as_json)


def _print_waiting(found: Iterable[Waiting], taken: Iterable[Waiting], as_json: bool) -> None:
    from endcredits.canonical import to_plain
    from endcredits.money import format_micros

    listed = list(found)
    if as_json:
        print_json(to_plain(listed))
        return
    for one in listed:
        lot = one.lot
        amount = format_micros(lot.amount_micros, lot.currency)
        free = f"  free on {one.free_on}" if one.free_on else ""
        say(f"{amount:>22}  {lot.kind:<10} since {lot.since} ({one.days} days){free}  {lot.account}  {one.name}".rstrip())
    say(f"{counted(len(listed), 'sum waits', 'sums wait')}.")
    for one in taken:
        too_much = format_micros(-one.lot.amount_micros, one.lot.currency)
        say(f"{too_much:>22}  taken too much since {one.lot.since}  {one.lot.account}  {one.name}".rstrip())


def _print_ages(found: Iterable[Age], as_json: bool) -> None:
    from endcredits.canonical import to_plain
    from endcredits.money import format_micros

    listed = list(found)
    if as_json:
        print_json(to_plain(listed))
        return
    for one in listed:
        age = f"{one.from_days} to {one.to_days - 1}" if one.to_days is not None else f"{one.from_days} and more"
        say(f"{format_micros(one.amount_micros, one.currency):>22}  {one.kind:<10} {age:>14} days  {one.lots} sums")
    say(f"{counted(len(listed), 'age')}.")


def release(
    account: AccountArgument,
    why: WhyOption,
    to: ToOption = None,
    to_commons: Annotated[
        bool, typer.Option("--to-commons", help="Let go what has waited for --years, to the commons; younger sums stay.")
    ] = False,
    years: YearsOption = 0,
    on: OnOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Give all that waits on an account to those whose it is. Without --to: a work's registered splits, or the party itself.

    Example: endcredits holds release Liabilities:Suspense:work:emma-1f2e --to "Jane Austen" --why "The author was found."
    """
    from endcredits.errors import InputError
    from endcredits.flows import holding

    named = portions(to)
    if to_commons and named:
        raise InputError("it goes to parties or to the commons", remedy="Give --to or --to-commons.", field="--to-commons")
    if years and not to_commons:
        raise InputError("years count for the commons alone", remedy="Leave out --years.", field="--years")
    with opened(studio) as place:
        if to_commons:
            gone = holding.let_go(place, account, years=years, why=why, on=on)
        else:
            entry = holding.release(place, account, named, why=why, on=on)
    if to_commons and as_json:
        print_json({"let_go": gone})
    elif to_commons:
        say(f"{gone} sums that waited for {years} years went to the commons.")
    elif as_json:
        print_json({"released": entry_document(entry)})
    else:
        say_entry(entry)


def unclaimed(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="Name or id of a party that cannot be reached.")],
    why: WhyOption,
    on: OnOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Set aside what is owed to a party that cannot be reached, so that it is listed and its age is seen.

    Example: endcredits holds unclaimed "Jane Austen" --why "Two letters came back."
    """
    from endcredits.flows import holding

    with opened(studio) as place:
        entry = holding.set_aside(place, party, why=why, on=on)
    if as_json:
        print_json({"set_aside": entry_document(entry)})
    elif entry is None:
        say("Nothing is owed.")
    else:
        say_entry(entry)

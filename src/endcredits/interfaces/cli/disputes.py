"""`endcredits disputes`: while two claim a work its money waits; when they are done it goes to who was right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.ledger import JournalEntry

ToOption = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="PARTY[=PERCENT]", help="Who gets it, by name or id; repeat it until 100% are named."),
]


def portions(texts: list[str] | None) -> list[tuple[str, int]]:
    """Parties and their parts in ppb; a single name without a part gets all.

    Raises:
        InputError: several are named, and one has no part.
    """
    from endcredits.errors import InputError
    from endcredits.money import PPB
    from endcredits.works import percent_ppb

    found = []
    for text in texts or []:
        name, _, part = text.rpartition("=")
        ppb = percent_ppb(part.strip()) if name.strip() else None
        if ppb is not None:
            found.append((name.strip(), ppb))
        elif len(texts or []) == 1 and text.strip():
            found.append((text.strip(), PPB))
        else:
            raise InputError(f"'{text[:60]}' is not a portion", remedy='Write it like "Jane Austen=60%".', field="--to")
    return found


def entry_document(entry: JournalEntry | None) -> dict[str, Any] | None:
    """A release for programs."""
    from endcredits.canonical import to_plain

    return None if entry is None else {"entry_id": entry.entry_id, "postings": to_plain(entry.postings)}


def say_entry(entry: JournalEntry | None) -> None:
    """A release for people: who got what."""
    from endcredits.money import format_micros

    if entry is None:
        say("No money waited.")
        return
    for posting in entry.postings:
        if posting.amount_micros < 0:
            say(f"{format_micros(-posting.amount_micros, posting.currency):>22}  {posting.account}")
    say(f"Booked as {entry.entry_id}; it is in the next statements.")


def open_one(
    work_id: Annotated[str, typer.Argument(metavar="WORK_ID", help="The work; see 'works list'.")],
    claimant: Annotated[str, typer.Option(help="Who disputes: name or id of a party, or another name.")],
    reason: Annotated[str, typer.Option(help="Why, in their words.")],
    dispute_id: Annotated[str, typer.Option("--id", help="Your own id of the dispute; made from the rest by default.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Open a dispute about who is entitled to a work's money: closes proposed from now on hold it back.

    Example: endcredits disputes open work:emma-1f2e --claimant "The Estate" --reason "We hold the rights since 2024."
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import disputing

    with opened(studio) as place:
        found = disputing.open_for(place, work_id, claimant, reason, dispute_id=dispute_id)
    if as_json:
        print_json(to_plain(found))
    else:
        say(f"The dispute {found.dispute_id} about {found.work_id} is open since {found.opened_at}; its money waits.")


def show(
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """List disputes with what waits for them.

    Example: endcredits disputes list --open
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import disputing
    from endcredits.money import format_micros

    with opened(studio) as place:
        found = [one for one in disputing.all_disputes(place) if not (open_only and one.dispute.closed_at)]
    if as_json:
        print_json(to_plain(found))
        return
    for one in found:
        dispute = one.dispute
        state = f"{dispute.outcome} at {dispute.closed_at}: {dispute.decision}" if dispute.closed_at else "open"
        say(f"{dispute.dispute_id}  {dispute.work_id} ({one.title or 'not registered'})  {dispute.claimant}  {state}")
        say(f"    {dispute.opened_at}  {dispute.reason}")
        for currency, micros in sorted(one.waiting.items()):
            say(f"    waiting {format_micros(micros, currency)}")
    say(f"{counted(len(found), 'dispute')}, {sum(not one.dispute.closed_at for one in found)} of them open.")


def end(
    dispute_id: Annotated[str, typer.Argument(metavar="DISPUTE", help="Its id; see 'disputes list'.")],
    outcome: Annotated[str, typer.Option(help="upheld, rejected, settled or withdrawn.")],
    decision: Annotated[str, typer.Option(help="Why, in words that stay on record.")],
    to: ToOption = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """End a dispute. The last one of a work releases what waited: to those named, or after a rejected or withdrawn claim to
    the registered splits.

    Example: endcredits disputes end dispute:4be1 --outcome settled --decision "Both agreed." --to "Ada=60%" --to "Ben=40%"
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import disputing

    named = portions(to)
    with opened(studio) as place:
        done = disputing.end(place, dispute_id, outcome, decision, to=named)
    if as_json:
        released = entry_document(done.entry)
        print_json({"dispute": to_plain(done.dispute), "released": released, "still_open": list(done.still_open)})
        return
    say(f"The dispute {done.dispute.dispute_id} ended at {done.dispute.closed_at}: {done.dispute.outcome}.")
    if done.still_open:
        say(f"The money waits on: {', '.join(done.still_open)} about the same work is open.")
    else:
        say_entry(done.entry)


def claims(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .csv, .jsonl or .parquet file.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Read claims to works, and hold the money of what is claimed more than once over. The same file again changes nothing.

    Columns: work_id, party_id, claimed (60%); and if you like right, territory, source. No claim changes who is paid.

    Example: endcredits disputes claims split-sheets.csv
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import disputing

    with opened(studio) as place:
        done = disputing.claim_file(place, file)
    if as_json:
        print_json({"claims": done.claims, "opened": done.opened, "disputes": to_plain(done.disputes)})
        return
    for one in done.disputes:
        say(f"{one.dispute_id}  {one.work_id}  {one.reason}{f' ({one.outcome})' if one.outcome else ''}")
    say(
        f"Read {counted(done.claims, 'claim')}; "
        f"{counted(len(done.disputes), 'right is', 'rights are')} claimed more than once over, "
        f"{done.opened} newly so."
    )

"""`endcredits works split`: who gets which part of what a work earns, from a day on."""

from __future__ import annotations

from typing import Annotated

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, counted, opened, print_json, say


def split(
    work_id: Annotated[str, typer.Argument(metavar="WORK_ID", help="The work; see 'works list'.")],
    portions: Annotated[
        list[str], typer.Argument(metavar="NAME=PERCENT...", help="Name or party id of a registered party, and its part.")
    ],
    since: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; after the last closed period.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record how a work's money is split from a day on. The portions sum to exactly 100%; up to 7 decimals count.

    Closed periods keep the splits that they were computed with. A close divides by the splits of its last day.

    Example: endcredits works split work:emma-1f2e "Jane Austen=60%" "The Estate=40%" --from 2026-12-01
    """
    from endcredits.flows.splits import share_work
    from endcredits.ids import WorkId

    parts = [_portion(text) for text in portions]
    with opened(studio) as place:
        kept = share_work(place, WorkId(work_id), parts, since)
    if as_json:
        splits = [{"party_id": one.party_id, "split_ppb": one.split_ppb} for one in kept]
        print_json({"work_id": work_id, "valid_from": since, "splits": splits})
    else:
        say(f"Recorded: {work_id} is split between {counted(len(kept), 'party', 'parties')} from {since} on.")


def _portion(text: str) -> tuple[str, int]:
    """A party and its part in ppb; the last "=" divides them, since a name may hold one.

    Raises:
        InputError: not written so.
    """
    from endcredits.errors import InputError
    from endcredits.works import percent_ppb

    name, _, part = text.rpartition("=")
    percent = percent_ppb(part.strip())
    if not name.strip() or percent is None:
        raise InputError(f"'{text[:60]}' is not a portion", remedy='Write it like "Jane Austen=60%".', field="NAME=PERCENT")
    return name.strip(), percent

"""`endcredits rights offer`: statements in force as texts for one's own site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.works.offers import Offer, Text

SAID = {"allow": "yes", "deny": "no", "conditional": "yes, under conditions", "unknown": "nothing"}


def offer(
    subject: Annotated[str, typer.Argument(metavar="WORK|PARTY", help="A work's id, or a party's id or name.")],
    form: Annotated[str, typer.Option("--form", help="tdmrep, odrl, rsl, aipref, headers or robots.")],
    url: Annotated[str, typer.Option(help="Address or pattern of addresses; by default those known of the works.")] = "",
    policy: Annotated[str, typer.Option(help="Address of the TDMRep policy (--form odrl writes one).")] = "",
    at: Annotated[str, typer.Option(help="UTC time, such as 2026-11-21T12:00:00Z; now by default.")] = "",
    out: Annotated[str, typer.Option(help="Folder to write to, one file per place.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Write what is stated about a work, or about all works of a party, as a standard says it on the web.

    A text never says more than what is stated: what a form cannot say is listed and left out, or said as a no. Contracts
    with single licensees are no offer to everybody and are not in it.

    Example: endcredits rights offer "Jane Austen" --form robots --url https://austen.example/
    """
    from endcredits.flows.offering import offer as made

    with opened(studio) as place:
        found = made(place, subject, form, at=at, url=url, policy=policy)
    written = _write(found, Path(out)) if out else []
    if as_json:
        print_json({**_plain(found), **({"written": written} if out else {})})
        return
    for text in found.texts:
        _print(found, text, shows_text=not out)
    for address, why in found.left_out:
        say(f"LEFT OUT  {address[:200]}: {why}")
    if out:
        say(f"Wrote {', '.join(written) or 'nothing'}.")
    since = f"since {found.since}" if found.since else "nothing was ever said"
    say(f"In force: {since}{f'; make it anew on {found.until}' if found.until else ''}.")


def _print(found: Offer, text: Text, *, shows_text: bool) -> None:
    from endcredits.works.offers import SAYS

    say(f"# {text.place}")
    if shows_text:
        say(text.text if text.text else "(nothing: no statement that this form could say)\n")
    for one in text.told:
        if one.why:
            sayable = one.verb in SAYS[found.form]
            said = f"said as {SAID[one.said]}" if sayable else "not expressible"
            say(f"  {one.verb}: stated {SAID[one.stated]}; {said} ({one.why})")
    say("")


def _plain(found: Offer) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found)


def _write(found: Offer, folder: Path) -> list[str]:
    from endcredits import durable
    from endcredits.ids import slug

    ends = {"application/json": "json", "application/ld+json": "jsonld", "application/rsl+xml": "xml", "text/html": "html"}
    written = []
    for number, text in enumerate(found.texts, start=1):
        if text.text:
            path = folder / f"{found.form}-{number}-{slug(text.place)}.{ends.get(text.media_type, 'txt')}"
            durable.write_atomic(path, text.text.encode())
            written.append(str(path))
    return written

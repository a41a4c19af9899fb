"""`endcredits log`: the log of receipts itself, its keys, and copies of it for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from endcredits.interfaces.cli.common import (
    JsonOption,
    StudioOption,
    counted,
    opened,
    print_json,
    progress_bars,
    report_findings,
    say,
)

if TYPE_CHECKING:
    from endcredits.receipts import Log

PlaceOption = Annotated[
    str,
    typer.Option("--log", metavar="PLACE", help="A log's folder, or the URL of its object store, instead of a studio's."),
]


def _log(studio: str, place: str) -> Log:
    """The log of a studio, or one anywhere, to be read."""
    from endcredits.flows import log_copies
    from endcredits.receipts import Log

    if place:
        return Log.open(log_copies.place_at(place))
    with opened(studio) as found:
        return found.log_to_read()


def show(studio: StudioOption = ".", place: PlaceOption = "", as_json: JsonOption = False) -> None:
    """Show how far the log reaches, its keys, and who signed its checkpoint.

    Example: endcredits log show
    """
    from endcredits.flows import log_copies

    told = log_copies.described(_log(studio, place))
    if as_json:
        print_json(told)
        return
    say(f"The log '{told['origin']}' has {counted(told['size'], 'entry', 'entries')}. Root: {told['root']}")
    say(f"Place: {told['place']}")
    for key in told["keys"]:
        say(f"  key {key['key_id']}  {key['kind']}{', the newest' if key['newest'] else ''}")
    for one in told["signed_by"]:
        say(f"  signed by {one['name']}, key {one['key_id']}{'' if one['own'] else ' (not the log itself)'}")


def check(
    older: Annotated[
        list[str] | None,
        typer.Option("--older", metavar="FILE", help="An older checkpoint, kept elsewhere; may be given several times."),
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild-index", help="First make the index again from the entries.")] = False,
    studio: StudioOption = ".",
    place: PlaceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Re-verify the whole log: every entry, every tile, the signatures, the index, and that it grew from older checkpoints.

    Example: endcredits log check --older checkpoint-of-last-year
    """
    from endcredits.errors import InputError
    from endcredits.flows import log_keys
    from endcredits.flows.log_copies import described
    from endcredits.receipts import check_log

    if rebuild:
        if place:
            raise InputError("only a studio's index can be made again", remedy="Leave out --log.", field="rebuild-index")
        with opened(studio) as found:
            log_keys.rebuild_index(found)
    log = _log(studio, place)
    try:
        notes = [Path(name).read_bytes().decode("utf-8") for name in older or ()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"an older checkpoint cannot be read ({error})", field="older") from error
    with progress_bars() as progress:
        findings = check_log(log, notes, progress, index=None if place else True)
    size = described(log)["size"] if not findings else 0
    verdict = f"{counted(len(findings), 'thing does', 'things do')} not fit."
    if not findings:
        verdict = f"All {size} entries fit." if size != 1 else "Its one entry fits."
    report_findings(findings, {"place": log.storage.where(), "fits": not findings, "size": size}, verdict, as_json)


def rotate(
    retire: Annotated[bool, typer.Option("--retire", help="Stop signing with the key before, and remove it.")] = False,
    post_quantum: Annotated[
        bool, typer.Option("--post-quantum", help="Add a second signature, ML-DSA-44, to every checkpoint.")
    ] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Change the log's key: the old key says in the log which one comes next, then both sign until the old one is retired.

    Example: endcredits log rotate
    """
    from endcredits.errors import InputError
    from endcredits.flows import log_copies, log_keys

    if retire and post_quantum:
        raise InputError("one thing at a time", remedy="Run it once with --retire and once with --post-quantum.")
    with opened(studio) as place:
        step = log_keys.retire if retire else log_keys.add_post_quantum if post_quantum else log_keys.rotate
        told = log_copies.described(step(place))
        file = str(place.vkey_file)
    if as_json:
        print_json(told)
        return
    own = [one["key_id"] for one in told["signed_by"] if one["own"]]
    say(f"The checkpoint of {counted(told['size'], 'entry', 'entries')} is signed by the keys {', '.join(own)}.")
    say(f"Hand out {file} again: its first line is the newest key.")


def export(
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help="A folder, or a URL such as s3://bucket/log.")],
    studio: StudioOption = ".",
    place: PlaceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Copy the log to where it is served, or bring the copy there up to date; every entry is verified on the way.

    Example: endcredits log export --to /srv/www/log
    """
    from endcredits.flows import log_copies

    log = _log(studio, place)
    with progress_bars() as progress:
        added = log_copies.export_to(log, to, progress)
    if as_json:
        print_json({"to": to, "added": added, "size": log.checkpoint().size})
        return
    say(f"{counted(added, 'entry was', 'entries were')} new to {to}; it has {log.checkpoint().size} now.")


def log_app(new_app: Callable[[str], typer.Typer]) -> typer.Typer:
    """The group of commands."""
    app = new_app("The log of receipts: its extent, its check, its keys, and copies of it.\n\nExample: endcredits log show")
    for command in (show, check, rotate, export):
        app.command()(command)
    return app

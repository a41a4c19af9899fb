"""What the commands of `endcredits disclose` say: what was written, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, print_json, say, shown

if TYPE_CHECKING:
    from endcredits.flows.disclosing_documents import Made
    from endcredits.works.disclosure import Missing


def tell(made: Made, out: str, as_json: bool) -> None:
    """Says what was made and what is missing; leaves with 3 where something required is."""
    from endcredits.canonical import to_plain

    if as_json:
        print_json(
            {
                "document": made.kind,
                "file": out or None,
                "files": made.files,
                "complete": made.complete,
                "missing": [to_plain(one) for one in made.missing],
                "standing": to_plain(made.standing),
                **({} if out else {"text": made.data.decode()}),
            }
        )
    elif not out:
        typer.echo(made.data.decode(), nl=False)
        _say_missing(made.missing, err=True)
    else:
        say(f"Wrote {out} ({made.files} {'file' if made.files == 1 else 'files'}).")
        _say_missing(made.missing, err=False)
    if not made.complete:
        raise typer.Exit(FAILED_CHECK)


def _say_missing(missing: Sequence[Missing], *, err: bool) -> None:
    for one in missing:
        typer.echo(shown(f"MISSING  {one.field}  {one.law} ({one.severity}): {one.why}. To supply it: {one.how}."), err=err)
    if not missing:
        typer.echo("Nothing that is asked for is missing.", err=err)

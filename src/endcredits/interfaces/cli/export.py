"""`endcredits export`: a creator takes everything out; and the check of such an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endcredits.interfaces.cli.common import (
    JsonOption,
    StudioOption,
    opened,
    print_json,
    progress_bars,
    report_findings,
    say,
)
from endcredits.interfaces.cli.keys import key_lines


def export(
    party: Annotated[str, typer.Argument(metavar="[PARTY]", help="A party's id or name.", show_default=False)] = "",
    out: Annotated[str, typer.Option(help="The archive to write.")] = "",
    with_files: Annotated[bool, typer.Option("--with-files", help="Put the works' own files in, too.")] = False,
    check: Annotated[str, typer.Option("--check", help="Check this archive; needs no studio.")] = "",
    vkey: Annotated[
        list[str] | None,
        typer.Option("--vkey", help="With --check: public key of the log, or a file with it; may be repeated."),
    ] = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Take everything out that concerns a creator: works, terms, likeness, history and money, as one signed archive.

    A ZIP of JSON, CSV and a README that explains every file. The same state gives the same bytes. Others appear in it as
    credits read on the screen, and with nothing else. --check verifies an archive: shape, signature, every file, every
    proof; exit code 3 when something does not fit.

    Example: endcredits export "Emily Bronte" --out bronte.zip --with-files
    """
    from endcredits.errors import InputError

    if check and (party or out or with_files):
        raise InputError("--check stands alone", remedy="Give --check FILE.zip, with or without --vkey.", field="--check")
    if check:
        _check(check, vkey or [], studio, as_json)
        return
    if not party or not out:
        raise InputError(
            "whose archive, or where to, was not said",
            remedy="Give PARTY and --out FILE.zip.",
            field="PARTY" if not party else "--out",
        )
    _export(party, out, with_files, studio, as_json)


def _export(party: str, out: str, with_files: bool, studio: str, as_json: bool) -> None:
    from endcredits.flows.exporting import export as write

    with opened(studio) as place, progress_bars() as progress:
        done = write(place, party, out, with_files=with_files, progress=progress)
        vkey_file = place.vkey_file
    if as_json:
        print_json(
            {
                "path": str(done.path),
                "party_id": done.party_id,
                "entries": done.entries,
                "size_bytes": done.size_bytes,
                "manifest_sha256": done.sha256,
                "left_out": list(done.left_out),
            }
        )
        return
    say(f"Wrote {done.entries} files ({done.size_bytes:,} bytes) to {done.path}.")
    for one in done.left_out:
        say(f"LEFT OUT  {one}")
    say(f"Check it anywhere: endcredits export --check {done.path} --vkey {vkey_file}")


def _check(path: str, vkeys: list[str], studio: str, as_json: bool) -> None:
    from endcredits.flows.exporting_check import as_document, check_export, summary

    checked = check_export(path, _keys(vkeys, studio))
    report_findings(checked.findings, as_document(checked), summary(checked), as_json)


def _keys(given: list[str], studio: str) -> list[str]:
    """The keys that were given, or the studio's; none where there is neither."""
    from endcredits.receipts.keys import read_vkeys

    beside = Path(studio) / "log" / "log.vkey"
    files = given or ([str(beside)] if beside.exists() else [])
    found: list[str] = []
    for one in files:
        found += read_vkeys("\n".join(key_lines(one)))
    return list(dict.fromkeys(found))

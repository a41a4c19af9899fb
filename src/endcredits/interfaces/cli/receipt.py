"""`endcredits receipt`: proof, checked offline."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, opened, print_json, say


def verify(
    files: Annotated[list[str], typer.Argument(metavar="RECEIPT...", help="Receipt files.")],
    vkey: Annotated[str, typer.Option(help="The log's public key, or a file with it; the studio's by default.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Verify receipts offline. With --vkey no studio is needed, and neither is endcredits: see receipts/verify.py.

    Example: endcredits receipt verify receipts/*.json --vkey log.vkey
    """
    from endcredits.errors import InputError
    from endcredits.receipts import verify_receipt

    key = vkey or str(Path(studio) / "log" / "log.vkey")
    try:
        text = key if key.count("+") > 1 else Path(key).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the public key cannot be read ({error})", remedy="Give --vkey, or --studio.", file=key, field="--vkey"
        ) from error
    verdicts = []
    for file in files:
        try:
            verdicts.append((file, verify_receipt(Path(file).read_bytes(), text)))
        except OSError as error:
            raise InputError(
                f"the receipt cannot be read ({error.strerror})", remedy="Check its name.", file=file
            ) from error
        except ValueError as error:
            raise InputError(f"the public key cannot be used ({error})", remedy="Use log.vkey.", field="--vkey") from error
    if as_json:
        print_json([{"file": file, **asdict(verdict)} for file, verdict in verdicts])
    else:
        for file, verdict in verdicts:
            if not verdict.verified:
                say(f"NOT VERIFIED  {file}: {verdict.problem}")
            else:
                say(f"VERIFIED  {file}: {verdict.type} {verdict.receipt_id}")
                for line in verdict.proven:
                    say(f"  proven: {line}")
        good = [verdict for _, verdict in verdicts if verdict.verified]
        say(f"{len(good)} of {len(verdicts)} receipts verify.")
        for line in good[0].not_proven if good else ():
            say(f"Not proven: {line}")
    if not all(verdict.verified for _, verdict in verdicts):
        raise typer.Exit(FAILED_CHECK)


def show(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """List the studio's receipts with their place in the log.

    Example: endcredits receipt list
    """
    from endcredits.receipts import receipt_path, receipts_in

    with opened(studio) as place:
        found = receipts_in(place.receipts)
        rows = [(r.proof.leaf_index, r.type, r.receipt_id, str(receipt_path(place.receipts, r.receipt_id))) for r in found]
    if as_json:
        print_json([dict(zip(("leaf_index", "type", "receipt_id", "file"), row, strict=True)) for row in sorted(rows)])
        return
    for index, kind, name, file in sorted(rows):
        say(f"{index:>6}  {kind:<16}{name}  {file}")
    say(f"{len(rows)} receipts.")

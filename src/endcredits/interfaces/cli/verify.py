"""`endcredits verify`: receipts checked offline, by the same file that people without endcredits run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, counted, print_json, say
from endcredits.interfaces.cli.keys import key_lines

Vkey = Annotated[
    list[str] | None,
    typer.Option("--vkey", help="A public key of the log, or a file with it; may be repeated; the studio's by default."),
]
Policy = Annotated[str, typer.Option("--policy", help="File of log and witness keys, and of who must have cosigned.")]
Older = Annotated[list[str] | None, typer.Option("--older", help="A checkpoint kept from earlier; may be repeated.")]
Statements = Annotated[
    list[str] | None, typer.Option("--statement", help="A statement's JSON, to hold against its receipt; may be repeated.")
]


def verify(
    files: Annotated[list[str] | None, typer.Argument(metavar="RECEIPT...", help="Receipt files.")] = None,
    vkey: Vkey = None,
    policy: Policy = "",
    older: Older = None,
    statement: Statements = None,
    web: Annotated[str, typer.Option(help="Write the page that checks receipts in a browser to this folder.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Verify receipts offline. With --vkey no studio is needed, and neither is endcredits: see docs/verify.md.

    Example: endcredits verify receipts/*.json --vkey log.vkey
    """
    from endcredits.errors import InputError
    from endcredits.flows.gate_words import state_words
    from endcredits.receipts import verify as lone

    written = _write_page(web) if web else []
    if written and not as_json:
        say(f"Wrote {', '.join(written)}. Open the page in a browser, or hand it out.")
    if written and not files:
        if as_json:
            print_json({"written": written})
        return
    if not files:
        raise InputError("no receipt is named", remedy="Give at least one receipt file.", field="RECEIPT")
    trust = _trust(vkey or [], policy, studio)
    checked = [(file, *lone.check(_receipt(file), trust)) for file in files]
    kept = []
    for file in older or []:
        try:
            kept.append((file, lone.open_checkpoint(_read(file, "checkpoint").decode(), trust)))
        except ValueError as error:
            raise InputError(f"it is no checkpoint of this log ({error})", remedy="Give it unchanged.", file=file) from error
    statements = [(file, _read(file, "statement")) for file in statement or []]
    good = [row for row in checked if row[1].verified]
    together = lone.compare(good, kept, statements)
    words = {
        file: told
        for file, row, facts in checked
        if row.verified and row.type == "run.receipt" and facts.get("body") and (told := state_words(facts["body"]))
    }
    if as_json:
        rows = [{"file": file, **row._asdict()} for file, row, _ in checked]
        more = {**({"written": written} if written else {}), **({"corpora": words} if words else {})}
        print_json({"receipts": rows, "together": together, **more})
    else:
        say(lone.in_words(checked, together))
        for told in sorted(set(words.values())):
            named = [file for file, text in words.items() if text == told]
            say(f"{told} ({', '.join(named[:3])}{f' and {len(named) - 3} more' if len(named) > 3 else ''})")
        say(f"{len(good)} of {counted(len(checked), 'receipt verifies', 'receipts verify')}.")
    if len(good) < len(checked) or together["problems"]:
        raise typer.Exit(FAILED_CHECK)


def _trust(vkeys: list[str], policy: str, studio: str) -> Any:
    """The keys and the policy to check by; without any, the keys that the studio's log publishes."""
    from endcredits.errors import InputError
    from endcredits.receipts import verify as lone

    keys = vkeys or ([] if policy else [str(Path(studio) / "log" / "log.vkey")])
    try:
        text = "\n".join(line for key in keys for line in key_lines(key, remedy="Give --vkey, or --studio."))
        words = _read(policy, "policy", "--policy").decode("utf-8-sig") if policy else "quorum none"
        return lone.read_policy(words, text)
    except ValueError as error:
        raise InputError(
            f"the key or the policy cannot be used ({error})", remedy="Use the lines of log.vkey.", field="--vkey"
        ) from error


def _receipt(file: str) -> bytes:
    """A receipt's bytes; the paper that a receipt is about is often taken for it."""
    from endcredits.errors import InputError

    data = _read(file, "receipt")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data  # the verifier says what is wrong with it
    if isinstance(document, dict) and "statement_id" in document and "leaf" not in document:
        raise InputError(
            "this is a statement, not the receipt of one",
            remedy=f"Give its receipt, and the statement beside it: --statement {file[:300]}.",
            file=file[:300],
            field="RECEIPT",
        )
    return data


def _read(file: str, what: str, field: str = "") -> bytes:
    """A file's bytes, but never more than a verifier accepts."""
    from endcredits.errors import InputError
    from endcredits.receipts.verify import FILE_BYTES_MAX

    try:
        with Path(file).open("rb") as opened:
            return opened.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"the {what} cannot be read ({reason})", remedy="Check its name.", file=file[:300], field=field
        ) from error


def _write_page(folder: str) -> list[str]:
    """Writes the page, and the verifier inside it once more alone; they need nothing else, and no server."""
    from endcredits import durable
    from endcredits.receipts.web import page_files

    written = []
    for name, data in page_files():
        path = Path(folder) / name
        durable.write_atomic(path, data)
        written.append(str(path))
    return written

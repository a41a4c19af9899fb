"""`endcredits attribute`: outputs in, end credits out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import (
    JsonOption,
    StudioOption,
    console,
    opened,
    print_json,
    progress_bars,
)

if TYPE_CHECKING:
    from endcredits.flows.attributing import GivenOutput


def attribute(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE...", help="Text files, or JSONL with 'output' (or 'text') and 'prompt'; - is stdin."),
    ] = None,
    text: Annotated[str, typer.Option(help="The output itself.")] = "",
    prompt: Annotated[str, typer.Option(help="What came before it (with --text or one text file).")] = "",
    top: Annotated[int, typer.Option(min=1, help="How many works to show.")] = 10,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Attribute outputs of the full model: credits in nats per work, recorded, each with a receipt.

    Example: endcredits attribute --text "It was a dark and stormy night"
    """
    from endcredits.errors import InputError
    from endcredits.flows import attributing, indexing
    from endcredits.flows.credit_view import CreditView
    from endcredits.interfaces.cli.credits import show_credits

    given = read_outputs(files or [], text, prompt)
    if not given:
        raise InputError("there is nothing to attribute", remedy="Give a file, --text, or - for stdin.", field="FILE")
    with opened(studio) as place, progress_bars() as progress:
        index = indexing.current_index(place)
        found = attributing.attribute(place, index, given, progress=progress)
        names = attributing.people(place)
    views = [CreditView(attribution, names) for attribution in found]
    if as_json:
        print_json([{"label": o.label, **view.as_dict()} for o, view in zip(given, views, strict=True)])
        return
    screen = console()
    for output, view in zip(given, views, strict=True):
        show_credits(screen, view, output.label, output.text, top=top)


def read_outputs(files: Sequence[str], text: str, prompt: str) -> list[GivenOutput]:
    """Collects outputs from the command line.

    Raises:
        InputError: a file cannot be read, is not UTF-8, or a JSONL row lacks its output.
    """
    from endcredits.errors import InputError
    from endcredits.flows.attributing import GivenOutput

    before = _utf8(prompt, "--prompt")
    outputs = [GivenOutput(_utf8(text, "--text"), before, "--text")] if text else []
    if prompt and not text and (len(files) != 1 or files[0].endswith(".jsonl")):
        raise InputError("--prompt goes with --text or with one text file", field="--prompt")
    for name in files:
        data = sys.stdin.buffer.read() if name == "-" else _read(name)
        try:
            decoded = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"the file is not UTF-8 text (byte {error.start})", remedy="Save it as UTF-8.", file=name
            ) from error
        if not decoded.strip():
            raise InputError("the file is empty", remedy="Put the output into it.", file=name)
        if name.endswith((".jsonl", ".ndjson")):
            outputs.extend(_rows(name, decoded))
        elif name == "-" and _is_jsonl(decoded):
            if prompt:
                raise InputError("--prompt goes with --text or with one text file", field="--prompt")
            outputs.extend(_rows("stdin", decoded))
        else:
            outputs.append(GivenOutput(data, before, name))
    return outputs


def _utf8(text: str, option: str) -> bytes:
    from endcredits.errors import InputError

    try:
        return text.encode()
    except UnicodeEncodeError as error:
        # Bytes on the command line that are not UTF-8 reach us as halves of characters.
        raise InputError("the option is not UTF-8 text", remedy="Write it in UTF-8.", field=option) from error


def _read(name: str) -> bytes:
    from endcredits.errors import InputError

    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", remedy="Check its name.", file=name) from error


def _is_jsonl(decoded: str) -> bool:
    """Whether every line that is not blank is a JSON object with an output; anything else is one text."""
    for line in filter(str.strip, decoded.split("\n")):
        try:
            row = json.loads(line)
        except ValueError:
            return False
        except RecursionError:
            continue  # reading the rows says which one is too deep
        if not isinstance(row, dict) or not {"output", "text"} & set(row):
            return False
    return True


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return row


def _rows(name: str, decoded: str) -> list[GivenOutput]:
    from endcredits.errors import InputError
    from endcredits.flows.attributing import GivenOutput

    rows = []
    for number, line in enumerate(decoded.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_no_key_twice)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"the line is not JSON ({error})", remedy="Write one object a line.", file=name, row=number
            ) from error
        if not isinstance(row, dict):
            raise InputError("the line is not a JSON object", remedy="Write one object a line.", file=name, row=number)
        output, before = row.get("output", row.get("text")), row.get("prompt", "")
        if not isinstance(output, str) or not output:
            raise InputError("the row has no output text", remedy="Add it.", file=name, row=number, field="output")
        if not isinstance(before, str):
            raise InputError("the prompt is not text", remedy="Make it a string.", file=name, row=number, field="prompt")
        try:
            rows.append(GivenOutput(output.encode(), before.encode(), f"{name} row {number}"))
        except UnicodeEncodeError as error:
            raise InputError(
                "the row holds half a character (a lone surrogate)", remedy="Write whole characters.", file=name, row=number
            ) from error
    return rows

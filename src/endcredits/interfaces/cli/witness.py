"""`endcredits witness`: run a witness, and ask witnesses to cosign the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, counted, opened, print_json, say
from endcredits.interfaces.cli.keys import key_lines

if TYPE_CHECKING:
    from endcredits.receipts.witness import Answer
    from endcredits.receipts.witness_state import Watched

FolderArgument = Annotated[str, typer.Argument(metavar="FOLDER", help="The witness's folder.")]


def witness_app(new_app: Any) -> typer.Typer:
    """The group of these commands."""
    app: typer.Typer = new_app(
        "Run a witness of logs, and ask witnesses to cosign the log.\n\n"
        "Example: endcredits witness submit --policy witnesses.policy"
    )
    for command in (init, add, serve, show, submit):
        app.command(command.__name__)(command)
    return app


def init(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
    name: Annotated[str, typer.Option(help="The witness's name: a domain that is yours and a path, without https://.")],
    log: Annotated[list[str] | None, typer.Option(help="A log's public key, or its log.vkey; may be repeated.")] = None,
    mldsa: Annotated[
        bool, typer.Option("--mldsa", help="With a second key that is safe against quantum computers.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a witness: a folder with its key and with what it remembers of the logs that it watches.

    Example: endcredits witness init my-witness --name witness.example/w1 --log log.vkey
    """
    from endcredits.receipts.witness_making import init_witness, watch_all

    lines = [line for text in log or [] for line in key_lines(text)]
    keys = init_witness(folder, name, mldsa=mldsa)
    logs = watch_all(folder, lines)
    if as_json:
        print_json({"folder": folder, "vkeys": [key.vkey for key in keys], "logs": [one.origin for one in logs]})
        return
    say(f"Made the witness '{name}' in {folder}. Hand out its public key; this is the line for policies:")
    for key in keys:
        say(f"  {key.vkey}")
    say(f"It watches {counted(len(logs), 'log')}. Add one: endcredits witness add {folder} LOG.VKEY")
    say(f"Next: endcredits witness serve {folder}")


def add(
    folder: FolderArgument,
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="The log's public key, or a file with it.")],
    as_json: JsonOption = False,
) -> None:
    """Have a witness watch a log, or know a further key of one. It may be serving; it need not be stopped.

    Example: endcredits witness add my-witness log.vkey
    """
    from endcredits.receipts.witness_making import watch_all

    logs = watch_all(folder, key_lines(vkey))
    if as_json:
        print_json([_log(log) for log in logs])
        return
    for log in logs:
        say(
            f"The witness watches {log.origin} ({counted(len(log.keys), 'key')}, "
            f"{counted(log.latest.size, 'entry', 'entries')} cosigned)."
        )


def serve(
    folder: FolderArgument,
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes any free one.")] = "127.0.0.1:8753",
    as_json: JsonOption = False,
) -> None:
    """Cosign what is submitted, until stopped (Ctrl-C or SIGTERM). Prints its address, then one line for each request.

    Example: endcredits witness serve my-witness --listen 0.0.0.0:8753
    """
    import json
    import signal
    import threading
    from datetime import UTC, datetime

    from endcredits.errors import InputError
    from endcredits.receipts.witness import Witness
    from endcredits.receipts.witness_server import WitnessServer

    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InputError(f"'{listen}' is not an address", remedy="It reads HOST:PORT.", field="--listen")

    def tell(answer: Answer) -> None:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if as_json:
            row = {"time": at, "status": answer.status, "origin": answer.origin, "problem": answer.note}
            typer.echo(json.dumps(row, ensure_ascii=False), err=True)
        else:
            words = f"  {answer.note}" if answer.note else ""
            typer.echo(f"{at}  {answer.status}  {answer.origin or '-'}{words}", err=True)

    server = WitnessServer(Witness(folder), host.strip("[]"), int(port), tell)
    stopping = threading.Event()

    def stop(*_: object) -> None:
        # `stop` waits for the loop below, which waits for this handler to return.
        if not stopping.is_set():
            stopping.set()
            threading.Thread(target=server.stop, daemon=True).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        names = [key.vkey for key in server.witness.keys]
        if as_json:
            typer.echo(json.dumps({"url": server.url, "vkeys": names}))
        else:
            say(f"The witness '{server.witness.keys[0].name}' listens on {server.url}")
        with server:
            server.serve_forever(poll_interval=0.1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log(log: Watched) -> dict[str, Any]:
    return {
        "origin": log.origin,
        "vkeys": [key.vkey for key in log.keys],
        "size": log.latest.size,
        "root": log.latest.root.hex(),
        "cosigned_at_s": log.latest.time_s,
        "forks": log.forks,
        "checkpoint": log.latest.note,
    }


def show(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Print a witness's public keys, the logs that it watches, how far it has cosigned them, and forks that it was shown.

    Leaves with exit code 3 when it was shown a fork.

    Example: endcredits witness show my-witness
    """
    from datetime import UTC, datetime

    from endcredits.receipts.witness import Witness
    from endcredits.receipts.witness_state import FORKS, log_place, watched

    witness = Witness(folder)
    logs = watched(folder)
    if as_json:
        print_json({"vkeys": [key.vkey for key in witness.keys], "logs": [_log(log) for log in logs]})
    else:
        for key in witness.keys:
            say(key.vkey)
        for log in logs:
            at = datetime.fromtimestamp(log.latest.time_s, UTC)
            when = f"cosigned {at:%Y-%m-%d %H:%M:%S} UTC" if log.latest.time_s else "nothing cosigned yet"
            say(f"{log.latest.size:>10}  {log.origin}  {when}")
            if log.forks:
                place = log_place(Path(folder), log.origin) / FORKS
                say(f"FORKED  {log.origin}: {log.forks} checkpoints contradict what was cosigned; they are in {place}")
        say(f"{counted(len(logs), 'log')}.")
    if any(log.forks for log in logs):
        raise typer.Exit(FAILED_CHECK)


def submit(
    policy: Annotated[str, typer.Option("--policy", help="Whom to ask and how many are enough; see docs/witnesses.md.")],
    seconds: Annotated[float, typer.Option(min=0.1, help="For each exchange with a witness.")] = 10.0,
    tries: Annotated[int, typer.Option(min=1, max=10, help="How often a witness that does not answer is asked.")] = 3,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Ask the witnesses of a policy to cosign the log as it stands, and publish their signatures with its checkpoint.

    Leaves with exit code 3 when the policy's quorum is not reached; what some have signed is kept, and running it again asks
    only those who are missing. Proofs made from then on carry the signatures, until the log grows.

    Example: endcredits witness submit --policy witnesses.policy
    """
    from dataclasses import asdict

    from endcredits.flows.witnessing import require_witnesses, witness_log
    from endcredits.receipts.policy import load_policy

    rules = load_policy(policy)
    require_witnesses(rules)
    with opened(studio) as place:
        done = witness_log(place.log_to_read(), rules, seconds=seconds, tries=tries)
    if as_json:
        print_json(asdict(done))
    else:
        for one in done.asked:
            word = {"cosigned": "COSIGNED", "kept": "COSIGNED"}.get(one.outcome, one.outcome.upper())
            say(f"{word:<12}{one.name}{f': {one.words}' if one.words else ' (before)' if one.outcome == 'kept' else ''}")
        count = sum(one.outcome in ("cosigned", "kept") for one in done.asked)
        say(
            f"{done.origin}, {counted(done.size, 'entry', 'entries')}: cosigned by {count} of "
            f"{counted(len(done.asked), 'witness', 'witnesses')}."
        )
        say("The quorum is reached." if done.reached else f"The quorum is not reached: {done.lacking}.")
    if not done.reached:
        raise typer.Exit(FAILED_CHECK)

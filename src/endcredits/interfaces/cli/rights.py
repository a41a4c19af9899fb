"""`endcredits rights`: what works say about their use."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import JsonOption, progress_bars, report_findings, say

if TYPE_CHECKING:
    from endcredits.flows.fetching import Fetched, Limits
    from endcredits.flows.scanning import ScannedWork

WORDS = {"allow": "yes", "deny": "NO", "conditional": "if", "unknown": "?"}
TOLD = ("tdm", "train", "retrieve", "index")


def scan(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATH...", help="Files and folders.")] = None,
    urls: Annotated[str, typer.Option(help="A crawl as JSON Lines: url, headers, body_base64, body or body_file.")] = "",
    agent: Annotated[str, typer.Option(help="The name that robots.txt may call this reader by.")] = "endcredits",
    fetch: Annotated[str, typer.Option(help="A list of addresses, one a line, to be fetched politely and scanned.")] = "",
    into: Annotated[
        str, typer.Option(help="The dump that --fetch writes, and goes on with.", show_default="LIST.dump.jsonl")
    ] = "",
    contact: Annotated[str, typer.Option(help="Your web or mail address, told to every server that is asked.")] = "",
    delay_seconds: Annotated[float, typer.Option(min=0.0, help="Pause after each answer of a host, at least.")] = 1.0,
    answer_seconds: Annotated[float, typer.Option(min=0.1, help="For one question and its answer.")] = 30.0,
    seconds: Annotated[float, typer.Option(min=1.0, help="For all questions, at most a day.")] = 3_600.0,
    answer_bytes: Annotated[int, typer.Option(min=1, max=180_000_000, help="Of one work.")] = 50_000_000,
    port: Annotated[list[int] | None, typer.Option(help="A port that may be asked besides 80 and 443.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Read what works say about their use: in their metadata, headers, pages, and the files of their site.

    Per work: what it says, where, and what that means for each verb (tdm, train, finetune, retrieve, index, style,
    likeness). Wrong spellings and unknown values are findings and count as a no; so does what cannot be read stand in the
    way of a yes. Exit code 3 when there is a finding.

    Without --fetch nothing is asked of the network, and nothing is written. With it, each site's robots.txt is asked for
    first and obeyed; answers go into a dump, and the same command goes on where it was stopped.

    Example: endcredits rights scan photos/
    """
    from endcredits.errors import InputError
    from endcredits.flows.fetching import Limits
    from endcredits.flows.scanning import scan_paths
    from endcredits.flows.scanning_dump import scan_dump
    from endcredits.store import Finding

    if not paths and not urls and not fetch:
        remedy = "Give files, folders, --urls DUMP or --fetch LIST."
        raise InputError("nothing to scan was named", remedy=remedy, field="PATH")
    if into and not fetch:
        raise InputError("--into is for what --fetch writes", remedy="Add --fetch LIST, or leave it out.", field="into")
    fetched: dict[str, Any] = {}
    findings = []
    if fetch:
        into = into or f"{fetch}.dump.jsonl"
        limits = Limits(answer_bytes, answer_seconds, seconds, delay_seconds)
        came = _fetched(fetch, into, agent, contact, limits, port or [])
        fetched = {"fetch": {"into": into, "answered": came.answered, "failed": came.failed, "kept": came.kept}}
        left = "there was no time to fetch it; run the same command again"
        findings = [Finding(url, left) for url in came.left]
    dumps = [*([urls] if urls else []), *([into] if fetch and os.path.exists(into) else [])]
    works = [*scan_paths(paths or [], agent=agent), *(work for dump in dumps for work in scan_dump(dump, agent=agent))]
    findings += [Finding(where, problem) for where, problem in dict.fromkeys(p for work in works for p in work.problems)]
    summary = _summary(works)
    facts = {"works": [_plain(work) for work in works], "summary": summary, **fetched}
    if not as_json:
        _print_table(works)
        for work in works:
            _print_reasons(work)
        say("")
    told = "; ".join(
        f"{verb}: {_counts(summary[verb])}" for verb in ("tdm", "train", "retrieve", "index") if verb in summary
    )
    verdict = f"{len(works)} works, {len(findings)} findings. {told}".rstrip()
    report_findings(findings, facts, verdict, as_json)


def _fetched(file: str, into: str, agent: str, contact: str, limits: Limits, ports: list[int]) -> Fetched:
    from endcredits.flows.fetching import fetch, read_list
    from endcredits.flows.fetching_addresses import Network

    with progress_bars() as report:
        network = Network(ports=frozenset(ports))
        return fetch(read_list(file), into, agent=agent, contact=contact, limits=limits, network=network, report=report)


def _print_table(works: Sequence[ScannedWork]) -> None:
    width = max((len(work.name) for work in works), default=4)
    verbs = list(works[0].answers) if works else []
    say("  ".join(["work".ljust(width), *verbs]))
    for work in works:
        cells = [WORDS[work.answers[verb].value].ljust(len(verb)) for verb in verbs]
        say("  ".join([work.name.ljust(width), *cells]).rstrip())


def _print_reasons(work: ScannedWork) -> None:
    """The reasons, each once with the verbs that it decides; silence needs none."""
    reasons: dict[str, list[str]] = {}
    for verb, answer in work.answers.items():
        if answer.signal is not None:
            reasons.setdefault(answer.reason, []).append(verb)
    if not reasons and (work.fetch is None or work.fetch.allowed):
        return
    say("")
    say(work.name)
    if work.fetch is not None and not work.fetch.allowed:
        say(f"  do not fetch: robots.txt, {work.fetch.reason}")
    for reason, verbs in reasons.items():
        say(f"  {', '.join(verbs)}: {reason}")


def _summary(works: Sequence[ScannedWork]) -> dict[str, dict[str, int]]:
    """How many works give which answer, by verb."""
    verbs = works[0].answers if works else ()
    return {verb: dict(sorted(Counter(work.answers[verb].value for work in works).items())) for verb in verbs}


def _counts(of_value: dict[str, int]) -> str:
    return ", ".join(f"{count} {value}" for value, count in of_value.items())


def _plain(work: ScannedWork) -> dict[str, Any]:
    return {
        "name": work.name,
        "sha256": work.sha256,
        "size_bytes": work.size_bytes,
        "media_type": work.media_type,
        "read_at": work.read_at,
        "fetch": None if work.fetch is None else asdict(work.fetch),
        "answers": {
            verb: {
                "value": answer.value,
                "reason": answer.reason,
                "signal": work.signals.index(answer.signal) if answer.signal else None,
            }
            for verb, answer in work.answers.items()
        },
        "signals": [asdict(signal) for signal in work.signals],
    }

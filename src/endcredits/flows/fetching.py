"""Fetching works politely, with the words of their sites, into a dump that is then scanned.

    fetched = fetch(read_list("urls.txt"), "crawl.jsonl")
    for work in scan_dump("crawl.jsonl"): ...

For every origin robots.txt is asked for first and obeyed; then, before the first work that it allows, tdmrep.json and
ai.txt; then the works, and the RSL documents that robots.txt, headers, pages and files point to. A redirect is a new
question: its address is checked like the first, and the robots.txt of where it leads is asked and obeyed.

Polite means: one question at a time to a host and a pause after each answer, as long as its robots.txt asks for; a name
and a way to say no in `User-Agent`; not asking again a server that stays silent. Careful means: an end to seconds, bytes
and redirects, and no address inside a private network (`fetching_addresses`).

Every address gets a line in the dump, also one that could not be fetched, or that nobody may fetch: its `problem` is a
finding, and it is never a yes. What time did not suffice for has no line; the same call goes on there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from endcredits import __version__
from endcredits.errors import InputError
from endcredits.flows.clock import now
from endcredits.flows.fetching_addresses import Network
from endcredits.flows.fetching_dump import dump_of
from endcredits.flows.fetching_limits import Fetched, Limits
from endcredits.flows.fetching_sites import ROBOTS_SECONDS_MAX
from endcredits.flows.fetching_walk import Walk
from endcredits.flows.scanning import AGENT
from endcredits.progress import Progress, silent

__all__ = ["Fetched", "Limits", "fetch", "read_list", "user_agent_of"]


def read_list(file: str | os.PathLike[str]) -> list[str]:
    """The addresses of a list: one a line; empty lines and lines that begin with "#" are left out.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"the list cannot be read ({error.strerror})", remedy="Check the path.", file=file) from error
    except UnicodeDecodeError as error:
        raise InputError("the list is not UTF-8", remedy="Save it as UTF-8 text, one address a line.", file=file) from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def user_agent_of(agent: str, contact: str) -> str:
    """Who we say we are, and how to say no.

    Raises:
        InputError: the name cannot stand in a robots.txt, or the contact not in a header.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", agent):
        raise InputError(f"'{agent}' cannot be a crawler's name", remedy="Use letters, digits, - and _.", field="agent")
    if not re.fullmatch(r"[!-'*-\[\]-~]{0,200}", contact):
        raise InputError("this contact cannot stand in a header", remedy="Give a web or mail address.", field="contact")
    reach = f"; contact: {contact}" if contact else ""
    return f"{agent}/{__version__} (reads what works say about their use; to say no: robots.txt, User-agent: {agent}{reach})"


def fetch(
    urls: Sequence[str],
    into: str | os.PathLike[str],
    *,
    agent: str = AGENT,
    contact: str = "",
    limits: Limits | None = None,
    network: Network | None = None,
    report: Progress = silent,
    clock: Callable[[], str] = now,
) -> Fetched:
    """Fetches works and what their sites say, and adds a line for each to a dump.

    Args:
        urls: of the works.
        into: the dump, made when missing; what has a line in it is not fetched again.
        agent: the name by which robots.txt may address us.
        contact: a web or mail address, for whoever looks after a site.
        limits: what it may cost.
        network: which numbers may be asked; the public internet unless a test says otherwise.
        report: called with the number of the list's addresses that are done.
        clock: the UTC time.

    Raises:
        InputError: agent, contact or dump cannot be used.
        ConflictError: another process is writing to the dump.
        MachineError: the dump cannot be written; what has a line stays fetched.
    """
    file, given = Path(into), limits or Limits()
    told = user_agent_of(agent, contact)
    if not 0 < given.seconds <= ROBOTS_SECONDS_MAX:
        remedy = "Give a day at most, which is how long a robots.txt may be used, and run it again."
        raise InputError(f"{given.seconds:g} seconds are no limit for a fetch", remedy=remedy, field="seconds")
    with dump_of(file) as kept:
        return Walk(file, kept, agent, told, given, network or Network(), report, clock).run(urls)

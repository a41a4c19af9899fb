"""Reading what works say about their use in a crawl that was handed over as a dump.

The dump (`works.signals.dump`) holds the answers of web servers: the works, and beside them the files that speak for their
sites. It is read twice, first for the sites' files, then work by work, so that it never stands in memory as a whole.
Nothing is fetched; terms that lie outside the dump are a condition that nobody has read yet.

A work that was reached through redirects has been on several sites. All of them may say no; only the one that gave the
work can say yes, or anybody's redirect could speak for everybody's works.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from endcredits.errors import NotFoundError
from endcredits.flows.clock import now
from endcredits.flows.scanning import AGENT, ScannedWork, unread
from endcredits.flows.scanning_credentials import with_credentials
from endcredits.works.signals import Fetch, Found, Signal, carrier_of, combined, looks_like_rsl, read_headers, read_work
from endcredits.works.signals.dump import Answer as Served
from endcredits.works.signals.dump import BadRow, read_dump
from endcredits.works.signals.records import of_a_part
from endcredits.works.signals.site import PLACES, SiteFile, followed, read_site

BUSY = 429
"""Too many requests: a server that answers so to a robots.txt has not given it."""


def scan_dump(path: str | os.PathLike[str], *, agent: str = AGENT) -> Iterator[ScannedWork]:
    """Reads a dump of web servers' answers (see `works.signals.dump`); works come in the order of its lines.

    Raises:
        InputError: the dump cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise NotFoundError("there is no such dump", remedy="Give a file of JSON Lines.", file=file)
    sites: dict[str, list[SiteFile]] = defaultdict(list)
    terms: dict[str, SiteFile] = {}
    site_rows: set[int] = set()
    for one in read_dump(file):
        if isinstance(one, Served) and (kind := _site_kind(one)):
            site_rows.add(one.row)
            failed = one.status >= 500 or one.status == BUSY
            problem = one.problem or (f"the server answered {one.status}" if failed else "")
            if one.status < 300 or problem:
                site_file = SiteFile(kind, one.url, one.body or b"", one.fetched_at, problem)
                if not (one.role and kind == "RSL" and problem):
                    sites[_origin(one.url)].append(site_file)
                if kind == "RSL":
                    terms[one.url] = site_file
    for one in read_dump(file):
        if isinstance(one, BadRow):
            yield unread(f"{file} row {one.row}{f' ({one.url})' if one.url else ''}", one.problem)
        elif one.row not in site_rows:
            yield _scan_answer(one, sites, terms, agent)


def _scan_answer(one: Served, sites: dict[str, list[SiteFile]], terms: dict[str, SiteFile], agent: str) -> ScannedWork:
    read_at = one.fetched_at or now()
    address = one.answered_by or one.url
    path = _path(address)
    found = Found(address, read_at, path, agent)
    files = sites.get(_origin(address), [])
    signals = read_headers(one.headers, found)
    media_type = next((value for name, value in one.headers if name.casefold() == "content-type"), "")
    kind = ""
    problem = one.problem or (f"the server answered {one.status}; this is not the work" if one.status >= 300 else "")
    if problem:
        signals += carrier_of(found, "HTTP header", b"").unreadable("HTTP", problem, place="status")
    elif one.body is not None:
        name = urlsplit(address).path
        reading = read_work(one.body, found, name=name, media_type=media_type.casefold())
        signals, kind = signals + with_credentials(reading.signals, one.body, name, found), reading.media_type
    site = read_site(files, path, agent)
    signals += site.signals
    fetch = site.fetch
    for hop in one.hops:
        said, allowed = _on_the_way(Found(hop.url, read_at, _path(hop.url), agent), hop.headers, sites)
        signals += said
        fetch = allowed if fetch is None or (allowed and not allowed.allowed) else fetch
    # Terms on another site count where this work points to them.
    pointed = {said.raw for said in signals if said.standard == "RSL"}
    elsewhere = [terms[url] for url in sorted(pointed & set(terms)) if terms[url] not in files]
    signals += read_site(elsewhere, path, agent).signals
    documents = [file.source for file in [*files, *elsewhere] if file.kind == "RSL"]
    signals = followed(signals, documents)
    body = one.body or b""
    sha256 = hashlib.sha256(body).hexdigest() if one.body is not None else ""
    return ScannedWork(one.url, sha256, len(body), kind, read_at, fetch, signals, combined(signals))


def _on_the_way(
    found: Found, headers: tuple[tuple[str, str], ...], sites: dict[str, list[SiteFile]]
) -> tuple[tuple[Signal, ...], Fetch | None]:
    """What a redirect and its site say about the address that they sent away from."""
    site = read_site(sites.get(_origin(found.source), []), found.path, found.agent)
    said = of_a_part((*read_headers(headers, found), *site.signals), f"the redirect from {found.source}")
    return said, site.fetch


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _site_kind(one: Served) -> str:
    path = urlsplit(one.url).path or "/"
    if path in PLACES:
        return PLACES[path]
    if one.role:
        return "RSL"
    served = next((value for name, value in one.headers if name.casefold() == "content-type"), "")
    return "RSL" if "rsl+xml" in served.casefold() or looks_like_rsl(one.body or b"") else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".casefold()

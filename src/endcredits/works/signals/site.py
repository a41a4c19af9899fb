"""Files that speak for a whole site: robots.txt, ai.txt, tdmrep.json and RSL documents.

Each speaks of the works below the place where it stands, by their paths from there. A `License:` line of robots.txt, or a
link of a page, points to an RSL document; where that document is at hand and speaks about a verb, the pointer has been
followed for that verb, and the document's words count instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from endcredits.works.signals.ai_txt import read_ai_txt
from endcredits.works.signals.patterns import path_within
from endcredits.works.signals.records import Found, Signal, carrier_of
from endcredits.works.signals.robots import Fetch, may_fetch, read_robots
from endcredits.works.signals.rsl import read_rsl
from endcredits.works.signals.rsl_words import STANDARD as RSL
from endcredits.works.signals.tdmrep import read_tdmrep_json

PLACES = {"/robots.txt": "robots.txt", "/ai.txt": "ai.txt", "/.well-known/tdmrep.json": "tdmrep.json"}
"""Where the files of a site stand, from its root."""

RSL_NAMES = ("/rsl.xml", "/license.xml", "/.well-known/rsl.xml")
"""Where an RSL document is looked for without being pointed to."""

_READERS = {"robots.txt": read_robots, "ai.txt": read_ai_txt, "tdmrep.json": read_tdmrep_json, RSL: read_rsl}


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file that speaks for a site.

    Attributes:
        kind: "robots.txt", "ai.txt", "tdmrep.json" or "RSL".
        source: its path or address.
        data: its bytes.
        read_at: UTC time of reading.
        problem: why it could not be read; "" if it could.
    """

    kind: str
    source: str
    data: bytes = field(repr=False)
    read_at: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SiteReading:
    """What a site's files say about one of its works.

    Attributes:
        signals: about use.
        fetch: whether robots.txt lets it be fetched; None without a robots.txt.
    """

    signals: tuple[Signal, ...]
    fetch: Fetch | None


def read_site(files: Sequence[SiteFile], path: str, agent: str) -> SiteReading:
    """What a site's files say about the work at `path`.

    Args:
        files: of one site.
        path: from the site's root, beginning with "/".
        agent: our crawler's name.
    """
    signals: list[Signal] = []
    fetch: Fetch | None = None
    for file in files:
        found = Found(file.source, file.read_at, path, agent)
        if file.problem:
            signals += carrier_of(found, file.kind, b"").unreadable(file.kind, file.problem, place="the file")
            fetch = Fetch(False, file.problem) if file.kind == "robots.txt" else fetch
            continue
        signals += _READERS[file.kind](file.data, found)
        if file.kind == "robots.txt":
            fetch = may_fetch(file.data, agent, path)
    return SiteReading(tuple(signals), fetch)


def followed(signals: Iterable[Signal], documents: Collection[str]) -> tuple[Signal, ...]:
    """Leaves out pointers to RSL documents that were read and speak about the pointer's verb.

    Args:
        signals: of one work, from all carriers.
        documents: paths or addresses of the RSL documents read.
    """
    given = tuple(signals)
    if not documents:
        return given
    read = {path_within(one) for one in documents} | set(documents)
    spoken = {one.verb for one in given if one.carrier == RSL and one.value != "unknown"}
    return tuple(
        one
        for one in given
        if one.carrier == RSL
        or one.standard != RSL
        or one.problem
        or one.verb not in spoken
        or not {one.raw, path_within(one.raw)} & read
    )

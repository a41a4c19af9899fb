"""What a polite fetch knows of each site: what its robots.txt allows, when it may be asked again, who waits for it.

robots.txt is asked for once per origin (scheme, host and port) and read as RFC 9309 says: an answer 4xx allows everything,
an answer 5xx, 429 or none at all forbids everything, and after a day it is asked for again. The pause between two
questions is kept per host, whatever its ports, and counts from the end of an answer.
"""

from __future__ import annotations

import datetime
import email.utils
import re
from collections import deque
from dataclasses import dataclass, field

from endcredits.flows.fetching_addresses import Target
from endcredits.flows.fetching_answer import Answered
from endcredits.flows.fetching_limits import TERMS_OF_ONE_MAX
from endcredits.works.signals import Found, read_headers, read_robots, read_work
from endcredits.works.signals.dump import Hop
from endcredits.works.signals.robots import Fetch, crawl_delay, may_fetch

ROBOTS_SECONDS_MAX = 24 * 3600
"""RFC 9309 section 2.4: a copy of robots.txt is not used for longer than a day."""
BUSY = 429
PAUSE_SECONDS_MAX = 24 * 3600.0
"""A longer pause that a server asks for is kept as this one."""


@dataclass(slots=True)
class Job:
    """One address on its way to an answer.

    Attributes:
        asked: what the line of the dump is about.
        at: where it is asked at now, after redirects.
        role: "work", "robots", "site" (tdmrep.json, ai.txt) or "terms".
        hops: redirects so far.
    """

    asked: Target
    at: Target
    role: str
    hops: list[Hop] = field(default_factory=list)


@dataclass(slots=True)
class Origin:
    """What one robots.txt speaks for.

    Attributes:
        state: of its robots.txt: "new", "asked" or "known".
        robots: its bytes; None where there is none.
        problem: why nothing of the origin may be asked for; "" where robots.txt decides.
        files: of the site (tdmrep.json, ai.txt) that are asked for and not answered; None: not asked for yet.
        waiting: for robots.txt, and works for those files.
    """

    state: str = "new"
    robots: bytes | None = None
    problem: str = ""
    files: int | None = None
    waiting: list[Job] = field(default_factory=list)

    def released(self) -> list[Job]:
        """Takes out what has waited."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def learn(self, status: int, body: bytes | None, problem: str) -> None:
        """Takes what came of asking for robots.txt."""
        self.state = "known"
        if problem or status >= 500 or status == BUSY or 300 <= status < 400:
            self.problem = problem or f"the server answered {status}"
        elif status < 300:
            self.robots = body or b""

    def allows(self, path: str, agent: str) -> Fetch:
        """Whether something of this origin may be asked for."""
        if self.problem:
            return Fetch(False, f"it could not be read: {self.problem}")
        return Fetch(True, "there is none") if self.robots is None else may_fetch(self.robots, agent, path)

    def delay_seconds(self, agent: str) -> float:
        """What its robots.txt asks for between two questions."""
        return min(crawl_delay(self.robots, agent), PAUSE_SECONDS_MAX) if self.robots else 0.0


@dataclass(slots=True)
class Host:
    """One server's name, at which one question is asked at a time.

    Attributes:
        queue: what is to be asked.
        busy: whether a question is out.
        free_at: when the next may be asked, on the monotonic clock.
        delay_seconds: the longest pause that one of its robots.txt asks for.
        silent: questions in a row that it did not answer.
    """

    queue: deque[Job] = field(default_factory=deque)
    busy: bool = False
    free_at: float = 0.0
    delay_seconds: float = 0.0
    silent: int = 0


def pause_asked(answered: Answered, now: datetime.datetime) -> float:
    """Seconds that a server asks us to stay away (`Retry-After`, with 429 and 503); 0 when it does not."""
    said = answered.header("retry-after").strip()
    if answered.status not in (BUSY, 503) or not said:
        return 0.0
    if re.fullmatch(r"[0-9]{1,9}", said):
        return min(float(said), PAUSE_SECONDS_MAX)
    try:
        when = email.utils.parsedate_to_datetime(said)
        seconds = (when.replace(tzinfo=when.tzinfo or datetime.UTC) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), PAUSE_SECONDS_MAX)


def fresh(fetched_at: str, now: str) -> bool:
    """Whether a robots.txt of an earlier run may still be used; both are UTC times of this house."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    try:
        age = datetime.datetime.strptime(now, form) - datetime.datetime.strptime(fetched_at, form)
    except ValueError:
        return False
    return 0 <= age.total_seconds() <= ROBOTS_SECONDS_MAX


def pointers(job: Job, answered: Answered, agent: str) -> list[str]:
    """The addresses of terms that an answer points to."""
    found = Found(job.at.url, agent=agent)
    if answered.body is None or job.role not in ("work", "robots"):
        return []
    if job.role == "robots":
        said = read_robots(answered.body, found)
    else:
        kind, name = answered.header("content-type").casefold(), job.at.path.partition("?")[0]
        said = read_headers(answered.headers, found)
        said += read_work(answered.body, found, name=name, media_type=kind).signals
    pointed = [one.raw for one in said if one.standard == "RSL" and one.carrier != "RSL" and "://" in one.raw]
    return list(dict.fromkeys(pointed))[:TERMS_OF_ONE_MAX]

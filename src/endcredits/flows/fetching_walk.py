"""The walk of a fetch: which question is asked next, and what an answer leads to.

One thread decides everything here; others only ask (`fetching_answer`) and put bodies on the disk. A job is one address on
its way: it waits for the robots.txt of its origin, a work also for the other files of its site, then in the queue of its
host, and each redirect sends it round again. It ends with a line in the dump.
"""

from __future__ import annotations

import datetime
import heapq
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin

from endcredits.errors import EndcreditsError
from endcredits.flows.fetching_addresses import Network, Refused, Target, target_of
from endcredits.flows.fetching_answer import Answered, ask
from endcredits.flows.fetching_dump import Kept, write_body, write_row
from endcredits.flows.fetching_limits import REDIRECTS_MAX, SILENT_MAX, TERMS_MAX, Fetched, Limits
from endcredits.flows.fetching_sites import Host, Job, Origin, fresh, pause_asked, pointers
from endcredits.flows.scanning import SITE_BYTES_MAX
from endcredits.progress import Progress
from endcredits.works.signals.dump import Hop
from endcredits.works.signals.robots import READ_BYTES_MAX
from endcredits.works.signals.site import PLACES

_REDIRECTS = (301, 302, 303, 307, 308)
_SITE_FILES = [path for path, kind in PLACES.items() if kind != "robots.txt"]


@dataclass(slots=True)
class Walk:
    """One run; everything but the questions themselves happens in one thread."""

    file: Path
    kept: Kept
    agent: str
    user_agent: str
    limits: Limits
    network: Network
    report: Progress
    clock: Callable[[], str]
    hosts: dict[str, Host] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    ready: list[tuple[float, int, str]] = field(default_factory=list)
    questions: queue.SimpleQueue[Job | None] = field(default_factory=queue.SimpleQueue)
    answers: queue.SimpleQueue[tuple[Job, Answered | EndcreditsError, list[str]]] = field(default_factory=queue.SimpleQueue)
    count: int = 0
    answered: int = 0
    failed: int = 0
    terms: int = 0
    done: int = 0

    def run(self, urls: Sequence[str]) -> Fetched:
        until = time.monotonic() + self.limits.seconds
        wanted = self._begin(urls)
        for _ in range(self.limits.at_once):
            threading.Thread(target=self._work, daemon=True).start()
        try:
            self._talk(until)
        finally:
            for _ in range(self.limits.at_once):
                self.questions.put(None)
        had = len(self.kept.urls.intersection(wanted))
        return Fetched(self.answered, self.failed, had, tuple(url for url in wanted if url not in self.written))

    def _talk(self, until: float) -> None:
        """Asks and hears until all is answered, or time is over and nothing is out."""
        out = 0
        while True:
            moment = time.monotonic()
            while self.ready and out < self.limits.at_once and self.ready[0][0] <= moment < until:
                host = self.hosts[heapq.heappop(self.ready)[2]]
                self.questions.put(host.queue.popleft())
                out += 1
            if not out and (not self.ready or moment >= until):
                return
            wait = None
            if moment < until:
                next_turn = self.ready[0][0] if self.ready and out < self.limits.at_once else until
                wait = max(0.001, min(next_turn, until) - time.monotonic())
            try:
                job, answered, terms = self.answers.get(timeout=wait)
            except queue.Empty:
                continue
            out -= 1
            if isinstance(answered, EndcreditsError):
                raise answered
            self._hear(job, answered, terms)

    def _begin(self, urls: Sequence[str]) -> list[str]:
        """Takes what is known, and queues what is not; returns the list in one spelling, each address once."""
        self.written |= self.kept.urls
        self.taken |= self.kept.urls
        for robots in self.kept.robots.values():
            if fresh(robots.fetched_at, self.clock()):
                target = target_of(robots.url, self.network.ports)
                self._learn(target, robots.status, robots.body, robots.problem)
        wanted: dict[str, Target | str] = {}
        for url in urls:
            try:
                target = target_of(url, self.network.ports)
                wanted[target.url] = target
            except Refused as refused:
                wanted[url] = str(refused)
        new = {url: what for url, what in wanted.items() if url not in self.written}
        self.count = len(new)
        self.taken |= new.keys()
        for url, what in new.items():
            if isinstance(what, str):
                self._write(url, url, "work", [], Answered(0, problem=what), [])
            elif PLACES.get(what.path) == "robots.txt":
                self._ask_robots(what.origin)
            else:
                self._enter(Job(what, what, "work"))
        self._follow(self.kept.terms)
        return list(wanted)

    def _work(self) -> None:
        """What each thread does: questions, bodies to the disk, pointers to terms."""
        while (job := self.questions.get()) is not None:
            few = job.role != "work"
            most = self.limits.answer_bytes
            if few:
                most = min(most, READ_BYTES_MAX + 1 if job.asked.path.endswith(".txt") else SITE_BYTES_MAX)
            answered: Answered | EndcreditsError
            terms: list[str] = []
            try:
                answered = ask(
                    job.at, self.network, self.user_agent, seconds=self.limits.answer_seconds, bytes_max=most, cut=few
                )
                write_body(self.file, answered)
                terms = pointers(job, answered, self.agent)
            except EndcreditsError as error:
                answered = error
            except Exception as error:
                answered = Answered(0, problem=f"asking failed ({type(error).__name__}: {error})", silent=True)
            self.answers.put((job, answered, terms))

    def _enter(self, job: Job) -> None:
        """Brings a job to the queue of its host, to the files of its site that it must wait for, or to its end."""
        if job.role != "robots":
            origin = self.origins.setdefault(job.at.origin, Origin())
            if origin.state != "known":
                origin.waiting.append(job)
                if origin.state == "new":
                    self._ask_robots(job.at.origin)
                return
            allowed = origin.allows(job.at.path, self.agent)
            if not allowed.allowed:
                self._end(job, Answered(0, problem=f"robots.txt forbids to fetch it ({allowed.reason})"), [])
                return
            if job.role == "work" and self._waits_for_files(job, origin):
                return
        host = self.hosts.setdefault(job.at.host, Host())
        host.queue.append(job)
        self._offer(job.at.host, host)

    def _ask_robots(self, place: str) -> None:
        origin = self.origins.setdefault(place, Origin())
        if origin.state == "new":
            origin.state = "asked"
            target = target_of(f"{place}/robots.txt", self.network.ports)
            self._enter(Job(target, target, "robots"))

    def _waits_for_files(self, job: Job, origin: Origin) -> bool:
        """Whether a work must wait for what its site says; the first one has it asked for."""
        if origin.files is None:
            targets = [target_of(f"{job.at.origin}{path}", self.network.ports) for path in _SITE_FILES]
            missing = [target for target in targets if target.url not in self.taken]
            origin.files = len(missing)
            for target in missing:
                self.taken.add(target.url)
                self._enter(Job(target, target, "site"))
        if origin.files:
            origin.waiting.append(job)
        return bool(origin.files)

    def _offer(self, name: str, host: Host) -> None:
        """Puts a host among those that can be asked, once."""
        if host.queue and not host.busy:
            host.busy = True  # until its turn has come and its answer is there
            heapq.heappush(self.ready, (host.free_at, id(host), name))

    def _hear(self, job: Job, answered: Answered, terms: list[str]) -> None:
        """Takes an answer: a redirect is a new question, everything else a line."""
        name = job.at.host
        host = self.hosts[name]
        host.silent = host.silent + 1 if answered.silent else 0
        asked_for = pause_asked(answered, datetime.datetime.now(datetime.UTC))
        self._on(job, answered, terms)
        host.free_at = time.monotonic() + max(self.limits.delay_seconds, host.delay_seconds, asked_for)
        if host.silent >= SILENT_MAX:
            given_up = Answered(0, problem=f"its host did not answer {host.silent} times in a row and is not asked again")
            while host.queue:
                self._end(host.queue.popleft(), given_up, [])
        host.busy = False
        self._offer(name, host)

    def _on(self, job: Job, answered: Answered, terms: list[str]) -> None:
        location = answered.header("location").strip()
        if answered.status not in _REDIRECTS or answered.problem:
            self._end(job, answered, terms)
            return
        problem = ""
        if not location:
            problem = "a redirect that leads nowhere"
        elif len(job.hops) >= REDIRECTS_MAX:
            problem = f"more than {REDIRECTS_MAX} redirects"
        else:
            try:
                onward = target_of(urljoin(job.at.url, location), self.network.ports)
            except (Refused, ValueError) as refused:
                problem = f"a redirect leads to an address that is not asked ({refused})"
        if problem:
            self._end(job, Answered(answered.status, answered.headers, None, problem), [])
            return
        job.hops.append(Hop(job.at.url, answered.status, answered.headers))
        job.at = onward
        self._enter(job)

    def _end(self, job: Job, answered: Answered, terms: list[str]) -> None:
        """Writes the line of a job, lets go on what waited for it, and follows what it points to."""
        if job.role == "terms" and answered.body is None and not answered.problem:
            answered = Answered(answered.status, answered.headers, None, f"the server answered {answered.status}")
        self._write(job.asked.url, job.at.url, job.role, job.hops, answered, terms)
        origin = self.origins.setdefault(job.asked.origin, Origin())
        waiting: list[Job] = []
        if job.role == "robots":
            self._learn(job.asked, answered.status, answered.body, answered.problem)
            waiting = origin.released()
        elif job.role == "site" and origin.files:
            origin.files -= 1
            waiting = origin.released() if origin.files == 0 else []
        for one in waiting:
            self._enter(one)
        self._follow(terms)

    def _write(self, url: str, at: str, role: str, hops: list[Hop], answered: Answered, terms: list[str]) -> None:
        told = "" if role == "work" else "site"
        write_row(self.file, url, answered, self.clock(), role=told, hops=hops, at=at, terms=terms)
        self.written.add(url)
        good = answered.body is not None
        self.answered, self.failed = self.answered + good, self.failed + (not good)
        if role == "work":
            self.done += 1
            self.report("works", self.done, self.count)

    def _learn(self, robots: Target, status: int, body: bytes | None, problem: str) -> None:
        origin = self.origins.setdefault(robots.origin, Origin())
        origin.learn(status, body, problem)
        host = self.hosts.setdefault(robots.host, Host())
        host.delay_seconds = max(host.delay_seconds, origin.delay_seconds(self.agent))

    def _follow(self, terms: Iterable[str]) -> None:
        """Queues RSL documents that were pointed to, each once."""
        for url in terms:
            try:
                target = target_of(url, self.network.ports)
            except Refused as refused:
                if url not in self.taken:
                    self.taken.add(url)
                    self._write(url, url, "terms", [], Answered(0, problem=str(refused)), [])
                continue
            if target.url not in self.taken and self.terms < TERMS_MAX:
                self.terms += 1
                self.taken.add(target.url)
                self._enter(Job(target, target, "terms"))

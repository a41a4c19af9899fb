"""Web pages: `<meta>`, `<link rel="license">`, `<a rel="license">`, RSL inside `<script>`.

A page is read with the parser of the standard library. That one ends some comments and scripts elsewhere than browsers do,
and gives up at some declarations. So the text is searched a second time for tags that it did not report: a no counts from
anywhere in a page, from a comment or a script too, with a finding; a yes counts only where the parser reads it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

from endcredits.works.signals.decoding import decoded
from endcredits.works.signals.licence_words import licence
from endcredits.works.signals.records import Carrier, Found, Signal, carrier_of
from endcredits.works.signals.robot_tags import read_tags
from endcredits.works.signals.rsl import read_rsl_element
from endcredits.works.signals.rsl_words import MEDIA_TYPE, STANDARD, pointer
from endcredits.works.signals.tdmrep import reservation
from endcredits.works.signals.usage_words import AIPREF, CONTENT_SIGNAL, read_words
from endcredits.works.signals.xml import parse_xml

PAGE_BYTES_MAX = 10_000_000
"""A longer page is read so far, and that is a finding."""

PIECE, UNFINISHED_MAX, SECONDS_MAX = 4_096, 8_192, 10.0
"""Characters fed at once, characters that may be left unfinished at the end, processor seconds for one page."""

HIDDEN_MAX = 1_000
"""Tags that the parser did not report and that are looked at; more of them are a finding."""

_TAG = re.compile(r"<(?:meta|link|a)[\s/][^<>]{1,2000}>", re.IGNORECASE)
_WORD = re.compile("tdm|robots|content|licen|rights", re.IGNORECASE)
_HIDDEN = "it stands in a comment, a script or broken markup; a no counts from there, too"
_FAILURES = (AssertionError, LookupError, ValueError, RecursionError)
"""With which the standard parser gives up; the first for broken declarations, the third for endless numbers."""

_LICENCE_METAS = ("license", "licence", "dc.rights", "dc.license", "dcterms.license", "dcterms.rights", "rights")


def read_page(data: bytes, found: Found) -> tuple[Signal, ...]:
    """What a web page says about its own use."""
    carrier = carrier_of(found, "HTML", data)
    text, _ = decoded(bytes(data[:PAGE_BYTES_MAX]))
    page = _Page(carrier, found)
    try:
        # Piece by piece the parser waits at unfinished markup; given all at once it searches to the end again and again.
        start = time.process_time()
        for at in range(0, len(text), PIECE):
            page.feed(text[at : at + PIECE])
            if time.process_time() - start > SECONDS_MAX:
                break
        if len(page.rawdata) > UNFINISHED_MAX or time.process_time() - start > SECONDS_MAX:
            problem = "its markup does not end, or takes too long to read"
            page.signals += carrier.unreadable("HTML", problem, place=f"line {page.getpos()[0]}")
        else:
            page.close()
    except _FAILURES as error:
        problem = f"its markup cannot be read from there on ({error})"
        page.signals += carrier.unreadable("HTML", problem, place=f"line {page.getpos()[0]}")
    page.finish()
    page.signals += _hidden(text, page.heard, carrier, found)
    if len(data) > PAGE_BYTES_MAX:
        page.signals += carrier.unreadable("HTML", f"only its first {PAGE_BYTES_MAX} bytes were read", place="the rest")
    return tuple(page.signals)


def _hidden(text: str, heard: set[tuple[int, int]], carrier: Carrier, found: Found) -> Iterator[Signal]:
    """What tags say that the parser did not report: a no, or that somebody has to look, never a yes."""
    page = _Page(carrier, found)
    line, begins, looked, count = 1, 0, 0, 0
    for tag in _TAG.finditer(text):
        at = tag.start()
        line += text.count("\n", looked, at)
        begins = max(begins, text.rfind("\n", looked, at) + 1)
        looked = at
        if (line, at - begins) in heard or not (_WORD.search(tag[0]) or found.agent.casefold() in tag[0].casefold()):
            continue
        count += 1
        if count > HIDDEN_MAX:
            problem = f"more than {HIDDEN_MAX} tags stand in comments, scripts or broken markup"
            page.signals += carrier.unreadable("HTML", problem, place=f"line {line}")
            break
        page.reset()
        page.lineno = line
        try:
            page.feed(tag[0])
        except _FAILURES as error:
            page.signals += carrier.unreadable("HTML", f"a tag cannot be read ({error})", place=f"line {line}")
    page.finish()
    for one in page.signals:
        if one.value == "allow":
            yield replace(
                one, value="unknown", problem="", note="a yes does not count in a comment, script or broken markup"
            )
        elif one.value == "conditional":
            yield replace(one, value="unknown", problem=one.problem or _HIDDEN)
        else:
            yield replace(one, problem=one.problem or (_HIDDEN if one.value == "deny" else ""))


class _Page(HTMLParser):
    """Collects signals while the page goes by."""

    def __init__(self, carrier: Carrier, found: Found) -> None:
        super().__init__(convert_charrefs=True)
        self.carrier, self.found = carrier, found
        self.signals: list[Signal] = []
        self.reservations: list[tuple[str, int]] = []
        self.policies: list[tuple[str, int]] = []
        self.script: list[str] | None = None
        self.heard: set[tuple[int, int]] = set()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "script":
            self.handle_starttag(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        line = self.getpos()[0]
        if tag in ("meta", "link", "a"):
            self.heard.add(self.getpos())
        if tag == "meta":
            self._meta(given, line)
        elif tag in ("link", "a") and "license" in given.get("rel", "").casefold().split():
            self._licence(tag, given, line)
        elif tag == "script" and given.get("type", "").casefold() == MEDIA_TYPE:
            self.script = []

    def handle_data(self, data: str) -> None:
        if self.script is not None:
            self.script.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self.script is not None:
            self._rsl("".join(self.script))
            self.script = None

    def _meta(self, given: dict[str, str], line: int) -> None:
        name = (given.get("name") or given.get("http-equiv") or given.get("property") or "").strip().casefold()
        content, place = given.get("content", ""), f"line {line}, meta {name}"
        plain = name.replace("_", "-").replace(":", "-")
        if plain in ("tdm-reservation", "tdmreservation"):
            self.reservations.append((content if plain == name else f"{name}={content}", line))
        elif plain in ("tdm-policy", "tdmpolicy"):
            self.policies.append((content, line))
        elif plain == "content-usage":
            self.signals += read_words(content, AIPREF, self.carrier, place)
        elif plain == "content-signal":
            self.signals += read_words(content, CONTENT_SIGNAL, self.carrier, place)
        elif name in ("robots", self.found.agent.casefold()):
            self.signals += read_tags(content, self.carrier, place, self.found.agent)
        elif name in _LICENCE_METAS and content.strip():
            self.signals += licence(self.carrier, content, place)

    def _licence(self, tag: str, given: dict[str, str], line: int) -> None:
        place = f"line {line}, {tag} rel=license"
        if given.get("type", "").casefold() == MEDIA_TYPE:
            self.signals += pointer(self.carrier, given.get("href", ""), place)
        elif given.get("href", "").strip():
            self.signals += licence(self.carrier, given["href"], place)

    def _rsl(self, text: str) -> None:
        try:
            root = parse_xml(text.strip().encode("utf-8", "replace"))
        except ValueError as error:
            self.signals += self.carrier.unreadable(STANDARD, str(error), place="script", raw=text[:200])
            return
        self.signals += read_rsl_element(root, self.carrier, None)

    def finish(self) -> None:
        """What stands in several tags is said once all of them are known."""
        if self.script is not None:
            problem = "the page ends inside an RSL script"
            self.signals += self.carrier.unreadable(STANDARD, problem, place="script")
        policy = self.policies[0][0] if len({text for text, _ in self.policies}) == 1 else None
        for value, line in self.reservations:
            self.signals += reservation(self.carrier, value, policy, f"line {line}, meta tdm-reservation")
        if self.policies and not self.reservations:
            text, line = self.policies[0]
            self.signals += reservation(self.carrier, None, text, f"line {line}, meta tdm-policy")

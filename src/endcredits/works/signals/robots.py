"""robots.txt (RFC 9309), with the three kinds of lines in it that speak about use.

A robots.txt is a list of groups: some `User-agent` lines, then rules. `Allow` and `Disallow` are about fetching only:
they say nothing about use, so they make no signal (`may_fetch` answers them). What speaks about use are `Content-Usage`
(AIPREF, draft-ietf-aipref-attach-05), `Content-Signal` (Cloudflare), each with an optional path before its words, and
`License` (RSL), the address of terms, which belongs to no group.

Who counts: the group that names our crawler, else the group `*`. Within it the rule with the longest path wins. Both are
taken key by key: a `Disallow` in a group of our own must not make the `train-ai=n` in `*` vanish, nor a longer path that
speaks about search make a no to training vanish. Lines before any group count for everybody, and that is a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from endcredits.works.signals.decoding import decoded
from endcredits.works.signals.patterns import matches
from endcredits.works.signals.records import Carrier, Found, Signal, carrier_of
from endcredits.works.signals.rsl_words import pointer
from endcredits.works.signals.usage_words import AIPREF, CONTENT_SIGNAL, Words, read_words

READ_BYTES_MAX = 500 * 1024
"""RFC 9309 section 2.5: a crawler reads at least the first 500 kibibytes, and may stop there."""

_KINDS = {
    "useragent": "agent",
    "allow": "allow",
    "disallow": "disallow",
    "contentusage": "usage",
    "contentsignal": "signal",
    "license": "license",
    "crawldelay": "delay",
}
_WRONG_KINDS = {
    "dissallow": "disallow",
    "disalow": "disallow",
    "contentuse": "usage",
    "contentuses": "usage",
    "contentusages": "usage",
    "aiusage": "usage",
    "contentsignals": "signal",
    "contentsignalling": "signal",
    "licence": "license",
    "licenses": "license",
}
_PROPER = {"usage": "Content-Usage", "signal": "Content-Signal", "license": "License", "disallow": "Disallow"}
EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a group.

    Attributes:
        kind: "allow", "disallow", "usage", "signal", "license" or "delay".
        agents: whom its group names, in lower case; empty before any group.
        path: the pattern of works it is about; "" for none given.
        words: what stands behind the path.
        line: from 1.
        problem: what is wrong with its spelling or place.
    """

    kind: str
    agents: tuple[str, ...]
    path: str
    words: str
    line: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Whether a work may be fetched.

    Attributes:
        allowed: False: do not fetch.
        reason: in words, naming the line.
    """

    allowed: bool
    reason: str


def rules_of(data: bytes) -> list[Rule]:
    """All rules of a robots.txt, in order, from its first 500 KiB."""
    text, _ = decoded(data[:READ_BYTES_MAX])
    rules: list[Rule] = []
    agents: list[str] = []
    named = False
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        name, colon, value = line.partition("#")[0].partition(":")
        if not colon:
            continue
        plain = re.sub(r"[^a-z]", "", name.casefold())
        kind = _KINDS.get(plain) or _WRONG_KINDS.get(plain)
        if kind == "agent":
            if named:
                agents = []
            named = False
            agents.append(value.strip().casefold())
        elif kind is not None:
            # Lines that RFC 9309 does not know must not end the list of a group's agents.
            named = named or kind not in ("license", "delay")
            problem = ""
            if plain in _WRONG_KINDS or (
                kind in ("usage", "signal") and name.strip().casefold() != _PROPER[kind].casefold()
            ):
                problem = f"'{name.strip()}' should be '{_PROPER[kind]}'"
            elif not agents and kind in ("usage", "signal"):
                problem = "it stands before any User-agent line; read as if for everybody"
            path, words = _path_and_words(kind, value.strip())
            rules.append(Rule(kind, tuple(agents), path, words, number, problem))
    return rules


def _path_and_words(kind: str, value: str) -> tuple[str, str]:
    if kind in ("allow", "disallow"):
        return value, ""
    first, _, rest = value.partition(" ") if " " in value else value.partition("\t")
    if kind in ("usage", "signal") and "=" not in first and first.startswith(("/", "*/")):
        return first, rest.strip()
    return "", value


def may_fetch(data: bytes, agent: str, path: str) -> Fetch:
    """Whether robots.txt lets `agent` fetch `path`; it says nothing about use."""
    for group in groups_for(rules_of(data), agent)[:1]:
        covering = [rule for rule in group if rule.kind in ("allow", "disallow") and matches(rule.path, path)]
        if covering:
            # Of equally long patterns Allow wins (RFC 9309 section 2.2.2).
            best = max(covering, key=lambda rule: (len(rule.path), rule.kind == "allow"))
            words = f"line {best.line}: {best.kind.capitalize()}: {best.path}"
            return Fetch(best.kind == "allow", words)
    return Fetch(True, "no rule forbids it")


def crawl_delay(data: bytes, agent: str) -> float:
    """Seconds between two questions that a robots.txt asks of `agent`; 0 when it asks for none.

    RFC 9309 does not know `Crawl-delay`; many sites write it, and where two lines differ the longer one is kept.

    >>> crawl_delay(b"User-agent: *\\nCrawl-delay: 2.5", "endcredits")
    2.5
    """
    asked = [0.0]
    for rule in groups_for(rules_of(data), agent)[0]:
        if rule.kind == "delay" and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", rule.words):
            asked.append(float(rule.words))
    return max(asked)


def read_robots(data: bytes, found: Found) -> tuple[Signal, ...]:
    """What a robots.txt says about the use of the work at `found.path`."""
    carrier = carrier_of(found, "robots.txt", data)
    signals: list[Signal] = []
    if len(data) > READ_BYTES_MAX:
        problem = f"only its first {READ_BYTES_MAX} bytes were read (RFC 9309 section 2.5)"
        signals += carrier.unreadable("robots.txt", problem, place=f"from byte {READ_BYTES_MAX}")
    text, unusual = decoded(data[:READ_BYTES_MAX])
    if re.match(r"\s*<(!doctype|html|head|body)\b", text, re.IGNORECASE):
        return (*signals, *carrier.unreadable("robots.txt", "it is a web page", place="line 1", raw=text[:200]))
    rules = rules_of(data)
    for kind, words in (("usage", AIPREF), ("signal", CONTENT_SIGNAL)):
        of_kind = [rule for rule in rules if rule.kind == kind and matches(rule.path or "/", found.path)]
        signals += _by_key(of_kind, found, carrier, words, unusual)
    for rule in rules:
        if rule.kind == "license":
            signals += pointer(carrier, rule.words, f"line {rule.line}", problem=rule.problem)
    return tuple(signals)


def _by_key(rules: list[Rule], found: Found, carrier: Carrier, words: Words, unusual: str) -> Iterable[Signal]:
    """For each verb the word of the foremost group that has one, there of the longest path; equals all count."""
    groups = [*groups_for(rules, found.agent), [rule for rule in rules if not rule.agents]]
    decided: dict[str, tuple[int, int]] = {}
    said: list[tuple[tuple[int, int], Signal]] = []
    for rank, group in enumerate(groups):
        for rule in group:
            weight = (rank, -len(rule.path))
            for one in read_words(rule.words, words, carrier, f"line {rule.line}"):
                said.append((weight, _told(one, rule.problem, unusual)))
                if one.value != "unknown":
                    decided[one.verb] = min(weight, decided.get(one.verb, weight))
    # What is before any group, or broken, is a no whatever else is said.
    return [
        one
        for weight, one in said
        if weight == decided.get(one.verb, weight) or (one.problem and one.value == "deny") or one.value == "unknown"
    ]


def _told(one: Signal, problem: str, unusual: str) -> Signal:
    problems = "; ".join(filter(None, (problem, one.problem)))
    # A misspelt directive is honoured as a no; one in the wrong place still says what it says.
    wrong = problem.startswith("'")
    value = "deny" if wrong and one.value in ("allow", "conditional") else one.value
    note = "; ".join(filter(None, (one.note, unusual)))
    return replace(one, value=value, problem=problems, note=note) if (problems, note) != (one.problem, one.note) else one


def groups_for(rules: list[Rule], agent: str) -> list[list[Rule]]:
    """The rules for our crawler by name, then those for everybody; all groups of one name are one (RFC 9309, 2.2.1)."""
    name = agent.casefold()
    own = [rule for rule in rules if any(_names(token, name) for token in rule.agents)]
    everybody = [rule for rule in rules if EVERYBODY in rule.agents]
    return [own, everybody] if _is_named(rules, name) else [everybody]


def _is_named(rules: list[Rule], name: str) -> bool:
    return any(_names(token, name) for rule in rules for token in rule.agents)


def _names(token: str, name: str) -> bool:
    """Whether a User-agent line's token names a crawler: its product token, without version."""
    return token != EVERYBODY and re.split(r"[/\s]", token, maxsplit=1)[0] == name

"""Reading packs of rules: those that come with endcredits, and an operator's own beside them.

A pack is one JSON file:

    {"endcredits_rules": 1,
     "about": "what is in it",
     "fields": {"likeness": {"agent": {"type": "text", "about": "who negotiated", "null": true}}},
     "rules": [{"id": "house-agent", "title": "...", "jurisdiction": "WORLD", "kind": "likeness", "status": "agreement",
                "severity": "warn", "source": "...", "source_url": "https://...", "evidence": "R",
                "reviewed_on": "2026-11-20", "words": "...",
                "require": [{"id": "agent", "field": "agent", "test": "present", "why": "..."}]}]}

Several files are one pack: fields are known to all of them, a field that two files declare must be of one type (allowed
values are joined), no rule may be there twice, and a rule of a later file may stand in the place of earlier ones
(`replaces`). The reader refuses whatever it does not know, because a misspelt key would make a rule silently weaker.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from endcredits.errors import InputError, NotFoundError
from endcredits.works.rules.conditions import read_conditions
from endcredits.works.rules.declaring import read_fields, read_places
from endcredits.works.rules.keyed import Keyed
from endcredits.works.rules.records import EVIDENCE, KINDS, SEVERITIES, STATUSES, Field, Pack, Rule
from endcredits.works.rules.territories import check_place
from endcredits.works.strict_json import read_json
from endcredits.works.texts import check_text, read_bytes
from endcredits.works.utc import check_day

FORMAT = 1
"""Version of the files."""

_SHIPPED = resources.files("endcredits.works.rules").joinpath("pack")


def shipped_texts() -> tuple[tuple[str, str], ...]:
    """(file name, text) of the files that come with endcredits, by name."""
    files = sorted((one for one in _SHIPPED.iterdir() if one.name.endswith(".json")), key=lambda one: one.name)
    return tuple((one.name, one.read_text(encoding="utf-8")) for one in files)


@cache
def shipped_pack() -> Pack:
    """The rules that come with endcredits."""
    return parse_packs(shipped_texts())


def read_pack(*paths: str | os.PathLike[str]) -> Pack:
    """The shipped rules with those of own files beside them.

    Raises:
        InputError: a file that cannot be read, is not JSON, or holds anything that is not told in this module; file, rule
            and key are named.
    """
    own = [(str(path), check_text(read_bytes(Path(path)), Path(path))) for path in paths]
    return parse_packs([*shipped_texts(), *own]) if own else shipped_pack()


def parse_packs(sources: Sequence[tuple[str, str]]) -> Pack:
    """One pack of several files.

    Args:
        sources: (name for errors, JSON text), the earlier first.

    Raises:
        InputError: see `read_pack`.
    """
    files = [_opened(name, text) for name, text in sources]
    fields: dict[str, dict[str, Field]] = {kind: {} for kind in KINDS}
    places: dict[str, frozenset[str]] = {}
    phrases: dict[str, None] = {}
    for file in files:
        read_fields(file, fields)
        read_places(file, places)
        phrases.update(dict.fromkeys(file.texts("generic_phrases", ())))
    rules: dict[str, Rule] = {}
    replaced: dict[str, str] = {}
    for file in files:
        earlier = set(rules)
        for number, item in enumerate(file.items("rules"), start=1):
            rule = _rule(Keyed(item, f"rule {number}", file.file), fields)
            if rule.rule_id in rules or rule.rule_id in replaced:
                _fail(
                    rule, "id", "there is a rule of that id already", "Give it an id of its own; 'replaces' names the other."
                )
            for old in rule.replaces:
                if old not in earlier or old not in rules:
                    _fail(rule, "replaces", f"no earlier file has a rule {old[:60]!a}", "Name a rule of an earlier file.")
                del rules[old]
                replaced[old] = rule.rule_id
            rules[rule.rule_id] = rule
        file.end()
    return Pack(
        MappingProxyType({kind: MappingProxyType(known) for kind, known in fields.items()}),
        MappingProxyType(places),
        tuple(phrases),
        tuple(sorted(rules.values(), key=lambda rule: rule.rule_id)),
        MappingProxyType(replaced),
    )


def rule_of(pack: Pack, rule_id: str) -> Rule:
    """A rule by its id.

    Raises:
        NotFoundError: there is none; when another one stands in its place, the remedy names it.
    """
    for rule in pack.rules:
        if rule.rule_id == rule_id:
            return rule
    instead = pack.replaced.get(rule_id)
    raise NotFoundError(
        f"there is no rule {rule_id[:60]!a}",
        remedy=f"'{instead}' stands in its place." if instead else "See them all: endcredits rules list",
        field="rule",
    )


def _opened(name: str, text: str) -> Keyed:
    try:
        file = Keyed(read_json(text), "", name)
    except ValueError as error:
        raise InputError(f"this is not JSON that can be read ({error})", remedy="Correct it there.", file=name) from error
    version = file.take("endcredits_rules")
    if version != FORMAT or isinstance(version, bool):
        file.fail("endcredits_rules", f"{str(version)[:20]!a} is not a version of rule files", f"Write {FORMAT}.")
    file.text("about", "")
    return file


def _rule(keyed: Keyed, fields: dict[str, dict[str, Field]]) -> Rule:
    rule_id = keyed.text("id")
    keyed.where = f"rule '{rule_id[:60]}'"
    kind = keyed.text("kind", one_of=KINDS)
    status = keyed.text("status", one_of=STATUSES)
    evidence = keyed.text("evidence", one_of=tuple(EVIDENCE))
    severity = keyed.text("severity", one_of=SEVERITIES)
    defaults = {"status": status, "evidence": evidence, "severity": severity}
    defaults["blocks_because"] = keyed.text("blocks_because", "")
    conditions = {key: read_conditions(keyed, key, fields[kind], defaults) for key in ("applies_if", "require", "forbid_if")}
    rule = Rule(
        rule_id,
        keyed.text("title"),
        _place(keyed),
        kind,
        status,
        _day(keyed, "in_force_from"),
        _day(keyed, "in_force_to"),
        **conditions,
        severity=severity,
        source=keyed.text("source"),
        source_url=keyed.text("source_url", ""),
        evidence=evidence,
        reviewed_on=_day(keyed, "reviewed_on", needed=True) or "",
        words=keyed.text("words"),
        replaces=keyed.texts("replaces", ()),
        pack=os.path.basename(keyed.file),
    )
    keyed.end()
    _whole(rule)
    return rule


def _whole(rule: Rule) -> None:
    """What the keys of a rule must be together."""
    if rule.source_url and not rule.source_url.startswith("https://"):
        _fail(rule, "source_url", "it does not begin with https://", "Write the full address.")
    if not rule.source_url and rule.evidence == "R":
        _fail(rule, "source_url", "a primary text that was read has an address", "Write where it was read.")
    if rule.in_force_from and rule.in_force_to and rule.in_force_to < rule.in_force_from:
        _fail(rule, "in_force_to", "it ends before it begins", "Correct one of the days.")
    if not rule.require and not rule.forbid_if:
        _fail(rule, "require", "it asks for nothing", "Add a condition to 'require' or 'forbid_if'.")
    seen: set[str] = set()
    for one in (*rule.applies_if, *rule.require, *rule.forbid_if):
        if one.condition_id in seen:
            _fail(rule, "id", f"two of its conditions are called '{one.condition_id[:60]}'", "Give each an id of its own.")
        seen.add(one.condition_id)


def _fail(rule: Rule, key: str, message: str, remedy: str) -> None:
    raise InputError(f"rule '{rule.rule_id[:60]}': {message}", remedy=remedy, file=rule.pack, field=key)


def _place(keyed: Keyed) -> str:
    return _told(keyed, "jurisdiction", check_place)


def _day(keyed: Keyed, key: str, *, needed: bool = False) -> str | None:
    if not needed and keyed.left.get(key) is None:
        keyed.take(key, None)
        return None
    return _told(keyed, key, check_day)


def _told(keyed: Keyed, key: str, check: Any) -> str:
    try:
        return str(check(keyed.text(key), field=key))
    except InputError as error:
        if error.file is not None:
            raise
        keyed.fail(key, error.message, error.remedy)

"""`endcredits rules`: what law, agreements and guidance ask of a record, and what a record lacks. Not legal advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, print_json, say

if TYPE_CHECKING:
    from endcredits.works.rules import Check, Checked, Condition, Lack, Pack, Rule

PackOption = Annotated[
    list[str] | None, typer.Option("--pack", help="An own file of rules beside the shipped ones; may be given again.")
]


def rules_app(new_app: Callable[[str], typer.Typer]) -> typer.Typer:
    """The group of commands."""
    group = new_app(
        "What rules ask of a record, as dated, sourced data; not legal advice.\n\n"
        "Example: endcredits rules check grant.json --jurisdiction US-CA --on 2026-11-20 --kind likeness"
    )
    group.command("list")(show_all)
    group.command("show")(show)
    group.command("fields")(fields)
    group.command("check")(check)
    return group


def show_all(
    jurisdiction: Annotated[str, typer.Option(help="Only rules of this place, and of what it lies in or holds.")] = "WORLD",
    kind: Annotated[str, typer.Option(help="Only rules for likeness, training or disclosure.")] = "",
    pack: PackOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rules with where, since when and how well they are known. This is not legal advice.

    Example: endcredits rules list --jurisdiction US-CA
    """
    from endcredits.errors import InputError
    from endcredits.works.rules import EVIDENCE, KINDS, read_pack, rules_for
    from endcredits.works.rules.territories import check_place

    if kind and kind not in KINDS:
        raise InputError(f"'{kind[:40]}' is not a kind", remedy=f"Use one of: {', '.join(KINDS)}.", field="--kind")
    held = read_pack(*(pack or ()))
    found = rules_for(held, check_place(jurisdiction, field="--jurisdiction"), kind)
    if as_json:
        print_json({**_notice(found), "rules": [_rule(rule) for rule in found]})
        return
    for rule in found:
        dates = " ".join(day for day in (f"from {rule.in_force_from}" if rule.in_force_from else "", _until(rule)) if day)
        say(
            f"{rule.rule_id:<30}{rule.jurisdiction:<8}{rule.kind:<12}{rule.status:<11}{rule.severity:<10}"
            f"[{rule.evidence}]  {dates}".rstrip()
        )
        say(f"  {rule.title}")
    tags = sorted({rule.evidence for rule in found})
    say("; ".join(f"[{tag}] {EVIDENCE[tag]}" for tag in tags))
    _say_notice(found)


def show(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule's id.")],
    pack: PackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a rule: what it says, what it asks of a record, and where it was read. This is not legal advice.

    Example: endcredits rules show us-ca-labor-927
    """
    from endcredits.works.rules import EVIDENCE, read_pack, rule_of

    found = rule_of(read_pack(*(pack or ())), rule)
    if as_json:
        print_json({**_notice([found]), "rule": _rule(found)})
        return
    say(f"{found.rule_id}: {found.title}")
    since = f"from {found.in_force_from}" if found.in_force_from else "no first day recorded"
    say(f"{found.jurisdiction}, {found.kind}, {found.status}, {since} {_until(found)}".rstrip())
    say(f"Source: {found.source}" + (f" <{found.source_url}>" if found.source_url else ""))
    say(f"Evidence: {found.evidence}, {EVIDENCE[found.evidence]}")
    say("")
    say(found.words)
    for heading, conditions in (
        ("It reaches a record when:", found.applies_if),
        ("The record must have:", found.require),
        ("The record must not have:", found.forbid_if),
    ):
        if conditions:
            say("")
            say(heading)
        for one in conditions:
            say(f"  {one.condition_id:<18}{one.severity:<9}[{one.evidence}]  {_words(one)}")
            say(f"  {'':<18}{one.why}")
    say("")
    _say_notice([found])


def fields(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="likeness, training or disclosure.")],
    pack: PackOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the fields that a record of a kind may have, with their types: the beginning of a record of your own.

    Example: endcredits rules fields likeness
    """
    from endcredits.errors import InputError
    from endcredits.works.rules import KINDS, read_pack
    from endcredits.works.rules.fields import TYPES

    held = read_pack(*(pack or ()))
    if kind not in KINDS:
        raise InputError(f"'{kind[:40]}' is not a kind", remedy=f"Use one of: {', '.join(KINDS)}.", field="KIND")
    rules = [rule for rule in held.rules if rule.kind == kind]
    if as_json:
        known = [
            {"field": one.path, "type": one.kind_of_value, "null": one.may_be_null, "values": one.values, "about": one.about}
            for one in held.fields[kind].values()
        ]
        print_json({**_notice(rules), "kind": kind, "fields": known})
        return
    for one in held.fields[kind].values():
        values = f": {', '.join(one.values)}" if one.values else ""
        say(f"{one.path:<38}{TYPES[one.kind_of_value][1]}{' or null' if one.may_be_null else ''}{values}")
        say(f"  {one.about}")
    _say_notice(rules)


def check(
    record: Annotated[str, typer.Argument(metavar="RECORD.json", help="One record, a JSON object; see 'rules fields'.")],
    jurisdiction: Annotated[str, typer.Option(help="WORLD, EU, a country (DE) or a part of one (US-CA).")],
    on: Annotated[str, typer.Option(help="The day asked about, YYYY-MM-DD.")],
    kind: Annotated[str, typer.Option(help="likeness, training or disclosure.")],
    fail_on: Annotated[str, typer.Option(help="Exit with 3 from this severity on: block, disclose or warn.")] = "block",
    pack: PackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a record lacks for a place and a day, by rule, field and source. This is not legal advice.

    What cannot be told counts against the record: a field left away, an unknown field, a wrong type. Rules of other days are
    said apart. Exit code 3 when something blocks.

    Example: endcredits rules check grant.json --jurisdiction US-CA --on 2026-11-20 --kind likeness
    """
    from endcredits.errors import InputError
    from endcredits.works.rules import SEVERITIES, check_record, read_pack, rules_for

    if fail_on not in SEVERITIES:
        remedy = f"Use one of: {', '.join(SEVERITIES)}."
        raise InputError(f"'{fail_on[:40]}' is not a severity", remedy=remedy, field="--fail-on")
    held = read_pack(*(pack or ()))
    found = check_record(_read(record), jurisdiction=jurisdiction, on=on, kind=kind, pack=held)
    if as_json:
        from endcredits.canonical import to_plain

        notice = {**_notice(rules_for(held, jurisdiction, kind)), "replaced": dict(held.replaced)}
        print_json({**notice, "record": record, **to_plain(found), "blocks": _counts(found.lacks)["block"] > 0})
    else:
        _print(found, held)
    if any(SEVERITIES.index(lack.severity) <= SEVERITIES.index(fail_on) for lack in found.lacks):
        raise typer.Exit(FAILED_CHECK)


def _read(path: str) -> Mapping[str, Any]:
    """The record that a file holds."""
    from endcredits.errors import InputError
    from endcredits.works.strict_json import read_json
    from endcredits.works.texts import check_text, read_bytes

    text = check_text(read_bytes(Path(path)), Path(path))
    try:
        value = read_json(text)
    except ValueError as error:
        raise InputError(f"this is not JSON that can be read ({error})", remedy="Correct it there.", file=path) from error
    if not isinstance(value, dict):
        raise InputError("this is not one record", remedy='Write one JSON object: {"person_id": ...}.', file=path)
    return value


def _print(found: Checked, pack: Pack) -> None:
    from endcredits.works.rules import EVIDENCE, rules_for

    for lack in found.lacks:
        say(f"{lack.severity.upper():<9}{lack.rule_id}/{lack.condition_id}  {lack.field}")
        say(f"         {lack.why}")
        say(f"         {lack.source} [{lack.evidence}: {EVIDENCE[lack.evidence]}]")
    if found.lacks:
        say("")
    counts = _counts(found.lacks)
    told = ", ".join(f"{counts[severity]} {severity}" for severity in counts)
    say(f"As {found.kind} in {found.jurisdiction} on {found.on}: {told}.")
    say(f"Applied: {', '.join(found.applied) or 'no rule'}.")
    for rule_id, why in found.not_reached:
        say(f"Not reached: {rule_id} ({why}).")
    for one in found.apart:
        when = (
            f"holds from {one.day} on; the record would lack {len(one.lacks)}"
            if one.state == "not-yet"
            else f"ended {one.day}"
        )
        say(f"Apart: {one.rule_id} {when}.")
    for old, new in sorted(pack.replaced.items()):
        say(f"Replaced: {new} stands in the place of {old}.")
    if found.without_rules:
        say(f"No rule of {found.jurisdiction} itself is in the pack: this says nothing about its own law.")
    if found.reviewed_on and found.on > found.reviewed_on:
        say(f"The rules were reviewed before {found.on}; they may have changed since.")
    _say_notice(rules_for(pack, found.jurisdiction, found.kind))


def _counts(lacks: Sequence[Lack]) -> dict[str, int]:
    from endcredits.works.rules import SEVERITIES

    return {severity: sum(lack.severity == severity for lack in lacks) for severity in SEVERITIES}


def _notice(rules: Sequence[Rule]) -> dict[str, str]:
    from endcredits.works.rules import NOTICE

    return {"notice": NOTICE, "reviewed_on": min((rule.reviewed_on for rule in rules), default="")}


def _say_notice(rules: Sequence[Rule]) -> None:
    told = _notice(rules)
    say(f"{told['notice']} reviewed_on: {told['reviewed_on'] or 'no rule'}.")


def _until(rule: Rule) -> str:
    return f"until {rule.in_force_to}" if rule.in_force_to else ""


def _words(condition: Condition) -> str:
    when = " and ".join(_check(one) for one in condition.when)
    return _check(condition.check) + (f", when {when}" if when else "")


def _check(one: Check) -> str:
    value = ", ".join(one.value) if isinstance(one.value, tuple) else one.value
    return " ".join(
        str(part) for part in (one.field, one.test.replace("_", " "), one.other, value) if part not in ("", None)
    )


def _rule(rule: Rule) -> dict[str, Any]:
    from endcredits.canonical import to_plain

    plain: dict[str, Any] = to_plain(rule)
    return plain

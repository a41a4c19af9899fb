"""What does this record lack for that place and day? A pure reading of rules as data.

    lacks(grant, jurisdiction="US-CA", on="2026-11-20", kind="likeness")     # () is the only clean answer

Nothing that cannot be told helps a record. A field left away is unknown; a rule that may reach the record is applied; a
field that the pack does not know, or that is of a wrong type, is a finding that blocks. A condition over the rows of a list
must be met by every row. So leaving something out, or adding one more use, never removes a finding of a rule, and the
order of rules does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from endcredits.errors import InputError
from endcredits.works.rules.comparing import Truth, compare
from endcredits.works.rules.fields import SILENT, Reading, read_record, row_list
from endcredits.works.rules.reader import shipped_pack
from endcredits.works.rules.records import (
    KINDS,
    SEVERITIES,
    Apart,
    Check,
    Checked,
    Condition,
    Lack,
    Pack,
    Rule,
)
from endcredits.works.rules.spans import moment_of
from endcredits.works.rules.territories import check_place, lies_in, meet
from endcredits.works.utc import check_day

NOTICE = "This is not legal advice: it is a reading of the rules that the pack holds, and it can be wrong or out of date."
"""Stands on every answer that people see."""

RECORD = "record"
"""The rule id of findings about the record itself."""


def lacks(record: Mapping[str, Any], *, jurisdiction: str, on: str, kind: str, pack: Pack | None = None) -> tuple[Lack, ...]:
    """What a record lacks for a jurisdiction and a day, the gravest first; see `check_record`."""
    return check_record(record, jurisdiction=jurisdiction, on=on, kind=kind, pack=pack).lacks


def check_record(record: Mapping[str, Any], *, jurisdiction: str, on: str, kind: str, pack: Pack | None = None) -> Checked:
    """Checks a record against all rules of its kind for a place and a day.

    Args:
        record: plain JSON values, by field.
        jurisdiction: WORLD, EU, a country (DE) or a part of one (US-CA). Rules of the place, of what it lies in and of
            what lies in it are looked at.
        on: the day asked about, YYYY-MM-DD.
        kind: one of `records.KINDS`.
        pack: the rules; those that are shipped, by default.

    Returns:
        The lacks, and apart from them the rules that hold on other days, those that do not reach the record, and whether
        the pack knows the place at all. What stands in the record never raises.

    Raises:
        InputError: the record is no object; another kind; not a jurisdiction; not a day.
    """
    if kind not in KINDS:
        raise InputError(
            f"{str(kind)[:40]!a} is not a kind of record", remedy=f"Use one of: {', '.join(KINDS)}.", field="kind"
        )
    check_place(jurisdiction)
    moment = moment_of(check_day(on, field="on"))
    pack = pack or shipped_pack()
    reading = read_record(record, pack.fields.get(kind, {}))
    rules = rules_for(pack, jurisdiction, kind)
    found = list(_of_record(reading))
    applied, not_reached, apart = [], [], []
    for rule in rules:
        out = _out_of_force(rule, on)
        if out == "expired":
            apart.append(Apart(rule.rule_id, out, str(rule.in_force_to), ()))
            continue
        # From a rule that is yet to come, the record is looked at as of its first day.
        as_of = moment_of(str(rule.in_force_from)) if out else moment
        why_not = _why_not_reached(rule, reading, as_of, pack)
        if why_not and not out:
            not_reached.append((rule.rule_id, why_not))
        if why_not:
            continue
        lacking = tuple(sorted(set(_of_rule(rule, reading, as_of, pack)), key=_order))
        if out:
            apart.append(Apart(rule.rule_id, out, str(rule.in_force_from), lacking))
        else:
            applied.append(rule.rule_id)
            found += lacking
    return Checked(
        kind,
        jurisdiction,
        on,
        tuple(sorted(found, key=_order)),
        tuple(sorted(applied)),
        tuple(sorted(not_reached)),
        tuple(sorted(apart, key=lambda one: one.rule_id)),
        not any(lies_in(rule.jurisdiction, jurisdiction, pack.places) for rule in rules),
        min((rule.reviewed_on for rule in rules), default=""),
    )


def rules_for(pack: Pack, jurisdiction: str, kind: str = "") -> tuple[Rule, ...]:
    """The rules of a place, of what it lies in and of what lies in it; of all kinds when none is named."""
    return tuple(
        rule for rule in pack.rules if kind in ("", rule.kind) and meet(jurisdiction, rule.jurisdiction, pack.places)
    )


def _out_of_force(rule: Rule, on: str) -> str:
    if rule.in_force_from is not None and on < rule.in_force_from:
        return "not-yet"
    return "expired" if rule.in_force_to is not None and on > rule.in_force_to else ""


def _order(lack: Lack) -> tuple[int, str, str, str]:
    return SEVERITIES.index(lack.severity), lack.rule_id, lack.condition_id, lack.field


def _of_record(reading: Reading) -> Iterator[Lack]:
    for field, condition_id, words in reading.problems:
        yield Lack(RECORD, condition_id, field, SEVERITIES[0], words, "", "the fields that the pack knows", "own")


def _why_not_reached(rule: Rule, reading: Reading, on: datetime, pack: Pack) -> str:
    return next((one.why for one in rule.applies_if if _anywhere(one.check, reading, {}, on, pack) == Truth.FAILS), "")


def _of_rule(rule: Rule, reading: Reading, on: datetime, pack: Pack) -> Iterator[Lack]:
    for condition in rule.applies_if:
        if _anywhere(condition.check, reading, {}, on, pack) == Truth.UNKNOWN:
            why = f"whether the rule reaches this record cannot be told, so it is applied ({condition.why})"
            yield _lack(rule, condition, condition.check.field, why)
    for good, conditions in ((Truth.HOLDS, rule.require), (Truth.FAILS, rule.forbid_if)):
        for condition in conditions:
            for place, said in _everywhere(condition, reading, on, pack):
                if said != good:
                    silent = " (the record does not say)" if said == Truth.UNKNOWN else ""
                    yield _lack(rule, condition, place, f"{condition.why}{silent}")


def _lack(rule: Rule, condition: Condition, field: str, why: str) -> Lack:
    return Lack(
        rule.rule_id,
        condition.condition_id,
        field,
        condition.severity,
        why,
        rule.source_url,
        rule.source,
        condition.evidence,
    )


def _everywhere(condition: Condition, reading: Reading, on: datetime, pack: Pack) -> Iterator[tuple[str, Truth]]:
    """(field, truth) for every row that the condition goes through, or once; rows that a guard leaves out are left out."""
    check = condition.check
    through = _list_of(check)
    rows: Sequence[tuple[str, Mapping[str, Any]]] = [(check.field, {})]
    if through in reading.rows:
        rows = [
            (check.field.replace("[]", f"[{number}]"), {through: row}) for number, row in enumerate(reading.rows[through])
        ]
    for place, chosen in rows:
        if all(_anywhere(guard, reading, chosen, on, pack) != Truth.FAILS for guard in condition.when):
            yield place, compare(check, _look(reading, chosen), on, pack)


def _anywhere(check: Check, reading: Reading, chosen: Mapping[str, Mapping[str, Any]], on: datetime, pack: Pack) -> Truth:
    """The truth of a check on the chosen row, or the most that any row says when no row of its list is chosen."""
    through = _list_of(check)
    if not through or through in chosen or through not in reading.rows:
        return compare(check, _look(reading, chosen), on, pack)
    said = (compare(check, _look(reading, {through: row}), on, pack) for row in reading.rows[through])
    return max(said, default=Truth.FAILS)


def _list_of(check: Check) -> str:
    return row_list(check.field) or row_list(check.other)


def _look(reading: Reading, chosen: Mapping[str, Mapping[str, Any]]) -> Callable[[str], Any]:
    """Looks fields up in the chosen rows, and outside of rows."""

    def value(path: str) -> Any:
        through = row_list(path)
        return (chosen.get(through, {}) if through else reading.values).get(path, SILENT)

    return value

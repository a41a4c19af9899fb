"""Reading the conditions of a rule, and refusing those that could not mean anything or that claim more than is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from endcredits.canonical import INTEGER_MAX
from endcredits.errors import InputError
from endcredits.works.rules.comparing import ON, TESTS
from endcredits.works.rules.fields import MOMENTS, row_list
from endcredits.works.rules.keyed import Keyed
from endcredits.works.rules.records import EVIDENCE, SEVERITIES, WEAK_EVIDENCE, Check, Condition, Field
from endcredits.works.rules.spans import is_span
from endcredits.works.rules.territories import check_place
from endcredits.works.utc import check_day


def read_conditions(
    rule: Keyed, key: str, fields: Mapping[str, Field], defaults: Mapping[str, str]
) -> tuple[Condition, ...]:
    """The conditions under one key of a rule.

    Args:
        rule: the rule's object.
        key: "applies_if", "require" or "forbid_if".
        fields: those that a record of the rule's kind may have.
        defaults: the rule's status, severity and evidence.

    Raises:
        InputError: anything that is not a condition; the rule, the list and the key are named.
    """
    found = []
    for number, item in enumerate(rule.items(key), start=1):
        keyed = Keyed(item, f"{rule.where}, {key} {number}", rule.file)
        found.append(_condition(keyed, key, fields, defaults))
    return tuple(found)


def _condition(keyed: Keyed, key: str, fields: Mapping[str, Field], defaults: Mapping[str, str]) -> Condition:
    condition_id = keyed.text("id")
    keyed.where = f"{keyed.where} ('{condition_id}')"
    own_evidence = keyed.text("evidence", "", one_of=("", *EVIDENCE))
    evidence = own_evidence or defaults["evidence"]
    weak = evidence in WEAK_EVIDENCE or defaults["status"] == "not-law"
    because = keyed.text("blocks_because", "") or defaults["blocks_because"]
    named = keyed.text("severity", "", one_of=("", *SEVERITIES))
    severity = named or defaults["severity"]
    if weak and severity != "warn" and not because:
        if named or not own_evidence:
            keyed.fail(
                "severity",
                f"'{severity}' is more than a rule may say that is not law, or that nobody has read (evidence '{evidence}')",
                "Write 'warn', or say in 'blocks_because' why it is so grave all the same.",
            )
        severity = "warn"
    if key == "applies_if" and own_evidence in WEAK_EVIDENCE and defaults["evidence"] not in WEAK_EVIDENCE:
        keyed.fail(
            "evidence",
            "what nobody has read must not take records out of a rule's reach",
            "Read it, or leave the condition away and say so in the rule's words.",
        )
    when = []
    for number, item in enumerate(keyed.items("when"), start=1):
        guard = Keyed(item, f"{keyed.where}, when {number}", keyed.file)
        when.append(_check(guard, fields))
        guard.end()
    why = keyed.text("why")
    check = _check(keyed, fields)
    keyed.end()
    _refuse_two_lists(keyed, [check, *when] if key != "applies_if" else [check])
    return Condition(condition_id, check, tuple(when), why, severity, evidence)


def _check(keyed: Keyed, fields: Mapping[str, Field]) -> Check:
    path = keyed.text("field")
    field = _field(keyed, "field", path, fields)
    name = keyed.text("test", one_of=tuple(TESTS))
    test = TESTS[name]
    if field.kind_of_value not in test.on:
        kinds = ", ".join(sorted(test.on))
        keyed.fail(
            "test", f"'{name}' cannot be asked of '{path}', a field of type {field.kind_of_value}", f"It is for: {kinds}."
        )
    other = keyed.text("other", "") if test.other in ("needed", "or-day") else ""
    if other and other != ON:
        against = _field(keyed, "other", other, fields)
        if (field.kind_of_value in MOMENTS) != (against.kind_of_value in MOMENTS) or (
            field.kind_of_value not in MOMENTS and against.kind_of_value != "text"
        ):
            keyed.fail(
                "other", f"'{path}' and '{other}' cannot be compared", "Compare moments with moments, texts with texts."
            )
        if row_list(path) and row_list(other) and row_list(path) != row_list(other):
            keyed.fail("other", f"'{path}' and '{other}' stand in rows of two lists", "Compare fields of one row.")
    if other == ON and field.kind_of_value not in MOMENTS:
        keyed.fail("other", f"'{path}' is no moment that could be compared with the day asked about", "Name a text field.")
    if test.other == "needed" and not other:
        keyed.fail("other", f"'{name}' compares with another field, and none is named", "Name it in 'other'.")
    return Check(path, name, _value(keyed, name, field, other), other)


def _field(keyed: Keyed, key: str, path: str, fields: Mapping[str, Field]) -> Field:
    if path not in fields:
        keyed.fail(
            key, f"{path[:60]!a} is not a field of such a record", "Declare it under 'fields', or correct its spelling."
        )
    return fields[path]


def _value(keyed: Keyed, name: str, field: Field, other: str) -> tuple[str, ...] | str | int | None:
    """What the check compares with, in the type that its test asks for."""
    argument = TESTS[name].argument
    if TESTS[name].other == "or-day" and not other:
        return _checked(keyed, check_day, keyed.text("value"))
    if argument == "texts":
        values = keyed.texts("value")
        if not values:
            keyed.fail("value", "'value' is empty, so nothing could be one of it", "Name what is meant.")
        _refuse_others(keyed, values, field)
        return values
    if argument == "text":
        text = keyed.text("value")
        _refuse_others(keyed, (text,), field)
        return text
    if argument == "place":
        return _checked(keyed, check_place, keyed.text("value"))
    if argument == "span":
        span = keyed.text("value")
        if not is_span(span):
            keyed.fail("value", f"{span[:40]!a} is not a span of time", "Write P10Y, P6M, P30D or PT48H.")
        return span
    if argument == "count":
        count = keyed.take("value")
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= INTEGER_MAX:
            keyed.fail("value", "'value' is not a whole number from 0 to 2**53 - 1", "Write digits alone.")
        return int(count)
    return None


def _checked(keyed: Keyed, check: Any, text: str) -> str:
    try:
        return str(check(text, field="value"))
    except InputError as error:
        keyed.fail("value", error.message, error.remedy)


def _refuse_others(keyed: Keyed, values: Sequence[str], field: Field) -> None:
    for value in values:
        if field.values and value not in field.values:
            keyed.fail(
                "value", f"{value[:60]!a} can never stand in '{field.path}'", f"It may be one of: {', '.join(field.values)}."
            )


def _refuse_two_lists(keyed: Keyed, checks: Sequence[Check]) -> None:
    """A guard on the rows of another list would be met by any of its rows, which nobody reading the rule would expect."""
    lists = {row_list(path) for check in checks for path in (check.field, check.other)} - {""}
    if len(lists) > 1:
        keyed.fail("when", f"the condition goes through rows of two lists ({', '.join(sorted(lists))})", "Use one list.")

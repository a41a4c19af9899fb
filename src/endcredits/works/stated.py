"""A statement about permission as plain data, and back: what its id is made of, what the log keeps and a table holds.

Fields that say nothing are left out. So a statement of a time that knew fewer fields keeps its id and its place in the log,
whatever fields are added later; a work is named `work_id`, as it has been from the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

from endcredits.canonical import digest
from endcredits.errors import InputError
from endcredits.works.records import AUTHORITIES, SUBJECTS, VALUES, VERBS, Conditions, Permission, Provenance
from endcredits.works.url_patterns import normal
from endcredits.works.utc import check_time

ALWAYS = ("effective_to", "permission_id")
"""Fields with a default that are told all the same, because they always were."""

CLOSED_KINDS = (("verb", VERBS), ("value", VALUES), ("subject_kind", SUBJECTS), ("authority", AUTHORITIES))


def plain_of(permission: Permission) -> dict[str, Any]:
    """The statement without the fields that say nothing."""
    plain = _told(permission, ALWAYS)
    for name in ("conditions", "provenance"):
        if name in plain:
            plain[name] = _told(plain[name], ())
    if permission.subject_kind == "work":
        plain["work_id"] = plain.pop("subject")
    return plain


def permission_of(plain: Mapping[str, Any]) -> Permission:
    """The statement that plain data tells.

    Raises:
        TypeError: it has other fields than a statement.
    """
    told = dict(plain)
    if "work_id" in told:
        told["subject"] = told.pop("work_id")
    if told.get("conditions") is not None:
        given: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in told["conditions"].items()
        }
        told["conditions"] = Conditions(**given)
    if told.get("provenance") is not None:
        told["provenance"] = Provenance(**told["provenance"])
    return Permission(**told)


def _told(record: Any, always: tuple[str, ...]) -> dict[str, Any]:
    return {
        field.name: getattr(record, field.name)
        for field in fields(record)
        if field.default is MISSING or field.name in always or getattr(record, field.name) != field.default
    }


def with_id(permission: Permission) -> Permission:
    """A checked statement with its id, which is made from all that it says; addresses in their normal form.

    Raises:
        InputError: an unknown verb, value, kind of subject or authority, a time of another shape, an end that is not after
            the beginning, a yes that asks for something without saying so, or a pattern of addresses that fits no site.
    """
    for name, known in CLOSED_KINDS:
        given = getattr(permission, name)
        if given not in known:
            what = {"verb": "a verb", "value": "a permission", "subject_kind": "a kind of subject"}.get(name, "an authority")
            field = "permission" if name == "value" else name
            raise InputError(f"'{given}' is not {what}", remedy=f"Use one of: {', '.join(known)}.", field=field)
    _check_times(permission)
    if not permission.subject.strip():
        raise InputError("the statement is about nothing", remedy="Name its subject.", field="subject")
    if any(
        "\0" in str(value) for value in (permission.subject, permission.reason, permission.source, permission.declared_by)
    ):
        raise InputError("the statement holds a NUL character", remedy="Write it without.", field="reason")
    if permission.subject_kind == "url":
        permission = replace(permission, subject=normal(permission.subject))
    if permission.supersedes and permission.revokes:
        raise InputError("a statement takes back or replaces, not both", remedy="Make two of it.", field="revokes")
    if permission.value == "allow" and restricts(permission.conditions):
        raise InputError(
            "a yes that asks for something is conditional", remedy="Say 'conditional' or leave its conditions away.",
            field="permission",
        )  # fmt: skip
    bare = replace(permission, permission_id="")
    return replace(permission, permission_id=f"perm:{digest(plain_of(bare))[:32]}")


def restricts(conditions: Conditions | None) -> bool:
    """Whether conditions stand in the way of a yes; a text of credit is a duty and does not."""
    return conditions is not None and replace(conditions, credit_text="") != Conditions()


def _check_times(permission: Permission) -> None:
    check_time(permission.effective_from, field="effective_from")
    if permission.observed_at:
        check_time(permission.observed_at, field="observed_at")
    if permission.effective_to is not None:
        check_time(permission.effective_to, field="effective_to")
        if permission.effective_to <= permission.effective_from:
            raise InputError("the statement ends before it begins", remedy="Swap the two times.", field="effective_to")

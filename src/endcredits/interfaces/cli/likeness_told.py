"""What commands about likeness print: decisions with every reason, grants with what is left of them, people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, print_json, say

if TYPE_CHECKING:
    from endcredits.flows.likeness import Used
    from endcredits.flows.likeness_known import Granted, Known
    from endcredits.works.likeness import LikenessDecision, Reason


def notice() -> dict[str, str]:
    from endcredits.works.rules import NOTICE, shipped_pack

    reviewed = min(rule.reviewed_on for rule in shipped_pack().rules if rule.kind == "likeness")
    return {"notice": NOTICE, "reviewed_on": reviewed}


def _say_notice() -> None:
    told = notice()
    say(f"{told['notice']} reviewed_on: {told['reviewed_on']}.")


def say_decision(decision: LikenessDecision) -> None:
    words = {"allow": "YES", "warn": "YES, AND LOOK", "deny": "NO"}[decision.value]
    say(f"{words}: {decision.why} [{decision.rule_id}]")
    for one in decision.blocks[1:]:
        say(f"  and: {one.why} [{one.rule_id}]")
    for one in decision.warnings:
        say(f"  look: {one.why} [{one.rule_id}]{' ' + one.source if one.source else ''}")
    if decision.grant_id and decision.value == "deny":
        say(f"The grant that comes closest is row {decision.row + 1} of {decision.grant_id}.")
    if decision.left is not None:
        say(f"{decision.left} uses are left on that row after this one.")
    _say_notice()


_PAYMENT = {
    "reported": "It is reported as a usage event; the next close by a policy that names these terms pays it.",
    "waits": "Its usage event is held until the output is attributed ('usage held'); then it is paid.",
    "unnamed": "It is paid once its output is named: endcredits likeness appear USE OUTPUT.",
}


def tell_use(done: Used, as_json: bool) -> None:
    from endcredits.canonical import to_plain

    if as_json:
        counted = done.use is not None
        plain = to_plain({"decision": done.decision, "use": done.use, "payment": done.payment, "counted": counted})
        print_json({**notice(), **plain})
    else:
        say_decision(done.decision)
        if done.use is None:
            say("Nothing was counted.")
        else:
            say(f"Counted as {done.use.use_id}, on terms '{done.use.offer}'. {_PAYMENT[done.payment]}")
    if done.decision.value == "deny":
        raise typer.Exit(FAILED_CHECK)


def say_findings(findings: tuple[Reason, ...]) -> None:
    for one in findings:
        say(f"LACKS    {one.why} [{one.rule_id}]")
    if findings:
        say("It is kept, and permits nothing until a new grant mends this.")
    _say_notice()


def say_grant(granted: Granted, left: dict[int, int] | None = None) -> None:
    one = granted.grant
    for number, row in enumerate(one.uses):
        limit = "any number" if row.max_uses is None else f"{(left or {}).get(number, row.max_uses)} of {row.max_uses} left"
        say(f"  {number + 1}. {row.project} ({row.medium}), {row.territory}, {row.valid_from} to {row.valid_to}: {limit}")
        say(f"     {row.description}")
    from endcredits.works.likeness import BASES, offer_of

    say(f"  paid: {offer_of(one.pay)} ({BASES[one.pay.basis]})")
    refused = ", ".join(one.forbidden) or "nothing by name"
    say(f"  forbidden: {refused}; training: {'yes' if one.training_allowed else 'no'}; until {one.term_to or 'no day'}")
    if one.storage.delete_by:
        say(f"  kept at {one.storage.location or 'no place said'}; to be deleted by {one.storage.delete_by}")


def say_known(one: Known) -> None:
    person = one.person
    say(f"{person.person_id}  {person.name}, paid through {person.work_id}")
    for what, value in (
        ("18 on", person.turns_18_on),
        ("guardian", person.guardian_id),
        ("died on", person.deceased_on),
        ("rights held by", person.rights_holder_id),
        ("refuses every use", one.refused),
    ):
        if value:
            say(f"  {what}: {value}")
    for enrolment in one.enrolments:
        say(f"  {enrolment.modality}: reference {enrolment.reference_sha256[:16]}..., kept at {enrolment.kept_at}")
    taken = {revoked.grant_id: revoked for revoked in one.revocations}
    for granted in one.grants:
        grant_id = granted.grant.grant_id
        say(f"{grant_id}, recorded {granted.grant.recorded_at}")
        say_grant(granted, _left(one, grant_id))
        for finding in granted.findings:
            say(f"  LACKS  {finding.why} [{finding.rule_id}]")
        if grant_id in taken:
            say(f"  taken back {taken[grant_id].revoked_at} by {taken[grant_id].declared_by}: {taken[grant_id].reason}")
    for used in one.uses:
        where = used.output_id or "no output named yet"
        say(
            f"used {used.used_at}  {used.use_id}  {used.count} x {used.kind}, row {used.row + 1} of {used.grant_id}, {where}"
        )
    say(f"{len(one.grants)} grants, {len(taken)} taken back, {sum(used.count for used in one.uses)} uses.")


def _left(one: Known, grant_id: str) -> dict[int, int]:
    (granted,) = (known.grant for known in one.grants if known.grant.grant_id == grant_id)
    used = {number: 0 for number in range(len(granted.uses))}
    for counted in one.uses:
        if counted.grant_id == grant_id:
            used[counted.row] += counted.count
    return {number: row.max_uses - used[number] for number, row in enumerate(granted.uses) if row.max_uses is not None}


def granted_document(done: Granted) -> dict[str, Any]:
    from endcredits.canonical import to_plain
    from endcredits.works.likeness import document_of

    return {
        **notice(),
        "grant_id": done.grant.grant_id,
        "person_id": done.grant.person_id,
        "new": done.new,
        "recorded_at": done.grant.recorded_at,
        "document": document_of(done.grant),
        "findings": to_plain(done.findings),
    }


def known_document(one: Known) -> dict[str, Any]:
    from endcredits.canonical import to_plain

    return {
        "person": to_plain(one.person),
        "refused": one.refused,
        "enrolments": to_plain(one.enrolments),
        "grants": [{**granted_document(granted), "left": _left(one, granted.grant.grant_id)} for granted in one.grants],
        "revocations": to_plain(one.revocations),
        "uses": to_plain(one.uses),
    }

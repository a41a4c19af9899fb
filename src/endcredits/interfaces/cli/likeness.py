"""`endcredits likeness`: whose face or voice may be used, for what, how often, and that it is paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.flows.likeness import Granted, Known, Used
    from endcredits.works.likeness import LikenessDecision, Reason

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Id or name; see 'likeness list'.")]
ScoresOption = Annotated[
    str, typer.Option("--scores", metavar="SCORES.json", help="What a test of resemblance found; it can only add warnings.")
]


def likeness_app(new_app: Callable[..., typer.Typer]) -> typer.Typer:
    """The group of commands."""
    app = new_app(
        "A person stays the author of their likeness: enrol, grant, use, take back. This is not legal advice.\n\n"
        'Example: endcredits likeness use "Ada Quill" --project "The Long Winter" --medium series ...'
    )
    for name, command in (
        ("enrol", enrol),
        ("grant", grant),
        ("use", use),
        ("synthetic", synthetic),
        ("appear", appear),
        ("revoke", revoke),
        ("list", show_all),
        ("show", show),
        ("match", match),
        ("policy", policy),
    ):
        app.command(name)(command)
    return app


def enrol(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The person's name.")],
    identifier: Annotated[
        list[str] | None, typer.Option("--identifier", metavar="SCHEME:VALUE", help="Such as isni:0000000121032683.")
    ] = None,
    turns_18_on: Annotated[str, typer.Option(help="A minor's 18th birthday, YYYY-MM-DD.")] = "",
    guardian: Annotated[str, typer.Option(help="Name of who signs for a minor.")] = "",
    deceased_on: Annotated[str, typer.Option(help="Day of death, YYYY-MM-DD.")] = "",
    rights_holder: Annotated[str, typer.Option(help="Name of heir, executor or estate.")] = "",
    payee: Annotated[
        list[str] | None,
        typer.Option("--payee", metavar="NAME[=PERCENT]", help="Who is paid; the person by default. Repeat it up to 100%."),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option("--reference", metavar="MODALITY=FILE", help="voice, face, body or motion; only its digest is kept."),
    ] = None,
    kept_at: Annotated[str, typer.Option(help="Where the references are kept, in words.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Put a person on record, or add what is known of them now. References stay where they are: only digests are kept.

    Example: endcredits likeness enrol "Ada Quill" --reference voice=ada.wav --kept-at "vault 2, two people"
    """
    from endcredits.canonical import to_plain
    from endcredits.errors import InputError
    from endcredits.flows import likeness
    from endcredits.interfaces.cli.disputes import portions

    references, identifiers = [], []
    for text in reference or []:
        modality, equals, file = text.partition("=")
        if not equals or not file:
            raise InputError(f"'{text[:60]}' is no reference", remedy="Write it like voice=ada.wav.", field="--reference")
        references.append((modality, file))
    for text in identifier or []:
        scheme, colon, value = text.partition(":")
        if not colon:
            raise InputError(f"'{text[:60]}' is no identifier", remedy="Write it like isni:0000...", field="--identifier")
        identifiers.append((scheme, value))
    with opened(studio) as place:
        person, enrolled = likeness.enrol(
            place,
            name,
            identifiers=identifiers,
            turns_18_on=turns_18_on or None,
            guardian=guardian,
            deceased_on=deceased_on or None,
            rights_holder=rights_holder,
            payees=portions(payee),
            references=references,
            kept_at=kept_at,
        )
    if as_json:
        print_json({"person": to_plain(person), "enrolments": to_plain(enrolled)})
        return
    say(f"{person.name} is on record as {person.person_id}, paid through {person.work_id}.")
    for one in enrolled:
        say(f"  {one.modality}: reference {one.reference_sha256[:16]}..., kept at {one.kept_at}")
    say(f'Next: a grant with "person_id": "{person.person_id}", then: endcredits likeness grant FILE.json')


def grant(
    file: Annotated[str, typer.Argument(metavar="FILE.json", help="One grant; see 'rules fields likeness'.")],
    jurisdiction: Annotated[
        list[str] | None, typer.Option(help="Also check it for this place, such as US-CA; repeat it for more.")
    ] = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record a signed grant and say what it lacks. What permits nothing is kept, too, and stays without effect; exit code 3.

    Example: endcredits likeness grant ada-winter.json --jurisdiction US-CA
    """
    from endcredits.flows import likeness

    with opened(studio) as place:
        done = likeness.grant_file(place, file, jurisdictions=jurisdiction or [])
    if as_json:
        print_json(_granted(done))
    else:
        say(f"{'Recorded' if done.new else 'On record already:'} {done.grant.grant_id} of {done.grant.person_id}.")
        _say_grant(done)
        _say_findings(done.findings)
    if done.findings:
        raise typer.Exit(FAILED_CHECK)


def use(
    person: PersonArgument,
    project: Annotated[str, typer.Option(help="The production, as in the grant.")],
    medium: Annotated[str, typer.Option(help="film, series, commercial, ..., as in the grant.")],
    description: Annotated[str, typer.Option(help="What the replica says and does, in particular.")],
    territory: Annotated[str, typer.Option(help="Where it is shown: WORLD, EU, a country or a part of one.")],
    modality: Annotated[list[str], typer.Option(help="voice, face, body or motion; repeat it for more.")],
    count: Annotated[int, typer.Option(help="How many uses: spots, sessions, days.")] = 1,
    script: Annotated[str, typer.Option(help="The script or page, where the grant names one.")] = "",
    context: Annotated[list[str] | None, typer.Option(help="What it is about: political, nudity, ...; repeat it.")] = None,
    advertisement: Annotated[bool, typer.Option("--advertisement", help="It advertises something.")] = False,
    replaces: Annotated[bool, typer.Option("--replaces-in-person-work", help="The person would do it in person.")] = False,
    jurisdiction: Annotated[list[str] | None, typer.Option(help="Ask the rules of this place, too; repeat it.")] = None,
    training: Annotated[bool, typer.Option("--training", help="A model is to learn from it.")] = False,
    advertiser: Annotated[str, typer.Option(help="For a commercial, as in the grant.")] = "",
    product_line: Annotated[str, typer.Option(help="For a commercial, as in the grant.")] = "",
    sublicensee: Annotated[str, typer.Option(help="Who uses it, where that is not you.")] = "",
    posture: Annotated[list[str] | None, typer.Option(help="rsl-media: no identity use of a minor at all.")] = None,
    use_id: Annotated[str, typer.Option("--id", help="Your own id; the same id again is not counted twice.")] = "",
    output: Annotated[str, typer.Option(help="The output in which it appears; 'appear' names it later.")] = "",
    scores: ScoresOption = "",
    ask: Annotated[bool, typer.Option("--ask", help="Only ask; count nothing.")] = False,
    at: Annotated[str, typer.Option(help="With --ask: the UTC time asked about.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Ask whether a likeness may be used and, where it may, count the use and report it for payment. A no has exit code 3.

    Example: endcredits likeness use "Ada Quill" --project "The Long Winter" --medium series --territory US
    --modality voice --description "Two lines of dialogue in episode four" --id spot-1 --output output:4f2a
    """
    from endcredits.canonical import to_plain
    from endcredits.errors import InputError
    from endcredits.flows import likeness
    from endcredits.flows.likeness_matching import scores_in
    from endcredits.works.likeness import LikenessUse

    if at and not ask:
        raise InputError("a use is counted as of now", remedy="Leave --at out, or only ask with --ask.", field="--at")
    found = scores_in(scores) if scores else ()
    with opened(studio) as place:
        request = LikenessUse(
            person_id=likeness.id_called(place, person),
            project=project,
            medium=medium,
            description=description,
            territory=territory,
            modalities=_once(modality),
            count=count,
            purpose="training" if training else "replica",
            script_ref=script,
            contexts=_once(context),
            is_advertisement=advertisement,
            replaces_in_person_work=replaces,
            jurisdictions=_once(jurisdiction),
            advertiser=advertiser,
            product_line=product_line,
            sublicensee=sublicensee,
            postures=_once(posture),
        )
        if ask:
            decision = likeness.ask(place, request, at=at, resemblances=found)
            if as_json:
                print_json({**_notice(), "decision": to_plain(decision), "counted": False})
            else:
                _say_decision(decision)
            if decision.value == "deny":
                raise typer.Exit(FAILED_CHECK)
            return
        done = likeness.use(place, request, use_id=use_id, output_id=output, resemblances=found)
    _tell_use(done, as_json)


def synthetic(
    record: Annotated[
        str, typer.Argument(metavar="RECORD.json", help='"synthetic_performer": true and what the rules ask.')
    ],
    territory: Annotated[str, typer.Option(help="Where it is shown.")],
    jurisdiction: Annotated[list[str] | None, typer.Option(help="Ask the rules of this place, too; repeat it.")] = None,
    count: Annotated[int, typer.Option(help="How many uses.")] = 1,
    use_id: Annotated[str, typer.Option("--id", help="Your own id; the same id again is not counted twice.")] = "",
    output: Annotated[str, typer.Option(help="The output in which it appears.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Count a use of a synthetic performer, who is nobody's replica: what a policy pays for it goes to a fund.

    Example: endcredits likeness synthetic creature.json --territory US-NY --id creature-1 --output output:4f2a
    """
    from endcredits.flows import likeness
    from endcredits.flows.likeness_matching import document_in

    with opened(studio) as place:
        done = likeness.use_synthetic(
            place,
            document_in(record),
            territory=territory,
            jurisdictions=jurisdiction or [],
            count=count,
            use_id=use_id,
            output_id=output,
        )
    _tell_use(done, as_json)


def appear(
    use_id: Annotated[str, typer.Argument(metavar="USE", help="A counted use; see 'likeness show'.")],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="The output in which it appears.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Name the output in which a counted use appears, so that it is paid.

    Example: endcredits likeness appear spot-1 output:4f2a
    """
    from endcredits.flows import likeness

    with opened(studio) as place:
        done = likeness.appear(place, use_id, output)
    _tell_use(done, as_json)


def revoke(
    called: Annotated[str, typer.Argument(metavar="GRANT|PERSON", help="One grant, or all grants of a person.")],
    reason: Annotated[str, typer.Option(help="Why, in words that stay on record.")],
    by: Annotated[str, typer.Option(help="Who takes it back.")],
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Take a grant back, from this moment on. What was used before stays on record and stays owed.

    Example: endcredits likeness revoke "Ada Quill" --reason "I changed my mind." --by "Ada Quill"
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import likeness

    with opened(studio) as place:
        done = likeness.revoke(place, called, reason=reason, by=by)
    if as_json:
        print_json(to_plain(done))
        return
    for one in done:
        say(f"{one.grant_id} is taken back since {one.revoked_at}; no use under it is permitted from then on.")


def show_all(studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """List everybody who is enrolled, with their grants.

    Example: endcredits likeness list
    """
    from endcredits.flows import likeness

    with opened(studio) as place:
        found = likeness.everybody(place)
    if as_json:
        print_json([_known(one) for one in found])
        return
    for one in found:
        taken = {revoked.grant_id for revoked in one.revocations}
        say(f"{one.person.person_id}  {one.person.name}{'  refuses every use: ' + one.refused if one.refused else ''}")
        for granted in one.grants:
            state = "taken back" if granted.grant.grant_id in taken else "lacks something" if granted.findings else "stands"
            say(f"    {granted.grant.grant_id}  {state}, until {granted.grant.term_to or 'no day'}")
    say(f"{len(found)} people, {sum(len(one.grants) for one in found)} grants.")


def show(person: PersonArgument, studio: StudioOption = ".", as_json: JsonOption = False) -> None:
    """Show one person: references, grants with what is left of them, uses, what was taken back, what must be deleted.

    Example: endcredits likeness show "Ada Quill"
    """
    from endcredits.flows import likeness

    with opened(studio) as place:
        one = likeness.known(place, person)
    if as_json:
        print_json(_known(one))
        return
    _say_known(one)


def match(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An output.")],
    scores: ScoresOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Say whom an output seems to resemble. It can only warn: no warning is no permission and clears nothing.

    Example: endcredits likeness match spot.png --scores matcher.json
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import likeness_matching

    with opened(studio) as place:
        found = likeness_matching.match(place, file, scores)
    proves = "A test of resemblance can only warn. It clears nothing: every use still needs a grant."
    if as_json:
        print_json({"warnings": to_plain(found), "cleared": False, "notice": proves})
        return
    for one in found:
        say(f"LOOK     {one.why}")
    say(f"{len(found)} warnings. {proves}")


def policy(
    onto: Annotated[str, typer.Option(help="A policy file, or the name of one that comes along, to add the pools to.")] = "",
    fund: Annotated[str, typer.Option(help="The party that is paid for synthetic performers.")] = "",
    synthetic_fee: Annotated[str, typer.Option(help='For one use of a synthetic performer, such as "25.00 USD".')] = "",
    levy: Annotated[
        list[str] | None,
        typer.Option("--levy", metavar="PARTY=PERCENT", help="A contribution on top of all pools; repeat it for more."),
    ] = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Print the fees that grants agree on as a policy, by which a period is closed.

    Example: endcredits likeness policy --fund party:performers-fund --synthetic-fee "25.00 USD" > likeness.toml
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import likeness_policy
    from endcredits.interfaces.cli.disputes import portions
    from endcredits.interfaces.cli.policy import chosen_policy
    from endcredits.royalties import policy_toml

    levies = [(f"contributions to {party}", ppb, party) for party, ppb in portions(levy)]
    with opened(studio) as place:
        made = likeness_policy.fee_policy(
            place,
            onto=chosen_policy(onto),
            fund=fund,
            synthetic_fee=synthetic_fee,
            levies=levies,
        )
    if as_json:
        print_json({"policy": to_plain(made.policy), "unpaid": dict(made.unpaid), "toml": policy_toml(made.policy)})
        return
    say(policy_toml(made.policy).rstrip("\n"))
    for offer, meaning in made.unpaid.items():
        say(f"# not in this policy: '{offer}': {meaning}")


def _once(texts: list[str] | None) -> tuple[str, ...]:
    return tuple(sorted(set(texts or ())))


def _notice() -> dict[str, str]:
    from endcredits.works.rules import NOTICE, shipped_pack

    reviewed = min(rule.reviewed_on for rule in shipped_pack().rules if rule.kind == "likeness")
    return {"notice": NOTICE, "reviewed_on": reviewed}


def _say_notice() -> None:
    told = _notice()
    say(f"{told['notice']} reviewed_on: {told['reviewed_on']}.")


def _say_decision(decision: LikenessDecision) -> None:
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


def _tell_use(done: Used, as_json: bool) -> None:
    from endcredits.canonical import to_plain

    if as_json:
        counted = done.use is not None
        plain = to_plain({"decision": done.decision, "use": done.use, "payment": done.payment, "counted": counted})
        print_json({**_notice(), **plain})
    else:
        _say_decision(done.decision)
        if done.use is None:
            say("Nothing was counted.")
        else:
            say(f"Counted as {done.use.use_id}, on terms '{done.use.offer}'. {_PAYMENT[done.payment]}")
    if done.decision.value == "deny":
        raise typer.Exit(FAILED_CHECK)


_PAYMENT = {
    "reported": "It is reported as a usage event; the next close by a policy that names these terms pays it.",
    "waits": "Its usage event is held until the output is attributed ('usage held'); then it is paid.",
    "unnamed": "It is paid once its output is named: endcredits likeness appear USE OUTPUT.",
}


def _say_findings(findings: tuple[Reason, ...]) -> None:
    for one in findings:
        say(f"LACKS    {one.why} [{one.rule_id}]")
    if findings:
        say("It is kept, and permits nothing until a new grant mends this.")
    _say_notice()


def _say_grant(granted: Granted, left: dict[int, int] | None = None) -> None:
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


def _say_known(one: Known) -> None:
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
        _say_grant(granted, _left(one, grant_id))
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


def _granted(done: Granted) -> dict[str, Any]:
    from endcredits.canonical import to_plain
    from endcredits.works.likeness import document_of

    return {
        **_notice(),
        "grant_id": done.grant.grant_id,
        "person_id": done.grant.person_id,
        "new": done.new,
        "recorded_at": done.grant.recorded_at,
        "document": document_of(done.grant),
        "findings": to_plain(done.findings),
    }


def _known(one: Known) -> dict[str, Any]:
    from endcredits.canonical import to_plain

    return {
        "person": to_plain(one.person),
        "refused": one.refused,
        "enrolments": to_plain(one.enrolments),
        "grants": [{**_granted(granted), "left": _left(one, granted.grant.grant_id)} for granted in one.grants],
        "revocations": to_plain(one.revocations),
        "uses": to_plain(one.uses),
    }

"""`endcredits likeness`: whose face or voice may be used, for what, how often, and that it is paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, opened, print_json, say
from endcredits.interfaces.cli.likeness_granting import PersonArgument, enrol, grant, revoke, show, show_all
from endcredits.interfaces.cli.likeness_told import notice, say_decision, tell_use

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
    from endcredits.flows import likeness, likeness_known
    from endcredits.flows.likeness_matching import scores_in
    from endcredits.works.likeness import LikenessUse

    if at and not ask:
        raise InputError("a use is counted as of now", remedy="Leave --at out, or only ask with --ask.", field="--at")
    found = scores_in(scores) if scores else ()
    with opened(studio) as place:
        request = LikenessUse(
            person_id=likeness_known.id_called(place, person),
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
                print_json({**notice(), "decision": to_plain(decision), "counted": False})
            else:
                say_decision(decision)
            if decision.value == "deny":
                raise typer.Exit(FAILED_CHECK)
            return
        done = likeness.use(place, request, use_id=use_id, output_id=output, resemblances=found)
    tell_use(done, as_json)


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
    tell_use(done, as_json)


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
    tell_use(done, as_json)


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
    if made.with_plans and not made.policy.levies:
        say(f"# {made.with_plans} grants agree on contributions to plans, and no levy pays them: --levy PARTY=PERCENT")
    for offer, meaning in made.unpaid.items():
        say(f"# not in this policy: '{offer}': {meaning}")


def _once(texts: list[str] | None) -> tuple[str, ...]:
    return tuple(sorted(set(texts or ())))

"""`endcredits likeness`, the part of the person: on record, granting, taking back, and everything that is known."""

from __future__ import annotations

from typing import Annotated

import typer

from endcredits.interfaces.cli.common import FAILED_CHECK, JsonOption, StudioOption, opened, print_json, say
from endcredits.interfaces.cli.likeness_told import granted_document, known_document, say_findings, say_grant, say_known

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Id or name; see 'likeness list'.")]


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
    correct: Annotated[
        bool, typer.Option("--correct", help="What is said now takes the place of something else on record.")
    ] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Put a person on record, or add what is known of them now. References stay where they are: only digests are kept.

    Example: endcredits likeness enrol "Ada Quill" --reference voice=ada.wav --kept-at "vault 2, two people"
    """
    from endcredits.canonical import to_plain
    from endcredits.errors import InputError
    from endcredits.flows import likeness_granting
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
        person, enrolled = likeness_granting.enrol(
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
            correct=correct,
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
    from endcredits.flows import likeness_granting

    with opened(studio) as place:
        done = likeness_granting.grant_file(place, file, jurisdictions=jurisdiction or [])
    if as_json:
        print_json(granted_document(done))
    else:
        say(f"{'Recorded' if done.new else 'On record already:'} {done.grant.grant_id} of {done.grant.person_id}.")
        say_grant(done)
        say_findings(done.findings)
    if done.findings:
        raise typer.Exit(FAILED_CHECK)


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
    from endcredits.flows import likeness_granting

    with opened(studio) as place:
        done = likeness_granting.revoke(place, called, reason=reason, by=by)
    if as_json:
        print_json(to_plain(done))
        return
    for one in done:
        say(f"{one.grant_id} is taken back since {one.revoked_at}; no use under it is permitted from then on.")


def show_all(
    to_delete: Annotated[
        bool, typer.Option("--to-delete", help="Only replicas that have to be deleted, and where.")
    ] = False,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """List everybody who is enrolled, with their grants; or the stored replicas that have no reason left to be kept.

    Example: endcredits likeness list --to-delete
    """
    from endcredits.canonical import to_plain
    from endcredits.flows import likeness_known

    with opened(studio) as place:
        found = likeness_known.everybody(place)
        due = likeness_known.due_for_deletion(found)
    if to_delete and as_json:
        print_json(to_plain(due))
        return
    if to_delete:
        for replica in due:
            say(f"{replica.name}  {replica.grant_id}  at {replica.location or 'no place said'}: {replica.why}")
        say(f"{len(due)} replicas have to be deleted where they lie.")
        return
    if as_json:
        print_json([known_document(one) for one in found])
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
    from endcredits.flows import likeness_known

    with opened(studio) as place:
        one = likeness_known.known(place, person)
    if as_json:
        print_json(known_document(one))
        return
    say_known(one)

"""`endcredits rights decide|grant|deny|revoke|explain`: what somebody says about a use, and what follows from all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from endcredits.interfaces.cli.common import JsonOption, StudioOption, opened, print_json, say

if TYPE_CHECKING:
    from endcredits.works import Conditions, Decision, Permission, Use

NOT_A_YES = 3
"""Exit code of a decision that is anything but "allow"."""

SubjectArgument = Annotated[
    str,
    typer.Argument(
        metavar="SUBJECT",
        help="A work's id, a person's name or id, a pattern of addresses, a SHA-256 or an ISCC; see 'works list'.",
    ),
]
VerbsOption = Annotated[
    list[str] | None,
    typer.Option("--verb", help="tdm, train, finetune, retrieve, index, style or likeness; may be repeated."),
]
ReasonOption = Annotated[str, typer.Option(help="Why, in words.")]
ByOption = Annotated[str, typer.Option(help="Who says so: a name, or a party's id.")]
AuthorityOption = Annotated[
    str, typer.Option("--as", help="rightsholder, agent or host; found out for a party with a part in the work.")
]
SinceOption = Annotated[str, typer.Option("--from", help="UTC time from which it holds; now by default.")]
UntilOption = Annotated[str, typer.Option("--to", help="UTC time at which it ends, itself not included; never by default.")]
AtOption = Annotated[str, typer.Option(help="UTC time asked about; now by default.")]
AskerOption = Annotated[str, typer.Option("--by", help="Who asks: a licensee; the studio's operator by default.")]
TerritoryOption = Annotated[str, typer.Option(help="Where it is used, such as DE.")]
PurposeOption = Annotated[str, typer.Option(help="What for.")]
MediumOption = Annotated[str, typer.Option(help="In which medium.")]
UserOption = Annotated[str, typer.Option("--user-class", help="By what kind of user.")]
UsesOption = Annotated[int | None, typer.Option("--uses-so-far", min=0, help="How often before.")]
AcceptedOption = Annotated[
    list[str] | None, typer.Option("--accepted", help="A conditional statement whose price and words you accept.")
]


def grant(
    subject: SubjectArgument,
    reason: ReasonOption,
    by: ByOption,
    verb: VerbsOption = None,
    licensee: Annotated[str, typer.Option(help="The one party to whom it is said: a contract.")] = "",
    authority: AuthorityOption = "unknown",
    territory: Annotated[list[str] | None, typer.Option(help="Only there, such as DE; may be repeated.")] = None,
    purpose: Annotated[list[str] | None, typer.Option(help="Only for this; may be repeated.")] = None,
    medium: Annotated[list[str] | None, typer.Option(help="Only in this medium; may be repeated.")] = None,
    user_class: Annotated[list[str] | None, typer.Option(help="Only for such users; may be repeated.")] = None,
    uses_max: Annotated[int | None, typer.Option(min=1, help="At most so many uses.")] = None,
    price: Annotated[str, typer.Option(help="What one unit costs, such as '0.02 EUR'.")] = "",
    unit: Annotated[str, typer.Option(help="What the price is for, such as output.")] = "",
    credit: Annotated[str, typer.Option(help="The words by which to credit.")] = "",
    condition: Annotated[list[str] | None, typer.Option(help="What only a person can judge; may be repeated.")] = None,
    replaces: Annotated[str, typer.Option(help="Id of an earlier statement that this one replaces.")] = "",
    since: SinceOption = "",
    until: UntilOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record a yes, to everybody or to one licensee, with or without conditions.

    Any no in force goes before a yes that is said to everybody; a contract with the one who asks goes before that. With a
    condition the answer is "conditional", and a yes only where the condition is known to be met.

    Example: endcredits rights grant work:emma-1f2e --verb train --reason "our agreement" --by "Ada" --price "0.02 EUR"
    """
    conditions = _conditions(price, unit, territory, purpose, medium, user_class, uses_max, credit, condition)
    value = "conditional" if _restricts(conditions) else "allow"
    extra = {"conditions": conditions, "licensee": licensee, "supersedes": replaces}
    _record(studio, subject, verb, value, reason, by, authority, since, until, extra, as_json)


def deny(
    subject: SubjectArgument,
    reason: ReasonOption,
    by: ByOption,
    verb: VerbsOption = None,
    authority: AuthorityOption = "unknown",
    replaces: Annotated[str, typer.Option(help="Id of an earlier statement that this one replaces.")] = "",
    since: SinceOption = "",
    until: UntilOption = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Record a no. It goes before every yes that is not a contract, and ends only at its own --to or when it is taken back.

    A no about a person counts for all works that credit them; a no about an address, a file or a content code for the works
    that were found there or hold it.

    Example: endcredits rights deny party:ada-1f2e3d4c --verb style --verb likeness --reason "I do not want it" --by "Ada"
    """
    _record(studio, subject, verb, "deny", reason, by, authority, since, until, {"supersedes": replaces}, as_json)


def revoke(
    permission_id: Annotated[str, typer.Argument(metavar="STATEMENT", help="Its id; see 'rights explain'.")],
    reason: ReasonOption,
    by: ByOption,
    since: Annotated[str, typer.Option("--from", help="A later UTC time; now by default.")] = "",
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Take a statement back from now on. It stays readable, and what was answered about earlier days stays as it was.

    Retrieval, style and likeness stop at once; models that were trained before are flagged and keep paying.

    Example: endcredits rights revoke perm:5d41402abc4b2a76 --reason "the term was broken" --by "Ada"
    """
    from endcredits.flows import rights

    with opened(studio) as place:
        closing = rights.revoke(place, permission_id, by=by, reason=reason, since=since)
        decision = rights.ask(place, closing.subject_kind, closing.subject, closing.verb)
    if as_json:
        print_json({"revoked": permission_id, **_plain(closing), "decision": _decided(decision)})
        return
    say(f"Taken back from {closing.effective_from}: {permission_id}, says {by}.")
    say(f"{closing.verb} of {closing.subject} now: {decision.value} ({decision.reason})")


def decide(
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="As for 'rights grant'; left out with --all.", show_default=False)
    ] = "",
    all_works: Annotated[bool, typer.Option("--all", help="Ask about every registered work at once.")] = False,
    out: Annotated[str, typer.Option(help="With --all: a file for the answers, CSV or .parquet.")] = "",
    verb: VerbsOption = None,
    at: AtOption = "",
    by: AskerOption = "",
    territory: TerritoryOption = "",
    purpose: PurposeOption = "",
    medium: MediumOption = "",
    user_class: UserOption = "",
    uses_so_far: UsesOption = None,
    accepted: AcceptedOption = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Answer whether something may be done at a time, with the statement that decides and why. Only "allow" is a yes.

    Exit code 0 for a yes (to every verb that is asked about), 3 for everything else. With --all: how many works get which
    answer, and each in a file.

    Example: endcredits rights decide work:emma-1f2e --verb retrieve --at 2026-11-20T12:00:00Z
    """
    from endcredits.errors import InputError
    from endcredits.flows import rights

    use = _use(territory, purpose, medium, user_class, uses_so_far, accepted)
    if all_works == bool(subject) or (out and not all_works):
        raise InputError("name one subject, or ask about --all works", remedy="--out goes with --all.", field="SUBJECT")
    verbs = tuple(dict.fromkeys(verb or ["train"]))
    if all_works and len(verbs) > 1:
        raise InputError("--all asks about one verb at a time", remedy="Ask once for each.", field="--verb")
    if all_works:
        _decide_all(studio, verbs[0], at, by, use, out, as_json)
        return
    with opened(studio) as place:
        subject = rights.subject_of(place, subject)
        kind = rights.kind_of(subject)
        found = [rights.ask(place, kind, subject, one, at=at, by=by, use=use) for one in verbs]
    if as_json:
        print_json(_decided(found[0]) if len(found) == 1 else [_decided(one) for one in found])
    else:
        for decision in found:
            say(f"{decision.verb} of {subject} at {decision.at}: {decision.value}")
            _print_decision(decision)
    if any(decision.value != "allow" for decision in found):
        raise typer.Exit(NOT_A_YES)


def _decide_all(studio: str, verb: str, at: str, by: str, use: Use, out: str, as_json: bool) -> None:
    from pathlib import Path

    from endcredits.flows import rights
    from endcredits.flows.clock import now

    moment = at or now()
    with opened(studio) as place:
        answers = rights.ask_all(place, verb, at=moment, by=by, use=use)
    counts = {one["values"]: one["counts"] for one in answers["value"].value_counts().to_pylist()}
    counts = dict(sorted(counts.items()))
    if out:
        rights.write_answers(answers, Path(out))
    if as_json:
        print_json({"verb": verb, "at": moment, "works": answers.num_rows, "answers": counts, "out": out or None})
        return
    told = ", ".join(f"{count:,} {value}" for value, count in counts.items())
    say(f"{verb} at {moment}: {answers.num_rows:,} works{f': {told}' if told else ''}.")
    if out:
        say(f"Each answer with its statement is in {out}.")


def explain(
    subject: SubjectArgument,
    verb: VerbsOption = None,
    at: AtOption = "",
    by: AskerOption = "",
    territory: TerritoryOption = "",
    purpose: PurposeOption = "",
    medium: MediumOption = "",
    user_class: UserOption = "",
    uses_so_far: UsesOption = None,
    accepted: AcceptedOption = None,
    studio: StudioOption = ".",
    as_json: JsonOption = False,
) -> None:
    """Answer as 'decide' does, and show every statement that was ever made about it and what became of each.

    Example: endcredits rights explain work:emma-1f2e --verb train
    """
    from endcredits.errors import InputError
    from endcredits.flows import rights

    use = _use(territory, purpose, medium, user_class, uses_so_far, accepted)
    if len(verb or []) > 1:
        raise InputError("one verb is explained at a time", remedy="Ask once for each.", field="--verb")
    asked = verb[0] if verb else "train"
    with opened(studio) as place:
        subject = rights.subject_of(place, subject)
        found = rights.explain(place, rights.kind_of(subject), subject, asked, at=at, by=by, use=use)
    if as_json:
        history = [
            {**_plain(one.permission), "standing": one.standing, "words": one.words, "notes": list(one.notes)}
            for one in found.history
        ]
        print_json({**_decided(found.decision), "history": history})
        return
    say(f"{asked} of {subject} at {found.decision.at}: {found.decision.value}")
    _print_decision(found.decision)
    for weighed in found.history:
        one = weighed.permission
        say("")
        ends = f" to {one.effective_to}" if one.effective_to else ""
        about = "" if one.subject == subject else f" about {one.subject_kind} {one.subject}"
        to = f" to {one.licensee}" if one.licensee else ""
        what = f"takes back {one.revokes}" if one.revokes else f"{one.verb} {one.value}{to}{about}"
        say(f"{one.effective_from}{ends}  {what}, says {one.declared_by} ({one.authority})")
        say(f"  {one.reason} [{one.source}]")
        say(f"  {weighed.words}; {one.permission_id}")
        for note in weighed.notes:
            say(f"  note: {note}")


def _print_decision(decision: Decision) -> None:
    say(f"  {decision.reason}")
    for duty in decision.duties:
        say(f"  it obliges to {duty}")
    if decision.permission_id:
        say(f"  decided by {decision.permission_id}")


def _record(
    studio: str,
    subject: str,
    verbs: list[str] | None,
    value: str,
    reason: str,
    by: str,
    authority: str,
    since: str,
    until: str,
    extra: dict[str, Any],
    as_json: bool,
) -> None:
    from endcredits.flows import rights
    from endcredits.flows.catalogue import standing
    from endcredits.ids import WorkId
    from endcredits.works import Permission

    asked = tuple(dict.fromkeys(verbs or ["train"]))
    with opened(studio) as place:
        subject = rights.subject_of(place, subject)
        kind = rights.kind_of(subject)
        stated = [
            Permission(
                subject,
                verb,
                value,
                reason,
                f"endcredits rights {'deny' if value == 'deny' else 'grant'}",
                by,
                since,
                until or None,
                subject_kind=kind,
                authority=authority,
                **extra,
            )
            for verb in asked
        ]
        recorded = rights.say(place, stated)
        answers = [rights.ask(place, kind, subject, verb) for verb in asked]
        training = standing(place, WorkId(subject)) if kind == "work" else None
    if as_json:
        told = [{**_plain(one), "decision": _decided(answer)} for one, answer in zip(recorded, answers, strict=True)]
        print_json({"statements": told, "training": None if training is None else _decided(training)})
        return
    for one, answer in zip(recorded, answers, strict=True):
        ends = f" to {one.effective_to}" if one.effective_to else ""
        say(f"Recorded {one.permission_id}: {one.verb} {one.value} from {one.effective_from}{ends}, says {one.declared_by}.")
        if one.authority == "unknown":
            say(f"By what right is not known: no party with a part in it is called '{one.declared_by}'; see --by and --as.")
        say(f"{one.verb} of {subject} now: {answer.value} ({answer.reason})")
    if training is not None:
        by_verb = "" if training.verb == "train" else f"{training.verb}: "
        say(f"Training on it now: {training.value} ({by_verb}{training.reason})")


def _conditions(
    price: str,
    unit: str,
    territory: list[str] | None,
    purpose: list[str] | None,
    medium: list[str] | None,
    user_class: list[str] | None,
    uses_max: int | None,
    credit: str,
    condition: list[str] | None,
) -> Conditions | None:
    from endcredits.errors import InputError
    from endcredits.money import currency_code, parse_micros
    from endcredits.works import Conditions

    amount, currency = None, ""
    if price:
        number, _, code = price.partition(" ")
        amount, currency = parse_micros(number, field="--price"), currency_code(code)
        if amount < 0:
            raise InputError("the price is negative", remedy="Write an amount such as '0.02 EUR'.", field="--price")
    made = Conditions(
        amount,
        currency,
        unit,
        tuple(territory or ()),
        tuple(purpose or ()),
        tuple(medium or ()),
        tuple(user_class or ()),
        uses_max,
        credit,
        tuple(condition or ()),
    )
    return None if made == Conditions() else made


def _restricts(conditions: Conditions | None) -> bool:
    from endcredits.works.stated import restricts

    return restricts(conditions)


def _use(
    territory: str,
    purpose: str,
    medium: str,
    user_class: str,
    uses_so_far: int | None,
    accepted: list[str] | None,
) -> Use:
    from endcredits.works import Use

    return Use(territory, purpose, medium, user_class, uses_so_far, tuple(accepted or ()))


def _plain(permission: Permission) -> dict[str, Any]:
    from endcredits.canonical import to_plain
    from endcredits.works import plain_of

    plain: dict[str, Any] = to_plain(plain_of(permission))
    return plain


def _decided(decision: Decision) -> dict[str, Any]:
    from endcredits.canonical import to_plain

    plain: dict[str, Any] = to_plain(decision)
    return plain

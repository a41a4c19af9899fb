"""May this person's likeness be used so, now? A pure reading of grants, revocations, counts and rules.

    decision = decide_likeness(standing, use, "2026-11-20T12:00:00Z")
    decision.value, decision.rule_id, decision.why      # ("deny", "count-used-up", "2 of 2 uses are counted already, ...")

Every row of every grant is tried by itself. A use is permitted when one row has no reason against it; otherwise the answer
is no, with the reasons of the row that comes closest. The order of grants and rows does not matter. A revocation, a
forbidden context, a count or a person's no only ever adds reasons, so that none of them can widen what is permitted.
Whatever a test of resemblance says is a warning: it can make somebody look, and never clears anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from endcredits.works.likeness.blocks import GRANTED, RULES, SAME, rank
from endcredits.works.likeness.covering import counted, differs, forbidden_in, unclear_in, uncovered
from endcredits.works.likeness.guardians import grantor_problems, guardian_problem, is_minor_on
from endcredits.works.likeness.matching import warnings_of
from endcredits.works.likeness.questions import VALUES, LikenessDecision, LikenessUse, Reason, Resemblance, Standing
from endcredits.works.likeness.reading import KIND, for_rules
from endcredits.works.likeness.records import LikenessGrant, closes
from endcredits.works.likeness.requests import check_use
from endcredits.works.rules import Pack, lacks, shipped_pack
from endcredits.works.utc import check_time


def decide_likeness(
    standing: Standing,
    use: LikenessUse,
    at: str,
    *,
    pack: Pack | None = None,
    resemblances: Iterable[Resemblance] = (),
) -> LikenessDecision:
    """Decides one request.

    Args:
        standing: the person with all grants, revocations and counts.
        use: the request.
        at: UTC time at which the use is made; revocations later than it do not count.
        pack: rules of law, agreements and guidance; those that are shipped, by default.
        resemblances: what tests outside say; they add warnings and nothing else.

    Returns:
        The decision; every reason of a no, not only the first.

    Raises:
        InputError: a request that makes no sense (see `requests.check_use`), or `at` is not a UTC time.
    """
    check_use(use)
    check_time(at)
    rules = pack or shipped_pack()
    looks = tuple(sorted(set(warnings_of(resemblances, use.person_id))))
    against = tuple(_against_person(standing, use, at))
    rows = [
        _weighed(standing, grant, row, use, at, rules, against)
        for grant in standing.grants
        for row in range(len(grant.uses))
        if grant.person_id == use.person_id
    ]
    if not rows:
        return _no(at, [*against, Reason("no-grant", RULES["no-grant"])], looks)
    best = min(rows, key=_closeness)
    together = tuple(sorted({*best.warnings, *looks}))
    if best.blocks:
        return _no(at, best.blocks, together, best.grant_id, best.row)
    value = VALUES[1] if together else VALUES[0]
    why = f"row {best.row + 1} of {best.grant_id} grants it"
    return LikenessDecision(value, at, GRANTED, why, best.grant_id, best.row, best.left, (), together)


def _no(
    at: str, blocks: Sequence[Reason], warnings: tuple[Reason, ...], grant_id: str = "", row: int = -1
) -> LikenessDecision:
    told = tuple(sorted(set(blocks), key=lambda one: (rank(one.rule_id), one)))
    return LikenessDecision(VALUES[2], at, told[0].rule_id, told[0].why, grant_id, row, None, told, warnings)


def _closeness(one: LikenessDecision) -> tuple[object, ...]:
    """The row that permits with the fewest warnings, or that comes closest: fewest reasons, then by grant and row."""
    return len(one.blocks), len(one.warnings), one.grant_id, one.row


def _weighed(
    standing: Standing, grant: LikenessGrant, row: int, use: LikenessUse, at: str, pack: Pack, against: Sequence[Reason]
) -> LikenessDecision:
    """One row by itself, with all that stands against it."""
    day, granted = at[:10], grant.uses[row]
    used = counted(standing.used, grant.grant_id, row)
    own = [*against, *_against_grant(standing, grant, use, at), *uncovered(granted, use, day, used, pack)]
    own += forbidden_in(grant.forbidden, use)
    told = {one.rule_id for one in own}
    warnings: list[Reason] = []
    for grave, reason in _of_pack(grant, row, use, day, pack, grant.grant_id in standing.logged):
        if told.intersection(SAME.get(reason.rule_id, ())):
            continue
        (own if grave else warnings).append(reason)
    left = None if granted.max_uses is None else granted.max_uses - used - use.count
    if differs(granted, use):
        warnings.append(Reason("description-differs", "the request describes the use in other words than the row"))
    warnings += unclear_in(grant.forbidden, use)
    if grant.revocable is False:
        warnings.append(Reason("not-revocable", "the grant calls itself irrevocable; it can be taken back all the same"))
    if left == 0 and not own:
        warnings.append(Reason("last-use", "the row is used up after this"))
    return LikenessDecision(
        "", at, "", "", grant.grant_id, row, left, tuple(dict.fromkeys(own)), tuple(dict.fromkeys(warnings))
    )


def _against_person(standing: Standing, use: LikenessUse, at: str) -> Iterator[Reason]:
    """What stands against every use of somebody, whatever was granted."""
    if standing.person is None or standing.person.person_id != use.person_id:
        yield Reason("not-enrolled", f"'{use.person_id}' is not on record as a person whose likeness may be used")
        return
    if standing.refused:
        yield Reason("refused", standing.refused)
    if "rsl-media" in use.postures and is_minor_on(standing.person, at[:10]):
        yield Reason("minor-refused", "the person is a minor, and the posture chosen refuses every identity use of one")


def _against_grant(standing: Standing, grant: LikenessGrant, use: LikenessUse, at: str) -> Iterator[Reason]:
    """What stands against every row of a grant."""
    day, person = at[:10], standing.person
    taken = [one.revoked_at for one in standing.revocations if closes(one, grant) and one.revoked_at <= at]
    taken += [grant.revoked_at] if grant.revoked_at and grant.revoked_at <= at else []
    if taken:
        yield Reason("revoked", f"the grant was taken back on {min(taken)}")
    if grant.grant_id not in standing.logged:
        yield Reason("not-logged", "the grant does not stand in the log")
    if not grant.signed_at or not grant.signature_ref or grant.signed_at > at:
        yield Reason("not-signed", f"the grant was not signed by then ({grant.signed_at or 'no day of signature'})")
    if not grant.term_to or grant.term_to < day:
        yield Reason("outside-term", f"the grant's last day is {grant.term_to or 'not said'}")
    minor = guardian_problem(grant, standing.people)
    if minor is not None:
        yield minor
    yield from grantor_problems(grant, person, day)
    missing = [one for one in use.modalities if one not in grant.modalities]
    if missing:
        yield Reason("outside-modalities", f"{', '.join(missing)} was not granted")
    if use.purpose == "training" and grant.training_allowed is not True:
        yield Reason("training-not-allowed", "the grant does not say that a model may learn from the person's data")
    if use.sublicensee and grant.sublicensing is not True:
        yield Reason("sublicensing-not-allowed", "the grant does not say that it may be passed on")
    if use.replaces_in_person_work and grant.replaces_in_person_work is not True:
        yield Reason("replacement-not-granted", "the grant does not say that the replica replaces work in person")
    replaces = use.replaces_in_person_work or grant.replaces_in_person_work is not False
    if replaces and grant.representation not in ("counsel", "union"):
        yield Reason("unrepresented-replacement", "the replica replaces work in person, and nobody spoke for the person")
    if grant.storage.delete_by and grant.storage.delete_by < day:
        yield Reason("storage-past-deletion", f"the replica had to be deleted by {grant.storage.delete_by}")


def _of_pack(
    grant: LikenessGrant, row: int, use: LikenessUse, day: str, pack: Pack, logged: bool
) -> Iterator[tuple[bool, Reason]]:
    """What the rules of the pack say of this row for the places of the use: (whether it blocks, the reason)."""
    document = for_rules(grant, logged=logged)
    document["uses"] = [document["uses"][row]]
    document["is_advertisement"] = True if use.is_advertisement else document.get("is_advertisement", False)
    for place in sorted({use.territory, *use.jurisdictions}):
        for lack in lacks(document, jurisdiction=place, on=day, kind=KIND, pack=pack):
            reason = Reason(f"{lack.rule_id}/{lack.condition_id}", lack.why, lack.source_url or lack.source)
            yield lack.severity == "block", reason

"""Nobody's likeness is used without a grant that covers the use; everything that narrows can only narrow."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.works.likeness import RULES, WARNINGS, LikenessUse, Resemblance, Standing, decide_likeness
from endcredits.works.likeness.blocks import SAME
from endcredits.works.rules import Pack, shipped_pack

from .made import ADA, AFTER, AT, BEFORE, BOB, MUM, grant, person, request, revocation, standing

ORDER = {"deny": 0, "warn": 1, "allow": 2}
EMPTY = dataclasses.replace(shipped_pack(), rules=())
CHILD = {"is_minor": True, "turns_18_on": "2030-01-01", "guardian": MUM, "grantor": "guardian"}
DEAD = {"deceased_on": "2026-10-01", "rights_holder_id": MUM, "grantor": "estate"}


def test_the_grant_permits_what_it_describes() -> None:
    found = decide_likeness(standing(), request(), AT)
    assert (found.value, found.rule_id, found.row, found.left) == ("allow", "granted", 0, 1)
    assert found.grant_id == grant().grant_id and found.blocks == () and found.warnings == ()


# What is wrong, by the rule that says so: (changes of the grant, of the request, of what stands).
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "not-enrolled": ({}, {}, {"person": None}),
    "refused": ({}, {}, {"refused": "I never want to be replicated."}),
    "minor-refused": (CHILD, {"postures": ("rsl-media",)}, {"person": person(turns_18_on="2030-01-01", guardian_id=MUM)}),
    "revoked": ({}, {}, {"revocations": (revocation(grant()),)}),
    "not-logged": ({}, {}, {"logged": {}}),
    "not-signed": ({"signed_at": None}, {}, {}),
    "outside-term": ({"term_to": "2026-11-19"}, {}, {}),
    "minor-without-guardian": ({**CHILD, "guardian": None}, {}, {}),
    "guardian-circular": ({**CHILD, "guardian": ADA}, {}, {}),
    "guardian-is-minor": (CHILD, {}, {"people": {MUM: person(person_id=MUM, turns_18_on="2031-01-01")}}),
    "guardian-unknown": (CHILD, {}, {"person": person(guardian_id=BOB, turns_18_on="2030-01-01")}),
    "grantor-unfit": ({"grantor": "estate", "rights_holder_id": MUM}, {}, {}),
    "estate-unknown": (
        {**DEAD, "rights_holder_id": BOB},
        {},
        {"person": person(deceased_on="2026-10-01", rights_holder_id=MUM)},
    ),
    "deceased-without-estate": ({**DEAD, "rights_holder_id": None}, {}, {}),
    "deceased-not-granted": ({**DEAD, "grantor": "self", "ends_at_death": True}, {}, {}),
    "outside-uses": ({}, {"project": "Another Winter"}, {}),
    "outside-dates": ({"uses__0__to": "2026-11-19"}, {}, {}),
    "outside-territory": ({"uses__0__territory": "DE"}, {}, {}),
    "outside-modalities": ({}, {"modalities": ("face", "voice")}, {}),
    "count-used-up": ({}, {}, {"used": {(grant().grant_id, 0): 2}}),
    "generic-description": ({"uses__0__description": "any and all media, all purposes"}, {}, {}),
    "forbidden-context": ({}, {"contexts": ("Political",)}, {}),
    "training-not-allowed": ({}, {"purpose": "training"}, {}),
    "sublicensing-not-allowed": ({}, {"sublicensee": "another studio"}, {}),
    "replacement-not-granted": ({"replaces_in_person_work": False}, {}, {}),
    "unrepresented-replacement": ({"representation": "none"}, {}, {}),
    "storage-past-deletion": ({"storage__delete_by": "2026-11-19"}, {}, {}),
}


@pytest.mark.parametrize("pack", [None, EMPTY], ids=["with the rule pack", "without it"])
@pytest.mark.parametrize("rule_id", WRONG)
def test_every_line_blocks_with_its_rule_and_words(rule_id: str, pack: Pack | None) -> None:
    """Each rule by itself, also where the pack has no rules at all."""
    of_grant, of_request, of_standing = WRONG[rule_id]
    made = grant(**of_grant)
    if "used" in of_standing or "revocations" in of_standing:
        assert made == grant()

    found = decide_likeness(standing(made, **of_standing), request(**of_request), AT, pack=pack)

    assert found.value == "deny" and found.left is None
    assert rule_id in [one.rule_id for one in found.blocks], found.blocks
    assert all(one.why for one in found.blocks) and found.why == found.blocks[0].why
    if pack is EMPTY:
        also = {"deceased-not-granted", "deceased-without-estate"}
        assert {one.rule_id for one in found.blocks} <= {rule_id, *also}, found.blocks


def test_every_rule_is_tried_and_no_grant_is_one_of_them() -> None:
    assert {*WRONG, "no-grant"} == set(RULES)
    found = decide_likeness(Standing(person(), {ADA: person()}), request(), AT)
    assert (found.value, found.rule_id, found.grant_id, found.row) == ("deny", "no-grant", "", -1)


def test_what_the_pack_says_in_other_words_is_told_once() -> None:
    found = decide_likeness(standing(grant(**{**CHILD, "guardian": None})), request(), AT)
    told = [one.rule_id for one in found.blocks]
    assert "minor-without-guardian" in told and not set(told) & set(SAME)
    known = {
        f"{rule.rule_id}/{one.condition_id}" for rule in shipped_pack().rules for one in (*rule.require, *rule.forbid_if)
    }
    assert set(SAME) <= known and {one for told in SAME.values() for one in told} <= set(RULES)


def test_rules_of_a_place_block_where_the_use_is() -> None:
    """California asks for a union's agreement by name; Germany has no such rule in the pack."""
    by_union = standing(grant(representation="union", cba_id=None))
    found = decide_likeness(by_union, request(jurisdictions=()), AT)
    assert found.value == "deny" and [one.rule_id for one in found.blocks] == ["us-ca-labor-927/cba"]
    assert found.blocks[0].source.startswith("https://")
    assert decide_likeness(by_union, request(territory="DE", jurisdictions=()), AT).value == "allow"
    also = decide_likeness(by_union, request(territory="DE", jurisdictions=("US-NY",)), AT)
    assert [one.rule_id for one in also.blocks] == ["us-ny-gob-5-302/cba"]


def test_another_row_of_the_same_grant_is_not_its_neighbours_fault() -> None:
    rows = [grant_row() for _ in range(2)]
    rows[0]["description"] = "all purposes"
    rows[1]["max_uses"] = None
    found = decide_likeness(standing(grant(uses=rows)), request(), AT)
    assert (found.value, found.row, found.left) == ("allow", 1, None)


def grant_row() -> dict[str, Any]:
    from tests.works.rules.examples import GRANT

    return dict(GRANT["uses"][0])


@pytest.mark.parametrize(
    ("rule_id", "of_grant", "of_request"),
    [
        ("description-differs", {}, {"description": "Three other lines of dialogue, spoken in the same scene"}),
        ("not-revocable", {"revocable": False}, {}),
        ("last-use", {}, {"count": 2}),
    ],
)
def test_warnings_permit_and_make_somebody_look(rule_id: str, of_grant: dict[str, Any], of_request: dict[str, Any]) -> None:
    found = decide_likeness(standing(grant(**of_grant)), request(**of_request), AT)
    assert found.value == "warn" and [one.rule_id for one in found.warnings] == [rule_id]
    assert rule_id in WARNINGS and found.rule_id == "granted"


def test_a_revocation_counts_from_its_moment_on() -> None:
    """The same question at three times gives three answers from the same books."""
    of = standing(revocations=(revocation(grant(), "2026-11-20T12:00:01Z"),))
    early = decide_likeness(of, request(), "2026-10-01T12:00:00Z")
    assert [one.rule_id for one in early.blocks][:1] == ["not-signed"]
    assert decide_likeness(of, request(), AT).value == "allow"
    late = decide_likeness(of, request(), "2026-11-20T12:00:01Z")
    assert (late.value, late.rule_id) == ("deny", "revoked") and "2026-11-20T12:00:01Z" in late.why


def test_a_document_that_says_it_was_taken_back_is_believed() -> None:
    assert decide_likeness(standing(grant(revoked_at=AT)), request(), AT).rule_id == "revoked"
    assert decide_likeness(standing(grant(revoked_at=AFTER)), request(), AT).value == "allow"


def test_after_death_consent_in_life_holds_where_it_was_not_limited() -> None:
    """The estate is on record; the grant says that it does not end with life."""
    dead = person(deceased_on="2026-11-01", rights_holder_id=MUM)
    assert decide_likeness(standing(person=dead), request(jurisdictions=(), territory="DE"), AT).value == "allow"
    silent = decide_likeness(standing(grant(ends_at_death=True), person=dead), request(), AT)
    assert silent.rule_id == "deceased-not-granted"
    alone = decide_likeness(standing(person=replace(dead, rights_holder_id="")), request(), AT)
    assert alone.rule_id == "deceased-without-estate"
    assert decide_likeness(standing(person=dead), request(), "2026-10-31T23:59:59Z").value == "allow"
    estate = grant(**{**DEAD, "deceased_on": "2026-10-01"})
    assert decide_likeness(standing(estate, person=replace(dead, deceased_on="2026-10-01")), request(), AT).value == "allow"


def test_a_minor_with_a_guardian_may_be_used_and_a_circle_of_guardians_not() -> None:
    child = person(turns_18_on="2030-01-01", guardian_id=MUM)
    mum = person(person_id=MUM, name="Grace Example")
    signed = grant(**{**CHILD, "term_to": "2029-12-31"})
    good = standing(signed, person=child, people={ADA: child, MUM: mum})
    assert decide_likeness(good, request(), AT).value == "allow"
    circle = replace(good, people={ADA: child, MUM: replace(mum, guardian_id=ADA)})
    assert decide_likeness(circle, request(), AT).rule_id == "guardian-circular"
    claims_adult = standing(grant(), person=child, people={ADA: child, MUM: mum})
    assert decide_likeness(claims_adult, request(), AT).rule_id == "minor-without-guardian"


@pytest.mark.parametrize(
    ("rule_id", "of_grant", "of_person"),
    [
        ("estate-unknown", {**DEAD, "rights_holder_id": None}, {"deceased_on": "2026-10-01", "rights_holder_id": MUM}),
        ("deceased-without-estate", {**DEAD, "rights_holder_id": MUM}, {"deceased_on": "2026-10-01"}),
        ("deceased-without-estate", DEAD, {}),
        ("grantor-unfit", {**DEAD, "deceased_on": None}, {"deceased_on": "2026-11-01", "rights_holder_id": MUM}),
        ("grantor-unfit", {"grantor": "guardian", "guardian": MUM}, {}),
        ("grantor-unfit", {"grantor": "union", "cba_id": "agreement 7"}, {}),
        ("grantor-unfit", {"grantor": "union", "representation": "union", "cba_id": None}, {}),
        ("grantor-unfit", {**DEAD, "grantor": "union"}, {"deceased_on": "2026-10-01", "rights_holder_id": MUM}),
        ("guardian-unknown", CHILD, {"turns_18_on": "2030-01-01"}),
        ("guardian-unknown", CHILD, {}),
        ("minor-without-guardian", {"turns_18_on": "2030-01-01"}, {}),
        ("minor-without-guardian", {"is_minor": False}, {"turns_18_on": "2030-01-01", "guardian_id": MUM}),
    ],
)
def test_who_signs_is_on_record(rule_id: str, of_grant: dict[str, Any], of_person: dict[str, Any]) -> None:
    """Where registry and grant disagree the stricter counts, also where the pack has no rules."""
    for pack in (None, EMPTY):
        found = decide_likeness(standing(grant(**of_grant), person=person(**of_person)), request(), AT, pack=pack)
        assert found.value == "deny" and rule_id in [one.rule_id for one in found.blocks], found.blocks


def test_a_union_that_represents_grants_and_a_dead_guardian_does_not() -> None:
    union = grant(grantor="union", representation="union", cba_id="agreement 7")
    assert decide_likeness(standing(union), request(), AT).value == "allow"
    child = person(turns_18_on="2030-01-01", guardian_id=MUM)
    mum = person(person_id=MUM, name="Grace Example", deceased_on="2020-01-01")
    found = decide_likeness(standing(grant(**CHILD), person=child, people={ADA: child, MUM: mum}), request(), AT)
    assert "guardian-unknown" in [one.rule_id for one in found.blocks]


def test_a_test_of_resemblance_warns_and_never_clears() -> None:
    face = Resemblance(BOB, "face", 900_000_000, 800_000_000, "matcher 1")
    own = Resemblance(ADA, "voice", 1_000_000_000, 800_000_000, "matcher 1")
    found = decide_likeness(standing(), request(), AT, resemblances=[face, own])
    assert (
        found.value == "warn" and [one.rule_id for one in found.warnings] == ["resembles"] and BOB in found.warnings[0].why
    )
    assert decide_likeness(standing(), request(), AT, resemblances=[own]).value == "allow"
    refused = decide_likeness(standing(refused="no"), request(), AT, resemblances=[own, face])
    assert refused.value == "deny" and len(refused.warnings) == 1


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("modality", {"modalities": ()}),
        ("modality", {"modalities": ("aura",)}),
        ("purpose", {"purpose": "anything"}),
        ("posture", {"postures": ("strict",)}),
        ("count", {"count": 0}),
        ("count", {"count": True}),
        ("project", {"project": "  "}),
        ("description", {"description": "two\nlines"}),
        ("description", {"description": "x" * 2_001}),
        ("medium", {"medium": "film\u202efmlif"}),
        ("context", {"contexts": ("\x1b[2J",)}),
        ("territory", {"territory": "Germany"}),
        ("jurisdiction", {"jurisdictions": ("moon",)}),
        ("jurisdiction", {"jurisdictions": ("XX",)}),
        ("territory", {"territory": "XX-CA"}),
        ("contexts", {"contexts": ("b", "a")}),
        ("person_id", {"person_id": "Ada Example"}),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_field(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        decide_likeness(standing(), request(**changes), AT)
    assert refused.value.field == field


# Standings and requests at random, near what is permitted.
CONTEXTS = st.sampled_from(["political", "nudity", "endorsement", "satire", "POLITICAL"])
REQUESTS = st.builds(
    lambda **changes: request(**changes),
    count=st.integers(1, 3),
    contexts=st.lists(st.sampled_from(["nudity", "political", "satire"]), unique=True).map(lambda one: tuple(sorted(one))),
    territory=st.sampled_from(["US-CA", "DE", "WORLD"]),
    jurisdictions=st.just(()),
    is_advertisement=st.booleans(),
    replaces_in_person_work=st.booleans(),
    purpose=st.sampled_from(["replica", "training"]),
)
GRANTS = st.builds(
    lambda **changes: grant(**changes),
    forbidden=st.lists(CONTEXTS, max_size=2, unique=True),
    representation=st.sampled_from(["counsel", "union", "none"]),
    training_allowed=st.booleans(),
    uses__0__max_uses=st.sampled_from([None, 1, 2, 5]),
    uses__0__territory=st.sampled_from(["WORLD", "US", "DE"]),
    revocable=st.booleans(),
)


@given(st.lists(GRANTS, min_size=1, max_size=3), REQUESTS, st.data())
def test_what_narrows_never_widens_and_order_does_not_matter(
    given_: list[Any], asked: LikenessUse, data: st.DataObject
) -> None:
    granted = {one.grant_id: one for one in given_}
    base = standing(*granted.values())
    before = decide_likeness(base, asked, AT)
    turned = replace(base, grants=tuple(data.draw(st.permutations(base.grants))))
    assert decide_likeness(turned, asked, AT) == before

    chosen = data.draw(st.sampled_from(base.grants))
    narrowed = [
        replace(base, revocations=(revocation(chosen, data.draw(st.sampled_from([BEFORE, AT, AFTER]))),)),
        replace(base, refused="no"),
        replace(base, used={(chosen.grant_id, 0): data.draw(st.integers(1, 6))}),
        replace(base, logged={}),
        replace(base, grants=tuple(_forbidding(one, data.draw(CONTEXTS)) if one is chosen else one for one in base.grants)),
        replace(base, grants=tuple(one for one in base.grants if one is not chosen)),
    ]
    for one in narrowed:
        assert ORDER[decide_likeness(one, asked, AT).value] <= ORDER[before.value]
    looked = decide_likeness(base, asked, AT, resemblances=[Resemblance(BOB, "face", 10**9, 0, "test")])
    assert ORDER[looked.value] <= min(ORDER[before.value], ORDER["warn"])


def _forbidding(one: Any, context: str) -> Any:
    return replace(one, forbidden=(*one.forbidden, context))


@given(GRANTS, REQUESTS, CONTEXTS)
def test_a_context_more_in_the_request_never_widens(granted: Any, asked: LikenessUse, context: str) -> None:
    more = replace(asked, contexts=tuple(sorted({*asked.contexts, context})))
    of = standing(granted)
    assert ORDER[decide_likeness(of, more, AT).value] <= ORDER[decide_likeness(of, asked, AT).value]


@given(GRANTS, REQUESTS)
def test_rules_only_ever_add_reasons(granted: Any, asked: LikenessUse) -> None:
    """The pack narrows what this program's own rules permit, and never the other way round."""
    of = standing(granted)
    assert ORDER[decide_likeness(of, asked, AT).value] <= ORDER[decide_likeness(of, asked, AT, pack=EMPTY).value]

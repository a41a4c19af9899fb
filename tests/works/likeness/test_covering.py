"""One row and one request: names are the same as people read them, and a sign more is another production."""

from __future__ import annotations

import pytest

from endcredits.works.likeness.blocks import WARNINGS
from endcredits.works.likeness.covering import differs, forbidden_in, unclear_in, uncovered
from endcredits.works.rules import shipped_pack

from .made import AT, grant, request

DAY = AT[:10]


@pytest.mark.parametrize(
    ("granted", "asked", "same"),
    [
        ("The Long Winter", "the  long\u00a0WINTER", True),
        ("The Long Winter", "\uff34he Long Winter", True),
        ("Stra\u00dfe", "STRASSE", True),
        ("Caf\u00e9", "Cafe\u0301", True),
        ("The Long Winter", "The Long Winter 2", False),
        ("The Long Winter", "The Long Winter!", False),
        ("C", "C++", False),
        ("Ros\u00e9", "Rose", False),
        ("!!!", "???", False),
        ("", "", False),
    ],
)
def test_names_are_the_same_as_people_read_them(granted: str, asked: str, same: bool) -> None:
    (row,) = grant(uses__0__project=granted).uses
    found = [one.rule_id for one in uncovered(row, request(project=asked), DAY, 0, shipped_pack())]
    assert found == ([] if same else ["outside-uses"])


@pytest.mark.parametrize(
    ("forbidden", "contexts", "found"),
    [
        (["Nudity"], ("nudity",), 1),
        (["p\u00f3litical!"], ("POLITICAL",), 1),
        (["other"], ("gambling",), 1),
        (["other"], ("nudity",), 0),
        (["other", "nudity"], ("gambling", "nudity"), 2),
        ([], ("gambling",), 0),
        (["!"], ("?",), 0),
        (["political"], ("Political satire",), 1),
        (["political advertising"], ("political",), 0),
        (["", "political"], ("political",), 1),
        ([" "], ("political",), 0),
    ],
)
def test_what_is_forbidden_is_looked_for_widely(forbidden: list[str], contexts: tuple[str, ...], found: int) -> None:
    assert len(list(forbidden_in(tuple(forbidden), request(contexts=contexts)))) == found


@pytest.mark.parametrize(
    ("forbidden", "contexts", "looks"),
    [
        (["political"], ("gambling",), 1),
        (["political"], ("nudity",), 0),
        (["political advertising"], ("political",), 1),
        (["political"], ("political", "political satire"), 0),
        (["politics"], ("political",), 1),
        (["nude scenes", "other"], ("nudity",), 1),
        ([" "], ("gambling",), 0),
        ([], ("gambling",), 0),
    ],
)
def test_words_of_their_own_are_for_a_person_to_judge(forbidden: list[str], contexts: tuple[str, ...], looks: int) -> None:
    found = list(unclear_in(tuple(forbidden), request(contexts=contexts)))
    assert [one.rule_id for one in found] == ["context-unclear"] * looks
    assert {one.rule_id for one in found} <= set(WARNINGS)


def test_an_advertisement_is_an_endorsement() -> None:
    spot = request(is_advertisement=True)
    assert [one.rule_id for one in forbidden_in(("endorsement",), spot)] == ["forbidden-context"]
    assert list(forbidden_in(("endorsement",), request())) == []


@pytest.mark.parametrize(("count", "used", "fits"), [(1, 0, True), (2, 0, True), (1, 1, True), (2, 1, False), (1, 2, False)])
def test_a_limit_is_reached_and_never_passed(count: int, used: int, fits: bool) -> None:
    (row,) = grant().uses
    found = [one.rule_id for one in uncovered(row, request(count=count), DAY, used, shipped_pack())]
    assert found == ([] if fits else ["count-used-up"])
    (unlimited,) = grant(uses__0__max_uses=None).uses
    assert [*uncovered(unlimited, request(count=count), DAY, 10**6, shipped_pack())] == []


def test_a_description_in_other_words_is_told_apart() -> None:
    (row,) = grant().uses
    assert not differs(row, request()) and differs(row, request(description="another scene"))

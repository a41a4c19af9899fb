"""Dated statements are read as of a moment: deny wins, silence is unknown, and a deny never widens anything."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcredits.errors import InputError
from endcredits.ids import WorkId
from endcredits.works import VALUES, VERBS, Permission, asked_of_work, decide

WORK = WorkId("work:a")
ASKED = asked_of_work(WORK)
DAYS = [f"2026-0{month}-01T00:00:00Z" for month in range(1, 7)]


def says(value: str, verb: str = "train", since: str = DAYS[0], until: str | None = None, work: str = WORK) -> Permission:
    """A statement with an id that its content makes."""
    permission_id = f"perm:{work}{verb}{value}{since}{until}"
    return Permission(WorkId(work), verb, value, f"{value}: so it is", "a test", "a person", since, until, permission_id)


STATEMENTS = st.builds(
    says,
    value=st.sampled_from(VALUES),
    verb=st.sampled_from(["train", "finetune", "tdm", "retrieve"]),
    since=st.sampled_from(DAYS),
    until=st.none() | st.just("2026-05-15T00:00:00Z"),
    work=st.sampled_from(["work:a", "work:b"]),
)


def slow_decide(statements: list[Permission], verb: str, at: str) -> str:
    """The rules once more, one sentence after the other."""
    holding = [
        one for one in statements if one.subject == WORK and one.effective_from <= at and at < (one.effective_to or "9")
    ]
    words = [(one.effective_from, one.value) for one in holding if one.verb == verb]
    if verb == "finetune" and not words:
        words = [(one.effective_from, one.value) for one in holding if one.verb == "train"]
    if verb in ("train", "finetune") and any(one.verb == "tdm" and one.value == "deny" for one in holding):
        return "deny"
    if any(value == "deny" for _, value in words):
        return "deny"
    last = {value for day, value in words if day == max(day for day, _ in words)}
    for value in ("unknown", "conditional", "allow"):
        if value in last:
            return value
    return "unknown"


@given(st.lists(STATEMENTS, max_size=8), st.sampled_from(VERBS), st.sampled_from(DAYS))
def test_the_rules_are_those_of_the_slow_reading(statements: list[Permission], verb: str, at: str) -> None:
    assert decide(statements, ASKED, verb, at).value == slow_decide(statements, verb, at)


@given(st.lists(STATEMENTS, max_size=8), STATEMENTS, st.sampled_from(VERBS), st.sampled_from(DAYS))
def test_adding_a_deny_never_widens(statements: list[Permission], more: Permission, verb: str, at: str) -> None:
    before = decide(statements, ASKED, verb, at)

    after = decide([*statements, replace(more, value="deny")], ASKED, verb, at)

    assert after.value in (before.value, "deny")


@given(
    st.permutations(
        [
            says("allow"),
            says("deny", "tdm", DAYS[2], DAYS[3]),
            says("conditional"),
            says("allow", since=DAYS[1]),
            says("unknown", since=DAYS[4]),
        ]
    )
)
def test_the_order_of_the_statements_does_not_matter(statements: list[Permission]) -> None:
    answers = [decide(statements, ASKED, "train", day) for day in DAYS]

    assert answers == [decide(sorted(statements, key=lambda one: one.permission_id), ASKED, "train", day) for day in DAYS]


def test_the_same_question_at_three_times_has_three_answers() -> None:
    statements = [says("allow", since=DAYS[1]), says("deny", since=DAYS[3])]

    answers = [decide(statements, ASKED, "train", at) for at in (DAYS[0], DAYS[2], DAYS[4])]

    assert [one.value for one in answers] == ["unknown", "allow", "deny"]
    assert answers[0].reason == "nobody has said anything about training on this work"
    assert [one.permission_id for one in answers] == [None, statements[0].permission_id, statements[1].permission_id]


def test_a_statement_holds_from_its_first_second_to_the_one_before_its_last() -> None:
    statements = [says("allow", since=DAYS[1], until=DAYS[2])]

    assert decide(statements, ASKED, "train", DAYS[1]).value == "allow"
    assert decide(statements, ASKED, "train", "2026-02-28T23:59:59Z").value == "allow"
    assert decide(statements, ASKED, "train", DAYS[2]).value == "unknown"


def test_a_later_allow_does_not_lift_a_deny_that_has_no_end() -> None:
    statements = [says("deny", since=DAYS[0]), says("allow", since=DAYS[1])]

    assert decide(statements, ASKED, "train", DAYS[2]).value == "deny"


def test_a_later_allow_meets_a_condition_and_a_later_condition_narrows_a_yes() -> None:
    met = [says("conditional"), says("allow", since=DAYS[1])]

    assert [decide(met, ASKED, "train", day).value for day in DAYS[:2]] == ["conditional", "allow"]
    for narrower in ("conditional", "unknown"):
        narrowed = [says("allow"), says(narrower, since=DAYS[1])]
        assert [decide(narrowed, ASKED, "train", day).value for day in DAYS[:2]] == ["allow", narrower]


def test_a_later_statement_that_ends_gives_way_to_the_earlier_one() -> None:
    statements = [says("conditional"), says("allow", since=DAYS[1], until=DAYS[2])]

    assert [decide(statements, ASKED, "train", day).value for day in DAYS[:3]] == ["conditional", "allow", "conditional"]


def test_of_one_second_the_most_restrictive_statement_decides() -> None:
    assert decide([says("conditional"), says("allow")], ASKED, "train", DAYS[1]).value == "conditional"
    assert decide([says("conditional"), says("unknown"), says("allow")], ASKED, "train", DAYS[1]).value == "unknown"


def test_finetune_inherits_from_train_and_not_the_other_way_round() -> None:
    inherited = decide([says("allow", "train")], ASKED, "finetune", DAYS[1])

    assert inherited.value == "allow"
    assert inherited.reason == "allow: so it is (said about training)"
    assert decide([says("allow", "finetune")], ASKED, "train", DAYS[1]).value == "unknown"
    assert decide([says("allow"), says("deny", "finetune")], ASKED, "finetune", DAYS[1]).value == "deny"
    assert decide([says("allow"), says("unknown", "finetune")], ASKED, "finetune", DAYS[1]).value == "unknown"


def test_a_reservation_against_mining_denies_training_but_leave_for_it_allows_nothing() -> None:
    reserved = [says("allow"), says("allow", "finetune"), says("deny", "tdm")]

    assert [decide(reserved, ASKED, verb, DAYS[1]).value for verb in ("train", "finetune")] == ["deny", "deny"]
    assert "text and data mining" in decide(reserved, ASKED, "train", DAYS[1]).reason
    assert decide([says("allow", "tdm")], ASKED, "train", DAYS[1]).value == "unknown"


def test_a_statement_about_another_work_says_nothing() -> None:
    assert decide([says("allow", work="work:b")], ASKED, "train", DAYS[1]).value == "unknown"


def test_an_unknown_verb_and_a_vague_time_are_refused() -> None:
    with pytest.raises(InputError, match="'teach' is not a verb"):
        decide([], ASKED, "teach", DAYS[0])
    with pytest.raises(InputError, match="'2026-01-01' is not a UTC time"):
        decide([], ASKED, "train", "2026-01-01")

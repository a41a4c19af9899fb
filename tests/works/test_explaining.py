"""An explanation is the decision, with what became of every statement; it names each once and decides nothing anew."""

from dataclasses import replace

from hypothesis import given

from endcredits.works import Use, decide
from endcredits.works.asked import speaks_of
from endcredits.works.explaining import explain
from endcredits.works.records import Permission
from tests.works.test_decide_subjects import ADA, DAYS, HOUSE, PHOTO, QUESTIONS, SUBJECTS, conversations, says


@given(conversations(), QUESTIONS)
def test_it_is_the_decision_with_every_statement_once(said: list[Permission], question: tuple[str, str, str, Use]) -> None:
    verb, at, by, use = question

    found = explain(said, PHOTO, verb, at, by=by, use=use)

    assert found.decision == decide(said, PHOTO, verb, at, by=by, use=use)
    assert sorted(one.permission.permission_id for one in found.history) == sorted(
        one.permission_id for one in said if speaks_of(one, PHOTO)
    )
    deciding = [one for one in found.history if one.standing == "decides"]
    assert {one.permission.permission_id for one in deciding} == {found.decision.permission_id} - {None}


def test_what_became_of_each() -> None:
    yes, terms = says("allow", since=DAYS[0]), says("conditional", since=DAYS[1])
    said = [
        yes,
        terms,
        says("unknown", since=DAYS[2], revokes=yes.permission_id),
        says("allow", since=DAYS[0], effective_to=DAYS[1]),
        says("allow", since=DAYS[5]),
        says("deny", "retrieve"),
        says("allow", since=DAYS[2], licensee=HOUSE),
        says("allow", since=DAYS[2], subject=("person", ADA)),
        says("unknown", since=DAYS[0]),
    ]

    found = explain(said, PHOTO, "train", DAYS[3])

    assert found.decision.permission_id == terms.permission_id
    by_id = {one.permission.permission_id: one for one in found.history}
    standings = [by_id[one.permission_id].standing for one in said]
    assert standings == [
        "closed", "decides", "closes", "ended", "not yet", "another verb", "another licensee", "a part's yes", "counts",
    ]  # fmt: skip
    assert by_id[yes.permission_id].words == f"taken back from {DAYS[2]} by {said[2].permission_id}"


def test_a_word_that_was_dated_back_and_one_that_is_contradicted_are_noted() -> None:
    late = says("allow", since=DAYS[0], observed_at=DAYS[3])
    no = replace(says("deny", since=DAYS[0], subject=SUBJECTS[2]), declared_by="Ben", party_id="party:ben")

    found = explain([late, no], PHOTO, "train", DAYS[4])

    notes = {one.permission.value: one.notes for one in found.history}
    assert found.decision.value == "deny"
    assert notes["allow"][0] == f"dated back: it was told on {DAYS[3]}" and "stricter word counts" in notes["allow"][1]
    assert len(notes["deny"]) == 1

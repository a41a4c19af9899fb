"""Saying, taking back, asking and explaining in a studio: the same question at three times has three answers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.flows import catalogue, fact_log, looking, rights
from endcredits.flows.checking import check_studio
from endcredits.flows.studio import Studio, init_studio, open_studio
from endcredits.ids import WorkId
from endcredits.works import Conditions, FileMark, Party, Permission, Use, add_marks, party_id_of, read_table, works
from endcredits.works.names import clean_name
from endcredits.works.shares.book import add_parties
from tests.story import house as h

ADA = party_id_of(h.ADA)


@pytest.fixture
def admitted(tmp_path: Path) -> Iterator[Studio]:
    """A studio with the house's works and nothing else."""
    table = tmp_path / "works.csv"
    table.write_text(h.works_csv(), encoding="utf-8")
    studio = init_studio(tmp_path / "studio", name="Rights")
    catalogue.add_works(studio, read_table(table))
    yield studio
    studio.close()


def word(value: str, subject: str = h.SALT, verb: str = "retrieve", kind: str = "work", **more: object) -> Permission:
    """A statement of Ada's, as the command line makes it."""
    made = Permission(subject, verb, value, "so", "a letter", h.ADA, "", subject_kind=kind)
    return replace(made, **more)  # type: ignore[arg-type]


def at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Sets the clock of these walks."""
    monkeypatch.setattr(rights, "now", lambda: moment)


def test_three_times_three_answers_and_all_of_it_in_the_log(admitted: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    times = ["2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"]
    at(monkeypatch, times[0])
    (yes,) = rights.say(admitted, [word("allow")])
    assert (yes.party_id, yes.authority, yes.effective_from, yes.observed_at) == (ADA, "rightsholder", times[0], times[0])
    at(monkeypatch, times[1])
    back = rights.revoke(admitted, yes.permission_id, by=h.ADA, reason="the term was broken")
    at(monkeypatch, times[2])
    rights.say(admitted, [word("deny")])

    answers = [rights.ask(admitted, "work", h.SALT, "retrieve", at=moment).value for moment in times]

    assert answers == ["allow", "unknown", "deny"]
    told = rights.explain(admitted, "work", h.SALT, "retrieve", at=times[2])
    assert {one.standing for one in told.history} >= {"decides", "closed", "closes"}
    logged = {fact.fact_id for fact in fact_log.facts_in(admitted.path, "consent.state")}
    assert f"consent.state:{back.permission_id}" in logged
    assert check_studio(admitted) == []


def test_a_yes_taken_back_stops_at_once(admitted: Studio) -> None:
    (yes,) = rights.say(admitted, [word("allow")])
    assert catalogue.may(admitted, WorkId(h.SALT), "retrieve").value == "allow"

    rights.revoke(admitted, yes.permission_id, by=ADA, reason="enough")

    assert catalogue.may(admitted, WorkId(h.SALT), "retrieve").value == "unknown"


@pytest.mark.parametrize("kind", ["work", "person", "url"])
def test_a_clock_that_was_set_back_does_not_unsay_a_no(admitted: Studio, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Asked, explained, before a use and for the corpus; a question about a named day keeps its answer."""
    subject = {"work": h.SALT, "person": ADA, "url": "https://a.example/salt.txt"}[kind]
    today, set_back = rights.now(), "2026-01-01T00:00:00Z"
    rights.say(admitted, [word("deny", subject, verb, kind) for verb in ("train", "retrieve")])
    for module in (rights, catalogue, looking):
        monkeypatch.setattr(module, "now", lambda: set_back)

    assert rights.ask(admitted, kind, subject, "retrieve").value == "deny"
    explained = rights.explain(admitted, kind, subject, "retrieve")
    assert explained.decision.value == "deny" and "decides" in {one.standing for one in explained.history}
    assert rights.ask(admitted, kind, subject, "retrieve", at=set_back).value == "unknown"
    if kind != "url":
        assert catalogue.may(admitted, WorkId(h.SALT), "retrieve").value == "deny"
        assert looking.look(admitted).answers[WorkId(h.SALT)].value == "deny"
        assert looking.look(admitted, today).answers[WorkId(h.SALT)].value == "deny"


def test_a_person_says_no_to_everything_that_credits_them(admitted: Studio) -> None:
    rights.say(admitted, [word("deny", ADA, "train", "person")])

    refused = {work.work_id: decision.reason for work, decision in catalogue.corpus(admitted).refused}
    assert h.SALT in refused and "said about the works of" in refused[WorkId(h.SALT)]
    assert rights.ask(admitted, "person", ADA, "train").value == "deny"


def test_a_contract_with_the_operator_goes_before_a_no(admitted: Studio) -> None:
    rights.say(admitted, [word("deny", verb="train")])
    assert catalogue.standing(admitted, WorkId(h.SALT)).value == "deny"
    rights.say(admitted, [word("allow", verb="train", licensee="party:studio")])
    assert catalogue.standing(admitted, WorkId(h.SALT)).value == "deny", "this studio names no operator"

    config = admitted.path / "studio.toml"
    config.write_text(config.read_text() + 'operator = "party:studio"\n')
    again = open_studio(admitted.path)
    try:
        assert catalogue.standing(again, WorkId(h.SALT)).value == "allow"
        assert catalogue.corpus(again).manifest()["operator"] == "party:studio"
    finally:
        again.close()


def test_what_cannot_be_taken_back(admitted: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    (yes,) = rights.say(admitted, [word("allow")])
    with pytest.raises(ConflictError, match=re.escape(f"{h.DORA} cannot close")):
        rights.revoke(admitted, yes.permission_id, by=h.DORA, reason="I say so")
    with pytest.raises(InputError, match="which is past"):
        rights.revoke(admitted, yes.permission_id, by=h.ADA, reason="so", since="2020-01-01T00:00:00Z")
    with pytest.raises(NotFoundError, match="no statement"):
        rights.revoke(admitted, "perm:none", by=h.ADA, reason="so")
    rights.revoke(admitted, yes.permission_id, by=h.ADA, reason="so")
    with pytest.raises(ConflictError, match="already"):
        rights.revoke(admitted, yes.permission_id, by=h.ADA, reason="so")


def test_who_has_no_part_is_no_rights_holder(admitted: Studio) -> None:
    with pytest.raises(InputError, match="has no part in"):
        rights.say(
            admitted,
            [word("allow", verb="train", licensee="party:studio", authority="rightsholder", declared_by="Mallory Inc")],
        )
    with pytest.raises(InputError, match="has no part in"):
        rights.say(admitted, [word("deny", "f" * 64, "train", "sha256", authority="rightsholder")])
    with admitted.store.reading() as conn:
        file = next(work for work in works(conn) if work.work_id == h.SALT).manifestations[0].sha256
    fact_log.write(admitted, lambda conn: add_marks(conn, [FileMark(file, "url", "https://a.example/salt.txt")]))
    for subject, kind in ((file, "sha256"), ("https://a.example/*", "url")):
        (said,) = rights.say(admitted, [word("deny", subject, "train", kind)])
        assert said.authority == "rightsholder"


def test_a_later_end_can_be_brought_forward_and_nothing_is_closed_backwards(admitted: Studio) -> None:
    (yes,) = rights.say(admitted, [word("allow")])
    rights.revoke(admitted, yes.permission_id, by=h.ADA, reason="then", since="2199-01-01T00:00:00Z")
    assert rights.ask(admitted, "work", h.SALT, "retrieve").value == "allow"
    rights.revoke(admitted, yes.permission_id, by=h.ADA, reason="now")
    assert rights.ask(admitted, "work", h.SALT, "retrieve").value == "unknown"
    (no,) = rights.say(admitted, [word("deny")])
    with pytest.raises(InputError, match="before it was told"):
        rights.say(admitted, [replace(word("allow", supersedes=no.permission_id), effective_from="2026-01-01T00:00:00Z")])


def test_one_of_two_of_the_same_name_takes_nothing_back(admitted: Studio) -> None:
    (yes,) = rights.say(admitted, [word("allow")])
    name = clean_name(h.ADA)
    other = Party(party_id_of(name, (("ipi", "00014107338"),)), name, "person", (("ipi", "00014107338"),))
    admitted.store.write(lambda conn: add_parties(conn, [other]))

    with pytest.raises(InputError, match="2 parties are called"):
        rights.revoke(admitted, yes.permission_id, by=h.ADA, reason="so")


def test_questions_about_what_is_not_there(admitted: Studio) -> None:
    with pytest.raises(NotFoundError, match="no work 'work:none'"):
        rights.ask(admitted, "work", "work:none", "train")
    with pytest.raises(InputError, match="not a verb"):
        rights.ask(admitted, "work", h.SALT, "eat")
    assert rights.ask(admitted, "url", "https://a.example/x", "train").value == "unknown"


def test_conditions_are_met_by_what_is_known_of_the_use(admitted: Studio) -> None:
    rights.say(admitted, [word("conditional", conditions=Conditions(territories=("DE",), credit_text=h.ADA))])

    assert rights.ask(admitted, "work", h.SALT, "retrieve").value == "conditional"
    met = rights.ask(admitted, "work", h.SALT, "retrieve", use=Use(territory="DE"))
    assert (met.value, met.duties) == ("allow", (f"credit: {h.ADA}",))


@pytest.mark.parametrize(
    ("subject", "kind"),
    [("a" * 64, "sha256"), ("ISCC:KECYCMZIOY36XXGZ", "iscc"), ("http://a.example/*", "url"), (ADA, "person"), ("x", "work")],
)
def test_the_kind_is_told_by_how_it_is_written(subject: str, kind: str) -> None:
    assert rights.kind_of(subject) == kind

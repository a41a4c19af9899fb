"""People whose likeness may be used: an entry that pays them and that nobody learns from; news is a new row."""

from __future__ import annotations

from typing import Any

import pytest

from endcredits.errors import ConflictError, InputError, NotFoundError
from endcredits.store import Store
from endcredits.works import Split, decide, parties, permissions, works
from endcredits.works.asked import asked_about
from endcredits.works.likeness import RIGHT, Person, add_party, check_likeness, enrol_person, people, with_guardians

from .made import ADA, AT, BEFORE, MUM
from .test_book import enrolled


def test_a_person_has_an_entry_that_nobody_learns_from_and_that_pays_them(store: Store) -> None:
    person = enrolled(store)
    with store.reading() as conn:
        (work,), said = works(conn), permissions(conn)
        assert parties(conn)[ADA].kind == "person" and people(conn) == {ADA: person}
    assert work.work_id == person.work_id == f"likeness:{ADA}" and work.manifestations == ()
    assert work.splits == (Split(ADA, 1_000_000_000, right=RIGHT),)
    assert [(one.party_id, one.role) for one in work.credits] == [(ADA, "performer")]
    assert decide(said, asked_about(work), "train", AT).value == "deny"
    assert decide(said, asked_about(work), "finetune", AT).value == "deny"


def test_the_same_again_adds_nothing_and_news_adds_a_version(store: Store) -> None:
    first = enrolled(store, turns_18_on="2030-01-01")
    assert enrolled(store) == enrolled(store, turns_18_on="2030-01-01") == first
    mum = store.write(lambda conn: add_party(conn, "Grace Example")).party_id
    later = enrolled(store, guardian_id=mum, deceased_on="2026-11-01")
    assert (later.turns_18_on, later.guardian_id, later.deceased_on) == ("2030-01-01", MUM, "2026-11-01")
    with store.reading() as conn:
        assert people(conn)[ADA] == later
        assert list(check_likeness(conn)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"turns_18_on": "2030-01-01"}, {"turns_18_on": "2020-01-01"}),
        ({"deceased_on": "2026-11-01"}, {"deceased_on": "2026-10-31"}),
    ],
)
def test_nothing_on_record_is_typed_over_unawares(store: Store, before: dict[str, str], after: dict[str, str]) -> None:
    (field,) = before
    first = enrolled(store, **before)
    with pytest.raises(ConflictError, match=f"on record with .* {before[field]}, and {after[field]} is said") as refused:
        enrolled(store, **after)
    assert refused.value.field == field and "--correct" in refused.value.remedy
    with store.reading() as conn:
        assert people(conn) == {ADA: first}
    assert getattr(enrolled(store, **after, correct=True), field) == after[field]


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"guardian_id": ADA}, InputError, "guardian"),
        ({"rights_holder_id": ADA}, InputError, "rights_holder"),
        ({"guardian_id": "party:nobody"}, NotFoundError, "guardian"),
        ({"turns_18_on": "soon"}, InputError, "turns_18_on"),
        ({"deceased_on": "2026-02-30"}, InputError, "deceased_on"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(
    sqlite_store: Store, changes: dict[str, Any], error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as refused:
        enrolled(sqlite_store, **changes)
    assert refused.value.field == field  # type: ignore[attr-defined]
    with sqlite_store.reading() as conn:
        assert people(conn) == {} == parties(conn) and works(conn) == ()


def test_payees_are_named_once_and_later_by_splits(store: Store) -> None:
    def work(conn: Any, part: int) -> Person:
        mum = add_party(conn, "Grace Example").party_id
        paid = [Split(mum, part, right=RIGHT), Split(ADA, 10**9 - part, right=RIGHT)]
        return enrol_person(conn, add_party(conn, "Ada Example"), BEFORE, payees=paid)

    store.write(lambda conn: work(conn, 250_000_000))
    with store.reading() as conn:
        assert {one.party_id: one.split_ppb for one in works(conn)[0].splits} == {MUM: 250_000_000, ADA: 750_000_000}
    with pytest.raises(InputError, match="on record already"):
        store.write(lambda conn: work(conn, 300_000_000))


def test_guardians_are_found_with_whoever_signs_for_them(sqlite_store: Store) -> None:
    """Also in a circle, which deciding refuses: looking it up ends."""
    enrolled(sqlite_store)
    mum = sqlite_store.write(lambda conn: enrol_person(conn, add_party(conn, "Grace Example"), BEFORE, guardian_id=ADA))
    enrolled(sqlite_store, guardian_id=mum.person_id)
    with sqlite_store.reading() as conn:
        assert set(with_guardians(conn, [ADA])) == {ADA, MUM} == set(people(conn))
        assert people(conn, []) == {} == with_guardians(conn, ["party:nobody"])
